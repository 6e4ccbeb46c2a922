/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backtest_drive.c - plays records to an engine: what was the kernel's part, time,
 * and how long snapshots took. */
#include "dump/backtest_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "triggers/engine.h"

#define TAKEN_WITHIN_NS 1000000000ULL /* a real one begins that soon */
#define TAKEN_EARLY_NS  5000000ULL
#define STEPS_MAX       100000

enum step_kind {
	STEP_MANUAL,
	STEP_ROUND,
	STEP_CHANGE,
	STEP_EVENT,
};
struct step {
	uint64_t ns;
	enum step_kind kind;
	uint32_t i;
};

/* ---- what the engine wants ------------------------------------------------------ */

static int compare_u64(const void *p, const void *q)
{
	uint64_t x = *(const uint64_t *)p, y = *(const uint64_t *)q;

	return x < y ? -1 : x > y;
}

/* The median of those that were really taken. */
static uint64_t usual_ns(const struct backtest *b)
{
	const struct bt_taken *t = b->taken.data;
	uint64_t took[64];
	unsigned nr = 0;

	for (size_t i = 0; i < b->taken.nr && nr < 64; i++)
		if (t[i].end)
			took[nr++] = t[i].end - t[i].start;
	if (!nr)
		return BACKTEST_DUMP_NS;
	qsort(took, nr, sizeof(took[0]), compare_u64);
	return took[nr / 2];
}

/* When the snapshot that begins now is on disk. */
static uint64_t taken_until(const struct backtest *b)
{
	const struct bt_taken *t = b->taken.data;

	for (size_t i = 0; i < b->taken.nr; i++)
		if (t[i].end && t[i].start + TAKEN_EARLY_NS >= b->now &&
		    t[i].start <= b->now + TAKEN_WITHIN_NS)
			return t[i].end > b->now ? t[i].end : b->now;
	return b->now + b->o.dump_ns;
}

static int op_freeze(void *arg, const struct engine_reason *r)
{
	(void)arg, (void)r;
	return 0;
}

static int op_start_dump(void *arg, const struct engine_reason *r)
{
	struct backtest *b = arg;

	(void)r;
	b->dump_end = taken_until(b);
	return 0;
}

static void op_release(void *arg)
{
	(void)arg;
}

static void op_log(void *arg, uint32_t trigger, const char *text)
{
	(void)arg, (void)trigger, (void)text;
}

/* As in the recorder: since the last of those that began before.  Files that do not
 * say it hold as much as their records tell. */
static uint64_t op_history(void *arg, uint64_t now_ns)
{
	const struct backtest *b = arg;
	uint64_t since = 0;

	for (unsigned i = 0; i < view_nr_files(b->v); i++)
		if (b->since[i] > since && b->since[i] <= now_ns)
			since = b->since[i];
	since = since ? since : b->begin;
	return now_ns > since ? now_ns - since : 0;
}

static const struct engine_ops ops = {
	.freeze = op_freeze,
	.start_dump = op_start_dump,
	.release = op_release,
	.log = op_log,
	.history = op_history,
};

/* Time passes: cooldowns and tails end, snapshots get done. */
static void advance(struct backtest *b, uint64_t ns)
{
	uint64_t next;
	unsigned steps = 0;

	for (;;) {
		/* days between snapshots are not gone through second by second */
		if (++steps == STEPS_MAX)
			b->now = ns;
		next = engine_next_deadline(b->engine);
		if (b->dump_end < next)
			next = b->dump_end;
		if (next > ns || steps > STEPS_MAX)
			break;
		if (next > b->now)
			b->now = next;
		if (b->dump_end <= b->now) {
			b->dump_end = UINT64_MAX;
			engine_dump_done(b->engine, b->now);
		} else {
			engine_tick(b->engine, b->now);
		}
	}
	if (ns > b->now)
		b->now = ns;
}

/* ---- hits ---------------------------------------------------------------------------- */

static void counts_of(const struct backtest *b, uint32_t number,
		      struct trigger_counts *ret)
{
	struct trigger_info info;

	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < engine_nr_triggers(b->engine); i++) {
		engine_info(b->engine, i, &info);
		if (info.number == number)
			*ret = info.counts;
	}
}

static void note_hit(struct backtest *b, uint32_t number,
		     enum backtest_fate fate, const struct engine_hit *h,
		     size_t row)
{
	struct backtest_hit *to = bt_add(b, &b->hits, sizeof(*to));

	if (!to)
		return;
	to->rule = number - TRIGGER_FIRST_RULE;
	to->fate = fate;
	to->ns = b->now;
	to->hit = *h;
	to->row = row;
}

/* What became of a hit, by what the engine counted. */
static void note_change(struct backtest *b, uint32_t number,
			const struct trigger_counts *was,
			const struct engine_hit *h, size_t row)
{
	struct trigger_counts is;

	counts_of(b, number, &is);
	if (is.fired != was->fired)
		note_hit(b, number, BACKTEST_FIRED, h, row);
	else if (is.merged != was->merged)
		note_hit(b, number, BACKTEST_MERGED, h, row);
	else if (is.suppressed != was->suppressed)
		note_hit(b, number, BACKTEST_SUPPRESSED, h, row);
}

void bt_level(struct backtest *b, const struct bt_cond *c, uint64_t ns,
	      const struct engine_hit *h, size_t row)
{
	uint32_t number = TRIGGER_FIRST_RULE + c->rule;
	struct engine_hit hit = *h;
	struct trigger_counts was;

	hit.number = number;
	hit.cond = (uint8_t)c->index;
	hit.hit_ns = ns;
	counts_of(b, number, &was);
	engine_hit(b->engine, b->now, &hit);
	note_change(b, number, &was, &hit, row);
}

/* The condition that the slot belongs to. */
/* The condition that the engine filled the slot from; NULL: none. */
static const struct bt_cond *cond_of(const struct backtest *b,
				     const struct fr_trigger_slot *s)
{
	const struct fr_glob *glob = &b->limits->globs[s - b->limits->slots];

	for (unsigned i = 0; i < b->nr_conds; i++) {
		const struct fr_trigger_slot *c = &b->conds[i].slot;

		if (b->conds[i].rule == s->number - TRIGGER_FIRST_RULE &&
		    b->conds[i].kind == BT_EVENT && c->what == s->what &&
		    c->limit_ns == s->limit_ns && c->signals == s->signals &&
		    c->where == s->where &&
		    !memcmp(c->keys, s->keys, sizeof(c->keys)) &&
		    !memcmp(c->errnos, s->errnos, sizeof(c->errnos)) &&
		    !memcmp(c->comm, s->comm, sizeof(c->comm)) &&
		    c->pid == s->pid && c->dev == s->dev &&
		    c->cgroup == s->cgroup &&
		    (!b->conds[i].glob ||
		     !memcmp(b->conds[i].glob, glob, sizeof(*glob))))
			return &b->conds[i];
	}
	return NULL;
}

static struct fr_wake wake_of(const struct backtest *b, uint32_t slot,
			      const struct bt_event *e)
{
	struct fr_wake w = {
		.slot = slot,
		.number = b->limits->slots[slot].number,
		.ts = e->ts,
		.dur = e->ev.dur,
		.hit_ns = b->last_hit,
		.seq = e->seq,
		.cpu = e->cpu,
		.pid = e->ev.pid,
		.tid = e->tid,
		.key = e->ev.key,
		.value = b->limits->slots[slot].what == FR_WHAT_LATENCY ?
				 0 :
				 e->ev.value,
	};

	memcpy(w.comm, e->ev.comm, sizeof(w.comm));
	return w;
}

static void hit_slot(struct backtest *b, uint32_t i, const struct bt_event *e)
{
	struct fr_trigger_slot *s = &b->limits->slots[i];
	enum slot_fate fate = slot_count_hit(s);
	uint32_t number = s->number;
	struct trigger_counts was;
	const struct bt_cond *cond = cond_of(b, s);
	struct engine_hit h;
	struct fr_wake w;

	/* no two are of one instant */
	b->last_hit = b->now > b->last_hit ? b->now : b->last_hit + 1;
	w = wake_of(b, i, e);
	h = (struct engine_hit){ .number = number,
				 .hit_ns = w.hit_ns,
				 .ts = w.ts,
				 .dur = w.dur,
				 .seq = w.seq,
				 .cpu = w.cpu,
				 .key = w.key,
				 .pid = w.pid,
				 .tid = w.tid,
				 .code = w.value,
				 .cond = cond ? (uint8_t)cond->index : 0 };
	memcpy(h.comm, w.comm, sizeof(w.comm));
	if (fate != SLOT_FIRED) {
		note_hit(b, number,
			 fate == SLOT_MERGED ? BACKTEST_MERGED :
					       BACKTEST_SUPPRESSED,
			 &h, e->row);
		return;
	}
	counts_of(b, number, &was);
	engine_wake(b->engine, b->now, &w);
	note_change(b, number, &was, &h, e->row);
}

/* As told when the row was read: its texts are gone by now. */
static bool path_like(const struct backtest *b, const struct fr_trigger_slot *s,
		      const struct bt_event *e)
{
	const struct bt_cond *c =
		s->where & FR_WHERE_PATH ? cond_of(b, s) : NULL;

	return c && e->paths >> c->path_bit & 1;
}

static void offer(struct backtest *b, uint32_t what, const struct bt_event *e)
{
	for (uint32_t i = 0; i < b->limits->nr_slots; i++) {
		const struct fr_trigger_slot *s = &b->limits->slots[i];

		if (s->state != FR_SLOT_FREE && s->gate &&
		    slot_wants(s, what, &e->ev) &&
		    slot_passes(s, path_like(b, s, e), &e->ev))
			hit_slot(b, i, e);
	}
}

/* ---- steps --------------------------------------------------------------------------- */

static void manual(struct backtest *b)
{
	struct engine_hit h = { .number = TRIGGER_MANUAL, .hit_ns = b->now };

	engine_manual(b->engine, b->now, &h);
}

static void change(struct backtest *b, const struct bt_change *ch)
{
	bt_level(b, &b->conds[ch->cond], ch->ns, &ch->hit, ch->row);
}

static void run_step(struct backtest *b, const struct step *s)
{
	const struct bt_event *e;

	advance(b, s->ns);
	switch (s->kind) {
	case STEP_MANUAL:
		manual(b);
		break;
	case STEP_ROUND:
		bt_samples_run(b, (struct bt_round *)b->rounds.data + s->i);
		break;
	case STEP_CHANGE:
		change(b, (struct bt_change *)b->changes.data + s->i);
		break;
	case STEP_EVENT:
		e = (struct bt_event *)b->events.data + s->i;
		offer(b, e->what, e);
		if (e->what == FR_WHAT_LATENCY)
			offer(b, FR_WHAT_ERROR, e);
		break;
	}
}

static int compare_steps(const void *p, const void *q)
{
	const struct step *x = p, *y = q;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->i < y->i ? -1 : x->i > y->i;
}

static size_t add_steps(struct step *to, enum step_kind kind,
			const struct bt_list *l, size_t bytes, size_t at)
{
	for (size_t i = 0; i < l->nr; i++) {
		uint64_t ns;

		memcpy(&ns, (char *)l->data + i * bytes + at, sizeof(ns));
		to[i] = (struct step){ ns, kind, (uint32_t)i };
	}
	return l->nr;
}

static struct step *all_steps(struct backtest *b, size_t *ret_nr)
{
	size_t n = 0;
	struct step *s;

	s = calloc(b->manual.nr + b->rounds.nr + b->changes.nr + b->events.nr +
			   1,
		   sizeof(*s));
	if (!s)
		return NULL;
	n += add_steps(s, STEP_MANUAL, &b->manual, sizeof(uint64_t), 0);
	n += add_steps(s + n, STEP_ROUND, &b->rounds, sizeof(struct bt_round),
		       offsetof(struct bt_round, ns));
	n += add_steps(s + n, STEP_CHANGE, &b->changes,
		       sizeof(struct bt_change),
		       offsetof(struct bt_change, ns));
	n += add_steps(s + n, STEP_EVENT, &b->events, sizeof(struct bt_event),
		       offsetof(struct bt_event, end));
	if (n)
		qsort(s, n, sizeof(*s), compare_steps);
	*ret_nr = n;
	return s;
}

/* The recorder was started with these rules when the data begins. */
static int start(struct backtest *b, uint64_t ns)
{
	b->limits = calloc(1, sizeof(*b->limits));
	b->engine = b->limits ? engine_new(&ops, b, b->limits, &b->sets) : NULL;
	if (!b->engine)
		return -ENOMEM;
	b->now = ns;
	b->dump_end = UINT64_MAX;
	if (!b->o.dump_ns)
		b->o.dump_ns = usual_ns(b);
	if (engine_load(b->engine, ns, b->rules, b->nr_rules, 0))
		return -ENOMEM;
	engine_tick(b->engine, ns); /* from here on it knows the time */
	return 0;
}

int bt_drive(struct backtest *b)
{
	size_t nr = 0;
	struct step *s = all_steps(b, &nr);
	int r = s ? start(b, nr ? s[0].ns : b->begin) : -ENOMEM;

	for (size_t i = 0; !r && i < nr && !b->no_memory; i++) {
		run_step(b, &s[i]);
		if (i % 1024 == 0)
			bt_progress(b, 50 + (unsigned)(i * 50 / nr));
	}
	if (!r)
		advance(b, b->end > b->now ? b->end : b->now);
	free(s);
	return r;
}
