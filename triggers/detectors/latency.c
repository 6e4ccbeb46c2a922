/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * latency.c - an operation took longer than a limit.
 *
 * Decided by the probe at the completion itself, against struct fr_limits; costs
 * the probes one comparison per operation.  An operation that never completes
 * is not seen.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dump/schema.h"
#include "triggers/detector.h"
#include "triggers/units.h"

static const struct {
	const char *name;
	unsigned key;
} block_ops[] = {
	{ "read", FR_KEY_BLOCK_READ },   { "write", FR_KEY_BLOCK_WRITE },
	{ "flush", FR_KEY_BLOCK_FLUSH }, { "discard", FR_KEY_BLOCK_DISCARD },
	{ "other", FR_KEY_BLOCK_OTHER },
};
#define NR_BLOCK_OPS (sizeof(block_ops) / sizeof(block_ops[0]))

static void set_key(uint64_t *keys, unsigned key)
{
	keys[key / 64] |= 1ULL << (key % 64);
}

/* An operation covers all its calls, so its name goes before a call's. */
static bool find_fs_keys(const char *name, uint64_t *keys)
{
	bool all = !strcmp(name, "*"), is_op = false, found = false;

	for (unsigned i = 0; i < fr_nr_calls; i++)
		if (!strcmp(fr_calls[i].op, name))
			is_op = true;
	for (unsigned i = 0; i < fr_nr_calls; i++) {
		const char *other = is_op ? fr_calls[i].op : fr_calls[i].call;

		if (!all && strcmp(other, name))
			continue;
		set_key(keys, fr_calls[i].id);
		found = true;
	}
	return found;
}

static bool find_block_keys(const char *name, uint64_t *keys)
{
	bool all = !strcmp(name, "*"), found = false;

	for (unsigned i = 0; i < NR_BLOCK_OPS; i++) {
		if (!all && strcmp(block_ops[i].name, name))
			continue;
		set_key(keys, block_ops[i].key);
		found = true;
	}
	return found;
}

static const char *nearest_fs(const char *name)
{
	const char *names[2 * FR_CALLS_MAX + 1];
	unsigned n = 0;

	for (unsigned i = 0; i < fr_nr_calls; i++)
		names[n++] = fr_calls[i].op;
	for (unsigned i = 0; i < fr_nr_calls; i++)
		names[n++] = fr_calls[i].call;
	names[n] = NULL;
	return units_nearest(name, names);
}

static const char *nearest_block(const char *name)
{
	const char *names[NR_BLOCK_OPS + 1] = { NULL };

	for (unsigned i = 0; i < NR_BLOCK_OPS; i++)
		names[i] = block_ops[i].name;
	return units_nearest(name, names);
}

static int claims(const struct lex *l)
{
	const char *p = l->text + l->at;

	if (l->kind != LEX_WORD)
		return 0;
	if (lex_is(l, "fs") || lex_is(l, "block"))
		return 2;
	return (l->len > 2 && !strncmp(p, "fs.", 3)) ||
			       (l->len > 5 && !strncmp(p, "block.", 6)) ?
		       2 :
		       0;
}

static int parse_subject(struct lex *l, uint64_t *keys)
{
	char word[64];
	const char *name, *near;
	bool fs;

	if (lex_copy(l, word, sizeof(word)) < 0)
		return lex_fail(l, "no operation has a name that long");
	fs = word[0] == 'f';
	name = strchr(word, '.');
	name = name ? name + 1 : "*";
	if (fs ? find_fs_keys(name, keys) : find_block_keys(name, keys))
		return 0;
	near = fs ? nearest_fs(name) : nearest_block(name);
	if (near)
		return lex_fail(l, "unknown operation '%s'; did you mean %s.%s",
				word, fs ? "fs" : "block", near);
	return lex_fail(l, "unknown operation '%s'; there are %s", word,
			fs ? "fs.* and the operations and calls listed in "
			     "flightrec-events(7)" :
			     "block.read, write, flush, discard, other and *");
}

static int parse_limit(struct lex *l, uint64_t *ret)
{
	char number[32];
	uint64_t ns;

	if (l->kind != LEX_NUMBER || lex_copy(l, number, sizeof(number)) < 0)
		return lex_expect(l, "a duration such as 200ms");
	if (units_parse_time(number, &ns) < 0)
		return lex_fail(l,
				"'%s' is not a duration; write a number and ns "
				"us ms s m or h: 200ms",
				number);
	if (!ns)
		return lex_fail(l,
				"a limit of 0 would fire at every operation");
	*ret = ns;
	lex_next(l);
	return 0;
}

static int parse(struct lex *l, struct rule_cond *ret)
{
	int r = parse_subject(l, ret->keys);

	if (r < 0)
		return r;
	lex_next(l);
	if (l->kind == LEX_WORD && !lex_is(l, "latency"))
		return lex_fail(l,
				"'%.*s' is not supported by this version; "
				"operations have only latency: fs.fsync "
				"latency > 200ms",
				l->len > 40 ? 40 : (int)l->len,
				l->text + l->at);
	if (!lex_is(l, "latency"))
		return lex_expect(l, "`latency`");
	lex_next(l);
	if (!lex_is(l, ">"))
		return lex_expect(l, "`>`");
	lex_next(l);
	return parse_limit(l, &ret->limit_ns);
}

static void fill_slot(const struct rule_cond *c, struct fr_trigger_slot *s)
{
	s->limit_ns = c->limit_ns;
	for (unsigned i = 0; i < FR_KEYS / 64; i++)
		s->keys[i] = c->keys[i];
}

static const char *key_name(uint32_t key)
{
	for (unsigned i = 0; i < NR_BLOCK_OPS; i++)
		if (block_ops[i].key == key)
			return block_ops[i].name;
	for (unsigned i = 0; i < fr_nr_calls; i++)
		if (fr_calls[i].id == key)
			return fr_calls[i].call;
	return "operation";
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
		 "%s%s of thread %u took %s, limit %s (CPU %u, record %" PRIu64
		 ")",
		 h->key >= FR_KEY_BLOCK_READ ? "block " : "", key_name(h->key),
		 h->tid, units_human_time(took, h->dur), limit, h->cpu, h->seq);
}

const struct detector_ops detector_latency = {
	.name = "latency",
	.doc = "An operation completed after more than a limit. Decided in the "
	       "kernel, at the completion.",
	.syntax = "fs.<operation|call|*> latency > TIME, block[.<read|write|"
		  "flush|discard|*>] latency > TIME",
	.example = "fs.fsync latency > 200ms",
	.claims = claims,
	.parse = parse,
	.fill_slot = fill_slot,
	.describe = describe,
};
