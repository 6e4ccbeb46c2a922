/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hist.bpf.h - counts each operation that ends in a histogram of its kind, device
 * and cgroup: hist.h has the layout.
 *
 *   hist_add(key, stream, dev, cgroup, dur)
 *
 * is all that a stream calls, before any policy leaves the operation out.
 */
#ifndef HIST_BPF_H
#define HIST_BPF_H

#include "hist_bucket.bpf.h"
#include "ring.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set by the loader: one per CPU */
	__type(key, u32);
	__type(value, struct fr_hist_index);
} hist_index SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries,
	       1); /* set by the loader: fr_cfg.hist_rows per CPU */
	__type(key, u32);
	__type(value, struct fr_hist_row);
} hist SEC(".maps");

/* The cgroup of the thread that runs.  The same as bpf_get_current_cgroup_id(),
 * without a call. */
static __always_inline u64 hist_cgroup(struct task_struct *t)
{
	if (!fr_cfg.hist_rows || !fr_cfg.hist_cgroups)
		return FR_HIST_NO_CGROUP;
	return t->cgroups->dfl_cgrp->kn->id;
}

static __always_inline struct fr_hist_row *hist_row(u32 cpu, u32 row)
{
	u32 at = cpu * fr_cfg.hist_rows + row;

	return bpf_map_lookup_elem(&hist, &at);
}

static __always_inline u32 hist_hash(u64 id, u64 cgroup)
{
	u64 h = (id ^ cgroup * 0x9e3779b97f4a7c15ULL) * 0xc2b2ae3d27d4eb4fULL;

	return (u32)(h >> 40) & (FR_HIST_SLOTS - 1);
}

/* Takes a row; 0 (that of everything else) if there is none.  ${keep}: as many
 * must stay for others. */
static __always_inline u32 hist_take(struct fr_hist_index *ix, u32 cpu, u64 id,
				     u64 cgroup, u32 keep)
{
	struct fr_hist_row *r;
	u32 row;

	if (READ_ONCE(ix->used) + keep >= fr_cfg.hist_rows)
		return 0;
	row = __sync_fetch_and_add(&ix->used, 1);
	if (row >= fr_cfg.hist_rows) /* who nested in us took the last one */
		return 0;
	r = hist_row(cpu, row);
	if (!r)
		return 0;
	r->cgroup = cgroup;
	/* a full barrier: pairs with the reader's acquire */
	if (__sync_lock_test_and_set(&r->id, id))
		barrier();
	return row;
}

/* Where the number of the row of others is. */
static __always_inline u16 *hist_others_at(struct fr_hist_index *ix, u64 id)
{
	u32 at = FR_HIST_ID_KEY(id) +
		 (FR_HIST_ID_STREAM(id) != FR_STREAM_FS) * FR_KEYS;

	/* older verifiers (6.1) lose the bounds of that sum */
	asm volatile("" : "+r"(at));
	return &ix->others[at & (2 * FR_KEYS - 1)];
}

/* The row for whatever of this key and stream has none of its own. */
static __always_inline u32 hist_others(struct fr_hist_index *ix, u32 cpu,
				       u64 id)
{
	u32 key = FR_HIST_ID_KEY(id), stream = FR_HIST_ID_STREAM(id), row;
	u16 *others = hist_others_at(ix, id);

	row = READ_ONCE(*others);
	if (row && row != FR_HIST_KEY_SEEN)
		return row;
	if (row) /* one was set aside for us */
		__sync_fetch_and_add(&ix->set_aside, -1U);
	row = hist_take(ix, cpu, FR_HIST_ID(key, stream, FR_HIST_NO_DEV),
			FR_HIST_OTHERS, row ? 0 : READ_ONCE(ix->set_aside));
	WRITE_ONCE(*others, (u16)row);
	return row;
}

/* A row for something new.  The first one of a key sets one aside for its others,
 * as long as that leaves most rows to those that come first. */
static __always_inline u32 hist_new(struct fr_hist_index *ix, u32 cpu, u64 id,
				    u64 cgroup)
{
	u16 *others = hist_others_at(ix, id);
	u32 row, more, keep;

	more = !READ_ONCE(*others);
	keep = READ_ONCE(ix->set_aside) + more;
	if (keep > fr_cfg.hist_rows / 4)
		keep = fr_cfg.hist_rows / 4;
	row = hist_take(ix, cpu, id, cgroup, keep);
	if (!row)
		return hist_others(ix, cpu, id);
	if (more) {
		WRITE_ONCE(*others, FR_HIST_KEY_SEEN);
		__sync_fetch_and_add(&ix->set_aside, 1);
	}
	return row;
}

/* The row of an operation that is not in the first slot it may be in. */
__noinline u32 hist_find(u32 cpu, u64 id, u64 cgroup)
{
	struct fr_hist_index *ix = bpf_map_lookup_elem(&hist_index, &cpu);
	u32 h = hist_hash(id, cgroup), row;

	if (!ix)
		return 0;
	for (u32 i = 0; i < FR_HIST_PROBES; i++) {
		struct fr_hist_slot *s =
			&ix->slots[(h + i) & (FR_HIST_SLOTS - 1)];
		u64 seen = READ_ONCE(s->id);

		if ((seen & ~FR_HIST_ROW_BITS) == id && s->cgroup == cgroup)
			return FR_HIST_ID_ROW(seen);
		if (seen ||
		    __sync_val_compare_and_swap(&s->id, 0, FR_HIST_BUSY))
			continue;
		row = hist_new(ix, cpu, id, cgroup);
		s->cgroup = cgroup;
		barrier(); /* only programs on this CPU read it */
		WRITE_ONCE(s->id, id | row << 16);
		return row;
	}
	return hist_others(ix, cpu, id);
}

/* Keys of system calls are counted by one program only, and none of them runs
 * twice at once on a CPU; others may meet in an interrupt. */
static __always_inline void hist_count(struct fr_hist_row *r, u32 key, u64 dur)
{
	u32 b = hist_bucket(dur);

	asm volatile("" : "+r"(b)); /* let the verifier see the check */
	if (b > FR_HIST_OVER)
		return;
	if (key >= FR_KEY_BLOCK_READ) {
		__sync_fetch_and_add(&r->sum_ns, dur);
		__sync_fetch_and_add(&r->n[b], 1);
	} else {
		WRITE_ONCE(r->sum_ns, r->sum_ns + dur);
		WRITE_ONCE(r->n[b], r->n[b] + 1);
	}
}

/* ${key}: FR_KEY_BLOCK_* ... or the id of calls.def; ${dev}: FR_HIST_NO_DEV: it has
 * none; ${cgroup}: hist_cgroup(), or one noted before. */
static __always_inline void hist_add(u32 key, u32 stream, u32 dev, u64 cgroup,
				     u64 dur)
{
	u64 id = FR_HIST_ID(key, stream, dev), seen;
	struct fr_hist_index *ix;
	struct fr_hist_slot *s;
	struct fr_hist_row *r;
	u32 cpu, row;

	if (!fr_cfg.hist_rows)
		return;
	cpu = bpf_get_smp_processor_id();
	ix = bpf_map_lookup_elem(&hist_index, &cpu);
	if (!ix)
		return;
	s = &ix->slots[hist_hash(id, cgroup)];
	seen = READ_ONCE(s->id);
	if ((seen & ~FR_HIST_ROW_BITS) == id && s->cgroup == cgroup)
		row = FR_HIST_ID_ROW(seen);
	else
		row = hist_find(cpu, id, cgroup);
	r = hist_row(cpu, row & 0xffff);
	if (r)
		hist_count(r, key, dur);
}

#endif
