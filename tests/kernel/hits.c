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

#include "lock_holder.h"

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
