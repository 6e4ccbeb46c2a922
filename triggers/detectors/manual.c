/* SPDX-License-Identifier: GPL-2.0-or-later */
/* manual.c - somebody asked for a snapshot: flightrec dump, end of record. */
#include <stdio.h>

#include "triggers/detector.h"

static void describe(const struct rule_cond *c, const struct engine_hit *h,
		     char *buf, size_t size)
{
	int n = snprintf(buf, size, "asked for by process %u of user %u",
			 h->pid, h->uid);

	(void)c;
	if (h->note[0] && n > 0 && (size_t)n < size)
		snprintf(buf + n, size - (size_t)n, ": %.*s",
			 (int)sizeof(h->note) - 1, h->note);
}

const struct detector_ops detector_manual = {
	.name = "manual",
	.doc = "Somebody asked for a snapshot.",
	.example = "flightrec dump",
	.manual = true,
	.describe = describe,
};
