/* SPDX-License-Identifier: GPL-2.0-or-later */
/* call_count.h - what bpf/calls.bpf.c counts of each system call. */
#ifndef FLIGHTREC_CALL_COUNT_H
#define FLIGHTREC_CALL_COUNT_H

#ifndef __KERNEL_TYPES_H__
#include <linux/types.h>
#endif

/* Numbers from 0; the last stands for all that are not below it. */
#define FR_CALL_NRS       1024
/* Native calls first, then those of 32-bit programs. */
#define FR_CALL_SLOTS     (2 * FR_CALL_NRS)
/* Of `calls --lib`: slots from 0 are functions. */
#define FR_CALL_FUNCTIONS 512
#define FR_CALL_PROCESSES 65536 /* followed at a time */
#define FR_CALL_KEYS      16384 /* of `calls --by` */
#define FR_CALL_THREADS   65536
#define FR_CALL_ATTACHED  0x40000000

struct fr_call_count {
	__u64 calls; /* that have returned */
	__u64 errors;
	__u64 total_ns;
	__u64 max_ns;
};

/* By whom: of `calls --by`. */
struct fr_call_key {
	__u32 slot;
	__u32 pid; /* 0: all of that name */
	char comm[16];
};

/* A process that is followed, by its number. */
struct fr_call_process {
	__u32 threads; /* FR_CALL_ATTACHED or more: not known, it stays */
	__u32 counts;  /* 0: it has not become the command yet */
};

#endif
