/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plot_impl.h - what plot_gather.c and plot_points.c share; nobody else includes it. */
#ifndef DUMP_PLOT_IMPL_H
#define DUMP_PLOT_IMPL_H

#include "dump/plot.h"

#define COLLECTORS_MAX 256

struct times {
	uint64_t *ns;
	size_t nr, room;
};

struct rounds {
	struct round {
		uint64_t ts, before; /* before: its last look; 0: not known */
	} * all;
	size_t nr, room;
	uint64_t last_look;
};

struct gather {
	struct plot *p;
	struct view *v;
	struct view_cursor *c;
	char **globs;
	unsigned nr_globs;
	bool *found; /* [nr_globs] */
	struct view_rounds *looks;
	unsigned metric, unit; /* columns */
	uint32_t *index;       /* by number of a metric: series + 1, or NONE */
	struct rounds rounds[COLLECTORS_MAX];
	struct times full[COLLECTORS_MAX], ticks;
	unsigned room;
	uint64_t usual; /* distance of ticks */
	bool no_memory;
};

/* Room for one more behind ${nr} of ${size} bytes; NULL, and no_memory is set: none. */
void *plot_room_for(struct gather *g, void *at, size_t nr, size_t *room,
		    size_t size);
/* plot_points.c: from what was told to what is drawn, with least, mean and most. */
uint64_t plot_usual_distance(const struct times *t);
void plot_make_points(struct gather *g, struct plot_series *s);

#endif
