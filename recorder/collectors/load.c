/* SPDX-License-Identifier: GPL-2.0-or-later */
/* load.c - load averages and the number of threads. */
#include "recorder/collector.h"
#include "recorder/scan.h"

static const struct metric_def load_averages[] = {
	{ "load.load1", "", METRIC_GAUGE, 100, 1 },
	{ "load.load5", "", METRIC_GAUGE, 100, 1 },
	{ "load.load15", "", METRIC_GAUGE, 100, 1 },
};
static const struct metric_def load_running = { "load.running", "threads",
						METRIC_GAUGE, 1, 1 };
static const struct metric_def load_total = { "load.total", "threads",
					      METRIC_GAUGE, 1, 1 };

/* "0.04 0.06 0.03 1/92 8377" */
static void load_parse(struct sample *s, const char *inst, const char *buf,
		       size_t len)
{
	struct scan file = { buf, buf + len }, line;
	int64_t v[3], running, total;

	(void)inst;
	if (!scan_line(&file, &line))
		return;
	for (unsigned i = 0; i < 3; i++) {
		if (!scan_hundredths(&line, &v[i])) {
			sample_error(s);
			return;
		}
		sample_put(s, &load_averages[i], "", 0, v[i]);
	}
	scan_blanks(&line);
	if (!scan_digits(&line, &running) || !scan_char(&line, '/') ||
	    !scan_digits(&line, &total) || !scan_at_gap(&line)) {
		sample_error(s);
		return;
	}
	sample_put(s, &load_running, "", 0, running);
	sample_put(s, &load_total, "", 0, total);
}

static const struct collector_source load_sources[] = {
	{ .path = "/proc/loadavg", .parse = load_parse, .max = 4096 }, { 0 }
};

const struct collector_ops collector_load = {
	.name = "load",
	.doc = "load averages, threads running and in all",
	.man = "load.load1, load.load5, load.load15, stored times 100; load.running "
	       "and load.total count threads.",
	.sources = load_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
