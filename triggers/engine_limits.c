/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine_limits.c - min-history and max-per-day: when an armed trigger may not
 * fire, and until when. */
#include <errno.h>
#include <stdlib.h>

#include "triggers/engine_internal.h"
#include "triggers/units.h"

#define DAY_NS 86400000000000ULL

int engine_limits_init(struct trigger *t)
{
	if (!t->rule.max_per_day)
		return 0;
	t->fired_at = calloc(t->rule.max_per_day, sizeof(*t->fired_at));
	return t->fired_at ? 0 : -ENOMEM;
}

void engine_limits_fired(struct trigger *t, uint64_t now_ns, uint64_t hit_ns)
{
	t->own.fired++;
	t->last_before = t->last_ns;
	t->last_ns = hit_ns;
	if (!t->fired_at)
		return;
	t->fired_over = t->fired_at[t->nr_fired % t->rule.max_per_day];
	t->fired_at[t->nr_fired++ % t->rule.max_per_day] = now_ns;
}

void engine_limits_undo(struct trigger *t)
{
	t->own.fired--;
	t->last_ns = t->last_before;
	if (t->fired_at)
		t->fired_at[--t->nr_fired % t->rule.max_per_day] =
			t->fired_over;
}

/* Until when the ring holds too little; 0: it does not. */
static uint64_t history_until(const struct engine *e, uint64_t now_ns,
			      const struct trigger *t)
{
	uint64_t held;

	if (!t->rule.min_history_ns || !e->ops->history)
		return 0;
	held = e->ops->history(e->arg, now_ns);
	return held < t->rule.min_history_ns ?
		       now_ns + t->rule.min_history_ns - held :
		       0;
}

/* Until when it fired often enough; 0: it did not. */
static uint64_t day_until(uint64_t now_ns, const struct trigger *t)
{
	uint64_t until;

	if (!t->fired_at || t->nr_fired < t->rule.max_per_day)
		return 0;
	until = t->fired_at[t->nr_fired % t->rule.max_per_day] + DAY_NS;
	return until > now_ns ? until : 0;
}

void engine_limits_check(struct engine *e, uint64_t now_ns, struct trigger *t)
{
	uint64_t history = history_until(e, now_ns, t);
	uint64_t day = day_until(now_ns, t);
	enum trigger_hold hold = day     ? TRIGGER_HOLD_DAY :
				 history ? TRIGGER_HOLD_HISTORY :
					   TRIGGER_HOLD_NONE;

	t->hold_until_ns = day ? day : history;
	if (hold == t->hold)
		return;
	t->hold = hold;
	t->hold_said = false;
	engine_slot_sync(e, t);
}

void engine_limits_say(struct engine *e, struct trigger *t)
{
	char text[32];

	if (t->hold == TRIGGER_HOLD_NONE || t->hold_said)
		return;
	t->hold_said = true;
	if (t->hold == TRIGGER_HOLD_HISTORY)
		engine_say(e, t->number,
			   "trigger %s was hit, but the ring holds less than "
			   "its min-history = %s; until then hits are only "
			   "counted",
			   t->rule.name,
			   units_format_time(text, t->rule.min_history_ns));
	else
		engine_say(
			e, t->number,
			"trigger %s was hit, but it fired max-per-day = %llu "
			"times in 24h; further hits are only counted",
			t->rule.name, (unsigned long long)t->rule.max_per_day);
}
