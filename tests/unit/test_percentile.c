/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_percentile.c - percentile rules, over made histograms and made time; the
 * exact quantile of what was put in is computed here, by sorting. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dump/hist_counts.h"
#include "triggers/inbox.h"
#include "triggers/look.h"
#include "triggers/where.h"

#define MS  1000000ULL
#define SEC 1000000000ULL

struct row { /* as the kernel has them */
	uint32_t key, stream;
	int64_t dev;
	uint64_t cgroup;
	uint64_t n[FR_HIST_BUCKETS];
};

struct made {
	struct look_world world;
	struct look look;
	struct inbox *in;
	struct row rows[4];
	unsigned nr, ons, offs;
	bool has_slot;
	struct engine_hit last;
	uint64_t now;
};

static uint64_t counts(void *arg, const uint64_t *keys, uint32_t streams,
		       int64_t dev, uint64_t cgroup, uint64_t *ret)
{
	struct made *m = arg;

	memset(ret, 0, FR_HIST_BUCKETS * sizeof(*ret));
	for (unsigned r = 0; r < m->nr; r++) {
		const struct row *row = &m->rows[r];

		if (!(keys[row->key / 64] >> (row->key % 64) & 1) ||
		    !(streams >> row->stream & 1) ||
		    (dev >= 0 && dev != row->dev) ||
		    (cgroup && cgroup != row->cgroup))
			continue;
		for (unsigned b = 0; b < FR_HIST_BUCKETS; b++)
			ret[b] += row->n[b];
	}
	return hist_total(ret);
}

/* Rows that a slot has counted. */
static bool slot_counts(void *arg, uint32_t number, uint32_t cond,
			uint64_t *ret)
{
	struct made *m = arg;

	if (number != 16 || cond != 2 || !m->has_slot)
		return false;
	memcpy(ret, m->rows[0].n, FR_HIST_BUCKETS * sizeof(*ret));
	return true;
}

static void note(void *arg, const struct engine_hit *h)
{
	struct made *m = arg;

	m->ons += h->change == HIT_ON;
	m->offs += h->change == HIT_OFF;
	if (h->change == HIT_ON)
		m->last = *h;
}

#define READ  1
#define FSYNC 13

static struct made *make(const char *rule)
{
	struct made *m = calloc(1, sizeof(*m));
	struct rule_expr e;
	struct rule_diag d;

	if (rule_parse(rule, &e, &d))
		fail_msg("%s: %s", rule, d.text);
	assert_string_equal(e.conds[0].ops->name, "percentile");
	m->in = inbox_new();
	m->world = (struct look_world){ .arg = m,
					.counts = counts,
					.counts_arg = m,
					.slot_counts = slot_counts,
					.root = "" };
	m->look = (struct look){ .cond = e.conds[0],
				 .world = &m->world,
				 .number = 16,
				 .fd = -1,
				 .in = m->in };
	m->rows[0] = (struct row){ READ, FR_STREAM_FS, 7, 50, { 0 } };
	m->rows[1] = (struct row){ READ, FR_STREAM_FS, 8, 60, { 0 } };
	m->rows[2] = (struct row){ READ, FR_STREAM_NET, 7, 50, { 0 } };
	m->rows[3] = (struct row){ FSYNC, FR_STREAM_FS, 7, 50, { 0 } };
	m->nr = 4;
	m->now = 100 * SEC;
	return m;
}

static void begin(struct made *m)
{
	assert_int_equal(m->look.cond.ops->look_open(&m->look, m->now), 0);
}

static void finish(struct made *m)
{
	m->look.cond.ops->look_close(&m->look);
	inbox_free(m->in);
	free(m);
}

/* ${n} operations of a row, then ${ns} pass. */
static void put(struct made *m, unsigned row, uint64_t dur, uint64_t n)
{
	m->rows[row].n[hist_bucket_of(dur)] += n;
}

static void pass(struct made *m, uint64_t ns)
{
	for (uint64_t end = m->now + ns; m->now < end; m->now += 10 * MS)
		if (m->look.due_ns <= m->now)
			m->look.cond.ops->look(&m->look, m->now);
	inbox_drain(m->in, note, m);
}

static void over_the_limit_in_a_whole_window(void **state)
{
	struct made *m = make("fs.read p99 latency > 20ms over 10s, min 100");

	(void)state;
	put(m, 0, 30 * MS, 1000000); /* long ago: not of this window */
	begin(m);
	for (unsigned s = 0; s < 9; s++) {
		put(m, 0, MS, 99);
		put(m, 0, 31 * MS, 2); /* 2 % are slow */
		pass(m, SEC);
	}
	assert_int_equal(m->ons, 0); /* nine seconds are not ten */
	put(m, 0, MS, 99);
	put(m, 0, 31 * MS, 2);
	pass(m, 2 * SEC);
	assert_int_equal(m->ons, 1);
	assert_true(m->last.value > 31 * MS * 0.968 &&
		    m->last.value < 31 * MS * 1.032);
	assert_true(m->last.seq >= 900 && m->last.seq <= 1010);
	pass(m, 12 * SEC); /* nothing happens any more */
	assert_int_equal(m->offs, 1);
	finish(m);
}

static void just_below_it_does_not(void **state)
{
	struct made *m = make("fs.read p99 latency > 20ms over 2s min 100");

	(void)state;
	begin(m);
	for (unsigned s = 0; s < 100; s++) {
		put(m, 0, MS, 99);
		put(m, 0, 31 * MS,
		    1); /* one in a hundred: p99 is a quick one */
		put(m, 2, 40 * MS, 500); /* of sockets */
		put(m, 3, 40 * MS, 500); /* another call */
		pass(m, 200 * MS);
	}
	assert_int_equal(m->ons, 0);
	finish(m);
}

static void too_few_say_nothing(void **state)
{
	struct made *m = make("fs.read p50 latency > 20ms over 1s, min 100");

	(void)state;
	begin(m);
	for (unsigned s = 0; s < 100; s++) {
		put(m, 0, 50 * MS, 9); /* 90 a second */
		pass(m, 100 * MS);
	}
	assert_int_equal(m->ons, 0);
	for (unsigned s = 0; s < 20; s++) {
		put(m, 0, 50 * MS, 11);
		pass(m, 100 * MS);
	}
	assert_int_equal(m->ons, 1);
	finish(m);
}

static void it_clears_where_it_was_told_to(void **state)
{
	struct made *m =
		make("fs.read p90 latency > 20ms over 1s min 10 clear 5ms");

	(void)state;
	begin(m);
	for (unsigned s = 0; s < 30; s++) {
		put(m, 0, 25 * MS, 10);
		pass(m, 100 * MS);
	}
	assert_int_equal(m->ons, 1);
	for (unsigned s = 0; s < 30; s++) {
		put(m, 0, 10 * MS, 10);
		pass(m, 100 * MS);
	}
	assert_int_equal(m->offs, 0);
	for (unsigned s = 0; s < 30; s++) {
		put(m, 0, 4 * MS, 10);
		pass(m, 100 * MS);
	}
	assert_int_equal(m->offs, 1);
	finish(m);
}

/* Which rows a filter takes: those with these durations, in ms. */
static void filtered(const char *where, uint32_t dev, const char *cgroups,
		     double want_ms)
{
	char rule[256], command[256], root[] = "/tmp/fr-pct-XXXXXX";
	struct made *m;

	snprintf(rule, sizeof(rule),
		 "fs.read p99 latency > 1us over 1s, min 1 where %s", where);
	m = make(rule);
	m->look.cond.where.dev = dev;
	assert_non_null(mkdtemp(root));
	m->world.root = root;
	snprintf(command, sizeof(command),
		 "mkdir -p %s/sys/fs/cgroup/a/b && touch "
		 "%s/sys/fs/cgroup/a/cgroup.procs",
		 root, root);
	assert_int_equal(system(command), 0);
	for (unsigned r = 0; r < 2 && cgroups; r++) {
		struct stat st;

		snprintf(command, sizeof(command), "%s/sys/fs/cgroup/%s", root,
			 r ? "a/b" : cgroups);
		assert_int_equal(stat(command, &st), 0);
		m->rows[r].cgroup = st.st_ino;
	}
	begin(m);
	for (unsigned s = 0; s < 15; s++) {
		put(m, 0, 10 * MS, 5);
		put(m, 1, 40 * MS, 5);
		pass(m, 100 * MS);
	}
	assert_int_equal(m->ons, want_ms > 0);
	if (want_ms > 0)
		assert_true(m->last.value > want_ms * MS * 0.968 &&
			    m->last.value < want_ms * MS * 1.032);
	finish(m);
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	assert_int_equal(system(command), 0);
}

static void filters(void **state)
{
	(void)state;
	filtered("device = vda", 7, NULL, 10);
	filtered("device = vda", 8, NULL, 40);
	filtered("device != vda", 8, NULL, 10);
	filtered("device = sdz", ~0u, NULL, 0);   /* not there */
	filtered("device != sdz", ~0u, NULL, 40); /* everything */
	filtered("cgroup = /a", 0, "", 40);       /* those below it, too */
	filtered("cgroup != /a", 0, "", 10);
	filtered("cgroup = /a, device = vda", 7, "a", 10);
	filtered("cgroup = /a, device != vda", 7, "a", 40);
	filtered("cgroup = /none", 0, NULL, 0);
}

/* Filters that the histograms do not tell apart: what the slot of that condition
 * counts, from when it is there. */
static void counted_by_a_slot(void **state)
{
	static const char *const filters[] = { "comm = x", "pid != 7",
					       "path = \"/x*\", device = vda" };

	(void)state;
	for (unsigned f = 0; f < 3; f++) {
		char rule[128];
		struct made *m;

		snprintf(rule, sizeof(rule),
			 "fs.read p50 latency > 5ms over 1s, min 5 where %s",
			 filters[f]);
		m = make(rule);
		m->look.index = 2;
		m->look.cond.where.dev = 8;
		put(m, 0, 40 * MS, 1000000); /* whatever used it before */
		begin(m);
		for (unsigned s = 0; s < 30; s++) {
			put(m, 1, 40 * MS, 5); /* the histograms' */
			pass(m, 100 * MS);
		}
		m->has_slot = true;
		pass(m, 900 * MS); /* the first reading is not counted */
		assert_int_equal(m->ons, 0);
		put(m, 0, 10 * MS, 5);
		pass(m, 300 * MS);
		assert_int_equal(m->ons, 1);
		assert_int_equal(m->last.seq, 5);
		m->has_slot = false; /* it goes: so does what it said */
		put(m, 0, 10 * MS, 50);
		pass(m, 200 * MS);
		m->has_slot = true;
		pass(m, 900 * MS);
		assert_int_equal(m->ons, 1);
		finish(m);
	}
}

static void without_slots_it_cannot_be_looked_at(void **state)
{
	struct made *m =
		make("fs.read p50 latency > 5ms over 1s where comm = x");

	(void)state;
	m->world.slot_counts = NULL;
	assert_int_equal(m->look.cond.ops->look_open(&m->look, m->now), -95);
	m->world.slot_counts = slot_counts;
	m->world.counts = NULL;
	begin(m);
	finish(m);
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Against the exact quantile of random durations. */
static void as_exact_as_a_bucket(void **state)
{
	static const struct {
		const char *p;
		double q;
	} cases[] = { { "p50", 0.5 },
		      { "p90", 0.9 },
		      { "p99", 0.99 },
		      { "p99.9", 0.999 } };
	static uint64_t all[20000];

	(void)state;
	srandom(7);
	for (unsigned c = 0; c < 4; c++) {
		char rule[128];
		struct made *m;
		double exact;

		snprintf(rule, sizeof(rule),
			 "fs.read %s latency > 1us over 1s, min 20000",
			 cases[c].p);
		m = make(rule);
		begin(m);
		pass(m, 10 * MS);
		for (unsigned i = 0; i < 20000; i++) {
			all[i] = 1000 +
				 (uint64_t)random() % (1u << (12 + i % 15));
			put(m, 0, all[i], 1);
		}
		qsort(all, 20000, sizeof(all[0]), ascending);
		exact = (double)
			all[(unsigned)(cases[c].q * 20000 + 0.999999) - 1];
		pass(m, SEC + 100 * MS);
		assert_int_equal(m->ons, 1);
		assert_int_equal(m->last.seq, 20000);
		assert_true(m->last.value > exact * 0.968 &&
			    m->last.value < exact * 1.032);
		finish(m);
	}
}

static void a_suspend_is_no_window(void **state)
{
	struct made *m = make("fs.read p50 latency > 20ms over 1s, min 10");

	(void)state;
	begin(m);
	pass(m, 900 * MS);
	put(m, 0, 50 * MS, 1000);
	m->now += 3600 * SEC;
	pass(m, 900 * MS); /* those were of any time of the last hour */
	assert_int_equal(m->ons, 0);
	put(m, 0, 50 * MS, 1000);
	pass(m, 300 * MS);
	assert_int_equal(m->ons, 1);
	finish(m);
}

static void it_ends_with_its_rule(void **state)
{
	struct made *m = make("fs.read p50 latency > 20ms over 1s, min 10");

	(void)state;
	begin(m);
	for (unsigned s = 0; s < 15; s++) {
		put(m, 0, 50 * MS, 100);
		pass(m, 100 * MS);
	}
	assert_int_equal(m->ons, 1);
	m->look.cond.ops->look_close(&m->look);
	inbox_drain(m->in, note, m);
	assert_int_equal(m->offs, 1);
	inbox_free(m->in);
	free(m);
}

static void what_is_refused(void **state)
{
	static const struct {
		const char *rule, *says;
		unsigned at;
	} cases[] = {
		{ "fs.read p0 latency > 1ms over 1s", "between p0 and p100",
		  8 },
		{ "fs.read p100 latency > 1ms over 1s", "between p0", 8 },
		{ "fs.read p9.9.9 latency > 1ms over 1s", "between p0", 8 },
		{ "fs.read p99 > 1ms over 1s", "latency", 12 },
		{ "fs.read p99 latency < 1ms over 1s", "`>`", 20 },
		{ "fs.read p99 latency > 0 over 1s", "always", 22 },
		{ "fs.read p99 latency > 1h over 1s", "", 22 },
		{ "fs.read p99 latency > 1ms", "`over`", 25 },
		{ "fs.read p99 latency > 1ms over 10ms", "1s at least", 31 },
		{ "fs.read p99 latency > 1ms over 2h", "", 31 },
		{ "fs.read p99 latency > 1ms over 1s, min 0", "no number", 39 },
		{ "fs.read p99 latency > 1ms over 1s, min 1.5", "no number",
		  39 },
		{ "fs.read p99 latency > 1ms over 1s, max 5", "`min`", 35 },
		{ "fs.read p99 latency > 1ms over 1s clear 2ms", "below", 40 },
		{ "net.send p99 latency > 1ms over 1s where path = \"/x\"",
		  "only operations of fs", 48 },
		{ "fs.raed p99 latency > 1ms over 1s", "read", 0 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule_expr e;
		struct rule_diag d;

		if (!rule_parse(cases[i].rule, &e, &d))
			fail_msg("%s was taken", cases[i].rule);
		if (!strstr(d.text, cases[i].says) || d.at != cases[i].at)
			fail_msg("%s: %u: %s", cases[i].rule, d.at, d.text);
	}
}

static void what_is_not_said_is_sensible(void **state)
{
	struct rule_expr e;
	struct rule_diag d;

	(void)state;
	assert_int_equal(
		rule_parse("fs.read p99.9 latency > 1ms over 1s", &e, &d), 0);
	assert_int_equal(e.conds[0].min_count, 1000);
	assert_int_equal(
		rule_parse("fs.read p50 latency > 1ms over 1s", &e, &d), 0);
	assert_int_equal(e.conds[0].min_count, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_the_limit_in_a_whole_window),
		cmocka_unit_test(just_below_it_does_not),
		cmocka_unit_test(too_few_say_nothing),
		cmocka_unit_test(it_clears_where_it_was_told_to),
		cmocka_unit_test(filters),
		cmocka_unit_test(counted_by_a_slot),
		cmocka_unit_test(without_slots_it_cannot_be_looked_at),
		cmocka_unit_test(as_exact_as_a_bucket),
		cmocka_unit_test(a_suspend_is_no_window),
		cmocka_unit_test(it_ends_with_its_rule),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(what_is_not_said_is_sensible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
