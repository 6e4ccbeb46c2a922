/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_rows.c - rows of things that come and go: what is in the ring, read back
 * from the bare slots by a decoder that knows only flightrec-sampler(7). */
#include "recorder/row_table.h"
#include "recorder/sampler.h"
#include "tests/unit/bare_ring.h"
#include "tests/unit/test.h"

#include <flightrec/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIDS_MAX 300000

/* ---- a decoder of processes_row ------------------------------------------------ */

/* Fields in the order of events.def, with their widths; 0: the name. */
static const unsigned widths[] = { 4, 4, 8, 4, 2, 2, 8, 8, 8, 8, 8, 8,
				   8, 8, 8, 8, 8, 8, 8, 8, 8, 4, 4, 0 };
#define NR_FIELDS (sizeof(widths) / sizeof(*widths))
enum {
	F_PPID = 1,
	F_START = 2,
	F_CPU = 7,
	F_RSS = 9,
	F_PSS = 11,
	F_FDS = 22,
	F_COMM = 23
};

struct known {
	bool alive;
	uint64_t v[NR_FIELDS];
	char comm[17];
};
static struct known known[PIDS_MAX];
static unsigned nr_rows, nr_gone, nr_whole, first_tick;

static uint64_t varint(const unsigned char **p, const unsigned char *end)
{
	uint64_t v = 0;

	for (unsigned shift = 0;; shift += 7) {
		assert_true(*p < end && shift < 64);
		v |= (uint64_t)(**p & 0x7f) << shift;
		if (!(*(*p)++ & 0x80))
			return v;
	}
}

static void decode_field(struct known *k, unsigned i, const unsigned char **p,
			 const unsigned char *end)
{
	uint64_t v = varint(p, end);

	if (!widths[i]) {
		assert_true(v <= 16 && v <= (uint64_t)(end - *p));
		memset(k->comm, 0, sizeof(k->comm));
		memcpy(k->comm, *p, v);
		*p += v;
		return;
	}
	v = v >> 1 ^ -(v & 1);
	k->v[i] = widths[i] == 8 ? v : v & ((1ULL << 8 * widths[i]) - 1);
}

static void decode(const struct record *r)
{
	const struct fr_rows *head = (const void *)r->bytes;
	const unsigned char *p = r->bytes + sizeof(*head), *end = p + r->aux;
	uint64_t key = 0, mask;

	assert_int_equal(head->row_type, FR_T_processes_row);
	assert_true(r->aux <= SAMPLER_PACK_MAX);
	if (!first_tick)
		first_tick = (unsigned)head->tick;
	for (unsigned n = 0; n < head->count; n++, nr_rows++) {
		struct known *k;

		key += varint(&p, end);
		assert_true(key < PIDS_MAX);
		k = &known[key];
		mask = varint(&p, end);
		nr_gone += mask & 1;
		nr_whole += mask >> 1 & 1;
		if (mask & 2)
			*k = (struct known){ .alive = true };
		/* one whose beginning was overwritten */
		if (first_tick > 1)
			k->alive = true;
		assert_true(k->alive);
		for (unsigned i = 1; i < NR_FIELDS; i++)
			if (mask >> (i + 1) & 1)
				decode_field(k, i, &p, end);
		if (mask & 1)
			k->alive = false;
	}
	assert_ptr_equal(p, end);
}

/* ---- the machine ------------------------------------------------------------------ */

struct rows_world {
	struct ring_user *ring;
	struct sample_writer w;
	struct row_table *t;
	struct sample_round round;
	uint64_t position; /* records read so far */
};

static void world_new(struct rows_world *x, const char *path, uint64_t bytes)
{
	static const struct ring_lane_share all = { FR_LANE_SAMPLE, 100 };

	memset(known, 0, sizeof(known));
	nr_rows = nr_gone = nr_whole = first_tick = 0;
	*x = (struct rows_world){ .round = { .collector = 3 } };
	x->ring = ring_user_create(path, bytes, &all, 1, 1);
	assert_non_null(x->ring);
	unlink(path);
	x->w = (struct sample_writer){ .ring = x->ring };
	x->t = row_table_new(FR_T_processes_row, 16);
	assert_non_null(x->t);
}

static void world_free(struct rows_world *x)
{
	row_table_free(x->t);
	ring_user_close(x->ring);
}

static struct fr_processes_row *touch(struct rows_world *x, uint32_t pid,
				      uint64_t start)
{
	unsigned row = 0;
	struct fr_processes_row *now = row_table_at(x->t, pid, start, &row);

	assert_non_null(now);
	now->start = start;
	snprintf(now->comm, sizeof(now->comm), "p%u", pid);
	row_table_choose(x->t, row);
	return now;
}

static void write_round(struct rows_world *x)
{
	x->round.tick++;
	x->round.ts = x->round.tick * 1000;
	row_table_write(x->t, &x->w, &x->round);
}

/* The records of rounds after ${tick}. */
static void read_after(struct rows_world *x, uint64_t tick)
{
	read_ring(x->ring);
	for (unsigned i = 0; i < nr_records; i++) {
		const struct fr_rows *rows = (const void *)records[i].bytes;

		if (records[i].type == FR_T_rows && rows->tick > tick)
			decode(&records[i]);
	}
}

/* ---- tests ------------------------------------------------------------------------- */

static char path[] = "/tmp/fr-test-rows-XXXXXX";

static void what_is_written_is_what_there_was(void **state)
{
	struct rows_world x;
	struct fr_processes_row *p;

	(void)state;
	world_new(&x, path, 4 << 20);
	row_table_begin(x.t);
	p = touch(&x, 7, 100);
	p->ppid = 1;
	p->cpu_ns = 1ULL << 60;
	p->pss_bytes = UINT64_MAX;
	p->fds = UINT32_MAX;
	touch(&x, 299999, UINT64_MAX - 1);
	write_round(&x);
	read_after(&x, 0);
	assert_int_equal(nr_rows, 2);
	assert_true(known[7].alive && known[299999].alive);
	assert_int_equal(known[7].v[F_PPID], 1);
	assert_true(known[7].v[F_CPU] == 1ULL << 60);
	assert_true(known[7].v[F_PSS] == UINT64_MAX);
	assert_int_equal(known[7].v[F_FDS], UINT32_MAX);
	assert_true(known[299999].v[F_START] == UINT64_MAX - 1);
	assert_string_equal(known[299999].comm, "p299999");
	world_free(&x);
}

static void idle_rows_cost_nothing(void **state)
{
	struct rows_world x;

	(void)state;
	world_new(&x, path, 4 << 20);
	for (unsigned round = 0; round < 100; round++) {
		row_table_begin(x.t);
		for (uint32_t pid = 1; pid <= 500; pid++)
			touch(&x, pid, pid)->cpu_ns =
				pid == 77 ? round * 1000 : pid;
		write_round(&x);
	}
	read_after(&x, 0);
	/* all of them once, then one row a round */
	assert_int_equal(nr_rows, 500 + 99);
	assert_int_equal(nr_whole, 500);
	world_free(&x);
}

static void the_end_is_seen_and_a_number_used_again_is_another(void **state)
{
	struct rows_world x;

	(void)state;
	world_new(&x, path, 4 << 20);
	row_table_begin(x.t);
	touch(&x, 5, 50)->rss_bytes = 4096;
	touch(&x, 6, 60);
	write_round(&x);
	row_table_begin(x.t);
	touch(&x, 6, 61)->rss_bytes = 8192; /* another one */
	write_round(&x);
	read_after(&x, 0);
	assert_false(known[5].alive);
	assert_true(known[6].alive);
	assert_int_equal(known[6].v[F_START], 61);
	assert_int_equal(nr_gone, 2);
	assert_int_equal(known[6].v[F_RSS], 8192);
	world_free(&x);
}

static void what_is_not_chosen_is_not_written_but_its_end_is(void **state)
{
	struct rows_world x;
	unsigned row = 0;

	(void)state;
	world_new(&x, path, 4 << 20);
	row_table_begin(x.t);
	touch(&x, 1, 1);
	assert_non_null(row_table_at(x.t, 2, 2, &row));
	write_round(&x);
	row_table_begin(x.t);
	((struct fr_processes_row *)row_table_at(x.t, 1, 1, &row))->cpu_ns = 9;
	assert_non_null(row_table_at(x.t, 2, 2, &row));
	write_round(&x);
	row_table_begin(x.t);
	write_round(&x);
	read_after(&x, 0);
	assert_int_equal(nr_rows, 2); /* 1, and that it ended */
	assert_int_equal(nr_gone, 1);
	assert_int_equal(known[1].v[F_CPU], 0);
	world_free(&x);
}

/* A reader that knows only what the ring still holds knows all that are alive. */
static void old_rows_are_written_again_before_the_lane_has_turned(void **state)
{
	struct rows_world x;

	(void)state;
	world_new(&x, path, 2 << 20);
	for (unsigned round = 1; round <= 3000; round++) {
		row_table_begin(x.t);
		for (uint32_t pid = 1; pid <= 300; pid++)
			touch(&x, pid, pid)->cpu_ns =
				pid <= 100 ? round * 1000ULL * pid : 5;
		write_round(&x);
	}
	read_after(&x, 0);
	assert_true(first_tick > 1); /* it has turned */
	for (uint32_t pid = 1; pid <= 300; pid++) {
		assert_true(known[pid].alive);
		assert_true(known[pid].v[F_START] == pid);
		assert_true(known[pid].v[F_CPU] ==
			    (pid <= 100 ? 3000 * 1000ULL * pid : 5));
	}
	world_free(&x);
}

static void churn_of_200000_pids_takes_no_memory(void **state)
{
	struct rows_world x;
	size_t before = 0;

	(void)state;
	world_new(&x, path, 4 << 20);
	for (unsigned round = 0; round < 2000; round++) {
		row_table_begin(x.t);
		for (uint32_t i = 0; i < 100; i++)
			touch(&x, 1 + round * 100 + i, round);
		write_round(&x);
		if (round == 10)
			before = row_table_bytes(x.t);
	}
	assert_int_equal(row_table_bytes(x.t), before);
	assert_int_equal(row_table_count(x.t), 100);
	world_free(&x);
}

static void after_a_loss_all_is_written_again(void **state)
{
	struct rows_world x;
	struct ring_user *ring;

	(void)state;
	world_new(&x, path, 4 << 20);
	ring = x.ring;
	row_table_begin(x.t);
	touch(&x, 3, 3)->rss_bytes = 1;
	write_round(&x);
	row_table_begin(x.t);
	touch(&x, 3, 3)->rss_bytes = 2;
	x.w.writer = 99; /* there is no such writer: refused */
	write_round(&x);
	assert_int_equal(x.w.lost, 1);
	x.w.writer = 0;
	row_table_begin(x.t);
	touch(&x, 3, 3)->rss_bytes = 2;
	write_round(&x);
	read_after(&x, 1);
	assert_int_equal(nr_whole, 1);
	assert_int_equal(known[3].v[F_RSS], 2);
	assert_ptr_equal(ring, x.ring);
	world_free(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_what_there_was),
		cmocka_unit_test(idle_rows_cost_nothing),
		cmocka_unit_test(
			the_end_is_seen_and_a_number_used_again_is_another),
		cmocka_unit_test(
			what_is_not_chosen_is_not_written_but_its_end_is),
		cmocka_unit_test(
			old_rows_are_written_again_before_the_lane_has_turned),
		cmocka_unit_test(churn_of_200000_pids_takes_no_memory),
		cmocka_unit_test(after_a_loss_all_is_written_again),
	};
	int fd = mkstemp(path);

	if (fd >= 0)
		close(fd);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
