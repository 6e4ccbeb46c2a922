/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hist.c - reads the histograms of the probes. */
#include "recorder/hist_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct hist *hist_open(const struct hist_maps *maps, uint64_t since_ns)
{
	struct hist *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->maps = *maps;
	h->since_ns = since_ns;
	h->last.at_ns = since_ns;
	return h;
}

void hist_close(struct hist *h)
{
	if (!h)
		return;
	hist_reading_free(&h->last);
	for (unsigned i = 0; i < HIST_MINUTES; i++)
		hist_records_free(&h->minutes[i]);
	free(h);
}

uint64_t hist_since(const struct hist *h)
{
	return h->since_ns;
}

size_t hist_bytes(const struct hist *h)
{
	return h->maps.cpus *
	       (sizeof(struct fr_hist_index) +
		h->maps.rows_per_cpu * sizeof(struct fr_hist_row));
}

static unsigned used_of(const struct hist *h, unsigned cpu)
{
	unsigned used =
		__atomic_load_n(&h->maps.index[cpu].used, __ATOMIC_RELAXED);

	return used < h->maps.rows_per_cpu ? used : h->maps.rows_per_cpu;
}

unsigned hist_rows_used(const struct hist *h, unsigned *ret_of)
{
	unsigned most = 0;

	for (unsigned cpu = 0; cpu < h->maps.cpus; cpu++)
		if (used_of(h, cpu) > most)
			most = used_of(h, cpu);
	*ret_of = h->maps.rows_per_cpu;
	return most;
}

/* The row's id, 0: it is not in use yet.  Pairs with hist_take() of BPF: what is
 * read of the row afterwards belongs to it. */
static uint64_t id_of(const struct fr_hist_row *r)
{
	return __atomic_load_n(&r->id, __ATOMIC_ACQUIRE);
}

static const struct fr_hist_row *row_of(const struct hist *h, unsigned cpu,
					unsigned row)
{
	return &h->maps.rows[(size_t)cpu * h->maps.rows_per_cpu + row];
}

static uint64_t add_counts(const struct fr_hist_row *r,
			   uint64_t counts[FR_HIST_BUCKETS])
{
	uint64_t sum = 0;

	for (unsigned b = 0; b < FR_HIST_BUCKETS; b++) {
		uint64_t n = __atomic_load_n(&r->n[b], __ATOMIC_RELAXED);

		counts[b] += n;
		sum += n;
	}
	return sum;
}

static bool fits(const struct hist_filter *f, const struct fr_hist_row *r,
		 uint64_t id, bool any_key)
{
	uint32_t key = FR_HIST_ID_KEY(id);

	if (!id || (!any_key && !(f->keys[key / 64] >> key % 64 & 1)))
		return false;
	if (f->streams && !(f->streams >> (FR_HIST_ID_STREAM(id) & 31) & 1))
		return false;
	if (f->dev >= 0 && FR_HIST_ID_DEV(id) != (uint32_t)f->dev)
		return false;
	return !f->cgroup || f->cgroup == r->cgroup;
}

uint64_t hist_read_filtered(const struct hist *h, const struct hist_filter *f,
			    uint64_t counts[FR_HIST_BUCKETS])
{
	bool any_key = true;
	uint64_t sum = 0;

	for (unsigned i = 0; i < FR_KEYS / 64; i++)
		any_key &= !f->keys[i];
	memset(counts, 0, FR_HIST_BUCKETS * sizeof(*counts));
	for (unsigned cpu = 0; cpu < h->maps.cpus; cpu++)
		for (unsigned i = 0; i < used_of(h, cpu); i++) {
			const struct fr_hist_row *r = row_of(h, cpu, i);

			if (fits(f, r, id_of(r), any_key))
				sum += add_counts(r, counts);
		}
	return sum;
}

uint64_t hist_read_counts(const struct hist *h,
			  const uint64_t keys[FR_KEYS / 64], int64_t dev,
			  uint64_t cgroup, uint64_t counts[FR_HIST_BUCKETS])
{
	struct hist_filter f = { .dev = dev, .cgroup = cgroup };

	memcpy(f.keys, keys, sizeof(f.keys));
	return hist_read_filtered(h, &f, counts);
}

/* ---- all rows ------------------------------------------------------------------ */
struct found {
	uint64_t id, cgroup;
	const struct fr_hist_row *row;
};

static int compare_found(const void *p, const void *q)
{
	const struct found *x = p, *y = q;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->cgroup < y->cgroup ? -1 : x->cgroup > y->cgroup;
}

/* The rows in use, equal ones of several CPUs together; how many, or -ENOMEM. */
static int find_rows(const struct hist *h, struct found **ret)
{
	struct found *f;
	size_t nr = 0, all = 0;

	for (unsigned cpu = 0; cpu < h->maps.cpus; cpu++)
		all += used_of(h, cpu);
	*ret = f = calloc(all + 1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	for (unsigned cpu = 0; cpu < h->maps.cpus; cpu++)
		for (unsigned i = 0; i < used_of(h, cpu) && nr < all; i++) {
			const struct fr_hist_row *r = row_of(h, cpu, i);

			f[nr].id = id_of(r);
			f[nr].cgroup = r->cgroup;
			f[nr].row = r;
			nr += f[nr].id != 0;
		}
	qsort(f, nr, sizeof(*f), compare_found);
	return (int)nr;
}

static int put_cells(struct hist_reading *r, struct hist_row_sum *row,
		     const uint64_t counts[FR_HIST_BUCKETS])
{
	if (r->nr_cells + FR_HIST_BUCKETS > r->size_cells) {
		unsigned size = 2 * r->size_cells + FR_HIST_BUCKETS;
		struct hist_cell *cells =
			realloc(r->cells, size * sizeof(*cells));

		if (!cells)
			return -ENOMEM;
		r->cells = cells;
		r->size_cells = size;
	}
	row->first = r->nr_cells;
	for (uint32_t b = 0; b < FR_HIST_BUCKETS; b++) {
		if (!counts[b])
			continue;
		r->cells[r->nr_cells].bucket = b;
		r->cells[r->nr_cells++].n = counts[b];
		row->count += counts[b];
	}
	row->nr = r->nr_cells - row->first;
	return 0;
}

/* Rows ${from} on that are one; where the next one begins, or -ENOMEM. */
static int sum_rows(struct hist_reading *r, const struct found *f, int from,
		    int nr)
{
	uint64_t counts[FR_HIST_BUCKETS] = { 0 };
	struct hist_row_sum *row = &r->rows[r->nr_rows];
	int i = from;

	*row = (struct hist_row_sum){ .id = f[i].id, .cgroup = f[i].cgroup };
	for (; i < nr && !compare_found(&f[i], &f[from]); i++) {
		row->sum_ns +=
			__atomic_load_n(&f[i].row->sum_ns, __ATOMIC_RELAXED);
		add_counts(f[i].row, counts);
	}
	if (put_cells(r, row, counts))
		return -ENOMEM;
	r->nr_rows += row->count != 0;
	return i;
}

int hist_read(const struct hist *h, uint64_t now_ns, struct hist_reading *ret)
{
	struct found *f;
	int nr, i = 0;

	*ret = (struct hist_reading){ .at_ns = now_ns };
	nr = find_rows(h, &f);
	if (nr < 0)
		return nr;
	ret->rows = calloc((size_t)nr + 1, sizeof(*ret->rows));
	while (ret->rows && i >= 0 && i < nr)
		i = sum_rows(ret, f, i, nr);
	free(f);
	return ret->rows && i >= 0 ? 0 : -ENOMEM;
}

void hist_reading_free(struct hist_reading *r)
{
	free(r->rows);
	free(r->cells);
	*r = (struct hist_reading){ .at_ns = r->at_ns };
}

void hist_row_counts(const struct hist_reading *r, unsigned row,
		     uint64_t counts[FR_HIST_BUCKETS])
{
	const struct hist_row_sum *sum = &r->rows[row];

	for (unsigned i = 0; i < sum->nr; i++) {
		const struct hist_cell *c = &r->cells[sum->first + i];

		counts[c->bucket] += c->n;
	}
}
