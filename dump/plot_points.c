/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plot_points.c - from values that were told when they changed to points.
 *
 * A value is valid until the next one of its metric, or a full set of its collector
 * that lacks it; where ticks stayed away, there is a gap.
 */
#include <math.h>
#include <stdlib.h>

#include "dump/plot_impl.h"
#include "triggers/counter_step.h"

#define GAP 2.5 /* usual distances without a tick */

static int compare_u64(const void *p, const void *q)
{
	const uint64_t *x = p, *y = q;

	return *x < *y ? -1 : *x > *y;
}

static bool is_drawing(const struct plot_series *s)
{
	return s->nr && !isnan(s->points[s->nr - 1].value);
}

static void put_point(struct gather *g, struct plot_series *s, uint64_t ts,
		      double value)
{
	struct plot_point *at;

	if (isnan(value) && !is_drawing(s))
		return; /* one says as much as many */
	at = plot_room_for(g, s->points, s->nr, &s->room, sizeof(*at));
	if (!at)
		return;
	s->points = at;
	s->points[s->nr++] = (struct plot_point){ ts, value };
}

/* What holds at the end of the span, holds until there. */
static void add_beyond(struct gather *g, struct plot_series *s, double value)
{
	if (!is_drawing(s) || s->points[s->nr - 1].ts >= g->p->to_ns)
		return;
	if (!s->is_counter)
		value = s->points[s->nr - 1].value;
	put_point(g, s, g->p->to_ns, value); /* NAN, too: it ends there */
}

static void add_point(struct gather *g, struct plot_series *s, uint64_t ts,
		      double value)
{
	if (ts > g->p->to_ns) {
		add_beyond(g, s, value);
		return;
	}
	if (ts < g->p->from_ns) { /* the last one before goes on */
		if (s->is_counter)
			return;
		s->nr = 0;
		ts = g->p->from_ns;
	}
	put_point(g, s, ts, value);
}

uint64_t plot_usual_distance(const struct times *t)
{
	uint64_t *d = t->nr > 1 ? malloc((t->nr - 1) * sizeof(*d)) : NULL;
	uint64_t middle = 0;

	for (size_t i = 1; d && i < t->nr; i++)
		d[i - 1] = t->ns[i] - t->ns[i - 1];
	if (d) {
		qsort(d, t->nr - 1, sizeof(*d), compare_u64);
		middle = d[(t->nr - 1) / 2];
	}
	free(d);
	return middle;
}

/* Where ticks stayed away for long between the two: the last before that; 0: nowhere. */
static uint64_t find_gap(const struct times *ticks, uint64_t usual,
			 uint64_t from, uint64_t to)
{
	size_t low = 0, high = ticks->nr;
	uint64_t before = from;

	if (!usual || (double)(to - from) <= GAP * (double)usual)
		return 0;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ticks->ns[mid] <= from)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < ticks->nr && ticks->ns[low] < to; low++) {
		if ((double)(ticks->ns[low] - before) > GAP * (double)usual)
			return before;
		before = ticks->ns[low];
	}
	return (double)(to - before) > GAP * (double)usual ? before : 0;
}

static bool is_full(const struct times *full, uint64_t ts)
{
	return full->nr &&
	       bsearch(&ts, full->ns, full->nr, sizeof(ts), compare_u64);
}

static double growth_of(const struct plot_series *s, int64_t before,
			int64_t now, uint64_t ns)
{
	int64_t growth;

	if (!ns || counter_step(before, now, s->wrap, &growth) == COUNTER_RESET)
		return NAN;
	return (double)growth / s->scale * 1e9 / (double)ns;
}

/* The first of a stretch begins where its time begins. */
static void add_rate(struct gather *g, struct plot_series *s, uint64_t before,
		     uint64_t ts, double rate)
{
	if (before < g->p->from_ns)
		before = g->p->from_ns;
	if (ts > before && !is_drawing(s) && !isnan(rate))
		add_point(g, s, before, rate);
	add_point(g, s, ts, rate);
}

/* How far a series is while its points are made. */
struct pen {
	struct gather *g;
	struct plot_series *s;
	int64_t now, before; /* values */
	uint64_t before_ns;  /* of that before; 0: a stretch begins */
	bool known;
};

static void lift(struct pen *p, uint64_t ts)
{
	add_point(p->g, p->s, ts, NAN);
	p->before_ns = 0;
}

/* The value is the same until then. */
static void hold(struct pen *p, uint64_t ts)
{
	if (!p->known || !p->before_ns || ts <= p->before_ns)
		return;
	if (p->s->is_counter)
		add_rate(p->g, p->s, p->before_ns, ts, 0);
	else
		add_point(p->g, p->s, ts, (double)p->now / p->s->scale);
	p->before_ns = ts;
}

/* The last one; 0: none. */
static uint64_t tick_before(const struct times *ticks, uint64_t ts)
{
	size_t low = 0, high = ticks->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ticks->ns[mid] < ts)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? ticks->ns[low - 1] : 0;
}

/* From one round to the next, or to the end.  ${look}: the last one in between. */
static void bridge(struct pen *p, uint64_t from, uint64_t to, uint64_t look)
{
	uint64_t gap = find_gap(&p->g->ticks, p->g->usual, from, to);

	if (gap) {
		/* It may have been looked at once in many ticks only. */
		if (!p->s->is_counter)
			hold(p, gap);
		lift(p, gap + 1);
	} else if (look > from && look < to) {
		hold(p, look);
	} else if (!look && !p->s->is_counter) {
		hold(p, tick_before(&p->g->ticks, to));
	}
}

static void step(struct pen *p, uint64_t ts)
{
	if (!p->known) {
		lift(p, ts);
		return;
	}
	if (!p->s->is_counter)
		add_point(p->g, p->s, ts, (double)p->now / p->s->scale);
	else if (p->before_ns)
		add_rate(p->g, p->s, p->before_ns, ts,
			 growth_of(p->s, p->before, p->now, ts - p->before_ns));
	p->before = p->now;
	p->before_ns = ts;
}

/* Told in this round?  A damaged file may have a metric twice in one: the last holds. */
static bool take_sample(struct pen *p, size_t *n, uint64_t ts)
{
	const struct plot_series *s = p->s;
	bool told = false;

	for (; *n < s->nr_samples && s->samples[*n].ts <= ts; ++*n)
		if (s->samples[*n].ts == ts) {
			p->now = s->samples[*n].raw;
			told = true;
		}
	return told;
}

/* The value holds as long as somebody looked. */
static void end_points(struct pen *p, const struct rounds *rounds)
{
	const struct times *ticks = &p->g->ticks;
	uint64_t last, end = ticks->nr ? ticks->ns[ticks->nr - 1] : 0;

	if (!rounds->nr)
		return;
	last = rounds->all[rounds->nr - 1].ts;
	if (p->s->is_counter)
		end = rounds->last_look;
	if (end > last)
		bridge(p, last, end + 1, end);
}

static void draw_points(struct gather *g, struct plot_series *s)
{
	const struct rounds *rounds = &g->rounds[s->collector];
	struct pen p = { .g = g, .s = s };
	size_t n = 0;

	for (size_t i = 0; i < rounds->nr; i++) {
		const struct round *r = &rounds->all[i];
		bool told;

		if (i)
			bridge(&p, rounds->all[i - 1].ts, r->ts, r->before);
		told = take_sample(&p, &n, r->ts);
		if (!told && is_full(&g->full[s->collector], r->ts))
			p.known = false;
		else
			p.known |= told;
		step(&p, r->ts);
	}
	end_points(&p, rounds);
}

/* A rate is that of the time before its point, any other value that of the time behind:
 * each counts as long as it held. */
static void sum_up(struct plot_series *s)
{
	double sum = 0, all_ns = 0;

	s->min = s->max = s->last = s->mean = NAN;
	for (size_t i = 0; i < s->nr; i++) {
		const struct plot_point *at = &s->points[i];
		double v = at->value, ns;

		if (isnan(v))
			continue;
		s->min = fmin(s->min, v);
		s->max = fmax(s->max, v);
		s->last = v;
		if (!i || isnan(at[-1].value))
			continue;
		ns = (double)(at->ts - at[-1].ts);
		sum += (s->is_counter ? v : at[-1].value) * ns;
		all_ns += ns;
	}
	s->mean = all_ns > 0 ? sum / all_ns : s->last;
}

void plot_make_points(struct gather *g, struct plot_series *s)
{
	draw_points(g, s);
	sum_up(s);
}
