/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_metrics.c - sampled counters around the trigger.
 *
 * A round may hold only what changed, so a value is valid until the next one of
 * its metric, or until a full set of its collector that lacks it.  Rates of counters are taken over whole rounds of their
 * collector: 10 s that end 2 s before the trigger, the 2 s up to it, and what
 * follows.  Shown are the metrics that changed most from "before" to "at".
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/report.h"
#include "dump/row_write.h"
#include "triggers/counter_step.h"
#include "triggers/units.h"

#define SEC            1000000000ULL
#define BEFORE_FROM    (12 * SEC) /* before the trigger */
#define BEFORE_TO      (2 * SEC)
#define AFTER_TO       (3 * SEC)
#define SHOWN          15
#define TELLING        1.5 /* a smaller ratio is not worth a line */
#define NOISE_NS       1e7 /* per second, 1 %: less is noise */
#define NOISE_BYTES    1e5 /* per second */
#define METRICS_MAX    65536
#define COLLECTORS_MAX 64

struct point {
	uint64_t ts;
	double value;
};
struct points {
	struct point *p;
	size_t nr, size;
};
struct series {
	char name[128], unit[32];
	struct view_sample of;
	bool is_counter;
	uint32_t collector, scale;
	int64_t wrap; /* view_sample */
	struct points points;
	double before, at, after, score; /* NAN: unknown */
};
struct metrics {
	struct series *series[METRICS_MAX]; /* by number */
	struct series *sorted[METRICS_MAX];
	size_t nr;
	struct points rounds[COLLECTORS_MAX];
	struct points full[COLLECTORS_MAX]; /* rounds that hold all there is */
	uint64_t trigger;
};

static void add_point(struct points *s, uint64_t ts, double value)
{
	if (s->nr && s->p[s->nr - 1].ts == ts)
		return;
	if (s->nr == s->size) {
		size_t size = s->size ? 2 * s->size : 32;
		struct point *p = realloc(s->p, size * sizeof(*p));

		if (!p)
			return;
		s->p = p;
		s->size = size;
	}
	s->p[s->nr++] = (struct point){ ts, value };
}

/* The last point not after ${at}; the first if all are. */
static const struct point *point_at(const struct points *s, uint64_t at)
{
	size_t low = 0, high = s->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->p[mid].ts <= at)
			low = mid + 1;
		else
			high = mid;
	}
	return s->nr ? &s->p[low ? low - 1 : 0] : NULL;
}

static struct series *new_series(struct metrics *m, struct view *v,
				 struct view_cursor *c,
				 const struct view_sample *sample)
{
	struct series *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	row_print_value(s->name, sizeof(s->name), v, c,
			view_find_column(v, "metric"));
	row_print_value(s->unit, sizeof(s->unit), v, c,
			view_find_column(v, "unit"));
	s->of = *sample;
	s->is_counter = sample->is_counter;
	s->collector = sample->collector;
	s->scale = sample->scale;
	s->wrap = sample->wrap;
	if (m->nr == METRICS_MAX) {
		free(s);
		return NULL;
	}
	m->sorted[m->nr++] = s;
	return m->series[sample->metric] = s;
}

static void add_row(struct metrics *m, struct view *v, struct view_cursor *c)
{
	struct view_sample sample;
	struct series *s;
	uint64_t ts;

	if (!view_get_sample(c, &sample) || sample.metric >= METRICS_MAX ||
	    sample.collector >= COLLECTORS_MAX ||
	    !view_get_u64(c, VIEW_TS, &ts))
		return;
	s = m->series[sample.metric];
	if (!s || !view_same_metric(&s->of, &sample))
		s = new_series(m, v, c, &sample);
	if (!s)
		return;
	add_point(&s->points, ts, sample.value);
	add_point(&m->rounds[sample.collector], ts, 0);
}

static void add_full_set(void *arg, uint32_t collector, uint64_t ts)
{
	struct metrics *m = arg;

	if (collector >= COLLECTORS_MAX)
		return;
	add_point(&m->full[collector], ts, 0);
	add_point(&m->rounds[collector], ts, 0);
}

static int compare_points(const void *p, const void *q)
{
	const struct point *x = p, *y = q;

	return x->ts < y->ts ? -1 : x->ts > y->ts;
}

static void sort_rounds(struct metrics *m)
{
	for (unsigned i = 0; i < COLLECTORS_MAX; i++) {
		struct points *all[] = { &m->rounds[i], &m->full[i] };

		for (unsigned j = 0; j < 2; j++)
			if (all[j]->nr)
				qsort(all[j]->p, all[j]->nr, sizeof(*all[j]->p),
				      compare_points);
	}
}

/* The value at a time; NAN: the metric was not there.  ${clamp}: before its
 * first value, that one. */
static double value_at(const struct metrics *m, const struct series *s,
		       uint64_t at, bool clamp)
{
	const struct points *full = &m->full[s->collector];
	const struct point *p = point_at(&s->points, at);
	const struct point *f = point_at(full, at);

	if (f && f->ts > at)
		f = NULL;
	if (p->ts > at)
		return clamp && !f ? p->value : NAN;
	return f && f->ts > p->ts ? NAN : p->value;
}

/* How far a counter went between two of its points; NAN: it began anew. */
static double growth(const struct series *s, uint64_t from, uint64_t to)
{
	const struct point *p = point_at(&s->points, from);
	const struct point *end = point_at(&s->points, to);
	int64_t step, sum = 0;

	for (; p < end; p++) {
		int64_t before = llround(p[0].value * s->scale);
		int64_t now = llround(p[1].value * s->scale);

		if (counter_step(before, now, s->wrap, &step) == COUNTER_RESET)
			return NAN;
		sum += step;
	}
	return (double)sum / s->scale;
}

/* Change per second between the rounds at two times. */
static double rate(const struct metrics *m, const struct series *s,
		   uint64_t from, uint64_t to)
{
	const struct points *rounds = &m->rounds[s->collector];
	const struct point *a = point_at(rounds, from);
	const struct point *b = point_at(rounds, to);
	double change;

	if (!a || !b || b->ts <= a->ts)
		return NAN;
	/* what is not there makes it not a number */
	change = value_at(m, s, b->ts, false) - value_at(m, s, a->ts, false);
	if (!isnan(change))
		change = growth(s, a->ts, b->ts);
	return change / ((double)(b->ts - a->ts) / SEC);
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* So much more or less means nothing. */
static double noise(const struct series *s)
{
	if (!strcmp(s->unit, "ns"))
		return NOISE_NS;
	if (!strcmp(s->unit, "bytes"))
		return NOISE_BYTES;
	return !strcmp(s->unit, "s") ? NOISE_NS / SEC : 1;
}

static void evaluate(const struct metrics *m, struct series *s)
{
	const uint64_t t = m->trigger;
	double low, high;

	if (s->is_counter) {
		s->before =
			rate(m, s, minus(t, BEFORE_FROM), minus(t, BEFORE_TO));
		s->at = rate(m, s, minus(t, BEFORE_TO), t);
		s->after = rate(m, s, t, t + AFTER_TO);
	} else {
		s->before = value_at(m, s, minus(t, BEFORE_FROM / 2), true);
		s->at = value_at(m, s, t, true);
		s->after = value_at(m, s, t + AFTER_TO, true);
	}
	if (isnan(s->before) || isnan(s->at)) {
		s->score = 0;
		return;
	}
	low = fmin(fabs(s->before), fabs(s->at));
	high = fmax(fabs(s->before), fabs(s->at));
	s->score = (high + noise(s)) / (low + noise(s));
	/* what falls silent says less than what comes up */
	if (fabs(s->at) < fabs(s->before))
		s->score = sqrt(s->score);
}

static int compare(const void *p, const void *q)
{
	const struct series *x = *(struct series *const *)p;
	const struct series *y = *(struct series *const *)q;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return strcmp(x->name, y->name);
}

static char *format(char buf[32], const struct series *s, double value)
{
	if (isnan(value))
		snprintf(buf, 32, "-");
	else if (!strcmp(s->unit, "ns") && value >= 0)
		units_human_time(buf, (uint64_t)value);
	else if (!strcmp(s->unit, "s") && value >= 0)
		units_human_time(buf, (uint64_t)(value * SEC));
	else if (!strcmp(s->unit, "bytes") && value >= 0)
		units_human_size(buf, (uint64_t)value);
	else if (fabs(value) < 1000)
		snprintf(buf, 32, "%.3g", value);
	else
		snprintf(buf, 32, "%.0f", value);
	return buf;
}

/* The unit that format() does not print. */
static const char *unit_left(const struct series *s)
{
	if (!strcmp(s->unit, "ns") || !strcmp(s->unit, "s") ||
	    !strcmp(s->unit, "bytes") || !strcmp(s->unit, "-"))
		return "";
	return s->unit;
}

static void print(const struct metrics *m)
{
	char before[32], at[32], after[32];

	report_title("COUNTERS AROUND THE TRIGGER (those that changed most)");
	if (!m->nr || m->sorted[0]->score < TELLING) {
		printf("none of %zu changed much\n", m->nr);
		return;
	}
	printf("%-36s %12s %12s %12s  %s\n", "metric", "before", "at", "after",
	       "unit");
	for (size_t i = 0; i < m->nr && i < SHOWN; i++) {
		const struct series *s = m->sorted[i];
		const char *unit = unit_left(s);

		if (s->score < TELLING)
			break;
		printf("%-36s %12s %12s %12s%s%s%s\n", s->name,
		       format(before, s, s->before), format(at, s, s->at),
		       format(after, s, s->after),
		       *unit || s->is_counter ? "  " : "", unit,
		       s->is_counter ? "/s" : "");
	}
	printf("before: the 10 s that end 2 s before the trigger; at: the 2 s "
	       "up to it; after: 3 s\n");
}

static void metrics_free(struct metrics *m)
{
	for (size_t i = 0; i < m->nr; i++) {
		free(m->sorted[i]->points.p);
		free(m->sorted[i]);
	}
	for (unsigned i = 0; i < COLLECTORS_MAX; i++) {
		free(m->rounds[i].p);
		free(m->full[i].p);
	}
	free(m);
}

int report_metrics(struct view *v)
{
	struct metrics *m = calloc(1, sizeof(*m));
	struct view_cursor *c = view_cursor_new(v);

	if (!m || !c || !view_trigger_ns(v, 0, &m->trigger)) {
		free(m);
		view_cursor_free(c);
		return -1;
	}
	for (size_t i = 0; i < view_nr_rows(v); i++) {
		view_seek(c, i);
		add_row(m, v, c);
	}
	view_full_sets(v, add_full_set, m);
	sort_rounds(m);
	for (size_t i = 0; i < m->nr; i++)
		evaluate(m, m->sorted[i]);
	if (m->nr)
		qsort(m->sorted, m->nr, sizeof(m->sorted[0]), compare);
	print(m);
	metrics_free(m);
	view_cursor_free(c);
	return 0;
}
