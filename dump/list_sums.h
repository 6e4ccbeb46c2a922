/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_sums.h - the last lines of flightrec list: sums, and how near the limits are. */
#ifndef DUMP_LIST_SUMS_H
#define DUMP_LIST_SUMS_H

#include "dump/catalogue.h"

/* A line for each folder with snapshots of ours; the limits of folders that the
 * settings name. */
void list_sums_print(const struct catalogue *c);

#endif
