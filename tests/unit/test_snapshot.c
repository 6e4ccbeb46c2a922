/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_snapshot.c - what goes into a snapshot comes out, whatever the file. */
#include "dump/snapshot_read.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"

#define REC_MAX 4488

struct rec { /* a record that was put */
	unsigned type, lane, cpu;
	uint64_t seq;
	size_t tail_len;
	int seen;
	uint8_t bytes[REC_MAX];
};

static char folder[64];
static struct rec *recs;
static unsigned nr_recs;
static uint64_t state = 7;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void set_head(uint8_t *bytes, unsigned type, unsigned aux)
{
	uint64_t head = FR_HEAD(1, 1, type, aux);

	memcpy(bytes, &head, sizeof(head));
}

/* A random record; chars end in NULs as their writers make them. */
static void fill_rec(struct rec *r, const struct fr_schema *s, unsigned i)
{
	memset(r, 0, sizeof(*r));
	r->type = s->type;
	r->lane = i % FR_LANES_MAX;
	r->cpu = i % 3;
	r->seq = 1000 + i;
	r->tail_len = s->tail_name ? next_random() % 40 : 0;
	for (unsigned k = 8; k < s->bytes + r->tail_len; k++)
		r->bytes[k] = (uint8_t)(next_random() % 3 ? k : next_random());
	for (unsigned f = 0; f < s->nr_fields; f++)
		if (s->fields[f].is_chars)
			memset(r->bytes + s->fields[f].offset + i % 5, 0,
			       s->fields[f].width - i % 5);
	set_head(r->bytes, s->type,
		 s->tail_name ? (unsigned)r->tail_len : next_random() & 0xffff);
}

static int put_rec(struct snap_writer *w, const struct rec *r)
{
	/* a ring gives whole slots: more than struct and tail */
	return snap_put(w, r->lane, r->cpu, r->seq, r->bytes,
			fr_schema_by_type(r->type)->bytes + r->tail_len + 3);
}

/* One of each kind of column, for tests that open a file thousands of times. */
static void make_few_recs(void)
{
	static const unsigned types[] = { FR_T_fs_io, FR_T_name_path,
					  FR_T_name_proc };

	free(recs);
	recs = calloc(9, sizeof(*recs));
	for (nr_recs = 0; nr_recs < 9; nr_recs++)
		fill_rec(&recs[nr_recs], fr_schema_by_type(types[nr_recs % 3]),
			 nr_recs);
}

static void make_recs(unsigned each)
{
	unsigned nr;
	const struct fr_schema *all = fr_schemas(&nr);

	free(recs);
	recs = calloc(nr * each, sizeof(*recs));
	nr_recs = 0;
	for (unsigned i = 0; i < each; i++)
		for (unsigned t = 0; t < nr; t++)
			if (all[t].type != FR_T_slow) {
				fill_rec(&recs[nr_recs], &all[t], nr_recs);
				nr_recs++;
			}
}

static void write_recs(const char *name, uint64_t *ret_bytes)
{
	struct snap_writer *w = snap_create(folder, name, 1);

	assert_non_null(w);
	snap_put_fact(w, "host.kernel", "%s", "6.18.44");
	snap_put_fact(w, "empty", "%s", "");
	for (unsigned i = 0; i < nr_recs; i++)
		assert_int_equal(put_rec(w, &recs[i]), 0);
	snap_put_coverage(
		w, &(struct snap_coverage){ .lane = 3, .cpu = 1, .lost = 77 });
	snap_put_gap(w,
		     &(struct snap_gap){ .from_seq = 5, .to_seq = 1ULL << 39 });
	assert_int_equal(snap_finish(w, ret_bytes), 0);
}

/* ---- comparing -------------------------------------------------------------- */

static struct rec *find_rec(const struct snap_block *b, uint32_t i)
{
	/* seq numbers the records of these tests from 1000 on */
	if (b->seq[i] < 1000 || b->seq[i] - 1000 >= nr_recs)
		return NULL;
	return &recs[b->seq[i] - 1000];
}

static int same_text(const uint8_t *bytes, const uint32_t *end, uint32_t i,
		     const uint8_t *want, size_t want_len)
{
	uint32_t from = i ? end[i - 1] : 0;

	return end[i] - from == want_len &&
	       !memcmp(bytes + from, want, want_len);
}

static size_t text_len(const uint8_t *text, size_t len)
{
	while (len && !text[len - 1])
		len--;
	return len;
}

static int same_field(const struct snap_column *c, uint32_t i,
		      const uint8_t *bytes)
{
	const struct fr_field *f = c->field;
	uint64_t want = 0;

	if (f->is_chars)
		return same_text(c->bytes, c->end, i, bytes + f->offset,
				 text_len(bytes + f->offset, f->width));
	memcpy(&want, bytes + f->offset, f->width);
	if (f->is_signed && f->width < 8 && want >> (8 * f->width - 1))
		want |= ~0ULL << (8 * f->width);
	return c->u64[i] == want;
}

/* Row i is exactly a record that was put, for the first time. */
static int same_row(const struct snap_block *b, uint32_t i)
{
	struct rec *r = find_rec(b, i);
	uint64_t ts, head;

	if (!r || r->seen || r->type != b->schema->type)
		return 0;
	memcpy(&head, r->bytes, 8);
	memcpy(&ts, r->bytes + 8, 8);
	if (b->ts[i] != ts || b->lane[i] != r->lane || b->cpu[i] != r->cpu ||
	    b->aux[i] != FR_HEAD_AUX(head))
		return 0;
	for (unsigned f = 0; f < b->schema->nr_fields; f++)
		if (!same_field(&b->columns[f], i, r->bytes))
			return 0;
	if (b->tail && !same_text(b->tail, b->tail_end, i,
				  r->bytes + b->schema->bytes, r->tail_len))
		return 0;
	r->seen = 1;
	return 1;
}

/* Rows of all blocks that can be read; each must be one that was put. */
static unsigned count_rows(struct snap *s)
{
	unsigned rows = 0;

	for (unsigned i = 0; i < nr_recs; i++)
		recs[i].seen = 0;
	for (unsigned i = 0; i < snap_nr_blocks(s); i++) {
		struct snap_block *b = snap_read_block(s, i);

		if (!b)
			assert_int_equal(errno, EBADMSG);
		for (uint32_t k = 0; b && k < b->rows; k++, rows++)
			assert_true(same_row(b, k));
		snap_free_block(b);
	}
	return rows;
}

static struct snap *open_ok(const char *name)
{
	struct snap_diag diag = { "" };
	struct snap *s = snap_open(path_of(name), &diag);

	if (!s)
		print_error("%s\n", diag.text);
	assert_non_null(s);
	return s;
}

static uint8_t *load(const char *name, size_t len)
{
	uint8_t *bytes = malloc(len + 1);
	FILE *f = fopen(path_of(name), "rb");

	assert_non_null(f);
	assert_int_equal(fread(bytes, 1, len + 1, f), len);
	fclose(f);
	return bytes;
}

static void store(const char *name, const uint8_t *bytes, size_t len)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

/* ---- tests ------------------------------------------------------------------ */

static void all_types_and_values_come_back(void **state_)
{
	struct snap *s;
	unsigned nr;

	(void)state_;
	make_recs(300);
	write_recs("all", NULL);
	s = open_ok("all.frs");
	assert_null(snap_damage(s));
	assert_true(snap_complete(s));
	assert_int_equal(count_rows(s), nr_recs);
	assert_string_equal(snap_fact(s, "host.kernel"), "6.18.44");
	assert_string_equal(snap_fact(s, "empty"), "");
	assert_string_equal(snap_fact(s, "records.malformed"), "0");
	assert_null(snap_fact(s, "none"));
	assert_int_equal(snap_coverages(s, &nr)[0].lost, 77);
	assert_int_equal(nr, 1);
	assert_int_equal(snap_gaps(s, &nr)[0].to_seq, 1ULL << 39);
	assert_string_equal(snap_call(s, 3)->call, "pread64");
	assert_int_equal(snap_call(s, 3)->info.offset, 4);
	assert_null(snap_damage(s));
	snap_close(s);
}

static void schema_of_the_file_is_that_of_the_writer(void **state_)
{
	struct snap *s = open_ok("all.frs");
	unsigned nr, want_nr;
	const struct fr_schema *all = snap_schemas(s, &nr);
	const struct fr_schema *want = fr_schemas(&want_nr);

	(void)state_;
	assert_int_equal(nr, want_nr);
	for (unsigned i = 0; i < nr; i++) {
		assert_string_equal(all[i].name, want[i].name);
		assert_string_equal(all[i].aux_kind, want[i].aux_kind);
		assert_int_equal(all[i].bytes, want[i].bytes);
		assert_int_equal(!all[i].tail_name, !want[i].tail_name);
		for (unsigned f = 0; f < want[i].nr_fields; f++) {
			const struct fr_field *x = &all[i].fields[f],
					      *y = &want[i].fields[f];

			assert_string_equal(x->name, y->name);
			assert_string_equal(x->kind, y->kind);
			assert_string_equal(x->unit, y->unit);
			assert_string_equal(x->doc, y->doc);
			assert_int_equal(x->offset, y->offset);
			assert_int_equal(x->width, y->width);
			assert_int_equal(x->is_signed, y->is_signed);
		}
	}
	snap_close(s);
}

static void full_blocks_begin_new_ones(void **state_)
{
	const struct fr_schema *fs = fr_schema_by_type(FR_T_fs_io);
	unsigned want = 2 * SNAP_BLOCK_ROWS + 5;
	struct snap *s;

	(void)state_;
	free(recs);
	recs = calloc(want, sizeof(*recs));
	for (nr_recs = 0; nr_recs < want; nr_recs++)
		fill_rec(&recs[nr_recs], fs, nr_recs);
	write_recs("blocks", NULL);
	s = open_ok("blocks.frs");
	assert_int_equal(snap_nr_blocks(s), 3);
	assert_int_equal(snap_block_info(s, 0)->rows, SNAP_BLOCK_ROWS);
	assert_int_equal(snap_block_info(s, 2)->rows, 5);
	assert_null(snap_block_info(s, 3));
	assert_int_equal(count_rows(s), want);
	snap_close(s);
}

static void a_slow_record_is_stored_as_its_original(void **state_)
{
	struct snap_writer *w = snap_create(folder, "slow", 1);
	struct fr_fs_io io = { .ts = 50, .dur = 7, .ret = -5 };
	struct fr_slow slow = { .ts = 50, .seq = 123, .lane = 0, .cpu = 9 };
	uint8_t rec[sizeof(slow) + sizeof(io)];
	struct snap *s;
	struct snap_block *b;

	(void)state_;
	io.head = FR_HEAD(1, 1, FR_T_fs_io, 3);
	slow.head = FR_HEAD(1, 1, FR_T_slow, sizeof(io));
	memcpy(rec, &slow, sizeof(slow));
	memcpy(rec + sizeof(slow), &io, sizeof(io));
	assert_int_equal(snap_put(w, 3, 1, 1, rec, sizeof(rec)), 0);
	/* a copy of a copy, and one that is cut, are none */
	assert_int_equal(snap_put(w, 3, 1, 2, rec, sizeof(rec) - 1), 0);
	set_head(rec + sizeof(slow), FR_T_slow, 0);
	assert_int_equal(snap_put(w, 3, 1, 3, rec, sizeof(rec)), 0);
	assert_int_equal(snap_finish(w, NULL), 0);
	s = open_ok("slow.frs");
	assert_string_equal(snap_fact(s, "records.malformed"), "2");
	assert_int_equal(snap_nr_blocks(s), 1);
	assert_int_equal(snap_block_info(s, 0)->min_ts, 50);
	assert_int_equal(snap_block_info(s, 0)->max_end, 57);
	b = snap_read_block(s, 0);
	assert_int_equal(b->schema->type, FR_T_fs_io);
	assert_int_equal(b->rows, 1);
	assert_int_equal(b->seq[0], 123);
	assert_int_equal(b->lane[0], 0);
	assert_int_equal(b->cpu[0], 9);
	assert_int_equal(b->aux[0], 3);
	snap_free_block(b);
	snap_close(s);
}

static void bad_records_are_counted_not_stored(void **state_)
{
	struct snap_writer *w = snap_create(folder, "bad", 1);
	struct fr_name_str str = { .hash = 1 };
	struct snap *s;

	(void)state_;
	set_head((uint8_t *)&str, FR_T_name_str, 9); /* tail longer than it */
	snap_put(w, 4, 0, 1, &str, sizeof(str) + 8);
	set_head((uint8_t *)&str, FR_T_name_str, 0);
	snap_put(w, 4, 0, 2, &str, sizeof(str) - 1);      /* cut */
	snap_put(w, 4, 0, 3, &str, 5);                    /* no head */
	snap_put(w, 4, 70000, 4, &str, sizeof(str));      /* no such CPU */
	snap_put(w, 4, 0, 1ULL << 40, &str, sizeof(str)); /* no such seq */
	set_head((uint8_t *)&str, 200, 0);
	snap_put(w, 4, 0, 5, &str, sizeof(str));
	assert_int_equal(snap_finish(w, NULL), 0);
	s = open_ok("bad.frs");
	assert_int_equal(snap_nr_blocks(s), 0);
	assert_string_equal(snap_fact(s, "records.malformed"), "5");
	assert_string_equal(snap_fact(s, "records.unknown"), "1");
	snap_close(s);
}

/* Every length from all but one byte down to nothing. */
static void a_cut_file_opens_as_far_as_it_goes(void **state_)
{
	struct snap_diag diag;
	unsigned rows, before = UINT32_MAX;
	int refused = 0;
	uint64_t bytes;
	uint8_t *whole;

	(void)state_;
	make_few_recs();
	write_recs("small", &bytes);
	whole = load("small.frs", bytes);
	store("cut", whole, bytes);
	free(whole);
	while (bytes--) {
		struct snap *s;

		assert_int_equal(truncate(path_of("cut"), (off_t)bytes), 0);
		s = snap_open(path_of("cut"), &diag);
		if (!s) {
			assert_int_equal(errno, EBADMSG);
			refused++;
			continue;
		}
		assert_int_equal(refused, 0); /* all longer ones opened */
		assert_false(snap_complete(s));
		assert_non_null(snap_damage(s));
		rows = count_rows(s);
		if (before == UINT32_MAX)
			assert_int_equal(rows, nr_recs); /* lacks the trailer */
		assert_true(rows <= before);
		before = rows;
		snap_close(s);
	}
	assert_int_equal(before, 0);
	assert_true(refused > 64);
}

/* Each byte in turn: at most the rows of one block are missing. */
static void a_flipped_byte_costs_one_block_and_is_noticed(void **state_)
{
	struct stat st;
	uint8_t *whole, bad;
	int fd;

	(void)state_;
	assert_int_equal(stat(path_of("small.frs"), &st), 0);
	whole = load("small.frs", (size_t)st.st_size);
	store("flip", whole, (size_t)st.st_size);
	fd = open(path_of("flip"), O_WRONLY);
	for (off_t at = 0; at < st.st_size; at++) {
		struct snap *s;

		bad = whole[at] ^ (uint8_t)(1 + next_random() % 255);
		assert_int_equal(pwrite(fd, &bad, 1, at), 1);
		s = open_ok("flip");
		assert_true(count_rows(s) + 3 >= nr_recs);
		assert_non_null(snap_damage(s));
		snap_close(s);
		assert_int_equal(pwrite(fd, &whole[at], 1, at), 1);
	}
	close(fd);
	free(whole);
}

static void nothing_is_overwritten_and_nothing_is_left(void **state_)
{
	struct snap_writer *w = snap_create(folder, "small", 1);

	(void)state_;
	assert_non_null(w);
	/* the name is in use: while written, and when finished */
	assert_null(snap_create(folder, "small", 1));
	assert_int_equal(errno, EBUSY);
	assert_int_equal(snap_finish(w, NULL), -EEXIST);
	assert_int_equal(access(path_of(".small.tmp"), F_OK), -1);
	w = snap_create(folder, "dropped", 1);
	snap_abort(w);
	snap_abort(NULL);
	assert_int_equal(access(path_of(".dropped.tmp"), F_OK), -1);
	assert_int_equal(access(path_of("dropped.frs"), F_OK), -1);
	/* of a writer that died */
	store(".stale.tmp", (const uint8_t *)"x", 1);
	w = snap_create(folder, "stale", 1);
	assert_non_null(w);
	assert_int_equal(snap_finish(w, NULL), 0);
}

/* The write that fails is any of the first or the last. */
static void a_full_disk_leaves_no_file(void **state_)
{
	struct rlimit all, some;

	(void)state_;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &all);
	for (rlim_t limit = 0; limit < 16000; limit += 700) {
		struct snap_writer *w;
		int err = 0;

		some = all;
		some.rlim_cur = limit;
		setrlimit(RLIMIT_FSIZE, &some);
		w = snap_create(folder, "full", 1);
		if (w) {
			for (unsigned i = 0; i < nr_recs; i++)
				put_rec(w, &recs[i]);
			err = snap_finish(w, NULL);
		}
		setrlimit(RLIMIT_FSIZE, &all);
		assert_int_equal(access(path_of(".full.tmp"), F_OK), -1);
		if (w && !err)
			unlink(path_of("full.frs"));
		assert_int_equal(access(path_of("full.frs"), F_OK), -1);
	}
}

static void other_files_are_refused_with_a_reason(void **state_)
{
	static const uint8_t junk[5000] = "SQLite format 3";
	struct snap_diag diag;

	(void)state_;
	store("junk", junk, sizeof(junk));
	assert_null(snap_open(path_of("junk"), &diag));
	assert_int_equal(errno, EBADMSG);
	assert_non_null(strstr(diag.text, "not a snapshot"));
	assert_null(snap_open(path_of("missing"), &diag));
	assert_int_equal(errno, ENOENT);
	assert_null(snap_open(folder, &diag));
	assert_int_equal(errno, EBADMSG);
}

static int make_folder(void **state_)
{
	(void)state_;
	snprintf(folder, sizeof(folder), "/tmp/test-snapshot-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state_)
{
	static const char *const names[] = {
		"all.frs",   "blocks.frs", "slow.frs", "bad.frs", "small.frs",
		"stale.frs", "cut",        "flip",     "junk",
	};

	(void)state_;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(names[i]));
	free(recs);
	return rmdir(folder); /* fails if anything else was left */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_types_and_values_come_back),
		cmocka_unit_test(schema_of_the_file_is_that_of_the_writer),
		cmocka_unit_test(full_blocks_begin_new_ones),
		cmocka_unit_test(a_slow_record_is_stored_as_its_original),
		cmocka_unit_test(bad_records_are_counted_not_stored),
		cmocka_unit_test(a_cut_file_opens_as_far_as_it_goes),
		cmocka_unit_test(a_flipped_byte_costs_one_block_and_is_noticed),
		cmocka_unit_test(nothing_is_overwritten_and_nothing_is_left),
		cmocka_unit_test(a_full_disk_leaves_no_file),
		cmocka_unit_test(other_files_are_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
