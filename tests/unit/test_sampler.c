/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_sampler.c - what the sampler leaves in the ring, read back from the bare
 * slots; late, paused and missing ticks. */
#include "recorder/sample_write.h"
#include "recorder/sampler.h"
#include "tests/unit/bare_ring.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <flightrec/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MS     1000000ULL
#define NR_MAX 2000

/* ---- a collector whose values the test sets ------------------------------- */
static int64_t fake_value[NR_MAX];
static bool fake_there[NR_MAX];
static unsigned fake_nr, fake_first;
static unsigned fake_sleep_ms;
static const struct metric_def fake_def = { "fake.%", "bytes", METRIC_COUNTER,
					    100, 1 };

static int fake_prepare(struct collector *c, const char *list)
{
	(void)c;
	(void)list;
	return 0;
}

static int fake_open(struct collector *c, const char *root)
{
	(void)c;
	(void)root;
	return 0;
}

static void fake_collect(struct collector *c, struct sample *s)
{
	struct timespec t = { 0, (long)(fake_sleep_ms * MS) };
	char inst[16];

	(void)c;
	s->source = "/fake";
	if (fake_sleep_ms)
		nanosleep(&t, NULL);
	for (unsigned i = 0; i < fake_nr; i++) {
		int n = snprintf(inst, sizeof(inst), "m%u", fake_first + i);

		if (fake_there[i])
			sample_put(s, &fake_def, inst, (size_t)n,
				   fake_value[i]);
	}
}

static void fake_close(struct collector *c)
{
	(void)c;
}

static const struct collector_ops fake = {
	.name = "fake",
	.changes_only = true,
	.prepare = fake_prepare,
	.open = fake_open,
	.collect = fake_collect,
	.close = fake_close,
};
static const struct collector_ops slow_period = {
	.name = "slow_period",
	.period_ns = 10 * MS,
	.prepare = fake_prepare,
	.open = fake_open,
	.collect = fake_collect,
	.close = fake_close,
};

static void fake_set(unsigned nr)
{
	fake_nr = nr;
	fake_first = 0;
	fake_sleep_ms = 0;
	for (unsigned i = 0; i < nr; i++) {
		fake_there[i] = true;
		fake_value[i] = i;
	}
}

/* ---- reading the bare ring ------------------------------------------------ */
static uint64_t varint(const unsigned char **p, const unsigned char *end)
{
	uint64_t v = 0;

	for (unsigned shift = 0;; shift += 7) {
		assert_true(*p < end && shift < 64);
		v |= (uint64_t)(**p & 0x7f) << shift;
		if (!(*(*p)++ & 0x80))
			return v;
	}
}

/* What a reader makes of the records: the value of each metric. */
struct reader {
	bool named[METRIC_MAX + 1], has[METRIC_MAX + 1];
	int64_t value[METRIC_MAX + 1];
	uint64_t full_tick;
	unsigned nr_values, nr_value_records, nr_names, nr_ticks, nr_full;
	struct fr_tick tick;
};

static void reader_values(struct reader *rd, const struct record *r)
{
	const struct fr_values *v = (const void *)r->bytes;
	const unsigned char *p = r->bytes + sizeof(*v), *end = p + r->aux;
	uint64_t id = 0;

	rd->nr_value_records++;
	assert_true(r->aux <= SAMPLER_PACK_MAX);
	assert_true(sizeof(*v) + r->aux <= r->len);
	/* The first record of a full set: what it lacks is gone. */
	if (v->full && v->tick + 1 != rd->full_tick) {
		memset(rd->has, 0, sizeof(rd->has));
		rd->full_tick = v->tick + 1;
		rd->nr_full++;
	}
	for (unsigned i = 0; i < v->count; i++) {
		uint64_t step = varint(&p, end), zigzag;

		assert_true(step > 0);
		id += step;
		zigzag = varint(&p, end);
		assert_true(id <= METRIC_MAX);
		assert_true(rd->named[id]);
		rd->has[id] = true;
		rd->value[id] = (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
		rd->nr_values++;
	}
	assert_ptr_equal(p, end);
}

static void reader_name(struct reader *rd, const struct record *r)
{
	const struct fr_metric *m = (const void *)r->bytes;
	const char *text = (const char *)r->bytes + sizeof(*m);
	char want[64];
	int n = snprintf(want, sizeof(want), "fake.m%u%cbytes%c/fake",
			 m->metric - 1, 0, 0);

	rd->nr_names++;
	assert_int_equal(m->metric_kind, METRIC_COUNTER);
	assert_int_equal(m->scale, 100);
	assert_int_equal(r->aux, n);
	assert_memory_equal(text, want, (size_t)n);
	rd->named[m->metric] = true;
}

static struct reader reader; /* large */

static void read_all(struct ring_user *ring)
{
	struct reader *rd = &reader;

	memset(rd, 0, sizeof(*rd));
	read_ring(ring);
	for (unsigned i = 0; i < nr_records; i++) {
		const struct record *r = &records[i];

		if (r->type == FR_T_metric)
			reader_name(rd, r);
		else if (r->type == FR_T_values)
			reader_values(rd, r);
		else if (r->type == FR_T_tick)
			memcpy(&rd->tick, r->bytes, sizeof(rd->tick));
		rd->nr_ticks += r->type == FR_T_tick;
	}
}

/* ---- the rig -------------------------------------------------------------- */
static char ring_path[64];
static struct ring_user *ring;
static struct sampler *sampler;

static void rig_open_ops(uint64_t bytes, uint64_t period,
			 const struct collector_ops *const *ops)
{
	const struct ring_lane_share shares[] = { { FR_LANE_SAMPLE, 100 } };
	struct sampler_options o = { .period_ns = period, .ops = ops };

	snprintf(ring_path, sizeof(ring_path), "/dev/shm/fr-test-sampler-%d",
		 (int)getpid());
	ring = ring_user_create(ring_path, bytes, shares, 1, 1);
	assert_non_null(ring);
	o.ring = ring;
	assert_int_equal(sampler_new(&o, &sampler), 0);
}

static void rig_open(uint64_t bytes)
{
	static const struct collector_ops *const ops[] = { &fake, NULL };

	rig_open_ops(bytes, MS, ops);
}

static void rig_round(uint64_t k)
{
	struct timer_tick t = { .k = k, .scheduled_ns = 1000 + k };

	sampler_round(sampler, &t);
}

static void rig_close(void)
{
	sampler_stop(sampler);
	ring_user_close(ring);
	unlink(ring_path);
	free(records);
	records = NULL;
}

/* ---- tests ---------------------------------------------------------------- */
static void test_first_round(void **state)
{
	(void)state;
	fake_set(5);
	fake_value[0] = INT64_MIN;
	fake_value[1] = INT64_MAX;
	fake_value[2] = -1;
	rig_open(1 << 20);
	rig_round(7);
	read_all(ring);
	assert_int_equal(reader.nr_names, 5);
	assert_int_equal(reader.nr_values, 5);
	assert_int_equal(reader.nr_full, 1);
	for (unsigned i = 0; i < 5; i++) {
		assert_true(reader.has[i + 1]);
		assert_true(reader.value[i + 1] == fake_value[i]);
	}
	assert_int_equal(reader.nr_ticks, 1);
	assert_int_equal(reader.tick.tick, 7);
	assert_int_equal(reader.tick.scheduled, 1007);
	assert_int_equal(reader.tick.metrics, 5);
	assert_int_equal(reader.tick.late, 0);
	assert_true(reader.tick.dur > 0 && reader.tick.cpu_ns > 0);
	rig_close();
}

static void test_only_changes(void **state)
{
	(void)state;
	fake_set(100);
	rig_open(1 << 20);
	rig_round(0);
	rig_round(1);
	read_all(ring);
	assert_int_equal(reader.nr_values, 100);
	fake_value[42] = -5;
	rig_round(2);
	read_all(ring);
	assert_int_equal(reader.nr_values, 101);
	assert_int_equal(reader.value[43], -5);
	assert_int_equal(reader.nr_full, 1);
	/* At rest a full set comes after 60 rounds, and only then. */
	for (unsigned k = 3; k < 60; k++)
		rig_round(k);
	read_all(ring);
	assert_int_equal(reader.nr_values, 101);
	rig_round(60);
	read_all(ring);
	assert_int_equal(reader.nr_full, 2);
	assert_int_equal(reader.nr_values, 201);
	rig_close();
}

static void test_comes_and_goes(void **state)
{
	(void)state;
	fake_set(10);
	rig_open(1 << 20);
	rig_round(0);
	fake_there[3] = false;
	rig_round(1);
	read_all(ring);
	assert_false(reader.has[4]);
	assert_true(reader.has[3] && reader.has[5]);
	assert_int_equal(reader.nr_full, 2);
	assert_int_equal(reader.nr_names, 11);
	/* Back with the same value: written, although it did not change. */
	fake_there[3] = true;
	rig_round(2);
	read_all(ring);
	assert_true(reader.has[4]);
	assert_int_equal(reader.nr_full, 2);
	/* All gone: an empty full set says so. */
	for (unsigned i = 0; i < 10; i++)
		fake_there[i] = false;
	rig_round(3);
	read_all(ring);
	for (unsigned i = 1; i <= 10; i++)
		assert_false(reader.has[i]);
	rig_close();
}

static void test_long_rounds_are_split(void **state)
{
	(void)state;
	fake_set(NR_MAX);
	for (unsigned i = 0; i < NR_MAX; i++)
		fake_value[i] = INT64_MAX - i;
	rig_open(4 << 20);
	rig_round(0);
	read_all(ring);
	assert_int_equal(reader.nr_values, NR_MAX);
	assert_true(reader.nr_value_records >= 7);
	assert_int_equal(reader.nr_full, 1);
	for (unsigned i = 0; i < NR_MAX; i++)
		assert_true(reader.value[i + 1] == fake_value[i]);
	rig_close();
}

/* A ring that is overwritten many times: each value that is still there has its
 * name there, the vanished ones too. */
static void test_names_outlive_values(void **state)
{
	const struct fr_lane *lane;

	(void)state;
	fake_set(50);
	rig_open(1 << 20);
	lane = &ring_user_head(ring)->lanes[FR_LANE_SAMPLE];
	for (unsigned k = 0; k < 20000; k++) {
		for (unsigned i = 0; i < 50; i++)
			fake_value[i] += k * i;
		/* Five come and go; the others are steady, so that only their
		 * age makes their names be written again. */
		fake_there[k % 5] = k % 5000 < 5;
		rig_round(k);
	}
	read_ring(ring);
	assert_true(lane->next > 3 * lane->nr);
	memset(&reader, 0, sizeof(reader));
	for (unsigned i = 0; i < nr_records; i++)
		if (records[i].type == FR_T_metric)
			reader_name(&reader, &records[i]);
	for (unsigned i = 0; i < nr_records; i++)
		if (records[i].type == FR_T_values)
			reader_values(&reader, &records[i]);
	assert_true(reader.nr_values > 10000);
	rig_close();
}

/* A number is one metric in all that the ring holds. */
static void assert_one_name_each(void)
{
	char(*names)[32] = calloc(METRIC_MAX + 1, sizeof(*names));

	assert_non_null(names);
	for (unsigned i = 0; i < nr_records; i++) {
		const struct fr_metric *m = (const void *)records[i].bytes;
		const char *text = (const char *)m + sizeof(*m);

		if (records[i].type != FR_T_metric)
			continue;
		assert_true(m->metric >= 1 && m->metric <= METRIC_MAX);
		if (!names[m->metric][0])
			snprintf(names[m->metric], 32, "%s", text);
		assert_string_equal(names[m->metric], text);
	}
	free(names);
}

/* 200,000 devices, twenty at a time, beside ten that stay: each is sampled. */
static void test_numbers_are_given_anew(void **state)
{
	struct sampler_stats st;

	(void)state;
	fake_set(20);
	rig_open(1 << 20);
	for (unsigned k = 0; k < 10000; k++) {
		fake_first = k * 20;
		rig_round(k);
		if (k % 997)
			continue;
		read_ring(ring);
		assert_one_name_each();
	}
	sampler_stats(sampler, &st);
	assert_true(st.metrics < METRIC_MAX / 2);
	/* The first is back, under whatever number. */
	fake_first = 0;
	rig_round(10000);
	read_ring(ring);
	assert_one_name_each();
	memset(&reader, 0, sizeof(reader));
	for (unsigned i = 0; i < nr_records; i++) {
		if (records[i].type == FR_T_metric)
			reader.named[((const struct fr_metric *)(const void *)
					      records[i]
						      .bytes)
					     ->metric] = true;
		if (records[i].type == FR_T_tick)
			memcpy(&reader.tick, records[i].bytes,
			       sizeof(reader.tick));
	}
	for (unsigned i = 0; i < nr_records; i++)
		if (records[i].type == FR_T_values)
			reader_values(&reader, &records[i]);
	assert_int_equal(reader.tick.tick, 10000);
	assert_int_equal(reader.tick.errors, 0);
	assert_int_equal(reader.tick.metrics, 20);
	rig_close();
}

/* What the list leaves out has a number, too, but none for ever. */
static void test_numbers_of_what_is_left_out(void **state)
{
	struct metric_table *t = metric_table_new();
	struct sample s;
	char inst[16];

	(void)state;
	assert_non_null(t);
	sample_init(&s, t);
	s.list = "keep*";
	for (unsigned i = 0; i < 3 * METRIC_MAX; i++) {
		int n = snprintf(inst, sizeof(inst), "veth%u", i);

		if (i % 1000 == 0)
			sample_begin(&s);
		sample_put(&s, &fake_def, "keep1", 5, i);
		sample_put(&s, &fake_def, inst, (size_t)n, 1);
		if (i % 1000 == 999)
			sample_end(&s);
	}
	/* keep1 is twice in a round, which is an error, but for the first */
	assert_int_equal(s.errors,
			 3 * METRIC_MAX - (3 * METRIC_MAX + 999) / 1000);
	sample_free(&s);
	metric_table_free(t);
}

static void test_late(void **state)
{
	struct sampler_stats st;

	(void)state;
	fake_set(1);
	rig_open(1 << 20);
	rig_round(10);
	rig_round(11);
	rig_round(15);
	sampler_pause(sampler, true);
	rig_round(16);
	sampler_pause(sampler, false);
	rig_round(17);
	sampler_stats(sampler, &st);
	assert_int_equal(st.ticks, 4);
	assert_int_equal(st.late, 3);
	assert_int_equal(st.paused, 1);
	assert_int_equal(st.first_k, 10);
	assert_int_equal(st.last_k, 17);
	read_all(ring);
	assert_int_equal(reader.tick.late, 3);
	assert_int_equal(reader.nr_ticks, 4);
	rig_close();
}

static void test_own_period(void **state)
{
	static const struct collector_ops *const ops[] = { &slow_period, NULL };

	(void)state;
	fake_set(3);
	rig_open_ops(1 << 20, MS, ops);
	for (unsigned k = 0; k < 25; k++)
		rig_round(k);
	/* Skipped ticks do not move the turn: at 31, then at 40. */
	rig_round(31);
	rig_round(39);
	rig_round(40);
	read_all(ring);
	assert_int_equal(reader.nr_value_records, 5);
	assert_int_equal(reader.nr_full, 5);
	rig_close();
}

/* One beat for all: the fastest collector sets it, each has its own turns. */
static void test_several_rates(void **state)
{
	static struct sampler *several;
	struct sampler_options o = { .period_ns = 100 * MS,
				     .fast_ns = 10 * MS,
				     .slow_ns = 1000 * MS,
				     .collectors = "load@fast, memory,"
						   "cpu@slow:all,disks@20ms" };
	struct sampler_stats st;
	uint64_t before = 0;

	(void)state;
	assert_int_equal(sampler_new(&o, &several), 0);
	for (unsigned k = 0; k < 200; k++) {
		struct timer_tick t = { .k = k };

		sampler_round(several, &t);
		sampler_stats(several, &st);
		/* tick 0: all; 10: load, disks, memory; 1: load alone (5) */
		if (k % 2 == 1)
			assert_int_equal(st.values, 5);
		else if (k % 10 == 0)
			assert_true(st.values > 20);
		before = st.values;
	}
	assert_true(before > 0);
	sampler_stop(several);
	o.collectors = "load@quick";
	assert_int_equal(sampler_new(&o, &several), -EINVAL);
	o.collectors = "lode@fast";
	assert_int_equal(sampler_new(&o, &several), -ENOENT);
}

static unsigned observed;
static int64_t observed_sum;
static void observe(void *arg, uint64_t now, uint32_t id, struct metric *m,
		    int64_t value)
{
	assert_ptr_equal(arg, &observed);
	assert_true(now > 0 && id >= 1 && id <= 3);
	assert_memory_equal(m->name, "fake.m", 6);
	observed++;
	observed_sum += value;
}

static void test_observer_sees_all(void **state)
{
	(void)state;
	fake_set(3);
	rig_open(1 << 20);
	sampler_set_observer(sampler, observe, &observed);
	observed = 0;
	observed_sum = 0;
	for (unsigned k = 0; k < 10; k++)
		rig_round(k);
	assert_int_equal(observed, 30);
	assert_int_equal(observed_sum, 30);
	rig_close();
}

static void test_options(void **state)
{
	struct sampler_options o = { .period_ns = MS };
	struct sampler *s = NULL;

	(void)state;
	o.collectors = "cpu, nonsense";
	assert_int_equal(sampler_new(&o, &s), -ENOENT);
	o.collectors = "cpu,load";
	o.period_ns = 0;
	assert_int_equal(sampler_new(&o, &s), -EINVAL);
	o.period_ns = MS;
	o.collectors = "0";
	assert_int_equal(sampler_new(&o, &s), 0);
	assert_int_equal(sampler_start(s), 0);
	assert_int_equal(sampler_timer_pid(s), 0);
	sampler_stop(s);
	sampler_stop(NULL);
}

static void wait_ticks(uint64_t nr)
{
	struct timespec t = { 0, 2 * MS };
	struct sampler_stats st;

	for (unsigned i = 0; i < 2000; i++) {
		sampler_stats(sampler, &st);
		if (st.ticks >= nr)
			return;
		nanosleep(&t, NULL);
	}
	fail_msg("no ticks");
}

/* Kills the timer and waits until the thread knows: then the counts rest. */
static void rig_rest(struct sampler_stats *ret)
{
	struct timespec t = { 0, 2 * MS };

	kill(sampler_timer_pid(sampler), SIGKILL);
	for (unsigned i = 0; i < 1000; i++) {
		sampler_stats(sampler, ret);
		if (ret->timer_dead)
			return;
		nanosleep(&t, NULL);
	}
	fail_msg("the death of the timer was not noticed");
}

/* The real timer, a collector that needs 15 ms of each 5: nothing queues. */
static void test_overrun(void **state)
{
	static const struct collector_ops *const ops[] = { &fake, NULL };
	struct sampler_stats st;

	(void)state;
	fake_set(3);
	rig_open_ops(1 << 20, 5 * MS, ops);
	fake_sleep_ms = 15;
	assert_int_equal(sampler_start(sampler), 0);
	wait_ticks(20);
	sampler_pause(sampler, true);
	nanosleep(&(struct timespec){ 0, 50 * MS }, NULL);
	rig_rest(&st);
	assert_int_equal(st.ticks + st.late + st.paused,
			 st.last_k - st.first_k + 1);
	assert_true(st.late >= st.ticks);
	assert_true(st.paused > 0);
	assert_true(st.round_max_ns >= 15 * MS);
	/* A sleeping collector costs time, not CPU. */
	assert_true(st.cpu_ns < st.ticks * 5 * MS);
	rig_close();
}

/* An idle machine costs few bytes: everything of a frozen /proc, 60 rounds. */
static void test_bytes_at_rest(void **state)
{
	struct sampler_options o = { .period_ns = MS,
				     .collectors = "cpu,memory,vmstat,disks,"
						   "net,load,pressure",
				     .root = "tests/golden/proc/linux-6.18" };
	const struct ring_lane_share shares[] = { { FR_LANE_SAMPLE, 100 } };
	struct sampler_stats first, rest;

	(void)state;
	snprintf(ring_path, sizeof(ring_path), "/dev/shm/fr-test-sampler-%d",
		 (int)getpid());
	o.ring = ring = ring_user_create(ring_path, 4 << 20, shares, 1, 1);
	assert_int_equal(sampler_new(&o, &sampler), 0);
	rig_round(0);
	sampler_stats(sampler, &first);
	for (unsigned k = 1; k < 60; k++)
		rig_round(k);
	sampler_stats(sampler, &rest);
	assert_int_equal(first.written, first.values);
	assert_true(first.values > 300);
	assert_int_equal(rest.values, first.values);
	assert_int_equal(rest.written, first.written);
	assert_int_equal(rest.lost, 0);
	assert_int_equal(rest.errors, 0);
	rig_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_round),
		cmocka_unit_test(test_only_changes),
		cmocka_unit_test(test_comes_and_goes),
		cmocka_unit_test(test_long_rounds_are_split),
		cmocka_unit_test(test_names_outlive_values),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_own_period),
		cmocka_unit_test(test_several_rates),
		cmocka_unit_test(test_observer_sees_all),
		cmocka_unit_test(test_numbers_are_given_anew),
		cmocka_unit_test(test_numbers_of_what_is_left_out),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_overrun),
		cmocka_unit_test(test_bytes_at_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
