/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trigger.h - the life of a trigger.
 *
 *   armed ──hit──▶ tail ──elapsed──▶ hit ──frozen──▶ held ──started──▶ dumping
 *     ▲  └──hit, no tail──────────▶ hit                                  │
 *     └───────────cooldown elapsed── cooling ◀──done, failed, died───────┘
 *
 *   hit      fired; the ring is about to be frozen
 *   tail     fired; recording goes on for the tail, then the ring is frozen
 *   held     the ring is frozen, the dumper not yet started
 *   disabled hits are counted as suppressed; never fires
 *
 * There is one ring, so there is one incident at a time: the trigger that fired
 * leads it and is in hit, tail, held or dumping; all others are armed,
 * cooling or disabled.  What an event does to a trigger in a state:
 *
 *   event            armed     hit,tail   held,dumping  cooling    disabled
 *   ---------------- --------- ---------- ------------- ---------- ----------
 *   automatic hit,   fires     (leads)    (leads)       suppressed suppressed
 *     nothing runs
 *   ... but it is    suppr.    (leads)    (leads)       suppressed suppressed
 *     held back
 *   ... within merge merged*   -          -             its own:   suppressed
 *     of an incident                                    merged
 *   automatic hit,   merged*   merged     merged        suppressed suppressed
 *     incident runs
 *   ... in its tail, takes the merged     merged        suppressed suppressed
 *     priority less  lead*
 *   manual hit,      fires     -          -             -          suppressed
 *     nothing runs
 *   manual hit,      queued    queued     queued        -          suppressed
 *     incident runs
 *   by hand (a       fires     -          -             fires      fires
 *     rule), nothing
 *     runs
 *   by hand (a       queued    queued     queued        queued     queued
 *     rule), incident
 *     runs
 *   tail elapsed     -         freeze     -             -          -
 *   freeze done      -         held       -             -          -
 *   freeze failed    -         cooling    -             -          -
 *   dump started     -         -          dumping       -          -
 *   dump done        -         -          cooling       -          -
 *   dump failed      -         -          cooling       -          -
 *   dumper died      -         -          cooling       -          -
 *   cooldown elapsed -         -          -             armed      -
 *   disable          disabled  at the end at the end    disabled   -
 *   enable           -         -          -             -          armed
 *   reload, equal    same      same       same          same       same
 *   reload, gone     gone      at the end at the end    gone       gone
 *   shutdown         disabled  freeze now dumps, then   disabled   disabled
 *                                         disabled
 *
 * "*": suppressed if the trigger is held back.
 *
 * Held back is a trigger that is armed and may not fire: the ring holds less
 * than its min-history, or it fired max-per-day times in the last 24 hours.
 *
 * The merge time of an incident is that of the trigger that led it, from its hit
 * on.  After the snapshot, hits of triggers of no higher priority join the
 * incident until then, those of the one that led it even while it cools; a hit of
 * a higher priority begins an incident, which ends the merge time, as one by hand
 * does.  It also ends when its trigger is disabled or gone, and there is none
 * after a failed dump.
 *
 * A trigger that takes the lead in the tail of another one does so with its own
 * tail; what the other had fired becomes merged, and that one is armed again.
 * An incident by hand is never taken over.  Hits that come together (between
 * engine_begin_hits() and engine_end_hits()) are led by the highest priority.
 *
 * "-": nothing happens; an event out of its place is counted in
 * engine_counts.unexpected and changes nothing.  Manual triggers have no
 * cooldown: from cooling they are armed at once.  A cooldown of 0 likewise.
 *
 * Counts are exact: hits = fired + suppressed + merged + queued, the last being
 * those still waiting.  For triggers that the kernel decides, hits that it
 * counted alone (slot states HIT and QUIET, shared.h) are included.
 */
#ifndef TRIGGERS_TRIGGER_H
#define TRIGGERS_TRIGGER_H

#include <stdbool.h>
#include <stdint.h>

#include "triggers/rule.h"

enum trigger_state {
	TRIGGER_ARMED,
	TRIGGER_HIT,
	TRIGGER_TAIL,
	TRIGGER_HELD,
	TRIGGER_DUMPING,
	TRIGGER_COOLING,
	TRIGGER_DISABLED,
	TRIGGER_STATES
};

/* Why an armed trigger may not fire. */
enum trigger_hold {
	TRIGGER_HOLD_NONE,
	TRIGGER_HOLD_HISTORY, /* min-history */
	TRIGGER_HOLD_DAY,     /* max-per-day */
};

const char *trigger_state_name(enum trigger_state state); /* "armed" */

/* Numbers of the triggers that are always there; rules get higher ones. */
#define TRIGGER_SIGNAL     1u
#define TRIGGER_MANUAL     2u
#define TRIGGER_FIRST_RULE 16u

struct trigger_counts {
	uint64_t hits, fired, suppressed, merged, queued;
};

/* For status: a copy, good at the time of the call. */
struct trigger_info {
	uint32_t number;
	const char *name, *when, *detector;
	enum trigger_state state;
	struct trigger_counts counts;
	uint64_t until_ns; /* end of tail or cooldown, 0: none */
	uint64_t last_ns;  /* last time it fired, 0: never */
	enum trigger_hold hold;
	uint64_t hold_until_ns;
	uint64_t min_history_ns, max_per_day; /* of the rule */
	int slot;                             /* kernel slot, -1: none */
	bool undecidable; /* no kernel slot to be had: it cannot fire */
	bool at_once;     /* its condition was true at the first look */
	uint8_t unknown;  /* bits: conditions about no metric that is sampled */
};

#endif
