/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine_slots.c - the kernel's side of latency triggers (shared.h).
 *
 * A probe reads a slot's state, then limit and keys, then tries ARMED -> HIT.
 * So a slot is filled while it is FREE and its state stored last; and after it
 * was set FREE it rests for ENGINE_SLOT_GRACE_NS, until no probe can still be
 * between the first and the last step with what the slot held before.
 */
#include "triggers/engine_internal.h"

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

void engine_slot_claim(struct engine *e, struct trigger *t)
{
	struct fr_trigger_slot fill = { .limit_ns = 0 }, *s;
	unsigned i = 0;

	if (!e->limits || t->slot >= 0 || rule_fill_slot(&t->rule, &fill) < 0)
		return;
	while (i < FR_TRIGGER_SLOTS && e->slots[i].use != SLOT_UNUSED)
		i++;
	if (i == FR_TRIGGER_SLOTS)
		return; /* engine_tick() tries again when one is drained */
	s = &e->limits->slots[i];
	/* relaxed: published by the release store of state that follows */
	__atomic_store_n(&s->limit_ns, fill.limit_ns, __ATOMIC_RELAXED);
	for (unsigned k = 0; k < FR_KEYS / 64; k++)
		__atomic_store_n(&s->keys[k], fill.keys[k], __ATOMIC_RELAXED);
	__atomic_store_n(&s->number, t->number, __ATOMIC_RELAXED);
	e->slots[i] = (struct slot_use){
		.use = SLOT_USED,
		.fired = load(&s->fired),
		.merged = load(&s->merged),
		.suppressed = load(&s->suppressed),
	};
	t->slot = (int)i;
	t->wakes = t->polled = 0;
	engine_slot_sync(e, t);
}

void engine_slot_sync(struct engine *e, const struct trigger *t)
{
	struct fr_trigger_slot *s;

	if (t->slot < 0)
		return;
	s = &e->limits->slots[t->slot];
	switch (t->state) {
	case TRIGGER_ARMED:
		store_state(s, FR_SLOT_ARMED);
		break;
	case TRIGGER_COOLING:
	case TRIGGER_DISABLED:
		store_state(s, FR_SLOT_QUIET);
		break;
	default:
		store_state(s, FR_SLOT_HIT);
	}
}

void engine_slot_retire(struct engine *e, uint64_t now_ns, struct trigger *t)
{
	if (t->slot < 0)
		return;
	store_state(&e->limits->slots[t->slot], FR_SLOT_FREE);
	e->slots[t->slot].use = SLOT_DRAINING;
	e->slots[t->slot].drained_ns = now_ns + ENGINE_SLOT_GRACE_NS;
	e->slots[t->slot].wakes = t->wakes;
	t->slot = -1;
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
	if (t->slot >= 0)
		add_counts(e, (unsigned)t->slot, c);
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

uint64_t engine_slot_missing(struct engine *e, struct trigger *t)
{
	uint64_t fired, before = t->polled;

	if (t->slot < 0)
		return 0;
	fired = load(&e->limits->slots[t->slot].fired) -
		e->slots[t->slot].fired;
	t->polled = fired;
	/* it was so a whole poll ago: the wake-up is not just on its way */
	return before > t->wakes ? before - t->wakes : 0;
}
