/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * epoll.c - epoll, poll and select in all their forms.
 *
 *   epoll ROUNDS     1: with time-outs that pass; more: none of them waits
 *
 * Calls go to the kernel as they are: libc would make others of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MANY 70 /* more than flightrec looks at */

struct time64 {
	int64_t sec, nsec;
};

static int pipes[MANY][2], ep, rounds, first_round;
static struct epoll_event got[MANY];
/* a page that is not there before the kernel reads it */
static const struct time64 constant[512] = { [300] = { 0, 7000 } };

static void control(void)
{
	struct epoll_event ev = { EPOLLIN | EPOLLRDHUP, { .u64 = 1 } };
	int one, other;

	one = (int)syscall(SYS_epoll_create1, EPOLL_CLOEXEC);
	other = (int)syscall(SYS_epoll_create1, 0);
	close(other);
	for (int i = 0; i < MANY; i++)
		syscall(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, pipes[i][0], &ev);
	ev.events = EPOLLOUT | EPOLLET | EPOLLONESHOT;
	syscall(SYS_epoll_ctl, one, EPOLL_CTL_ADD, pipes[0][1], &ev);
	ev.events = EPOLLOUT | EPOLLEXCLUSIVE | EPOLLWAKEUP;
	syscall(SYS_epoll_ctl, one, EPOLL_CTL_ADD, pipes[1][1], &ev);
	ev.events = EPOLLIN | EPOLLPRI | EPOLLHUP | 0x80000;
	syscall(SYS_epoll_ctl, one, EPOLL_CTL_MOD, pipes[0][1], &ev);
	syscall(SYS_epoll_ctl, one, EPOLL_CTL_DEL, pipes[0][1], &ev);
	syscall(SYS_epoll_ctl, one, EPOLL_CTL_DEL, pipes[0][1], NULL);
	syscall(SYS_epoll_ctl, one, EPOLL_CTL_ADD, pipes[0][1], NULL);
	syscall(SYS_epoll_ctl, one, EPOLL_CTL_ADD, 999, &ev);
	syscall(SYS_epoll_ctl, 999, EPOLL_CTL_ADD, pipes[0][1], &ev);
	syscall(SYS_epoll_ctl, one, 77, pipes[0][1], &ev);
	close(one);
#ifdef SYS_epoll_create
	close((int)syscall(SYS_epoll_create, 7));
	syscall(SYS_epoll_create, -3);
#endif
}

static void uncontrol(void)
{
	for (int i = 0; i < MANY; i++)
		syscall(SYS_epoll_ctl, ep, EPOLL_CTL_DEL, pipes[i][0], NULL);
}

static void wait_epoll(int ready)
{
	struct time64 t = { 0, 2500000 };
	int ms = first_round && !ready ? 3 : 0;

#ifdef SYS_epoll_wait
	syscall(SYS_epoll_wait, ep, got, 5, ready ? -1 : ms);
	syscall(SYS_epoll_wait, ep, got, MANY, ms);
	syscall(SYS_epoll_wait, ep, got, 0, 0);
	syscall(SYS_epoll_wait, 999, got, 5, 0);
	syscall(SYS_epoll_wait, ep, got, -1, 0);
#endif
	syscall(SYS_epoll_pwait, ep, got, 7, ready ? -5 : ms, NULL, 8);
	if (ready || first_round)
		syscall(SYS_epoll_pwait2, ep, got, 8, &t, NULL, 8);
	t.nsec = 0;
	syscall(SYS_epoll_pwait2, ep, got, 8, &t, NULL, 8);
	if (ready) {
		syscall(SYS_epoll_pwait2, ep, got, 8, NULL, NULL, 8);
		t.sec = 12345;
		syscall(SYS_epoll_pwait2, ep, got, 8, &t, NULL, 8);
	}
	if (first_round && !ready)
		syscall(SYS_epoll_pwait2, ep, got, 9, &constant[300], NULL, 8);
}

static void wait_poll(int ready)
{
	struct pollfd p[MANY];
	struct time64 t = { 0, first_round ? 2000000 : 0 };
	struct timespec native = { 0, first_round ? 1500000 : 0 };

	for (int i = 0; i < MANY; i++)
		p[i] = (struct pollfd){ pipes[i][0], POLLIN | POLLRDNORM, 0 };
	p[1].events = POLLPRI;
	p[2].fd = ready ? pipes[0][1] : -1;
	p[2].events = POLLOUT;
#ifdef SYS_poll
	syscall(SYS_poll, p, 3, ready ? -1 : 0);
	syscall(SYS_poll, p, MANY, first_round ? 2 : 0);
	syscall(SYS_poll, NULL, 0, 0);
	syscall(SYS_poll, 16, 2, 0);
	syscall(SYS_poll, p, 1 << 30, 0);
#endif
	p[0].fd = ready ? 998 : -7;
	syscall(SYS_ppoll, p, 3, &native, NULL, 8);
	if (ready)
		syscall(SYS_ppoll, p, 3, NULL, NULL, 8);
#ifdef SYS_ppoll_time64
	syscall(SYS_ppoll_time64, p, 2, &t, NULL, 8);
#endif
	(void)t;
}

static void wait_select(int ready)
{
	struct timeval tv = { 0, first_round ? 1500 : 0 };
	struct timespec ts = { 0, first_round ? 1200000 : 0 };
	struct time64 t = { 0, first_round ? 1100000 : 0 };
	int n = pipes[1][0] + 1;
	fd_set in, out;

	(void)t;
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(pipes[0][0], &in);
	if (ready)
		FD_SET(pipes[0][1], &out);
#if defined(__i386__)
	unsigned long old[5] = { (unsigned long)n, (unsigned long)&in, 0, 0,
				 (unsigned long)&tv };

	syscall(SYS_select, old);
	tv.tv_usec = 800 * first_round;
	syscall(SYS__newselect, n, &in, NULL, NULL, &tv);
	syscall(SYS_pselect6_time64, n, &in, NULL, NULL, &t, NULL);
#elif defined(SYS_select)
	syscall(SYS_select, n, &in, NULL, NULL, &tv);
	FD_SET(pipes[0][0], &in);
	if (ready)
		syscall(SYS_select, n, &in, &out, NULL, NULL);
	syscall(SYS_select, -1, NULL, NULL, NULL, NULL);
#endif
	FD_SET(pipes[0][0], &in);
	syscall(SYS_pselect6, n, &in, NULL, NULL, &ts, NULL);
	if (ready)
		syscall(SYS_pselect6, n, NULL, &out, NULL, NULL, NULL);
}

int main(int argc, char **argv)
{
	struct rlimit limit = { 1024, 1024 };

	rounds = argc == 2 ? (int)strtol(argv[1], NULL, 10) : 0;
	if (rounds < 1)
		return 2;
	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < MANY; i++)
		if (pipe(pipes[i]))
			return 1;
	ep = (int)syscall(SYS_epoll_create1, 0);
	first_round = rounds == 1;
	for (int r = 0; r < rounds; r++) {
		control();
		wait_epoll(0);
		wait_poll(0);
		wait_select(0);
		for (int i = 0; i < MANY; i++)
			if (write(pipes[i][1], "x", 1) != 1)
				return 1;
		wait_epoll(1);
		wait_poll(1);
		wait_select(1);
		uncontrol();
		for (int i = 0; i < MANY; i++)
			if (read(pipes[i][0], got, 1) != 1)
				return 1;
	}
	return 0;
}
