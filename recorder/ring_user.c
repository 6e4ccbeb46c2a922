/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring_user.c - the writer of ring.h's protocol in user space.
 *
 * Steps 1-4 and a-e below are those of ring.h.  Slots are written as relaxed
 * 8-byte atomics, because a reader may copy them at the same time; it throws
 * away what it copied too early.
 */
#include "recorder/ring_user.h"

#include "dump/ring_region.h"

#include <errno.h>
#include <string.h>

#define RESERVE_TRIES 16 /* roll-overs for one record */
#define CLAIM_TRIES   64 /* chunks looked at in one roll-over */

/* Where one writer writes. */
struct lane_ref {
	void *region;
	struct fr_ring_head *head;
	struct fr_lane *lane;
	struct fr_word *word;
	uint32_t lane_id, cpu;
};

/* The bytes of a record: the struct, then its tail. */
struct record_parts {
	const uint8_t *rec, *tail;
	size_t rec_len, tail_len;
};

static void count(__u64 *counter, uint64_t n)
{
	/* Alone: nothing is ordered by counters. */
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/* A hold is void when its time is over, or when nobody holds (stale bit). */
static int hold_is_valid(const struct fr_ring_head *head)
{
	/* Read after the state that showed HELD (acquire): pairs with the
	 * store of ring_hold(), which comes before its bits. */
	uint64_t until =
		__atomic_load_n(&head->hold_until_ns, __ATOMIC_RELAXED);

	return until != 0 && ring_now_ns() < until;
}

/* Gives a chunk back, whatever a reader has set since. */
static void chunk_give_back(struct fr_chunk_head *c)
{
	/* Release: pairs with the compare-and-swap of chunk_claim(). */
	__atomic_fetch_and(&c->state, FR_CHUNK_HOLD_BITS, __ATOMIC_RELEASE);
}

/* ---- steps 3 and 4: fill and commit --------------------------------------- */

static struct fr_chunk_head *chunk_at(const struct lane_ref *r, uint32_t chunk)
{
	return ring_region_chunk(r->region, chunk);
}

static __u64 *slot_at(const struct lane_ref *r, uint32_t chunk, uint32_t off)
{
	return (__u64 *)((uint8_t *)chunk_at(r, chunk) +
			 (size_t)off * FR_SLOT_BYTES);
}

static void chunk_commit(struct fr_chunk_head *c, uint32_t records,
			 uint32_t slots)
{
	/* Release: pairs with the second look at committed (chunk_claim). */
	__atomic_fetch_add(&c->committed, FR_COMMIT(records, slots),
			   __ATOMIC_RELEASE);
}

/* Copies logical bytes [from, from + len) of the record, zeros behind it. */
static void record_copy(const struct record_parts *p, size_t from, uint8_t *to,
			size_t len)
{
	size_t n = 0;

	memset(to, 0, len);
	if (from < p->rec_len) {
		n = p->rec_len - from < len ? p->rec_len - from : len;
		memcpy(to, p->rec + from, n);
	}
	from = from + n - p->rec_len;
	if (n < len && from < p->tail_len) {
		len = len - n < p->tail_len - from ? len - n :
						     p->tail_len - from;
		memcpy(to + n, p->tail + from, len);
	}
}

static void slot_store_payload(__u64 *slot, const uint8_t *payload)
{
	unsigned i;

	for (i = 0; i < FR_CONT_BYTES / 8; i++) {
		__u64 v;

		memcpy(&v, payload + i * 8, 8);
		/* Ordered by the first head's release and by committed. */
		__atomic_store_n(&slot[i + 1], v, __ATOMIC_RELAXED);
	}
}

static void record_fill(const struct lane_ref *r, uint64_t pos, uint32_t slots,
			unsigned type, unsigned aux,
			const struct record_parts *p)
{
	uint32_t ordinal = FR_POS_ORDINAL(pos), chunk = FR_POS_CHUNK(pos),
		 off = FR_POS_OFF(pos), i;
	uint8_t payload[FR_CONT_BYTES];
	__u64 *slot;

	for (i = 1; i < slots; i++) {
		slot = slot_at(r, chunk, off + i);
		record_copy(p, FR_SLOT_BYTES + (i - 1) * FR_CONT_BYTES, payload,
			    FR_CONT_BYTES);
		slot_store_payload(slot, payload);
		/* Relaxed: the first head's release covers it. */
		__atomic_store_n(&slot[0],
				 FR_HEAD(ordinal, off + i, FR_TYPE_CONT, i),
				 __ATOMIC_RELAXED);
	}
	slot = slot_at(r, chunk, off);
	record_copy(p, sizeof(__u64), payload, FR_CONT_BYTES);
	slot_store_payload(slot, payload);
	/* Release: pairs with the reader's acquire load of the head. */
	__atomic_store_n(&slot[0], FR_HEAD(ordinal, off, type, aux),
			 __ATOMIC_RELEASE);
	chunk_commit(chunk_at(r, chunk), 1, slots);
}

/* Makes [off, end) of a chunk padding; the slots are the caller's. */
static void chunk_pad(const struct lane_ref *r, uint64_t pos)
{
	uint32_t off = FR_POS_OFF(pos);
	__u64 *slot = slot_at(r, FR_POS_CHUNK(pos), off);

	/* Release: pairs with the reader's acquire load of the head. */
	__atomic_store_n(&slot[0],
			 FR_HEAD(FR_POS_ORDINAL(pos), off, FR_TYPE_PAD, 0),
			 __ATOMIC_RELEASE);
	chunk_commit(chunk_at(r, FR_POS_CHUNK(pos)), 0, FR_CHUNK_SLOTS - off);
}

/* ---- roll-over ------------------------------------------------------------- */

static uint32_t lane_chunk(const struct lane_ref *r, uint64_t ordinal)
{
	return r->lane->first + (uint32_t)(ordinal % r->lane->nr);
}

/* Step a: 0 if the frontier may not be passed. */
static uint64_t ordinal_take(const struct lane_ref *r)
{
	uint64_t n = __atomic_load_n(&r->lane->next, __ATOMIC_RELAXED);
	struct fr_chunk_head *c = chunk_at(r, lane_chunk(r, n));

	/* Acquire: pairs with ring_hold()'s or; hold_until_ns comes after. */
	if ((__atomic_load_n(&c->state, __ATOMIC_ACQUIRE) & FR_CHUNK_HELD) &&
	    hold_is_valid(r->head)) {
		count(&r->word->skipped_held, 1);
		return 0;
	}
	/* Release: pairs with ring_hold()'s second load of next: who sees the
	 * ordinal in a position word sees it taken. */
	return __atomic_fetch_add(&r->lane->next, 1, __ATOMIC_ACQ_REL);
}

/* Steps b and c: 1 if the chunk is ours now, else 0 and counted. */
static int chunk_claim(const struct lane_ref *r, struct fr_chunk_head *c)
{
	/* Acquire: before hold_until_ns, as in ordinal_take(). */
	__u64 seen = __atomic_load_n(&c->state, __ATOMIC_ACQUIRE);

	if (seen & FR_CHUNK_ACTIVE) {
		count(&r->word->skipped_active, 1);
		return 0;
	}
	if ((seen & FR_CHUNK_HELD) && hold_is_valid(r->head)) {
		count(&r->word->skipped_held, 1);
		return 0;
	}
	/* Acquire: pairs with chunk_give_back() of the owner before us. */
	if (!__atomic_compare_exchange_n(
		    &c->state, &seen, FR_CHUNK_ACTIVE | FR_CHUNK_OWNER(r->cpu),
		    0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		count(&r->word->skipped_active, 1);
		return 0;
	}
	/* Acquire: pairs with chunk_commit(): its slots are written. */
	if (FR_COMMITTED_SLOTS(
		    __atomic_load_n(&c->committed, __ATOMIC_ACQUIRE)) !=
	    FR_CHUNK_RECORD_SLOTS) {
		chunk_give_back(c);
		count(&r->word->skipped_uncommitted, 1);
		return 0;
	}
	return 1;
}

/* The history in a chunk ends here: counted for who wrote it. */
static void chunk_count_overwritten(const struct lane_ref *r,
				    const struct fr_chunk_head *c)
{
	uint32_t cpu = __atomic_load_n(&c->cpu, __ATOMIC_RELAXED);
	uint32_t n = FR_COMMITTED_RECORDS(
		__atomic_load_n(&c->committed, __ATOMIC_RELAXED));

	if (n && cpu < r->head->nr_cpus)
		count(&ring_region_word(r->region, r->lane_id, cpu)->overwritten,
		      n);
}

/* The ordinal of the position seen, 64 bits: it is the one before ours. */
static uint64_t ordinal_before(uint64_t ordinal, uint64_t pos)
{
	if (FR_POS_CHUNK(pos) == FR_CHUNK_NONE && FR_POS_ORDINAL(pos) == 0)
		return 0;
	return ordinal - ((uint32_t)ordinal - FR_POS_ORDINAL(pos));
}

/* Step d, first half.  ${seen}: the used-up position. */
static void chunk_write_head(const struct lane_ref *r, struct fr_chunk_head *c,
			     uint64_t ordinal, uint64_t seen)
{
	uint64_t serial =
		__atomic_add_fetch(&r->word->serial, 1, __ATOMIC_RELAXED);

	__atomic_store_n(&c->ordinal, 0, __ATOMIC_RELAXED);
	/* Pairs with the acquire fence of readers: who sees a field below
	 * sees that the old ordinal is gone. */
	ring_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&c->committed, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&c->prev, ordinal_before(ordinal, seen),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&c->claimed_ns, ring_now_ns(), __ATOMIC_RELAXED);
	__atomic_store_n(&c->lost,
			 __atomic_load_n(&r->word->lost, __ATOMIC_RELAXED),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&c->cpu, r->cpu, __ATOMIC_RELAXED);
	__atomic_store_n(&c->lane, r->lane_id, __ATOMIC_RELAXED);
	__atomic_store_n(&c->serial, serial, __ATOMIC_RELAXED);
	/* Release: pairs with the readers' acquire load of ordinal. */
	__atomic_store_n(&c->ordinal, ordinal, __ATOMIC_RELEASE);
}

/* Step d, second half, and e.  Whether we won or lost, there is a chunk now. */
static void chunk_install(const struct lane_ref *r, uint32_t chunk,
			  uint64_t ordinal, uint64_t seen)
{
	__u64 pos = seen, mine = FR_POS(ordinal, chunk, 1);

	do {
		/* Release: pairs with the acquire fetch-and-add of
		 * word_reserve(): the head comes before any slot.  Acquire:
		 * pairs with the install of the chunk given back below. */
		if (__atomic_compare_exchange_n(&r->word->pos, &pos, mine, 0,
						__ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED)) {
			if (FR_POS_CHUNK(seen) != FR_CHUNK_NONE)
				chunk_give_back(
					chunk_at(r, FR_POS_CHUNK(seen)));
			return;
		}
	} while (FR_POS_ORDINAL(pos) == FR_POS_ORDINAL(seen) &&
		 FR_POS_CHUNK(pos) == FR_POS_CHUNK(seen));
	chunk_pad(r, mine);
	chunk_give_back(chunk_at(r, chunk));
}

/* 0: word.pos may be tried again. -ENOBUFS: no chunk could be had. */
static int word_roll_over(const struct lane_ref *r, uint64_t seen)
{
	int i;

	for (i = 0; i < CLAIM_TRIES; i++) {
		uint64_t ordinal = ordinal_take(r);
		uint32_t chunk = lane_chunk(r, ordinal);

		if (!ordinal)
			break;
		if (!chunk_claim(r, chunk_at(r, chunk)))
			continue;
		chunk_count_overwritten(r, chunk_at(r, chunk));
		chunk_write_head(r, chunk_at(r, chunk), ordinal, seen);
		chunk_install(r, chunk, ordinal, seen);
		return 0;
	}
	count(&r->word->starved, 1);
	return -ENOBUFS;
}

/* ---- steps 1 and 2: reserve ------------------------------------------------ */

static int word_reserve(const struct lane_ref *r, uint32_t slots,
			uint64_t *ret_pos)
{
	int i;

	for (i = 0; i < RESERVE_TRIES; i++) {
		/* Acquire: pairs with the release of chunk_install(). */
		uint64_t pos = __atomic_load_n(&r->word->pos, __ATOMIC_ACQUIRE);

		if (FR_POS_OFF(pos) < FR_CHUNK_SLOTS) {
			/* Acquire: same pair.  Release: keeps the chain for
			 * who reads the position after us. */
			pos = __atomic_fetch_add(&r->word->pos, slots,
						 __ATOMIC_ACQ_REL);
			if (FR_POS_OFF(pos) + slots <= FR_CHUNK_SLOTS) {
				*ret_pos = pos;
				return 0;
			}
			if (FR_POS_OFF(pos) < FR_CHUNK_SLOTS)
				chunk_pad(r, pos);
			pos += slots;
		}
		if (word_roll_over(r, pos) < 0)
			break;
	}
	count(&r->word->lost, 1);
	return -ENOBUFS;
}

static struct lane_ref lane_ref_make(void *region, unsigned lane, unsigned cpu)
{
	struct fr_ring_head *head = region;

	return (struct lane_ref){
		.region = region,
		.head = head,
		.lane = &head->lanes[lane],
		.word = ring_region_word(region, lane, cpu),
		.lane_id = lane,
		.cpu = cpu,
	};
}

static int lane_is_valid(const void *region, unsigned lane, unsigned cpu)
{
	const struct fr_ring_head *head = region;

	return lane < FR_LANES_MAX && cpu < head->nr_cpus &&
	       head->lanes[lane].nr != 0;
}

int ring_put(void *region, unsigned lane, unsigned writer, unsigned type,
	     unsigned aux, const void *rec, size_t rec_len, const void *tail,
	     size_t tail_len)
{
	struct record_parts p = { rec, tail, rec_len, tail_len };
	size_t len = rec_len + tail_len;
	uint32_t slots = 1;
	struct lane_ref r;
	uint64_t pos;
	int err;

	if (!lane_is_valid(region, lane, writer) || rec_len < sizeof(__u64))
		return -EINVAL;
	if (rec_len > FR_RECORD_BYTES_MAX || tail_len > FR_RECORD_BYTES_MAX ||
	    len > FR_RECORD_BYTES_MAX)
		return -E2BIG;
	if (len > FR_SLOT_BYTES)
		slots += (len - FR_SLOT_BYTES + FR_CONT_BYTES - 1) /
			 FR_CONT_BYTES;
	r = lane_ref_make(region, lane, writer);
	err = word_reserve(&r, slots, &pos);
	if (err < 0)
		return err;
	record_fill(&r, pos, slots, type, aux, &p);
	return 0;
}

int ring_user_put(struct ring_user *r, unsigned lane, unsigned writer,
		  unsigned type, unsigned aux, const void *rec, size_t rec_len,
		  const void *tail, size_t tail_len)
{
	return ring_put(ring_user_head(r), lane, writer, type, aux, rec,
			rec_len, tail, tail_len);
}

/* ---- chunks whose writer went away ------------------------------------------ */

void ring_seal(void *region, unsigned lane, unsigned cpu)
{
	struct lane_ref r;
	__u64 pos;

	if (!lane_is_valid(region, lane, cpu))
		return;
	r = lane_ref_make(region, lane, cpu);
	pos = __atomic_load_n(&r.word->pos, __ATOMIC_ACQUIRE);
	do {
		if (FR_POS_CHUNK(pos) >= r.head->nr_chunks)
			return; /* FR_CHUNK_NONE: nothing to seal */
				/* Acquire and release as in chunk_install(). */
	} while (!__atomic_compare_exchange_n(
		&r.word->pos, &pos, FR_POS_SEALED(FR_POS_ORDINAL(pos)), 0,
		__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	if (FR_POS_OFF(pos) < FR_CHUNK_SLOTS)
		chunk_pad(&r, pos);
	chunk_give_back(chunk_at(&r, FR_POS_CHUNK(pos)));
}

/* Whether a chunk nobody owns has a record that r->cpu never committed. */
static int chunk_is_open(const struct lane_ref *r,
			 const struct fr_chunk_head *c)
{
	/* Acquire: pairs with chunk_commit(). */
	__u64 committed = __atomic_load_n(&c->committed, __ATOMIC_ACQUIRE);

	return FR_COMMITTED_SLOTS(committed) != FR_CHUNK_RECORD_SLOTS &&
	       __atomic_load_n(&c->cpu, __ATOMIC_RELAXED) == r->cpu;
}

/* Owns a chunk that nobody owns, as the dead writer would have. */
static int chunk_adopt(const struct lane_ref *r, struct fr_chunk_head *c,
		       __u64 state)
{
	if ((state & FR_CHUNK_ACTIVE) || !chunk_is_open(r, c))
		return 0;
	/* Acquire: pairs with chunk_give_back(). */
	return __atomic_compare_exchange_n(
		&c->state, &state,
		state | FR_CHUNK_ACTIVE | FR_CHUNK_OWNER(r->cpu), 0,
		__ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* 1 if the chunk had been left unusable by the writer r->cpu. */
static int chunk_reclaim(const struct lane_ref *r, struct fr_chunk_head *c)
{
	/* Acquire: pairs with chunk_give_back(). */
	__u64 state = __atomic_load_n(&c->state, __ATOMIC_ACQUIRE);
	int owned = (state & ~FR_CHUNK_HOLD_BITS) ==
		    (FR_CHUNK_ACTIVE | FR_CHUNK_OWNER(r->cpu));

	if (!owned && !chunk_adopt(r, c, state))
		return 0;
	/* Ours alone now.  Records stay counted, the holes are torn slots. */
	if (owned || chunk_is_open(r, c)) {
		__u64 n = __atomic_load_n(&c->committed, __ATOMIC_ACQUIRE);

		__atomic_store_n(&c->committed,
				 FR_COMMIT(FR_COMMITTED_RECORDS(n),
					   FR_CHUNK_RECORD_SLOTS),
				 __ATOMIC_RELEASE);
	}
	chunk_give_back(c);
	return 1;
}

unsigned ring_reclaim_dead(void *region, unsigned lane, unsigned writer)
{
	struct lane_ref r;
	unsigned n = 0;
	uint32_t i;

	if (!lane_is_valid(region, lane, writer))
		return 0;
	ring_seal(region, lane, writer);
	r = lane_ref_make(region, lane, writer);
	for (i = 0; i < r.lane->nr; i++)
		n += (unsigned)chunk_reclaim(&r,
					     chunk_at(&r, r.lane->first + i));
	return n;
}
