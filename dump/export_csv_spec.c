/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export_csv_spec.c - device_spec.txt: "key: value", a line each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/anonymize.h"
#include "dump/escape.h"
#include "dump/export_csv.h"

static int append(struct csv_spec *s, const struct view_value *value,
		  const char *behind)
{
	size_t bound = ESCAPE_GROWTH * value->len + 3;
	char *text = realloc(s->text, s->len + bound);

	if (!text)
		return -ENOMEM;
	s->text = text;
	s->len += escape_text(text + s->len, value->text, value->len,
			      ESCAPE_CONTROLS);
	memcpy(text + s->len, behind, strlen(behind));
	s->len += strlen(behind);
	return 0;
}

int csv_spec_row(struct csv_spec *s, const struct view *v,
		 struct view_cursor *c)
{
	unsigned key = view_find_column(v, "key");
	unsigned fact = view_find_column(v, "value");
	unsigned column = view_find_column(v, "round");
	struct view_value name, value;
	uint64_t round = 0;
	int err;

	if (key == VIEW_NO_COLUMN || fact == VIEW_NO_COLUMN)
		return 0;
	if (column != VIEW_NO_COLUMN)
		view_get_u64(c, column, &round);
	if (!s->has_round || round != s->round)
		s->len = 0; /* a later look */
	s->has_round = true;
	s->round = round;
	view_get(c, key, &name);
	view_get(c, fact, &value);
	if (name.type != VIEW_STRING || value.type != VIEW_STRING)
		return 0;
	err = append(s, &name, ": ");
	return err ? err : append(s, &value, "\n");
}

static int append_text(struct csv_spec *s, const char *text, const char *behind)
{
	struct view_value value = { .text = text, .len = strlen(text) };

	return append(s, &value, behind);
}

/* What every snapshot has. */
static int append_facts(struct csv_spec *s, const struct export_job *job)
{
	static const struct {
		const char *key, *fact;
	} known[] = {
		{ "Release", "host.kernel" },
		{ "Version", "host.kernel_version" },
		{ "Machine", "host.arch" },
		{ "CPU Cores (logical)", "host.cpus" },
	};
	const struct snap *snap = view_snap(job->v, 0);
	int err = append_text(s, "System: Linux", "\n");

	for (size_t i = 0; !err && i < sizeof(known) / sizeof(known[0]); i++) {
		const char *value = snap_fact(snap, known[i].fact);

		if (!value)
			continue;
		err = append_text(s, known[i].key, ": ");
		if (!err)
			err = append_text(s, value, "\n");
	}
	return err;
}

int csv_spec_write(struct csv_spec *s, struct export_job *job)
{
	struct export_out *out;
	int err = 0;

	if (!s->has_round)
		err = append_facts(s, job);
	if (err)
		return err;
	snprintf(job->where, PATH_MAX, "%.4000s/device_spec.txt", job->folder);
	out = export_open(job->where);
	if (!out)
		return -errno;
	export_put(out, s->text, s->len);
	return export_close(out);
}
