/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shapes.h - shapes that files of /proc and /sys often have, for collectors.
 *
 * Like every parser: what makes no sense is a sample_error() and stores nothing.
 */
#ifndef RECORDER_SHAPES_H
#define RECORDER_SHAPES_H

#include "recorder/metric.h"
#include "recorder/scan.h"

#define SHAPE_GAUGE(name, unit, factor)               \
	{                                             \
		name, unit, METRIC_GAUGE, 1, (factor) \
	}
#define SHAPE_COUNTER(name, unit, factor)               \
	{                                               \
		name, unit, METRIC_COUNTER, 1, (factor) \
	}

/* The whole file is one number, which may be negative, and a newline. */
bool shape_number(const char *buf, size_t len, int64_t *ret);

/* The same as the value of ${inst} ("" or NULL: none). */
void shape_put_number(struct sample *s, const struct metric_def *def,
		      const char *inst, const char *buf, size_t len);

/* A value whose instance is "${a}.${b}". */
void shape_put_joined(struct sample *s, const struct metric_def *def,
		      const struct scan *a, const struct scan *b,
		      int64_t value);

/*
 * A line of numbers, which are the values of ${defs} in that order.  Fewer are fine
 * from ${least} on, more are columns of a later kernel; what is no number is an
 * error, but the numbers before it count.  ${inst}: of all of them, or NULL.
 */
void shape_put_columns(struct sample *s, const struct metric_def *defs,
		       unsigned nr, unsigned least, const struct scan *inst,
		       struct scan *line);

#endif
