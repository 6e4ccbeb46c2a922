/* SPDX-License-Identifier: GPL-2.0-or-later */
/* row_pack.c - packs what changed in a table of rows into records. */
#include <string.h>

#include "dump/schema.h"
#include "recorder/row_table_impl.h"
#include "recorder/sampler.h"

/* Mask of a packed row; field n is bit n + 1. */
#define ROW_GONE  1ULL
#define ROW_WHOLE 2ULL

#define VARINT_MAX 10

/* Packed rows on their way into a record. */
struct row_pack {
	struct row_table *table;
	struct sample_writer *w;
	const struct sample_round *r;
	uint64_t next; /* of the lane */
	uint64_t key;  /* of the row before */
	unsigned count, records;
	size_t len;
	bool full, good;
	uint8_t packed[SAMPLER_PACK_MAX + 1];
};

static size_t put_varint(uint8_t *p, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		p[n++] = (uint8_t)(v | 0x80);
	p[n++] = (uint8_t)v;
	return n;
}

static void flush(struct row_pack *p)
{
	struct fr_rows rec = { .ts = p->r->ts,
			       .tick = p->r->tick,
			       .collector = p->r->collector,
			       .full = p->full,
			       .row_type = p->table->schema->type,
			       .count = (uint16_t)p->count };

	p->good &= sample_write_record(p->w, FR_T_rows, (unsigned)p->len, &rec,
				       sizeof(rec), p->packed, p->len);
	p->records++;
	p->w->values += p->count;
	p->w->bytes += p->len;
	p->len = p->count = 0;
	p->key = 0;
}

/* The bits of a field, sign-extended from its width: what was not captured, all
 * bits one, takes one byte. */
static int64_t field_value(const struct fr_field *f, const uint8_t *rec)
{
	uint64_t v = 0;
	unsigned shift = 64 - 8 * f->width;

	memcpy(&v, rec + f->offset, f->width);
	return (int64_t)(v << shift) >> shift;
}

static size_t put_text(uint8_t *p, const char *text, size_t len)
{
	size_t n = put_varint(p, len);

	memcpy(p + n, text, len);
	return n + len;
}

static size_t put_field(uint8_t *p, const struct fr_field *f,
			const uint8_t *rec)
{
	const char *text = (const char *)rec + f->offset;
	int64_t v;

	if (f->is_chars)
		return put_text(p, text, strnlen(text, f->width));
	v = field_value(f, rec);
	return put_varint(p, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

/* The longest that a row of this type can be. */
static size_t row_bound(const struct fr_schema *s, size_t text)
{
	size_t n = 2 * VARINT_MAX + (s->tail_name ? VARINT_MAX + text : 0);

	for (unsigned i = 1; i < s->nr_fields; i++)
		n += VARINT_MAX +
		     (s->fields[i].is_chars ? s->fields[i].width : 0);
	return n;
}

static uint64_t changed_fields(const struct row_table *t, unsigned row)
{
	const struct row_item *it = &t->items[row];
	const struct fr_schema *s = t->schema;
	const uint8_t *now = row_table_copy(t, row, ROW_NOW);
	const uint8_t *known = row_table_copy(t, row, ROW_WRITTEN);
	uint64_t mask = 0;

	for (unsigned i = 1; i < s->nr_fields; i++)
		if (memcmp(now + s->fields[i].offset,
			   known + s->fields[i].offset, s->fields[i].width))
			mask |= 1ULL << (i + 1);
	if (s->tail_name &&
	    (it->text_len != it->written_len ||
	     memcmp(it->text ? it->text : "",
		    it->written_text ? it->written_text : "", it->text_len)))
		mask |= 1ULL << (s->nr_fields + 1);
	return mask;
}

static void pack(struct row_pack *p, unsigned row, uint64_t mask)
{
	const struct fr_schema *s = p->table->schema;
	const struct row_item *it = &p->table->items[row];
	const uint8_t *now = row_table_copy(p->table, row, ROW_NOW);
	uint8_t *at;

	if (p->len + row_bound(s, it->text_len) > SAMPLER_PACK_MAX)
		flush(p);
	at = p->packed + p->len;
	at += put_varint(at, it->key - p->key);
	at += put_varint(at, mask);
	for (unsigned i = 1; i < s->nr_fields; i++)
		if (mask >> (i + 1) & 1)
			at += put_field(at, &s->fields[i], now);
	if (mask >> (s->nr_fields + 1) & 1)
		at += put_text(at, it->text_len ? it->text : "", it->text_len);
	p->key = it->key;
	p->len = (size_t)(at - p->packed);
	p->count++;
}

/* Readers know it as it is now. */
static void remember(struct row_table *t, unsigned row)
{
	struct row_item *it = &t->items[row];
	char *text = it->written_text;

	memcpy(row_table_copy(t, row, ROW_WRITTEN),
	       row_table_copy(t, row, ROW_NOW), t->schema->bytes);
	it->written = true;
	if (it->text_len == it->written_len &&
	    (!it->text_len || !memcmp(it->text, text, it->text_len)))
		return;
	/* The two change places: the other one is set anew each time. */
	it->written_text = it->text;
	it->written_len = it->text_len;
	it->text = NULL;
	if (row_table_set_text(t, row, it->written_text, it->written_len))
		it->text_len = 0;
}

/* Whole rows spread over an eighth of the lane, lest all are written at once. */
static bool is_old(const struct row_pack *p, const struct row_item *it)
{
	const struct fr_lane *lane =
		&ring_user_head(p->w->ring)->lanes[FR_LANE_SAMPLE];
	uint64_t spread = lane->nr / 8 * (it->key % 64) / 64;

	return p->next - it->ordinal > lane->nr / 2 - spread;
}

static uint64_t all_fields(const struct fr_schema *s)
{
	/* without the key, which is field 0 */
	return (1ULL << (s->nr_fields + 1 + (s->tail_name != NULL))) - 4;
}

static void write_row(struct row_pack *p, unsigned row)
{
	struct row_table *t = p->table;
	struct row_item *it = &t->items[row];
	uint64_t mask = 0;

	if (it->reborn)
		pack(p, row, ROW_GONE);
	it->written &= !it->reborn;
	it->reborn = false;
	if (it->written ? p->full || is_old(p, it) : it->chosen) {
		mask = ROW_WHOLE | all_fields(t->schema);
		it->ordinal = p->next;
	} else if (it->chosen) {
		mask = changed_fields(t, row);
	}
	if (!mask)
		return;
	pack(p, row, mask);
	remember(t, row);
}

/* What was not touched in this round is gone. */
static void write_gone(struct row_pack *p)
{
	struct row_table *t = p->table;

	for (unsigned row = 0; row < t->size; row++) {
		if (!t->items[row].used || t->items[row].round == t->round)
			continue;
		if (t->items[row].written && !p->full)
			pack(p, row, ROW_GONE);
		row_table_drop(t, row);
	}
}

void row_table_write(struct row_table *t, struct sample_writer *w,
		     const struct sample_round *r)
{
	struct row_pack p = { .table = t, .w = w, .r = r, .good = true };

	p.full = t->want_full;
	if (w->ring)
		/* Only an estimate of age: pairs with the writers' fetch-and-add. */
		p.next = __atomic_load_n(
			&ring_user_head(w->ring)->lanes[FR_LANE_SAMPLE].next,
			__ATOMIC_RELAXED);
	for (unsigned i = 0; w->ring && i < t->nr; i++)
		write_row(&p, t->order[i]);
	write_gone(&p);
	/* A full set that is empty says that everything is gone. */
	if (p.count || (p.full && w->ring && !p.records))
		flush(&p);
	t->want_full = !p.good;
}
