/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plot.h - sampled metrics of a snapshot as curves.
 *
 * A counter is drawn as its growth per second, anything else as it was.  Where
 * nothing was sampled, a metric was gone, or a counter was reset, the curve has a gap.
 */
#ifndef DUMP_PLOT_H
#define DUMP_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "dump/view.h"

struct plot_point {
	uint64_t ts;  /* of the first file's clock */
	double value; /* NAN: a gap begins */
};

struct plot_series {
	char *name;    /* for terminals: without controls */
	char unit[32]; /* the same */
	bool is_counter;
	uint32_t collector;
	int64_t wrap;
	uint32_t scale;
	struct plot_sample { /* as stored */
		uint64_t ts;
		int64_t raw;
	} * samples;
	size_t nr_samples, room_samples;
	struct plot_point *points;
	size_t nr, room;
	double min, max, last,
		mean; /* of the time that is known; NAN: none is */
};

struct plot {
	struct plot_series *series; /* by name */
	unsigned nr;
	uint64_t from_ns, to_ns, trigger_ns; /* trigger_ns 0: none */
	bool raw;                            /* counters as they are */
	bool names_only;                     /* no points: for a list */
	unsigned width, height;              /* of a panel, in characters */
	bool ascii;
};

/* Metrics of ${v} that match one of the globs, within the span of ${p}.  0, -ENOMEM,
 * or -ENOENT: *ret_missing matches none. */
int plot_gather(struct plot *p, struct view *v, char **globs, unsigned nr,
		const char **ret_missing);
void plot_free(struct plot *p);

/* A value as people read it: 1.5 MiB/s, 20 ms, 3.2; without the unit if it would be
 * longer than ${width} bytes. */
char *plot_value(char buf[48], const struct plot_series *s, double value,
		 size_t width);
/* Lowest and highest value of the axis. */
void plot_range(const struct plot_series *s, double *ret_low, double *ret_high);

void plot_print(const struct plot *p, const struct view *v, FILE *out);
void plot_svg(const struct plot *p, const struct view *v, FILE *out);

#endif
