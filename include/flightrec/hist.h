/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hist.h - histograms of durations that outlive the ring: their buckets, and the
 * two maps that BPF counts in.
 *
 * Buckets are log-linear: each power of two from 32 ns to 2^40 ns (18 minutes) is cut
 * into 16 of one width.  The middle of a bucket is off by at most 1/32 (3.13 %)
 * from any duration in it.  Bucket 0 is for what is shorter, the last one for what
 * is longer.
 *
 *   hist_index  one struct fr_hist_index per CPU: which row an operation has
 *   hist        rows: those of CPU c are [c * rows, c * rows + rows)
 *
 * Each CPU writes its own rows only, so counting takes no lock; readers add up.
 * Counts only grow, and rows are never given up.
 */
#ifndef FLIGHTREC_HIST_H
#define FLIGHTREC_HIST_H

#ifndef __KERNEL_TYPES_H__
#include <linux/types.h>
#endif

#include "shared.h"

#define FR_HIST_MIN_LOG2 5
#define FR_HIST_MAX_LOG2 40
#define FR_HIST_SUB_LOG2 4
#define FR_HIST_SUB      (1U << FR_HIST_SUB_LOG2)
#define FR_HIST_BUCKETS \
	(2 + (FR_HIST_MAX_LOG2 - FR_HIST_MIN_LOG2) * FR_HIST_SUB)
#define FR_HIST_OVER (FR_HIST_BUCKETS - 1)

/* What a row is of: key (FR_KEYS) | stream << 8 | device << 32.  In an index, bits
 * 16 to 31 are the row's number. */
#define FR_HIST_ID(key, stream, dev) \
	((__u64)(__u32)(dev) << 32 | ((stream)&0xff) << 8 | ((key)&0xff))
#define FR_HIST_ID_KEY(id)    ((__u32)(id)&0xff)
#define FR_HIST_ID_STREAM(id) ((__u32)(id) >> 8 & 0xff)
#define FR_HIST_ID_DEV(id)    ((__u32)((id) >> 32))
#define FR_HIST_ID_ROW(id)    ((__u32)(id) >> 16)
#define FR_HIST_ROW_BITS      0xffff0000ULL
#define FR_HIST_BUSY          (~0ULL) /* an index slot that is being written */

#define FR_HIST_NO_DEV    (~0U) /* the operation has no device, or in others */
#define FR_HIST_NO_CGROUP 0ULL  /* cgroups are not told apart */
/* When a CPU's rows are used up, what is new goes to a row of its key and stream
 * with no device and this cgroup; if even that cannot be had, to row 0, whose key
 * is FR_HIST_ANY. */
#define FR_HIST_OTHERS    (~0ULL)
#define FR_HIST_ANY       255

#define FR_HIST_SLOTS    2048 /* of an index */
#define FR_HIST_PROBES   8    /* slots that are looked at */
#define FR_HIST_ROWS_MAX (FR_HIST_SLOTS / 8 * 7)
#define FR_HIST_ROWS_MIN 8
#define FR_HIST_KEY_SEEN 0xffff /* in `others`: no row yet, one is set aside */

struct fr_hist_slot {
	__u64 id; /* with the row's number; 0: free */
	__u64 cgroup;
};
struct fr_hist_index {
	__u32 used;      /* rows taken, row 0 included; may run past the end */
	__u32 set_aside; /* rows kept for `others` */
	__u64 pad[7];
	/* the row of others, by key; 2nd half: of streams other than fs */
	__u16 others[2 * FR_KEYS];
	struct fr_hist_slot slots[FR_HIST_SLOTS];
};

/* Sole writers: programs on the row's CPU.  A row of system calls is written by one
 * program, in process context; others are added to atomically. */
struct fr_hist_row {
	__u64 id; /* last to be written; 0: free */
	__u64 cgroup;
	__u64 sum_ns;
	__u64 pad[3];
	__u64 n[FR_HIST_BUCKETS];
};
_Static_assert(sizeof(struct fr_hist_row) % 64 == 0, "whole cache lines");

/* Of a slot of a trigger that counts (FR_WHAT_COUNT): added to atomically. */
struct fr_slot_counts {
	__u64 n[FR_HIST_BUCKETS];
	__u64 pad[6];
};
_Static_assert(sizeof(struct fr_slot_counts) % 64 == 0, "whole cache lines");

/* The first of a bucket's durations, ns; of the one behind the last: the end. */
static inline __u64 fr_hist_low(__u32 bucket)
{
	__u32 octave = (bucket - 1) / FR_HIST_SUB;
	__u64 sub = (bucket - 1) % FR_HIST_SUB;

	if (!bucket)
		return 0;
	return (FR_HIST_SUB + sub)
	       << (octave + FR_HIST_MIN_LOG2 - FR_HIST_SUB_LOG2);
}

#endif
