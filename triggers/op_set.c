/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op_set.c - open addressing, half full at most. */
#include "triggers/op_set.h"

#include <errno.h>
#include <stdlib.h>

struct op_set_slot {
	uint64_t ts, id; /* ts 0: free */
	uint32_t source;
};

static size_t place_of(size_t size, uint64_t ts, uint64_t id, uint32_t source)
{
	uint64_t h = (ts ^ id * 0x9e3779b97f4a7c15ULL ^ source) *
		     0xc2b2ae3d27d4eb4fULL;

	return (size_t)(h >> 32) & (size - 1);
}

/* Where it is, or would be put. */
static struct op_set_slot *find(const struct op_set *s, uint64_t ts,
				uint64_t id, uint32_t source)
{
	size_t i = place_of(s->size, ts, id, source);

	while (s->slots[i].ts &&
	       (s->slots[i].ts != ts || s->slots[i].id != id ||
		s->slots[i].source != source))
		i = (i + 1) & (s->size - 1);
	return &s->slots[i];
}

static int grow(struct op_set *s)
{
	struct op_set next = { .size = s->size ? 2 * s->size : 64,
			       .nr = s->nr };

	next.slots = calloc(next.size, sizeof(*next.slots));
	if (!next.slots)
		return -ENOMEM;
	for (size_t i = 0; i < s->size; i++) {
		const struct op_set_slot *from = &s->slots[i];

		if (from->ts)
			*find(&next, from->ts, from->id, from->source) = *from;
	}
	free(s->slots);
	*s = next;
	return 0;
}

int op_set_add(struct op_set *s, const struct look_op *op)
{
	struct op_set_slot *to;

	if (2 * s->nr >= s->size && grow(s) < 0)
		return -ENOMEM;
	to = find(s, op->ts, op->id, op->source);
	s->nr += !to->ts;
	*to = (struct op_set_slot){ op->ts, op->id, op->source };
	return 0;
}

bool op_set_has(const struct op_set *s, const struct look_op *op)
{
	return s->size && find(s, op->ts, op->id, op->source)->ts;
}

void op_set_clear(struct op_set *s)
{
	free(s->slots);
	*s = (struct op_set){ .slots = NULL };
}
