/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config.c - params.def as data: defaults, one value at a time, checks. */
#include "recorder/config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/config_internal.h"
#include "triggers/units.h"

/* clang-format off */
const struct config_param config_params[] = {
#define FR_PARAM(s, k, t, d, lo, hi, text) \
	{ .section = #s, .key = #k, .type = CONFIG_##t, .def = d, \
	  .min = lo, .max = hi, .doc = text, \
	  .offset = offsetof(struct fr_config, s##_##k) },
#include <flightrec/params.def>
#undef FR_PARAM
	{ .section = NULL },
};
/* clang-format on */
#define NR_PARAMS (sizeof(config_params) / sizeof(config_params[0]) - 1)

static const char *const type_names[] = {
	[CONFIG_SIZE] = "size",       [CONFIG_TIME] = "time",
	[CONFIG_INT] = "number",      [CONFIG_BOOL] = "yes or no",
	[CONFIG_PERCENT] = "percent", [CONFIG_TEXT] = "text",
	[CONFIG_LIST] = "list",
};

static const char *const type_examples[] = {
	[CONFIG_SIZE] = "64MiB", [CONFIG_TIME] = "200ms",  [CONFIG_INT] = "3",
	[CONFIG_BOOL] = "yes",   [CONFIG_PERCENT] = "10%", [CONFIG_TEXT] = "",
	[CONFIG_LIST] = "a,b",
};

const char *config_type_name(enum config_type type)
{
	return type_names[type];
}

int config_fail(struct rule_diag *diag, const char *fmt, ...)
{
	va_list ap;

	diag->at = 0;
	va_start(ap, fmt);
	vsnprintf(diag->text, sizeof(diag->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* ---- one value ------------------------------------------------------------ */

static int parse_int(const char *value, int64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoll(value, &end, 10);
	if (end == value || *end || isspace((unsigned char)*value))
		return -EINVAL;
	return errno ? -ERANGE : 0;
}

union number {
	uint64_t u;
	int64_t i;
	double d;
	int b;
};

static int parse_number(enum config_type type, const char *value,
			union number *ret)
{
	switch (type) {
	case CONFIG_SIZE:
		return units_parse_size(value, &ret->u);
	case CONFIG_TIME:
		return units_parse_time(value, &ret->u);
	case CONFIG_INT:
		return parse_int(value, &ret->i);
	case CONFIG_PERCENT:
		return units_parse_percent(value, &ret->d);
	case CONFIG_BOOL:
		return units_parse_bool(value, &ret->b);
	default:
		return -EINVAL;
	}
}

static bool is_less(enum config_type type, const union number *a,
		    const char *limit_text, int sign)
{
	union number limit;

	if (!*limit_text || parse_number(type, limit_text, &limit) < 0)
		return false;
	if (type == CONFIG_INT)
		return sign < 0 ? a->i < limit.i : a->i > limit.i;
	if (type == CONFIG_PERCENT)
		return sign < 0 ? a->d < limit.d : a->d > limit.d;
	return sign < 0 ? a->u < limit.u : a->u > limit.u;
}

static int set_number(struct fr_config *c, const struct config_param *p,
		      const char *value, struct rule_diag *diag)
{
	void *at = (char *)c + p->offset;
	union number n;
	int r = parse_number(p->type, value, &n);

	if (r == -EINVAL)
		return config_fail(diag, "%s = '%.40s' is not a %s; write %s",
				   p->key, value, type_names[p->type],
				   type_examples[p->type]);
	if (r < 0 || is_less(p->type, &n, p->min, -1) ||
	    is_less(p->type, &n, p->max, 1))
		return config_fail(diag,
				   "%s = %.40s is out of range; from %s to %s",
				   p->key, value, p->min, p->max);
	if (p->type == CONFIG_BOOL)
		*(bool *)at = n.b;
	else if (p->type == CONFIG_INT)
		*(int64_t *)at = n.i;
	else if (p->type == CONFIG_PERCENT)
		*(double *)at = n.d;
	else
		*(uint64_t *)at = n.u;
	return 0;
}

static int set_text(struct fr_config *c, const struct config_param *p,
		    const char *value, struct rule_diag *diag)
{
	char **at = (char **)((char *)c + p->offset);
	char *copy;
	int r = config_check_text(p, value, diag);

	if (r < 0)
		return r;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*at);
	*at = copy;
	return 0;
}

/* What a file cannot hold, --set must not hold either: then config_print()
 * always reads back. */
static int check_printable(const char *value, struct rule_diag *diag)
{
	size_t len = strnlen(value, CONFIG_TEXT_MAX + 1);

	if (len > CONFIG_TEXT_MAX)
		return config_fail(diag, "a value has at most %d bytes",
				   CONFIG_TEXT_MAX);
	for (size_t i = 0; i < len; i++) {
		unsigned char ch = (unsigned char)value[i];

		if ((ch < ' ' && ch != '\t') || ch == 127)
			return config_fail(diag,
					   "a control character in the value");
		if (ch == ';' && (!i || isspace((unsigned char)value[i - 1])))
			return config_fail(diag,
					   "a value cannot hold a `;` behind "
					   "white space: it begins a comment");
	}
	if (len && (isspace((unsigned char)value[0]) ||
		    isspace((unsigned char)value[len - 1])))
		return config_fail(diag, "white space around a value");
	return 0;
}

/* ---- sections ------------------------------------------------------------- */

static const struct config_param *find_param(const char *section,
					     const char *key)
{
	for (const struct config_param *p = config_params; p->section; p++)
		if (!strcmp(p->section, section) && !strcmp(p->key, key))
			return p;
	return NULL;
}

int config_check_section(bool trigger, const char *section,
			 struct rule_diag *diag)
{
	const char *names[NR_PARAMS + 2] = { NULL };
	const char *near;
	unsigned n = 0;

	if (trigger)
		return rule_check_name(section, diag);
	for (const struct config_param *p = config_params; p->section; p++) {
		if (!strcmp(p->section, section))
			return 0;
		names[n++] = p->section;
	}
	names[n] = "trigger";
	near = units_nearest(section, names);
	if (near && !strcmp(near, "trigger"))
		return config_fail(
			diag, "a trigger needs a name: [trigger \"name\"]");
	return config_fail(diag, "unknown section [%.40s]; %s%s", section,
			   near ? "did you mean " :
				  "there are ring run probes scope "
				  "sampler dump and ",
			   near ? near : "trigger \"name\"");
}

static int explain_key(const char *section, const char *key,
		       struct rule_diag *diag)
{
	const char *names[NR_PARAMS + 1] = { NULL };
	const char *near;
	unsigned n = 0;

	for (const struct config_param *p = config_params; p->section; p++)
		if (!strcmp(p->section, section))
			names[n++] = p->key;
	near = units_nearest(key, names);
	if (near)
		return config_fail(
			diag, "unknown key '%.40s' in [%s]; did you mean %s",
			key, section, near);
	for (const struct config_param *p = config_params; p->section; p++)
		if (!strcmp(p->key, key))
			return config_fail(
				diag,
				"unknown key '%.40s' in [%s]; it belongs "
				"to [%s]",
				key, section, p->section);
	return config_fail(
		diag, "unknown key '%.40s' in [%s]; see flightrecd.conf(5)",
		key, section);
}

static int refuse_key(const char *section, const char *key,
		      struct rule_diag *diag)
{
	int r = explain_key(section, key, diag);

	diag->at = RULE_AT_KEY;
	return r;
}

static int find_rule(struct fr_config *c, const char *name,
		     struct rule_diag *diag)
{
	struct fr_trigger_rule *grown;

	for (unsigned i = 0; i < c->nr_rules; i++)
		if (!strcmp(c->rules[i].name, name))
			return (int)i;
	if (c->nr_rules >= RULES_MAX)
		return config_fail(diag, "more than %d triggers", RULES_MAX);
	grown = realloc(c->rules, (c->nr_rules + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->rules = grown;
	rule_init(&grown[c->nr_rules], name);
	return (int)c->nr_rules++;
}

int config_assign(struct fr_config *c, bool trigger, const char *section,
		  const char *key, const char *value, struct rule_diag *diag)
{
	const struct config_param *p;
	int r = config_check_section(trigger, section, diag);

	if (r == 0)
		r = check_printable(value, diag);
	if (r < 0)
		return r;
	if (trigger) {
		r = find_rule(c, section, diag);
		return r < 0 ? r : rule_set(&c->rules[r], key, value, diag);
	}
	p = find_param(section, key);
	if (!p)
		return refuse_key(section, key, diag);
	if (p->type == CONFIG_TEXT || p->type == CONFIG_LIST)
		return set_text(c, p, value, diag);
	return set_number(c, p, value, diag);
}

/* ---- the whole ------------------------------------------------------------ */

struct fr_config *config_new(void)
{
	struct fr_config *c = calloc(1, sizeof(*c));
	struct rule_diag diag;

	if (!c)
		return NULL;
	for (const struct config_param *p = config_params; p->section; p++)
		if (config_assign(c, false, p->section, p->key, p->def, &diag) <
		    0) {
			config_free(c);
			errno = ENOMEM;
			return NULL;
		}
	return c;
}

void config_free(struct fr_config *c)
{
	if (!c)
		return;
	for (const struct config_param *p = config_params; p->section; p++)
		if (p->type == CONFIG_TEXT || p->type == CONFIG_LIST)
			free(*(char **)((char *)c + p->offset));
	config_free_rules(c);
	free(c);
}

const char *config_get(const struct fr_config *c, const struct config_param *p,
		       char buf[32])
{
	const void *at = (const char *)c + p->offset;

	switch (p->type) {
	case CONFIG_SIZE:
		return units_format_size(buf, *(const uint64_t *)at);
	case CONFIG_TIME:
		return units_format_time(buf, *(const uint64_t *)at);
	case CONFIG_INT:
		snprintf(buf, 32, "%" PRId64, *(const int64_t *)at);
		return buf;
	case CONFIG_BOOL:
		return *(const bool *)at ? "yes" : "no";
	case CONFIG_PERCENT:
		snprintf(buf, 32, "%.10g%%", *(const double *)at);
		return buf;
	default:
		return *(char *const *)at;
	}
}

static char *trim(char *s)
{
	size_t len;

	while (isspace((unsigned char)*s))
		s++;
	len = strlen(s);
	while (len && isspace((unsigned char)s[len - 1]))
		s[--len] = '\0';
	return s;
}

/* "section.key=value" taken apart; the key is behind the last point. */
static int split_assignment(char *text, bool *ret_trigger, char **ret_section,
			    char **ret_key, char **ret_value)
{
	char *eq = strchr(text, '='), *dot;

	if (!eq)
		return -EINVAL;
	*eq = '\0';
	dot = strrchr(text, '.');
	if (!dot)
		return -EINVAL;
	*dot = '\0';
	*ret_section = trim(text);
	*ret_key = trim(dot + 1);
	*ret_value = trim(eq + 1);
	*ret_trigger = !strncmp(*ret_section, "trigger.", 8);
	*ret_section += *ret_trigger ? 8 : 0;
	return 0;
}

int config_set(struct fr_config *c, const char *assignment,
	       struct fr_diag *diag)
{
	char *text = strndup(assignment, 2 * CONFIG_TEXT_MAX);
	char *section, *key, *value, caret[256];
	struct rule_diag d;
	bool trigger;
	int r = -ENOMEM;

	diag->text[0] = '\0';
	if (!text)
		goto out;
	r = split_assignment(text, &trigger, &section, &key, &value);
	if (r < 0) {
		snprintf(diag->text, sizeof(diag->text),
			 "--set %.60s: write section.key=value or "
			 "trigger.NAME.key=value",
			 assignment);
		goto out;
	}
	r = config_assign(c, trigger, section, key, value, &d);
	if (r == -EINVAL) {
		bool rule = trigger && !strcmp(key, "when") && *value;

		snprintf(diag->text, sizeof(diag->text),
			 "--set %s%.40s.%.40s: %s%s%s",
			 trigger ? "trigger." : "", section, key, d.text,
			 rule ? "\n" : "",
			 rule ? rule_format_caret(caret, sizeof(caret), value,
						  d.at) :
				"");
	}
out:
	free(text);
	return r;
}

int config_check(const struct fr_config *c, struct fr_diag *diag)
{
	struct rule_diag d;

	for (unsigned i = 0; i < c->nr_rules; i++)
		if (rule_check(&c->rules[i], &d) < 0) {
			snprintf(diag->text, sizeof(diag->text), "%s", d.text);
			return -EINVAL;
		}
	if (config_check_collectors(c->sampler_collectors, &d) < 0) {
		snprintf(diag->text, sizeof(diag->text),
			 "sampler.collectors: %s", d.text);
		return -EINVAL;
	}
	if (!*c->dump_folder) {
		snprintf(diag->text, sizeof(diag->text),
			 "dump.folder is empty; name a folder for snapshots");
		return -EINVAL;
	}
	return 0;
}
