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
#include <stdlib.h>
#include <string.h>

#include "dump/escape.h"
#include "dump/plot_impl.h"
#include "dump/view_rounds.h"

#define NAME_MAX_BYTES 160
#define METRICS_MAX    65536

#define NONE UINT32_MAX /* not asked for */

void *plot_room_for(struct gather *g, void *at, size_t nr, size_t *room,
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
	at = plot_room_for(g, t->ns, t->nr, &t->room, sizeof(*at));
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
	at = plot_room_for(g, r->all, r->nr, &r->room, sizeof(*at));
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

	s = plot_room_for(g, p->series, p->nr, &room, sizeof(*s));
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
	at = plot_room_for(g, s->samples, s->nr_samples, &s->room_samples,
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
	at = plot_room_for(g, t->ns, t->nr, &t->room, sizeof(*at));
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
			plot_room_for(g, r->all, r->nr, &r->room, sizeof(*at));

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
	g->usual = plot_usual_distance(&g->ticks);
	for (unsigned i = 0; i < COLLECTORS_MAX; i++)
		add_full_rounds(g, i);
	for (unsigned i = 0; !g->no_memory && !g->p->names_only && i < g->p->nr;
	     i++)
		plot_make_points(g, &g->p->series[i]);
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
