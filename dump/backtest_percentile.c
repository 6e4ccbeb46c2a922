/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backtest_percentile.c - percentiles, by the detector itself: its looks are given
 * counts of the recorded operations instead of the kernel's.
 *
 * When the recorder looked is not known, only how often.  So the looks begin at
 * several moments; if not all find the same, the rule is undecidable.
 */
#include "dump/backtest_impl.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "triggers/inbox.h"
#include "triggers/look.h"

#define PHASES    4
#define STEPS     10 /* looks in a window, as in detectors/percentile.c */
#define LOOKS_MAX 1000000

struct bt_op {
	uint64_t end, dur;
};

/* What is counted so far: the world of the looks. */
struct counted {
	const struct bt_op *ops;
	size_t nr, next;
	uint64_t counts[FR_HIST_BUCKETS], total;
	/* as of the last looks, to tell what came nearest */
	uint64_t past[STEPS + 1][FR_HIST_BUCKETS];
	unsigned looks;
};
struct phase {
	struct backtest *b;
	struct bt_cond *c;
	bool keep;      /* the changes */
	unsigned nr_on; /* how often it came true */
};

void bt_percentile_take(struct backtest *b, struct bt_cond *c,
			const struct bt_event *e)
{
	struct bt_op *to = bt_add(b, &c->ops, sizeof(*to));

	if (to)
		*to = (struct bt_op){ e->end, e->ev.dur };
}

static int compare_ops(const void *p, const void *q)
{
	const struct bt_op *x = p, *y = q;

	return x->end < y->end ? -1 : x->end > y->end;
}

static void count_until(struct counted *k, uint64_t ns)
{
	for (; k->next < k->nr && k->ops[k->next].end <= ns; k->next++) {
		k->counts[hist_bucket_of(k->ops[k->next].dur)]++;
		k->total++;
	}
}

/* Filters were applied already. */
static uint64_t give_counts(void *arg, const uint64_t *keys, uint32_t streams,
			    int64_t dev, uint64_t cgroup, uint64_t *counts)
{
	const struct counted *k = arg;

	(void)keys, (void)streams, (void)dev, (void)cgroup;
	memcpy(counts, k->counts, sizeof(k->counts));
	return k->total;
}

static void take_change(void *arg, const struct engine_hit *h)
{
	struct phase *p = arg;
	struct bt_change *to;

	p->nr_on += h->change == HIT_ON;
	if (!p->keep)
		return;
	to = bt_add(p->b, &p->b->changes, sizeof(*to));
	if (!to)
		return;
	to->ns = h->hit_ns;
	to->cond = (unsigned)(p->c - p->b->conds);
	to->row = BACKTEST_NO_ROW;
	to->hit = *h;
}

static void note_nearest(struct bt_cond *c, struct counted *k)
{
	uint64_t window[FR_HIST_BUCKETS], *now, *then, n = 0, value;

	now = k->past[k->looks % (STEPS + 1)];
	memcpy(now, k->counts, sizeof(k->counts));
	if (k->looks++ < STEPS)
		return;
	then = k->past[k->looks % (STEPS + 1)];
	for (unsigned i = 0; i < FR_HIST_BUCKETS; i++)
		n += window[i] = now[i] - then[i];
	if (n < c->c->min_count)
		return;
	value = hist_quantile(window, (uint32_t)lround(c->c->quantile * 1e6));
	c->windows++;
	if ((double)value > c->extreme)
		c->extreme = (double)value;
}

/* Looks from ${begin} on, as the lookout does. */
static int run_phase(struct phase *p, struct counted *k, struct inbox *in,
		     uint64_t begin)
{
	struct look_world world = { .counts = give_counts,
				    .counts_arg = k,
				    .root = "" };
	struct look l = { .cond = *p->c->c, .world = &world, .in = in };
	const struct detector_ops *ops = l.cond.ops;
	int r;

	l.cond.where.set = 0;
	r = ops->look_open(&l, begin);
	if (r)
		return r;
	for (unsigned n = 0; l.due_ns <= p->b->end && n < LOOKS_MAX; n++) {
		uint64_t ns = l.due_ns;

		count_until(k, ns);
		ops->look(&l, ns);
		note_nearest(p->c, k);
		inbox_drain(in, take_change, p);
	}
	p->keep = false; /* what closing it says is no change */
	ops->look_close(&l);
	inbox_drain(in, take_change, p);
	return 0;
}

static void run_phases(struct backtest *b, struct bt_cond *c, struct inbox *in,
		       struct counted *k)
{
	uint64_t step = c->c->window_ns / STEPS, begin = bt_cover_begin(b);
	unsigned on = 0;

	for (unsigned i = 0; i < PHASES; i++) {
		struct phase p = { .b = b, .c = c, .keep = !i };

		memset(k, 0, sizeof(*k));
		k->ops = c->ops.data;
		k->nr = c->ops.nr;
		if (run_phase(&p, k, in, begin + i * step / PHASES))
			b->no_memory = true;
		on = i ? on : p.nr_on;
		c->unclear |= p.nr_on != on;
	}
	c->met = on;
	c->too_long = (b->end - begin) / step >= LOOKS_MAX;
}

void bt_percentile(struct backtest *b)
{
	struct counted *k = malloc(sizeof(*k));
	struct inbox *in = inbox_new();

	for (unsigned i = 0; k && in && i < b->nr_conds; i++) {
		struct bt_cond *c = &b->conds[i];

		if (c->kind != BT_PERCENTILE)
			continue;
		if (c->ops.nr)
			qsort(c->ops.data, c->ops.nr, sizeof(struct bt_op),
			      compare_ops);
		run_phases(b, c, in, k);
	}
	if (!k || !in)
		b->no_memory = true;
	inbox_free(in);
	free(k);
}
