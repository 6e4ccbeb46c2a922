/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include <errno.h>

#include "triggers/units.h"

static const struct {
	const char *text;
	int r;
	uint64_t value;
} times[] = {
	{ "0", 0, 0 },
	{ "10ns", 0, 10 },
	{ "250us", 0, 250000 },
	{ "20ms", 0, 20000000 },
	{ "1.5s", 0, 1500000000 },
	{ "20 ms", 0, 20000000 },
	{ "3m", 0, 180000000000ULL },
	{ "2h", 0, 7200000000000ULL },
	{ "0.000000001s", 0, 1 },
	{ "18446744073709551615ns", -ERANGE, 0 }, /* 20 digits */
	{ "9223372036854775807ns", 0, 9223372036854775807ULL },
	{ "5124096h", -ERANGE, 0 },
	{ "", -EINVAL, 0 },
	{ "20", -EINVAL, 0 },
	{ "ms", -EINVAL, 0 },
	{ "-1ms", -EINVAL, 0 },
	{ "+1ms", -EINVAL, 0 },
	{ "1.ms", -EINVAL, 0 },
	{ ".5ms", -EINVAL, 0 },
	{ "1.5ns", -EINVAL, 0 },
	{ "1ms2", -EINVAL, 0 },
	{ "1MS", -EINVAL, 0 },
	{ "1e3ms", -EINVAL, 0 },
	{ " 1ms", -EINVAL, 0 },
	{ "0x10ms", -EINVAL, 0 },
}, sizes[] = {
	{ "0", 0, 0 },		    { "10", 0, 10 },
	{ "512B", 0, 512 },	    { "4kB", 0, 4000 },
	{ "4KiB", 0, 4096 },	    { "64MiB", 0, 64 << 20 },
	{ "1.5GiB", 0, 3ULL << 29 }, { "2TB", 0, 2000000000000ULL },
	{ "16777216TiB", -ERANGE, 0 }, { "16777215TiB", 0, 16777215ULL << 40 },
	{ "0.5B", -EINVAL, 0 },	    { "64mib", -EINVAL, 0 },
	{ "64MiBs", -EINVAL, 0 },   { "5%", -EINVAL, 0 },
};

static void durations_and_sizes_are_read_exactly(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		uint64_t v = 77;
		int r = units_parse_time(times[i].text, &v);

		if (r != times[i].r || v != (r ? 77 : times[i].value))
			fail_msg("time '%s': %d, %llu", times[i].text, r,
				 (unsigned long long)v);
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t v = 77;
		int r = units_parse_size(sizes[i].text, &v);

		if (r != sizes[i].r || v != (r ? 77 : sizes[i].value))
			fail_msg("size '%s': %d, %llu", sizes[i].text, r,
				 (unsigned long long)v);
	}
}

static void formatted_values_read_back(void **state)
{
	static const struct {
		uint64_t v;
		const char *time, *size;
	} cases[] = {
		{ 0, "0", "0" },
		{ 1, "1ns", "1B" },
		{ 1536, "1536ns", "1536B" },
		{ 2048, "2048ns", "2KiB" },
		{ 4000, "4us", "4kB" },
		{ 20000000, "20ms", "20MB" },
		{ 64 << 20, "67108864ns", "64MiB" },
		{ 60000000000ULL, "1m", "60GB" },
		{ UINT64_MAX, "18446744073709551615ns",
		  "18446744073709551615B" },
	};
	char buf[32];
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(units_format_time(buf, cases[i].v),
				    cases[i].time);
		assert_string_equal(units_format_size(buf, cases[i].v),
				    cases[i].size);
		if (cases[i].v == UINT64_MAX)
			continue; /* 20 digits are more than is read */
		assert_int_equal(units_parse_size(buf, &v), 0);
		assert_true(v == cases[i].v);
	}
}

static void people_see_three_digits(void **state)
{
	static const struct {
		uint64_t v;
		const char *time, *size;
	} cases[] = {
		{ 0, "0 ns", "0 B" },
		{ 999, "999 ns", "999 B" },
		{ 1230, "1.23 us", "1.20 KiB" },
		{ 999949, "1.00 ms", "977 KiB" },
		{ 12345678, "12.3 ms", "11.8 MiB" },
		{ 64 << 20, "67.1 ms", "64.0 MiB" },
		{ 90000000000ULL, "1.50 m", "83.8 GiB" },
		{ 5400000000000ULL, "1.50 h", "4.91 TiB" },
	};
	char buf[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(units_human_size(buf, cases[i].v),
				    cases[i].size);
		assert_string_equal(units_human_time(buf, cases[i].v),
				    cases[i].time);
	}
}

static void percent_number_and_bool(void **state)
{
	double d = 0;
	int b = 7;

	(void)state;
	assert_int_equal(units_parse_percent("12.5%", &d), 0);
	assert_true(d == 12.5);
	assert_int_equal(units_parse_percent("12.5", &d), -EINVAL);
	assert_int_equal(units_parse_number("3.25", &d), 0);
	assert_true(d == 3.25);
	assert_int_equal(units_parse_number("3x", &d), -EINVAL);
	assert_int_equal(units_parse_bool("Yes", &b), 0);
	assert_int_equal(b, 1);
	assert_int_equal(units_parse_bool("off", &b), 0);
	assert_int_equal(b, 0);
	assert_int_equal(units_parse_bool("maybe", &b), -EINVAL);
}

static void nearest_names_are_found_and_far_ones_not(void **state)
{
	static const char *const names[] = { "read",   "write",  "fsync",
					     "rename", "memory", NULL };
	static const struct {
		const char *word, *nearest;
	} cases[] = {
		{ "fsnyc", "fsync" },
		{ "raed", "read" },
		{ "WRITE", "write" },
		{ "memmory", "memory" },
		{ "ren", "rename" },
		{ "xyzzy", NULL },
		{ "", NULL },
		{ "a-very-long-word-that-nobody-would-take-for-any-of-the-names"
		  "-that-there-are-in-the-list",
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = units_nearest(cases[i].word, names);

		if (!cases[i].nearest)
			assert_null(got);
		else
			assert_string_equal(got, cases[i].nearest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_and_sizes_are_read_exactly),
		cmocka_unit_test(formatted_values_read_back),
		cmocka_unit_test(people_see_three_digits),
		cmocka_unit_test(percent_number_and_bool),
		cmocka_unit_test(nearest_names_are_found_and_far_ones_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
