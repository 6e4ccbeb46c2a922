/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sockopt.c - socket options of each kind of value, set and read.
 *
 *   sockopt ROUNDS
 *
 * Calls go to the kernel as they are.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int tcp, pair[2];
static char buf[512];

static void set(int fd, int level, int option, const void *value, int len)
{
	syscall(SYS_setsockopt, fd, level, option, value, len);
}

static void get(int fd, int level, int option, int len)
{
	syscall(SYS_getsockopt, fd, level, option, buf, &len);
}

static void numbers(void)
{
	static const int options[][2] = {
		{ SOL_SOCKET, SO_REUSEADDR },
		{ SOL_SOCKET, SO_KEEPALIVE },
		{ SOL_SOCKET, SO_SNDBUF },
		{ SOL_SOCKET, SO_RCVBUF },
		{ SOL_SOCKET, SO_PRIORITY },
		{ SOL_SOCKET, SO_RCVLOWAT },
		{ SOL_SOCKET, SO_BROADCAST },
		{ SOL_SOCKET, SO_OOBINLINE },
		{ IPPROTO_TCP, TCP_NODELAY },
		{ IPPROTO_TCP, TCP_KEEPIDLE },
		{ IPPROTO_TCP, TCP_KEEPINTVL },
		{ IPPROTO_TCP, TCP_KEEPCNT },
		{ IPPROTO_TCP, TCP_SYNCNT },
		{ IPPROTO_TCP, TCP_QUICKACK },
		{ IPPROTO_TCP, TCP_DEFER_ACCEPT },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT },
		{ SOL_SOCKET, SO_TYPE },
		{ SOL_SOCKET, SO_ERROR },
		{ SOL_SOCKET, 1234 },
		{ IPPROTO_TCP, -1 },
	};
	static const int values[] = { 0, 1, 5, 70000, -1 };

	for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		for (unsigned v = 0; v < 5; v++)
			set(tcp, options[i][0], options[i][1], &values[v], 4);
		get(tcp, options[i][0], options[i][1], 4);
		get(tcp, options[i][0], options[i][1], 1);
	}
}

static void structures(void)
{
	struct {
		int onoff, linger;
	} linger = { 1, 7 };
	long time[2] = { 2, 500000 };
	int64_t time64[2] = { 3, 250000 };

	set(tcp, SOL_SOCKET, SO_LINGER, &linger, 8);
	get(tcp, SOL_SOCKET, SO_LINGER, 8);
	set(tcp, SOL_SOCKET, 20, time, sizeof(time));
	get(tcp, SOL_SOCKET, 20, sizeof(time));
	set(tcp, SOL_SOCKET, 21, time, sizeof(time));
	set(tcp, SOL_SOCKET, 66, time64, sizeof(time64));
	get(tcp, SOL_SOCKET, 66, sizeof(time64));
	get(pair[0], SOL_SOCKET, SO_PEERCRED, 12);
	get(tcp, SOL_SOCKET, 57, 8); /* SO_COOKIE */
	set(tcp, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
	get(tcp, IPPROTO_TCP, TCP_CONGESTION, 16);
	set(tcp, IPPROTO_TCP, TCP_CONGESTION, "no such thing", 13);
	set(tcp, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
	get(tcp, SOL_SOCKET, SO_BINDTODEVICE, 16);
	set(tcp, SOL_SOCKET, SO_BINDTODEVICE, "", 0);
	get(tcp, IPPROTO_TCP, TCP_INFO, 256);
}

/* Lengths and addresses that are wrong; levels that are left out by default. */
static void strange(void)
{
	int one = 1;

	memset(buf, 'y', sizeof(buf));
	set(tcp, SOL_SOCKET, SO_KEEPALIVE, buf, 200);
	set(tcp, SOL_SOCKET, SO_KEEPALIVE, buf, 33);
	set(tcp, SOL_SOCKET, SO_KEEPALIVE, &one, 3);
	set(tcp, SOL_SOCKET, SO_KEEPALIVE, &one, 0);
	set(tcp, SOL_SOCKET, SO_KEEPALIVE, &one, -4);
	set(tcp, SOL_SOCKET, SO_KEEPALIVE, NULL, 4);
	set(tcp, SOL_SOCKET, SO_KEEPALIVE, (void *)16, 4);
	set(999, SOL_SOCKET, SO_KEEPALIVE, &one, 4);
	get(tcp, SOL_SOCKET, SO_KEEPALIVE, 0);
	get(tcp, SOL_SOCKET, SO_KEEPALIVE, -1);
	syscall(SYS_getsockopt, tcp, SOL_SOCKET, SO_KEEPALIVE, buf, NULL);
	set(tcp, IPPROTO_IP, IP_TTL, &one, 4);
	get(tcp, IPPROTO_IP, IP_TTL, 4);
	set(tcp, IPPROTO_IPV6, IPV6_V6ONLY, &one, 4);
	set(tcp, -1, 3, &one, 4);
}

int main(int argc, char **argv)
{
	int rounds = argc == 2 ? (int)strtol(argv[1], NULL, 10) : 0;

	if (rounds < 1)
		return 2;
	for (int r = 0; r < rounds; r++) {
		tcp = socket(AF_INET, SOCK_STREAM, 0);
		if (tcp < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			return 1;
		numbers();
		structures();
		strange();
		close(tcp);
		close(pair[0]);
		close(pair[1]);
	}
	return 0;
}
