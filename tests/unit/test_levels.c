/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_levels.c - rules of several conditions: levels, gates, totals, clear. */
#include "tests/unit/engine_world.h"

#include <pthread.h>

/* An engine and an evaluator that feeds it, with one rule. */
struct set {
	struct world *w;
	struct inbox *in;
	struct evaluator *v;
	unsigned ons, offs;
	char last[256]; /* the last hit in words */
};

static struct set *set_new(const char *when)
{
	struct set *s = calloc(1, sizeof(*s));
	struct fr_trigger_rule r;

	urcu_memb_register_thread();
	s->w = calloc(1, sizeof(*s->w));
	s->in = inbox_new();
	s->w->e = engine_new(&ops, s->w, &s->w->limits, &s->w->sets);
	s->w->dump_at_once = true;
	s->v = evaluator_new(&s->w->sets, s->in);
	make_rule(&r, "a", when, "0", "0");
	assert_int_equal(engine_load(s->w->e, 0, &r, 1, 0), 0);
	rule_clear(&r);
	return s;
}

static void set_free(struct set *s)
{
	engine_free(s->w->e);
	evaluator_free(s->v);
	inbox_free(s->in);
	rule_sets_clear(&s->w->sets);
	urcu_memb_unregister_thread();
	free(s->w);
	free(s);
}

static void pass_on(void *arg, const struct engine_hit *h)
{
	struct set *s = arg;

	s->ons += h->change == HIT_ON;
	s->offs += h->change == HIT_OFF;
	engine_hit(s->w->e, h->hit_ns, h);
}

static const char *const names[] = { "l.a",           "l.b",
				     "meminfo.Dirty", "meminfo.MemTotal",
				     "cpu.0.user",    "diskstats.a.io_ns" };
static const char *const units[] = { "", "", "kB", "kB", "s", "ns" };
#define MS_WRAP (1000000LL << 32)

static void sample(struct set *s, uint64_t second, uint32_t id, int64_t value)
{
	struct detector_metric m = { .id = id,
				     .name = names[id],
				     .unit = units[id],
				     .scale = id == 4 ? 100 : 1,
				     .wrap = id == 5 ? MS_WRAP : 0 };

	evaluator_add_metric(s->v, &m);
	evaluator_begin(s->v, second * SEC);
	evaluator_sample(s->v, second * SEC, id, value);
	inbox_drain(s->in, pass_on, s);
}

static uint64_t hits(struct set *s)
{
	struct trigger_info t;

	engine_info(s->w->e, 2, &t);
	return t.counts.hits;
}

static void both_must_hold(void **state)
{
	struct set *s = set_new("l.a > 5 and l.b > 5");

	(void)state;
	sample(s, 1, 0, 9);
	assert_int_equal(hits(s), 0);
	sample(s, 2, 1, 9);
	assert_int_equal(hits(s), 1);
	assert_string_equal(s->w->reason.text, "l.b is 9, limit > 5");
	sample(s, 3, 1, 9); /* still: no new hit */
	assert_int_equal(hits(s), 1);
	sample(s, 4, 0, 1);
	sample(s, 5, 1, 1);
	sample(s, 6, 1, 9); /* the other does not hold */
	assert_int_equal(hits(s), 1);
	sample(s, 7, 0, 9);
	assert_int_equal(hits(s), 2);
	set_free(s);
}

static void not_fires_when_it_ends(void **state)
{
	struct set *s = set_new("l.a > 5 and not l.b > 5");

	(void)state;
	sample(s, 1, 1, 9);
	sample(s, 1, 0, 9);
	assert_int_equal(hits(s), 0);
	sample(s, 2, 1, 1); /* b ends while a holds */
	assert_int_equal(hits(s), 1);
	sample(s, 3, 0, 1);
	sample(s, 4, 0, 9); /* a comes while b does not hold */
	assert_int_equal(hits(s), 2);
	set_free(s);
}

static void levels_open_and_close_the_gate(void **state)
{
	struct set *s = set_new("fs.fsync latency > 1s and l.a > 5 or "
				"fs.fdatasync latency > 1s");
	struct fr_trigger_slot *slots = s->w->limits.slots;

	(void)state;
	assert_int_equal(s->w->limits.nr_slots, 2);
	assert_int_equal(slots[0].state, FR_SLOT_ARMED);
	assert_int_equal(slots[0].gate, 0);
	assert_int_equal(slots[1].gate, 1);
	sample(s, 1, 0, 9);
	assert_int_equal(slots[0].gate, 1);
	assert_int_equal(hits(s), 0); /* a level alone is no event */
	sample(s, 2, 0, 1);
	assert_int_equal(slots[0].gate, 0);
	set_free(s);
}

static void a_slot_is_told_from_the_other(void **state)
{
	struct set *s = set_new("fs.fsync latency > 1s or fs.* error EIO");
	struct fr_wake w = { .number = RULE_A,
			     .slot = 1,
			     .hit_ns = SEC,
			     .key = 13,
			     .tid = 7,
			     .dur = 1000,
			     .value = 5 };

	(void)state;
	s->w->limits.slots[1].state = FR_SLOT_HIT;
	s->w->limits.slots[1].fired = 1;
	engine_wake(s->w->e, SEC, &w);
	assert_int_equal(hits(s), 1);
	assert_non_null(strstr(s->w->reason.text, "failed with EIO"));
	/* each has its own count of wake-ups: none is missing */
	for (uint64_t t = 2; t < 6; t++)
		engine_tick(s->w->e, t * SEC);
	assert_int_equal(hits(s), 1);
	/* the wake-up of the first got lost: it is found */
	s->w->limits.slots[0].fired = 1;
	engine_tick(s->w->e, 7 * SEC);
	engine_tick(s->w->e, 9 * SEC);
	assert_int_equal(hits(s), 2);
	set_free(s);
}

static void clear_keeps_it_true(void **state)
{
	struct set *s = set_new("l.a > 10 clear 5");

	(void)state;
	sample(s, 1, 0, 11);
	sample(s, 2, 0, 6); /* between: still true */
	sample(s, 3, 0, 11);
	assert_int_equal(hits(s), 1);
	sample(s, 4, 0, 5);
	assert_int_equal(s->offs, 1);
	sample(s, 5, 0, 9); /* between: still false */
	assert_int_equal(hits(s), 1);
	sample(s, 6, 0, 11);
	assert_int_equal(hits(s), 2);
	set_free(s);
}

static void percents_are_of_the_total(void **state)
{
	struct set *s = set_new("meminfo.Dirty > 20%");

	(void)state;
	sample(s, 1, 2, 900); /* of what is not known yet */
	assert_int_equal(hits(s), 0);
	sample(s, 1, 3, 1000);
	sample(s, 2, 2, 200);
	assert_int_equal(hits(s), 0);
	sample(s, 3, 2, 201);
	assert_int_equal(hits(s), 1);
	assert_string_equal(s->w->reason.text,
			    "meminfo.Dirty is 20.1%, limit > 20%");
	set_free(s);
}

static void percents_of_time_are_of_a_second(void **state)
{
	struct set *s = set_new("rate(cpu.0.user) > 50%/s");

	(void)state;
	sample(s, 1, 4, 0);
	sample(s, 2, 4, 50); /* stored in hundredths */
	assert_int_equal(hits(s), 0);
	sample(s, 3, 4, 101);
	assert_int_equal(hits(s), 1);
	set_free(s);
}

/* Neither the fall nor a huge rate fires; that a counter is full is no fall. */
static void a_reset_has_no_rate_and_a_wrap_has_one(void **state)
{
	struct set *s = set_new("rate(diskstats.a.io_ns) > 500ms/s");

	(void)state;
	sample(s, 1, 5, MS_WRAP - 400000000);
	sample(s, 2, 5, 200000000); /* 600 ms across the end */
	assert_int_equal(hits(s), 1);
	sample(s, 3, 5, 210000000);
	assert_int_equal(hits(s), 1);
	sample(s, 4, 5, 5); /* reset */
	sample(s, 5, 5, 10);
	assert_int_equal(hits(s), 1);
	sample(s, 6, 5, 600000010);
	assert_int_equal(hits(s), 2);
	set_free(s);
}

static void a_metric_that_is_gone_is_over_nothing(void **state)
{
	struct set *s = set_new("l.a > 5 and l.b > 5");

	(void)state;
	sample(s, 1, 0, 9);
	sample(s, 2, 0, 9);
	sample(s, 30, 1, 9); /* a was not seen for so long */
	assert_int_equal(s->offs, 1);
	assert_int_equal(hits(s), 0);
	sample(s, 31, 0, 9);
	assert_int_equal(hits(s), 1);
	set_free(s);
}

/* Its number is another metric's now. */
static void a_number_that_is_given_anew(void **state)
{
	struct set *s = set_new("l.a > 5 and l.b > 5");
	const struct detector_metric other = {
		.id = 0, .name = "l.other", .unit = "", .scale = 1
	};

	(void)state;
	sample(s, 1, 0, 9);
	assert_int_equal(evaluator_add_metric(s->v, &other), 0);
	inbox_drain(s->in, pass_on, s);
	assert_int_equal(s->offs, 1);
	evaluator_sample(s->v, 2 * SEC, 0, 100); /* no rule's */
	sample(s, 2, 1, 9);
	assert_int_equal(hits(s), 0);
	sample(s, 3, 0, 9); /* l.a has it again */
	assert_int_equal(hits(s), 1);
	set_free(s);
}

static void a_reload_keeps_levels(void **state)
{
	struct set *s = set_new("l.a > 5 and l.b > 5");
	struct fr_trigger_rule r[2];

	(void)state;
	sample(s, 1, 0, 9);
	make_rule(&r[0], "a", "l.a > 5 and l.b > 5", "0", "0");
	make_rule(&r[1], "b", "l.a > 7", "0", "0");
	engine_load(s->w->e, SEC, r, 2, 0);
	sample(s, 2, 1, 9);
	assert_int_equal(hits(s), 1);
	rule_clear(&r[0]);
	rule_clear(&r[1]);
	set_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_must_hold),
		cmocka_unit_test(not_fires_when_it_ends),
		cmocka_unit_test(levels_open_and_close_the_gate),
		cmocka_unit_test(a_slot_is_told_from_the_other),
		cmocka_unit_test(clear_keeps_it_true),
		cmocka_unit_test(percents_are_of_the_total),
		cmocka_unit_test(percents_of_time_are_of_a_second),
		cmocka_unit_test(a_reset_has_no_rate_and_a_wrap_has_one),
		cmocka_unit_test(a_metric_that_is_gone_is_over_nothing),
		cmocka_unit_test(a_number_that_is_given_anew),
		cmocka_unit_test(a_reload_keeps_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
