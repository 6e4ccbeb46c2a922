/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_collectors.c - what the collectors say, against frozen files of several
 * kernels read by another program, and against damaged ones. */
#include "dump/schema.h"
#include "recorder/collector.h"
#include "recorder/row_table.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOLDEN            "tests/golden/proc/"
#define TEXT_MAX          (1 << 20)
#define NR_COLLECTORS_MAX 128

static const char *const kernels[] = { "linux-2.6.18", "linux-3.10",
				       "linux-4.19", "linux-6.1",
				       "linux-6.18" };

/* All collectors on one table, as the sampler has them. */
struct rig {
	struct metric_table *table;
	struct collector c[NR_COLLECTORS_MAX];
	struct sample s[NR_COLLECTORS_MAX];
	unsigned nr;
};

static void rig_open(struct rig *r, const char *root, const char *only,
		     const char *list)
{
	memset(r, 0, sizeof(*r));
	r->table = metric_table_new();
	for (unsigned i = 0; collector_all[i]; i++) {
		const struct collector_ops *ops = collector_all[i];

		if (only && strcmp(only, ops->name) != 0)
			continue;
		r->c[r->nr].ops = ops;
		assert_int_equal(ops->prepare(&r->c[r->nr], list), 0);
		assert_int_equal(ops->open(&r->c[r->nr], root), 0);
		sample_init(&r->s[r->nr], r->table);
		r->nr++;
	}
}

static void rig_round(struct rig *r)
{
	for (unsigned i = 0; i < r->nr; i++) {
		sample_begin(&r->s[i]);
		r->c[i].ops->collect(&r->c[i], &r->s[i]);
		sample_end(&r->s[i]);
	}
}

static void rig_close(struct rig *r)
{
	for (unsigned i = 0; i < r->nr; i++) {
		r->c[i].ops->close(&r->c[i]);
		sample_free(&r->s[i]);
	}
	metric_table_free(r->table);
}

static uint64_t rig_errors(const struct rig *r)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < r->nr; i++)
		sum += r->s[i].errors;
	return sum;
}

static unsigned rig_values(const struct rig *r)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < r->nr; i++)
		sum += r->s[i].nr;
	return sum;
}

/* The value of this round, by name; false: absent. */
static bool rig_get(struct rig *r, const char *name, int64_t *ret)
{
	for (unsigned i = 0; i < r->nr; i++)
		for (unsigned j = 0; j < r->s[i].nr; j++) {
			const struct metric_value *v = &r->s[i].values[j];

			if (strcmp(metric_table_get(r->table, v->id)->name,
				   name) == 0) {
				*ret = v->value;
				return true;
			}
		}
	return false;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

#define LINES_MAX 20000

/* "collector.KEY.field row 1 - value", with "-" for what was not captured, and a text
 * behind =. */
static size_t print_row(struct row_table *t, const char *collector,
			const struct fr_schema *s, unsigned row, char **lines)
{
	const uint8_t *now = row_table_now(t, row);
	unsigned long long key = 0;
	size_t n = 0, len;

	memcpy(&key, now + s->fields[0].offset, s->fields[0].width);
	for (unsigned i = 1; i < s->nr_fields; i++) {
		const struct fr_field *f = &s->fields[i];
		const char *at = (const char *)now + f->offset;
		uint64_t v = 0, null = f->width >= 8 ?
					       UINT64_MAX :
					       (1ULL << 8 * f->width) - 1;

		if (f->is_chars) {
			assert_true(asprintf(&lines[n++],
					     "%s.%llu.%s=%.*s row 1 - 0\n",
					     collector, key, f->name, f->width,
					     at) > 0);
			continue;
		}
		memcpy(&v, at, f->width);
		if (v != null)
			assert_true(asprintf(&lines[n++],
					     "%s.%llu.%s row 1 - %llu\n",
					     collector, key, f->name,
					     (unsigned long long)v) > 0);
	}
	if (s->tail_name)
		assert_true(asprintf(&lines[n++], "%s.%llu.%s=%s row 1 - 0\n",
				     collector, key, s->tail_name,
				     row_table_text(t, row, &len)) > 0);
	return n;
}

static size_t print_rows(const struct collector *c, char **lines)
{
	const struct fr_schema *s;
	char name[64];
	size_t n = 0;

	snprintf(name, sizeof(name), "%s_row", c->ops->name);
	s = fr_schema_by_name(name);
	for (unsigned i = 0; c->rows && i < row_table_count(c->rows); i++)
		n += print_row(c->rows, c->ops->name, s,
			       row_table_nth(c->rows, i), lines + n);
	return n;
}

/* "name kind scale unit value" lines, sorted, as expect.py prints them. */
static char *rig_print(struct rig *r)
{
	char **lines = calloc(rig_values(r) + LINES_MAX, sizeof(*lines));
	char *text = calloc(1, TEXT_MAX);
	size_t n = 0, at = 0;

	for (unsigned i = 0; i < r->nr; i++)
		n += print_rows(&r->c[i], lines + n);

	for (unsigned i = 0; i < r->nr; i++)
		for (unsigned j = 0; j < r->s[i].nr; j++) {
			const struct metric_value *v = &r->s[i].values[j];
			struct metric *m = metric_table_get(r->table, v->id);

			assert_true(asprintf(&lines[n++], "%s %s %u %s %lld\n",
					     m->name,
					     m->def->kind == METRIC_GAUGE ?
						     "gauge" :
						     "counter",
					     m->def->scale,
					     *m->def->unit ? m->def->unit : "-",
					     (long long)v->value) > 0);
		}
	qsort(lines, n, sizeof(*lines), by_text);
	for (size_t i = 0; i < n; i++) {
		at += (size_t)snprintf(text + at, TEXT_MAX - at, "%s",
				       lines[i]);
		free(lines[i]);
	}
	free(lines);
	return text;
}

static char *run(const char *command)
{
	char *text = calloc(1, TEXT_MAX);
	FILE *f = popen(command, "r");

	assert_non_null(f);
	assert_true(fread(text, 1, TEXT_MAX - 1, f) > 0);
	assert_int_equal(pclose(f), 0);
	return text;
}

/* The first line that differs: cmocka shows only the beginning. */
static void print_difference(const char *got, const char *want)
{
	size_t at = 0;

	while (got[at] && got[at] == want[at])
		at++;
	while (at && got[at - 1] != '\n')
		at--;
	print_error("got  %.100s\nwant %.100s\n", got + at, want + at);
}

/* expect.py sorts by code point, so does strcmp. */
static void test_golden(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(kernels) / sizeof(*kernels); i++) {
		char root[128], command[256];
		char *want, *got;
		struct rig r;

		snprintf(root, sizeof(root), GOLDEN "%s", kernels[i]);
		snprintf(command, sizeof(command),
			 "python3 " GOLDEN "expect.py %s | LC_ALL=C sort",
			 root);
		rig_open(&r, root, NULL, NULL);
		/* Twice: the second round takes the numbers from the order of
		 * the first. */
		rig_round(&r);
		rig_round(&r);
		want = run(command);
		got = rig_print(&r);
		if (strcmp(got, want) != 0)
			print_difference(got, want);
		assert_string_equal(got, want);
		assert_int_equal(rig_errors(&r), 0);
		free(want);
		free(got);
		rig_close(&r);
	}
}

/* A few by hand, in case both programs misread the same way. */
static void test_by_hand(void **state)
{
	struct rig r;
	int64_t v;

	(void)state;
	rig_open(&r, GOLDEN "linux-6.18", NULL, NULL);
	rig_round(&r);
	assert_true(rig_get(&r, "load.load1", &v));
	assert_int_equal(v, 4);
	assert_true(rig_get(&r, "load.total", &v));
	assert_int_equal(v, 92);
	assert_true(rig_get(&r, "diskstats.vda.read_bytes", &v));
	assert_int_equal(v, 1354325 * 512LL);
	assert_true(rig_get(&r, "meminfo.VmallocTotal", &v));
	assert_true(v == 35184372087808);
	assert_false(rig_get(&r, "diskstats.loop0.reads", &v));
	assert_true(rig_get(&r, "pressure.irq.full_avg60", &v));
	assert_int_equal(v, 2);
	rig_close(&r);
}

/* ---- damaged files -------------------------------------------------------- */
static char scratch[64];

static int scratch_make(void **state)
{
	char path[192];

	(void)state;
	snprintf(scratch, sizeof(scratch), "/tmp/flightrec-proc-XXXXXX");
	if (!mkdtemp(scratch))
		return -1;
	snprintf(path, sizeof(path), "mkdir -p %s/proc/net %s/proc/pressure",
		 scratch, scratch);
	return system(path);
}

static int scratch_remove(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", scratch);
	return system(command);
}

static void put(const char *name, const void *text, size_t len)
{
	char path[192];
	int fd;

	snprintf(path, sizeof(path), "%s/proc/%s", scratch, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

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

/* Each file cut at each byte: what is still said is what the whole file says. */
static void cut_everywhere(const struct collector_source *src, const char *root)
{
	static char buf[TEXT_MAX];
	struct metric_table *t = metric_table_new();
	struct sample whole, cut;
	char path[192];
	size_t len;

	snprintf(path, sizeof(path), "%s%s", root, src->path);
	len = slurp(path, buf, sizeof(buf));
	sample_init(&whole, t);
	sample_init(&cut, t);
	parse(src, &whole, buf, len);
	for (size_t n = 0; n < len; n++) {
		unsigned j = 0;

		parse(src, &cut, buf, n);
		for (unsigned i = 0; i < cut.nr; i++) {
			while (j < whole.nr &&
			       whole.values[j].id < cut.values[i].id)
				j++;
			assert_true(j < whole.nr);
			assert_int_equal(whole.values[j].id, cut.values[i].id);
			assert_true(whole.values[j].value ==
				    cut.values[i].value);
		}
		assert_true(cut.nr <= whole.nr);
	}
	sample_free(&whole);
	sample_free(&cut);
	metric_table_free(t);
}

static void test_cut(void **state)
{
	(void)state;
	for (unsigned i = 0; collector_all[i]; i++) {
		const struct collector_source *src = collector_all[i]->sources;

		for (unsigned j = 0; src && src[j].path; j++)
			cut_everywhere(&src[j], GOLDEN "linux-6.18");
	}
}

static unsigned required_sources(void)
{
	unsigned n = 0;

	for (unsigned i = 0; collector_all[i]; i++) {
		const struct collector_source *src = collector_all[i]->sources;

		for (unsigned j = 0; src && src[j].path; j++)
			n += !src[j].optional;
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

static void put_noise(const char *path, unsigned *seed, bool of_some)
{
	static const char some[] = "0123456789 .:\n\tabc=/|cpu";
	char command[256], noise[4096];

	for (unsigned j = 0; j < sizeof(noise); j++) {
		*seed = *seed * 1103515245 + 12345;
		noise[j] = of_some ? some[(*seed >> 16) % (sizeof(some) - 1)] :
				     (char)(*seed >> 16);
	}
	if (strncmp(path, "/proc/", 6) != 0)
		return;
	snprintf(command, sizeof(command), "mkdir -p $(dirname %s%s)", scratch,
		 path);
	assert_int_equal(system(command), 0);
	put(path + 6, noise, sizeof(noise));
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

			for (unsigned j = 0; src && src[j].path; j++)
				put_noise(src[j].path, &seed, round % 2 == 0);
		}
		rig_round(&r);
	}
	assert_true(rig_errors(&r) > 1000);
	rig_close(&r);
}

/* ---- devices that come and go --------------------------------------------- */
#define LINE(dev, reads) "8 0 " dev " " reads " 0 0 0 0 0 0 0 0 0 0\n"

static uint32_t id_of(struct rig *r, const char *name)
{
	for (uint32_t id = 1; id <= metric_table_count(r->table); id++)
		if (strcmp(metric_table_get(r->table, id)->name, name) == 0)
			return id;
	return 0;
}

static void disks_round(struct rig *r, const char *text)
{
	put("diskstats", text, strlen(text));
	rig_round(r);
	for (unsigned i = 1; i < r->s[0].nr; i++)
		assert_true(r->s[0].values[i - 1].id < r->s[0].values[i].id);
}

static void test_hot_plug(void **state)
{
	struct rig r;
	uint32_t sda, sdb;
	int64_t v;

	(void)state;
	put("diskstats", LINE("sda", "1"), strlen(LINE("sda", "1")));
	rig_open(&r, scratch, "disks", NULL);
	disks_round(&r, LINE("sda", "1"));
	disks_round(&r, LINE("sdb", "5") LINE("sda", "2"));
	sda = id_of(&r, "diskstats.sda.reads");
	sdb = id_of(&r, "diskstats.sdb.reads");
	assert_true(sda && sdb && sda != sdb);
	assert_true(rig_get(&r, "diskstats.sdb.reads", &v) && v == 5);
	disks_round(&r, LINE("sda", "3"));
	assert_false(rig_get(&r, "diskstats.sdb.reads", &v));
	assert_true(rig_get(&r, "diskstats.sda.reads", &v) && v == 3);
	disks_round(&r, LINE("sda", "4") LINE("sdb", "6"));
	assert_true(rig_get(&r, "diskstats.sdb.reads", &v) && v == 6);
	assert_int_equal(id_of(&r, "diskstats.sda.reads"), sda);
	assert_int_equal(id_of(&r, "diskstats.sdb.reads"), sdb);
	assert_int_equal(metric_table_count(r.table), 22);
	assert_int_equal(rig_errors(&r), 0);
	rig_close(&r);
}

static void test_list(void **state)
{
	struct rig r;
	int64_t v;

	(void)state;
	put("diskstats", "", 0);
	rig_open(&r, scratch, "disks", "nvme*, sdb");
	disks_round(&r, LINE("sda", "1") LINE("sdb", "2") LINE("nvme0n1", "3"));
	disks_round(&r, LINE("sda", "1") LINE("sdb", "2") LINE("nvme0n1", "3"));
	assert_false(rig_get(&r, "diskstats.sda.reads", &v));
	assert_true(rig_get(&r, "diskstats.sdb.reads", &v) && v == 2);
	assert_true(rig_get(&r, "diskstats.nvme0n1.reads", &v) && v == 3);
	assert_int_equal(rig_values(&r), 22);
	rig_close(&r);
}

/* More names than there are numbers: the first ones go on. */
static void test_table_full(void **state)
{
	static const struct metric_def def = { "x.%", "", METRIC_GAUGE, 1, 1 };
	struct metric_table *t = metric_table_new();
	struct sample s;

	(void)state;
	sample_init(&s, t);
	for (unsigned round = 0; round < 2; round++) {
		sample_begin(&s);
		for (unsigned i = 0; i < METRIC_MAX + 10; i++) {
			char inst[16];
			int n = snprintf(inst, sizeof(inst), "%u", i);

			sample_put(&s, &def, inst, (size_t)n, i);
		}
		sample_end(&s);
		assert_int_equal(s.nr, METRIC_MAX);
		assert_int_equal(s.errors, 10 * (round + 1));
	}
	assert_int_equal(metric_table_count(t), METRIC_MAX);
	sample_free(&s);
	metric_table_free(t);
}

/* ---- this machine --------------------------------------------------------- */
/* A counter read by awk before and after ours: ours lies between. */
static void live(const char *metric, const char *awk, double factor)
{
	char *before, *after;
	struct rig r;
	int64_t v;

	rig_open(&r, "", NULL, NULL);
	before = run(awk);
	rig_round(&r);
	after = run(awk);
	assert_true(rig_get(&r, metric, &v));
	assert_true((double)v >= strtod(before, NULL) * factor);
	assert_true((double)v <= strtod(after, NULL) * factor);
	free(before);
	free(after);
	rig_close(&r);
}

static void test_live(void **state)
{
	(void)state;
	live("cpu.context_switches", "awk '/^ctxt/{print $2}' /proc/stat", 1);
	live("cpu.forks", "awk '/^processes/{print $2}' /proc/stat", 1);
	live("cpu.all.user", "awk '/^cpu /{print $2}' /proc/stat", 1);
	live("vmstat.pgfault", "awk '/^pgfault/{print $2}' /proc/vmstat", 1);
	live("meminfo.MemTotal", "awk '/^MemTotal/{print $2}' /proc/meminfo",
	     1024);
	live("net.lo.rx_bytes",
	     "awk -F'[: ]+' '/^ *lo:/{print $3}' /proc/net/dev", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_one_bad_among_good),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_overflow_of_factor),
		cmocka_unit_test(test_twice_and_bad_names),
		cmocka_unit_test(test_endless_line),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_hot_plug),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_table_full),
		cmocka_unit_test(test_live),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
