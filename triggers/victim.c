/* SPDX-License-Identifier: GPL-2.0-or-later */
/* victim.c - the process that a hit is about. */
#include "triggers/victim.h"

#include <stdio.h>

char *victim_text(const struct engine_hit *h, char buf[VICTIM_TEXT_MAX])
{
	char comm[sizeof(h->comm)];
	unsigned i;

	/* a program may call itself anything, escape sequences too */
	for (i = 0; i < sizeof(comm) - 1 && h->comm[i]; i++)
		comm[i] =
			h->comm[i] < ' ' || h->comm[i] > '~' ? '?' : h->comm[i];
	comm[i] = '\0';
	if (!h->pid)
		snprintf(buf, VICTIM_TEXT_MAX, "a process");
	else if (!i)
		snprintf(buf, VICTIM_TEXT_MAX, "process %u", h->pid);
	else
		snprintf(buf, VICTIM_TEXT_MAX, "process %u (%s)", h->pid, comm);
	return buf;
}
