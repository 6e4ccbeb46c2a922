/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * limit.bpf.h - an operation took longer than the lowest limit of its kind: copy
 * it to the slow lane, and see which triggers it hits.
 */
#ifndef LIMIT_BPF_H
#define LIMIT_BPF_H

#include "names.bpf.h"

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

struct limit_event {
	u64 ts, dur, seq;
	u32 key, lane, pid, tid;
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
	bpf_ringbuf_output(&wake, &w, sizeof(w), BPF_RB_FORCE_WAKEUP);
	return 0;
}

/* The number of the last trigger that fired, 0 if none did. */
__noinline u32 limit_triggers(struct limit_event *ev)
{
	u32 zero = 0, fired = 0;
	struct fr_limits *l = bpf_map_lookup_elem(&limits, &zero);

	if (!l || !ev)
		return 0;
	for (u32 i = 0; i < FR_TRIGGER_SLOTS; i++) {
		struct fr_trigger_slot *s = &l->slots[i];
		u32 key = ev->key & (FR_KEYS - 1);

		if (READ_ONCE(s->state) == FR_SLOT_FREE ||
		    ev->dur <= s->limit_ns)
			continue;
		if (!(s->keys[(key >> 6) & 3] >> (key & 63) & 1))
			continue;
		if (slot_hit(s)) {
			limit_wake(s, i, ev);
			fired = s->number;
		}
	}
	return fired;
}

/* Copies the record in scratch_of(probe, 0) to the slow lane.  The original is
 * read back from the ring, where it has just been written. */
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

__noinline int limit_slow(u32 probe, struct limit_event *ev)
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

/* key: FR_KEY_BLOCK_* or the id of calls.def; seq 0: the record was lost, the
 * trigger fires all the same. */
static __always_inline void limit_hit(u32 probe, u32 key, u64 ts, u64 dur,
				      u32 lane, u64 seq, u32 pid, u32 tid)
{
	struct limit_event ev = { .ts = ts,
				  .dur = dur,
				  .seq = seq,
				  .key = key,
				  .lane = lane,
				  .pid = pid,
				  .tid = tid };

	limit_slow(probe, &ev);
}

#endif
