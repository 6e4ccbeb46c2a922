/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_process_rule.c - which processes have rows; what is wrong with a rule. */
#include "recorder/collector.h"
#include "recorder/process_rule.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *list;
	const char *says; /* part of the complaint; NULL: it is right */
} rules[] = {
	{ "all", NULL },
	{ "", NULL },
	{ "top=20.cpu comm=postgres* cgroup=/system.slice/*", NULL },
	{ "top=1.rss top=1000.io pid=1 uid=0 pss nokernel nobpf", NULL },
	{ "top=20", "'top=20' lacks what it goes by" },
	{ "top=0.cpu", "a number from 1 to 1000" },
	{ "top=1001.cpu", "a number from 1 to 1000" },
	{ "top=-1.cpu", "a number from 1 to 1000" },
	{ "top=5.cpuu", "the nearest is 'cpu'" },
	{ "top=5.zzzzzzzzzz", "there are cpu, rss, io" },
	{ "top", "'top' needs a value" },
	{ "com=x", "the nearest is 'comm'" },
	{ "comm=", "'comm=' needs a name" },
	{ "pid=x1", "'pid=x1': a number is needed" },
	{ "pid=99999999999999999999", "a number is needed" },
	{ "uid=-1", "a number is needed" },
	{ "pss=1", "'pss' takes no value" },
	{ "=", "is no word for processes" },
	{ "1 2 3", "'1' is no word" },
};

static void a_complaint_names_the_word(void **state)
{
	struct process_rule r;
	char what[256];

	(void)state;
	for (unsigned i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		int err;

		what[0] = '\0';
		err = process_rule_parse(rules[i].list, &r, what, sizeof(what));
		if (!rules[i].says != !err ||
		    (err && !strstr(what, rules[i].says)))
			fail_msg("'%s': %d '%s'", rules[i].list, err, what);
	}
}

static void too_much_is_refused(void **state)
{
	char list[8192] = "", what[256];
	struct process_rule r;

	(void)state;
	for (int i = 0; i <= PROCESS_WORDS_MAX; i++)
		strncat(list, "pid=1 ", sizeof(list) - strlen(list) - 1);
	assert_int_not_equal(process_rule_parse(list, &r, what, sizeof(what)),
			     0);
	memset(list, 'a', 1000);
	list[1000] = '\0';
	assert_int_not_equal(process_rule_parse(list, &r, what, sizeof(what)),
			     0);
	memcpy(list, "comm=", 5);
	list[200] = '\0';
	assert_int_not_equal(process_rule_parse(list, &r, what, sizeof(what)),
			     0);
}

static bool names(const char *list, const struct fr_processes_row *p,
		  const char *cgroup)
{
	struct process_rule r;
	char what[256];

	assert_int_equal(process_rule_parse(list, &r, what, sizeof(what)), 0);
	return process_rule_names(&r, p, cgroup);
}

static void a_process_is_named_by_any_word(void **state)
{
	struct fr_processes_row p = { .pid = 42,
				      .uid = 1000,
				      .comm = "postgres: writer" };

	(void)state;
	assert_true(names("", &p, ""));
	assert_true(names("comm=postgres*", &p, ""));
	/* all 16 bytes of the name, without a NUL behind */
	assert_true(names("comm=postgres:?writer", &p, ""));
	assert_false(names("comm=postgres", &p, ""));
	assert_true(names("cgroup=/a/*", &p, "/a/b/c"));
	assert_false(names("cgroup=/a/*", &p, "/a"));
	assert_true(names("pid=42", &p, ""));
	assert_false(names("pid=43 uid=1", &p, ""));
	assert_true(names("pid=43 uid=1000", &p, ""));
	assert_false(names("top=5.cpu pss", &p, ""));
}

static void ranks_are_growth_or_what_there_is(void **state)
{
	struct fr_processes_row a = { .cpu_ns = 100,
				      .rss_bytes = 7,
				      .fds = 3,
				      .read_bytes = 10,
				      .write_bytes = 5 };
	struct fr_processes_row b = { .cpu_ns = 130,
				      .rss_bytes = 5,
				      .fds = UINT32_MAX,
				      .read_bytes = 30,
				      .write_bytes = 5 };

	(void)state;
	assert_int_equal(process_rank_of(RANK_CPU, &b, &a), 30);
	assert_int_equal(process_rank_of(RANK_CPU, &b, NULL), 130);
	assert_int_equal(process_rank_of(RANK_CPU, &a, &b), 0);
	assert_int_equal(process_rank_of(RANK_IO, &b, &a), 20);
	assert_int_equal(process_rank_of(RANK_RSS, &b, &a), 5);
	assert_int_equal(process_rank_of(RANK_FDS, &b, &a), 0);
}

static void collectors_check_their_lists(void **state)
{
	char what[256] = "";

	(void)state;
	assert_int_equal(collector_check_list("processes", "top=3.cpu", what,
					      sizeof(what)),
			 0);
	assert_int_not_equal(collector_check_list("processes", "tpo=3.cpu",
						  what, sizeof(what)),
			     0);
	assert_non_null(strstr(what, "'top'"));
	assert_int_not_equal(collector_check_list("cgroups", "dpth=3", what,
						  sizeof(what)),
			     0);
	assert_non_null(strstr(what, "depth"));
	assert_int_not_equal(collector_check_list("cgroups", "depth=99", what,
						  sizeof(what)),
			     0);
	assert_int_equal(collector_check_list("cgroups", "/a/* depth=3 max=9",
					      what, sizeof(what)),
			 0);
	/* others take globs, any */
	assert_int_equal(
		collector_check_list("disks", "top=3", what, sizeof(what)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_complaint_names_the_word),
		cmocka_unit_test(too_much_is_refused),
		cmocka_unit_test(a_process_is_named_by_any_word),
		cmocka_unit_test(ranks_are_growth_or_what_there_is),
		cmocka_unit_test(collectors_check_their_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
