/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_engine.c - the way of an incident, the kernel's side, what feeds it.  The
 * table of states and events is in test_engine_table.c. */
#include "tests/unit/test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#include "triggers/engine.h"
#include "triggers/evaluator.h"
#include "triggers/inbox.h"

#ifdef __SANITIZE_THREAD__
/* liburcu is not instrumented: what its own threads do looks like races. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "called_from_lib:liburcu-memb.so.8\n"
	       "race:urcu_memb_barrier\nrace:liburcu-memb.so\n";
}
#endif

#include "tests/unit/engine_world.h"

#define LATENCY "fs.fsync latency > 200ms"
#define OTHER   "block.write latency > 20ms"

static void load_two(struct world *w, uint64_t now, const char *tail)
{
	struct fr_trigger_rule r[2];

	make_rule(&r[0], "a", LATENCY, tail, "10s");
	make_rule(&r[1], "b", OTHER, "0", "10s");
	assert_int_equal(engine_load(w->e, now, r, 2, 100 * MS), 0);
	rule_clear(&r[0]);
	rule_clear(&r[1]);
}

static struct world *begin(const char *tail)
{
	struct world *w = calloc(1, sizeof(*w));

	w->e = engine_new(&ops, w, &w->limits, &w->sets);
	assert_non_null(w->e);
	load_two(w, 0, tail);
	return w;
}

static void end(struct world *w)
{
	engine_free(w->e);
	rule_sets_clear(&w->sets);
	free(w);
}

static struct trigger_info info(struct world *w, unsigned i)
{
	struct trigger_info t;

	engine_info(w->e, i, &t);
	assert_true(t.counts.hits == t.counts.fired + t.counts.suppressed +
					     t.counts.merged + t.counts.queued);
	return t;
}

#define A 2 /* positions: signal, manual, a, b */
#define B 3

static void hit(struct world *w, uint64_t now, uint32_t number)
{
	struct engine_hit h = { .number = number, .hit_ns = now };

	engine_hit(w->e, now, &h);
}

static int by_hand(struct world *w, uint64_t now, uint64_t cookie)
{
	struct engine_hit h = { .number = TRIGGER_MANUAL,
				.hit_ns = now,
				.cookie = cookie };

	return engine_manual(w->e, now, &h);
}

/* ---- the way of an incident ---------------------------------------------------- */

static void a_hit_freezes_dumps_releases_and_cools(void **state)
{
	struct world *w = begin("0");

	(void)state;
	hit(w, SEC, RULE_A);
	assert_string_equal(w->calls, "FD");
	assert_int_equal(info(w, A).state, TRIGGER_DUMPING);
	assert_string_equal(w->reason.name, "a");
	assert_false(engine_idle(w->e));
	engine_dump_done(w->e, 3 * SEC);
	assert_string_equal(w->calls, "FDR");
	assert_true(engine_idle(w->e));
	assert_int_equal(info(w, A).state, TRIGGER_COOLING);
	assert_true(engine_next_deadline(w->e) <= 13 * SEC);
	assert_int_equal(info(w, A).until_ns, 13 * SEC);
	engine_tick(w->e, 13 * SEC - 1);
	assert_int_equal(info(w, A).state, TRIGGER_COOLING);
	engine_tick(w->e, 13 * SEC);
	assert_int_equal(info(w, A).state, TRIGGER_ARMED);
	end(w);
}

static void a_tail_is_recorded_before_the_freeze(void **state)
{
	struct world *w = begin("5s");

	(void)state;
	hit(w, SEC, RULE_A);
	assert_int_equal(info(w, A).state, TRIGGER_TAIL);
	assert_true(engine_next_deadline(w->e) <= 6 * SEC);
	hit(w, 2 * SEC, RULE_B);
	engine_tick(w->e, 6 * SEC - 1);
	assert_string_equal(w->calls, "");
	engine_tick(w->e, 6 * SEC);
	assert_string_equal(w->calls, "FD");
	assert_int_equal(w->reason.merged, 1);
	assert_int_equal(w->reason.nr_merged, 1);
	assert_string_equal(w->reason.merged_hits[0].name, "b");
	end(w);
}

static void a_full_disk_or_a_dead_dumper_is_survived(void **state)
{
	struct world *w = begin("0");
	struct engine_counts c;

	(void)state;
	hit(w, SEC, RULE_A);
	engine_dump_failed(w->e, SEC, -ENOSPC);
	hit(w, SEC, RULE_B);
	engine_dumper_died(w->e, SEC);
	w->dump_result = -EAGAIN; /* fork failed */
	by_hand(w, SEC, 9);
	w->dump_result = 0;
	w->freeze_result = -EBUSY;
	by_hand(w, SEC, 10);
	assert_string_equal(w->calls, "FDRFDRFDRFR");
	engine_totals(w->e, &c);
	assert_int_equal(c.dumps_failed, 4);
	assert_int_equal(c.dumps_done, 0);
	assert_int_equal(w->nr_answered, 2);
	assert_int_equal(w->answers[0], -EAGAIN);
	assert_int_equal(w->answers[1], -EBUSY);
	assert_true(engine_idle(w->e));
	end(w);
}

static void manual_hits_queue_and_each_gets_its_own_snapshot(void **state)
{
	struct world *w = begin("0");

	(void)state;
	hit(w, SEC, RULE_A);
	for (uint64_t i = 1; i <= ENGINE_QUEUE_MAX; i++)
		assert_int_equal(by_hand(w, SEC, i), 0);
	assert_int_equal(by_hand(w, SEC, 999), -EAGAIN);
	w->dump_at_once = true;
	engine_dump_done(w->e, 2 * SEC);
	assert_true(engine_idle(w->e));
	assert_int_equal(w->nr_answered, ENGINE_QUEUE_MAX);
	for (unsigned i = 0; i < ENGINE_QUEUE_MAX; i++) {
		assert_int_equal(w->answered[i], i + 1);
		assert_int_equal(w->answers[i], 0);
	}
	assert_int_equal(info(w, 1).counts.fired, ENGINE_QUEUE_MAX);
	assert_int_equal(info(w, 1).counts.merged, 1);
	end(w);
}

static void shutdown_cuts_the_tail_and_gives_up_the_queue(void **state)
{
	struct world *w = begin("5s");

	(void)state;
	hit(w, SEC, RULE_A);
	by_hand(w, SEC, 5);
	engine_shutdown(w->e, 2 * SEC);
	assert_string_equal(w->calls, "FD");
	assert_int_equal(w->answers[0], -ECANCELED);
	assert_false(engine_idle(w->e));
	assert_int_equal(by_hand(w, 2 * SEC, 6), -ESHUTDOWN);
	engine_dump_done(w->e, 3 * SEC);
	assert_true(engine_idle(w->e));
	assert_int_equal(info(w, A).state, TRIGGER_DISABLED);
	end(w);
}

/* ---- the kernel's side ----------------------------------------------------------- */

/* What a probe does with an operation over the limit (bpf/, shared.h). */
static bool kernel_hit(struct world *w, uint32_t number, uint64_t now,
		       struct fr_wake *wake)
{
	for (unsigned i = 0; i < FR_TRIGGER_SLOTS; i++) {
		struct fr_trigger_slot *s = &w->limits.slots[i];

		if (s->state == FR_SLOT_FREE || s->number != number)
			continue;
		if (s->state == FR_SLOT_ARMED) {
			s->state = FR_SLOT_HIT;
			s->fired++;
			*wake = (struct fr_wake){ .slot = i,
						  .number = number,
						  .hit_ns = now,
						  .dur = 300 * MS,
						  .key = 13,
						  .tid = 4711 };
			return true;
		}
		if (s->state == FR_SLOT_HIT)
			s->merged++;
		else
			s->suppressed++;
	}
	return false;
}

static void kernel_counts_are_added_once(void **state)
{
	struct world *w = begin("0");
	struct fr_wake wake;
	struct trigger_counts c;

	(void)state;
	assert_int_equal(w->limits.slots[0].limit_ns, 200 * MS);
	assert_int_equal(w->limits.slots[0].state, FR_SLOT_ARMED);
	assert_true(kernel_hit(w, RULE_A, SEC, &wake));
	engine_wake(w->e, SEC, &wake);
	assert_non_null(
		strstr(w->reason.text, "fsync of thread 4711 took 300 ms"));
	for (unsigned i = 0; i < 100; i++)
		assert_false(kernel_hit(w, RULE_A, SEC + i, &wake));
	engine_dump_done(w->e, 2 * SEC);
	assert_int_equal(w->limits.slots[0].state, FR_SLOT_QUIET);
	for (unsigned i = 0; i < 50; i++)
		assert_false(kernel_hit(w, RULE_A, 3 * SEC, &wake));
	engine_tick(w->e, 12 * SEC);
	assert_int_equal(w->limits.slots[0].state, FR_SLOT_ARMED);
	c = info(w, A).counts;
	assert_int_equal(c.hits, 151);
	assert_int_equal(c.fired, 1);
	assert_int_equal(c.merged, 100);
	assert_int_equal(c.suppressed, 50);
	end(w);
}

static void a_kernel_hit_of_another_trigger_merges_and_is_armed_again(void **s)
{
	struct world *w = begin("0");
	struct fr_wake wake;

	(void)s;
	hit(w, SEC, RULE_A);
	assert_true(kernel_hit(w, RULE_B, SEC, &wake));
	engine_wake(w->e, SEC, &wake);
	assert_false(kernel_hit(w, RULE_B, SEC, &wake));
	assert_int_equal(w->limits.slots[1].state, FR_SLOT_HIT);
	engine_dump_done(w->e, 2 * SEC);
	assert_int_equal(w->limits.slots[1].state, FR_SLOT_ARMED);
	assert_int_equal(info(w, B).counts.merged, 2);
	assert_int_equal(info(w, B).counts.fired, 0);
	end(w);
}

static void a_lost_wake_up_is_found_and_not_counted_twice(void **state)
{
	struct world *w = begin("0");
	struct fr_wake wake;
	struct engine_counts c;

	(void)state;
	assert_true(kernel_hit(w, RULE_A, SEC, &wake));
	engine_tick(w->e, SEC);
	assert_string_equal(w->calls, ""); /* may be on its way */
	engine_tick(w->e, 2 * SEC);
	assert_string_equal(w->calls, "FD");
	engine_wake(w->e, 2 * SEC + 1, &wake); /* there it is after all */
	engine_totals(w->e, &c);
	assert_int_equal(c.all.hits, 1);
	assert_int_equal(c.wakes_lost, 1);
	end(w);
}

static void reload_keeps_equal_rules_and_loses_no_hit(void **state)
{
	struct world *w = begin("0");
	struct fr_trigger_rule r[2];
	struct fr_wake wake;
	struct engine_counts c;
	uint64_t hits = 0, now = SEC;

	(void)state;
	make_rule(&r[0], "a", LATENCY, "0", "10s");
	for (unsigned i = 0; i < 1000; i++, now += 3 * MS) {
		char limit[64];

		snprintf(limit, sizeof(limit), "block.write latency > %ums",
			 20 + i % 7);
		make_rule(&r[1], "b", limit, "0", "10s");
		assert_int_equal(engine_load(w->e, now, r, 2, 100 * MS), 0);
		rule_clear(&r[1]);
		/* rule a always has its slot, and its number */
		assert_int_equal(info(w, A).number, RULE_A);
		if (kernel_hit(w, RULE_A, now, &wake))
			engine_wake(w->e, now, &wake);
		hits++;
		if (kernel_hit(w, info(w, B).number, now, &wake) && i % 3)
			engine_wake(w->e, now, &wake); /* else: lost */
		hits += info(w, B).slot >= 0;
		engine_tick(w->e, now);
		if (!engine_idle(w->e))
			engine_dump_done(w->e, now);
	}
	engine_load(w->e, now, NULL, 0, 0);
	engine_tick(w->e, now + 10 * SEC);
	engine_totals(w->e, &c);
	assert_int_equal(c.all.hits, hits);
	assert_int_equal(c.all.hits,
			 c.all.fired + c.all.suppressed + c.all.merged);
	for (unsigned i = 0; i < FR_TRIGGER_SLOTS; i++)
		assert_int_equal(w->limits.slots[i].state, FR_SLOT_FREE);
	rule_clear(&r[0]);
	end(w);
}

static void a_freed_slot_rests_before_it_is_used_again(void **state)
{
	struct world *w = begin("0");
	struct fr_trigger_rule r;

	(void)state;
	make_rule(&r, "c", LATENCY, "0", "10s");
	engine_load(w->e, SEC, &r, 1, 0);
	assert_int_equal(info(w, A).slot, 2);
	engine_load(w->e, SEC + 1, NULL, 0, 0);
	rule_clear(&r);
	make_rule(&r, "d", OTHER, "0", "10s");
	engine_load(w->e, SEC + 2, &r, 1, 0);
	assert_int_equal(info(w, A).slot, 3);
	engine_tick(w->e, 3 * SEC);
	rule_clear(&r);
	make_rule(&r, "e", LATENCY, "0", "10s");
	engine_load(w->e, 3 * SEC, &r, 1, 0);
	assert_int_equal(info(w, A).slot, 0);
	assert_int_equal(w->limits.slots[0].limit_ns, 200 * MS);
	rule_clear(&r);
	end(w);
}

static void limits_follow_the_rules(void **state)
{
	struct world *w = begin("0");

	(void)state;
	assert_int_equal(w->limits.slow_ns, 100 * MS);
	assert_int_equal(w->limits.min_ns[13], 100 * MS); /* fsync */
	assert_int_equal(w->limits.min_ns[FR_KEY_BLOCK_WRITE], 20 * MS);
	assert_int_equal(w->limits.min_ns[FR_KEY_BLOCK_READ], 100 * MS);
	engine_load(w->e, SEC, NULL, 0, 0);
	assert_int_equal(w->limits.min_ns[FR_KEY_BLOCK_WRITE], 0);
	assert_int_equal(w->limits.look_ns[FR_KEY_BLOCK_WRITE], 0);
	end(w);
}

/* A level whose operations a slot counts: whatever the rule's state is. */
static void a_slot_counts_for_a_percentile(void **state)
{
	static const char rule[] =
		"fs.fsync p99 latency > 1s over 10s where pid = 77 and "
		"fs.fsync latency > 3s and load.load1 > 9";
	struct world *w = calloc(1, sizeof(*w));
	const struct fr_trigger_slot *s = w->limits.slots;
	struct fr_trigger_rule r;

	(void)state;
	make_rule(&r, "a", rule, "0", "10s");
	w->e = engine_new(&ops, w, &w->limits, &w->sets);
	assert_non_null(w->e);
	engine_load(w->e, SEC, &r, 1, 50 * MS);
	assert_int_equal(s[0].what, FR_WHAT_COUNT);
	assert_int_equal(s[0].number, RULE_A);
	assert_int_equal(s[0].cond, 0);
	assert_int_equal(s[0].where, FR_WHERE_PID);
	assert_int_equal(s[0].pid, 77);
	assert_true(s[0].keys[0] & 1 << 13);
	assert_int_equal(s[0].gate, 1); /* though no level holds */
	assert_int_equal(s[1].what, FR_WHAT_LATENCY);
	assert_int_equal(s[1].cond, 1);
	assert_int_equal(s[1].gate, 0);
	assert_int_equal(w->limits.count_keys[0], s[0].keys[0]);
	assert_int_equal(w->limits.look_ns[13], 1);
	assert_int_equal(w->limits.min_ns[13], 50 * MS);
	assert_int_equal(w->limits.look_ns[12], 50 * MS);
	engine_load(w->e, 2 * SEC, NULL, 0, 50 * MS);
	assert_int_equal(s[0].state, FR_SLOT_FREE);
	assert_int_equal(w->limits.count_keys[0], 0);
	assert_int_equal(w->limits.look_ns[13], 50 * MS);
	rule_clear(&r);
	end(w);
}

#ifdef __SANITIZE_THREAD__
#define RELOADS 100 /* atomics of two threads are slow there */
#else
#define RELOADS 10000
#endif

/* A probe's view of the slots while rules come and go: what is armed is whole,
 * and min_ns lets its operations through. */
static void *probe_slots(void *arg)
{
	struct fr_limits *l = arg;
	unsigned long bad = 0;

	/* slow_ns ends the loop: pairs with the store in the test */
	while (__atomic_load_n(&l->slow_ns, __ATOMIC_ACQUIRE) != 1)
		for (unsigned i = 0; i < 8; i++) {
			struct fr_trigger_slot *s = &l->slots[i];
			uint32_t n, number;
			uint64_t limit, key, min, look;

			if (__atomic_load_n(&s->state, __ATOMIC_ACQUIRE) !=
			    FR_SLOT_ARMED)
				continue;
			number = __atomic_load_n(&s->number, __ATOMIC_ACQUIRE);
			limit = __atomic_load_n(&s->limit_ns, __ATOMIC_ACQUIRE);
			key = __atomic_load_n(&s->keys[3], __ATOMIC_ACQUIRE);
			min = __atomic_load_n(
				&l->min_ns[FR_KEY_BLOCK_READ + number % 2],
				__ATOMIC_ACQUIRE);
			look = __atomic_load_n(
				&l->look_ns[FR_KEY_BLOCK_READ + number % 2],
				__ATOMIC_ACQUIRE);
			n = __atomic_load_n(&s->number, __ATOMIC_ACQUIRE);
			if (n != number ||
			    __atomic_load_n(&s->state, __ATOMIC_ACQUIRE) !=
				    FR_SLOT_ARMED)
				continue;
			bad += limit != (100 - number % 50) * MS ||
			       key != 1ULL << (FR_KEY_BLOCK_READ % 64 +
					       number % 2) ||
			       !min || min > limit || !look || look > limit;
		}
	return (void *)bad;
}

static void a_probe_never_sees_a_half_filled_slot(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct fr_trigger_rule r;
	char when[64];
	pthread_t t;
	void *bad;

	(void)state;
	w->e = engine_new(&ops, w, &w->limits, &w->sets);
	pthread_create(&t, NULL, probe_slots, &w->limits);
	for (unsigned i = 0; i < RELOADS; i++) {
		unsigned number = RULE_A + i;

		snprintf(when, sizeof(when), "block.%s latency > %ums",
			 number % 2 ? "write" : "read", 100 - number % 50);
		make_rule(&r, "a", when, "0", "0");
		engine_load(w->e, i * 2 * SEC, &r, 1, 0);
		assert_int_equal(info(w, A).number, number);
		assert_true(info(w, A).slot >= 0);
		rule_clear(&r);
	}
	__atomic_store_n(&w->limits.slow_ns, 1, __ATOMIC_RELEASE);
	pthread_join(t, &bad);
	assert_null(bad);
	end(w);
}

/* ---- counters, from the sampler to the engine ---------------------------------------- */

static void collect_hit(void *arg, const struct engine_hit *h)
{
	*(struct engine_hit *)arg = *h;
}

static void counters_fire_after_their_time_and_once(void **state)
{
	struct rule_sets sets = { NULL };
	struct inbox *in = inbox_new();
	struct evaluator *v = evaluator_new(&sets, in);
	struct world *w = calloc(1, sizeof(*w));
	struct fr_trigger_rule r[2];
	struct detector_metric mem = { .id = 3,
				       .name = "meminfo.MemAvailable",
				       .unit = "bytes" };
	struct detector_metric io = { .id = 9,
				      .counter = true,
				      .name = "diskstats.vda.io_ms",
				      .unit = "" };
	struct engine_hit got = { .number = 0 };
	struct pollfd p = { .fd = inbox_fd(in), .events = POLLIN };
	const char *metric;
	uint32_t number;

	(void)state;
	urcu_memb_register_thread();
	w->e = engine_new(&ops, w, NULL, &sets);
	make_rule(&r[0], "mem", "meminfo.MemAvailable < 1GiB for 2s", "0",
		  "1s");
	make_rule(&r[1], "io", "rate(diskstats.*.io_ms) > 900/s", "0", "1s");
	engine_load(w->e, 0, r, 2, 0);
	assert_int_equal(evaluator_add_metric(v, &mem), 0);
	evaluator_begin(v, 0);
	assert_int_equal(evaluator_add_metric(v, &io), 0);
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(inbox_drain(in, collect_hit, &got), 0);
		evaluator_begin(v, i * SEC);
		evaluator_sample(v, i * SEC, 3, 512 << 20);
		evaluator_sample(v, i * SEC, 9, 100 * i);
		engine_load(w->e, 0, r, 2, 0); /* keeps what was seen */
	}
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(inbox_drain(in, collect_hit, &got), 1);
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(got.number, RULE_A);
	engine_hit(w->e, 3 * SEC, &got);
	assert_string_equal(w->reason.text,
			    "meminfo.MemAvailable is 512 MiB, limit < 1.00 GiB "
			    "for 2s");
	evaluator_begin(v, 4 * SEC);
	evaluator_sample(v, 4 * SEC, 3, 512 << 20);
	evaluator_sample(v, 4 * SEC, 9, 100 * 3 + 901);
	assert_int_equal(inbox_drain(in, collect_hit, &got), 1);
	assert_int_equal(got.number, RULE_B);
	assert_string_equal(got.metric, "diskstats.vda.io_ms");
	/* back, reset, and over again */
	evaluator_sample(v, 5 * SEC, 9, 5);
	evaluator_sample(v, 6 * SEC, 9, 6);
	evaluator_sample(v, 7 * SEC, 9, 2000);
	assert_int_equal(inbox_drain(in, collect_hit, &got), 2); /* off, on */
	assert_int_equal(got.change, HIT_ON);
	assert_false(evaluator_misfit(v, &number, &metric));
	rule_clear(&r[1]);
	make_rule(&r[1], "io", "rate(diskstats.*.io_ms) > 5MiB/s", "0", "1s");
	engine_load(w->e, 0, r, 2, 0);
	evaluator_begin(v, 8 * SEC);
	assert_true(evaluator_misfit(v, &number, &metric));
	assert_string_equal(metric, "diskstats.vda.io_ms");
	assert_false(evaluator_misfit(v, &number, &metric));
	engine_free(w->e);
	evaluator_free(v);
	inbox_free(in);
	rule_clear(&r[0]);
	rule_clear(&r[1]);
	rule_sets_clear(&sets);
	urcu_memb_unregister_thread();
	free(w);
}

#define POSTS 20000

static void *post_many(void *arg)
{
	struct engine_hit h = { .number = 1 };

	for (uint64_t i = 1; i <= POSTS; i++) {
		h.seq = i;
		inbox_post(arg, &h);
	}
	return NULL;
}

static void in_order(void *arg, const struct engine_hit *h)
{
	uint64_t *last = arg;

	assert_int_equal(h->seq, *last + 1);
	*last = h->seq;
}

static void the_inbox_loses_and_reorders_nothing(void **state)
{
	struct inbox *in = inbox_new();
	struct pollfd p = { .fd = inbox_fd(in), .events = POLLIN };
	uint64_t last = 0;
	pthread_t t;

	(void)state;
	pthread_create(&t, NULL, post_many, in);
	while (last < POSTS) {
		assert_int_equal(poll(&p, 1, 10000), 1);
		inbox_drain(in, in_order, &last);
	}
	pthread_join(t, NULL);
	assert_int_equal(inbox_lost(in), 0);
	inbox_free(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hit_freezes_dumps_releases_and_cools),
		cmocka_unit_test(a_tail_is_recorded_before_the_freeze),
		cmocka_unit_test(a_full_disk_or_a_dead_dumper_is_survived),
		cmocka_unit_test(
			manual_hits_queue_and_each_gets_its_own_snapshot),
		cmocka_unit_test(shutdown_cuts_the_tail_and_gives_up_the_queue),
		cmocka_unit_test(kernel_counts_are_added_once),
		cmocka_unit_test(
			a_kernel_hit_of_another_trigger_merges_and_is_armed_again),
		cmocka_unit_test(a_lost_wake_up_is_found_and_not_counted_twice),
		cmocka_unit_test(reload_keeps_equal_rules_and_loses_no_hit),
		cmocka_unit_test(a_freed_slot_rests_before_it_is_used_again),
		cmocka_unit_test(limits_follow_the_rules),
		cmocka_unit_test(a_slot_counts_for_a_percentile),
		cmocka_unit_test(a_probe_never_sees_a_half_filled_slot),
		cmocka_unit_test(counters_fire_after_their_time_and_once),
		cmocka_unit_test(the_inbox_loses_and_reorders_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
