/* SPDX-License-Identifier: GPL-2.0-or-later */
/* joined.c - a sequence lock around the text of facts. */
#include "recorder/joined.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "recorder/futex.h"

#define TRIES   1000
#define WAIT_NS 200000000ULL

struct joined {
	uint32_t seq; /* odd: being written; by the recorder only */
	uint32_t len;
	uint32_t answers; /* by the recorder only */
	char buf[JOINED_BYTES];
};

struct joined *joined_new(void)
{
	void *p = mmap(NULL, sizeof(struct joined), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void joined_free(struct joined *j)
{
	if (j)
		munmap(j, sizeof(*j));
}

/* Whole facts only. */
static size_t fitting(const struct facts *f)
{
	const char *value;
	size_t pos = 0, len = 0;

	while (facts_next(f, &pos, &value) && pos <= JOINED_BYTES)
		len = pos;
	return len;
}

void joined_put(struct joined *j, const struct facts *f)
{
	size_t len = fitting(f);

	if (!j)
		return;
	__atomic_store_n(&j->seq, j->seq + 1, __ATOMIC_RELAXED);
	/* the text comes after the odd number; pairs with that in
	 * joined_get() */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	if (len)
		memcpy(j->buf, f->buf, len);
	j->len = (uint32_t)len;
	/* release: the text comes before the even one; pairs with the acquire
	 * in joined_get() */
	__atomic_store_n(&j->seq, j->seq + 1, __ATOMIC_RELEASE);
}

static bool copy_once(const struct joined *j, char *buf, size_t *ret_len)
{
	/* pairs with the release store in joined_put() */
	uint32_t seq = __atomic_load_n(&j->seq, __ATOMIC_ACQUIRE);
	size_t len = j->len;

	if (seq % 2 || len > JOINED_BYTES)
		return false;
	memcpy(buf, j->buf, len);
	/* pairs with the release fence in joined_put() */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	*ret_len = len;
	return __atomic_load_n(&j->seq, __ATOMIC_RELAXED) == seq;
}

void joined_get(const struct joined *j, struct facts *ret)
{
	static char buf[JOINED_BYTES];
	struct facts copy = { .buf = buf };
	const char *key, *value;
	size_t pos = 0;

	for (unsigned i = 0; j && i < TRIES; i++) {
		if (!copy_once(j, buf, &copy.len))
			continue;
		while ((key = facts_next(&copy, &pos, &value)))
			facts_add(ret, key, "%s", value);
		return;
	}
}

/* ---- asking -------------------------------------------------------------------- */

uint32_t joined_answers(const struct joined *j)
{
	/* pairs with the release store in joined_answer() */
	return j ? __atomic_load_n(&j->answers, __ATOMIC_ACQUIRE) : 0;
}

void joined_answer(struct joined *j)
{
	if (!j)
		return;
	/* release: what was put comes before; pairs with joined_answers() */
	__atomic_store_n(&j->answers, j->answers + 1, __ATOMIC_RELEASE);
	futex_wake(&j->answers);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void joined_wait(const struct joined *j, uint32_t seen)
{
	uint64_t until_ns = now_ns() + WAIT_NS;

	while (j && joined_answers(j) == seen && now_ns() < until_ns)
		futex_wait(&j->answers, seen, until_ns);
}
