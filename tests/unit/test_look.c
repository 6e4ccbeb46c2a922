/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_look.c - conditions that are looked at: operations in flight and pressure,
 * with a made world and made time. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "triggers/inbox.h"
#include "triggers/look.h"

#define MS  1000000ULL
#define SEC 1000000000ULL

#define OPS_MAX 60000

struct made {
	struct look_world world;
	struct look_op *ops;
	unsigned nr, scans, asked, passes, fail_passes;
	bool returns; /* while its path is looked up */
	char root[64];
	struct inbox *in;
	struct look look;
	unsigned ons, offs;
	struct engine_hit last;
};

static void scan(void *arg, uint64_t before_ns, look_op_fn fn, void *fn_arg)
{
	struct made *m = arg;

	m->scans++;
	for (unsigned i = 0; i < m->nr; i++)
		if (m->ops[i].ts && m->ops[i].ts < before_ns)
			fn(fn_arg, &m->ops[i]);
}

static bool in_flight(void *arg, const struct look_op *op)
{
	struct made *m = arg;

	return m->ops[op->id].ts == op->ts;
}

/* Those of even threads lie in /a, of each third in /b, too; others have none. */
static void path_of(const struct look_op *op, struct look_paths *ret)
{
	ret->nr = 0;
	if (op->tid % 2 == 0)
		snprintf(ret->text[ret->nr++], LOOK_PATH_MAX, "/a/%u", op->tid);
	if (op->tid % 3 == 0)
		snprintf(ret->text[ret->nr++], LOOK_PATH_MAX, "/b/%u", op->tid);
}

static void paths(void *arg, const struct look_op *ops, unsigned nr,
		  struct look_paths *ret)
{
	struct made *m = arg;

	assert_in_range(nr, 1, LOOK_PATHS_MAX);
	m->asked += nr;
	m->passes++;
	for (unsigned i = 0; i < nr; i++) {
		ret[i].known = m->passes > m->fail_passes;
		path_of(&ops[i], &ret[i]);
		if (m->returns) /* just now */
			m->ops[ops[i].id].ts = 0;
	}
}

static struct made *make(const char *rule)
{
	struct made *m = calloc(1, sizeof(*m));
	struct rule_expr e;
	struct rule_diag d;

	if (rule_parse(rule, &e, &d))
		fail_msg("%s: %s", rule, d.text);
	m->ops = calloc(OPS_MAX, sizeof(*m->ops));
	snprintf(m->root, sizeof(m->root), "/tmp/fr-look-XXXXXX");
	assert_non_null(mkdtemp(m->root));
	m->in = inbox_new();
	m->world = (struct look_world){
		.arg = m,
		.scan = scan,
		.in_flight = in_flight,
		.paths = paths,
		.root = m->root,
	};
	m->look = (struct look){ .cond = e.conds[0],
				 .world = &m->world,
				 .number = 16,
				 .fd = -1,
				 .in = m->in };
	return m;
}

static void put(struct made *m, const char *name, const char *text)
{
	char path[256], *slash;
	FILE *f;

	snprintf(path, sizeof(path), "%s%s", m->root, name);
	for (slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void finish(struct made *m)
{
	char command[128];

	m->look.cond.ops->look_close(&m->look);
	inbox_free(m->in);
	snprintf(command, sizeof(command), "rm -rf '%s'", m->root);
	assert_int_equal(system(command), 0);
	free(m->ops);
	free(m);
}

static void note(void *arg, const struct engine_hit *h)
{
	struct made *m = arg;

	m->ons += h->change == HIT_ON;
	m->offs += h->change == HIT_OFF;
	if (h->change == HIT_ON)
		m->last = *h;
}

static int open_at(struct made *m, uint64_t now)
{
	return m->look.cond.ops->look_open(&m->look, now);
}

/* Everything that is due until then. */
static void run_until(struct made *m, uint64_t now)
{
	while (m->look.due_ns <= now)
		m->look.cond.ops->look(&m->look, m->look.due_ns);
	inbox_drain(m->in, note, m);
}

static void add(struct made *m, uint64_t ts, uint32_t key, uint32_t tid)
{
	unsigned i = m->nr++;

	m->ops[i] = (struct look_op){ .ts = ts,
				      .id = i,
				      .tid = tid,
				      .pid = tid,
				      .key = key,
				      .stream = FR_STREAM_FS,
				      .dev = 7,
				      .dev2 = 7 };
}

#define FSYNC 13
#define READ  1

static void found_at_its_time_and_not_before(void **state)
{
	struct made *m = make("fs.fsync inflight > 500ms");
	uint64_t t0 = 100 * SEC;

	(void)state;
	assert_int_equal(open_at(m, t0), 0);
	add(m, t0 + 130 * MS, FSYNC, 5);
	add(m, t0 + 130 * MS, READ, 6); /* not asked about */
	run_until(m, t0 + 629 * MS);
	assert_int_equal(m->ons, 0);
	run_until(m, t0 + 650 * MS);
	assert_int_equal(m->ons, 1);
	assert_int_equal(m->last.tid, 5);
	assert_in_range(m->last.hit_ns, t0 + 630 * MS, t0 + 640 * MS);
	run_until(m, t0 + 5 * SEC); /* once only */
	assert_int_equal(m->ons, 1);
	assert_int_equal(m->offs, 0);
	m->ops[0].ts = 0;
	run_until(m, t0 + 7 * SEC);
	assert_int_equal(m->offs, 1);
	finish(m);
}

static void one_that_returns_in_time_is_not_told(void **state)
{
	struct made *m = make("fs.* inflight > 200ms");
	uint64_t t0 = 100 * SEC;

	(void)state;
	open_at(m, t0);
	for (unsigned i = 0; i < 50; i++) { /* each 190 ms */
		m->nr = 0;
		add(m, t0 + i * 200 * MS, FSYNC, 100 + i);
		run_until(m, t0 + i * 200 * MS + 190 * MS);
		m->ops[0].ts = 0;
		run_until(m, t0 + (i + 1) * 200 * MS);
	}
	assert_int_equal(m->ons, 0);
	finish(m);
}

/* 50,000 in flight for ever, and one that is new. */
static void many_in_flight_cost_few_looks(void **state)
{
	struct made *m = make("fs.fsync inflight > 2s");
	uint64_t t0 = 100 * SEC;

	(void)state;
	for (unsigned i = 0; i < 50000; i++)
		add(m, t0 - SEC, READ, 1000 + i);
	open_at(m, t0);
	add(m, t0 + 333 * MS, FSYNC, 5);
	run_until(m, t0 + 10 * SEC);
	assert_int_equal(m->ons, 1);
	assert_in_range(m->last.hit_ns, t0 + 2333 * MS, t0 + 2343 * MS);
	assert_in_range(m->scans, 5, 12); /* one a second */
	finish(m);
}

static void each_is_told_up_to_a_bound(void **state)
{
	struct made *m = make("fs.* inflight > 100ms");
	uint64_t t0 = 100 * SEC;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		add(m, t0 + i, FSYNC, 1000 + i);
	open_at(m, t0);
	run_until(m, t0 + SEC);
	assert_int_equal(m->ons, 256);
	for (unsigned i = 0; i < 1000; i++)
		m->ops[i].ts = 0;
	run_until(m, t0 + 3 * SEC);
	assert_int_equal(m->offs, 256);
	finish(m);
}

static void filters_are_asked_of_proc(void **state)
{
	struct made *m = make("fs.* inflight > 100ms where comm = \"post*\", "
			      "cgroup = /db, pid != 9");
	uint64_t t0 = 100 * SEC;

	(void)state;
	put(m, "/proc/5/comm", "postgres\n");
	put(m, "/proc/5/cgroup", "3:cpu:/x\n0::/db/main\n");
	put(m, "/proc/6/comm", "postgres\n");
	put(m, "/proc/6/cgroup", "0::/dbx\n");
	put(m, "/proc/7/comm", "bash\n");
	put(m, "/proc/7/cgroup", "0::/db\n");
	put(m, "/proc/9/comm", "postgres\n");
	put(m, "/proc/9/cgroup", "0::/db\n");
	for (unsigned tid = 5; tid < 10; tid++)
		add(m, t0, FSYNC, tid);
	open_at(m, t0);
	run_until(m, t0 + SEC);
	assert_int_equal(m->ons, 1);
	assert_int_equal(m->last.tid, 5);
	assert_string_equal(m->last.comm, "postgres");
	finish(m);
}

static void paths_are_asked_for_once(void **state)
{
	static const struct {
		const char *filter;
		unsigned hits; /* of 60 operations */
	} cases[] = { { "path = \"/a/*\"", 30 },  { "path != \"/a/*\"", 30 },
		      { "path = \"/b/*\"", 20 },  { "path = \"/?/*\"", 40 },
		      { "path != \"/?/*\"", 20 }, { "path = \"/a/7*\"", 0 } };
	uint64_t t0 = 100 * SEC;

	(void)state;
	for (unsigned c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		char rule[128];
		struct made *m;

		snprintf(rule, sizeof(rule), "fs.* inflight > 100ms where %s",
			 cases[c].filter);
		m = make(rule);
		for (unsigned i = 0; i < 60; i++)
			add(m, t0 + i * MS, FSYNC, i);
		open_at(m, t0);
		run_until(m, t0 + 5 * SEC);
		assert_int_equal(m->ons, cases[c].hits);
		assert_int_equal(m->asked, 60);
		/* a new one in the place of an old one is asked about anew */
		m->ops[2].ts = t0 + 5 * SEC;
		m->ops[1].ts = 0;
		run_until(m, t0 + 6 * SEC);
		assert_int_equal(m->asked, 61);
		finish(m);
	}
}

/* Very many at once: few passes, and no more than can be told apart are asked about. */
static void many_paths_take_few_passes(void **state)
{
	struct made *m = make("fs.* inflight > 100ms where path = \"/?/*\"");
	uint64_t t0 = 100 * SEC;

	(void)state;
	for (unsigned i = 0; i < 3000; i++)
		add(m, t0, FSYNC, 6 * i); /* all match */
	open_at(m, t0);
	run_until(m, t0 + 5 * SEC);
	assert_int_equal(m->ons, 256);
	assert_in_range(m->asked, 256, 256 + LOOK_PATHS_MAX);
	finish(m);
	m = make("fs.* inflight > 100ms where path = \"/c/*\"");
	for (unsigned i = 0; i < 3000; i++)
		add(m, t0, FSYNC, i);
	open_at(m, t0);
	run_until(m, t0 + 5 * SEC);
	assert_int_equal(m->ons, 0);
	assert_int_equal(m->asked, 3000);
	assert_int_equal(m->passes,
			 (3000 + LOOK_PATHS_MAX - 1) / LOOK_PATHS_MAX);
	finish(m);
}

static void not_looked_up_is_not_without_a_path(void **state)
{
	struct made *m = make("fs.* inflight > 100ms where path != \"/a/*\"");
	uint64_t t0 = 100 * SEC;

	(void)state;
	m->fail_passes = 2; /* no memory, say */
	add(m, t0, FSYNC, 2);
	add(m, t0, FSYNC, 3);
	open_at(m, t0);
	run_until(m, t0 + 110 * MS);
	assert_int_equal(m->ons, 0);
	run_until(m, t0 + SEC);
	assert_int_equal(m->ons, 1);
	assert_int_equal(m->last.tid, 3);
	assert_int_equal(m->passes, 3);
	finish(m);
	m = make("fs.* inflight > 100ms where path != \"/a/*\"");
	m->returns = true;
	add(m, t0, FSYNC, 3);
	open_at(m, t0);
	run_until(m, t0 + SEC);
	assert_int_equal(m->asked, 1);
	assert_int_equal(m->ons, 0);
	finish(m);
}

static void a_device_that_is_not_there_has_no_operations(void **state)
{
	struct made *m = make("fs.* inflight > 100ms where device = sdz");
	uint64_t t0 = 100 * SEC;

	(void)state;
	add(m, t0, FSYNC, 2);
	m->ops[0].dev = m->ops[0].dev2 = ~0u; /* has none */
	open_at(m, t0);
	run_until(m, t0 + SEC);
	assert_int_equal(m->ons, 0);
	finish(m);
}

static void without_probes_it_cannot_be_looked_at(void **state)
{
	struct made *m = make("block inflight > 2s");

	(void)state;
	m->world.scan = NULL;
	assert_int_equal(open_at(m, SEC), -95);
	m->world.scan = scan;
	assert_int_equal(open_at(m, SEC), 0);
	finish(m);
}

/* ---- pressure ----------------------------------------------------------------- */

static void pressure(struct made *m, const char *file, uint64_t some,
		     uint64_t full)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "some avg10=0.00 avg60=0.00 avg300=0.00 total=%llu\n"
		 "full avg10=0.00 avg60=0.00 avg300=0.00 total=%llu\n",
		 (unsigned long long)some, (unsigned long long)full);
	put(m, file, text);
}

/* Totals that grow by so many us each 40 ms, for so many steps. */
static uint64_t stall(struct made *m, const char *file, uint64_t now,
		      uint64_t *total, uint64_t us, unsigned steps)
{
	for (unsigned i = 0; i < steps; i++) {
		*total += us;
		pressure(m, file, *total, *total);
		now += 40 * MS;
		run_until(m, now);
	}
	return now;
}

static void pressure_is_seen_in_its_window(void **state)
{
	/* a window that the kernel does not watch: only the totals */
	struct made *m = make("pressure.io.full > 30% over 400ms clear 20%");
	uint64_t now = 100 * SEC, total = 5000;

	(void)state;
	pressure(m, "/proc/pressure/io", total, total);
	assert_int_equal(open_at(m, now), 0);
	assert_int_equal(m->look.fd, -1);
	now = stall(m, "/proc/pressure/io", now, &total, 11600, 30);
	assert_int_equal(m->ons, 0); /* 29 % */
	now = stall(m, "/proc/pressure/io", now, &total, 16000, 12);
	assert_int_equal(m->ons, 1);
	assert_string_equal(m->last.metric, "pressure.io.full");
	assert_true(m->last.value > 30 && m->last.value < 41);
	now = stall(m, "/proc/pressure/io", now, &total, 10000, 20);
	assert_int_equal(m->offs, 0); /* above `clear` */
	stall(m, "/proc/pressure/io", now, &total, 4000, 20);
	assert_int_equal(m->offs, 1);
	finish(m);
}

static void pressure_of_a_cgroup(void **state)
{
	struct made *m = make("pressure.memory.some > 50% over 400ms where "
			      "cgroup = /a/b");
	uint64_t now = 100 * SEC, total = 0;

	(void)state;
	assert_int_equal(open_at(m, now), -2); /* not there */
	pressure(m, "/sys/fs/cgroup/a/b/memory.pressure", 0, 0);
	assert_int_equal(open_at(m, now), 0);
	stall(m, "/sys/fs/cgroup/a/b/memory.pressure", now, &total, 36000, 20);
	assert_int_equal(m->ons, 1);
	finish(m);
}

static void a_file_that_is_cut_says_nothing(void **state)
{
	struct made *m = make("pressure.io.full > 30% over 400ms");
	uint64_t now = 100 * SEC;

	(void)state;
	put(m, "/proc/pressure/io", "some avg10=0.00 total=1\nfull avg10=0");
	assert_int_equal(open_at(m, now), 0);
	run_until(m, now + 5 * SEC);
	put(m, "/proc/pressure/io", "");
	run_until(m, now + 10 * SEC);
	assert_int_equal(m->ons + m->offs, 0);
	finish(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_at_its_time_and_not_before),
		cmocka_unit_test(one_that_returns_in_time_is_not_told),
		cmocka_unit_test(many_in_flight_cost_few_looks),
		cmocka_unit_test(each_is_told_up_to_a_bound),
		cmocka_unit_test(filters_are_asked_of_proc),
		cmocka_unit_test(paths_are_asked_for_once),
		cmocka_unit_test(many_paths_take_few_passes),
		cmocka_unit_test(not_looked_up_is_not_without_a_path),
		cmocka_unit_test(a_device_that_is_not_there_has_no_operations),
		cmocka_unit_test(without_probes_it_cannot_be_looked_at),
		cmocka_unit_test(pressure_is_seen_in_its_window),
		cmocka_unit_test(pressure_of_a_cgroup),
		cmocka_unit_test(a_file_that_is_cut_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
