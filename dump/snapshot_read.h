/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot_read.h - reads a snapshot file and trusts nothing in it.
 *
 * A file that was cut opens as far as it goes; a block whose checksum does not
 * fit is left out and reported.  Tables (schema, calls, facts) are those of
 * the file.  Not thread-safe per handle.
 */
#ifndef DUMP_SNAPSHOT_READ_H
#define DUMP_SNAPSHOT_READ_H

#include <stddef.h>
#include <stdint.h>

#include "dump/schema.h"
#include "dump/snapshot_write.h" /* snap_coverage, snap_gap */

struct snap; /* an open snapshot */

struct snap_diag {
	char text[256]; /* what is wrong, one line, no newline */
};

/* NULL with errno and *diag set: ENOENT..., EBADMSG: not a snapshot or its head
 * or schema is damaged.  Damage further on: opens; see snap_damage(). */
struct snap *snap_open(const char *path, struct snap_diag *diag);
void snap_close(struct snap *s);

/* NULL if intact, else one line per damaged part, newline between.  Blocks are
 * checked when they are read: ask again afterwards.  Valid until the next call
 * that reads. */
const char *snap_damage(const struct snap *s);
/* 1: the index at the end is there and whole. */
int snap_complete(const struct snap *s);

/* Facts.  NULL if there is none.  snap_fact_at: in order, NULL at the end. */
const char *snap_fact(const struct snap *s, const char *key);
const char *snap_fact_at(const struct snap *s, unsigned i,
			 const char **ret_key);

/* Schema and calls of the file. */
const struct fr_schema *snap_schemas(const struct snap *s, unsigned *ret_nr);
const struct fr_schema *snap_schema(const struct snap *s, unsigned type);
const struct fr_call_name *snap_call(const struct snap *s, unsigned id);

const struct snap_coverage *snap_coverages(const struct snap *s,
					   unsigned *ret_nr);
const struct snap_gap *snap_gaps(const struct snap *s, unsigned *ret_nr);

/* Blocks of rows, in file order. */
struct snap_block_info {
	unsigned type; /* record type */
	uint32_t rows;
	uint64_t min_ts, max_end; /* ns; max_end = max of ts + dur */
	uint64_t raw_bytes, stored_bytes;
};
unsigned snap_nr_blocks(const struct snap *s);
const struct snap_block_info *snap_block_info(const struct snap *s, unsigned i);

/*
 * A decoded block, column by column.  Integer columns are sign- or
 * zero-extended to 64 bits.  Valid until the block is freed.
 */
struct snap_column {
	const struct fr_field *field; /* NULL for the built-in columns below */
	const uint64_t *u64;          /* integers; NULL for text */
	/* chars, without the NULs at their end: all rows, one after the other */
	const uint8_t *bytes;
	const uint32_t *end; /* chars: end of row i in bytes */
};
struct snap_block {
	const struct fr_schema *schema;
	uint32_t rows;
	const uint64_t *ts, *seq; /* seq: 40 bits */
	const uint8_t *lane;
	const uint16_t *cpu;
	const uint16_t *aux;
	struct snap_column *columns; /* one per field of the schema */
	const uint8_t *tail;         /* all tails; NULL if the type has none */
	const uint32_t *tail_end;
};
/* NULL with errno EBADMSG (damaged, also noted in snap_damage()) or ENOMEM. */
struct snap_block *snap_read_block(struct snap *s, unsigned i);
/* Its checksum only.  0, -EBADMSG (noted in snap_damage()) or -ENOMEM. */
int snap_check_block(struct snap *s, unsigned i);
void snap_free_block(struct snap_block *b);

#endif
