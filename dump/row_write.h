/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * row_write.h - rows of a view as CSV, JSON lines or an aligned table.
 *
 * CSV as in RFC 4180, with a header; a value not captured is empty.  JSON: one
 * object per row; with columns NULL all columns of the row's stream, a value not
 * captured is null.  Integers stay integers.  Strings as in escape.h.
 */
#ifndef DUMP_ROW_WRITE_H
#define DUMP_ROW_WRITE_H

#include <stdbool.h>
#include <stdio.h>

#include "dump/view.h"

enum row_format {
	ROW_TEXT,
	ROW_CSV,
	ROW_JSONL
};

struct row_writer;

/* ${columns}: NULL only for JSON.  NULL: out of memory. */
struct row_writer *row_writer_new(const struct view *v, FILE *out,
				  enum row_format format,
				  const unsigned *columns, unsigned nr,
				  bool header);
void row_write(struct row_writer *w, struct view_cursor *c);
/* Writes what is left and frees.  0 or the negative errno of a write. */
int row_writer_finish(struct row_writer *w);

/* One value of a view as text for people, cut to fit; "-" for null. */
void row_print_value(char *buf, size_t size, const struct view *v,
		     struct view_cursor *c, unsigned column);
/* Bytes as text for a terminal, cut to fit. */
void row_print_bytes(char *buf, size_t size, const char *text, size_t len);

#endif
