// SPDX-License-Identifier: GPL-2.0-only
/*
 * fs.bpf.c - file operations at system-call level.
 *
 * sys_enter notes the call in the thread's in-flight entry, together with what
 * will be gone when it returns (the file behind a descriptor, strings); sys_exit
 * turns the entry into one record.  calls.def says which argument is what.
 *
 * Each side exists in several programs made from one body: as tp_btf and as
 * classic tracepoint (which does not lose events where programs can be
 * preempted), with typed loads (6.2 and later) and with probe reads.  The
 * loader takes one of each.
 */
#include "fs_entry.bpf.h"
#include "fs_record.bpf.h"
#include "hist.bpf.h"
#include "policy.bpf.h"
#define LIMIT_PATHS
#include "sys.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* From now on the call is in flight. */
static __always_inline int enter_done(struct fr_inflight *e,
				      struct fr_probe_counts *n)
{
	e->left_out = 0;
	n->pending++;
	barrier();
	WRITE_ONCE(e->ts, bpf_ktime_get_ns());
	return 0;
}

/* A call, or one on a file of a kind, that is not recorded: the exit shall know. */
static __always_inline int enter_left_out(struct fr_inflight *e,
					  struct fr_probe_counts *n)
{
	e->ts = 0;
	e->left_out = e->entered;
	n->filtered++;
	return 0;
}

static __always_inline int fs_enter(const int cast, struct task_struct *t,
				    struct pt_regs *regs,
				    struct sys_enter_ctx *ctx, long nr)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_FS_ENTER);
	const volatile struct fr_call_info *ci;
	u32 compat = task_is_compat(t), id, props, tid = t->pid;
	struct fr_inflight *e;

	if (!n)
		return 0;
	id = compat ? fr_nr32[nr & 511] : fr_nr[nr & 511];
	if (!id || (u64)nr > 511) {
		n->filtered++;
		return 0;
	}
	e = inflight_take(tid, (u64)t, FR_PROBE_FS_ENTER);
	if (!e) {
		n->lost++;
		return 0;
	}
	if (!entry_is_current(e, t))
		entry_describe(e, FR_PROBE_FS_ENTER);
	if (!e->in_scope) {
		n->filtered++;
		return 0;
	}
	note_args(e, regs, ctx, compat);
	e->call = id | (compat ? FR_CALL_COMPAT : 0);
	e->entered = id;
	if (compat && id == FR_ID_socketcall) {
		id = note_socketcall(e);
		if (!id)
			return enter_left_out(e, n);
	}
	ci = &fr_calls[id & (FR_CALLS_MAX - 1)];
	props = ci->props;
	e->ino = ~0ULL;
	e->dev = ~0U;
	e->pkey = 0xffff;
	e->direct = 0;
	if (compat)
		widen_args(e);
	if (props & FR_CP_OPENHOW) /* now: the program may change it */
		note_open_how(e);
	e->offset = ci->offset ? arg(e, ci->offset) : ~0ULL;
	e->stream = FR_STREAM_FS;
	if (ci->cls >= FR_CLS_STREAM) {
		e->stream = ci->cls - FR_CLS_STREAM;
		if (sock_is_left_out(e, ci))
			return enter_left_out(e, n);
	} else if (ci->fd && (s32)arg(e, ci->fd) >= 0 &&
		   !is_anonymous_map(e, ci) &&
		   note_file(cast, e, t, (u32)arg(e, ci->fd), ci,
			     (props & FR_CP_FPOS_M1) && e->offset != ~0ULL ?
				     props & ~FR_CP_FPOS_M1 :
				     props)) {
		return enter_left_out(e, n);
	}
	/* one of a call that serves several streams, of which some are off */
	if (!(fr_cfg.streams >> (e->stream & 31) & 1))
		return enter_left_out(e, n);
	if (e->stream != FR_STREAM_FS) {
		sys_enter_more(e);
		return enter_done(e, n);
	}
	if (ci->cls >= FR_CLS_PATH) {
		clear_path_call(e);
		if (note_paths(FR_PROBE_FS_ENTER, e) && fr_cfg.leave_out)
			return enter_left_out(e, n);
	}
	if (props & FR_CP_IOVEC)
		e->file_size = sum_iovec(e->args[1], e->args[2], compat);
	return enter_done(e, n);
}

/* Was the call left out when it began? */
static __always_inline int is_left_out_call(struct fr_inflight *e, u32 id)
{
	if (!e || e->left_out != id)
		return 0;
	e->left_out = 0;
	return 1;
}

/* An operation that no policy keeps is counted all the same: as on the device that
 * its record would have named.  1 if it was counted. */
__noinline int exit_left_out(struct fr_inflight *e, s64 ret, u64 dur)
{
	const volatile struct fr_call_info *ci;
	struct task_struct *t = bpf_get_current_task_btf();

	/* a global function's arguments must be used, or the compiler passes junk */
	asm volatile("" ::"r"(ret));
	if (!e)
		return 0;
	ci = &fr_calls[e->call & (FR_CALLS_MAX - 1)];
	if (ci->props & FR_CP_RENAMES)
		rename_epoch_next(!ret);
	if (ci->cls == FR_CLS_PATH && ci->props & FR_CP_NEWFD && ret >= 0 &&
	    note_new_dev(e, (u32)ret))
		return 0; /* of a kind that is left out */
	hist_add(e->call & 0xff, FR_STREAM_FS, e->dev, hist_cgroup(t), dur);
	return 1;
}

static __always_inline int fs_exit(struct task_struct *t, long nr, s64 ret)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_FS_EXIT);
	const volatile struct fr_call_info *ci;
	u32 tid = t->pid, zero = 0, id, wanted, weight;
	struct fr_inflight *e;
	struct fr_limits *l;
	u64 dur, size, seq;

	if (!n)
		return 0;
	e = inflight_find(tid, (u64)t);
	id = task_is_compat(t) ? fr_nr32[nr & 511] : fr_nr[nr & 511];
	/* another call than the one noted: its own entry or exit was missed */
	if (!e || !e->ts || e->entered != id) {
		if (e)
			e->ts = 0;
		if (!id || (u64)nr > 511 || (e && !e->in_scope) ||
		    is_left_out_call(e, id))
			n->filtered++;
		else
			n->unmatched++;
		return 0;
	}
	dur = bpf_ktime_get_ns() - e->ts;
	if (e->stream != FR_STREAM_FS) {
		n->pending++; /* counted by the stream's own probe */
		sys_exit_more(e, ret, dur);
		e->ts = 0;
		return 0;
	}
	ci = &fr_calls[e->call & (FR_CALLS_MAX - 1)];
	size = asked_size(e, ci);
	l = bpf_map_lookup_elem(&limits, &zero);
	wanted = l ? exit_wanted(l, FR_STREAM_FS, e->call & (FR_KEYS - 1), dur,
				 ret) :
		     0;
	weight = policy_weight(FR_STREAM_FS, dur);
	if (!weight && !(wanted & WANTED_OVER)) {
		if (exit_left_out(e, ret, dur) && wanted)
			exit_event(e, FR_PROBE_FS_EXIT, dur, SEQ_COUNT, ret);
		e->ts = 0;
		n->filtered++;
		return 0;
	}
	e->call |= policy_aux(weight) | (e->direct ? FR_CALL_DIRECT : 0);
	if (fits_io(ci, dur, size, ret))
		seq = put_io(e, ci, ret, (u32)dur, size);
	else if (ci->cls >= FR_CLS_PATH)
		seq = put_path_call(e, ret, dur);
	else
		seq = put_wide(e, ret, dur);
	if (fr_cfg.leave_out && seq == PUT_FILTERED) {
		e->ts = 0;
		n->filtered++;
		return 0;
	}
	hist_add(e->call & 0xff, FR_STREAM_FS, e->dev, hist_cgroup(t), dur);
	if (seq)
		n->records++;
	else
		n->lost++;
	if (wanted & WANTED_OVER)
		exit_event(e, FR_PROBE_FS_EXIT, dur, seq, ret);
	if (wanted & WANTED_COUNT)
		exit_event(e, FR_PROBE_FS_EXIT, dur, SEQ_COUNT, ret);
	e->ts = 0;
	return 0;
}

/* ---- the programs ---------------------------------------------------------------- */
static __always_inline int enter_btf(const int cast, struct pt_regs *regs,
				     long nr)
{
	return fs_enter(cast, bpf_get_current_task_btf(), regs, 0, nr);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(fs_enter_tp_btf_cast, struct pt_regs *regs, long nr)
{
	return enter_btf(1, regs, nr);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(fs_enter_tp_btf_read, struct pt_regs *regs, long nr)
{
	return enter_btf(0, regs, nr);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(fs_exit_tp_btf, struct pt_regs *regs, long ret)
{
	return fs_exit(bpf_get_current_task_btf(), REGS_NR(regs), ret);
}

/* Classic tracepoints return 1: after a 0 the kernel would keep the event from
 * everybody else who counts it with perf. */
static __always_inline int enter_tp(const int cast, struct sys_enter_ctx *ctx)
{
	fs_enter(cast, bpf_get_current_task_btf(), 0, ctx, ctx->id);
	return 1;
}

SEC("tracepoint/raw_syscalls/sys_enter")
int fs_enter_tracepoint_cast(struct sys_enter_ctx *ctx)
{
	return enter_tp(1, ctx);
}

SEC("tracepoint/raw_syscalls/sys_enter")
int fs_enter_tracepoint_read(struct sys_enter_ctx *ctx)
{
	return enter_tp(0, ctx);
}

SEC("tracepoint/raw_syscalls/sys_exit")
int fs_exit_tracepoint(struct sys_exit_ctx *ctx)
{
	fs_exit(bpf_get_current_task_btf(), ctx->id, ctx->ret);
	return 1;
}
