/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot_block.c - columns of a block, checked and decoded. */
#include "dump/snapshot_block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump/snapshot_format.h"

#define BLOCK_BUILT_IN 6u /* ts, seq, lane, cpu, aux, tail */
#define BLOCK_TAIL     5u

struct block_slot {  /* a column of the schema or a built-in one */
	uint64_t *v; /* room for its values */
	int decoded;
	const uint8_t *text; /* in raw; NULL: none */
	uint32_t text_bytes;
	uint32_t *end;
	unsigned max_len; /* of a text */
};

struct block {                 /* what snap_free_block() frees */
	struct snap_block pub; /* first */
	const struct fr_schema *schema;
	uint8_t *raw;
	void *memory;
	unsigned nr_slots;
	struct block_slot *slots;
};

static int block_has_slot(const struct fr_schema *s, unsigned slot)
{
	return slot != s->nr_fields + BLOCK_TAIL || s->tail_name;
}

static int block_is_text(const struct fr_schema *s, unsigned slot)
{
	if (slot < s->nr_fields)
		return s->fields[slot].is_chars;
	return slot == s->nr_fields + BLOCK_TAIL;
}

/* NULL: an id that this reader or this schema does not know. */
static struct block_slot *block_slot(struct block *b, unsigned id)
{
	unsigned slot = id;

	if (id >= SNAP_COL_TS)
		slot = id - SNAP_COL_TS + b->schema->nr_fields;
	else if (id >= b->schema->nr_fields)
		return NULL;
	if (slot >= b->nr_slots || !block_has_slot(b->schema, slot))
		return NULL;
	return &b->slots[slot];
}

/* All memory of a block in one piece, cut up in the order of alignment. */
static int block_alloc(struct block *b, uint32_t rows)
{
	unsigned nr = b->nr_slots, fields = b->schema->nr_fields;
	size_t row_bytes = nr * (sizeof(uint64_t) + sizeof(uint32_t)) + 1 + 4;
	uint8_t *at;

	at = malloc(nr * sizeof(struct block_slot) +
		    fields * sizeof(struct snap_column) + 1 + rows * row_bytes);
	if (!at)
		return -ENOMEM;
	b->memory = at;
	b->slots = (struct block_slot *)(void *)at;
	memset(b->slots, 0, nr * sizeof(struct block_slot));
	at += nr * sizeof(struct block_slot);
	b->pub.columns = (struct snap_column *)(void *)at;
	memset(at, 0, fields * sizeof(struct snap_column));
	at += fields * sizeof(struct snap_column);
	for (unsigned i = 0; i < nr; i++, at += rows * sizeof(uint64_t))
		b->slots[i].v = (uint64_t *)(void *)at;
	for (unsigned i = 0; i < nr; i++, at += rows * sizeof(uint32_t))
		b->slots[i].end = (uint32_t *)(void *)at;
	b->pub.cpu = (uint16_t *)(void *)at;
	at += rows * sizeof(uint16_t);
	b->pub.aux = (uint16_t *)(void *)at;
	at += rows * sizeof(uint16_t);
	b->pub.lane = at;
	return 0;
}

static const uint64_t *block_reference(struct block *b, unsigned id)
{
	struct block_slot *slot = block_slot(b, id);

	return slot && slot->decoded ? slot->v : NULL;
}

static int block_get_text(struct block *b, const struct snap_column_head *c,
			  const uint8_t *in)
{
	struct block_slot *slot =
		block_slot(b, c->id & ~(unsigned)SNAP_COL_TEXT);

	if (!slot)
		return 0;
	if (slot->text ||
	    !block_is_text(b->schema, (unsigned)(slot - b->slots)))
		return -EBADMSG;
	slot->text = in;
	slot->text_bytes = c->bytes;
	return 0;
}

static int block_get_column(struct block *b, struct column_work *w,
			    const struct snap_column_head *c, const uint8_t *in,
			    uint32_t rows)
{
	const struct column_code code = {
		.pred = c->pred,
		.planes = c->planes,
		.exceptions = c->exceptions,
		.bytes = c->bytes,
		.base = c->base,
		.step = c->step,
	};
	const uint64_t *const refs[3] = {
		block_reference(b, c->a),
		block_reference(b, c->b),
		block_reference(b, c->c),
	};
	struct block_slot *slot;
	int err;

	if (c->id & SNAP_COL_TEXT)
		return block_get_text(b, c, in);
	slot = block_slot(b, c->id);
	if (!slot)
		return 0;
	if (slot->decoded)
		return -EBADMSG;
	err = column_decode(w, &code, in, refs, rows, slot->v);
	slot->decoded = !err;
	return err;
}

static int block_get_columns(struct block *b, struct column_work *w, size_t len,
			     uint32_t rows)
{
	uint64_t nr = len < SNAP_BLOCK_HEAD_BYTES ? UINT64_MAX :
						    snap_get_int(b->raw, 4);
	size_t at;
	int err = 0;

	if (nr > SNAP_COLUMNS_MAX ||
	    len < SNAP_BLOCK_HEAD_BYTES + nr * SNAP_COLUMN_BYTES)
		return -EBADMSG;
	at = SNAP_BLOCK_HEAD_BYTES + nr * SNAP_COLUMN_BYTES;
	for (unsigned i = 0; !err && i < nr; i++) {
		struct snap_column_head c;

		snap_column_get(b->raw + SNAP_BLOCK_HEAD_BYTES +
					i * SNAP_COLUMN_BYTES,
				&c);
		if (c.bytes > len - at)
			return -EBADMSG;
		err = block_get_column(b, w, &c, b->raw + at, rows);
		at += c.bytes;
	}
	return !err && at != len ? -EBADMSG : err;
}

/* Do all values fit their width?  Exporters rely on it. */
static int block_fits(const uint64_t *v, uint32_t rows, unsigned bits,
		      int is_signed)
{
	uint64_t bias = is_signed && bits < 64 ? 1ULL << (bits - 1) : 0;
	uint64_t high = 0;

	if (bits >= 64)
		return 1;
	for (uint32_t i = 0; i < rows; i++)
		high |= (v[i] + bias) >> bits;
	return !high;
}

/* Lengths to ends. */
static int block_finish_text(struct block_slot *slot, uint32_t rows)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < rows; i++) {
		if (slot->v[i] > slot->max_len)
			return -EBADMSG;
		sum += slot->v[i];
		if (sum > slot->text_bytes)
			return -EBADMSG;
		slot->end[i] = (uint32_t)sum;
	}
	return sum == slot->text_bytes ? 0 : -EBADMSG;
}

static unsigned block_built_in_bits(unsigned built_in)
{
	static const uint8_t bits[BLOCK_BUILT_IN] = { 64, 40, 8, 16, 16, 32 };

	return bits[built_in];
}

static int block_check(struct block *b, uint32_t rows)
{
	const struct fr_schema *s = b->schema;

	for (unsigned i = 0; i < b->nr_slots; i++) {
		struct block_slot *slot = &b->slots[i];
		int fits, err = 0;

		if (!block_has_slot(s, i))
			continue;
		if (!slot->decoded)
			return -EBADMSG;
		if (block_is_text(s, i)) {
			slot->max_len = i < s->nr_fields ? s->fields[i].width :
							   UINT16_MAX;
			err = slot->text ? block_finish_text(slot, rows) :
					   -EBADMSG;
			if (err)
				return err;
			continue;
		}
		if (i < s->nr_fields)
			fits = block_fits(slot->v, rows,
					  s->fields[i].width * 8u,
					  s->fields[i].is_signed);
		else
			fits = block_fits(slot->v, rows,
					  block_built_in_bits(i - s->nr_fields),
					  0);
		if (!fits)
			return -EBADMSG;
	}
	return 0;
}

static void block_publish(struct block *b, uint32_t rows)
{
	const struct fr_schema *s = b->schema;
	const struct block_slot *built_in = &b->slots[s->nr_fields];
	struct snap_block *pub = &b->pub;
	uint8_t *lane = (uint8_t *)(uintptr_t)pub->lane;
	uint16_t *cpu = (uint16_t *)(uintptr_t)pub->cpu;
	uint16_t *aux = (uint16_t *)(uintptr_t)pub->aux;

	pub->schema = s;
	pub->rows = rows;
	pub->ts = built_in[0].v;
	pub->seq = built_in[1].v;
	for (uint32_t i = 0; i < rows; i++) {
		lane[i] = (uint8_t)built_in[2].v[i];
		cpu[i] = (uint16_t)built_in[3].v[i];
		aux[i] = (uint16_t)built_in[4].v[i];
	}
	if (s->tail_name) {
		pub->tail = built_in[5].text;
		pub->tail_end = built_in[5].end;
	}
	for (unsigned i = 0; i < s->nr_fields; i++)
		pub->columns[i] = (struct snap_column){
			.field = &s->fields[i],
			.u64 = s->fields[i].is_chars ? NULL : b->slots[i].v,
			.bytes = b->slots[i].text,
			.end = s->fields[i].is_chars ? b->slots[i].end : NULL,
		};
}

struct snap_block *block_decode(const struct fr_schema *schema,
				struct column_work *w, uint8_t *raw, size_t len,
				uint32_t rows)
{
	struct block *b = calloc(1, sizeof(*b));
	int err;

	if (!b) {
		free(raw);
		errno = ENOMEM;
		return NULL;
	}
	b->schema = schema;
	b->raw = raw;
	b->nr_slots = schema->nr_fields + BLOCK_BUILT_IN;
	err = block_alloc(b, rows);
	if (!err)
		err = block_get_columns(b, w, len, rows);
	if (!err)
		err = block_check(b, rows);
	if (err) {
		snap_free_block(&b->pub);
		errno = -err;
		return NULL;
	}
	block_publish(b, rows);
	return &b->pub;
}

void snap_free_block(struct snap_block *pub)
{
	struct block *b = (struct block *)pub;

	if (!b)
		return;
	free(b->memory);
	free(b->raw);
	free(b);
}
