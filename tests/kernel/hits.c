/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hits.c - slow operations, each behind many quick ones that have numbers.
 *
 *   hits FOLDER QUICK SLOW_MS
 *
 * For each line on standard input: QUICK times pwrite(2) of one byte, its
 * offset counting up from 1 over all lines, then one flock(2) that another
 * process makes wait SLOW_MS; then prints the last offset.  All on one CPU.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static void one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)sched_getcpu(), &set);
	must(!sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
}

int main(int argc, char **argv)
{
	long quick = argc > 3 ? strtol(argv[2], NULL, 10) : 0;
	long ms = argc > 3 ? strtol(argv[3], NULL, 10) : 0, number = 0;
	int ask[2], answer[2], file, lock;
	char path[256], line[64], c = 0;

	if (quick < 1 || ms < 1) {
		fprintf(stderr, "usage: hits FOLDER QUICK SLOW_MS\n");
		return 2;
	}
	snprintf(path, sizeof(path), "%s/lock", argv[1]);
	lock = open(path, O_RDWR | O_CREAT, 0600);
	must(lock >= 0 && !pipe(ask) && !pipe(answer), path);
	if (fork() == 0)
		hold(path, ask[0], answer[1], ms);
	one_cpu();
	prctl(PR_SET_NAME, "hits");
	snprintf(path, sizeof(path), "%s/data", argv[1]);
	file = open(path, O_RDWR | O_CREAT, 0600);
	must(file >= 0, path);
	while (fgets(line, sizeof(line), stdin)) {
		uint64_t begin;

		for (long i = 0; i < quick; i++)
			must(pwrite(file, "x", 1, ++number) == 1, "pwrite");
		must(write(ask[1], &c, 1) == 1 && read(answer[0], &c, 1) == 1,
		     "holder");
		begin = now_ns();
		must(!flock(lock, LOCK_EX), "flock");
		begin = now_ns() - begin;
		must(!flock(lock, LOCK_UN), "flock");
		printf("%ld %llu\n", number, (unsigned long long)begin);
		fflush(stdout);
	}
	return 0;
}
