/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_collectors_damage.c - what the collectors say of files that are missing,
 * cut, endless, or full of other things. */
#include "tests/unit/collector_rig.h"

static size_t slurp(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(buf, 1, size, f);
	fclose(f);
	return n;
}

/* Fills a sample from bytes. */
static void parse(const struct collector_source *src, struct sample *s,
		  const char *buf, size_t len)
{
	/* A copy of exact size, so that ASan sees a read beyond it. */
	char *copy = malloc(len ? len : 1);

	memcpy(copy, buf, len);
	sample_begin(s);
	src->parse(s, src->inst, copy, len);
	sample_end(s);
	free(copy);
}

/* ${cut} says nothing but what ${whole} says. */
static void assert_part_of(const struct sample *cut, const struct sample *whole)
{
	unsigned j = 0;

	for (unsigned i = 0; i < cut->nr; i++) {
		while (j < whole->nr && whole->values[j].id < cut->values[i].id)
			j++;
		assert_true(j < whole->nr);
		assert_int_equal(whole->values[j].id, cut->values[i].id);
		assert_true(whole->values[j].value == cut->values[i].value);
	}
	assert_true(cut->nr <= whole->nr);
}

/* A file cut at each byte: what is still said is what the whole file says.  Nobody
 * can see that a file of which the last lines are missing is too short. */
static void cut_everywhere(const struct collector_source *given,
			   const char *path, const char *inst)
{
	static char buf[TEXT_MAX];
	struct collector_source src = *given;
	struct metric_table *t = metric_table_new();
	struct sample whole, cut;
	size_t len = slurp(path, buf, sizeof(buf));

	src.inst = inst;
	sample_init(&whole, t);
	sample_init(&cut, t);
	parse(&src, &whole, buf, len);
	assert_int_equal(whole.errors, 0);
	for (size_t n = 0; n < len; n++) {
		if (src.adds_up && n && buf[n - 1] == '\n')
			continue;
		parse(&src, &cut, buf, n);
		assert_part_of(&cut, &whole);
	}
	sample_free(&whole);
	sample_free(&cut);
	metric_table_free(t);
}

/* Each file that a path with stars stands for. */
static void cut_tree(const struct collector_source *src, const char *root)
{
	struct instances t;

	assert_int_equal(
		instances_init(&t, root, src->path, src->label, src->max), 0);
	for (unsigned i = 0; i < t.nr; i++)
		cut_everywhere(src, t.all[i].file.path, t.all[i].name);
	if (t.nr == 0 && !strstr(src->path, "_average"))
		fail_msg("no golden file for %s", src->path);
	instances_free(&t);
}

static void test_cut(void **state)
{
	static const char root[] = GOLDEN "linux-6.18";
	char path[256];

	(void)state;
	for (unsigned i = 0; collector_all[i]; i++) {
		const struct collector_source *src = collector_all[i]->sources;

		for (; src && src->path; src++) {
			snprintf(path, sizeof(path), "%s%s", root, src->path);
			if (collector_is_tree(src))
				cut_tree(src, root);
			else
				cut_everywhere(src, path, src->inst);
		}
	}
}

static unsigned required_sources(void)
{
	unsigned n = 0;

	for (unsigned i = 0; collector_all[i]; i++) {
		const struct collector_source *src = collector_all[i]->sources;

		for (unsigned j = 0; src && src[j].path; j++)
			n += !src[j].optional && !collector_is_tree(&src[j]);
	}
	return n;
}

static void test_missing(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, "/nonexistent", NULL, NULL);
	rig_round(&r);
	assert_int_equal(rig_values(&r), 0);
	/* One for each file that every kernel has. */
	assert_true(required_sources() >= 6);
	assert_int_equal(rig_errors(&r), required_sources());
	rig_close(&r);
}

static void test_one_bad_among_good(void **state)
{
	struct rig r;
	int64_t v;

	(void)state;
	put("loadavg", "0.10 0.20 0.30 1/2 3\n", 21);
	put("vmstat", "pgfault 7\npgmajfault x\nnr_dirty 3 9\n\n", 37);
	put("net/dev", "", 0);
	rig_open(&r, scratch, NULL, NULL);
	rig_round(&r);
	assert_true(rig_get(&r, "vmstat.pgfault", &v) && v == 7);
	assert_false(rig_get(&r, "vmstat.pgmajfault", &v));
	assert_true(rig_get(&r, "vmstat.nr_dirty", &v) && v == 3);
	assert_true(rig_get(&r, "load.load15", &v) && v == 30);
	/* All but three are missing, net is empty, two lines of vmstat. */
	assert_int_equal(rig_errors(&r), required_sources() - 3 + 1 + 2);
	rig_close(&r);
}

static void test_numbers(void **state)
{
	static const char text[] = "a 9223372036854775807\n"
				   "b 9223372036854775808\n"
				   "c 99999999999999999999999\n"
				   "d -1\ne 1e5\nf 0x10\ng 12\tx\nh\n i 5\n";
	struct rig r;
	int64_t v;

	(void)state;
	put("vmstat", text, sizeof(text) - 1);
	rig_open(&r, scratch, "vmstat", NULL);
	rig_round(&r);
	assert_true(rig_get(&r, "vmstat.a", &v) && v == INT64_MAX);
	assert_true(rig_get(&r, "vmstat.g", &v) && v == 12);
	assert_true(rig_get(&r, "vmstat.i", &v) && v == 5);
	assert_int_equal(rig_values(&r), 3);
	assert_int_equal(rig_errors(&r), 6);
	rig_close(&r);
}

static void test_overflow_of_factor(void **state)
{
	static const char text[] = "Big: 9223372036854775807 kB\nOk: 1 kB\n"
				   "Odd: 1 MB\n";
	struct rig r;
	int64_t v;

	(void)state;
	put("meminfo", text, sizeof(text) - 1);
	rig_open(&r, scratch, "memory", NULL);
	rig_round(&r);
	assert_int_equal(rig_values(&r), 1);
	assert_true(rig_get(&r, "meminfo.Ok", &v) && v == 1024);
	assert_int_equal(rig_errors(&r), 2);
	rig_close(&r);
}

static void test_twice_and_bad_names(void **state)
{
	char text[1024], longname[400];
	struct rig r;
	int64_t v;

	(void)state;
	memset(longname, 'x', sizeof(longname));
	longname[sizeof(longname) - 1] = 0;
	snprintf(text, sizeof(text), "a 1\na 2\n%s 3\nb\x01y 4\n", longname);
	put("vmstat", text, strlen(text));
	rig_open(&r, scratch, "vmstat", NULL);
	rig_round(&r);
	assert_int_equal(rig_values(&r), 1);
	assert_true(rig_get(&r, "vmstat.a", &v) && v == 1);
	assert_int_equal(rig_errors(&r), 3);
	rig_close(&r);
}

/* A line of 4 GB: a bounded part is read, and nothing made of it. */
static void test_endless_line(void **state)
{
	struct rig r;
	char path[192];

	(void)state;
	put("meminfo", "MemTotal: 1", 11);
	snprintf(path, sizeof(path), "%s/proc/meminfo", scratch);
	assert_int_equal(truncate(path, 4LL << 30), 0);
	rig_open(&r, scratch, "memory", NULL);
	rig_round(&r);
	assert_int_equal(rig_values(&r), 0);
	assert_int_equal(rig_errors(&r), 1);
	assert_true(r.c[0].files[0].cut);
	assert_true(r.c[0].files[0].size <= r.c[0].ops->sources[0].max);
	rig_close(&r);
	put("meminfo", "", 0);
}

/* A path with stars becomes that of one file that fits. */
static void noise_path(const char *given, char *path, size_t size)
{
	size_t at = (size_t)snprintf(path, size, "%s", scratch);

	for (const char *p = given; *p && at + 1 < size; p++)
		path[at++] = *p == '*' ? '0' : *p;
	path[at] = 0;
}

static void put_noise(const char *given, unsigned *seed, bool of_some)
{
	static const char some[] = "0123456789 .:\n\tabc=/|cpu-[](),";
	char path[192], command[256], noise[4096];
	FILE *f;

	for (unsigned j = 0; j < sizeof(noise); j++) {
		*seed = *seed * 1103515245 + 12345;
		noise[j] = of_some ? some[(*seed >> 16) % (sizeof(some) - 1)] :
				     (char)(*seed >> 16);
	}
	noise_path(given, path, sizeof(path));
	snprintf(command, sizeof(command), "mkdir -p $(dirname '%s')", path);
	assert_int_equal(system(command), 0);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(noise, 1, sizeof(noise), f), sizeof(noise));
	fclose(f);
}

/* The first lines that make other ones mean something. */
static void put_noise_behind(const char *given, unsigned *seed)
{
	static const char *const heads[][2] = {
		{ "/proc/interrupts", "  CPU0 CPU1\n" },
		{ "/proc/schedstat", "version 15\n" },
		{ "/proc/self/mountstats",
		  "device a:/b mounted on /c with fstype nfs statvers=1.1\n"
		  "per-op statistics\n" },
	};
	char path[192], text[8192];
	size_t n;

	put_noise(given, seed, true);
	for (unsigned i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		if (strcmp(given, heads[i][0]) != 0)
			continue;
		noise_path(given, path, sizeof(path));
		n = (size_t)snprintf(text, sizeof(text), "%s", heads[i][1]);
		n += slurp(path, text + n, sizeof(text) - n);
		put(given + strlen("/proc/"), text, n);
	}
}

static void test_random_bytes(void **state)
{
	unsigned seed = 1;
	struct rig r;

	(void)state;
	rig_open(&r, scratch, NULL, NULL);
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; collector_all[i]; i++) {
			const struct collector_source *src =
				collector_all[i]->sources;

			for (; src && src->path; src++) {
				if (round % 4 == 0)
					put_noise_behind(src->path, &seed);
				else
					put_noise(src->path, &seed,
						  round % 2 == 0);
			}
		}
		/* So that the files with stars are looked for. */
		put_noise("/sys/kernel/uevent_seqnum", &seed, true);
		put_noise("/proc/self/mountinfo", &seed, round % 2 == 0);
		rig_round(&r);
	}
	assert_true(rig_errors(&r) > 1000);
	rig_close(&r);
	rig_open(&r, scratch, NULL, "*");
	rig_round(&r);
	rig_close(&r);
}

/* ---- sums, and files of /sys ------------------------------------------------ */
/* The values of one collector that finds ${text} in its one file. */
static void one_file(struct rig *r, const char *name, const char *path,
		     const char *text, const char *list)
{
	char command[512], full[192];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", scratch, path);
	snprintf(command, sizeof(command),
		 "rm -rf %s/proc %s/sys; mkdir -p $(dirname %s)", scratch,
		 scratch, full);
	assert_int_equal(system(command), 0);
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	rig_open(r, scratch, name, list);
	rig_round(r);
}

#define CONNTRACK "/proc/net/stat/nf_conntrack"

/* A sum over lines of which one cannot be read is not a value. */
static void test_sums(void **state)
{
	static const char slab[] =
		"slabinfo - version: 2.1\n# name\n"
		"a 1 2 64 2 1 : tunables 0 0 0 : slabdata 1 1 0\n"
		"b 3 x 64 2 1 : tunables 0 0 0 : slabdata 1 1 0\n";
	struct rig r;
	int64_t v;

	(void)state;
	one_file(&r, "conntrack", CONNTRACK,
		 "entries found drop\n07 0A 1f\n07 FFFFFFFF 1\n", NULL);
	assert_true(rig_get(&r, "conntrack.found", &v) && v == 0x100000009);
	assert_true(rig_get(&r, "conntrack.drop", &v) && v == 0x20);
	assert_int_equal(rig_values(&r), 2);
	assert_int_equal(rig_errors(&r), 0);
	rig_close(&r);
	for (unsigned i = 0; i < 4; i++) {
		static const char *const bad[] = {
			"e f\n1 x\n2 3\n", "e f\n1 \x10\n2 3\n",
			"e f\n1\n2 3\n", "e f\n1 8000000000000000\n2 3\n"
		};

		one_file(&r, "conntrack", CONNTRACK, bad[i], NULL);
		assert_int_equal(rig_values(&r), 0);
		assert_int_equal(rig_errors(&r), 1);
		rig_close(&r);
	}
	one_file(&r, "slab", "/proc/slabinfo", slab, NULL);
	assert_int_equal(rig_values(&r), 0);
	assert_int_equal(rig_errors(&r), 1);
	rig_close(&r);
	one_file(&r, "slab", "/proc/slabinfo", slab, "a");
	assert_int_equal(rig_values(&r), 3);
	assert_true(rig_get(&r, "slab.a.objects", &v) && v == 2);
	rig_close(&r);
}

static void test_interrupts_odd(void **state)
{
	struct rig r;
	int64_t v;

	(void)state;
	one_file(&r, "interrupts", "/proc/interrupts", "8: 1 2 x  y\n", NULL);
	assert_int_equal(rig_values(&r), 0);
	assert_int_equal(rig_errors(&r), 1);
	rig_close(&r);
	one_file(&r, "interrupts", "/proc/interrupts",
		 " CPU0 CPU1\n8: 1 2  chip  a b,c\n9: 1\nERR: 4\n10: 1 x  y\n"
		 "7: 1 9223372036854775807  chip  z\n",
		 NULL);
	assert_true(rig_get(&r, "interrupts.8.a", &v) && v == 3);
	assert_true(rig_get(&r, "interrupts.ERR", &v) && v == 4);
	assert_true(rig_get(&r, "interrupts.9", &v) && v == 1);
	assert_int_equal(rig_values(&r), 3);
	assert_int_equal(rig_errors(&r), 2);
	rig_close(&r);
}

/* Files of /sys: empty, too long, no number, one that cannot be read. */
static void test_bad_sys(void **state)
{
	static const char *const bad[] = { "",       "\n",
					   "x\n",    "1 2\n",
					   "1\n2\n", "99999999999999999999\n",
					   "12" };
	char longer[256];
	struct rig r;
	int64_t v;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		one_file(&r, "hwmon", "/sys/class/hwmon/hwmon0/temp1_input",
			 bad[i], NULL);
		assert_int_equal(rig_values(&r), 0);
		assert_true(rig_errors(&r) >= 1);
		rig_close(&r);
	}
	snprintf(longer, sizeof(longer), "%0200d\n", 7);
	one_file(&r, "hwmon", "/sys/class/hwmon/hwmon0/temp1_input", longer,
		 NULL);
	assert_int_equal(rig_values(&r), 0);
	assert_true(rig_errors(&r) >= 1);
	rig_close(&r);
	one_file(&r, "hwmon", "/sys/class/hwmon/hwmon0/temp1_input", "-5\n",
		 NULL);
	assert_true(rig_get(&r, "hwmon.0.temp1", &v) && v == -5);
	assert_int_equal(rig_errors(&r), 0);
	rig_close(&r);
	/* A folder in place of the file: EISDIR, no value and no error. */
	one_file(&r, "hwmon", "/sys/class/hwmon/hwmon0/temp1_input/x", "1\n",
		 NULL);
	assert_int_equal(rig_values(&r) + rig_errors(&r), 0);
	rig_close(&r);
	assert_int_equal(scratch_again(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_one_bad_among_good),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_overflow_of_factor),
		cmocka_unit_test(test_twice_and_bad_names),
		cmocka_unit_test(test_endless_line),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_interrupts_odd),
		cmocka_unit_test(test_bad_sys),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
