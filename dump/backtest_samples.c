/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backtest_samples.c - sampled values as the evaluator saw them.
 *
 * The ring holds what changed, the evaluator saw every value of every round.  So
 * a series has a value in each round of its collector, from its first one until a
 * full set lacks it; and rounds in which nothing changed are found by the ticks.
 */
#include "dump/backtest_impl.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collector.h"
#include "recorder/collector_spec.h"
#include "recorder/config.h"
#include "triggers/detector.h"

#define COLLECTORS_MAX 64
#define TICK_ROUND     UINT32_MAX /* no collector's: the tick itself */
#define STALE_GAPS     5          /* as in triggers/evaluator.c */
#define STALE_NS       1000000000ULL
#define STALE_ONCE_NS  300000000000ULL
#define CLOSE_NS       1000000ULL /* times of quiet rounds are as good as that */

/* ---- reading -------------------------------------------------------------------- */

/* Is any rule about metrics of that source, "meminfo"? */
static bool source_wanted(const struct backtest *b, const char *name)
{
	size_t n = strcspn(name, ".");

	for (unsigned i = 0; i < b->nr_conds; i++) {
		const struct bt_cond *c = &b->conds[i];

		if ((c->kind == BT_COUNTER || c->kind == BT_PRESSURE) &&
		    !strncmp(c->c->metric, name, n) && c->c->metric[n] == '.')
			return true;
	}
	return false;
}

static struct bt_series *series_at(struct backtest *b, struct view_cursor *c,
				   const struct view_sample *s, unsigned source)
{
	struct bt_series *all = b->series.data, *to;

	/* in one round metrics come in the order in which they came before */
	for (size_t n = 0; n < b->series.nr; n++) {
		size_t i = (b->last_series + 1 + n) % b->series.nr;

		if (all[i].metric != s->metric || all[i].source != source)
			continue;
		b->last_series = i;
		return &all[i];
	}
	to = bt_add(b, &b->series, sizeof(*to));
	if (!to)
		return NULL;
	view_get_text(c, view_find_column(b->v, "metric"), to->name,
		      sizeof(to->name));
	view_get_text(c, view_find_column(b->v, "unit"), to->unit,
		      sizeof(to->unit));
	to->metric = s->metric;
	to->collector = s->collector;
	to->scale = s->scale;
	to->wrap = s->wrap;
	to->source = source;
	to->is_counter = s->is_counter;
	return to;
}

static struct bt_round *round_at(struct backtest *b, uint64_t ns, uint64_t tick,
				 uint32_t collector, unsigned source)
{
	struct bt_round *last =
		b->rounds.nr ?
			(struct bt_round *)b->rounds.data + b->rounds.nr - 1 :
			NULL;

	if (last && last->ns == ns && last->collector == collector &&
	    last->source == source)
		return last;
	last = bt_add(b, &b->rounds, sizeof(*last));
	if (!last)
		return NULL;
	last->ns = ns;
	last->tick = tick;
	last->collector = collector;
	last->source = source;
	last->first = b->values.nr;
	return last;
}

static uint64_t number(struct backtest *b, struct view_cursor *c,
		       const char *column)
{
	unsigned i = view_find_column(b->v, column);
	uint64_t v = 0;

	if (i != VIEW_NO_COLUMN)
		view_get_u64(c, i, &v);
	return v;
}

static void add_value(struct backtest *b, struct view_cursor *c, uint64_t ns,
		      const struct view_sample *s, unsigned source)
{
	struct bt_series *series = series_at(b, c, s, source);
	struct bt_round *r;
	struct bt_value *v;

	if (!series || !source_wanted(b, series->name))
		return;
	r = round_at(b, ns, number(b, c, "tick"), s->collector, source);
	v = r ? bt_add(b, &b->values, sizeof(*v)) : NULL;
	if (!v)
		return;
	r->full = number(b, c, "full") == 1;
	r->nr++;
	v->series = (uint32_t)(series - (struct bt_series *)b->series.data);
	v->raw = s->raw;
}

/* Of ticks the rounds in which nothing changed are found later. */
void bt_samples_row(struct backtest *b, struct view_cursor *c)
{
	unsigned source = bt_source(b, view_row_file(c));
	struct view_sample s;
	uint64_t ns = 0;

	view_get_u64(c, VIEW_TS, &ns);
	ns = bt_time(b, view_row_file(c), ns);
	if (ns < b->begin || ns > b->end)
		return;
	if (view_get_sample(c, &s)) {
		if (s.collector < COLLECTORS_MAX)
			add_value(b, c, ns, &s, source);
	} else {
		char op[16];

		view_get_text(c, VIEW_OP, op, sizeof(op));
		if (!strcmp(op, "tick"))
			round_at(b, ns, number(b, c, "tick"), TICK_ROUND,
				 source);
	}
}

/* ---- rounds in which nothing changed ---------------------------------------------- */

static uint64_t period_of(const struct fr_config *c, const char *item)
{
	const struct collector_ops *ops;
	struct collector_spec spec;
	const char *what;

	if (collector_spec_parse(item, &spec, &what))
		return 0;
	ops = collector_find(spec.name);
	switch (spec.rate) {
	case RATE_FAST:
		return c->sampler_fast;
	case RATE_BASE:
		return c->sampler_period;
	case RATE_SLOW:
		return c->sampler_slow;
	case RATE_TIME:
		return spec.period_ns;
	default:
		return ops && ops->period_ns > c->sampler_period ?
			       ops->period_ns :
			       c->sampler_period;
	}
}

/* Ticks between two rounds of each collector, as recorder/sampler.c sets them. */
static void ticks_between(const struct fr_config *c,
			  uint64_t every[COLLECTORS_MAX])
{
	char item[COLLECTOR_NAME_MAX + COLLECTOR_LIST_MAX + 32];
	const char *list = c->sampler_collectors;
	uint64_t tick = c->sampler_period;
	unsigned nr = 1;

	while (nr < COLLECTORS_MAX &&
	       config_next_item(&list, item, sizeof(item))) {
		every[nr] = period_of(c, item);
		if (every[nr] && every[nr] < tick)
			tick = every[nr];
		nr++;
	}
	for (unsigned i = 1; i < nr; i++)
		every[i] = (every[i] + tick / 2) / tick;
}

struct quiet { /* of one recorder, while rounds are gone through */
	uint64_t every[COLLECTORS_MAX], turn[COLLECTORS_MAX];
	int64_t behind[COLLECTORS_MAX]; /* its tick */
	bool seen[COLLECTORS_MAX];
};

/* The rounds of the tick whose record is ${tick}: those that are there ... */
static void take_present(struct backtest *b, struct quiet *q,
			 const struct bt_round *tick, size_t from, size_t to)
{
	const struct bt_round *r = b->rounds.data;

	for (size_t i = from; i < to; i++) {
		uint32_t c = r[i].collector;

		if (c == TICK_ROUND || r[i].tick != tick->tick ||
		    r[i].source != tick->source || !q->every[c])
			continue;
		q->turn[c] = r[i].tick / q->every[c] + 1;
		q->behind[c] = (int64_t)(r[i].ns - tick->ns);
		q->seen[c] = true;
	}
}

/* ... and those that are not, of collectors that were due. */
static void add_quiet(struct backtest *b, struct quiet *q, struct bt_round tick)
{
	for (unsigned c = 1; c < COLLECTORS_MAX; c++) {
		struct bt_round *r;

		if (!q->seen[c] || !q->every[c] ||
		    q->turn[c] == tick.tick / q->every[c] + 1)
			continue;
		q->turn[c] = tick.tick / q->every[c] + 1;
		r = bt_add(b, &b->rounds, sizeof(*r));
		if (!r)
			return;
		*r = tick;
		r->ns = tick.ns + (uint64_t)q->behind[c];
		r->collector = c;
		r->full = false;
		r->quiet = true;
		r->nr = 0;
	}
}

static int compare_rounds(const void *p, const void *q)
{
	const struct bt_round *x = p, *y = q;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return x->collector < y->collector ? -1 : x->collector > y->collector;
}

static bool is_tick(const struct backtest *b, size_t i, unsigned source)
{
	const struct bt_round *r = (struct bt_round *)b->rounds.data + i;

	return r->collector == TICK_ROUND && r->source == source;
}

/* All rounds of a tick lie between its record and the next one's. */
static void find_quiet(struct backtest *b, unsigned source)
{
	size_t nr = b->rounds.nr;
	struct quiet q = { .seen = { false } };

	ticks_between(b->configs[source], q.every);
	for (size_t i = 0; i < nr; i++) {
		struct bt_round tick = ((struct bt_round *)b->rounds.data)[i];
		size_t to = i + 1;

		if (!is_tick(b, i, source))
			continue;
		while (to < nr && !is_tick(b, to, source))
			to++;
		take_present(b, &q, &tick, i + 1, to);
		add_quiet(b, &q, tick);
	}
}

/* ---- watches ------------------------------------------------------------------------ */

static void bind(struct backtest *b, unsigned cond, unsigned series)
{
	const struct bt_series *s = (struct bt_series *)b->series.data + series;
	struct bt_cond *c = &b->conds[cond];
	const struct detector_metric m = { .id = series,
					   .counter = s->is_counter,
					   .scale = s->scale,
					   .wrap = s->wrap,
					   .name = s->name,
					   .unit = s->unit };
	struct detector_watch w;
	struct bt_watch *to;
	int r = c->c->ops->bind(c->c, &m, &w);

	if (r < 0)
		bt_reason(b, c->rule,
			  "the unit of its limit does not fit %s: that metric "
			  "is left out",
			  s->name);
	if (r <= 0)
		return;
	to = bt_add(b, &b->watches, sizeof(*to));
	if (!to)
		return;
	to->cond = cond;
	to->series = series;
	to->w = w;
}

void bt_samples_finish(struct backtest *b)
{
	for (unsigned f = 0; f < view_nr_files(b->v) && !b->no_memory; f++)
		if (bt_source(b, f) == f && b->configs[f])
			find_quiet(b, f);
	if (b->rounds.nr)
		qsort(b->rounds.data, b->rounds.nr, sizeof(struct bt_round),
		      compare_rounds);
	for (unsigned i = 0; i < b->nr_conds; i++)
		for (size_t s = 0;
		     b->conds[i].kind == BT_COUNTER && s < b->series.nr; s++)
			bind(b, i, (unsigned)s);
}

/* ---- a round ------------------------------------------------------------------------ */

static void say(struct backtest *b, const struct bt_watch *w, uint64_t ns,
		enum hit_change change)
{
	const struct bt_series *s =
		(struct bt_series *)b->series.data + w->series;
	struct engine_hit h = { .hit_ns = ns,
				.change = change,
				.value = w->w.value };

	snprintf(h.metric, sizeof(h.metric), "%s", s->name);
	b->conds[w->cond].met += change == HIT_ON;
	bt_level(b, &b->conds[w->cond], ns, &h, BACKTEST_NO_ROW);
}

static void drop_stale(struct backtest *b, uint64_t ns)
{
	struct bt_watch *all = b->watches.data;

	for (size_t i = 0; i < b->watches.nr; i++) {
		struct detector_watch *w = &all[i].w;
		uint64_t limit = w->gap_ns ? STALE_GAPS * w->gap_ns + STALE_NS :
					     STALE_ONCE_NS;

		if (!w->over || ns <= w->last_ns || ns - w->last_ns <= limit)
			continue;
		if (w->on)
			say(b, &all[i], ns, HIT_OFF);
		w->on = w->over = w->seen = false;
	}
}

static void take_total(struct backtest *b, struct detector_watch *w,
		       unsigned source)
{
	const struct bt_series *s = b->series.data;

	if (!w->total[0])
		return;
	w->has_total = false;
	for (size_t i = 0; i < b->series.nr; i++) {
		if (s[i].source != source || !s[i].live ||
		    strcmp(s[i].name, w->total) != 0)
			continue;
		w->has_total = true;
		w->total_value = (double)s[i].last / s[i].scale;
	}
}

/* The value that came nearest to the limit, and how long it was over it. */
static void note_nearest(struct bt_cond *c, struct bt_watch *w,
			 const struct bt_series *s, uint64_t ns)
{
	bool first = !c->metric[0];

	if (!w->w.compared)
		return;
	c->seen++;
	if (first ||
	    (c->c->below ? w->w.value < c->extreme : w->w.value > c->extreme)) {
		c->extreme = w->w.value;
		snprintf(c->metric, sizeof(c->metric), "%s", s->name);
	}
	if (w->w.over && ns - w->w.since_ns > c->held_ns)
		c->held_ns = ns - w->w.since_ns;
}

/* Is whether it held long enough a matter of how well the time is known? */
static bool is_close(const struct detector_watch *w, uint64_t ns)
{
	uint64_t held = ns - w->since_ns;

	return w->over && w->for_ns && held + CLOSE_NS > w->for_ns &&
	       held < w->for_ns + CLOSE_NS;
}

static void show(struct backtest *b, unsigned series, uint64_t ns, bool quiet)
{
	struct bt_watch *all = b->watches.data;
	struct bt_series *s = (struct bt_series *)b->series.data + series;

	for (size_t i = 0; i < b->watches.nr; i++) {
		struct bt_watch *w = &all[i];
		struct bt_cond *c = &b->conds[w->cond];
		enum hit_change change;

		if (w->series != series)
			continue;
		take_total(b, &w->w, s->source);
		change = c->c->ops->sample(&w->w, ns, s->last);
		note_nearest(c, w, s, ns);
		c->nearly += quiet && is_close(&w->w, ns);
		if (change != HIT_EVENT)
			say(b, w, ns, change);
	}
}

static void take_values(struct backtest *b, const struct bt_round *r)
{
	const struct bt_value *v = (struct bt_value *)b->values.data + r->first;
	struct bt_series *s = b->series.data;

	for (size_t i = 0; r->full && i < b->series.nr; i++)
		if (s[i].collector == r->collector && s[i].source == r->source)
			s[i].live = false;
	for (size_t i = 0; i < r->nr; i++) {
		s[v[i].series].live = true;
		s[v[i].series].last = v[i].raw;
	}
}

void bt_samples_run(struct backtest *b, const struct bt_round *r)
{
	const struct bt_series *s = b->series.data;

	if (r->collector == TICK_ROUND)
		return;
	drop_stale(b, r->ns);
	take_values(b, r);
	for (size_t i = 0; i < b->series.nr; i++)
		if (s[i].live && s[i].collector == r->collector &&
		    s[i].source == r->source)
			show(b, (unsigned)i, r->ns, r->quiet);
}
