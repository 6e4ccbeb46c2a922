/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine_load.c - making, reloading, freeing an engine; status. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "triggers/engine_internal.h"

#define BUILT_IN 2

extern const struct detector_ops detector_signal, detector_manual;

static struct trigger *new_trigger(uint32_t number, const char *name,
				   const struct detector_ops *ops)
{
	struct trigger *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	rule_init(&t->rule, name);
	t->number = number;
	t->ops = ops;
	t->enabled = true;
	for (unsigned c = 0; c < RULE_CONDS_MAX; c++)
		t->slots[c] = -1;
	return t;
}

/* The present trigger whose form ${rule} is now: only what its names stand for
 * changed. */
static struct trigger *find_same(const struct engine *e,
				 const struct fr_trigger_rule *rule)
{
	for (unsigned i = BUILT_IN; i < e->nr; i++)
		if (rule_same(&e->all[i]->rule, rule))
			return e->all[i];
	return NULL;
}

static struct trigger *new_rule(struct engine *e,
				const struct fr_trigger_rule *rule)
{
	struct trigger *t = new_trigger(e->next_number, rule->name,
					rule->expr.conds[0].ops);
	const struct trigger *was = find_same(e, rule);

	if (!t)
		return NULL;
	if (rule_copy(&t->rule, rule) < 0 || engine_limits_init(t) < 0) {
		rule_clear(&t->rule);
		free(t);
		return NULL;
	}
	e->next_number++;
	t->enabled = was ? was->enabled : rule->enabled;
	t->state = t->enabled && !e->down ? TRIGGER_ARMED : TRIGGER_DISABLED;
	return t;
}

struct engine *engine_new(const struct engine_ops *ops, void *arg,
			  struct fr_limits *limits, struct rule_sets *sets)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->ops = ops;
	e->arg = arg;
	e->limits = limits;
	e->sets = sets;
	e->next_number = TRIGGER_FIRST_RULE;
	e->all = calloc(BUILT_IN, sizeof(struct trigger *));
	if (!e->all)
		goto fail;
	e->all[e->nr] = new_trigger(TRIGGER_SIGNAL, "signal", &detector_signal);
	if (!e->all[e->nr++])
		goto fail;
	e->all[e->nr] = new_trigger(TRIGGER_MANUAL, "manual", &detector_manual);
	if (!e->all[e->nr++])
		goto fail;
	return e;
fail:
	engine_free(e);
	errno = ENOMEM;
	return NULL;
}

void engine_trigger_free(struct engine *e, struct trigger *t)
{
	struct trigger_counts *all = &e->counts.all;

	all->fired += t->own.fired;
	all->suppressed += t->own.suppressed;
	all->merged += t->own.merged;
	all->hits += t->own.fired + t->own.suppressed + t->own.merged;
	rule_clear(&t->rule);
	free(t->fired_at);
	free(t);
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	for (unsigned i = 0; e->limits && i < FR_TRIGGER_SLOTS; i++)
		if (e->slots[i].use == SLOT_USED)
			__atomic_store_n(&e->limits->slots[i].state,
					 FR_SLOT_FREE, __ATOMIC_RELEASE);
	if (e->leader && e->leader->gone)
		engine_trigger_free(e, e->leader);
	for (unsigned i = 0; i < e->nr; i++)
		if (e->all[i])
			engine_trigger_free(e, e->all[i]);
	free(e->all);
	free(e);
}

/* ---- reload ------------------------------------------------------------------ */

static struct trigger *find_equal(const struct engine *e,
				  const struct fr_trigger_rule *rule)
{
	for (unsigned i = BUILT_IN; i < e->nr; i++)
		if (rule_equal(&e->all[i]->rule, rule))
			return e->all[i];
	return NULL;
}

static bool is_in(struct trigger *const *list, unsigned nr,
		  const struct trigger *t)
{
	for (unsigned i = 0; i < nr; i++)
		if (list[i] == t)
			return true;
	return false;
}

/* The triggers to be: present ones where equal, new ones elsewhere.  NULL: out
 * of memory. */
static struct trigger **plan_triggers(struct engine *e,
				      const struct fr_trigger_rule *rules,
				      unsigned nr)
{
	struct trigger **next = calloc(BUILT_IN + nr, sizeof(struct trigger *));
	unsigned n = BUILT_IN;

	if (!next)
		return NULL;
	memcpy(next, e->all, BUILT_IN * sizeof(struct trigger *));
	for (; n < BUILT_IN + nr; n++) {
		next[n] = find_equal(e, &rules[n - BUILT_IN]);
		if (!next[n])
			next[n] = new_rule(e, &rules[n - BUILT_IN]);
		if (!next[n])
			goto fail;
	}
	return next;
fail:
	while (n-- > BUILT_IN)
		if (!is_in(e->all, e->nr, next[n]))
			engine_trigger_free(e, next[n]);
	free(next);
	return NULL;
}

static struct rule_set *plan_set(struct trigger *const *next, unsigned nr)
{
	struct rule_set *s = rule_set_new(nr);

	for (unsigned i = 0; s && i < nr; i++) {
		s->entries[i].number = next[BUILT_IN + i]->number;
		if (rule_copy(&s->entries[i].rule, &next[BUILT_IN + i]->rule) <
		    0) {
			rule_set_free(s);
			return NULL;
		}
	}
	return s;
}

/* relaxed in these: read by the probes, each value by itself; only we write them */
static void lower(__u64 *ns, uint64_t to)
{
	if (to && (!*ns || to < *ns))
		__atomic_store_n(ns, to, __ATOMIC_RELAXED);
}

static void add_bits(__u64 *bits, uint64_t more)
{
	__atomic_store_n(bits, *bits | more, __ATOMIC_RELAXED);
}

/* While old and new rules are in force together, min_ns may only fall, and what is
 * wanted only grow. */
static void lower_limits(struct fr_limits *limits, const struct fr_limits *to)
{
	__atomic_store_n(&limits->wanted, limits->wanted | to->wanted,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&limits->paths, limits->paths | to->paths,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&limits->count_streams,
			 limits->count_streams | to->count_streams,
			 __ATOMIC_RELAXED);
	for (unsigned k = 0; k < FR_KEYS / 64; k++) {
		add_bits(&limits->error_keys[k], to->error_keys[k]);
		add_bits(&limits->count_keys[k], to->count_keys[k]);
	}
	for (unsigned k = 0; k < FR_KEYS; k++) {
		lower(&limits->min_ns[k], to->min_ns[k]);
		lower(&limits->look_ns[k], to->look_ns[k]);
	}
}

/* Trigger ${t} goes: hits by hand that wait for it are ${next}'s, or given up if
 * that is NULL. */
static void requeue(struct engine *e, struct trigger *t, struct trigger *next)
{
	unsigned nr = e->queue_nr;

	e->queue_nr = 0;
	for (unsigned i = 0; i < nr; i++) {
		struct engine_hit h =
			e->queue[(e->queue_first + i) % ENGINE_QUEUE_MAX];

		if (h.number == t->number) {
			t->own.queued--;
			if (!next) {
				t->own.suppressed++;
				if (h.cookie && e->ops->answered)
					e->ops->answered(e->arg, h.cookie,
							 -ESTALE);
				continue;
			}
			next->own.queued++;
			h.number = next->number;
		}
		e->queue[(e->queue_first + e->queue_nr++) % ENGINE_QUEUE_MAX] =
			h;
	}
}

static void remove_trigger(struct engine *e, uint64_t now_ns, struct trigger *t)
{
	requeue(e, t, find_same(e, &t->rule));
	if (e->window_of == t)
		engine_window_close(e);
	engine_slot_retire(e, now_ns, t);
	if (e->leader == t)
		t->gone = true; /* until the incident ends */
	else
		engine_trigger_free(e, t);
}

/* New triggers are armed before old ones go: a rule that was only changed is
 * in force at every moment. */
static void swap(struct engine *e, uint64_t now_ns, struct trigger **next,
		 unsigned nr)
{
	struct trigger **old = e->all;
	unsigned nr_old = e->nr;

	e->all = next;
	e->nr = nr;
	for (unsigned i = BUILT_IN; i < nr; i++) {
		engine_limits_check(e, now_ns, next[i]);
		engine_slot_claim(e, next[i]);
	}
	for (unsigned i = BUILT_IN; i < nr_old; i++)
		if (!is_in(next, nr, old[i]))
			remove_trigger(e, now_ns, old[i]);
	free(old);
}

int engine_load(struct engine *e, uint64_t now_ns,
		const struct fr_trigger_rule *rules, unsigned nr,
		uint64_t slow_ns)
{
	struct trigger **next = plan_triggers(e, rules, nr);
	struct rule_set *set = next ? plan_set(next, nr) : NULL;
	struct fr_limits wanted;

	if (!set) {
		for (unsigned i = BUILT_IN; next && i < BUILT_IN + nr; i++)
			if (!is_in(e->all, e->nr, next[i]))
				engine_trigger_free(e, next[i]);
		free(next);
		return -ENOMEM;
	}
	rules_fill_limits(rules, nr, slow_ns, &wanted);
	if (e->limits)
		lower_limits(e->limits, &wanted);
	engine_slot_drain(e, now_ns);
	swap(e, now_ns, next, BUILT_IN + nr);
	rule_sets_publish(e->sets, set);
	if (e->limits)
		rules_fill_limits(rules, nr, slow_ns, e->limits);
	return 0;
}

/* ---- status ------------------------------------------------------------------ */

const char *trigger_state_name(enum trigger_state state)
{
	static const char *const names[] = {
		[TRIGGER_ARMED] = "armed",       [TRIGGER_HIT] = "hit",
		[TRIGGER_TAIL] = "tail",         [TRIGGER_HELD] = "held",
		[TRIGGER_DUMPING] = "dumping",   [TRIGGER_COOLING] = "cooling",
		[TRIGGER_DISABLED] = "disabled",
	};

	return (unsigned)state < TRIGGER_STATES ? names[state] : "?";
}

unsigned engine_nr_triggers(const struct engine *e)
{
	return e->nr;
}

void engine_count(const struct engine *e, const struct trigger *t,
		  struct trigger_counts *ret)
{
	*ret = t->own;
	ret->hits = t->own.fired + t->own.suppressed + t->own.merged +
		    t->own.queued;
	engine_slot_add(e, t, ret);
}

void engine_info(const struct engine *e, unsigned i, struct trigger_info *ret)
{
	const struct trigger *t = e->all[i];

	*ret = (struct trigger_info){
		.number = t->number,
		.name = t->rule.name,
		.when = t->rule.when ? t->rule.when : "",
		.detector = t->ops->name,
		.state = t->state,
		.until_ns = t->until_ns,
		.last_ns = t->last_ns,
		.hold = t->hold,
		.hold_until_ns = t->hold_until_ns,
		.min_history_ns = t->rule.min_history_ns,
		.max_per_day = t->rule.max_per_day,
		.slot = t->slots[0],
		.undecidable = engine_slot_lacks(t),
		.at_once = t->at_once,
		.unknown = t->unknown,
	};
	engine_count(e, t, &ret->counts);
}

static void add(struct trigger_counts *sum, const struct trigger_counts *c)
{
	sum->hits += c->hits;
	sum->fired += c->fired;
	sum->suppressed += c->suppressed;
	sum->merged += c->merged;
	sum->queued += c->queued;
}

void engine_totals(const struct engine *e, struct engine_counts *ret)
{
	struct trigger_counts c;

	*ret = e->counts;
	for (unsigned i = 0; i < e->nr; i++) {
		engine_count(e, e->all[i], &c);
		add(&ret->all, &c);
	}
	if (e->leader && e->leader->gone) {
		engine_count(e, e->leader, &c);
		add(&ret->all, &c);
	}
	if (e->limits)
		engine_slot_add_draining(e, &ret->all);
}
