/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metric_missing.h - what to say when no sampled metric fits what was asked for. */
#ifndef DUMP_METRIC_MISSING_H
#define DUMP_METRIC_MISSING_H

#include "dump/view.h"

/* A sentence on standard error, with the nearest name among the rows of ${v}.
 * EXIT_EMPTY. */
int metric_missing(struct view *v, const char *asked);

#endif
