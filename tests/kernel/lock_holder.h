/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lock_holder.h - for test programs of one file: a process that makes others wait for
 * a lock, as long as it is told. */
#ifndef LOCK_HOLDER_H
#define LOCK_HOLDER_H

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static void must(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Takes the lock when it is told to, says so, and gives it back later. */
static void hold(const char *path, int in, int out, long ms)
{
	struct timespec t = { .tv_sec = ms / 1000,
			      .tv_nsec = ms % 1000 * 1000000 };
	int fd = open(path, O_RDWR);
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "holder");
	must(fd >= 0, path);
	while (read(in, &c, 1) == 1) {
		must(!flock(fd, LOCK_EX) && write(out, &c, 1) == 1, "holder");
		nanosleep(&t, NULL);
		must(!flock(fd, LOCK_UN), "holder");
	}
	_exit(0);
}

#endif
