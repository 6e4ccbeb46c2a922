/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot_block.h - the payload of a ROWS frame, decoded. */
#ifndef DUMP_SNAPSHOT_BLOCK_H
#define DUMP_SNAPSHOT_BLOCK_H

#include "dump/column.h"
#include "dump/snapshot_read.h"

/* Trusts nothing in ${raw}, which it owns from here on (malloc'd) whatever
 * happens.  NULL with errno EBADMSG or ENOMEM; free with snap_free_block(). */
struct snap_block *block_decode(const struct fr_schema *schema,
				struct column_work *w, uint8_t *raw, size_t len,
				uint32_t rows);

#endif
