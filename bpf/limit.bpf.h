/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * limit.bpf.h - events that triggers may wait for: an operation took longer than
 * the lowest limit of its kind, or failed; a process died.  Slow operations are
 * copied to the slow lane.  And operations that slots count, for percentiles of
 * those that pass their filters.
 */
#ifndef LIMIT_BPF_H
#define LIMIT_BPF_H

#include "hist_bucket.bpf.h"
#include "names.bpf.h"

/* Programs whose events have paths say so before they include this: to check the
 * glob costs the kernel some ten thousand steps for each. */
#ifdef LIMIT_PATHS
#include "event_path.bpf.h"
#else
#define event_path_matches(paths, slot) 0
#endif

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)
struct cgroup_subsys_state___limit {
	struct cgroup___limit *cgroup;
	struct cgroup_subsys_state___limit *parent;
};
struct cgroup___limit {
	struct cgroup_subsys_state___limit self;
	struct kernfs_node *kn;
};
#pragma clang attribute pop

/* By slot: what FR_WHAT_COUNT has counted, as in a row of hist.h.  Only grows. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, FR_TRIGGER_SLOTS);
	__type(key, u32);
	__type(value, struct fr_slot_counts);
} slot_counts SEC(".maps");

__noinline int slot_count(u32 slot, u64 dur)
{
	struct fr_slot_counts *c = bpf_map_lookup_elem(&slot_counts, &slot);
	u32 b = hist_bucket(dur);

	asm volatile("" : "+r"(b)); /* let the verifier see the check */
	if (c && b <= FR_HIST_OVER)
		__sync_fetch_and_add(&c->n[b], 1);
	return 0;
}

/* Counts the hit; 1 if it is the one that fires. */
static __always_inline int slot_hit(struct fr_trigger_slot *s)
{
	u32 state = READ_ONCE(s->state);

	/* pairs with the recorder's exchange when it arms the slot */
	if (state == FR_SLOT_ARMED) {
		state = __sync_val_compare_and_swap(&s->state, FR_SLOT_ARMED,
						    FR_SLOT_HIT);
		if (state == FR_SLOT_ARMED) {
			__sync_fetch_and_add(&s->fired, 1);
			return 1;
		}
	}
	if (state == FR_SLOT_HIT)
		__sync_fetch_and_add(&s->merged, 1);
	else if (state == FR_SLOT_QUIET)
		__sync_fetch_and_add(&s->suppressed, 1);
	return 0;
}

#define SEQ_COUNT (~0ULL) /* for limit_event.seq: slots only count it */

struct limit_event {
	u64 ts, dur, seq;
	u64 cgroup; /* of somebody else's operation; 0: of the current task */
	u64 group;  /* the same as an address, then those above it count too */
	u64 comm[2];
	u32 key, lane, pid, tid;
	u32 what, stream; /* FR_WHAT_*, FR_STREAM_* */
	u32 dev;          /* of the file, or the disk */
	u32 dev2;         /* the partition; or like dev */
	s32 value;        /* errno, or wait status */
	u32 paths;        /* 1 + the probe in whose event_paths its paths are */
};

static __always_inline int limit_wake(struct fr_trigger_slot *s, u32 slot,
				      struct limit_event *ev)
{
	struct fr_wake w = {};

	w.slot = slot;
	w.number = s->number;
	w.ts = ev->ts;
	w.dur = ev->dur;
	w.hit_ns = bpf_ktime_get_ns();
	w.seq = ev->seq;
	w.lane = ev->lane;
	w.cpu = bpf_get_smp_processor_id();
	w.pid = ev->pid;
	w.tid = ev->tid;
	w.key = ev->key;
	w.value = ev->value;
	__builtin_memcpy(w.comm, ev->comm, sizeof(w.comm));
	bpf_ringbuf_output(&wake, &w, sizeof(w), BPF_RB_FORCE_WAKEUP);
	return 0;
}

/* ---- does the event match the slot? ------------------------------------------ */
#define GROUP_DEPTH_MAX 32

/* Is ${id} the cgroup at that address, or one above it? */
static __always_inline int group_is_below(u64 group, u64 id)
{
	struct cgroup___limit *c = (void *)group;

	for (int i = 0; c && i < GROUP_DEPTH_MAX; i++) {
		if (BPF_CORE_READ(c, kn, id) == id)
			return 1;
		c = BPF_CORE_READ(c, self.parent, cgroup);
	}
	return 0;
}

static __always_inline int slot_cgroup(struct fr_trigger_slot *s,
				       struct limit_event *ev)
{
	if (ev->group)
		return group_is_below(ev->group, s->cgroup);
	if (ev->cgroup)
		return ev->cgroup == s->cgroup;
	if (!s->cgroup_level)
		return 1; /* the root: everybody */
	return bpf_get_current_ancestor_cgroup_id((int)s->cgroup_level) ==
	       s->cgroup;
}

/* The filters that the event does not match, as bits. */
static __always_inline u32 slot_unlike(struct fr_trigger_slot *s,
				       struct limit_event *ev)
{
	u32 unlike = 0;

	if (((ev->comm[0] ^ s->comm[0]) & s->comm_mask[0]) |
	    ((ev->comm[1] ^ s->comm[1]) & s->comm_mask[1]))
		unlike |= FR_WHERE_COMM;
	if (ev->pid != s->pid)
		unlike |= FR_WHERE_PID;
	if (ev->dev != s->dev && ev->dev2 != s->dev)
		unlike |= FR_WHERE_DEV;
	if (s->where & FR_WHERE_CGROUP && !slot_cgroup(s, ev))
		unlike |= FR_WHERE_CGROUP;
	return unlike;
}

/* Does the slot wait for that end of a process? */
static __always_inline int slot_exit(struct fr_trigger_slot *s, u32 status)
{
	u32 sig = status & 0x7f;
	s32 code = status >> 8 & 0xff;

	if (sig)
		return s->signals >> ((sig - 1) & 63) & 1;
	if (!code)
		return 0;
	for (u32 i = 0; i < FR_SLOT_ERRNOS; i++)
		if (s->errnos[i] == code || s->errnos[i] == -1)
			return 1;
	return 0;
}

static __always_inline int slot_errno(struct fr_trigger_slot *s, s32 err)
{
	if (!s->errnos[0])
		return 1;
	for (u32 i = 0; i < FR_SLOT_ERRNOS; i++)
		if (s->errnos[i] == err)
			return 1;
	return 0;
}

static __always_inline int slot_key(struct fr_trigger_slot *s,
				    struct limit_event *ev)
{
	u32 key = ev->key & (FR_KEYS - 1);

	return (s->keys[(key >> 6) & 3] >> (key & 63) & 1) &&
	       (s->streams >> (ev->stream & 31) & 1);
}

#define MATCH_IF_PATH    2
#define MATCH_IF_NO_PATH 3

/* 0, 1, or that it hangs on the filter by path: which is for the caller to look at,
 * or the stacks of all who call each other would not fit.  A function of its own:
 * the kernel checks it once, not for each slot. */
__noinline int slot_matches(struct fr_trigger_slot *s, struct limit_event *ev)
{
	if (!s || !ev || s->what != ev->what || !READ_ONCE(s->gate))
		return 0;
	switch (ev->what) {
	case FR_WHAT_LATENCY:
		if (ev->dur <= s->limit_ns || !slot_key(s, ev))
			return 0;
		break;
	case FR_WHAT_COUNT:
		if (!slot_key(s, ev))
			return 0;
		break;
	case FR_WHAT_ERROR:
		if (!slot_key(s, ev) || !slot_errno(s, ev->value))
			return 0;
		break;
	case FR_WHAT_EXIT:
		if (!slot_exit(s, (u32)ev->value))
			return 0;
		break;
	}
	if ((slot_unlike(s, ev) ^ s->where_not) & s->where & ~FR_WHERE_PATH)
		return 0;
	if (!(s->where & FR_WHERE_PATH))
		return 1;
	return s->where_not & FR_WHERE_PATH ? MATCH_IF_NO_PATH : MATCH_IF_PATH;
}

/* Does it hang on the path of the event whether some slot takes it?  Asked before the
 * path is put together.  Changes ev->what and ev->value. */
__noinline int limit_asks_path(struct limit_event *ev, s64 ret)
{
	u32 zero = 0;
	struct fr_limits *l = bpf_map_lookup_elem(&limits, &zero);

	asm volatile("" ::"r"(ret));
	if (!l || !ev || !READ_ONCE(l->paths))
		return 0;
	ev->value = (s32)-ret;
	for (u32 i = 0; i < FR_TRIGGER_SLOTS; i++) {
		struct fr_trigger_slot *s = &l->slots[i];

		if (i >= READ_ONCE(l->nr_slots))
			break;
		if (READ_ONCE(s->state) == FR_SLOT_FREE ||
		    !(s->where & FR_WHERE_PATH))
			continue;
		ev->what = s->what;
		if ((ev->what == FR_WHAT_COUNT) != (ev->seq == SEQ_COUNT) ||
		    (ev->what == FR_WHAT_ERROR && ret >= 0))
			continue;
		if (slot_matches(s, ev) >= MATCH_IF_PATH)
			return 1;
	}
	return 0;
}

/* The number of the last trigger that fired, 0 if none did. */
__noinline u32 limit_triggers(struct limit_event *ev)
{
	u32 zero = 0, fired = 0;
	int match;
	struct fr_limits *l = bpf_map_lookup_elem(&limits, &zero);

	if (!l || !ev)
		return 0;
	for (u32 i = 0; i < FR_TRIGGER_SLOTS; i++) {
		struct fr_trigger_slot *s = &l->slots[i];

		if (i >= READ_ONCE(l->nr_slots))
			break;
		if (READ_ONCE(s->state) == FR_SLOT_FREE)
			continue;
		match = slot_matches(s, ev);
		if (match >= MATCH_IF_PATH)
			match = event_path_matches(ev->paths, i) ==
				(match == MATCH_IF_PATH);
		if (!match)
			continue;
		if (ev->what == FR_WHAT_COUNT) {
			slot_count(i, ev->dur);
		} else if (slot_hit(s)) {
			limit_wake(s, i, ev);
			fired = s->number;
		}
	}
	return fired;
}

/* Copies the record that has just been written to the slow lane: it is read back
 * from the ring. */
__noinline int slow_copy(u32 probe, struct limit_event *ev, u32 number)
{
	u32 cpu = bpf_get_smp_processor_id(), len, slots = 1;
	struct record_buf *buf = scratch_of(probe, 1);
	struct fr_word *w = ring_word(ev ? ev->lane : 0, cpu);
	struct fr_probe_counts *n = counts_of(probe);
	struct fr_slow *r = (void *)buf;
	struct fr_chunk_head *c;
	u64 pos, *from;
	u32 off;

	if (!buf || !w || !n || !ev)
		return 0;
	/* still the chunk it was written to? (we did not leave this CPU, but the
	 * chunk may have been filled up by one who nested in us) */
	pos = READ_ONCE(w->pos);
	if (FR_POS_ORDINAL(pos) != (u32)(ev->seq >> 8))
		return 0;
	off = ev->seq & 0xff;
	c = ring_chunk(FR_POS_CHUNK(pos));
	if (!c)
		return 0;
	from = (void *)((u8 *)c + (off << 6));
	for (int j = 0; j < 8; j++)
		buf->w[sizeof(*r) / 8 + j] = from[j];
	for (u32 i = 1; i < 4; i++) { /* records of operations: 1 to 3 slots */
		if (off + i >= FR_CHUNK_SLOTS)
			break;
		from = (void *)((u8 *)c + (((off + i) & 255) << 6));
		if (FR_HEAD_TYPE(from[0]) != FR_TYPE_CONT ||
		    FR_HEAD_AUX(from[0]) != i ||
		    FR_HEAD_SEQ(from[0]) != ev->seq + i)
			break;
		for (int j = 0; j < 7; j++)
			buf->w[sizeof(*r) / 8 + 8 + (i - 1) * 7 + j] =
				from[1 + j];
		slots++;
	}
	len = FR_SLOT_BYTES + (slots - 1) * FR_CONT_BYTES;
	r->ts = ev->ts;
	r->seq = ev->seq;
	r->lane = ev->lane;
	r->cpu = cpu;
	r->trigger = number;
	r->spare = 0;
	if (ring_put(buf, sizeof(*r) + len, FR_LANE_SLOW,
		     TYPE_AUX(FR_T_slow, len)))
		n->slow++;
	return 0;
}

static __always_inline int limit_slow(u32 probe, struct limit_event *ev)
{
	u32 zero = 0, number;
	struct fr_limits *l = bpf_map_lookup_elem(&limits, &zero);

	if (!l || !ev || !l->min_ns[ev->key & (FR_KEYS - 1)])
		return 0;
	number = limit_triggers(ev);
	if (ev->seq && (number || (l->slow_ns && ev->dur >= l->slow_ns)))
		slow_copy(probe, ev, number);
	return 0;
}

/* Is anything to be done with an operation that failed? */
static __always_inline int error_wanted(struct fr_limits *l, u32 key)
{
	return l->error_keys[(key >> 6) & 3] >> (key & 63) & 1;
}

/* Does a slot count the operation? */
static __always_inline int count_wanted(struct fr_limits *l, u32 stream,
					u32 key)
{
	return (l->count_keys[(key >> 6) & 3] >> (key & 63) & 1) &&
	       (l->count_streams >> (stream & 31) & 1);
}

/* Once the record is in the ring: an operation of the current task that was slow,
 * or failed (${ret} negative).  The others of *ev are filled in by the caller; seq
 * 0: the record was lost, triggers fire all the same.  Or, with SEQ_COUNT, once it
 * is in the histograms. */
__noinline int limit_operation(u32 probe, struct limit_event *ev, s64 ret)
{
	u32 zero = 0;
	struct fr_limits *l = bpf_map_lookup_elem(&limits, &zero);
	u64 min;

	asm volatile("" ::"r"(ret));
	if (!l || !ev)
		return 0;
	if (ev->seq == SEQ_COUNT) {
		ev->what = FR_WHAT_COUNT;
		limit_triggers(ev);
		return 0;
	}
	min = l->min_ns[ev->key & (FR_KEYS - 1)];
	if (min && ev->dur > min) {
		ev->what = FR_WHAT_LATENCY;
		ev->value = 0;
		limit_slow(probe, ev);
	}
	if (ret < 0 && error_wanted(l, ev->key)) {
		ev->what = FR_WHAT_ERROR;
		ev->value = (s32)-ret;
		limit_triggers(ev);
	}
	return 0;
}

static __always_inline void limit_current(struct limit_event *ev)
{
	bpf_get_current_comm(ev->comm, sizeof(ev->comm));
}

#define WANTED_OVER  1 /* by a trigger, or the slow lane */
#define WANTED_COUNT 2 /* by a slot that counts */

/* Is this end of an operation wanted?  Bits; ${key} below FR_KEYS. */
static __always_inline u32 exit_wanted(struct fr_limits *l, u32 stream, u32 key,
				       u64 dur, s64 ret)
{
	u32 failed = ret < 0 && error_wanted(l, key);

	/* 0 means never: it wraps round to the largest number */
	if (!failed && l->look_ns[key] - 1 >= dur)
		return 0;
	return (failed || l->min_ns[key] - 1 < dur ? WANTED_OVER : 0) |
	       (count_wanted(l, stream, key) ? WANTED_COUNT : 0);
}

/* Does any slot wait for what is not an operation? */
static __always_inline int limit_wanted(u32 what)
{
	u32 zero = 0;
	struct fr_limits *l = bpf_map_lookup_elem(&limits, &zero);

	return l && l->wanted >> what & 1;
}

static __always_inline u32 lane_of_stream(u32 stream)
{
	switch (stream) {
#define FR_STREAM(id, number, name, lane, profile, doc) \
	case number:                                    \
		return FR_LANE_##lane;
#include <flightrec/streams.def>
#undef FR_STREAM
	}
	return FR_LANE_OTHER;
}

/* A call over a limit, or one that failed: the record of sequence number ${seq}; or
 * SEQ_COUNT. */
__noinline int exit_event(struct fr_inflight *e, u32 probe, u64 dur, u64 seq,
			  s64 ret)
{
	struct limit_event ev = {};

	asm volatile("" ::"r"(ret));
	if (!e)
		return 0;
	ev.key = FR_CALL_ID(e->call);
	ev.ts = e->ts;
	ev.dur = dur;
	ev.lane = lane_of_stream(e->stream);
	ev.seq = seq;
	ev.pid = e->pid;
	ev.tid = e->tid;
	ev.stream = e->stream;
	ev.dev = ev.dev2 = e->dev;
	limit_current(&ev);
#ifdef LIMIT_PATHS
	if (e->stream == FR_STREAM_FS && limit_asks_path(&ev, ret))
		ev.paths = paths_of_operation(e, probe, ret);
#endif
	return limit_operation(probe, &ev, ret);
}

#endif
