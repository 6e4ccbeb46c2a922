/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring_stress.c - writers that number their own records against a freezer.
 *
 *   ring_stress [SECONDS [SEED]]
 *
 * Rounds of up to a second, each with a ring of its own, in turn:
 *   threads    one writer index per thread, a lane with room
 *   shared     several threads per writer index (they preempt each other)
 *   tiny       lanes of a few chunks: writers lap each other and the reader
 *   processes  some are stopped for a while, some are killed and reclaimed
 *   void       holds run out while the chunks are still being copied
 *
 * A record carries (writer, number, length, checksum over all its bytes).  For
 * each snapshot: numbers of a writer strictly grow, and what is missing between
 * two is no more than what ring_gaps() and torn slots account for.
 */
#include "dump/ring_read.h"
#include "dump/ring_region.h"
#include "dump/schema.h"
#include "recorder/ring_user.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define LANE        FR_LANE_POINT
#define TYPE        77
#define WRITERS_MAX 6
#define PAYLOAD_MAX (FR_RECORD_BYTES_MAX - 8)

struct plan {
	const char *name;
	unsigned indices, per_index; /* writers: indices x per_index */
	unsigned kib;                /* memory */
	int processes, voids;
	unsigned slots_max;
};

/* A record behind its head. */
struct numbered {
	uint64_t head, ts;
	uint64_t writer, number;
	uint32_t len, sum; /* of the tail */
	uint8_t tail[PAYLOAD_MAX];
};
#define NUMBERED_BYTES offsetof(struct numbered, tail)

struct shared {
	_Atomic int stop;
	_Atomic uint64_t written[WRITERS_MAX], lost[WRITERS_MAX];
};

struct writer {
	struct ring_user *ring;
	struct shared *sh;
	unsigned id, index, slots_max;
	uint64_t rng;
};

struct totals {
	uint64_t freezes, busy, records, torn, stale, missing, accounted, kills,
		stops, reclaimed, written, lost;
	unsigned passed, failed;
};

static struct totals totals;

static uint64_t rng_next(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void check(int ok, const char *what, const char *round)
{
	if (ok) {
		totals.passed++;
		return;
	}
	totals.failed++;
	if (totals.failed < 20)
		printf("FAILED %s: %s\n", round, what);
}

/* ---- writers ---------------------------------------------------------------- */

static uint32_t checksum(const struct numbered *n)
{
	uint32_t sum = (uint32_t)(n->writer * 31 + n->number * 17 + n->len);
	uint32_t i;

	for (i = 0; i < n->len; i++)
		sum = sum * 33 + n->tail[i];
	return sum;
}

static void number_fill(struct numbered *n, struct writer *w, uint64_t number)
{
	uint64_t r = rng_next(&w->rng);
	uint32_t i, max = FR_SLOT_BYTES - NUMBERED_BYTES;

	/* Most are short; some fill several slots, few fill very many. */
	if (w->slots_max > 1 && r % 8 == 0)
		max += FR_CONT_BYTES * (uint32_t)(r / 8 % 4);
	if (w->slots_max > 4 && r % 97 == 0)
		max = PAYLOAD_MAX - (NUMBERED_BYTES - 8);
	n->ts = 0;
	n->writer = w->id;
	n->number = number;
	n->len = (uint32_t)(r >> 32) % (max + 1);
	for (i = 0; i < n->len; i++)
		n->tail[i] = (uint8_t)(number * 7 + i * 13 + (r >> 8));
	n->sum = checksum(n);
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	static __thread struct numbered n;
	uint64_t i;

	for (i = 1; !atomic_load_explicit(&w->sh->stop, memory_order_relaxed);
	     i++) {
		int err;

		number_fill(&n, w, i);
		err = ring_user_put(w->ring, LANE, w->index, TYPE, w->id, &n,
				    NUMBERED_BYTES, n.tail, n.len);
		if (err == -ENOBUFS)
			atomic_fetch_add(&w->sh->lost[w->id], 1);
		else
			atomic_fetch_add(&w->sh->written[w->id], 1);
	}
	return NULL;
}

/* ---- what a snapshot holds ---------------------------------------------------- */

struct seen {
	uint64_t last[WRITERS_MAX];    /* 0: none yet */
	uint64_t missing[WRITERS_MAX]; /* of a writer, in the whole snapshot */
	uint64_t allowed[WRITERS_MAX]; /* of an index */
	unsigned index_of[WRITERS_MAX], writers;
	const char *round;
	int bad_sum, bad_order, deaths;
};

static int see_record(void *arg, const struct ring_record *r)
{
	static struct numbered n;
	struct seen *s = arg;

	memset(&n, 0, sizeof(n));
	memcpy(&n, r->bytes, r->len < sizeof(n) ? r->len : sizeof(n));
	if (r->type != TYPE || n.writer >= s->writers || r->aux != n.writer ||
	    n.len > PAYLOAD_MAX || NUMBERED_BYTES + n.len > r->len ||
	    n.sum != checksum(&n)) {
		s->bad_sum++;
		return 0;
	}
	totals.records++;
	if (s->last[n.writer]) {
		if (n.number <= s->last[n.writer])
			s->bad_order++;
		else
			s->missing[n.writer] +=
				n.number - s->last[n.writer] - 1;
	}
	s->last[n.writer] = n.number;
	return 0;
}

static int see_gap(void *arg, const struct ring_gap *g)
{
	struct seen *s = arg;

	s->allowed[g->cpu] += g->lost + g->chunks * FR_CHUNK_RECORD_SLOTS;
	return 0;
}

/* Each index accounts for what its writers miss. */
static void judge(struct seen *s, unsigned indices)
{
	uint64_t missing[WRITERS_MAX] = { 0 };
	unsigned i;

	for (i = 0; i < s->writers; i++)
		missing[s->index_of[i]] += s->missing[i];
	for (i = 0; i < indices; i++) {
		totals.missing += missing[i];
		totals.accounted += missing[i] ? s->allowed[i] : 0;
		if (missing[i] > s->allowed[i])
			printf("%s: index %u misses %llu, accounted %llu\n",
			       s->round, i, (unsigned long long)missing[i],
			       (unsigned long long)s->allowed[i]);
		check(missing[i] <= s->allowed[i], "records without account",
		      s->round);
	}
	check(!s->bad_sum, "a torn record was accepted", s->round);
	check(!s->bad_order, "a record twice or out of order", s->round);
}

static void snapshot(struct ring_hold *h, const struct ring_view *v,
		     struct seen *s, unsigned indices, uint64_t *rng)
{
	static uint8_t copy[FR_CHUNK_BYTES] __attribute__((aligned(64)));
	static uint8_t scratch[FR_RECORD_BYTES_MAX];
	uint8_t *skip = calloc(h->nr_chunks + 1, 1);
	struct ring_chunk_stats st;
	uint32_t i;

	for (i = 0; i < h->nr_chunks; i++) {
		const struct ring_hold_chunk *c = &h->chunks[i];

		skip[i] = ring_copy_chunk(h, v, i, copy) < 0;
		ring_release(h, v, i);
		totals.stale += skip[i];
		if (skip[i])
			continue;
		ring_walk_chunk(copy, c->ordinal, c->limit, scratch, see_record,
				s, &st);
		totals.torn += st.torn_slots;
		/* Reclaimed after a death: whole, but with holes. */
		check(!st.torn_slots || s->deaths ||
			      FR_COMMITTED_SLOTS(c->committed) !=
				      FR_CHUNK_RECORD_SLOTS,
		      "torn slots in a chunk that was whole", s->round);
		s->allowed[c->cpu] += st.torn_slots;
		if (rng_next(rng) % 64 == 0)
			usleep(rng_next(rng) % 200);
	}
	ring_release_all(h, v);
	ring_gaps(h, v, skip, see_gap, s);
	judge(s, indices);
	free(skip);
}

static void freeze(struct ring_hold *h, const struct ring_view *v,
		   const struct plan *p, const char *round, uint64_t *rng)
{
	struct seen s = { .round = round,
			  .deaths = p->processes,
			  .writers = p->indices * p->per_index };
	uint64_t bound = p->voids ? rng_next(rng) % 300000 : 2000000000ull;
	unsigned i;

	for (i = 0; i < s.writers; i++)
		s.index_of[i] = i % p->indices;
	if (ring_hold(h, v, ring_now_ns() + bound) == -EBUSY) {
		totals.busy++;
		return;
	}
	totals.freezes++;
	snapshot(h, v, &s, p->indices, rng);
}

/* ---- rounds ------------------------------------------------------------------- */

static pid_t spawn(struct writer *w)
{
	pid_t pid = fork();

	if (pid == 0) {
		writer_main(w);
		_exit(0);
	}
	return pid;
}

/* Stops or kills one of the processes, or lets it go on. */
static void disturb(pid_t *pids, struct writer *w, unsigned n, int *stopped,
		    uint64_t *rng)
{
	unsigned i = (unsigned)(rng_next(rng) % n);

	if (pids[i] <= 0)
		return;
	if (*stopped >= 0) {
		kill(pids[*stopped], SIGCONT);
		*stopped = -1;
		return;
	}
	if (rng_next(rng) % 3) {
		kill(pids[i], SIGSTOP);
		*stopped = (int)i;
		totals.stops++;
		return;
	}
	if (i == 0)
		return; /* one lives through */
	kill(pids[i], SIGKILL);
	waitpid(pids[i], NULL, 0);
	pids[i] = 0;
	totals.kills++;
	totals.reclaimed +=
		ring_reclaim_dead(ring_user_head(w[i].ring), LANE, w[i].index);
}

static void round_freezes(struct ring_user *ring, const struct plan *p,
			  uint64_t until, uint64_t *rng, struct writer *w,
			  pid_t *pids)
{
	struct ring_view v;
	struct ring_hold h;
	int stopped = -1;

	check(ring_view_init(&v, ring_user_head(ring), ring_user_bytes(ring),
			     fr_layout_hash()) == 0,
	      "view of the ring", p->name);
	check(ring_hold_prepare(&h, &v) == 0, "prepare", p->name);
	while (ring_now_ns() < until) {
		freeze(&h, &v, p, p->name, rng);
		if (pids && rng_next(rng) % 4 == 0)
			disturb(pids, w, p->indices, &stopped, rng);
		if (rng_next(rng) % 3)
			usleep(rng_next(rng) % 5000);
	}
	if (stopped >= 0)
		kill(pids[stopped], SIGCONT);
	ring_hold_free(&h);
}

/* After all writers are gone: nothing may be stuck, and the books close. */
static void round_close(struct ring_user *ring, const struct plan *p,
			const struct shared *sh)
{
	struct ring_lane_stats st;
	uint64_t written = 0, lost = 0;
	struct ring_view v;
	unsigned i;

	for (i = 0; i < p->indices; i++)
		ring_reclaim_dead(ring_user_head(ring), LANE, i);
	ring_view_init(&v, ring_user_head(ring), ring_user_bytes(ring), 0);
	ring_lane_stats(&v, LANE, &st);
	for (i = 0; i < p->indices * p->per_index; i++) {
		written += sh->written[i];
		lost += sh->lost[i];
	}
	totals.written += written;
	totals.lost += lost;
	check(st.chunks_active == 0, "a chunk is active without a writer",
	      p->name);
	/* A killed writer dies between a step and counting it. */
	check(p->processes || (st.written == written && st.lost == lost),
	      "written = in the ring + overwritten; lost = lost", p->name);
	for (i = 0; i < v.lanes[LANE].nr; i++) {
		struct fr_chunk_head *c =
			ring_view_chunk(&v, v.lanes[LANE].first + i);

		if (FR_COMMITTED_SLOTS(c->committed) != FR_CHUNK_RECORD_SLOTS)
			check(0, "a chunk is incomplete without a writer",
			      p->name);
	}
}

static void run_round(const struct plan *p, uint64_t seconds_ns, uint64_t *rng)
{
	const struct ring_lane_share share = { LANE, 100 };
	struct shared *sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned n = p->indices * p->per_index, i;
	struct writer w[WRITERS_MAX];
	pthread_t threads[WRITERS_MAX];
	pid_t pids[WRITERS_MAX] = { 0 };
	struct ring_user *ring;
	char path[64];

	snprintf(path, sizeof(path), "/dev/shm/ring_stress.%d", (int)getpid());
	ring = ring_user_create(path, (uint64_t)p->kib << 10, &share, 1,
				p->indices);
	unlink(path);
	if (!ring || sh == MAP_FAILED) {
		perror("ring_stress: a ring in /dev/shm");
		exit(1);
	}
	for (i = 0; i < n; i++) {
		w[i] = (struct writer){
			ring,           sh,           i,
			i % p->indices, p->slots_max, rng_next(rng) | 1
		};
		if (p->processes)
			pids[i] = spawn(&w[i]);
		else
			pthread_create(&threads[i], NULL, writer_main, &w[i]);
	}
	round_freezes(ring, p, ring_now_ns() + seconds_ns, rng, w,
		      p->processes ? pids : NULL);
	atomic_store(&sh->stop, 1);
	for (i = 0; i < n; i++)
		if (!p->processes)
			pthread_join(threads[i], NULL);
		else if (pids[i] > 0)
			waitpid(pids[i], NULL, 0);
	round_close(ring, p, sh);
	ring_user_close(ring);
	munmap(sh, sizeof(*sh));
}

static const struct plan plans[] = {
	{ "threads", 3, 1, 4096, 0, 0, 80 },
	{ "shared", 2, 3, 2048, 0, 0, 80 },
	{ "tiny", 3, 1, 128, 0, 0, 4 },
	{ "processes", 4, 1, 1024, 1, 0, 80 },
	{ "void", 2, 2, 512, 0, 1, 80 },
};
#define NR_PLANS (sizeof(plans) / sizeof(plans[0]))

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 5;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : ring_now_ns();
	uint64_t rng = seed | 1, each;
	unsigned i;

	printf("seed %llu\n", (unsigned long long)seed);
	fflush(stdout);
	each = (uint64_t)(seconds * 1e9 / NR_PLANS);
	for (i = 0; i < NR_PLANS; i++)
		run_round(&plans[i], each, &rng);
#define P(f) printf(" " #f " %llu", (unsigned long long)totals.f)
	P(freezes), P(records), P(written), P(lost), P(missing), P(accounted);
	P(torn), P(stale), P(busy), P(stops), P(kills), P(reclaimed);
	printf("\n%u passed, %u failed\n", totals.passed, totals.failed);
	return totals.failed ? 1 : 0;
}
