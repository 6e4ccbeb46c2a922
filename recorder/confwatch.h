/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * confwatch.h - notices that configuration files changed: the file itself, and
 * the drop-ins of conf.d beside it, also those that are not there yet.
 *
 * inotify says that something happened near them; whether it was one of them is
 * told by their state (number, size, times, owner and mode of each).  So a file
 * that is written again and again costs nothing while nobody looks:
 *
 *   confwatch_fd() readable -> wait CONFWATCH_SETTLE_NS, not looking at it
 *                           -> confwatch_changed() -> read the files
 *
 * Not thread-safe: one event loop.
 */
#ifndef RECORDER_CONFWATCH_H
#define RECORDER_CONFWATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From the first sign of a change until the files are looked at. */
#define CONFWATCH_SETTLE_NS 300000000ULL

struct confwatch;

/*
 * ${path}: the main file, of which only the name is needed.  NULL with errno;
 * ENOTSUP: it is there, but no regular file.
 */
struct confwatch *confwatch_open(const char *path);
void confwatch_close(struct confwatch *w);   /* NULL is a no-op */
int confwatch_fd(const struct confwatch *w); /* for poll: readable */

/* Takes all files as known, as they are now: before they are read. */
void confwatch_note(struct confwatch *w);
/* Takes in what inotify says; true: not as at the last confwatch_note(). */
bool confwatch_changed(struct confwatch *w);
/* Was there a main file at the last confwatch_note() that found one? */
bool confwatch_had_file(const struct confwatch *w);
/* 0, or the errno for which *ret_path cannot be watched: changes there are not
 * seen. */
int confwatch_blind(const struct confwatch *w, const char **ret_path);

#endif
