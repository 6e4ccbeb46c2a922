/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rule_set.c - publishing by pointer, freeing after a grace period. */
#include "triggers/rule_set.h"

#include <stdlib.h>

#include "triggers/tsan.h"

struct rule_set *rule_set_new(unsigned nr)
{
	struct rule_set *s = calloc(1, sizeof(*s) + nr * sizeof(s->entries[0]));

	if (s)
		s->nr = nr;
	return s;
}

void rule_set_free(struct rule_set *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->nr; i++)
		rule_clear(&s->entries[i].rule);
	free(s);
}

static void free_after_grace(struct rcu_head *head)
{
	struct rule_set *s = caa_container_of(head, struct rule_set, rcu);

	tsan_acquire(s); /* after the last reader, and the publisher */
	rule_set_free(s);
}

void rule_sets_publish(struct rule_sets *sets, struct rule_set *s)
{
	struct rule_set *old = sets->current; /* only this thread writes it */

	s->generation = old ? old->generation + 1 : 1;
	tsan_release(s);
	/* full barrier; pairs with rcu_dereference in rule_sets_get() */
	old = rcu_xchg_pointer(&sets->current, s);
	if (!old)
		return;
	tsan_release(old);
	urcu_memb_call_rcu(&old->rcu, free_after_grace);
}

const struct rule_set *rule_sets_get(const struct rule_sets *sets)
{
	/* pairs with the exchange in rule_sets_publish() */
	const struct rule_set *s = rcu_dereference(sets->current);

	if (s)
		tsan_acquire((void *)(uintptr_t)s);
	return s;
}

void rule_sets_clear(struct rule_sets *sets)
{
	struct rule_set *old = rcu_xchg_pointer(&sets->current, NULL);

	urcu_memb_synchronize_rcu();
	urcu_memb_barrier(); /* sets that are still on their way out */
	rule_set_free(old);
}
