/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sleepers.c N BUSY - N processes that sleep, BUSY of which wake each 100 ms and
 * use half a millisecond.  Prints their numbers, then a line "ready"; all end when
 * standard input does.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void child(int busy)
{
	struct timespec t = { 0, 100000000 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!busy)
		pause();
	for (;;) {
		clock_t until = clock() + CLOCKS_PER_SEC / 2000;

		nanosleep(&t, NULL);
		while (clock() < until)
			;
	}
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	long busy = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
	char c;

	for (long i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			perror("fork");
			return 1;
		}
		if (!pid)
			child(i < busy);
		printf("%d\n", (int)pid);
	}
	printf("ready\n");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	return 0; /* the kernel ends them with us */
}
