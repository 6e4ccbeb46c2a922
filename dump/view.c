/* SPDX-License-Identifier: GPL-2.0-or-later */
/* view.c - reads, filters, sorts and merges the rows of snapshots. */
#include "dump/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/view_filter.h"
#include "dump/view_impl.h"
#include "triggers/units.h"

static const char *const fixed_columns[VIEW_FIXED_COLUMNS] = {
	"stream", "host",       "instance", "ts",        "time",   "dur",
	"op",     "call",       "pid",      "tid",       "ppid",   "comm",
	"cpu",    "uid",        "cgroup",   "pid_start", "path",   "path2",
	"fd",     "dev",        "ino",      "size",      "moved",  "offset",
	"flags",  "flags_text", "ret",      "errno",     "weight", "lane",
	"seq",
};

struct view *view_new(void)
{
	return calloc(1, sizeof(struct view));
}

static void free_file(struct view_file *f)
{
	for (unsigned i = 0; i < f->nr_layouts; i++)
		free(f->layouts[i].map);
	free(f->layouts);
	free(f->path);
	snap_close(f->snap);
}

static void free_block(struct view_block *b)
{
	free(b->parent);
	free(b->metric);
	free(b->value);
	free(b->marks);
	free(b->growth);
	free(b->grew_in_ns);
	if (b->made)
		view_free_made(b->made);
	else
		snap_free_block(b->b);
}

void view_free(struct view *v)
{
	if (!v)
		return;
	for (unsigned i = 0; i < v->nr_blocks; i++)
		free_block(&v->blocks[i]);
	for (unsigned i = 0; i < v->nr_files; i++)
		free_file(&v->files[i]);
	for (unsigned i = 0; i < v->nr_extra; i++)
		free(v->columns[i]);
	for (unsigned i = 0; i < v->nr_streams; i++)
		free(v->streams[i]);
	for (unsigned i = 0; i < v->nr_replaced; i++)
		free(v->replaced[i]);
	free(v->replaced);
	join_free(&v->paths);
	join_free(&v->inodes);
	join_free(&v->strings);
	join_free(&v->procs);
	join_free(&v->leaders);
	join_free(&v->metrics);
	free(v->blocks);
	free(v->files);
	free(v->rows);
	free(v);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* Files of one recorder are one source: they share names, sequence numbers and
 * the clock offset of the first, so that equal rows sort next to each other. */
static void find_source(struct view *v, struct view_file *f)
{
	const char *offset = snap_fact(f->snap, "clock.mono_to_real_ns");

	f->host = snap_fact(f->snap, "host.machine_id");
	f->instance = snap_fact(f->snap, "instance");
	f->offset = offset ? strtoll(offset, NULL, 10) : 0;
	for (unsigned i = 0; f->instance && i < v->nr_files; i++) {
		if (!same_text(v->files[i].host, f->host) ||
		    !same_text(v->files[i].instance, f->instance))
			continue;
		f->source = v->files[i].source;
		f->offset = v->files[i].offset;
		return;
	}
	f->source = v->nr_sources++;
}

static int add_layouts(struct view *v, struct view_file *f)
{
	const struct fr_schema *schemas;
	unsigned nr;

	schemas = snap_schemas(f->snap, &nr);
	f->layouts = calloc(nr ? nr : 1, sizeof(*f->layouts));
	if (!f->layouts)
		return -ENOMEM;
	for (unsigned i = 0; i < nr; i++) {
		int r = view_layout_init(v, &f->layouts[i], &schemas[i]);

		if (r == -ENOMEM)
			return r;
		if (r) /* more streams than a view has room for */
			f->layouts[i].use = USE_NONE;
		f->nr_layouts++;
	}
	return 0;
}

int view_add_file(struct view *v, const char *path, struct snap_diag *diag)
{
	struct view_file *files;
	struct view_file f = { 0 };
	int r;

	files = realloc(v->files, (v->nr_files + 1) * sizeof(*files));
	if (!files)
		return -ENOMEM;
	v->files = files;
	f.snap = snap_open(path, diag);
	if (!f.snap)
		return errno ? -errno : -EBADMSG;
	f.path = strdup(path);
	r = f.path ? add_layouts(v, &f) : -ENOMEM;
	if (r) {
		free_file(&f);
		return r;
	}
	find_source(v, &f);
	v->files[v->nr_files++] = f;
	return 0;
}

static const struct view_layout *layout_of(const struct view_file *f,
					   unsigned type)
{
	for (unsigned i = 0; i < f->nr_layouts; i++)
		if (f->layouts[i].schema->type == type)
			return &f->layouts[i];
	return NULL;
}

static bool is_name(const struct view_layout *l)
{
	return l->use == USE_PATHS || l->use == USE_STRINGS ||
	       l->use == USE_PROCS || l->use == USE_METRICS;
}

/* Of streams that have nothing else, so that rows are unpacked only for those who
 * ask for them. */
static bool rows_wanted(const struct view *v, const struct view_filter *f)
{
	for (unsigned i = 0; i < v->nr_streams; i++)
		if ((!strcmp(v->streams[i], "processes") ||
		     !strcmp(v->streams[i], "cgroups")) &&
		    view_filter_stream(f, v, i))
			return true;
	return false;
}

/* What a block cannot contribute to is not decoded. */
static bool block_wanted(const struct view *v,
			 const struct snap_block_info *info,
			 const struct view_layout *l,
			 const struct view_filter *f, uint64_t begin,
			 uint64_t end)
{
	if (!l || l->use == USE_NONE)
		return false;
	if (is_name(l))
		return true;
	if (l->use == USE_PACKED)
		return rows_wanted(v, f);
	return view_filter_stream(f, v, l->stream) && info->min_ts <= end &&
	       info->max_end >= begin;
}

static int add_block(struct view *v, unsigned file, unsigned i,
		     const struct view_layout *l)
{
	struct view_block b = { .file = file, .layout = l };
	struct view_block *blocks;
	int r = 0;

	blocks = realloc(v->blocks, (v->nr_blocks + 1) * sizeof(*blocks));
	if (!blocks)
		return -ENOMEM;
	v->blocks = blocks;
	b.b = snap_read_block(v->files[file].snap, i);
	if (!b.b) /* damaged: the reader notes it */
		return errno == ENOMEM ? -ENOMEM : 0;
	if (l->use == USE_VALUES)
		r = view_unpack_values(&b);
	if (r)
		free_block(&b);
	else
		v->blocks[v->nr_blocks++] = b;
	return r;
}

static int read_file(struct view *v, unsigned file, const struct view_filter *f,
		     struct snap_diag *diag)
{
	struct snap *s = v->files[file].snap;
	unsigned first = v->nr_blocks;
	uint64_t begin, end;

	if (!view_filter_window(f, v, file, &begin, &end, diag))
		return -EINVAL;
	for (unsigned i = 0; i < v->files[file].nr_layouts; i++)
		if (view_layout_map(v, &v->files[file].layouts[i]))
			return -ENOMEM;
	for (unsigned i = 0; i < snap_nr_blocks(s); i++) {
		const struct snap_block_info *info = snap_block_info(s, i);
		const struct view_layout *l;
		int r = 0;

		l = layout_of(&v->files[file], info->type);
		if (block_wanted(v, info, l, f, begin, end))
			r = add_block(v, file, i, l);
		else if (snap_check_block(s, i) == -ENOMEM)
			r = -ENOMEM;
		if (r)
			return r;
	}
	return view_unpack_rows(v, file, first, begin, end);
}

static int push_row(struct view *v, uint64_t key, uint32_t block, uint32_t row)
{
	if (v->nr_rows == v->rows_size) {
		size_t size = v->rows_size ? 2 * v->rows_size : 4096;
		struct view_row *rows;

		rows = realloc(v->rows, size * sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		v->rows = rows;
		v->rows_size = size;
	}
	v->rows[v->nr_rows++] =
		(struct view_row){ .key = key, .block = block, .row = row };
	return 0;
}

static int add_rows(struct view *v, uint32_t block, struct view_cursor *c,
		    const struct view_filter *f, uint64_t begin, uint64_t end)
{
	const struct view_block *b = &v->blocks[block];
	bool values = b->layout->use == USE_VALUES;
	uint32_t nr = values ? b->nr_values : b->b->rows;
	uint64_t shift = v->one_clock ? 0 : (uint64_t)v->files[b->file].offset;

	for (uint32_t i = 0; i < nr; i++) {
		uint32_t row = values ? b->parent[i] : i;
		uint64_t ts = b->b->ts[row];
		int r;

		if (ts > end || view_end_ns(b, row) < begin)
			continue;
		if (f) {
			view_cursor_set(c, block, i);
			if (!view_filter_match(f, c))
				continue;
		}
		r = push_row(v, ts + shift, block, i);
		if (r)
			return r;
	}
	return 0;
}

static int select_rows(struct view *v, const struct view_filter *f,
		       struct snap_diag *diag)
{
	struct view_cursor *c = view_cursor_new(v);
	int r = c ? 0 : -ENOMEM;

	for (unsigned i = 0; !r && i < v->nr_blocks; i++) {
		uint64_t begin, end;

		if (is_name(v->blocks[i].layout) ||
		    v->blocks[i].layout->use == USE_PACKED ||
		    !view_filter_stream(f, v, v->blocks[i].layout->stream))
			continue;
		if (!view_filter_window(f, v, v->blocks[i].file, &begin, &end,
					diag))
			r = -EINVAL;
		else
			r = add_rows(v, i, c, f, begin, end);
	}
	view_cursor_free(c);
	return r;
}

/* Identity of the record behind a row. */
static int compare_identity(const struct view *v, const struct view_row *x,
			    const struct view_row *y)
{
	const struct view_block *a = &v->blocks[x->block];
	const struct view_block *b = &v->blocks[y->block];
	uint32_t i = a->nr_values ? a->parent[x->row] : x->row;
	uint32_t j = b->nr_values ? b->parent[y->row] : y->row;
	unsigned s = v->files[a->file].source, t = v->files[b->file].source;

	if (s != t)
		return s < t ? -1 : 1;
	if (a->b->lane[i] != b->b->lane[j])
		return a->b->lane[i] < b->b->lane[j] ? -1 : 1;
	if (a->b->cpu[i] != b->b->cpu[j])
		return a->b->cpu[i] < b->b->cpu[j] ? -1 : 1;
	if (a->b->seq[i] != b->b->seq[j])
		return a->b->seq[i] < b->b->seq[j] ? -1 : 1;
	/* which of the values, or rows, of a packed record */
	i = a->nr_values ? a->metric[x->row] : a->part ? a->part[x->row] : 0;
	j = b->nr_values ? b->metric[y->row] : b->part ? b->part[y->row] : 0;
	return i < j ? -1 : i > j;
}

static int compare_rows(const void *p, const void *q, void *arg)
{
	const struct view_row *x = p, *y = q;
	int d;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	d = compare_identity(arg, x, y);
	if (d)
		return d;
	if (x->block != y->block)
		return x->block < y->block ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

/* Rows of the in-flight table, and histograms, are no records of a lane: they have
 * no number. */
static bool is_numbered(const struct view *v, const struct view_row *r)
{
	const char *s = v->streams[v->blocks[r->block].layout->stream];

	return strcmp(s, "inflight") && strcmp(s, "hist");
}

static void drop_duplicates(struct view *v)
{
	size_t kept = 0;

	for (size_t i = 0; i < v->nr_rows; i++) {
		if (kept && v->rows[kept - 1].key == v->rows[i].key &&
		    is_numbered(v, &v->rows[i]) &&
		    !compare_identity(v, &v->rows[kept - 1], &v->rows[i])) {
			v->nr_duplicates++;
			continue;
		}
		v->rows[kept++] = v->rows[i];
	}
	v->nr_rows = kept;
}

static bool is_sorted(const struct view *v)
{
	for (size_t i = 1; i < v->nr_rows; i++)
		if (v->rows[i - 1].key >= v->rows[i].key)
			return false;
	return true;
}

static bool have_one_clock(const struct view *v)
{
	for (unsigned i = 1; i < v->nr_files; i++)
		if (!same_text(snap_fact(v->files[0].snap, "host.boot_id"),
			       snap_fact(v->files[i].snap, "host.boot_id")))
			return false;
	return true;
}

int view_load(struct view *v, const struct view_filter *f,
	      struct snap_diag *diag)
{
	int r;

	v->one_clock = have_one_clock(v);
	for (unsigned i = 0; i < v->nr_files; i++) {
		r = read_file(v, i, f, diag);
		if (r)
			return r;
	}
	r = view_names_build(v);
	if (r)
		return r;
	r = select_rows(v, f, diag);
	if (r)
		return r;
	if (!is_sorted(v))
		qsort_r(v->rows, v->nr_rows, sizeof(*v->rows), compare_rows, v);
	drop_duplicates(v);
	r = view_find_growth(v);
	if (r)
		return r;
	if (f && f->limit && v->nr_rows > f->limit)
		v->nr_rows = f->limit;
	return 0;
}

unsigned view_nr_files(const struct view *v)
{
	return v->nr_files;
}

struct snap *view_snap(const struct view *v, unsigned file)
{
	return v->files[file].snap;
}

const char *view_file_path(const struct view *v, unsigned file)
{
	return v->files[file].path;
}

unsigned view_source(const struct view *v, unsigned file)
{
	return v->files[file].source;
}

const char *view_host(const struct view *v, unsigned file)
{
	return v->files[file].host;
}

const char *view_instance(const struct view *v, unsigned file)
{
	return v->files[file].instance;
}

int64_t view_clock_offset(const struct view *v, unsigned file)
{
	return v->files[file].offset;
}

unsigned view_report_damage(const struct view *v)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < v->nr_files; i++) {
		const char *line = snap_damage(v->files[i].snap);

		while (line && *line) {
			int len = (int)strcspn(line, "\n");

			fprintf(stderr, "flightrec: %s: %.*s\n",
				v->files[i].path, len, line);
			line += len + (line[len] == '\n');
			nr++;
		}
	}
	return nr;
}

size_t view_nr_rows(const struct view *v)
{
	return v->nr_rows;
}

size_t view_nr_duplicates(const struct view *v)
{
	return v->nr_duplicates;
}

unsigned view_nr_columns(const struct view *v)
{
	return VIEW_FIXED_COLUMNS + v->nr_extra;
}

const char *view_column_name(const struct view *v, unsigned column)
{
	if (column < VIEW_FIXED_COLUMNS)
		return fixed_columns[column];
	return v->columns[column - VIEW_FIXED_COLUMNS];
}

unsigned view_find_column(const struct view *v, const char *name)
{
	for (unsigned i = 0; i < view_nr_columns(v); i++)
		if (!strcmp(view_column_name(v, i), name))
			return i;
	return VIEW_NO_COLUMN;
}

const char *view_nearest_column(const struct view *v, const char *name)
{
	const char *names[VIEW_FIXED_COLUMNS + VIEW_COLUMNS_MAX + 1];
	unsigned nr = view_nr_columns(v);

	for (unsigned i = 0; i < nr; i++)
		names[i] = view_column_name(v, i);
	names[nr] = NULL;
	return units_nearest(name, names);
}

unsigned view_nr_streams(const struct view *v)
{
	return v->nr_streams;
}

const char *view_stream_name(const struct view *v, unsigned stream)
{
	return v->streams[stream];
}

unsigned view_find_stream(const struct view *v, const char *name)
{
	for (unsigned i = 0; i < v->nr_streams; i++)
		if (!strcmp(v->streams[i], name))
			return i;
	return VIEW_NO_COLUMN;
}

bool view_stream_has(const struct view *v, unsigned stream, unsigned column)
{
	return column < VIEW_FIXED_COLUMNS ||
	       v->column_streams[column - VIEW_FIXED_COLUMNS] >> stream & 1;
}

bool view_stream_default(const struct view *v, unsigned stream)
{
	static const char *const extra[] = {
		"names",  "inflight",   "sample", "slow",      "process",
		"system", "filesystem", "hist",   "processes", "cgroups"
	};

	for (unsigned i = 0; i < sizeof(extra) / sizeof(extra[0]); i++)
		if (!strcmp(v->streams[stream], extra[i]))
			return false;
	return true;
}

struct view_cursor *view_cursor_new(struct view *v)
{
	struct view_cursor *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->v = v;
	c->path = malloc(VIEW_TEXT_MAX);
	c->path2 = malloc(VIEW_TEXT_MAX);
	if (c->path && c->path2)
		return c;
	view_cursor_free(c);
	return NULL;
}

void view_cursor_free(struct view_cursor *c)
{
	if (!c)
		return;
	free(c->path);
	free(c->path2);
	free(c);
}

void view_cursor_set(struct view_cursor *c, uint32_t block, uint32_t row)
{
	const struct view_block *b = &c->v->blocks[block];

	c->block = b;
	c->file = &c->v->files[b->file];
	c->value = row;
	c->row = b->layout->use == USE_VALUES ? b->parent[row] : row;
	c->end_ns = view_end_ns(b, c->row);
	c->proc_known = false;
}

void view_seek(struct view_cursor *c, size_t row)
{
	view_cursor_set(c, c->v->rows[row].block, c->v->rows[row].row);
}

unsigned view_row_stream(const struct view_cursor *c)
{
	return c->block->layout->stream;
}

unsigned view_row_file(const struct view_cursor *c)
{
	return c->block->file;
}
