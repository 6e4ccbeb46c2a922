/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bare_ring.h - reads the sample lane of a ring at rest from its bare slots, by
 * nothing but ring.h: a witness for what writers leave there. */
#ifndef TEST_BARE_RING_H
#define TEST_BARE_RING_H

#include "recorder/ring_user.h"

#include <flightrec/ring.h>
#include <stdlib.h>
#include <string.h>

struct record {
	unsigned type, aux, len;
	uint64_t order;
	unsigned char bytes[64 + 79 * 56];
};
static struct record *records;
static unsigned nr_records;

static void read_slots(const unsigned char *chunk, uint64_t ordinal)
{
	struct record *r = NULL;
	uint64_t head;

	for (unsigned off = 1; off < FR_CHUNK_SLOTS; off++) {
		const unsigned char *slot = chunk + off * FR_SLOT_BYTES;

		memcpy(&head, slot, 8);
		if (!fr_head_matches(head, ordinal, off) ||
		    FR_HEAD_TYPE(head) == FR_TYPE_PAD)
			return;
		if (FR_HEAD_TYPE(head) == FR_TYPE_CONT) {
			memcpy(r->bytes + r->len, slot + 8, 56);
			r->len += 56;
			continue;
		}
		r = &records[nr_records++];
		*r = (struct record){ .type = FR_HEAD_TYPE(head),
				      .aux = FR_HEAD_AUX(head),
				      .order = ordinal << 8 | off,
				      .len = 64 };
		memcpy(r->bytes, slot, 64);
	}
}

static int by_order(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	return (x->order > y->order) - (x->order < y->order);
}

/* All records of the sample lane, oldest first. */
static void read_ring(struct ring_user *ring)
{
	const struct fr_ring_head *h = ring_user_head(ring);
	const struct fr_lane *lane = &h->lanes[FR_LANE_SAMPLE];

	free(records);
	records = calloc((size_t)lane->nr * 255 + 1, sizeof(*records));
	nr_records = 0;
	for (unsigned i = 0; i < lane->nr; i++) {
		const unsigned char *chunk =
			(const unsigned char *)h +
			(size_t)(h->first_chunk + lane->first + i) *
				FR_CHUNK_BYTES;
		const struct fr_chunk_head *ch = (const void *)chunk;

		if (ch->ordinal)
			read_slots(chunk, ch->ordinal);
	}
	qsort(records, nr_records, sizeof(*records), by_order);
}

#endif
