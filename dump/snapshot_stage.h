/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot_stage.h - rows of one record type on their way to a block of columns.
 *
 * Records are collected in a tile that fits the L1 cache, turned into columns
 * tile by tile, and encoded when a block is full.  Which models are tried for a
 * column follows from its kind (snapshot_plan.c).
 */
#ifndef DUMP_SNAPSHOT_STAGE_H
#define DUMP_SNAPSHOT_STAGE_H

#include "dump/column.h"
#include "dump/schema.h"
#include "dump/snapshot_format.h"

#define STAGE_MODELS_MAX 12
#define STAGE_TILE_ROWS  64
#define STAGE_TAIL_BYTES (2u << 20) /* of a block; a longer tail ends it */

struct stage_model {
	uint8_t pred;
	int16_t a, b, c; /* index of an earlier column, -1: none */
	uint8_t clock;
};

struct stage_column {
	uint16_t id;     /* enum snap_column_id */
	uint16_t offset; /* in the record; built-in columns: unused */
	uint8_t width;   /* 0: not gathered from the tile */
	uint8_t is_signed;
	uint8_t nr_models, chosen;
	const char *kind; /* as in the schema, or ".seq", ".dur", ... */
	struct stage_model models[STAGE_MODELS_MAX];
	uint64_t *v; /* SNAP_BLOCK_ROWS */
	/* chars and tails: v holds lengths, text the bytes */
	uint8_t *text;
	uint32_t text_used, text_size, text_width;
};

struct snap_stage {
	const struct fr_schema *schema;
	uint32_t rows; /* those of the tile included */
	uint32_t tiled;
	uint32_t blocks; /* encoded so far */
	int has_text;    /* chars or a tail */
	/* where a record says how long its tail is: the aux bits if width 0 */
	uint16_t tail_len_offset, tail_len_width;
	unsigned nr_columns;
	struct stage_column *columns; /* in the order of encoding */
	/* the same, by role; dur and tail may be NULL */
	struct stage_column *ts, *seq, *lane, *cpu, *tail, *dur;
	uint8_t *tile;
};

/* Room for a block of ${schema}.  0 or -ENOMEM; free in any case. */
int stage_init(struct snap_stage *s, const struct fr_schema *schema);
void stage_free(struct snap_stage *s);
/* Fills s->columns: order and models.  In snapshot_plan.c. */
void stage_plan(struct snap_stage *s);

/* Is the record whole?  0 and the length of its tail, or -EBADMSG. */
int stage_check(const struct snap_stage *s, const uint8_t *rec, size_t len,
		size_t *ret_tail_len);
/* 1 if a record with such a tail needs the block to be encoded first. */
int stage_is_full(const struct snap_stage *s, size_t tail_len);
/* ${rec} holds at least schema->bytes and the tail behind them. */
void stage_add(struct snap_stage *s, unsigned lane, unsigned cpu, uint64_t seq,
	       const uint8_t *rec, size_t tail_len);

/* Bytes that stage_encode() may write, and segments it may make, for a schema. */
size_t stage_bound(const struct snap_stage *s);
#define STAGE_SEGMENTS_MAX (2 * SNAP_COLUMNS_MAX)
struct stage_segments { /* where the compressor should start afresh */
	unsigned nr;
	uint32_t end[STAGE_SEGMENTS_MAX];
};

/* Encodes the rows and empties the stage.  Sets type, rows, raw_bytes, min_ts
 * and max_end of *ret.  Returns raw_bytes. */
size_t stage_encode(struct snap_stage *s, struct column_work *w, uint8_t *out,
		    struct snap_frame *ret,
		    struct stage_segments *ret_segments);

#endif
