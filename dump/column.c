/* SPDX-License-Identifier: GPL-2.0-or-later */
/* column.c - models, planes and exceptions of column.h: the encoder. */
#include "dump/column.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump/column_impl.h"
#include "dump/column_quantum.h"

#define SAMPLE_ROWS 3072
/* Most clocks have no step: do not look for it in each block. */
#define LOOKS_MAX   3

struct column_work *column_work_new(uint32_t rows)
{
	struct column_work *w;

	w = malloc(sizeof(*w) + rows * sizeof(w->rest[0]));
	if (!w)
		return NULL;
	w->rows = rows;
	w->looks = 0;
	w->quantum = 0;
	w->dict = column_dict_new(rows);
	if (!w->dict) {
		free(w);
		return NULL;
	}
	return w;
}

void column_work_free(struct column_work *w)
{
	if (w)
		column_dict_free(w->dict);
	free(w);
}

column_inline void column_rest_of(int pred, struct column_state s,
				  const struct column_model *m,
				  const uint64_t *v, uint32_t rows,
				  uint64_t *rest)
{
	const struct column_refs refs = { m->a, m->b, m->c };

	for (uint32_t i = 0; i < rows; i++) {
		rest[i] = v[i] - column_guess(pred, &s, &refs, i);
		column_learn(pred, &s, &refs, i, v[i]);
	}
}

static void column_rest(struct column_work *w, const struct column_model *m,
			const uint64_t *v, uint32_t rows, uint64_t base)
{
	struct column_state s;

	column_begin(w, &s, m->pred, base);
	switch (m->pred) {
#define COLUMN_CASE(p)                                     \
	case p:                                            \
		column_rest_of(p, s, m, v, rows, w->rest); \
		break;
		COLUMN_EACH_PRED(COLUMN_CASE)
#undef COLUMN_CASE
	}
}

/* The base that spares the first row its rest. */
static uint64_t column_base(const struct column_model *m, const uint64_t *v)
{
	if (m->pred == COLUMN_NONE || m->pred == COLUMN_SAME)
		return 0;
	return m->pred == COLUMN_END ? v[0] + m->a[0] : v[0];
}

/* Boyer and Moore's vote: the majority if there is one, else some frequent
 * value. */
static uint64_t column_vote(const uint64_t *rest, uint32_t from, uint32_t rows)
{
	uint64_t candidate = 0;
	uint32_t votes = 0;

	for (uint32_t i = from; i < rows; i++) {
		if (!votes)
			candidate = rest[i];
		if (candidate == rest[i])
			votes++;
		else
			votes--;
	}
	return candidate;
}

/* The first row of a chosen base rests on nothing: it must not outvote. */
static uint64_t column_step(const uint64_t *rest, uint32_t rows)
{
	uint32_t n = rows < SAMPLE_ROWS ? rows : SAMPLE_ROWS;

	return column_vote(rest, n > 1 ? 1 : 0, n);
}

static void column_zigzag_all(uint64_t *rest, uint32_t rows, uint64_t step)
{
	for (uint32_t i = 0; i < rows; i++)
		rest[i] = column_zigzag(rest[i] - step);
}

/* Distances of the values from one to the next. */
static void column_dict_rest(struct column_work *w, uint32_t nr)
{
	uint64_t *values = column_dict_values(w->dict);
	uint64_t prev = 0;

	for (uint32_t i = 0; i < nr; i++) {
		uint64_t v = values[i];

		values[i] = column_zigzag(v - prev);
		prev = v;
	}
}

/* The codes in w->rest, the values as rests.  Returns their number. */
static uint32_t column_dict_of(struct column_work *w,
			       const struct column_model *m, const uint64_t *v,
			       uint32_t rows)
{
	uint32_t nr = column_dict_encode(
		w->dict, m->a, m->pred == COLUMN_DICT_A, v, rows, w->rest);

	column_dict_rest(w, nr);
	return nr;
}

/* Bits of all numbers, a few more for each that is not zero. */
static uint64_t column_cost(const uint64_t *z, uint32_t rows)
{
	uint64_t bits = 0;

	for (uint32_t i = 0; i < rows; i++)
		if (z[i])
			bits += 68 - (unsigned)__builtin_clzll(z[i]);
	return bits;
}

/* Rests in steps of the clock, in w->rest.  0, or -ERANGE: cannot be. */
static int column_clock(struct column_work *w, const struct column_model *m,
			const uint64_t *v, uint32_t rows, uint64_t *ret_usual)
{
	if (!w->quantum)
		return -ERANGE;
	column_rest(w, m, v, rows, 0);
	*ret_usual =
		column_quantum_steps(column_step(w->rest, rows), w->quantum);
	return column_quantum_pack(w->rest, rows, w->quantum, *ret_usual);
}

static uint64_t column_try(struct column_work *w, const struct column_model *m,
			   const uint64_t *v, uint32_t rows)
{
	uint64_t bits = 0, usual;

	if (m->clock) {
		if (column_clock(w, m, v, rows, &usual))
			return UINT64_MAX;
	} else if (column_is_dict(m->pred)) {
		uint32_t nr = column_dict_of(w, m, v, rows);

		bits = column_cost(column_dict_values(w->dict), nr);
	} else {
		column_rest(w, m, v, rows, column_base(m, v));
		column_zigzag_all(w->rest, rows, column_step(w->rest, rows));
	}
	return bits + column_cost(w->rest, rows);
}

unsigned column_choose(struct column_work *w, const struct column_model *models,
		       unsigned nr, const uint64_t *v, uint32_t rows)
{
	uint32_t n = rows < SAMPLE_ROWS ? rows : SAMPLE_ROWS;
	uint32_t from = (rows - n) / 2;
	uint64_t best = UINT64_MAX;
	unsigned chosen = 0;

	for (unsigned i = 0; rows && i < nr; i++) {
		struct column_model m = models[i];
		uint64_t cost;

		m.a = m.a ? m.a + from : NULL;
		m.b = m.b ? m.b + from : NULL;
		m.c = m.c ? m.c + from : NULL;
		cost = column_try(w, &m, v + from, n);
		if (cost < best) {
			best = cost;
			chosen = i;
		}
	}
	return chosen;
}

static unsigned column_bytes_of(uint64_t z)
{
	return z ? (71 - (unsigned)__builtin_clzll(z)) / 8 : 0;
}

/* *ret_lengths: how many numbers need 0..8 bytes. */
static void column_measure(const uint64_t *z, uint32_t rows,
			   uint32_t ret_lengths[9])
{
	uint32_t lengths[2][9] = { { 0 } };

	for (uint32_t i = 0; i < rows; i++)
		lengths[i & 1][column_bytes_of(z[i])]++;
	for (unsigned i = 0; i < 9; i++)
		ret_lengths[i] = lengths[0][i] + lengths[1][i];
}

/* An exception costs its place and what the planes do not hold, and a plane of
 * little else than zeros next to nothing once compressed: hence the weights. */
static unsigned column_planes(const uint32_t lengths[9], uint32_t rows)
{
	uint64_t best = UINT64_MAX;
	unsigned chosen = 8;

	for (unsigned k = 0; k <= 8; k++) {
		uint64_t cost = (uint64_t)k * rows;

		for (unsigned len = k + 1; len <= 8; len++)
			cost += (uint64_t)lengths[len] * (2 + (len - k)) * 2;
		if (cost < best) {
			best = cost;
			chosen = k;
		}
	}
	return chosen;
}

static uint8_t *column_put_varint(uint8_t *out, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*out++ = (uint8_t)(v | 0x80);
	*out++ = (uint8_t)v;
	return out;
}

static uint8_t *column_put_plane(uint8_t *out, const uint64_t *rest,
				 uint32_t rows, unsigned plane)
{
	for (uint32_t i = 0; i < rows; i++)
		out[i] = (uint8_t)(rest[i] >> (8 * plane));
	return out + rows;
}

/* Rows that need more than the planes: gap to the exception before, high part. */
static uint8_t *column_put_exceptions(uint8_t *out, const uint64_t *rest,
				      uint32_t rows, unsigned planes,
				      uint32_t *ret_nr)
{
	uint32_t nr = 0, last = 0;

	for (uint32_t i = 0; planes < 8 && i < rows; i++) {
		uint64_t high = rest[i] >> (8 * planes);

		if (!high)
			continue;
		out = column_put_varint(out, i - last);
		out = column_put_varint(out, high);
		last = i;
		nr++;
	}
	*ret_nr = nr;
	return out;
}

/* All values in as many planes as the longest needs. */
static uint8_t *column_put_values(struct column_work *w, uint8_t *out,
				  struct column_code *ret)
{
	const uint64_t *values = column_dict_values(w->dict);
	uint32_t nr = (uint32_t)ret->step;
	uint64_t all = 0;

	for (uint32_t i = 0; i < nr; i++)
		all |= values[i];
	ret->base = column_bytes_of(all);
	for (unsigned k = 0; k < ret->base; k++)
		out = column_put_plane(out, values, nr, k);
	return out;
}

/* Numbers to store, in w->rest; base and step of *ret. */
static void column_code_rows(struct column_work *w,
			     const struct column_model *m, const uint64_t *v,
			     uint32_t rows, struct column_code *ret)
{
	if (column_is_dict(m->pred)) {
		ret->step = column_dict_of(w, m, v, rows);
		return;
	}
	if (m->clock && !column_clock(w, m, v, rows, &ret->base)) {
		ret->pred |= COLUMN_CLOCK;
		ret->step = w->quantum;
		return;
	}
	ret->base = column_base(m, v);
	column_rest(w, m, v, rows, ret->base);
	ret->step = column_step(w->rest, rows);
	if (m->pred == COLUMN_PREV || m->pred == COLUMN_END ||
	    m->pred == COLUMN_GAP) {
		ret->base -= ret->step; /* no rest in the first row, either */
		w->rest[0] = ret->step;
	}
	column_zigzag_all(w->rest, rows, ret->step);
}

size_t column_encode(struct column_work *w, const struct column_model *m,
		     const uint64_t *v, uint32_t rows, uint8_t *out,
		     struct column_code *ret)
{
	uint32_t lengths[9];
	uint8_t *end = out;

	memset(ret, 0, sizeof(*ret));
	ret->pred = m->pred;
	if (!rows)
		return 0;
	column_code_rows(w, m, v, rows, ret);
	column_measure(w->rest, rows, lengths);
	if (lengths[0] == rows)
		return 0;
	ret->planes = (uint8_t)column_planes(lengths, rows);
	for (unsigned k = 0; k < ret->planes; k++)
		end = column_put_plane(end, w->rest, rows, k);
	end = column_put_exceptions(end, w->rest, rows, ret->planes,
				    &ret->exceptions);
	if (column_is_dict(m->pred))
		end = column_put_values(w, end, ret);
	ret->bytes = (uint32_t)(end - out);
	return ret->bytes;
}

void column_look(struct column_work *w, const uint64_t *durations, uint32_t nr)
{
	if (w->quantum || w->looks == LOOKS_MAX)
		return;
	w->looks++;
	w->quantum = column_quantum_find(durations, nr);
}
