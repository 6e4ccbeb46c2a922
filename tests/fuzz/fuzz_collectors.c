/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_collectors.c - any bytes as any file of /proc or /sys.
 *
 * The first two bytes choose the source by a hash of its path (so that the corpus stays
 * right when a collector is added), the rest is the file, parsed twice.  Beside
 * what the sanitizers see: values stay in order, and a second reading of the
 * same bytes says the same.
 */
#include "recorder/collector.h"
#include "recorder/mounts.h"

#include <stdlib.h>

#define FUZZ_MOUNTINFO "/proc/self/mountinfo"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the stars of a path may have stood for. */
static const char *const insts[] = { "0", "0.coretemp.temp1",
				     "mlx5_0.1.port_xmit_data" };

/* FNV-1a, folded. */
static uint16_t path_hash(const char *path)
{
	uint32_t h = 0x811c9dc5;

	for (; *path; path++)
		h = (h ^ (unsigned char)*path) * 0x01000193;
	return (uint16_t)(h ^ h >> 16);
}

/* The source of which the hash is next below ${wanted}. */
static const struct collector_source *fuzz_source(uint16_t wanted)
{
	const struct collector_source *best = NULL, *src;
	uint16_t distance = UINT16_MAX, d;

	for (unsigned i = 0; collector_all[i]; i++)
		for (src = collector_all[i]->sources; src && src->path; src++) {
			d = (uint16_t)(wanted - path_hash(src->path));
			if (best && d >= distance)
				continue;
			best = src;
			distance = d;
		}
	return best;
}

static void fuzz_round(const struct collector_source *src, const char *inst,
		       struct sample *s, const char *buf, size_t len)
{
	sample_begin(s);
	s->source = src->path;
	src->parse(s, inst, buf, len);
	sample_end(s);
	for (unsigned i = 1; i < s->nr; i++)
		if (s->values[i - 1].id >= s->values[i].id)
			abort();
}

static void fuzz_mounts(const char *buf, size_t len)
{
	struct mounts m = { 0 };

	mounts_parse(&m, NULL, buf, len);
	mounts_free(&m);
	mounts_parse(&m, "/*", buf, len);
	if (m.nr > MOUNTS_MAX)
		abort();
	mounts_free(&m);
}

static void fuzz_parse(const struct collector_source *src, const char *inst,
		       const char *list, const char *buf, size_t len)
{
	struct metric_table *t = metric_table_new();
	struct sample s;
	unsigned nr;
	uint64_t errors;

	if (!t)
		return;
	sample_init(&s, t);
	s.list = list;
	fuzz_round(src, inst, &s, buf, len);
	nr = s.nr;
	errors = s.errors;
	fuzz_round(src, inst, &s, buf, len);
	if (s.nr != nr || s.errors != 2 * errors || s.seen_before != nr)
		abort();
	sample_free(&s);
	metric_table_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct collector_source *src;
	const char *buf = (const char *)data + 2;
	const char *inst;
	uint16_t wanted;

	if (size < 2)
		return 0;
	wanted = (uint16_t)(data[0] << 8 | data[1]);
	if (wanted == path_hash(FUZZ_MOUNTINFO)) {
		fuzz_mounts(buf, size - 2);
		return 0;
	}
	src = fuzz_source(wanted);
	inst = collector_is_tree(src) ? insts[size % 3] : src->inst;
	fuzz_parse(src, inst, size & 1 ? "*" : NULL, buf, size - 2);
	return 0;
}
