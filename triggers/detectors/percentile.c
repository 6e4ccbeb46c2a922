/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * percentile.c - of the operations of the last seconds, more than a part took
 * longer than a limit: p99 over 20 ms is one in a hundred.
 *
 * The kernel keeps histograms of all operations (flightrec/hist.h), whatever is
 * left out of the ring.  They are read ten times in a window; what the window
 * added is the difference of two readings.  What is compared is the middle of a
 * bucket, at most 3.13 % off.  Filters that those histograms do not tell apart have
 * one of their own, which a slot of the rule keeps.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/hist_counts.h"
#include "triggers/keys.h"
#include "triggers/look.h"
#include "triggers/units.h"
#include "triggers/where.h"

#define STEPS         10
#define WINDOW_MIN_NS 1000000000ULL
#define WINDOW_MAX_NS 3600000000000ULL
#define LIMIT_MAX_NS  (1ULL << FR_HIST_MAX_LOG2)
#define MIN_LEAST     20
#define MIN_MAX       1000000000ULL
#define CGROUPS_MAX   512
#define CGROUPS_NS    10000000000ULL /* those below it come and go */

/* ---- words
 * -------------------------------------------------------------------- */

/* "p99", "p99.9": the part of one, 0: it is none. */
static double quantile_of(const struct lex *l)
{
	char word[16], rest;
	double percent;

	if (l->kind != LEX_WORD || lex_copy(l, word, sizeof(word)) < 0 ||
	    word[0] != 'p' ||
	    strspn(word + 1, "0123456789.") + 1 != strlen(word) ||
	    sscanf(word + 1, "%lf%c", &percent, &rest) != 1)
		return 0;
	return percent > 0 && percent < 100 ? percent / 100 : 0;
}

static bool looks_like_one(const struct lex *l)
{
	return l->kind == LEX_WORD && l->len > 1 && l->text[l->at] == 'p' &&
	       l->text[l->at + 1] >= '0' && l->text[l->at + 1] <= '9';
}

static int claims(const struct lex *l)
{
	struct lex next = *l;

	if (!keys_begin(l))
		return 0;
	lex_next(&next);
	return looks_like_one(&next) ? 3 : 0;
}

static int parse_latency(struct lex *l, const char *sign, uint64_t *ret)
{
	struct lex at = *l;
	int r = lex_time(l, sign, true, LIMIT_MAX_NS, ret);

	if (!r && !*ret)
		return lex_fail(&at, "0 would always be passed");
	return r;
}

static int parse_min(struct lex *l, uint64_t *ret)
{
	char text[24], *end;

	lex_next(l);
	if (l->kind != LEX_NUMBER || lex_copy(l, text, sizeof(text)) < 0)
		return lex_expect(l, "a number of operations such as 100");
	*ret = strtoull(text, &end, 10);
	if (*end || !*ret || *ret > MIN_MAX)
		return lex_fail(l,
				"'%s' is no number of operations; `min` "
				"takes 1 to 1000000000",
				text);
	lex_next(l);
	return 0;
}

static int parse_window(struct lex *l, uint64_t *ret)
{
	struct lex at;
	int r;

	lex_next(l);
	at = *l;
	r = lex_time(l, "over", false, WINDOW_MAX_NS, ret);
	if (!r && *ret < WINDOW_MIN_NS)
		return lex_fail(&at, "`over` takes 1s at least");
	return r;
}

static int parse_clear(struct lex *l, struct rule_cond *ret)
{
	struct lex at;
	uint64_t ns;
	int r;

	lex_next(l);
	at = *l;
	r = parse_latency(l, "clear", &ns);
	if (!r && ns > ret->limit_ns)
		return lex_fail(&at, "`clear` is where the condition ends: it "
				     "lies below the limit");
	ret->clear = (double)ns;
	ret->has_clear = !r;
	return r;
}

/* "over 10s", "min 100", "clear 10ms", with commas or without. */
static int parse_more(struct lex *l, struct rule_cond *ret)
{
	int r = 0;

	while (!r) {
		bool comma = lex_is(l, ",");
		struct lex next = *l;

		if (comma)
			lex_next(&next);
		if (lex_is(&next, "over"))
			r = (*l = next, parse_window(l, &ret->window_ns));
		else if (lex_is(&next, "min"))
			r = (*l = next, parse_min(l, &ret->min_count));
		else if (lex_is(&next, "clear"))
			r = (*l = next, parse_clear(l, ret));
		else
			return comma ? lex_expect(&next, "`over`, `min` or "
							 "`clear`") :
				       0;
	}
	return r;
}

/* So many that the quantile is one of several: 1 / (1 - q), 20 at least. */
static uint64_t least_count(double quantile)
{
	double n = ceil(1 / (1 - quantile) - 1e-6);

	return n > MIN_LEAST ? (uint64_t)n : MIN_LEAST;
}

static int parse(struct lex *l, struct rule_cond *ret)
{
	char name[64], part[16];
	int r;

	lex_copy(l, name, sizeof(name));
	r = keys_parse(l, ret);
	if (r < 0)
		return r;
	ret->quantile = quantile_of(l);
	if (ret->quantile <= 0 || lex_copy(l, part, sizeof(part)) < 0)
		return lex_fail(l, "a percentile lies between p0 and p100, "
				   "such as p99 or p99.9");
	snprintf(ret->metric, sizeof(ret->metric), "%s of %s", part, name);
	lex_next(l);
	if (!lex_is(l, "latency"))
		return lex_expect(l, "`latency`");
	lex_next(l);
	if (!lex_is(l, ">"))
		return lex_expect(l, "`>`");
	lex_next(l);
	r = parse_latency(l, ">", &ret->limit_ns);
	if (!r)
		r = parse_more(l, ret);
	if (!r && !ret->window_ns)
		return lex_expect(l, "`over` and a time such as 10s");
	if (!ret->min_count)
		ret->min_count = least_count(ret->quantile);
	return r;
}

/* ---- looking
 * ------------------------------------------------------------------- */
struct reading {
	uint64_t at_ns;
	uint64_t counts[FR_HIST_BUCKETS];
};

struct window {
	struct reading past[STEPS + 1]; /* a circle */
	unsigned newest, nr;
	bool on;
	uint64_t last_ns;
	uint64_t cgroups[CGROUPS_MAX]; /* the filter's, and those below */
	unsigned nr_cgroups;
	uint64_t cgroups_ns; /* when they are looked up again */
};

static void add(const struct look *l, int64_t dev, uint64_t cgroup, int sign,
		uint64_t counts[FR_HIST_BUCKETS])
{
	uint64_t part[FR_HIST_BUCKETS];

	l->world->counts(l->world->counts_arg, l->cond.keys, l->cond.streams,
			 dev, cgroup, part);
	for (unsigned b = 0; b < FR_HIST_BUCKETS; b++)
		counts[b] += sign > 0 ? part[b] : -part[b];
}

/* All cgroups, or those of the filter; `!=` is all without those. */
static void add_cgroups(const struct look *l, const struct window *w,
			int64_t dev, int sign, uint64_t counts[FR_HIST_BUCKETS])
{
	const struct rule_where *f = &l->cond.where;
	bool some = f->set & FR_WHERE_CGROUP;

	if (!some || f->not &FR_WHERE_CGROUP)
		add(l, dev, 0, sign, counts);
	for (unsigned i = 0; some && i < w->nr_cgroups; i++)
		add(l, dev, w->cgroups[i],
		    f->not &FR_WHERE_CGROUP ? -sign : sign, counts);
}

/* False: nothing counts them now. */
static bool read_counts(const struct look *l, const struct window *w,
			uint64_t counts[FR_HIST_BUCKETS])
{
	const struct rule_where *f = &l->cond.where;
	bool some = f->set & FR_WHERE_DEV;

	if (rule_is_counted(&l->cond))
		return l->world->slot_counts &&
		       l->world->slot_counts(l->world->arg, l->number, l->index,
					     counts);
	memset(counts, 0, FR_HIST_BUCKETS * sizeof(*counts));
	if (!some || f->not &FR_WHERE_DEV)
		add_cgroups(l, w, -1, 1, counts);
	if (some && f->dev != ~0u)
		add_cgroups(l, w, f->dev, f->not &FR_WHERE_DEV ? -1 : 1,
			    counts);
	return true;
}

static void find_cgroups(const struct look *l, struct window *w,
			 uint64_t now_ns)
{
	if (!(l->cond.where.set & FR_WHERE_CGROUP) ||
	    rule_is_counted(&l->cond) || now_ns < w->cgroups_ns)
		return;
	w->cgroups_ns = now_ns + CGROUPS_NS;
	w->nr_cgroups = where_cgroups(&l->cond.where, l->world->root,
				      w->cgroups, CGROUPS_MAX);
}

/* What came between two readings.  A filter that changed meanwhile, or `!=`,
 * can make a bucket fall: it counts as nothing. */
static uint64_t difference(const struct reading *a, const struct reading *b,
			   uint64_t ret[FR_HIST_BUCKETS])
{
	uint64_t total = 0;

	for (unsigned i = 0; i < FR_HIST_BUCKETS; i++) {
		int64_t d = (int64_t)(b->counts[i] - a->counts[i]);

		ret[i] = d > 0 ? (uint64_t)d : 0;
		total += ret[i];
	}
	return total;
}

static int look_open(struct look *l, uint64_t now_ns)
{
	struct window *w;

	if (rule_is_counted(&l->cond) ? !l->world->slot_counts :
					!l->world->counts)
		return -ENOTSUP;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	l->state = w;
	l->due_ns = now_ns;
	return 0;
}

static void change(struct look *l, struct window *w, uint64_t now_ns,
		   uint64_t value, uint64_t count, bool on)
{
	struct engine_hit h = { .value = (double)value, .seq = count };

	w->on = on;
	snprintf(h.metric, sizeof(h.metric), "%s", l->cond.metric);
	look_say(l, now_ns, on ? HIT_ON : HIT_OFF, &h);
}

/* After a suspend, or a stop, the readings are of another time. */
static bool too_old(const struct look *l, const struct window *w,
		    uint64_t now_ns)
{
	return w->nr && now_ns - w->last_ns > l->cond.window_ns / 2;
}

static void look(struct look *l, uint64_t now_ns)
{
	const struct rule_cond *c = &l->cond;
	struct window *w = l->state;
	uint64_t counts[FR_HIST_BUCKETS], value, n;
	double limit = w->on && c->has_clear ? c->clear : (double)c->limit_ns;
	struct reading *now;

	l->due_ns = now_ns + c->window_ns / STEPS;
	if (too_old(l, w, now_ns))
		w->nr = 0;
	w->last_ns = now_ns;
	find_cgroups(l, w, now_ns);
	w->newest = (w->newest + 1) % (STEPS + 1);
	now = &w->past[w->newest];
	now->at_ns = now_ns;
	if (!read_counts(l, w, now->counts))
		w->nr = 0;
	else if (w->nr <= STEPS)
		w->nr++;
	if (w->nr <= STEPS)
		return; /* not a window yet */
	n = difference(&w->past[(w->newest + 1) % (STEPS + 1)], now, counts);
	value = n < c->min_count ?
			0 :
			hist_quantile(counts,
				      (uint32_t)lround(c->quantile * 1e6));
	if (!w->on && (double)value > limit)
		change(l, w, now_ns, value, n, true);
	else if (w->on && (double)value <= limit)
		change(l, w, now_ns, value, n, false);
}

static void look_close(struct look *l)
{
	struct window *w = l->state;

	if (w->on)
		change(l, w, w->last_ns, 0, 0, false);
	free(w);
}

static void describe(const struct rule_cond *c, const struct engine_hit *h,
		     char *buf, size_t size)
{
	char value[32], limit[32], window[32];

	snprintf(buf, size,
		 "%s is %s over %s (%" PRIu64 " operations), limit > %s",
		 h->metric, units_human_time(value, (uint64_t)h->value),
		 units_format_time(window, c ? c->window_ns : 0), h->seq,
		 units_format_time(limit, c ? c->limit_ns : 0));
}

const struct detector_ops detector_percentile = {
	.name = "percentile",
	.doc = "Of the operations of a window, more than a part took longer than a "
	       "limit. Decided ten times in a window, from the histograms that "
	       "the kernel keeps of all operations, or with the filters comm, pid "
	       "and path from one that it keeps for the rule.",
	.syntax =
		"fs.OPERATION pNN latency > TIME over TIME [, min N] [clear TIME]",
	.example = "fs.read p99 latency > 20ms over 10s, min 100",
	.where = FR_WHERE_CGROUP | FR_WHERE_DEV | FR_WHERE_COMM | FR_WHERE_PID |
		 FR_WHERE_PATH,
	.counted = FR_WHERE_COMM | FR_WHERE_PID | FR_WHERE_PATH,
	.claims = claims,
	.parse = parse,
	.look_open = look_open,
	.look = look,
	.look_close = look_close,
	.describe = describe,
};
