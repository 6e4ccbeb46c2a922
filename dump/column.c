/* SPDX-License-Identifier: GPL-2.0-or-later */
/* column.c - models, planes and exceptions of column.h. */
#include "dump/column.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump/column_dict.h"

#define TABLE_BITS  10
#define SAMPLE_ROWS 3072

/* Without it the loops below are not specialised by model. */
#define column_inline static inline __attribute__((always_inline))

struct column_work {
	uint32_t rows;
	struct column_dict *dict;
	uint64_t table[1 << TABLE_BITS];
	uint64_t rest[]; /* one per row */
};

struct column_state {
	uint64_t prev;
	uint64_t *table, *slot;
};

struct column_work *column_work_new(uint32_t rows)
{
	struct column_work *w;

	w = malloc(sizeof(*w) + rows * sizeof(w->rest[0]));
	if (!w)
		return NULL;
	w->rows = rows;
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

/* Part of the format: encoder and decoder must meet in the same slot. */
column_inline uint64_t *column_slot(uint64_t *table, uint64_t a, uint64_t b)
{
	uint64_t h = a * 0x9e3779b97f4a7c15ULL + b * 0xc2b2ae3d27d4eb4fULL;

	return &table[h >> (64 - TABLE_BITS)];
}

/* The prediction for a row; column_learn() follows with its true value. */
column_inline uint64_t column_guess(int pred, struct column_state *s,
				    const uint64_t *a, const uint64_t *b,
				    uint32_t i)
{
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
	default:
		return 0;
	}
}

column_inline void column_learn(int pred, struct column_state *s,
				const uint64_t *a, const uint64_t *b,
				uint32_t i, uint64_t v)
{
	switch (pred) {
	case COLUMN_END:
	case COLUMN_GAP:
		s->prev = v + a[i];
		break;
	case COLUMN_NEXT:
		*s->slot = v + (b[i] >> 63 ? 0 : b[i]);
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

static int column_uses_table(int pred)
{
	return pred >= COLUMN_LAST && pred <= COLUMN_AFTER_A;
}

static void column_begin(struct column_work *w, struct column_state *s,
			 int pred, uint64_t base)
{
	s->prev = base;
	s->table = s->slot = w->table;
	if (column_uses_table(pred))
		for (unsigned i = 0; i < 1 << TABLE_BITS; i++)
			w->table[i] = base;
}

/* One copy of the loop per model. */
#define COLUMN_EACH_PRED(do_)                                              \
	do_(COLUMN_NONE) do_(COLUMN_PREV) do_(COLUMN_SAME) do_(COLUMN_END) \
		do_(COLUMN_LAST) do_(COLUMN_LAST2) do_(COLUMN_NEXT)        \
			do_(COLUMN_AFTER) do_(COLUMN_AFTER_A) do_(COLUMN_GAP)

column_inline void column_rest_of(int pred, struct column_state s,
				  const struct column_model *m,
				  const uint64_t *v, uint32_t rows,
				  uint64_t *rest)
{
	const uint64_t *a = m->a, *b = m->b;

	for (uint32_t i = 0; i < rows; i++) {
		rest[i] = v[i] - column_guess(pred, &s, a, b, i);
		column_learn(pred, &s, a, b, i, v[i]);
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

column_inline void column_restore_of(int pred, struct column_state s,
				     const uint64_t *a, const uint64_t *b,
				     uint32_t rows, uint64_t *v)
{
	for (uint32_t i = 0; i < rows; i++) {
		v[i] += column_guess(pred, &s, a, b, i);
		column_learn(pred, &s, a, b, i, v[i]);
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

column_inline uint64_t column_zigzag(uint64_t rest)
{
	return rest << 1 ^ (uint64_t)((int64_t)rest >> 63);
}

column_inline uint64_t column_unzigzag(uint64_t z)
{
	return z >> 1 ^ -(z & 1);
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

static int column_is_dict(int pred)
{
	return pred == COLUMN_DICT || pred == COLUMN_DICT_A;
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

static uint64_t column_try(struct column_work *w, const struct column_model *m,
			   const uint64_t *v, uint32_t rows)
{
	if (column_is_dict(m->pred)) {
		uint32_t nr = column_dict_of(w, m, v, rows);

		return column_cost(w->rest, rows) +
		       column_cost(column_dict_values(w->dict), nr);
	}
	column_rest(w, m, v, rows, column_base(m, v));
	column_zigzag_all(w->rest, rows, column_step(w->rest, rows));
	return column_cost(w->rest, rows);
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

/* NULL: no whole varint of at most 64 bits before ${end}. */
static const uint8_t *column_get_varint(const uint8_t *in, const uint8_t *end,
					uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64 && in < end; shift += 7) {
		uint8_t byte = *in++;

		if (shift == 63 && byte > 1)
			return NULL;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = v;
			return in;
		}
	}
	return NULL;
}

static int column_get_exceptions(const struct column_code *c, const uint8_t *in,
				 const uint8_t *end, uint32_t rows, uint64_t *v)
{
	uint64_t gap, high, row = 0;

	for (uint32_t i = 0; i < c->exceptions; i++) {
		in = column_get_varint(in, end, &gap);
		if (in)
			in = column_get_varint(in, end, &high);
		if (!in || gap >= rows || row + gap >= rows || (i && !gap) ||
		    !high)
			return -EBADMSG;
		row += gap;
		if (high << (8 * c->planes) >> (8 * c->planes) != high)
			return -EBADMSG;
		v[row] |= high << (8 * c->planes);
	}
	return in == end ? 0 : -EBADMSG;
}

static void column_get_planes(const uint8_t *in, unsigned planes, uint32_t rows,
			      uint64_t *v)
{
	memset(v, 0, rows * sizeof(*v));
	for (unsigned k = 0; k < planes; k++, in += rows)
		for (uint32_t i = 0; i < rows; i++)
			v[i] |= (uint64_t)in[i] << (8 * k);
}

/* Planes and exceptions, which end at ${end}. */
static int column_get_numbers(const struct column_code *c, const uint8_t *in,
			      const uint8_t *end, uint32_t rows, uint64_t *v)
{
	column_get_planes(in, c->planes, rows, v);
	in += (size_t)c->planes * rows;
	return c->planes < 8 ? column_get_exceptions(c, in, end, rows, v) : 0;
}

static int column_needs_a(int pred)
{
	return pred >= COLUMN_SAME && pred != COLUMN_AFTER;
}

/* Bytes of the values of a dictionary. */
static uint64_t column_value_bytes(const struct column_code *c)
{
	return column_is_dict(c->pred) ? c->base * c->step : 0;
}

static int column_check(const struct column_work *w,
			const struct column_code *c, const uint64_t *a,
			const uint64_t *b, uint32_t rows)
{
	int needs_b = c->pred == COLUMN_LAST2 || c->pred == COLUMN_NEXT;
	uint64_t plane_bytes = (uint64_t)c->planes * rows;

	if (rows > w->rows || c->pred >= COLUMN_NR_PREDS || c->planes > 8 ||
	    c->exceptions > rows || (column_needs_a(c->pred) && !a) ||
	    (needs_b && !b))
		return -EBADMSG;
	if (column_is_dict(c->pred) && (c->base > 8 || c->step > rows))
		return -EBADMSG;
	plane_bytes += column_value_bytes(c);
	if (c->bytes < plane_bytes)
		return -EBADMSG;
	/* whole planes leave nothing to patch */
	if (c->planes == 8 && (c->exceptions || c->bytes != plane_bytes))
		return -EBADMSG;
	return 0;
}

static int column_decode_dict(struct column_work *w,
			      const struct column_code *c, const uint8_t *in,
			      const uint64_t *a, uint32_t rows, uint64_t *v)
{
	const uint8_t *values_at = in + c->bytes - column_value_bytes(c);
	uint64_t *values = column_dict_values(w->dict);
	uint32_t nr = (uint32_t)c->step;
	uint64_t prev = 0;
	int err;

	err = column_get_numbers(c, in, values_at, rows, v);
	if (err)
		return err;
	column_get_planes(values_at, (unsigned)c->base, nr, values);
	for (uint32_t i = 0; i < nr; i++)
		values[i] = prev += column_unzigzag(values[i]);
	return column_dict_decode(w->dict, a, c->pred == COLUMN_DICT_A, nr,
				  rows, v);
}

static int column_decode_guessed(struct column_work *w,
				 const struct column_code *c, const uint8_t *in,
				 const uint64_t *a, const uint64_t *b,
				 uint32_t rows, uint64_t *v)
{
	struct column_state s;
	int err = column_get_numbers(c, in, in + c->bytes, rows, v);

	if (err)
		return err;
	for (uint32_t i = 0; i < rows; i++)
		v[i] = column_unzigzag(v[i]) + c->step;
	column_begin(w, &s, c->pred, c->base);
	switch (c->pred) {
#define COLUMN_CASE(p)                                  \
	case p:                                         \
		column_restore_of(p, s, a, b, rows, v); \
		break;
		COLUMN_EACH_PRED(COLUMN_CASE)
#undef COLUMN_CASE
	}
	return 0;
}

int column_decode(struct column_work *w, const struct column_code *c,
		  const uint8_t *in, const uint64_t *a, const uint64_t *b,
		  uint32_t rows, uint64_t *v)
{
	int err = column_check(w, c, a, b, rows);

	if (err)
		return err;
	if (column_is_dict(c->pred))
		return column_decode_dict(w, c, in, a, rows, v);
	return column_decode_guessed(w, c, in, a, b, rows, v);
}
