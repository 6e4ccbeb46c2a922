/* SPDX-License-Identifier: GPL-2.0-or-later */
/* uring_entry.h - an io_uring request in flight: value of the map `uring_reqs`. */
#ifndef FLIGHTREC_URING_ENTRY_H
#define FLIGHTREC_URING_ENTRY_H

#ifndef __KERNEL_TYPES_H__
#include <linux/types.h>
#endif

struct fr_uring_entry {
	__u64 ts; /* when it was submitted */
	__u64 req, ctx;
	__u64 user_data, offset, size, ring;
	__u64 cgroup; /* of who submitted, for histograms */
	__u32 tid, pid;
	__s32 fd;
	__u32 flags; /* IOSQE_ */
	__u32 how;   /* as in the record */
	__u16 opcode, born;
	__u16 in_scope, marked; /* marked: it is in `uring_marks`, too */
	__u32 pad;
};
#define FR_URING_WORKER 1
#define FR_URING_SQPOLL 2
#define FR_URING_MORE   4

#endif
