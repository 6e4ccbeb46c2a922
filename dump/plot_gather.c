/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plot_gather.c - from sampled rows to points.
 *
 * A round may hold only what changed: a value is valid until the next one of its
 * metric, or a full set of its collector that lacks it.  So points are made for each
 * round of the collector, not for each row, and for its last look before that, as
 * rounds without a change leave nothing but their tick.
 */
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dump/escape.h"
#include "dump/plot.h"
#include "dump/view_rounds.h"
#include "triggers/counter_step.h"

#define NAME_MAX_BYTES 160
#define COLLECTORS_MAX 256
#define METRICS_MAX    65536
#define GAP            2.5 /* usual distances without a tick */

struct times {
	uint64_t *ns;
	size_t nr, room;
};

struct rounds {
	struct round {
		uint64_t ts, before; /* before: its last look; 0: not known */
	} * all;
	size_t nr, room;
	uint64_t last_look;
};

struct gather {
	struct plot *p;
	struct view *v;
	struct view_cursor *c;
	char **globs;
	unsigned nr_globs;
	bool *found; /* [nr_globs] */
	struct view_rounds *looks;
	unsigned metric, unit; /* columns */
	uint32_t *index;       /* by number of a metric: series + 1, or NONE */
	struct rounds rounds[COLLECTORS_MAX];
	struct times full[COLLECTORS_MAX], ticks;
	unsigned room;
	uint64_t usual; /* distance of ticks */
	bool no_memory;
};

#define NONE UINT32_MAX /* not asked for */

static void *room_for(struct gather *g, void *at, size_t nr, size_t *room,
		      size_t size)
{
	size_t more = *room ? 2 * *room : 64;
	void *grown;

	if (nr < *room)
		return at;
	grown = realloc(at, more * size);
	if (!grown) {
		g->no_memory = true;
		return NULL;
	}
	*room = more;
	return grown;
}

/* Times come in order; each once. */
static void add_time(struct gather *g, struct times *t, uint64_t ns)
{
	uint64_t *at;

	if (t->nr && t->ns[t->nr - 1] >= ns)
		return;
	at = room_for(g, t->ns, t->nr, &t->room, sizeof(*at));
	if (!at)
		return;
	t->ns = at;
	t->ns[t->nr++] = ns;
}

/* ---- rows ------------------------------------------------------------------------ */

static void add_round(struct gather *g, const struct view_sample *s,
		      uint64_t ts)
{
	struct rounds *r = &g->rounds[s->collector];
	struct round *at;

	if (r->nr && r->all[r->nr - 1].ts >= ts)
		return;
	at = room_for(g, r->all, r->nr, &r->room, sizeof(*at));
	if (!at)
		return;
	r->all = at;
	r->all[r->nr++] =
		(struct round){ ts, view_rounds_before(g->looks, 0, s->tick,
						       s->every) };
	r->last_look = view_rounds_before(g->looks, 0, UINT64_MAX, s->every);
}

static bool is_wanted(const struct gather *g, const char *name)
{
	bool wanted = false;

	for (unsigned i = 0; i < g->nr_globs; i++)
		if (!fnmatch(g->globs[i], name, 0))
			wanted = g->found[i] = true;
	return wanted;
}

/* What reaches terminals and pictures. */
static char *plain(const char *text)
{
	size_t n = strlen(text);
	char *s = malloc(n * ESCAPE_GROWTH + 1);

	if (s)
		s[escape_text(s, text, n, ESCAPE_CONTROLS)] = '\0';
	return s;
}

/* Whole characters only. */
static void get_unit(struct gather *g, struct plot_series *s)
{
	char text[sizeof(s->unit)];
	char *unit;
	size_t n;

	view_get_text(g->c, g->unit, text, sizeof(text));
	unit = plain(text);
	if (!unit)
		return;
	n = strlen(unit);
	if (n >= sizeof(s->unit))
		for (n = sizeof(s->unit) - 1; n && (unit[n] & 0xc0) == 0x80;)
			n--;
	memcpy(s->unit, unit, n);
	s->unit[n] = '\0';
	free(unit);
}

static struct plot_series *
new_series(struct gather *g, const struct view_sample *sample, const char *name)
{
	struct plot *p = g->p;
	struct plot_series *s;
	size_t room = g->room;

	s = room_for(g, p->series, p->nr, &room, sizeof(*s));
	if (!s)
		return NULL;
	g->room = (unsigned)room;
	p->series = s;
	s = &p->series[p->nr++];
	*s = (struct plot_series){ .is_counter = sample->is_counter && !p->raw,
				   .collector = sample->collector,
				   .wrap = sample->wrap,
				   .scale = sample->scale };
	s->name = plain(name);
	g->no_memory |= !s->name;
	get_unit(g, s);
	g->index[sample->metric] = p->nr;
	return s;
}

static struct plot_series *series_of(struct gather *g,
				     const struct view_sample *sample)
{
	uint32_t at = g->index[sample->metric];
	char name[NAME_MAX_BYTES];

	if (at == NONE)
		return NULL;
	if (at)
		return &g->p->series[at - 1];
	view_get_text(g->c, g->metric, name, sizeof(name));
	if (is_wanted(g, name))
		return new_series(g, sample, name);
	g->index[sample->metric] = NONE;
	return NULL;
}

static void add_sample(struct gather *g, uint64_t ts)
{
	struct view_sample sample;
	struct plot_series *s;
	struct plot_sample *at;

	if (!view_get_sample(g->c, &sample) || sample.metric >= METRICS_MAX ||
	    sample.collector >= COLLECTORS_MAX)
		return;
	add_round(g, &sample, ts);
	s = series_of(g, &sample);
	if (!s)
		return;
	at = room_for(g, s->samples, s->nr_samples, &s->room_samples,
		      sizeof(*at));
	if (!at)
		return;
	s->samples = at;
	s->samples[s->nr_samples++] = (struct plot_sample){ ts, sample.raw };
}

static void add_row(struct gather *g)
{
	char op[16];
	uint64_t ts;

	if (!view_get_u64(g->c, VIEW_TS, &ts))
		return;
	view_get_text(g->c, VIEW_OP, op, sizeof(op));
	if (!strcmp(op, "tick"))
		add_time(g, &g->ticks, ts);
	else
		add_sample(g, ts);
}

static int compare_u64(const void *p, const void *q)
{
	const uint64_t *x = p, *y = q;

	return *x < *y ? -1 : *x > *y;
}

static void add_full_set(void *arg, uint32_t collector, uint64_t ts)
{
	struct gather *g = arg;
	struct times *t;
	uint64_t *at;

	if (collector >= COLLECTORS_MAX)
		return;
	t = &g->full[collector];
	at = room_for(g, t->ns, t->nr, &t->room, sizeof(*at));
	if (!at)
		return;
	t->ns = at;
	t->ns[t->nr++] = ts;
}

static int compare_rounds(const void *p, const void *q)
{
	const struct round *x = p, *y = q;

	if (x->ts != y->ts)
		return x->ts < y->ts ? -1 : 1;
	return (x->before < y->before) - (x->before > y->before);
}

/* A full set is a round even if it is empty: then all is gone. */
static void add_full_rounds(struct gather *g, unsigned collector)
{
	struct rounds *r = &g->rounds[collector];
	const struct times *full = &g->full[collector];
	size_t kept = 0;

	for (size_t i = 0; i < full->nr && !g->no_memory; i++) {
		struct round *at =
			room_for(g, r->all, r->nr, &r->room, sizeof(*at));

		if (!at)
			return;
		r->all = at;
		r->all[r->nr++] = (struct round){ full->ns[i], 0 };
	}
	if (full->nr && r->nr)
		qsort(r->all, r->nr, sizeof(*r->all), compare_rounds);
	for (size_t i = 0; full->nr && i < r->nr; i++)
		if (!kept || r->all[kept - 1].ts != r->all[i].ts)
			r->all[kept++] = r->all[i];
	r->nr = full->nr ? kept : r->nr;
}

/* ---- points ---------------------------------------------------------------------- */

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
	at = room_for(g, s->points, s->nr, &s->room, sizeof(*at));
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

static uint64_t usual_distance(const struct times *t)
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

static void make_points(struct gather *g, struct plot_series *s)
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

static int by_name(const void *p, const void *q)
{
	const struct plot_series *x = p, *y = q;

	return strcmp(x->name, y->name);
}

static const char *missing(const struct gather *g)
{
	for (unsigned i = 0; i < g->nr_globs; i++)
		if (!g->found[i])
			return g->globs[i];
	return NULL;
}

static void gather_all(struct gather *g)
{
	for (size_t i = 0; !g->no_memory && i < view_nr_rows(g->v); i++) {
		view_seek(g->c, i);
		add_row(g);
	}
	view_full_sets(g->v, add_full_set, g);
	for (unsigned i = 0; i < COLLECTORS_MAX; i++)
		if (g->full[i].nr)
			qsort(g->full[i].ns, g->full[i].nr,
			      sizeof(*g->full[i].ns), compare_u64);
	g->usual = usual_distance(&g->ticks);
	for (unsigned i = 0; i < COLLECTORS_MAX; i++)
		add_full_rounds(g, i);
	for (unsigned i = 0; !g->no_memory && !g->p->names_only && i < g->p->nr;
	     i++) {
		make_points(g, &g->p->series[i]);
		sum_up(&g->p->series[i]);
	}
	if (g->p->nr && !g->no_memory)
		qsort(g->p->series, g->p->nr, sizeof(*g->p->series), by_name);
}

int plot_gather(struct plot *p, struct view *v, char **globs, unsigned nr,
		const char **ret_missing)
{
	struct gather *g = calloc(1, sizeof(*g));
	int r = -ENOMEM;

	if (!g)
		return r;
	*g = (struct gather){ .p = p,
			      .v = v,
			      .c = view_cursor_new(v),
			      .globs = globs,
			      .nr_globs = nr,
			      .metric = view_find_column(v, "metric"),
			      .unit = view_find_column(v, "unit"),
			      .found = calloc(nr + 1, sizeof(bool)),
			      .looks = view_rounds_new(v),
			      .index = calloc(METRICS_MAX, sizeof(uint32_t)) };
	if (g->c && g->index && g->found && g->looks) {
		gather_all(g);
		*ret_missing = missing(g);
		r = g->no_memory ? -ENOMEM : *ret_missing ? -ENOENT : 0;
	}
	view_cursor_free(g->c);
	view_rounds_free(g->looks);
	free(g->found);
	free(g->index);
	free(g->ticks.ns);
	for (unsigned i = 0; i < COLLECTORS_MAX; i++) {
		free(g->rounds[i].all);
		free(g->full[i].ns);
	}
	free(g);
	return r;
}

void plot_free(struct plot *p)
{
	for (unsigned i = 0; i < p->nr; i++) {
		free(p->series[i].name);
		free(p->series[i].samples);
		free(p->series[i].points);
	}
	free(p->series);
	p->series = NULL;
	p->nr = 0;
}
