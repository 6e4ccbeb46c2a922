/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_samples.c - whole snapshots whose sampled values make no sense: names, ticks and
 * packed values of any content, in any order, read as rows, growth, curves and columns
 * of SQL.
 *
 * Of each record two bytes are its type and length; the rest is what it says.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dump/plot.h"
#include "dump/query.h"
#include "dump/query_held.h"
#include "dump/view.h"
#include "dump/view_filter.h"
#include "tests/unit/snapshot_made.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static char folder[] = "/dev/shm/fuzz_samples.XXXXXX";
static FILE *nowhere;

static void begin(void)
{
	nowhere = fopen("/dev/null", "w");
	if (!nowhere || !mkdtemp(folder))
		abort();
}

/* Times are near one another and in order, as the readers sort them anyway. */
static void put_record(struct made *m, const uint8_t *data, size_t len,
		       unsigned type, uint64_t ts)
{
	union {
		uint64_t ts[2];
		uint8_t bytes[512];
		struct fr_metric metric;
		struct fr_values values;
		struct fr_tick tick;
	} r = { .bytes = { 0 } };
	size_t fixed = type == 0 ? sizeof(r.metric) :
		       type == 1 ? sizeof(r.values) :
				   sizeof(r.tick);
	size_t head = len < fixed - 16 ? len : fixed - 16;
	size_t tail = type == 2 ? 0 : len - head;

	memcpy(r.bytes + 16, data, head);
	r.ts[1] = ts;
	if (type == 0)
		r.metric.metric &= 3; /* numbers that values name, too */
	made_put(m, FR_LANE_SAMPLE,
		 type == 0 ? FR_T_metric :
		 type == 1 ? FR_T_values :
			     FR_T_tick,
		 (unsigned)tail, &r, fixed, data + head, tail);
}

static void make(const uint8_t *data, size_t len)
{
	struct made m = { .w = snap_create(folder, "a", 1) };
	uint64_t ts = 1000000000;

	if (!m.w)
		abort();
	made_facts(&m, "aa");
	while (len >= 2) {
		size_t n = data[1] < len - 2 ? data[1] : len - 2;

		ts += (data[0] >> 2) * 100000000ULL;
		put_record(&m, data + 2, n, (data[0] & 3) % 3, ts);
		data += 2 + n;
		len -= 2 + n;
	}
	if (snap_finish(m.w, NULL))
		abort();
}

static void read_rows(struct view *v)
{
	struct view_cursor *c = view_cursor_new(v);
	struct view_value value;

	for (size_t i = 0; c && i < view_nr_rows(v); i++) {
		view_seek(c, i);
		for (unsigned k = 0; k < view_nr_columns(v); k++)
			view_get(c, k, &value);
	}
	view_cursor_free(c);
}

static void check_points(const struct plot *p)
{
	for (unsigned i = 0; i < p->nr; i++) {
		const struct plot_series *s = &p->series[i];

		for (size_t k = 0; k < s->nr; k++)
			if (s->points[k].ts < p->from_ns ||
			    s->points[k].ts > p->to_ns ||
			    (k && s->points[k].ts < s->points[k - 1].ts) ||
			    isinf(s->points[k].value) ||
			    (s->is_counter && s->points[k].value < 0))
				abort();
	}
}

static void draw(struct view *v, bool raw)
{
	struct plot p = { .from_ns = 1000000000,
			  .to_ns = 30000000000,
			  .width = 60,
			  .height = 5,
			  .raw = raw };
	char any[] = "*", *globs[] = { any };
	const char *missing;

	plot_gather(&p, v, globs, 1, &missing);
	check_points(&p);
	plot_print(&p, v, nowhere);
	plot_svg(&p, v, nowhere);
	plot_free(&p);
}

/* A column holds only what a row of its metric said, and rates are numbers. */
static void check_held(struct view *v)
{
	struct held *h = held_new(v);

	for (size_t m = 0; h && m < h->nr_metrics; m++)
		for (size_t t = 0; t < h->nr_ticks; t++) {
			const struct held_value *at = held_at(h, m, t);

			if (at &&
			    (at < h->metrics[m].values ||
			     at >= h->metrics[m].values + h->metrics[m].nr ||
			     at->tick > t || !at->scale ||
			     isinf(held_rate(h, at, t))))
				abort();
		}
	held_free(h);
}

static void ask(struct view *v)
{
	static const char sql[] =
		"SELECT count(*) FROM sample, metrics, facts LIMIT 9; "
		"SELECT * FROM counters; SELECT * FROM metrics; "
		"SELECT count(c.tick) FROM sample s JOIN counters c ON c.at = s.ts";
	sqlite3 *db;
	const char *at = sql;
	size_t rows;

	if (sqlite3_open(":memory:", &db) || query_tables(db, v, sql, NULL))
		abort();
	while (*at) {
		sqlite3_stmt *s;

		if (sqlite3_prepare_v2(db, at, -1, &s, &at) ||
		    query_print(s, nowhere, QUERY_TEXT, true, &rows))
			abort();
		sqlite3_finalize(s);
	}
	sqlite3_close(db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct view_filter f = { .streams = { { "sample" }, 1 } };
	struct snap_diag diag;
	struct view *v;
	char path[64];

	if (!nowhere)
		begin();
	make(data, len);
	snprintf(path, sizeof(path), "%s/a.frs", folder);
	v = view_new();
	if (!v || view_add_file(v, path, &diag) || view_load(v, &f, &diag))
		abort();
	unlink(path);
	read_rows(v);
	draw(v, false);
	draw(v, true);
	check_held(v);
	if (len % 4 == 0) /* it takes as long as all the rest */
		ask(v);
	view_free(v);
	return 0;
}
