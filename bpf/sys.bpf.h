/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sys.bpf.h - streams that are system calls like fs, but with records of their own.
 *
 * They are carried by the programs of fs.bpf.c: one program per system call is the
 * cheapest there is, whoever wants the call.  bpf/sys_<stream>.bpf.h has
 *   int sys_<stream>_enter(struct fr_inflight *e)      notes what will be gone
 *   u64 sys_<stream>_put(struct fr_inflight *e, s64 ret, u64 dur, u32 weight)
 *       writes the record: its sequence number, 0 if it was lost, SYS_FILTERED
 * both global (__noinline), and its calls are those of calls.def with
 * .cls = FR_CLS_<STREAM>.  The build finds it (sys_streams.h); what it does is
 * counted as probe <stream>.call.
 */
#ifndef SYS_BPF_H
#define SYS_BPF_H

#include "fs_entry.bpf.h"
#include "hist.bpf.h"
#include "limit.bpf.h"
#include "policy.bpf.h"

#define SYS_FILTERED (~0ULL)

#include <sys_streams.h> /* generated: the files, SYS_STREAMS(X) */

static __always_inline void sys_enter_more(struct fr_inflight *e)
{
	switch (e->stream) {
#define SYS_STREAM(name, ID)           \
	case FR_STREAM_##ID:           \
		sys_##name##_enter(e); \
		break;
		SYS_STREAMS(SYS_STREAM)
#undef SYS_STREAM
	}
}

static __always_inline u32 sys_probe_of(u32 stream)
{
	switch (stream) {
#define SYS_STREAM(name, ID) \
	case FR_STREAM_##ID: \
		return FR_PROBE_##ID##_CALL;
		SYS_STREAMS(SYS_STREAM)
#undef SYS_STREAM
	}
	return FR_PROBE_FS_EXIT;
}

static __always_inline u32 sys_weight(u32 stream, u64 dur)
{
	switch (stream) {
#define SYS_STREAM(name, ID) \
	case FR_STREAM_##ID: \
		return policy_weight(FR_STREAM_##ID, dur);
		SYS_STREAMS(SYS_STREAM)
#undef SYS_STREAM
	}
	return 1;
}

static __always_inline u64 sys_put(struct fr_inflight *e, s64 ret, u64 dur,
				   u32 weight)
{
	switch (e->stream) {
#define SYS_STREAM(name, ID) \
	case FR_STREAM_##ID: \
		return sys_##name##_put(e, ret, dur, weight);
		SYS_STREAMS(SYS_STREAM)
#undef SYS_STREAM
	}
	return SYS_FILTERED;
}

/* Would the stream record it at all?  All but options that are not asked for. */
static __always_inline int sys_wanted(struct fr_inflight *e)
{
	return e->stream != FR_STREAM_SOCKOPT || sockopt_wanted(e);
}

__noinline int sys_hist(struct fr_inflight *e, u64 dur)
{
	if (!e)
		return 0;
	hist_add(e->call & 0xff, e->stream, FR_HIST_NO_DEV,
		 hist_cgroup(bpf_get_current_task_btf()), dur);
	return 0;
}

/* The end of a call of another stream, counted as that stream's; operations over
 * a limit are never left out. */
__noinline int sys_exit_more(struct fr_inflight *e, s64 ret, u64 dur)
{
	struct fr_probe_counts *n = e ? counts_of(sys_probe_of(e->stream)) : 0;
	u32 zero = 0, wanted, weight;
	struct fr_limits *l = bpf_map_lookup_elem(&limits, &zero);
	u64 seq;

	/* a global function's arguments must be used, or the compiler passes junk */
	asm volatile("" ::"r"(ret));
	if (!n || !l || !e)
		return 0;
	wanted = exit_wanted(l, e->stream, e->call & (FR_KEYS - 1), dur, ret);
	weight = sys_weight(e->stream, dur);
	if (wanted & WANTED_OVER && !weight)
		weight = 1;
	seq = weight ? sys_put(e, ret, dur, weight) : SYS_FILTERED;
	if (seq == SYS_FILTERED)
		n->filtered++;
	else if (seq)
		n->records++;
	else
		n->lost++;
	if (seq == SYS_FILTERED && (weight || !sys_wanted(e)))
		return 0;
	sys_hist(e, dur);
	if (wanted & WANTED_OVER)
		exit_event(e, FR_PROBE_FS_EXIT, dur, seq, ret);
	if (wanted & WANTED_COUNT)
		exit_event(e, FR_PROBE_FS_EXIT, dur, SEQ_COUNT, 0);
	return 0;
}

#endif
