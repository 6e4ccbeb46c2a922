/* SPDX-License-Identifier: GPL-2.0-or-later */
/* task_time.h - what bpf/state.bpf.c tells of each thread. */
#ifndef FLIGHTREC_TASK_TIME_H
#define FLIGHTREC_TASK_TIME_H

#ifndef __KERNEL_TYPES_H__
#include <linux/types.h>
#endif

struct fr_task_time {
	__u32 pid; /* its process */
	__u32 is_leader;
	__u64 start;  /* of the process, ns of CLOCK_BOOTTIME */
	__u64 cpu_ns; /* of this thread; the leader's also holds that of
		       * threads that are gone */
};

#endif
