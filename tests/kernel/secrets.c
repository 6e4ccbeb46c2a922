/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * secrets.c - puts words of the form zq...zq wherever a program can put a word:
 * names of files, links, sockets, threads, memory; arguments and environment; and
 * uses two addresses that nobody has.
 *
 *   secrets FOLDER          runs itself with arguments and environment
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void use_files(void)
{
	struct stat st;
	int fd;

	must(mkdir("zqdirzq", 0755) == 0, "mkdir");
	fd = open("zqdirzq/zqfilezq.dat", O_CREAT | O_WRONLY, 0644);
	must(fd >= 0, "open");
	for (int i = 0; i < 20; i++)
		must(write(fd, "x", 1) == 1, "write");
	fsync(fd);
	close(fd);
	must(rename("zqdirzq/zqfilezq.dat", "zqdirzq/zqrenamedzq.dat") == 0,
	     "rename");
	must(link("zqdirzq/zqrenamedzq.dat", "zqhardzq") == 0, "link");
	must(symlink("zqtargetzq/zqleafzq", "zqsoftzq") == 0, "symlink");
	must(stat("/zqnonezq/zqnowherezq", &st) < 0, "stat");
	fd = memfd_create("zqmemoryzq", 0);
	must(fd >= 0 && write(fd, "x", 1) == 1, "memfd");
	close(fd);
}

/* All are tried; none needs to succeed. */
static void use_sockets(void)
{
	static const char abstract[] = "\0zqabstractzq";
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_port = htons(4242) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(4242) };
	struct sockaddr_un un = { .sun_family = AF_UNIX,
				  .sun_path = "zqsocketzq" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	must(bind(fd, (void *)&un, sizeof(un)) == 0, "bind");
	must(listen(fd, 3) == 0, "listen");
	close(fd);
	memcpy(un.sun_path, abstract, sizeof(abstract));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	must(connect(fd, (void *)&un,
		     offsetof(struct sockaddr_un, sun_path) + sizeof(abstract) -
			     1) < 0,
	     "connect");
	close(fd);
	inet_pton(AF_INET, "198.51.100.77", &v4.sin_addr);
	inet_pton(AF_INET6, "2001:db8:7a71::77", &v6.sin6_addr);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "zqdevzq", 8);
	(void)!connect(fd, (void *)&v4, sizeof(v4));
	(void)!send(fd, "x", 1, MSG_NOSIGNAL);
	close(fd);
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	(void)!connect(fd, (void *)&v6, sizeof(v6));
	(void)!send(fd, "x", 1, MSG_NOSIGNAL);
	close(fd);
}

static void run_again(char *self)
{
	char argument[] = "zqargumentzq", option[] = "--zqoptionzq=1";
	char variable[] = "SECRET=zqvaluezq";
	char *args[] = { self, argument, option, NULL };
	char *env[] = { variable, NULL };
	int status = 1;
	pid_t pid = fork();

	if (pid == 0) {
		execve(self, args, env);
		_exit(1);
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, self);
}

int main(int argc, char **argv)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (argc == 3) /* run by itself */
		return 0;
	must(argc == 2 && n > 0, "usage: secrets FOLDER");
	self[n] = 0;
	prctl(PR_SET_NAME, "zqthreadzq");
	must(chdir(argv[1]) == 0, argv[1]);
	use_files();
	use_sockets();
	run_again(self);
	return 0;
}
