/* SPDX-License-Identifier: GPL-2.0-or-later */
/* swaps.c - each swap device: size and use. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

static const struct metric_def swaps_size =
	SHAPE_GAUGE("swap.%.size_bytes", "bytes", 1024);
static const struct metric_def swaps_used =
	SHAPE_GAUGE("swap.%.used_bytes", "bytes", 1024);
static const struct metric_def swaps_priority =
	SHAPE_GAUGE("swap.%.priority", "", 1);

/* "/dev/dm-1  partition  8388604  0  -2" */
static void swaps_line(struct sample *s, struct scan *line)
{
	int64_t size, used, priority;
	struct scan name, kind;

	if (!scan_word(line, 0, &name) || !scan_word(line, 0, &kind) ||
	    !scan_number(line, &size) || !scan_number(line, &used) ||
	    !scan_signed(line, &priority)) {
		sample_error(s);
		return;
	}
	sample_put(s, &swaps_size, name.p, scan_len(&name), size);
	sample_put(s, &swaps_used, name.p, scan_len(&name), used);
	sample_put(s, &swaps_priority, name.p, scan_len(&name), priority);
}

static void swaps_parse(struct sample *s, const char *inst, const char *buf,
			size_t len)
{
	struct scan file = { buf, buf + len }, line;

	(void)inst;
	while (scan_line(&file, &line))
		if (!scan_starts(&line, "Filename"))
			swaps_line(s, &line);
}

static const struct collector_source swaps_sources[] = { { .path = "/proc/swaps",
							   .parse = swaps_parse,
							   .max = 64 << 10,
							   .optional = true },
							 { 0 } };

const struct collector_ops collector_swaps = {
	.name = "swaps",
	.doc = "each swap device: size and use",
	.man = "swap.DEVICE.size_bytes, used_bytes, priority. A blank in the "
	       "name of a swap file is written \\040 there, as in the source.",
	.sources = swaps_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
