/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot_plan.c - in which order the columns of a record type are encoded,
 * and which models are tried for each.
 *
 * All of this is a matter of size and speed only: a block says for each column
 * which model it used, so rules may change without a new format.
 */
#include "dump/snapshot_stage.h"

#include <string.h>

/* A column may refer to columns encoded before it.  Kinds that are not listed
 * come in the order of the schema where "*" stands. */
static const char *const plan_order[] = {
	".seq", ".lane", ".cpu",  "TID",  "PID",    "BORN",   "PPID",
	"UID",  "GID",   ".aux",  "HASH", "DIRINO", "FD",     "INO",
	"DEV",  "PKEY",  ".size", "RET",  "MOVED",  "OFFSET", "*",
	".dur", "NS",    ".tail", ".ts",
};

static const struct plan_rule {
	const char *kind; /* "*": every column */
	uint8_t pred;
	const char *a, *b, *c; /* kinds of other columns */
} plan_rules[] = {
	{ "*", COLUMN_NONE, NULL, NULL, NULL },
	{ "*", COLUMN_PREV, NULL, NULL, NULL },
	{ "TID", COLUMN_LAST, ".cpu", NULL, NULL },
	{ "PID", COLUMN_SAME, "TID", NULL, NULL },
	{ "PID", COLUMN_LAST, "TID", NULL, NULL },
	{ "BORN", COLUMN_LAST, "PID", NULL, NULL },
	{ "PPID", COLUMN_LAST, "PID", NULL, NULL },
	{ "UID", COLUMN_LAST, "PID", NULL, NULL },
	{ "GID", COLUMN_LAST, "PID", NULL, NULL },
	{ "CGROUP", COLUMN_LAST, "PID", NULL, NULL },
	{ ".aux", COLUMN_LAST, "TID", NULL, NULL },
	{ ".aux", COLUMN_AFTER_A, "TID", NULL, NULL },
	{ "FD", COLUMN_LAST, "TID", NULL, NULL },
	{ "FD", COLUMN_LAST2, "TID", ".aux", NULL },
	{ "INO", COLUMN_LAST2, "PID", "FD", NULL },
	{ "INO", COLUMN_AFTER_A, "PID", NULL, NULL },
	{ "INO", COLUMN_DICT, "PID", NULL, NULL },
	{ ".size", COLUMN_DICT_A, "INO", NULL, NULL },
	{ "RET", COLUMN_EITHER, ".size", "INO", ".aux" },
	{ "OFFSET", COLUMN_SEEK, "INO", "RET", ".aux" },
	{ "OFFSET", COLUMN_DICT_A, "INO", NULL, NULL },
	{ "BYTES", COLUMN_LAST, "INO", NULL, NULL },
	{ "HEX", COLUMN_DICT_A, "PID", NULL, NULL },
	{ "FLAGS", COLUMN_DICT, "PID", NULL, NULL },
	{ "DEV", COLUMN_LAST2, "PID", "FD", NULL },
	{ "DEV", COLUMN_LAST, "INO", NULL, NULL },
	{ "PKEY", COLUMN_LAST, "INO", NULL, NULL },
	{ ".size", COLUMN_LAST2, "INO", ".aux", NULL },
	{ ".size", COLUMN_LAST2, "PID", ".aux", NULL },
	{ "RET", COLUMN_LAST2, "PID", ".aux", NULL },
	{ "MOVED", COLUMN_SAME, ".size", NULL, NULL },
	{ "OFFSET", COLUMN_LAST2, "PID", ".aux", NULL },
	{ "SECTOR", COLUMN_LAST, "DEV", NULL, NULL },
	{ "HASH", COLUMN_DICT, "PID", NULL, NULL },
	{ "DIRINO", COLUMN_LAST, "PID", NULL, NULL },
	{ "DIRDEV", COLUMN_LAST, "DIRINO", NULL, NULL },
	{ "DIRPKEY", COLUMN_LAST, "DIRINO", NULL, NULL },
	{ "FILEDEV", COLUMN_LAST, "INO", NULL, NULL },
	{ "FLAGS", COLUMN_LAST, ".aux", NULL, NULL },
	{ "MODE", COLUMN_LAST, ".aux", NULL, NULL },
	{ ".dur", COLUMN_LAST, ".aux", NULL, NULL },
	{ "NS", COLUMN_SAME, ".dur", NULL, NULL },
	{ ".tail", COLUMN_SAME, ".aux", NULL, NULL },
	{ ".ts", COLUMN_END, ".dur", NULL, NULL },
	{ ".ts", COLUMN_GAP, ".dur", NULL, NULL },
};

#define PLAN_NR(array) (sizeof(array) / sizeof((array)[0]))

static unsigned plan_rank(const char *kind)
{
	unsigned other = 0;

	for (unsigned i = 0; i < PLAN_NR(plan_order); i++) {
		if (!strcmp(kind, plan_order[i]))
			return i;
		if (!strcmp(plan_order[i], "*"))
			other = i;
	}
	return other;
}

/* Stable, and short: a type has some twenty columns. */
static void plan_sort(struct snap_stage *s)
{
	for (unsigned i = 1; i < s->nr_columns; i++) {
		struct stage_column c = s->columns[i];
		unsigned j = i;

		for (;
		     j && plan_rank(s->columns[j - 1].kind) > plan_rank(c.kind);
		     j--)
			s->columns[j] = s->columns[j - 1];
		s->columns[j] = c;
	}
}

/* First of the kind before column ${end}; -1: none. */
static int plan_find(const struct snap_stage *s, const char *kind, unsigned end)
{
	for (unsigned i = 0; kind && i < end; i++)
		if (!strcmp(s->columns[i].kind, kind))
			return (int)i;
	return -1;
}

static void plan_model(struct stage_column *c, struct stage_model m)
{
	if (c->nr_models < STAGE_MODELS_MAX)
		c->models[c->nr_models++] = m;
}

/* Rests of times and durations are multiples of the clock's step. */
static int plan_is_time(const char *kind, unsigned pred)
{
	if (!strcmp(kind, ".ts"))
		return pred != COLUMN_NONE;
	return pred != COLUMN_SAME &&
	       (!strcmp(kind, ".dur") || !strcmp(kind, "NS"));
}

static void plan_column(struct snap_stage *s, unsigned nr)
{
	struct stage_column *c = &s->columns[nr];

	for (unsigned i = 0; i < PLAN_NR(plan_rules); i++) {
		const struct plan_rule *r = &plan_rules[i];
		struct stage_model m = {
			.pred = r->pred,
			.a = (int16_t)plan_find(s, r->a, nr),
			.b = (int16_t)plan_find(s, r->b, nr),
			.c = (int16_t)plan_find(s, r->c, nr),
		};

		if ((strcmp(r->kind, "*") && strcmp(r->kind, c->kind)) ||
		    (r->a && m.a < 0) || (r->b && m.b < 0) || (r->c && m.c < 0))
			continue;
		plan_model(c, m);
		m.clock = 1;
		if (plan_is_time(c->kind, m.pred))
			plan_model(c, m);
	}
}

static struct stage_column *plan_role(struct snap_stage *s, const char *kind)
{
	int i = plan_find(s, kind, s->nr_columns);

	return i < 0 ? NULL : &s->columns[i];
}

void stage_plan(struct snap_stage *s)
{
	plan_sort(s);
	for (unsigned i = 0; i < s->nr_columns; i++)
		plan_column(s, i);
	s->ts = plan_role(s, ".ts");
	s->seq = plan_role(s, ".seq");
	s->lane = plan_role(s, ".lane");
	s->cpu = plan_role(s, ".cpu");
	s->tail = plan_role(s, ".tail");
	s->dur = plan_role(s, ".dur");
}
