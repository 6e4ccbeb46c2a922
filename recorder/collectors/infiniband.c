/* SPDX-License-Identifier: GPL-2.0-or-later */
/* infiniband.c - traffic and errors per port of InfiniBand, Omni-Path and RoCE. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

static const struct metric_def infiniband_counter =
	SHAPE_COUNTER("infiniband.%", "", 1);
/* These count words of four bytes. */
static const struct metric_def infiniband_words =
	SHAPE_COUNTER("infiniband.%", "bytes", 4);

static bool infiniband_counts_words(const char *inst)
{
	static const char *const names[] = {
		".port_xmit_data",           ".port_rcv_data",
		".port_unicast_xmit_data",   ".port_unicast_rcv_data",
		".port_multicast_xmit_data", ".port_multicast_rcv_data",
	};
	const char *dot = strrchr(inst, '.');

	for (unsigned i = 0; dot && i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(dot, names[i]) == 0)
			return true;
	return false;
}

/* Beside the counters of hw_counters lies how long their values are kept. */
static bool infiniband_is_setting(const char *inst)
{
	const char *dot = strrchr(inst, '.');

	return dot && strcmp(dot, ".lifespan") == 0;
}

/* In an old kernel a counter that the port does not have reads "N/A (no PMA)". */
static void infiniband_parse(struct sample *s, const char *inst,
			     const char *buf, size_t len)
{
	static const char none[] = "N/A";

	if (infiniband_is_setting(inst) ||
	    (len >= sizeof(none) - 1 &&
	     memcmp(buf, none, sizeof(none) - 1) == 0))
		return;
	shape_put_number(s,
			 infiniband_counts_words(inst) ? &infiniband_words :
							 &infiniband_counter,
			 inst, buf, len);
}

static const struct collector_source infiniband_sources[] = {
	{ .path = "/sys/class/infiniband/*/ports/*/counters/*",
	  .parse = infiniband_parse,
	  .max = 64 },
	{ .path = "/sys/class/infiniband/*/ports/*/hw_counters/*",
	  .parse = infiniband_parse,
	  .max = 64 },
	{ 0 }
};

const struct collector_ops collector_infiniband = {
	.name = "infiniband",
	.doc = "traffic and errors per port of InfiniBand and RoCE",
	.man = "infiniband.DEVICE.PORT.NAME as the files in counters and "
	       "hw_counters are called: infiniband.mlx5_0.1.port_xmit_data. "
	       "The port's data are bytes here; the source counts words of "
	       "four. With some adapters each file asks the firmware: off "
	       "unless asked for.",
	.sources = infiniband_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
