/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_retention_choose.c - which snapshots go: the table of cases. */
#include "tests/unit/test.h"

#include "recorder/retention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_NS 86400000000000ULL

/*
 * Files, oldest first, one per day: "a10" is one of trigger a with 10 bytes;
 * behind it p: pinned, s: stuck, k: the one just written.  What is to become of
 * each: '.' stays, A F U R goes because of age, files, use, room; in small
 * letters: because its trigger is over its share.
 */
static const struct choice {
	const char *what, *files, *want;
	uint64_t max_files, max_bytes, days, lacking;
	double share;
	int not_reached;
} choices[] = {
	{ "none", "", "", 1, 1, 0, 0, 25, 0 },
	{ "nothing to do", "a10 a10 a10", "...", 3, 30, 0, 0, 25, 0 },
	{ "by number", "a10 b10 c10", "F..", 2, 99, 0, 0, 100, 0 },
	{ "by size", "a10 b10 c10", "U..", 9, 29, 0, 0, 100, 0 },
	{ "by size, two", "a10 b10 c10", "UU.", 9, 19, 0, 0, 100, 0 },
	{ "both", "a90 b1 c1", "F..", 2, 99, 0, 0, 100, 0 },
	{ "number, then size", "a1 b90 c30", "FU.", 2, 99, 0, 0, 100, 0 },
	{ "the newest stays", "a10 b10 c10", "FF.", 0, 99, 0, 0, 100, 1 },
	{ "so does one just written", "a10k b10 c10", ".FF", 1, 99, 0, 0, 100,
	  0 },
	/* shares */
	{ "the noisy one goes", "q1 a1 a1 a1 a1", ".f...", 4, 99, 0, 0, 25, 0 },
	{ "... also if all are newer", "q1 r1 s1 a1 a1 a1", "...f..", 5, 99, 0,
	  0, 25, 0 },
	{ "a share of 100: the oldest", "q1 a1 a1 a1 a1", "F....", 4, 99, 0, 0,
	  100, 0 },
	{ "... also above it", "q1 a1 a1 a1 a1 a1", "FF....", 4, 99, 0, 0, 100,
	  0 },
	{ "alone it has all", "a1 a1 a1 a1", "....", 4, 99, 0, 0, 25, 0 },
	{ "alone, above it", "a1 a1 a1 a1 a1", "f....", 4, 99, 0, 0, 25, 0 },
	{ "none over its share", "a1 b1 c1 d1 e1", "F....", 4, 99, 0, 0, 25,
	  0 },
	{ "the furthest over it", "b1 b1 a1 a1 a1 c1", "..f...", 5, 99, 0, 0,
	  25, 0 },
	{ "as far: the older one", "b1 a1 a1 b1", "f...", 3, 99, 0, 0, 25, 0 },
	{ "down to the share, then the oldest", "q1 r1 a1 a1 a1 s1 t1 u1",
	  "F.ff....", 5, 99, 0, 0, 20, 0 },
	{ "by bytes", "q1 a90 q1 q1", ".u..", 9, 50, 0, 0, 25, 0 },
	{ "many small ones do not count for bytes", "q1 q1 q1 q1 a40 a40",
	  "....u.", 9, 50, 0, 0, 25, 0 },
	{ "few large ones do not count for files", "a90 q1 q1 q1", ".f..", 3,
	  100, 0, 0, 25, 0 },
	{ "less with each that went", "a20 a20 a20 b25 b25", "u..u.", 9, 80, 0,
	  0, 25, 0 },
	{ "share 0: the one that has most", "c1 a1 b1 b1", "..f.", 3, 99, 0, 0,
	  0, 0 },
	/* pins */
	{ "pinned stays", "a10p b10 c10", ".F.", 2, 99, 0, 0, 100, 0 },
	{ "pinned ones count", "a10p b10p c10 d10", "..U.", 9, 30, 0, 0, 100,
	  0 },
	{ "only pins", "a10p b10p c10p", "...", 1, 5, 0, 0, 100, 1 },
	{ "pins above all", "a10p b10p c10p d10 e10", "...F.", 2, 99, 0, 0, 100,
	  1 },
	{ "pins are part of a share, not removed", "q1 a1p a1p a1p b1 b1 c1",
	  "F......", 6, 99, 0, 0, 40, 0 },
	{ "the next over its share instead", "q1 a1p a1p a1p b1 b1 c1",
	  "....f..", 6, 99, 0, 0, 25, 0 },
	{ "the oldest without pin of the noisy one", "q1 a1p a1 a1 a1 c1",
	  "..f...", 5, 99, 0, 0, 25, 0 },
	/* those that cannot be removed */
	{ "another in place of a stuck one", "a10s b10 c10", ".F.", 2, 99, 0, 0,
	  100, 0 },
	{ "also within a share", "q1 a1s a1 a1 a1", "..f..", 4, 99, 0, 0, 25,
	  0 },
	/* age */
	{ "by age", "a1 b1 c1 d1", "AA..", 9, 99, 2, 0, 25, 0 },
	{ "all too old", "a1 b1", "AA", 9, 99, 0, 0, 25, 0 }, /* .days: below */
	{ "too old, but pinned", "a1p b1 c1 d1", ".A..", 9, 99, 2, 0, 25, 0 },
	{ "age first, then number", "a1 b1 c1 d1", "AAF.", 1, 99, 2, 0, 100,
	  0 },
	{ "what age takes is in no share", "a1 a1 b1 c1 a1 d1", "AAF...", 3, 99,
	  4, 0, 34, 0 },
	/* room */
	{ "room", "a10 b10 c10", "R..", 9, 99, 0, 10, 100, 0 },
	{ "a byte more", "a10 b10 c10", "RR.", 9, 99, 0, 11, 100, 0 },
	{ "never the newest", "a10 b10 c10", "...", 9, 99, 0, 21, 100, 1 },
	{ "not for what cannot be had", "a10 b10p c10", "...", 9, 99, 0, 15,
	  100, 1 },
	{ "... but for the other limits", "a10 b10 c10 d10", "F...", 3, 99, 0,
	  99, 100, 1 },
	{ "what other limits take is room", "a10 b10 c10", "F..", 2, 99, 0, 10,
	  100, 0 },
	{ "what age takes is room", "a10 b10 c10 d10", "AA..", 9, 99, 2, 20,
	  100, 0 },
	{ "age and room", "a10 b10 c10 d10", "AAR.", 9, 99, 2, 21, 100, 0 },
	{ "room of the noisy one", "q10 a10 a10 a10", ".r..", 9, 99, 0, 10, 25,
	  0 },
};

static size_t make_files(const struct choice *c, struct retention_file *files,
			 const char **ret_keep)
{
	static char keep[RETENTION_NAME_MAX];
	const char *p = c->files;
	size_t nr = 0;
	char *end;

	*ret_keep = NULL;
	for (; *p; nr++, p += strspn(p, " ")) {
		struct retention_file *f = &files[nr];
		char trigger[2] = { *p, 0 }, name[RETENTION_NAME_MAX];

		f->bytes = strtoul(p + 1, &end, 10);
		for (p = end; *p && *p != ' '; p++) {
			f->name.pinned |= *p == 'p';
			f->stuck |= *p == 's';
			*ret_keep = *p == 'k' ? keep : *ret_keep;
		}
		retention_make_name(name, (nr + 1) * DAY_NS, trigger, 0);
		snprintf(f->file, sizeof(f->file), "%s%s.frs", name,
			 f->name.pinned ? ".pin" : "");
		if (p[-1] == 'k')
			snprintf(keep, sizeof(keep), "%s", name);
		assert_true(retention_parse_name(f->file, &f->name));
	}
	return nr;
}

static void which_go(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		const struct choice *c = &choices[i];
		struct retention_file files[16] = { 0 };
		struct retention_now now = { .lacking = c->lacking };
		size_t nr = make_files(c, files, &now.keep);
		struct retention_limits l = { .max_files = c->max_files,
					      .max_bytes = c->max_bytes,
					      .max_age_ns = c->days * DAY_NS,
					      .max_share = c->share };
		char got[17] = "";
		bool reached;
		int n;

		now.real_ns = (nr + 1) * DAY_NS;
		if (!strcmp(c->what, "all too old"))
			l.max_age_ns = 1;
		n = retention_choose(files, nr, &l, &now, &reached);
		for (size_t j = 0; j < nr; j++) {
			got[j] = ".AFUR"[files[j].why];
			if (files[j].over_share)
				got[j] = (char)(got[j] | 0x20);
			n -= files[j].why != RETENTION_STAYS;
		}
		if (strcmp(got, c->want) != 0 || n ||
		    reached == (bool)c->not_reached)
			fail_msg("%s: %s: got %s%s, not %s", c->what, c->files,
				 got, reached ? "" : " (not reached)", c->want);
	}
}

/* One rule fires every day, ten others fired once each: theirs are all there a
 * year later, and the newest of the noisy one. */
static void noisy_rule_does_not_evict_the_rest(void **state)
{
	struct retention_limits l = { .max_files = 20,
				      .max_bytes = UINT64_MAX,
				      .max_share = 50 };
	struct retention_file files[21] = { 0 };
	struct retention_now now = { 0 };
	unsigned quiet = 0;
	size_t nr = 0;
	bool reached;

	(void)state;
	for (unsigned day = 1; day <= 365; day++) {
		char trigger[16], name[RETENTION_NAME_MAX];
		struct retention_file *f = &files[nr++];
		size_t to = 0;

		snprintf(trigger, sizeof(trigger),
			 day <= 10 ? "quiet-%u" : "noisy", day);
		retention_make_name(name, day * DAY_NS, trigger, 0);
		*f = (struct retention_file){ .bytes = 1 };
		snprintf(f->file, sizeof(f->file), "%s.frs", name);
		retention_parse_name(f->file, &f->name);
		assert_true(retention_choose(files, nr, &l, &now, &reached) >=
			    0);
		for (size_t i = 0; i < nr; i++)
			if (files[i].why == RETENTION_STAYS)
				files[to++] = files[i];
		nr = to;
		assert_true(reached && nr <= 20);
	}
	for (size_t i = 0; i < nr; i++)
		quiet += files[i].name.trigger[0] == 'q';
	assert_int_equal(quiet, 10);
	assert_int_equal(nr, 20);
	assert_true(files[19].name.real_ns == 365 * DAY_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_go),
		cmocka_unit_test(noisy_rule_does_not_evict_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
