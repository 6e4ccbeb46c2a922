/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/query_held.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dump/escape.h"
#include "dump/view_rounds.h"

#define METRICS_MAX 65537 /* numbers a recorder gives; others have no column */
#define TEXT_MAX    160

/* Where the rows of a metric's number go, as long as it has that name. */
struct place {
	const char *name; /* in the view; NULL: not seen yet */
	uint32_t metric;
};

struct gather {
	struct held *h;
	struct view *v;
	struct view_cursor *c;
	unsigned metric, unit, rate, tick; /* columns */
	struct place *places;              /* [file][METRICS_MAX] */
	uint32_t *hash;                    /* metric + 1, by its name */
	size_t hash_size;
	bool no_memory;
};

static void *room_for(struct gather *g, void *at, size_t nr, size_t *room,
		      size_t size)
{
	size_t more = *room ? 2 * *room : 16;
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

/* ---- metrics ------------------------------------------------------------------------ */

static uint32_t hash_of(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h;
}

static bool grow_hash(struct gather *g)
{
	size_t size = g->hash_size ? 2 * g->hash_size : 1024;
	uint32_t *hash = calloc(size, sizeof(*hash));

	if (!hash) {
		g->no_memory = true;
		return false;
	}
	for (size_t i = 0; i < g->h->nr_metrics; i++) {
		size_t at = hash_of(g->h->metrics[i].name) & (size - 1);

		while (hash[at])
			at = (at + 1) & (size - 1);
		hash[at] = (uint32_t)i + 1;
	}
	free(g->hash);
	g->hash = hash;
	g->hash_size = size;
	return true;
}

/* Its text as other commands print it. */
static char *text_of(struct gather *g, unsigned column)
{
	char bytes[TEXT_MAX];
	char *text = malloc(sizeof(bytes) * ESCAPE_GROWTH + 1);

	view_get_text(g->c, column, bytes, sizeof(bytes));
	if (text)
		text[escape_text(text, bytes, strlen(bytes), 0)] = '\0';
	else
		g->no_memory = true;
	return text;
}

/* The metric of that name, a new one if there is none.  Takes ${name}. */
static struct held_metric *metric_of(struct gather *g, char *name,
				     bool is_counter)
{
	struct held *h = g->h;
	struct held_metric *m;
	size_t at;

	if (h->nr_metrics * 2 >= g->hash_size && !grow_hash(g)) {
		free(name);
		return NULL;
	}
	at = hash_of(name) & (g->hash_size - 1);
	for (; g->hash[at]; at = (at + 1) & (g->hash_size - 1)) {
		m = &h->metrics[g->hash[at] - 1];
		if (!strcmp(m->name, name)) {
			free(name);
			return m;
		}
	}
	m = room_for(g, h->metrics, h->nr_metrics, &h->room_metrics,
		     sizeof(*m));
	if (!m) {
		free(name);
		return NULL;
	}
	h->metrics = m;
	m = &h->metrics[h->nr_metrics++];
	*m = (struct held_metric){ .name = name,
				   .unit = text_of(g, g->unit),
				   .is_counter = is_counter };
	g->hash[at] = (uint32_t)h->nr_metrics;
	return m;
}

static struct held_metric *metric_of_row(struct gather *g,
					 const struct view_sample *s)
{
	unsigned file = view_row_file(g->c);
	struct held_metric *m;
	struct place *p;
	char *name;

	if (s->metric >= METRICS_MAX)
		return NULL;
	p = &g->places[(size_t)file * METRICS_MAX + s->metric];
	if (p->name == s->name)
		return &g->h->metrics[p->metric];
	name = text_of(g, g->metric);
	m = name ? metric_of(g, name, s->is_counter) : NULL;
	if (m)
		*p = (struct place){ s->name, (uint32_t)(m - g->h->metrics) };
	return m;
}

/* ---- rows --------------------------------------------------------------------------- */

static void add_tick(struct gather *g, uint64_t number, uint64_t ts,
		     uint64_t dur)
{
	struct held *h = g->h;
	struct held_tick *t =
		room_for(g, h->ticks, h->nr_ticks, &h->room_ticks, sizeof(*t));
	unsigned file = view_row_file(g->c);

	if (!t)
		return;
	h->ticks = t;
	h->ticks[h->nr_ticks++] =
		(struct held_tick){ .number = number,
				    .ts = ts,
				    .dur = dur,
				    .source = view_source(g->v, file),
				    .file = file };
}

/* Ticks are found by their number later: until then tick is the row's place. */
static void add_value(struct gather *g, const struct view_sample *s,
		      uint64_t ts)
{
	struct held_metric *m = metric_of_row(g, s);
	struct view_value rate;
	struct held_value *at;

	if (!m)
		return;
	at = room_for(g, m->values, m->nr, &m->room, sizeof(*at));
	if (!at)
		return;
	m->values = at;
	at = &m->values[m->nr++];
	*at = (struct held_value){ .ts = ts,
				   .collector = s->collector,
				   .every = s->every,
				   .scale = s->scale,
				   .raw = s->raw,
				   .rate = NAN };
	view_get(g->c, g->rate, &rate);
	if (rate.type == VIEW_DECIMAL)
		at->rate = (double)(int64_t)rate.u / rate.scale;
	else if (rate.type == VIEW_I64)
		at->rate = (double)(int64_t)rate.u;
	at->tick = (uint32_t)(g->h->nr_ticks - 1);
}

/* A value comes with its tick's number: of a tick that is not told itself, as its
 * record is lost or was not yet written, this is what there is. */
static void add_row(struct gather *g)
{
	const struct held *h = g->h;
	struct view_sample s;
	uint64_t ts, dur, number;
	char op[16];

	if (!view_get_u64(g->c, VIEW_TS, &ts))
		return;
	view_get_text(g->c, VIEW_OP, op, sizeof(op));
	if (!strcmp(op, "tick")) {
		if (!view_get_u64(g->c, VIEW_DUR, &dur))
			dur = UINT64_MAX;
		if (view_get_u64(g->c, g->tick, &number))
			add_tick(g, number, ts, dur);
	} else if (view_get_sample(g->c, &s)) {
		const struct held_tick *t =
			h->nr_ticks ? &h->ticks[h->nr_ticks - 1] : NULL;

		if (!t || t->number != s.tick ||
		    t->source != view_source(g->v, view_row_file(g->c)))
			add_tick(g, s.tick, ts, UINT64_MAX);
		if (!g->no_memory)
			add_value(g, &s, ts);
	}
}

/* ---- order -------------------------------------------------------------------------- */

static int by_number(const void *p, const void *q, void *arg)
{
	const struct held *h = arg;
	const struct held_tick *x = &h->ticks[*(const uint32_t *)p];
	const struct held_tick *y = &h->ticks[*(const uint32_t *)q];

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return (x->ts > y->ts) - (x->ts < y->ts);
}

static bool same_tick(const struct held_tick *x, const struct held_tick *y)
{
	return x->source == y->source && x->number == y->number;
}

/* Sorts the ticks, and keeps one of each number.  *ret: where each is now. */
static bool sort_ticks(struct held *h, uint32_t **ret)
{
	uint32_t *order = calloc(h->nr_ticks + 1, sizeof(*order));
	uint32_t *now = calloc(h->nr_ticks + 1, sizeof(*now));
	struct held_tick *sorted = calloc(h->nr_ticks + 1, sizeof(*sorted));
	size_t kept = 0;

	*ret = now;
	if (!order || !now || !sorted) {
		free(order);
		free(sorted);
		return false;
	}
	for (size_t i = 0; i < h->nr_ticks; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, h->nr_ticks, sizeof(*order), by_number, h);
	for (size_t i = 0; i < h->nr_ticks; i++) {
		const struct held_tick *t = &h->ticks[order[i]];

		if (!kept || !same_tick(&sorted[kept - 1], t))
			sorted[kept++] = *t;
		else if (sorted[kept - 1].dur == UINT64_MAX)
			sorted[kept - 1].dur = t->dur;
		now[order[i]] = (uint32_t)kept - 1;
	}
	free(order);
	free(h->ticks);
	h->ticks = sorted;
	h->nr_ticks = kept;
	h->in_order = h->nr_sources == 1;
	for (size_t i = 1; i < kept; i++)
		h->in_order &= h->ticks[i - 1].ts <= h->ticks[i].ts;
	for (size_t i = 0; i < kept; i++)
		h->ticks[i].end_ts =
			i + 1 < kept && h->ticks[i + 1].source ==
						h->ticks[i].source ?
				h->ticks[i + 1].ts :
				UINT64_MAX;
	return true;
}

static int by_tick(const void *p, const void *q)
{
	const struct held_value *x = p, *y = q;

	if (x->tick != y->tick)
		return x->tick < y->tick ? -1 : 1;
	return (x->ts > y->ts) - (x->ts < y->ts);
}

static int by_name(const void *p, const void *q)
{
	const struct held_metric *x = p, *y = q;

	return strcmp(x->name, y->name);
}

static bool put_in_order(struct held *h)
{
	uint32_t *now;
	bool good = sort_ticks(h, &now);

	for (size_t i = 0; good && i < h->nr_metrics; i++) {
		struct held_metric *m = &h->metrics[i];

		for (size_t k = 0; k < m->nr; k++)
			m->values[k].tick = now[m->values[k].tick];
		qsort(m->values, m->nr, sizeof(*m->values), by_tick);
	}
	free(now);
	if (good && h->nr_metrics)
		qsort(h->metrics, h->nr_metrics, sizeof(*h->metrics), by_name);
	return good;
}

static bool gather(struct gather *g)
{
	for (size_t i = 0; !g->no_memory && i < view_nr_rows(g->v); i++) {
		view_seek(g->c, i);
		if (view_row_stream(g->c) == view_find_stream(g->v, "sample"))
			add_row(g);
	}
	return !g->no_memory && put_in_order(g->h);
}

struct held *held_new(struct view *v)
{
	struct held *h = calloc(1, sizeof(*h));
	struct gather g = {
		.h = h,
		.v = v,
		.c = view_cursor_new(v),
		.metric = view_find_column(v, "metric"),
		.unit = view_find_column(v, "unit"),
		.rate = view_find_column(v, "rate"),
		.tick = view_find_column(v, "tick"),
		/* untouched pages cost nothing */
		.places = calloc((size_t)view_nr_files(v) * METRICS_MAX,
				 sizeof(*g.places)),
	};
	bool good = false;

	if (h && g.c && g.places) {
		for (unsigned i = 0; i < view_nr_files(v); i++)
			if (view_source(v, i) >= h->nr_sources)
				h->nr_sources = view_source(v, i) + 1;
		h->rounds = view_rounds_new(v);
		good = h->rounds && gather(&g);
	}
	view_cursor_free(g.c);
	free(g.places);
	free(g.hash);
	if (good)
		return h;
	held_free(h);
	return NULL;
}

void held_free(struct held *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->nr_metrics; i++) {
		free(h->metrics[i].name);
		free(h->metrics[i].unit);
		free(h->metrics[i].values);
	}
	view_rounds_free(h->rounds);
	free(h->metrics);
	free(h->ticks);
	free(h);
}

/* ---- what held ----------------------------------------------------------------------- */

const struct held_value *held_at(const struct held *h, size_t metric,
				 size_t tick)
{
	const struct held_metric *m = &h->metrics[metric];
	const struct held_tick *t = &h->ticks[tick];
	const struct held_value *at;
	size_t low = 0, high = m->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (m->values[mid].tick <= tick)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return NULL;
	at = &m->values[low - 1];
	if (h->ticks[at->tick].source != t->source ||
	    view_rounds_full_between(h->rounds, t->source, at->collector,
				     at->ts, t->end_ts))
		return NULL;
	return at;
}

double held_rate(const struct held *h, const struct held_value *at, size_t tick)
{
	uint64_t told = h->ticks[at->tick].number, now = h->ticks[tick].number;

	if (told == now || (at->every && told / at->every == now / at->every))
		return at->rate;
	return at->every ? 0 : NAN; /* it was looked at, and had not changed */
}

bool held_tick_at(const struct held *h, unsigned source, uint64_t ts,
		  size_t *ret)
{
	size_t low = 0, high = h->nr_ticks;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct held_tick *t = &h->ticks[mid];

		if (t->source < source || (t->source == source && t->ts <= ts))
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || h->ticks[low - 1].source != source)
		return false;
	*ret = low - 1;
	return true;
}
