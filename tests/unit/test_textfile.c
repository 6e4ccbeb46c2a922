/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_textfile.c - numbers that other programs leave in files, and what is none. */
#include "tests/unit/collector_rig.h"

#include <dirent.h>
#include <errno.h>

static struct rig rig;

static void put_file(const char *name, const void *text, size_t len)
{
	char path[192];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

static void put_text(const char *name, const char *text)
{
	put_file(name, text, strlen(text));
}

static void open_list(const char *list)
{
	rig_open(&rig, scratch, "textfile", list);
}

static void is(const char *name, int64_t thousandths)
{
	int64_t v = 0;

	if (!rig_get(&rig, name, &v))
		fail_msg("%s is absent", name);
	assert_true(v == thousandths);
}

static unsigned descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void lines_of_each_kind(void **state)
{
	(void)state;
	put_text("a.prom", "a=1\n b 2.5\n# HELP a b\n\nlong.name-x=-3e2\n"
			   "c_total{x=\"a b=c\",y=\"\\\"}\"} 3e3 1700000000\n"
			   "tiny=0.0004\nlast =  7\n");
	open_list("/a.prom");
	rig_round(&rig);
	rig_round(&rig);
	is("textfile.a", 1000);
	is("textfile.b", 2500);
	is("textfile.long.name-x", -300000);
	is("textfile.c_total{x=\"a_b=c\",y=\"\\\"}\"}", 3000000);
	is("textfile.tiny", 0);
	is("textfile.last", 7000);
	assert_int_equal(rig_values(&rig), 6);
	assert_int_equal(rig_errors(&rig), 0);
	rig_close(&rig);
}

static void counters_by_their_name(void **state)
{
	struct metric *m;

	(void)state;
	put_text("a.prom", "n_total{a=\"b\"} 1\ntotal 1\n");
	open_list("/a.prom");
	rig_round(&rig);
	m = metric_table_get(rig.table, 1);
	assert_int_equal(m->def->kind, METRIC_COUNTER);
	m = metric_table_get(rig.table, 2);
	assert_int_equal(m->def->kind, METRIC_GAUGE);
	rig_close(&rig);
}

static void what_is_no_number(void **state)
{
	(void)state;
	put_text("a.prom",
		 "good=1\nalone\n=5\na=\nb=x\nc=nan\nd=inf\ne=0x10\nf=1e300\n"
		 "g=1 2 3\nh=12abc\ni=--1\nj{x=\"open 1\n"
		 "k=99999999999999999999999999999999999999999999999999999999999"
		 "9999999999999999\n");
	open_list("/a.prom");
	rig_round(&rig);
	is("textfile.good", 1000);
	is("textfile.g", 1000);
	assert_int_equal(rig_values(&rig), 2);
	assert_int_equal(rig_errors(&rig), 12);
	rig_close(&rig);
}

static void folders(void **state)
{
	(void)state;
	put_text("a.prom", "a=1\n");
	put_text("b.kv", "b=2\n");
	put_text("c.txt", "c=3\n");
	put_text(".d.kv", "d=4\n");
	open_list("/ /c.txt");
	rig_round(&rig);
	is("textfile.a", 1000);
	is("textfile.b", 2000);
	is("textfile.c", 3000);
	assert_int_equal(rig_values(&rig), 3);
	put_text("b.kv", "bb=2\n");
	rig_round(&rig);
	is("textfile.bb", 2000);
	assert_int_equal(rig_values(&rig), 3);
	rig_close(&rig);
}

/* Missing, without end, endless, a fifo, a folder: an error each, nothing more. */
static void bad_files(void **state)
{
	char path[192];
	unsigned fds;

	(void)state;
	put_text("cut.prom", "a=1\nb=2");
	put_text("long.prom", "");
	snprintf(path, sizeof(path), "%s/long.prom", scratch);
	assert_int_equal(truncate(path, 4LL << 30), 0);
	snprintf(path, sizeof(path), "%s/fifo", scratch);
	assert_int_equal(mkfifo(path, 0600), 0);
	put_text("good", "good=1\n");
	open_list(
		"/no/such /cut.prom /long.prom /fifo /proc /good /no/folder/");
	rig_round(&rig);
	fds = descriptors();
	rig_round(&rig);
	is("textfile.good", 1000);
	assert_int_equal(rig_values(&rig), 1);
	assert_int_equal(rig_errors(&rig), 12);
	assert_int_equal(descriptors(), fds);
	rig_close(&rig);
}

static void random_bytes(void **state)
{
	static const char some[] = "ab=. {}\"\\,#0123456789eE+-\n\t";
	char noise[8192];

	(void)state;
	srand(3);
	open_list("/a.prom");
	for (unsigned round = 0; round < 300; round++) {
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = round % 2 ? (char)rand() :
					       some[(unsigned)rand() %
						    (sizeof(some) - 1)];
		noise[sizeof(noise) - 1] = '\n';
		put_file("a.prom", noise, sizeof(noise));
		rig_round(&rig);
	}
	assert_true(rig_errors(&rig) > 1000);
	rig_close(&rig);
}

static void lists(void **state)
{
	const struct collector_ops *ops = collector_find("textfile");
	char what[256];

	(void)state;
	assert_int_equal(ops->check("/a /b/", what, sizeof(what)), 0);
	assert_int_equal(ops->check("", what, sizeof(what)), -EINVAL);
	assert_non_null(strstr(what, "textfile:/var"));
	assert_int_equal(ops->check("/a b", what, sizeof(what)), -EINVAL);
	assert_non_null(strstr(what, "'b' does not begin with /"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, scratch_make, scratch_remove)
		TEST(lines_of_each_kind),
		TEST(counters_by_their_name),
		TEST(what_is_no_number),
		TEST(folders),
		TEST(bad_files),
		TEST(random_bytes),
		TEST(lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
