/* SPDX-License-Identifier: GPL-2.0-or-later */
/* view_join.c - name records by key and time. */
#include "dump/view_join.h"

#include <errno.h>
#include <stdlib.h>

#define ENTRIES_MAX (1u << 30) /* an index and its slot fit 32 bits */

int join_add(struct join *j, const struct join_entry *e)
{
	if (j->nr == j->size) {
		size_t size = j->size ? 2 * j->size : 256;
		struct join_entry *p;

		if (size > ENTRIES_MAX)
			return -ENOMEM;
		p = realloc(j->entries, size * sizeof(*p));
		if (!p)
			return -ENOMEM;
		j->entries = p;
		j->size = size;
	}
	j->entries[j->nr++] = *e;
	return 0;
}

static int compare_key(const struct join_entry *x, const struct join_entry *y)
{
	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	if (x->b != y->b)
		return x->b < y->b ? -1 : 1;
	return 0;
}

static int compare(const void *p, const void *q)
{
	const struct join_entry *x = p, *y = q;
	int d = compare_key(x, y);

	if (d)
		return d;
	return x->ts < y->ts ? -1 : x->ts > y->ts;
}

static size_t hash(uint32_t source, uint64_t a, uint64_t b)
{
	uint64_t h = a * 0x9e3779b97f4a7c15u ^ source;

	h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9u + b;
	h = (h ^ h >> 32) * 0x94d049bb133111ebu;
	return (size_t)(h ^ h >> 31);
}

static void insert(struct join *j, size_t first)
{
	const struct join_entry *e = &j->entries[first];
	size_t i = hash(e->source, e->a, e->b) & j->mask;

	while (j->slots[i])
		i = (i + 1) & j->mask;
	j->slots[i] = (uint32_t)first + 1;
}

int join_build(struct join *j)
{
	size_t slots = 16, first = 0;

	if (!j->nr)
		return 0;
	qsort(j->entries, j->nr, sizeof(*j->entries), compare);
	while (slots < 2 * j->nr)
		slots *= 2;
	j->slots = calloc(slots, sizeof(*j->slots));
	if (!j->slots)
		return -ENOMEM;
	j->mask = slots - 1;
	for (size_t i = 1; i <= j->nr; i++) {
		if (i < j->nr &&
		    !compare_key(&j->entries[first], &j->entries[i]))
			continue;
		j->entries[first].run = (uint32_t)(i - first);
		insert(j, first);
		first = i;
	}
	return 0;
}

/* Within entries of one key, sorted by time. */
static const struct join_entry *choose(const struct join_entry *first,
				       uint64_t at)
{
	uint32_t low = 0, high = first->run;

	while (low < high) { /* first entry written after ${at} */
		uint32_t mid = low + (high - low) / 2;

		if (first[mid].ts <= at)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? &first[low - 1] : first;
}

const struct join_entry *join_find(const struct join *j, uint32_t source,
				   uint64_t a, uint64_t b, uint64_t at)
{
	size_t i;

	if (!j->slots)
		return NULL;
	for (i = hash(source, a, b) & j->mask; j->slots[i];
	     i = (i + 1) & j->mask) {
		const struct join_entry *e = &j->entries[j->slots[i] - 1];

		if (e->a == a && e->b == b && e->source == source)
			return choose(e, at);
	}
	return NULL;
}

void join_free(struct join *j)
{
	free(j->entries);
	free(j->slots);
	*j = (struct join){ 0 };
}
