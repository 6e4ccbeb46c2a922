/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot_open.h - an open snapshot, as snapshot_read.c and _get.c know it. */
#ifndef DUMP_SNAPSHOT_OPEN_H
#define DUMP_SNAPSHOT_OPEN_H

#include <zstd.h>

#include "dump/column.h"
#include "dump/snapshot_format.h"
#include "dump/snapshot_read.h"
#include "dump/snapshot_tables.h"

struct read_frame {
	struct snap_frame f;
	int reported; /* its damage is in the list */
};

struct snap {
	int fd;
	uint64_t bytes; /* of the file when it was opened */
	int complete;
	struct snap_tables tables;
	struct read_frame *frames;
	unsigned nr_frames;
	unsigned *blocks; /* frames that hold rows */
	struct snap_block_info *infos;
	unsigned nr_blocks;
	char *damage;
	size_t damage_len;
	ZSTD_DCtx *zstd;
	struct column_work *work;
};

#endif
