/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * view_join.h - finds the name record that was valid at a time.
 *
 * Filled once, then sorted and hashed: 48 bytes per name record and a table of
 * twice as many 4-byte slots, whatever the file claims.
 */
#ifndef DUMP_VIEW_JOIN_H
#define DUMP_VIEW_JOIN_H

#include <stddef.h>
#include <stdint.h>

struct join_entry {
	uint64_t a, b; /* key, with source */
	uint64_t ts;   /* when it was written */
	uint32_t source;
	uint32_t block, row; /* where the record is */
	uint32_t run;        /* first of its key: how many have it */
};

struct join {
	struct join_entry *entries;
	size_t nr, size;
	uint32_t *slots; /* 1 + index of the first entry of a key */
	size_t mask;
};

/* 0 or -ENOMEM. */
int join_add(struct join *j, const struct join_entry *e);
/* After the last join_add(), before the first join_find(). */
int join_build(struct join *j);
/* The latest entry of the key with ts <= ${at}, else the earliest after it;
 * NULL: none. */
const struct join_entry *join_find(const struct join *j, uint32_t source,
				   uint64_t a, uint64_t b, uint64_t at);
void join_free(struct join *j);

#endif
