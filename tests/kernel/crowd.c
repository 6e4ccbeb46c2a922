/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crowd.c - more files, processes or threads in calls than a recorder's tables
 * hold. Each writes one byte at an offset that is its number.
 *
 *   crowd files FOLDER N       N files nNUMBER
 *   crowd processes FOLDER N   N processes, one after the other
 *   crowd threads FOLDER N     N threads, and N more whose numbers are 65536
 * above
 *                              theirs; all wait in read(2) at once
 *
 * With threads: says "waiting" when all of them do, and goes on when a line
 * comes.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int data, wait_pipe[2];
static long count, numbered;

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void number(int fd, long i)
{
	must(pwrite(fd, "x", 1, i) == 1, "pwrite");
}

static void files(void)
{
	char name[32];
	int fd;

	for (long i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "n%ld", i);
		fd = open(name, O_WRONLY | O_CREAT, 0600);
		must(fd >= 0, name);
		number(fd, i);
		close(fd);
	}
}

static void processes(void)
{
	int status;

	for (long i = 0; i < count; i++) {
		pid_t pid = fork();

		if (!pid) {
			number(data, i);
			_exit((int)(i & 127));
		}
		must(pid > 0 && waitpid(pid, &status, 0) == pid &&
			     status == (int)(i & 127) << 8,
		     "fork");
	}
}

/* ---- threads ------------------------------------------------------------ */
static void *wait_in_read(void *arg)
{
	char c;

	number(data, (long)arg);
	__atomic_fetch_add(&numbered, 1, __ATOMIC_RELEASE);
	must(read(wait_pipe[0], &c, 1) == 1, "read");
	return NULL;
}

static pthread_t start(long i)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	errno = pthread_create(&t, &attr, wait_in_read, (void *)i);
	must(!errno, "pthread_create");
	return t;
}

/* The next thread gets that number, if it is free. */
static void number_from(long number)
{
	FILE *f = fopen("/proc/sys/kernel/ns_last_pid", "w");

	must(f && fprintf(f, "%ld", number - 1) > 0 && !fclose(f),
	     "ns_last_pid");
}

/* Threads of this process that sleep, with the first one, which does not. */
static long sleeping(void)
{
	FILE *f = popen("cat /proc/$PPID/task/*/stat | grep -c ') S '", "r");
	long n = 0;

	must(f && fscanf(f, "%ld", &n) == 1 && pclose(f) >= 0, "tasks");
	return n;
}

static void threads(void)
{
	pthread_t *t = calloc((size_t)count * 2, sizeof(*t));
	struct rlimit l = { RLIM_INFINITY, RLIM_INFINITY };
	char line[8];

	setrlimit(RLIMIT_NPROC, &l);
	must(t && !pipe(wait_pipe), "pipe");
	for (long i = 0; i < count; i++)
		t[i] = start(i);
	number_from(gettid() + 1 + 65536);
	for (long i = 0; i < count; i++)
		t[count + i] = start(count + i);
	while (__atomic_load_n(&numbered, __ATOMIC_ACQUIRE) < 2 * count)
		sched_yield();
	while (sleeping() < 2 * count)
		;
	puts("waiting");
	fflush(stdout);
	must(fgets(line, sizeof(line), stdin) != NULL, "stdin");
	for (long i = 0; i < 2 * count; i++)
		must(write(wait_pipe[1], "x", 1) == 1, "write");
	for (long i = 0; i < 2 * count; i++)
		pthread_join(t[i], NULL);
}

int main(int argc, char **argv)
{
	if (argc != 4 || chdir(argv[2]))
		return 2;
	count = strtol(argv[3], NULL, 10);
	data = open("data", O_RDWR | O_CREAT, 0600);
	must(data >= 0, "data");
	if (!strcmp(argv[1], "files"))
		files();
	else if (!strcmp(argv[1], "processes"))
		processes();
	else
		threads();
	return 0;
}
