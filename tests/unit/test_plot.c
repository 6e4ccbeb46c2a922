/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_plot.c - curves and growth of sampled values: what was not stored as it did not
 * change, gaps, resets, spans, names and units of a hostile file.
 */
#include "dump/plot.h"
#include "dump/view.h"
#include "dump/view_filter.h"
#include "tests/unit/snapshot_made.h"
#include "tests/unit/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEC 1000000000ULL

static char folder[] = "/tmp/test_plot.XXXXXX";

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s.frs", folder, name);
	return path;
}

static struct made begin(const char *name)
{
	struct made m = { .w = snap_create(folder, name, 1) };

	assert_non_null(m.w);
	made_facts(&m, name);
	return m;
}

static struct view *end(struct made *m, const char *name)
{
	static const struct view_filter f = { .streams = { { "sample" }, 1 } };
	struct view *v = view_new();
	struct snap_diag diag = { "" };

	assert_int_equal(snap_finish(m->w, NULL), 0);
	assert_int_equal(view_add_file(v, path_of(name), &diag), 0);
	assert_int_equal(view_load(v, &f, &diag), 0);
	assert_int_equal(unlink(path_of(name)), 0);
	return v;
}

static void tick(struct made *m, uint64_t second)
{
	const struct fr_tick t = { .ts = second * SEC, .tick = second };

	made_put(m, FR_LANE_SAMPLE, FR_T_tick, 0, &t, sizeof(t), NULL, 0);
}

/* Pairs of number and value, in the order of the numbers. */
static void values(struct made *m, uint64_t second, unsigned every, bool full,
		   const int64_t (*pairs)[2], unsigned nr)
{
	struct fr_values r = { .ts = second * SEC,
			       .tick = second,
			       .collector = 1,
			       .count = (uint16_t)nr,
			       .every = (uint16_t)every,
			       .full = full };
	uint8_t packed[256];
	int64_t before = 0;
	size_t n = 0;

	for (unsigned i = 0; i < nr; i++) {
		int64_t v = pairs[i][1];

		n += made_varint(packed + n, (uint64_t)(pairs[i][0] - before));
		n += made_varint(packed + n,
				 (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
		before = pairs[i][0];
	}
	made_put(m, FR_LANE_SAMPLE, FR_T_values, (unsigned)n, &r, sizeof(r),
		 packed, n);
}

#define VALUES(m, second, every, full, ...)                                 \
	values(m, second, every, full, (const int64_t[][2]){ __VA_ARGS__ }, \
	       sizeof((const int64_t[][2]){ __VA_ARGS__ }) /                \
		       sizeof(int64_t[2]))

static void gather(struct plot *p, struct view *v, uint64_t from, uint64_t to)
{
	char any[] = "*", *globs[] = { any };
	const char *missing;

	*p = (struct plot){ .from_ns = from * SEC, .to_ns = to * SEC };
	assert_int_equal(plot_gather(p, v, globs, 1, &missing), 0);
}

/* Seconds and values; a NAN's second is that of the point before. */
static void expect(const struct plot_series *s, const double (*want)[2],
		   unsigned nr)
{
	for (unsigned i = 0; i < s->nr && i < nr; i++) {
		double second = (double)(s->points[i].ts / SEC);

		if (isnan(want[i][1]))
			assert_true(isnan(s->points[i].value));
		else
			assert_true(fabs(s->points[i].value - want[i][1]) <
				    1e-9);
		assert_true(second == want[i][0]);
	}
	assert_int_equal(s->nr, nr);
}

#define EXPECT(s, ...)                                \
	expect(s, (const double[][2]){ __VA_ARGS__ }, \
	       sizeof((const double[][2]){ __VA_ARGS__ }) / sizeof(double[2]))

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-9;
}

/* Seconds 1 to 20, none from 8 to 12.  The counter c grows by 30 in second 5 and
 * unseen in the gap, r begins anew in second 6. */
static struct view *a_day(void)
{
	struct made m = begin("day");

	made_metric(&m, 1, 1, 1, 1, "g\0\0s", 4);
	made_metric(&m, 1, 2, 2, 1, "c\0bytes\0s", 9);
	made_metric(&m, 1, 3, 2, 1, "r\0\0s", 4);
	for (unsigned second = 1; second <= 20; second++) {
		if (second >= 8 && second <= 12)
			continue;
		if (second == 1)
			VALUES(&m, 1, 1, true, { 1, 10 }, { 2, 0 }, { 3, 50 });
		if (second == 5)
			VALUES(&m, 5, 1, false, { 2, 30 });
		if (second == 6)
			VALUES(&m, 6, 1, false, { 1, 20 }, { 3, 10 });
		if (second == 13)
			VALUES(&m, 13, 1, false, { 2, 100 });
		tick(&m, second);
	}
	return end(&m, "day");
}

static void what_did_not_change_is_carried_on(void **state)
{
	struct view *v = a_day();
	struct plot p;

	(void)state;
	gather(&p, v, 1, 20);
	assert_int_equal(p.nr, 3);
	EXPECT(&p.series[0], { 1, 0 }, { 4, 0 }, { 5, 30 }, { 6, 0 },
	       { 7, NAN }, { 13, 0 }, { 20, 0 });
	EXPECT(&p.series[1], { 1, 10 }, { 4, 10 }, { 5, 10 }, { 6, 20 },
	       { 7, 20 }, { 7, NAN }, { 13, 20 }, { 20, 20 });
	EXPECT(&p.series[2], { 1, 0 }, { 4, 0 }, { 5, 0 }, { 6, NAN },
	       { 13, 0 }, { 20, 0 });
	/* by the time that is known */
	assert_true(near(p.series[0].mean, 30.0 / 12));
	assert_true(near(p.series[1].mean, (5 * 10 + 1 * 20 + 7 * 20) / 13.0));
	assert_true(near(p.series[0].max, 30) && near(p.series[0].last, 0));
	assert_true(near(p.series[2].max, 0));
	plot_free(&p);
	view_free(v);
}

static void a_part_of_the_time(void **state)
{
	struct view *v = a_day();
	struct plot p;

	(void)state;
	gather(&p, v, 3, 15);
	EXPECT(&p.series[0], { 3, 0 }, { 4, 0 }, { 5, 30 }, { 6, 0 },
	       { 7, NAN }, { 13, 0 }, { 15, 0 });
	EXPECT(&p.series[1], { 3, 10 }, { 4, 10 }, { 5, 10 }, { 6, 20 },
	       { 7, 20 }, { 7, NAN }, { 13, 20 }, { 15, 20 });
	plot_free(&p);
	gather(&p, v, 3, 4);
	EXPECT(&p.series[1], { 3, 10 }, { 4, 10 });
	plot_free(&p);
	view_free(v);
}

/* A collector of every fourth tick has looked in second 8 and found nothing new. */
static void slow_collectors(void **state)
{
	struct made m = begin("slow");
	struct view *v;
	struct plot p;

	(void)state;
	made_metric(&m, 1, 2, 2, 1, "c\0\0s", 4);
	for (unsigned second = 4; second <= 18; second++) {
		if (second == 4)
			VALUES(&m, 4, 4, true, { 2, 0 });
		if (second == 12)
			VALUES(&m, 12, 4, false, { 2, 8 });
		tick(&m, second);
	}
	v = end(&m, "slow");
	gather(&p, v, 4, 18);
	EXPECT(&p.series[0], { 4, 0 }, { 8, 0 }, { 12, 2 }, { 16, 0 });
	plot_free(&p);
	view_free(v);
}

static void column(struct view *v, const char *name, const char *const *want,
		   unsigned nr)
{
	struct view_cursor *c = view_cursor_new(v);
	unsigned at = view_find_column(v, name), n = 0;
	char text[64];

	assert_int_not_equal(at, VIEW_NO_COLUMN);
	for (unsigned i = 0; i < view_nr_rows(v); i++) {
		struct view_sample s;
		struct view_value value;

		view_seek(c, i);
		if (!view_get_sample(c, &s))
			continue;
		assert_true(n < nr);
		view_get(c, at, &value);
		snprintf(text, sizeof(text), "null");
		if (value.type == VIEW_I64)
			snprintf(text, sizeof(text), "%lld",
				 (long long)value.u);
		if (value.type == VIEW_DECIMAL)
			snprintf(text, sizeof(text), "%lld/%u",
				 (long long)value.u, value.scale);
		assert_string_equal(text, want[n++]);
	}
	assert_int_equal(n, nr);
	view_cursor_free(c);
}

static void growth_and_rate_of_rows(void **state)
{
	/* g 10, c 0, r 50; c 30; g 20, r 10; c 100 over the gap */
	static const char *const delta[] = { "null", "null", "null", "30",
					     "10",   "null", "70" };
	static const char *const rate[] = { "null",       "null", "null",
					    "30000/1000", "null", "null",
					    "11667/1000" };
	struct view *v = a_day();

	(void)state;
	column(v, "delta", delta, 7);
	column(v, "rate", rate, 7);
	view_free(v);
}

/* An empty full set says that all is gone: no curve, no growth until it is back. */
static void all_of_a_collector_gone(void **state)
{
	static const char *const delta[] = { "null", "null", "null", "null",
					     "1" };
	struct made m = begin("gone");
	struct view *v;
	struct plot p;

	(void)state;
	made_metric(&m, 1, 1, 1, 1, "g\0\0s", 4);
	made_metric(&m, 1, 2, 2, 1, "c\0\0s", 4);
	for (unsigned second = 4; second <= 20; second++) {
		if (second == 4)
			VALUES(&m, 4, 1, true, { 1, 11 }, { 2, 200 });
		if (second == 5)
			values(&m, 5, 1, true, NULL, 0);
		if (second == 15)
			VALUES(&m, 15, 1, true, { 1, 50 }, { 2, 5000 });
		if (second == 16)
			VALUES(&m, 16, 1, false, { 2, 5001 });
		if (second == 18)
			values(&m, 18, 1, true, NULL, 0);
		tick(&m, second);
	}
	v = end(&m, "gone");
	column(v, "delta", delta, 5);
	gather(&p, v, 4, 20);
	EXPECT(&p.series[0], { 15, 1 }, { 16, 1 }, { 18, NAN });
	EXPECT(&p.series[1], { 4, 11 }, { 5, NAN }, { 15, 50 }, { 16, 50 },
	       { 17, 50 }, { 18, NAN });
	plot_free(&p);
	view_free(v);
}

/* What comes behind the span is not drawn into it. */
static void beyond_the_span(void **state)
{
	struct made m = begin("beyond");
	struct view *v;
	struct plot p;

	(void)state;
	made_metric(&m, 1, 2, 2, 1, "c\0\0s", 4);
	for (unsigned second = 1; second <= 12; second++) {
		if (second == 1)
			VALUES(&m, 1, 1, true, { 2, 1000 });
		if (second == 4)
			VALUES(&m, 4, 4, false, { 2, 2000 });
		if (second == 8)
			VALUES(&m, 8, 4, false, { 2, 0 }); /* reset */
		if (second == 12)
			VALUES(&m, 12, 4, false, { 2, 4000000 });
		tick(&m, second);
	}
	v = end(&m, "beyond");
	gather(&p, v, 1, 6);
	assert_true(p.series[0].max < 1001 && p.series[0].last < 1001);
	plot_free(&p);
	view_free(v);
}

static void a_metric_twice_in_one_round(void **state)
{
	struct made m = begin("twice");
	struct view *v;
	struct plot p;

	(void)state;
	made_metric(&m, 1, 1, 1, 1, "g\0\0s", 4);
	VALUES(&m, 1, 1, true, { 1, 1 });
	VALUES(&m, 1, 1, false, { 1, 2 });
	tick(&m, 1);
	VALUES(&m, 2, 1, false, { 1, 3 });
	tick(&m, 2);
	tick(&m, 3);
	v = end(&m, "twice");
	gather(&p, v, 1, 3);
	EXPECT(&p.series[0], { 1, 2 }, { 2, 3 }, { 3, 3 });
	plot_free(&p);
	view_free(v);
}

static char *text_of(const struct plot *p, const struct view *v,
		     void (*print)(const struct plot *, const struct view *,
				   FILE *))
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	print(p, v, f);
	fclose(f);
	assert_int_equal(strlen(text), len);
	return text;
}

static void hostile_names_and_units(void **state)
{
	static const char name[] =
		"a\x1b[2J<b>&\"\0<u>&\x1b]0;\x07\xff\xff\xff\xff\xff\xff\xff\0s";
	struct made m = begin("hostile");
	struct view *v;
	struct plot p;
	char *text;

	(void)state;
	made_metric(&m, 1, 1, 1, 1, name, sizeof(name) - 1);
	VALUES(&m, 1, 1, true, { 1, 1 });
	tick(&m, 1);
	VALUES(&m, 2, 1, false, { 1, 1000000 });
	tick(&m, 2);
	v = end(&m, "hostile");
	gather(&p, v, 1, 2);
	p.width = 40;
	p.height = 4;
	p.ascii = true;
	text = text_of(&p, v, plot_print);
	assert_non_null(strstr(text, "a\\x1b[2J<b>&\""));
	for (const char *c = text; *c; c++)
		assert_true(*c == '\n' || (*c >= ' ' && *c <= '~'));
	/* no label moves the axis */
	for (const char *c = strchr(text, '\n'); c && strchr(c, '|');
	     c = strchr(c + 1, '\n'))
		if (strchr(c + 1, '|') &&
		    strchr(c + 1, '|') < strchr(c + 1, '\n'))
			assert_int_equal(strchr(c + 1, '|') - c - 1, 11);
	free(text);
	text = text_of(&p, v, plot_svg);
	assert_null(strstr(text, "<b>"));
	assert_null(strstr(text, "<u>"));
	assert_non_null(strstr(text, "&lt;b&gt;&amp;&quot;"));
	assert_non_null(strstr(text, "&lt;u&gt;&amp;"));
	assert_null(strchr(text, '\x1b'));
	free(text);
	plot_free(&p);
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
		cmocka_unit_test(what_did_not_change_is_carried_on),
		cmocka_unit_test(a_part_of_the_time),
		cmocka_unit_test(slow_collectors),
		cmocka_unit_test(growth_and_rate_of_rows),
		cmocka_unit_test(all_of_a_collector_gone),
		cmocka_unit_test(beyond_the_span),
		cmocka_unit_test(a_metric_twice_in_one_round),
		cmocka_unit_test(hostile_names_and_units),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
