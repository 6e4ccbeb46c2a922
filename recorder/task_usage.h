/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * task_usage.h - what all threads have used, through a BPF task iterator: few
 * read()s for all of them, instead of four files per process.  In state_tasks.c.
 */
#ifndef RECORDER_TASK_USAGE_H
#define RECORDER_TASK_USAGE_H

#include <flightrec/task_usage.h>
#include <stddef.h>

/*
 * Loads the iterator; takes CAP_BPF and CAP_PERFMON.  A descriptor to read
 * through from then on, also from another thread, with CAP_BPF alone.  Negative
 * errno: this kernel has none, or no right.
 */
int task_usage_open(void);

/* Calls ${fn} for each thread: by number, so that the first thread of a process
 * mostly comes first, but need not.  0, or negative errno: then some may be
 * missing. */
typedef void (*task_usage_fn)(void *arg, const struct fr_task_usage *t);
int task_usage_read(int fd, task_usage_fn fn, void *arg);

#endif
