/* SPDX-License-Identifier: GPL-2.0-or-later */
/* block_entry.h - a block request in flight: value of the map `rqs`. */
#ifndef FLIGHTREC_BLOCK_ENTRY_H
#define FLIGHTREC_BLOCK_ENTRY_H

#ifndef __KERNEL_TYPES_H__
#include <linux/types.h>
#endif

struct fr_block_entry {
	__u64 first_ns; /* first seen */
	__u64 issue_ns; /* 0: still queued */
	__u64 sector;
	__u64 ino;
	__u64 cgroup;
	__u64 issue_seq;
	__u32 dev, size, moved, cmd_flags;
	__u32 tid, pid, file_dev, queue_depth;
	__u32 req_flags;
	__u16 born, pkey;
	__u16 error, in_scope;
	__u32 spare;
};
#define FR_REQ_DIRECT    1
#define FR_REQ_AT_INSERT 2
#define FR_REQ_AT_GETRQ  4
#define FR_REQ_AT_ISSUE  8

#endif
