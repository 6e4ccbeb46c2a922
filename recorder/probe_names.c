/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe_names.c - what the names lane says of strings and files just now, while
 * probes go on writing: for rules about operations in flight.
 *
 * All chunks are looked through once for first slots that may be one of the wanted
 * records; the newest counts.  What is found is read as by any reader of a ring
 * (flightrec/ring.h): from a copy that is checked.
 */
#include "recorder/probe_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump/ring_read.h"

#define TABLE (4 * PROBE_NAMES_MAX) /* a quarter full at most; a power of 2 */

struct search {
	struct probe_name *names;
	uint16_t *table; /* TABLE: 1 + index of a name; 0: free */
};

static unsigned place_of(uint32_t type, uint64_t id, uint32_t dev,
			 uint16_t pkey)
{
	uint64_t h = (id ^ ((uint64_t)dev << 20) ^ pkey ^ type) *
		     0x9e3779b97f4a7c15ULL;

	return (unsigned)(h >> 32) & (TABLE - 1);
}

static void put(struct search *s, unsigned i)
{
	const struct probe_name *n = &s->names[i];
	unsigned at = place_of(n->type, n->id, n->dev, n->pkey);

	while (s->table[at])
		at = (at + 1) & (TABLE - 1);
	s->table[at] = (uint16_t)(i + 1);
}

/* What a first slot names; type 0: nothing. */
static struct probe_name name_in(const uint8_t *slot, uint64_t head)
{
	struct probe_name n = { .type = FR_HEAD_TYPE(head) };
	struct fr_name_path p;
	struct fr_name_str s;

	if (n.type == FR_T_name_str) {
		memcpy(&s, slot, sizeof(s));
		n.id = s.hash;
	} else if (n.type == FR_T_name_path) {
		memcpy(&p, slot,
		       FR_SLOT_BYTES < sizeof(p) ? FR_SLOT_BYTES : sizeof(p));
		n.id = p.ino;
		n.dev = p.dev;
		n.pkey = p.pkey;
	} else {
		n.type = 0;
	}
	return n;
}

static bool is_same(const struct probe_name *a, const struct probe_name *b)
{
	return a->type == b->type && a->id == b->id && a->dev == b->dev &&
	       a->pkey == b->pkey;
}

/* The slot may be what some of the names ask for: two may ask for the same. */
static void note(struct search *s, const struct probe_name *found,
		 uint32_t chunk, unsigned off, uint64_t ordinal)
{
	unsigned at = place_of(found->type, found->id, found->dev, found->pkey);

	for (; s->table[at]; at = (at + 1) & (TABLE - 1)) {
		struct probe_name *n = &s->names[s->table[at] - 1];

		if (!is_same(n, found) || (n->off && n->ordinal > ordinal))
			continue;
		n->chunk = chunk;
		n->off = (uint16_t)off;
		n->ordinal = ordinal;
	}
}

/* What is read here may change at any time; it is read again in a copy. */
static void search_chunk(struct search *s, const struct ring_view *v,
			 uint32_t chunk)
{
	const struct fr_chunk_head *c = ring_view_chunk(v, chunk);
	const uint8_t *slots = (const uint8_t *)c;
	/* acquire: pairs with the claimer's store */
	uint64_t ordinal = __atomic_load_n(&c->ordinal, __ATOMIC_ACQUIRE);

	for (unsigned off = 1; ordinal && off < FR_CHUNK_SLOTS; off++) {
		const uint8_t *slot = slots + (size_t)off * FR_SLOT_BYTES;
		/* acquire: what it names was written before it */
		uint64_t head = __atomic_load_n((const uint64_t *)slot,
						__ATOMIC_ACQUIRE);
		struct probe_name found;

		if (!fr_head_matches(head, ordinal, off))
			continue;
		found = name_in(slot, head);
		if (found.type)
			note(s, &found, chunk, off, ordinal);
	}
}

int probe_names_locate(const struct ring_view *v, struct probe_name *names,
		       unsigned nr)
{
	struct search s = { .names = names };
	uint32_t first = v->lanes[FR_LANE_NAMES].first;
	unsigned wanted = 0;

	if (nr > PROBE_NAMES_MAX)
		return -E2BIG;
	s.table = calloc(TABLE, sizeof(*s.table));
	if (!s.table)
		return -ENOMEM;
	for (unsigned i = 0; i < nr; i++) {
		names[i].off = 0;
		if (names[i].type) {
			put(&s, i);
			wanted++;
		}
	}
	for (uint32_t i = 0; wanted && i < v->lanes[FR_LANE_NAMES].nr; i++)
		search_chunk(&s, v, first + i);
	free(s.table);
	return 0;
}

/* ---- reading one -------------------------------------------------------------- */

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

struct fetch {
	const struct probe_name *name;
	struct probe_name_record *ret;
};

static int take(void *arg, const struct ring_record *r)
{
	struct fetch *f = arg;
	struct probe_name found;

	if ((r->seq & 0xff) != f->name->off)
		return 0;
	found = name_in(r->bytes, FR_HEAD(0, 0, r->type, 0));
	if (!is_same(&found, f->name))
		return 0;
	f->ret->aux = r->aux;
	f->ret->len = r->len < sizeof(f->ret->bytes) ?
			      r->len :
			      (uint32_t)sizeof(f->ret->bytes);
	memcpy(f->ret->bytes, r->bytes, f->ret->len);
	return 1;
}

bool probe_names_get(const struct ring_view *v, const struct probe_name *name,
		     uint8_t *copy, struct probe_name_record *ret)
{
	struct fetch f = { .name = name, .ret = ret };

	return name->off &&
	       copy_chunk(ring_view_chunk(v, name->chunk), name->ordinal,
			  copy) &&
	       ring_walk_chunk(copy, name->ordinal, FR_CHUNK_SLOTS,
			       copy + FR_CHUNK_BYTES, take, &f, NULL);
}
