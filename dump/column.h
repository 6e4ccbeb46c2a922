/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * column.h - columns of 64-bit integers to few bytes and back, without loss.
 *
 * A column is predicted value by value by a simple model (the value before, a
 * value of another column in the same row, what followed last time in the same
 * context, ...).  What is left, minus the most frequent rest ("step"), is
 * zigzagged and stored as byte planes: all low bytes, then all second bytes, ...
 * so that an entropy coder meets like with like.  Rests that need more
 * bytes than the planes have are patched by a list of exceptions.  A column
 * that its model predicts throughout takes no bytes at all.
 *
 * The library compresses nothing by itself and allocates only in
 * column_work_new(); flightrec-snapshot(5) describes the stored form.
 */
#ifndef DUMP_COLUMN_H
#define DUMP_COLUMN_H

#include <stddef.h>
#include <stdint.h>

#define COLUMN_ROWS_MAX    65536
/* Bytes that ${rows} encoded rows can need at most. */
#define COLUMN_BOUND(rows) ((size_t)(rows)*14 + 16)

/*
 * Models.  v: this column, a, b and c: other columns (unsigned 64-bit arithmetic
 * throughout), i: row, T: a table of 1,024 values that all begin as `base`.
 */
enum column_pred {
	COLUMN_NONE = 0,    /* 0 */
	COLUMN_PREV = 1,    /* v[i-1]; v[-1] is base */
	COLUMN_SAME = 2,    /* a[i] */
	COLUMN_END = 3,     /* v[i-1] + a[i-1] - a[i]; the first sum is base */
	COLUMN_LAST = 4,    /* v of the last row with the same a */
	COLUMN_LAST2 = 5,   /* v of the last row with the same a and b */
	COLUMN_NEXT = 6,    /* v + b of the last row with the same a, if b is a
			  * non-negative int64, else that v */
	COLUMN_AFTER = 7,   /* what followed v[i-1] last time; v[-1] is base */
	COLUMN_AFTER_A = 8, /* the same, among rows with the same a */
	COLUMN_GAP = 9,     /* v[i-1] + a[i-1]; the first sum is base */
	/* column_dict.h: what followed the last two values, or the last one, of
	 * rows with the same a; DICT_A: and what follows depends on a, too */
	COLUMN_DICT = 10,
	COLUMN_DICT_A = 11,
	/* For each c the better one of two, by what was right last time:
	 * SEEK: b[i], or where the last row with the same a ended: at its b if
	 * that was right, else as NEXT; EITHER: a[i], or LAST2 by b and c */
	COLUMN_SEEK = 12,
	COLUMN_EITHER = 13,
	COLUMN_NR_PREDS,
	/* Flag in a code: rests are counted in steps of the clock. */
	COLUMN_CLOCK = 0x80,
};

struct column_model {
	uint8_t pred;
	uint8_t clock; /* 1: in steps of the clock (not DICT), see column_look() */
	const uint64_t *a, *b, *c; /* NULL where the model uses none */
};

/* What the decoder must know beside the bytes. */
struct column_code {
	uint8_t pred;
	uint8_t planes; /* 0..8 */
	uint32_t exceptions;
	uint32_t bytes; /* planes * rows + the exceptions + values of DICT */
	uint64_t base, step; /* DICT: planes and number of its values;
			      * CLOCK: steps expected, and one in 2^-32 ns */
};

struct column_work; /* scratch memory */
/* For columns of up to ${rows} <= COLUMN_ROWS_MAX rows.  NULL: ENOMEM. */
struct column_work *column_work_new(uint32_t rows);
void column_work_free(struct column_work *w); /* NULL is a no-op */

/* Many clocks advance in steps of some ns, so that durations are multiples of
 * them.  Looks for such a step unless it is known or there seems to be none.
 * Models with `clock` are not chosen before it is found. */
void column_look(struct column_work *w, const uint64_t *durations, uint32_t nr);

/* Tries the models on a sample of the column.  Returns the index of the one that
 * promises the fewest bits; the first among equals. */
unsigned column_choose(struct column_work *w, const struct column_model *models,
		       unsigned nr, const uint64_t *v, uint32_t rows);

/* Encodes into ${out} (COLUMN_BOUND(rows) bytes).  Returns the bytes used, also
 * in ret->bytes. */
size_t column_encode(struct column_work *w, const struct column_model *m,
		     const uint64_t *v, uint32_t rows, uint8_t *out,
		     struct column_code *ret);

/* Trusts nothing.  0, or -EBADMSG: c and in contradict each other or rows.
 * refs: the columns a, b and c that the model refers to; -EBADMSG if it needs one
 * that is NULL. */
int column_decode(struct column_work *w, const struct column_code *c,
		  const uint8_t *in, const uint64_t *const refs[3],
		  uint32_t rows, uint64_t *v);

#endif
