/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe_names.h - finds name records in the ring while it is being written. */
#ifndef RECORDER_PROBE_NAMES_H
#define RECORDER_PROBE_NAMES_H

#include <flightrec/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "dump/ring_region.h"

struct ring_view; /* dump/ring_read.h */

/* A name_str by its hash, or a name_path by its inode, device and key. */
struct probe_name {
	uint32_t type; /* FR_T_name_str, FR_T_name_path; 0: none is wanted */
	uint32_t dev;
	uint64_t id; /* hash or inode */
	uint16_t pkey;
	/* where the newest one is: filled in by probe_names_locate() */
	uint16_t off; /* slot of the chunk; 0: nowhere */
	uint32_t chunk;
	uint64_t ordinal;
};

struct probe_name_record {
	uint32_t aux, len; /* len: of bytes; whole slots */
	uint8_t bytes[FR_RECORD_BYTES_MAX] __attribute__((aligned(8)));
};

#define PROBE_NAMES_MAX 4096

/* Finds all of them in one pass over the lane, however many they are
 * (PROBE_NAMES_MAX at most).  0 or -ENOMEM.  Any thread. */
int probe_names_locate(const struct ring_view *v, struct probe_name *names,
		       unsigned nr);
/* The record of one that was located.  False: there is none, or it was overwritten
 * meanwhile.  ${copy}: room for FR_CHUNK_BYTES + FR_RECORD_BYTES_MAX. */
bool probe_names_get(const struct ring_view *v, const struct probe_name *name,
		     uint8_t *copy, struct probe_name_record *ret);

#endif
