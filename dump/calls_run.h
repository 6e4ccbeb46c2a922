/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * calls_run.h - a command that is held back until it is watched.
 *
 * It runs with the rights of the caller, whatever rights the program flightrec may
 * carry.  One at a time: signals are blocked from start to wait.
 */
#ifndef DUMP_CALLS_RUN_H
#define DUMP_CALLS_RUN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct held_command {
	pid_t pid;
	int go_fd, failed_fd;
	sigset_t set, old_mask;
	struct sigaction old_chld, old_pipe;
};

/* The process ${argv}, waiting.  0 or negative errno. */
int held_command_start(struct held_command *h, char **argv);

/* What is to be done every ${period_ns} while it runs; NULL function: nothing. */
struct held_tick {
	void (*fn)(void *arg);
	void *arg;
	uint64_t period_ns;
};

/* Lets it go, passes on the signals that we get, waits for its end.  A tick that
 * comes too late is left out, not made up for.  As a shell's
 * $?: 128 + N if signal N ended it, 126 or 127 if it could not be run, which is
 * said on stderr and in *ret_not_run. */
int held_command_wait(struct held_command *h, const struct held_tick *tick,
		      bool *ret_not_run);

/* A process that runs already: its descriptor (pidfd), or negative errno. */
int attached_open(pid_t pid);

/* Waits until the process of ${fd} has ended, or one of SIGINT, SIGTERM, SIGHUP and
 * SIGQUIT comes.  0 or negative errno. */
int attached_wait(int fd, const struct held_tick *tick);

/* Instead of held_command_wait(): it ends without having run. */
void held_command_drop(struct held_command *h);

#endif
