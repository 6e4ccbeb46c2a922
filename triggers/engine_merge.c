/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine_merge.c - hits that join an incident.
 *
 * One entry per trigger: the first hit in words, and how many there were.  The
 * numbers are differences of the triggers' counts, so that hits which the kernel
 * merged alone are in them.
 */
#include <string.h>

#include "triggers/engine_internal.h"

static void remember_counts(struct engine *e, struct trigger *t)
{
	struct trigger_counts c;

	engine_count(e, t, &c);
	t->merged_before = c.merged;
}

void engine_merge_begin(struct engine *e)
{
	struct engine_counts c;

	engine_totals(e, &c);
	e->merged_before = c.all.merged;
	for (unsigned i = 0; i < e->nr; i++)
		remember_counts(e, e->all[i]);
	memset(&e->reason, 0, sizeof(e->reason));
	e->reason.incident = ++e->counts.incidents;
}

/* The trigger's entry; a new one if there is room, else NULL. */
static struct engine_merged *entry_of(struct engine_reason *r,
				      const struct trigger *t)
{
	struct engine_merged *m;

	for (unsigned i = 0; i < r->nr_merged; i++)
		if (r->merged_hits[i].number == t->number)
			return &r->merged_hits[i];
	if (r->nr_merged == ENGINE_MERGED_MAX)
		return NULL;
	m = &r->merged_hits[r->nr_merged++];
	memset(m, 0, sizeof(*m));
	memcpy(m->name, t->rule.name, sizeof(m->name));
	m->number = t->number;
	return m;
}

static void count_one(struct engine *e, const struct trigger *t)
{
	struct trigger_counts c;
	struct engine_merged *m;

	engine_count(e, t, &c);
	if (c.merged <= t->merged_before)
		return;
	m = entry_of(&e->reason, t);
	if (m)
		m->hits = c.merged - t->merged_before;
}

void engine_merge_update(struct engine *e)
{
	struct engine_counts c;

	engine_totals(e, &c);
	e->reason.merged = c.all.merged - e->merged_before;
	for (unsigned i = 0; i < e->nr; i++)
		count_one(e, e->all[i]);
	if (e->leader && e->leader->gone)
		count_one(e, e->leader);
}

void engine_merge(struct engine *e, struct trigger *t,
		  const struct engine_hit *h)
{
	struct engine_merged *m = entry_of(&e->reason, t);

	t->own.merged++;
	if (!m || m->text[0])
		return;
	m->hit_ns = h->hit_ns;
	engine_describe(t, h, m->text, sizeof(m->text));
	engine_tell(e, t->number, "trigger %s joins incident %llu of %s: %s",
		    t->rule.name, (unsigned long long)e->reason.incident,
		    e->reason.name, m->text);
	if (!e->ops->joined)
		return;
	engine_merge_update(e);
	e->ops->joined(e->arg, &e->reason);
}

const struct engine_reason *engine_incident(struct engine *e)
{
	if (!e->counts.incidents)
		return NULL;
	if (e->leader || e->window_of)
		engine_merge_update(e);
	return &e->reason;
}

/* ---- after the snapshot ------------------------------------------------------ */

void engine_window_open(struct engine *e, uint64_t now_ns, struct trigger *t)
{
	uint64_t until = e->reason.hit_ns + t->rule.merge_ns;

	if (e->down || !t->enabled || !t->rule.merge_ns || until <= now_ns)
		return;
	e->window_of = t;
	e->window_until_ns = until;
}

void engine_window_close(struct engine *e)
{
	struct trigger *t = e->window_of;
	uint64_t before = e->reason.merged;

	if (!t)
		return;
	engine_merge_update(e);
	e->window_of = NULL;
	if (e->reason.merged > before)
		engine_tell(e, t->number,
			    "trigger %s: %llu hits in all joined incident %llu",
			    t->rule.name, (unsigned long long)e->reason.merged,
			    (unsigned long long)e->reason.incident);
	/* slots of cooling and of merged ones had moved to HIT */
	for (unsigned i = 0; i < e->nr; i++)
		engine_slot_sync(e, e->all[i]);
}

bool engine_window_takes(const struct engine *e, const struct trigger *t)
{
	const struct trigger *w = e->window_of;

	if (!w || t->state == TRIGGER_DISABLED)
		return false;
	return t == w ||
	       (t->state == TRIGGER_ARMED && t->hold == TRIGGER_HOLD_NONE &&
		t->rule.priority <= w->rule.priority);
}
