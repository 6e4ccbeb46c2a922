/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy.bpf.h - which records of a stream are kept: all, one in N by chance, only
 * those above a latency; for everybody or by cgroup (probes.sample, probes.above,
 * probes.cgroups).
 *
 * The settings are constants when a program is loaded: where nothing is left out,
 * nothing of this is in the program.
 */
#ifndef POLICY_BPF_H
#define POLICY_BPF_H

#include "ring.bpf.h"

/* cgroup id -> what its tasks, and those of cgroups below it, get. */
struct cgroup_policy {
	struct fr_policy p[FR_STREAMS_MAX];
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, u64);
	__type(value, struct cgroup_policy);
} policy_cgroup SEC(".maps");

#define POLICY_CGROUP_DEPTH 12

/* The rule of the nearest cgroup above the current task that has one. */
__noinline u32 policy_by_cgroup(u32 stream, u64 dur)
{
	const volatile struct fr_policy *all;
	struct fr_policy *p = 0;

	for (int level = 1; level <= POLICY_CGROUP_DEPTH; level++) {
		u64 id = bpf_get_current_ancestor_cgroup_id(level);
		struct cgroup_policy *c;

		if (!id)
			break;
		c = bpf_map_lookup_elem(&policy_cgroup, &id);
		if (c)
			p = &c->p[stream & (FR_STREAMS_MAX - 1)];
	}
	if (p) {
		if (dur <= p->above_ns || !p->every)
			return 0;
		if (p->every > 1 && bpf_get_prandom_u32() % p->every)
			return 0;
		return p->every;
	}
	all = &fr_cfg.policy[stream & (FR_STREAMS_MAX - 1)];
	if (!all->every || dur <= all->above_ns)
		return 0;
	if (all->every > 1 && bpf_get_prandom_u32() % all->every)
		return 0;
	return all->every;
}

/* No duration to go by: such records are never left out for being short. */
#define POLICY_NO_DUR (~0ULL)

/*
 * How many operations this one stands for; 0: leave it out (count it as filtered).
 * ${stream}: a constant.  Operations over a limit are not asked about: they stay.
 */
static __always_inline u32 policy_weight(const u32 stream, u64 dur)
{
	u32 every = fr_cfg.policy[stream].every;

	if (fr_cfg.cgroup_rules)
		return policy_by_cgroup(stream, dur);
	if (fr_cfg.policy[stream].above_ns &&
	    dur <= fr_cfg.policy[stream].above_ns)
		return 0;
	if (every <= 1)
		return every;
	return bpf_get_prandom_u32() % every ? 0 : every;
}

static __always_inline int stream_on(const u32 stream)
{
	return (fr_cfg.streams >> stream) & 1;
}

/* For records of a system call, which have four bits: weights are powers of 2. */
static __always_inline u32 policy_aux(u32 weight)
{
	u32 log2 = 0;

	if (weight <= 1)
		return 0;
	for (u32 i = 0; i < 15; i++)
		if (weight >> (i + 1))
			log2 = i + 1;
	return FR_CALL_WEIGHT_LOG2(log2);
}

#endif
