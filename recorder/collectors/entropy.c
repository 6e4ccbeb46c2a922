/* SPDX-License-Identifier: GPL-2.0-or-later */
/* entropy.c - the kernel's pool of random bits. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

static const struct metric_def entropy_available =
	SHAPE_GAUGE("entropy.available", "bits", 1);
static const struct metric_def entropy_pool =
	SHAPE_GAUGE("entropy.pool", "bits", 1);

static void entropy_available_parse(struct sample *s, const char *inst,
				    const char *buf, size_t len)
{
	shape_put_number(s, &entropy_available, inst, buf, len);
}

static void entropy_pool_parse(struct sample *s, const char *inst,
			       const char *buf, size_t len)
{
	shape_put_number(s, &entropy_pool, inst, buf, len);
}

static const struct collector_source entropy_sources[] = {
	{ .path = "/proc/sys/kernel/random/entropy_avail",
	  .parse = entropy_available_parse,
	  .max = 4096,
	  .optional = true },
	{ .path = "/proc/sys/kernel/random/poolsize",
	  .parse = entropy_pool_parse,
	  .max = 4096,
	  .optional = true },
	{ 0 }
};

const struct collector_ops collector_entropy = {
	.name = "entropy",
	.doc = "the kernel's pool of random bits",
	.man = "entropy.available and entropy.pool. Since Linux 5.18 both are "
	       "256 for ever.",
	.sources = entropy_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
