/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stuck.c - one call that hangs, among very many that only wait.
 *
 *   stuck FOLDER THREADS HANG_MS
 *
 * THREADS threads wait in read(2) on a pipe.  Prints "waiting" when all of them
 * do. For each line on standard input one more thread calls flock(2) on
 * FOLDER/stuck, which another process holds for HANG_MS: prints its number, the
 * time before the call and that after it, CLOCK_MONOTONIC ns.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lock_holder.h"

#define STACK_BYTES 16384

static int nobody_writes[2];
static atomic_long waiting;

static void *wait_for_ever(void *arg)
{
	char c;

	(void)arg;
	atomic_fetch_add(&waiting, 1);
	must(read(nobody_writes[0], &c, 1) == 0, "read");
	return NULL;
}

/* One map for all stacks: a process may have few maps. */
static void start_threads(long n)
{
	char *stacks =
		mmap(NULL, (size_t)n * STACK_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	pthread_attr_t attr;
	pthread_t t;

	must(stacks != MAP_FAILED, "memory for stacks");
	must(!pthread_attr_init(&attr), "pthread_attr_init");
	for (long i = 0; i < n; i++) {
		errno = pthread_attr_setstack(&attr, stacks + i * STACK_BYTES,
					      STACK_BYTES);
		must(!errno, "pthread_attr_setstack");
		errno = pthread_create(&t, &attr, wait_for_ever, NULL);
		must(!errno, "pthread_create");
	}
	while (atomic_load(&waiting) < n)
		usleep(1000);
}

int main(int argc, char **argv)
{
	long threads = argc > 3 ? strtol(argv[2], NULL, 10) : -1;
	long ms = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
	int ask[2], answer[2], lock;
	char path[256], line[64], c = 0;

	if (threads < 0 || ms < 1) {
		fprintf(stderr, "usage: stuck FOLDER THREADS HANG_MS\n");
		return 2;
	}
	snprintf(path, sizeof(path), "%s/stuck", argv[1]);
	lock = open(path, O_RDWR | O_CREAT, 0600);
	must(lock >= 0 && !pipe(ask) && !pipe(answer) && !pipe(nobody_writes),
	     path);
	if (fork() == 0)
		hold(path, ask[0], answer[1], ms);
	start_threads(threads);
	prctl(PR_SET_NAME, "stuck");
	puts("waiting");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		uint64_t begin;

		must(write(ask[1], &c, 1) == 1 && read(answer[0], &c, 1) == 1,
		     "holder");
		begin = now_ns();
		must(!flock(lock, LOCK_EX), "flock");
		printf("%ld %llu %llu\n", syscall(SYS_gettid),
		       (unsigned long long)begin, (unsigned long long)now_ns());
		fflush(stdout);
		must(!flock(lock, LOCK_UN), "flock");
	}
	return 0;
}
