/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_mounts.c - mount points that are there, gone, read-only, or never answer. */
#include "tests/unit/collector_rig.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

static char dir[64], other[80];
static struct rig rig;

/* Mounts of our own, where that is allowed. */
static int private_mounts(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/flightrec-mnt-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(other, sizeof(other), "%s-2", dir);
	if (mkdir(other, 0700))
		return -1;
	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		print_message("skip: this needs root\n");
		rmdir(dir);
		rmdir(other);
		dir[0] = 0;
	}
	return 0;
}

static int remove_dirs(void **state)
{
	(void)state;
	return dir[0] ? rmdir(dir) | rmdir(other) : 0;
}

/* -9: absent. */
static int64_t value(const char *point, const char *field)
{
	char name[192];
	int64_t v;

	snprintf(name, sizeof(name), "mounts.%s.%s", point, field);
	return rig_get(&rig, name, &v) ? v : -9;
}

static void open_points(const char *list)
{
	rig_open(&rig, "", "mounts", list);
	rig_round(&rig);
}

/* mount(8) of util-linux is who did it, mountpoint(1) who says so. */
static void run(const char *format)
{
	char command[256];

	snprintf(command, sizeof(command), format, dir, other);
	if (system(command))
		fail_msg("%s failed", command);
}

static void comes_goes_and_is_made_readonly(void **state)
{
	char list[256];

	(void)state;
	if (!dir[0])
		skip();
	snprintf(list, sizeof(list), "%s /proc %s", dir, other);
	open_points(list);
	assert_int_equal(value(dir, "up"), 0);
	assert_int_equal(value(dir, "readonly"), -9);
	assert_int_equal(value("/proc", "up"), 1);
	run("mount -t tmpfs t %s && mountpoint -q %1$s");
	rig_round(&rig);
	assert_int_equal(value(dir, "up"), 1);
	assert_int_equal(value(dir, "readonly"), 0);
	/* The same file system at two points of the list. */
	run("mount --bind %s %s");
	rig_round(&rig);
	assert_int_equal(value(dir, "up"), 1);
	assert_int_equal(value(other, "up"), 1);
	/* This mount, not the file system: then not the other one. */
	run("mount -o remount,bind,ro %2$s");
	rig_round(&rig);
	assert_int_equal(value(other, "readonly"), 1);
	assert_int_equal(value(dir, "readonly"), 0);
	run("umount %2$s");
	rig_round(&rig);
	assert_int_equal(value(other, "up"), 0);
	run("mount -o remount,ro %s");
	rig_round(&rig);
	assert_int_equal(value(dir, "readonly"), 1);
	run("mount -o remount,rw %s");
	rig_round(&rig);
	assert_int_equal(value(dir, "readonly"), 0);
	run("umount %s && ! mountpoint -q %1$s");
	rig_round(&rig);
	assert_int_equal(value(dir, "up"), 0);
	assert_int_equal(rig_errors(&rig), 0);
	rig_close(&rig);
}

static unsigned threads(void)
{
	char line[128];
	unsigned n = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (fgets(line, sizeof(line), f))
		sscanf(line, "Threads: %u", &n);
	fclose(f);
	return n;
}

/* A FUSE file system whose server never answers; and what is left behind by it. */
static void never_answers(void **state)
{
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[128], list[128];
	int64_t up = -9;

	(void)state;
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
	if (!dir[0] || fuse < 0 || mount("hang", dir, "fuse", 0, options))
		skip();
	snprintf(list, sizeof(list), "/proc %s", dir);
	open_points(list);
	assert_int_equal(value(dir, "up"), -9); /* not known yet */
	while (up == -9) {
		rig_round(&rig);
		up = value(dir, "up");
		assert_int_equal(value("/proc", "up"), 1);
	}
	assert_int_equal(up, -1);
	rig_close(&rig); /* does not wait */
	close(fuse);     /* the answer is an error: the thread ends */
	assert_int_equal(umount2(dir, MNT_DETACH), 0);
	while (threads() > 1)
		sched_yield();
}

/* A server that is gone: an error is no answer. */
static void answers_with_an_error(void **state)
{
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[128];

	(void)state;
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
	if (!dir[0] || fuse < 0 || mount("dead", dir, "fuse", 0, options))
		skip();
	close(fuse);
	open_points(dir);
	while (value(dir, "up") == -9)
		rig_round(&rig);
	assert_int_equal(value(dir, "up"), -1);
	rig_close(&rig);
	assert_int_equal(umount2(dir, MNT_DETACH), 0);
	while (threads() > 1)
		sched_yield();
}

static void lists(void **state)
{
	const struct collector_ops *ops = collector_find("mounts");
	char what[256], many[1024] = "";
	size_t n = 0;

	(void)state;
	assert_int_equal(ops->check("/ /home", what, sizeof(what)), 0);
	assert_int_equal(ops->check("home", what, sizeof(what)), -EINVAL);
	assert_non_null(strstr(what, "'home' is no mount point"));
	assert_int_equal(ops->check(NULL, what, sizeof(what)), -EINVAL);
	for (unsigned i = 0; i < 65; i++)
		n += (size_t)snprintf(many + n, sizeof(many) - n, "/m%u ", i);
	assert_int_equal(ops->check(many, what, sizeof(what)), -EINVAL);
	assert_non_null(strstr(what, "1 to 64"));
}

static void damaged_mountinfo(void **state)
{
	static const char some[] = " /\\0-1ab:\n";
	char noise[4096];

	(void)state;
	assert_int_equal(scratch_make(NULL), 0);
	put("noise", "", 0);
	srand(5);
	assert_int_equal(chdir(scratch), 0);
	assert_int_equal(mkdir("proc/self", 0700), 0);
	for (unsigned round = 0; round < 100; round++) {
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = some[(unsigned)rand() % (sizeof(some) - 1)];
		put("self/mountinfo", noise, sizeof(noise));
		rig_open(&rig, scratch, "mounts", "/a /b");
		rig_round(&rig);
		assert_int_equal(value("/a", "up"), 0);
		rig_close(&rig);
	}
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(scratch_remove(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_goes_and_is_made_readonly),
		cmocka_unit_test(never_answers),
		cmocka_unit_test(answers_with_an_error),
		cmocka_unit_test(lists),
		cmocka_unit_test(damaged_mountinfo),
	};

	return cmocka_run_group_tests(tests, private_mounts, remove_dirs);
}
