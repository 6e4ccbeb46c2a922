/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rule.c - a trigger's settings. */
#include "triggers/rule.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "triggers/units.h"

const struct rule_key rule_keys[] = {
	{ "when", "RULE", "", "the condition, see flightrec-triggers(7)" },
	{ "tail", "TIME", "0",
	  "keep recording that long after the hit, "
	  "then freeze" },
	{ "cooldown", "TIME", "1m",
	  "after a snapshot, hits are only counted "
	  "for that long" },
	{ "enabled", "BOOL", "yes", "no: hits are counted, nothing is dumped" },
	{ NULL, NULL, NULL, NULL },
};

int rule_check_name(const char *name, struct rule_diag *diag)
{
	size_t len = strnlen(name, RULE_NAME_MAX + 1);

	diag->at = 0;
	if (!len || len > RULE_NAME_MAX) {
		snprintf(diag->text, sizeof(diag->text),
			 "a trigger's name has 1 to %d characters",
			 RULE_NAME_MAX);
		return -EINVAL;
	}
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("_-.", *name)) {
			snprintf(diag->text, sizeof(diag->text),
				 "a trigger's name is made of letters, digits, "
				 "`_`, `-` and `.`");
			return -EINVAL;
		}
	return 0;
}

void rule_init(struct fr_trigger_rule *r, const char *name)
{
	memset(r, 0, sizeof(*r));
	snprintf(r->name, sizeof(r->name), "%s", name);
	r->cooldown_ns = 60000000000ULL;
	r->enabled = true;
}

static int set_when(struct fr_trigger_rule *r, const char *value,
		    struct rule_diag *diag)
{
	struct rule_expr expr;
	char *copy;
	int e = rule_parse(value, &expr, diag);

	if (e < 0)
		return e;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(r->when);
	r->when = copy;
	r->expr = expr;
	return 0;
}

#define TAIL_MAX_NS     3600000000000ULL   /* 1h */
#define COOLDOWN_MAX_NS 604800000000000ULL /* 168h */

static int set_time(uint64_t *ret, const char *key, const char *value,
		    uint64_t max, struct rule_diag *diag)
{
	uint64_t ns;
	char text[32];

	diag->at = 0;
	if (units_parse_time(value, &ns) < 0) {
		snprintf(diag->text, sizeof(diag->text),
			 "%s = '%.40s' is not a duration; write 200ms, 10s, 1m",
			 key, value);
		return -EINVAL;
	}
	if (ns > max) {
		snprintf(diag->text, sizeof(diag->text),
			 "%s = %.40s is out of range; at most %s", key, value,
			 units_format_time(text, max));
		return -EINVAL;
	}
	*ret = ns;
	return 0;
}

static int set_enabled(struct fr_trigger_rule *r, const char *value,
		       struct rule_diag *diag)
{
	int on;

	diag->at = 0;
	if (units_parse_bool(value, &on) < 0) {
		snprintf(diag->text, sizeof(diag->text),
			 "enabled = '%.40s' is neither yes nor no", value);
		return -EINVAL;
	}
	r->enabled = on;
	return 0;
}

int rule_set(struct fr_trigger_rule *r, const char *key, const char *value,
	     struct rule_diag *diag)
{
	const char *names[sizeof(rule_keys) / sizeof(rule_keys[0])] = { NULL };
	const char *near;

	if (!strcmp(key, "when"))
		return set_when(r, value, diag);
	if (!strcmp(key, "tail"))
		return set_time(&r->tail_ns, key, value, TAIL_MAX_NS, diag);
	if (!strcmp(key, "cooldown"))
		return set_time(&r->cooldown_ns, key, value, COOLDOWN_MAX_NS,
				diag);
	if (!strcmp(key, "enabled"))
		return set_enabled(r, value, diag);
	for (unsigned i = 0; rule_keys[i].name; i++)
		names[i] = rule_keys[i].name;
	near = units_nearest(key, names);
	diag->at = RULE_AT_KEY;
	snprintf(diag->text, sizeof(diag->text),
		 "a trigger has no key '%.40s'; %s%s", key,
		 near ? "did you mean " : "there are when, tail, cooldown, ",
		 near ? near : "enabled");
	return -EINVAL;
}

const char *rule_get(const struct fr_trigger_rule *r, const char *key,
		     char buf[32])
{
	if (!strcmp(key, "when"))
		return r->when;
	if (!strcmp(key, "tail"))
		return units_format_time(buf, r->tail_ns);
	if (!strcmp(key, "cooldown"))
		return units_format_time(buf, r->cooldown_ns);
	if (!strcmp(key, "enabled"))
		return r->enabled ? "yes" : "no";
	return NULL;
}

int rule_copy(struct fr_trigger_rule *dst, const struct fr_trigger_rule *src)
{
	char *when = src->when ? strdup(src->when) : NULL;

	if (src->when && !when)
		return -ENOMEM;
	*dst = *src;
	dst->when = when;
	return 0;
}

void rule_clear(struct fr_trigger_rule *r)
{
	free(r->when);
	memset(r, 0, sizeof(*r));
}

bool rule_same(const struct fr_trigger_rule *a, const struct fr_trigger_rule *b)
{
	char x[32], y[32];

	if (strcmp(a->name, b->name))
		return false;
	for (unsigned i = 0; rule_keys[i].name; i++) {
		const char *is = rule_get(a, rule_keys[i].name, x);
		const char *was = rule_get(b, rule_keys[i].name, y);

		if (strcmp(is ? is : "", was ? was : ""))
			return false;
	}
	return true;
}

bool rule_equal(const struct fr_trigger_rule *a,
		const struct fr_trigger_rule *b)
{
	if (!rule_same(a, b))
		return false;
	for (unsigned i = 0; i < a->expr.nr_conds; i++) {
		const struct rule_where *x = &a->expr.conds[i].where;
		const struct rule_where *y = &b->expr.conds[i].where;

		if (x->dev != y->dev || x->cgroup != y->cgroup)
			return false;
	}
	return true;
}
