/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_deaths.c - the conditions `proc exit` and `oom kill`: words, slots, sentences. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "triggers/detector.h"
#include "triggers/rule.h"

static void deaths_are_what_the_kernel_compares(void **state)
{
#define SIG(n) (1ull << ((n)-1))
	static const struct {
		const char *text;
		uint32_t what;
		uint64_t signals;
		int32_t codes[RULE_ERRNOS_MAX];
	} cases[] = {
		{ "proc exit signal SEGV", FR_WHAT_EXIT, SIG(11), { 0 } },
		{ "proc exit signal SIGSEGV, BUS ,ABRT",
		  FR_WHAT_EXIT,
		  SIG(11) | SIG(7) | SIG(6),
		  { 0 } },
		{ "proc exit signal IOT, POLL, SIGIO",
		  FR_WHAT_EXIT,
		  SIG(6) | SIG(29),
		  { 0 } },
		{ "proc exit signal 1, 35, 64",
		  FR_WHAT_EXIT,
		  SIG(1) | SIG(35) | SIG(64),
		  { 0 } },
		{ "proc exit signal any", FR_WHAT_EXIT, ~0ull, { 0 } },
		{ "proc exit code any", FR_WHAT_EXIT, 0, { -1 } },
		{ "proc exit code 3", FR_WHAT_EXIT, 0, { 3 } },
		{ "proc exit code 1,2,3,4,5,6,7,255",
		  FR_WHAT_EXIT,
		  0,
		  { 1, 2, 3, 4, 5, 6, 7, 255 } },
		{ "oom kill", FR_WHAT_OOM, 0, { 0 } },
	};
#undef SIG

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fr_trigger_slot s = { .limit_ns = 0 };
		struct rule_expr e;
		struct rule_diag d = { .at = 0 };

		if (rule_parse(cases[i].text, &e, &d) < 0)
			fail_msg("%s: %s", cases[i].text, d.text);
		assert_int_equal(rule_fill_slot(&e.conds[0], &s), 0);
		assert_int_equal(s.what, cases[i].what);
		if (s.signals != cases[i].signals)
			fail_msg("%s: signals %#llx", cases[i].text,
				 (unsigned long long)s.signals);
		assert_memory_equal(s.errnos, cases[i].codes, sizeof(s.errnos));
		assert_int_equal(s.where, 0);
	}
}

static void a_rule_of_deaths_is_seen_by_the_kernel(void **state)
{
	static struct fr_limits limits;
	struct fr_trigger_rule r;
	struct rule_diag d;

	(void)state;
	rule_init(&r, "x");
	assert_int_equal(rule_set(&r, "when",
				  "oom kill where comm = db, cgroup = \"/a\" "
				  "or proc exit code 3 and l.a > 1",
				  &d),
			 0);
	rules_fill_limits(&r, 1, 0, &limits);
	assert_int_equal(limits.wanted, 1u << FR_WHAT_OOM | 1u << FR_WHAT_EXIT);
	/* codes are no errors: operations that fail cost nothing */
	for (unsigned k = 0; k < FR_KEYS / 64; k++)
		assert_true(limits.error_keys[k] == 0);
	assert_int_equal(r.expr.conds[0].where.set,
			 FR_WHERE_COMM | FR_WHERE_CGROUP);
	rule_clear(&r);
}

static void describe(const char *rule, struct engine_hit *h, const char *says)
{
	struct rule_expr e;
	struct rule_diag d;
	char text[256];

	assert_int_equal(rule_parse(rule, &e, &d), 0);
	e.conds[0].ops->describe(&e.conds[0], h, text, sizeof(text));
	assert_string_equal(text, says);
}

static void a_death_reads_as_a_sentence(void **state)
{
	struct engine_hit h = {
		.pid = 123, .comm = "postgres", .code = 11, .cpu = 2, .seq = 77
	};

	(void)state;
	describe("proc exit signal any", &h,
		 "process 123 (postgres) was killed by SIGSEGV (CPU 2, record "
		 "77)");
	h.code = 3 << 8;
	describe("proc exit code any", &h,
		 "process 123 (postgres) ended with exit code 3 (CPU 2, record "
		 "77)");
	snprintf(h.comm, sizeof(h.comm), "a\033[2Jbcdefghijk");
	describe("oom kill", &h,
		 "the kernel killed process 123 (a?[2Jbcdefghijk) for want of "
		 "memory (CPU 2, record 77)");
	h.comm[0] = '\0';
	describe("oom kill", &h,
		 "the kernel killed process 123 for want of memory (CPU 2, "
		 "record 77)");
	/* found without its message: nothing is known */
	memset(&h, 0, sizeof(h));
	describe("oom kill", &h,
		 "the kernel killed a process for want of memory");
	describe("proc exit signal any", &h,
		 "a process was killed by a signal");
	describe("proc exit code 3", &h, "a process failed");
}

static void bad_ones_are_refused_at_their_place(void **state)
{
	static const struct {
		const char *text;
		unsigned at;
		const char *says;
	} cases[] = {
		{ "proc", 4, "expected `exit`" },
		{ "proc exits signal SEGV", 5, "expected `exit`" },
		{ "proc exit SEGV", 10, "`signal` or `code`" },
		{ "proc exit signal", 16, "a signal such as SEGV" },
		{ "proc exit signal SIGSEVG", 17, "did you mean SEGV" },
		{ "proc exit signal segv", 17, "did you mean SEGV" },
		{ "proc exit signal SEGV,BSU", 22, "did you mean BUS" },
		{ "proc exit signal FROBNICATE", 17, "signal(7)" },
		{ "proc exit signal 65", 17, "no signal '65'" },
		{ "proc exit signal 0", 17, "no signal '0'" },
		{ "proc exit signal 1.5", 17, "no signal '1.5'" },
		{ "proc exit signal SEGV,", 22, "a signal such as SEGV" },
		{ "proc exit signal CHLD", 17, "nobody dies" },
		{ "proc exit signal SIGSTOP", 17, "nobody dies" },
		{ "proc exit signal any,SEGV", 20, "the end of the rule" },
		{ "proc exit code", 14, "an exit code" },
		{ "proc exit code 0", 15, "1 to 255" },
		{ "proc exit code 256", 15, "1 to 255" },
		{ "proc exit code 99999999999999999999999", 15, "1 to 255" },
		{ "proc exit code SEGV", 15, "an exit code such as 1" },
		{ "proc exit code 1,2,3,4,5,6,7,8,9", 31, "at most 8" },
		{ "proc exit signal SEGV where device = vda", 28,
		  "says nothing" },
		{ "proc exit signal SEGV where op = read", 28, "says nothing" },
		{ "not proc exit signal SEGV", 4, "at one instant" },
		{ "oom", 3, "expected `kill`" },
		{ "oom killer", 4, "expected `kill`" },
		{ "oom kill > 3", 9, "the end of the rule" },
		{ "oom kill where device = x", 15, "says nothing" },
		{ "oom kill and proc exit code any", 9, "two events" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule_expr e = { .nr_conds = 0 };
		struct rule_diag d = { .at = 0 };

		if (rule_parse(cases[i].text, &e, &d) != -EINVAL)
			fail_msg("%s was taken", cases[i].text);
		if (d.at != cases[i].at || !strstr(d.text, cases[i].says))
			fail_msg("%s: at %u: %s", cases[i].text, d.at, d.text);
		assert_int_equal(e.nr_conds, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deaths_are_what_the_kernel_compares),
		cmocka_unit_test(a_rule_of_deaths_is_seen_by_the_kernel),
		cmocka_unit_test(a_death_reads_as_a_sentence),
		cmocka_unit_test(bad_ones_are_refused_at_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
