/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rule_set.h - the rules in force, published with liburcu (memb flavour).
 *
 *   who                      does
 *   main thread (engine)     rule_sets_publish(): swaps, frees the old set after
 *                            a grace period (call_rcu)
 *   sampler, status readers  rule_sets_get() between rcu_read_lock() and
 *                            rcu_read_unlock(); never lock, never wait
 *
 * A set never changes once it is published.  Reading threads must have called
 * rcu_register_thread().
 */
#ifndef TRIGGERS_RULE_SET_H
#define TRIGGERS_RULE_SET_H

#include <stdint.h>
#include <urcu/urcu-memb.h>

#include "triggers/rule.h"

struct rule_set {
	struct rcu_head rcu;
	uint64_t generation; /* counts up from 1 */
	unsigned nr;
	struct rule_entry {
		uint32_t number; /* as in records */
		struct fr_trigger_rule rule;
	} entries[];
};

struct rule_sets {
	struct rule_set *current; /* rcu_dereference(); NULL before the first */
};

/* Room for ${nr} entries, all zero; NULL: out of memory. */
struct rule_set *rule_set_new(unsigned nr);
void rule_set_free(struct rule_set *s); /* never published; NULL is a no-op */

/* Makes ${s} (taken over) the current one and sets its generation. */
void rule_sets_publish(struct rule_sets *sets, struct rule_set *s);
/* Under rcu_read_lock().  NULL before the first publication. */
const struct rule_set *rule_sets_get(const struct rule_sets *sets);
/* Frees the current set; no reader may be left.  Waits for a grace period. */
void rule_sets_clear(struct rule_sets *sets);

#endif
