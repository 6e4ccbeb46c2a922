/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offsets of clocks are recorded when they move, and now and then. */
#include "tests/unit/test.h"

#include "recorder/clocks.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

#define SEC 1000000000ULL

static void first_is_recorded(void **state)
{
	struct clocks c = { 0 };

	(void)state;
	assert_true(clocks_note(&c, SEC, 5, 7));
	assert_int_equal(c.real_ns, 5);
	assert_int_equal(c.boot_ns, 7);
	assert_false(clocks_note(&c, 2 * SEC, 5, 7));
}

static void step_is_recorded_once(void **state)
{
	struct clocks c = { 0 };

	(void)state;
	clocks_note(&c, SEC, 0, 0);
	assert_true(clocks_note(&c, 2 * SEC, -2000000, 0));
	assert_false(clocks_note(&c, 3 * SEC, -2000000, 0));
	assert_true(clocks_note(&c, 4 * SEC, -2000000, 60 * (int64_t)SEC));
}

/* Steps that are too small for a record add up. */
static void slewing_is_recorded(void **state)
{
	struct clocks c = { 0 };
	unsigned records = 0;

	(void)state;
	for (int i = 0; i <= 100; i++)
		records +=
			clocks_note(&c, (unsigned)(i + 1) * SEC, i * 300000, 0);
	assert_int_equal(records, 1 + 25);
}

static void still_clocks_are_recorded_now_and_then(void **state)
{
	struct clocks c = { 0 };

	(void)state;
	clocks_note(&c, SEC, 1, 1);
	assert_false(clocks_note(&c, SEC + CLOCKS_AGAIN_NS - 1, 1, 1));
	assert_true(clocks_note(&c, SEC + CLOCKS_AGAIN_NS, 1, 1));
}

static void offsets_are_those_of_the_clocks(void **state)
{
	struct timespec mono, real;
	int64_t real_ns, boot_ns, want;

	(void)state;
	clocks_read(&real_ns, &boot_ns);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &real);
	want = ((int64_t)real.tv_sec - mono.tv_sec) * (int64_t)SEC +
	       real.tv_nsec - mono.tv_nsec;
	assert_in_range(real_ns - want + (int64_t)SEC, 0, 2 * SEC);
	assert_true(boot_ns > -1000000);
}

static void nothing_is_reported_while_nobody_sets_the_time(void **state)
{
	struct pollfd p = { .fd = clocks_open(), .events = POLLIN };

	(void)state;
	assert_true(p.fd >= 0);
	assert_int_equal(poll(&p, 1, 20), 0);
	clocks_arm(p.fd);
	assert_int_equal(poll(&p, 1, 20), 0);
	close(p.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_is_recorded),
		cmocka_unit_test(step_is_recorded_once),
		cmocka_unit_test(slewing_is_recorded),
		cmocka_unit_test(still_clocks_are_recorded_now_and_then),
		cmocka_unit_test(offsets_are_those_of_the_clocks),
		cmocka_unit_test(
			nothing_is_reported_while_nobody_sets_the_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
