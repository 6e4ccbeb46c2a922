// SPDX-License-Identifier: GPL-2.0-only
/*
 * calls.bpf.c - counts the system calls, or calls of a library's functions, of one
 * process and its descendants.
 *
 * Loaded by `flightrec calls` alone (dump/calls_count.c), never by the daemon.
 * Nothing is sent: user space reads the counts.  As in strace -c, a call counts
 * when it returns; exit() and what dies inside a call never do.
 */
#include "kernel_types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <flightrec/call_count.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FR_CALL_SLOTS);
	__type(key, u32);
	__type(value, struct fr_call_count);
} counts SEC(".maps");

/* Instead, if by_comm or by_pid. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1); /* FR_CALL_KEYS, if it is used */
	__type(key, struct fr_call_key);
	__type(value, struct fr_call_count);
} counts_by SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FR_CALL_PROCESSES);
	__type(key, u32);
	__type(value, struct fr_call_process);
} processes SEC(".maps");

/* The call that a thread is in; kept from call to call, as to make and delete
 * entries would cost more than to count. */
struct call_inside {
	u64 since_ns; /* 0: in none */
	u32 slot;
	u32 pad;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FR_CALL_THREADS);
	__type(key, u32);
	__type(value, struct call_inside);
} inside SEC(".maps");

const volatile unsigned int by_comm = 0, by_pid = 0;
unsigned long long processes_lost = 0; /* no room to follow them */
unsigned long long calls_lost = 0;     /* no room for their thread or key */

SEC("tp_btf/sys_enter")
int BPF_PROG(count_enter, struct pt_regs *regs, long nr)
{
	struct task_struct *t = bpf_get_current_task_btf();
	u32 tgid = t->tgid, tid = t->pid;
	struct call_inside *in, now = {};

	if (!bpf_map_lookup_elem(&processes, &tgid))
		return 0;
	if (nr < 0 || nr >= FR_CALL_NRS)
		nr = FR_CALL_NRS - 1;
	now.slot = (u32)nr + (task_is_compat(t) ? FR_CALL_NRS : 0);
	in = bpf_map_lookup_elem(&inside, &tid);
	if (in) {
		in->slot = now.slot;
		in->since_ns = bpf_ktime_get_ns();
		return 0;
	}
	now.since_ns = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&inside, &tid, &now, BPF_ANY))
		__sync_fetch_and_add(&calls_lost, 1);
	return 0;
}

/* Where a call of the current thread counts; NULL: no room, which is counted. */
static __always_inline struct fr_call_count *count_at(u32 slot)
{
	struct fr_call_key key = { .slot = slot };
	struct fr_call_count *c, none = {};

	if (!by_comm && !by_pid)
		return bpf_map_lookup_elem(&counts, &slot);
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	if (by_pid)
		key.pid = bpf_get_current_pid_tgid() >> 32;
	c = bpf_map_lookup_elem(&counts_by, &key);
	if (c)
		return c;
	bpf_map_update_elem(&counts_by, &key, &none, BPF_NOEXIST);
	c = bpf_map_lookup_elem(&counts_by, &key);
	if (!c)
		__sync_fetch_and_add(&calls_lost, 1);
	return c;
}

/* Atomic although per CPU: where the kernel may preempt a program, another thread
 * may count the same call on this CPU meanwhile. */
static __always_inline void count_call(u32 slot, u64 ns, long ret)
{
	struct fr_call_count *c = count_at(slot);

	if (!c)
		return;
	__sync_fetch_and_add(&c->calls, 1);
	__sync_fetch_and_add(&c->total_ns, ns);
	if (ret < 0 && ret >= -4095)
		__sync_fetch_and_add(&c->errors, 1);
	if (ns > c->max_ns)
		c->max_ns = ns;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(count_exit, struct pt_regs *regs, long ret)
{
	struct task_struct *t = bpf_get_current_task_btf();
	u32 tgid = t->tgid, tid = t->pid;
	struct fr_call_process *p = bpf_map_lookup_elem(&processes, &tgid);
	struct call_inside *in;

	if (!p)
		return 0;
	in = bpf_map_lookup_elem(&inside, &tid);
	if (!in || !in->since_ns)
		return 0;
	if (p->counts)
		count_call(in->slot, bpf_ktime_get_ns() - in->since_ns, ret);
	in->since_ns = 0;
	return 0;
}

/* One program for all functions: the cookie says which. */
SEC("uprobe")
int count_function(struct pt_regs *ctx)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct fr_call_process *p = bpf_map_lookup_elem(&processes, &tgid);

	if (p && p->counts)
		count_call((u32)bpf_get_attach_cookie(ctx), 0, 0);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(count_fork, struct task_struct *parent, struct task_struct *child)
{
	u32 from = parent->tgid, to = child->tgid;
	struct fr_call_process *p = bpf_map_lookup_elem(&processes, &from);
	struct fr_call_process first = { .threads = 1 };

	if (!p)
		return 0;
	if (from == to) {
		__sync_fetch_and_add(&p->threads, 1);
		return 0;
	}
	first.counts = p->counts;
	if (bpf_map_update_elem(&processes, &to, &first, BPF_ANY))
		__sync_fetch_and_add(&processes_lost, 1);
	return 0;
}

/* What our own child did until here was to wait, and to look for the command. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(count_exec, struct task_struct *t, int old_pid)
{
	u32 tgid = t->tgid, tid = t->pid, old = old_pid;
	struct fr_call_process *p = bpf_map_lookup_elem(&processes, &tgid);
	struct call_inside *in, now;

	if (!p)
		return 0;
	p->counts = 1;
	if (old == tid)
		return 0;
	/* A thread that is not the first took the first one's number meanwhile. */
	in = bpf_map_lookup_elem(&inside, &old);
	if (!in)
		return 0;
	now = *in;
	bpf_map_update_elem(&inside, &tid, &now, BPF_ANY);
	bpf_map_delete_elem(&inside, &old);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(count_thread_end, struct task_struct *t)
{
	u32 tgid = t->tgid, tid = t->pid;
	struct fr_call_process *p = bpf_map_lookup_elem(&processes, &tgid);

	if (!p)
		return 0;
	bpf_map_delete_elem(&inside, &tid);
	if (p->threads < FR_CALL_ATTACHED &&
	    __sync_fetch_and_sub(&p->threads, 1) == 1)
		bpf_map_delete_elem(&processes, &tgid);
	return 0;
}
