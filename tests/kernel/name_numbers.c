/* SPDX-License-Identifier: GPL-2.0-or-later */
/* name_numbers.c - SNAPSHOT: the numbers by which its records refer to names, one
 * "KIND VALUE" a line. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dump/snapshot_read.h"

static int is_name_number(const char *kind)
{
	return !strncmp(kind, "HASH", 4);
}

static void print_block(const struct snap_block *b)
{
	for (unsigned i = 0; i < b->schema->nr_fields; i++) {
		const struct fr_field *f = &b->schema->fields[i];

		if (!is_name_number(f->kind) || !b->columns[i].u64)
			continue;
		for (uint32_t row = 0; row < b->rows; row++)
			if (b->columns[i].u64[row] != UINT64_MAX)
				printf("%s %016" PRIx64 "\n", f->kind,
				       b->columns[i].u64[row]);
	}
}

int main(int argc, char **argv)
{
	struct snap_diag diag = { "" };
	struct snap *s = argc == 2 ? snap_open(argv[1], &diag) : NULL;

	if (!s) {
		fprintf(stderr, "usage: name_numbers SNAPSHOT %s\n", diag.text);
		return 1;
	}
	for (unsigned i = 0; i < snap_nr_blocks(s); i++) {
		struct snap_block *b = snap_read_block(s, i);

		if (!b)
			return 1;
		print_block(b);
		snap_free_block(b);
	}
	snap_close(s);
	return 0;
}
