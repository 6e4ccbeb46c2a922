/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules.h - the triggers in force: those of the configuration.
 *
 * Belongs to the main thread.
 */
#ifndef RECORDER_RULES_H
#define RECORDER_RULES_H

#include "recorder/daemon.h"

/* Puts the rules of ${c} in force.  0 or negative errno; then nothing changed. */
int rules_load(struct daemon *d, struct fr_config *c);
/* Why ${r}, which is in force, cannot fire as things are; NULL: nothing is wrong.
 * Returns ${buf} otherwise. */
const char *rules_warning(const struct daemon *d,
			  const struct fr_trigger_rule *r, char *buf,
			  size_t size);
/* Logs it of all rules in force. */
void rules_say_warnings(const struct daemon *d, const struct fr_config *c);
/* Every few seconds: devices, folders and cgroups that filters name come and go. */
void rules_check(struct daemon *d);

#endif
