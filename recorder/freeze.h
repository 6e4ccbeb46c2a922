/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * freeze.h - holds all rings at one moment and keeps what a dumper needs.
 *
 * A source is a mapping of a ring: writable here, where chunks are held and
 * released, and read-only in the dumper.  All memory is taken by freeze_add();
 * freezing itself allocates nothing.
 */
#ifndef RECORDER_FREEZE_H
#define RECORDER_FREEZE_H

#include "dump/ring_read.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FREEZE_SOURCES        2 /* what the kernel writes, what user space writes */
/* Room for all that the tables of operations in flight hold.  Memory is taken as it
 * is used: the first part at once, the rest only by machines with a crowd. */
#define FREEZE_INFLIGHT_BYTES (64U << 20)
#define FREEZE_INFLIGHT_WARM  (1U << 20)

struct freeze_source {
	struct ring_view view; /* writable, not inherited by children */
	struct ring_view ro;   /* read-only; base NULL if there is none */
	struct ring_hold hold;
	uint64_t released; /* chunks given back since the hold */
	bool held;
};

/* Fills ${buf} with operations in flight, as probes_inflight(). */
typedef size_t (*freeze_inflight_fn)(void *arg, uint64_t now_ns, void *buf,
				     size_t size, unsigned *ret_left_out);

struct freeze {
	struct freeze_source src[FREEZE_SOURCES];
	unsigned nr;
	freeze_inflight_fn inflight_fn; /* NULL: none */
	void *inflight_arg;
	uint8_t *inflight; /* logical records, one after the other */
	size_t inflight_len;
	unsigned inflight_left_out;
	uint64_t begin_ns, end_ns; /* of the hold, CLOCK_MONOTONIC */
	uint64_t until_ns;         /* when it becomes void */
};

/* An empty set of sources.  0 or -ENOMEM. */
int freeze_init(struct freeze *f);
/* Frees, and unmaps the read-only mappings; releases what is held. */
void freeze_fini(struct freeze *f);

/*
 * Adds a ring.  ${fd} >= 0: its map or file, for a second mapping that is
 * read-only from the start; the writable one is then kept from children.  With
 * -1 the dumper has to give up writing itself.  A hold that is in force there is
 * a dead recorder's, and ends.  0, -EINVAL or -ESTALE (not a
 * ring of ours), other negative errno.
 */
int freeze_add(struct freeze *f, void *base, size_t bytes, int fd);

/* Holds all sources and takes the operations in flight.  -EBUSY: a hold is in
 * force; then nothing is held. */
int freeze_hold(struct freeze *f, uint64_t until_ns);

/* Gives back chunk ${i} of source ${src} (ignored if there is no such), or all
 * that is still held. */
void freeze_release(struct freeze *f, unsigned src, uint32_t i);
void freeze_release_all(struct freeze *f);

/* Chunks that are held now. */
uint64_t freeze_held_chunks(const struct freeze *f);

/* In the dumper: the read-only view of a source.  Without a mapping of that
 * kind the inherited one loses its right to write here. */
const struct ring_view *freeze_view(const struct freeze *f, unsigned src);

#endif
