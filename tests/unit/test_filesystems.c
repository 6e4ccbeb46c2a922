/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_filesystems.c - which mounts are measured, what is said of them, and one
 * that never answers. */
#include "recorder/collector.h"
#include "recorder/mounts.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

/* ---- mountinfo -------------------------------------------------------------------- */
static const char *listed(const char *list, const char *text, unsigned errors)
{
	static char names[1024];
	struct mounts m = { 0 };
	size_t n = 0;

	assert_int_equal(mounts_parse(&m, list, text, strlen(text)), 0);
	assert_int_equal(m.errors, errors);
	names[0] = 0;
	for (unsigned i = 0; i < m.nr; i++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s%s",
				      i ? " " : "", m.all[i].name,
				      m.all[i].local ? "" : "?");
	mounts_free(&m);
	return names;
}

static const char table[] =
	"22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
	"28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
	"29 28 254:1 /srv /bind rw shared:1 - ext4 /dev/vda1 rw\n"
	"30 28 0:44 / /home rw shared:9 master:3 - nfs4 filer:/home rw\n"
	"31 28 0:45 / /mnt/a\\040b rw - fuse.sshfs h: rw\n"
	"32 28 0:46 / /run rw - tmpfs tmpfs rw\n"
	"33 28 7:0 / /snap/core ro - squashfs /dev/loop0 ro\n"
	"34 28 0:47 / /var/lib/c/merged rw - overlay overlay rw\n"
	"35 28 8:17 / /data rw - xfs /dev/sdb1 rw\n"
	"36 35 8:33 / /data rw - xfs /dev/sdc1 rw\n";

static void test_which(void **state)
{
	(void)state;
	assert_string_equal(listed(NULL, table, 0), "/ /run /data");
	assert_string_equal(listed("/*", table, 0),
			    "/sys? / /home? /mnt/a\\040b? /run /snap/core "
			    "/var/lib/c/merged /data");
	assert_string_equal(listed("/home, /mnt/*", table, 0),
			    "/home? /mnt/a\\040b?");
	assert_string_equal(listed(NULL, "1 0 0:5 / / rw - overlay o rw\n", 0),
			    "/");
	/* Hidden by something that is not measured. */
	assert_string_equal(listed(NULL,
				   "1 0 8:1 / /a rw - ext4 x rw\n"
				   "2 1 0:9 / /a rw - nfs h:/ rw\n",
				   0),
			    "");
}

static void test_bad_lines(void **state)
{
	(void)state;
	assert_string_equal(listed("/*",
				   "\n1\n1 0\n1 0 8 / /a rw - ext4 x rw\n"
				   "1 0 8:x / /a rw - ext4 x rw\n"
				   "1 0 8:1 / a rw - ext4 x rw\n"
				   "1 0 8:1 / /a rw ext4 x rw\n"
				   "1 0 8:1 / /a rw -\n"
				   "1 0 8:1 / /a rw - ext4\n"
				   "1 0 8:2 / /ok rw - ext4 x rw\n"
				   "1 0 8:1 / /cut rw - ext4",
				   9),
			    "/ok");
}

static void test_decode(void **state)
{
	static const char text[] =
		"1 0 8:1 / /a\\040b\\134\\999 rw - ext4 x r\n";
	struct mounts m = { 0 };

	(void)state;
	assert_int_equal(mounts_parse(&m, NULL, text, strlen(text)), 0);
	assert_string_equal(m.all[0].point, "/a b\\\\999");
	assert_string_equal(m.all[0].name, "/a\\040b\\134\\999");
	mounts_free(&m);
}

static void test_many(void **state)
{
	char *text = calloc(4096, 64);
	struct mounts m = { 0 };
	size_t n = 0;

	(void)state;
	for (unsigned i = 0; i < 4000; i++)
		n += (size_t)snprintf(text + n, 4096 * 64 - n,
				      "1 0 8:%u / /m%u rw - ext4 x rw\n", i, i);
	assert_int_equal(mounts_parse(&m, NULL, text, n), 0);
	assert_int_equal(m.nr, MOUNTS_MAX);
	assert_int_equal(m.errors, 4000 - MOUNTS_MAX);
	mounts_free(&m);
	free(text);
}

/* ---- this machine ------------------------------------------------------------------ */
struct rig {
	struct collector c;
	struct metric_table *table;
	struct sample s;
};

static void rig_open(struct rig *r, const char *list)
{
	*r = (struct rig){ .c.ops = collector_find("filesystems") };
	r->table = metric_table_new();
	sample_init(&r->s, r->table);
	assert_int_equal(r->c.ops->prepare(&r->c, list), 0);
	assert_int_equal(r->c.ops->open(&r->c, ""), 0);
}

static void rig_round(struct rig *r)
{
	sample_begin(&r->s);
	r->c.ops->collect(&r->c, &r->s);
	sample_end(&r->s);
}

static void rig_close(struct rig *r)
{
	r->c.ops->close(&r->c);
	sample_free(&r->s);
	metric_table_free(r->table);
}

/* -1: absent. */
static int64_t rig_get(struct rig *r, const char *point, const char *field)
{
	char name[256];

	snprintf(name, sizeof(name), "filesystem.%s.%s", point, field);
	for (unsigned i = 0; i < r->s.nr; i++) {
		const struct metric_value *v = &r->s.values[i];

		if (strcmp(metric_table_get(r->table, v->id)->name, name) == 0)
			return v->value;
	}
	return -1;
}

/* Mounts of our own, where that is allowed. */
static int private_mounts(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/flightrec-fs-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		print_message("skip: this needs root\n");
		rmdir(dir);
		dir[0] = 0;
	}
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	return dir[0] ? rmdir(dir) : 0;
}

static int64_t stat_f(const char *format)
{
	char command[256], text[64] = "";
	FILE *f;

	snprintf(command, sizeof(command), "stat -f -c '%s' %s", format, dir);
	f = popen(command, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	pclose(f);
	return strtoll(text, NULL, 10);
}

/* Beside what coreutils' stat(1) says; the mount comes while we run, its space is
 * used, it is made read-only, and our looking does not keep it mounted. */
static void test_live(void **state)
{
	char path[128], block[8192] = { 1 };
	struct rig r;
	int fd;

	(void)state;
	if (!dir[0])
		skip();
	rig_open(&r, NULL);
	rig_round(&r);
	assert_int_equal(rig_get(&r, dir, "size_bytes"), -1);
	assert_int_equal(mount("t", dir, "tmpfs", 0, "size=1m,nr_inodes=50"),
			 0);
	rig_round(&r);
	assert_int_equal(rig_get(&r, dir, "size_bytes"), 1 << 20);
	assert_int_equal(rig_get(&r, dir, "inodes"), 50);
	assert_int_equal(rig_get(&r, dir, "readonly"), 0);
	snprintf(path, sizeof(path), "%s/file", dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	close(fd);
	rig_round(&r);
	assert_int_equal(rig_get(&r, dir, "free_bytes"), (1 << 20) - 8192);
	assert_int_equal(rig_get(&r, dir, "free_bytes"),
			 stat_f("%f") * stat_f("%S"));
	assert_int_equal(rig_get(&r, dir, "available_bytes"),
			 stat_f("%a") * stat_f("%S"));
	assert_int_equal(rig_get(&r, dir, "inodes_free"), stat_f("%d"));
	/* Read-only here, not the file system. */
	assert_int_equal(mount(NULL, dir, NULL,
			       MS_BIND | MS_REMOUNT | MS_RDONLY, NULL),
			 0);
	rig_round(&r);
	assert_int_equal(rig_get(&r, dir, "readonly"), 0);
	assert_int_equal(mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, NULL),
			 0);
	rig_round(&r);
	assert_int_equal(rig_get(&r, dir, "readonly"), 1);
	assert_int_equal(umount(dir), 0);
	rig_round(&r);
	assert_int_equal(rig_get(&r, dir, "size_bytes"), -1);
	assert_int_equal(r.s.errors, 0);
	rig_close(&r);
}

/* A FUSE file system whose server never answers: not asked unless named, and then
 * rounds go on, and say so. */
static void test_hanging(void **state)
{
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[128];
	struct rig r;

	(void)state;
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
	if (!dir[0] || fuse < 0 || mount("hang", dir, "fuse", 0, options))
		skip();
	rig_open(&r, NULL);
	rig_round(&r);
	assert_int_equal(rig_get(&r, dir, "answers"), -1);
	rig_close(&r);

	snprintf(options, sizeof(options), "/ %s", dir);
	rig_open(&r, options);
	for (unsigned i = 0; i < 3; i++) {
		rig_round(&r);
		assert_int_equal(rig_get(&r, dir, "answers"), 0);
		assert_int_equal(rig_get(&r, dir, "size_bytes"), -1);
		assert_true(rig_get(&r, "/", "size_bytes") > 0);
	}
	assert_int_equal(r.s.errors, 0);
	rig_close(&r); /* does not wait for the thread that hangs */
	close(fuse);   /* which ends it */
	assert_int_equal(umount2(dir, MNT_DETACH), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which),  cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_decode), cmocka_unit_test(test_many),
		cmocka_unit_test(test_live),   cmocka_unit_test(test_hanging),
	};

	return cmocka_run_group_tests(tests, private_mounts, remove_dir);
}
