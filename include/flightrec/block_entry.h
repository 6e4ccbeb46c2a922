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
	__u64 cgroup; /* that pays */
	__u64 submit_cgroup;
	__u64 issue_seq;
	__u32 dev, size, moved, cmd_flags;
	__u32 tid, pid, file_dev, queue_depth;
	__u32 req_flags;
	__u16 born, pkey;
	__u16 error, in_scope;
	__u32 part_dev;
	__u32 dirtier_pid, dirtier_tid;
	__u16 dirtier_born, mixed;
	char comm[16]; /* of the submitter */
};
/* What the program block_sweep_syscall is run with. */
struct fr_request_sweep {
	__u64 request;  /* key of the entry */
	__u64 first_ns; /* of the entry: it is still the same */
};

#define FR_REQ_DIRECT    1
#define FR_REQ_AT_INSERT 2
#define FR_REQ_AT_GETRQ  4
#define FR_REQ_AT_ISSUE  8
#define FR_REQ_MORE      16 /* pages than were looked at: mixed is a lower bound */
#define FR_REQ_CGROUP_V1 32 /* cgroup is one of the v1 hierarchy blkio */
#define FR_REQ_NO_END    64 /* the kernel did not show us its completion */

#endif
