/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rule.c - a trigger's settings. */
#include "triggers/rule.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "triggers/units.h"

#define MINUTE_NS 60000000000ULL
#define HOUR_NS   (60 * MINUTE_NS)

const struct rule_key rule_keys[] = {
	{ "when", "RULE", "", "the condition, see flightrec-triggers(7)" },
	{ "tail", "TIME", "0",
	  "keep recording that long after the hit, "
	  "then freeze" },
	{ "cooldown", "TIME", "1m",
	  "after a snapshot, hits are only counted "
	  "for that long" },
	{ "merge", "TIME", "0",
	  "hits of any trigger within that time after the hit belong to the "
	  "same incident, also when its snapshot is done" },
	{ "min-history", "TIME", "0",
	  "hits are only counted before the ring holds that much" },
	{ "max-per-day", "NUMBER", "0",
	  "more snapshots within 24h are not taken, hits are only counted; "
	  "0: unlimited" },
	{ "priority", "NUMBER", "50",
	  "0 to 100: of triggers hit together, the highest leads" },
	{ "exec", "TEXT", "",
	  "command that is run without rights when the snapshot is on disk" },
	{ "exec-limit", "TIME", "30s",
	  "the command is killed after that time" },
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
	r->cooldown_ns = MINUTE_NS;
	r->priority = 50;
	r->exec_limit_ns = MINUTE_NS / 2;
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

/* Keys that are a time or a whole number. */
static const struct number_key {
	const char *key;
	bool is_time;
	size_t at; /* of a uint64_t in the rule */
	uint64_t min, max;
} number_keys[] = {
#define AT(member) offsetof(struct fr_trigger_rule, member)
	{ "tail", true, AT(tail_ns), 0, HOUR_NS },
	{ "cooldown", true, AT(cooldown_ns), 0, 168 * HOUR_NS },
	{ "merge", true, AT(merge_ns), 0, 24 * HOUR_NS },
	{ "min-history", true, AT(min_history_ns), 0, 168 * HOUR_NS },
	{ "max-per-day", false, AT(max_per_day), 0, RULE_PER_DAY_MAX },
	{ "priority", false, AT(priority), 0, RULE_PRIORITY_MAX },
	{ "exec-limit", true, AT(exec_limit_ns), 100000000, HOUR_NS },
#undef AT
};

static const struct number_key *find_number_key(const char *key)
{
	for (unsigned i = 0; i < sizeof(number_keys) / sizeof(*number_keys);
	     i++)
		if (!strcmp(number_keys[i].key, key))
			return &number_keys[i];
	return NULL;
}

/* Digits only: what has a sign, a point or a unit is no count. */
static int parse_count(const char *text, uint64_t *ret)
{
	size_t len = strlen(text);

	if (!len || len > 18 || strspn(text, "0123456789") != len)
		return -EINVAL;
	*ret = strtoull(text, NULL, 10);
	return 0;
}

static const char *format_number(const struct number_key *k, uint64_t n,
				 char buf[32])
{
	if (k->is_time)
		return units_format_time(buf, n);
	snprintf(buf, 32, "%llu", (unsigned long long)n);
	return buf;
}

static int set_number(struct fr_trigger_rule *r, const struct number_key *k,
		      const char *value, struct rule_diag *diag)
{
	char low[32], high[32];
	uint64_t n;

	diag->at = 0;
	if ((k->is_time ? units_parse_time(value, &n) :
			  parse_count(value, &n)) < 0) {
		snprintf(diag->text, sizeof(diag->text),
			 "%s = '%.40s' is not %s", k->key, value,
			 k->is_time ? "a duration; write 200ms, 10s, 1m" :
				      "a whole number; write 0, 5, 50");
		return -EINVAL;
	}
	if (n < k->min || n > k->max) {
		snprintf(diag->text, sizeof(diag->text),
			 "%s = %.40s is out of range; at least %s, at most %s",
			 k->key, value, format_number(k, k->min, low),
			 format_number(k, k->max, high));
		return -EINVAL;
	}
	memcpy((char *)r + k->at, &n, sizeof(n));
	return 0;
}

static const char *get_number(const struct fr_trigger_rule *r,
			      const struct number_key *k, char buf[32])
{
	uint64_t n;

	memcpy(&n, (const char *)r + k->at, sizeof(n));
	return format_number(k, n, buf);
}

/* "": none.  What the shell thinks of it is seen when it runs. */
static int set_exec(struct fr_trigger_rule *r, const char *value,
		    struct rule_diag *diag)
{
	size_t len = strlen(value);
	char *copy;

	diag->at = 0;
	if (len > RULE_EXEC_MAX) {
		snprintf(diag->text, sizeof(diag->text),
			 "exec is longer than %d bytes; put it into a script",
			 RULE_EXEC_MAX);
		return -EINVAL;
	}
	copy = len ? strdup(value) : NULL;
	if (len && !copy)
		return -ENOMEM;
	free(r->exec);
	r->exec = copy;
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
	const struct number_key *number = find_number_key(key);
	const char *near;

	if (number)
		return set_number(r, number, value, diag);
	if (!strcmp(key, "when"))
		return set_when(r, value, diag);
	if (!strcmp(key, "exec"))
		return set_exec(r, value, diag);
	if (!strcmp(key, "enabled"))
		return set_enabled(r, value, diag);
	for (unsigned i = 0; rule_keys[i].name; i++)
		names[i] = rule_keys[i].name;
	near = units_nearest(key, names);
	diag->at = RULE_AT_KEY;
	snprintf(diag->text, sizeof(diag->text),
		 "a trigger has no key '%.40s'; %s%s", key,
		 near ? "did you mean " :
			"there are when, tail, cooldown, merge, min-history, "
			"max-per-day, priority, exec, exec-limit, ",
		 near ? near : "enabled");
	return -EINVAL;
}

const char *rule_get(const struct fr_trigger_rule *r, const char *key,
		     char buf[32])
{
	const struct number_key *number = find_number_key(key);

	if (number)
		return get_number(r, number, buf);
	if (!strcmp(key, "when"))
		return r->when;
	if (!strcmp(key, "exec"))
		return r->exec;
	if (!strcmp(key, "enabled"))
		return r->enabled ? "yes" : "no";
	return NULL;
}

int rule_check(const struct fr_trigger_rule *r, struct rule_diag *diag)
{
	char merge[32], tail[32];

	diag->at = 0;
	if (!r->when) {
		snprintf(diag->text, sizeof(diag->text),
			 "[trigger \"%s\"] has no condition; add "
			 "when = fs.fsync latency > 200ms",
			 r->name);
		return -EINVAL;
	}
	if (r->merge_ns && r->merge_ns <= r->tail_ns) {
		snprintf(
			diag->text, sizeof(diag->text),
			"[trigger \"%s\"] merge = %s is not longer than tail "
			"= %s, in which hits are merged anyway; make it longer "
			"or leave it out",
			r->name, units_format_time(merge, r->merge_ns),
			units_format_time(tail, r->tail_ns));
		return -EINVAL;
	}
	return 0;
}

int rule_copy(struct fr_trigger_rule *dst, const struct fr_trigger_rule *src)
{
	char *when = src->when ? strdup(src->when) : NULL;
	char *exec = src->exec ? strdup(src->exec) : NULL;

	if ((src->when && !when) || (src->exec && !exec)) {
		free(when);
		free(exec);
		return -ENOMEM;
	}
	*dst = *src;
	dst->when = when;
	dst->exec = exec;
	return 0;
}

void rule_clear(struct fr_trigger_rule *r)
{
	free(r->when);
	free(r->exec);
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
