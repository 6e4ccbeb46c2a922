/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring_user.h - the user-space twin of the ring: create, write.
 *
 * The same protocol as bpf/ring.bpf.h, on a shared-memory file.  The sampler
 * and the trigger engine write here; the tests use it to try the protocol under
 * TSan, with stopped, killed and lapped writers.
 */
#ifndef RECORDER_RING_USER_H
#define RECORDER_RING_USER_H

#include <flightrec/ring.h>
#include <stddef.h>
#include <stdint.h>

struct ring_user; /* a mapping of a ring file */

struct ring_lane_share {
	uint32_t lane; /* enum fr_lane_id */
	uint32_t percent;
};

/*
 * Creates ${path} (mode 0600, replaced if it exists) with ${bytes} of memory
 * for ${nr_writers} writers (the `cpu` of this ring) and maps it read-write.
 * Returns NULL with errno set.
 */
struct ring_user *ring_user_create(const char *path, uint64_t bytes,
				   const struct ring_lane_share *shares,
				   unsigned nr_shares, unsigned nr_writers);
/* Maps an existing ring file; -ESTALE in errno if its layout is not ours. */
struct ring_user *ring_user_open(const char *path);
void ring_user_close(struct ring_user *r); /* NULL is a no-op */

struct fr_ring_head *ring_user_head(struct ring_user *r);
size_t ring_user_bytes(const struct ring_user *r);
int ring_user_fd(const struct ring_user *r);

/*
 * Writes one record: ${rec} holds the logical bytes of the struct (head is
 * filled in here), ${tail} follows it.  ${type}, ${aux}: as in event.h.  May be
 * called by several threads with the same or different ${writer}; wait-free but
 * for a bounded number of chunks tried.  Returns 0, -ENOBUFS if no chunk could
 * be had (counted in word.lost), -E2BIG, -EINVAL (no such lane or writer).  At
 * most 40 threads at a time may write as one ${writer}.
 */
int ring_user_put(struct ring_user *r, unsigned lane, unsigned writer,
		  unsigned type, unsigned aux, const void *rec, size_t rec_len,
		  const void *tail, size_t tail_len);

/* The same on a mapped region whose geometry is known to be good. */
int ring_put(void *region, unsigned lane, unsigned writer, unsigned type,
	     unsigned aux, const void *rec, size_t rec_len, const void *tail,
	     size_t tail_len);

/* Fills a ring region that was zeroed: head, lanes, words.  Used for files here
 * and for the BPF array by recorder/probe.c.  ${nr_chunk_pages} as computed
 * by ring_geometry(). */
struct ring_geometry {
	uint32_t nr_cpus, words_pages, nr_chunks, nr_pages;
};
/* -EINVAL if ${bytes} is too small for the lanes asked for. */
int ring_geometry(uint64_t bytes, unsigned nr_cpus,
		  const struct ring_lane_share *shares, unsigned nr_shares,
		  struct ring_geometry *ret);
int ring_init(void *region, const struct ring_geometry *g,
	      const struct ring_lane_share *shares, unsigned nr_shares);

/* Seals the chunk that (lane, cpu) writes: it is given back, marked as padding
 * from the present offset on.  For CPUs that went away and writers that died
 * outside a record.  Safe beside writers of the same cpu. */
void ring_seal(void *region, unsigned lane, unsigned cpu);

/*
 * Brings back what a dead writer left behind in a lane of a user-space ring: the
 * chunk it wrote to, chunks it had claimed or not yet given back, and chunks with
 * a record it never committed (its slots stay torn).  Only when nobody writes
 * as ${writer} any more, not even stopped; safe beside all other writers.
 * Returns the number of chunks brought back beside the sealed one.
 */
unsigned ring_reclaim_dead(void *region, unsigned lane, unsigned writer);

#endif
