/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring_read.c - holds the chunks of a ring, copies and walks them.
 *
 * The reader's half of ring.h.  The mapping may hold anything: what is read
 * from it once and used as an index is checked against struct ring_view, whose
 * numbers were checked against the size of the mapping.
 */
#include "dump/ring_read.h"

#include "dump/ring_region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COPY_WAIT_NS 1000000 /* for writers inside a chunk */

/* ---- view ------------------------------------------------------------------- */

static int view_read_lanes(struct ring_view *v, const struct fr_ring_head *head)
{
	unsigned i;

	for (i = 0; i < v->nr_lanes; i++) {
		v->lanes[i].first = head->lanes[i].first;
		v->lanes[i].nr = head->lanes[i].nr;
		if ((uint64_t)v->lanes[i].first + v->lanes[i].nr > v->nr_chunks)
			return -EINVAL;
	}
	return 0;
}

static int view_check_sizes(const struct ring_view *v)
{
	uint64_t words =
		(uint64_t)FR_LANES_MAX * v->nr_cpus * sizeof(struct fr_word);

	if (!v->nr_cpus || v->nr_lanes > FR_LANES_MAX ||
	    v->nr_chunks > FR_CHUNKS_MAX)
		return -EINVAL;
	if (FR_CHUNK_BYTES + words > (uint64_t)v->first_chunk * FR_CHUNK_BYTES)
		return -EINVAL;
	if (((uint64_t)v->first_chunk + v->nr_chunks) * FR_CHUNK_BYTES >
	    v->bytes)
		return -EINVAL;
	return 0;
}

int ring_view_init(struct ring_view *v, void *base, size_t bytes,
		   uint32_t layout_hash)
{
	const struct fr_ring_head *head = base;
	struct ring_view view = { .base = base, .bytes = bytes };

	if (bytes < 2 * FR_CHUNK_BYTES)
		return -EINVAL;
	/* Acquire: pairs with ring_init(), which stores the magic last. */
	if (__atomic_load_n(&head->magic, __ATOMIC_ACQUIRE) != FR_RING_MAGIC)
		return -EINVAL;
	if (head->version != FR_RING_VERSION ||
	    (layout_hash && head->layout_hash != layout_hash))
		return -ESTALE;
	view.nr_lanes = head->nr_lanes;
	view.nr_cpus = head->nr_cpus;
	view.nr_chunks = head->nr_chunks;
	view.first_chunk = head->first_chunk;
	if (view_check_sizes(&view) < 0 || view_read_lanes(&view, head) < 0)
		return -EINVAL;
	*v = view;
	return 0;
}

struct fr_ring_head *ring_view_head(const struct ring_view *v)
{
	return (struct fr_ring_head *)v->base;
}

struct fr_word *ring_view_word(const struct ring_view *v, unsigned lane,
			       unsigned cpu)
{
	struct fr_word *words = (struct fr_word *)(v->base + FR_CHUNK_BYTES);

	return &words[(size_t)lane * v->nr_cpus + cpu];
}

struct fr_chunk_head *ring_view_chunk(const struct ring_view *v, uint32_t chunk)
{
	return (struct fr_chunk_head *)(v->base +
					((size_t)v->first_chunk + chunk) *
						FR_CHUNK_BYTES);
}

/* ---- hold ------------------------------------------------------------------- */

int ring_hold_prepare(struct ring_hold *h, const struct ring_view *v)
{
	size_t words = (size_t)FR_LANES_MAX * v->nr_cpus, i;

	memset(h, 0, sizeof(*h));
	h->words = calloc(words, sizeof(*h->words));
	h->chunks = calloc(v->nr_chunks + 1, sizeof(*h->chunks));
	if (!h->words || !h->chunks) {
		ring_hold_free(h);
		return -ENOMEM;
	}
	h->chunks_size = v->nr_chunks;
	/* calloc's pages are not there before they are written. */
	memset(h->words, 0xff, words * sizeof(*h->words));
	memset(h->chunks, 0xff, v->nr_chunks * sizeof(*h->chunks));
	for (i = 0; i < v->nr_chunks; i++)
		/* Changes nothing; maps the page for writing. */
		__atomic_fetch_or(&ring_view_chunk(v, (uint32_t)i)->state, 0,
				  __ATOMIC_RELAXED);
	for (i = 0; i < words; i++)
		(void)__atomic_load_n(&ring_view_word(v, 0, 0)[i].pos,
				      __ATOMIC_RELAXED);
	return 0;
}

void ring_hold_free(struct ring_hold *h)
{
	free(h->words);
	free(h->chunks);
	memset(h, 0, sizeof(*h));
}

/* One consistent read of a chunk's head, or 0: never used, or being claimed. */
static int head_read(const struct fr_chunk_head *c, struct ring_hold_chunk *hc)
{
	/* Acquire: pairs with the last store of the claimer. */
	hc->ordinal = __atomic_load_n(&c->ordinal, __ATOMIC_ACQUIRE);
	hc->prev = __atomic_load_n(&c->prev, __ATOMIC_RELAXED);
	hc->serial = __atomic_load_n(&c->serial, __ATOMIC_RELAXED);
	hc->claimed_ns = __atomic_load_n(&c->claimed_ns, __ATOMIC_RELAXED);
	hc->lost = __atomic_load_n(&c->lost, __ATOMIC_RELAXED);
	hc->cpu = __atomic_load_n(&c->cpu, __ATOMIC_RELAXED);
	hc->committed = __atomic_load_n(&c->committed, __ATOMIC_RELAXED);
	/* Pairs with the release fence of the claimer behind ordinal = 0. */
	ring_fence(__ATOMIC_ACQUIRE);
	return hc->ordinal != 0 &&
	       __atomic_load_n(&c->ordinal, __ATOMIC_RELAXED) == hc->ordinal;
}

static void unhold_chunk(const struct ring_view *v, uint32_t chunk)
{
	/* Release: pairs with the compare-and-swap of the next claimer; what
	 * we copied was read before. */
	__atomic_fetch_and(&ring_view_chunk(v, chunk)->state,
			   ~FR_CHUNK_HOLD_BITS, __ATOMIC_RELEASE);
}

/* Sets the bit and notes the chunk; which claim it is comes later. */
static void hold_chunk(struct ring_hold *h, const struct ring_view *v,
		       unsigned lane, uint32_t chunk)
{
	struct ring_hold_chunk *hc = &h->chunks[h->nr_chunks];
	__u64 *state = &ring_view_chunk(v, chunk)->state;

	if (h->nr_chunks == h->chunks_size)
		return;
	/* Left behind by a hold that ran out: ids must not mix. */
	if (__atomic_load_n(state, __ATOMIC_RELAXED) & FR_CHUNK_HELD)
		unhold_chunk(v, chunk);
	/* Release: pairs with the writers' load of state, after which they
	 * load hold_until_ns.  Acquire: pairs with their giving back. */
	__atomic_fetch_or(state, FR_CHUNK_HOLD(h->hold_id), __ATOMIC_ACQ_REL);
	hc->chunk = chunk;
	hc->lane = lane;
	h->nr_chunks++;
}

static uint64_t lane_next(const struct ring_view *v, unsigned lane)
{
	/* Acquire: pairs with the writers' fetch-and-add. */
	return __atomic_load_n(&ring_view_head(v)->lanes[lane].next,
			       __ATOMIC_ACQUIRE);
}

/* All but the oldest few, from the frontier on: oldest first. */
static void hold_lane(struct ring_hold *h, const struct ring_view *v,
		      unsigned lane, uint64_t next)
{
	uint32_t nr = v->lanes[lane].nr;
	uint32_t i = ring_view_head(v)->lanes[lane].limit_free;

	for (; i < nr; i++)
		hold_chunk(h, v, lane,
			   v->lanes[lane].first + (uint32_t)((next + i) % nr));
}

/* What has no head yet, or a new one, was not in use when the words were read:
 * its limit is 1. */
static void hold_read_heads(struct ring_hold *h, const struct ring_view *v,
			    uint32_t begin)
{
	uint32_t i, n = begin;

	for (i = begin; i < h->nr_chunks; i++) {
		struct ring_hold_chunk hc = h->chunks[i];

		if (head_read(ring_view_chunk(v, hc.chunk), &hc) &&
		    hc.cpu < v->nr_cpus)
			h->chunks[n++] = hc;
		else
			unhold_chunk(v, hc.chunk);
	}
	h->nr_chunks = n;
}

/* The cut: what was reserved before is the snapshot.  First of all, so that each
 * chunk it is in was claimed before lane.next is read, and is either held or
 * among the oldest. */
static void words_read(struct ring_hold *h, const struct ring_view *v)
{
	size_t i, n = (size_t)v->nr_lanes * v->nr_cpus;
	struct fr_word *w = ring_view_word(v, 0, 0);

	for (i = 0; i < n; i++) {
		/* Acquire: pairs with the release that installed the chunk:
		 * its head and its ordinal in lane.next are there. */
		h->words[i].pos = __atomic_load_n(&w[i].pos, __ATOMIC_ACQUIRE);
		h->words[i].lost =
			__atomic_load_n(&w[i].lost, __ATOMIC_RELAXED);
	}
}

/* The counters are for people: not worth time inside the hold. */
static void words_read_counters(struct ring_hold *h, const struct ring_view *v)
{
	size_t i, n = (size_t)v->nr_lanes * v->nr_cpus;
	struct fr_word *w = ring_view_word(v, 0, 0);

	for (i = 0; i < n; i++) {
		struct fr_word *to = &h->words[i];

#define READ(f) to->f = __atomic_load_n(&w[i].f, __ATOMIC_RELAXED)
		READ(overwritten);
		READ(skipped_active);
		READ(skipped_held);
		READ(skipped_uncommitted);
		READ(serial);
		READ(starved);
#undef READ
	}
}

/* Nearly sorted already: only chunks of idle CPUs are out of place. */
static void sort_chunks(struct ring_hold_chunk *c, uint32_t n)
{
	uint32_t i, j;

	for (i = 1; i < n; i++) {
		struct ring_hold_chunk x = c[i];

		for (j = i; j > 0 && c[j - 1].ordinal > x.ordinal; j--)
			;
		memmove(&c[j + 1], &c[j], (i - j) * sizeof(*c));
		c[j] = x;
	}
}

static void hold_finish_lane(struct ring_hold *h, const struct ring_view *v,
			     unsigned lane)
{
	uint32_t i, begin = h->lane_begin[lane];

	for (i = begin; i < h->lane_end[lane]; i++) {
		struct ring_hold_chunk *c = &h->chunks[i];

		c->limit = fr_chunk_limit(
			c->ordinal,
			h->words[(size_t)lane * v->nr_cpus + c->cpu].pos);
	}
	sort_chunks(&h->chunks[begin], h->lane_end[lane] - begin);
}

static void hold_one_lane(struct ring_hold *h, const struct ring_view *v,
			  unsigned lane)
{
	h->lane_begin[lane] = h->nr_chunks;
	if (lane < v->nr_lanes && v->lanes[lane].nr) {
		hold_lane(h, v, lane, lane_next(v, lane));
		hold_read_heads(h, v, h->lane_begin[lane]);
	}
	h->lane_end[lane] = h->nr_chunks;
}

/* The lanes by size, the smallest first. */
static void lanes_by_size(const struct ring_view *v,
			  uint8_t order[FR_LANES_MAX])
{
	for (unsigned i = 0; i < FR_LANES_MAX; i++) {
		unsigned j = i;

		/* those before i are in order already */
		for (; j && v->lanes[order[j - 1]].nr > v->lanes[i].nr; j--)
			order[j] = order[j - 1];
		order[j] = (uint8_t)i;
	}
}

int ring_hold(struct ring_hold *h, const struct ring_view *v, uint64_t until_ns)
{
	uint8_t order[FR_LANES_MAX];
	struct fr_ring_head *head = ring_view_head(v);
	uint64_t until =
		__atomic_load_n(&head->hold_until_ns, __ATOMIC_RELAXED);
	unsigned lane;

	lanes_by_size(v, order);
	h->begin_ns = ring_now_ns();
	if (until != 0 && h->begin_ns < until)
		return -EBUSY;
	h->nr_chunks = 0;
	h->hold_id = ++head->hold_id;
	/* Before the bits: pairs with the writers' look at a held chunk. */
	__atomic_store_n(&head->hold_until_ns, until_ns, __ATOMIC_RELEASE);
	words_read(h, v);
	for (lane = 0; lane < FR_LANES_MAX; lane++)
		hold_one_lane(h, v, order[lane]);
	h->end_ns = ring_now_ns();
	words_read_counters(h, v);
	for (lane = 0; lane < FR_LANES_MAX; lane++)
		hold_finish_lane(h, v, lane);
	return 0;
}

void ring_release(const struct ring_hold *h, const struct ring_view *v,
		  uint32_t i)
{
	unhold_chunk(v, h->chunks[i].chunk);
}

void ring_release_all(const struct ring_hold *h, const struct ring_view *v)
{
	uint32_t i;

	for (i = 0; i < h->nr_chunks; i++)
		ring_release(h, v, i);
	/* After the bits: a bit left behind would be void, not in force. */
	__atomic_store_n(&ring_view_head(v)->hold_until_ns, 0,
			 __ATOMIC_RELEASE);
}

/* ---- copy --------------------------------------------------------------------- */

/* Heads first and in ascending order, each with acquire: pairs with the release
 * of the writer's first head, so that what belongs to a head that is there is
 * there too. */
static void copy_slots(const __u64 *from, __u64 *to)
{
	const unsigned step = FR_SLOT_BYTES / 8;
	unsigned i;

	for (i = step; i < FR_CHUNK_BYTES / 8; i += step)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_ACQUIRE);
	for (i = 0; i < step; i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	for (i = step; i < FR_CHUNK_BYTES / 8; i++)
		/* Relaxed: ordered behind the heads, before the ordinal. */
		if (i % step)
			to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

/* All slots of the snapshot have their heads. */
static int copy_is_whole(const __u64 *copy, uint64_t ordinal, uint32_t limit)
{
	uint32_t off;

	for (off = 1; off < limit; off++) {
		__u64 head = copy[off * (FR_SLOT_BYTES / 8)];

		if (!fr_head_matches(head, ordinal, off))
			return 0;
		if (FR_HEAD_TYPE(head) == FR_TYPE_PAD)
			break;
	}
	return 1;
}

static void pause_us(long us)
{
	struct timespec ts = { 0, us * 1000 };

	nanosleep(&ts, NULL);
}

int ring_copy_chunk(const struct ring_hold *h, const struct ring_view *v,
		    uint32_t i, void *buf)
{
	const struct ring_hold_chunk *hc = &h->chunks[i];
	const struct fr_chunk_head *c = ring_view_chunk(v, hc->chunk);
	uint64_t end = 0;

	for (;;) {
		copy_slots((const __u64 *)c, buf);
		/* Pairs with the claimer's store of ordinal (0 and new): who
		 * copied a byte of the next claim sees it gone. */
		ring_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&c->ordinal, __ATOMIC_RELAXED) !=
		    hc->ordinal)
			return -ESTALE;
		if (copy_is_whole(buf, hc->ordinal, hc->limit))
			return 0;
		if (!end)
			end = ring_now_ns() + COPY_WAIT_NS;
		else if (ring_now_ns() >= end)
			return 0; /* the walk counts what is torn */
		pause_us(50);
	}
}

/* ---- walk --------------------------------------------------------------------- */

static uint64_t slot_head(const uint8_t *copy, uint32_t off)
{
	uint64_t head;

	memcpy(&head, copy + (size_t)off * FR_SLOT_BYTES, sizeof(head));
	return head;
}

/* How many continuation slots follow the first slot at ${off}. */
static uint32_t count_continuations(const uint8_t *copy, uint64_t ordinal,
				    uint32_t off, uint32_t limit)
{
	uint32_t n = 0;

	while (off + n + 1 < limit && n + 1 < FR_RECORD_SLOTS_MAX) {
		uint64_t head = slot_head(copy, off + n + 1);

		if (!fr_head_matches(head, ordinal, off + n + 1) ||
		    FR_HEAD_TYPE(head) != FR_TYPE_CONT ||
		    FR_HEAD_AUX(head) != n + 1)
			break;
		n++;
	}
	return n;
}

static struct ring_record record_at(const uint8_t *copy, uint32_t off,
				    uint32_t conts, uint8_t *scratch)
{
	const uint8_t *slot = copy + (size_t)off * FR_SLOT_BYTES;
	uint64_t head = slot_head(copy, off);
	struct ring_record r = {
		.type = FR_HEAD_TYPE(head),
		.aux = FR_HEAD_AUX(head),
		.seq = FR_HEAD_SEQ(head),
		.bytes = slot,
		.len = FR_SLOT_BYTES + conts * FR_CONT_BYTES,
	};
	uint32_t i;

	if (!conts)
		return r;
	memcpy(scratch, slot, FR_SLOT_BYTES);
	for (i = 0; i < conts; i++)
		memcpy(scratch + FR_SLOT_BYTES + (size_t)i * FR_CONT_BYTES,
		       slot + (size_t)(i + 1) * FR_SLOT_BYTES + sizeof(head),
		       FR_CONT_BYTES);
	r.bytes = scratch;
	return r;
}

int ring_walk_chunk(const void *copy, uint64_t ordinal, uint32_t limit,
		    void *scratch, ring_record_fn fn, void *arg,
		    struct ring_chunk_stats *ret_stats)
{
	struct ring_chunk_stats st = { 0 };
	uint32_t off = 1;
	int ret = 0;

	if (limit > FR_CHUNK_SLOTS)
		limit = FR_CHUNK_SLOTS;
	while (off < limit && ret == 0) {
		uint64_t head = slot_head(copy, off);
		struct ring_record r;
		uint32_t conts;

		if (!fr_head_matches(head, ordinal, off) ||
		    FR_HEAD_TYPE(head) == FR_TYPE_CONT) {
			st.torn_slots++;
			off++;
			continue;
		}
		if (FR_HEAD_TYPE(head) == FR_TYPE_PAD) {
			st.pad_slots = FR_CHUNK_SLOTS - off;
			break;
		}
		conts = count_continuations(copy, ordinal, off, limit);
		r = record_at(copy, off, conts, scratch);
		st.records++;
		ret = fn(arg, &r);
		off += 1 + conts;
	}
	if (ret_stats)
		*ret_stats = st;
	return ret;
}

/* ---- figures ------------------------------------------------------------------ */

static void stats_add_word(struct ring_lane_stats *st, const struct fr_word *w)
{
#define ADD(f) st->f += __atomic_load_n(&w->f, __ATOMIC_RELAXED)
	ADD(overwritten);
	ADD(lost);
	ADD(skipped_active);
	ADD(skipped_held);
	ADD(skipped_uncommitted);
	ADD(starved);
#undef ADD
}

static void stats_add_chunk(struct ring_lane_stats *st,
			    const struct fr_chunk_head *c)
{
	uint64_t state = __atomic_load_n(&c->state, __ATOMIC_RELAXED);
	uint64_t claimed = __atomic_load_n(&c->claimed_ns, __ATOMIC_RELAXED);

	if (!__atomic_load_n(&c->ordinal, __ATOMIC_RELAXED))
		return;
	st->chunks_used++;
	st->chunks_active += (state & FR_CHUNK_ACTIVE) != 0;
	st->chunks_held += (state & FR_CHUNK_HELD) != 0;
	st->in_ring += FR_COMMITTED_RECORDS(
		__atomic_load_n(&c->committed, __ATOMIC_RELAXED));
	if (!st->oldest_claim_ns || claimed < st->oldest_claim_ns)
		st->oldest_claim_ns = claimed;
}

void ring_lane_stats(const struct ring_view *v, unsigned lane,
		     struct ring_lane_stats *ret)
{
	struct ring_lane_stats st = { 0 };
	uint32_t i;

	if (lane < v->nr_lanes && v->lanes[lane].nr) {
		for (i = 0; i < v->nr_cpus; i++)
			stats_add_word(&st, ring_view_word(v, lane, i));
		for (i = 0; i < v->lanes[lane].nr; i++)
			stats_add_chunk(
				&st,
				ring_view_chunk(v, v->lanes[lane].first + i));
	}
	/* Every record is in a chunk or was counted when its chunk was taken. */
	st.written = st.in_ring + st.overwritten;
	*ret = st;
}
