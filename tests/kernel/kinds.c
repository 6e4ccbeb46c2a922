/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kinds.c FOLDER [BLOCK_DEVICE] - the same known operations, several times, on a
 * file of each kind: fstat, dup, close, and some bytes each way where that goes.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define TIMES 20

static char buf[4096];

static void must(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

/* A path in the folder; it stays, so that others can look at it. */
static const char *in(const char *folder, const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void known(int fd)
{
	struct stat st;
	int copy;

	must(!fstat(fd, &st), "fstat");
	copy = dup(fd);
	must(copy >= 0, "dup");
	close(copy);
}

static void both_ways(int from, int to, size_t bytes)
{
	must(write(to, buf, bytes) == (ssize_t)bytes, "write");
	must(read(from, buf, bytes) == (ssize_t)bytes, "read");
	known(from);
	known(to);
	close(from);
	close(to);
}

static void files(const char *folder)
{
	int fd = open(in(folder, "file"), O_RDWR | O_CREAT, 0600);

	must(write(fd, buf, 100) == 100 && pread(fd, buf, 50, 0) == 50, "file");
	known(fd);
	close(fd);
	fd = open(folder, O_RDONLY | O_DIRECTORY);
	known(fd);
	must(read(fd, buf, 1) < 0, "read of a folder");
	close(fd);
}

static void pipes(const char *folder)
{
	const char *path = in(folder, "fifo");
	int fd[2];

	must(!pipe(fd), "pipe");
	both_ways(fd[0], fd[1], 11);
	unlink(path);
	must(!mkfifo(path, 0600), "mkfifo");
	fd[0] = open(path, O_RDWR);
	fd[1] = open(path, O_WRONLY);
	both_ways(fd[0], fd[1], 12);
}

static void sockets(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd[2];

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, fd), "socketpair");
	must(send(fd[0], buf, 9, 0) == 9 && recv(fd[1], buf, 9, 0) == 9,
	     "send");
	both_ways(fd[0], fd[1], 13);
	fd[0] = socket(AF_INET, SOCK_DGRAM, 0);
	fd[1] = socket(AF_INET, SOCK_DGRAM, 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(!bind(fd[0], (void *)&at, len), "bind");
	must(!getsockname(fd[0], (void *)&at, &len), "getsockname");
	must(!connect(fd[1], (void *)&at, len), "connect");
	both_ways(fd[0], fd[1], 14);
}

static void terminals(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	struct termios t;

	must(master >= 0 && !grantpt(master) && !unlockpt(master), "pty");
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	must(slave >= 0 && !tcgetattr(slave, &t), "slave");
	cfmakeraw(&t);
	must(!tcsetattr(slave, TCSANOW, &t), "raw");
	both_ways(slave, master, 15);
}

static void devices(const char *block)
{
	int zero = open("/dev/zero", O_RDONLY),
	    null = open("/dev/null", O_WRONLY);

	both_ways(zero, null, 16);
	if (!block)
		return;
	zero = open(block, O_RDONLY);
	must(read(zero, buf, 512) == 512, block);
	known(zero);
	close(zero);
}

static void nameless(void)
{
	int event = eventfd(0, 0), epoll = epoll_create1(0);
	unsigned long long one = 1;

	must(write(event, &one, 8) == 8 && read(event, &one, 8) == 8,
	     "eventfd");
	known(event);
	known(epoll);
	close(event);
	close(epoll);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	for (int i = 0; i < TIMES; i++) {
		files(argv[1]);
		pipes(argv[1]);
		sockets();
		terminals();
		devices(argc > 2 ? argv[2] : NULL);
		nameless();
	}
	return 0;
}
