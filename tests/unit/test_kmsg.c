/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_kmsg.c - lines of the kernel's log by pattern; what is not the kernel's; noise. */
#include "tests/unit/collector_rig.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>

static struct rig rig;
static int fifo = -1;

/* A fifo instead of /dev/kmsg: what is written between two rounds comes in one read. */
static void open_list(const char *list)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/dev", scratch);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/dev/kmsg", scratch);
	assert_int_equal(mkfifo(path, 0600), 0);
	rig_open(&rig, scratch, "kmsg", list);
	fifo = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fifo >= 0);
}

static void close_list(void)
{
	rig_close(&rig);
	close(fifo);
}

static void say(const char *record)
{
	assert_int_equal(write(fifo, record, strlen(record)), strlen(record));
	rig_round(&rig);
}

static int64_t value(const char *name)
{
	int64_t v;

	return rig_get(&rig, name, &v) ? v : -9;
}

/* As the kernel's sources print them. */
static void messages_of_each_pattern(void **state)
{
	static const char *const all[][2] = {
		{ "hung_task",
		  "INFO: task kworker/u8:1:77 blocked for more than 120 seconds." },
		{ "lockup",
		  "watchdog: BUG: soft lockup - CPU#1 stuck for 23s! [a:1]" },
		{ "lockup", "rcu: INFO: rcu_sched self-detected stall on CPU" },
		{ "oom",
		  "mysqld invoked oom-killer: gfp_mask=0x1100cca(GFP_HIGHUSER)" },
		{ "segfault",
		  "a.out[12]: segfault at 0 ip 0000561 sp 00007ff error 6 in a.out" },
		{ "bug", "BUG: kernel NULL pointer dereference, address: 0" },
		{ "warning",
		  "WARNING: CPU: 0 PID: 1 at fs/inode.c:1 iput+0x1/0x2" },
		{ "link_down",
		  "igb 0000:01:00.0 eth0: igb: eth0 NIC Link is Down" },
		{ "io_error",
		  "blk_update_request: I/O error, dev sda, sector 0 op 0x0" },
		{ "io_error", "critical medium error, dev sdb, sector 7" },
		{ "task_abort", "sd 0:0:0:0: attempting task abort!scmd(0x1)" },
		{ "task_abort", "nvme nvme0: I/O 12 QID 3 timeout, aborting" },
		{ "fs_error",
		  "EXT4-fs error (device sda1): ext4_lookup:1: inode #2: x" },
		{ "fs_error",
		  "XFS (sdb1): Metadata corruption detected at xfs_agf+0x1" },
		{ "readdir_loop",
		  "NFS: directory a/b contains a readdir loop.  Please" },
		{ "not_responding",
		  "nfs: server filer not responding, still trying" },
		{ "mce", "mce: [Hardware Error]: Machine check events logged" },
	};
	char record[512], name[64];

	(void)state;
	open_list(NULL);
	for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++) {
		int64_t before;

		rig_round(&rig);
		snprintf(name, sizeof(name), "kmsg.%s.lines", all[i][0]);
		before = value(name);
		snprintf(record, sizeof(record),
			 "4,%u,1000,-;%s\n SUBSYSTEM=block\n", i + 10,
			 all[i][1]);
		say(record);
		if (value(name) != before + 1)
			fail_msg("%s does not count %s", name, all[i][1]);
	}
	assert_int_equal(value("kmsg.level.warning"),
			 sizeof(all) / sizeof(*all));
	/* The same from a program: facility 1. */
	say("12,90,1,-;a.out[12]: segfault at 0 ip 1 sp 2 error 6 in a.out\n");
	assert_int_equal(value("kmsg.segfault.lines"), 1);
	say("6,91,1,-;a quiet line\n");
	assert_int_equal(value("kmsg.level.info"), 1);
	assert_int_equal(rig_errors(&rig), 0);
	close_list();
}

static void own_patterns_and_choice(void **state)
{
	(void)state;
	open_list("raid=raid*disk?failure oom io*");
	say("2,1,1,-;md/RAID1:md0: Disk failure on sda1, disabling device.\n");
	say("3,2,1,-;md/raid1:md0: too few disks, failure\n");
	assert_int_equal(value("kmsg.raid.lines"), 1);
	assert_int_equal(value("kmsg.oom.lines"), 0);
	assert_int_equal(value("kmsg.io_error.lines"), 0);
	assert_int_equal(value("kmsg.segfault.lines"), -9);
	assert_int_equal(value("kmsg.level.crit"), 1);
	close_list();
}

static void numbers_that_are_missing(void **state)
{
	(void)state;
	open_list(NULL);
	say("6,100,1,-;a\n");
	assert_int_equal(value("kmsg.missed"), 0);
	say("6,105,1,-;b\n");
	assert_int_equal(value("kmsg.missed"), 4);
	say("6,106,1,c;b\n");
	assert_int_equal(value("kmsg.missed"), 4);
	close_list();
}

static void what_is_no_record(void **state)
{
	static const char *const bad[] = {
		"no semicolon\n",
		"6,1,1,-;not ended",
		";\n",
		"x,1,1,-;a\n",
		"6;a\n",
		"6,;a\n",
		"6,1;a\n",
		"99999999999999999999,1,1,-;a\n",
	};

	(void)state;
	open_list(NULL);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uint64_t before = rig_errors(&rig);

		say(bad[i]);
		assert_int_equal(rig_errors(&rig), before + 1);
	}
	assert_int_equal(value("kmsg.level.info"), 0);
	close_list();
}

static void random_bytes(void **state)
{
	static const char some[] = "06,;:* \n-[]Ia";
	char noise[4096];

	(void)state;
	srand(9);
	open_list("own=*a*a*a*a*b");
	for (unsigned round = 0; round < 500; round++) {
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = round % 2 ? (char)rand() :
					       some[(unsigned)rand() %
						    (sizeof(some) - 1)];
		assert_int_equal(write(fifo, noise, sizeof(noise)),
				 sizeof(noise));
		rig_round(&rig);
	}
	close_list();
}

static void lists(void **state)
{
	const struct collector_ops *ops = collector_find("kmsg");
	static const char *const bad[] = { "ooms", "=x", "x=", "oom=x",
					   "a=x a=y" };
	char what[512];

	(void)state;
	assert_int_equal(ops->check(NULL, what, sizeof(what)), 0);
	assert_int_equal(ops->check("oom a=b", what, sizeof(what)), 0);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(ops->check(bad[i], what, sizeof(what)),
				 -EINVAL);
		assert_non_null(strstr(what, " hung_task lockup oom"));
	}
}

static unsigned dmesg_lines(const char *pattern)
{
	char command[128];
	unsigned n = 0;
	FILE *f;

	snprintf(command, sizeof(command), "dmesg | grep -c '%s'", pattern);
	f = popen(command, "r");
	assert_int_equal(fscanf(f, "%u", &n), 1);
	pclose(f);
	return n;
}

static void touch_nothing(void)
{
	const struct rlimit none = { 0, 0 };
	volatile int *volatile nowhere = NULL;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &none);
		signal(SIGSEGV, SIG_DFL);
		*nowhere = 1;
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
}

/* The kernel itself: a program that crashes; dmesg(1) is the witness. */
static void this_kernel(void **state)
{
	unsigned before;
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	char on = '0';
	int trace = open("/proc/sys/debug/exception-trace", O_RDONLY);
	int readable = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);

	(void)state;
	if (trace < 0 || read(trace, &on, 1) != 1 || on != '1' || fd < 0 ||
	    readable < 0)
		skip();
	close(trace);
	close(readable);
	rig_open(&rig, "", "kmsg", NULL);
	rig_round(&rig);
	assert_int_equal(value("kmsg.segfault.lines"), 0); /* not what was */
	before = dmesg_lines("test_kmsg.*segfault at");
	touch_nothing();
	assert_true(write(fd, "<3>fake: segfault at 0", 22) > 0);
	rig_round(&rig);
	assert_int_equal(value("kmsg.segfault.lines"),
			 dmesg_lines("test_kmsg.*segfault at") - before);
	assert_int_equal(value("kmsg.level.err"), 0);
	assert_int_equal(rig_errors(&rig), 0);
	close(fd);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, scratch_make, scratch_remove)
		TEST(messages_of_each_pattern),
		TEST(own_patterns_and_choice),
		TEST(numbers_that_are_missing),
		TEST(what_is_no_record),
		TEST(random_bytes),
		TEST(lists),
		TEST(this_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
