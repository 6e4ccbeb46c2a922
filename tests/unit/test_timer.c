/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_timer.c - the timer process, seen from outside: its ticks, its name, its
 * rights, its signals, its death. */
#include "recorder/timer.h"
#include "tests/unit/test.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000ULL

static void sleep_ms(unsigned ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000 * MS) };

	nanosleep(&t, NULL);
}

/* The next tick, waiting at most two seconds. */
static void next_tick(int fd, struct timer_tick *ret)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 2000), 1);
	assert_int_equal(read(fd, ret, sizeof(*ret)), sizeof(*ret));
}

/* The line of /proc/PID/status that starts with ${key}, behind the blanks. */
static void status_line(pid_t pid, const char *key, char *buf, size_t size)
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	buf[0] = 0;
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			snprintf(buf, size, "%s",
				 line + strlen(key) +
					 strspn(line + strlen(key), ":\t "));
	fclose(f);
	buf[strcspn(buf, "\n")] = 0;
}

/* The process is there and no zombie. */
static bool lives(pid_t pid)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (fscanf(f, "%*d %*s %c", &state) != 1)
		state = 'X';
	fclose(f);
	return state != 'Z' && state != 'X';
}

static bool dies_within(pid_t pid, unsigned ms)
{
	for (unsigned i = 0; i < ms / 5; i++) {
		if (!lives(pid))
			return true;
		sleep_ms(5);
	}
	return false;
}

static void test_no_period(void **state)
{
	int fd;
	pid_t pid;

	(void)state;
	assert_int_equal(timer_start(0, &fd, &pid), -EINVAL);
}

static void test_deadlines(void **state)
{
	struct timer_tick first, t;
	uint64_t before;
	int fd;
	pid_t pid;

	(void)state;
	assert_int_equal(timer_start(5 * MS, &fd, &pid), 0);
	next_tick(fd, &first);
	assert_int_equal(first.k, 0);
	before = first.k;
	for (unsigned i = 0; i < 20; i++) {
		next_tick(fd, &t);
		assert_true(t.k > before);
		before = t.k;
		assert_int_equal(t.scheduled_ns,
				 first.scheduled_ns + t.k * 5 * MS);
		assert_true(t.woke_ns >= t.scheduled_ns);
	}
	timer_stop(pid, fd);
	assert_false(lives(pid));
}

static void test_who_it_is(void **state)
{
	struct timer_tick t;
	char text[128];
	int fd;
	pid_t pid;

	(void)state;
	assert_int_equal(timer_start(MS, &fd, &pid), 0);
	next_tick(fd, &t);
	status_line(pid, "Name", text, sizeof(text));
	assert_string_equal(text, TIMER_NAME);
	status_line(pid, "CapEff", text, sizeof(text));
	assert_string_equal(text, "0000000000000000");
	status_line(pid, "CapPrm", text, sizeof(text));
	assert_string_equal(text, "0000000000000000");
	status_line(pid, "NoNewPrivs", text, sizeof(text));
	assert_string_equal(text, "1");
	timer_stop(pid, fd);
}

static void test_becomes_user(void **state)
{
	struct timer_tick t;
	char text[128];
	int fd;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(timer_start_as(MS, 65534, 65534, &fd, &pid), 0);
	next_tick(fd, &t);
	status_line(pid, "Uid", text, sizeof(text));
	assert_string_equal(text, "65534\t65534\t65534\t65534");
	status_line(pid, "Gid", text, sizeof(text));
	assert_string_equal(text, "65534\t65534\t65534\t65534");
	status_line(pid, "Groups", text, sizeof(text));
	assert_string_equal(text, "");
	timer_stop(pid, fd);
}

static void test_only_its_pipe(void **state)
{
	struct timer_tick t;
	char path[64], to[64];
	struct dirent *e;
	unsigned nr = 0;
	ssize_t n;
	pid_t pid;
	DIR *d;
	int fd;

	(void)state;
	assert_int_equal(timer_start(MS, &fd, &pid), 0);
	next_tick(fd, &t);
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		n = readlinkat(dirfd(d), e->d_name, to, sizeof(to) - 1);
		assert_true(n > 5);
		assert_memory_equal(to, "pipe:", 5);
		nr++;
	}
	closedir(d);
	assert_int_equal(nr, 1);
	timer_stop(pid, fd);
}

/* The parent has a handler for SIGUSR1, as the recorder has. */
static volatile sig_atomic_t handled;
static void handler(int signo)
{
	(void)signo;
	handled = 1;
}

static void test_ignores_signals(void **state)
{
	static const int signals[] = { SIGUSR1, SIGUSR2, SIGHUP, SIGINT };
	struct timer_tick t;
	uint64_t k;
	pid_t pid;
	int fd;

	(void)state;
	signal(SIGUSR1, handler);
	assert_int_equal(timer_start(2 * MS, &fd, &pid), 0);
	/* At once: before the child had the time to do anything. */
	kill(pid, SIGUSR1);
	next_tick(fd, &t);
	for (unsigned i = 0; i < 4; i++)
		kill(pid, signals[i]);
	k = t.k;
	while (t.k < k + 10)
		next_tick(fd, &t);
	assert_true(lives(pid));
	assert_int_equal(handled, 0);
	timer_stop(pid, fd);
	signal(SIGUSR1, SIG_DFL);
}

/* A parent that is killed: the timer, whose period is an hour, must not wait for
 * its next tick to notice. */
static void test_dies_with_parent(void **state)
{
	struct timer_tick t;
	pid_t parent, pid = 0;
	int fd, ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	/* The orphan must not become a zombie of some far ancestor. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	parent = fork();
	if (parent == 0) {
		if (timer_start_as(3600 * 1000 * MS,
				   geteuid() ? (uid_t)-1 : 65534, (gid_t)-1,
				   &fd, &pid))
			_exit(1);
		next_tick(fd, &t);
		if (write(ends[1], &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ends[0], &pid, sizeof(pid)), sizeof(pid));
	assert_true(lives(pid));
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	assert_true(dies_within(pid, 2000));
	waitpid(pid, NULL, WNOHANG);
	close(ends[0]);
	close(ends[1]);
}

static void test_ends_when_nobody_reads(void **state)
{
	struct timer_tick t;
	pid_t pid;
	int fd;

	(void)state;
	assert_int_equal(timer_start(MS, &fd, &pid), 0);
	next_tick(fd, &t);
	close(fd);
	assert_true(dies_within(pid, 2000));
	timer_stop(pid, -1);
}

/* Nobody reads for a while: ticks are skipped, not queued without end, and the
 * first one after the silence is at its own deadline. */
static void test_full_pipe(void **state)
{
	struct timer_tick t, first;
	uint64_t before = 0, gap = 0;
	unsigned waited = 0;
	pid_t pid;
	int fd;

	(void)state;
	assert_int_equal(timer_start(MS / 20, &fd, &pid), 0);
	next_tick(fd, &first);
	before = first.k;
	/* A pipe holds 64 KiB: 2,730 ticks of 24 bytes, 137 ms at 20 kHz. */
	sleep_ms(600);
	while (gap < 100 && waited < 60000) {
		next_tick(fd, &t);
		assert_int_equal(t.scheduled_ns,
				 first.scheduled_ns + t.k * (MS / 20));
		gap = t.k - before - 1;
		before = t.k;
		waited++;
	}
	assert_true(gap >= 100);
	timer_stop(pid, fd);
}

/* Held up for twenty periods, the timer does not make up for them. */
static void test_no_burst_after_a_stop(void **state)
{
	struct timer_tick t;
	uint64_t k, gap = 0;
	pid_t pid;
	int fd;

	(void)state;
	assert_int_equal(timer_start(5 * MS, &fd, &pid), 0);
	next_tick(fd, &t);
	kill(pid, SIGSTOP);
	sleep_ms(100);
	kill(pid, SIGCONT);
	for (unsigned i = 0; i < 10; i++) {
		k = t.k;
		next_tick(fd, &t);
		if (t.k - k - 1 > gap)
			gap = t.k - k - 1;
	}
	assert_true(gap >= 15);
	timer_stop(pid, fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_period),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_who_it_is),
		cmocka_unit_test(test_becomes_user),
		cmocka_unit_test(test_only_its_pipe),
		cmocka_unit_test(test_ignores_signals),
		cmocka_unit_test(test_dies_with_parent),
		cmocka_unit_test(test_ends_when_nobody_reads),
		cmocka_unit_test(test_full_pipe),
		cmocka_unit_test(test_no_burst_after_a_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
