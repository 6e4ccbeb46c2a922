/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules_warn.c - rules that cannot do what they were written for, as things are. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dump/schema.h"
#include "recorder/rules.h"
#include "triggers/where.h"

struct warning {
	char *buf;
	size_t size, len;
};

__attribute__((format(printf, 2, 3))) static void add(struct warning *w,
						      const char *fmt, ...)
{
	va_list ap;
	int n;

	if (w->len + 3 >= w->size)
		return;
	if (w->len)
		w->len += (size_t)snprintf(w->buf + w->len, w->size - w->len,
					   "; ");
	va_start(ap, fmt);
	n = vsnprintf(w->buf + w->len, w->size - w->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		w->len += (size_t)n;
	if (w->len >= w->size)
		w->len = w->size - 1;
}

/* ---- conditions that cannot be met ------------------------------------------ */

/* None of its streams is recorded, so no probe looks. */
static bool is_unseen(const struct daemon *d, const struct rule_cond *c)
{
	return d->probes && c->streams &&
	       !(c->streams & config_streams(d->config));
}

/* Is what is over the one limit never under the other? */
static bool exclude(const struct rule_cond *a, const struct rule_cond *b)
{
	return a->ops == b->ops && a->metric[0] &&
	       !strcmp(a->metric, b->metric) && !strpbrk(a->metric, "*?") &&
	       a->rate == b->rate && a->unit == b->unit && !a->below &&
	       b->below && b->limit <= a->limit && !a->has_clear &&
	       !b->has_clear;
}

static bool contradicts(const struct rule_expr *x, const struct rule_term *t)
{
	if (t->on & t->off)
		return true;
	for (unsigned i = 0; i < x->nr_conds; i++)
		for (unsigned j = 0; j < x->nr_conds; j++)
			if (t->on >> i & t->on >> j & 1 &&
			    exclude(&x->conds[i], &x->conds[j]))
				return true;
	return false;
}

/* Is there no term without one of the conditions ${dead}? */
static bool all_need(const struct rule_expr *x, uint8_t dead)
{
	for (unsigned i = 0; i < x->nr_terms; i++) {
		const struct rule_term *t = &x->terms[i];
		bool event = t->event != RULE_NO_EVENT && dead >> t->event & 1;

		if (!event && !(t->on & dead))
			return false;
	}
	return true;
}

static void name_streams(uint32_t streams, char *buf, size_t size)
{
	size_t len = 0;
	unsigned nr;
	const struct fr_stream *all = fr_streams(&nr);

	buf[0] = '\0';
	for (unsigned i = 0; i < nr && len < size; i++)
		if (streams >> all[i].number & 1)
			len += (size_t)snprintf(buf + len, size - len, "%s%s",
						len ? ", " : "", all[i].name);
}

static void warn_unseen(struct warning *w, const struct daemon *d,
			const struct rule_expr *x)
{
	uint32_t streams = 0;
	uint8_t dead = 0;
	char names[128];

	for (unsigned i = 0; i < x->nr_conds; i++)
		if (is_unseen(d, &x->conds[i])) {
			dead |= (uint8_t)(1u << i);
			streams |= x->conds[i].streams;
		}
	if (!dead)
		return;
	name_streams(streams, names, sizeof(names));
	add(w, "%s: %s is not recorded (probes.streams)",
	    all_need(x, dead) ? "can never fire" : "can fire in part only",
	    names);
}

static void warn_contradiction(struct warning *w, const struct rule_expr *x)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < x->nr_terms; i++)
		nr += contradicts(x, &x->terms[i]);
	if (nr)
		add(w, "%s: its conditions exclude each other",
		    nr == x->nr_terms ? "can never fire" :
					"can fire in part only");
}

/* ---- names that stand for nothing now ---------------------------------------- */

static void warn_names(struct warning *w, const struct fr_trigger_rule *r)
{
	char what[RULE_PATH_MAX + 16];

	if (where_unresolved(r, what, sizeof(what)))
		add(w, "there is no %s now; it waits for it", what);
	for (unsigned i = 0; i < r->expr.nr_conds; i++) {
		const struct rule_where *where = &r->expr.conds[i].where;

		if (where->set & ~where->not &FR_WHERE_PID &&
		    kill((pid_t)where->pid, 0) < 0 && errno == ESRCH)
			add(w, "there is no process %u now", where->pid);
	}
}

/* ---- what the engine knows ---------------------------------------------------- */

static void warn_engine(struct warning *w, const struct daemon *d,
			const struct fr_trigger_rule *r)
{
	struct trigger_info info;

	for (unsigned i = 0; i < engine_nr_triggers(d->engine); i++) {
		engine_info(d->engine, i, &info);
		if (strcmp(info.name, r->name))
			continue;
		for (unsigned c = 0; c < r->expr.nr_conds; c++)
			if (info.unknown >> c & 1)
				add(w, "no metric that is sampled is named %s",
				    r->expr.conds[c].metric);
		if (info.undecidable && !d->probes)
			add(w, "cannot fire: needs kernel probes");
		else if (info.undecidable)
			add(w,
			    "cannot fire: all %d places in the kernel are taken",
			    FR_TRIGGER_SLOTS);
	}
}

const char *rules_warning(const struct daemon *d,
			  const struct fr_trigger_rule *r, char *buf,
			  size_t size)
{
	struct warning w = { .buf = buf, .size = size };

	buf[0] = '\0';
	warn_engine(&w, d, r);
	warn_unseen(&w, d, &r->expr);
	warn_contradiction(&w, &r->expr);
	warn_names(&w, r);
	return w.len ? buf : NULL;
}
