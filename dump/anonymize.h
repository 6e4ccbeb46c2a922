/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * anonymize.h - keyed hashes in place of names, texts and addresses.
 *
 * What a field is, is taken from its kind in the schema.  Every text is taken
 * apart at "/": each part becomes 16 hex digits (64 bits of SipHash-2-4-128 under
 * a key that is nowhere stored), so that equal parts stay equal under one key
 * and the depth of a path stays visible.  "", "." and ".." stay.  Among n
 * different parts two share their digits with a probability below n^2 / 2^65.
 * Addresses become addresses below fd00::/8 (120 bits), of either family; the
 * unspecified and the loopback ones stay.  Numbers stay, but for those that
 * records refer to names by: hashes of strings and pkeys.  Text of a kind that is
 * not known here is hashed whole, so that nothing new leaks.
 *
 * Thread-safe once made.  flightrec-design(7) says why.
 */
#ifndef DUMP_ANONYMIZE_H
#define DUMP_ANONYMIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dump/schema.h"

struct anonymizer;

#define ANONYMIZE_EXTENSIONS 1u /* keep ".c" of each part of a path */

/* With a random key.  NULL with errno: out of memory, no randomness. */
struct anonymizer *anonymizer_new(unsigned flags);
/* The same with this key: for tests. */
struct anonymizer *anonymizer_with_key(const uint8_t key[16], unsigned flags);
/* Wipes the key. */
void anonymizer_free(struct anonymizer *a);

/* The result of n bytes of text has at most so many: */
#define ANONYMIZE_BOUND(n) (16 * (size_t)(n) + 32)

/* A path or any other text.  Returns the length. */
size_t anonymize_text(const struct anonymizer *a, char *dst, const char *src,
		      size_t len);
/* Numbers of the record that decide what becomes of its text. */
struct anonymize_row {
	uint64_t flags, fs_magic; /* of a path's or process's name record */
	uint64_t level, option;   /* of a socket option */
	uint64_t pid, ppid;
	uint64_t row_type; /* of packed rows */
	bool is_name;      /* a record of the names lane */
	/* in and out */
	uint64_t comm_len, cgroup_len; /* of a process's state */
	uint64_t value_len;            /* of a socket option; 0: left out */
};
/* Where ${row} keeps a field of that name; NULL: nowhere. */
uint64_t *anonymize_row_field(struct anonymize_row *row, const char *name);

/* The tail of a record of ${s}.  Returns the length. */
size_t anonymize_tail(const struct anonymizer *a, const struct fr_schema *s,
		      struct anonymize_row *row, char *dst, const char *src,
		      size_t len);
/* A field of fixed size whose first ${len} bytes are at ${src}: names get as many
 * digits as fit in front of a NUL.  ${dst}: f->width bytes, all written. */
void anonymize_field(const struct anonymizer *a, const struct fr_field *f,
		     struct anonymize_row *row, void *dst, const void *src,
		     size_t len);

/*
 * A whole record as snap_put() stores it (no `slow` one).  ${dst} holds
 * ANONYMIZE_RECORD_MAX.  Returns the length; a record that contradicts itself or
 * is not known becomes its head, which snap_put() then counts as such.
 */
#define ANONYMIZE_RECORD_MAX (96u << 10)
size_t anonymize_record(const struct anonymizer *a, uint8_t *dst,
			const uint8_t *rec, size_t len);

/*
 * A fact.  Returns ${value}, or its replacement in ${buf}, or NULL: to be left
 * out.  Facts that are not known to be free of names are replaced.
 */
#define ANONYMIZE_FACT_MAX (64u << 10)
const char *anonymize_fact(const struct anonymizer *a, const char *key,
			   const char *value, char *buf);

#endif
