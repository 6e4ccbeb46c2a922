/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hist_records.c - readings as records, and those of the last minutes. */
#include "recorder/hist_impl.h"

#include <errno.h>
#include <flightrec/event.h>
#include <stdlib.h>
#include <string.h>

#define TAIL_MAX 4000 /* longer ones take several records */

static void *room(struct hist_records *r, size_t bytes)
{
	if (r->len + bytes > r->size) {
		size_t size = 2 * r->size + bytes + 4096;
		uint8_t *more = realloc(r->bytes, size);

		if (!more)
			return NULL;
		r->bytes = more;
		r->size = size;
	}
	return memset(r->bytes + r->len, 0, bytes);
}

static size_t padded(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

struct span { /* of time */
	uint64_t from, to;
	unsigned whole;
};

static void put_quantiles(struct fr_hist *rec,
			  const uint64_t counts[FR_HIST_BUCKETS])
{
	rec->p50 = hist_quantile(counts, HIST_P50);
	rec->p90 = hist_quantile(counts, HIST_P90);
	rec->p99 = hist_quantile(counts, HIST_P99);
	rec->p999 = hist_quantile(counts, HIST_P999);
	rec->longest = hist_quantile(counts, HIST_MAX);
}

/* One row.  Where its buckets do not fit into one record, the sum and all counts
 * are in the first one, the others have none. */
static int put_row(struct hist_records *r, const struct span *s,
		   const struct hist_row_sum *row,
		   const uint64_t counts[FR_HIST_BUCKETS])
{
	uint32_t from = 0;

	while (from < FR_HIST_BUCKETS) {
		struct fr_hist *rec = room(r, sizeof(*rec) + TAIL_MAX);
		bool first = !from;
		size_t len;

		if (!rec)
			return -ENOMEM;
		len = hist_pack(counts, &from, (uint8_t *)(rec + 1), TAIL_MAX);
		if (!len && !first)
			break;
		rec->head = FR_HEAD(0, 0, FR_T_hist, len);
		rec->ts = s->from;
		rec->dur = s->to - s->from;
		rec->cgroup = row->cgroup;
		rec->dev = FR_HIST_ID_DEV(row->id);
		rec->key = (uint16_t)row->id;
		rec->whole = (uint16_t)s->whole;
		if (first) {
			rec->count = hist_total(counts);
			rec->sum = row->sum_ns;
			put_quantiles(rec, counts);
		} else {
			rec->p50 = rec->p90 = rec->p99 = rec->p999 =
				rec->longest = ~0ull;
		}
		r->len += padded(sizeof(*rec) + len);
	}
	return 0;
}

static int compare_rows(const struct hist_row_sum *x,
			const struct hist_row_sum *y)
{
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->cgroup < y->cgroup ? -1 : x->cgroup > y->cgroup;
}

/* A row now, less what it was in ${before} (NULL: it is new). */
static int put_difference(struct hist_records *r, const struct span *s,
			  const struct hist_reading *now, unsigned i,
			  const struct hist_reading *before,
			  const struct hist_row_sum *old)
{
	uint64_t counts[FR_HIST_BUCKETS] = { 0 };
	struct hist_row_sum row = now->rows[i];

	hist_row_counts(now, i, counts);
	if (old) {
		row.sum_ns -= old->sum_ns;
		for (unsigned k = 0; k < old->nr; k++) {
			const struct hist_cell *c =
				&before->cells[old->first + k];

			counts[c->bucket] -= c->n;
		}
	}
	return put_row(r, s, &row, counts);
}

/* What was counted between the two; rows of both are in order, and those of the
 * earlier one are in the later one, too. */
static int put_between(struct hist_records *r,
		       const struct hist_reading *before,
		       const struct hist_reading *now)
{
	struct span s = { .from = before->at_ns, .to = now->at_ns };
	unsigned j = 0;
	int err = 0;

	for (unsigned i = 0; !err && i < now->nr_rows; i++) {
		const struct hist_row_sum *row = &now->rows[i], *old = NULL;

		while (j < before->nr_rows &&
		       compare_rows(&before->rows[j], row) < 0)
			j++;
		if (j < before->nr_rows && !compare_rows(&before->rows[j], row))
			old = &before->rows[j];
		if (!old || row->count != old->count)
			err = put_difference(r, &s, now, i, before, old);
	}
	return err;
}

/* ---- minutes ------------------------------------------------------------------- */
static void forget(struct hist *h, unsigned minute)
{
	struct hist_records *r = &h->minutes[minute % HIST_MINUTES];

	h->minutes_bytes -= r->size;
	hist_records_free(r);
}

static void keep(struct hist *h, struct hist_records *r)
{
	uint8_t *bytes = realloc(r->bytes, r->len ? r->len : 1);

	if (bytes) { /* no more than it needs */
		r->bytes = bytes;
		r->size = r->len;
	}
	forget(h, h->nr_minutes);
	for (unsigned i = 1; i < HIST_MINUTES &&
			     h->minutes_bytes + r->size > HIST_MINUTES_BYTES;
	     i++)
		forget(h, h->nr_minutes + i); /* oldest first */
	h->minutes_bytes += r->size;
	h->minutes[h->nr_minutes++ % HIST_MINUTES] = *r;
}

void hist_tick(struct hist *h, uint64_t now_ns)
{
	struct hist_records r = { 0 };
	struct hist_reading now;

	if (now_ns - h->last.at_ns < HIST_MINUTE_NS)
		return;
	if (hist_read(h, now_ns, &now) || put_between(&r, &h->last, &now)) {
		/* the minute then becomes part of the next one */
		hist_reading_free(&now);
		hist_records_free(&r);
		return;
	}
	keep(h, &r);
	hist_reading_free(&h->last);
	h->last = now;
}

/* ---- for a snapshot -------------------------------------------------------------- */
static int put_whole(struct hist_records *r, const struct hist *h,
		     const struct hist_reading *now)
{
	struct span s = { .from = h->since_ns, .to = now->at_ns, .whole = 1 };
	int err = 0;

	for (unsigned i = 0; !err && i < now->nr_rows; i++) {
		uint64_t counts[FR_HIST_BUCKETS] = { 0 };

		hist_row_counts(now, i, counts);
		err = put_row(r, &s, &now->rows[i], counts);
	}
	return err;
}

static int put_minutes(struct hist_records *r, const struct hist *h)
{
	for (unsigned i = 0; i < HIST_MINUTES; i++) {
		const struct hist_records *m =
			&h->minutes[(h->nr_minutes + i) % HIST_MINUTES];

		if (!m->len)
			continue;
		if (!room(r, m->len))
			return -ENOMEM;
		memcpy(r->bytes + r->len, m->bytes, m->len);
		r->len += m->len;
	}
	return 0;
}

int hist_take(struct hist *h, uint64_t now_ns, struct hist_records *ret)
{
	struct hist_reading now;
	int err;

	ret->len = 0;
	err = hist_read(h, now_ns, &now);
	if (!err)
		err = put_whole(ret, h, &now);
	if (!err)
		err = put_minutes(ret, h);
	if (!err)
		err = put_between(ret, &h->last, &now);
	hist_reading_free(&now);
	if (err)
		ret->len = 0;
	return err;
}

const uint8_t *hist_next(const struct hist_records *r, size_t *pos,
			 size_t *ret_len)
{
	const uint8_t *at = r->bytes + *pos;
	uint64_t head;

	if (*pos + sizeof(struct fr_hist) > r->len)
		return NULL;
	memcpy(&head, at, sizeof(head));
	*ret_len = sizeof(struct fr_hist) + FR_HEAD_AUX(head);
	*pos += padded(*ret_len);
	return *pos <= r->len ? at : NULL;
}

void hist_records_free(struct hist_records *r)
{
	free(r->bytes);
	*r = (struct hist_records){ 0 };
}
