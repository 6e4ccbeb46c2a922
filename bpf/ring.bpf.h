/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ring.bpf.h - the kernel-side writer of the ring; ring.h is the protocol.
 *
 * Atomics: BPF's fetch-and-add, fetch-and-and, exchange and compare-and-swap are
 * fully ordered on every architecture as long as their result is used.
 */
#ifndef RING_BPF_H
#define RING_BPF_H

#include "kernel_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <flightrec/bpf_cfg.h>
#include <flightrec/event.h>
#include <flightrec/shared.h>

const volatile struct fr_bpf_cfg fr_cfg = {};

struct ring_page {
	u8 b[FR_CHUNK_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set by the loader */
	__type(key, u32);
	__type(value, struct ring_page);
} ring SEC(".maps");

/* One element per CPU: each program counts in an entry of its own, and no
 * program runs twice at once on a CPU, so plain additions are exact. */
struct cpu_counts {
	struct fr_probe_counts p[FR_PROBE_MAX];
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct cpu_counts);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct fr_limits);
} limits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096 * 16);
} wake SEC(".maps");

static __always_inline struct fr_probe_counts *counts_of(u32 probe)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct cpu_counts *c = bpf_map_lookup_elem(&counts, &cpu);

	return c ? &c->p[probe & (FR_PROBE_MAX - 1)] : 0;
}

static __always_inline struct fr_ring_head *ring_head(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&ring, &zero);
}

static __always_inline struct fr_chunk_head *ring_chunk(u32 chunk)
{
	u32 page = fr_cfg.first_chunk + chunk;

	return bpf_map_lookup_elem(&ring, &page);
}

static __always_inline struct fr_word *ring_word(u32 lane, u32 cpu)
{
	u32 idx = lane * fr_cfg.nr_cpus + cpu;
	u32 page = 1 + idx / FR_WORDS_PER_PAGE;
	struct ring_page *p = bpf_map_lookup_elem(&ring, &page);

	return p ? (void *)&p->b[(idx & (FR_WORDS_PER_PAGE - 1)) * 64] : 0;
}

static __always_inline int chunk_complete(struct fr_chunk_head *c)
{
	/* ring_init() leaves chunks never used complete, too */
	return FR_COMMITTED_SLOTS(READ_ONCE(c->committed)) ==
	       FR_CHUNK_RECORD_SLOTS;
}

static __always_inline void chunk_clear(struct fr_chunk_head *c, u64 bit)
{
	__sync_fetch_and_and(&c->state, ~bit);
}

/* Counts the records that a claim erases, for the CPU that wrote them. */
static __always_inline void ring_overwritten(u32 lane, struct fr_chunk_head *c)
{
	u64 records = FR_COMMITTED_RECORDS(READ_ONCE(c->committed));
	struct fr_word *w;

	if (!records)
		return;
	w = ring_word(lane, c->cpu);
	if (w)
		__sync_fetch_and_add(&w->overwritten, records);
}

/* Claims the chunk of ordinal n for us: 1 yes, 0 pass on. */
static __always_inline int chunk_claim(struct fr_word *w,
				       struct fr_chunk_head *c, u64 state)
{
	if (state & FR_CHUNK_ACTIVE) {
		__sync_fetch_and_add(&w->skipped_active, 1);
		return 0;
	}
	if (!chunk_complete(c)) {
		__sync_fetch_and_add(&w->skipped_uncommitted, 1);
		return 0;
	}
	/* pairs with ring_hold's fetch-or and other claimers' CAS */
	if (__sync_val_compare_and_swap(&c->state, state, FR_CHUNK_ACTIVE) !=
	    state)
		return 0;
	/* claimed, filled and given back since we looked? */
	if (chunk_complete(c))
		return 1;
	__sync_fetch_and_add(&w->skipped_uncommitted, 1);
	chunk_clear(c, FR_CHUNK_ACTIVE);
	return 0;
}

/* Writes the head of a chunk that we claimed, its ordinal last. */
static __always_inline void chunk_begin(struct fr_word *w,
					struct fr_chunk_head *c, u64 ordinal,
					u64 prev, u32 lane, u32 cpu)
{
	WRITE_ONCE(c->ordinal, 0);
	/* an atomic with a result: a full barrier behind the 0 */
	c->serial = __sync_fetch_and_add(&w->serial, 1) + 1;
	WRITE_ONCE(c->committed, 0);
	c->prev = prev;
	c->claimed_ns = bpf_ktime_get_ns();
	c->lost = READ_ONCE(w->lost);
	c->cpu = cpu;
	c->lane = lane;
	barrier();
	WRITE_ONCE(c->ordinal, ordinal);
	/* ring_install() is the full barrier before any slot is touched */
}

/* Makes `to` the position, unless another chunk than that of `from` is in
 * place already: ordinals of a word only grow. */
static __always_inline int ring_install(struct fr_word *w, u64 from, u64 to)
{
	for (int i = 0; i < 8; i++) {
		u64 seen = __sync_val_compare_and_swap(&w->pos, from, to);

		if (seen == from)
			return 1;
		if (seen >> 12 != from >> 12)
			return 0;
		from = seen; /* same chunk, used up even further */
	}
	return 0;
}

static __always_inline void chunk_give_back(struct fr_chunk_head *c,
					    u64 ordinal)
{
	u64 *slot = (u64 *)((u8 *)c + FR_SLOT_BYTES);

	WRITE_ONCE(*slot, FR_HEAD(ordinal, 1, FR_TYPE_PAD, 0));
	/* release, for the reader and the next claimer */
	if (__sync_lock_test_and_set(&c->committed,
				     FR_COMMIT(0, FR_CHUNK_RECORD_SLOTS)))
		barrier();
	chunk_clear(c, FR_CHUNK_ACTIVE);
}

#ifndef RING_TRIES
#define RING_TRIES 64 /* chunks that are looked at */
#endif
/*
 * Gives (lane, cpu) its next chunk.  0: word.pos is usable (by us or by one who
 * nested in us); -1: no chunk to be had.
 */
__noinline int ring_rollover(u32 lane, u32 cpu)
{
	struct fr_ring_head *h = ring_head();
	struct fr_word *w = ring_word(lane, cpu);
	u32 first, nr;

	if (!h || !w)
		return -1;
	/* older verifiers forget bounds across a spill: set them right here */
	asm volatile("" : "+r"(lane));
	lane &= FR_LANES_MAX - 1;
	first = fr_cfg.lanes[lane].first;
	nr = fr_cfg.lanes[lane].nr;
	if (!nr)
		return -1;
	for (int i = 0; i < RING_TRIES; i++) {
		u64 cur = READ_ONCE(w->pos), n, state;
		u64 *next = &h->lanes[lane & (FR_LANES_MAX - 1)].next;
		struct fr_chunk_head *c, *old = 0;
		u32 chunk;

		if (FR_POS_OFF(cur) && FR_POS_OFF(cur) < FR_CHUNK_SLOTS)
			return 0;
		n = READ_ONCE(*next);
		c = ring_chunk(first + n % nr);
		if (!c)
			return -1;
		/* a held frontier stops us, so that history stays whole */
		if ((READ_ONCE(c->state) & FR_CHUNK_HELD) &&
		    bpf_ktime_get_ns() < READ_ONCE(h->hold_until_ns)) {
			__sync_fetch_and_add(&w->skipped_held, 1);
			break;
		}
		n = __sync_fetch_and_add(next, 1);
		chunk = first + n % nr;
		c = ring_chunk(chunk);
		if (!c)
			return -1;
		state = READ_ONCE(c->state);
		if ((state & FR_CHUNK_HELD) &&
		    bpf_ktime_get_ns() < READ_ONCE(h->hold_until_ns)) {
			__sync_fetch_and_add(&w->skipped_held, 1);
			continue;
		}
		if (!chunk_claim(w, c, state))
			continue;
		ring_overwritten(lane, c);
		if (FR_POS_CHUNK(cur) != FR_CHUNK_NONE)
			old = ring_chunk(FR_POS_CHUNK(cur));
		chunk_begin(w, c, n, old ? READ_ONCE(old->ordinal) : 0, lane,
			    cpu);
		if (ring_install(w, cur, FR_POS(n, chunk, 1))) {
			if (old)
				chunk_clear(old, FR_CHUNK_ACTIVE);
			return 0;
		}
		/* one who nested in us was faster: give the chunk back */
		chunk_give_back(c, n);
	}
	__sync_fetch_and_add(&w->starved, 1);
	return -1;
}

/* A place of n slots in the ring. */
struct place {
	struct fr_chunk_head *chunk;
	u64 pos; /* ordinal, chunk, offset of the first slot */
};

static __always_inline void *place_slot(struct place *p, u32 i)
{
	return (u8 *)p->chunk +
	       (((FR_POS_OFF(p->pos) + i) & (FR_CHUNK_SLOTS - 1)) << 6);
}

/* May another program write this lane on this CPU between two of our
 * instructions?  The fs lane is written in process context only, so not where
 * the kernel does not preempt; then plain additions do, at a sixth of the cost. */
static __always_inline int lane_is_shared(u32 lane)
{
	return fr_cfg.preemptible || lane != FR_LANE_FS;
}

static __always_inline u64 add_fetch_old(u64 *word, u64 v, u32 lane)
{
	u64 old;

#if !defined(__TARGET_ARCH_x86)
	return __sync_fetch_and_add(word, v); /* plain ones have no order */
#endif
	if (lane_is_shared(lane))
		return __sync_fetch_and_add(word, v);
	old = READ_ONCE(*word);
	WRITE_ONCE(*word, old + v);
	return old;
}

static __always_inline void ring_commit(struct place *p, u64 *head, u32 type,
					u32 aux, u32 slots, u32 lane)
{
	u64 v = FR_HEAD(FR_POS_ORDINAL(p->pos), FR_POS_OFF(p->pos), type, aux);

#if defined(__TARGET_ARCH_x86)
	barrier(); /* x86 keeps stores in order */
	WRITE_ONCE(*head, v);
#else
	/* fully ordered: payload before head; pairs with the reader's acquire */
	if (__sync_lock_test_and_set(head, v) == v)
		barrier();
#endif
	/* release; pairs with the acquire of claimers and readers */
	if (!~add_fetch_old(&p->chunk->committed, FR_COMMIT(1, slots), lane))
		barrier(); /* never; a result that is used keeps it ordered */
}

/* The rest of a chunk that a record does not fit into. */
static __always_inline void ring_pad(u64 pos)
{
	struct place p = { .pos = pos };
	u64 *slot;

	p.chunk = ring_chunk(FR_POS_CHUNK(pos));
	if (!p.chunk)
		return;
	slot = place_slot(&p, 0);
	WRITE_ONCE(*slot, FR_HEAD(FR_POS_ORDINAL(pos), FR_POS_OFF(pos),
				  FR_TYPE_PAD, 0));
	__sync_fetch_and_add(&p.chunk->committed,
			     (u64)(FR_CHUNK_SLOTS - FR_POS_OFF(pos)));
}

/* 0: p is ours, all slots of it must be written and committed; -1: lost. */
static __always_inline int ring_reserve(u32 lane, u32 slots, struct place *p)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct fr_word *w = ring_word(lane, cpu);

	if (!w)
		return -1;
	for (int i = 0; i < 3; i++) {
		u32 off = FR_POS_OFF(READ_ONCE(w->pos));

		/* peek first, so that a used-up offset does not grow for ever */
		if (off && off < FR_CHUNK_SLOTS) {
			u64 pos = add_fetch_old(&w->pos, slots, lane);

			off = FR_POS_OFF(pos);
			if (off + slots <= FR_CHUNK_SLOTS) {
				p->pos = pos;
				p->chunk = ring_chunk(FR_POS_CHUNK(pos));
				return p->chunk ? 0 : -1;
			}
			if (off < FR_CHUNK_SLOTS)
				ring_pad(pos);
		}
		if (ring_rollover(lane, cpu))
			break;
	}
	__sync_fetch_and_add(&w->lost, 1);
	return -1;
}

static __always_inline u32 record_slots(u32 len)
{
	return len <= FR_SLOT_BYTES ? 1 :
				      1 + (len - FR_SLOT_BYTES + FR_CONT_BYTES -
					   1) / FR_CONT_BYTES;
}

/* A buffer long enough for every record, and some room behind it. */
#define RECORD_BYTES 4480
struct record_buf {
	u64 w[RECORD_BYTES / 8 + 64];
};

/* Slots are written whole: what lies behind a record's end must not be bytes of
 * an earlier one. */
static __always_inline void record_end(struct record_buf *buf, u32 len)
{
	u32 i = (len >> 3) & 1023;

	if (i > RECORD_BYTES / 8)
		return;
	buf->w[i] &= (1ULL << ((len & 7) * 8)) - 1;
	for (int j = 1; j < 9; j++)
		buf->w[i + j] = 0;
}

/*
 * Writes a record of `len` logical bytes (head and ts included) from buf.
 * Returns its sequence number, 0 if it was lost.
 */
__noinline u64 ring_put(struct record_buf *buf, u32 len, u32 lane, u32 type_aux)
{
	u32 slots = record_slots(len);
	struct place p;
	u64 *to;

	if (!buf || slots > FR_RECORD_SLOTS_MAX)
		return 0;
	if (ring_reserve(lane, slots, &p))
		return 0;
	record_end(buf, len);
	for (u32 i = 1; i < FR_RECORD_SLOTS_MAX; i++) {
		const u64 *from = &buf->w[8 + (i - 1) * 7];

		if (i >= slots)
			break;
		to = place_slot(&p, i);
		for (int j = 0; j < 7; j++)
			to[1 + j] = from[j];
		barrier();
		WRITE_ONCE(to[0],
			   FR_HEAD(FR_POS_ORDINAL(p.pos), FR_POS_OFF(p.pos) + i,
				   FR_TYPE_CONT, i));
	}
	to = place_slot(&p, 0);
	for (int j = 1; j < 8; j++)
		to[j] = buf->w[j];
	ring_commit(&p, to, type_aux >> 16, type_aux & 0xffff, slots, lane);
	return FR_HEAD_SEQ(
		FR_HEAD(FR_POS_ORDINAL(p.pos), FR_POS_OFF(p.pos), 0, 0));
}
#define TYPE_AUX(type, aux) ((u32)(type) << 16 | ((u32)(aux)&0xffff))

#endif
