/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ring.c - the user-space ring and its reader, one thread at a time. */
#include "test.h"

#include "dump/ring_read.h"
#include "dump/ring_region.h"
#include "dump/schema.h"
#include "recorder/ring_user.h"

#include <errno.h>
#include <unistd.h>

#define SLOTS FR_CHUNK_SLOTS
#define TYPE  9

static const struct ring_lane_share two_lanes[] = { { 8, 50 }, { 10, 50 } };
static char path[64];

static uint64_t rng_next(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static struct ring_user *ring_make(unsigned chunks, unsigned writers)
{
	struct ring_user *r;

	snprintf(path, sizeof(path), "/tmp/test_ring.%d", (int)getpid());
	r = ring_user_create(path, (2ull + chunks) * FR_CHUNK_BYTES, two_lanes,
			     2, writers);
	assert_non_null(r);
	return r;
}

static void ring_drop(struct ring_user *r)
{
	ring_user_close(r);
	unlink(path);
}

static void view_of(struct ring_user *r, struct ring_view *v)
{
	assert_int_equal(ring_view_init(v, ring_user_head(r),
					ring_user_bytes(r), fr_layout_hash()),
			 0);
}

/* ---- layout -------------------------------------------------------------------- */

static void test_layout(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct fr_chunk_head), FR_SLOT_BYTES);
	assert_int_equal(sizeof(struct fr_word), 64);
	assert_int_equal(sizeof(struct fr_lane), 128);
	assert_int_equal(offsetof(struct fr_ring_head, lanes) % 64, 0);
	assert_true(sizeof(struct fr_ring_head) <= FR_CHUNK_BYTES);
	assert_int_equal(fr_chunk_limit(5, FR_POS(5, 1, 7)), 7);
	assert_int_equal(fr_chunk_limit(5, FR_POS(5, 1, 300)), SLOTS);
	assert_int_equal(fr_chunk_limit(5, FR_POS(6, 1, 7)), SLOTS);
	assert_int_equal(fr_chunk_limit(6, FR_POS(5, 1, 7)), 1);
	assert_int_equal(fr_chunk_limit(5, FR_POS_SEALED(5)), SLOTS);
	assert_int_equal(fr_chunk_limit(6, FR_POS_SEALED(5)), 1);
	assert_int_equal(fr_chunk_limit(1, FR_POS_NONE), 1);
	/* over the wrap of the low half */
	assert_int_equal(fr_chunk_limit(1ull << 32, FR_POS(0xffffffff, 1, 9)),
			 1);
	assert_int_equal(fr_chunk_limit(0xffffffff, FR_POS(2, 1, 9)), SLOTS);
}

static void test_geometry(void **state)
{
	static const struct ring_lane_share bad[][2] = {
		{ { 8, 60 }, { 9, 60 } },  /* over 100 */
		{ { 8, 50 }, { 8, 50 } },  /* twice */
		{ { 16, 50 }, { 9, 50 } }, /* no such lane */
		{ { 8, 99 }, { 9, 1 } },   /* too little */
	};
	struct ring_geometry g;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ring_geometry(1 << 20, 2, bad[i], 2, &g),
				 -EINVAL);
	assert_int_equal(ring_geometry(1 << 20, 0, two_lanes, 2, &g), -EINVAL);
	assert_int_equal(ring_geometry(FR_CHUNK_BYTES, 1, two_lanes, 2, &g),
			 -EINVAL);
	assert_int_equal(ring_geometry(1 << 20, 2, two_lanes, 2, &g), 0);
	assert_int_equal(g.nr_pages, 64);
	assert_int_equal(g.words_pages, 1);
	assert_int_equal(g.nr_chunks, 62);
}

static void test_wrong_layout(void **state)
{
	struct ring_user *r = ring_make(16, 1);
	struct ring_view v;

	(void)state;
	ring_user_head(r)->layout_hash ^= 1;
	assert_null(ring_user_open(path));
	assert_int_equal(errno, ESTALE);
	assert_int_equal(ring_view_init(&v, ring_user_head(r),
					ring_user_bytes(r), fr_layout_hash()),
			 -ESTALE);
	assert_int_equal(ring_view_init(&v, ring_user_head(r),
					ring_user_bytes(r), 0),
			 0);
	assert_int_equal(ring_view_init(&v, ring_user_head(r),
					ring_user_bytes(r) - FR_CHUNK_BYTES, 0),
			 -EINVAL);
	ring_user_head(r)->layout_hash ^= 1;
	ring_user_head(r)->lanes[8].nr = 1 << 30;
	assert_null(ring_user_open(path));
	assert_int_equal(ring_view_init(&v, ring_user_head(r),
					ring_user_bytes(r), 0),
			 -EINVAL);
	ring_user_head(r)->magic = 0;
	assert_null(ring_user_open(path));
	ring_drop(r);
	assert_null(ring_user_open("/nonexistent/ring"));
	assert_int_equal(errno, ENOENT);
}

/* ---- records ---------------------------------------------------------------------- */

/* Logical bytes of record `number`: recognisable at every place. */
static void record_make(uint8_t *rec, size_t len, uint64_t number)
{
	size_t i;

	for (i = 8; i < len; i++)
		rec[i] = (uint8_t)(number * 31 + i * 7 + i / 256);
	memcpy(rec + 8, &number, 8);
}

static int put(struct ring_user *r, unsigned lane, unsigned writer,
	       unsigned slots, uint64_t number)
{
	size_t len = FR_SLOT_BYTES + (slots - 1) * FR_CONT_BYTES;
	uint8_t rec[FR_RECORD_BYTES_MAX];
	/* Part of it as tail, at changing places. */
	size_t cut = 16 + (number * 8) % (len - 15);

	record_make(rec, len, number);
	return ring_user_put(r, lane, writer, TYPE, (unsigned)number & 0xffff,
			     rec, cut, rec + cut, len - cut);
}

struct list {
	uint64_t numbers[1 << 14];
	unsigned slots[1 << 14];
	unsigned n;
};

static int list_add(void *arg, const struct ring_record *rec)
{
	uint8_t want[FR_RECORD_BYTES_MAX];
	struct list *l = arg;
	uint64_t number;

	assert_int_equal(rec->type, TYPE);
	memcpy(&number, rec->bytes + 8, 8);
	assert_int_equal(rec->aux, number & 0xffff);
	record_make(want, rec->len, number);
	assert_memory_equal(rec->bytes + 8, want + 8, rec->len - 8);
	l->numbers[l->n] = number;
	l->slots[l->n++] = 1 + (rec->len - FR_SLOT_BYTES) / FR_CONT_BYTES;
	return 0;
}

/* All records of a lane in a hold; releases it oldest first. */
static void read_lane(const struct ring_hold *h, const struct ring_view *v,
		      unsigned lane, struct list *l)
{
	static uint8_t copy[FR_CHUNK_BYTES] __attribute__((aligned(8)));
	static uint8_t scratch[FR_RECORD_BYTES_MAX];
	struct ring_chunk_stats st;
	uint32_t i;

	l->n = 0;
	for (i = h->lane_begin[lane]; i < h->lane_end[lane]; i++) {
		if (ring_copy_chunk(h, v, i, copy) < 0)
			continue;
		ring_walk_chunk(copy, h->chunks[i].ordinal, h->chunks[i].limit,
				scratch, list_add, l, &st);
		assert_int_equal(st.torn_slots, 0);
		ring_release(h, v, i);
	}
}

/* A record of every length at every offset: in place, or behind padding. */
static void test_every_offset(void **state)
{
	static struct list l;
	unsigned off, slots;

	(void)state;
	for (slots = 1; slots <= FR_RECORD_SLOTS_MAX; slots += 1 + slots / 4)
		for (off = 1; off < SLOTS; off++) {
			struct ring_user *r = ring_make(16, 1);
			struct ring_view v;
			struct ring_hold h;
			unsigned i;

			for (i = 1; i < off; i++)
				assert_int_equal(put(r, 8, 0, 1, i), 0);
			assert_int_equal(put(r, 8, 0, slots, off), 0);
			view_of(r, &v);
			assert_int_equal(ring_hold_prepare(&h, &v), 0);
			assert_int_equal(ring_hold(&h, &v, UINT64_MAX), 0);
			assert_int_equal(h.lane_end[8] - h.lane_begin[8],
					 off + slots <= SLOTS ? 1 : 2);
			read_lane(&h, &v, 8, &l);
			assert_int_equal(l.n, off);
			assert_int_equal(l.numbers[off - 1], off);
			assert_int_equal(l.slots[off - 1], slots);
			ring_hold_free(&h);
			ring_drop(r);
		}
}

static void test_bad_puts(void **state)
{
	struct ring_user *r = ring_make(16, 2);
	uint8_t rec[FR_RECORD_BYTES_MAX + 1] = { 0 };

	(void)state;
	assert_int_equal(ring_user_put(r, 8, 0, TYPE, 0, rec, sizeof(rec), NULL,
				       0),
			 -E2BIG);
	assert_int_equal(ring_user_put(r, 8, 0, TYPE, 0, rec, 64, rec,
				       SIZE_MAX - 10),
			 -E2BIG);
	assert_int_equal(ring_user_put(r, 9, 0, TYPE, 0, rec, 64, NULL, 0),
			 -EINVAL);
	assert_int_equal(ring_user_put(r, 8, 2, TYPE, 0, rec, 64, NULL, 0),
			 -EINVAL);
	assert_int_equal(ring_user_put(r, 99, 0, TYPE, 0, rec, 64, NULL, 0),
			 -EINVAL);
	assert_int_equal(ring_user_put(r, 8, 1, TYPE, 0, rec, 64, NULL, 0), 0);
	ring_drop(r);
}

/* ---- against a naive reference -------------------------------------------------- */

#define REF_CHUNKS  8
#define REF_WRITERS 3

/* The same circle, told with plain lists. */
struct ref_chunk {
	uint64_t ordinal, numbers[SLOTS];
	unsigned slots[SLOTS], n, used, writer;
	int active, held, was_used;
};
struct ref_lane {
	struct ref_chunk chunks[REF_CHUNKS];
	int current[REF_WRITERS]; /* -1: none */
	uint64_t next, lost, overwritten, written;
};

static int ref_roll(struct ref_lane *l, unsigned w, int hold_valid)
{
	int i;

	for (i = 0; i < 64; i++) {
		uint64_t ordinal = l->next;
		struct ref_chunk *c = &l->chunks[ordinal % REF_CHUNKS];

		if (c->held && hold_valid)
			return -1;
		l->next++;
		if (c->active)
			continue;
		l->overwritten += c->n;
		if (l->current[w] >= 0)
			l->chunks[l->current[w]].active = 0;
		l->current[w] = (int)(ordinal % REF_CHUNKS);
		memset(c, 0, sizeof(*c));
		c->ordinal = ordinal;
		c->active = c->was_used = 1;
		c->writer = w;
		c->used = 1;
		return 0;
	}
	return -1;
}

static int ref_put(struct ref_lane *l, unsigned w, unsigned slots,
		   uint64_t number, int hold_valid)
{
	struct ref_chunk *c =
		l->current[w] < 0 ? NULL : &l->chunks[l->current[w]];

	if (!c || c->used + slots > SLOTS) {
		if (c)
			c->used = SLOTS;
		if (ref_roll(l, w, hold_valid) < 0) {
			l->lost++;
			return -ENOBUFS;
		}
		c = &l->chunks[l->current[w]];
	}
	c->numbers[c->n] = number;
	c->slots[c->n++] = slots;
	c->used += slots;
	l->written++;
	return 0;
}

static void ref_seal(struct ref_lane *l, unsigned w)
{
	if (l->current[w] >= 0)
		l->chunks[l->current[w]].active = 0;
	l->current[w] = -1;
}

/* What a hold must show, by ordinal; marks it held. */
static void ref_hold(struct ref_lane *l, struct list *want)
{
	uint64_t o,
		first = l->next > REF_CHUNKS * 8 ? l->next - REF_CHUNKS * 8 : 1;
	unsigned i, k;

	want->n = 0;
	for (o = first; o < l->next; o++) {
		struct ref_chunk *c = &l->chunks[o % REF_CHUNKS];

		/* limit_free is 1: the chunk at the frontier is left alone */
		if (c->ordinal != o || !c->was_used ||
		    o % REF_CHUNKS == l->next % REF_CHUNKS)
			continue;
		for (i = 0; i < c->n; i++) {
			want->numbers[want->n] = c->numbers[i];
			want->slots[want->n++] = c->slots[i];
		}
	}
	for (k = 0; k < REF_CHUNKS; k++)
		l->chunks[k].held =
			l->chunks[k].was_used && k != l->next % REF_CHUNKS;
}

struct trial {
	struct ring_user *ring;
	struct ring_view view;
	struct ring_hold hold;
	struct ref_lane ref[2];
	struct list want[2];
	uint64_t number, rng;
	int held; /* 1: in force, 2: void */
};

static void trial_put(struct trial *t)
{
	unsigned which = rng_next(&t->rng) % 2;
	unsigned w = rng_next(&t->rng) % REF_WRITERS;
	unsigned slots = rng_next(&t->rng) % 4 ?
				 1 + (unsigned)(rng_next(&t->rng) % 4) :
				 1 + (unsigned)(rng_next(&t->rng) % 80);
	int want;

	t->number++;
	want = ref_put(&t->ref[which], w, slots, t->number, t->held == 1);
	assert_int_equal(put(t->ring, which ? 10 : 8, w, slots, t->number),
			 want);
}

static void trial_hold(struct trial *t)
{
	unsigned i;

	assert_int_equal(ring_hold(&t->hold, &t->view, UINT64_MAX), 0);
	assert_int_equal(ring_hold(&t->hold, &t->view, UINT64_MAX), -EBUSY);
	t->held = 1;
	for (i = 0; i < 2; i++)
		ref_hold(&t->ref[i], &t->want[i]);
}

/* Everything in the hold is there and as it was, whatever was put since. */
static void trial_read(struct trial *t)
{
	static struct list got;
	unsigned i, k;

	for (i = 0; i < 2; i++) {
		read_lane(&t->hold, &t->view, i ? 10 : 8, &got);
		/* Void: chunks that writers took meanwhile are missing. */
		if (t->held == 1) {
			assert_int_equal(got.n, t->want[i].n);
			assert_memory_equal(got.numbers, t->want[i].numbers,
					    got.n * sizeof(got.numbers[0]));
			assert_memory_equal(got.slots, t->want[i].slots,
					    got.n * sizeof(got.slots[0]));
		}
		for (k = 0; k < REF_CHUNKS; k++)
			t->ref[i].chunks[k].held = 0;
	}
	ring_release_all(&t->hold, &t->view);
	t->held = 0;
}

static void trial_books(struct trial *t)
{
	struct ring_lane_stats st;
	unsigned i;

	for (i = 0; i < 2; i++) {
		ring_lane_stats(&t->view, i ? 10 : 8, &st);
		assert_int_equal(st.written, t->ref[i].written);
		assert_int_equal(st.lost, t->ref[i].lost);
		assert_int_equal(st.overwritten, t->ref[i].overwritten);
	}
}

static void trial_step(struct trial *t)
{
	uint64_t what = rng_next(&t->rng) % 2000;
	unsigned w = rng_next(&t->rng) % REF_WRITERS;

	if (what < 3 && !t->held)
		trial_hold(t);
	else if (what < 6 && t->held)
		trial_read(t);
	else if (what == 6 && t->held == 1) {
		t->held = 2;
		ring_user_head(t->ring)->hold_until_ns = 1;
	} else if (what == 7) {
		ring_seal(ring_user_head(t->ring), 8, w);
		ref_seal(&t->ref[0], w);
	} else if (what == 8)
		trial_books(t);
	else
		trial_put(t);
}

static void test_reference(void **state)
{
	static struct trial t;
	unsigned i, round;
	const char *env = getenv("SEED");

	(void)state;
	t.rng = env ? strtoull(env, NULL, 0) : ring_now_ns() | 1;
	print_message("seed %llu\n", (unsigned long long)t.rng);
	for (round = 0; round < 20; round++) {
		t.ring = ring_make(2 * REF_CHUNKS, REF_WRITERS);
		view_of(t.ring, &t.view);
		assert_int_equal(ring_hold_prepare(&t.hold, &t.view), 0);
		memset(t.ref, 0, sizeof(t.ref));
		t.number = 0;
		t.held = 0;
		for (i = 0; i < 2; i++) {
			memset(t.ref[i].current, 0xff,
			       sizeof(t.ref[i].current));
			t.ref[i].next = 1;
		}
		for (i = 0; i < 20000; i++)
			trial_step(&t);
		if (t.held)
			trial_read(&t);
		trial_books(&t);
		ring_hold_free(&t.hold);
		ring_drop(t.ring);
	}
}

/* ---- gaps, dead writers, damage --------------------------------------------------- */

struct gap_sum {
	uint64_t rows, lost, chunks;
};

static int gap_add(void *arg, const struct ring_gap *g)
{
	struct gap_sum *s = arg;

	assert_true(g->from_ns <= g->to_ns);
	s->rows++;
	s->lost += g->lost;
	s->chunks += g->chunks;
	return 0;
}

/* Losses under a hold show up as one gap in the next one. */
static void test_gaps(void **state)
{
	struct ring_user *r = ring_make(16, 1);
	struct gap_sum s = { 0, 0, 0 };
	struct ring_view v;
	struct ring_hold h;
	unsigned i, lost = 0;

	(void)state;
	view_of(r, &v);
	assert_int_equal(ring_hold_prepare(&h, &v), 0);
	for (i = 0; i < 8 * 255; i++)
		assert_int_equal(put(r, 8, 0, 1, i), 0);
	assert_int_equal(ring_hold(&h, &v, UINT64_MAX), 0);
	for (i = 0; i < 3 * 255; i++)
		lost += put(r, 8, 0, 1, i) == -ENOBUFS;
	assert_true(lost > 0);
	assert_int_equal(ring_gaps(&h, &v, NULL, gap_add, &s), 0);
	assert_int_equal(s.rows, 0);
	ring_release_all(&h, &v);
	for (i = 0; i < 300; i++)
		assert_int_equal(put(r, 8, 0, 1, i), 0);
	assert_int_equal(ring_hold(&h, &v, UINT64_MAX), 0);
	assert_int_equal(ring_gaps(&h, &v, NULL, gap_add, &s), 0);
	assert_int_equal(s.rows, 1);
	assert_int_equal(s.lost, lost);
	assert_int_equal(s.chunks, 0);
	ring_hold_free(&h);
	ring_drop(r);
}

/* A chunk with a writer inside is passed over, however often. */
static void test_skip_uncommitted(void **state)
{
	struct ring_user *r = ring_make(16, 1);
	struct ring_lane_stats st;
	struct ring_view v;
	unsigned i;

	(void)state;
	view_of(r, &v);
	for (i = 0; i < 8 * 255; i++)
		put(r, 8, 0, 1, i);
	ring_view_chunk(&v, 3)->committed -= FR_COMMIT(1, 1);
	for (i = 0; i < 24 * 255; i++)
		assert_int_equal(put(r, 8, 0, 1, i), 0);
	assert_int_equal(ring_view_chunk(&v, 3)->ordinal, 3);
	ring_lane_stats(&v, 8, &st);
	assert_true(st.skipped_uncommitted >= 3);
	assert_int_equal(ring_view_chunk(&v, 3)->state, 0);
	/* it commits after all */
	ring_view_chunk(&v, 3)->committed += FR_COMMIT(1, 1);
	for (i = 0; i < 8 * 255; i++)
		assert_int_equal(put(r, 8, 0, 1, i), 0);
	assert_true(ring_view_chunk(&v, 3)->ordinal > 3);
	ring_drop(r);
}

/* Every state a killed writer can leave its chunks in. */
static void test_reclaim(void **state)
{
	struct ring_user *r = ring_make(16, 2);
	struct ring_lane_stats st;
	struct ring_view v;
	unsigned i;

	(void)state;
	view_of(r, &v);
	for (i = 0; i < 3 * 255 + 10; i++)
		put(r, 8, 1, 1, i);
	/* died in a record of a used-up chunk */
	ring_view_chunk(&v, 1)->committed = FR_COMMIT(254, 254);
	/* died after a claim, and before it gave the old chunk back */
	ring_view_chunk(&v, 6)->state = FR_CHUNK_ACTIVE | FR_CHUNK_OWNER(1);
	ring_view_chunk(&v, 6)->committed = 0;
	ring_view_chunk(&v, 2)->state = FR_CHUNK_ACTIVE | FR_CHUNK_OWNER(1);
	/* of somebody who lives */
	put(r, 8, 0, 1, 1);
	assert_int_equal(ring_reclaim_dead(ring_user_head(r), 8, 1), 3);
	ring_lane_stats(&v, 8, &st);
	assert_int_equal(st.chunks_active, 1);
	for (i = 0; i < 8; i++)
		if (!ring_view_chunk(&v, i)->state)
			assert_int_equal(
				FR_COMMITTED_SLOTS(
					ring_view_chunk(&v, i)->committed),
				FR_CHUNK_RECORD_SLOTS);
	assert_int_equal(ring_reclaim_dead(ring_user_head(r), 8, 1), 0);
	ring_drop(r);
}

static int ignore_record(void *arg, const struct ring_record *rec)
{
	uint64_t *sum = arg;
	uint32_t i;

	for (i = 0; i < rec->len; i++)
		*sum += rec->bytes[i];
	return 0;
}

static int ignore_gap(void *arg, const struct ring_gap *g)
{
	(void)arg;
	(void)g;
	return 0;
}

static void damage(uint8_t *mem, size_t bytes, uint64_t *rng)
{
	unsigned i, n = 1 + (unsigned)(rng_next(rng) % 200);
	/* often near the start, where the sizes are */
	size_t area = rng_next(rng) % 3 ? bytes : 4096;

	for (i = 0; i < n; i++)
		mem[rng_next(rng) % area] = (uint8_t)rng_next(rng);
	if (rng_next(rng) % 2) {
		struct fr_ring_head *head = (struct fr_ring_head *)mem;

		head->magic = FR_RING_MAGIC;
		head->version = FR_RING_VERSION;
		head->hold_until_ns = 0;
	}
}

/* ASan watches: the mapping is a heap block of exactly its size. */
static void read_damaged(uint8_t *mem, size_t bytes)
{
	static uint8_t copy[FR_CHUNK_BYTES] __attribute__((aligned(8)));
	static uint8_t scratch[FR_RECORD_BYTES_MAX];
	struct ring_lane_stats st;
	struct ring_view v;
	struct ring_hold h;
	uint64_t sum = 0;
	uint32_t i;

	if (ring_view_init(&v, mem, bytes, 0) < 0)
		return;
	assert_int_equal(ring_hold_prepare(&h, &v), 0);
	if (ring_hold(&h, &v, 1) == 0)
		for (i = 0; i < h.nr_chunks && i < 3; i++)
			if (ring_copy_chunk(&h, &v, i, copy) == 0)
				ring_walk_chunk(copy, h.chunks[i].ordinal,
						h.chunks[i].limit, scratch,
						ignore_record, &sum, NULL);
	ring_gaps(&h, &v, NULL, ignore_gap, NULL);
	for (i = 0; i < FR_LANES_MAX; i++)
		ring_lane_stats(&v, i, &st);
	ring_release_all(&h, &v);
	ring_hold_free(&h);
}

static void test_damaged(void **state)
{
	struct ring_user *r = ring_make(16, 2);
	size_t bytes = ring_user_bytes(r);
	uint64_t rng = ring_now_ns() | 1;
	uint8_t *mem = aligned_alloc(64, bytes);
	unsigned i;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)rng);
	for (i = 0; i < 3000; i++)
		put(r, i % 3 ? 8 : 10, i % 2, 1 + i % 7, i);
	for (i = 0; i < 300; i++) {
		memcpy(mem, ring_user_head(r), bytes);
		damage(mem, bytes, &rng);
		read_damaged(mem, bytes);
	}
	free(mem);
	ring_drop(r);
}

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define HOLD_NS_MAX 50000000
#else
#define HOLD_NS_MAX 2000000 /* on a loaded machine; idle: 40,000 */
#endif

/* A hold of many chunks takes microseconds. */
static void test_hold_time(void **state)
{
	static const struct ring_lane_share one = { 8, 100 };
	struct ring_geometry g;
	struct ring_view v;
	struct ring_hold h;
	uint64_t best = UINT64_MAX;
	uint8_t *mem;
	unsigned i, k;

	(void)state;
	assert_int_equal(
		ring_geometry(4098ull * FR_CHUNK_BYTES, 2, &one, 1, &g), 0);
	mem = calloc(g.nr_pages, FR_CHUNK_BYTES);
	assert_int_equal(ring_init(mem, &g, &one, 1), 0);
	for (i = 0; i < 4096; i++)
		for (k = 0; k < 4; k++) {
			uint8_t rec[FR_RECORD_BYTES_MAX] = { 0 };

			assert_int_equal(ring_put(mem, 8, 0, TYPE, 0, rec,
						  sizeof(rec), NULL, 0),
					 0);
		}
	assert_int_equal(
		ring_view_init(&v, mem, g.nr_pages * FR_CHUNK_BYTES, 0), 0);
	assert_int_equal(ring_hold_prepare(&h, &v), 0);
	for (i = 0; i < 5; i++) {
		assert_int_equal(ring_hold(&h, &v, UINT64_MAX), 0);
		assert_true(h.nr_chunks > 3500);
		if (h.end_ns - h.begin_ns < best)
			best = h.end_ns - h.begin_ns;
		ring_release_all(&h, &v);
	}
	print_message("%u chunks held in %llu ns\n", h.nr_chunks,
		      (unsigned long long)best);
	assert_true(best < HOLD_NS_MAX);
	ring_hold_free(&h);
	free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_geometry),
		cmocka_unit_test(test_wrong_layout),
		cmocka_unit_test(test_every_offset),
		cmocka_unit_test(test_bad_puts),
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_skip_uncommitted),
		cmocka_unit_test(test_reclaim),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_hold_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
