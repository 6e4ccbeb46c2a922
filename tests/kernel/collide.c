/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collide.c - two processes whose numbers differ by 65536, so that they share a
 * place in the recorder's table of calls in flight: the first waits in a read of
 * a pipe while the second writes numbered bytes; then they swap.
 *
 *   collide FOLDER CALLS
 * prints the two numbers.  Needs root: it sets ns_last_pid and pid_max.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int calls;
static int data;

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	int ok = fd >= 0 && write(fd, text, strlen(text)) > 0;

	if (fd >= 0)
		close(fd);
	return ok ? 0 : -1;
}

static void number(long from)
{
	for (int i = 0; i < calls; i++)
		if (pwrite(data, "x", 1, from + i) != 1)
			_exit(1);
}

/* Waits for a byte, writes its numbers, passes the turn on. */
static void turn(int in, int out, long from)
{
	char c;

	if (read(in, &c, 1) != 1)
		_exit(1);
	number(from);
	if (write(out, "x", 1) != 1)
		_exit(1);
}

static pid_t child_numbered(pid_t wanted, int in, int out, long from)
{
	char text[32];
	pid_t pid;

	snprintf(text, sizeof(text), "%d", wanted - 1);
	if (wanted && write_text("/proc/sys/kernel/ns_last_pid", text))
		return -1;
	pid = fork();
	if (!pid) {
		turn(in, out, from);
		turn(in, out, from + calls);
		_exit(0);
	}
	return pid;
}

int main(int argc, char **argv)
{
	int a[2], b[2], back[2], status, bad = 0;
	pid_t first, second = 0;
	char path[4096], c;

	if (argc != 3)
		return 2;
	calls = (int)strtol(argv[2], NULL, 10);
	snprintf(path, sizeof(path), "%s/numbers", argv[1]);
	data = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);
	if (data < 0 || pipe(a) || pipe(b) || pipe(back))
		return 1;
	first = child_numbered(0, a[0], back[1], 0);
	for (int i = 0; i < 20 && second != first + 65536; i++) {
		if (second)
			waitpid(second, &status, 0);
		second = child_numbered(first + 65536, b[0], back[1], 1000000);
		if (second == first + 65536)
			break;
		/* somebody else got the number: end this one, try again */
		if (write(b[1], "xx", 2) != 2 || read(back[0], &c, 1) != 1 ||
		    read(back[0], &c, 1) != 1)
			return 1;
	}
	if (second != first + 65536)
		return 77;
	printf("%d %d\n", first, second);
	/* first waits while second works, then the other way round, twice */
	for (int i = 0; i < 2; i++)
		if (write(b[1], "x", 1) != 1 || read(back[0], &c, 1) != 1 ||
		    write(a[1], "x", 1) != 1 || read(back[0], &c, 1) != 1)
			bad = 1;
	while (wait(&status) > 0)
		bad |= status != 0;
	return bad;
}
