/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory.c - everything in /proc/meminfo. */
#include "recorder/collector.h"
#include "recorder/scan.h"

static const struct metric_def memory_bytes = { "meminfo.%", "bytes",
						METRIC_GAUGE, 1, 1024 };
static const struct metric_def memory_pages = { "meminfo.%", "pages",
						METRIC_GAUGE, 1, 1 };

/* "Key:   123 kB", or "HugePages_Total:   0" which counts huge pages. */
static void memory_line(struct sample *s, struct scan *line)
{
	const struct metric_def *def = &memory_pages;
	struct scan key, unit;
	int64_t v;

	if (!scan_word(line, ':', &key) || !scan_char(line, ':') ||
	    !scan_number(line, &v)) {
		sample_error(s);
		return;
	}
	if (scan_word(line, 0, &unit)) {
		if (!scan_is(&unit, "kB")) {
			sample_error(s);
			return;
		}
		def = &memory_bytes;
	}
	sample_put(s, def, key.p, (size_t)(key.end - key.p), v);
}

static void memory_parse(struct sample *s, const char *inst, const char *buf,
			 size_t len)
{
	struct scan file = { buf, buf + len }, line;

	(void)inst;
	while (scan_line(&file, &line))
		memory_line(s, &line);
}

static const struct collector_source memory_sources[] = {
	{ .path = "/proc/meminfo", .parse = memory_parse, .max = 256 << 10 },
	{ 0 }
};

const struct collector_ops collector_memory = {
	.name = "memory",
	.doc = "use of memory, as in /proc/meminfo",
	.man = "meminfo.KEY, in bytes, except for numbers of huge pages.",
	.sources = memory_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
