/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_verdict.h - the first lines of a report: what stands out, in words.
 *
 * Facts only, each with its number: who waited for what and for how long, which
 * failures need a person, who failed or forked in a loop, who died.  Rules are
 * in flightrec(1), "IN SHORT".
 */
#ifndef DUMP_REPORT_VERDICT_H
#define DUMP_REPORT_VERDICT_H

#include "dump/tally.h"
#include "dump/view.h"

struct verdict {
	struct tally grave, failures; /* "ERRNO op PATH by WHO" */
	struct tally pairs;           /* "WHO on PATH" */
	struct tally forks, deaths;
	uint64_t first_ts, end_ts; /* of all rows */
	uint64_t nr_fs, nr_block, nr_starts;
	unsigned last, status; /* columns of exits */
};

void verdict_init(struct verdict *d, const struct view *v);
/* Each row of the report, in any order. */
void verdict_row(struct verdict *d, struct view_cursor *c);
/* An operation that failed. */
void verdict_failure(struct verdict *d, struct view_cursor *c, const char *op,
		     const char *error, const char *path);
/* One on a file: nobody else had to answer. */
void verdict_time(struct verdict *d, struct view_cursor *c, const char *path,
		  uint64_t dur_ns);
/* ${fired}, ${slowest}: rows, SIZE_MAX: none.  ${inflight}: a view of operations
 * under way, or NULL. */
void verdict_print(struct verdict *d, struct view *v, size_t fired,
		   size_t slowest, struct view *inflight);
void verdict_free(struct verdict *d);

/* "dd (29989)", "process 29989" if its name aged out, else "?". */
void report_who(struct view_cursor *c, char *buf, size_t size);

#endif
