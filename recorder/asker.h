/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * asker.h - statvfs(3) of a file system that may never answer.
 *
 * A thread of its own asks; whoever wants the answer waits as long as he likes.  A
 * thread that hangs is left behind: it ends when its system call does.
 */
#ifndef RECORDER_ASKER_H
#define RECORDER_ASKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/statvfs.h>

struct asker;

/* NULL: no memory or no thread. */
struct asker *asker_new(const char *path);
/* Asks, unless the last question is still open. */
void asker_ask(struct asker *a);
/* Waits until ${deadline_ns} (CLOCK_MONOTONIC) at the latest.  0, the negative errno
 * of statvfs, or -ETIMEDOUT: the question stays open. */
int asker_answer(struct asker *a, uint64_t deadline_ns, struct statvfs *ret);
/* Never waits; NULL is a no-op. */
void asker_free(struct asker *a);

#endif
