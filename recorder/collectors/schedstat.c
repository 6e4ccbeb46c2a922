/* SPDX-License-Identifier: GPL-2.0-or-later */
/* schedstat.c - what the scheduler did with each CPU: time run and time waited. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

/* The last three columns since version 14 (Linux 2.6.23), when they came to be
 * nanoseconds. */
static const struct metric_def schedstat_cpu[] = {
	SHAPE_COUNTER("schedstat.%.run_ns", "ns", 1),
	SHAPE_COUNTER("schedstat.%.wait_ns", "ns", 1),
	SHAPE_COUNTER("schedstat.%.timeslices", "", 1),
};
#define SCHEDSTAT_FIRST  14
#define SCHEDSTAT_OTHERS 6 /* columns before the three, since version 15 */
#define SCHEDSTAT_OLD    9 /* in version 14 */

/* "cpu0 0 0 ... run wait slices" */
static void schedstat_line(struct sample *s, struct scan *line, int64_t version)
{
	unsigned skip =
		version == SCHEDSTAT_FIRST ? SCHEDSTAT_OLD : SCHEDSTAT_OTHERS;
	struct scan key, number;
	int64_t v;

	scan_word(line, 0, &key);
	number = (struct scan){ key.p + 3, key.end };
	if (!scan_digits(&number, &v) || number.p != number.end) {
		sample_error(s);
		return;
	}
	while (skip && scan_number(line, &v))
		skip--;
	key.p += 3;
	if (skip)
		sample_error(s);
	else
		shape_put_columns(s, schedstat_cpu, 3, 3, &key, line);
}

static void schedstat_parse(struct sample *s, const char *inst, const char *buf,
			    size_t len)
{
	struct scan file = { buf, buf + len }, line, word;
	int64_t version;

	(void)inst;
	if (!scan_line(&file, &line))
		return;
	if (!scan_word(&line, 0, &word) || !scan_is(&word, "version") ||
	    !scan_number(&line, &version)) {
		sample_error(s);
		return;
	}
	if (version < SCHEDSTAT_FIRST)
		return;
	while (scan_line(&file, &line))
		if (scan_starts(&line, "cpu"))
			schedstat_line(s, &line, version);
}

static const struct collector_source schedstat_sources[] = {
	{ .path = "/proc/schedstat",
	  .parse = schedstat_parse,
	  .max = 16 << 20,
	  .optional = true },
	{ 0 }
};

const struct collector_ops collector_schedstat = {
	.name = "schedstat",
	.doc = "time that threads ran and waited for each CPU",
	.man = "schedstat.N.run_ns, wait_ns, timeslices for CPU N: time that "
	       "threads ran on it, time that they waited for it while they "
	       "could have run, and how often one was put on it. Kernels "
	       "before 2.6.23 have other units, and none of these.",
	.sources = schedstat_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
