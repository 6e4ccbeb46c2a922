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

/* The main file as an absolute path, also if it is not there; -ENOTSUP: it is
 * something else than a file, -ENAMETOOLONG. */
int reload_main_file(const struct daemon *d, char ret[PATH_MAX]);

/* Watches the files, or no longer, as run.watch says. */
void reload_watch(struct daemon *d);
/* The watch has something to say: it is looked at after a moment. */
void reload_on_event(struct daemon *d);
/* When reload_look() is due; UINT64_MAX: not. */
uint64_t reload_deadline(const struct daemon *d);
/* Reads the files again if they changed. */
void reload_look(struct daemon *d);

#endif
