/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state_tasks.h - CPU time of all threads through a BPF task iterator: one
 * read() instead of three system calls per process, and exact to the nanosecond.
 */
#ifndef RECORDER_STATE_TASKS_H
#define RECORDER_STATE_TASKS_H

#include <flightrec/task_time.h>
#include <stddef.h>

/*
 * Loads the iterator; takes CAP_BPF and CAP_PERFMON.  A descriptor to read
 * through from then on, also from a child, with CAP_BPF alone.  Negative errno:
 * this kernel has none, or no right.
 */
int state_tasks_open(void);

/* Calls ${fn} for each thread, in no order that counts.  0, or negative errno:
 * then some may be missing. */
typedef void (*state_task_fn)(void *arg, const struct fr_task_time *t);
int state_tasks_read(int fd, state_task_fn fn, void *arg);

#endif
