/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder/state_cpu.h"

#include <stdlib.h>

#define NS_PER_SEC   1000000000ULL
#define FINE         32 /* ticks kept one by one: more than 2 min and a half */
#define COARSE_EVERY 24 /* of so many ticks one is kept ... */
#define COARSE       34 /* ... for an hour and more */
#define BUCKETS      4096

struct cpu_entry {
	struct cpu_entry *next;
	uint32_t pid;
	uint64_t start, start_ns;
	uint64_t seen;     /* number of the look */
	uint64_t total;    /* at that look */
	uint64_t begin_ns; /* the first total we know, and when */
	uint64_t begin_total;
	uint64_t first_tick;
	uint64_t fine[FINE]; /* total at tick n: n % FINE */
	uint64_t coarse[COARSE];
};

struct cpu_table {
	struct cpu_entry *buckets[BUCKETS];
	unsigned nr, max;
	uint64_t refused;
	uint64_t looks, now_ns, before_ns; /* this look and the one before */
	uint64_t boot_ns;
	uint64_t ticks;
	bool tick;
	uint64_t fine_ns[FINE], coarse_ns[COARSE];
};

struct cpu_table *cpu_table_new(unsigned max)
{
	struct cpu_table *t = calloc(1, sizeof(*t));

	if (t)
		t->max = max;
	return t;
}

static void forget(struct cpu_table *t, uint64_t unless_seen)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct cpu_entry **at = &t->buckets[i];

		while (*at) {
			struct cpu_entry *e = *at;

			if (e->seen == unless_seen) {
				at = &e->next;
				continue;
			}
			*at = e->next;
			free(e);
			t->nr--;
		}
	}
}

void cpu_table_free(struct cpu_table *t)
{
	if (t)
		forget(t, UINT64_MAX);
	free(t);
}

void cpu_table_begin(struct cpu_table *t, uint64_t now_ns, uint64_t boot_ns,
		     bool tick)
{
	t->boot_ns = boot_ns;
	t->before_ns = t->now_ns;
	t->now_ns = now_ns;
	t->tick = tick;
	t->looks++;
}

static struct cpu_entry *find(const struct cpu_table *t, uint32_t pid,
			      uint64_t start)
{
	struct cpu_entry *e = t->buckets[pid % BUCKETS];

	while (e && (e->pid != pid || e->start != start))
		e = e->next;
	return e;
}

static struct cpu_entry *add_entry(struct cpu_table *t, uint32_t pid,
				   uint64_t start, uint64_t start_ns)
{
	struct cpu_entry *e = t->nr < t->max ? calloc(1, sizeof(*e)) : NULL;

	if (!e) {
		t->refused++;
		return NULL;
	}
	e->pid = pid;
	e->start = start;
	e->start_ns = start_ns;
	e->first_tick = t->ticks;
	/* Begun since we looked last: all of its time is known. */
	if (t->before_ns && start_ns >= t->before_ns + t->boot_ns)
		e->begin_ns = start_ns - t->boot_ns;
	e->next = t->buckets[pid % BUCKETS];
	t->buckets[pid % BUCKETS] = e;
	t->nr++;
	return e;
}

void cpu_table_add(struct cpu_table *t, uint32_t pid, uint64_t start,
		   uint64_t start_ns, uint64_t cpu_ns)
{
	struct cpu_entry *e = find(t, pid, start);

	if (!e)
		e = add_entry(t, pid, start, start_ns);
	if (!e)
		return;
	if (e->seen != t->looks)
		e->total = 0;
	e->seen = t->looks;
	e->total += cpu_ns;
}

static void keep_tick(struct cpu_table *t, struct cpu_entry *e)
{
	e->fine[t->ticks % FINE] = e->total;
	if (t->ticks % COARSE_EVERY == 0)
		e->coarse[t->ticks / COARSE_EVERY % COARSE] = e->total;
}

void cpu_table_end(struct cpu_table *t, bool all)
{
	if (all)
		forget(t, t->looks);
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct cpu_entry *e = t->buckets[i]; e; e = e->next) {
			if (!e->begin_ns) {
				e->begin_ns = t->now_ns;
				e->begin_total = e->total;
			}
			if (t->tick)
				keep_tick(t, e);
		}
	if (!t->tick)
		return;
	t->fine_ns[t->ticks % FINE] = t->now_ns;
	if (t->ticks % COARSE_EVERY == 0)
		t->coarse_ns[t->ticks / COARSE_EVERY % COARSE] = t->now_ns;
	t->ticks++;
}

/* ---- windows ------------------------------------------------------------------ */

struct point {
	uint64_t ns, total;
};

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static void take_nearer(struct point *best, uint64_t target, uint64_t ns,
			uint64_t total)
{
	if (distance(ns, target) < distance(best->ns, target))
		*best = (struct point){ ns, total };
}

/* Where a window that should begin at ${target} does. */
static struct point window(const struct cpu_table *t, const struct cpu_entry *e,
			   uint64_t target)
{
	struct point best = { e->begin_ns, e->begin_total };
	uint64_t n = t->ticks > FINE ? t->ticks - FINE : 0;

	if (e->begin_ns >= target)
		return best;
	for (n = n > e->first_tick ? n : e->first_tick; n < t->ticks; n++)
		if (t->fine_ns[n % FINE] < t->now_ns)
			take_nearer(&best, target, t->fine_ns[n % FINE],
				    e->fine[n % FINE]);
	n = (e->first_tick + COARSE_EVERY - 1) / COARSE_EVERY;
	for (; n * COARSE_EVERY < t->ticks; n++)
		if (t->ticks - n * COARSE_EVERY <=
		    (uint64_t)(COARSE - 1) * COARSE_EVERY)
			take_nearer(&best, target, t->coarse_ns[n % COARSE],
				    e->coarse[n % COARSE]);
	return best;
}

static uint32_t load(const struct cpu_table *t, const struct cpu_entry *e,
		     uint64_t span)
{
	uint64_t target = t->now_ns > span ? t->now_ns - span : 0;
	struct point from = window(t, e, target);
	uint64_t used = e->total > from.total ? e->total - from.total : 0;
	double v;

	if (t->now_ns <= from.ns)
		return STATE_CPU_UNKNOWN;
	v = (double)used * 1000 / (double)(t->now_ns - from.ns) + 0.5;
	return v < (double)UINT32_MAX ? (uint32_t)v : UINT32_MAX - 1;
}

bool cpu_table_get(const struct cpu_table *t, uint32_t pid, uint64_t start,
		   struct cpu_loads *ret)
{
	const struct cpu_entry *e = find(t, pid, start);

	if (!e)
		return false;
	ret->over_5s = load(t, e, 5 * NS_PER_SEC);
	ret->over_2m = load(t, e, 120 * NS_PER_SEC);
	ret->over_1h = load(t, e, 3600 * NS_PER_SEC);
	return true;
}

uint64_t cpu_table_start(const struct cpu_table *t, uint32_t pid,
			 uint64_t start)
{
	const struct cpu_entry *e = find(t, pid, start);

	return e ? e->start_ns : 0;
}

unsigned cpu_table_count(const struct cpu_table *t)
{
	return t->nr;
}

uint64_t cpu_table_refused(const struct cpu_table *t)
{
	return t->refused;
}
