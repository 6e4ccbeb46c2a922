/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring_gaps.c - what is missing between the held chunks of a lane and CPU.
 *
 * A chunk's head names the chunk that its CPU filled before (prev), how many it
 * had taken (serial) and how many events had found no chunk by then (lost).
 * Something is missing if and only if the chunk named by prev is; serial tells
 * about how much: chunks that were given back unused have a serial too, and
 * not always in the order of their ordinals.
 */
#include "dump/ring_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct gap_scan {
	const struct ring_hold *h;
	const struct ring_view *v;
	const uint8_t *skip;
	ring_gap_fn fn;
	void *arg;
	const struct ring_hold_chunk **last; /* per CPU; NULL: none yet */
};

static uint64_t seq_of(uint64_t ordinal, uint32_t off)
{
	return FR_HEAD_SEQ(FR_HEAD(ordinal, off, 0, 0));
}

static uint64_t grown(uint64_t from, uint64_t to)
{
	return to > from ? to - from : 0;
}

/* A limit of 1: taken after the cut. */
static int chunk_is_there(const struct gap_scan *s, uint32_t i)
{
	return !(s->skip && s->skip[i]) && s->h->chunks[i].limit > 1;
}

/* Is the claim ${ordinal} of (lane, cpu) among the chunks that are there? */
static int claim_is_there(const struct gap_scan *s, unsigned lane, uint32_t cpu,
			  uint64_t ordinal)
{
	uint32_t lo = s->h->lane_begin[lane], hi = s->h->lane_end[lane];
	const struct ring_hold_chunk *c = s->h->chunks;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (c[mid].ordinal == ordinal)
			return c[mid].cpu == cpu && chunk_is_there(s, mid);
		if (c[mid].ordinal < ordinal)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}

static uint64_t chunks_between(const struct gap_scan *s,
			       const struct ring_hold_chunk *a,
			       const struct ring_hold_chunk *b)
{
	uint64_t taken = grown(a->serial, b->serial);

	if (claim_is_there(s, b->lane, b->cpu, b->prev))
		return 0;
	if (taken > 1)
		return taken - 1;
	return b->prev != 0; /* 0: it does not know */
}

static int gap_between(const struct gap_scan *s,
		       const struct ring_hold_chunk *a,
		       const struct ring_hold_chunk *b)
{
	struct ring_gap g = {
		.lane = a->lane,
		.cpu = a->cpu,
		.from_ns = a->claimed_ns,
		.to_ns = b->claimed_ns,
		.lost = grown(a->lost, b->lost),
		.chunks = chunks_between(s, a, b),
		.from_seq = seq_of(a->ordinal, a->limit - 1),
		.to_seq = seq_of(b->ordinal, 1),
	};

	if (g.to_ns < g.from_ns)
		g.to_ns = g.from_ns; /* claims that overtook each other */
	return g.chunks || g.lost ? s->fn(s->arg, &g) : 0;
}

/* Behind the last chunk: chunks taken or missed up to the cut. */
static int gap_behind(const struct gap_scan *s, const struct ring_hold_chunk *a)
{
	const struct fr_word *w =
		&s->h->words[(size_t)a->lane * s->v->nr_cpus + a->cpu];
	struct ring_gap g = {
		.lane = a->lane,
		.cpu = a->cpu,
		.from_ns = a->claimed_ns,
		.to_ns = s->h->end_ns,
		.lost = grown(a->lost, w->lost),
		.from_seq = seq_of(a->ordinal, a->limit - 1),
	};

	/* The position names a chunk that we do not have. */
	if (fr_ordinal_cmp(FR_POS_ORDINAL(w->pos), (uint32_t)a->ordinal) > 0) {
		g.chunks = grown(a->serial, w->serial);
		g.chunks = g.chunks ? g.chunks : 1;
		g.to_seq = seq_of(FR_POS_ORDINAL(w->pos), 1);
	}
	return g.chunks || g.lost ? s->fn(s->arg, &g) : 0;
}

static int gaps_of_lane(const struct gap_scan *s, unsigned lane)
{
	uint32_t i;
	int ret;

	memset(s->last, 0, s->v->nr_cpus * sizeof(*s->last));
	for (i = s->h->lane_begin[lane]; i < s->h->lane_end[lane]; i++) {
		const struct ring_hold_chunk *c = &s->h->chunks[i];

		/* Given back unused: its serial says nothing. */
		if (!chunk_is_there(s, i) ||
		    !FR_COMMITTED_RECORDS(c->committed))
			continue;
		ret = s->last[c->cpu] ? gap_between(s, s->last[c->cpu], c) : 0;
		if (ret)
			return ret;
		s->last[c->cpu] = c;
	}
	for (i = 0; i < s->v->nr_cpus; i++) {
		ret = s->last[i] ? gap_behind(s, s->last[i]) : 0;
		if (ret)
			return ret;
	}
	return 0;
}

int ring_gaps(const struct ring_hold *h, const struct ring_view *v,
	      const uint8_t *skip, ring_gap_fn fn, void *arg)
{
	struct gap_scan s = { h, v, skip, fn, arg, NULL };
	unsigned lane;
	int ret = 0;

	s.last = calloc(v->nr_cpus, sizeof(*s.last));
	if (!s.last)
		return -ENOMEM;
	for (lane = 0; lane < FR_LANES_MAX && ret == 0; lane++)
		ret = gaps_of_lane(&s, lane);
	free(s.last);
	return ret;
}
