/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rule.h - a trigger as a person writes it, and what it was parsed into.
 *
 *   [trigger "slow-fsync"]
 *   when = fs.fsync latency > 200ms where comm = "postgres"
 *
 * The grammar (flightrec-triggers(7) tells it to users):
 *
 *   when      := all { "or" all }
 *   all       := one { "and" one }
 *   one       := "not" one | "(" when ")" | condition
 *   condition := what a detector parses (detector.h; each is a file) [ where ]
 *   where     := "where" filter { ("," | "and") filter }      (where.h)
 *
 * A condition is an event, true at one instant (an operation was slow, a process
 * died), or a level, true for some time (a metric is over its limit).  What was
 * written becomes a list of terms: a rule fires when all that a term asks for
 * is true, at the event if it has one, else when the last of its levels comes
 * true.  No term has two events, which never coincide, or the absence of one.
 *
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
#define RULE_CONDS_MAX  8  /* conditions of a rule */
#define RULE_TERMS_MAX  16 /* of a rule, after `and` was multiplied out */
#define RULE_ERRNOS_MAX FR_SLOT_ERRNOS
#define RULE_PATH_MAX   128 /* bytes of a path, cgroup or device in a filter */

#define RULE_EXEC_MAX     1024 /* bytes of `exec` */
#define RULE_PER_DAY_MAX  1000
#define RULE_PRIORITY_MAX 100

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

/* The filters of a condition.  Names of devices, mounts and cgroups become
 * numbers when the rule is put in force (where_resolve). */
struct rule_where {
	uint32_t set;  /* bits FR_WHERE_*: these filters */
	uint32_t not ; /* of them, those that must not match */
	uint32_t pid;
	uint32_t dev;    /* of device or mount; ~0: not there now */
	uint64_t cgroup; /* its id; 0: not there now */
	uint32_t cgroup_level;
	bool is_mount; /* `device` is a folder */
	char comm[17]; /* ? is any character, * at its end any rest */
	char device[RULE_PATH_MAX]; /* name, major:minor, or folder */
	char group[RULE_PATH_MAX];  /* path of the cgroup */
	char path[RULE_PATH_MAX];   /* glob over paths of files */
};

/* One condition.  Each detector fills the members it needs, the rest is 0. */
struct rule_cond {
	const struct detector_ops *ops;
	unsigned at;                  /* where it begins in the text */
	uint64_t keys[FR_KEYS / 64];  /* operations, as in shared.h */
	uint32_t streams;             /* bits 1 << FR_STREAM_*: theirs */
	uint64_t limit_ns;            /* of a latency, or an age */
	char metric[RULE_METRIC_MAX]; /* with * and ? after the first point */
	bool rate;  /* of the metric per second, not its level */
	bool below; /* `<` */
	bool has_clear;
	enum rule_unit unit;
	double limit;       /* of a metric, in bytes, ns, percent or as it is */
	double clear;       /* once true, it stays so until this; same unit */
	uint64_t for_ns;    /* must hold that long; 0: one sample is enough */
	uint64_t window_ns; /* `over`: what is looked back on */
	double quantile;    /* 0.99: of the latencies in the window */
	uint64_t min_count; /* fewer operations in the window say nothing */
	/* errors, 0 ends, none: any; or exit codes, none: none, -1: any but 0 */
	int32_t errnos[RULE_ERRNOS_MAX];
	uint64_t signals; /* bit n - 1: signal n */
	struct rule_where where;
};

#define RULE_NO_EVENT 0xff

/* All of these at once. */
struct rule_term {
	uint8_t event; /* a condition's index, or RULE_NO_EVENT */
	uint8_t on;    /* bits: levels that must hold */
	uint8_t off;   /* bits: levels that must not */
};

struct rule_expr {
	unsigned nr_conds, nr_terms; /* 0: nothing parsed */
	struct rule_cond conds[RULE_CONDS_MAX];
	struct rule_term terms[RULE_TERMS_MAX];
};

struct fr_trigger_rule {
	char name[RULE_NAME_MAX + 1];
	char *when; /* the text, NULL until it is set */
	struct rule_expr expr;
	uint64_t tail_ns;
	uint64_t cooldown_ns;
	uint64_t min_history_ns; /* 0: fires whatever the ring holds */
	uint64_t max_per_day;    /* 0: unlimited */
	uint64_t merge_ns; /* from the hit on; 0: only until the snapshot */
	uint64_t priority; /* 0 to RULE_PRIORITY_MAX */
	char *exec;        /* for /bin/sh -c, NULL: none */
	uint64_t exec_limit_ns;
	bool enabled;
};

/* Keys of a [trigger "name"] section, for parser, printer and manual. */
struct rule_key {
	const char *name, *type, *def, *doc;
};
extern const struct rule_key rule_keys[]; /* ends with name = NULL */

/* Parses ${text}; 0 or -EINVAL with *diag.  *ret untouched on failure. */
int rule_parse(const char *text, struct rule_expr *ret, struct rule_diag *diag);

/* Does the term hold?  ${levels}: bits, the conditions that are true now. */
static inline bool rule_term_holds(const struct rule_term *t, uint8_t levels)
{
	return (t->on & ~levels) == 0 && (t->off & levels) == 0;
}

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
/* What no single key can tell: is there a `when`, do the times fit each other?  0,
 * or -EINVAL with *diag. */
int rule_check(const struct fr_trigger_rule *r, struct rule_diag *diag);
/* 0 or -ENOMEM; ${dst} must not hold a rule. */
int rule_copy(struct fr_trigger_rule *dst, const struct fr_trigger_rule *src);
void rule_clear(struct fr_trigger_rule *r); /* frees what it owns */
/* Equal in every setting, as a person wrote them. */
bool rule_same(const struct fr_trigger_rule *a,
	       const struct fr_trigger_rule *b);
/* Also in what its names stand for: a reload keeps state, counts and kernel
 * slots. */
bool rule_equal(const struct fr_trigger_rule *a,
		const struct fr_trigger_rule *b);

/*
 * The line of ${text} that holds offset ${at} and below it a caret:
 *     fs.fsnyc latency > 20ms
 *     ^
 * Long lines are shown in part.  Returns buf.
 */
char *rule_format_caret(char *buf, size_t size, const char *text, unsigned at);

/* ---- for conditions that the kernel decides (shared.h), rule_slot.c -------- */

/* Fills what a slot holds of the condition; state, number, cond and gate are left
 * alone.  -ENOTSUP if the kernel has nothing to do with it. */
int rule_fill_slot(const struct rule_cond *c, struct fr_trigger_slot *s);

/* Does a slot count its operations, for others to look at (FR_WHAT_COUNT)? */
bool rule_is_counted(const struct rule_cond *c);
/* Does it take a slot, deciding or counting? */
bool rule_takes_slot(const struct rule_cond *c);

/* Whether an event of condition ${cond} would fire while ${levels} are true. */
bool rule_gate(const struct rule_expr *e, unsigned cond, uint8_t levels);

/*
 * Fills all of limits but the slots, so that all of ${rules} and the slow lane see
 * what they ask for.  Each word is stored whole, so that the kernel may read
 * meanwhile.
 */
void rules_fill_limits(const struct fr_trigger_rule *rules, unsigned nr,
		       uint64_t slow_ns, struct fr_limits *limits);

#endif
