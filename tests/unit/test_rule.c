/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "triggers/detector.h"
#include "triggers/rule.h"

static bool has_key(const struct rule_cond *c, unsigned key)
{
	return c->keys[key / 64] >> (key % 64) & 1;
}

static unsigned nr_keys(const struct rule_cond *c)
{
	unsigned n = 0;

	for (unsigned k = 0; k < FR_KEYS; k++)
		n += has_key(c, k);
	return n;
}

static void latency_rules_name_their_operations(void **state)
{
	static const struct {
		const char *text;
		uint64_t limit_ns;
		unsigned nr, has, has_not;
	} cases[] = {
		/* an operation covers its calls: rename, renameat, ... vfs_rename */
		{ "fs.rename latency > 200ms", 200000000, 4, 131, 133 },
		{ "fs.pread64 latency > 1us", 1000, 1, 3, 1 },
		{ "block.write latency > 20ms", 20000000, 1, FR_KEY_BLOCK_WRITE,
		  FR_KEY_BLOCK_READ },
		{ "block latency > 1s", 1000000000, 5, FR_KEY_BLOCK_FLUSH, 1 },
		{ "fault latency > 5ms", 5000000, 1, FR_KEY_FAULT,
		  FR_KEY_BLOCK_OTHER },
		{ "block.* latency > 1.5s", 1500000000, 5, FR_KEY_BLOCK_OTHER,
		  1 },
		{ "  ( (fs.read\n latency>20ms) ) ", 20000000, 10, 9, 2 },
		/* sockets: also read and write and their kin */
		{ "net.send latency > 1ms", 1000000, 13, 2, 1 },
		{ "conn.connect latency > 1s", 1000000000, 1, 196, 190 },
		{ "uring latency > 1ms", 1000000, 1, FR_KEY_URING, 1 },
		{ "fault latency > 1ms", 1000000, 1, FR_KEY_FAULT, 1 },
		{ "fs.* latency > 1s where op = pread64, fsync", 1000000000, 4,
		  13, 1 },
		{ "block latency > 1s where op != read", 1000000000, 4,
		  FR_KEY_BLOCK_WRITE, FR_KEY_BLOCK_READ },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule_expr e;
		struct rule_diag d = { .at = 0 };

		if (rule_parse(cases[i].text, &e, &d) < 0)
			fail_msg("%s: %s", cases[i].text, d.text);
		assert_string_equal(e.conds[0].ops->name, "latency");
		assert_true(e.conds[0].limit_ns == cases[i].limit_ns);
		if (!has_key(&e.conds[0], cases[i].has))
			fail_msg("%s: no key %u", cases[i].text, cases[i].has);
		assert_false(has_key(&e.conds[0], cases[i].has_not));
		assert_int_equal(nr_keys(&e.conds[0]), cases[i].nr);
	}
}

static void counter_rules_are_understood(void **state)
{
	static const struct {
		const char *text, *metric;
		enum rule_unit unit;
		double limit;
		bool rate, below;
		uint64_t for_ns;
	} cases[] = {
		{ "meminfo.MemAvailable < 512MiB for 10s",
		  "meminfo.MemAvailable", RULE_UNIT_BYTES, 512 << 20, false,
		  true, 10000000000ULL },
		{ "pressure.io.full_avg10 > 30", "pressure.io.full_avg10",
		  RULE_UNIT_NONE, 30, false, false, 0 },
		{ "load.load1 > 20.5", "load.load1", RULE_UNIT_NONE, 20.5,
		  false, false, 0 },
		{ "rate(vmstat.pgpgout) > 500MiB/s for 5s", "vmstat.pgpgout",
		  RULE_UNIT_BYTES, 500 << 20, true, false, 5000000000ULL },
		{ "rate ( diskstats.dm-?.io_ms ) > 900", "diskstats.dm-?.io_ms",
		  RULE_UNIT_NONE, 900, true, false, 0 },
		{ "x.io.full > 30%", "x.io.full", RULE_UNIT_PERCENT, 30, false,
		  false, 0 },
		{ "disk.*.await > 5ms", "disk.*.await", RULE_UNIT_NS, 5000000,
		  false, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule_expr e;
		struct rule_diag d = { .at = 0 };

		if (rule_parse(cases[i].text, &e, &d) < 0)
			fail_msg("%s: %s", cases[i].text, d.text);
		assert_string_equal(e.conds[0].ops->name, "counter");
		assert_string_equal(e.conds[0].metric, cases[i].metric);
		assert_int_equal(e.conds[0].unit, cases[i].unit);
		assert_true(e.conds[0].limit == cases[i].limit);
		assert_int_equal(e.conds[0].rate, cases[i].rate);
		assert_int_equal(e.conds[0].below, cases[i].below);
		assert_true(e.conds[0].for_ns == cases[i].for_ns);
	}
}

static void bad_rules_are_refused_at_their_place(void **state)
{
	static const struct {
		const char *text;
		unsigned at;
		const char *says;
	} cases[] = {
		{ "", 0, "expected a condition" },
		{ "fs.fsnyc latency > 200ms", 0, "did you mean fs.fsync" },
		{ "block.wrte latency > 2s", 0, "did you mean block.write" },
		{ "fs.xyzzyx latency > 2s", 0, "flightrec-events(7)" },
		{ "fs.fsync latency > 200", 19, "not a duration" },
		{ "fs.fsync latency > 0ms", 19, "every operation" },
		{ "fs.fsync latency > -5ms", 19, "cannot be negative" },
		{ "fs.fsync latency < 5ms", 17, "expected `>`" },
		{ "fs.fsync latency > 5ms x", 23, "the end of the rule" },
		{ "fs.fsync latency >", 18, "found the end" },
		{ "fs.fsync", 8, "`latency`, `error`" },
		{ "fs.* error EOI", 11, "no error 'EOI'" },
		{ "fs.* error", 10, "an error such as EIO" },
		{ "fs.* error EIO,", 15, "an error such as EIO" },
		{ "fs.* error EIO,EIO,EIO,EIO,EIO,EIO,EIO,EIO,EIO", 43,
		  "at most 8" },
		{ "a.b > 1 and", 11, "a condition" },
		{ "not fs.read latency > 1s", 4, "at one instant" },
		{ "fs.read latency > 1s and block latency > 1s", 21,
		  "two events" },
		{ "a.b > 1 and not a.b > 1 and (c.d > 1", 36, "expected `)`" },
		{ "block inflight > 5ms", 17, "use `latency`" },
		{ "block inflight 5ms", 15, "expected `>`" },
		{ "uring inflight > 1s", 0, "not known what is in flight" },
		{ "fault inflight > 1s", 0, "not known what is in flight" },
		{ "pressure.io.full > 30% where comm = x", 29, "says nothing" },
		{ "pressure.io.full > 30", 19, "a part of the time" },
		{ "pressure.io.full > 0%", 19, "never be passed" },
		{ "pressure.io.full > 30% over 1ms", 28, "at least" },
		{ "pressure.io.full > 30% clear 40%", 29, "below" },
		{ "fs.read latency > 1s where com = x", 27,
		  "did you mean comm" },
		{ "fs.read latency > 1s where", 26, "expected a filter" },
		{ "fs.read latency > 1s where comm", 31, "`=` or `!=`" },
		{ "fs.read latency > 1s where comm =", 33, "a command name" },
		{ "fs.read latency > 1s where comm = \"a*b\"", 34, "the end" },
		{ "fs.read latency > 1s where comm = abcdefghijklmnop", 34,
		  "15 characters" },
		{ "fs.read latency > 1s where pid = 0", 33, "not a process" },
		{ "fs.read latency > 1s where pid = 1, pid = 2", 36,
		  "already" },
		{ "fs.read latency > 1s where mount = var", 35, "begins with" },
		{ "fs.read latency > 1s where op = fsync", 21, "never fire" },
		{ "fs.read latency > 1s where op = fsnyc", 32,
		  "did you mean fsync" },
		{ "a.b > 1 where comm = x", 8, "takes no filters" },
		{ "(a.b > 1", 8, "expected `)`" },
		{ "a.b > 1)", 7, "the end of the rule" },
		{ "a.b >= 1", 4, "`>` or `<`" },
		{ "a.b > 5parsecs", 6, "units are" },
		{ "a.b > 1.2.3", 6, "units are" },
		{ "a.b > 5/s", 6, "write rate(a.b)" },
		{ "a.b < 0", 6, "never fire" },
		{ "a.b > 1 for 0", 12, "more than 0" },
		{ "a.b > 1 for 25h", 12, "at most 24h" },
		{ "a.b > 1 for ever", 12, "expected a duration" },
		{ "a.b > 5 clear 6", 14, "lies below" },
		{ "a.b < 5 clear 4", 14, "lies above" },
		{ "a.b > 5% clear 4", 15, "same unit" },
		{ "rate(a.b > 1", 9, "expected `)`" },
		{ "*.b > 1", 0, "behind the first point" },
		{ ".b > 1", 0, "expected a condition" },
		{ "a..b > 1", 0, "not a metric" },
		{ "a.b > \"x", 6, "quotation" },
		{ "((((((((((((((((((a.b > 1", 16, "parentheses" },
		{ "not not not not not not not not not not not not not not not "
		  "not not a.b > 1",
		  64, "parentheses" },
		{ "\xff\xfe", 0, "expected a condition" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule_expr e = { .nr_conds = 0 };
		struct rule_diag d = { .at = 999 };

		if (rule_parse(cases[i].text, &e, &d) != -EINVAL)
			fail_msg("'%s' was accepted", cases[i].text);
		if (d.at != cases[i].at || !strstr(d.text, cases[i].says))
			fail_msg("'%s': at %u: %s", cases[i].text, d.at,
				 d.text);
		assert_int_equal(e.nr_conds, 0);
	}
}

/* Terms as "event+on-off", with the conditions as letters: "a+b-c". */
static void write_terms(const struct rule_expr *e, char *buf)
{
	for (unsigned i = 0; i < e->nr_terms; i++) {
		const struct rule_term *t = &e->terms[i];

		if (i)
			*buf++ = ' ';
		if (t->event != RULE_NO_EVENT)
			*buf++ = (char)('a' + t->event);
		for (unsigned c = 0; c < RULE_CONDS_MAX; c++)
			if (t->on >> c & 1) {
				*buf++ = '+';
				*buf++ = (char)('a' + c);
			}
		for (unsigned c = 0; c < RULE_CONDS_MAX; c++)
			if (t->off >> c & 1) {
				*buf++ = '-';
				*buf++ = (char)('a' + c);
			}
	}
	*buf = '\0';
}

static void words_between_conditions_make_terms(void **state)
{
#define EV "fs.fsync latency > 1s"
	static const struct {
		const char *text, *terms;
	} cases[] = {
		{ "l.a > 1", "+a" },
		{ "not l.a > 1", "-a" },
		{ "not not l.a > 1", "+a" },
		{ "l.a > 1 and l.b > 1", "+a+b" },
		{ "l.a > 1 or l.b > 1", "+a +b" },
		{ "l.a > 1 or l.b > 1 and l.c > 1", "+a +b+c" },
		{ "(l.a > 1 or l.b > 1) and l.c > 1", "+a+c +b+c" },
		{ "not (l.a > 1 and l.b > 1)", "-a -b" },
		{ "not (l.a > 1 or l.b > 1)", "-a-b" },
		{ "not (l.a > 1 or not l.b > 1)", "+b-a" },
		{ EV " and l.b > 1 for 5s and not l.c > 2", "a+b-c" },
		{ EV " or block latency > 2s", "a b" },
		{ EV " and (l.b > 1 or l.c > 1)", "a+b a+c" },
		{ EV " where comm = x and pid = 3 and l.b > 1", "a+b" },
		{ EV " where comm = x, pid != 3 or l.b > 1", "a +b" },
		{ "fs.* error EIO,ENOSPC and l.b > 1", "a+b" },
		/* the same condition written twice is two */
		{ "(l.a > 1 or l.b > 1) and not l.a > 1", "+a-c +b-c" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule_expr e;
		struct rule_diag d = { .at = 0 };
		char terms[256];

		if (rule_parse(cases[i].text, &e, &d) < 0)
			fail_msg("%s: at %u: %s", cases[i].text, d.at, d.text);
		write_terms(&e, terms);
		if (strcmp(terms, cases[i].terms))
			fail_msg("%s: %s, not %s", cases[i].text, terms,
				 cases[i].terms);
	}
}

/* The truth of a rule's terms is that of what was written. */
static void terms_say_what_was_written(void **state)
{
	struct rule_expr e;
	struct rule_diag d;

	(void)state;
	assert_int_equal(
		rule_parse("(l.a > 1 or not l.b > 1) and not (l.c > 1 and (l.d "
			   "> 1 or not l.a > 2))",
			   &e, &d),
		0);
	for (unsigned m = 0; m < 32; m++) {
		bool a = m & 1, b = m & 2, c = m & 4, dd = m & 8, a2 = m & 16;
		bool is = false, ought = (a || !b) && !(c && (dd || !a2));

		for (unsigned i = 0; i < e.nr_terms; i++)
			is |= rule_term_holds(&e.terms[i], (uint8_t)m);
		assert_int_equal(is, ought);
	}
}

static void a_rule_has_room_for_so_many_conditions(void **state)
{
	static const char more[] = " and l.a > 1";
	char text[RULE_TEXT_MAX] = "l.a > 1";
	size_t n = strlen(text);
	struct rule_expr e;
	struct rule_diag d;

	(void)state;
	for (unsigned i = 1; i < RULE_CONDS_MAX; i++, n += sizeof(more) - 1)
		memcpy(text + n, more, sizeof(more));
	assert_int_equal(rule_parse(text, &e, &d), 0);
	memcpy(text + n, more, sizeof(more));
	assert_int_equal(rule_parse(text, &e, &d), -EINVAL);
	assert_non_null(strstr(d.text, "at most 8"));
	/* 3 x 3 x 2 cases are too many */
	assert_int_equal(rule_parse("(l.a>1 or l.b>1 or l.c>1) and (l.d>1 or "
				    "l.e>1 or l.f>1) and (l.g>1 or l.h>1)",
				    &e, &d),
			 -EINVAL);
	assert_non_null(strstr(d.text, "cases"));
}

static void filters_are_what_the_kernel_compares(void **state)
{
	struct fr_trigger_slot s = { .limit_ns = 0 };
	struct rule_expr e;
	struct rule_diag d;

	(void)state;
	assert_int_equal(rule_parse("fs.* error any where comm = \"a?c*\", "
				    "pid != 77, device = \"8:1\"",
				    &e, &d),
			 0);
	assert_int_equal(rule_fill_slot(&e.conds[0], &s), 0);
	assert_int_equal(s.what, FR_WHAT_ERROR);
	assert_int_equal(s.where, FR_WHERE_COMM | FR_WHERE_PID | FR_WHERE_DEV);
	assert_int_equal(s.where_not, FR_WHERE_PID);
	assert_int_equal(s.pid, 77);
	assert_memory_equal(s.comm, "a\0c\0", 4);
	assert_memory_equal(s.comm_mask, "\xff\0\xff\0", 4);
	assert_int_equal(rule_parse("fs.* error any where comm = ab", &e, &d),
			 0);
	memset(&s, 0, sizeof(s));
	rule_fill_slot(&e.conds[0], &s);
	assert_memory_equal(s.comm_mask, "\xff\xff\xff\0", 4);
}

static void a_rule_has_a_bound(void **state)
{
	char text[RULE_TEXT_MAX + 2];
	struct rule_expr e;
	struct rule_diag d;

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, "a.b > 1", 7);
	text[RULE_TEXT_MAX] = '\0';
	assert_int_equal(rule_parse(text, &e, &d), 0);
	text[RULE_TEXT_MAX] = ' ';
	text[RULE_TEXT_MAX + 1] = '\0';
	assert_int_equal(rule_parse(text, &e, &d), -EINVAL);
	assert_non_null(strstr(d.text, "4096"));
}

static void the_caret_stands_below_the_place(void **state)
{
	char buf[256], longer[300];

	(void)state;
	assert_string_equal(rule_format_caret(buf, sizeof(buf),
					      "fs.read latency < 1s", 16),
			    "    fs.read latency < 1s\n"
			    "                    ^");
	assert_string_equal(rule_format_caret(buf, sizeof(buf), "a\nbc\nd", 3),
			    "    bc\n     ^");
	memset(longer, 'x', sizeof(longer));
	longer[200] = '!';
	longer[299] = '\0';
	rule_format_caret(buf, sizeof(buf), longer, 200);
	assert_int_equal(strchr(buf, '!') - buf,
			 strchr(buf, '^') - strchr(buf, '\n') - 1);
}

static void keys_are_set_read_back_and_compared(void **state)
{
	struct fr_trigger_rule a, b;
	struct rule_diag d;
	char buf[32];

	(void)state;
	rule_init(&a, "x");
	assert_int_equal(rule_set(&a, "when", "load.load1 > 3", &d), 0);
	assert_int_equal(rule_set(&a, "tail", "1500ms", &d), 0);
	assert_int_equal(rule_set(&a, "cooldown", "2h", &d), 0);
	assert_int_equal(rule_set(&a, "enabled", "off", &d), 0);
	assert_string_equal(rule_get(&a, "tail", buf), "1500ms");
	assert_string_equal(rule_get(&a, "cooldown", buf), "2h");
	assert_string_equal(rule_get(&a, "enabled", buf), "no");
	assert_string_equal(rule_get(&a, "when", buf), "load.load1 > 3");
	assert_int_equal(rule_copy(&b, &a), 0);
	assert_true(rule_equal(&a, &b));
	assert_int_equal(rule_set(&b, "when", "load.load1 > 4", &d), 0);
	assert_false(rule_equal(&a, &b));
	assert_int_equal(rule_set(&a, "tail", "61m", &d), -EINVAL);
	assert_non_null(strstr(d.text, "at most 1h"));
	assert_int_equal(rule_set(&a, "tial", "1s", &d), -EINVAL);
	assert_non_null(strstr(d.text, "did you mean tail"));
	assert_int_equal(rule_check_name("a b", &d), -EINVAL);
	assert_int_equal(rule_check_name("", &d), -EINVAL);
	assert_int_equal(rule_check_name("slow-fsync_2.x", &d), 0);
	rule_clear(&a);
	rule_clear(&b);
}

static void each_action_key_has_its_bounds(void **state)
{
	static const struct {
		const char *key, *good, *bad, *why;
	} cases[] = {
		{ "merge", "30s", "25h", "at most 24h" },
		{ "merge", "0", "-1s", "not a duration" },
		{ "min-history", "10m", "169h", "at most 168h" },
		{ "min-history", "0", "soon", "not a duration" },
		{ "max-per-day", "1000", "1001", "at most 1000" },
		{ "max-per-day", "0", "-1", "not a whole number" },
		{ "max-per-day", "3", "1.5", "not a whole number" },
		{ "max-per-day", "3", "99999999999999999999",
		  "not a whole number" },
		{ "max-per-day", "3", "", "not a whole number" },
		{ "priority", "100", "101", "at most 100" },
		{ "priority", "0", "-5", "not a whole number" },
		{ "priority", "51", "high", "not a whole number" },
		{ "exec-limit", "100ms", "0", "at least 100ms" },
		{ "exec-limit", "1h", "2h", "at most 1h" },
		{ "exec-limit", "30s", "-30s", "not a duration" },
		{ "exec", "echo \"$FLIGHTREC_FILE\" | mail root", NULL, NULL },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fr_trigger_rule a, b;
		struct rule_diag d;
		char buf[32], again[32];
		const char *text;

		rule_init(&a, "x");
		rule_init(&b, "x");
		assert_int_equal(rule_set(&a, cases[i].key, cases[i].good, &d),
				 0);
		text = rule_get(&a, cases[i].key, buf);
		assert_string_equal(text, cases[i].good);
		assert_int_equal(rule_set(&b, cases[i].key, text, &d), 0);
		assert_true(rule_equal(&a, &b));
		rule_clear(&b);
		assert_int_equal(rule_copy(&b, &a), 0);
		assert_true(rule_equal(&a, &b));
		if (cases[i].bad) {
			assert_int_equal(rule_set(&a, cases[i].key,
						  cases[i].bad, &d),
					 -EINVAL);
			if (!strstr(d.text, cases[i].why))
				fail_msg("%s", d.text);
			assert_string_equal(rule_get(&a, cases[i].key, again),
					    cases[i].good);
		}
		rule_clear(&a);
		rule_clear(&b);
	}
}

static void a_hook_has_its_bounds_too(void **state)
{
	char text[RULE_EXEC_MAX + 2];
	struct fr_trigger_rule r;
	struct rule_diag d;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	rule_init(&r, "x");
	assert_int_equal(rule_set(&r, "exec", text, &d), -EINVAL);
	text[RULE_EXEC_MAX] = '\0';
	assert_int_equal(rule_set(&r, "exec", text, &d), 0);
	assert_int_equal(rule_set(&r, "exec", "", &d), 0);
	assert_null(r.exec);
	rule_clear(&r);
}

/* Each key on its own makes two rules unequal. */
static void every_key_counts_when_rules_are_compared(void **state)
{
	static const char *const other[][2] = {
		{ "when", "load.load1 > 4" }, { "tail", "1s" },
		{ "cooldown", "2m" },         { "merge", "1m" },
		{ "min-history", "1m" },      { "max-per-day", "1" },
		{ "priority", "51" },         { "exec", "true" },
		{ "exec-limit", "31s" },      { "enabled", "no" },
	};
	unsigned n = 0;

	(void)state;
	while (rule_keys[n].name)
		n++;
	assert_int_equal(n, sizeof(other) / sizeof(*other));
	for (unsigned i = 0; i < n; i++) {
		struct fr_trigger_rule a, b;
		struct rule_diag d;

		rule_init(&a, "x");
		rule_set(&a, "when", "load.load1 > 3", &d);
		rule_copy(&b, &a);
		assert_true(rule_equal(&a, &b));
		assert_int_equal(rule_set(&b, other[i][0], other[i][1], &d), 0);
		if (rule_equal(&a, &b))
			fail_msg("%s does not count", other[i][0]);
		rule_clear(&a);
		rule_clear(&b);
	}
}

static void times_that_contradict_each_other_are_refused(void **state)
{
	struct fr_trigger_rule r;
	struct rule_diag d;

	(void)state;
	rule_init(&r, "x");
	assert_int_equal(rule_check(&r, &d), -EINVAL);
	assert_non_null(strstr(d.text, "no condition"));
	rule_set(&r, "when", "load.load1 > 3", &d);
	rule_set(&r, "tail", "10s", &d);
	assert_int_equal(rule_check(&r, &d), 0);
	rule_set(&r, "merge", "10s", &d);
	assert_int_equal(rule_check(&r, &d), -EINVAL);
	assert_non_null(strstr(d.text, "merge = 10s is not longer than tail"));
	rule_set(&r, "merge", "11s", &d);
	assert_int_equal(rule_check(&r, &d), 0);
	/* longer than the cooldown makes sense: then it is the longer quiet */
	rule_set(&r, "cooldown", "0", &d);
	assert_int_equal(rule_check(&r, &d), 0);
	rule_clear(&r);
}

static void every_example_of_a_detector_parses(void **state)
{
	struct rule_expr e;
	struct rule_diag d;

	(void)state;
	for (unsigned i = 0; detector_all[i]; i++) {
		assert_non_null(detector_all[i]->describe);
		if (!detector_all[i]->syntax)
			continue;
		assert_int_equal(rule_parse(detector_all[i]->example, &e, &d),
				 0);
		if (e.conds[0].ops != detector_all[i])
			fail_msg("%s is taken by %s", detector_all[i]->example,
				 e.conds[0].ops->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(latency_rules_name_their_operations),
		cmocka_unit_test(counter_rules_are_understood),
		cmocka_unit_test(bad_rules_are_refused_at_their_place),
		cmocka_unit_test(words_between_conditions_make_terms),
		cmocka_unit_test(terms_say_what_was_written),
		cmocka_unit_test(a_rule_has_room_for_so_many_conditions),
		cmocka_unit_test(filters_are_what_the_kernel_compares),
		cmocka_unit_test(a_rule_has_a_bound),
		cmocka_unit_test(the_caret_stands_below_the_place),
		cmocka_unit_test(keys_are_set_read_back_and_compared),
		cmocka_unit_test(each_action_key_has_its_bounds),
		cmocka_unit_test(a_hook_has_its_bounds_too),
		cmocka_unit_test(every_key_counts_when_rules_are_compared),
		cmocka_unit_test(times_that_contradict_each_other_are_refused),
		cmocka_unit_test(every_example_of_a_detector_parses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
