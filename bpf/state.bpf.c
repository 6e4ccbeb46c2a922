// SPDX-License-Identifier: GPL-2.0-only
/*
 * state.bpf.c - what every thread has used, all of them in one read().
 *
 * Task iterators: attached to nothing, they run while user space reads from them
 * and write one struct per thread: state_tasks its CPU time (recorder/state_tasks.c),
 * state_usage all that the sampler keeps (recorder/task_usage.h).
 */
#include "kernel_types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <flightrec/task_time.h>
#include <flightrec/task_usage.h>

char LICENSE[] SEC("license") = "GPL";

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)
struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
	u64 session_id;
	u64 seq_num;
};
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct atomic_long_t___usage {
	s64 counter;
};
struct percpu_counter___usage {
	s64 count;
};
/* until 6.1 */
struct mm_rss_stat {
	struct atomic_long_t___usage count[4];
};
struct mm_struct___old {
	struct mm_rss_stat rss_stat;
};
struct mm_struct___usage {
	unsigned long hiwater_rss;
	struct percpu_counter___usage rss_stat[4];
};
struct signal_struct___usage {
	int nr_threads;
	unsigned long nvcsw, nivcsw;
};
struct task_struct___usage {
	unsigned int __state;
	int exit_state;
	unsigned long nvcsw, nivcsw;
};
struct fdtable___usage {
	unsigned int max_fds;
	unsigned long *open_fds;
};
#pragma clang attribute pop

#define MM_FILEPAGES  0
#define MM_ANONPAGES  1
#define MM_SWAPENTS   2
#define MM_SHMEMPAGES 3

SEC("iter/task")
int state_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;
	struct fr_task_time r = {};

	if (!t)
		return 0;
	r.pid = t->tgid;
	r.is_leader = t->pid == t->tgid;
	r.start = t->group_leader->start_boottime;
	r.cpu_ns = t->se.sum_exec_runtime;
	if (r.is_leader)
		r.cpu_ns += t->signal->sum_sched_runtime;
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}

/* A macro: CO-RE relocates constant indices only. */
#define RSS_PAGES(mm, which)                                     \
	(bpf_core_type_exists(struct mm_rss_stat) ?              \
		 BPF_CORE_READ((struct mm_struct___old *)(mm),   \
			       rss_stat.count[which].counter) :  \
		 BPF_CORE_READ((struct mm_struct___usage *)(mm), \
			       rss_stat[which].count))

/* A sum that is kept per CPU may be behind, even below zero. */
static __always_inline u64 at_least_0(s64 pages)
{
	return pages > 0 ? (u64)pages : 0;
}

static __always_inline u32 bits_of(u64 v)
{
	v -= v >> 1 & 0x5555555555555555ULL;
	v = (v & 0x3333333333333333ULL) + (v >> 2 & 0x3333333333333333ULL);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (u32)(v * 0x0101010101010101ULL >> 56);
}

/* In words of the bitmap of open descriptors; nobody holds its lock, so that a
 * table that is replaced meanwhile gives a number that is off. */
static __noinline u32 open_fds(struct task_struct *t)
{
	struct fdtable___usage *table;
	unsigned long *words;
	u64 word;
	u32 nr, sum = 0;

	table = (void *)BPF_CORE_READ(t, files, fdt);
	if (!table)
		return ~0U;
	nr = BPF_CORE_READ(table, max_fds) / 64;
	words = BPF_CORE_READ(table, open_fds);
	if (nr > FR_TASK_FDS_MAX / 64)
		return ~0U;
	for (u32 i = 0; i < FR_TASK_FDS_MAX / 64; i++) {
		if (i >= nr || bpf_probe_read_kernel(&word, 8, words + i))
			break;
		sum += bits_of(word);
	}
	return sum;
}

static __always_inline void usage_memory(struct fr_task_usage *r,
					 struct task_struct *t)
{
	struct mm_struct *mm = BPF_CORE_READ(t, mm);
	u64 most;

	if (!mm)
		return;
	r->rss_pages = at_least_0(RSS_PAGES(mm, MM_FILEPAGES)) +
		       at_least_0(RSS_PAGES(mm, MM_ANONPAGES)) +
		       at_least_0(RSS_PAGES(mm, MM_SHMEMPAGES));
	r->swap_pages = at_least_0(RSS_PAGES(mm, MM_SWAPENTS));
	/* kept up to date only where memory is given back */
	most = BPF_CORE_READ((struct mm_struct___usage *)mm, hiwater_rss);
	r->rss_max_pages = most > r->rss_pages ? most : r->rss_pages;
}

static __always_inline void usage_process(struct fr_task_usage *r,
					  struct task_struct *t)
{
	struct signal_struct *s = t->signal;
	struct signal_struct___usage *su = (void *)s;
	struct task_struct___usage *tu = (void *)t;

	r->cpu_ns += BPF_CORE_READ(s, sum_sched_runtime);
	r->user_ns += BPF_CORE_READ(s, utime);
	r->system_ns += BPF_CORE_READ(s, stime);
	r->minor_faults += BPF_CORE_READ(s, min_flt);
	r->major_faults += BPF_CORE_READ(s, maj_flt);
	r->switches += BPF_CORE_READ(su, nvcsw);
	r->preemptions += BPF_CORE_READ(su, nivcsw);
	if (bpf_core_field_exists(s->ioac.read_bytes)) {
		r->read_bytes += BPF_CORE_READ(s, ioac.read_bytes);
		r->write_bytes += BPF_CORE_READ(s, ioac.write_bytes);
	}
	if (bpf_core_field_exists(s->ioac.rchar)) {
		r->read_chars += BPF_CORE_READ(s, ioac.rchar);
		r->write_chars += BPF_CORE_READ(s, ioac.wchar);
	}
	r->threads = (u32)BPF_CORE_READ(su, nr_threads);
	r->state = BPF_CORE_READ(tu, __state);
	r->exit_state = (u32)BPF_CORE_READ(tu, exit_state);
	r->ppid = (u32)BPF_CORE_READ(t, real_parent, tgid);
	r->uid = BPF_CORE_READ(t, cred, uid.val);
	r->cgroup = BPF_CORE_READ(t, cgroups, dfl_cgrp, kn, id);
	r->fds = open_fds(t);
	BPF_CORE_READ_STR_INTO(&r->comm, t, comm);
	usage_memory(r, t);
}

SEC("iter/task")
int state_usage(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;
	struct task_struct___usage *tu = (void *)t;
	struct fr_task_usage r = {};

	if (!t)
		return 0;
	r.pid = (u32)t->tgid;
	r.is_leader = t->pid == t->tgid;
	r.start = t->group_leader->start_boottime;
	r.cpu_ns = t->se.sum_exec_runtime;
	r.user_ns = t->utime;
	r.system_ns = t->stime;
	r.minor_faults = t->min_flt;
	r.major_faults = t->maj_flt;
	r.switches = BPF_CORE_READ(tu, nvcsw);
	r.preemptions = BPF_CORE_READ(tu, nivcsw);
	if (bpf_core_field_exists(t->ioac.read_bytes)) {
		r.read_bytes = t->ioac.read_bytes;
		r.write_bytes = t->ioac.write_bytes;
	}
	if (bpf_core_field_exists(t->ioac.rchar)) {
		r.read_chars = t->ioac.rchar;
		r.write_chars = t->ioac.wchar;
	}
	if (r.is_leader)
		usage_process(&r, t);
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}
