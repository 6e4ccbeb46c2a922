/* SPDX-License-Identifier: GPL-2.0-or-later */
/* signal.c - SIGUSR1 to the recorder: always fires, never written in a rule. */
#include <stdio.h>
#include <string.h>

#include "triggers/detector.h"

static void describe(const struct rule_cond *c, const struct engine_hit *h,
		     char *buf, size_t size)
{
	const char *name = sigabbrev_np(h->signo);

	(void)c;
	if (h->pid)
		snprintf(buf, size, "SIG%s from process %u of user %u",
			 name ? name : "?", h->pid, h->uid);
	else
		snprintf(buf, size, "SIG%s", name ? name : "?");
}

const struct detector_ops detector_signal = {
	.name = "signal",
	.doc = "SIGUSR1 was sent to flightrecd.",
	.example = "kill -USR1 $(cat /run/flightrec/flightrecd.pid)",
	.manual = true,
	.describe = describe,
};
