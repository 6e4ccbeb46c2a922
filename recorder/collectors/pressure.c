/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pressure.c - pressure stall information of the whole machine. */
#include "recorder/collector.h"
#include "recorder/scan.h"

#include <string.h>

#define US 1000
#define AVERAGE(name)                                               \
	{                                                           \
		"pressure.%." name, "percent", METRIC_GAUGE, 100, 1 \
	}
#define TOTAL(name)                                             \
	{                                                       \
		"pressure.%." name, "ns", METRIC_COUNTER, 1, US \
	}

static const struct pressure_kind {
	const char *word;
	struct metric_def averages[3];
	struct metric_def total;
} pressure_kinds[] = {
	{ "some",
	  { AVERAGE("some_avg10"), AVERAGE("some_avg60"),
	    AVERAGE("some_avg300") },
	  TOTAL("some_total") },
	{ "full",
	  { AVERAGE("full_avg10"), AVERAGE("full_avg60"),
	    AVERAGE("full_avg300") },
	  TOTAL("full_total") },
};
static const char *const pressure_keys[3] = { "avg10", "avg60", "avg300" };

static bool pressure_key(struct scan *line, const char *name)
{
	struct scan key;

	return scan_word(line, '=', &key) && scan_is(&key, name) &&
	       scan_char(line, '=');
}

/* "some avg10=0.00 avg60=0.02 avg300=0.03 total=3188791" */
static void pressure_line(struct sample *s, const struct pressure_kind *kind,
			  const char *inst, struct scan *line)
{
	size_t len = strlen(inst);
	int64_t v[3], total;

	for (unsigned i = 0; i < 3; i++)
		if (!pressure_key(line, pressure_keys[i]) ||
		    !scan_hundredths(line, &v[i])) {
			sample_error(s);
			return;
		}
	if (!pressure_key(line, "total") || !scan_number(line, &total)) {
		sample_error(s);
		return;
	}
	for (unsigned i = 0; i < 3; i++)
		sample_put(s, &kind->averages[i], inst, len, v[i]);
	sample_put(s, &kind->total, inst, len, total);
}

static void pressure_parse(struct sample *s, const char *inst, const char *buf,
			   size_t len)
{
	struct scan file = { buf, buf + len }, line, word;

	while (scan_line(&file, &line)) {
		if (!scan_word(&line, 0, &word))
			sample_error(s);
		else if (scan_is(&word, "some"))
			pressure_line(s, &pressure_kinds[0], inst, &line);
		else if (scan_is(&word, "full"))
			pressure_line(s, &pressure_kinds[1], inst, &line);
		else
			sample_error(s);
	}
}

#define PRESSURE(what)                                                 \
	{                                                              \
		.path = "/proc/pressure/" what, .inst = what,          \
		.parse = pressure_parse, .max = 4096, .optional = true \
	}

static const struct collector_source pressure_sources[] = { PRESSURE("cpu"),
							    PRESSURE("io"),
							    PRESSURE("memory"),
							    PRESSURE("irq"),
							    { 0 } };

const struct collector_ops collector_pressure = {
	.name = "pressure",
	.doc = "time lost for want of CPU, I/O and memory",
	.man = "pressure.WHAT.FIELD. WHAT is cpu, io, memory or irq; fields are "
	       "some_ and full_ avg10, avg60, avg300 (percent, stored times "
	       "100) and total (ns). Where the kernel has no pressure "
	       "information the metrics are absent, and this is no error.",
	.sources = pressure_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
