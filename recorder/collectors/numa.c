/* SPDX-License-Identifier: GPL-2.0-or-later */
/* numa.c - memory per node: its use, and whether it was given where it was wanted. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

static const struct metric_def numa_counter =
	SHAPE_COUNTER("numa.%", "pages", 1);
static const struct metric_def numa_bytes =
	SHAPE_GAUGE("numa.%", "bytes", 1024);
static const struct metric_def numa_pages = SHAPE_GAUGE("numa.%", "pages", 1);

/* "numa_hit 76557759" */
static void numa_stat_parse(struct sample *s, const char *inst, const char *buf,
			    size_t len)
{
	struct scan file = { buf, buf + len }, line, key, node;
	int64_t v;

	node = scan_text(inst);
	while (scan_line(&file, &line)) {
		if (scan_word(&line, 0, &key) && scan_number(&line, &v))
			shape_put_joined(s, &numa_counter, &node, &key, v);
		else
			sample_error(s);
	}
}

/* "Node 0 MemTotal:  7 kB", or "Node 0 HugePages_Total: 0" of huge pages. */
static void numa_memory_line(struct sample *s, const struct scan *node,
			     struct scan *line)
{
	const struct metric_def *def = &numa_pages;
	struct scan word, key, unit;
	int64_t v;

	if (!scan_word(line, 0, &word) || !scan_is(&word, "Node") ||
	    !scan_number(line, &v) || !scan_word(line, ':', &key) ||
	    !scan_char(line, ':') || !scan_number(line, &v)) {
		sample_error(s);
		return;
	}
	if (scan_word(line, 0, &unit)) {
		if (!scan_is(&unit, "kB")) {
			sample_error(s);
			return;
		}
		def = &numa_bytes;
	}
	shape_put_joined(s, def, node, &key, v);
}

static void numa_memory_parse(struct sample *s, const char *inst,
			      const char *buf, size_t len)
{
	struct scan file = { buf, buf + len }, line, node = scan_text(inst);

	while (scan_line(&file, &line))
		numa_memory_line(s, &node, &line);
}

static const struct collector_source numa_sources[] = {
	{ .path = "/sys/devices/system/node/node*/numastat",
	  .parse = numa_stat_parse,
	  .max = 4096 },
	{ .path = "/sys/devices/system/node/node*/meminfo",
	  .parse = numa_memory_parse,
	  .max = 64 << 10 },
	{ 0 }
};

const struct collector_ops collector_numa = {
	.name = "numa",
	.doc = "memory per node of the machine",
	.man = "numa.NODE.KEY: numa_hit, numa_miss, numa_foreign, "
	       "interleave_hit, local_node, other_node, which count pages, and "
	       "the keys of the node's meminfo (numa.0.MemFree), in bytes but "
	       "for numbers of huge pages.",
	.sources = numa_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
