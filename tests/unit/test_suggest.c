/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_suggest.c - what back-tests and suggestions stand on: slots in user space,
 * numbers that people write, names of rules. */
#include "tests/unit/test.h"

#include <stdlib.h>

#include "dump/suggest.h"
#include "triggers/slot_match.h"

#define CALL_WRITE 4

static void test_slot(void **state)
{
	struct fr_trigger_slot s = { .state = FR_SLOT_ARMED,
				     .what = FR_WHAT_ERROR,
				     .keys = { 1ull << CALL_WRITE },
				     .streams = 1u << FR_STREAM_FS,
				     .errnos = { 5, 28 },
				     .where = FR_WHERE_PID,
				     .pid = 7 };
	struct slot_event ev = {
		.key = CALL_WRITE, .stream = FR_STREAM_FS, .pid = 7, .value = 28
	};

	(void)state;
	assert_true(slot_wants(&s, FR_WHAT_ERROR, &ev));
	assert_false(slot_wants(&s, FR_WHAT_LATENCY, &ev));
	assert_true(slot_passes(&s, false, &ev));
	s.where_not = FR_WHERE_PID;
	assert_false(slot_passes(&s, false, &ev));
	ev.value = 4;
	assert_false(slot_wants(&s, FR_WHAT_ERROR, &ev));
	ev.value = 28;
	ev.stream = FR_STREAM_NET;
	assert_false(slot_wants(&s, FR_WHAT_ERROR, &ev));
	assert_int_equal(slot_count_hit(&s), SLOT_FIRED);
	assert_int_equal(slot_count_hit(&s), SLOT_MERGED);
	s.state = FR_SLOT_QUIET;
	assert_int_equal(slot_count_hit(&s), SLOT_SUPPRESSED);
	s.state = FR_SLOT_FREE;
	assert_int_equal(slot_count_hit(&s), SLOT_IGNORED);
	assert_int_equal(s.fired + s.merged + s.suppressed, 3);
}

static void test_round(void **state)
{
	(void)state;
	assert_true(suggest_round_up(3) > 2.999 && suggest_round_up(3) < 3.001);
	assert_true(suggest_round_up(170e6) == 200e6);
	assert_true(suggest_round_up(9) > 9.99 && suggest_round_up(9) < 10.01);
	assert_true(suggest_round_down(9) > 7.99 &&
		    suggest_round_down(9) < 8.01);
	assert_true(suggest_round_up(0) <= 1);
}

static void test_names(void **state)
{
	struct suggestions *s = calloc(1, sizeof(*s));

	(void)state;
	assert_true(suggest_add(s, "slow x/y", "fs.fsync latency > 1ms", ""));
	assert_true(suggest_add(s, "slow x/y", "fs.read latency > 1ms", ""));
	assert_false(suggest_add(s, "none", "fs.fsnyc latency > 1ms", ""));
	assert_int_equal(s->nr, 2);
	assert_string_equal(s->list[0].name, "slow-x-y");
	assert_string_equal(s->list[1].name, "slow-x-y-2");
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slot),
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
