/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * export_out.h - a file being exported: buffered, plain or gzip, and values as
 * CSV (RFC 4180).
 *
 * Errors are kept: whatever is put after the first is dropped, and
 * export_close() returns it.
 */
#ifndef DUMP_EXPORT_OUT_H
#define DUMP_EXPORT_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct export_out;

/* A new file; ${path} ending in ".gz" is compressed.  NULL with errno. */
struct export_out *export_open(const char *path);
/* Flushes, closes, frees.  0 or negative errno.  NULL is a no-op. */
int export_close(struct export_out *o);

void export_put(struct export_out *o, const char *text, size_t len);
void export_char(struct export_out *o, char c);
void export_u64(struct export_out *o, uint64_t u);
void export_i64(struct export_out *o, int64_t i);
void export_hex(struct export_out *o, uint64_t u);
/* u / 10^digits, with all digits. */
void export_decimal(struct export_out *o, int64_t i, unsigned digits);
/* Bytes as text of a cell: escaped (escape.h, ${flags}), then quoted if a reader
 * could stumble over it or take it for a missing value. */
void export_cell(struct export_out *o, const char *text, size_t len,
		 unsigned flags);
/* Two such texts as "first -> second" in one cell; " -> " inside of one begins
 * with \x20, so that the cell has but one. */
void export_two(struct export_out *o, const char *first, size_t first_len,
		const char *second, size_t second_len);

#endif
