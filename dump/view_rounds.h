/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * view_rounds.h - when a collector looked, also where nothing had changed.
 *
 * A round in which nothing changed leaves no values, but its tick is there.  A
 * collector that takes part in every n-th tick looks in the first tick of each turn of
 * n that is served.
 */
#ifndef DUMP_VIEW_ROUNDS_H
#define DUMP_VIEW_ROUNDS_H

#include <stdbool.h>
#include <stdint.h>

struct view;
struct view_rounds;

/* NULL: not enough memory.  Of all ticks in the files, also those that the filter
 * leaves out. */
struct view_rounds *view_rounds_new(const struct view *v);
void view_rounds_free(struct view_rounds *r);

/* When the collector looked last before tick ${tick}: the time of that tick; 0: not
 * known.  ${every} as in the record of its values, 0: not known. */
uint64_t view_rounds_before(const struct view_rounds *r, unsigned source,
			    uint64_t tick, uint32_t every);

/* Was there a full set of the collector between the two times (of the clock of that
 * source)?  A metric that has no row in it was not there. */
bool view_rounds_full_between(const struct view_rounds *r, unsigned source,
			      uint32_t collector, uint64_t from, uint64_t to);

#endif
