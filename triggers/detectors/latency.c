/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * latency.c - an operation took longer than a limit.
 *
 * Decided by the probe at the completion itself, against struct fr_limits; costs
 * the probes one comparison per operation.  An operation that never completes
 * is not seen: that is what inflight.c is for.
 */
#include <inttypes.h>
#include <stdio.h>

#include "triggers/detector.h"
#include "triggers/keys.h"
#include "triggers/units.h"

#define LIMIT_MAX_NS (168 * 3600000000000ULL)

static int claims(const struct lex *l)
{
	return keys_begin(l) ? lex_next_is(l, "latency") ? 3 : 2 : 0;
}

static int parse_limit(struct lex *l, uint64_t *ret)
{
	struct lex at = *l;
	uint64_t ns;
	int r = lex_time(l, ">", true, LIMIT_MAX_NS, &ns);

	if (!r && !ns)
		return lex_fail(&at,
				"a limit of 0 would fire at every operation");
	if (!r)
		*ret = ns;
	return r;
}

static int parse(struct lex *l, struct rule_cond *ret)
{
	int r = keys_parse(l, ret);

	if (r < 0)
		return r;
	if (!lex_is(l, "latency"))
		return lex_expect(l, "`latency`, `error`, `inflight` or a "
				     "percentile such as `p99`");
	lex_next(l);
	if (!lex_is(l, ">"))
		return lex_expect(l, "`>`");
	lex_next(l);
	return parse_limit(l, &ret->limit_ns);
}

static void fill_slot(const struct rule_cond *c, struct fr_trigger_slot *s)
{
	s->what = FR_WHAT_LATENCY;
	s->limit_ns = c->limit_ns;
	s->streams = c->streams;
	for (unsigned i = 0; i < FR_KEYS / 64; i++)
		s->keys[i] = c->keys[i];
}

static void describe(const struct rule_cond *c, const struct engine_hit *h,
		     char *buf, size_t size)
{
	char took[32], limit[32];

	units_format_time(limit, c ? c->limit_ns : 0);
	if (!h->dur) {
		snprintf(buf, size, "an operation took more than %s", limit);
		return;
	}
	snprintf(buf, size,
		 "%s of thread %u took %s, limit %s (CPU %u, record %" PRIu64
		 ")",
		 keys_name(h->key), h->tid, units_human_time(took, h->dur),
		 limit, h->cpu, h->seq);
}

const struct detector_ops detector_latency = {
	.name = "latency",
	.doc = "An operation completed after more than a limit. Decided in the "
	       "kernel, at the completion.",
	.syntax = "fs.OPERATION latency > TIME",
	.example = "fs.fsync latency > 200ms where comm = \"postgres\"",
	.where = FR_WHERE_COMM | FR_WHERE_PID | FR_WHERE_CGROUP | FR_WHERE_DEV |
		 FR_WHERE_PATH,
	.claims = claims,
	.parse = parse,
	.fill_slot = fill_slot,
	.describe = describe,
};
