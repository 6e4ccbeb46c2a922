/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * column_dict.h - columns of few but arbitrary values (hashes, inode numbers),
 * as codes that tell what is known already and what follows what.
 *
 * Each value is numbered when it is first met.  A row's code is DICT_FIRST or
 * DICT_SECOND if one of two guesses is right - what followed the last two values,
 * or the last one, among rows with the same a -, DICT_NEW if the value has no
 * number yet, else DICT_KNOWN plus its number.  column.h stores the codes, and
 * the values in the order of their numbers.
 */
#ifndef DUMP_COLUMN_DICT_H
#define DUMP_COLUMN_DICT_H

#include <stdint.h>

enum {
	DICT_FIRST = 0,
	DICT_SECOND = 1,
	DICT_NEW = 2,
	DICT_KNOWN = 3
};

struct column_dict;
/* For columns of up to ${rows} <= 65536 rows.  NULL: ENOMEM. */
struct column_dict *column_dict_new(uint32_t rows);
void column_dict_free(struct column_dict *d); /* NULL is a no-op */

/* ${a}: a column, what a value follows is looked for within its values.
 * ${apart}: 1 if what follows is different from one a to another.  Writes
 * a code per row and returns how many values there are. */
uint32_t column_dict_encode(struct column_dict *d, const uint64_t *a, int apart,
			    const uint64_t *v, uint32_t rows, uint64_t *codes);

/* Room for the values, rows of them; filled by column_dict_encode(). */
uint64_t *column_dict_values(struct column_dict *d);

/* Codes in ${v} become values.  column_dict_values() holds ${nr} <= rows.  Trusts
 * nothing: -EBADMSG for a number that does not exist, or values not used. */
int column_dict_decode(struct column_dict *d, const uint64_t *a, int apart,
		       uint32_t nr, uint32_t rows, uint64_t *v);

#endif
