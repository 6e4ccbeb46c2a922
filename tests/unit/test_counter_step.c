/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_counter_step.c - what a counter that went backwards means. */
#include "tests/unit/test.h"
#include "triggers/counter_step.h"

#include <string.h>

#define MS_WRAP (1000000LL << 32) /* milliseconds in 32 bits, kept as ns */

static const struct step {
	int64_t before, now, wrap;
	enum counter_mark mark;
	int64_t growth;
} steps[] = {
	{ 10, 15, 0, COUNTER_GREW, 5 },
	{ 10, 10, 0, COUNTER_GREW, 0 },
	{ 0, INT64_MAX, 0, COUNTER_GREW, INT64_MAX },
	/* backwards without a known end: never a rate */
	{ 15, 10, 0, COUNTER_RESET, 0 },
	{ INT64_MAX, 0, 0, COUNTER_RESET, 0 },
	{ UINT32_MAX, 3, 0, COUNTER_RESET, 0 },
	/* 32 bits */
	{ UINT32_MAX, 3, 1LL << 32, COUNTER_WRAPPED, 4 },
	{ UINT32_MAX - 9, 0, 1LL << 32, COUNTER_WRAPPED, 10 },
	{ MS_WRAP - 5000000, 7000000, MS_WRAP, COUNTER_WRAPPED, 12000000 },
	/* 63 bits: the largest that is stored */
	{ INT64_MAX - 1, 5, INT64_MAX, COUNTER_WRAPPED, 6 },
	/* it could wrap, but was not near: a device that was replaced */
	{ 3000000000LL, 100, 1LL << 32, COUNTER_RESET, 0 },
	{ 100, 0, 1LL << 32, COUNTER_RESET, 0 },
	/* too far for one step */
	{ UINT32_MAX, 1LL << 29, 1LL << 32, COUNTER_RESET, 0 },
	{ (1LL << 32) - (1LL << 27), 1LL << 28, 1LL << 32, COUNTER_RESET, 0 },
	/* it was beyond its end: that end is not its own */
	{ 1LL << 33, 5, 1LL << 32, COUNTER_RESET, 0 },
	{ 5, -1, 1LL << 32, COUNTER_RESET, 0 },
	/* values that are no counts: the difference must not overflow */
	{ INT64_MIN, INT64_MAX, 0, COUNTER_RESET, 0 },
};

static void each_step_is_what_it_is(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		const struct step *s = &steps[i];
		int64_t growth = -1;

		if (counter_step(s->before, s->now, s->wrap, &growth) !=
			    s->mark ||
		    growth != s->growth)
			fail_msg("step %u: growth %lld", i, (long long)growth);
	}
}

static void growth_is_never_negative_nor_huge_after_a_fall(void **state)
{
	uint64_t x = 88172645463325252ULL;

	(void)state;
	for (int i = 0; i < 1000000; i++) {
		int64_t before, now, growth, wrap = 1LL << 32;

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		before = (int64_t)(x >> (x & 63));
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		now = (int64_t)(x >> (x & 63));
		if (counter_step(before, now, wrap, &growth) == COUNTER_GREW)
			assert_true(now >= before && growth == now - before);
		else
			assert_in_range(growth, 0, wrap / 16);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_step_is_what_it_is),
		cmocka_unit_test(
			growth_is_never_negative_nor_huge_after_a_fall),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
