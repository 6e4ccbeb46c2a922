/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine.c - the table of trigger.h: hits, the incident, the queue, time. */
#include "triggers/engine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "triggers/engine_internal.h"

#define POLL_NS 1000000000ULL

extern const struct detector_ops detector_manual;

void engine_tell(struct engine *e, uint32_t number, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	e->ops->log(e->arg, number, text);
}

void engine_say(struct engine *e, uint32_t number, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(e->ops->say ? e->ops->say : e->ops->log)(e->arg, number, text);
}

static void set_state(struct engine *e, struct trigger *t,
		      enum trigger_state state)
{
	t->state = state;
	engine_slot_sync(e, t);
}

void engine_describe(const struct trigger *t, const struct engine_hit *h,
		     char *buf, size_t size)
{
	const struct rule_expr *x = &t->rule.expr;
	const struct rule_cond *c =
		h->cond < x->nr_conds ? &x->conds[h->cond] : NULL;

	if (h->by_hand)
		detector_manual.describe(NULL, h, buf, size);
	else
		(c ? c->ops : t->ops)->describe(c, h, buf, size);
}

static bool leads(const struct engine *e, const struct trigger *t)
{
	return e->leader == t;
}

/* ---- the incident ---------------------------------------------------------- */

static void run_queue(struct engine *e, uint64_t now_ns);

static void fill_reason(struct engine *e, const struct trigger *t,
			const struct engine_hit *h)
{
	struct engine_reason *r = &e->reason;

	r->number = t->number;
	r->name = t->rule.name;
	r->when = t->rule.when ? t->rule.when : "";
	r->detector = h->by_hand ? detector_manual.name : t->ops->name;
	r->manual = h->by_hand || t->ops->manual;
	r->hit_ns = h->hit_ns;
	r->tail_ns = h->tail_ns ? h->tail_ns : t->rule.tail_ns;
	r->hit = *h;
	r->exec = t->rule.exec;
	r->exec_limit_ns = t->rule.exec_limit_ns;
	engine_describe(t, h, r->text, sizeof(r->text));
}

static void rearm_others(struct engine *e)
{
	/* slots that a merged hit moved to HIT */
	for (unsigned i = 0; i < e->nr; i++)
		if (e->all[i]->state == TRIGGER_ARMED)
			engine_slot_sync(e, e->all[i]);
}

static void cool(struct engine *e, uint64_t now_ns, struct trigger *t)
{
	t->until_ns = 0;
	if (e->down || !t->enabled) {
		set_state(e, t, TRIGGER_DISABLED);
	} else if (t->ops->manual || !t->rule.cooldown_ns) {
		set_state(e, t, TRIGGER_ARMED);
	} else {
		t->until_ns = now_ns + t->rule.cooldown_ns;
		set_state(e, t, TRIGGER_COOLING);
	}
	engine_limits_check(e, now_ns, t);
}

static void end_cooldown(struct engine *e, struct trigger *t)
{
	t->until_ns = 0;
	set_state(e, t, TRIGGER_ARMED);
}

/* However it ended: the trigger cools, what waits begins. */
static void end_incident(struct engine *e, uint64_t now_ns, int error)
{
	struct trigger *t = e->leader;
	uint64_t cookie = e->reason.hit.cookie;

	engine_merge_update(e);
	if (error) {
		e->counts.dumps_failed++;
		engine_tell(e, t->number, "no snapshot for trigger %s: %s",
			    t->rule.name, strerror(-error));
	} else {
		e->counts.dumps_done++;
	}
	if (e->reason.merged)
		engine_tell(e, t->number, "trigger %s: %llu more hits merged",
			    t->rule.name, (unsigned long long)e->reason.merged);
	e->ops->release(e->arg);
	e->leader = NULL;
	if (!error && !t->gone)
		engine_window_open(e, now_ns, t);
	if (t->gone)
		engine_trigger_free(e, t);
	else
		cool(e, now_ns, t);
	rearm_others(e);
	if (cookie && e->ops->answered)
		e->ops->answered(e->arg, cookie, error);
	run_queue(e, now_ns);
}

static void start_dump(struct engine *e, uint64_t now_ns)
{
	uint64_t incident = e->reason.incident;
	int r;

	set_state(e, e->leader, TRIGGER_HELD);
	engine_merge_update(e);
	r = e->ops->start_dump(e->arg, &e->reason);
	if (!e->leader || e->reason.incident != incident)
		return; /* over already */
	if (r < 0)
		end_incident(e, now_ns, r);
	else
		set_state(e, e->leader, TRIGGER_DUMPING);
}

static void freeze(struct engine *e, uint64_t now_ns)
{
	uint64_t incident = e->reason.incident;
	int r;

	e->leader->until_ns = 0;
	set_state(e, e->leader, TRIGGER_HIT);
	engine_merge_update(e);
	r = e->ops->freeze(e->arg, &e->reason);
	if (r == -EINPROGRESS || !e->leader || e->reason.incident != incident ||
	    e->leader->state != TRIGGER_HIT)
		return;
	if (r < 0)
		end_incident(e, now_ns, r);
	else
		start_dump(e, now_ns);
}

static void lead(struct engine *e, uint64_t now_ns, struct trigger *t,
		 const struct engine_hit *h)
{
	e->leader = t;
	engine_limits_fired(t, now_ns, h->hit_ns);
	fill_reason(e, t, h);
	t->until_ns = h->hit_ns + e->reason.tail_ns;
	if ((e->reason.tail_ns && t->until_ns > now_ns) || e->in_batch)
		set_state(e, t, TRIGGER_TAIL);
	else
		freeze(e, now_ns);
}

static void fire(struct engine *e, uint64_t now_ns, struct trigger *t,
		 const struct engine_hit *h)
{
	char text[256];

	engine_window_close(e);
	engine_merge_begin(e);
	engine_describe(t, h, text, sizeof(text));
	engine_tell(e, t->number, "trigger %s fired: %s", t->rule.name, text);
	lead(e, now_ns, t, h);
}

/* Nothing is frozen yet, and what leads is less urgent. */
static bool may_take_lead(const struct engine *e, const struct trigger *t)
{
	const struct trigger *l = e->leader;

	return l->state == TRIGGER_TAIL && !l->ops->manual && !e->down &&
	       t->rule.priority > l->rule.priority;
}

static void take_lead(struct engine *e, uint64_t now_ns, struct trigger *t,
		      const struct engine_hit *h)
{
	struct trigger *was = e->leader;
	struct engine_hit was_hit = e->reason.hit;

	engine_tell(e, t->number,
		    "trigger %s takes the lead, its priority is above that of "
		    "%s",
		    t->rule.name, was->rule.name);
	engine_limits_undo(was);
	e->reason.name = t->rule.name;
	engine_merge(e, was, &was_hit);
	engine_merge_update(e);
	e->leader = NULL;
	if (was->gone) {
		engine_trigger_free(e, was);
	} else {
		was->until_ns = 0;
		set_state(e, was,
			  was->enabled ? TRIGGER_ARMED : TRIGGER_DISABLED);
		engine_limits_check(e, now_ns, was);
	}
	lead(e, now_ns, t, h);
}

/* ---- hits ------------------------------------------------------------------ */

static struct trigger *find_number(const struct engine *e, uint32_t number)
{
	for (unsigned i = 0; i < e->nr; i++)
		if (e->all[i]->number == number)
			return e->all[i];
	if (e->leader && e->leader->number == number)
		return e->leader;
	return NULL;
}

/* What the clock has changed since the last look. */
static void catch_up(struct engine *e, uint64_t now_ns, struct trigger *t)
{
	if (e->window_of && now_ns >= e->window_until_ns)
		engine_window_close(e);
	if (t->state == TRIGGER_COOLING && now_ns >= t->until_ns)
		end_cooldown(e, t);
	if (t->hold != TRIGGER_HOLD_NONE && now_ns >= t->hold_until_ns)
		engine_limits_check(e, now_ns, t);
}

static bool is_quiet(const struct trigger *t)
{
	return t->state == TRIGGER_COOLING || t->state == TRIGGER_DISABLED ||
	       (t->state == TRIGGER_ARMED && t->hold != TRIGGER_HOLD_NONE);
}

static void suppress(struct engine *e, struct trigger *t)
{
	t->own.suppressed++;
	if (t->state == TRIGGER_ARMED)
		engine_limits_say(e, t);
}

static void hit(struct engine *e, uint64_t now_ns, struct trigger *t,
		const struct engine_hit *h)
{
	catch_up(e, now_ns, t);
	if (engine_window_takes(e, t))
		engine_merge(e, t, h);
	else if (is_quiet(t))
		suppress(e, t);
	else if (!e->leader)
		fire(e, now_ns, t, h);
	else if (!leads(e, t) && may_take_lead(e, t))
		take_lead(e, now_ns, t, h);
	else
		engine_merge(e, t, h);
}

void engine_begin_hits(struct engine *e)
{
	e->in_batch = true;
}

static void end_tail(struct engine *e, uint64_t now_ns)
{
	if (e->leader && e->leader->state == TRIGGER_TAIL &&
	    now_ns >= e->leader->until_ns)
		freeze(e, now_ns);
}

void engine_end_hits(struct engine *e, uint64_t now_ns)
{
	e->in_batch = false;
	end_tail(e, now_ns);
}

/* Does a term hold that has no event, and that this change has a part in? */
static bool comes_true(const struct rule_expr *x, uint8_t levels,
		       const struct engine_hit *h)
{
	uint8_t bit = (uint8_t)(1u << h->cond);

	for (unsigned i = 0; i < x->nr_terms; i++) {
		const struct rule_term *t = &x->terms[i];

		if (t->event == RULE_NO_EVENT &&
		    (h->change == HIT_ON ? t->on : t->off) & bit &&
		    rule_term_holds(t, levels))
			return true;
	}
	return false;
}

static void warn(struct engine *e, const struct trigger *t, const char *fmt,
		 ...) __attribute__((format(printf, 3, 4)));
static void warn(struct engine *e, const struct trigger *t, const char *fmt,
		 ...)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "trigger %s: ", t->rule.name);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	(e->ops->say ? e->ops->say : e->ops->log)(e->arg, t->number, text);
}

/* Whether there is a metric for one of its conditions. */
static void note_metric(struct engine *e, struct trigger *t,
			const struct engine_hit *h)
{
	uint8_t bit = (uint8_t)(1u << h->cond);
	bool known = !(t->unknown & bit);

	t->unknown &= (uint8_t)~bit;
	if (h->change == HIT_KNOWN || h->cond >= t->rule.expr.nr_conds)
		return;
	t->unknown |= bit;
	if (known)
		warn(e, t, "no metric that is sampled is named %s%s%s%s",
		     t->rule.expr.conds[h->cond].metric,
		     h->metric[0] ? "; did you mean " : "", h->metric,
		     h->metric[0] ? "?" : "");
}

/* A level changed, for one of the metrics that it is about. */
static void change(struct engine *e, uint64_t now_ns, struct trigger *t,
		   const struct engine_hit *h)
{
	const struct rule_expr *x = &t->rule.expr;

	if (h->cond >= x->nr_conds) {
		e->counts.unexpected++;
		return;
	}
	if (h->change == HIT_ON)
		t->on[h->cond]++;
	else if (t->on[h->cond])
		t->on[h->cond]--;
	t->levels &= (uint8_t) ~(1u << h->cond);
	if (t->on[h->cond])
		t->levels |= (uint8_t)(1u << h->cond);
	engine_slot_gate(e, t);
	if (!comes_true(x, t->levels, h))
		return;
	t->at_once |= h->first && h->change == HIT_ON;
	if (h->first && h->change == HIT_ON)
		warn(e, t,
		     "its condition is true already at the first look; is its "
		     "limit normal here?");
	hit(e, now_ns, t, h);
}

void engine_hit(struct engine *e, uint64_t now_ns, const struct engine_hit *h)
{
	struct trigger *t = find_number(e, h->number);

	if (!t || t->ops->manual)
		e->counts.unexpected++;
	else if (h->change == HIT_KNOWN || h->change == HIT_UNKNOWN)
		note_metric(e, t, h);
	else if (h->change != HIT_EVENT)
		change(e, now_ns, t, h);
	else
		hit(e, now_ns, t, h);
}

void engine_wake(struct engine *e, uint64_t now_ns, const struct fr_wake *w)
{
	struct trigger *t = find_number(e, w->number);
	struct engine_hit h = {
		.number = w->number,
		.hit_ns = w->hit_ns,
		.ts = w->ts,
		.dur = w->dur,
		.seq = w->seq,
		.lane = w->lane,
		.cpu = w->cpu,
		.key = w->key,
		.pid = w->pid,
		.tid = w->tid,
		.code = w->value,
	};
	struct slot_use *u;

	memcpy(h.comm, w->comm, sizeof(w->comm));
	/* the slot of a gone trigger keeps the count by itself; a hit that
	 * engine_tick() found first is dealt with */
	if (!t || !engine_slot_is_of(t, w->slot))
		return;
	u = &e->slots[w->slot];
	if (w->hit_ns <= u->wake_ns)
		return;
	u->wakes++;
	u->wake_ns = w->hit_ns;
	h.cond = u->cond;
	hit(e, now_ns, t, &h);
}

static int fire_or_queue(struct engine *e, uint64_t now_ns, struct trigger *t,
			 const struct engine_hit *h)
{
	unsigned at;

	if (e->down || (!h->by_hand && !t->enabled)) {
		t->own.suppressed++;
		return e->down ? -ESHUTDOWN : -ECANCELED;
	}
	if (!e->leader && !e->queue_nr) {
		fire(e, now_ns, t, h);
		return 0;
	}
	if (e->queue_nr == ENGINE_QUEUE_MAX) {
		t->own.merged++;
		return -EAGAIN;
	}
	at = (e->queue_first + e->queue_nr++) % ENGINE_QUEUE_MAX;
	e->queue[at] = *h;
	t->own.queued++;
	return 0;
}

int engine_manual(struct engine *e, uint64_t now_ns, const struct engine_hit *h)
{
	struct trigger *t = find_number(e, h->number);

	if (t && t->ops->manual)
		return fire_or_queue(e, now_ns, t, h);
	e->counts.unexpected++;
	return -EINVAL;
}

static struct trigger *find_name(const struct engine *e, const char *name)
{
	for (unsigned i = 0; i < e->nr; i++)
		if (!strcmp(e->all[i]->rule.name, name))
			return e->all[i];
	return NULL;
}

int engine_fire(struct engine *e, uint64_t now_ns, const char *name,
		const struct engine_hit *h)
{
	struct trigger *t = find_name(e, name);
	struct engine_hit by_hand = *h;

	if (!t)
		return -ENOENT;
	by_hand.number = t->number;
	by_hand.by_hand = !t->ops->manual;
	return fire_or_queue(e, now_ns, t, &by_hand);
}

static struct engine_hit take_queued(struct engine *e)
{
	struct engine_hit h = e->queue[e->queue_first];

	e->queue_first = (e->queue_first + 1) % ENGINE_QUEUE_MAX;
	e->queue_nr--;
	find_number(e, h.number)->own.queued--;
	return h;
}

/* Not by recursion: each may end at once. */
static void run_queue(struct engine *e, uint64_t now_ns)
{
	if (e->in_queue)
		return;
	e->in_queue = true;
	while (!e->leader && e->queue_nr) {
		struct engine_hit h = take_queued(e);

		fire(e, now_ns, find_number(e, h.number), &h);
	}
	e->in_queue = false;
}

/* ---- what becomes of the incident ------------------------------------------- */

static bool in_state(struct engine *e, enum trigger_state a,
		     enum trigger_state b)
{
	if (e->leader && (e->leader->state == a || e->leader->state == b))
		return true;
	e->counts.unexpected++;
	return false;
}

void engine_freeze_done(struct engine *e, uint64_t now_ns, int error)
{
	if (!in_state(e, TRIGGER_HIT, TRIGGER_HIT))
		return;
	if (error)
		end_incident(e, now_ns, error);
	else
		start_dump(e, now_ns);
}

void engine_dump_done(struct engine *e, uint64_t now_ns)
{
	if (in_state(e, TRIGGER_DUMPING, TRIGGER_HELD))
		end_incident(e, now_ns, 0);
}

void engine_dump_failed(struct engine *e, uint64_t now_ns, int error)
{
	if (in_state(e, TRIGGER_DUMPING, TRIGGER_HELD))
		end_incident(e, now_ns, error ? error : -EIO);
}

void engine_dumper_died(struct engine *e, uint64_t now_ns)
{
	if (in_state(e, TRIGGER_DUMPING, TRIGGER_HELD))
		end_incident(e, now_ns, -ECHILD);
}

int engine_enable(struct engine *e, uint64_t now_ns, const char *name, bool on)
{
	struct trigger *t = find_name(e, name);

	(void)now_ns;
	if (!t)
		return -ENOENT;
	t->enabled = on;
	if (!on && e->window_of == t)
		engine_window_close(e);
	if (on && t->state == TRIGGER_DISABLED && !e->down)
		set_state(e, t, TRIGGER_ARMED);
	else if (!on && !leads(e, t))
		set_state(e, t, TRIGGER_DISABLED);
	return 0;
}

void engine_shutdown(struct engine *e, uint64_t now_ns)
{
	e->down = true;
	engine_window_close(e);
	while (e->queue_nr) {
		struct engine_hit h = take_queued(e);

		find_number(e, h.number)->own.suppressed++;
		if (h.cookie && e->ops->answered)
			e->ops->answered(e->arg, h.cookie, -ECANCELED);
	}
	for (unsigned i = 0; i < e->nr; i++)
		if (!leads(e, e->all[i]))
			set_state(e, e->all[i], TRIGGER_DISABLED);
	if (e->leader && e->leader->state == TRIGGER_TAIL)
		freeze(e, now_ns);
}

/* ---- time ------------------------------------------------------------------- */

/* Hits whose wake-up found no room on its way to us. */
static void find_missing(struct engine *e, uint64_t now_ns)
{
	for (unsigned i = 0; i < FR_TRIGGER_SLOTS; i++) {
		struct slot_use *u = &e->slots[i];
		struct engine_hit h = { .hit_ns = now_ns, .cond = u->cond };
		struct trigger *t;
		uint64_t missing;

		if (u->use != SLOT_USED)
			continue;
		h.number = e->limits->slots[i].number; /* only we write it */
		t = find_number(e, h.number);
		missing = engine_slot_missing(e, i);
		for (; t && missing; missing--) {
			u->wakes++;
			u->wake_ns = now_ns;
			e->counts.wakes_lost++;
			hit(e, now_ns, t, &h);
		}
	}
}

void engine_tick(struct engine *e, uint64_t now_ns)
{
	end_tail(e, now_ns);
	for (unsigned i = 0; i < e->nr; i++)
		catch_up(e, now_ns, e->all[i]);
	if (!e->limits)
		return;
	engine_slot_drain(e, now_ns);
	for (unsigned i = 0; i < e->nr; i++)
		engine_slot_claim(e, e->all[i]);
	if (now_ns >= e->poll_ns) {
		e->poll_ns = now_ns + POLL_NS;
		engine_begin_hits(e);
		find_missing(e, now_ns);
		engine_end_hits(e, now_ns);
	}
}

static void sooner(uint64_t *ret, uint64_t ns)
{
	if (ns < *ret)
		*ret = ns;
}

uint64_t engine_next_deadline(const struct engine *e)
{
	uint64_t next = UINT64_MAX;

	if (e->leader && e->leader->state == TRIGGER_TAIL)
		sooner(&next, e->leader->until_ns);
	if (e->window_of)
		sooner(&next, e->window_until_ns);
	for (unsigned i = 0; i < e->nr; i++) {
		if (e->all[i]->state == TRIGGER_COOLING)
			sooner(&next, e->all[i]->until_ns);
		if (e->all[i]->hold != TRIGGER_HOLD_NONE)
			sooner(&next, e->all[i]->hold_until_ns);
	}
	for (unsigned i = 0; i < FR_TRIGGER_SLOTS; i++) {
		if (e->slots[i].use == SLOT_USED)
			sooner(&next, e->poll_ns);
		if (e->slots[i].use == SLOT_DRAINING)
			sooner(&next, e->slots[i].drained_ns);
	}
	return next;
}

bool engine_idle(const struct engine *e)
{
	return !e->leader && !e->queue_nr;
}
