/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conntrack.c - connections that the firewall keeps track of. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

static const struct metric_def conntrack_count =
	SHAPE_GAUGE("conntrack.count", "", 1);
static const struct metric_def conntrack_max =
	SHAPE_GAUGE("conntrack.max", "", 1);
static const struct metric_def conntrack_event =
	SHAPE_COUNTER("conntrack.%", "", 1);
#define CONNTRACK_COLUMNS 32

static void conntrack_count_parse(struct sample *s, const char *inst,
				  const char *buf, size_t len)
{
	shape_put_number(s, &conntrack_count, inst, buf, len);
}

static void conntrack_max_parse(struct sample *s, const char *inst,
				const char *buf, size_t len)
{
	shape_put_number(s, &conntrack_max, inst, buf, len);
}

/* One CPU: hexadecimal numbers in the order of the names. */
static bool conntrack_add(struct scan *line, int64_t *sum, unsigned nr)
{
	int64_t v;

	for (unsigned i = 0; i < nr; i++)
		if (!scan_hex(line, &v) ||
		    __builtin_add_overflow(sum[i], v, &sum[i]))
			return false;
	return true;
}

static void conntrack_stat_parse(struct sample *s, const char *inst,
				 const char *buf, size_t len)
{
	struct scan file = { buf, buf + len }, line, names[CONNTRACK_COLUMNS];
	int64_t sum[CONNTRACK_COLUMNS] = { 0 };
	bool whole = true, any = false;
	unsigned nr = 0;

	(void)inst;
	if (!scan_line(&file, &line))
		return;
	while (nr < CONNTRACK_COLUMNS && scan_word(&line, 0, &names[nr]))
		nr++;
	for (; whole && scan_line(&file, &line); any = true)
		whole = conntrack_add(&line, sum, nr);
	if (!whole)
		sample_error(s);
	/* Each CPU says how many entries there are in all: that is the count. */
	for (unsigned i = 0; any && whole && file.p == file.end && i < nr; i++)
		if (!scan_is(&names[i], "entries"))
			sample_put(s, &conntrack_event, names[i].p,
				   scan_len(&names[i]), sum[i]);
}

static const struct collector_source conntrack_sources[] = {
	{ .path = "/proc/sys/net/netfilter/nf_conntrack_count",
	  .parse = conntrack_count_parse,
	  .max = 4096,
	  .optional = true },
	{ .path = "/proc/sys/net/netfilter/nf_conntrack_max",
	  .parse = conntrack_max_parse,
	  .max = 4096,
	  .optional = true },
	{ .path = "/proc/net/stat/nf_conntrack",
	  .parse = conntrack_stat_parse,
	  .max = 1 << 20,
	  .optional = true,
	  .adds_up = true },
	{ 0 }
};

const struct collector_ops collector_conntrack = {
	.name = "conntrack",
	.doc = "connections that the firewall keeps track of",
	.man = "conntrack.count, conntrack.max, and conntrack.NAME as in "
	       "/proc/net/stat/nf_conntrack, all CPUs together: found, "
	       "invalid, insert_failed, drop, early_drop, search_restart. A "
	       "full table drops new connections.",
	.sources = conntrack_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
