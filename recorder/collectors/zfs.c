/* SPDX-License-Identifier: GPL-2.0-or-later */
/* zfs.c - what the cache of ZFS holds and how it does. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

static const struct metric_def zfs_counter = SHAPE_COUNTER("arcstats.%", "", 1);
static const struct metric_def zfs_gauge = SHAPE_GAUGE("arcstats.%", "", 1);
static const struct metric_def zfs_bytes =
	SHAPE_GAUGE("arcstats.%", "bytes", 1);

/* Sizes that do not say so at their end. */
static const char *const zfs_sizes[] = {
	"c",
	"c_min",
	"c_max",
	"p",
	"size",
	"arc_meta_used",
	"arc_meta_limit",
	"arc_meta_max",
	"arc_meta_min",
	"arc_dnode_limit",
	"arc_need_free",
	"arc_sys_free",
	"memory_all_bytes",
	"memory_free_bytes",
	"memory_available_bytes",
	"anon_data",
	"anon_metadata",
	"mru_data",
	"mru_metadata",
	"mru_ghost_data",
	"mru_ghost_metadata",
	"mfu_data",
	"mfu_metadata",
	"mfu_ghost_data",
	"mfu_ghost_metadata",
	"uncached_data",
	"uncached_metadata",
	"l2_asize",
};
/* Numbers of what is there now. */
static const char *const zfs_numbers[] = {
	"hash_elements",
	"hash_elements_max",
	"hash_chains",
	"hash_chain_max",
	"arc_loaned_bytes",
	"arc_no_grow",
	"arc_tempreserve",
	"arc_prune_max",
	"meta",
	"pd",
	"pm",
	"l2_log_blk_count",
};

static bool zfs_is_one(const struct scan *key, const char *const *names,
		       size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (scan_is(key, names[i]))
			return true;
	return false;
}

static bool zfs_ends(const struct scan *key, const char *text)
{
	struct scan end = { key->end - strlen(text), key->end };

	return scan_len(key) >= strlen(text) && scan_is(&end, text);
}

static const struct metric_def *zfs_def(const struct scan *key)
{
	if (zfs_ends(key, "_size") || zfs_ends(key, "_evictable_data") ||
	    zfs_ends(key, "_evictable_metadata") ||
	    zfs_is_one(key, zfs_sizes, sizeof(zfs_sizes) / sizeof(*zfs_sizes)))
		return &zfs_bytes;
	if (zfs_is_one(key, zfs_numbers,
		       sizeof(zfs_numbers) / sizeof(*zfs_numbers)))
		return &zfs_gauge;
	return &zfs_counter;
}

/* Two lines of heading, then "name  type  data". */
static void zfs_parse(struct sample *s, const char *inst, const char *buf,
		      size_t len)
{
	struct scan file = { buf, buf + len }, line, key;
	int64_t v, type;

	(void)inst;
	if (!scan_line(&file, &line) || !scan_line(&file, &line))
		return;
	while (scan_line(&file, &line)) {
		if (scan_word(&line, 0, &key) && scan_number(&line, &type) &&
		    scan_signed(&line, &v))
			sample_put(s, zfs_def(&key), key.p, scan_len(&key), v);
		else
			sample_error(s);
	}
}

static const struct collector_source zfs_sources[] = {
	{ .path = "/proc/spl/kstat/zfs/arcstats",
	  .parse = zfs_parse,
	  .max = 256 << 10,
	  .optional = true },
	{ 0 }
};

const struct collector_ops collector_zfs = {
	.name = "zfs",
	.doc = "what the cache of ZFS holds and how it does",
	.man = "arcstats.NAME as in the source: arcstats.hits, "
	       "arcstats.misses, arcstats.size, arcstats.c. Sizes are gauges "
	       "in bytes, and so is what exists now; all else are counters.",
	.sources = zfs_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
