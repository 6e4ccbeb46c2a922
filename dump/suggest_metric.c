/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suggest_metric.c - limits of sampled values and of pressure.
 *
 * A value holds until the next one of its metric; quantiles are of the time that it
 * had a value.  What is proposed lies beyond all that was seen, and within bounds
 * that make sense on any machine.
 */
#include "dump/suggest.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "triggers/units.h"

/* What is looked at, and how a limit comes of it. */
static const struct proposal {
	const char *name;   /* of the rule */
	const char *metric; /* as sampled */
	const char *total;  /* the metric that is 100 %; NULL: none */
	enum {
		AS_IS,
		RATE, /* growth per second */
		STALL /* the same, of ns per ns: percent of the time */
	} how;
	bool below;
	double factor;              /* times the highest value, or the lowest */
	double least, most;         /* the limit is within these */
	const char *unit;           /* behind the number */
	const char *subject, *rest; /* the rule: subject >|< limit rest */
} proposals[] = {
	{ "low-memory", "meminfo.MemAvailable", "meminfo.MemTotal", AS_IS, true,
	  0.5, 2, 50, "%", "meminfo.MemAvailable", "for 10s" },
	{ "dirty-pages", "meminfo.Dirty", "meminfo.MemTotal", AS_IS, false, 3,
	  5, 60, "%", "meminfo.Dirty", "for 5s" },
	{ "writeback", "meminfo.Writeback", "meminfo.MemTotal", AS_IS, false, 3,
	  2, 60, "%", "meminfo.Writeback", "for 5s" },
	{ "load", "load.load1", NULL, AS_IS, false, 3, 4, 100000, "",
	  "load.load1", "" },
	{ "major-faults", "vmstat.pgmajfault", NULL, RATE, false, 3, 100,
	  1000000, "/s", "rate(vmstat.pgmajfault)", "for 2s" },
	{ "direct-reclaim", "vmstat.pgscan_direct", NULL, RATE, false, 3, 1000,
	  100000000, "/s", "rate(vmstat.pgscan_direct)", "for 2s" },
	{ "swapping", "vmstat.pswpout", NULL, RATE, false, 3, 100, 100000000,
	  "/s", "rate(vmstat.pswpout)", "for 2s" },
	{ "io-stall", "pressure.io.full_total", NULL, STALL, false, 2, 20, 90,
	  "%", "pressure.io.full", "over 2s" },
	{ "memory-stall", "pressure.memory.full_total", NULL, STALL, false, 2,
	  10, 90, "%", "pressure.memory.full", "over 2s" },
	{ "cpu-stall", "pressure.cpu.some_total", NULL, STALL, false, 2, 50, 95,
	  "%", "pressure.cpu.some", "over 5s" },
};
#define NR_PROPOSALS (sizeof(proposals) / sizeof(*proposals))

struct span { /* of time with one value */
	double value;
	uint64_t ns;
};
struct seen {
	struct span *list;
	size_t nr, size;
	uint64_t ns; /* of all */
	/* while rows are gone through */
	bool has_last;
	double last, total;
	uint64_t last_ns;
	bool no_memory;
};

/* Which proposals a metric is of: bits, and those whose total it is. */
struct part {
	uint16_t metric, total;
	bool known;
};
#define METRICS_MAX 65536
struct collection {
	struct seen seen[NR_PROPOSALS];
	struct part **parts; /* of each file, by number of the metric */
	unsigned nr_files;
};

static void add_span(struct seen *s, double value, uint64_t ns)
{
	if (s->nr == s->size) {
		size_t size = s->size ? 2 * s->size : 256;
		struct span *list = realloc(s->list, size * sizeof(*list));

		if (!list) {
			s->no_memory = true;
			return;
		}
		s->list = list;
		s->size = size;
	}
	s->list[s->nr++] = (struct span){ value, ns };
	s->ns += ns;
}

/* What was so from the last value to this one. */
static void take(struct seen *s, const struct proposal *p, uint64_t ts,
		 double value)
{
	uint64_t ns = ts - s->last_ns;
	double was = s->last;

	if (s->has_last && ts > s->last_ns && p->how == AS_IS)
		add_span(s, p->total ? was * 100 / s->total : was, ns);
	else if (s->has_last && ts > s->last_ns && value >= was)
		add_span(s,
			 (value - was) * (p->how == STALL ? 100 : 1e9) /
				 (double)ns,
			 ns);
	s->has_last = true;
	s->last = value;
	s->last_ns = ts;
}

static int compare_spans(const void *p, const void *q)
{
	double x = ((const struct span *)p)->value;
	double y = ((const struct span *)q)->value;

	return x < y ? -1 : x > y;
}

static const struct part *part_of(struct collection *k, struct view *v,
				  struct view_cursor *c, uint32_t metric)
{
	struct part **of = &k->parts[view_row_file(c)], *p;
	char name[128];

	if (!*of)
		*of = calloc(METRICS_MAX, sizeof(**of));
	if (!*of || metric >= METRICS_MAX)
		return NULL;
	p = *of + metric;
	if (p->known)
		return p;
	p->known = true;
	view_get_text(c, view_find_column(v, "metric"), name, sizeof(name));
	for (unsigned i = 0; i < NR_PROPOSALS; i++) {
		const char *total = proposals[i].total;

		if (!strcmp(proposals[i].metric, name))
			p->metric |= (uint16_t)(1u << i);
		if (total && !strcmp(total, name))
			p->total |= (uint16_t)(1u << i);
	}
	return p;
}

static void take_row(struct collection *k, const struct part *p, uint64_t ts,
		     double value)
{
	for (unsigned i = 0; i < NR_PROPOSALS; i++) {
		struct seen *s = &k->seen[i];

		if (p->total >> i & 1)
			s->total = value;
		if (!(p->metric >> i & 1) ||
		    (proposals[i].total && s->total <= 0))
			continue;
		if (ts < s->last_ns) /* the clock of another boot */
			s->has_last = false;
		take(s, &proposals[i], ts, value);
	}
}

/* The last value holds until the last row. */
static void end_all(struct collection *k, uint64_t ts)
{
	for (unsigned i = 0; i < NR_PROPOSALS; i++) {
		struct seen *s = &k->seen[i];

		take(s, &proposals[i], ts, s->last);
		if (s->nr)
			qsort(s->list, s->nr, sizeof(*s->list), compare_spans);
	}
}

static void collect(struct collection *k, struct view *v, struct view_cursor *c)
{
	struct view_sample sample;
	uint64_t ts, last = 0;

	for (size_t i = 0; i < view_nr_rows(v); i++) {
		const struct part *p;

		view_seek(c, i);
		if (!view_get_sample(c, &sample) ||
		    !view_get_u64(c, VIEW_TS, &ts))
			continue;
		last = ts;
		p = part_of(k, v, c, sample.metric);
		if (p && (p->metric || p->total))
			take_row(k, p, ts, sample.value);
	}
	end_all(k, last);
}

static void collection_free(struct collection *k)
{
	for (unsigned i = 0; i < NR_PROPOSALS; i++)
		free(k->seen[i].list);
	for (unsigned i = 0; k->parts && i < k->nr_files; i++)
		free(k->parts[i]);
	free(k->parts);
}

static double quantile(const struct seen *s, double q)
{
	double left = q * (double)s->ns;

	for (size_t i = 0; i < s->nr; i++) {
		left -= (double)s->list[i].ns;
		if (left <= 0)
			return s->list[i].value;
	}
	return s->list[s->nr - 1].value;
}

static double limit_of(const struct proposal *p, const struct seen *s)
{
	double extreme = p->below ? s->list[0].value : s->list[s->nr - 1].value;
	double v = p->below ? suggest_round_down(extreme * p->factor) :
			      suggest_round_up(extreme * p->factor);

	return fmin(fmax(v, p->least), p->most);
}

static void propose(struct suggestions *to, const struct proposal *p,
		    const struct seen *s)
{
	char when[256], seen[300], span[32];
	const char *unit = p->how == STALL || p->total ? "%" : p->unit;

	snprintf(when, sizeof(when), "%s %c %.6g%s%s%s", p->subject,
		 p->below ? '<' : '>', limit_of(p, s), p->unit,
		 *p->rest ? " " : "", p->rest);
	snprintf(seen, sizeof(seen),
		 "%zu values of %s: p50 %.3g%s, p99 %.3g%s, lowest %.3g%s, "
		 "highest %.3g%s",
		 s->nr, units_human_time(span, s->ns), quantile(s, 0.5), unit,
		 quantile(s, p->below ? 0.01 : 0.99), unit, s->list[0].value,
		 unit, s->list[s->nr - 1].value, unit);
	suggest_add(to, p->name, when, seen);
}

static void propose_or_note(struct suggestions *to, unsigned i,
			    const struct seen *s)
{
	char span[32], least[32];

	if (!s->nr)
		suggest_note(to, "%s: no values", proposals[i].metric);
	else if (s->ns < to->min_ns)
		suggest_note(to, "%s: values of %s, less than %s",
			     proposals[i].metric, units_human_time(span, s->ns),
			     units_format_time(least, to->min_ns));
	else
		propose(to, &proposals[i], s);
}

int suggest_metrics(struct view *v, struct suggestions *to)
{
	struct collection k = { .nr_files = view_nr_files(v) };
	struct view_cursor *c = view_cursor_new(v);
	int r = 0;

	k.parts = calloc(k.nr_files, sizeof(struct part *));
	if (!c || !k.parts)
		r = -ENOMEM;
	else
		collect(&k, v, c);
	for (unsigned i = 0; !r && i < NR_PROPOSALS; i++) {
		if (k.seen[i].no_memory)
			r = -ENOMEM;
		else
			propose_or_note(to, i, &k.seen[i]);
	}
	collection_free(&k);
	view_cursor_free(c);
	return r;
}
