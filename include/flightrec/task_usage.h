/* SPDX-License-Identifier: GPL-2.0-or-later */
/* task_usage.h - what the iterator state_usage of bpf/state.bpf.c tells of each
 * thread: what it has used, and of the first one what its process is. */
#ifndef FLIGHTREC_TASK_USAGE_H
#define FLIGHTREC_TASK_USAGE_H

#ifndef __KERNEL_TYPES_H__
#include <linux/types.h>
#endif

#define FR_TASK_FDS_MAX 65536 /* descriptors that are counted */

struct fr_task_usage {
	__u32 pid; /* its process */
	__u32 is_leader;
	__u64 start; /* of the process, ns of CLOCK_BOOTTIME */
	/* This thread's; the leader's also hold those of threads that ended. */
	__u64 cpu_ns;             /* as the scheduler measures it */
	__u64 user_ns, system_ns; /* as clock ticks find it */
	__u64 minor_faults, major_faults;
	__u64 read_bytes, write_bytes, read_chars, write_chars;
	__u64 switches, preemptions;
	/* The leader only. */
	__u64 cgroup;
	__u64 rss_pages, rss_max_pages, swap_pages;
	__u32 ppid, uid, threads;
	__u32 fds; /* all bits one: more than FR_TASK_FDS_MAX, or not to be had */
	__u32 state, exit_state; /* as the kernel has them */
	char comm[16];
};

#endif
