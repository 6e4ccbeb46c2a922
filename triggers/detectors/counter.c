/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * counter.c - a sampled value, or its rate, is over or under a limit.
 *
 * Decided at each tick of the sampler, so never faster than sampler.period; costs
 * one comparison per matching metric.  A level: it comes true once, and again only
 * after it was false.  With `clear` it stays true until that limit is passed.
 */
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "triggers/counter_step.h"
#include "triggers/detector.h"
#include "triggers/units.h"

#define FOR_MAX_NS 86400000000000ULL /* 24h */

static int claims(const struct lex *l)
{
	if (l->kind != LEX_WORD)
		return 0;
	if (lex_is(l, "rate") && lex_next_is(l, "("))
		return 2;
	return memchr(l->text + l->at, '.', l->len) ? 1 : 0;
}

static int parse_metric(struct lex *l, char *metric)
{
	const char *dot, *wild;

	if (l->kind != LEX_WORD)
		return lex_expect(l, "a metric such as meminfo.MemAvailable");
	if (lex_copy(l, metric, RULE_METRIC_MAX) < 0)
		return lex_fail(l, "no metric has a name that long");
	dot = strchr(metric, '.');
	wild = strpbrk(metric, "*?");
	if (!dot || dot == metric || metric[l->len - 1] == '.' ||
	    strstr(metric, ".."))
		return lex_fail(l,
				"'%s' is not a metric; they are named "
				"source.name or source.device.name",
				metric);
	if (wild && wild < dot)
		return lex_fail(l, "* and ? are for the part behind the first "
				   "point: diskstats.*.io_ms");
	lex_next(l);
	return 0;
}

static int parse_subject(struct lex *l, struct rule_cond *ret)
{
	int r;

	ret->rate = lex_is(l, "rate") && lex_next_is(l, "(");
	if (!ret->rate)
		return parse_metric(l, ret->metric);
	lex_next(l);
	lex_next(l);
	r = parse_metric(l, ret->metric);
	if (r < 0)
		return r;
	if (!lex_is(l, ")"))
		return lex_expect(l, "`)`");
	lex_next(l);
	return 0;
}

static bool parse_value(const char *number, struct rule_cond *ret)
{
	uint64_t whole;

	if (!units_parse_number(number, &ret->limit))
		ret->unit = RULE_UNIT_NONE;
	else if (!units_parse_percent(number, &ret->limit))
		ret->unit = RULE_UNIT_PERCENT;
	else if (!units_parse_size(number, &whole))
		ret->unit = RULE_UNIT_BYTES;
	else if (!units_parse_time(number, &whole))
		ret->unit = RULE_UNIT_NS;
	else
		return false;
	if (ret->unit == RULE_UNIT_BYTES || ret->unit == RULE_UNIT_NS)
		ret->limit = (double)whole;
	return true;
}

/* A limit: ${ret}->limit and its unit. */
static int parse_limit(struct lex *l, struct rule_cond *ret)
{
	char number[48];
	char *per;

	if (l->kind != LEX_NUMBER || lex_copy(l, number, sizeof(number)) < 0)
		return lex_expect(l, "a number such as 30, 512MiB or 5%");
	per = strchr(number, '/');
	if (per && !ret->rate)
		return lex_fail(l, "'%s' is a rate; write rate(%s) > %s",
				number, ret->metric, number);
	if (per)
		*per = '\0';
	if (!parse_value(number, ret))
		return lex_fail(
			l,
			"'%s' is not a number with a unit; units are %% "
			"B KiB MiB GiB TiB kB MB GB TB ns us ms s m h",
			number);
	lex_next(l);
	return 0;
}

/* Behind `clear`: where the condition ends, on the other side of the limit. */
static int parse_clear(struct lex *l, struct rule_cond *ret)
{
	struct rule_cond other = *ret;
	struct lex at = *l;
	int r;

	lex_next(l);
	at = *l;
	if (ret->has_clear)
		return lex_fail(&at, "`clear` is there already");
	r = parse_limit(l, &other);
	if (r < 0)
		return r;
	if (other.unit != ret->unit)
		return lex_fail(&at, "`clear` takes a number of the same unit "
				     "as the limit");
	if (ret->below ? other.limit < ret->limit : other.limit > ret->limit)
		return lex_fail(&at,
				"`clear` is where the condition ends: it "
				"lies %s the limit",
				ret->below ? "above" : "below");
	ret->clear = other.limit;
	ret->has_clear = true;
	return 0;
}

static int parse(struct lex *l, struct rule_cond *ret)
{
	struct lex at;
	int r = parse_subject(l, ret);

	if (r < 0)
		return r;
	if (!lex_is(l, ">") && !lex_is(l, "<"))
		return lex_expect(l, "`>` or `<`");
	ret->below = lex_is(l, "<");
	lex_next(l);
	at = *l;
	r = parse_limit(l, ret);
	if (!r && ret->below && ret->limit <= 0)
		return lex_fail(&at, "nothing is below 0: this can never fire");
	while (!r && l->kind == LEX_WORD) {
		if (lex_is(l, "for")) {
			lex_next(l);
			r = lex_time(l, "for", false, FOR_MAX_NS, &ret->for_ns);
		} else if (lex_is(l, "clear")) {
			r = parse_clear(l, ret);
		} else {
			break;
		}
	}
	return r;
}

/* How many of the metric's unit are one of the rule's; 0: they do not fit. */
static double unit_factor(enum rule_unit unit, const char *of_metric)
{
	static const struct {
		enum rule_unit unit;
		const char *name;
		double factor;
	} fits[] = {
		{ RULE_UNIT_BYTES, "bytes", 1 },
		{ RULE_UNIT_BYTES, "B", 1 },
		{ RULE_UNIT_BYTES, "KiB", 1.0 / 1024 },
		{ RULE_UNIT_BYTES, "kB", 1.0 / 1024 }, /* as /proc writes it */
		{ RULE_UNIT_BYTES, "pages", 1.0 / 4096 },
		{ RULE_UNIT_BYTES, "sectors", 1.0 / 512 },
		{ RULE_UNIT_NS, "ns", 1 },
		{ RULE_UNIT_NS, "us", 1e-3 },
		{ RULE_UNIT_NS, "ms", 1e-6 },
		{ RULE_UNIT_NS, "s", 1e-9 },
		{ RULE_UNIT_PERCENT, "percent", 1 },
		{ RULE_UNIT_PERCENT, "%", 1 },
	};

	if (unit == RULE_UNIT_NONE)
		return 1;
	for (unsigned i = 0; i < sizeof(fits) / sizeof(fits[0]); i++)
		if (fits[i].unit == unit && !strcmp(fits[i].name, of_metric))
			return fits[i].factor;
	return 0;
}

/* What a metric is a part of. */
static const struct {
	const char *part, *total;
} totals[] = {
	{ "meminfo.Swap*", "meminfo.SwapTotal" },
	{ "meminfo.HugePages_*", "meminfo.HugePages_Total" },
	{ "meminfo.Vmalloc*", "meminfo.VmallocTotal" },
	{ "meminfo.Committed_AS", "meminfo.CommitLimit" },
	{ "meminfo.*", "meminfo.MemTotal" },
};

static bool find_total(const char *metric, char total[RULE_METRIC_MAX])
{
	for (unsigned i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
		if (fnmatch(totals[i].part, metric, 0))
			continue;
		snprintf(total, RULE_METRIC_MAX, "%s", totals[i].total);
		return true;
	}
	return false;
}

/* Percents of what has another unit: of its total, or, of the growth of a time,
 * of the time that passed. */
static double percent_factor(const struct rule_cond *c,
			     const struct detector_metric *m,
			     struct detector_watch *w)
{
	double second = unit_factor(RULE_UNIT_NS, m->unit) * 1e9;

	if (c->rate)
		return second / 100;
	return find_total(m->name, w->total) ? 1 : 0;
}

static int bind(const struct rule_cond *c, const struct detector_metric *m,
		struct detector_watch *ret)
{
	struct detector_watch w = { .total_id = UINT32_MAX };

	if (fnmatch(c->metric, m->name, 0))
		return 0;
	w.factor = unit_factor(c->unit, m->unit);
	if (w.factor <= 0 && c->unit == RULE_UNIT_PERCENT)
		w.factor = percent_factor(c, m, &w);
	if (w.factor <= 0)
		return -EINVAL;
	w.factor *= m->scale > 0 ? m->scale : 1;
	w.limit = c->limit * w.factor;
	w.clear = (c->has_clear ? c->clear : c->limit) * w.factor;
	w.for_ns = c->for_ns;
	w.wrap = m->wrap;
	w.rate = c->rate;
	w.below = c->below;
	*ret = w;
	return 1;
}

/* Takes in a value; false if there is nothing to compare yet. */
static bool take(struct detector_watch *w, uint64_t now_ns, int64_t value,
		 double *ret)
{
	uint64_t last_ns = w->last_ns;
	int64_t last = w->last, growth;
	bool seen = w->seen;

	w->seen = true;
	w->gap_ns = seen && now_ns > last_ns ? now_ns - last_ns : 0;
	w->last_ns = now_ns;
	w->last = value;
	if (w->total[0]) { /* per cent of the total, in units of the limit */
		*ret = w->has_total && w->total_value > 0 ?
			       (double)value * 100 / w->total_value :
			       0;
		return w->has_total && w->total_value > 0;
	}
	if (!w->rate) {
		*ret = (double)value;
		return true;
	}
	/* after a reset its rate is unknown once */
	if (!seen || now_ns <= last_ns ||
	    counter_step(last, value, w->wrap, &growth) == COUNTER_RESET)
		return false;
	*ret = (double)growth * 1e9 / (double)(now_ns - last_ns);
	return true;
}

static bool is_over(const struct detector_watch *w, double v)
{
	double limit = w->on ? w->clear : w->limit;

	return w->below ? v < limit : v > limit;
}

static enum hit_change sample(struct detector_watch *w, uint64_t now_ns,
			      int64_t value)
{
	bool was = w->on;
	double v;

	if (!take(w, now_ns, value, &v))
		return HIT_EVENT;
	w->compared = true;
	w->value = v / w->factor;
	if (!is_over(w, v)) {
		w->over = w->on = false;
		return was ? HIT_OFF : HIT_EVENT;
	}
	if (!w->over)
		w->since_ns = now_ns;
	w->over = true;
	if (was || now_ns - w->since_ns < w->for_ns)
		return HIT_EVENT;
	w->on = true;
	return HIT_ON;
}

static void format_value(char buf[32], enum rule_unit unit, double v)
{
	if (unit == RULE_UNIT_BYTES)
		units_human_size(buf, v > 0 ? (uint64_t)v : 0);
	else if (unit == RULE_UNIT_NS)
		units_human_time(buf, v > 0 ? (uint64_t)v : 0);
	else
		snprintf(buf, 32, "%.6g%s", v,
			 unit == RULE_UNIT_PERCENT ? "%" : "");
}

static void describe(const struct rule_cond *c, const struct engine_hit *h,
		     char *buf, size_t size)
{
	char is[32], limit[32], held[32];

	if (!c) {
		snprintf(buf, size, "%s: %g", h->metric, h->value);
		return;
	}
	format_value(is, c->unit, h->value);
	format_value(limit, c->unit, c->limit);
	snprintf(buf, size, "%s%s%s is %s%s, limit %s %s%s%s%s",
		 c->rate ? "rate(" : "", h->metric, c->rate ? ")" : "", is,
		 c->rate ? "/s" : "", c->below ? "<" : ">", limit,
		 c->rate ? "/s" : "", c->for_ns ? " for " : "",
		 c->for_ns ? units_format_time(held, c->for_ns) : "");
}

const struct detector_ops detector_counter = {
	.name = "counter",
	.doc = "A sampled value, or the rate of its growth, is over or under a "
	       "limit, perhaps for some time. Decided at each sample.",
	.syntax = "METRIC >|< NUMBER [for TIME] [clear NUMBER], "
		  "rate(METRIC) >|< NUMBER/s",
	.example = "meminfo.MemAvailable < 512MiB for 10s",
	.claims = claims,
	.parse = parse,
	.bind = bind,
	.sample = sample,
	.describe = describe,
};
