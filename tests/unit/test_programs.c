/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_programs.c - sums by program name while processes come, go and change names;
 * what /proc itself says of a program of ours. */
#include "tests/unit/collector_rig.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

static struct rig rig;
static long hz;

static int64_t value(const char *name)
{
	int64_t v;

	return rig_get(&rig, name, &v) ? v : -9;
}

static void process(unsigned pid, const char *comm, unsigned ppid,
		    unsigned ticks, unsigned start)
{
	char name[80], text[512];
	int n = snprintf(
		text, sizeof(text),
		"%u (%s) S %u 1 1 0 -1 %u 0 0 0 0 %u 0 0 0 20 0 1 0 %u 0 10 "
		"0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0\n",
		pid, comm, ppid, ppid == 2 ? 0x200000u : 0u, ticks, start);

	snprintf(name, sizeof(name), "%s/proc/%u", scratch, pid);
	mkdir(name, 0700);
	snprintf(name, sizeof(name), "%u/stat", pid);
	put(name, text, (size_t)n);
	snprintf(name, sizeof(name), "%u/status", pid);
	n = snprintf(text, sizeof(text),
		     "Uid:\t0\t0\t0\t0\nvoluntary_ctxt_switches:\t1\n"
		     "nonvoluntary_ctxt_switches:\t1\n");
	put(name, text, (size_t)n);
}

static void gone(unsigned pid)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s/proc/%u", scratch, pid);
	assert_int_equal(system(command), 0);
}

static void cpu_is(const char *name, unsigned ticks)
{
	char metric[64];

	snprintf(metric, sizeof(metric), "programs.%s.cpu_ns", name);
	assert_int_equal(value(metric), ticks * (1000000000 / hz));
}

static void sums_never_fall(void **state)
{
	(void)state;
	process(1, "init", 0, 5, 1);
	process(2, "kthreadd", 0, 5, 1);
	process(3, "kworker/0:0", 2, 5, 1);
	process(10, "web", 1, 100, 7);
	process(11, "web", 1, 50, 8);
	rig_open(&rig, scratch, "programs", NULL);
	rig_round(&rig);
	assert_int_equal(value("programs.web.processes"), 2);
	assert_int_equal(value("programs.web.rss_bytes"),
			 2 * 10 * sysconf(_SC_PAGESIZE));
	assert_int_equal(value("programs.kworker/0:0.processes"), -9);
	cpu_is("web", 150);
	process(10, "web", 1, 130, 7);
	gone(11);
	rig_round(&rig);
	assert_int_equal(value("programs.web.processes"), 1);
	cpu_is("web", 180);
	/* the same number, another process */
	process(10, "web", 1, 20, 99);
	rig_round(&rig);
	cpu_is("web", 200);
	/* exec */
	process(10, "we b", 1, 25, 99);
	rig_round(&rig);
	assert_int_equal(value("programs.web.processes"), 0);
	cpu_is("web", 200);
	cpu_is("we_b", 5);
	assert_int_equal(rig_errors(&rig), 0);
	rig_close(&rig);
}

static void names_of_the_list(void **state)
{
	(void)state;
	process(10, "nginx", 1, 100, 7);
	process(11, "postgres", 1, 50, 8);
	process(12, "bash", 1, 50, 8);
	rig_open(&rig, scratch, "programs", "nginx post* missing");
	rig_round(&rig);
	assert_int_equal(value("programs.nginx.processes"), 1);
	assert_int_equal(value("programs.postgres.processes"), 1);
	assert_int_equal(value("programs.missing.processes"), 0);
	assert_int_equal(rig_values(&rig), 9);
	rig_close(&rig);
}

static void more_names_than_there_is_room(void **state)
{
	char name[16];

	(void)state;
	for (unsigned i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "p%u", i);
		process(100 + i, name, 1, 1, 7);
	}
	rig_open(&rig, scratch, "programs", NULL);
	rig_round(&rig);
	assert_int_equal(rig_values(&rig), 3 * 513);
	assert_int_equal(value("programs.(other).processes"), 88);
	cpu_is("(other)", 88);
	assert_int_equal(rig_errors(&rig), 0);
	rig_close(&rig);
}

/* A child of ours that burns CPU, beside what wait4() says of it. */
static void this_machine(void **state)
{
	int up[2], down[2], status;
	volatile unsigned long work = 0;
	int64_t spent;
	struct rusage used;
	char c = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(up) | pipe(down), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, "burns cpu");
		while (clock() < CLOCKS_PER_SEC / 10)
			work++;
		_exit(write(up[1], &c, 1) == 1 && read(down[0], &c, 1) == 1 ?
			      0 :
			      1);
	}
	assert_int_equal(read(up[0], &c, 1), 1);
	rig_open(&rig, "", "programs", "burns_cpu");
	rig_round(&rig);
	assert_int_equal(value("programs.burns_cpu.processes"), 1);
	spent = value("programs.burns_cpu.cpu_ns");
	assert_int_equal(write(down[1], &c, 1), 1);
	assert_int_equal(wait4(pid, &status, 0, &used), pid);
	assert_int_equal(status, 0);
	/* Not more than it had in the end; at least what it waited for, by clock
	 * ticks if need be. */
	assert_true(spent >= 80000000);
	assert_true(spent <=
		    (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000000 +
			    (used.ru_utime.tv_usec + used.ru_stime.tv_usec +
			     20000) *
				    1000);
	rig_round(&rig);
	assert_int_equal(value("programs.burns_cpu.processes"), 0);
	assert_int_equal(value("programs.burns_cpu.cpu_ns"), spent);
	rig_close(&rig);
	close(up[0]), close(up[1]), close(down[0]), close(down[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, scratch_make, scratch_remove)
		TEST(sums_never_fall),
		TEST(names_of_the_list),
		TEST(more_names_than_there_is_room),
		TEST(this_machine),
	};

	hz = sysconf(_SC_CLK_TCK);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
