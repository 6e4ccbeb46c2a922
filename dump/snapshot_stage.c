/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot_stage.c - gathers records into columns and encodes blocks. */
#include "dump/snapshot_stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump/snapshot_write.h"

/* Models are tried anew every so many blocks. */
#define STAGE_CHOOSE_EVERY 4

static const char *stage_kind(const struct fr_field *f)
{
	if (!strcmp(f->name, "dur"))
		return ".dur";
	return strcmp(f->name, "size") ? f->kind : ".size";
}

static void stage_add_column(struct snap_stage *s, uint16_t id,
			     const char *kind, uint16_t offset, uint8_t width)
{
	s->columns[s->nr_columns++] = (struct stage_column){
		.id = id, .kind = kind, .offset = offset, .width = width
	};
}

static void stage_add_columns(struct snap_stage *s)
{
	const struct fr_schema *schema = s->schema;

	stage_add_column(s, SNAP_COL_SEQ, ".seq", 0, 0);
	stage_add_column(s, SNAP_COL_LANE, ".lane", 0, 0);
	stage_add_column(s, SNAP_COL_CPU, ".cpu", 0, 0);
	/* the low 16 bits of the head, whose bytes are in this order because
	 * a ring is little-endian wherever BPF probes run */
	stage_add_column(s, SNAP_COL_AUX, ".aux", 0, 2);
	stage_add_column(s, SNAP_COL_TS, ".ts", 8, 8);
	for (unsigned i = 0; i < schema->nr_fields; i++) {
		const struct fr_field *f = &schema->fields[i];
		struct stage_column *c = &s->columns[s->nr_columns];

		stage_add_column(s, (uint16_t)i, stage_kind(f), f->offset,
				 f->is_chars ? 0 : (uint8_t)f->width);
		c->is_signed = f->is_signed;
		c->text_width = f->is_chars ? f->width : 0;
		c->text_size = c->text_width * SNAP_BLOCK_ROWS;
		s->has_text |= f->is_chars;
	}
	if (schema->tail_name) {
		stage_add_column(s, SNAP_COL_TAIL, ".tail", 0, 0);
		s->columns[s->nr_columns - 1].text_size = STAGE_TAIL_BYTES;
		s->has_text = 1;
	}
}

static void stage_find_tail_len(struct snap_stage *s)
{
	for (unsigned i = 0; i < s->schema->nr_fields; i++) {
		const struct fr_field *f = &s->schema->fields[i];

		if (s->schema->tail_len &&
		    !strcmp(f->name, s->schema->tail_len)) {
			s->tail_len_offset = f->offset;
			s->tail_len_width = f->width;
		}
	}
}

int stage_init(struct snap_stage *s, const struct fr_schema *schema)
{
	memset(s, 0, sizeof(*s));
	s->schema = schema;
	s->columns = calloc(schema->nr_fields + 6u, sizeof(*s->columns));
	s->tile = malloc((size_t)STAGE_TILE_ROWS * schema->bytes);
	if (!s->columns || !s->tile)
		return -ENOMEM;
	stage_add_columns(s);
	stage_find_tail_len(s);
	stage_plan(s);
	for (unsigned i = 0; i < s->nr_columns; i++) {
		struct stage_column *c = &s->columns[i];

		c->v = malloc(SNAP_BLOCK_ROWS * sizeof(*c->v));
		c->text = c->text_size ? malloc(c->text_size) : NULL;
		if (!c->v || (c->text_size && !c->text))
			return -ENOMEM;
	}
	return 0;
}

void stage_free(struct snap_stage *s)
{
	for (unsigned i = 0; s->columns && i < s->nr_columns; i++) {
		free(s->columns[i].v);
		free(s->columns[i].text);
	}
	free(s->columns);
	free(s->tile);
	memset(s, 0, sizeof(*s));
}

int stage_check(const struct snap_stage *s, const uint8_t *rec, size_t len,
		size_t *ret_tail_len)
{
	uint64_t tail = 0;

	if (len < s->schema->bytes)
		return -EBADMSG;
	if (s->tail && s->tail_len_width)
		tail = snap_get_int(rec + s->tail_len_offset,
				    s->tail_len_width);
	else if (s->tail)
		tail = snap_get_int(rec, 2);
	if (tail > len - s->schema->bytes || tail > UINT16_MAX)
		return -EBADMSG;
	*ret_tail_len = (size_t)tail;
	return 0;
}

int stage_is_full(const struct snap_stage *s, size_t tail_len)
{
	return s->rows == SNAP_BLOCK_ROWS ||
	       (s->tail && s->tail->text_used + tail_len > s->tail->text_size);
}

/* A loop per width and sign: they run once per row and field. */
#define STAGE_GATHER(type)                                           \
	do {                                                         \
		for (uint32_t i = 0; i < rows; i++, src += stride) { \
			type x;                                      \
                                                                     \
			memcpy(&x, src, sizeof(x));                  \
			v[i] = (uint64_t)(int64_t)x;                 \
		}                                                    \
	} while (0)

static void stage_gather(uint64_t *v, const uint8_t *src, size_t stride,
			 uint32_t rows, unsigned width, int is_signed)
{
	switch (width * 2 + (is_signed != 0)) {
	case 2:
		STAGE_GATHER(uint8_t);
		break;
	case 3:
		STAGE_GATHER(int8_t);
		break;
	case 4:
		STAGE_GATHER(uint16_t);
		break;
	case 5:
		STAGE_GATHER(int16_t);
		break;
	case 8:
		STAGE_GATHER(uint32_t);
		break;
	case 9:
		STAGE_GATHER(int32_t);
		break;
	default:
		STAGE_GATHER(uint64_t);
		break;
	}
}

static void stage_turn_tile(struct snap_stage *s)
{
	uint32_t first = s->rows - s->tiled;

	for (unsigned i = 0; i < s->nr_columns; i++) {
		struct stage_column *c = &s->columns[i];

		if (c->width)
			stage_gather(c->v + first, s->tile + c->offset,
				     s->schema->bytes, s->tiled, c->width,
				     c->is_signed);
	}
	s->tiled = 0;
}

static void stage_add_text(struct stage_column *c, uint32_t row,
			   const uint8_t *text, size_t len)
{
	memcpy(c->text + c->text_used, text, len);
	c->text_used += (uint32_t)len;
	c->v[row] = len;
}

/* Char fields without the NULs at their end, and the tail. */
static void stage_add_texts(struct snap_stage *s, const uint8_t *rec,
			    size_t tail_len)
{
	for (unsigned i = 0; i < s->nr_columns; i++) {
		struct stage_column *c = &s->columns[i];
		size_t len = c->text_width;

		while (len && !rec[c->offset + len - 1])
			len--;
		if (c->text_width)
			stage_add_text(c, s->rows, rec + c->offset, len);
	}
	if (s->tail)
		stage_add_text(s->tail, s->rows, rec + s->schema->bytes,
			       tail_len);
}

void stage_add(struct snap_stage *s, unsigned lane, unsigned cpu, uint64_t seq,
	       const uint8_t *rec, size_t tail_len)
{
	memcpy(s->tile + (size_t)s->tiled * s->schema->bytes, rec,
	       s->schema->bytes);
	s->seq->v[s->rows] = seq;
	s->lane->v[s->rows] = lane;
	s->cpu->v[s->rows] = cpu;
	if (s->has_text)
		stage_add_texts(s, rec, tail_len);
	s->rows++;
	if (++s->tiled == STAGE_TILE_ROWS)
		stage_turn_tile(s);
}

size_t stage_bound(const struct snap_stage *s)
{
	size_t bytes = SNAP_BLOCK_HEAD_BYTES;

	for (unsigned i = 0; i < s->nr_columns; i++)
		bytes += 2 * SNAP_COLUMN_BYTES + COLUMN_BOUND(SNAP_BLOCK_ROWS) +
			 s->columns[i].text_size;
	return bytes;
}

static void stage_span(const struct snap_stage *s, struct snap_frame *ret)
{
	uint64_t min = UINT64_MAX, max = 0;

	for (uint32_t i = 0; i < s->rows; i++) {
		uint64_t ts = s->ts->v[i], end = ts;

		/* all ones: not captured; what overflows has no end either */
		if (s->dur && ts + s->dur->v[i] >= ts)
			end = ts + s->dur->v[i];
		min = ts < min ? ts : min;
		max = end > max ? end : max;
	}
	ret->min_ts = min;
	ret->max_end = max;
}

static struct column_model stage_model(const struct snap_stage *s,
				       const struct stage_model *m)
{
	return (struct column_model){
		.pred = m->pred,
		.a = m->a < 0 ? NULL : s->columns[m->a].v,
		.b = m->b < 0 ? NULL : s->columns[m->b].v,
		.c = m->c < 0 ? NULL : s->columns[m->c].v,
		.clock = m->clock,
	};
}

static uint16_t stage_id(const struct snap_stage *s, int column)
{
	return column < 0 ? SNAP_COL_NONE : s->columns[column].id;
}

static void stage_choose(struct snap_stage *s, struct stage_column *c,
			 struct column_work *w)
{
	struct column_model models[STAGE_MODELS_MAX];

	for (unsigned i = 0; i < c->nr_models; i++)
		models[i] = stage_model(s, &c->models[i]);
	c->chosen =
		(uint8_t)column_choose(w, models, c->nr_models, c->v, s->rows);
}

static size_t stage_encode_column(struct snap_stage *s, struct stage_column *c,
				  struct column_work *w, uint8_t *head,
				  uint8_t *out)
{
	struct column_model model;
	struct column_code code;
	size_t len;

	if (s->blocks % STAGE_CHOOSE_EVERY == 0)
		stage_choose(s, c, w);
	model = stage_model(s, &c->models[c->chosen]);
	len = column_encode(w, &model, c->v, s->rows, out, &code);
	snap_column_put(head, &(struct snap_column_head){
				      .id = c->id,
				      .pred = code.pred,
				      .planes = code.planes,
				      .a = stage_id(s, c->models[c->chosen].a),
				      .b = stage_id(s, c->models[c->chosen].b),
				      .c = stage_id(s, c->models[c->chosen].c),
				      .exceptions = code.exceptions,
				      .bytes = code.bytes,
				      .base = code.base,
				      .step = code.step,
			      });
	return len;
}

static size_t stage_encode_text(const struct stage_column *c, uint8_t *head,
				uint8_t *out)
{
	memcpy(out, c->text, c->text_used);
	snap_column_put(head, &(struct snap_column_head){
				      .id = c->id | SNAP_COL_TEXT,
				      .a = SNAP_COL_NONE,
				      .b = SNAP_COL_NONE,
				      .c = SNAP_COL_NONE,
				      .bytes = c->text_used,
			      });
	return c->text_used;
}

static unsigned stage_nr_heads(const struct snap_stage *s)
{
	unsigned nr = s->nr_columns;

	for (unsigned i = 0; i < s->nr_columns; i++)
		nr += s->columns[i].text != NULL;
	return nr;
}

static void stage_reset(struct snap_stage *s)
{
	for (unsigned i = 0; i < s->nr_columns; i++)
		s->columns[i].text_used = 0;
	s->rows = s->tiled = 0;
	s->blocks++;
}

size_t stage_encode(struct snap_stage *s, struct column_work *w, uint8_t *out,
		    struct snap_frame *ret, struct stage_segments *ret_segments)
{
	unsigned nr = stage_nr_heads(s);
	uint8_t *head = snap_put_int(snap_put_int(out, nr, 4), 0, 4);
	uint8_t *at = head + (size_t)nr * SNAP_COLUMN_BYTES;

	stage_turn_tile(s);
	stage_span(s, ret);
	if (s->dur)
		column_look(w, s->dur->v, s->rows);
	ret_segments->nr = 0;
	ret_segments->end[ret_segments->nr++] = (uint32_t)(at - out);
	for (unsigned i = 0; i < s->nr_columns; i++) {
		struct stage_column *c = &s->columns[i];

		at += stage_encode_column(s, c, w, head, at);
		head += SNAP_COLUMN_BYTES;
		ret_segments->end[ret_segments->nr++] = (uint32_t)(at - out);
		if (!c->text)
			continue;
		at += stage_encode_text(c, head, at);
		head += SNAP_COLUMN_BYTES;
		ret_segments->end[ret_segments->nr++] = (uint32_t)(at - out);
	}
	ret->kind = SNAP_KIND_ROWS;
	ret->type = s->schema->type;
	ret->rows = s->rows;
	ret->raw_bytes = (uint32_t)(at - out);
	stage_reset(s);
	return ret->raw_bytes;
}
