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
	/* manual hits that wait */
	struct engine_hit queue[ENGINE_QUEUE_MAX];
	unsigned queue_first, queue_nr;
	bool in_queue, down;
	struct engine_counts counts; /* .all: of triggers that are gone */
};

/* ---- engine_load.c --------------------------------------------------------- */

/* Frees one that is in no list; what it counted stays in e->counts. */
void engine_trigger_free(struct engine *e, struct trigger *t);

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
