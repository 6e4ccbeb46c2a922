/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plot_gather.c - from sampled rows to points.
 *
 * A round may hold only what changed: a value is valid until the next one of its
 * metric, or a full set of its collector that lacks it.  So points are made for each
 * round of the collector, not for each row.
 */
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dump/plot.h"
#include "triggers/counter_step.h"
#include "triggers/units.h"

#define COLLECTORS_MAX 256
#define METRICS_MAX    65536
#define GAP            2.5 /* usual distances without a tick */

struct times {
	uint64_t *ns;
	size_t nr, room;
};

struct gather {
	struct plot *p;
	struct view *v;
	struct view_cursor *c;
	char **globs;
	unsigned nr_globs;
	unsigned metric, unit; /* columns */
	uint32_t *index;       /* by number of a metric: series + 1, or NONE */
	struct times rounds[COLLECTORS_MAX], full[COLLECTORS_MAX], ticks;
	unsigned room;
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

static bool is_wanted(const struct gather *g, const char *name)
{
	for (unsigned i = 0; i < g->nr_globs; i++)
		if (!fnmatch(g->globs[i], name, 0))
			return true;
	return false;
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
	snprintf(s->name, sizeof(s->name), "%s", name);
	view_get_text(g->c, g->unit, s->unit, sizeof(s->unit));
	g->index[sample->metric] = p->nr;
	return s;
}

static struct plot_series *series_of(struct gather *g,
				     const struct view_sample *sample)
{
	uint32_t at = g->index[sample->metric];
	char name[160];

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
	add_time(g, &g->rounds[sample.collector], ts);
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

/* ---- points ---------------------------------------------------------------------- */

static void add_point(struct gather *g, struct plot_series *s, uint64_t ts,
		      double value)
{
	struct plot_point *at;

	if (ts > g->p->to_ns)
		return;
	if (ts < g->p->from_ns) { /* the last one before goes on */
		if (s->is_counter)
			return;
		s->nr = 0;
		ts = g->p->from_ns;
	}
	at = room_for(g, s->points, s->nr, &s->room, sizeof(*at));
	if (!at)
		return;
	s->points = at;
	s->points[s->nr++] = (struct plot_point){ ts, value };
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

/* Did ticks stay away for long somewhere between the two? */
static bool has_gap(const struct times *ticks, uint64_t usual, uint64_t from,
		    uint64_t to)
{
	size_t low = 0, high = ticks->nr;
	uint64_t before = from;

	if (!usual || (double)(to - from) <= GAP * (double)usual)
		return false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ticks->ns[mid] <= from)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < ticks->nr && ticks->ns[low] < to; low++) {
		if ((double)(ticks->ns[low] - before) > GAP * (double)usual)
			return true;
		before = ticks->ns[low];
	}
	return (double)(to - before) > GAP * (double)usual;
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
	bool first = !s->nr || isnan(s->points[s->nr - 1].value);

	if (first && !isnan(rate))
		add_point(g, s, before, rate);
	add_point(g, s, ts, rate);
}

static void make_points(struct gather *g, struct plot_series *s)
{
	const struct times *rounds = &g->rounds[s->collector];
	uint64_t usual = usual_distance(&g->ticks), before_ns = 0;
	int64_t now = 0, before = 0;
	bool known = false;
	size_t n = 0;

	for (size_t i = 0; i < rounds->nr; i++) {
		uint64_t ts = rounds->ns[i];
		bool told = n < s->nr_samples && s->samples[n].ts == ts;

		if (told)
			now = s->samples[n++].raw;
		if (!told && is_full(&g->full[s->collector], ts))
			known = false;
		else
			known |= told;
		if (i && has_gap(&g->ticks, usual, rounds->ns[i - 1], ts)) {
			add_point(g, s, rounds->ns[i - 1] + 1, NAN);
			before_ns = 0;
		}
		if (!known) {
			add_point(g, s, ts, NAN);
			before_ns = 0;
			continue;
		}
		if (!s->is_counter)
			add_point(g, s, ts, (double)now / s->scale);
		else if (before_ns)
			add_rate(g, s, before_ns, ts,
				 growth_of(s, before, now, ts - before_ns));
		before = now;
		before_ns = ts;
	}
}

static void sum_up(struct plot_series *s)
{
	double sum = 0;
	size_t nr = 0;

	s->min = s->max = s->last = s->mean = NAN;
	for (size_t i = 0; i < s->nr; i++) {
		double v = s->points[i].value;

		if (isnan(v))
			continue;
		s->min = nr && s->min < v ? s->min : v;
		s->max = nr && s->max > v ? s->max : v;
		s->last = v;
		sum += v;
		nr++;
	}
	if (nr)
		s->mean = sum / (double)nr;
}

static int by_name(const void *p, const void *q)
{
	const struct plot_series *x = p, *y = q;

	return strcmp(x->name, y->name);
}

static const char *missing(const struct gather *g)
{
	for (unsigned i = 0; i < g->nr_globs; i++) {
		bool some = false;

		for (unsigned n = 0; n < g->p->nr && !some; n++)
			some = !fnmatch(g->globs[i], g->p->series[n].name, 0);
		if (!some)
			return g->globs[i];
	}
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
	for (unsigned i = 0; !g->no_memory && i < g->p->nr; i++) {
		make_points(g, &g->p->series[i]);
		sum_up(&g->p->series[i]);
	}
	if (g->p->nr)
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
			      .index = calloc(METRICS_MAX, sizeof(uint32_t)) };
	if (g->c && g->index) {
		gather_all(g);
		*ret_missing = missing(g);
		r = g->no_memory ? -ENOMEM : *ret_missing ? -ENOENT : 0;
	}
	view_cursor_free(g->c);
	free(g->index);
	free(g->ticks.ns);
	for (unsigned i = 0; i < COLLECTORS_MAX; i++) {
		free(g->rounds[i].ns);
		free(g->full[i].ns);
	}
	free(g);
	return r;
}

void plot_free(struct plot *p)
{
	for (unsigned i = 0; i < p->nr; i++) {
		free(p->series[i].samples);
		free(p->series[i].points);
	}
	free(p->series);
	p->series = NULL;
	p->nr = 0;
}

/* ---- values ---------------------------------------------------------------------- */

char *plot_value(char buf[48], const struct plot *p,
		 const struct plot_series *s, double value)
{
	const char *per = s->is_counter ? "/s" : "";
	char text[32];

	(void)p;
	if (isnan(value))
		snprintf(buf, 48, "-");
	else if (!strcmp(s->unit, "bytes") && value >= 0 && value < 1e18)
		snprintf(buf, 48, "%s%s",
			 units_human_size(text, (uint64_t)value), per);
	else if (!strcmp(s->unit, "ns") && value >= 0 && value < 1e18)
		snprintf(buf, 48, "%s%s",
			 units_human_time(text, (uint64_t)value), per);
	else
		snprintf(buf, 48, "%.4g%s%.12s%s", value, *s->unit ? " " : "",
			 s->unit, per);
	return buf;
}

void plot_range(const struct plot_series *s, double *ret_low, double *ret_high)
{
	*ret_low = isnan(s->min) ? 0 : s->min;
	*ret_high = isnan(s->max) ? 1 : s->max;
	if (*ret_low > 0 && *ret_low < *ret_high / 2)
		*ret_low = 0; /* from nothing on, unless that hides the rest */
	if (*ret_high - *ret_low <= fabs(*ret_high) * 1e-9) {
		*ret_high += *ret_high ? fabs(*ret_high) / 10 : 1;
		*ret_low -= *ret_low ? fabs(*ret_low) / 10 : 0;
	}
}
