/* SPDX-License-Identifier: GPL-2.0-or-later */
/* column_decode.c - bytes of column.h back to values. */
#include <errno.h>
#include <string.h>

#include "dump/column_impl.h"
#include "dump/column_quantum.h"

column_inline void column_restore_of(int pred, struct column_state s,
				     const struct column_refs *refs,
				     uint32_t rows, uint64_t *v)
{
	for (uint32_t i = 0; i < rows; i++) {
		v[i] += column_guess(pred, &s, refs, i);
		column_learn(pred, &s, refs, i, v[i]);
	}
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
			const struct column_code *c,
			const struct column_refs *refs, uint32_t rows)
{
	int pred = c->pred & ~COLUMN_CLOCK;
	int needs_c = pred == COLUMN_SEEK || pred == COLUMN_EITHER;
	int needs_b = pred == COLUMN_LAST2 || pred == COLUMN_NEXT || needs_c;
	uint64_t plane_bytes = (uint64_t)c->planes * rows;

	if (rows > w->rows || pred >= COLUMN_NR_PREDS || c->planes > 8 ||
	    c->exceptions > rows || (column_needs_a(pred) && !refs->a) ||
	    (needs_b && !refs->b) || (needs_c && !refs->c))
		return -EBADMSG;
	if (column_is_dict(pred) &&
	    (c->pred != pred || c->base > 8 || c->step > rows))
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
				 const struct column_refs *refs, uint32_t rows,
				 uint64_t *v)
{
	int pred = c->pred & ~COLUMN_CLOCK;
	struct column_state s;
	int err = column_get_numbers(c, in, in + c->bytes, rows, v);

	if (err)
		return err;
	if (c->pred & COLUMN_CLOCK)
		column_quantum_unpack(v, rows, c->step, c->base);
	else
		for (uint32_t i = 0; i < rows; i++)
			v[i] = column_unzigzag(v[i]) + c->step;
	column_begin(w, &s, pred, c->pred == pred ? c->base : 0);
	switch (pred) {
#define COLUMN_CASE(p)                                  \
	case p:                                         \
		column_restore_of(p, s, refs, rows, v); \
		break;
		COLUMN_EACH_PRED(COLUMN_CASE)
#undef COLUMN_CASE
	}
	return 0;
}

int column_decode(struct column_work *w, const struct column_code *c,
		  const uint8_t *in, const uint64_t *const refs[3],
		  uint32_t rows, uint64_t *v)
{
	const struct column_refs r = { refs[0], refs[1], refs[2] };
	int err = column_check(w, c, &r, rows);

	if (err)
		return err;
	if (column_is_dict(c->pred))
		return column_decode_dict(w, c, in, r.a, rows, v);
	return column_decode_guessed(w, c, in, &r, rows, v);
}
