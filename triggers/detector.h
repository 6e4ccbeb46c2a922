/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * detector.h - one way to notice that something is wrong.
 *
 * A detector is one file: triggers/detectors/foo.c defines detector_foo, its ops
 * struct last, and the Makefile puts it into detector_all[].  It owns the words
 * of its condition, how it is decided, and how a hit reads in the snapshot.
 * Detectors hold no state of their own: what a condition needs from one sample
 * to the next is in struct detector_watch.
 */
#ifndef TRIGGERS_DETECTOR_H
#define TRIGGERS_DETECTOR_H

#include "triggers/lex.h"

/* A hit, whoever noticed it.  Members that do not apply are 0. */
struct engine_hit {
	uint32_t number; /* of the trigger that was hit */
	uint64_t hit_ns; /* when it was decided, CLOCK_MONOTONIC */
	/* an operation */
	uint64_t ts, dur, seq;
	uint32_t lane, cpu, key;
	uint32_t pid, tid; /* of the operation, or of who asked */
	uint32_t uid;      /* who asked */
	int signo;
	int code;      /* errno; wait status of a process */
	char comm[17]; /* of the thread, or of the process that died */
	/* a level: which of the rule's conditions it is */
	uint8_t cond;
	enum hit_change {
		HIT_EVENT, /* none: it happened at an instant */
		HIT_ON,
		HIT_OFF,
		/* no hits: is any metric sampled that the condition is about? */
		HIT_UNKNOWN, /* none; metric: the nearest name, if any */
		HIT_KNOWN,
	} change;
	bool first; /* it was so at the first look */
	/* a metric, an age, a quantile */
	double value;
	char metric[RULE_METRIC_MAX];
	/* by hand */
	bool by_hand; /* a rule that somebody fired, see engine_fire() */
	uint64_t tail_ns;
	uint64_t cookie; /* the asker's, comes back in ops->answered() */
	char note[64];   /* asker's words */
};

/* A metric as the sampler names it. */
struct detector_metric {
	uint32_t id;
	bool counter; /* only its rate means anything */
	double scale; /* stored value = value * scale; 0 means 1 */
	int64_t wrap; /* stored value at which it begins again; 0: never */
	const char *name, *unit;
};

/* One condition on one metric; belongs to the thread that samples. */
struct detector_watch {
	double limit; /* in units of the stored value (per second if rate) */
	double clear; /* the same: once over the limit, it is so until this */
	uint64_t for_ns;
	bool rate, below;
	/* The metric that is 100 %; "": none.  The evaluator finds it and keeps
	 * total_value up to date. */
	char total[RULE_METRIC_MAX];
	uint32_t total_id;
	bool has_total;
	double total_value;
	/* state */
	bool seen;     /* a value */
	bool compared; /* with the limit */
	bool over;     /* the limit, perhaps not long enough yet */
	bool on;       /* the level */
	uint64_t last_ns, gap_ns, since_ns; /* gap: between two values */
	int64_t last, wrap;
	double value;  /* what was compared last, in units of the rule */
	double factor; /* unit of the rule / unit of the stored value */
};

struct look; /* look.h */

struct detector_ops {
	const char *name;
	const char *doc;    /* a sentence for flightrec-triggers(7) */
	const char *syntax; /* NULL: not written in rules */
	const char *example;
	bool manual;    /* asked for: never suppressed or merged, but queued */
	uint32_t where; /* bits FR_WHERE_*: filters that it takes */
	/* The same: with any of these, a slot counts the operations that pass all
	 * filters (look_world.slot_counts). */
	uint32_t counted;

	/* How surely the condition that begins here is ours: 0 no, 1 if nobody
	 * else's, 2 surely.  Reads on, but does not move. */
	int (*claims)(const struct lex *l);
	/* Parses one condition; 0 or lex_fail().  ret->ops is set already. */
	int (*parse)(struct lex *l, struct rule_cond *ret);

	/* Decided in the kernel, an event: fills a slot but for its filters. */
	void (*fill_slot)(const struct rule_cond *c, struct fr_trigger_slot *s);

	/* Decided at each sample: 1 if the condition is about this metric (then
	 * *ret is ready), 0 if not, -EINVAL if its unit does not fit. */
	int (*bind)(const struct rule_cond *c, const struct detector_metric *m,
		    struct detector_watch *ret);
	/* Whether the level changed: HIT_EVENT if not. */
	enum hit_change (*sample)(struct detector_watch *w, uint64_t now_ns,
				  int64_t value);

	/* Decided by looking (look.h), a level.  open: sets due_ns, fd, state; 0 or
	 * negative errno: it cannot be looked at.  look: when due, or when fd
	 * says something; sets due_ns. */
	int (*look_open)(struct look *l, uint64_t now_ns);
	void (*look)(struct look *l, uint64_t now_ns);
	void (*look_close)(struct look *l);

	/* One line for people: what was seen, against which limit.  ${c} may be
	 * NULL for a manual one. */
	void (*describe)(const struct rule_cond *c, const struct engine_hit *h,
			 char *buf, size_t size);
};

extern const struct detector_ops *const detector_all[]; /* ends with NULL */

#endif
