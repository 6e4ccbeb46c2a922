/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tally.c - sums by name. */
#include "dump/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t hash(const char *key)
{
	uint64_t h = 14695981039346656037u; /* FNV-1a */

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 1099511628211u;
	return (size_t)(h ^ h >> 32);
}

/* Where the key is, or would be. */
static size_t find_slot(const struct tally *t, const char *key)
{
	size_t i = hash(key) & t->mask;

	while (t->slots[i] && strcmp(t->entries[t->slots[i] - 1]->key, key))
		i = (i + 1) & t->mask;
	return i;
}

static int grow(struct tally *t)
{
	size_t size = t->size ? 2 * t->size : 64;
	struct tally_entry **entries;
	uint32_t *slots;

	entries = realloc(t->entries, size * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	t->entries = entries;
	slots = calloc(2 * size, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(t->slots);
	t->slots = slots;
	t->mask = 2 * size - 1;
	t->size = size;
	for (size_t i = 0; i < t->nr; i++)
		t->slots[find_slot(t, t->entries[i]->key)] = (uint32_t)i + 1;
	return 0;
}

struct tally_entry *tally_at(struct tally *t, const char *key)
{
	struct tally_entry *e;
	size_t i;

	if (t->nr == t->size && grow(t))
		return NULL;
	i = find_slot(t, key);
	if (t->slots[i])
		return t->entries[t->slots[i] - 1];
	e = calloc(1, sizeof(*e));
	if (e)
		e->key = strdup(key);
	if (!e || !e->key) {
		free(e);
		return NULL;
	}
	t->entries[t->nr++] = e;
	t->slots[i] = (uint32_t)t->nr;
	return e;
}

static void keep_duration(struct tally_entry *e, uint64_t dur_ns)
{
	if (e->nr == e->size) {
		size_t size = e->size ? 2 * e->size : 64;
		uint64_t *d = realloc(e->durations, size * sizeof(*d));

		if (!d)
			return;
		e->durations = d;
		e->size = size;
	}
	e->durations[e->nr++] = dur_ns;
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

void tally_add(struct tally_entry *e, uint64_t dur_ns, uint64_t bytes,
	       bool failed, bool keep)
{
	if (!e)
		return;
	e->count++;
	e->time_ns = add_saturated(e->time_ns, dur_ns);
	e->bytes = add_saturated(e->bytes, bytes);
	e->failed += failed;
	if (dur_ns > e->max_ns)
		e->max_ns = dur_ns;
	if (keep)
		keep_duration(e, dur_ns);
}

static uint64_t rank(const struct tally_entry *e, enum tally_order order)
{
	switch (order) {
	case TALLY_BY_BYTES:
		return e->bytes;
	case TALLY_BY_COUNT:
		return e->count;
	default:
		return e->time_ns;
	}
}

static int compare(const void *p, const void *q, void *arg)
{
	const struct tally_entry *x = *(struct tally_entry *const *)p;
	const struct tally_entry *y = *(struct tally_entry *const *)q;
	enum tally_order order = *(const enum tally_order *)arg;
	uint64_t a = rank(x, order), b = rank(y, order);

	if (a != b)
		return a > b ? -1 : 1;
	return strcmp(x->key, y->key);
}

void tally_sort(struct tally *t, enum tally_order order)
{
	if (t->nr)
		qsort_r(t->entries, t->nr, sizeof(*t->entries), compare,
			&order);
}

static int compare_u64(const void *p, const void *q)
{
	uint64_t a = *(const uint64_t *)p, b = *(const uint64_t *)q;

	return a < b ? -1 : a > b;
}

void tally_sort_durations(struct tally_entry *e)
{
	if (e->nr)
		qsort(e->durations, e->nr, sizeof(*e->durations), compare_u64);
}

uint64_t tally_percentile(const struct tally_entry *e, double percent)
{
	double exact = percent / 100 * (double)e->nr;
	size_t at = (size_t)exact;

	if (!e->nr)
		return 0;
	if ((double)at < exact)
		at++; /* nearest rank: the ceiling, counted from 1 */
	if (at < 1)
		at = 1;
	return e->durations[(at > e->nr ? e->nr : at) - 1];
}

void tally_free(struct tally *t)
{
	for (size_t i = 0; i < t->nr; i++) {
		free(t->entries[i]->key);
		free(t->entries[i]->durations);
		free(t->entries[i]);
	}
	free(t->entries);
	free(t->slots);
	*t = (struct tally){ 0 };
}
