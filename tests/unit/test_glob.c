/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_glob.c - globs over paths, against the C library's fnmatch(). */
#include "triggers/glob.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

static bool like(const char *glob, const char *path)
{
	const char *what;
	struct fr_glob g;

	assert_int_equal(glob_compile(glob, &g, &what), 0);
	return glob_matches(&g, path, strlen(path));
}

static void what_users_write(void **state)
{
	(void)state;
	assert_true(like("/var/lib/mysql/*", "/var/lib/mysql/ib/data"));
	assert_false(like("/var/lib/mysql/*", "/var/lib/mysql"));
	assert_true(like("*.log", "/var/log/a.log"));
	assert_false(like("*.log", "/var/log/a.log.1"));
	assert_true(like("*/wal/*", "/pg/wal/0001"));
	assert_true(like("/a", "/a"));
	assert_false(like("/a", "/ab"));
	assert_true(like("*", "/"));
	assert_true(like("/[0-9]?[!x-z]", "/7 a"));
	assert_false(like("/[0-9]?[!x-z]", "/7 y"));
	assert_true(like("/\\*", "/*"));
	assert_false(like("/\\*", "/a"));
	assert_true(like("/[]a]", "/]"));
	assert_false(like("/x", ""));
}

static char random_char(const char *of)
{
	return of[(unsigned)rand() % strlen(of)];
}

static void random_text(char *buf, size_t max, const char *of)
{
	size_t n = (unsigned)rand() % max;

	for (size_t i = 0; i < n; i++)
		buf[i] = random_char(of);
	buf[n] = 0;
}

static void as_fnmatch(void **state)
{
	unsigned matched = 0, not_taken = 0;
	char glob[24], path[40];

	(void)state;
	srand(1);
	for (unsigned i = 0; i < 300000; i++) {
		const char *what;
		struct fr_glob g;

		random_text(glob, sizeof(glob), "aab/**?[]!-\\");
		random_text(path, sizeof(path), "aaabb/-]\\");
		/* what fnmatch takes for a literal [ is refused here */
		if (glob_compile(glob, &g, &what)) {
			not_taken++;
			continue;
		}
		if (glob_matches(&g, path, strlen(path)) !=
		    !fnmatch(glob, path, 0))
			fail_msg("glob %s, path %s", glob, path);
		matched += glob_matches(&g, path, strlen(path));
	}
	assert_true(matched > 2000);
	assert_true(not_taken < 200000);
}

/* Both words of the tables. */
static void long_ones(void **state)
{
	char glob[256], path[256];

	(void)state;
	for (unsigned n = 1; n <= GLOB_TOKENS_MAX; n++) {
		memset(path, 'a', n);
		path[n] = 0;
		snprintf(glob, sizeof(glob), "*%.200s", path);
		assert_true(like(path, path));
		assert_true(like(glob, path));
		path[n] = 'a';
		path[n + 1] = 0;
		assert_true(like(glob, path));
		glob[1] = 'b'; /* what stands before is not a's end */
		assert_false(like(glob, path));
		path[n / 2] = 'b';
		path[n] = 0;
		memset(glob, 'a', n);
		glob[n] = 0;
		assert_false(like(glob, path));
	}
}

static void what_is_refused(void **state)
{
	char text[200];
	const char *what = "";
	struct fr_glob g;

	(void)state;
	memset(text, 'a', GLOB_TOKENS_MAX + 1);
	text[GLOB_TOKENS_MAX + 1] = 0;
	assert_int_equal(glob_compile(text, &g, &what), -EINVAL);
	assert_string_equal(what, "longer than 127 characters");
	assert_int_equal(glob_compile("/[a", &g, &what), -EINVAL);
	assert_string_equal(what, "[ without ]");
	assert_int_equal(glob_compile("/[[:alpha:]]", &g, &what), -EINVAL);
	assert_non_null(strstr(what, "[a-z]"));
	assert_int_equal(glob_compile("/a\\", &g, &what), -EINVAL);
	assert_string_equal(what, "\\ at the end");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_users_write),
		cmocka_unit_test(as_fnmatch),
		cmocka_unit_test(long_ones),
		cmocka_unit_test(what_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
