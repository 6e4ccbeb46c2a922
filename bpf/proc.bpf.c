// SPDX-License-Identifier: GPL-2.0-only
/*
 * proc.bpf.c - processes: fork, exec, exit, and those that are killed because
 * memory ran out.
 *
 * Always attached, even when the stream is off: the scope follows forks, a
 * thread that dies in a system call must not leave an entry in flight, and
 * triggers may wait for deaths.
 */
#include "limit.bpf.h"
#include "oom.bpf.h"
#include "policy.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* Set by the loader from probes.exec_env. */
const volatile struct fr_env_name fr_env[FR_ENV_NAMES] = {};

static __always_inline void follow(void *map, u32 parent, u32 child)
{
	u32 *in = bpf_map_lookup_elem(map, &parent), one = 1;

	if (in && parent != child)
		bpf_map_update_elem(map, &child, &one, BPF_ANY);
}

/* A process number is used again: what was said of the one before is void. */
static __always_inline void forget(void *map, u32 parent, u32 child)
{
	if (parent != child)
		bpf_map_delete_elem(map, &child);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(proc_fork_tp_btf, struct task_struct *parent,
	     struct task_struct *child)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_PROC_FORK);
	struct record_buf *buf = scratch_of(FR_PROBE_PROC_FORK, 0);
	struct fr_proc_fork *r = (void *)buf;

	if (!n || !buf)
		return 0;
	forget(&excluded, parent->tgid, child->tgid);
	forget(&scope, parent->tgid, child->tgid);
	follow(&excluded, parent->tgid, child->tgid);
	follow(&scope, parent->tgid, child->tgid);
	if (!stream_on(FR_STREAM_PROC) || !task_in_scope(parent)) {
		n->filtered++;
		return 0;
	}
	r->ts = bpf_ktime_get_ns();
	r->tid = parent->pid;
	r->pid = parent->tgid;
	r->born = born_of(parent->group_leader->start_boottime);
	r->child_born = born_of(child->group_leader->start_boottime);
	r->child_tid = child->pid;
	r->child_pid = child->tgid;
	r->uid = parent->cred->uid.val;
	r->cgroup = bpf_get_current_cgroup_id();
	r->spare = 0;
	if (ring_put(buf, sizeof(*r), FR_LANE_PROC,
		     TYPE_AUX(FR_T_proc_fork, 0)))
		n->records++;
	else
		n->lost++;
	return 0;
}

#define ARGS_MAX 2048

/* Arguments lie in the new program's memory, written by exec a moment ago. */
static __always_inline u32 read_args(struct fr_proc_exec *r,
				     struct mm_struct *mm)
{
	u64 start = mm->arg_start, end = mm->arg_end;
	u32 len;

	if (end <= start)
		return 0;
	r->args_total = (u32)(end - start);
	len = r->args_total;
	if (len > fr_cfg.exec_args_max)
		len = fr_cfg.exec_args_max;
	if (len > ARGS_MAX)
		len = ARGS_MAX;
	if (!len ||
	    bpf_probe_read_user((u8 *)r + sizeof(*r), len, (void *)start))
		return 0;
	return len;
}

/* A thread that dies inside a call (killed, or exit itself), or that exec gives
 * another number, leaves no entry behind. */
static __always_inline void clear_inflight(struct task_struct *t, u32 tid)
{
	u32 key = tid & fr_cfg.inflight_mask;
	struct fr_inflight *e = bpf_map_lookup_elem(&inflight, &key);

	if (e && e->task == (u64)t) {
		e->ts = 0;
		barrier();
		WRITE_ONCE(e->task, 0);
	}
	if (fr_cfg.inflight_collides)
		bpf_map_delete_elem(&inflight_more, &tid);
}

#define ENV_STRINGS_MAX 128
#define ENV_VALUE_MAX   256
#define ENV_BYTES_MAX   2048

static __always_inline int env_asked_for(const u64 *text)
{
	for (u32 i = 0; i < FR_ENV_NAMES; i++) {
		u64 differs = 0;

		if (!fr_env[i].mask[0])
			break;
		for (int j = 0; j < FR_ENV_NAME_BYTES / 8; j++)
			differs |= (text[j] ^ fr_env[i].text[j]) &
				   fr_env[i].mask[j];
		if (!differs)
			return 1;
	}
	return 0;
}

/* Writes proc_env: the variables of the new program that were asked for. */
__noinline int put_env(u64 at, u64 end)
{
	struct record_buf *buf = scratch_of(FR_PROBE_PROC_EXEC, 0);
	struct record_buf *piece = scratch_of(FR_PROBE_PROC_EXEC, 1);
	struct task_struct *t = bpf_get_current_task_btf();
	struct fr_proc_env *r = (void *)buf;
	u32 len = 0, inside = 0;

	if (!buf || !piece)
		return 0;
	r->cut = 0; /* kept in memory: the verifier has less to tell apart */
	for (u32 i = 0; i < ENV_STRINGS_MAX && at < end; i++) {
		long n = bpf_probe_read_user_str(piece, STR_BYTES_MAX,
						 (void *)at);

		len &= ENV_BYTES_MAX - 1;
		if (n <= 0 || len > ENV_BYTES_MAX - ENV_VALUE_MAX - 1)
			break;
		/* of a very long value only the first piece is a beginning */
		if (!inside && env_asked_for(piece->w)) {
			long kept = bpf_probe_read_kernel_str(
				(u8 *)r + sizeof(*r) + len, ENV_VALUE_MAX,
				piece);

			if (kept > 0 && kept <= ENV_VALUE_MAX)
				len += (u32)kept;
			if (n > ENV_VALUE_MAX)
				r->cut = 2;
		}
		inside = n == STR_BYTES_MAX;
		at += (u64)n - inside;
	}
	len &= ENV_BYTES_MAX - 1;
	if (!len)
		return 0;
	r->ts = bpf_ktime_get_ns();
	r->tid = t->pid;
	r->pid = t->tgid;
	r->born = born_of(t->group_leader->start_boottime);
	r->cut |= at < end;
	r->spare = 0;
	ring_put(buf, sizeof(*r) + len, FR_LANE_PROC,
		 TYPE_AUX(FR_T_proc_env, len));
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(proc_exec_tp_btf, struct task_struct *t, int old_pid,
	     struct linux_binprm *bprm)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_PROC_EXEC);
	struct record_buf *buf = scratch_of(FR_PROBE_PROC_EXEC, 0);
	struct fr_proc_exec *r = (void *)buf;
	struct file_id id = {};
	struct mm_struct *mm;
	struct file *f;
	u32 len = 0;

	if (!n || !buf)
		return 0;
	if ((u32)old_pid != (u32)t->pid)
		clear_inflight(t, (u32)old_pid);
	if (!stream_on(FR_STREAM_PROC) || !task_in_scope(t)) {
		n->filtered++;
		return 0;
	}
	name_task(FR_PROBE_PROC_EXEC);
	f = bprm->file;
	if (f)
		file_identify(0, FR_PROBE_PROC_EXEC,
			      (u64)BPF_CORE_READ(f, f_path.dentry),
			      (u64)BPF_CORE_READ(f, f_path.mnt),
			      (u64)BPF_CORE_READ(f, f_inode), &id);
	r->ts = bpf_ktime_get_ns();
	r->tid = t->pid;
	r->pid = t->tgid;
	r->born = born_of(t->group_leader->start_boottime);
	r->pkey = id.pkey;
	r->dev = id.dev;
	r->ino = id.ino;
	r->ppid = t->real_parent->tgid;
	r->uid = t->cred->uid.val;
	r->old_tid = (u32)old_pid;
	r->args_total = 0;
	mm = t->mm;
	if (mm)
		len = read_args(r, mm);
	if (ring_put(buf, sizeof(*r) + len, FR_LANE_PROC,
		     TYPE_AUX(FR_T_proc_exec, len)))
		n->records++;
	else
		n->lost++;
	if (mm && fr_env[0].mask[0])
		put_env(mm->env_start, mm->env_end);
	return 0;
}

/* Processes whose last thread has been seen: `live` alone does not tell when
 * several threads die at once. */
struct gone_key {
	u64 signal, start;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct gone_key);
	__type(value, u32);
} gone SEC(".maps");

static __always_inline int is_last(struct task_struct *t,
				   struct signal_struct *s)
{
	struct gone_key k = { (u64)s, t->group_leader->start_boottime };
	u32 one = 1;

	if (s->live.counter) /* ours is off already */
		return 0;
	return !bpf_map_update_elem(&gone, &k, &one, BPF_NOEXIST);
}

/* The kernel counts user and system time in ticks, and the sum of both exactly:
 * like wait4(2) we show the exact sum, shared as the ticks are. */
static __always_inline void scale_times(struct fr_proc_exit *r, u64 exact)
{
	u64 ticks = r->utime + r->stime, user = r->utime;

	if (!ticks) {
		r->utime = exact;
		return;
	}
	for (int i = 0; i < 6 && user >> 40; i++) { /* room for the product */
		user >>= 4;
		ticks >>= 4;
	}
	user = ticks ? (user << 20) / ticks : 0; /* share of 2^20 */
	if (user > 1 << 20)
		user = 1 << 20;
	r->utime = (exact >> 20) * user + ((exact & 0xfffff) * user >> 20);
	r->stime = exact - r->utime;
}

static __always_inline void add_times(struct fr_proc_exit *r,
				      struct task_struct *t)
{
	r->utime += t->utime;
	r->stime += t->stime;
	r->majflt += t->maj_flt;
	r->minflt += t->min_flt;
	if (!bpf_core_field_exists(t->ioac.read_bytes))
		return;
	r->read_bytes += t->ioac.read_bytes;
	r->write_bytes += t->ioac.write_bytes;
	r->rchar += t->ioac.rchar;
	r->wchar += t->ioac.wchar;
}

/* The whole process: what threads before left in signal, the last one's own, and
 * the leader's, which stays until the end even if it left first. */
static __always_inline void add_process(struct fr_proc_exit *r,
					struct task_struct *t,
					struct signal_struct *s)
{
	r->utime += s->utime;
	r->stime += s->stime;
	r->majflt += s->maj_flt;
	r->minflt += s->min_flt;
	if (t != t->group_leader)
		add_times(r, t->group_leader);
	if (!bpf_core_field_exists(s->ioac.read_bytes))
		return;
	r->read_bytes += s->ioac.read_bytes;
	r->write_bytes += s->ioac.write_bytes;
	r->rchar += s->ioac.rchar;
	r->wchar += s->ioac.wchar;
}

static __always_inline u64 blkio_delay(struct task_struct *t)
{
	struct task_delay_info *delays;

	if (!bpf_core_field_exists(t->delays))
		return 0;
	delays = t->delays;
	return delays ? delays->blkio_delay : 0;
}

/* As wait4(2) tells it of the whole process. */
static __always_inline u32 process_status(struct task_struct *t,
					  struct signal_struct *s)
{
	if (s->flags & SIGNAL_GROUP_EXIT)
		return (u32)s->group_exit_code;
	return (u32)t->group_leader->exit_code;
}

/* A process is gone: ${seq} is its record, 0 if there is none. */
static __always_inline void exit_triggers(struct task_struct *t,
					  struct signal_struct *s, u64 seq)
{
	struct limit_event ev = {};

	ev.what = FR_WHAT_EXIT;
	ev.stream = FR_STREAM_PROC;
	ev.ts = bpf_ktime_get_ns();
	ev.value = (s32)(process_status(t, s) &
			 0xff7f); /* core dumped: no matter */
	ev.lane = FR_LANE_PROC;
	ev.seq = seq;
	ev.pid = t->tgid;
	ev.tid = t->pid;
	bpf_probe_read_kernel(ev.comm, sizeof(ev.comm), t->group_leader->comm);
	if (ev.value)
		limit_triggers(&ev);
}

/* r->last is set already. */
static __always_inline void exit_fill(struct fr_proc_exit *r,
				      struct task_struct *t,
				      struct signal_struct *s)
{
	u64 exact = t->se.sum_exec_runtime;

	r->utime = r->stime = r->majflt = r->minflt = 0;
	r->read_bytes = r->write_bytes = r->rchar = r->wchar = 0;
	add_times(r, t);
	if (r->last) {
		add_process(r, t, s);
		exact += s->sum_sched_runtime;
		if (t != t->group_leader)
			exact += t->group_leader->se.sum_exec_runtime;
	}
	scale_times(r, exact);
	r->dur =
		bpf_ktime_get_boot_ns() -
		(r->last ? t->group_leader->start_boottime : t->start_boottime);
	r->ts = bpf_ktime_get_ns() - r->dur;
	r->tid = t->pid;
	r->pid = t->tgid;
	r->born = born_of(t->group_leader->start_boottime);
	r->status = r->last ? process_status(t, s) : (u32)t->exit_code;
	r->blkio_delay = blkio_delay(t);
}

static __always_inline int exit_thread(struct task_struct *t)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_PROC_EXIT);
	struct record_buf *buf = scratch_of(FR_PROBE_PROC_EXIT, 0);
	struct fr_proc_exit *r = (void *)buf;
	struct signal_struct *s;
	struct fr_inflight *e;
	int last, in_scope, is_known;
	u64 seq = 0;

	if (!n || !buf)
		return 0;
	e = inflight_find(t->pid, (u64)t);
	is_known = e && e->start_boottime == t->start_boottime;
	clear_inflight(t, t->pid);
	in_scope = task_in_scope(t);
	s = t->signal;
	last = is_last(t, s);
	if (in_scope && stream_on(FR_STREAM_PROC)) {
		/* made no recorded call: nobody has said yet who it is */
		if (last && !is_known)
			name_task(FR_PROBE_PROC_EXIT);
		r->last = (u16)last;
		exit_fill(r, t, s);
		seq = ring_put(buf, sizeof(*r), FR_LANE_PROC,
			       TYPE_AUX(FR_T_proc_exit, 0));
		if (seq)
			n->records++;
		else
			n->lost++;
	} else {
		n->filtered++;
	}
	if (last && in_scope && limit_wanted(FR_WHAT_EXIT))
		exit_triggers(t, s, seq);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(proc_exit_tp_btf, struct task_struct *t)
{
	return exit_thread(t);
}

/* Where programs can be preempted, this one is not skipped. */
SEC("tracepoint/sched/sched_process_exit")
int proc_exit_tracepoint(void *ctx)
{
	exit_thread(bpf_get_current_task_btf());
	return 1;
}

/* ---- killed for want of memory -------------------------------------------- */
static __always_inline void oom_triggers(struct oom_task *t, u64 seq)
{
	struct limit_event ev = {};

	ev.what = FR_WHAT_OOM;
	ev.stream = FR_STREAM_PROC;
	ev.ts = bpf_ktime_get_ns();
	ev.lane = FR_LANE_PROC;
	ev.seq = seq;
	ev.pid = (u32)BPF_CORE_READ(t, tgid);
	ev.tid = (u32)BPF_CORE_READ(t, pid);
	ev.group = (u64)BPF_CORE_READ(t, cgroups, dfl_cgrp);
	bpf_probe_read_kernel(ev.comm, sizeof(ev.comm),
			      BPF_CORE_READ(t, group_leader)->comm);
	limit_triggers(&ev);
}

/* ${task}: the victim. */
static __noinline int oom_kill(u64 task)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_PROC_OOM);
	struct record_buf *buf = scratch_of(FR_PROBE_PROC_OOM, 0);
	struct oom_task *t = (void *)task;
	u64 seq = 0;

	if (!n || !buf)
		return 0;
	if (!t || !oom_in_scope(t)) {
		n->filtered++;
		return 0;
	}
	if (stream_on(FR_STREAM_PROC)) {
		oom_name(t, FR_PROBE_PROC_OOM, n);
		oom_fill((void *)buf, t);
		seq = ring_put(buf, sizeof(struct fr_proc_oom), FR_LANE_PROC,
			       TYPE_AUX(FR_T_proc_oom, 0));
		if (seq)
			n->records++;
		else
			n->lost++;
	} else {
		n->filtered++;
	}
	if (limit_wanted(FR_WHAT_OOM))
		oom_triggers(t, seq);
	return 0;
}

/* From 6.8 on, and in later updates of older ones (72ba14deb40a). */
SEC("tp_btf/mark_victim")
int BPF_PROG(proc_oom_tp_btf_task, struct task_struct *t)
{
	/* a load that only a task allows: else the next one is taken */
	return t->pid ? oom_kill((u64)t) : 0;
}

SEC("tp_btf/mark_victim")
int BPF_PROG(proc_oom_tp_btf_number, int pid)
{
	return oom_kill(oom_task_of((u32)pid));
}

/* The format begins alike everywhere. */
SEC("tracepoint/oom/mark_victim")
int proc_oom_tracepoint(struct oom_tracepoint_ctx *ctx)
{
	oom_kill(oom_task_of((u32)ctx->pid));
	return 1;
}

/* A new command name, by exec or prctl: the thread is described again. */
SEC("tp_btf/task_rename")
int BPF_PROG(proc_rename_tp_btf, struct task_struct *t, const char *comm)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_PROC_RENAME);
	struct fr_inflight *e = inflight_find(t->pid, (u64)t);

	if (!n)
		return 0;
	n->filtered++;
	if (e)
		e->start_boottime = 0;
	return 0;
}
