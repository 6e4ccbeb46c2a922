/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * error.c - an operation failed, with one of some errors.
 *
 * Decided by the probe at the completion; operations that succeed cost nothing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dump/number_names.h"
#include "triggers/detector.h"
#include "triggers/keys.h"
#include "triggers/units.h"

#define ERRNO_MAX 4095

static int claims(const struct lex *l)
{
	return keys_begin(l) && lex_next_is(l, "error") ? 3 : 0;
}

static int errno_by_name(const char *name)
{
	for (int e = 1; e <= ERRNO_MAX; e++) {
		const char *known = number_errno(e);

		if (known && !strcmp(known, name))
			return e;
	}
	return 0;
}

static int parse_errno(struct lex *l, struct rule_cond *ret, unsigned nr)
{
	char name[32];
	int e;

	if (l->kind != LEX_WORD || lex_copy(l, name, sizeof(name)) < 0)
		return lex_expect(l, "an error such as EIO, or any");
	e = errno_by_name(name);
	if (!e)
		return lex_fail(l,
				"there is no error '%s'; they are named as "
				"in errno(3), or any",
				name);
	if (nr == RULE_ERRNOS_MAX)
		return lex_fail(l, "at most %d errors; `any` stands for all",
				RULE_ERRNOS_MAX);
	ret->errnos[nr] = e;
	lex_next(l);
	return 0;
}

static int parse(struct lex *l, struct rule_cond *ret)
{
	int r = keys_parse(l, ret);

	if (r < 0)
		return r;
	lex_next(l); /* error */
	if (lex_is(l, "any")) {
		lex_next(l);
		return 0;
	}
	for (unsigned nr = 0;; nr++) {
		r = parse_errno(l, ret, nr);
		if (r < 0 || !lex_is(l, ","))
			return r;
		lex_next(l);
	}
}

static void fill_slot(const struct rule_cond *c, struct fr_trigger_slot *s)
{
	s->what = FR_WHAT_ERROR;
	s->streams = c->streams;
	for (unsigned i = 0; i < FR_KEYS / 64; i++)
		s->keys[i] = c->keys[i];
	memcpy(s->errnos, c->errnos, sizeof(s->errnos));
}

static void describe(const struct rule_cond *c, const struct engine_hit *h,
		     char *buf, size_t size)
{
	const char *known = number_errno(h->code);
	char name[32], took[32];

	(void)c;
	if (!h->code) {
		snprintf(buf, size, "an operation failed");
		return;
	}
	snprintf(name, sizeof(name), "%s", known ? known : "an unknown error");
	snprintf(buf, size,
		 "%s of thread %u failed with %s after %s (CPU %u, record "
		 "%" PRIu64 ")",
		 keys_name(h->key), h->tid, name,
		 units_human_time(took, h->dur), h->cpu, h->seq);
}

const struct detector_ops detector_error = {
	.name = "error",
	.doc = "An operation failed with one of some errors. Decided in the "
	       "kernel, at the completion.",
	.syntax = "fs.OPERATION error NAME[,NAME]|any",
	.example = "fs.* error EIO,ENOSPC where mount = \"/\"",
	.where = FR_WHERE_COMM | FR_WHERE_PID | FR_WHERE_CGROUP | FR_WHERE_DEV |
		 FR_WHERE_PATH,
	.claims = claims,
	.parse = parse,
	.fill_slot = fill_slot,
	.describe = describe,
};
