/* SPDX-License-Identifier: GPL-2.0-or-later */
/* anonymize_rows.c - the texts within packed rows (flightrec-sampler(7)): they are
 * taken apart and put together again, the numbers as they are. */
#include <string.h>

#include "dump/anonymize_impl.h"

#define CHARS_MAX  64
#define FIELDS_MAX 60

struct repack {
	const struct anonymizer *a;
	const struct fr_schema *s;
	const uint8_t *p, *end;
	uint8_t *out;
};

/* LEB128; false: cut or longer than 64 bits. */
static bool get_varint(struct repack *r, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned shift = 0; r->p < r->end && shift < 64; shift += 7) {
		uint8_t byte = *r->p++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*ret = value;
			return true;
		}
	}
	return false;
}

static void put_varint(struct repack *r, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*r->out++ = (uint8_t)(v | 0x80);
	*r->out++ = (uint8_t)v;
}

static bool copy_varint(struct repack *r, uint64_t *ret)
{
	if (!get_varint(r, ret))
		return false;
	put_varint(r, *ret);
	return true;
}

static bool get_text(struct repack *r, const char **ret, size_t *ret_len)
{
	uint64_t len;

	if (!get_varint(r, &len) || len > (uint64_t)(r->end - r->p))
		return false;
	*ret = (const char *)r->p;
	*ret_len = (size_t)len;
	r->p += len;
	return true;
}

static void put_text(struct repack *r, const char *text, size_t len)
{
	put_varint(r, len);
	memcpy(r->out, text, len);
	r->out += len;
}

/* A name in its field: as many digits as fit in front of a NUL. */
static bool hide_chars(struct repack *r, const struct fr_field *f)
{
	struct anonymize_row none = { 0 };
	char hidden[CHARS_MAX];
	const char *text;
	size_t len;

	if (!get_text(r, &text, &len) || len > f->width)
		return false;
	anonymize_field(r->a, f, &none, hidden, text, len);
	put_text(r, hidden, strnlen(hidden, f->width));
	return true;
}

static bool hide_tail(struct repack *r)
{
	char hidden[ANONYMIZE_BOUND(4096)];
	const char *text;
	size_t len;

	if (!get_text(r, &text, &len) || len > 4096)
		return false;
	len = anonymize_text(r->a, hidden, text, len);
	put_text(r, hidden, len);
	return true;
}

static bool hide_row(struct repack *r)
{
	const struct fr_schema *s = r->s;
	uint64_t step, mask, v;

	if (!copy_varint(r, &step) || !copy_varint(r, &mask))
		return false;
	for (unsigned i = 1; i < s->nr_fields; i++) {
		const struct fr_field *f = &s->fields[i];

		if (!(mask >> (i + 1) & 1))
			continue;
		if (f->is_chars) {
			if (!hide_chars(r, f))
				return false;
		} else if (!copy_varint(r, &v)) {
			return false;
		}
	}
	return !(mask >> (s->nr_fields + 1) & 1) || hide_tail(r);
}

static bool type_fits(const struct fr_schema *s)
{
	if (!s || s->nr_fields < 1 || s->nr_fields > FIELDS_MAX)
		return false;
	for (unsigned i = 0; i < s->nr_fields; i++)
		if (s->fields[i].is_chars && s->fields[i].width > CHARS_MAX)
			return false;
	return true;
}

size_t anonymize_rows(const struct anonymizer *a,
		      const struct anonymize_row *row, char *dst,
		      const char *src, size_t len)
{
	struct repack r = { .a = a,
			    .s = fr_schema_by_type((unsigned)row->row_type),
			    .p = (const uint8_t *)src,
			    .end = (const uint8_t *)src + len,
			    .out = (uint8_t *)dst };
	uint8_t *whole = r.out;

	if (!type_fits(r.s))
		return 0;
	/* of what makes no sense nothing is kept */
	while (r.p < r.end && hide_row(&r))
		whole = r.out;
	return (size_t)(whole - (uint8_t *)dst);
}
