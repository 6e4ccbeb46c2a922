/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe_counts.c - what slots of triggers count in the kernel, for percentiles. */
#include "recorder/probe_internal.h"

#include <flightrec/hist.h>

#include "dump/ring_region.h"

static bool is_of(const struct fr_trigger_slot *s, uint32_t number,
		  uint32_t cond)
{
	/* acquire: number and cond were written before; pairs with the release
	 * store of state by the engine's thread */
	return __atomic_load_n(&s->state, __ATOMIC_ACQUIRE) != FR_SLOT_FREE &&
	       s->what == FR_WHAT_COUNT && s->number == number &&
	       s->cond == cond;
}

bool probes_slot_counts(void *probes, uint32_t number, uint32_t cond,
			uint64_t *counts)
{
	struct probes *p = probes;
	const struct fr_limits *l = probes_limits(p);
	const struct fr_slot_counts *c = probe_map(p, "slot_counts")->mem;
	unsigned i = 0;

	while (i < FR_TRIGGER_SLOTS && !is_of(&l->slots[i], number, cond))
		i++;
	if (i == FR_TRIGGER_SLOTS)
		return false;
	for (unsigned b = 0; b < FR_HIST_BUCKETS; b++)
		/* relaxed: each is what it was at some moment of the reading */
		counts[b] = __atomic_load_n(&c[i].n[b], __ATOMIC_RELAXED);
	ring_fence(__ATOMIC_ACQUIRE); /* what was read, before that is asked */
	/* a slot that was given up meanwhile may be another rule's by now */
	return is_of(&l->slots[i], number, cond);
}
