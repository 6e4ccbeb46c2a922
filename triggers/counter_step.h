/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * counter_step.h - how far a counter went between two readings.
 *
 * The one place that decides what a counter that went backwards means: for rules,
 * readers and commands alike.
 */
#ifndef TRIGGERS_COUNTER_STEP_H
#define TRIGGERS_COUNTER_STEP_H

#include <stdint.h>

enum counter_mark {
	COUNTER_GREW,    /* or stood still */
	COUNTER_WRAPPED, /* it began again at 0, as it does at ${wrap} */
	COUNTER_RESET,   /* it began again for another reason */
};

/*
 * From ${before} to ${now}; ${wrap}: the value at which this counter begins again
 * at 0, 0: it never does.  *ret_growth is 0 for a reset, as nobody knows it: a
 * rate is then unknown once, and never huge.  A wrap is believed only if the
 * counter was in the last sixteenth of its range, and went no more than a sixteenth.
 */
enum counter_mark counter_step(int64_t before, int64_t now, int64_t wrap,
			       int64_t *ret_growth);

/* "wrapped", "reset"; NULL: it grew. */
const char *counter_mark_name(enum counter_mark mark);

#endif
