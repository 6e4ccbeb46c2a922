/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - the parts of `flightrec report` and `flightrec info`, printed on
 * standard output for people.
 */
#ifndef DUMP_REPORT_H
#define DUMP_REPORT_H

#include "dump/view.h"
#include "dump/view_filter.h"

/* "\nTITLE\n" in bold. */
void report_title(const char *title);

/* report_facts.c: who, what fired and when. */
void report_trigger(const struct view *v, unsigned file);
/* What is missing, most important first; how many lines. */
unsigned report_warnings(const struct view *v, unsigned file);
/* Per lane: span, records, losses. */
void report_coverage(const struct view *v, unsigned file);
/* Facts whose keys begin so, one per line, without the beginning. */
void report_facts(const struct view *v, unsigned file, const char *prefix);
/* The balance of each probe, as a table. */
void report_probes(const struct view *v, unsigned file);
/* Settings in force, without what explains them. */
void report_config(const struct view *v, unsigned file);
const char *report_lane_name(unsigned lane, char buf[16]);
/* "2026-11-20 13:05:00.123" */
char *report_wall(char buf[48], const struct view *v, unsigned file,
		  uint64_t mono_ns);

/* report_ops.c: all that comes from operations, what stands out first.
 * ${inflight}: a view of operations under way, or NULL. */
int report_operations(struct view *v, struct view *inflight);
/* Those under way, oldest first; of those that wait for another program or a
 * device only how many. */
void report_inflight(struct view *inflight);

/* report_metrics.c: counters around the trigger; ${v}: loaded with the stream
 * sample. */
int report_metrics(struct view *v);

/* report_hist.c: how long operations took since the recorder began; ${v}: loaded
 * with the stream hist. */
void report_hist(struct view *v);

/* Rows of a view as a table with these columns, at most ${limit}. */
int report_rows(struct view *v, const char *columns, size_t limit);
/* Only these rows. */
int report_row_list(struct view *v, const char *columns, const size_t *rows,
		    size_t nr);

#endif
