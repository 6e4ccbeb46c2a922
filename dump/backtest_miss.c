/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backtest_miss.c - why a rule was not hit: what came nearest, in words. */
#include "dump/backtest_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "triggers/units.h"

static const char *things(const struct bt_cond *c)
{
	if (c->slot.what == FR_WHAT_EXIT)
		return "ends of processes";
	return c->slot.what == FR_WHAT_OOM ? "kills for want of memory" :
					     "operations";
}

static void no_match(const struct bt_cond *c, char *buf, size_t size)
{
	if (!c->seen)
		snprintf(buf, size, "no %s of that kind", things(c));
	else
		snprintf(buf, size,
			 "the filters let none of %" PRIu64 " %s through",
			 c->seen, things(c));
}

static void slowest(const struct backtest *b, const struct bt_cond *c,
		    char *buf, size_t size)
{
	struct view_cursor *v = view_cursor_new(b->v);
	char took[32], limit[32], wall[48], op[32] = "", comm[64] = "";
	uint64_t ts = 0;

	if (v && c->row != BACKTEST_NO_ROW) {
		view_seek(v, c->row);
		view_get_text(v, VIEW_OP, op, sizeof(op));
		view_get_text(v, VIEW_COMM, comm, sizeof(comm));
		view_get_u64(v, VIEW_TS, &ts);
		ts = bt_time(b, view_row_file(v), ts);
	}
	snprintf(buf, size,
		 "the longest of %" PRIu64 " operations took %s (%s of %s at "
		 "%s), limit %s",
		 c->passed, units_human_time(took, c->max_dur), op,
		 *comm ? comm : "a thread without a name", bt_wall(b, ts, wall),
		 units_format_time(limit, c->slot.limit_ns));
	view_cursor_free(v);
}

static void format(char to[40], const struct rule_cond *c, double v)
{
	const char *unit = c->unit == RULE_UNIT_PERCENT ? "%" : "";

	if (c->unit == RULE_UNIT_BYTES && v >= 0)
		units_human_size(to, (uint64_t)v);
	else if (c->unit == RULE_UNIT_NS && v >= 0)
		units_human_time(to, (uint64_t)v);
	else
		snprintf(to, 40, "%.6g%s", v, unit);
}

static void extreme(const struct bt_cond *c, char *buf, size_t size)
{
	const char *per = c->c->rate ? "/s" : "";
	char value[40], limit[40], held[32], wanted[32];
	int n;

	if (!c->seen) {
		snprintf(buf, size, "%s has no value here", c->c->metric);
		return;
	}
	format(value, c->c, c->extreme);
	format(limit, c->c, c->c->limit);
	n = snprintf(buf, size,
		     "the %s value of %" PRIu64 " was %s%s (%s), limit %s%s",
		     c->c->below ? "lowest" : "highest", c->seen, value, per,
		     c->metric, limit, per);
	if (c->c->for_ns && n > 0 && (size_t)n < size)
		snprintf(buf + n, size - (size_t)n,
			 "; over it for %s at most, of %s",
			 units_human_time(held, c->held_ns),
			 units_format_time(wanted, c->c->for_ns));
}

static void percentile(const struct bt_cond *c, char *buf, size_t size)
{
	char value[32], limit[32];

	if (!c->windows)
		snprintf(buf, size,
			 "no window holds %" PRIu64 " operations; there are "
			 "%" PRIu64 " in all",
			 c->c->min_count, c->passed);
	else
		snprintf(buf, size, "%s was %s at most, limit %s", c->c->metric,
			 units_human_time(value, (uint64_t)c->extreme),
			 units_format_time(limit, c->c->limit_ns));
}

static void event(const struct backtest *b, const struct bt_cond *c, char *buf,
		  size_t size)
{
	if (!c->passed)
		no_match(c, buf, size);
	else if (c->slot.what == FR_WHAT_LATENCY && !c->met)
		slowest(b, c, buf, size);
	else if (c->met)
		snprintf(buf, size, "true of %" PRIu64 " of %" PRIu64 " %s%s",
			 c->met, c->passed, things(c),
			 b->rules[c->rule].expr.nr_conds > 1 ?
				 ", but not when the rest was" :
				 "");
	else
		snprintf(buf, size, "none of %" PRIu64 " %s ended that way",
			 c->passed, things(c));
}

static uint64_t hits_of(const struct backtest *b, unsigned i)
{
	struct backtest_rule r;

	backtest_rule(b, i, &r);
	return r.counts.hits;
}

bool backtest_nearest(const struct backtest *b, unsigned i, unsigned cond,
		      char *buf, size_t size)
{
	const struct bt_cond *c = NULL;

	for (unsigned k = 0; k < b->nr_conds; k++)
		if (b->conds[k].rule == i && b->conds[k].index == cond)
			c = &b->conds[k];
	if (!c)
		return false;
	if (c->met && hits_of(b, i)) {
		snprintf(buf, size, "it was hit, but %s",
			 b->rules[i].enabled ?
				 "a snapshot was on its way each time, or it "
				 "was cooling" :
				 "it is not enabled");
		return true;
	}
	if (c->kind == BT_COUNTER || c->kind == BT_PRESSURE)
		extreme(c, buf, size);
	else if (c->kind == BT_PERCENTILE)
		percentile(c, buf, size);
	else if (c->kind == BT_OTHER)
		snprintf(buf, size, "nothing is known");
	else
		event(b, c, buf, size);
	return true;
}
