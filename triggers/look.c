/* SPDX-License-Identifier: GPL-2.0-or-later */
/* look.c - what lookers say goes to the main loop. */
#include "triggers/look.h"

#include "triggers/inbox.h"

void look_say(struct look *l, uint64_t now_ns, enum hit_change change,
	      struct engine_hit *h)
{
	h->number = l->number;
	h->cond = l->index;
	h->change = change;
	h->hit_ns = now_ns;
	inbox_post(l->in, h);
}
