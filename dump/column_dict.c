/* SPDX-License-Identifier: GPL-2.0-or-later */
/* column_dict.c - numbers for values, and guesses of what follows what. */
#include "dump/column_dict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DICT_BITS      15 /* of the tables of guesses */
#define DICT_PAST_BITS 10 /* of the table of rows with the same a */
/* So long is looked for a value's number; what crafted values crowd out of
 * reach gets another number. */
#define DICT_PROBES    32

#define dict_inline static inline __attribute__((always_inline))

struct dict_past { /* numbers of the last two values */
	uint16_t last, before;
};

struct column_dict {
	uint32_t rows;
	unsigned slot_bits;
	struct dict_past past[1 << DICT_PAST_BITS];
	uint16_t first[1 << DICT_BITS], second[1 << DICT_BITS];
	uint32_t *slots; /* of values: number + 1, 0: free */
	uint64_t values[];
};

struct dict_guess { /* where to look, and to learn */
	struct dict_past *past;
	uint16_t *first, *second;
};

static unsigned dict_slot_bits(uint32_t rows)
{
	unsigned bits = 8;

	while (1u << bits < 2 * rows)
		bits++;
	return bits;
}

struct column_dict *column_dict_new(uint32_t rows)
{
	struct column_dict *d;

	d = malloc(sizeof(*d) + rows * sizeof(d->values[0]));
	if (!d)
		return NULL;
	d->rows = rows;
	d->slots = malloc(sizeof(*d->slots) << dict_slot_bits(rows));
	if (!d->slots) {
		free(d);
		return NULL;
	}
	return d;
}

void column_dict_free(struct column_dict *d)
{
	if (d)
		free(d->slots);
	free(d);
}

uint64_t *column_dict_values(struct column_dict *d)
{
	return d->values;
}

dict_inline uint64_t dict_hash(uint64_t x)
{
	return x * 0x9e3779b97f4a7c15ULL;
}

/* Part of the format, like column_slot(). */
dict_inline struct dict_guess dict_look(struct column_dict *d, uint64_t a,
					int apart)
{
	struct dict_guess g;
	uint64_t last, before, context = apart ? a << 32 : 0;

	g.past = &d->past[dict_hash(a) >> (64 - DICT_PAST_BITS)];
	last = g.past->last;
	before = g.past->before;
	g.first = &d->first[dict_hash(context + (before << 16) + last) >>
			    (64 - DICT_BITS)];
	g.second = &d->second[dict_hash(context + last) >> (64 - DICT_BITS)];
	return g;
}

dict_inline void dict_learn(const struct dict_guess *g, uint32_t number)
{
	*g->first = *g->second = (uint16_t)number;
	g->past->before = g->past->last;
	g->past->last = (uint16_t)number;
}

static void dict_begin(struct column_dict *d)
{
	memset(d->past, 0, sizeof(d->past));
	memset(d->first, 0, sizeof(d->first));
	memset(d->second, 0, sizeof(d->second));
}

/* Its number; ${nr}, the next one, if it has none. */
dict_inline uint32_t dict_number(struct column_dict *d, uint64_t v, uint32_t nr)
{
	uint32_t mask = (1u << d->slot_bits) - 1;
	uint32_t at = (uint32_t)(dict_hash(v) >> (64 - d->slot_bits));

	for (unsigned i = 0; i < DICT_PROBES; i++, at = (at + 1) & mask) {
		if (!d->slots[at]) {
			d->slots[at] = nr + 1;
			break;
		}
		if (d->values[d->slots[at] - 1] == v)
			return d->slots[at] - 1;
	}
	d->values[nr] = v;
	return nr;
}

dict_inline uint32_t dict_encode(struct column_dict *d, const uint64_t *a,
				 int apart, const uint64_t *v, uint32_t rows,
				 uint64_t *codes)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < rows; i++) {
		struct dict_guess g = dict_look(d, a[i], apart);
		uint32_t number = *g.first;

		if (nr && d->values[number] == v[i]) {
			codes[i] = DICT_FIRST;
		} else if (nr && d->values[*g.second] == v[i]) {
			number = *g.second;
			codes[i] = DICT_SECOND;
		} else {
			number = dict_number(d, v[i], nr);
			codes[i] =
				number == nr ? DICT_NEW : DICT_KNOWN + number;
			nr += number == nr;
		}
		dict_learn(&g, number);
	}
	return nr;
}

uint32_t column_dict_encode(struct column_dict *d, const uint64_t *a, int apart,
			    const uint64_t *v, uint32_t rows, uint64_t *codes)
{
	dict_begin(d);
	d->slot_bits = dict_slot_bits(rows);
	memset(d->slots, 0, sizeof(*d->slots) << d->slot_bits);
	return apart ? dict_encode(d, a, 1, v, rows, codes) :
		       dict_encode(d, a, 0, v, rows, codes);
}

dict_inline int dict_decode(struct column_dict *d, const uint64_t *a, int apart,
			    uint32_t nr, uint32_t rows, uint64_t *v)
{
	uint32_t known = 0;

	for (uint32_t i = 0; i < rows; i++) {
		struct dict_guess g = dict_look(d, a[i], apart);
		uint64_t number = v[i] - DICT_KNOWN;

		if (v[i] == DICT_FIRST)
			number = *g.first;
		else if (v[i] == DICT_SECOND)
			number = *g.second;
		else if (v[i] == DICT_NEW && known < nr)
			number = known++;
		if (number >= known)
			return -EBADMSG;
		v[i] = d->values[number];
		dict_learn(&g, (uint32_t)number);
	}
	return known == nr ? 0 : -EBADMSG;
}

int column_dict_decode(struct column_dict *d, const uint64_t *a, int apart,
		       uint32_t nr, uint32_t rows, uint64_t *v)
{
	dict_begin(d);
	return apart ? dict_decode(d, a, 1, nr, rows, v) :
		       dict_decode(d, a, 0, nr, rows, v);
}
