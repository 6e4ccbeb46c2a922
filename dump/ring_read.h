/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring_read.h - hold, copy, check and release the chunks of a ring (ring.h).
 *
 * Works on any mapping of a ring: the BPF array or a ring file.  hold and
 * release need a writable mapping (the recorder); copying does not (the dumper
 * process).  Nothing here trusts what it reads: lengths and offsets are checked
 * against the size of the mapping.
 */
#ifndef DUMP_RING_READ_H
#define DUMP_RING_READ_H

#include <flightrec/ring.h>
#include <stddef.h>
#include <stdint.h>

struct ring_view { /* a mapping, checked by ring_view_init() */
	uint8_t *base;
	size_t bytes;
	uint32_t nr_lanes, nr_cpus, nr_chunks, first_chunk;
	struct {
		uint32_t first, nr;
	} lanes[FR_LANES_MAX];
};

/* -EINVAL: not a ring, or sizes that contradict the mapping; -ESTALE: another
 * version or layout hash (pass 0 to accept any). */
int ring_view_init(struct ring_view *v, void *base, size_t bytes,
		   uint32_t layout_hash);
struct fr_ring_head *ring_view_head(const struct ring_view *v);
struct fr_word *ring_view_word(const struct ring_view *v, unsigned lane,
			       unsigned cpu);
struct fr_chunk_head *ring_view_chunk(const struct ring_view *v,
				      uint32_t chunk);

struct ring_hold_chunk {
	uint32_t chunk; /* number in the ring */
	uint32_t lane;
	uint32_t cpu;
	uint32_t limit; /* slots below it belong to the snapshot */
	uint64_t ordinal;
	/* As in its head when it was held. */
	uint64_t prev, serial, claimed_ns, lost;
	uint64_t committed; /* records << 32 | slots, by then */
};

/* What a freeze held: the chunks of every lane in the order of their ordinals, and
 * of the smaller lanes first: so they are given back first, and a lane of few
 * chunks is not short of them for as long as a large one takes to write. */
struct ring_hold {
	uint64_t hold_id;
	uint64_t begin_ns, end_ns; /* CLOCK_MONOTONIC around the hold; what
				    * ended before begin_ns is in it */
	struct fr_word
		*words; /* copy taken after the hold, lane * nr_cpus + cpu */
	struct ring_hold_chunk *chunks; /* oldest first, lane by lane */
	uint32_t nr_chunks;
	uint32_t lane_begin[FR_LANES_MAX]; /* index into chunks */
	uint32_t lane_end[FR_LANES_MAX];
	uint32_t chunks_size; /* room in chunks */
};

/* Allocates room once and touches every page that ring_hold() needs; reuse the
 * struct for every freeze.  0 or -ENOMEM. */
int ring_hold_prepare(struct ring_hold *h, const struct ring_view *v);
void ring_hold_free(struct ring_hold *h);

/*
 * Reads the position words, then holds all chunks that were ever used but the
 * oldest lane.limit_free of each lane's circle.  Writers go on in the rest.
 * ${until_ns}: when the hold becomes void.  -EBUSY: a hold is in force.  No
 * allocation, no system call but clock reads: microseconds.
 */
int ring_hold(struct ring_hold *h, const struct ring_view *v,
	      uint64_t until_ns);
/* Releases chunk i of h->chunks (idempotent), or all of them. */
void ring_release(const struct ring_hold *h, const struct ring_view *v,
		  uint32_t i);
void ring_release_all(const struct ring_hold *h, const struct ring_view *v);

/*
 * Copies held chunk i into ${buf} (FR_CHUNK_BYTES).  Waits up to ~1 ms in total
 * for writers inside it.  Returns 0, -ESTALE if it was taken by a writer
 * (hold void) - the content is then not to be used.
 */
int ring_copy_chunk(const struct ring_hold *h, const struct ring_view *v,
		    uint32_t i, void *buf);

struct ring_record {
	uint32_t type, aux;
	uint64_t seq;         /* 40 bits */
	const uint8_t *bytes; /* logical bytes, contiguous */
	uint32_t len;         /* whole slots: may exceed struct + tail */
};
struct ring_chunk_stats {
	uint32_t records, torn_slots, pad_slots;
};
/*
 * Walks the records of a copied chunk in order.  fn returns 0 to go on.
 * ${scratch}: 64 + 79 * 56 bytes for records of several slots.  Returns fn's
 * value or 0.
 */
typedef int (*ring_record_fn)(void *arg, const struct ring_record *r);
int ring_walk_chunk(const void *copy, uint64_t ordinal, uint32_t limit,
		    void *scratch, ring_record_fn fn, void *arg,
		    struct ring_chunk_stats *ret_stats);

/* Sums over all words of a lane, and records now in its chunks. */
struct ring_lane_stats {
	uint64_t written, overwritten, lost, skipped_active, skipped_held,
		skipped_uncommitted, starved, in_ring, oldest_claim_ns;
	uint32_t chunks_used, chunks_active, chunks_held;
};
void ring_lane_stats(const struct ring_view *v, unsigned lane,
		     struct ring_lane_stats *ret);

/*
 * What is missing between the held chunks of each (lane, cpu), oldest first:
 * chunks that were overwritten or taken, and events that found no chunk.
 * ${skip}: one byte per chunk of h->chunks, not 0: its copy failed (-ESTALE), so
 * it is missing too; may be NULL.  At most one row per pair of chunks and one
 * behind the last chunk.  Returns fn's value or 0, -ENOMEM.
 */
struct ring_gap {
	uint32_t lane, cpu;
	uint64_t from_ns, to_ns;   /* claim of the chunk before, and behind; the
				  * last one ends with the hold */
	uint64_t chunks;           /* missing, at most */
	uint64_t lost;             /* events that found no chunk */
	uint64_t from_seq, to_seq; /* 40 bits: last slot before, first after; 0:
				    * none */
};
typedef int (*ring_gap_fn)(void *arg, const struct ring_gap *g);
int ring_gaps(const struct ring_hold *h, const struct ring_view *v,
	      const uint8_t *skip, ring_gap_fn fn, void *arg);

#endif
