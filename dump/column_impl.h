/* SPDX-License-Identifier: GPL-2.0-or-later */
/* column_impl.h - what encoder and decoder of columns share; nobody else includes
 * it. */
#ifndef DUMP_COLUMN_IMPL_H
#define DUMP_COLUMN_IMPL_H

#include <string.h>

#include "dump/column.h"
#include "dump/column_dict.h"

#define TABLE_BITS 10

/* Without it the loops below are not specialised by model. */
#define column_inline static inline __attribute__((always_inline))

struct column_work {
	uint32_t rows;
	unsigned looks;   /* for the clock's step, so far */
	uint64_t quantum; /* its step, see column_quantum.h; 0: not found */
	struct column_dict *dict;
	uint64_t table[1 << TABLE_BITS];
	uint8_t choices[1 << TABLE_BITS];
	uint64_t rest[]; /* one per row */
};

struct column_refs {
	const uint64_t *a, *b, *c;
};

struct column_state {
	uint64_t prev;
	uint64_t *table, *slot;
	uint8_t *choices, *choice; /* by c: 1: the first guess */
};

/* Part of the format: encoder and decoder must meet in the same slot. */
column_inline uint64_t *column_slot(uint64_t *table, uint64_t a, uint64_t b)
{
	uint64_t h = a * 0x9e3779b97f4a7c15ULL + b * 0xc2b2ae3d27d4eb4fULL;

	return &table[h >> (64 - TABLE_BITS)];
}

column_inline uint8_t *column_choice(uint8_t *choices, uint64_t c)
{
	return &choices[c * 0x9e3779b97f4a7c15ULL >> (64 - TABLE_BITS)];
}

/* Nothing is learnt where both guesses agree. */
column_inline void column_prefer(struct column_state *s, uint64_t v,
				 uint64_t first)
{
	if (first != *s->slot && (v == first || v == *s->slot))
		*s->choice = v == first;
}

/* The prediction for a row; column_learn() follows with its true value. */
column_inline uint64_t column_guess(int pred, struct column_state *s,
				    const struct column_refs *r, uint32_t i)
{
	const uint64_t *a = r->a, *b = r->b, *c = r->c;

	switch (pred) {
	case COLUMN_PREV:
	case COLUMN_GAP:
		return s->prev;
	case COLUMN_SAME:
		return a[i];
	case COLUMN_END:
		return s->prev - a[i];
	case COLUMN_LAST:
	case COLUMN_NEXT:
		s->slot = column_slot(s->table, a[i], 0);
		return *s->slot;
	case COLUMN_LAST2:
		s->slot = column_slot(s->table, a[i], b[i]);
		return *s->slot;
	case COLUMN_AFTER:
		s->slot = column_slot(s->table, s->prev, 0);
		return *s->slot;
	case COLUMN_AFTER_A:
		s->slot = column_slot(s->table, s->prev, a[i]);
		return *s->slot;
	case COLUMN_SEEK:
		s->slot = column_slot(s->table, a[i], 0);
		s->choice = column_choice(s->choices, c[i]);
		return *s->choice ? b[i] : *s->slot;
	case COLUMN_EITHER:
		s->slot = column_slot(s->table, b[i], c[i]);
		s->choice = column_choice(s->choices, c[i]);
		return *s->choice ? a[i] : *s->slot;
	default:
		return 0;
	}
}

column_inline void column_learn(int pred, struct column_state *s,
				const struct column_refs *r, uint32_t i,
				uint64_t v)
{
	const uint64_t *a = r->a, *b = r->b;

	switch (pred) {
	case COLUMN_END:
	case COLUMN_GAP:
		s->prev = v + a[i];
		break;
	case COLUMN_NEXT:
		*s->slot = v + (b[i] >> 63 ? 0 : b[i]);
		break;
	case COLUMN_SEEK:
		column_prefer(s, v, b[i]);
		*s->slot = *s->choice ? b[i] : v + (b[i] >> 63 ? 0 : b[i]);
		break;
	case COLUMN_EITHER:
		column_prefer(s, v, a[i]);
		*s->slot = v;
		break;
	case COLUMN_AFTER:
	case COLUMN_AFTER_A:
	case COLUMN_LAST:
	case COLUMN_LAST2:
		*s->slot = v;
		/* fall through */
	case COLUMN_PREV:
		s->prev = v;
		break;
	default:
		break;
	}
}

static inline int column_uses_table(int pred)
{
	return (pred >= COLUMN_LAST && pred <= COLUMN_AFTER_A) ||
	       pred == COLUMN_SEEK || pred == COLUMN_EITHER;
}

static inline void column_begin(struct column_work *w, struct column_state *s,
				int pred, uint64_t base)
{
	s->prev = base;
	s->table = s->slot = w->table;
	s->choices = s->choice = w->choices;
	memset(w->choices, 0, sizeof(w->choices));
	if (column_uses_table(pred))
		for (unsigned i = 0; i < 1 << TABLE_BITS; i++)
			w->table[i] = base;
}

/* One copy of the loop per model. */
#define COLUMN_EACH_PRED(do_)                                                 \
	do_(COLUMN_NONE) do_(COLUMN_PREV) do_(COLUMN_SAME) do_(COLUMN_END)    \
		do_(COLUMN_LAST) do_(COLUMN_LAST2) do_(COLUMN_NEXT)           \
			do_(COLUMN_AFTER) do_(COLUMN_AFTER_A) do_(COLUMN_GAP) \
				do_(COLUMN_SEEK) do_(COLUMN_EITHER)
column_inline uint64_t column_zigzag(uint64_t rest)
{
	return rest << 1 ^ (uint64_t)((int64_t)rest >> 63);
}

column_inline uint64_t column_unzigzag(uint64_t z)
{
	return z >> 1 ^ -(z & 1);
}

static inline int column_is_dict(int pred)
{
	return pred == COLUMN_DICT || pred == COLUMN_DICT_A;
}

#endif
