/* SPDX-License-Identifier: GPL-2.0-or-later */
/* anonymize_impl.h - what the files of the anonymizer share. */
#ifndef DUMP_ANONYMIZE_IMPL_H
#define DUMP_ANONYMIZE_IMPL_H

#include "dump/anonymize.h"

/* One part of a path. */
size_t anonymize_part(const struct anonymizer *a, char *dst, const char *part,
		      size_t len);
/* Packed rows (kind ROWS) of type ${row}->row_type, with their texts hidden. */
size_t anonymize_rows(const struct anonymizer *a,
		      const struct anonymize_row *row, char *dst,
		      const char *src, size_t len);
/* A number by which records refer to names; false: it is none. */
bool anonymize_number(const struct anonymizer *a, const struct fr_field *f,
		      uint64_t *value);

#endif
