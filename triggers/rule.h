/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rule.h - a trigger as a person writes it, and what it was parsed into.
 *
 *   [trigger "slow-fsync"]
 *   when = fs.fsync latency > 200ms
 *
 * The grammar (flightrec-triggers(7) tells it to users):
 *
 *   when      := condition | "(" when ")"
 *   condition := what a detector parses (detector.h); each detector is a file
 *
 * `and`, `or`, `not` and `where` are words of the language that this version
 * refuses by name; they become kinds of struct rule_expr beside RULE_COND.
 * Pure: no system calls, no state, any thread.
 */
#ifndef TRIGGERS_RULE_H
#define TRIGGERS_RULE_H

#include <flightrec/shared.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULE_TEXT_MAX   4096 /* bytes of `when` */
#define RULE_NAME_MAX   32
#define RULES_MAX       FR_TRIGGER_SLOTS
#define RULE_METRIC_MAX 96
#define RULE_DEPTH_MAX  16 /* parentheses in parentheses */

struct detector_ops; /* detector.h */

#define RULE_AT_KEY 0xffffffffU /* the key is wrong, not its value */

struct rule_diag {
	unsigned at;    /* offset in the text that was parsed */
	char text[320]; /* what; what to do next */
};

enum rule_unit {
	RULE_UNIT_NONE,
	RULE_UNIT_BYTES,
	RULE_UNIT_NS,
	RULE_UNIT_PERCENT,
};

/* One condition.  Each detector fills the members it needs, the rest is 0. */
struct rule_cond {
	const struct detector_ops *ops;
	uint64_t keys[FR_KEYS / 64];  /* operations, as in shared.h */
	uint64_t limit_ns;            /* of a latency */
	char metric[RULE_METRIC_MAX]; /* with * and ? after the first point */
	bool rate;  /* of the metric per second, not its level */
	bool below; /* `<` */
	enum rule_unit unit;
	double limit;    /* of a metric, in bytes, ns, percent or as it is */
	uint64_t for_ns; /* must hold that long; 0: one sample is enough */
};

enum rule_kind {
	RULE_NONE, /* nothing parsed */
	RULE_COND,
};

struct rule_expr {
	enum rule_kind kind;
	struct rule_cond cond; /* RULE_COND */
};

struct fr_trigger_rule {
	char name[RULE_NAME_MAX + 1];
	char *when; /* the text, NULL until it is set */
	struct rule_expr expr;
	uint64_t tail_ns;
	uint64_t cooldown_ns;
	bool enabled;
};

/* Keys of a [trigger "name"] section, for parser, printer and manual. */
struct rule_key {
	const char *name, *type, *def, *doc;
};
extern const struct rule_key rule_keys[]; /* ends with name = NULL */

/* Parses ${text}; 0 or -EINVAL with *diag.  *ret untouched on failure. */
int rule_parse(const char *text, struct rule_expr *ret, struct rule_diag *diag);

/* Letters, digits, `_`, `-` and `.`, 1 to RULE_NAME_MAX: 0 or -EINVAL. */
int rule_check_name(const char *name, struct rule_diag *diag);

/* A rule of that (checked) name with all defaults and no `when`. */
void rule_init(struct fr_trigger_rule *r, const char *name);
/* Sets one key; 0, -EINVAL with *diag, or -ENOMEM. */
int rule_set(struct fr_trigger_rule *r, const char *key, const char *value,
	     struct rule_diag *diag);
/* The key's value as text that rule_set() reads back; NULL if it has none. */
const char *rule_get(const struct fr_trigger_rule *r, const char *key,
		     char buf[32]);
/* 0 or -ENOMEM; ${dst} must not hold a rule. */
int rule_copy(struct fr_trigger_rule *dst, const struct fr_trigger_rule *src);
void rule_clear(struct fr_trigger_rule *r); /* frees what it owns */
/* Equal in every setting: a reload keeps state, counts and kernel slot. */
bool rule_equal(const struct fr_trigger_rule *a,
		const struct fr_trigger_rule *b);

/*
 * The line of ${text} that holds offset ${at} and below it a caret:
 *     fs.fsnyc latency > 20ms
 *     ^
 * Long lines are shown in part.  Returns buf.
 */
char *rule_format_caret(char *buf, size_t size, const char *text, unsigned at);

/* ---- for triggers that the kernel decides (shared.h) ---------------------- */

/* Fills number-independent members of a slot that is FREE: limit_ns and keys.
 * -ENOTSUP if the kernel cannot decide this rule.  State is left alone. */
int rule_fill_slot(const struct fr_trigger_rule *r, struct fr_trigger_slot *s);

/*
 * Fills limits->min_ns and slow_ns so that all of ${rules} and the slow lane see
 * what they ask for.  64-bit stores, each whole, so that the kernel may read
 * meanwhile; slots are not touched.
 */
void rules_fill_limits(const struct fr_trigger_rule *rules, unsigned nr,
		       uint64_t slow_ns, struct fr_limits *limits);

#endif
