/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine_slots.c - the kernel's side of triggers (shared.h).
 *
 * A probe reads a slot's state, then limit and keys, then tries ARMED -> HIT.
 * So a slot is filled while it is FREE and its state stored last; and after it
 * was set FREE it rests for ENGINE_SLOT_GRACE_NS, until no probe can still be
 * between the first and the last step with what the slot held before.
 */
#include <string.h>

#include "triggers/engine_internal.h"
#include "triggers/where.h"

static uint64_t load(const __u64 *p)
{
	/* relaxed: counts, added to by the probes; any recent value will do */
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void store_state(struct fr_trigger_slot *s, uint32_t state)
{
	/* release: limit, keys and number come first; pairs with the probes'
	 * read of state before those (the verifier keeps their order) */
	__atomic_store_n(&s->state, state, __ATOMIC_RELEASE);
}

/* Everything but state; the slot is FREE. */
static void fill(struct fr_trigger_slot *s, const struct fr_trigger_slot *from,
		 uint32_t number, uint32_t cond, uint32_t gate)
{
	/* plain stores: published by the release store of state that follows */
	s->what = from->what;
	s->limit_ns = from->limit_ns;
	memcpy(s->keys, from->keys, sizeof(s->keys));
	s->streams = from->streams;
	s->signals = from->signals;
	memcpy(s->errnos, from->errnos, sizeof(s->errnos));
	s->where = from->where;
	s->where_not = from->where_not;
	memcpy(s->comm, from->comm, sizeof(s->comm));
	memcpy(s->comm_mask, from->comm_mask, sizeof(s->comm_mask));
	s->cgroup = from->cgroup;
	s->cgroup_level = from->cgroup_level;
	s->pid = from->pid;
	s->dev = from->dev;
	s->number = number;
	s->cond = cond;
	s->gate = gate;
}

/* Whatever is counted is so all the time. */
static uint32_t gate_of(const struct trigger *t, unsigned cond)
{
	return rule_is_counted(&t->rule.expr.conds[cond]) ||
	       rule_gate(&t->rule.expr, cond, t->levels);
}

static void claim_one(struct engine *e, struct trigger *t, unsigned cond)
{
	const struct rule_expr *expr = &t->rule.expr;
	struct fr_trigger_slot wanted = { .limit_ns = 0 }, *s;
	unsigned i = 0;

	if (rule_fill_slot(&expr->conds[cond], &wanted) < 0)
		return;
	while (i < FR_TRIGGER_SLOTS && e->slots[i].use != SLOT_UNUSED)
		i++;
	if (i == FR_TRIGGER_SLOTS)
		return; /* engine_tick() tries again when one is drained */
	s = &e->limits->slots[i];
	fill(s, &wanted, t->number, cond, gate_of(t, cond));
	if (wanted.where & FR_WHERE_PATH) /* before the slot is armed, too */
		where_fill_glob(&expr->conds[cond].where, &e->limits->globs[i]);
	e->slots[i] = (struct slot_use){
		.use = SLOT_USED,
		.cond = (uint8_t)cond,
		.fired = load(&s->fired),
		.merged = load(&s->merged),
		.suppressed = load(&s->suppressed),
	};
	t->slots[cond] = (int)i;
	/* before the slot is seen armed; pairs with the probes' read, of which
	 * a late one only looks at fewer slots for a moment */
	if (e->limits->nr_slots <= i)
		__atomic_store_n(&e->limits->nr_slots, i + 1, __ATOMIC_RELEASE);
}

void engine_slot_claim(struct engine *e, struct trigger *t)
{
	if (!e->limits || !engine_slot_lacks(t))
		return;
	for (unsigned c = 0; c < t->rule.expr.nr_conds; c++)
		if (t->slots[c] < 0)
			claim_one(e, t, c);
	engine_slot_sync(e, t);
}

bool engine_slot_lacks(const struct trigger *t)
{
	for (unsigned c = 0; c < t->rule.expr.nr_conds; c++)
		if (rule_takes_slot(&t->rule.expr.conds[c]) && t->slots[c] < 0)
			return true;
	return false;
}

bool engine_slot_is_of(const struct trigger *t, uint32_t slot)
{
	for (unsigned c = 0; c < RULE_CONDS_MAX; c++)
		if (t->slots[c] >= 0 && (uint32_t)t->slots[c] == slot)
			return true;
	return false;
}

static uint32_t slot_state(const struct engine *e, const struct trigger *t)
{
	switch (t->state) {
	case TRIGGER_ARMED:
		if (t->hold == TRIGGER_HOLD_NONE)
			return FR_SLOT_ARMED;
		/* fallthrough */
	case TRIGGER_COOLING:
		return e->window_of == t ? FR_SLOT_HIT : FR_SLOT_QUIET;
	case TRIGGER_DISABLED:
		return FR_SLOT_QUIET;
	default:
		return FR_SLOT_HIT;
	}
}

void engine_slot_sync(struct engine *e, const struct trigger *t)
{
	for (unsigned c = 0; c < RULE_CONDS_MAX; c++)
		if (t->slots[c] >= 0)
			store_state(&e->limits->slots[t->slots[c]],
				    slot_state(e, t));
}

void engine_slot_gate(struct engine *e, const struct trigger *t)
{
	for (unsigned c = 0; c < RULE_CONDS_MAX; c++)
		if (t->slots[c] >= 0) /* relaxed: the probes see it soon */
			__atomic_store_n(&e->limits->slots[t->slots[c]].gate,
					 gate_of(t, c), __ATOMIC_RELAXED);
}

void engine_slot_retire(struct engine *e, uint64_t now_ns, struct trigger *t)
{
	for (unsigned c = 0; c < RULE_CONDS_MAX; c++) {
		int i = t->slots[c];

		if (i < 0)
			continue;
		store_state(&e->limits->slots[i], FR_SLOT_FREE);
		e->slots[i].use = SLOT_DRAINING;
		e->slots[i].drained_ns = now_ns + ENGINE_SLOT_GRACE_NS;
		t->slots[c] = -1;
	}
}

/* What the kernel counted alone since the slot was taken. */
static void add_counts(const struct engine *e, unsigned i,
		       struct trigger_counts *c)
{
	const struct fr_trigger_slot *s = &e->limits->slots[i];
	const struct slot_use *u = &e->slots[i];
	uint64_t merged = load(&s->merged) - u->merged;
	uint64_t suppressed = load(&s->suppressed) - u->suppressed;

	c->merged += merged;
	c->suppressed += suppressed;
	c->hits += merged + suppressed;
}

void engine_slot_add(const struct engine *e, const struct trigger *t,
		     struct trigger_counts *c)
{
	for (unsigned i = 0; i < RULE_CONDS_MAX; i++)
		if (t->slots[i] >= 0)
			add_counts(e, (unsigned)t->slots[i], c);
}

/* A hit announced for a rule that is gone by now was suppressed. */
static void add_drained(const struct engine *e, unsigned i,
			struct trigger_counts *c)
{
	const struct slot_use *u = &e->slots[i];
	uint64_t fired = load(&e->limits->slots[i].fired) - u->fired;
	uint64_t late = fired > u->wakes ? fired - u->wakes : 0;

	add_counts(e, i, c);
	c->suppressed += late;
	c->hits += late;
}

void engine_slot_add_draining(const struct engine *e, struct trigger_counts *c)
{
	for (unsigned i = 0; i < FR_TRIGGER_SLOTS; i++)
		if (e->slots[i].use == SLOT_DRAINING)
			add_drained(e, i, c);
}

void engine_slot_drain(struct engine *e, uint64_t now_ns)
{
	for (unsigned i = 0; i < FR_TRIGGER_SLOTS; i++) {
		struct slot_use *u = &e->slots[i];

		if (u->use != SLOT_DRAINING || now_ns < u->drained_ns)
			continue;
		add_drained(e, i, &e->counts.all);
		u->use = SLOT_UNUSED;
	}
}

uint64_t engine_slot_missing(struct engine *e, unsigned slot)
{
	struct slot_use *u = &e->slots[slot];
	uint64_t fired = load(&e->limits->slots[slot].fired) - u->fired;
	uint64_t before = u->polled;

	u->polled = fired;
	/* it was so a whole poll ago: the wake-up is not just on its way */
	return before > u->wakes ? before - u->wakes : 0;
}
