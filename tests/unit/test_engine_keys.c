/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_engine_keys.c - merge, min-history, max-per-day, priority, exec. */
#include "tests/unit/engine_world.h"

#include <errno.h>

#define HOUR (3600 * SEC)
#define DAY  (24 * HOUR)

/* Rules a and b as given: "key=value key=value", and a hit of each is a latency
 * that the kernel decides. */
static void load_keys(struct world *w, uint64_t now, const char *a,
		      const char *b)
{
	const char *const keys[] = { a, b };
	struct fr_trigger_rule r[2];

	make_rule(&r[0], "a", "fs.fsync latency > 200ms", "0", "10s");
	make_rule(&r[1], "b", "block.write latency > 20ms", "0", "10s");
	for (unsigned i = 0; i < 2; i++) {
		char text[256], *save = NULL;

		snprintf(text, sizeof(text), "%s", keys[i]);
		for (char *p = strtok_r(text, " ", &save); p;
		     p = strtok_r(NULL, " ", &save)) {
			char *value = strchr(p, '=');

			*value = '\0';
			set_key(&r[i], p, value + 1);
		}
	}
	assert_int_equal(engine_load(w->e, now, r, 2, 0), 0);
	rule_clear(&r[0]);
	rule_clear(&r[1]);
}

static struct world *begin(const char *a, const char *b)
{
	struct world *w = calloc(1, sizeof(*w));

	w->e = engine_new(&ops, w, &w->limits, &w->sets);
	assert_non_null(w->e);
	load_keys(w, 0, a, b);
	return w;
}

static void end(struct world *w)
{
	struct engine_counts c;

	engine_totals(w->e, &c);
	assert_int_equal(c.all.hits, c.all.fired + c.all.suppressed +
					     c.all.merged + c.all.queued);
	engine_free(w->e);
	rule_sets_clear(&w->sets);
	free(w);
}

static void hit(struct world *w, uint64_t now, const char *name)
{
	struct engine_hit h = { .number = info_of(w, name).number,
				.hit_ns = now };

	engine_hit(w->e, now, &h);
}

static void by_hand(struct world *w, uint64_t now)
{
	struct engine_hit h = { .number = TRIGGER_MANUAL, .hit_ns = now };

	assert_int_equal(engine_manual(w->e, now, &h), 0);
}

/* "fired suppressed merged" */
static void counts_are(struct world *w, const char *name, const char *want)
{
	struct trigger_info t = info_of(w, name);
	char got[64];

	snprintf(got, sizeof(got), "%d %d %d", (int)t.counts.fired,
		 (int)t.counts.suppressed, (int)t.counts.merged);
	assert_string_equal(got, want);
}

static uint32_t slot_of(struct world *w, const char *name)
{
	return w->limits.slots[info_of(w, name).slot].state;
}

/* ---- min-history ------------------------------------------------------------------- */

static void nothing_fires_before_the_ring_holds_enough(void **state)
{
	struct world *w = begin("min-history=1m", "");

	(void)state;
	assert_int_equal(info_of(w, "a").hold, TRIGGER_HOLD_HISTORY);
	assert_int_equal(slot_of(w, "a"), FR_SLOT_QUIET);
	assert_true(engine_next_deadline(w->e) <= 60 * SEC);
	w->history_ns = 20 * SEC;
	hit(w, 20 * SEC, "a");
	hit(w, 21 * SEC, "a");
	counts_are(w, "a", "0 2 0");
	assert_string_equal(w->calls, "");
	assert_int_equal(w->said, 1);
	assert_non_null(strstr(w->last_said, "min-history = 1m"));
	hit(w, 22 * SEC, "b"); /* others are not held back */
	counts_are(w, "b", "1 0 0");
	hit(w, 22 * SEC, "a"); /* not merged: it is held back */
	counts_are(w, "a", "0 3 0");
	engine_dump_done(w->e, 23 * SEC);
	w->history_ns = 60 * SEC;
	engine_tick(w->e, 60 * SEC);
	assert_int_equal(info_of(w, "a").hold, TRIGGER_HOLD_NONE);
	assert_int_equal(slot_of(w, "a"), FR_SLOT_ARMED);
	hit(w, 61 * SEC, "a");
	counts_are(w, "a", "1 3 0");
	end(w);
}

/* The clock says it is time, and the ring has no more than before. */
static void a_hit_looks_at_the_history_by_itself(void **state)
{
	struct world *w = begin("min-history=1m", "");

	(void)state;
	hit(w, 60 * SEC, "a");
	counts_are(w, "a", "0 1 0");
	assert_int_equal(info_of(w, "a").hold_until_ns, 120 * SEC);
	w->history_ns = 60 * SEC;
	hit(w, 120 * SEC, "a"); /* without a tick in between */
	counts_are(w, "a", "1 1 0");
	end(w);
}

/* ---- max-per-day ------------------------------------------------------------------- */

static void fire_once(struct world *w, uint64_t now, const char *name)
{
	hit(w, now, name);
	assert_false(engine_idle(w->e));
	engine_dump_done(w->e, now + SEC);
}

static void it_fires_so_often_within_any_24_hours(void **state)
{
	struct world *w = begin("max-per-day=2 cooldown=0", "");

	(void)state;
	fire_once(w, HOUR, "a");
	fire_once(w, 5 * HOUR, "a");
	assert_int_equal(info_of(w, "a").hold, TRIGGER_HOLD_DAY);
	assert_int_equal(info_of(w, "a").hold_until_ns, HOUR + DAY);
	assert_int_equal(slot_of(w, "a"), FR_SLOT_QUIET);
	hit(w, 6 * HOUR, "a");
	hit(w, HOUR + DAY - 1, "a");
	counts_are(w, "a", "2 2 0");
	assert_int_equal(w->said, 1);
	assert_non_null(strstr(w->last_said, "max-per-day = 2"));
	/* a reload that changes nothing forgets nothing */
	load_keys(w, HOUR + DAY - 1, "max-per-day=2 cooldown=0", "");
	hit(w, HOUR + DAY - 1, "a");
	counts_are(w, "a", "2 3 0");
	engine_tick(w->e, HOUR + DAY);
	assert_int_equal(slot_of(w, "a"), FR_SLOT_ARMED);
	fire_once(w, 2 * HOUR + DAY, "a");
	hit(w, 3 * HOUR + DAY, "a"); /* those of 5 and of 26 hours */
	counts_are(w, "a", "3 4 0");
	assert_int_equal(w->said, 2);
	assert_int_equal(info_of(w, "a").hold_until_ns, 5 * HOUR + DAY);
	fire_once(w, 5 * HOUR + DAY, "a");
	counts_are(w, "a", "4 4 0");
	end(w);
}

static void by_hand_it_fires_all_the_same(void **state)
{
	struct world *w = begin("max-per-day=1", "");

	(void)state;
	fire_once(w, HOUR, "a");
	for (unsigned i = 0; i < 10; i++) {
		by_hand(w, 2 * HOUR);
		engine_dump_done(w->e, 2 * HOUR);
	}
	counts_are(w, "manual", "10 0 0");
	end(w);
}

/* ---- merge ------------------------------------------------------------------------- */

static void hits_after_the_snapshot_join_it_for_the_merge_time(void **state)
{
	struct world *w = begin("merge=30s", "");
	const struct engine_reason *r;

	(void)state;
	hit(w, SEC, "a");
	engine_dump_done(w->e, 2 * SEC);
	assert_int_equal(info_of(w, "a").state, TRIGGER_COOLING);
	assert_int_equal(slot_of(w, "a"), FR_SLOT_HIT); /* it merges */
	hit(w, 3 * SEC, "a");
	hit(w, 4 * SEC, "b");
	hit(w, 5 * SEC, "b");
	w->limits.slots[info_of(w, "a").slot].merged += 7; /* by the kernel */
	counts_are(w, "a", "1 0 8");
	counts_are(w, "b", "0 0 2");
	assert_int_equal(w->joined, 2);
	hit(w, 20 * SEC, "a"); /* its cooldown is over, the merge time not */
	assert_true(engine_next_deadline(w->e) <= 31 * SEC);
	r = engine_incident(w->e);
	assert_int_equal(r->incident, 1);
	assert_int_equal(r->merged, 11);
	assert_int_equal(r->nr_merged, 2);
	assert_string_equal(r->merged_hits[0].name, "a");
	assert_int_equal(r->merged_hits[0].hits, 9);
	assert_int_equal(r->merged_hits[1].hits, 2);
	assert_int_equal(r->merged_hits[1].hit_ns, 4 * SEC);
	engine_tick(w->e, 31 * SEC);
	assert_int_equal(slot_of(w, "a"), FR_SLOT_ARMED);
	hit(w, 31 * SEC, "b");
	counts_are(w, "b", "1 0 2");
	assert_int_equal(engine_incident(w->e)->incident, 2);
	assert_int_equal(engine_incident(w->e)->merged, 0);
	end(w);
}

static void the_merge_time_counts_from_the_hit(void **state)
{
	struct world *w = begin("merge=30s", "");

	(void)state;
	hit(w, SEC, "a");
	hit(w, 2 * SEC, "b");
	engine_dump_done(w->e, 40 * SEC); /* a slow disk */
	hit(w, 41 * SEC, "b");
	counts_are(w, "b", "1 0 1");
	end(w);
}

static void cooling_counts_again_when_the_merge_time_is_over(void **state)
{
	struct world *w = begin("merge=5s cooldown=1m", "");

	(void)state;
	hit(w, SEC, "a");
	engine_dump_done(w->e, 2 * SEC);
	hit(w, 3 * SEC, "a");
	engine_tick(w->e, 6 * SEC);
	assert_int_equal(slot_of(w, "a"), FR_SLOT_QUIET);
	hit(w, 7 * SEC, "a");
	counts_are(w, "a", "1 1 1");
	end(w);
}

static void nothing_joins_what_failed_or_is_gone(void **state)
{
	struct world *w = begin("merge=30s cooldown=0", "");

	(void)state;
	hit(w, SEC, "a");
	engine_dump_failed(w->e, 2 * SEC, -ENOSPC);
	fire_once(w, 3 * SEC, "a"); /* there was no snapshot to join */
	counts_are(w, "a", "2 0 0");
	by_hand(w, 4 * SEC); /* a new incident ends the merge time */
	engine_dump_done(w->e, 4 * SEC);
	fire_once(w, 5 * SEC, "b");
	counts_are(w, "b", "1 0 0");
	fire_once(w, 6 * SEC, "a");
	engine_enable(w->e, 6 * SEC, "a", false);
	fire_once(w, 20 * SEC, "b");
	engine_enable(w->e, 40 * SEC, "a", true);
	fire_once(w, 40 * SEC, "a");
	load_keys(w, 41 * SEC, "merge=31s cooldown=0", "");
	fire_once(w, 41 * SEC, "b");
	counts_are(w, "b", "3 0 0");
	end(w);
}

static void shutdown_ends_the_merge_time(void **state)
{
	struct world *w = begin("merge=30s", "");

	(void)state;
	fire_once(w, SEC, "a");
	engine_shutdown(w->e, 3 * SEC);
	hit(w, 4 * SEC, "a");
	hit(w, 4 * SEC, "b");
	counts_are(w, "a", "1 1 0");
	counts_are(w, "b", "0 1 0");
	end(w);
}

/* ---- what joined ------------------------------------------------------------------- */

static void the_snapshot_lists_each_trigger_once(void **state)
{
	struct world *w = begin("tail=5s", "");

	(void)state;
	hit(w, SEC, "a");
	for (unsigned i = 0; i < 100; i++) {
		hit(w, 2 * SEC + i, "b");
		hit(w, 3 * SEC + i, "a");
	}
	assert_int_equal(w->joined, 2);
	engine_tick(w->e, 6 * SEC);
	assert_string_equal(w->calls, "FD");
	assert_int_equal(w->reason.merged, 200);
	assert_int_equal(w->reason.nr_merged, 2);
	assert_string_equal(w->reason.merged_hits[0].name, "b");
	assert_int_equal(w->reason.merged_hits[0].hits, 100);
	assert_int_equal(w->reason.merged_hits[0].hit_ns, 2 * SEC);
	assert_true(strlen(w->reason.merged_hits[1].text) > 0);
	end(w);
}

static void hits_while_it_is_written_are_told_to_the_dumper(void **state)
{
	struct world *w = begin("", "");

	(void)state;
	hit(w, SEC, "a");
	assert_int_equal(info_of(w, "a").state, TRIGGER_DUMPING);
	assert_int_equal(w->joined, 0);
	hit(w, 2 * SEC, "b");
	assert_int_equal(w->joined, 1);
	assert_int_equal(w->reason.nr_merged, 1);
	assert_string_equal(w->reason.merged_hits[0].name, "b");
	assert_string_equal(w->reason.name, "a");
	end(w);
}

/* ---- priority ---------------------------------------------------------------------- */

static void the_higher_one_takes_the_lead_in_the_tail(void **state)
{
	struct world *w =
		begin("tail=5s max-per-day=1", "priority=80 tail=10s");

	(void)state;
	hit(w, SEC, "a");
	hit(w, 2 * SEC, "b");
	assert_int_equal(info_of(w, "a").state, TRIGGER_ARMED);
	assert_int_equal(info_of(w, "b").state, TRIGGER_TAIL);
	counts_are(w, "a", "0 0 1");
	counts_are(w, "b", "1 0 0");
	assert_int_equal(info_of(w, "a").last_ns, 0);
	engine_tick(w->e, 6 * SEC); /* the tail is that of b */
	assert_string_equal(w->calls, "");
	engine_tick(w->e, 12 * SEC);
	assert_string_equal(w->calls, "FD");
	assert_string_equal(w->reason.name, "b");
	assert_int_equal(w->reason.incident, 1);
	assert_string_equal(w->reason.merged_hits[0].name, "a");
	assert_int_equal(w->reason.merged_hits[0].hits, 1);
	assert_int_equal(w->reason.merged_hits[0].hit_ns, SEC);
	engine_dump_done(w->e, 13 * SEC);
	hit(w, 14 * SEC, "a"); /* it has not fired this day */
	counts_are(w, "a", "1 0 1");
	end(w);
}

static void equal_and_lower_ones_and_those_held_back_merge(void **state)
{
	static const char *const keys[] = { "", "priority=50", "priority=49",
					    "priority=99 min-history=1h" };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct world *w = begin("tail=5s", keys[i]);

		hit(w, SEC, "a");
		hit(w, 2 * SEC, "b");
		assert_int_equal(info_of(w, "a").state, TRIGGER_TAIL);
		counts_are(w, "b", i == 3 ? "0 1 0" : "0 0 1");
		end(w);
	}
}

static void once_frozen_the_lead_stays(void **state)
{
	struct world *w = begin("", "priority=100");

	(void)state;
	w->freeze_result = -EINPROGRESS;
	hit(w, SEC, "a");
	hit(w, SEC, "b");
	counts_are(w, "b", "0 0 1");
	assert_int_equal(info_of(w, "a").state, TRIGGER_HIT);
	end(w);
}

static void nobody_takes_over_what_was_asked_for_by_hand(void **state)
{
	struct world *w = begin("", "priority=100");
	struct engine_hit h = { .number = TRIGGER_MANUAL,
				.hit_ns = SEC,
				.tail_ns = 5 * SEC };

	(void)state;
	engine_manual(w->e, SEC, &h);
	hit(w, 2 * SEC, "b");
	counts_are(w, "b", "0 0 1");
	counts_are(w, "manual", "1 0 0");
	end(w);
}

static void of_hits_at_the_same_time_the_highest_leads(void **state)
{
	struct world *w = begin("", "priority=60");

	(void)state;
	engine_begin_hits(w->e);
	hit(w, SEC, "a");
	assert_string_equal(w->calls, "");
	hit(w, SEC, "b");
	hit(w, SEC, "a");
	engine_end_hits(w->e, SEC);
	assert_string_equal(w->calls, "FD");
	assert_string_equal(w->reason.name, "b");
	counts_are(w, "a", "0 0 2");
	counts_are(w, "b", "1 0 0");
	engine_begin_hits(w->e);
	engine_end_hits(w->e, SEC);
	assert_string_equal(w->calls, "FD");
	end(w);
}

static void a_lead_that_was_taken_may_be_gone_or_disabled(void **state)
{
	struct world *w = begin("tail=5s", "priority=80");
	struct engine_counts c;

	(void)state;
	hit(w, SEC, "a");
	engine_enable(w->e, SEC, "a", false);
	hit(w, 2 * SEC, "b");
	assert_int_equal(info_of(w, "a").state, TRIGGER_DISABLED);
	engine_dump_done(w->e, 3 * SEC);
	engine_enable(w->e, 20 * SEC, "a", true);
	hit(w, 20 * SEC, "a");
	load_keys(w, 20 * SEC, "tail=6s", "priority=80");
	hit(w, 21 * SEC, "b");
	engine_totals(w->e, &c);
	assert_int_equal(c.all.hits, 4);
	assert_int_equal(c.all.fired, 2);
	assert_int_equal(c.all.merged, 2);
	assert_string_equal(w->reason.merged_hits[0].name, "a");
	end(w);
}

static void one_of_higher_priority_does_not_join_a_done_snapshot(void **state)
{
	struct world *w = begin("merge=30s", "priority=60");

	(void)state;
	fire_once(w, SEC, "a");
	fire_once(w, 3 * SEC, "b");
	counts_are(w, "b", "1 0 0");
	end(w);
}

/* ---- exec -------------------------------------------------------------------------- */

static void the_reason_names_the_hook(void **state)
{
	struct world *w = begin("exec=/bin/true exec-limit=2s", "");

	(void)state;
	hit(w, SEC, "a");
	assert_string_equal(w->reason.exec, "/bin/true");
	assert_int_equal(w->reason.exec_limit_ns, 2 * SEC);
	engine_dump_done(w->e, 2 * SEC);
	hit(w, 3 * SEC, "b");
	assert_null(w->reason.exec);
	end(w);
}

/* A storm over two triggers, with reloads and takeovers: nothing is lost. */
static void every_hit_is_counted_once_in_a_storm(void **state)
{
	struct world *w = begin("merge=3s tail=100ms cooldown=1s",
				"priority=70 max-per-day=5 cooldown=2s");
	struct engine_counts c;
	uint64_t now = SEC;
	unsigned x = 1;

	(void)state;
	for (unsigned i = 0; i < 100000; i++, now += 300000) {
		x = x * 1103515245 + 12345;
		if (i % 10 == 0)
			engine_begin_hits(w->e);
		hit(w, now, x & 65536 ? "a" : "b");
		if (i % 10 == 9)
			engine_end_hits(w->e, now);
		if (i % 10 == 9 && engine_next_deadline(w->e) <= now)
			engine_tick(w->e, now);
		if (i % 1000 == 9)
			engine_dump_done(w->e, now);
		if (i % 7000 == 9)
			load_keys(w, now, "merge=3s tail=100ms cooldown=1s",
				  i % 14000 == 9 ? "priority=70 cooldown=2s" :
						   "max-per-day=5");
		engine_totals(w->e, &c);
		assert_int_equal(c.all.hits, i + 1);
		assert_int_equal(c.all.hits,
				 c.all.fired + c.all.suppressed + c.all.merged);
	}
	assert_true(c.dumps_done > 5);
	end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_fires_before_the_ring_holds_enough),
		cmocka_unit_test(a_hit_looks_at_the_history_by_itself),
		cmocka_unit_test(it_fires_so_often_within_any_24_hours),
		cmocka_unit_test(by_hand_it_fires_all_the_same),
		cmocka_unit_test(
			hits_after_the_snapshot_join_it_for_the_merge_time),
		cmocka_unit_test(the_merge_time_counts_from_the_hit),
		cmocka_unit_test(
			cooling_counts_again_when_the_merge_time_is_over),
		cmocka_unit_test(nothing_joins_what_failed_or_is_gone),
		cmocka_unit_test(shutdown_ends_the_merge_time),
		cmocka_unit_test(the_snapshot_lists_each_trigger_once),
		cmocka_unit_test(
			hits_while_it_is_written_are_told_to_the_dumper),
		cmocka_unit_test(the_higher_one_takes_the_lead_in_the_tail),
		cmocka_unit_test(
			equal_and_lower_ones_and_those_held_back_merge),
		cmocka_unit_test(once_frozen_the_lead_stays),
		cmocka_unit_test(nobody_takes_over_what_was_asked_for_by_hand),
		cmocka_unit_test(of_hits_at_the_same_time_the_highest_leads),
		cmocka_unit_test(a_lead_that_was_taken_may_be_gone_or_disabled),
		cmocka_unit_test(
			one_of_higher_priority_does_not_join_a_done_snapshot),
		cmocka_unit_test(the_reason_names_the_hook),
		cmocka_unit_test(every_hit_is_counted_once_in_a_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
