/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine_internal.h - shared by triggers/engine*.c and nobody else. */
#ifndef TRIGGERS_ENGINE_INTERNAL_H
#define TRIGGERS_ENGINE_INTERNAL_H

#include "triggers/engine.h"

struct trigger {
	uint32_t number;
	struct fr_trigger_rule rule; /* manual ones: only the name */
	const struct detector_ops *ops;
	enum trigger_state state;
	bool enabled;
	bool gone;       /* not in the rules any more, but leads the incident */
	bool at_once;    /* its condition was true at the first look */
	uint8_t unknown; /* bits: conditions about no metric that is sampled */
	uint64_t until_ns, last_ns;
	/* may not fire though it is armed */
	enum trigger_hold hold;
	bool hold_said;
	uint64_t hold_until_ns;
	uint64_t *fired_at; /* its last rule.max_per_day times; NULL: no limit */
	uint64_t nr_fired;  /* entry n is at n % max_per_day */
	uint64_t fired_over, last_before; /* what the latest time replaced */
	uint64_t merged_before;    /* its merged hits when the incident began */
	struct trigger_counts own; /* without what the kernel counted alone */
	int slots[RULE_CONDS_MAX]; /* of its events; -1: none */
	/* how often each of its levels is true: for so many metrics */
	uint32_t on[RULE_CONDS_MAX];
	uint8_t levels; /* bits: those that are */
};

/* A slot of struct fr_limits. */
struct slot_use {
	enum {
		SLOT_UNUSED,
		SLOT_USED,
		SLOT_DRAINING
	} use;
	uint64_t drained_ns; /* DRAINING: until then probes may be inside */
	/* counts of the slot when it was taken: the kernel never resets */
	uint64_t fired, merged, suppressed;
	/* hits that the kernel announced: */
	uint64_t wakes;   /* dealt with */
	uint64_t wake_ns; /* the latest of them was decided then */
	uint64_t polled;  /* kernel's count at the last look */
	uint8_t cond;     /* whose slot it is */
};

struct engine {
	const struct engine_ops *ops;
	void *arg;
	struct fr_limits *limits;
	struct rule_sets *sets;
	struct trigger **all; /* signal, manual, then rules in order */
	unsigned nr;
	uint32_t next_number;
	struct slot_use slots[FR_TRIGGER_SLOTS];
	uint64_t poll_ns; /* next look at the kernel's counts */
	/* the incident */
	struct trigger *leader; /* NULL: none */
	struct engine_reason reason;
	uint64_t merged_before; /* all.merged when it began */
	bool in_batch;          /* engine_begin_hits() */
	/* after its snapshot: whose it was, NULL: nothing joins it any more */
	struct trigger *window_of;
	uint64_t window_until_ns;
	/* manual hits that wait */
	struct engine_hit queue[ENGINE_QUEUE_MAX];
	unsigned queue_first, queue_nr;
	bool in_queue, down;
	struct engine_counts counts; /* .all: of triggers that are gone */
};

/* ---- engine.c --------------------------------------------------------------- */

/* To ops->log and to ops->say. */
void engine_tell(struct engine *e, uint32_t number, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void engine_say(struct engine *e, uint32_t number, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The hit in words. */
void engine_describe(const struct trigger *t, const struct engine_hit *h,
		     char *buf, size_t size);

/* ---- engine_merge.c --------------------------------------------------------- */

/* A new incident, which nothing joined yet. */
void engine_merge_begin(struct engine *e);
/* The hit joins the incident. */
void engine_merge(struct engine *e, struct trigger *t,
		  const struct engine_hit *h);
/* Brings the numbers up to date, hits that the kernel merged alone included. */
void engine_merge_update(struct engine *e);
/* After a snapshot of ${t}: its merge time, if that is not over. */
void engine_window_open(struct engine *e, uint64_t now_ns, struct trigger *t);
void engine_window_close(struct engine *e); /* if one is open */
/* Does a hit of the trigger join the incident whose snapshot is done? */
bool engine_window_takes(const struct engine *e, const struct trigger *t);

/* ---- engine_limits.c -------------------------------------------------------- */

/* Room for what max_per_day must remember.  0 or -ENOMEM. */
int engine_limits_init(struct trigger *t);
/* It fires: counts, and remembers when. */
void engine_limits_fired(struct trigger *t, uint64_t now_ns, uint64_t hit_ns);
/* Its latest firing is none after all. */
void engine_limits_undo(struct trigger *t);
/* Looks anew whether it is held back, and until when. */
void engine_limits_check(struct engine *e, uint64_t now_ns, struct trigger *t);
/* Says why a hit was suppressed, once. */
void engine_limits_say(struct engine *e, struct trigger *t);

/* ---- engine_load.c --------------------------------------------------------- */

/* Frees one that is in no list; what it counted stays in e->counts. */
void engine_trigger_free(struct engine *e, struct trigger *t);
/* All that was counted of it, by the kernel too. */
void engine_count(const struct engine *e, const struct trigger *t,
		  struct trigger_counts *ret);

/* ---- engine_slots.c -------------------------------------------------------- */

/* Gives the trigger the slots that its events need, as far as there are free ones. */
void engine_slot_claim(struct engine *e, struct trigger *t);
/* Takes them away; their counts stay. */
void engine_slot_retire(struct engine *e, uint64_t now_ns, struct trigger *t);
/* Makes the slots' states what the trigger's state asks for. */
void engine_slot_sync(struct engine *e, const struct trigger *t);
/* Lets the events through that can fire with the present levels, and no others. */
void engine_slot_gate(struct engine *e, const struct trigger *t);
/* Does an event of the trigger lack a slot? */
bool engine_slot_lacks(const struct trigger *t);
/* The slot is one of the trigger's. */
bool engine_slot_is_of(const struct trigger *t, uint32_t slot);
/* Slots whose grace is over: adds their counts to e->counts, frees them. */
void engine_slot_drain(struct engine *e, uint64_t now_ns);
/* Hits of a slot that the kernel announced and nobody brought: how many. */
uint64_t engine_slot_missing(struct engine *e, unsigned slot);
/* Adds what the kernel counted for this trigger alone. */
void engine_slot_add(const struct engine *e, const struct trigger *t,
		     struct trigger_counts *c);
/* The same of all draining slots. */
void engine_slot_add_draining(const struct engine *e, struct trigger_counts *c);

#endif
