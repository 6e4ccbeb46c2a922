/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmstat.c - everything in /proc/vmstat. */
#include "recorder/collector.h"
#include "recorder/scan.h"

static const struct metric_def vmstat_gauge = { "vmstat.%", "", METRIC_GAUGE, 1,
						1 };
static const struct metric_def vmstat_counter = { "vmstat.%", "",
						  METRIC_COUNTER, 1, 1 };

/* What is called nr_ and yet only ever grows. */
static const char *const vmstat_growing[] = {
	"nr_dirtied",
	"nr_written",
	"nr_throttled_written",
	"nr_vmscan_write",
	"nr_vmscan_immediate_reclaim",
	"nr_foll_pin_acquired",
	"nr_foll_pin_released",
};

/* What counts KiB, though its name does not say so. */
static const struct metric_def vmstat_kib = { "vmstat.%", "bytes",
					      METRIC_COUNTER, 1, 1024 };

static bool vmstat_grows(const struct scan *key)
{
	unsigned nr = sizeof(vmstat_growing) / sizeof(*vmstat_growing);

	if (scan_is(key, "workingset_nodes"))
		return false;
	if (!scan_starts(key, "nr_"))
		return true;
	for (unsigned i = 0; i < nr; i++)
		if (scan_is(key, vmstat_growing[i]))
			return true;
	return false;
}

static const struct metric_def *vmstat_def(const struct scan *key)
{
	if (scan_is(key, "pgpgin") || scan_is(key, "pgpgout"))
		return &vmstat_kib;
	return vmstat_grows(key) ? &vmstat_counter : &vmstat_gauge;
}

static void vmstat_parse(struct sample *s, const char *inst, const char *buf,
			 size_t len)
{
	struct scan file = { buf, buf + len }, line, key;
	int64_t v;

	(void)inst;
	while (scan_line(&file, &line)) {
		if (scan_word(&line, 0, &key) && scan_number(&line, &v))
			sample_put(s, vmstat_def(&key), key.p,
				   (size_t)(key.end - key.p), v);
		else
			sample_error(s);
	}
}

static const struct collector_source vmstat_sources[] = {
	{ .path = "/proc/vmstat", .parse = vmstat_parse, .max = 256 << 10 },
	{ 0 }
};

const struct collector_ops collector_vmstat = {
	.name = "vmstat",
	.doc = "counters of the memory manager, as in /proc/vmstat",
	.man = "vmstat.KEY, as the kernel has them. Keys that begin with nr_ are "
	       "gauges, except those that only ever grow (nr_dirtied, "
	       "nr_written, nr_throttled_written, nr_vmscan_write, "
	       "nr_vmscan_immediate_reclaim, nr_foll_pin_acquired, "
	       "nr_foll_pin_released); so is workingset_nodes. All others are "
	       "counters. pgpgin and pgpgout count bytes here; the kernel "
	       "counts them in KiB.",
	.sources = vmstat_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
