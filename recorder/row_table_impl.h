/* SPDX-License-Identifier: GPL-2.0-or-later */
/* row_table_impl.h - what row_table.c and row_pack.c share. */
#ifndef RECORDER_ROW_TABLE_IMPL_H
#define RECORDER_ROW_TABLE_IMPL_H

#include "recorder/row_table.h"

struct fr_schema;

#define ROW_NONE (~0u)

/* Copies of the struct that a row has, then the caller's own bytes. */
enum row_copy {
	ROW_NOW,
	ROW_BEFORE,  /* in the round before */
	ROW_WRITTEN, /* as readers know it */
	ROW_COPIES,
};

struct row_item {
	uint64_t key, instance;
	uint64_t ordinal; /* of the lane when it was written whole */
	unsigned next;    /* in its bucket, or among those free */
	uint32_t round;   /* touched last */
	uint8_t rounds;   /* touched so often, at most 2 */
	bool used, chosen;
	bool written; /* readers know it */
	bool reborn;  /* readers know another one under its key */
	uint16_t text_len, written_len;
	char *text, *written_text;
};

struct row_table {
	const struct fr_schema *schema;
	size_t own_bytes;
	struct row_item *items;
	uint8_t *memory;
	unsigned *buckets; /* 2 * size of them */
	unsigned *order;
	unsigned nr, size, free_row;
	uint32_t round;
	bool want_full;
};

void *row_table_copy(const struct row_table *t, unsigned row, unsigned which);
/* Its memory may be used again. */
void row_table_drop(struct row_table *t, unsigned row);

#endif
