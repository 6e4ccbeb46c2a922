/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backtest_print.h - results of a back-test on standard output. */
#ifndef DUMP_BACKTEST_PRINT_H
#define DUMP_BACKTEST_PRINT_H

#include <stdbool.h>

#include "dump/backtest.h"

enum backtest_format {
	BACKTEST_TEXT,
	BACKTEST_CSV,
	BACKTEST_JSONL,
};

/* All rules, with their firings; ${all}: with every hit.  0 or -ENOMEM. */
int backtest_print(const struct backtest *b, struct view *v,
		   enum backtest_format format, bool all);

/* "fires", "does not fire", "disabled", "undecidable": of what is decided, and what
 * was seen. */
const char *backtest_verdict(const struct backtest_rule *r);

#endif
