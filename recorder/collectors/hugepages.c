/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hugepages.c - pools of huge pages, of the machine and of each node. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

static const struct metric_def hugepages_all =
	SHAPE_GAUGE("hugepages.%", "pages", 1);
static const struct metric_def hugepages_node =
	SHAPE_GAUGE("hugepages.node%", "pages", 1);

static void hugepages_parse(struct sample *s, const char *inst, const char *buf,
			    size_t len)
{
	shape_put_number(s, &hugepages_all, inst, buf, len);
}

static void hugepages_node_parse(struct sample *s, const char *inst,
				 const char *buf, size_t len)
{
	shape_put_number(s, &hugepages_node, inst, buf, len);
}

static const struct collector_source hugepages_sources[] = {
	{ .path = "/sys/kernel/mm/hugepages/hugepages-*kB/*_hugepages",
	  .parse = hugepages_parse,
	  .max = 64 },
	{ .path = "/sys/devices/system/node/node*/hugepages/hugepages-*kB/*_hugepages",
	  .parse = hugepages_node_parse,
	  .max = 64 },
	{ 0 }
};

const struct collector_ops collector_hugepages = {
	.name = "hugepages",
	.doc = "pools of huge pages, of the machine and of each node",
	.man = "hugepages.KIB.FIELD for pages of KIB kilobytes (2048, "
	       "1048576), and hugepages.nodeN.KIB.FIELD. Fields: nr, free, "
	       "resv, surplus, nr_overcommit.",
	.sources = hugepages_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
