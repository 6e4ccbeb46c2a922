/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status_hist.c - the histograms in what the recorder tells of itself. */
#include "recorder/daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dump/schema.h"
#include "recorder/log.h"

#define ROWS_TOLD 4096 /* those with most operations */

void status_open_hist(struct daemon *d)
{
	const struct fr_ring_head *head =
		ring_view_head(&d->freeze.src[0].view);
	struct hist_maps maps;

	if (!probes_hist(d->probes, &maps))
		return;
	d->hist = hist_open(&maps, head->created_ns);
	if (!d->hist)
		log_err(errno, "histograms cannot be read");
	d->dumps.hist = d->hist;
}

static const char *stream_name(unsigned number)
{
	unsigned nr;
	const struct fr_stream *all = fr_streams(&nr);

	for (unsigned i = 0; i < nr; i++)
		if (all[i].number == number)
			return all[i].name;
	return "unknown";
}

static const struct fr_call_name *call_of(unsigned key)
{
	for (unsigned i = 0; i < fr_nr_calls; i++)
		if (fr_calls[i].id == key)
			return &fr_calls[i];
	return NULL;
}

static void put_key(FILE *f, const char *prefix, uint64_t id)
{
	const struct fr_call_name *call = call_of(FR_HIST_ID_KEY(id));
	const char *op = hist_key_op(FR_HIST_ID_KEY(id));
	bool net = FR_HIST_ID_STREAM(id) == FR_STREAM_NET;

	if (!op)
		op = call ? call->op : "unknown";
	if (net && !strcmp(op, "read")) /* as the rows of net are called */
		op = "receive";
	else if (net && !strcmp(op, "write"))
		op = "send";
	fprintf(f, "%sstream=%s\n%sop=%s\n", prefix,
		FR_HIST_ID_KEY(id) == FR_HIST_ANY ?
			"any" :
			stream_name(FR_HIST_ID_STREAM(id)),
		prefix, op);
	if (call)
		fprintf(f, "%scall=%s\n", prefix, call->call);
}

static void put_row(FILE *f, const struct hist_reading *r, unsigned row,
		    unsigned number)
{
	const struct hist_row_sum *sum = &r->rows[row];
	static const struct {
		const char *name;
		uint32_t ppm;
	} quantiles[] = { { "p50_ns", HIST_P50 },
			  { "p90_ns", HIST_P90 },
			  { "p99_ns", HIST_P99 },
			  { "p999_ns", HIST_P999 },
			  { "max_ns", HIST_MAX } };
	uint64_t counts[FR_HIST_BUCKETS] = { 0 };
	uint32_t dev = FR_HIST_ID_DEV(sum->id);
	char prefix[32], text[HIST_TEXT_MAX];

	snprintf(prefix, sizeof(prefix), "hist.row.%u.", number);
	put_key(f, prefix, sum->id);
	if (sum->cgroup == FR_HIST_OTHERS)
		fprintf(f, "%sdevice=others\n%scgroup=others\n", prefix,
			prefix);
	else if (dev == FR_HIST_NO_DEV)
		fprintf(f, "%sdevice=\n%scgroup=%" PRIu64 "\n", prefix, prefix,
			sum->cgroup);
	else
		fprintf(f, "%sdevice=%u:%u\n%scgroup=%" PRIu64 "\n", prefix,
			dev >> 20, dev & 0xfffff, prefix, sum->cgroup);
	fprintf(f, "%scount=%" PRIu64 "\n%ssum_ns=%" PRIu64 "\n", prefix,
		sum->count, prefix, sum->sum_ns);
	hist_row_counts(r, row, counts);
	for (unsigned i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
		fprintf(f, "%s%s=%" PRIu64 "\n", prefix, quantiles[i].name,
			hist_quantile(counts, quantiles[i].ppm));
	hist_text(counts, text, sizeof(text));
	fprintf(f, "%sbuckets=%s\n", prefix, text);
}

struct order {
	uint64_t count;
	unsigned row;
};

static int compare_counts(const void *p, const void *q)
{
	const struct order *x = p, *y = q;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

/* Busiest first. */
static void put_rows(FILE *f, const struct hist_reading *r)
{
	struct order *o = calloc(r->nr_rows + 1u, sizeof(*o));
	unsigned nr = r->nr_rows < ROWS_TOLD ? r->nr_rows : ROWS_TOLD;

	if (!o)
		return;
	for (unsigned i = 0; i < r->nr_rows; i++)
		o[i] = (struct order){ r->rows[i].count, i };
	qsort(o, r->nr_rows, sizeof(*o), compare_counts);
	for (unsigned i = 0; i < nr; i++)
		put_row(f, r, o[i].row, i);
	fprintf(f, "hist.rows_not_told=%u\n", r->nr_rows - nr);
	free(o);
}

void status_put_hist(FILE *f, const struct daemon *d, uint64_t now_ns)
{
	struct hist_reading r;
	unsigned used, of;

	if (!d->hist)
		return;
	used = hist_rows_used(d->hist, &of);
	fprintf(f, "memory.hist_bytes=%zu\n", hist_bytes(d->hist));
	fprintf(f, "hist.since_s=%.6f\n",
		(double)(now_ns - hist_since(d->hist)) / 1e9);
	fprintf(f, "hist.rows_used=%u\nhist.rows=%u\n", used, of);
	if (!hist_read(d->hist, now_ns, &r))
		put_rows(f, &r);
	hist_reading_free(&r);
}
