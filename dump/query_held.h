/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query_held.h - what each sampled metric was at each tick, from rows that hold only
 * what changed.
 *
 * A value holds until the next one of its metric, or a full set of its collector
 * that lacks it.  Ticks are in the order of their recorders and numbers, metrics in
 * that of their names.
 */
#ifndef DUMP_QUERY_HELD_H
#define DUMP_QUERY_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dump/view.h"

struct held_tick {
	uint64_t number, ts;
	uint64_t end_ts; /* the next one of the recorder has begun */
	uint64_t dur;    /* ns; ~0: not known */
	unsigned source, file;
};

struct held_metric {
	char *name, *unit; /* as text: valid UTF-8 */
	bool is_counter;
	struct held_value {
		uint64_t ts;   /* of its row */
		uint32_t tick; /* index */
		uint32_t collector, every, scale;
		int64_t raw;
		double rate; /* NAN: not known */
	} * values;
	size_t nr, room;
};

struct held {
	struct held_tick *ticks;
	size_t nr_ticks, room_ticks;
	unsigned nr_sources;
	bool in_order; /* one recorder: ticks are sorted by time, too */
	struct held_metric *metrics;
	size_t nr_metrics, room_metrics;
	struct view_rounds *rounds;
};

/* Of a view with the stream sample loaded.  NULL: not enough memory. */
struct held *held_new(struct view *v);
void held_free(struct held *h);

/* What held at the end of that tick; NULL: nothing is known. */
const struct held_value *held_at(const struct held *h, size_t metric,
				 size_t tick);
/* How fast it had grown then, per second; NAN: not known.  ${at} from held_at(). */
double held_rate(const struct held *h, const struct held_value *at,
		 size_t tick);
/* The last tick of that recorder that began at ${ts} or before; false: none. */
bool held_tick_at(const struct held *h, unsigned source, uint64_t ts,
		  size_t *ret);

#endif
