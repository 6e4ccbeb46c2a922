/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Buckets, quantiles, packing; readings of rows that the test writes itself. */
#include "tests/unit/test.h"

#include <errno.h>
#include <flightrec/event.h>
#include <stdlib.h>
#include <string.h>

#include "dump/hist_counts.h"
#include "recorder/hist.h"

#define NS_MINUTE 60000000000ull

static uint64_t seed = 88172645463325252ull;

static uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Any number of bits is as likely as any other. */
static uint64_t random_duration(void)
{
	return random64() >> (random64() % 64);
}

/* ---- buckets ----------------------------------------------------------------- */
static void boundaries(void **state)
{
	(void)state;
	assert_int_equal(fr_hist_low(0), 0);
	assert_int_equal(fr_hist_low(1), 32);
	assert_int_equal(fr_hist_low(FR_HIST_OVER), 1ull << 40);
	for (uint32_t b = 0; b < FR_HIST_OVER; b++) {
		assert_true(fr_hist_low(b) < fr_hist_low(b + 1));
		assert_int_equal(hist_bucket_of(fr_hist_low(b)), b);
		assert_int_equal(hist_bucket_of(fr_hist_low(b + 1) - 1), b);
		assert_true(hist_middle(b) >= fr_hist_low(b));
		assert_true(hist_middle(b) < fr_hist_low(b + 1));
		assert_true(hist_middle(b) < hist_middle(b + 1));
	}
	assert_int_equal(hist_bucket_of(1ull << 40), FR_HIST_OVER);
	assert_int_equal(hist_bucket_of(UINT64_MAX), FR_HIST_OVER);
}

/* The middle is off by at most 1/32 of any duration that has a bucket. */
static void check_error(uint64_t ns)
{
	uint64_t middle = hist_middle(hist_bucket_of(ns));
	uint64_t off = middle > ns ? middle - ns : ns - middle;

	if (ns >= 32 && ns < 1ull << 40)
		assert_true(off * 32 <= ns);
}

static void error_is_bounded(void **state)
{
	(void)state;
	for (uint64_t ns = 0; ns < 1 << 20; ns++)
		check_error(ns);
	for (uint32_t b = 1; b < FR_HIST_BUCKETS; b++) {
		check_error(fr_hist_low(b) - 1);
		check_error(fr_hist_low(b));
	}
	for (int i = 0; i < 1000000; i++)
		check_error(random_duration());
}

static void order_is_kept(void **state)
{
	(void)state;
	for (int i = 0; i < 1000000; i++) {
		uint64_t a = random_duration(), b = random_duration();

		if (a > b)
			assert_true(hist_bucket_of(a) >= hist_bucket_of(b));
		else
			assert_true(hist_bucket_of(a) <= hist_bucket_of(b));
	}
}

/* ---- quantiles ----------------------------------------------------------------- */
static int compare_u64(const void *p, const void *q)
{
	uint64_t x = *(const uint64_t *)p, y = *(const uint64_t *)q;

	return (x > y) - (x < y);
}

static void quantiles_of(unsigned n)
{
	static const uint32_t ppm[] = { HIST_P50, HIST_P90, HIST_P99, HIST_P999,
					HIST_MAX, 1,        999999,   123456 };
	uint64_t counts[FR_HIST_BUCKETS] = { 0 };
	uint64_t *all = calloc(n, sizeof(*all));

	assert_non_null(all);
	for (unsigned i = 0; i < n; i++) {
		all[i] = random_duration();
		counts[hist_bucket_of(all[i])]++;
	}
	qsort(all, n, sizeof(*all), compare_u64);
	assert_int_equal(hist_total(counts), n);
	for (unsigned i = 0; i < sizeof(ppm) / sizeof(*ppm); i++) {
		unsigned rank =
			(unsigned)(((uint64_t)n * ppm[i] + 999999) / 1000000);

		assert_int_equal(hist_quantile(counts, ppm[i]),
				 hist_middle(hist_bucket_of(
					 all[(rank ? rank : 1) - 1])));
	}
	free(all);
}

static void quantiles(void **state)
{
	uint64_t none[FR_HIST_BUCKETS] = { 0 };

	(void)state;
	assert_int_equal(hist_quantile(none, HIST_P99), 0);
	for (unsigned n = 1; n < 300; n++)
		quantiles_of(n);
	quantiles_of(100000);
	/* numbers that a product of 64 bits would not hold */
	none[100] = none[200] = 1ull << 60;
	assert_int_equal(hist_quantile(none, HIST_P50), hist_middle(100));
	assert_int_equal(hist_quantile(none, HIST_P50 + 1), hist_middle(200));
}

/* ---- packed and text ------------------------------------------------------------- */
static void fill_counts(uint64_t counts[FR_HIST_BUCKETS], unsigned one_in)
{
	for (unsigned b = 0; b < FR_HIST_BUCKETS; b++)
		counts[b] = random64() % one_in ? 0 : 1 + random_duration();
}

static void packing(void **state)
{
	uint64_t in[FR_HIST_BUCKETS], out[FR_HIST_BUCKETS];
	uint8_t buf[400];

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		uint32_t from = 0;

		memset(out, 0, sizeof(out));
		fill_counts(in, 1 + i % 40);
		while (from < FR_HIST_BUCKETS) {
			size_t len = hist_pack(in, &from, buf, sizeof(buf));

			assert_true(len <= sizeof(buf));
			assert_int_equal(hist_unpack(buf, len, out), 0);
		}
		assert_memory_equal(in, out, sizeof(in));
	}
}

static void damaged_packing(void **state)
{
	uint64_t counts[FR_HIST_BUCKETS] = { 0 };
	static const uint8_t cut[] = { 5, 0x80 }, far[] = { 0xb1, 0x04, 1 },
			     further[] = { 0xb0, 0x04, 1, 2, 1 },
			     last[] = { 0xb1, 0x04, 1 },
			     wide[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					0xff, 0xff, 0xff, 0xff, 0x01, 1 };

	(void)state;
	assert_int_equal(hist_unpack(cut, 2, counts), -EBADMSG);
	assert_int_equal(hist_unpack(cut, 1, counts), -EBADMSG);
	assert_int_equal(hist_unpack(wide, sizeof(wide), counts), -EBADMSG);
	assert_int_equal(hist_unpack(further, sizeof(further), counts),
			 -EBADMSG);
	assert_int_equal(hist_unpack(last, sizeof(last), counts), 0);
	assert_int_equal(counts[FR_HIST_OVER], 1);
	assert_memory_equal(far, last, sizeof(far));
	for (unsigned i = 0; i < 100000; i++) { /* anything, never beyond */
		uint8_t junk[24];

		for (unsigned j = 0; j < sizeof(junk); j++)
			junk[j] = (uint8_t)random64();
		(void)hist_unpack(junk, random64() % sizeof(junk), counts);
	}
}

static void text(void **state)
{
	uint64_t in[FR_HIST_BUCKETS], out[FR_HIST_BUCKETS];
	char buf[HIST_TEXT_MAX], small[20];

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		memset(out, 0, sizeof(out));
		fill_counts(in, 1 + i % 40);
		assert_true(hist_text(in, buf, sizeof(buf)) < sizeof(buf));
		assert_int_equal(hist_parse(buf, out), 0);
		assert_memory_equal(in, out, sizeof(in));
	}
	memset(in, 0, sizeof(in));
	in[1] = 7;
	in[2] = 123456;
	in[3] = 1234567890123;
	hist_text(in, small, sizeof(small));
	assert_string_equal(small, "32:7 34:123456");
	assert_int_equal(hist_parse("32:7 x", out), -EBADMSG);
	assert_int_equal(hist_parse("32", out), -EBADMSG);
	assert_int_equal(hist_parse("32:", out), -EBADMSG);
}

/* ---- readings --------------------------------------------------------------------- */
#define CPUS 2
#define ROWS 16
static struct fr_hist_index index_of[CPUS];
static struct fr_hist_row rows[CPUS * ROWS];
static const struct hist_maps maps = {
	.index = index_of, .rows = rows, .cpus = CPUS, .rows_per_cpu = ROWS
};

/* What a program does. */
static void count(unsigned cpu, unsigned key, unsigned stream, uint32_t dev,
		  uint64_t cgroup, uint64_t ns)
{
	uint64_t id = FR_HIST_ID(key, stream, dev);
	struct fr_hist_row *r = NULL;

	for (unsigned i = 0; i < index_of[cpu].used && !r; i++)
		if (rows[cpu * ROWS + i].id == id &&
		    rows[cpu * ROWS + i].cgroup == cgroup)
			r = &rows[cpu * ROWS + i];
	if (!r) {
		assert_true(index_of[cpu].used < ROWS);
		r = &rows[cpu * ROWS + index_of[cpu].used++];
		r->id = id;
		r->cgroup = cgroup;
	}
	r->sum_ns += ns;
	r->n[hist_bucket_of(ns)]++;
}

static int begin_empty(void **state)
{
	(void)state;
	memset(index_of, 0, sizeof(index_of));
	memset(rows, 0, sizeof(rows));
	return 0;
}

static void filters(void **state)
{
	struct hist *h = hist_open(&maps, 1000);
	uint64_t counts[FR_HIST_BUCKETS], keys[FR_KEYS / 64] = { 0 };
	struct hist_filter f = { .dev = -1 };

	(void)state;
	assert_non_null(h);
	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		count(cpu, FR_ID_read, FR_STREAM_FS, 7, 1, 100);
		count(cpu, FR_ID_read, FR_STREAM_FS, 8, 1, 200);
		count(cpu, FR_ID_read, FR_STREAM_NET, FR_HIST_NO_DEV, 2, 300);
		count(cpu, FR_KEY_BLOCK_WRITE, FR_STREAM_BLOCK, 7, 2, 400);
	}
	assert_int_equal(hist_read_filtered(h, &f, counts), 8);
	keys[FR_ID_read / 64] = 1ull << FR_ID_read % 64;
	assert_int_equal(hist_read_counts(h, keys, -1, 0, counts), 6);
	assert_int_equal(hist_read_counts(h, keys, 8, 0, counts), 2);
	assert_int_equal(counts[hist_bucket_of(200)], 2);
	assert_int_equal(hist_total(counts), 2);
	assert_int_equal(hist_read_counts(h, keys, -1, 2, counts), 2);
	keys[FR_KEY_BLOCK_WRITE / 64] |= 1ull << FR_KEY_BLOCK_WRITE % 64;
	assert_int_equal(hist_read_counts(h, keys, -1, 2, counts), 4);
	assert_int_equal(hist_read_counts(h, keys, 0, 0, counts), 0);
	f.streams = 1u << FR_STREAM_FS;
	assert_int_equal(hist_read_filtered(h, &f, counts), 4);
	hist_close(h);
}

/* A row is not there before its id is. */
static void unfinished_row(void **state)
{
	struct hist *h = hist_open(&maps, 0);
	uint64_t counts[FR_HIST_BUCKETS];
	struct hist_filter f = { .dev = -1 };
	struct hist_reading r;
	unsigned of;

	(void)state;
	index_of[0].used = 1;
	rows[0].n[5] = 1;
	assert_int_equal(hist_read_filtered(h, &f, counts), 0);
	index_of[0].used = 1000; /* ran past the end */
	assert_int_equal(hist_read_filtered(h, &f, counts), 0);
	assert_int_equal(hist_rows_used(h, &of), ROWS);
	assert_int_equal(of, ROWS);
	assert_int_equal(hist_read(h, 5, &r), 0);
	assert_int_equal(r.nr_rows, 0);
	hist_reading_free(&r);
	hist_close(h);
}

static void reading_sums_cpus(void **state)
{
	struct hist *h = hist_open(&maps, 0);
	uint64_t counts[FR_HIST_BUCKETS] = { 0 };
	struct hist_reading r;

	(void)state;
	count(0, 9, FR_STREAM_FS, 3, 1, 1000);
	count(1, 2, FR_STREAM_FS, 3, 1, 64);
	count(1, 9, FR_STREAM_FS, 3, 1, 2000);
	assert_int_equal(hist_read(h, 77, &r), 0);
	assert_int_equal(r.nr_rows, 2);
	assert_int_equal(FR_HIST_ID_KEY(r.rows[0].id), 2);
	assert_int_equal(r.rows[1].count, 2);
	assert_int_equal(r.rows[1].sum_ns, 3000);
	hist_row_counts(&r, 1, counts);
	assert_int_equal(counts[hist_bucket_of(1000)], 1);
	assert_int_equal(counts[hist_bucket_of(2000)], 1);
	hist_reading_free(&r);
	hist_close(h);
}

/* ---- records ------------------------------------------------------------------------- */
struct sums {
	unsigned whole_records, part_records;
	uint64_t whole, part, whole_ns, part_ns;
	uint64_t whole_counts[FR_HIST_BUCKETS], part_counts[FR_HIST_BUCKETS];
	uint64_t first_part;
};

static void sum_records(const struct hist_records *r, struct sums *s)
{
	size_t pos = 0, len;
	const uint8_t *at;

	memset(s, 0, sizeof(*s));
	s->first_part = UINT64_MAX;
	while ((at = hist_next(r, &pos, &len))) {
		struct fr_hist rec;
		size_t tail = len - sizeof(rec);

		memcpy(&rec, at, sizeof(rec));
		assert_int_equal(FR_HEAD_TYPE(rec.head), FR_T_hist);
		assert_int_equal(FR_HEAD_AUX(rec.head), tail);
		assert_true(len <= 4488);
		assert_int_equal(hist_unpack(at + sizeof(rec), tail,
					     rec.whole ? s->whole_counts :
							 s->part_counts),
				 0);
		if (rec.whole) {
			s->whole_records++;
			s->whole += rec.count;
			s->whole_ns += rec.sum;
			continue;
		}
		s->part_records++;
		s->part += rec.count;
		s->part_ns += rec.sum;
		if (rec.ts < s->first_part)
			s->first_part = rec.ts;
	}
	assert_int_equal(pos, r->len);
}

/* Minutes and the rest add up to the whole, until the first minute is forgotten. */
static void minutes(void **state)
{
	const uint64_t began = 5 * NS_MINUTE;
	struct hist *h = hist_open(&maps, began);
	struct hist_records r = { 0 };
	uint64_t now = began;
	struct sums s;

	(void)state;
	for (unsigned i = 0; i < 59; i++) {
		count(i & 1, 3, FR_STREAM_FS, i % 5, 1,
		      random_duration() >> 20);
		if (i % 3 == 0)
			count(0, 4, FR_STREAM_FS, 1, 1, 1000 + i);
		now += NS_MINUTE / 2;
		hist_tick(h, now); /* not yet */
		now += NS_MINUTE / 2 + 10;
		hist_tick(h, now);
	}
	count(0, 3, FR_STREAM_FS, 1, 1, 99);
	assert_int_equal(hist_take(h, now + 1, &r), 0);
	sum_records(&r, &s);
	assert_int_equal(s.whole, 59 + 20 + 1);
	assert_int_equal(s.part, s.whole);
	assert_int_equal(s.part_ns, s.whole_ns);
	assert_memory_equal(s.whole_counts, s.part_counts,
			    sizeof(s.whole_counts));
	assert_int_equal(s.whole_records, 6);
	/* a row that did not move has no record of that minute */
	assert_int_equal(s.part_records, 59 + 20 + 1);
	assert_int_equal(s.first_part, began);
	for (unsigned i = 0; i < 30; i++)
		hist_tick(h, now += NS_MINUTE);
	assert_int_equal(hist_take(h, now + 1, &r), 0);
	sum_records(&r, &s);
	assert_int_equal(s.whole, 80);
	assert_true(s.part < s.whole);
	assert_true(s.first_part >= now - 61 * NS_MINUTE);
	hist_records_free(&r);
	hist_close(h);
}

/* A row whose buckets take more than a record. */
static void long_row(void **state)
{
	struct hist *h = hist_open(&maps, 0);
	struct hist_records r = { 0 };
	struct sums s;

	(void)state;
	count(0, 3, FR_STREAM_FS, 1, 1, 5);
	for (unsigned b = 0; b < FR_HIST_BUCKETS; b++)
		rows[0].n[b] = 1ull << 62;
	assert_int_equal(hist_take(h, 10, &r), 0);
	sum_records(&r, &s);
	assert_int_equal(s.whole_records, 2);
	assert_memory_equal(s.whole_counts, rows[0].n, sizeof(rows[0].n));
	hist_records_free(&r);
	hist_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(boundaries),
		cmocka_unit_test(error_is_bounded),
		cmocka_unit_test(order_is_kept),
		cmocka_unit_test(quantiles),
		cmocka_unit_test(packing),
		cmocka_unit_test(damaged_packing),
		cmocka_unit_test(text),
		cmocka_unit_test_setup(filters, begin_empty),
		cmocka_unit_test_setup(unfinished_row, begin_empty),
		cmocka_unit_test_setup(reading_sums_cpus, begin_empty),
		cmocka_unit_test_setup(minutes, begin_empty),
		cmocka_unit_test_setup(long_row, begin_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
