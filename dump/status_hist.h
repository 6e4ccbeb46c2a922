/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status_hist.h - the histograms in a recorder's answer to `status`. */
#ifndef DUMP_STATUS_HIST_H
#define DUMP_STATUS_HIST_H

#include "dump/client.h"
#include "dump/hist_counts.h"

struct status_row { /* texts are the reply's; "" where it has none */
	const char *stream, *op, *call, *device, *cgroup;
	uint64_t sum_ns;
	uint64_t counts[FR_HIST_BUCKETS];
};
struct status_rows {
	struct status_row *rows;
	unsigned nr;
};

/* The rows of the reply, busiest first.  0 or -ENOMEM; to be freed in any case. */
int status_rows_read(const struct client_reply *reply, struct status_rows *ret);
void status_rows_free(struct status_rows *r);

/* For people: the busiest operations by stream, operation and device. */
void status_print_hist(const struct client_reply *reply);

/* openmetrics.c: the whole reply as OpenMetrics text on standard output.  The exit
 * code. */
int openmetrics_print(const struct client_reply *reply);

#endif
