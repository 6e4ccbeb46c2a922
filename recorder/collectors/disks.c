/* SPDX-License-Identifier: GPL-2.0-or-later */
/* disks.c - I/O per block device and partition. */
#include "recorder/collector.h"
#include "recorder/scan.h"

#define DISK(field, unit, kind, factor)                              \
	{                                                            \
		"diskstats.%." field, unit, METRIC_##kind, 1, factor \
	}
#define SECTOR 512
#define MS     1000000

/* In the order of the columns: 11 of them at first, 4 more for discards
 * from Linux 4.18 on, 2 more for flushes from 5.5 on. */
static const struct metric_def disk_fields[] = {
	DISK("reads", "", COUNTER, 1),
	DISK("reads_merged", "", COUNTER, 1),
	DISK("read_bytes", "bytes", COUNTER, SECTOR),
	DISK("read_ns", "ns", COUNTER_32, MS),
	DISK("writes", "", COUNTER, 1),
	DISK("writes_merged", "", COUNTER, 1),
	DISK("write_bytes", "bytes", COUNTER, SECTOR),
	DISK("write_ns", "ns", COUNTER_32, MS),
	DISK("in_flight", "", GAUGE, 1),
	DISK("io_ns", "ns", COUNTER_32, MS),
	DISK("weighted_ns", "ns", COUNTER_32, MS),
	DISK("discards", "", COUNTER, 1),
	DISK("discards_merged", "", COUNTER, 1),
	DISK("discard_bytes", "bytes", COUNTER, SECTOR),
	DISK("discard_ns", "ns", COUNTER_32, MS),
	DISK("flushes", "", COUNTER, 1),
	DISK("flush_ns", "ns", COUNTER_32, MS),
};
#define NR_FIELDS (sizeof(disk_fields) / sizeof(*disk_fields))

/* Partitions of 2.6 kernels before 2.6.25 have these four only. */
static const unsigned char disk_short[] = { 0, 2, 4, 6 };

static bool disk_is_idle_dummy(const struct scan *name, const int64_t *v,
			       unsigned nr)
{
	if (!scan_starts(name, "loop") && !scan_starts(name, "ram"))
		return false;
	for (unsigned i = 0; i < nr; i++)
		if (v[i])
			return false;
	return true;
}

/* "major minor name v v v ..." */
static void disk_line(struct sample *s, struct scan *line)
{
	int64_t v[NR_FIELDS], number;
	struct scan name;
	unsigned nr = 0;

	if (!scan_number(line, &number) || !scan_number(line, &number) ||
	    !scan_word(line, 0, &name)) {
		sample_error(s);
		return;
	}
	while (nr < NR_FIELDS && scan_number(line, &v[nr]))
		nr++;
	scan_blanks(line);
	if ((nr < 11 && nr != 4) || (nr < NR_FIELDS && line->p != line->end)) {
		sample_error(s);
		return;
	}
	if (disk_is_idle_dummy(&name, v, nr))
		return;
	for (unsigned i = 0; i < nr; i++)
		sample_put(s, &disk_fields[nr == 4 ? disk_short[i] : i], name.p,
			   (size_t)(name.end - name.p), v[i]);
}

static void disks_parse(struct sample *s, const char *inst, const char *buf,
			size_t len)
{
	struct scan file = { buf, buf + len }, line;

	(void)inst;
	while (scan_line(&file, &line))
		disk_line(s, &line);
}

static const struct collector_source disks_sources[] = {
	{ .path = "/proc/diskstats",
	  .parse = disks_parse,
	  .max = 4 << 20,
	  .may_be_empty = true },
	{ 0 }
};

const struct collector_ops collector_disks = {
	.name = "disks",
	.doc = "I/O per block device and partition",
	.man = "diskstats.DEVICE.FIELD. Fields: reads, reads_merged, read_bytes, "
	       "read_ns, writes, writes_merged, write_bytes, write_ns, "
	       "in_flight, io_ns, weighted_ns; from Linux 4.18 on discards, "
	       "discards_merged, discard_bytes, discard_ns; from 5.5 on "
	       "flushes, flush_ns. The kernel counts times in milliseconds, "
	       "and lets them wrap at 2^32 of them. Loop and ram devices are "
	       "left out until they have done I/O.",
	.sources = disks_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
