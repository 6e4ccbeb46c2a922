/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_view_rows.c - packed rows of processes as rows of the view: what is known is
 * carried on, ends and full sets, damage, names hidden, counters marked. */
#include "dump/anonymize.h"
#include "dump/top.h"
#include "dump/view.h"
#include "dump/view_filter.h"
#include "tests/unit/snapshot_made.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEC 1000000000ULL

/* Bits of the mask: field n of processes_row is bit n + 1. */
#define GONE  1ULL
#define WHOLE 2ULL
#define PPID  (1ULL << 2)
#define START (1ULL << 3)
#define CPU   (1ULL << 8)
#define RSS   (1ULL << 10)
#define COMM  (1ULL << 24)

static char folder[] = "/tmp/test_view_rows.XXXXXX";

struct packed {
	uint8_t bytes[4000];
	size_t len;
	unsigned count;
	uint64_t key;
};

static void put(struct packed *p, uint64_t v)
{
	p->len += made_varint(p->bytes + p->len, v);
}

static void put_number(struct packed *p, uint64_t v)
{
	put(p, v << 1 ^ (uint64_t)((int64_t)v >> 63));
}

static void put_key(struct packed *p, uint64_t pid, uint64_t mask)
{
	put(p, pid - p->key);
	put(p, mask);
	p->key = pid;
	p->count++;
}

static void put_text(struct packed *p, const char *text)
{
	put(p, strlen(text));
	memcpy(p->bytes + p->len, text, strlen(text));
	p->len += strlen(text);
}

static void whole(struct packed *p, uint64_t pid, uint64_t start, uint64_t cpu,
		  const char *comm)
{
	put_key(p, pid, WHOLE | START | CPU | COMM);
	put_number(p, start);
	put_number(p, cpu);
	put_text(p, comm);
}

static void write_rows(struct made *m, uint64_t ts, bool full, unsigned type,
		       struct packed *p)
{
	struct fr_rows r = { .ts = ts,
			     .tick = ts,
			     .collector = 2,
			     .full = full,
			     .row_type = (uint16_t)type,
			     .count = (uint16_t)p->count };

	made_put(m, FR_LANE_SAMPLE, FR_T_rows, (unsigned)p->len, &r, sizeof(r),
		 p->bytes, p->len);
	*p = (struct packed){ 0 };
}

static struct made begin(const char *name)
{
	struct made m = { .w = snap_create(folder, name, 1) };

	assert_non_null(m.w);
	made_facts(&m, name);
	snap_put_fact(m.w, "clock.boot_to_mono_ns", "0");
	return m;
}

static struct view *load(const char *name, const struct view_filter *f)
{
	static const struct view_filter rows = {
		.streams = { { "processes", "proc" }, 2 }
	};
	struct view *v = view_new();
	struct snap_diag diag;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s.frs", folder, name);
	assert_int_equal(view_add_file(v, path, &diag), 0);
	assert_int_equal(view_load(v, f ? f : &rows, &diag), 0);
	return v;
}

static uint64_t number(struct view_cursor *c, const char *column,
		       struct view *v)
{
	uint64_t u;

	return view_get_u64(c, view_find_column(v, column), &u) ? u :
								  UINT64_MAX;
}

static void expect_row(struct view *v, struct view_cursor *c, size_t row,
		       uint64_t pid, uint64_t cpu, uint64_t rss, uint64_t ended,
		       const char *comm)
{
	char text[32];

	view_seek(c, row);
	assert_true(number(c, "pid", v) == pid);
	assert_true(number(c, "cpu_ns", v) == cpu);
	assert_true(number(c, "rss_bytes", v) == rss);
	assert_true(number(c, "ended", v) == ended);
	view_get_text(c, VIEW_COMM, text, sizeof(text));
	assert_string_equal(text, comm);
}

static void what_is_known_is_carried_on(void **state)
{
	struct packed p = { 0 };
	struct made m = begin("carry");
	struct view_cursor *c;
	struct view *v;

	(void)state;
	whole(&p, 7, 100, 11, "seven");
	whole(&p, 9, 200, 22, "nine");
	write_rows(&m, 1 * SEC, true, FR_T_processes_row, &p);
	put_key(&p, 7, RSS);
	put_number(&p, 4096);
	put_key(&p, 9, CPU);
	put_number(&p, UINT64_MAX); /* not captured any more */
	write_rows(&m, 2 * SEC, false, FR_T_processes_row, &p);
	put_key(&p, 7, GONE);
	write_rows(&m, 3 * SEC, false, FR_T_processes_row, &p);
	whole(&p, 7, 300, 5, "other");
	write_rows(&m, 4 * SEC, false, FR_T_processes_row, &p);
	/* a full set without 7; then 7 is there, and little is known */
	whole(&p, 9, 200, 23, "nine");
	write_rows(&m, 5 * SEC, true, FR_T_processes_row, &p);
	put_key(&p, 7, CPU);
	put_number(&p, 6);
	write_rows(&m, 6 * SEC, false, FR_T_processes_row, &p);
	assert_int_equal(snap_finish(m.w, NULL), 0);
	v = load("carry", NULL);
	c = view_cursor_new(v);
	assert_int_equal(view_nr_rows(v), 8);
	assert_int_equal(view_nr_duplicates(v), 0);
	expect_row(v, c, 0, 7, 11, UINT64_MAX, 0, "seven");
	expect_row(v, c, 1, 9, 22, UINT64_MAX, 0, "nine");
	expect_row(v, c, 2, 7, 11, 4096, 0, "seven");
	expect_row(v, c, 3, 9, UINT64_MAX, UINT64_MAX, 0, "nine");
	expect_row(v, c, 4, 7, 11, 4096, 1, "seven");
	expect_row(v, c, 5, 7, 5, UINT64_MAX, 0, "other");
	expect_row(v, c, 6, 9, 23, UINT64_MAX, 0, "nine");
	expect_row(v, c, 7, 7, 6, UINT64_MAX, 0, "");
	view_cursor_free(c);
	view_free(v);
}

static void a_window_knows_what_was_before_it(void **state)
{
	const struct view_filter f = {
		.streams = { { "processes" }, 1 },
		.begin = "-58.5s", /* the trigger was at 60 s */
		.end = "-57.5s",
	};
	struct view *v = load("carry", &f);
	struct view_cursor *c = view_cursor_new(v);

	(void)state;
	assert_int_equal(view_nr_rows(v), 2);
	expect_row(v, c, 0, 7, 11, 4096, 0, "seven");
	view_cursor_free(c);
	view_free(v);
}

static void rows_are_shown_only_when_asked_for(void **state)
{
	const struct view_filter f = { .streams = { { "fs" }, 1 } };
	struct view *v = load("carry", &f);

	(void)state;
	assert_int_equal(view_nr_rows(v), 0);
	view_free(v);
}

static void names_can_be_hidden(void **state)
{
	struct view *v = load("carry", NULL);
	struct view_cursor *c = view_cursor_new(v);
	struct anonymizer *a =
		anonymizer_with_key((const uint8_t *)"0123456789abcdef", 0);
	char text[32];

	(void)state;
	assert_int_equal(view_anonymize(v, a), 0);
	view_seek(c, 0);
	view_get_text(c, VIEW_COMM, text, sizeof(text));
	assert_int_equal(strlen(text), 15);
	assert_null(strstr(text, "seven"));
	assert_true(number(c, "cpu_ns", v) == 11);
	view_cursor_free(c);
	view_free(v);
	anonymizer_free(a);
}

static void a_record_can_be_made_anonymous(void **state)
{
	struct packed p = { 0 };
	struct anonymizer *a =
		anonymizer_with_key((const uint8_t *)"0123456789abcdef", 0);
	struct made m = begin("hidden");
	struct packed out = { 0 };
	struct anonymize_row row = { .row_type = FR_T_processes_row };
	struct view *v;
	struct view_cursor *c;
	char text[32];

	(void)state;
	whole(&p, 7, 100, 11, "secret");
	put_key(&p, 8, GONE);
	out.len = anonymize_tail(a, fr_schema_by_type(FR_T_rows), &row,
				 (char *)out.bytes, (char *)p.bytes, p.len);
	assert_null(memmem(out.bytes, out.len, "secret", 6));
	out.count = 2;
	write_rows(&m, SEC, true, FR_T_processes_row, &out);
	assert_int_equal(snap_finish(m.w, NULL), 0);
	v = load("hidden", NULL);
	c = view_cursor_new(v);
	assert_int_equal(view_nr_rows(v), 2);
	view_seek(c, 0);
	assert_true(number(c, "cpu_ns", v) == 11);
	view_get_text(c, VIEW_COMM, text, sizeof(text));
	assert_int_equal(strlen(text), 15);
	view_cursor_free(c);
	view_free(v);
	anonymizer_free(a);
}

/* Damage: what is whole in front of it is shown, and nothing else happens. */
static void nonsense_is_left_out(void **state)
{
	static const unsigned types[] = { FR_T_processes_row,
					  FR_T_cgroups_row,
					  FR_T_fs_io,
					  FR_T_rows,
					  255,
					  0 };
	struct packed p = { 0 };
	struct made m = begin("nonsense");
	uint64_t x = 88172645463325252ULL;
	struct view *v;

	(void)state;
	put_key(&p, 1, COMM);
	put(&p, 400); /* longer than the field, and than there is */
	write_rows(&m, 1, false, FR_T_processes_row, &p);
	put_key(&p, 1, 1ULL << 40); /* no such field */
	write_rows(&m, 2, false, FR_T_processes_row, &p);
	for (unsigned i = 0; i < 3000; i++) {
		size_t len = i % 200;

		for (size_t j = 0; j < len; j++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			p.bytes[j] = (uint8_t)(x >> 11);
		}
		p.len = len;
		write_rows(&m, 10 + i, i % 3 == 0, types[i % 6], &p);
	}
	whole(&p, 7, 100, 11, "seven");
	write_rows(&m, SEC, true, FR_T_processes_row, &p);
	assert_int_equal(snap_finish(m.w, NULL), 0);
	v = load("nonsense", NULL);
	assert_true(view_nr_rows(v) > 0);
	view_free(v);
}

static void top_sums_steps_and_exits(void **state)
{
	struct packed p = { 0 };
	struct made m = begin("top");
	struct fr_proc_exit e = { .ts = 2 * SEC + 1,
				  .pid = 30,
				  .tid = 30,
				  .last = 1,
				  .dur = SEC / 2,
				  .utime = 70,
				  .stime = 7,
				  .born = MADE_BORN };
	struct top t = { .metrics = top_of_processes,
			 .nr_metrics = top_nr_of_processes,
			 .from_ns = 1 * SEC,
			 .to_ns = 4 * SEC };
	struct view *v;

	(void)state;
	whole(&p, 10, 5, 1000, "old");
	write_rows(&m, 1 * SEC, true, FR_T_processes_row, &p);
	put_key(&p, 10, CPU);
	put_number(&p, 1040);
	whole(&p, 20, 2 * SEC - 5, 15, "new"); /* began within */
	write_rows(&m, 2 * SEC, false, FR_T_processes_row, &p);
	put_key(&p, 10, CPU);
	put_number(&p, 1050);
	write_rows(&m, 3 * SEC, false, FR_T_processes_row, &p);
	put_key(&p, 10, CPU);
	put_number(&p, 9999); /* behind the span */
	write_rows(&m, 5 * SEC, false, FR_T_processes_row, &p);
	/* lived between two samples */
	made_put(&m, FR_LANE_PROC, FR_T_proc_exit, 0, &e, sizeof(e), NULL, 0);
	assert_int_equal(snap_finish(m.w, NULL), 0);
	v = load("top", NULL);
	assert_int_equal(top_gather(&t, v), 0);
	top_sort(&t, 0);
	assert_int_equal(t.nr, 3);
	assert_int_equal(t.things[0].key, 30);
	assert_int_equal(t.things[0].value[0], 77);
	assert_true(t.things[0].born && t.things[0].ended_ns < 4 * SEC);
	assert_int_equal(t.things[1].key, 10);
	assert_int_equal(t.things[1].value[0], 50);
	assert_false(t.things[1].born);
	assert_int_equal(t.things[2].key, 20);
	assert_int_equal(t.things[2].value[0], 15);
	assert_true(t.things[2].born);
	top_free(&t);
	view_free(v);
}

/* A counter of milliseconds in 32 bits wraps, another one is reset. */
static void counters_that_go_backwards_are_marked(void **state)
{
	static const int64_t values[][2] = {
		{ (1000000LL << 32) - 5000000, 5000 },
		{ 7000000, 6000 },
		{ 8000000, 10 },
	};
	const struct view_filter f = { .streams = { { "sample" }, 1 } };
	static const char *const want[] = { "", "", "wrapped", "", "", "reset" };
	struct fr_metric wraps = { .ts = 1,
				   .metric = 1,
				   .metric_kind = 2,
				   .scale = 1,
				   .wrap = 1000000ULL << 32 };
	struct made m = begin("wrap");
	struct view_cursor *c;
	struct view *v;
	char text[32];

	(void)state;
	made_put(&m, FR_LANE_SAMPLE, FR_T_metric, 6, &wraps, sizeof(wraps),
		 "a\0ns\0s", 6);
	made_metric(&m, 1, 2, 2, 1, "b\0\0s", 4);
	for (unsigned i = 0; i < 3; i++)
		made_values(&m, (i + 1) * SEC, values[i], 2);
	assert_int_equal(snap_finish(m.w, NULL), 0);
	v = load("wrap", &f);
	c = view_cursor_new(v);
	assert_int_equal(view_nr_rows(v), 6);
	for (unsigned i = 0; i < 6; i++) {
		view_seek(c, i);
		view_get_text(c, view_find_column(v, "mark"), text,
			      sizeof(text));
		assert_string_equal(text, want[i]);
	}
	view_cursor_free(c);
	view_free(v);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_known_is_carried_on),
		cmocka_unit_test(a_window_knows_what_was_before_it),
		cmocka_unit_test(rows_are_shown_only_when_asked_for),
		cmocka_unit_test(names_can_be_hidden),
		cmocka_unit_test(a_record_can_be_made_anonymous),
		cmocka_unit_test(nonsense_is_left_out),
		cmocka_unit_test(top_sums_steps_and_exits),
		cmocka_unit_test(counters_that_go_backwards_are_marked),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
