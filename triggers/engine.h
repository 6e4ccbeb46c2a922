/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine.h - drives all triggers (trigger.h) and the one incident at a time.
 *
 * Pure: no system calls, no threads, no clock of its own; every call takes
 * now_ns (CLOCK_MONOTONIC) and what is to be done goes through engine_ops.  All
 * calls are for one thread, the daemon's main loop.  Other threads hand over
 * their hits through inbox.h and read rules through rule_set.h.
 *
 * Use, in the main loop:
 *   engine_new(), engine_load(rules)
 *   wake ring buffer  -> engine_wake()       SIGUSR1, control -> engine_manual()
 *   inbox eventfd     -> inbox_drain() -> engine_hit()
 *     both between engine_begin_hits() and engine_end_hits()
 *   dumper            -> engine_dump_done(), _failed(), _died()
 *   deadline          -> engine_tick() at engine_next_deadline()
 *   SIGHUP            -> engine_load() again; SIGTERM -> engine_shutdown(), then
 *                        on until engine_idle()
 * ops may call back into engine_freeze_done() and the engine_dump_ functions.
 */
#ifndef TRIGGERS_ENGINE_H
#define TRIGGERS_ENGINE_H

#include <flightrec/shared.h>
#include <stdbool.h>
#include <stdint.h>

#include "triggers/detector.h"
#include "triggers/rule_set.h"
#include "triggers/trigger.h"

#define ENGINE_MERGED_MAX    (RULES_MAX + 2) /* triggers that a reason lists */
#define ENGINE_QUEUE_MAX     64              /* manual hits that wait */
/* The kernel is believed to be out of a slot this long after it was freed. */
#define ENGINE_SLOT_GRACE_NS 1000000000ULL

/* Why the ring is frozen: goes into the snapshot.  Valid during the calls. */
struct engine_reason {
	uint64_t incident; /* counts up from 1 */
	uint32_t number;   /* of the trigger that leads */
	const char *name, *when, *detector;
	bool manual;
	uint64_t hit_ns, tail_ns;
	char text[256];        /* the hit in words */
	struct engine_hit hit; /* all that is known of it */
	const char *exec;      /* the rule's hook, NULL: none */
	uint64_t exec_limit_ns;
	uint64_t merged;    /* hits that joined, by the time of the call */
	unsigned nr_merged; /* triggers that they are of: */
	struct engine_merged {
		char name[RULE_NAME_MAX + 1];
		uint32_t number;
		uint64_t hits;   /* that joined */
		uint64_t hit_ns; /* of the first that was heard of; 0: none */
		char text[160];  /* it in words; "": the kernel only counted */
	} merged_hits[ENGINE_MERGED_MAX];
};

struct engine_ops {
	/* Freeze the ring.  0: done; -EINPROGRESS: engine_freeze_done() will
	 * follow; other negative errno: it cannot be. */
	int (*freeze)(void *arg, const struct engine_reason *r);
	/* Start the dumper, do not wait for it.  Negative errno: no dump. */
	int (*start_dump)(void *arg, const struct engine_reason *r);
	/* Let go of whatever is still held: after each dump, however it ended. */
	void (*release)(void *arg);
	/* What became of a manual hit with this cookie: 0 a snapshot, negative
	 * errno none (-ECANCELED: shutdown).  May be NULL. */
	void (*answered)(void *arg, uint64_t cookie, int error);
	/* A line for the meta stream; trigger 0: none. */
	void (*log)(void *arg, uint32_t trigger, const char *text);
	/* The same, but a person should see it.  NULL: as log. */
	void (*say)(void *arg, uint32_t trigger, const char *text);
	/* How much time the ring holds: since recording began, or since the
	 * oldest record if that is longer ago.  Must not shrink while time goes
	 * on.  NULL: no trigger waits for its min-history. */
	uint64_t (*history)(void *arg, uint64_t now_ns);
	/* A trigger joined the incident: ${r} lists it.  Called when the first
	 * hit of each does, until the incident and its merge time are over.  May
	 * be NULL. */
	void (*joined)(void *arg, const struct engine_reason *r);
};

struct engine;

/*
 * ${limits} is the mapped table of probes_limits(): the engine writes its slots
 * and min_ns and is the only one in user space to do so.  NULL without BPF:
 * latency rules are then undecidable.  ${sets}: where rule sets are published,
 * outlives the engine.  NULL with errno.
 */
struct engine *engine_new(const struct engine_ops *ops, void *arg,
			  struct fr_limits *limits, struct rule_sets *sets);
/* Frees; slots of ${limits} are set FREE.  Nothing is called back. */
void engine_free(struct engine *e);

/*
 * Puts ${rules} in force.  Rules equal in text to present ones keep their state,
 * counts, number and slot; the others begin armed (or disabled) with counts of
 * zero.  Of those, one whose names only stand for something else now stays as
 * engine_enable() left it, and hits by hand that wait for it wait on.  What gone triggers had counted stays in engine_totals().  Operations
 * over ${slow_ns} are copied to the slow lane.  0 or -ENOMEM (then nothing has
 * changed).
 */
int engine_load(struct engine *e, uint64_t now_ns,
		const struct fr_trigger_rule *rules, unsigned nr,
		uint64_t slow_ns);

/* ---- events ---------------------------------------------------------------- */

/*
 * What arrives between the two is one moment: also of triggers without a tail,
 * that with the highest priority leads.  The ring is frozen in engine_end_hits().
 * Only engine_hit() and engine_wake() may be called in between; without the two
 * each hit is by itself.
 */
void engine_begin_hits(struct engine *e);
void engine_end_hits(struct engine *e, uint64_t now_ns);
/* An automatic hit, by number; a number that is gone is ignored. */
void engine_hit(struct engine *e, uint64_t now_ns, const struct engine_hit *h);
/* What the probes send. */
void engine_wake(struct engine *e, uint64_t now_ns, const struct fr_wake *w);
/*
 * A manual hit: h->number is TRIGGER_SIGNAL or TRIGGER_MANUAL, h->cookie comes
 * back in ops->answered.  0: fired or queued; -EAGAIN: the queue is full (counted
 * as merged); -ESHUTDOWN, -ECANCELED: shutting down, disabled (suppressed).
 */
int engine_manual(struct engine *e, uint64_t now_ns,
		  const struct engine_hit *h);
/*
 * Fires any trigger by hand, a rule in whatever state, with its tail; h->number
 * is not looked at.  Otherwise as engine_manual(); -ENOENT: no trigger has that
 * name.  If the rule goes while the hit waits, ops->answered gets -ESTALE.
 */
int engine_fire(struct engine *e, uint64_t now_ns, const char *name,
		const struct engine_hit *h);
void engine_freeze_done(struct engine *e, uint64_t now_ns, int error);
void engine_dump_done(struct engine *e, uint64_t now_ns);
/* ${error}: negative errno, -ENOSPC for a full disk. */
void engine_dump_failed(struct engine *e, uint64_t now_ns, int error);
void engine_dumper_died(struct engine *e, uint64_t now_ns);
/* -ENOENT: no trigger has that name. */
int engine_enable(struct engine *e, uint64_t now_ns, const char *name, bool on);
/* Ends a tail at once, disables all, gives up what is queued. */
void engine_shutdown(struct engine *e, uint64_t now_ns);

/* ---- time ------------------------------------------------------------------ */

/* Does what is due; also looks after hits whose wake-up got lost. */
void engine_tick(struct engine *e, uint64_t now_ns);
/* When the next engine_tick() is needed, UINT64_MAX: not. */
uint64_t engine_next_deadline(const struct engine *e);

/* ---- status ---------------------------------------------------------------- */

bool engine_idle(const struct engine *e); /* no incident, nothing queued */
unsigned engine_nr_triggers(const struct engine *e);
/* 0 <= ${i} < engine_nr_triggers(); in order: signal, manual, rules. */
void engine_info(const struct engine *e, unsigned i, struct trigger_info *ret);

/* The latest incident, with all that joined it by now: valid until the next call.
 * NULL: there was none. */
const struct engine_reason *engine_incident(struct engine *e);

struct engine_counts {
	struct trigger_counts all; /* gone triggers included */
	uint64_t incidents, dumps_done, dumps_failed;
	uint64_t unexpected; /* events out of their place */
	uint64_t wakes_lost; /* hits found without a wake-up */
};
void engine_totals(const struct engine *e, struct engine_counts *ret);

#endif
