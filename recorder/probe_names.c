/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe_names.c - what the names lane says of a string or a file just now, while
 * probes go on writing: for rules about operations in flight.
 *
 * All chunks are looked through for first slots that may be the record; those that
 * hold one are copied as by any reader of a ring (flightrec/ring.h), and walked.  The
 * newest counts.  About a millisecond for each 10 MB of the lane.
 */
#include "recorder/probe_names.h"

#include <stdlib.h>
#include <string.h>

#include "dump/ring_read.h"
#include "dump/ring_region.h"

struct search {
	const struct probe_name *name;
	uint64_t ordinal; /* of the chunk that is walked */
	uint64_t best;    /* of that which *ret is from, 0: none */
	struct probe_name_record *ret;
};

static bool is_it(const struct probe_name *n, uint32_t type, const void *record)
{
	const struct fr_name_str *s = record;
	const struct fr_name_path *p = record;

	if (type != n->type)
		return false;
	if (type == FR_T_name_str)
		return s->hash == n->hash;
	return p->ino == n->ino && p->dev == n->dev && p->pkey == n->pkey;
}

static int take(void *arg, const struct ring_record *r)
{
	struct search *s = arg;

	if (!is_it(s->name, r->type, r->bytes) || s->ordinal < s->best)
		return 0;
	s->best = s->ordinal;
	s->ret->aux = r->aux;
	s->ret->len = r->len < sizeof(s->ret->bytes) ?
			      r->len :
			      (uint32_t)sizeof(s->ret->bytes);
	memcpy(s->ret->bytes, r->bytes, s->ret->len);
	return 0;
}

/* May some slot of the chunk be the record?  Whatever is read here may change at any
 * time; what is found is read again in a copy. */
static bool may_hold(const struct search *s, const uint8_t *chunk)
{
	for (unsigned off = 1; off < FR_CHUNK_SLOTS; off++) {
		const uint8_t *slot = chunk + (size_t)off * FR_SLOT_BYTES;
		/* relaxed: see above */
		uint64_t head = __atomic_load_n((const uint64_t *)slot,
						__ATOMIC_RELAXED);

		if (is_it(s->name, FR_HEAD_TYPE(head), slot))
			return true;
	}
	return false;
}

/* False: a writer took the chunk meanwhile. */
static bool copy_chunk(const struct fr_chunk_head *c, uint64_t ordinal,
		       uint8_t *copy)
{
	/* Slots whose heads match were whole when their heads were read: so the
	 * heads first (acquire, pairs with the writers' release stores), then
	 * the rest, then the ordinal again (ring.h). */
	const uint8_t *from = (const uint8_t *)c;
	uint64_t heads[FR_CHUNK_SLOTS];

	for (unsigned off = 0; off < FR_CHUNK_SLOTS; off++)
		heads[off] = __atomic_load_n(
			(const uint64_t *)(from + (size_t)off * FR_SLOT_BYTES),
			__ATOMIC_ACQUIRE);
	memcpy(copy, from, FR_CHUNK_BYTES);
	for (unsigned off = 1; off < FR_CHUNK_SLOTS; off++)
		memcpy(copy + (size_t)off * FR_SLOT_BYTES, &heads[off],
		       sizeof(heads[off]));
	ring_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&c->ordinal, __ATOMIC_RELAXED) == ordinal;
}

static void search_chunk(struct search *s, const struct fr_chunk_head *c,
			 uint8_t *copy)
{
	/* acquire: pairs with the claimer's store */
	uint64_t ordinal = __atomic_load_n(&c->ordinal, __ATOMIC_ACQUIRE);

	if (!ordinal || ordinal < s->best || !may_hold(s, (const uint8_t *)c) ||
	    !copy_chunk(c, ordinal, copy))
		return;
	s->ordinal = ordinal;
	ring_walk_chunk(copy, ordinal, FR_CHUNK_SLOTS, copy + FR_CHUNK_BYTES,
			take, s, NULL);
}

bool probe_names_find(const struct ring_view *v, const struct probe_name *name,
		      struct probe_name_record *ret)
{
	struct search s = { .name = name, .ret = ret };
	uint8_t *copy = malloc(FR_CHUNK_BYTES + FR_RECORD_BYTES_MAX);

	if (!copy)
		return false;
	for (uint32_t i = 0; i < v->lanes[FR_LANE_NAMES].nr; i++)
		search_chunk(&s,
			     ring_view_chunk(v,
					     v->lanes[FR_LANE_NAMES].first + i),
			     copy);
	free(copy);
	return s.best != 0;
}
