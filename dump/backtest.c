/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backtest.c - rules, results, and the order of the test. */
#include "dump/backtest_impl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/view_filter.h"
#include "dump/view_time.h"
#include "recorder/config.h"
#include "triggers/keys.h"
#include "triggers/units.h"
#include "triggers/where.h"

void *bt_add(struct backtest *b, struct bt_list *l, size_t bytes)
{
	void *data, *to;

	if (l->nr == l->size) {
		size_t size = l->size ? 2 * l->size : 64;

		data = realloc(l->data, size * bytes);
		if (!data) {
			b->no_memory = true;
			return NULL;
		}
		l->data = data;
		l->size = size;
	}
	to = (char *)l->data + l->nr++ * bytes;
	memset(to, 0, bytes);
	return to;
}

uint64_t bt_time(const struct backtest *b, unsigned file, uint64_t mono_ns)
{
	return b->one_clock ? mono_ns :
			      mono_ns + (uint64_t)view_clock_offset(b->v, file);
}

int64_t backtest_real_ns(const struct backtest *b, uint64_t ns)
{
	return b->one_clock ?
		       (int64_t)(ns + (uint64_t)view_clock_offset(b->v, 0)) :
		       (int64_t)ns;
}

char *bt_wall(const struct backtest *b, uint64_t ns, char buf[48])
{
	struct wall_cache cache = { 0 };
	char text[48];

	wall_format(&cache, backtest_real_ns(b, ns), text);
	snprintf(buf, 48, "%.10s %.12s", text, text + 11);
	return buf;
}

void bt_reason(struct backtest *b, unsigned rule, const char *fmt, ...)
{
	unsigned n = b->reasons[rule].nr;
	char text[BACKTEST_REASON_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(b->reasons[rule].text[i], text))
			return;
	if (n == BACKTEST_REASONS)
		return;
	memcpy(b->reasons[rule].text[n], text, sizeof(text));
	b->reasons[rule].nr++;
}

void bt_progress(struct backtest *b, unsigned percent)
{
	if (!b->o.progress || percent == b->percent)
		return;
	b->percent = percent;
	b->o.progress(b->o.arg, percent);
}

static bool same_text(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

static const char *fact(const struct backtest *b, unsigned file,
			const char *key)
{
	return snap_fact(view_snap(b->v, file), key);
}

unsigned bt_source(const struct backtest *b, unsigned file)
{
	for (unsigned i = 0; i < file; i++)
		if (same_text(fact(b, i, "instance"),
			      fact(b, file, "instance")))
			return i;
	return file;
}

/* ---- making ------------------------------------------------------------------ */

static enum bt_kind kind_of(const struct rule_cond *c)
{
	if (c->ops->fill_slot)
		return BT_EVENT;
	if (c->ops->bind && c->ops->sample)
		return BT_COUNTER;
	if (!strcmp(c->ops->name, "inflight"))
		return BT_INFLIGHT;
	if (!strcmp(c->ops->name, "percentile"))
		return BT_PERCENTILE;
	return !strcmp(c->ops->name, "pressure") ? BT_PRESSURE : BT_OTHER;
}

#define PATH_CONDS_MAX 64 /* bits of bt_event.paths */

/* A condition beyond the last bit has no glob: nothing passes it. */
static void add_glob(struct backtest *b, struct bt_cond *c)
{
	if (!(c->c->where.set & FR_WHERE_PATH) || c->glob)
		return;
	if (b->nr_globs == PATH_CONDS_MAX) {
		bt_reason(b, c->rule, "more than %d filters by path at once",
			  PATH_CONDS_MAX);
		return;
	}
	c->glob = malloc(sizeof(*c->glob));
	if (!c->glob) {
		b->no_memory = true;
		return;
	}
	where_fill_glob(&c->c->where, c->glob);
	c->path_bit = b->nr_globs++;
}

static void fill_slot(struct bt_cond *c)
{
	if (c->kind == BT_EVENT) {
		rule_fill_slot(c->c, &c->slot);
	} else if (c->kind == BT_INFLIGHT || c->kind == BT_PERCENTILE) {
		c->slot.what = FR_WHAT_LATENCY;
		if (c->kind == BT_INFLIGHT) /* the other counts them all */
			c->slot.limit_ns = c->c->limit_ns;
		c->slot.streams = c->c->streams;
		memcpy(c->slot.keys, c->c->keys, sizeof(c->slot.keys));
		where_fill_slot(&c->c->where, &c->slot);
	}
}

static void add_conds(struct backtest *b, unsigned rule)
{
	const struct rule_expr *x = &b->rules[rule].expr;

	for (unsigned i = 0; i < x->nr_conds; i++)
		b->conds[b->nr_conds++] =
			(struct bt_cond){ .rule = rule,
					  .index = i,
					  .c = &x->conds[i],
					  .kind = kind_of(&x->conds[i]),
					  .row = BACKTEST_NO_ROW };
}

static void add_stream(struct backtest *b, const char *name)
{
	unsigned n = 0;

	while (b->streams[n] && strcmp(b->streams[n], name) != 0)
		n++;
	b->streams[n] = name;
}

static void add_streams(struct backtest *b, const struct bt_cond *c)
{
	unsigned nr;
	const struct fr_stream *all = fr_streams(&nr);

	for (unsigned i = 0; i < nr; i++)
		if (c->c->streams >> all[i].number & 1)
			add_stream(b, all[i].name);
	if (c->kind == BT_EVENT && !c->c->streams)
		add_stream(b, "proc");
	if (c->kind == BT_COUNTER || c->kind == BT_PRESSURE)
		add_stream(b, "sample");
}

struct backtest *backtest_new(const struct backtest_options *o)
{
	static const char *const always[] = { "meta", "inflight", "hist",
					      "process", "system" };
	struct backtest *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->o = *o;
	b->rules = calloc(o->nr + 1, sizeof(*b->rules));
	for (unsigned i = 0; b->rules && i < o->nr && i < RULES_MAX; i++) {
		if (rule_copy(&b->rules[i], &o->rules[i]))
			break;
		b->nr_rules++;
		add_conds(b, i);
	}
	if (!b->rules || b->nr_rules != o->nr) {
		backtest_free(b);
		return NULL;
	}
	for (unsigned i = 0; i < sizeof(always) / sizeof(*always); i++)
		add_stream(b, always[i]);
	for (unsigned i = 0; i < b->nr_conds; i++)
		add_streams(b, &b->conds[i]);
	return b;
}

const char *const *backtest_streams(const struct backtest *b)
{
	return b->streams;
}

static void free_cond(struct bt_cond *c)
{
	free(c->ops.data);
	free(c->glob);
}

void backtest_free(struct backtest *b)
{
	if (!b)
		return;
	engine_free(b->engine);
	if (b->sets.current)
		rule_sets_clear(&b->sets);
	free(b->limits);
	for (unsigned i = 0; i < b->nr_rules; i++)
		rule_clear(&b->rules[i]);
	free(b->rules);
	for (unsigned i = 0; i < b->nr_conds; i++)
		free_cond(&b->conds[i]);
	for (unsigned i = 0; b->configs && i < view_nr_files(b->v); i++)
		config_free(b->configs[i]);
	free(b->configs);
	free(b->since);
	free(b->groups.data);
	free(b->wanted.data);
	free(b->events.data);
	free(b->changes.data);
	free(b->sights.data);
	free(b->rounds.data);
	free(b->values.data);
	free(b->series.data);
	free(b->watches.data);
	free(b->taken.data);
	free(b->manual.data);
	free(b->hits.data);
	free(b);
}

/* ---- running ------------------------------------------------------------------ */

/* The settings that each snapshot was recorded with. */
static void read_configs(struct backtest *b)
{
	b->configs = calloc(view_nr_files(b->v), sizeof(struct fr_config *));
	for (unsigned i = 0; b->configs && i < view_nr_files(b->v); i++) {
		const char *text = fact(b, i, "recorder.config");
		struct fr_diag diag;

		b->configs[i] = text ? config_new() : NULL;
		if (b->configs[i] &&
		    config_read_text(b->configs[i], "snapshot", text,
				     strlen(text), &diag)) {
			config_free(b->configs[i]);
			b->configs[i] = NULL;
		}
	}
	if (!b->configs)
		b->no_memory = true;
}

/* When their recorders began. */
static void read_since(struct backtest *b)
{
	b->since = calloc(view_nr_files(b->v), sizeof(*b->since));
	for (unsigned i = 0; b->since && i < view_nr_files(b->v); i++) {
		const char *text = fact(b, i, "recorder.since_ns");

		if (text)
			b->since[i] = bt_time(b, i, strtoull(text, NULL, 10));
	}
	if (!b->since)
		b->no_memory = true;
}

static bool have_one_clock(const struct view *v)
{
	for (unsigned i = 1; i < view_nr_files(v); i++)
		if (!same_text(snap_fact(view_snap(v, 0), "host.boot_id"),
			       snap_fact(view_snap(v, i), "host.boot_id")))
			return false;
	return true;
}

int backtest_run(struct backtest *b, struct view *v,
		 const struct view_filter *span, struct snap_diag *diag)
{
	struct view_cursor *c = view_cursor_new(v);
	int r;

	b->v = v;
	b->one_clock = have_one_clock(v);
	read_configs(b);
	read_since(b);
	for (unsigned i = 0; i < b->nr_conds; i++) {
		fill_slot(&b->conds[i]);
		add_glob(b, &b->conds[i]);
	}
	r = c && b->configs && b->since ? bt_cover_span(b, span, diag) :
					  -ENOMEM;
	if (!r) {
		bt_scan_facts(b, c);
		bt_where_resolve(b);
		for (unsigned i = 0; i < b->nr_conds; i++)
			fill_slot(&b->conds[i]); /* now with its filters */
		bt_scan_rows(b, c);
		bt_samples_finish(b);
		bt_inflight(b);
		bt_pressure(b);
		bt_percentile(b);
		r = b->no_memory ? -ENOMEM : bt_drive(b);
	}
	view_cursor_free(c);
	if (!r)
		bt_cover_reasons(b);
	return !r && b->no_memory ? -ENOMEM : r;
}

/* ---- results ------------------------------------------------------------------ */

void backtest_span(const struct backtest *b, uint64_t *ret_begin,
		   uint64_t *ret_end)
{
	*ret_begin = b->begin;
	*ret_end = b->end;
}

unsigned backtest_nr_rules(const struct backtest *b)
{
	return b->nr_rules;
}

void backtest_rule(const struct backtest *b, unsigned i,
		   struct backtest_rule *ret)
{
	struct trigger_info info;

	*ret = (struct backtest_rule){ .name = b->rules[i].name,
				       .when = b->rules[i].when,
				       .enabled = b->rules[i].enabled,
				       .nr_reasons = b->reasons[i].nr };
	for (unsigned j = 0; j < ret->nr_reasons; j++)
		ret->reasons[j] = b->reasons[i].text[j];
	for (unsigned j = 0; j < engine_nr_triggers(b->engine); j++) {
		engine_info(b->engine, j, &info);
		if (info.number == TRIGGER_FIRST_RULE + i)
			ret->counts = info.counts;
	}
}

const char *backtest_fate_name(enum backtest_fate fate)
{
	static const char *const names[] = { "fired", "merged", "suppressed" };

	return names[fate];
}

size_t backtest_nr_hits(const struct backtest *b)
{
	return b->hits.nr;
}

const struct backtest_hit *backtest_hit(const struct backtest *b, size_t i)
{
	return (const struct backtest_hit *)b->hits.data + i;
}

void backtest_describe(const struct backtest *b, const struct backtest_hit *h,
		       char *buf, size_t size)
{
	const struct rule_expr *x = &b->rules[h->rule].expr;

	buf[0] = '\0';
	if (h->hit.cond < x->nr_conds)
		x->conds[h->hit.cond].ops->describe(&x->conds[h->hit.cond],
						    &h->hit, buf, size);
}
