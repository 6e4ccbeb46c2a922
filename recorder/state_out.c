/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder/state_out.h"

#include <errno.h>
#include <flightrec/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "recorder/futex.h"
#include "recorder/ring_user.h"

#define NS_PER_SEC 1000000000ULL
#define RETRY_NS   10000000ULL

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

uint64_t state_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t state_cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void state_count(uint64_t *counter, uint64_t value)
{
	__atomic_store_n(counter, value, __ATOMIC_RELAXED);
}

/* ---- the area ------------------------------------------------------------------ */

struct state_area *state_area_new(void)
{
	void *p = mmap(NULL, sizeof(struct state_area), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void state_area_free(struct state_area *a)
{
	if (a)
		munmap(a, sizeof(*a));
}

uint32_t state_area_ask(struct state_area *a)
{
	uint32_t look = a->asked + 1;

	if (!look)
		look = 1; /* 0 says that rows are changing */
	/* Release: pairs with state_area_sleep(). */
	__atomic_store_n(&a->asked, look, __ATOMIC_RELEASE);
	futex_wake(&a->asked);
	return look;
}

uint32_t state_area_sleep(struct state_area *a, uint32_t seen,
			  uint64_t until_ns)
{
	/* Acquire: pairs with state_area_ask(). */
	uint32_t asked = __atomic_load_n(&a->asked, __ATOMIC_ACQUIRE);

	if (asked == seen && state_now_ns() < until_ns)
		futex_wait(&a->asked, seen, until_ns);
	return __atomic_load_n(&a->asked, __ATOMIC_ACQUIRE);
}

void state_area_begin(struct state_area *a, uint32_t look)
{
	__atomic_store_n(&a->begun, 0, __ATOMIC_RELAXED);
	/* Pairs with the acquire fence of state_area_take(): who sees a byte of
	 * the new rows sees that the old look is gone. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&a->used, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&a->left_out, 0, __ATOMIC_RELAXED);
	/* Release: pairs with the acquire load in state_area_take(). */
	__atomic_store_n(&a->begun, look, __ATOMIC_RELEASE);
}

void state_area_end(struct state_area *a, uint32_t look)
{
	/* Release: pairs with state_area_take(): all rows are there. */
	__atomic_store_n(&a->done, look, __ATOMIC_RELEASE);
	futex_wake(&a->done);
}

static bool area_put(struct state_area *a, const void *rec, size_t rec_len,
		     const void *tail, size_t tail_len)
{
	uint64_t used = a->used, len = rec_len + tail_len;
	uint64_t next = (used + sizeof(len) + len + 7) & ~7ULL;

	if (next > sizeof(a->rows)) {
		state_count(&a->left_out, a->left_out + 1);
		return false;
	}
	memcpy(a->rows + used, &len, sizeof(len));
	memcpy(a->rows + used + sizeof(len), rec, rec_len);
	if (tail_len)
		memcpy(a->rows + used + sizeof(len) + rec_len, tail, tail_len);
	/* Release: pairs with the acquire load in state_area_take(). */
	__atomic_store_n(&a->used, next, __ATOMIC_RELEASE);
	return true;
}

static void wait_done(const struct state_area *a, uint32_t look,
		      uint64_t until_ns)
{
	for (;;) {
		/* Acquire: pairs with state_area_end(). */
		uint32_t done = __atomic_load_n(&a->done, __ATOMIC_ACQUIRE);

		if (done == look || state_now_ns() >= until_ns)
			return;
		futex_wait(&a->done, done, until_ns);
	}
}

int state_area_take(struct state_area *a, uint32_t look, uint64_t wait_ns,
		    uint8_t **ret, size_t *ret_len)
{
	uint64_t used;
	bool complete;

	*ret = NULL;
	*ret_len = 0;
	wait_done(a, look, state_now_ns() + wait_ns);
	complete = __atomic_load_n(&a->done, __ATOMIC_ACQUIRE) == look;
	/* Acquire: pairs with state_area_begin(), then with area_put(). */
	if (__atomic_load_n(&a->begun, __ATOMIC_ACQUIRE) != look)
		return 1;
	used = __atomic_load_n(&a->used, __ATOMIC_ACQUIRE);
	if (used > sizeof(a->rows))
		return 1;
	*ret = malloc(used ? used : 1);
	if (!*ret)
		return -ENOMEM;
	memcpy(*ret, a->rows, used);
	/* Pairs with the release fence of state_area_begin(). */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (__atomic_load_n(&a->begun, __ATOMIC_RELAXED) != look)
		return 1;
	*ret_len = used;
	return complete ? 0 : 1;
}

const uint8_t *state_area_next(const uint8_t *rows, size_t len, size_t *pos,
			       size_t *ret_len)
{
	const uint8_t *row = rows + *pos + sizeof(uint64_t);
	uint64_t n;

	if (len - *pos < sizeof(n))
		return NULL;
	memcpy(&n, rows + *pos, sizeof(n));
	if (n > len - *pos - sizeof(n))
		return NULL;
	*ret_len = n;
	*pos += (sizeof(n) + n + 7) & ~7ULL;
	if (*pos > len)
		*pos = len;
	return row;
}

/* ---- rows ---------------------------------------------------------------------- */

/* A dump holds what is there; it lets go in a moment. */
static void wait_for_dump(const struct state_out *o)
{
	const struct fr_ring_head *head = o->region;
	const struct timespec moment = { .tv_nsec = RETRY_NS };

	for (uint64_t n = 0; n < o->patience_ns; n += RETRY_NS) {
		uint64_t until =
			__atomic_load_n(&head->hold_until_ns, __ATOMIC_RELAXED);

		if (until <= state_now_ns())
			return;
		nanosleep(&moment, NULL);
	}
}

bool state_put(struct state_out *o, unsigned type, const void *rec,
	       size_t rec_len, const void *tail, size_t tail_len)
{
	uint64_t head = FR_HEAD(0, 0, type, tail_len);
	uint8_t copy[256];

	if (o->region) {
		wait_for_dump(o);
		if (!ring_put(o->region, FR_LANE_STATE, o->writer, type,
			      (unsigned)tail_len, rec, rec_len, tail, tail_len))
			return true;
		state_count(o->lost, *o->lost + 1);
		return false;
	}
	if (rec_len > sizeof(copy))
		return false;
	memcpy(copy, rec, rec_len);
	memcpy(copy, &head, sizeof(head));
	return area_put(o->area, copy, rec_len, tail, tail_len);
}
