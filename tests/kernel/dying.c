/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dying.c - programs that die in a known way.
 *
 *   dying NAME HOW [ARG]...   calls itself NAME, writes to the file that
 *   $DYING_FILE names, then
 *     null            stores to address 0          (SIGSEGV)
 *     bus FILE        reads a mapping behind its end (SIGBUS)
 *     abort
 *     self N          sends itself signal N
 *     wait            says "ready" and waits for a signal
 *     exit N
 *     thread N        threads that end one after the other, then exit N
 *     leader null     the first thread leaves, another one stores to address 0
 *     leader exit N   the same, and exits for all
 *     hog MIB [wait]  uses memory; says "ready" and waits, or exits with 0
 *     exec HOW...     becomes this program again, under the same name
 *     row N HOW...    N children, one after the other; prints "COUNT STATUS" of
 *                     what wait(2) said of them
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int *volatile nowhere;
static char **words; /* name, how, arguments, NULL */

static int number(const char *text)
{
	return text ? (int)strtol(text, NULL, 10) : 0;
}

static void die_by_null(void)
{
	*nowhere = 1;
}

static void die_by_bus(const char *file)
{
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
	volatile char *at;

	if (fd < 0 || ftruncate(fd, 8192))
		exit(99);
	at = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED || ftruncate(fd, 0))
		exit(99);
	(void)at[4096];
}

static void wait_ready(void)
{
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}

static void *end_at_once(void *arg)
{
	return arg;
}

static void run_threads(void)
{
	for (int i = 0; i < 20; i++) {
		pthread_t t;

		if (pthread_create(&t, NULL, end_at_once, NULL) ||
		    pthread_join(t, NULL))
			exit(99);
	}
}

/* The state letter of this process's first thread. */
static char leader_state(void)
{
	char line[256], *end = NULL;
	FILE *f = fopen("/proc/self/stat", "r");

	if (f && fgets(line, sizeof(line), f))
		end = strrchr(line, ')');
	if (f)
		fclose(f);
	return end ? end[2] : '?';
}

static void *outlive_leader(void *arg)
{
	prctl(PR_SET_NAME, "outliver");
	while (leader_state() != 'Z')
		usleep(1000);
	if (!strcmp(arg, "null"))
		die_by_null();
	_exit(number(words[3]));
}

static void leave_first(char *how)
{
	pthread_t t;

	if (pthread_create(&t, NULL, outlive_leader, how))
		exit(99);
	pthread_exit(NULL);
}

static void hog(int mib, const char *then)
{
	size_t bytes = (size_t)mib << 20;
	char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		exit(99);
	for (size_t i = 0; i < bytes; i += 4096)
		at[i] = 1;
	if (then)
		wait_ready();
}

static void become(char **how)
{
	char *argv[16] = { words[-1], words[0] };
	unsigned n = 2;

	while (*how && n < 15)
		argv[n++] = *how++;
	argv[n] = NULL;
	execv("/proc/self/exe", argv);
	exit(99);
}

static void die(char **how);

static void run_row(int n, char **how)
{
	int status = 0, first = 0, same = 0;

	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (!pid)
			die(how);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			exit(99);
		if (!i)
			first = status;
		same += status == first;
	}
	printf("%d %d\n", same, first);
}

static void work(void)
{
	const char *file = getenv("DYING_FILE");
	int fd = file ? open(file, O_WRONLY | O_CREAT, 0600) : -1;

	if (file && (fd < 0 || pwrite(fd, "last words", 10, 4321) != 10))
		exit(99);
	if (fd >= 0)
		close(fd);
}

static void die(char **how)
{
	const char *h = how[0], *arg = h ? how[1] : NULL;

	if (!h)
		exit(98);
	if (!strcmp(h, "null"))
		die_by_null();
	else if (!strcmp(h, "bus") && arg)
		die_by_bus(arg);
	else if (!strcmp(h, "abort"))
		abort();
	else if (!strcmp(h, "self"))
		kill(getpid(), number(arg));
	else if (!strcmp(h, "wait"))
		wait_ready();
	else if (!strcmp(h, "thread"))
		run_threads();
	else if (!strcmp(h, "leader") && arg)
		leave_first(how[1]);
	else if (!strcmp(h, "hog"))
		hog(number(arg), arg ? how[2] : NULL);
	else if (!strcmp(h, "exec"))
		become(how + 1);
	else if (!strcmp(h, "row") && arg)
		run_row(number(arg), how + 2);
	exit(!strcmp(h, "exit") || !strcmp(h, "thread") ? number(arg) : 0);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: dying NAME HOW [ARG]...\n");
		return 98;
	}
	words = argv + 1;
	prctl(PR_SET_NAME, words[0]);
	work();
	die(words + 1);
	return 98;
}
