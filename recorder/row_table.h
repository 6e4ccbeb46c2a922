/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * row_table.h - what is known of things that come and go, a row for each, and
 * which of it is in the ring already.
 *
 * Metrics keep their numbers for ever, so processes and cgroups cannot be metrics.
 * A row is a struct of events.def that is never in a lane (processes_row); its
 * first field is the key.  Of the rows of a round only those are written of which
 * something changed, and of these only the fields that did.  So that readers whose
 * history begins in between know everything, a row is written whole again before
 * the lane has turned by half: idle rows cost nothing while nothing else happens.
 * flightrec-sampler(7) describes the bytes.
 *
 *   each round: row_table_begin, row_table_at for each row, row_table_choose for
 *   those wanted, row_table_write
 *
 * Rows not touched since row_table_begin() are gone: that is written once, and
 * their memory is used again.  Memory grows with the most rows at a time, never
 * with how many came and went.  Not thread-safe.
 */
#ifndef RECORDER_ROW_TABLE_H
#define RECORDER_ROW_TABLE_H

#include "recorder/sample_write.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROW_TABLE_MAX 65536 /* rows at a time */
#define ROW_TEXT_MAX  1024  /* bytes of a tail that are kept */

struct row_table;

/* Rows of record ${type}, each with ${own_bytes} that the caller uses as it likes
 * (zeroed when the row is new).  NULL: out of memory. */
struct row_table *row_table_new(unsigned type, size_t own_bytes);
void row_table_free(struct row_table *t); /* NULL is a no-op */

void row_table_begin(struct row_table *t);

/*
 * The row of ${key}: its struct, all zero but for the key when it is touched for the
 * first time in this round.  ${instance} tells things apart that had the same key
 * one after the other (start times).  *ret_row is its number, valid until the
 * round ends.  The pointer is valid until the next row_table_at().  NULL: no memory,
 * or ROW_TABLE_MAX.
 */
void *row_table_at(struct row_table *t, uint64_t key, uint64_t instance,
		   unsigned *ret_row);

/* The rows touched in this round, in that order. */
unsigned row_table_count(const struct row_table *t);
unsigned row_table_nth(const struct row_table *t, unsigned n);

void *row_table_now(struct row_table *t, unsigned row);
/* Its struct as it was in the round before; NULL: it is new. */
const void *row_table_before(const struct row_table *t, unsigned row);
void *row_table_own(struct row_table *t, unsigned row);
/* Bytes behind the struct, at most ROW_TEXT_MAX; 0 or -ENOMEM. */
int row_table_set_text(struct row_table *t, unsigned row, const char *text,
		       size_t len);
const char *row_table_text(const struct row_table *t, unsigned row,
			   size_t *ret_len);

/* It is to be written if something changed. */
void row_table_choose(struct row_table *t, unsigned row);

bool row_table_chosen(const struct row_table *t, unsigned row);

/* Writes what changed among the rows chosen, and what is gone of those written
 * before.  A full set follows by itself after a loss.  Ends the round. */
void row_table_write(struct row_table *t, struct sample_writer *w,
		     const struct sample_round *r);

/* Bytes that the table takes. */
size_t row_table_bytes(const struct row_table *t);

#endif
