/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_collectors.c - any bytes as any file of /proc.
 *
 * The first byte chooses the source (of at most 256), the rest is the file, parsed twice.  Beside
 * what the sanitizers see: values stay in order, and a second reading of the
 * same bytes says the same.
 */
#include "recorder/collector.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned nr_sources(const struct collector_ops *ops)
{
	unsigned n = 0;

	while (ops->sources && ops->sources[n].path)
		n++;
	return n;
}

static const struct collector_source *fuzz_source(unsigned n)
{
	unsigned total = 0;

	for (unsigned i = 0; collector_all[i]; i++)
		total += nr_sources(collector_all[i]);
	n %= total;
	for (unsigned i = 0; collector_all[i]; i++) {
		if (n < nr_sources(collector_all[i]))
			return &collector_all[i]->sources[n];
		n -= nr_sources(collector_all[i]);
	}
	abort();
}

static void fuzz_round(const struct collector_source *src, struct sample *s,
		       const char *buf, size_t len)
{
	sample_begin(s);
	s->source = src->path;
	src->parse(s, src->inst, buf, len);
	sample_end(s);
	for (unsigned i = 1; i < s->nr; i++)
		if (s->values[i - 1].id >= s->values[i].id)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct collector_source *src;
	struct metric_table *t;
	struct sample s;
	unsigned nr;
	uint64_t errors;

	if (size == 0)
		return 0;
	src = fuzz_source(data[0]);
	t = metric_table_new();
	if (!t)
		return 0;
	sample_init(&s, t);
	fuzz_round(src, &s, (const char *)data + 1, size - 1);
	nr = s.nr;
	errors = s.errors;
	fuzz_round(src, &s, (const char *)data + 1, size - 1);
	if (s.nr != nr || s.errors != 2 * errors || s.seen_before != nr)
		abort();
	sample_free(&s);
	metric_table_free(t);
	return 0;
}
