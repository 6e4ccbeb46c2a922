/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * storm.c - calls that fail, at a steady rate, each with a number of its own.
 *
 *   storm SECONDS RATE
 *
 * By turns pwrite and pread on a descriptor that is none, the offset counting
 * up (from 1) for each: RATE a second of both together.  Prints how many of
 * each there were, and the time they took in ms.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define SLICES 100 /* a second */

static volatile sig_atomic_t ended;

static void on_term(int signo)
{
	(void)signo;
	ended = 1;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void sleep_until(uint64_t ns)
{
	struct timespec t = { .tv_sec = (time_t)(ns / 1000000000),
			      .tv_nsec = (long)(ns % 1000000000) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) ==
	       EINTR)
		;
}

int main(int argc, char **argv)
{
	long seconds = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	long rate = argc > 2 ? strtol(argv[2], NULL, 10) : 0, n = 0;
	uint64_t begin;

	if (seconds < 1 || rate < 2 * SLICES) {
		fprintf(stderr, "usage: storm SECONDS RATE\n");
		return 2;
	}
	prctl(PR_SET_NAME, "storm");
	signal(SIGTERM, on_term);
	begin = now_ns();
	for (long slice = 0; slice < seconds * SLICES && !ended; slice++) {
		for (long i = 0; i < rate / SLICES / 2; i++) {
			n++;
			if (pwrite(-1, "", 0, n) != -1 || errno != EBADF ||
			    pread(-1, &rate, 0, n) != -1 || errno != EBADF)
				return 1;
		}
		sleep_until(begin +
			    (uint64_t)(slice + 1) * 1000000000 / SLICES);
	}
	printf("%ld %llu\n", n,
	       (unsigned long long)(now_ns() - begin) / 1000000);
	return 0;
}
