/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backtest_levels.c - levels that the recorder finds by looking: operations in
 * flight and pressure.  A snapshot shows neither at each moment, but often enough
 * to tell: how long an operation took says when it was over its limit, and totals of
 * PSI between two samples say how much at most, and at least, was in a window.
 */
#include "dump/backtest_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_NS 10000000ULL /* found within that time after the limit */

static struct bt_change *add_change(struct backtest *b, const struct bt_cond *c,
				    uint64_t ns, enum hit_change change)
{
	struct bt_change *to = bt_add(b, &b->changes, sizeof(*to));

	if (!to)
		return NULL;
	to->ns = ns;
	to->cond = (unsigned)(c - b->conds);
	to->row = BACKTEST_NO_ROW;
	to->hit.change = change;
	return to;
}

/* ---- in flight -------------------------------------------------------------------- */

struct sight { /* of an operation that was over a limit */
	unsigned cond;
	bool ended;
	uint64_t age;
	struct bt_event e;
};

void bt_inflight_take(struct backtest *b, const struct bt_cond *c,
		      const struct bt_event *e, uint64_t age, bool ended)
{
	struct sight *to = bt_add(b, &b->sights, sizeof(*to));

	if (to)
		*to = (struct sight){ (unsigned)(c - b->conds), ended, age,
				      *e };
}

/* The same operation under the same condition, its end first, next to each other. */
static int compare_sights(const void *p, const void *q)
{
	const struct sight *x = p, *y = q;

	if (x->cond != y->cond)
		return x->cond < y->cond ? -1 : 1;
	if (x->e.ts != y->e.ts)
		return x->e.ts < y->e.ts ? -1 : 1;
	if (x->e.tid != y->e.tid)
		return x->e.tid < y->e.tid ? -1 : 1;
	if (x->ended != y->ended)
		return x->ended ? -1 : 1;
	return x->age > y->age ? -1 : x->age < y->age;
}

static bool is_known(const struct sight *s, const struct sight *before)
{
	/* two block requests may begin at one time: each has an end */
	return s->cond == before->cond && s->e.ts == before->e.ts &&
	       s->e.tid == before->e.tid && !s->ended;
}

static void add_sight(struct backtest *b, const struct sight *s)
{
	struct bt_cond *c = &b->conds[s->cond];
	uint64_t start = s->e.end - s->age, limit = c->c->limit_ns;
	struct bt_change *on;

	c->met++;
	if (s->age < limit + LOOK_NS)
		c->nearly++;
	on = add_change(b, c, start + limit, HIT_ON);
	if (!on)
		return;
	on->row = s->e.row;
	on->hit.ts = s->e.ts;
	on->hit.dur = limit;
	on->hit.key = s->e.ev.key;
	on->hit.pid = s->e.ev.pid;
	on->hit.tid = s->e.tid;
	memcpy(on->hit.comm, s->e.ev.comm, sizeof(s->e.ev.comm));
	if (s->ended)
		add_change(b, c, start + s->age, HIT_OFF);
}

void bt_inflight(struct backtest *b)
{
	struct sight *s = b->sights.data;

	if (b->sights.nr)
		qsort(s, b->sights.nr, sizeof(*s), compare_sights);
	for (size_t i = 0; i < b->sights.nr; i++)
		if (!i || !is_known(&s[i], &s[i - 1]))
			add_sight(b, &s[i]);
}

/* ---- pressure --------------------------------------------------------------------- */

/* Samples of one total, in the order of time. */
struct total {
	uint64_t ns;
	int64_t stalled; /* so far, ns */
};
struct totals {
	const struct total *p;
	size_t nr;
};

/* "pressure.io.full" is sampled as "pressure.io.full_total". */
static bool is_total_of(const struct bt_series *s, const struct rule_cond *c)
{
	size_t n = strlen(c->metric);

	return !strncmp(s->name, c->metric, n) &&
	       !strcmp(s->name + n, "_total");
}

/* The value in that round, if it changed there. */
static bool value_in(const struct backtest *b, const struct bt_round *r,
		     const struct bt_cond *c, struct total *to)
{
	const struct bt_value *values = b->values.data;
	const struct bt_series *series = b->series.data;

	for (size_t i = r->first; i < r->first + r->nr; i++) {
		if (!is_total_of(&series[values[i].series], c->c))
			continue;
		to->stalled = values[i].raw;
		return true;
	}
	return false;
}

static void collect(struct backtest *b, const struct bt_cond *c,
		    struct bt_list *to)
{
	const struct bt_round *rounds = b->rounds.data, *of = NULL;
	struct total last = { 0 }, *p;

	for (size_t i = 0; i < b->rounds.nr; i++) {
		if (value_in(b, &rounds[i], c, &last))
			of = &rounds[i];
		if (!of || rounds[i].collector != of->collector ||
		    rounds[i].source != of->source)
			continue;
		p = bt_add(b, to, sizeof(*p));
		if (!p)
			return;
		last.ns = rounds[i].ns;
		*p = last;
	}
}

static double share(int64_t ns, uint64_t window_ns)
{
	return ns > 0 ? (double)ns * 100 / (double)window_ns : 0;
}

/* Of the window that ends at sample ${i}: what was in it for sure (in whole gaps
 * between samples), and what may have been. */
static void bounds(const struct totals *t, size_t i, uint64_t window,
		   double *ret_least, double *ret_most)
{
	size_t in = i, out;

	while (in > 0 && t->p[i].ns - t->p[in - 1].ns <= window)
		in--;
	out = in > 0 ? in - 1 : in;
	*ret_least = share(t->p[i].stalled - t->p[in].stalled, window);
	/* a window may begin and end between samples */
	if (i + 1 < t->nr)
		i++;
	*ret_most = share(t->p[i].stalled - t->p[out].stalled, window);
}

static void note(struct bt_cond *c, double least)
{
	if (c->seen && least <= c->extreme)
		return;
	c->extreme = least;
	snprintf(c->metric, sizeof(c->metric), "%s", c->c->metric);
}

static void follow(struct backtest *b, struct bt_cond *c,
		   const struct totals *t)
{
	double least, most, clear;
	bool on = false;

	clear = c->c->has_clear ? c->c->clear : c->c->limit;
	for (size_t i = 1; i < t->nr; i++) {
		struct bt_change *to = NULL;

		bounds(t, i, c->c->window_ns, &least, &most);
		note(c, least);
		c->seen++;
		if (!on && least <= c->c->limit && most > c->c->limit) {
			c->unclear_ns = c->unclear ? c->unclear_ns : t->p[i].ns;
			c->unclear = true;
		}
		if (!on && least > c->c->limit)
			to = add_change(b, c, t->p[i].ns, HIT_ON);
		else if (on && least <= clear)
			to = add_change(b, c, t->p[i].ns, HIT_OFF);
		if (!to)
			continue;
		on = !on;
		c->met += on;
		to->hit.value = least;
		snprintf(to->hit.metric, sizeof(to->hit.metric), "%s",
			 c->c->metric);
	}
}

void bt_pressure(struct backtest *b)
{
	for (unsigned i = 0; i < b->nr_conds; i++) {
		struct bt_cond *c = &b->conds[i];
		struct bt_list list = { 0 };
		struct totals t;

		if (c->kind != BT_PRESSURE || c->c->where.set)
			continue;
		collect(b, c, &list);
		t.p = list.data;
		t.nr = list.nr;
		follow(b, c, &t);
		free(list.data);
	}
}
