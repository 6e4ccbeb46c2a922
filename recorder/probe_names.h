/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe_names.h - finds a name record in the ring while it is being written. */
#ifndef RECORDER_PROBE_NAMES_H
#define RECORDER_PROBE_NAMES_H

#include <flightrec/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "dump/ring_region.h"

struct ring_view; /* dump/ring_read.h */

/* A name_str by its hash, or a name_path by its inode, device and key. */
struct probe_name {
	uint32_t type; /* FR_T_name_str or FR_T_name_path */
	uint32_t dev;
	uint64_t hash, ino;
	uint16_t pkey;
};

struct probe_name_record {
	uint32_t aux, len; /* len: of bytes; whole slots */
	uint8_t bytes[FR_RECORD_BYTES_MAX] __attribute__((aligned(8)));
};

/* The newest such record.  False: there is none (any more), or no memory.  Any
 * thread. */
bool probe_names_find(const struct ring_view *v, const struct probe_name *name,
		      struct probe_name_record *ret);

#endif
