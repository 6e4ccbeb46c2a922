/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_snapshot.c - any bytes: the reader neither crashes nor hangs.
 *
 * Checksums would stop most inputs at the door, so the payload of a rows frame is
 * also fed to the block decoder directly, behind them: the first byte chooses.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dump/snapshot_block.h"
#include "dump/snapshot_tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void fuzz_file(const uint8_t *data, size_t len)
{
	int fd = memfd_create("fuzz", 0);
	struct snap_diag diag;
	char path[64];
	struct snap *s;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	s = snap_open(path, &diag);
	for (unsigned i = 0; s && i < snap_nr_blocks(s); i++)
		snap_free_block(snap_read_block(s, i));
	snap_close(s);
	close(fd);
}

static uint8_t *copy(const uint8_t *data, size_t len)
{
	uint8_t *p = malloc(len + 1);

	if (!p)
		abort();
	memcpy(p, data, len);
	return p;
}

static void fuzz_block(const uint8_t *data, size_t len)
{
	const struct fr_schema *s = len ? fr_schema_by_type(data[0]) : NULL;
	static struct column_work *w;

	if (!w)
		w = column_work_new(256);
	if (s && len > 2)
		snap_free_block(block_decode(s, w, copy(data + 2, len - 2),
					     len - 2, 1u + data[1]));
}

static void fuzz_tables(const uint8_t *data, size_t len)
{
	struct snap_tables t = { 0 };

	tables_get_schema(&t, copy(data, len), len);
	tables_get_calls(&t, copy(data, len), len);
	tables_get_facts(&t, copy(data, len), len);
	tables_get_coverage(&t, copy(data, len), len);
	tables_get_gaps(&t, copy(data, len), len);
	tables_free(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!len)
		return 0;
	if (data[0] == 'F') /* of the magic */
		fuzz_file(data, len);
	else if (data[0] & 1)
		fuzz_block(data + 1, len - 1);
	else
		fuzz_tables(data + 1, len - 1);
	return 0;
}
