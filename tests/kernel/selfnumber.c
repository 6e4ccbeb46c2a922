/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * selfnumber.c - writers that number their own operations.
 *
 *   selfnumber FILE WRITERS SECONDS [GAP_NS [LAST_FILE]]
 *
 * Each writer is a process, pinned to CPU (its number modulo the CPUs), that
 * does pwrite(fd, 1 byte, offset = i) for i = 1, 2, 3, ..., GAP_NS apart
 * (0: as fast as it can).  In LAST_FILE, mapped, it publishes at index
 * 2 * writer its thread number and at 2 * writer + 1 the last i that returned.
 * Prints one line "writer TID CPU" each at start, "done TID LAST" at the end.
 * SIGTERM ends all; SECONDS 0: only that does.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WRITERS_MAX 64
static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		perror("sched_setaffinity");
}

static void writer(const char *file, unsigned number, uint64_t gap_ns,
		   uint64_t *last)
{
	unsigned cpu = number % (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	int fd = open(file, O_WRONLY);
	uint64_t i = 0, due;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	pin(cpu);
	if (fd < 0) {
		perror(file);
		_exit(1);
	}
	__atomic_store_n(&last[0], (uint64_t)getpid(), __ATOMIC_RELEASE);
	printf("writer %d %u\n", (int)getpid(), cpu);
	fflush(stdout);
	for (due = now_ns(); !stopped;) {
		if (pwrite(fd, "x", 1, (off_t)(i + 1)) != 1)
			break;
		i++;
		/* release: who reads i may expect the record of i */
		__atomic_store_n(&last[1], i, __ATOMIC_RELEASE);
		for (due += gap_ns; gap_ns && now_ns() < due && !stopped;)
			;
	}
	printf("done %d %llu\n", (int)getpid(), (unsigned long long)i);
	fflush(stdout);
	_exit(0);
}

static uint64_t *map_last(const char *file)
{
	size_t bytes = 2 * WRITERS_MAX * sizeof(uint64_t);
	int fd = -1, flags = MAP_SHARED | MAP_ANONYMOUS;
	void *p;

	if (file) {
		fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
		if (fd < 0 || ftruncate(fd, (off_t)bytes))
			return NULL;
		flags = MAP_SHARED;
	}
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = stop };
	unsigned writers = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	pid_t pids[WRITERS_MAX];
	uint64_t *last;

	if (argc < 4 || !writers || writers > WRITERS_MAX) {
		fprintf(stderr, "usage: selfnumber FILE WRITERS SECONDS "
				"[GAP_NS [LAST_FILE]]\n");
		return 2;
	}
	last = map_last(argc > 5 ? argv[5] : NULL);
	if (!last) {
		perror("selfnumber: mapping the numbers");
		return 1;
	}
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGALRM, &sa, NULL);
	for (unsigned i = 0; i < writers; i++) {
		pids[i] = fork();
		if (!pids[i])
			writer(argv[1], i,
			       argc > 4 ? strtoull(argv[4], NULL, 10) : 0,
			       last + 2 * i);
	}
	alarm((unsigned)strtoul(argv[3], NULL, 10));
	while (!stopped)
		usleep(50000);
	for (unsigned i = 0; i < writers; i++)
		if (pids[i] > 0)
			kill(pids[i], SIGTERM);
	while (wait(NULL) > 0)
		;
	return 0;
}
