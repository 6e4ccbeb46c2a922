/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_column.c - every model gives back what went in, and trusts no code. */
#include "dump/column.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump/column_dict.h"
#include "tests/unit/test.h"

#define ROWS 5000

static uint64_t v[ROWS], a[ROWS], b[ROWS], c3[ROWS], back[ROWS];
static const uint64_t *const all[3] = { a, b, c3 };
static uint8_t out[COLUMN_BOUND(ROWS)];
static uint64_t state = 42;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static void fill_random(uint32_t i)
{
	v[i] = next_random();
}

static void fill_constant(uint32_t i)
{
	(void)i;
	v[i] = 0xdeadbeefcafeULL;
}

static void fill_rising(uint32_t i)
{
	v[i] = 1000000 + 17ULL * i;
}

static void fill_extremes(uint32_t i)
{
	static const uint64_t ends[] = { 0, UINT64_MAX, INT64_MAX,
					 (uint64_t)INT64_MIN, 1 };

	v[i] = ends[next_random() % 5];
}

/* Small, but for one in a thousand. */
static void fill_outliers(uint32_t i)
{
	v[i] = next_random() % 1000 ? next_random() % 200 : next_random();
	(void)i;
}

static void (*const fills[])(uint32_t) = {
	fill_random, fill_constant, fill_rising, fill_extremes, fill_outliers,
};

static void fill(unsigned kind, uint32_t rows)
{
	for (uint32_t i = 0; i < rows; i++) {
		fills[kind](i);
		a[i] = next_random() % 7 ? next_random() % 50 : next_random();
		b[i] = next_random() % 3 ? 4096 : -5ULL;
		c3[i] = next_random() % 4;
	}
}

/* Durations on a clock that moves every 26 cycles of 2,596.096 MHz: by 10.015
 * ns, of which whole ones are told. */
static void fill_clock(uint64_t *d, unsigned long_one)
{
	uint64_t ticks = 0;

	for (uint32_t i = 0; i < ROWS; i++) {
		uint64_t more = 20 + next_random() % (i % 8 ? 40 : long_one);

		d[i] = (ticks + more) * 26000000 / 2596096 -
		       ticks * 26000000 / 2596096;
		ticks += more;
	}
}

/* One that knows the step of that clock. */
static struct column_work *work_with_clock(void)
{
	struct column_work *w = column_work_new(ROWS);
	uint64_t d[ROWS];

	fill_clock(d, 5000);
	column_look(w, d, ROWS);
	return w;
}

static void goes_there_and_back(struct column_work *w,
				const struct column_model *m, uint32_t rows)
{
	struct column_code c;
	size_t len = column_encode(w, m, v, rows, out, &c);

	assert_int_equal(len, c.bytes);
	assert_true(len <= COLUMN_BOUND(rows));
	memset(back, 0xa5, sizeof(back));
	assert_int_equal(column_decode(w, &c, out, all, rows, back), 0);
	assert_memory_equal(v, back, rows * sizeof(*v));
}

static void every_model_gives_back_every_column(void **state_)
{
	static const uint32_t sizes[] = { 1, 2, 3, 255, 767, 769, ROWS };
	struct column_work *w = work_with_clock();

	(void)state_;
	for (unsigned k = 0; k < sizeof(fills) / sizeof(fills[0]); k++) {
		for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]);
		     s++) {
			fill(k, sizes[s]);
			for (uint8_t p = 0; p < COLUMN_NR_PREDS; p++) {
				struct column_model m = { p, 0, a, b, c3 };

				goes_there_and_back(w, &m, sizes[s]);
				m.clock =
					p != COLUMN_DICT && p != COLUMN_DICT_A;
				goes_there_and_back(w, &m, sizes[s]);
			}
		}
	}
	column_work_free(w);
}

static void the_step_of_the_clock_is_found_and_used(void **state_)
{
	struct column_work *w = work_with_clock();
	const struct column_model models[] = {
		{ .pred = COLUMN_PREV }, { .pred = COLUMN_PREV, .clock = 1 }
	};
	struct column_code c;

	(void)state_;
	fill_clock(v, 40);
	for (uint32_t i = 1; i < ROWS; i++)
		v[i] += v[i - 1];
	assert_int_equal(column_choose(w, models, 2, v, ROWS), 1);
	column_encode(w, &models[1], v, ROWS, out, &c);
	assert_int_equal(c.pred, COLUMN_PREV | COLUMN_CLOCK);
	/* 10.01504 in units of 2^-32, to 3 millionths */
	assert_in_range(c.step, 43014140000, 43014400000);
	assert_int_equal(c.planes, 1);
	assert_in_range(c.exceptions, 0, 1);
	goes_there_and_back(w, &models[1], ROWS);
	/* what is too long to be counted is told in ns */
	v[ROWS / 2] = 1ULL << 63;
	column_encode(w, &models[1], v, ROWS, out, &c);
	assert_int_equal(c.pred, COLUMN_PREV);
	goes_there_and_back(w, &models[1], ROWS);
	column_work_free(w);
}

static void clocks_without_steps_are_left_alone(void **state_)
{
	struct column_work *w = column_work_new(ROWS);
	const struct column_model m = { .pred = COLUMN_PREV, .clock = 1 };
	struct column_code c;
	uint64_t sum = 0;

	(void)state_;
	for (uint32_t i = 0; i < ROWS; i++)
		v[i] = 200 + next_random() % 1500;
	column_look(w, v, ROWS);
	for (uint32_t i = 0; i < ROWS; i++)
		v[i] = sum += v[i];
	column_encode(w, &m, v, ROWS, out, &c);
	assert_int_equal(c.pred, COLUMN_PREV);
	column_work_free(w);
}

static void regular_columns_take_no_bytes(void **state_)
{
	struct column_work *w = column_work_new(ROWS);
	struct column_model prev = { .pred = COLUMN_PREV };
	struct column_model end = { .pred = COLUMN_END, .a = a };
	struct column_model same = { .pred = COLUMN_SAME, .a = a };
	struct column_model gap = { .pred = COLUMN_GAP, .a = a };
	struct column_code c;

	(void)state_;
	fill(2, ROWS);
	assert_int_equal(column_encode(w, &prev, v, ROWS, out, &c), 0);
	for (uint32_t i = 0; i < ROWS; i++)
		v[i] = a[i];
	assert_int_equal(column_encode(w, &same, v, ROWS, out, &c), 0);
	for (uint32_t i = 0; i < ROWS; i++)
		v[i] = 100 * i - a[i];
	assert_int_equal(column_encode(w, &end, v, ROWS, out, &c), 0);
	for (uint32_t i = 1; i < ROWS; i++)
		v[i] = v[i - 1] + a[i - 1] + 250;
	assert_int_equal(column_encode(w, &gap, v, ROWS, out, &c), 0);
	column_work_free(w);
}

/* FNV-1a of all that is stored of a column. */
static uint32_t stored_hash(struct column_work *w, const struct column_model *m)
{
	struct column_code c;
	size_t len = column_encode(w, m, v, ROWS, out, &c);
	const uint64_t facts[] = { c.pred,  c.planes, c.exceptions,
				   c.bytes, c.base,   c.step };
	uint32_t h = 2166136261u;

	for (unsigned i = 0; i < 6; i++)
		for (unsigned k = 0; k < 64; k += 8)
			h = (h ^ (uint8_t)(facts[i] >> k)) * 16777619u;
	for (size_t i = 0; i < len; i++)
		h = (h ^ out[i]) * 16777619u;
	return h;
}

/* Files that were written must stay readable: tables, hashes and what they learn
 * are part of the format.  Guesses of all kinds are right here and wrong there.
 * (Another choice of planes or base changes the hashes and does no harm.) */
static void the_stored_form_does_not_change(void **state_)
{
	static const uint32_t want[COLUMN_NR_PREDS] = {
		0x9be4c10d, 0xe8cb8eec, 0x58391bb2, 0xc4e0c28a, 0x013fa10d,
		0x4cb3a046, 0x4545e4cc, 0x4e7f06ec, 0xc307ed76, 0xb69936df,
		0x9c7233a4, 0x2a53d306, 0xe183a8f5, 0x0ad162bf,
	};
	struct column_work *w = column_work_new(ROWS);
	uint64_t x = 1;

	(void)state_;
	for (uint32_t i = 0; i < ROWS; i++) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		a[i] = x >> 60;
		b[i] = (x >> 50) % 8 ? (x >> 40) % 3 * 4096 : -5ULL;
		c3[i] = (x >> 30) % 3;
		v[i] = i > 9 && (x >> 20) % 4 ?
			       v[i - 9 + a[i] % 3] + (b[i] % 2 ? 1 : 0) :
			       (x >> 55) * 0x9e3779b97ULL;
		if (c3[i] == 1)
			v[i] = i % 2 ? a[i] : b[i];
	}
	for (uint8_t p = 0; p < COLUMN_NR_PREDS; p++) {
		struct column_model m = { p, 0, a, b, c3 };

		assert_int_equal(stored_hash(w, &m), want[p]);
	}
	column_work_free(w);
}

static void rare_outliers_are_exceptions(void **state_)
{
	struct column_work *w = column_work_new(ROWS);
	struct column_model m = { .pred = COLUMN_NONE };
	struct column_code c;

	(void)state_;
	fill(4, ROWS);
	column_encode(w, &m, v, ROWS, out, &c);
	assert_true(c.planes <= 2);
	assert_true(c.exceptions > 0);
	column_work_free(w);
}

/* Three walk the same 500 hashes, each at its own pace. */
static void fill_walks(void)
{
	uint64_t hashes[500];
	uint32_t at[3] = { 0, 100, 200 };

	for (unsigned i = 0; i < 500; i++)
		hashes[i] = next_random();
	for (uint32_t i = 0; i < ROWS; i++) {
		unsigned who = (unsigned)(next_random() % 3);

		a[i] = 1000 + who;
		v[i] = hashes[at[who]++ % 500];
	}
}

static void known_sequences_take_no_bytes(void **state_)
{
	struct column_work *w = column_work_new(ROWS);
	struct column_model m = { .pred = COLUMN_DICT, .a = a };
	struct column_code c;

	(void)state_;
	fill_walks();
	column_encode(w, &m, v, ROWS, out, &c);
	assert_int_equal(c.step, 500);
	assert_int_equal(c.planes, 0);
	/* new ones, what each walk begins with, and some clashes */
	assert_in_range(c.exceptions, 500, 700);
	column_work_free(w);
}

/* Two count, one up and one down: what follows depends on who counts. */
static void what_follows_may_depend_on_another_column(void **state_)
{
	struct column_work *w = column_work_new(ROWS);
	struct column_model m = { .pred = COLUMN_DICT, .a = a };
	struct column_code together, apart;
	uint64_t count[2] = { 0, 50 };

	(void)state_;
	for (uint32_t i = 0; i < ROWS; i++) {
		a[i] = next_random() % 2;
		count[a[i]] += a[i] ? 99 : 1;
		v[i] = count[a[i]] % 100 * 0x123456789abULL;
	}
	m.a = b; /* one for all */
	memset(b, 0, sizeof(b));
	column_encode(w, &m, v, ROWS, out, &together);
	m = (struct column_model){ .pred = COLUMN_DICT_A, .a = a };
	column_encode(w, &m, v, ROWS, out, &apart);
	assert_int_equal(apart.step, 100);
	assert_int_equal(apart.planes, 0);
	assert_in_range(apart.exceptions, 200, 230);
	assert_true(apart.bytes * 4 < together.bytes);
	column_work_free(w);
}

/* Reads, and seeks that say where they ended, in files by turns. */
static void positions_are_followed(void **state_)
{
	enum {
		READ,
		SEEK
	};
	struct column_work *w = column_work_new(ROWS);
	struct column_model m = { .pred = COLUMN_SEEK, .a = a, .b = b, .c = c3 };
	struct column_code c;
	uint64_t at[5] = { 0 };

	(void)state_;
	for (uint32_t i = 0; i < ROWS; i++) {
		a[i] = next_random() % 5;
		c3[i] = next_random() % 3 ? READ : SEEK;
		if (c3[i] == SEEK)
			at[a[i]] = next_random() % 100000;
		v[i] = at[a[i]];
		b[i] = c3[i] == SEEK ? v[i] : next_random() % 4096;
		at[a[i]] += c3[i] == SEEK ? 0 : b[i];
	}
	column_encode(w, &m, v, ROWS, out, &c);
	assert_int_equal(c.planes, 0);
	assert_in_range(c.exceptions, 0, 7); /* until it is known */
	m.pred = COLUMN_NEXT;
	column_encode(w, &m, v, ROWS, out, &c);
	assert_true(c.bytes > ROWS);
	column_work_free(w);
}

/* Calls of one kind return what was asked, those of the other always the same. */
static void the_better_guess_is_taken_for_each_kind(void **state_)
{
	struct column_work *w = column_work_new(ROWS);
	struct column_model m = {
		.pred = COLUMN_EITHER, .a = a, .b = b, .c = c3
	};
	struct column_code c;

	(void)state_;
	for (uint32_t i = 0; i < ROWS; i++) {
		a[i] = next_random();
		b[i] = next_random() % 10;
		c3[i] = next_random() % 2;
		v[i] = c3[i] ? a[i] : b[i] * 0x123456789ULL;
	}
	column_encode(w, &m, v, ROWS, out, &c);
	assert_int_equal(c.planes, 0);
	assert_in_range(c.exceptions, 0, 13);
	column_work_free(w);
}

static int decode_numbers(struct column_work *w, const char *codes, uint32_t nr)
{
	struct column_code c = { .pred = COLUMN_DICT, .planes = 1, .base = 1 };
	uint8_t in[8];

	memcpy(in, codes, 4);
	memcpy(in + 4, "\2\4\6\10", 4);
	c.step = nr;
	c.bytes = 4 + nr;
	return column_decode(w, &c, in, all, 4, back);
}

static void numbers_that_do_not_exist_are_refused(void **state_)
{
	struct column_work *w = column_work_new(ROWS);

	(void)state_;
	memset(a, 0, sizeof(a));
	assert_int_equal(decode_numbers(w, "\2\2\3\4", 2), 0);
	assert_int_equal(back[0], 1);
	assert_int_equal(back[1], 3);
	assert_int_equal(back[2], 1);
	assert_int_equal(back[3], 3);
	/* a guess before there is a value */
	assert_int_equal(decode_numbers(w, "\0\2\2\4", 2), -EBADMSG);
	assert_int_equal(decode_numbers(w, "\1\2\2\4", 2), -EBADMSG);
	/* a number not given yet, more and less values than announced */
	assert_int_equal(decode_numbers(w, "\2\4\2\3", 2), -EBADMSG);
	assert_int_equal(decode_numbers(w, "\2\2\2\3", 2), -EBADMSG);
	assert_int_equal(decode_numbers(w, "\2\2\2\3", 4), -EBADMSG);
	column_work_free(w);
}

static void the_best_model_is_chosen(void **state_)
{
	struct column_work *w = column_work_new(ROWS);
	const struct column_model models[] = { { .pred = COLUMN_NONE },
					       { .pred = COLUMN_PREV },
					       { .pred = COLUMN_LAST, .a = a },
					       { .pred = COLUMN_DICT,
						 .a = a } };

	(void)state_;
	fill(2, ROWS);
	assert_int_equal(column_choose(w, models, 3, v, ROWS), 1);
	for (uint32_t i = 0; i < ROWS; i++) {
		a[i] = next_random() % 20;
		v[i] = a[i] * a[i] * 1000003;
	}
	assert_int_equal(column_choose(w, models, 4, v, ROWS), 2);
	fill_walks();
	assert_int_equal(column_choose(w, models, 4, v, ROWS), 3);
	column_work_free(w);
}

/* Exactly so many bytes, so that a sanitizer sees each one read behind them. */
static uint8_t *cut_to(uint8_t *bytes, size_t len)
{
	uint8_t *cut = realloc(bytes, len);

	assert_non_null(cut);
	return cut;
}

/* Any code and bytes: decoded or refused, never read out of bounds (run with
 * ASan: the buffer is as long as the code says). */
static void damaged_codes_are_refused_or_harmless(void **state_)
{
	struct column_work *w = column_work_new(ROWS);
	unsigned refused = 0;

	(void)state_;
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t rows = 1 + next_random() % 300;
		struct column_code c = {
			.pred = (uint8_t)(next_random() %
						  (COLUMN_NR_PREDS + 2) |
					  (next_random() & COLUMN_CLOCK)),
			.planes = (uint8_t)(next_random() % 11),
			.exceptions = (uint32_t)(next_random() % 20),
			.bytes = (uint32_t)(next_random() % 3000),
			.base = next_random(),
			.step = next_random(),
		};
		uint8_t *in = malloc(c.bytes + 1u);

		for (uint32_t k = 0; k < c.bytes; k++)
			in[k] = (uint8_t)(next_random() % 3 ? 1 :
							      next_random());
		in = cut_to(in, c.bytes ? c.bytes : 1);
		if (next_random() % 2) {
			c.base %= 10;
			c.step %= 10;
		}
		if (next_random() % 2)
			c.bytes = c.planes * rows;
		else if (c.planes * rows + 2 <= c.bytes)
			c.exceptions = 1;
		if (c.bytes > 3000)
			c.bytes = 0;
		in = cut_to(in, c.bytes ? c.bytes : 1);
		const uint64_t *const some[3] = {
			next_random() % 4 ? a : NULL,
			next_random() % 4 ? b : NULL,
			next_random() % 4 ? c3 : NULL,
		};
		if (column_decode(w, &c, in, some, rows, back))
			refused++;
		free(in);
	}
	assert_true(refused > 1000 && refused < 20000);
	column_work_free(w);
}

static void too_many_rows_and_missing_columns_are_refused(void **state_)
{
	struct column_work *w = column_work_new(10);
	struct column_code c;

	(void)state_;
	for (uint8_t p = 0; p < COLUMN_NR_PREDS; p++) {
		static const char *const needs[COLUMN_NR_PREDS] = {
			"", "",  "a", "a", "a", "ab",  "ab",
			"", "a", "a", "a", "a", "abc", "abc",
		};

		for (unsigned k = 0; k < 3; k++) {
			const uint64_t *refs[3] = { a, b, c3 };
			int needed = strchr(needs[p], "abc"[k]) != NULL;

			refs[k] = NULL;
			c = (struct column_code){ .pred = p };
			if (p == COLUMN_DICT || p == COLUMN_DICT_A)
				c = (struct column_code){ .pred = p,
							  .planes = 1,
							  .bytes = 10,
							  .step = 10 };
			memset(out, DICT_NEW, 10);
			assert_int_equal(column_decode(w, &c, out, refs, 10,
						       back),
					 needed ? -EBADMSG : 0);
			assert_int_equal(column_decode(w, &c, out, all, 11,
						       back),
					 -EBADMSG);
		}
	}
	column_work_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_model_gives_back_every_column),
		cmocka_unit_test(the_step_of_the_clock_is_found_and_used),
		cmocka_unit_test(clocks_without_steps_are_left_alone),
		cmocka_unit_test(regular_columns_take_no_bytes),
		cmocka_unit_test(the_stored_form_does_not_change),
		cmocka_unit_test(rare_outliers_are_exceptions),
		cmocka_unit_test(known_sequences_take_no_bytes),
		cmocka_unit_test(what_follows_may_depend_on_another_column),
		cmocka_unit_test(positions_are_followed),
		cmocka_unit_test(the_better_guess_is_taken_for_each_kind),
		cmocka_unit_test(numbers_that_do_not_exist_are_refused),
		cmocka_unit_test(the_best_model_is_chosen),
		cmocka_unit_test(damaged_codes_are_refused_or_harmless),
		cmocka_unit_test(too_many_rows_and_missing_columns_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
