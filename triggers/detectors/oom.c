/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oom.c - the kernel kills a process for want of memory.
 *
 * Decided where the kernel marks its victim; costs nothing until then.  Filters
 * mean the victim, not the thread that happened to ask for memory.
 */
#include <inttypes.h>
#include <stdio.h>

#include "triggers/victim.h"

static int claims(const struct lex *l)
{
	return l->kind == LEX_WORD && lex_is(l, "oom") ? 2 : 0;
}

static int parse(struct lex *l, struct rule_cond *ret)
{
	(void)ret;
	lex_next(l); /* oom */
	if (!lex_is(l, "kill"))
		return lex_expect(l, "`kill`");
	lex_next(l);
	return 0;
}

static void fill_slot(const struct rule_cond *c, struct fr_trigger_slot *s)
{
	(void)c;
	s->what = FR_WHAT_OOM;
}

static void describe(const struct rule_cond *c, const struct engine_hit *h,
		     char *buf, size_t size)
{
	char who[VICTIM_TEXT_MAX];

	(void)c;
	victim_text(h, who);
	if (!h->pid)
		snprintf(buf, size, "the kernel killed %s for want of memory",
			 who);
	else
		snprintf(buf, size,
			 "the kernel killed %s for want of memory (CPU %u, "
			 "record %" PRIu64 ")",
			 who, h->cpu, h->seq);
}

const struct detector_ops detector_oom = {
	.name = "oom",
	.doc = "The kernel kills a process for want of memory, of the machine "
	       "or of a cgroup. Decided in the kernel.",
	.syntax = "oom kill",
	.example = "oom kill where cgroup = \"/system.slice\"",
	.where = FR_WHERE_COMM | FR_WHERE_PID | FR_WHERE_CGROUP,
	.claims = claims,
	.parse = parse,
	.fill_slot = fill_slot,
	.describe = describe,
};
