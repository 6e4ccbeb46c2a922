/* SPDX-License-Identifier: GPL-2.0-or-later */
/* evaluator.c - one list of watches per metric, rebuilt when rules change. */
#include "triggers/evaluator.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "triggers/units.h"

#define METRICS_MAX 65537

struct watch {
	uint32_t number; /* of the rule */
	uint8_t cond;    /* which of its conditions */
	const struct detector_ops *ops;
	struct detector_watch state;
};

struct watched_metric {
	char *name, *unit; /* NULL: id not in use */
	bool counter;
	double scale;
	int64_t wrap;
	double last; /* value, as stored */
	bool has_last;
	struct watch *watches;
	unsigned nr_watches;
};

struct misfit {
	uint32_t number;
	uint32_t metric;
	bool told;
};

struct evaluator {
	const struct rule_sets *sets;
	struct inbox *in;
	uint64_t generation; /* of the rules that the watches come from */
	struct watched_metric *metrics;
	unsigned nr_metrics;
	struct misfit *misfits;
	unsigned nr_misfits;
	uint64_t now_ns;   /* of the present round */
	uint64_t named_ns; /* when the last metric got its name */
	bool told;         /* which conditions have a metric */
};

struct evaluator *evaluator_new(const struct rule_sets *sets, struct inbox *in)
{
	struct evaluator *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->sets = sets;
	v->in = in;
	return v;
}

void evaluator_free(struct evaluator *v)
{
	if (!v)
		return;
	for (unsigned i = 0; i < v->nr_metrics; i++) {
		free(v->metrics[i].name);
		free(v->metrics[i].unit);
		free(v->metrics[i].watches);
	}
	free(v->metrics);
	free(v->misfits);
	free(v);
}

static void add_misfit(struct evaluator *v, uint32_t number, uint32_t metric)
{
	struct misfit *grown;

	for (unsigned i = 0; i < v->nr_misfits; i++)
		if (v->misfits[i].number == number &&
		    v->misfits[i].metric == metric)
			return;
	grown = realloc(v->misfits, (v->nr_misfits + 1) * sizeof(*grown));
	if (!grown)
		return;
	v->misfits = grown;
	grown[v->nr_misfits++] = (struct misfit){ number, metric, false };
}

bool evaluator_misfit(struct evaluator *v, uint32_t *ret_number,
		      const char **ret_metric)
{
	for (unsigned i = 0; i < v->nr_misfits; i++) {
		struct misfit *m = &v->misfits[i];

		if (m->told)
			continue;
		m->told = true;
		*ret_number = m->number;
		*ret_metric = v->metrics[m->metric].name;
		return true;
	}
	return false;
}

/* What the same rule has already seen of this metric. */
static void keep_state(struct watch *w, const struct watched_metric *m)
{
	for (unsigned i = 0; i < m->nr_watches; i++)
		if (m->watches[i].number == w->number &&
		    m->watches[i].cond == w->cond)
			w->state = m->watches[i].state;
}

static bool bind_cond(struct evaluator *v, uint32_t id, uint32_t number,
		      const struct rule_cond *c, struct watch *ret)
{
	const struct watched_metric *m = &v->metrics[id];
	const struct detector_metric metric = {
		.id = id,
		.counter = m->counter,
		.scale = m->scale,
		.wrap = m->wrap,
		.name = m->name,
		.unit = m->unit,
	};
	int r;

	if (!c->ops->bind)
		return false;
	ret->number = number;
	ret->ops = c->ops;
	r = c->ops->bind(c, &metric, &ret->state);
	if (r < 0)
		add_misfit(v, number, id);
	return r > 0;
}

static unsigned nr_conds(const struct rule_set *set)
{
	unsigned n = 0;

	for (unsigned i = 0; i < set->nr; i++)
		n += set->entries[i].rule.expr.nr_conds;
	return n;
}

/* Under rcu_read_lock(), as ${set} demands.  Without memory the old watches
 * stay and the next round tries again. */
static int bind_metric(struct evaluator *v, uint32_t id,
		       const struct rule_set *set)
{
	struct watched_metric *m = &v->metrics[id];
	struct watch *watches = calloc(nr_conds(set) + 1, sizeof(*watches));
	unsigned n = 0;

	if (!watches)
		return -ENOMEM;
	for (unsigned i = 0; i < set->nr; i++) {
		const struct rule_entry *e = &set->entries[i];

		for (unsigned c = 0; c < e->rule.expr.nr_conds; c++) {
			if (!bind_cond(v, id, e->number, &e->rule.expr.conds[c],
				       &watches[n]))
				continue;
			watches[n].cond = (uint8_t)c;
			keep_state(&watches[n++], m);
		}
	}
	free(m->watches);
	m->watches = NULL;
	m->nr_watches = n;
	if (n)
		m->watches = watches;
	else
		free(watches);
	return 0;
}

static void say(struct evaluator *v, const struct watched_metric *m,
		const struct watch *w, uint64_t now_ns, enum hit_change change,
		bool first)
{
	struct engine_hit hit = { .number = w->number,
				  .hit_ns = now_ns,
				  .cond = w->cond,
				  .change = change,
				  .first = first,
				  .value = w->state.value };

	snprintf(hit.metric, sizeof(hit.metric), "%s", m->name);
	inbox_post(v->in, &hit);
}

/* ---- conditions without a metric ------------------------------------------------ */

static bool is_bound(const struct evaluator *v, uint32_t number, unsigned cond)
{
	for (unsigned i = 0; i < v->nr_misfits; i++)
		if (v->misfits[i].number == number)
			return true; /* said already, in other words */
	for (unsigned i = 0; i < v->nr_metrics; i++)
		for (unsigned k = 0; k < v->metrics[i].nr_watches; k++)
			if (v->metrics[i].watches[k].number == number &&
			    v->metrics[i].watches[k].cond == cond)
				return true;
	return false;
}

static const char *nearest(const struct evaluator *v, const char *name)
{
	const char **names = calloc(v->nr_metrics + 1, sizeof(*names));
	const char *near = NULL;
	unsigned n = 0;

	for (unsigned i = 0; names && i < v->nr_metrics; i++)
		if (v->metrics[i].name)
			names[n++] = v->metrics[i].name;
	if (names)
		near = units_nearest(name, names);
	free(names);
	return near;
}

static void tell_cond(struct evaluator *v, uint32_t number, unsigned cond,
		      const struct rule_cond *c)
{
	struct engine_hit hit = { .number = number,
				  .hit_ns = v->now_ns,
				  .cond = (uint8_t)cond,
				  .change = HIT_KNOWN };
	const char *near;

	if (!is_bound(v, number, cond)) {
		near = nearest(v, c->metric);
		hit.change = HIT_UNKNOWN;
		snprintf(hit.metric, sizeof(hit.metric), "%s",
			 near ? near : "");
	}
	inbox_post(v->in, &hit);
}

/* Under rcu_read_lock(). */
static void tell_known(struct evaluator *v, const struct rule_set *set)
{
	v->told = true;
	for (unsigned i = 0; i < set->nr; i++) {
		const struct rule_expr *x = &set->entries[i].rule.expr;

		for (unsigned c = 0; c < x->nr_conds; c++)
			if (x->conds[c].ops->bind)
				tell_cond(v, set->entries[i].number, c,
					  &x->conds[c]);
	}
}

/* ---- the round ------------------------------------------------------------------ */

#define STALE_GAPS    5
#define STALE_NS      1000000000ULL
#define STALE_ONCE_NS 300000000000ULL /* seen only once: no gap is known */

static bool is_stale(const struct detector_watch *w, uint64_t now_ns)
{
	uint64_t limit =
		w->gap_ns ? STALE_GAPS * w->gap_ns + STALE_NS : STALE_ONCE_NS;

	return now_ns - w->last_ns > limit;
}

/* A metric that is not there any more (its device is gone) is over no limit. */
static void drop_stale(struct evaluator *v, const struct watched_metric *m,
		       uint64_t now_ns)
{
	for (unsigned i = 0; i < m->nr_watches; i++) {
		struct detector_watch *w = &m->watches[i].state;

		if (!w->over || !is_stale(w, now_ns))
			continue;
		if (w->on)
			say(v, m, &m->watches[i], now_ns, HIT_OFF, false);
		w->on = w->over = w->seen = false;
	}
}

void evaluator_begin(struct evaluator *v, uint64_t now_ns)
{
	const struct rule_set *set;
	int r = 0;

	v->now_ns = now_ns;
	for (unsigned i = 0; i < v->nr_metrics; i++)
		if (v->metrics[i].nr_watches)
			drop_stale(v, &v->metrics[i], now_ns);
	urcu_memb_read_lock();
	set = rule_sets_get(v->sets);
	if (set && set->generation != v->generation) {
		for (unsigned i = 0; i < v->nr_metrics && r == 0; i++)
			if (v->metrics[i].name)
				r = bind_metric(v, i, set);
		if (r == 0)
			v->generation = set->generation;
		v->told = false;
	}
	if (set && r == 0 && !v->told && v->named_ns &&
	    now_ns - v->named_ns >= EVALUATOR_QUIET_NS)
		tell_known(v, set);
	urcu_memb_read_unlock();
}

static int make_room(struct evaluator *v, uint32_t id)
{
	unsigned nr = id + 64;
	struct watched_metric *grown;

	if (id < v->nr_metrics)
		return 0;
	if (id >= METRICS_MAX)
		return -ERANGE;
	grown = realloc(v->metrics, nr * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memset(grown + v->nr_metrics, 0, (nr - v->nr_metrics) * sizeof(*grown));
	v->metrics = grown;
	v->nr_metrics = nr;
	return 0;
}

static void drop_misfits(struct evaluator *v, uint32_t id)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < v->nr_misfits; i++)
		if (v->misfits[i].metric != id)
			v->misfits[kept++] = v->misfits[i];
	v->nr_misfits = kept;
}

/* Another metric has the number now. */
static void forget_metric(struct evaluator *v, uint32_t id)
{
	struct watched_metric *m = &v->metrics[id];

	for (unsigned i = 0; i < m->nr_watches; i++)
		if (m->watches[i].state.on)
			say(v, m, &m->watches[i], v->now_ns, HIT_OFF, false);
	drop_misfits(v, id);
	free(m->name);
	free(m->unit);
	free(m->watches);
	*m = (struct watched_metric){ 0 };
}

int evaluator_add_metric(struct evaluator *v, const struct detector_metric *m)
{
	struct watched_metric *w;
	const struct rule_set *set;
	int r = make_room(v, m->id);

	if (r < 0)
		return r;
	w = &v->metrics[m->id];
	if (w->name && !strcmp(w->name, m->name))
		return 0;
	if (w->name)
		forget_metric(v, m->id);
	w->unit = strdup(m->unit);
	w->name = w->unit ? strdup(m->name) : NULL;
	if (!w->name) {
		free(w->unit);
		w->unit = NULL;
		return -ENOMEM;
	}
	v->named_ns = v->now_ns;
	v->told = false;
	w->counter = m->counter;
	w->scale = m->scale;
	w->wrap = m->wrap;
	urcu_memb_read_lock();
	set = rule_sets_get(v->sets);
	/* an older generation: evaluator_begin() will bind it with the rest */
	if (set && set->generation == v->generation)
		r = bind_metric(v, m->id, set);
	urcu_memb_read_unlock();
	return r;
}

/* What the limit is a percentage of. */
static void take_total(struct evaluator *v, struct detector_watch *w)
{
	const struct watched_metric *m;

	if (!w->total[0])
		return;
	/* its number may be another's by now */
	if (w->total_id != UINT32_MAX &&
	    (!v->metrics[w->total_id].name ||
	     strcmp(v->metrics[w->total_id].name, w->total) != 0))
		w->total_id = UINT32_MAX;
	for (uint32_t i = 0; w->total_id == UINT32_MAX && i < v->nr_metrics;
	     i++)
		if (v->metrics[i].name && !strcmp(v->metrics[i].name, w->total))
			w->total_id = i;
	w->has_total = false;
	if (w->total_id == UINT32_MAX)
		return;
	m = &v->metrics[w->total_id];
	w->has_total = m->has_last;
	w->total_value = m->last / (m->scale > 0 ? m->scale : 1);
}

void evaluator_sample(struct evaluator *v, uint64_t now_ns, uint32_t id,
		      int64_t value)
{
	struct watched_metric *m;

	if (id >= v->nr_metrics)
		return;
	m = &v->metrics[id];
	m->last = (double)value;
	m->has_last = true;
	for (unsigned i = 0; i < m->nr_watches; i++) {
		struct watch *w = &m->watches[i];
		bool first = !w->state.compared;
		enum hit_change change;

		take_total(v, &w->state);
		change = w->ops->sample(&w->state, now_ns, value);
		if (change != HIT_EVENT)
			say(v, m, w, now_ns, change, first);
	}
}
