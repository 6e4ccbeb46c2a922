/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_instances.c - files of a path with stars that come, go and change; the
 * energy counter that starts again. */
#include "recorder/collector.h"
#include "recorder/instances.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HWMON "/sys/class/hwmon/hwmon*/*_input"

static char root[64];

static int root_make(void **state)
{
	char command[256];

	(void)state;
	snprintf(root, sizeof(root), "/tmp/flightrec-sys-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	snprintf(command, sizeof(command), "mkdir -p %s/sys/kernel", root);
	return system(command);
}

static int root_remove(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static void shell(const char *format, const char *a)
{
	char command[512];
	int n = snprintf(command, sizeof(command), "cd %s/sys && ", root);

	snprintf(command + n, sizeof(command) - (size_t)n, format, a);
	assert_int_equal(system(command), 0);
}

/* In place, as sysfs does: an open descriptor sees it. */
static void put(const char *path, const char *text)
{
	char full[256], command[320];
	FILE *f;

	snprintf(full, sizeof(full), "%s/sys/%s", root, path);
	snprintf(command, sizeof(command), "mkdir -p $(dirname '%s')", full);
	assert_int_equal(system(command), 0);
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void uevent(void)
{
	static unsigned seqnum;
	char text[32];

	snprintf(text, sizeof(text), "%u\n", ++seqnum);
	put("kernel/uevent_seqnum", text);
}

/* Names of all, with blanks between. */
static const char *names(const struct instances *t)
{
	static char text[1024];
	size_t n = 0;

	text[0] = 0;
	for (unsigned i = 0; i < t->nr; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
				      i ? " " : "", t->all[i].name);
	return text;
}

static void test_names(void **state)
{
	struct instances t;

	(void)state;
	put("class/hwmon/hwmon0/name", "core temp\n");
	put("class/hwmon/hwmon0/temp1_input", "1\n");
	put("class/hwmon/hwmon0/temp1_max", "1\n");
	put("class/hwmon/hwmon0/_input", "1\n");
	put("class/hwmon/hwmon0/.x_input", "1\n");
	put("class/hwmon/hwmon12/fan2_input", "1\n");
	put("class/hwmon/hwmon/fan3_input", "1\n");
	put("class/hwmon/other/fan4_input", "1\n");
	assert_int_equal(instances_init(&t, root, HWMON, "name", 64), 0);
	assert_string_equal(names(&t), "0.core_temp.temp1 12.fan2");
	instances_free(&t);
	assert_int_equal(instances_init(&t, root, HWMON, NULL, 64), 0);
	assert_string_equal(names(&t), "0.temp1 12.fan2");
	instances_free(&t);
	assert_int_equal(instances_init(&t, "/nonexistent", HWMON, NULL, 64),
			 0);
	assert_int_equal(t.nr, 0);
	instances_free(&t);
	shell("rm -r class%s", "");
}

/* A device that comes with a uevent is there in the next round; without one, after
 * INSTANCES_ROUNDS at the latest. */
static void test_come(void **state)
{
	struct instances t;
	unsigned rounds = 0;

	(void)state;
	put("class/hwmon/hwmon0/temp1_input", "1\n");
	uevent();
	assert_int_equal(instances_init(&t, root, HWMON, NULL, 64), 0);
	put("class/hwmon/hwmon1/temp1_input", "1\n");
	instances_refresh(&t);
	assert_string_equal(names(&t), "0.temp1");
	uevent();
	instances_refresh(&t);
	assert_string_equal(names(&t), "0.temp1 1.temp1");
	put("class/hwmon/hwmon2/temp1_input", "1\n");
	for (; t.nr < 3 && rounds <= INSTANCES_ROUNDS; rounds++)
		instances_refresh(&t);
	assert_int_equal(rounds, INSTANCES_ROUNDS);
	instances_free(&t);
	shell("rm -r class%s", "");
}

/* What goes is noticed at once; the others keep descriptor and memory. */
static void test_go(void **state)
{
	struct instances t;
	int fd;

	(void)state;
	for (char name[] = "class/hwmon/hwmon0/temp1_input"; name[17] < '5';
	     name[17]++)
		put(name, "1\n");
	assert_int_equal(instances_init(&t, root, HWMON, NULL, 64), 0);
	assert_int_equal(t.nr, 5);
	fd = t.all[3].file.fd;
	assert_true(fd >= 0);
	t.all[3].kept[0] = 77;
	shell("rm -r class/hwmon/hwmon%s", "1");
	/* A file that was removed can still be read on a disk; in sysfs it is
	 * ENODEV, as if the descriptor were gone. */
	procfile_close(&t.all[1].file);
	assert_int_equal(instances_read(&t, &t.all[1]), -ENOENT);
	instances_refresh(&t);
	assert_string_equal(names(&t), "0.temp1 2.temp1 3.temp1 4.temp1");
	assert_int_equal(t.all[2].file.fd, fd);
	assert_int_equal(t.all[2].kept[0], 77);
	instances_free(&t);
	shell("rm -r class%s", "");
}

/* Another chip under the same number is another instance. */
static void test_replaced(void **state)
{
	struct instances t;

	(void)state;
	put("class/hwmon/hwmon0/name", "old\n");
	put("class/hwmon/hwmon0/temp1_input", "1\n");
	assert_int_equal(instances_init(&t, root, HWMON, "name", 64), 0);
	t.all[0].kept[0] = 5;
	put("class/hwmon/hwmon0/name", "new\n");
	uevent();
	instances_refresh(&t);
	assert_string_equal(names(&t), "0.new.temp1");
	assert_int_equal(t.all[0].kept[0], 0);
	instances_free(&t);
	shell("rm -r class%s", "");
}

static unsigned open_descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 8192; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* A machine with more files than we take, and than we keep open. */
static void test_bounds(void **state)
{
	unsigned before = open_descriptors();
	struct instances t;

	(void)state;
	shell("mkdir -p class/hwmon/hwmon0 && cd class/hwmon/hwmon0 && "
	      "seq -f temp%%g_input 1 5000 | xargs sh -c 'for f; do echo 7 >$f; "
	      "done' sh%s",
	      "");
	assert_int_equal(instances_init(&t, root, HWMON, NULL, 64), 0);
	assert_int_equal(t.nr, INSTANCES_MAX);
	assert_true(t.too_many);
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < t.nr; i++) {
			assert_int_equal(instances_read(&t, &t.all[i]), 0);
			assert_int_equal(t.all[i].file.len, 2);
		}
	assert_true(open_descriptors() <= before + INSTANCES_OPEN_MAX + 1);
	assert_true(open_descriptors() >= before + INSTANCES_OPEN_MAX);
	instances_free(&t);
	assert_int_equal(open_descriptors(), before);
	shell("rm -r class%s", "");
}

/* A thousand times: a device comes, is read, goes. */
static void test_hot_plug(void **state)
{
	char path[160], dir[128];
	struct instances t;
	FILE *f;

	(void)state;
	put("class/hwmon/hwmon0/temp1_input", "1\n");
	assert_int_equal(instances_init(&t, root, HWMON, NULL, 64), 0);
	snprintf(dir, sizeof(dir), "%s/sys/class/hwmon/hwmon1", root);
	snprintf(path, sizeof(path), "%s/temp1_input", dir);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(mkdir(dir, 0700), 0);
		f = fopen(path, "w");
		assert_non_null(f);
		fprintf(f, "%u\n", i);
		fclose(f);
		t.stale = true;
		instances_refresh(&t);
		assert_int_equal(t.nr, 2);
		assert_int_equal(instances_read(&t, &t.all[1]), 0);
		assert_int_equal(strtoul(t.all[1].file.buf, NULL, 10), i);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(rmdir(dir), 0);
		t.stale = true;
		instances_refresh(&t);
		assert_int_equal(t.nr, 1);
	}
	instances_free(&t);
	shell("rm -r class%s", "");
}

/* ---- the energy counter ----------------------------------------------------------- */
static int64_t energy(struct collector *c, struct sample *s)
{
	sample_begin(s);
	c->ops->collect(c, s);
	sample_end(s);
	assert_int_equal(s->nr, 1);
	return s->values[0].value;
}

static void test_energy_wraps(void **state)
{
	struct collector c = { .ops = collector_find("rapl") };
	struct metric_table *t = metric_table_new();
	struct sample s;

	(void)state;
	put("class/powercap/intel-rapl:0/name", "package-0\n");
	put("class/powercap/intel-rapl:0/max_energy_range_uj", "1000\n");
	put("class/powercap/intel-rapl:0/energy_uj", "900\n");
	sample_init(&s, t);
	assert_int_equal(c.ops->prepare(&c, NULL), 0);
	assert_int_equal(c.ops->open(&c, root), 0);
	assert_int_equal(energy(&c, &s), 900);
	put("class/powercap/intel-rapl:0/energy_uj", "990\n");
	assert_int_equal(energy(&c, &s), 990);
	put("class/powercap/intel-rapl:0/energy_uj", "50\n");
	assert_int_equal(energy(&c, &s), 1050);
	put("class/powercap/intel-rapl:0/energy_uj", "60\n");
	assert_int_equal(energy(&c, &s), 1060);
	put("class/powercap/intel-rapl:0/energy_uj", "10\n");
	assert_int_equal(energy(&c, &s), 2010);
	assert_int_equal(s.errors, 0);
	c.ops->close(&c);
	sample_free(&s);
	metric_table_free(t);
	shell("rm -r class%s", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_come),
		cmocka_unit_test(test_go),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_hot_plug),
		cmocka_unit_test(test_energy_wraps),
	};

	return cmocka_run_group_tests(tests, root_make, root_remove);
}
