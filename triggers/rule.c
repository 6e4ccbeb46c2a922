/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rule.c - the grammar above the detectors, and a trigger's settings. */
#include "triggers/rule.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "triggers/detector.h"
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

/* Words of the language whose meaning this version does not have. */
static const char *const reserved[] = { "and",  "or",  "not", "where",
					"over", "min", NULL };

static const char *reserved_word(const struct lex *l)
{
	for (unsigned i = 0; reserved[i]; i++)
		if (l->kind == LEX_WORD && lex_is(l, reserved[i]))
			return reserved[i];
	return NULL;
}

static int refuse_reserved(struct lex *l, const char *word)
{
	return lex_fail(l,
			"`%s` is not supported by this version; a rule is one "
			"condition (for `or`, write a second trigger)",
			word);
}

static int refuse_unknown(struct lex *l)
{
	char known[224];
	size_t n = 0;

	if (l->kind != LEX_WORD)
		return lex_expect(l, "a condition such as fs.fsync latency > "
				     "200ms");
	known[0] = '\0';
	for (unsigned i = 0; detector_all[i]; i++) {
		if (!detector_all[i]->syntax || n >= sizeof(known))
			continue;
		n += (size_t)snprintf(known + n, sizeof(known) - n, "%s%s",
				      n ? " | " : "", detector_all[i]->syntax);
	}
	return lex_fail(l, "no condition begins with '%.*s'; there are: %s",
			l->len > 40 ? 40 : (int)l->len, l->text + l->at, known);
}

static int parse_cond(struct lex *l, struct rule_expr *ret)
{
	const struct detector_ops *best = NULL;
	int best_claim = 0;

	for (unsigned i = 0; detector_all[i]; i++) {
		const struct detector_ops *ops = detector_all[i];
		int claim = ops->claims ? ops->claims(l) : 0;

		if (claim > best_claim) {
			best_claim = claim;
			best = ops;
		}
	}
	if (!best)
		return refuse_unknown(l);
	ret->kind = RULE_COND;
	ret->cond.ops = best;
	return best->parse(l, &ret->cond);
}

static int parse_when(struct lex *l, struct rule_expr *ret)
{
	const char *word = reserved_word(l);
	int r;

	if (word)
		return refuse_reserved(l, word);
	if (l->kind != LEX_SIGN || !lex_is(l, "("))
		return parse_cond(l, ret);
	if (++l->depth > RULE_DEPTH_MAX)
		return lex_fail(l, "more than %d parentheses in each other",
				RULE_DEPTH_MAX);
	lex_next(l);
	r = parse_when(l, ret);
	if (r < 0)
		return r;
	word = reserved_word(l);
	if (word)
		return refuse_reserved(l, word);
	if (!lex_is(l, ")"))
		return lex_expect(l, "`)`");
	lex_next(l);
	return 0;
}

int rule_parse(const char *text, struct rule_expr *ret, struct rule_diag *diag)
{
	struct rule_expr expr = { .kind = RULE_NONE };
	struct lex l;
	const char *word;
	int r;

	if (strnlen(text, RULE_TEXT_MAX + 1) > RULE_TEXT_MAX) {
		diag->at = 0;
		snprintf(diag->text, sizeof(diag->text),
			 "the rule is longer than %d bytes", RULE_TEXT_MAX);
		return -EINVAL;
	}
	lex_start(&l, text, diag);
	r = parse_when(&l, &expr);
	if (r < 0)
		return r;
	word = reserved_word(&l);
	if (word)
		return refuse_reserved(&l, word);
	if (l.kind != LEX_END)
		return lex_expect(&l, "the end of the rule");
	*ret = expr;
	return 0;
}

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

bool rule_equal(const struct fr_trigger_rule *a,
		const struct fr_trigger_rule *b)
{
	return !strcmp(a->name, b->name) && a->tail_ns == b->tail_ns &&
	       a->cooldown_ns == b->cooldown_ns && a->enabled == b->enabled &&
	       !strcmp(a->when ? a->when : "", b->when ? b->when : "");
}

#define CARET_WIDTH 72

char *rule_format_caret(char *buf, size_t size, const char *text, unsigned at)
{
	size_t len = strlen(text), begin = at, end;

	if (begin > len)
		begin = at = (unsigned)len;
	while (begin && text[begin - 1] != '\n')
		begin--;
	end = begin + strcspn(text + begin, "\n");
	if (at - begin > CARET_WIDTH - 8)
		begin = at - (CARET_WIDTH - 8);
	if (end - begin > CARET_WIDTH)
		end = begin + CARET_WIDTH;
	snprintf(buf, size, "    %.*s\n    %*s", (int)(end - begin),
		 text + begin, (int)(at - begin) + 1, "^");
	for (char *p = buf; *p; p++)
		if (*p != '\n' && !isprint((unsigned char)*p))
			*p = '?';
	return buf;
}

int rule_fill_slot(const struct fr_trigger_rule *r, struct fr_trigger_slot *s)
{
	const struct detector_ops *ops = r->expr.cond.ops;

	if (r->expr.kind != RULE_COND || !ops->fill_slot)
		return -ENOTSUP;
	ops->fill_slot(&r->expr.cond, s);
	return 0;
}

static void lower(uint64_t *min, uint64_t ns)
{
	if (ns && (!*min || ns < *min))
		*min = ns;
}

void rules_fill_limits(const struct fr_trigger_rule *rules, unsigned nr,
		       uint64_t slow_ns, struct fr_limits *limits)
{
	uint64_t min[FR_KEYS];

	for (unsigned k = 0; k < FR_KEYS; k++)
		min[k] = slow_ns;
	for (unsigned i = 0; i < nr; i++) {
		struct fr_trigger_slot s = { .limit_ns = 0 };

		if (rule_fill_slot(&rules[i], &s) < 0)
			continue;
		for (unsigned k = 0; k < FR_KEYS; k++)
			if (s.keys[k / 64] >> (k % 64) & 1)
				lower(&min[k], s.limit_ns);
	}
	/* relaxed: the probes need each value whole, in no order */
	for (unsigned k = 0; k < FR_KEYS; k++)
		__atomic_store_n(&limits->min_ns[k], min[k], __ATOMIC_RELAXED);
	__atomic_store_n(&limits->slow_ns, slow_ns, __ATOMIC_RELAXED);
}
