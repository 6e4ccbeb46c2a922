/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timer.h - the clock of the sampler: a process that does nothing but sleep.
 *
 * Collecting takes time, sometimes much of it.  The timer does not wait for it: it
 * sleeps until t0 + k * period on CLOCK_MONOTONIC and says so through a pipe.
 * Its own lateness never adds up, since each deadline is computed from t0.
 */
#ifndef RECORDER_TIMER_H
#define RECORDER_TIMER_H

#include <stdint.h>
#include <sys/types.h>

/* What comes out of the pipe, whole or not at all. */
struct timer_tick {
	uint64_t k; /* number of the tick; gaps are ticks that were skipped */
	uint64_t scheduled_ns; /* t0 + k * period */
	uint64_t woke_ns;      /* when the timer really woke */
};

#define TIMER_NAME "fr-timer" /* the process's name, as ps -o comm shows it */

/*
 * Forks the timer process.  Tick 0 is due at once.  *ret_fd is the reading end
 * (non-blocking, close-on-exec).  The timer has no capabilities and no other
 * descriptor, ignores SIGUSR1, SIGUSR2, SIGHUP and SIGINT, and dies with the
 * thread that called this.  A tick that finds the pipe full, or whose deadline
 * passed while the tick before it was late, is skipped: the reader sees the
 * gap in k.  While the machine is suspended no tick falls due, since
 * CLOCK_MONOTONIC stands still.  0 or negative errno; -EINVAL: no period.
 */
int timer_start(uint64_t period_ns, int *ret_fd, pid_t *ret_pid);

/* The same, becoming user ${uid} and group ${gid}; (uid_t)-1 and (gid_t)-1 stay
 * what they are. */
int timer_start_as(uint64_t period_ns, uid_t uid, gid_t gid, int *ret_fd,
		   pid_t *ret_pid);

/* Closes the pipe, ends the timer and reaps it - without waiting for one that we
 * have no right to signal: its next tick ends it.  ${pid} <= 0, ${fd} < 0: not. */
void timer_stop(pid_t pid, int fd);

#endif
