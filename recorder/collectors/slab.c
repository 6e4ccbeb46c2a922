/* SPDX-License-Identifier: GPL-2.0-or-later */
/* slab.c - memory that the kernel uses for its own objects. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

#include <unistd.h>

static const struct metric_def slab_totals[] = {
	SHAPE_GAUGE("slab.bytes", "bytes", 1),
	SHAPE_GAUGE("slab.objects", "", 1),
	SHAPE_GAUGE("slab.objects_used", "", 1),
};
static const struct metric_def slab_cache[] = {
	SHAPE_GAUGE("slab.%.bytes", "bytes", 1),
	SHAPE_GAUGE("slab.%.objects", "", 1),
	SHAPE_GAUGE("slab.%.objects_used", "", 1),
};

struct slab_sizes {
	int64_t v[3]; /* bytes, objects, objects in use */
};

/* "NAME used all objsize perslab pages : tunables a b c : slabdata act all shared" */
static bool slab_line(struct scan *line, struct scan *ret_name,
		      struct slab_sizes *ret)
{
	int64_t v[5], slabs, ignored;
	struct scan word;

	if (!scan_word(line, 0, ret_name))
		return false;
	for (unsigned i = 0; i < 5; i++)
		if (!scan_number(line, &v[i]))
			return false;
	do {
		if (!scan_word(line, 0, &word))
			return false;
	} while (!scan_is(&word, "slabdata"));
	if (!scan_number(line, &ignored) || !scan_number(line, &slabs))
		return false;
	ret->v[1] = v[1];
	ret->v[2] = v[0];
	return !__builtin_mul_overflow(slabs, v[4], &slabs) &&
	       !__builtin_mul_overflow(slabs, sysconf(_SC_PAGESIZE),
				       &ret->v[0]);
}

/* The caches by name only if they were asked for: there are hundreds. */
static bool slab_add(struct sample *s, struct scan *line,
		     struct slab_sizes *sum)
{
	struct slab_sizes one;
	struct scan name;
	bool fits = slab_line(line, &name, &one);

	for (unsigned i = 0; fits && i < 3; i++) {
		if (s->list)
			sample_put(s, &slab_cache[i], name.p, scan_len(&name),
				   one.v[i]);
		fits = !__builtin_add_overflow(sum->v[i], one.v[i], &sum->v[i]);
	}
	return fits;
}

static void slab_parse(struct sample *s, const char *inst, const char *buf,
		       size_t len)
{
	struct scan file = { buf, buf + len }, line;
	struct slab_sizes sum = { 0 };
	bool whole = true, any = false;

	(void)inst;
	while (scan_line(&file, &line)) {
		if (scan_starts(&line, "#") || scan_starts(&line, "slabinfo"))
			continue;
		any = true;
		if (slab_add(s, &line, &sum))
			continue;
		whole = false;
		sample_error(s);
	}
	for (unsigned i = 0; any && whole && file.p == file.end && i < 3; i++)
		sample_put(s, &slab_totals[i], NULL, 0, sum.v[i]);
}

static const struct collector_source slab_sources[] = {
	{ .path = "/proc/slabinfo",
	  .parse = slab_parse,
	  .max = 1 << 20,
	  .optional = true,
	  .adds_up = true },
	{ 0 }
};

const struct collector_ops collector_slab = {
	.name = "slab",
	.doc = "memory that the kernel uses for its own objects",
	.man = "slab.bytes, slab.objects, slab.objects_used: all caches "
	       "together. With globs, also slab.CACHE.bytes, objects, "
	       "objects_used of the caches that fit (slab:dentry+kmalloc-*). "
	       "The kernel takes long to write this file, so it is read each "
	       "ten seconds unless a rate is given.",
	.period_ns = 10000000000ULL,
	.sources = slab_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
