/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reload.h - new settings while recording goes on. */
#ifndef RECORDER_RELOAD_H
#define RECORDER_RELOAD_H

#include "recorder/daemon.h"

/*
 * Reads the files again and puts rules, dump.* and probes.slow_limit in force.
 * What needs a new start keeps its value, and is named in the log.  A broken
 * file changes nothing: negative errno, *diag, and a line in the log.
 */
int reload_settings(struct daemon *d, struct fr_diag *diag);

#endif
