/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * counter.c - a sampled value, or its rate, is over or under a limit.
 *
 * Decided at each tick of the sampler, so never faster than sampler.period; costs
 * one comparison per matching metric.  Fires once when the condition comes true
 * and again only after it was false.
 */
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

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
	if (ret->below && ret->limit <= 0)
		return lex_fail(l, "nothing is below 0: this can never fire");
	lex_next(l);
	return 0;
}

static int parse_for(struct lex *l, uint64_t *ret_ns)
{
	char number[32];
	uint64_t ns;

	if (l->kind != LEX_WORD || !lex_is(l, "for"))
		return 0;
	lex_next(l);
	if (l->kind != LEX_NUMBER || lex_copy(l, number, sizeof(number)) < 0)
		return lex_expect(l, "a duration such as 10s");
	if (units_parse_time(number, &ns) < 0)
		return lex_fail(l, "'%s' is not a duration; write for 10s",
				number);
	if (!ns || ns > FOR_MAX_NS)
		return lex_fail(l, "`for` takes more than 0 and at most 24h");
	*ret_ns = ns;
	lex_next(l);
	return 0;
}

static int parse(struct lex *l, struct rule_cond *ret)
{
	int r = parse_subject(l, ret);

	if (r < 0)
		return r;
	if (!lex_is(l, ">") && !lex_is(l, "<"))
		return lex_expect(l, "`>` or `<`");
	ret->below = lex_is(l, "<");
	lex_next(l);
	r = parse_limit(l, ret);
	return r < 0 ? r : parse_for(l, &ret->for_ns);
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

static int bind(const struct rule_cond *c, const struct detector_metric *m,
		struct detector_watch *ret)
{
	double factor;

	if (fnmatch(c->metric, m->name, 0))
		return 0;
	factor = unit_factor(c->unit, m->unit);
	if (factor <= 0)
		return -EINVAL;
	factor *= m->scale > 0 ? m->scale : 1;
	*ret = (struct detector_watch){
		.limit = c->limit * factor,
		.factor = factor,
		.for_ns = c->for_ns,
		.rate = c->rate,
		.below = c->below,
	};
	return 1;
}

/* Takes in a value; false if there is nothing to compare yet. */
static bool take(struct detector_watch *w, uint64_t now_ns, int64_t value,
		 double *ret)
{
	uint64_t last_ns = w->last_ns;
	int64_t last = w->last;
	bool seen = w->seen;

	w->seen = true;
	w->last_ns = now_ns;
	w->last = value;
	if (!w->rate) {
		*ret = (double)value;
		return true;
	}
	/* a counter that went back was reset: its rate is unknown once */
	if (!seen || now_ns <= last_ns || value < last)
		return false;
	*ret = ((double)value - (double)last) * 1e9 /
	       (double)(now_ns - last_ns);
	return true;
}

static bool sample(struct detector_watch *w, uint64_t now_ns, int64_t value)
{
	double v;
	bool over;

	if (!take(w, now_ns, value, &v))
		return false;
	over = w->below ? v < w->limit : v > w->limit;
	w->value = v / w->factor;
	if (!over) {
		w->over = w->fired = false;
		return false;
	}
	if (!w->over)
		w->since_ns = now_ns;
	w->over = true;
	if (w->fired || now_ns - w->since_ns < w->for_ns)
		return false;
	w->fired = true;
	return true;
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
	.syntax = "METRIC >|< NUMBER [for TIME], rate(METRIC) >|< NUMBER/s "
		  "[for TIME]",
	.example = "meminfo.MemAvailable < 512MiB for 10s",
	.claims = claims,
	.parse = parse,
	.bind = bind,
	.sample = sample,
	.describe = describe,
};
