/* SPDX-License-Identifier: GPL-2.0-or-later */
/* zram.c - compressed memory used as a disk. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

/* Documentation/admin-guide/blockdev/zram.rst; the last two came later. */
static const struct metric_def zram_memory[] = {
	SHAPE_GAUGE("zram.%.orig_data_bytes", "bytes", 1),
	SHAPE_GAUGE("zram.%.compr_data_bytes", "bytes", 1),
	SHAPE_GAUGE("zram.%.mem_used_bytes", "bytes", 1),
	SHAPE_GAUGE("zram.%.mem_limit_bytes", "bytes", 1),
	SHAPE_GAUGE("zram.%.mem_used_max_bytes", "bytes", 1),
	SHAPE_GAUGE("zram.%.same_pages", "pages", 1),
	SHAPE_COUNTER("zram.%.pages_compacted", "pages", 1),
	SHAPE_GAUGE("zram.%.huge_pages", "pages", 1),
	SHAPE_COUNTER("zram.%.huge_pages_since", "pages", 1),
};
static const struct metric_def zram_io[] = {
	SHAPE_COUNTER("zram.%.failed_reads", "", 1),
	SHAPE_COUNTER("zram.%.failed_writes", "", 1),
	SHAPE_COUNTER("zram.%.invalid_io", "", 1),
	SHAPE_COUNTER("zram.%.notify_free", "", 1),
};

static void zram_memory_parse(struct sample *s, const char *inst,
			      const char *buf, size_t len)
{
	struct scan file = { buf, buf + len }, line, name = scan_text(inst);

	if (scan_line(&file, &line))
		shape_put_columns(s, zram_memory, 9, 7, &name, &line);
}

static void zram_io_parse(struct sample *s, const char *inst, const char *buf,
			  size_t len)
{
	struct scan file = { buf, buf + len }, line, name = scan_text(inst);

	if (scan_line(&file, &line))
		shape_put_columns(s, zram_io, 4, 4, &name, &line);
}

static const struct collector_source zram_sources[] = {
	{ .path = "/sys/block/zram*/mm_stat",
	  .parse = zram_memory_parse,
	  .max = 4096 },
	{ .path = "/sys/block/zram*/io_stat",
	  .parse = zram_io_parse,
	  .max = 4096 },
	{ 0 }
};

const struct collector_ops collector_zram = {
	.name = "zram",
	.doc = "compressed memory used as a disk",
	.man = "zram.N.FIELD. Fields: orig_data_bytes, compr_data_bytes, "
	       "mem_used_bytes, mem_limit_bytes, mem_used_max_bytes, "
	       "same_pages, pages_compacted, huge_pages, huge_pages_since; "
	       "failed_reads, failed_writes, invalid_io, notify_free. Reads "
	       "and writes are those of the disks collector.",
	.sources = zram_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
