/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * oom.bpf.h - whom the kernel kills for want of memory: what it is and has.
 *
 * The victim is not the current task, and on kernels that tell only its number
 * it must be looked up; so everything is read by probe reads.
 */
#ifndef OOM_BPF_H
#define OOM_BPF_H

#include "limit.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)
struct atomic_long_t___oom {
	s64 counter;
};
struct percpu_counter___oom {
	s64 count;
};
/* until 6.1 */
struct mm_rss_stat {
	struct atomic_long_t___oom count[4];
};
struct mm_struct___old {
	struct mm_rss_stat rss_stat;
};
struct mm_struct___oom {
	unsigned long total_vm;
	struct atomic_long_t___oom pgtables_bytes;
	struct percpu_counter___oom rss_stat[4];
};

struct page_counter___oom {
	struct atomic_long_t___oom usage;
	unsigned long max;
};
struct mem_cgroup___oom {
	struct cgroup_subsys_state___limit css;
	struct page_counter___oom memory;
};
struct css_set___oom {
	struct cgroup_subsys_state___limit *subsys[1];
	struct cgroup___limit *dfl_cgrp;
};
enum cgroup_subsys_id {
	memory_cgrp_id, /* its number is the kernel's */
};

struct signal_struct___oom {
	short oom_score_adj;
};
struct pid___oom;
struct task_struct___oom {
	unsigned int flags;
	int pid, tgid;
	u64 start_boottime;
	struct task_struct___oom *group_leader, *real_parent;
	const struct cred *cred;
	struct mm_struct___oom *mm;
	struct signal_struct___oom *signal;
	struct css_set___oom *cgroups;
	struct pid___oom *thread_pid;
	struct hlist_head pid_links[4];
	char comm[16];
};
#define oom_task task_struct___oom

/* The tree of process numbers. */
struct xarray___oom {
	void *xa_head;
};
struct idr___oom {
	struct xarray___oom idr_rt;
};
struct pid_namespace___oom {
	struct idr___oom idr;
};
struct upid___oom {
	struct pid_namespace___oom *ns;
};
struct pid___oom {
	struct hlist_head tasks[4];
	struct upid___oom numbers[1];
};
struct xa_node___oom {
	u8 shift;
	void *slots[64];
};
#pragma clang attribute pop

struct oom_tracepoint_ctx {
	u64 common;
	int pid;
};

#define MM_FILEPAGES  0
#define MM_ANONPAGES  1
#define MM_SWAPENTS   2
#define MM_SHMEMPAGES 3

/* ---- from its number ----------------------------------------------------- */
#define XA_LEVELS_MAX 6 /* of 6 bits each: numbers have at most 22 */

/* The thread of that number in the first name space, 0: there is none. */
static __noinline u64 oom_task_of(u32 number)
{
	struct oom_task *current = (void *)bpf_get_current_task_btf();
	struct pid_namespace___oom *all =
		BPF_CORE_READ(current, thread_pid, numbers[0].ns);
	u64 entry = (u64)BPF_CORE_READ(all, idr.idr_rt.xa_head), first;

	for (int i = 0; i < XA_LEVELS_MAX && (entry & 3) == 2; i++) {
		struct xa_node___oom *node = (void *)(entry - 2);
		u32 slot = number >> (BPF_CORE_READ(node, shift) & 31) & 63;

		if (bpf_probe_read_kernel(
			    &entry, sizeof(entry),
			    (void *)((u64)node + slot * 8ULL +
				     bpf_core_field_offset(struct xa_node___oom,
							   slots))))
			return 0;
	}
	if (!entry || entry & 3)
		return 0;
	first = (u64)BPF_CORE_READ((struct pid___oom *)entry, tasks[0].first);
	return first ? first - bpf_core_field_offset(struct oom_task,
						     pid_links) :
		       0;
}

/* ---- who ------------------------------------------------------------------ */
static __always_inline int oom_in_scope(struct oom_task *t)
{
	u32 tgid = (u32)BPF_CORE_READ(t, tgid);

	if (bpf_map_lookup_elem(&excluded, &tgid))
		return 0;
	if (fr_cfg.scope == FR_SCOPE_PIDS)
		return bpf_map_lookup_elem(&scope, &tgid) != 0;
	if (fr_cfg.scope == FR_SCOPE_CGROUP)
		return group_is_below((u64)BPF_CORE_READ(t, cgroups, dfl_cgrp),
				      fr_cfg.scope_cgroup);
	return 1;
}

/* Writes name_proc of the victim, which may never have done anything that was
 * recorded. */
static __always_inline void oom_name(struct oom_task *t, u32 probe,
				     struct fr_probe_counts *n)
{
	struct record_buf *buf = scratch_of(probe, 1);
	struct fr_name_proc *r = (void *)buf;

	if (!buf)
		return;
	__builtin_memset(r, 0, sizeof(*r));
	r->ts = bpf_ktime_get_ns();
	r->start = BPF_CORE_READ(t, group_leader, start_boottime);
	r->thread_start = BPF_CORE_READ(t, start_boottime);
	r->cgroup = BPF_CORE_READ(t, cgroups, dfl_cgrp, kn, id);
	r->tid = (u32)BPF_CORE_READ(t, pid);
	r->pid = (u32)BPF_CORE_READ(t, tgid);
	r->ppid = (u32)BPF_CORE_READ(t, real_parent, tgid);
	r->uid = BPF_CORE_READ(t, cred, uid.val);
	r->gid = BPF_CORE_READ(t, cred, gid.val);
	r->born = born_of(r->start);
	r->flags = task_is_compat((struct task_struct *)t);
	BPF_CORE_READ_INTO(&r->comm, t, comm);
	if (ring_put(buf, sizeof(*r), FR_LANE_NAMES,
		     TYPE_AUX(FR_T_name_proc, 0)))
		n->names++;
	else
		n->names_lost++;
}

/* ---- what it has ---------------------------------------------------------- */
/* A macro: CO-RE relocates constant indices only. */
#define RSS_PAGES(mm, which)                                    \
	(bpf_core_type_exists(struct mm_rss_stat) ?             \
		 BPF_CORE_READ((struct mm_struct___old *)(mm),  \
			       rss_stat.count[which].counter) : \
		 BPF_CORE_READ(mm, rss_stat[which].count))

static __always_inline u64 oom_bytes(s64 pages)
{
	/* a sum that is kept per CPU may be behind, even below zero */
	return pages > 0 ? (u64)pages << fr_cfg.page_shift : 0;
}

static __always_inline void oom_memory(struct fr_proc_oom *r,
				       struct mm_struct___oom *mm)
{
	r->total_vm = (u64)BPF_CORE_READ(mm, total_vm) << fr_cfg.page_shift;
	r->file_rss = oom_bytes(RSS_PAGES(mm, MM_FILEPAGES));
	r->anon_rss = oom_bytes(RSS_PAGES(mm, MM_ANONPAGES));
	r->shmem_rss = oom_bytes(RSS_PAGES(mm, MM_SHMEMPAGES));
	r->swap = oom_bytes(RSS_PAGES(mm, MM_SWAPENTS));
	r->page_tables = (u64)BPF_CORE_READ(mm, pgtables_bytes.counter);
}

/* The memory cgroup of the task, without one 0. */
static __always_inline struct cgroup_subsys_state___limit *
memory_group(struct oom_task *t)
{
	u64 set = (u64)BPF_CORE_READ(t, cgroups), css = 0;

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return 0;
	bpf_probe_read_kernel(
		&css, sizeof(css),
		(void *)(set +
			 bpf_core_field_offset(struct css_set___oom, subsys) +
			 8 * bpf_core_enum_value(enum cgroup_subsys_id,
						 memory_cgrp_id)));
	return (void *)css;
}

/* Which memory cgroup has the least room left. */
static __always_inline void oom_limit(struct fr_proc_oom *r, struct oom_task *t)
{
	struct cgroup_subsys_state___limit *css = memory_group(t);
	s64 least = 0x7fffffffffffffffLL >> fr_cfg.page_shift; /* no limit */

	r->limit_cgroup = r->limit = r->limit_used = ~0ULL;
	for (int i = 0; css && i < GROUP_DEPTH_MAX; i++) {
		struct mem_cgroup___oom *m =
			(void *)((u64)css -
				 bpf_core_field_offset(struct mem_cgroup___oom,
						       css));
		s64 max = (s64)BPF_CORE_READ(m, memory.max);
		s64 used = BPF_CORE_READ(m, memory.usage.counter);

		if (max < 0x7fffffffffffffffLL >> fr_cfg.page_shift &&
		    max - used < least) {
			least = max - used;
			r->limit_cgroup = BPF_CORE_READ(css, cgroup, kn, id);
			r->limit = (u64)max << fr_cfg.page_shift;
			r->limit_used = (u64)used << fr_cfg.page_shift;
		}
		css = BPF_CORE_READ(css, parent);
	}
}

static __always_inline void oom_fill(struct fr_proc_oom *r, struct oom_task *t)
{
	struct task_struct *killer = bpf_get_current_task_btf();

	r->ts = bpf_ktime_get_ns();
	r->tid = (u32)BPF_CORE_READ(t, pid);
	r->pid = (u32)BPF_CORE_READ(t, tgid);
	r->born = born_of(BPF_CORE_READ(t, group_leader, start_boottime));
	r->spare = 0;
	r->oom_score_adj = BPF_CORE_READ(t, signal, oom_score_adj);
	r->ppid = (u32)BPF_CORE_READ(t, real_parent, tgid);
	r->uid = BPF_CORE_READ(t, cred, uid.val);
	r->killer_tid = (u32)killer->pid;
	r->killer_pid = (u32)killer->tgid;
	bpf_get_current_comm(r->killer, sizeof(r->killer));
	r->cgroup = BPF_CORE_READ(t, cgroups, dfl_cgrp, kn, id);
	oom_memory(r, BPF_CORE_READ(t, mm));
	oom_limit(r, t);
}

#endif
