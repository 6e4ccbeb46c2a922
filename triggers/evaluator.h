/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * evaluator.h - compares sampled values with the rules in force, and says
 * when a condition comes true or ends.
 *
 * Belongs to the thread that samples (registered with rcu_register_thread());
 * takes the rules from rule_set.h, posts hits to inbox.h, and never locks.  What
 * a rule has seen so far survives reloads that leave it as it is.
 */
#ifndef TRIGGERS_EVALUATOR_H
#define TRIGGERS_EVALUATOR_H

#include <stdint.h>

#include "triggers/detector.h"
#include "triggers/inbox.h"
#include "triggers/rule_set.h"

struct evaluator;

struct evaluator *evaluator_new(const struct rule_sets *sets, struct inbox *in);
void evaluator_free(struct evaluator *v); /* NULL is a no-op */

/*
 * Names a metric; ${id} counts up from 0 without large gaps (at most 65,536).
 * To be called for each before its first value; name and unit are copied.  A number
 * that had another name is that metric no more: what rules know of it is forgotten.
 * 0, -ENOMEM or -ERANGE.
 */
int evaluator_add_metric(struct evaluator *v, const struct detector_metric *m);

/*
 * Call at the begin of each round: notices new rules, and metrics that are gone.  Of
 * conditions on metrics it posts whether there is one (HIT_KNOWN, HIT_UNKNOWN), each
 * time that rules or metrics changed and EVALUATOR_QUIET_NS passed without a new
 * metric.
 */
#define EVALUATOR_QUIET_NS 5000000000ULL
void evaluator_begin(struct evaluator *v, uint64_t now_ns);
/* A value of a named metric, as stored (scaled).  Costs one comparison if no
 * rule is about it. */
void evaluator_sample(struct evaluator *v, uint64_t now_ns, uint32_t id,
		      int64_t value);

/* A rule's unit did not fit a metric: number of rule and name of metric, once
 * for each; false: there are no more.  Same thread. */
bool evaluator_misfit(struct evaluator *v, uint32_t *ret_number,
		      const char **ret_metric);

#endif
