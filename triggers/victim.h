/* SPDX-License-Identifier: GPL-2.0-or-later */
/* victim.h - how the process that a hit is about reads in a sentence. */
#ifndef TRIGGERS_VICTIM_H
#define TRIGGERS_VICTIM_H

#include "triggers/detector.h"

#define VICTIM_TEXT_MAX 48

/* "process 123 (postgres)"; "a process" if the hit names none.  Returns buf. */
char *victim_text(const struct engine_hit *h, char buf[VICTIM_TEXT_MAX]);

#endif
