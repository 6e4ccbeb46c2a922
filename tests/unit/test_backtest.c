/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_backtest.c - rules on made-up records: when they fire, what came nearest, and
 * what is left open. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump/backtest.h"
#include "dump/hist_counts.h"
#include "dump/view_filter.h"
#include "tests/unit/snapshot_made.h"

#define MSEC       1000000ULL
#define SEC        1000000000ULL
#define CALL_WRITE 4
#define CALL_FSYNC 13
#define PID        50
#define END_NS     (60100 * MSEC) /* made_facts() */

static char folder[] = "/tmp/test_backtest.XXXXXX";
static struct backtest *b;
static struct view *v;

/* ---- making ------------------------------------------------------------------ */

static struct made begin_as(const char *config, const char *instance)
{
	static const char *const probes[] = { "probe.fs.exit",
					      "probe.block.done",
					      "probe.proc.exit",
					      "probe.proc.oom" };
	struct made m = { .w = snap_create(folder, "a", 1) };

	assert_non_null(m.w);
	made_facts(&m, instance);
	snap_put_fact(m.w, "recorder.config", "%s", config);
	for (unsigned i = 0; i < sizeof(probes) / sizeof(*probes); i++)
		snap_put_fact(m.w, probes[i], "mechanism=tp_btf attached=yes");
	snap_put_fact(m.w, "probe.uring.done", "attached=no why=no BTF");
	snap_put_fact(m.w, "device.8:3", "sda3");
	snap_put_fact(m.w, "hist.since_ns", "1");
	made_proc(&m, 1, PID, PID, "postgres");
	return m;
}

static struct made begin(void)
{
	return begin_as("[ring]\nmemory = 64MiB\n", "00c0ffee");
}

static void op_of(struct made *m, uint32_t pid, unsigned call, uint64_t end,
		  uint64_t dur, int ret)
{
	made_put_io(m, call,
		    made_io(end - dur, (uint32_t)dur, pid, 1000, 4096, ret));
}

static void op(struct made *m, unsigned call, uint64_t end, uint64_t dur)
{
	op_of(m, PID, call, end, dur, 0);
}

static void cover(struct made *m, uint64_t from, uint64_t overwritten,
		  uint64_t lost)
{
	struct snap_coverage c = { .lane = FR_LANE_FS,
				   .from_ns = from,
				   .to_ns = END_NS,
				   .records = 10,
				   .overwritten = overwritten,
				   .lost = lost };

	snap_put_coverage(m->w, &c);
}

static void load(struct made *m, const char *const *streams)
{
	struct view_filter f = { .nr_pids = 0 };
	struct snap_diag diag;
	char path[128];

	assert_int_equal(snap_finish(m->w, NULL), 0);
	snprintf(path, sizeof(path), "%s/a.frs", folder);
	for (; *streams; streams++)
		f.streams.words[f.streams.nr++] = *streams;
	v = view_new();
	assert_int_equal(view_add_file(v, path, &diag), 0);
	assert_int_equal(view_load(v, &f, &diag), 0);
	unlink(path);
}

struct tested { /* a rule with its settings, or end */
	const char *when, *tail, *cooldown, *enabled;
};
static const char *min_history; /* of the first rule; NULL: none */

static void set(struct fr_trigger_rule *r, const char *key, const char *value)
{
	struct rule_diag d;

	if (value)
		assert_int_equal(rule_set(r, key, value, &d), 0);
}

static void run_span(struct made *m, const struct tested *t,
		     const struct view_filter *span)
{
	struct fr_trigger_rule rules[8];
	struct backtest_options o = { .rules = rules };
	struct snap_diag diag = { "" };

	for (; t->when; t++) {
		char name[8];

		snprintf(name, sizeof(name), "r%u", o.nr);
		rule_init(&rules[o.nr], name);
		set(&rules[o.nr], "when", t->when);
		set(&rules[o.nr], "tail", t->tail);
		set(&rules[o.nr], "cooldown", t->cooldown);
		set(&rules[o.nr], "min-history", o.nr ? NULL : min_history);
		set(&rules[o.nr++], "enabled", t->enabled);
	}
	b = backtest_new(&o);
	assert_non_null(b);
	load(m, backtest_streams(b));
	assert_int_equal(backtest_run(b, v, span, &diag), 0);
	for (unsigned i = 0; i < o.nr; i++)
		rule_clear(&rules[i]);
}

static void run(struct made *m, const struct tested *t)
{
	run_span(m, t, NULL);
}

static void done(void)
{
	backtest_free(b);
	view_free(v);
}

/* ---- asking ------------------------------------------------------------------ */

static void assert_counts(unsigned rule, uint64_t fired, uint64_t merged,
			  uint64_t suppressed)
{
	struct backtest_rule r;

	backtest_rule(b, rule, &r);
	assert_int_equal(r.counts.fired, fired);
	assert_int_equal(r.counts.merged, merged);
	assert_int_equal(r.counts.suppressed, suppressed);
	assert_int_equal(r.counts.hits, fired + merged + suppressed);
}

static void assert_decided(unsigned rule)
{
	struct backtest_rule r;

	backtest_rule(b, rule, &r);
	if (r.nr_reasons)
		print_message("%s\n", r.reasons[0]);
	assert_int_equal(r.nr_reasons, 0);
}

/* Some reason says that. */
static void assert_open(unsigned rule, const char *words)
{
	struct backtest_rule r;
	bool found = false;

	backtest_rule(b, rule, &r);
	for (unsigned i = 0; i < r.nr_reasons; i++)
		found |= strstr(r.reasons[i], words) != NULL;
	if (!found)
		print_message("no reason with '%s'\n", words);
	assert_true(found);
}

static void assert_nearest(unsigned rule, const char *words)
{
	char text[320] = "";

	assert_true(backtest_nearest(b, rule, 0, text, sizeof(text)));
	if (!strstr(text, words))
		print_message("'%s', not '%s'\n", text, words);
	assert_non_null(strstr(text, words));
}

/* ---- operations ---------------------------------------------------------------- */

static void test_latency(void **state)
{
	const struct tested t[] = {
		{ "fs.fsync latency > 100ms", NULL, "10s", NULL },
		{ "fs.fsync latency > 100ms", NULL, NULL, "no" },
		{ "fs.fsync latency > 1s", NULL, NULL, NULL },
		{ "fs.write latency > 1ms", NULL, NULL, NULL },
		{ NULL, NULL, NULL, NULL }
	};
	struct made m = begin();

	(void)state;
	op(&m, CALL_FSYNC, 5 * SEC, 100 * MSEC); /* just misses */
	op(&m, CALL_FSYNC, 10 * SEC, 200 * MSEC);
	op(&m, CALL_FSYNC, 10 * SEC + 20 * MSEC, 150 * MSEC); /* on its way */
	op(&m, CALL_FSYNC, 15 * SEC, 300 * MSEC);             /* cooling */
	op(&m, CALL_FSYNC, 21 * SEC, 300 * MSEC);             /* again */
	run(&m, t);
	assert_counts(0, 2, 1, 1);
	assert_counts(1, 0, 0, 4);
	assert_counts(2, 0, 0, 0);
	assert_decided(0);
	assert_decided(2);
	assert_nearest(2, "the longest of 5 operations took 300 ms");
	assert_nearest(3, "no operations of that kind");
	assert_int_equal(backtest_nr_hits(b), 8);
	assert_int_equal(backtest_hit(b, 0)->ns, 10 * SEC);
	assert_int_equal(backtest_hit(b, 0)->hit.ts, 10 * SEC - 200 * MSEC);
	assert_int_equal(backtest_hit(b, 0)->hit.tid, PID);
	done();
}

/* Since the recorder began, as it says, or else since the first record. */
static void test_min_history(void **state)
{
	const struct tested t[] = {
		{ "fs.fsync latency > 100ms", NULL, "0", NULL },
		{ "fs.fsync latency > 100ms", NULL, "1h", NULL },
		{ NULL, NULL, NULL, NULL }
	};

	(void)state;
	min_history = "20s";
	for (unsigned told = 0; told < 2; told++) {
		struct made m = begin();

		if (told)
			snap_put_fact(m.w, "recorder.since_ns", "%llu",
				      (unsigned long long)(3 * SEC));
		op(&m, CALL_FSYNC, 10 * SEC, 200 * MSEC);
		op(&m, CALL_FSYNC, 22 * SEC, 200 * MSEC);
		op(&m, CALL_FSYNC, 24 * SEC, 200 * MSEC);
		run(&m, t);
		assert_counts(0, told ? 1 : 2, 0, told ? 2 : 1);
		assert_counts(1, 1, 0, 2);
		if (told)
			assert_decided(0);
		else
			assert_open(0, "since when it was recorded");
		assert_decided(1);
		done();
	}
	min_history = NULL;
}

/* What ends first counts first, whatever began first. */
static void test_order_and_tail(void **state)
{
	const struct tested t[] = { { "fs.* latency > 100ms", "2s", "0", NULL },
				    { "fs.write latency > 100ms", NULL, "0",
				      NULL },
				    { NULL, NULL, NULL, NULL } };
	struct made m = begin();

	(void)state;
	op(&m, CALL_FSYNC, 14 * SEC, 4 * SEC);
	op(&m, CALL_WRITE, 12 * SEC, 200 * MSEC);
	op(&m, CALL_WRITE, 14500 * MSEC, 200 * MSEC); /* a new one */
	run(&m, t);
	assert_counts(0, 2, 1, 0);
	assert_counts(1, 0, 2, 0);
	assert_int_equal(backtest_hit(b, 0)->ns, 12 * SEC);
	assert_int_equal(backtest_hit(b, 0)->fate, BACKTEST_FIRED);
	assert_nearest(1, "a snapshot was on its way");
	done();
}

static void test_filters(void **state)
{
	const struct tested t[] = {
		{ "fs.* error EIO where comm = postgres", NULL, "0", NULL },
		{ "fs.* error EIO where comm != postgres", NULL, "0", NULL },
		{ "fs.* error EIO where device = sda3", NULL, "0", NULL },
		{ "fs.* error EIO where device = sdz", NULL, "0", NULL },
		{ "fs.* error EIO where pid = 51", NULL, "0", NULL },
		{ "fs.* error EIO where cgroup = /db", NULL, "0", NULL },
		{ NULL, NULL, NULL, NULL }
	};
	struct made m = begin();

	(void)state;
	op_of(&m, PID, CALL_WRITE, 10 * SEC, MSEC, -5);
	op_of(&m, PID, CALL_WRITE, 11 * SEC, MSEC, -4);
	op_of(&m, 51, CALL_WRITE, 12 * SEC, MSEC, -5); /* without a name */
	run(&m, t);
	assert_counts(0, 1, 0, 0);
	assert_counts(1, 0, 0, 0);
	assert_counts(2, 1, 1, 0);
	assert_counts(3, 0, 0, 0);
	assert_counts(4, 0, 1, 0);
	assert_open(0, "1 operations are of threads whose name");
	assert_open(3, "does not say what device sdz was");
	assert_open(5, "of cgroups whose path");
	assert_decided(2);
	assert_decided(4);
	done();
}

static void test_inflight(void **state)
{
	struct fr_inflight_fs r = { .ts = 58 * SEC,
				    .asked2 = ~0ull,
				    .dir2_ino = ~0ull,
				    .dir2_dev = ~0u,
				    .dir2_pkey = 0xffff,
				    .age = 2100 * MSEC,
				    .tid = PID,
				    .pid = PID,
				    .born = MADE_BORN,
				    .pkey = 9,
				    .dev = MADE_DEV,
				    .ino = 1007,
				    .asked = UINT64_MAX,
				    .dir_ino = UINT64_MAX,
				    .dir_dev = UINT32_MAX,
				    .dir_pkey = UINT16_MAX };
	const struct tested t[] = {
		{ "fs.fsync inflight > 1s", NULL, "0", NULL },
		{ "fs.fsync inflight > 3s", NULL, "0", NULL },
		{ "fs.fsync inflight > 500ms", NULL, "0", NULL },
		{ NULL, NULL, NULL, NULL }
	};
	struct made m = begin();

	(void)state;
	op(&m, CALL_FSYNC, 10 * SEC, 505 * MSEC);
	made_put(&m, FR_LANE_OTHER, FR_T_inflight_fs, CALL_FSYNC, &r, sizeof(r),
		 NULL, 0);
	r.ts = 9495 * MSEC; /* the one above, seen by another snapshot */
	r.age = 502 * MSEC;
	made_put(&m, FR_LANE_OTHER, FR_T_inflight_fs, CALL_FSYNC, &r, sizeof(r),
		 NULL, 0);
	run(&m, t);
	assert_counts(0, 1, 0, 0);
	assert_counts(1, 0, 0, 0);
	assert_decided(0);
	assert_decided(1);
	assert_int_equal(backtest_hit(b, backtest_nr_hits(b) - 1)->ns,
			 59 * SEC);
	assert_counts(2, 2, 0, 0);
	assert_open(2, "1 operations took less than 10ms longer");
	done();
}

static void put_exit(struct made *m, uint64_t end, unsigned last,
		     uint32_t status)
{
	struct fr_proc_exit r = { .ts = end - SEC,
				  .tid = PID,
				  .pid = PID,
				  .born = MADE_BORN,
				  .last = (uint16_t)last,
				  .status = status,
				  .dur = SEC };

	made_put(m, FR_LANE_PROC, FR_T_proc_exit, 0, &r, sizeof(r), NULL, 0);
}

static void test_exit(void **state)
{
	const struct tested t[] = {
		{ "proc exit signal SEGV", NULL, "0", NULL },
		{ "proc exit code 1,7", NULL, "0", NULL },
		{ "proc exit code any where comm = other", NULL, "0", NULL },
		{ "oom kill", NULL, "0", NULL },
		{ NULL, NULL, NULL, NULL }
	};
	struct made m = begin();

	(void)state;
	put_exit(&m, 10 * SEC, 1, 0x80 | 11); /* a core was dumped */
	put_exit(&m, 20 * SEC, 1, 7 << 8);
	put_exit(&m, 30 * SEC, 0, 7 << 8); /* of a thread */
	put_exit(&m, 40 * SEC, 1, 0);
	run(&m, t);
	assert_counts(0, 1, 0, 0);
	assert_counts(1, 1, 0, 0);
	assert_counts(2, 0, 0, 0);
	assert_counts(3, 0, 0, 0);
	assert_nearest(2, "let none of 3 ends of processes through");
	assert_nearest(3, "no kills");
	assert_decided(0);
	done();
}

/* ---- metrics ------------------------------------------------------------------- */

static void put_metrics(struct made *m)
{
	made_metric(m, 1, 1, 1, 1, "meminfo.Dirty\0kB\0made", 22);
	made_metric(m, 1, 2, 1, 1, "meminfo.MemTotal\0kB\0made", 25);
	made_metric(m, 1, 3, 2, 1, "vmstat.pgpgout\0\0made", 20);
	for (uint64_t s = 1; s < 60; s++) {
		int64_t values[3] = { s >= 20 && s < 30 ? 50 : 10, 100,
				      (int64_t)(s * 10) };

		made_values(m, s * SEC, values, 3);
	}
}

static void test_metrics(void **state)
{
	const struct tested t[] = {
		{ "meminfo.Dirty > 30% for 5s", NULL, "0", NULL },
		{ "meminfo.Dirty > 30% for 20s", NULL, "0", NULL },
		{ "rate(vmstat.pgpgout) > 10.5/s", NULL, "0", NULL },
		{ "meminfo.Absent > 5", NULL, "0", NULL },
		{ "fs.write latency > 1ms and meminfo.Dirty > 30%", NULL, "0",
		  NULL },
		{ "fs.write latency > 1ms and not meminfo.Dirty > 30%", NULL,
		  "0", NULL },
		{ NULL, NULL, NULL, NULL }
	};
	struct made m = begin();

	(void)state;
	put_metrics(&m);
	op(&m, CALL_WRITE, 10 * SEC, 2 * MSEC);
	op(&m, CALL_WRITE, 22500 * MSEC, 2 * MSEC);
	op(&m, CALL_WRITE, 40 * SEC, 2 * MSEC);
	run(&m, t);
	assert_counts(0, 1, 0, 0);
	assert_counts(1, 0, 0, 0);
	assert_nearest(1, "over it for 9.00 s at most, of 20s");
	assert_nearest(2, "was 10/s");
	assert_open(3, "meminfo.Absent was not sampled");
	assert_counts(4, 1, 0, 0);
	assert_counts(5, 2, 0, 0);
	assert_decided(0);
	assert_decided(5);
	for (size_t i = 0; i < backtest_nr_hits(b); i++)
		if (backtest_hit(b, i)->rule == 0)
			assert_int_equal(backtest_hit(b, i)->ns, 25 * SEC);
	done();
}

/* Totals each second: 40 % from 20 s to 24 s, else nothing. */
static void test_pressure(void **state)
{
	const struct tested t[] = {
		{ "pressure.io.full > 30% over 2s", NULL, "0", NULL },
		{ "pressure.io.full > 60% over 2s", NULL, "0", NULL },
		{ "pressure.io.full > 50% over 500ms", NULL, "0", NULL },
		{ "pressure.io.some > 50% over 500ms", NULL, "0", NULL },
		{ NULL, NULL, NULL, NULL }
	};
	struct made m = begin();
	int64_t total = 0;

	(void)state;
	made_metric(&m, 1, 1, 2, 1, "pressure.io.full_total\0ns\0made", 31);
	for (uint64_t s = 1; s < 60; s++) {
		if (s > 20 && s <= 24)
			total += 400 * (int64_t)MSEC;
		made_values(&m, s * SEC, &total, 1);
	}
	run(&m, t);
	assert_counts(0, 1, 0, 0);
	assert_counts(1, 0, 0, 0);
	assert_counts(2, 0, 0, 0);
	assert_open(2, "between two samples");
	assert_open(3, "was not sampled");
	done();
}

/* 100 a second; from 30 s to 34 s each tenth is slow. */
static void test_percentile(void **state)
{
	const struct tested t[] = {
		{ "fs.fsync p99 latency > 20ms over 2s", NULL, "0", NULL },
		{ "fs.fsync p50 latency > 20ms over 2s", NULL, "0", NULL },
		{ "fs.fsync p99 latency > 20ms over 2s, min 1000", NULL, "0",
		  NULL },
		{ "fs.fsync p99 latency > 20ms over 2s where device = sda3",
		  NULL, "0", NULL },
		{ NULL, NULL, NULL, NULL }
	};
	struct made m = begin();

	(void)state;
	for (uint64_t i = 1; i < 6000; i++)
		op(&m, CALL_FSYNC, SEC + i * 10 * MSEC,
		   i >= 2900 && i < 3300 && i % 10 == 0 ? 50 * MSEC : MSEC);
	run(&m, t);
	assert_counts(0, 1, 0, 0);
	assert_decided(0);
	assert_counts(1, 0, 0, 0);
	assert_nearest(1, "p50 of fs.fsync was");
	assert_decided(1);
	assert_nearest(2, "no window holds 1000 operations");
	assert_counts(3, 0, 1, 0); /* into the first one's */
	for (size_t i = 0; i < backtest_nr_hits(b); i++)
		assert_true(backtest_hit(b, i)->ns >= 30 * SEC &&
			    backtest_hit(b, i)->ns < 31 * SEC);
	done();
}

/* ---- what is left open ----------------------------------------------------------- */

static void put_hist(struct made *m, uint64_t longest_ns)
{
	uint64_t counts[FR_HIST_BUCKETS] = { 0 };
	struct fr_hist r = { .ts = 1,
			     .dur = END_NS,
			     .count = 2,
			     .dev = MADE_DEV,
			     .key = CALL_FSYNC,
			     .whole = 1 };
	uint8_t packed[64];
	uint32_t from = 0;
	size_t n;

	counts[hist_bucket_of(1000)] = 1;
	counts[hist_bucket_of(longest_ns)] = 1;
	n = hist_pack(counts, &from, packed, sizeof(packed));
	made_put(m, FR_LANE_OTHER, FR_T_hist, (unsigned)n, &r, sizeof(r),
		 packed, n);
}

static void test_overwritten(void **state)
{
	const struct view_filter all = { .begin = "2026-11-20T13:05:01Z" };
	const struct tested t[] = {
		{ "fs.fsync latency > 1s", NULL, NULL, NULL },
		{ "fs.fsync latency > 50ms", NULL, NULL, NULL },
		{ "fs.fsync error any", NULL, NULL, NULL },
		{ NULL, NULL, NULL, NULL }
	};
	struct made m = begin();
	uint64_t from, to;

	(void)state;
	op(&m, CALL_FSYNC, 40 * SEC, 20 * MSEC);
	cover(&m, 30 * SEC, 1000, 0);
	put_hist(&m, 200 * MSEC);
	run_span(&m, t, &all);
	assert_decided(0); /* no bucket is that long */
	assert_open(1, "lane fs goes back to");
	assert_open(2, "lane fs goes back to");
	done();

	/* by itself the test is of what the lane holds */
	m = begin();
	op(&m, CALL_FSYNC, 20 * SEC, 70 * MSEC);
	op(&m, CALL_FSYNC, 40 * SEC, 20 * MSEC);
	cover(&m, 30 * SEC, 1000, 0);
	run(&m, t + 1);
	assert_decided(0);
	assert_counts(0, 0, 0, 0);
	backtest_span(b, &from, &to);
	assert_int_equal(from, 30 * SEC);
	assert_int_equal(to, END_NS);
	done();
}

static void test_lost(void **state)
{
	const struct tested t[] = { { "fs.fsync latency > 1s", NULL, NULL,
				      NULL },
				    { NULL, NULL, NULL, NULL } };
	struct made m = begin();

	(void)state;
	op(&m, CALL_FSYNC, 40 * SEC, 20 * MSEC);
	cover(&m, 1, 0, 7);
	run(&m, t);
	assert_open(0, "7 records were lost");
	done();
}

static void test_left_out(void **state)
{
	const struct tested t[] = {
		{ "fs.fsync latency > 50ms", NULL, NULL, NULL },
		{ "fs.fsync latency > 2s", NULL, NULL, NULL },
		{ "fs.fsync error any", NULL, NULL, NULL },
		{ "epoll.* latency > 2s", NULL, NULL, NULL },
		{ "block.write latency > 5ms", NULL, NULL, NULL },
		{ "block.write latency > 20ms", NULL, NULL, NULL },
		{ "uring latency > 2s", NULL, NULL, NULL },
		{ NULL, NULL, NULL, NULL }
	};
	struct made m = begin_as("[probes]\nsample = fs=8\nabove = block=10ms\n"
				 "slow_limit = 1s\n",
				 "00c0ffee");

	(void)state;
	op(&m, CALL_FSYNC, 40 * SEC, 20 * MSEC);
	run(&m, t);
	assert_open(0, "one record in 8 was kept");
	assert_decided(1); /* over slow_limit all are kept */
	assert_open(2, "one record in 8 was kept");
	assert_open(3, "stream epoll was not recorded");
	assert_open(4, "probes.above");
	assert_decided(5);
	assert_open(6, "no probe of it was attached");
	done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_latency),
		cmocka_unit_test(test_min_history),
		cmocka_unit_test(test_order_and_tail),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_inflight),
		cmocka_unit_test(test_exit),
		cmocka_unit_test(test_metrics),
		cmocka_unit_test(test_pressure),
		cmocka_unit_test(test_percentile),
		cmocka_unit_test(test_overwritten),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_left_out),
	};
	int r;

	if (!mkdtemp(folder))
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return r;
}
