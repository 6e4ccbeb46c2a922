/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lookout.h - the thread that looks at what conditions of rules are about: the
 * operations in flight, pressure, percentiles (triggers/look.h).
 *
 * Sleeps until a descriptor says something or a condition is due; without such
 * conditions it only waits for other rules.
 */
#ifndef RECORDER_LOOKOUT_H
#define RECORDER_LOOKOUT_H

#include "triggers/inbox.h"
#include "triggers/look.h"
#include "triggers/rule_set.h"

struct lookout;

/* ${world} outlives it.  NULL with errno. */
struct lookout *lookout_new(const struct rule_sets *sets, struct inbox *in,
			    const struct look_world *world);
/* Starts the thread.  0 or negative errno. */
int lookout_start(struct lookout *o);
/* There are other rules. */
void lookout_kick(struct lookout *o);
/* CPU time of the thread so far, ns. */
uint64_t lookout_cpu_ns(const struct lookout *o);
/* Ends the thread, frees.  NULL is a no-op. */
void lookout_stop(struct lookout *o);

#endif
