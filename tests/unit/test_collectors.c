/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_collectors.c - what the collectors say, against frozen files of several
 * kernels read by another program; devices that come and go. */
#include "dump/schema.h"
#include "recorder/row_table.h"
#include "tests/unit/collector_rig.h"

static const char *const kernels[] = { "linux-2.6.18", "linux-3.10",
				       "linux-4.19", "linux-6.1",
				       "linux-6.18" };

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

/* The second value of a metric comes when the array has to grow: it grows, and the
 * value is an error. */
static void test_twice_when_full(void **state)
{
	static const struct metric_def def = { "x.%", "", METRIC_GAUGE, 1, 1 };
	struct metric_table *t = metric_table_new();
	struct sample s;

	(void)state;
	sample_init(&s, t);
	sample_begin(&s);
	do {
		char inst[16];
		int n = snprintf(inst, sizeof(inst), "%u", s.nr);

		sample_put(&s, &def, inst, (size_t)n, s.nr);
		sample_put(&s, &def, inst, (size_t)n, 7);
	} while (s.nr < 1000);
	sample_end(&s);
	assert_int_equal(s.errors, 1000);
	for (unsigned i = 0; i < s.nr; i++)
		assert_int_equal(s.values[i].value, i);
	sample_free(&s);
	metric_table_free(t);
}

/* ---- this machine --------------------------------------------------------- */
/* A counter read by awk before and after ours: ours lies between. */
static void live(const char *metric, const char *awk, double factor)
{
	char *before, *after;
	struct rig r;
	int64_t v = -1;

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
		cmocka_unit_test(test_hot_plug),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_table_full),
		cmocka_unit_test(test_twice_when_full),
		cmocka_unit_test(test_live),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
