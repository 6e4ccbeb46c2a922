/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backtest_open.h - what trigger test and trigger suggest share: snapshots of one
 * machine, and how far a long test is. */
#ifndef DUMP_BACKTEST_OPEN_H
#define DUMP_BACKTEST_OPEN_H

#include "dump/backtest.h"
#include "dump/command.h"
#include "dump/view_filter.h"

/*
 * Opens the files (view_open.h) with those streams.  EXIT_OK, or the exit code so
 * far with *ret set if there is something to test; EXIT_USAGE with a line on
 * standard error, in the name of ${c}, and *ret NULL if they are of different
 * machines.
 */
int backtest_open(const struct command_ops *c, int argc, char **argv,
		  const char *const *streams, struct view **ret);

/* For backtest_options.progress: a line on standard error if that is a terminal
 * and the test takes more than a second.  ${arg}: struct backtest_clock. */
struct backtest_clock {
	uint64_t began_ns;
	int shown;
};
void backtest_clock_start(struct backtest_clock *c);
void backtest_clock_show(void *arg, unsigned percent);
/* Takes the line away. */
void backtest_clock_end(struct backtest_clock *c);

#endif
