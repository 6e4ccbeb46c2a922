/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rule_slot.c - rules as the kernel sees them (shared.h). */
#include "triggers/rule.h"

#include <errno.h>
#include <string.h>

#include "triggers/detector.h"
#include "triggers/where.h"

bool rule_is_counted(const struct rule_cond *c)
{
	return c->ops && c->ops->counted & c->where.set;
}

bool rule_takes_slot(const struct rule_cond *c)
{
	return c->ops && (c->ops->fill_slot || rule_is_counted(c));
}

int rule_fill_slot(const struct rule_cond *c, struct fr_trigger_slot *s)
{
	if (!rule_takes_slot(c))
		return -ENOTSUP;
	if (c->ops->fill_slot) {
		c->ops->fill_slot(c, s);
	} else {
		s->what = FR_WHAT_COUNT;
		s->streams = c->streams;
		memcpy(s->keys, c->keys, sizeof(s->keys));
	}
	where_fill_slot(&c->where, s);
	return 0;
}

bool rule_gate(const struct rule_expr *e, unsigned cond, uint8_t levels)
{
	for (unsigned i = 0; i < e->nr_terms; i++)
		if (e->terms[i].event == cond &&
		    rule_term_holds(&e->terms[i], levels))
			return true;
	return false;
}

static void lower(uint64_t *min, uint64_t ns)
{
	if (ns && (!*min || ns < *min))
		*min = ns;
}

struct wanted {
	uint64_t min[FR_KEYS], errors[FR_KEYS / 64], counts[FR_KEYS / 64];
	uint32_t what, count_streams;
	bool paths;
};

static void want_cond(struct wanted *w, const struct rule_cond *c)
{
	struct fr_trigger_slot s = { .limit_ns = 0 };

	if (rule_fill_slot(c, &s) < 0)
		return;
	w->what |= 1u << s.what;
	w->paths |= s.where & FR_WHERE_PATH;
	w->count_streams |= s.what == FR_WHAT_COUNT ? s.streams : 0;
	for (unsigned k = 0; k < FR_KEYS; k++) {
		uint64_t bit = s.keys[k / 64] & 1ull << (k % 64);

		if (bit && s.what == FR_WHAT_LATENCY)
			lower(&w->min[k], s.limit_ns);
		else if (bit && s.what == FR_WHAT_ERROR)
			w->errors[k / 64] |= bit;
		else if (bit && s.what == FR_WHAT_COUNT)
			w->counts[k / 64] |= bit;
	}
}

void rules_fill_limits(const struct fr_trigger_rule *rules, unsigned nr,
		       uint64_t slow_ns, struct fr_limits *limits)
{
	struct wanted w = { .what = 0 };

	for (unsigned k = 0; k < FR_KEYS; k++)
		w.min[k] = slow_ns;
	for (unsigned i = 0; i < nr; i++)
		for (unsigned c = 0; c < rules[i].expr.nr_conds; c++)
			want_cond(&w, &rules[i].expr.conds[c]);
	/* relaxed: the probes need each value whole, in no order */
	for (unsigned k = 0; k < FR_KEYS; k++) {
		uint64_t count = w.counts[k / 64] >> (k % 64) & 1;

		/* 1 ns: no operation takes less */
		__atomic_store_n(&limits->look_ns[k], count ? 1 : w.min[k],
				 __ATOMIC_RELAXED);
		__atomic_store_n(&limits->min_ns[k], w.min[k],
				 __ATOMIC_RELAXED);
	}
	for (unsigned k = 0; k < FR_KEYS / 64; k++) {
		__atomic_store_n(&limits->error_keys[k], w.errors[k],
				 __ATOMIC_RELAXED);
		__atomic_store_n(&limits->count_keys[k], w.counts[k],
				 __ATOMIC_RELAXED);
	}
	__atomic_store_n(&limits->wanted, w.what, __ATOMIC_RELAXED);
	__atomic_store_n(&limits->paths, w.paths, __ATOMIC_RELAXED);
	__atomic_store_n(&limits->count_streams, w.count_streams,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&limits->slow_ns, slow_ns, __ATOMIC_RELAXED);
}
