/* SPDX-License-Identifier: GPL-2.0-or-later */
/* csv.c - flightrec export --to csv: a file per stream, and a manifest. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dump/export_csv.h"
#include "dump/view_filter.h"

#define FILES_MAX      32 /* streams of a view */
#define PROGRESS_EVERY 8192

extern const struct exporter_ops exporter_csv;

struct csv {
	struct export_job *job;
	struct csv_file files[FILES_MAX];
	unsigned nr;
	struct csv_file *by_stream[FILES_MAX];
	struct csv_spec spec;
	unsigned system; /* stream of device_spec.txt, or VIEW_NO_COLUMN */
};

/* "FOLDER/nw/nw_events.csv", with its folder. */
static int open_file(struct csv *x, struct csv_file *f)
{
	char *where = x->job->where, *slash;
	int n = snprintf(where, PATH_MAX, "%s/%s", x->job->folder, f->path);

	if (n < 0 || n >= PATH_MAX)
		return -ENAMETOOLONG;
	slash = strrchr(where, '/');
	*slash = 0;
	if (mkdir(where, 0750) < 0 && errno != EEXIST)
		return -errno;
	*slash = '/';
	f->out = export_open(where);
	return f->out ? 0 : -errno;
}

static int add_file(struct csv *x, const struct csv_layout *layout,
		    unsigned stream, const char *path)
{
	struct csv_file *f = &x->files[x->nr];
	int err;

	*f = (struct csv_file){ .stream = stream };
	f->made = *layout;
	f->layout = &f->made;
	snprintf(f->path, sizeof(f->path), "%s", path);
	err = open_file(x, f);
	x->nr++;
	if (err)
		return err;
	x->by_stream[stream] = f;
	csv_bind(f, x->job->v);
	csv_header(f);
	return 0;
}

/* Those of the tables that are wanted and that these snapshots can have. */
static int add_known(struct csv *x)
{
	const struct view *v = x->job->v;
	int err = 0;

	for (const struct csv_layout *l = csv_layouts; !err && l->stream; l++) {
		unsigned stream = view_find_stream(v, l->stream);

		if (stream != VIEW_NO_COLUMN && stream < FILES_MAX &&
		    view_filter_stream(x->job->filter, v, stream))
			err = add_file(x, l, stream, l->path);
	}
	return err;
}

/* A stream that the tables do not have, at its first row. */
static int add_other(struct csv *x, unsigned stream)
{
	struct csv_layout layout;
	char path[64], name[24];
	int err;

	if (stream >= FILES_MAX || x->nr == FILES_MAX)
		return -E2BIG;
	err = csv_layout_other(x->job->v, stream, &layout);
	if (err)
		return err;
	/* the name is taken from the snapshot, and trusted as little */
	snprintf(name, sizeof(name), "%s", layout.stream);
	for (char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p))
			*p = '_';
	snprintf(path, sizeof(path), "%s/%s_events.csv", name, name);
	layout.path = NULL;
	return add_file(x, &layout, stream, path);
}

static void note_span(struct csv_file *f, const struct view *v,
		      struct view_cursor *c)
{
	uint64_t ts = 0;

	view_get_u64(c, VIEW_TS, &ts);
	ts += (uint64_t)view_clock_offset(v, view_row_file(c));
	if (!f->rows++)
		f->first_ns = f->last_ns = ts;
	if (ts < f->first_ns)
		f->first_ns = ts;
	if (ts > f->last_ns)
		f->last_ns = ts;
}

static int put_row(struct csv *x, struct view_cursor *c)
{
	unsigned stream = view_row_stream(c);
	int err;

	if (stream == x->system)
		return csv_spec_row(&x->spec, x->job->v, c);
	if (stream >= FILES_MAX)
		return -EINVAL;
	if (!x->by_stream[stream]) {
		err = add_other(x, stream);
		if (err)
			return err;
	}
	note_span(x->by_stream[stream], x->job->v, c);
	csv_row(x->by_stream[stream], x->job->v, c);
	return 0;
}

static int put_rows(struct csv *x)
{
	struct export_job *job = x->job;
	struct view_cursor *c = view_cursor_new(job->v);
	size_t nr = view_nr_rows(job->v);
	int err = c ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < nr; i++) {
		if (i % PROGRESS_EVERY == 0)
			job->progress(job, i);
		view_seek(c, i);
		err = put_row(x, c);
	}
	view_cursor_free(c);
	return err;
}

static int close_files(struct csv *x, int err)
{
	for (unsigned i = 0; i < x->nr; i++) {
		int r = export_close(x->files[i].out);

		x->files[i].out = NULL;
		if (r && !err) {
			err = r;
			snprintf(x->job->where, PATH_MAX, "%s/%s",
				 x->job->folder, x->files[i].path);
		}
	}
	return err;
}

static void csv_free(struct csv *x)
{
	for (unsigned i = 0; i < x->nr; i++)
		if (!x->files[i].made.path) /* of csv_layout_other() */
			free((void *)(uintptr_t)x->files[i].made.columns);
	free(x->spec.text);
	free(x);
}

static int run(struct export_job *job)
{
	struct csv *x = calloc(1, sizeof(*x));
	int err;

	if (!x)
		return -ENOMEM;
	x->job = job;
	x->system = view_find_stream(job->v, "system");
	err = add_known(x);
	if (!err)
		err = put_rows(x);
	err = close_files(x, err);
	if (!err)
		err = csv_spec_write(&x->spec, job);
	if (!err)
		err = csv_manifest(job, x->files, x->nr);
	job->files = x->nr + 2;
	job->rows = view_nr_rows(job->v);
	csv_free(x);
	return err;
}

const struct exporter_ops exporter_csv = {
	.name = "csv",
	.summary =
		"CSV, a file per stream, as the I/O tracer: flightrec-csv(5)",
	.run = run,
};
