/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_view.c - joins, derived columns, merging and filters of the view. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dump/view.h"
#include "dump/view_filter.h"
#include "tests/unit/snapshot_made.h"

#define SEC          1000000000ULL
#define CALL_READ    1
#define CALL_PREAD   3
#define CALL_FSYNC   13
#define CALL_OPENAT  71
#define CALL_RENAME  130
#define CALL_SYMLINK 135

static char folder[] = "/tmp/test_view.XXXXXX";

static struct made begin(const char *name, const char *instance)
{
	struct made m = { .w = snap_create(folder, name, 1) };

	assert_non_null(m.w);
	made_facts(&m, instance);
	return m;
}

static void end(struct made *m)
{
	assert_int_equal(snap_finish(m->w, NULL), 0);
}

static char *path_of(const char *name)
{
	static char path[2][128];
	static unsigned turn;
	char *p = path[turn++ % 2];

	snprintf(p, sizeof(path[0]), "%s/%s.frs", folder, name);
	return p;
}

static struct view *load(const char *name, const char *other,
			 const struct view_filter *f)
{
	struct view *v = view_new();
	struct snap_diag diag;

	assert_int_equal(view_add_file(v, path_of(name), &diag), 0);
	if (other)
		assert_int_equal(view_add_file(v, path_of(other), &diag), 0);
	assert_int_equal(view_load(v, f, &diag), 0);
	return v;
}

static void expect_text(struct view_cursor *c, const char *column,
			struct view *v, const char *want)
{
	char text[8192];
	bool there;

	there = view_get_text(c, view_find_column(v, column), text,
			      sizeof(text));
	if (!want) {
		assert_false(there);
		return;
	}
	assert_true(there);
	assert_string_equal(text, want);
}

static void expect_u64(struct view_cursor *c, const char *column,
		       struct view *v, uint64_t want)
{
	uint64_t u = 0;

	assert_true(view_get_u64(c, view_find_column(v, column), &u));
	assert_int_equal(u, want);
}

static void expect_null(struct view_cursor *c, unsigned column)
{
	struct view_value value;

	view_get(c, column, &value);
	assert_int_equal(value.type, VIEW_NULL);
}

static void make_file_ops(const char *name)
{
	struct made m = begin(name, "aa");
	struct fr_fs_path open;

	made_proc(&m, 10, 100, 100, "cat");
	made_proc(&m, 30 * SEC, 100, 100, "dog");
	made_path(&m, 20, 500, 9, "leaf\0dir\0usr\0", 13, 0);
	made_path(&m, 20, 501, 9, "pipe:[7]\0", 9, 4);
	made_path(&m, 20, 600, 4, "work\0home\0", 10, 0);
	made_string(&m, 25, 0xabc, "sub/file");
	made_string(&m, 25, 0xdef, "/etc/none");
	made_put_io(&m, CALL_PREAD, made_io(1 * SEC, 1500, 100, 500, 4096, 10));
	made_put_io(&m, CALL_READ, made_io(2 * SEC, 50, 100, 501, 16, -5));
	made_put_io(&m, CALL_FSYNC,
		    made_io(31 * SEC, 60000000, 100, 999, UINT32_MAX, 0));
	open = made_open(40 * SEC, 100, 0xabc, -2);
	open.dir_dev = MADE_DEV;
	open.dir_ino = 600;
	open.dir_pkey = 4;
	made_put(&m, FR_LANE_FS, FR_T_fs_path, CALL_OPENAT, &open, sizeof(open),
		 NULL, 0);
	open = made_open(41 * SEC, 200, 0xdef, -1);
	made_put(&m, FR_LANE_FS, FR_T_fs_path, CALL_OPENAT, &open, sizeof(open),
		 NULL, 0);
	end(&m);
}

static void a_row_has_the_values_of_its_record(void **state)
{
	struct view *v = load("ops", NULL, NULL);
	struct view_cursor *c = view_cursor_new(v);

	(void)state;
	assert_int_equal(view_nr_rows(v), 5);
	view_seek(c, 0);
	expect_text(c, "stream", v, "fs");
	expect_text(c, "host", v, "0123456789abcdef");
	expect_text(c, "instance", v, "aa");
	expect_text(c, "op", v, "read");
	expect_text(c, "call", v, "pread64");
	expect_u64(c, "ts", v, 1 * SEC);
	expect_u64(c, "dur", v, 1500);
	expect_u64(c, "pid", v, 100);
	expect_u64(c, "ppid", v, 1);
	expect_u64(c, "uid", v, 1000);
	expect_u64(c, "cgroup", v, 42);
	expect_u64(c, "pid_start", v, 5000);
	expect_text(c, "dev", v, "8:3");
	expect_u64(c, "ino", v, 500);
	expect_u64(c, "size", v, 4096);
	expect_u64(c, "moved", v, 10);
	expect_u64(c, "ret", v, 10);
	expect_u64(c, "offset", v, 4096);
	expect_text(c, "lane", v, "fs");
	expect_text(c, "time", v, "2026-11-20T13:05:01.000000000+00:00");
	expect_null(c, VIEW_ERRNO);
	expect_null(c, VIEW_PATH2);
	view_cursor_free(c);
	view_free(v);
}

static void failures_and_missing_values(void **state)
{
	struct view *v = load("ops", NULL, NULL);
	struct view_cursor *c = view_cursor_new(v);

	(void)state;
	view_seek(c, 1);
	expect_text(c, "errno", v, "EIO");
	expect_u64(c, "ret", v, (uint64_t)-5);
	expect_null(c, VIEW_MOVED);
	view_seek(c, 2); /* fsync */
	expect_null(c, VIEW_SIZE);
	expect_null(c, VIEW_MOVED);
	expect_null(c, VIEW_PATH);
	view_seek(c, 4); /* a result of -1 is EPERM, not a missing value */
	expect_text(c, "errno", v, "EPERM");
	expect_null(c, VIEW_COMM);
	expect_null(c, VIEW_INO);
	expect_null(c, VIEW_DEV);
	expect_null(c, VIEW_FD);
	view_cursor_free(c);
	view_free(v);
}

static void names_are_joined_as_of_the_operation(void **state)
{
	struct view *v = load("ops", NULL, NULL);
	struct view_cursor *c = view_cursor_new(v);

	(void)state;
	view_seek(c, 0);
	expect_text(c, "comm", v, "cat");
	expect_text(c, "path", v, "/usr/dir/leaf");
	view_seek(c, 1);
	expect_text(c, "path", v, "pipe:[7]");
	view_seek(c, 2);
	expect_text(c, "comm", v, "dog");
	view_seek(c, 3); /* relative: behind its directory */
	expect_text(c, "path", v, "/home/work/sub/file");
	expect_text(c, "asked", v, "sub/file");
	view_seek(c, 4);
	expect_text(c, "path", v, "/etc/none");
	view_cursor_free(c);
	view_free(v);
}

static void what_has_no_path_is_named_as_in_proc(void **state)
{
	static const struct {
		uint64_t magic;
		const char *parts, *want;
		size_t len;
	} cases[] = {
		{ 0x50495045, "", "pipe:[500]", 0 },
		{ 0x534f434b, "TCP\0", "socket:[501]", 4 },
		{ 0x09041934, "[eventpoll]\0", "anon_inode:[eventpoll]", 12 },
	};
	struct made m = begin("nameless", "aa");
	struct view_cursor *c;
	struct view *v;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct fr_name_path p = { .ts = 1,
					  .ino = 500 + i,
					  .dev = MADE_DEV,
					  .pkey = 9,
					  .flags = 4,
					  .fs_magic = cases[i].magic };

		made_put(&m, FR_LANE_NAMES, FR_T_name_path,
			 (unsigned)cases[i].len, &p, sizeof(p), cases[i].parts,
			 cases[i].len);
		made_put_io(&m, CALL_READ,
			    made_io((i + 1) * SEC, 1, 1, 500 + i, 1, 1));
	}
	end(&m);
	v = load("nameless", NULL, NULL);
	c = view_cursor_new(v);
	for (unsigned i = 0; i < 3; i++) {
		view_seek(c, i);
		expect_text(c, "path", v, cases[i].want);
	}
	view_cursor_free(c);
	view_free(v);
}

static void two_paths(void **state)
{
	struct made m = begin("two", "aa");
	struct fr_fs_path2 r = { .ts = SEC,
				 .pid = 7,
				 .tid = 7,
				 .asked = 0x1,
				 .asked2 = 0x2,
				 .dir_dev = MADE_DEV,
				 .dir_ino = 600,
				 .dir_pkey = 4,
				 .dir2_dev = MADE_DEV,
				 .dir2_ino = 601,
				 .dir2_pkey = 5 };
	struct view_cursor *c;
	struct view *v;

	(void)state;
	made_string(&m, 1, 0x1, "old");
	made_string(&m, 1, 0x2, "new");
	made_path(&m, 1, 600, 4, "a\0", 2, 0);
	made_path(&m, 1, 601, 5, "", 0, 0);
	made_put(&m, FR_LANE_FS, FR_T_fs_path2, CALL_RENAME, &r, sizeof(r),
		 NULL, 0);
	r.ts = 2 * SEC;
	made_put(&m, FR_LANE_FS, FR_T_fs_path2, CALL_SYMLINK, &r, sizeof(r),
		 NULL, 0);
	end(&m);
	v = load("two", NULL, NULL);
	c = view_cursor_new(v);
	view_seek(c, 0);
	expect_text(c, "path", v, "/a/old");
	expect_text(c, "path2", v, "/new");
	view_seek(c, 1); /* the target of a symlink is text */
	expect_text(c, "path", v, "old");
	expect_text(c, "path2", v, "/new");
	view_cursor_free(c);
	view_free(v);
}

static void a_thread_without_record_has_the_facts_of_its_process(void **state)
{
	struct made m = begin("thread", "aa");
	struct fr_fs_io io = made_io(SEC, 1, 100, 1, 1, 1);
	struct view_cursor *c;
	struct view *v;

	(void)state;
	made_proc(&m, 10, 100, 100, "leader");
	made_proc(&m, 10, 300, 301, "other");
	io.tid = 102;
	made_put_io(&m, CALL_READ, io);
	io.ts = 2 * SEC;
	io.pid = 300;
	io.tid = 302;
	made_put_io(&m, CALL_READ, io);
	io.ts = 3 * SEC;
	io.born = MADE_BORN + 1; /* a later process with that number */
	made_put_io(&m, CALL_READ, io);
	end(&m);
	v = load("thread", NULL, NULL);
	c = view_cursor_new(v);
	view_seek(c, 0);
	expect_text(c, "comm", v, "leader");
	view_seek(c, 1); /* no leader: facts of the process, but no name */
	expect_text(c, "comm", v, NULL);
	expect_u64(c, "uid", v, 1000);
	view_seek(c, 2);
	expect_null(c, VIEW_UID);
	view_cursor_free(c);
	view_free(v);
}

static void block_requests(void **state)
{
	struct made m = begin("block", "aa");
	struct fr_block b = { .ts = SEC,
			      .dur = 3000,
			      .queue_dur = UINT64_MAX,
			      .sector = 1ULL << 40,
			      .dev = 259u << 20 | 1,
			      .size = 4096,
			      .moved = 4096,
			      .cmd_flags = 1 | 8 << 8,
			      .pid = 100,
			      .tid = 100,
			      .born = MADE_BORN,
			      .ino = 500,
			      .file_dev = MADE_DEV,
			      .pkey = 9 };
	struct view_cursor *c;
	struct view *v;

	(void)state;
	made_path(&m, 20, 500, 9, "db\0", 3, 0);
	made_put(&m, FR_LANE_BLOCK, FR_T_block, 0, &b, sizeof(b), NULL, 0);
	b.ts = 2 * SEC;
	b.cmd_flags = 9;
	made_put(&m, FR_LANE_BLOCK, FR_T_block, EIO, &b, sizeof(b), NULL, 0);
	end(&m);
	v = load("block", NULL, NULL);
	c = view_cursor_new(v);
	view_seek(c, 0);
	expect_text(c, "op", v, "write");
	expect_text(c, "dev", v, "259:1");
	expect_text(c, "file_dev", v, "8:3");
	expect_text(c, "path", v, "/db");
	expect_u64(c, "sector", v, 1ULL << 40);
	expect_u64(c, "flags", v, 8 << 8);
	expect_u64(c, "ret", v, 0);
	expect_null(c, view_find_column(v, "queue_dur"));
	expect_null(c, VIEW_CALL);
	assert_int_equal(view_find_column(v, "spare"), VIEW_NO_COLUMN);
	view_seek(c, 1);
	expect_text(c, "op", v, "write_zeroes");
	expect_text(c, "errno", v, "EIO");
	view_cursor_free(c);
	view_free(v);
}

static void samples_are_a_row_for_each_value(void **state)
{
	static const int64_t values[] = { 1234, -5 };
	struct view_filter f = { .streams = { { "sample" }, 1 } };
	struct made m = begin("sample", "aa");
	struct view_value value;
	struct view_cursor *c;
	struct view *v;

	(void)state;
	made_metric(&m, 1, 1, 1, 100, "load\0none\0/proc", 15);
	made_metric(&m, 1, 2, 2, 1, "disk.reads\0requests\0x", 21);
	made_values(&m, SEC, values, 2);
	end(&m);
	v = load("sample", NULL, NULL);
	assert_int_equal(view_nr_rows(v), 0); /* only when asked for */
	view_free(v);
	v = load("sample", NULL, &f);
	assert_int_equal(view_nr_rows(v), 2);
	c = view_cursor_new(v);
	view_seek(c, 0);
	expect_text(c, "metric", v, "load");
	view_get(c, view_find_column(v, "value"), &value);
	assert_int_equal(value.type, VIEW_DECIMAL);
	assert_int_equal(value.u, 1234);
	assert_int_equal(value.scale, 100);
	view_seek(c, 1);
	expect_text(c, "metric", v, "disk.reads");
	expect_text(c, "unit", v, "requests");
	expect_u64(c, "value", v, (uint64_t)-5);
	view_cursor_free(c);
	view_free(v);
}

/* Two snapshots of one recorder overlap; a slow copy is the same record. */
static void shared_rows_are_shown_once(void **state)
{
	struct made a = begin("one", "cc"), b = begin("other", "cc");
	struct fr_fs_io io = made_io(5 * SEC, 1, 1, 1, 1, 1);
	struct view *v;

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		io.ts = (5 + i) * SEC;
		if (i < 7)
			made_put_io(&a, CALL_READ, io);
		if (i >= 3) {
			b.ordinal = i;
			made_put_io(&b, CALL_READ, io);
		}
	}
	b.ordinal = 8; /* once more, as a copy would be */
	io.ts = 13 * SEC;
	made_put_io(&b, CALL_READ, io);
	end(&a);
	end(&b);
	v = load("one", "other", NULL);
	assert_int_equal(view_nr_rows(v), 10);
	assert_int_equal(view_nr_duplicates(v), 5);
	view_free(v);
}

static void other_recorders_are_not_folded(void **state)
{
	struct made a = begin("ra", "r1"), b = begin("rb", "r2");
	struct fr_fs_io io = made_io(5 * SEC, 1, 100, 500, 1, 1);
	struct view_cursor *c;
	struct view *v;

	(void)state;
	made_put_io(&a, CALL_READ, io);
	made_put_io(&b, CALL_READ, io);
	made_proc(&b, 1, 100, 100, "b");
	end(&a);
	end(&b);
	v = load("ra", "rb", NULL);
	assert_int_equal(view_nr_rows(v), 2);
	c = view_cursor_new(v);
	view_seek(c, 0);
	expect_text(c, "comm", v, NULL);
	view_seek(c, 1);
	expect_text(c, "comm", v, "b");
	view_cursor_free(c);
	view_free(v);
}

static size_t rows_with(int opt, const char *value)
{
	struct view_filter f = { .limit = 0 };
	const char *what;
	struct view *v;
	size_t nr;

	assert_int_equal(view_filter_option(&f, opt, value, &what), 1);
	v = load("ops", NULL, &f);
	nr = view_nr_rows(v);
	view_free(v);
	view_filter_free(&f);
	return nr;
}

static int option_of(const char *name)
{
	static const struct option options[] = { FILTER_LONG, { 0 } };

	for (unsigned i = 0; options[i].name; i++)
		if (!strcmp(options[i].name, name))
			return options[i].val;
	fail();
	return 0;
}

static void filters_let_through_what_they_say(void **state)
{
	static const struct {
		const char *option, *value;
		size_t rows;
	} cases[] = {
		{ "stream", "fs", 5 },
		{ "stream", "fs,block", 5 },
		{ "stream", "block", 0 },
		{ "pid", "100", 4 },
		{ "pid", "100,200", 5 },
		{ "tid", "200", 1 },
		{ "comm", "cat", 2 },
		{ "comm", "?og", 2 },
		{ "path", "/usr/*", 1 },
		{ "path", "*file", 1 },
		{ "op", "read", 2 },
		{ "op", "read,fsync", 3 },
		{ "call", "openat", 2 },
		{ "min-latency", "1us", 4 },
		{ "min-latency", "60ms", 1 },
		{ "min-latency", "61ms", 0 },
		{ "errno", "ENOENT", 1 },
		{ "errno", "EIO,EPERM", 2 },
		{ "failed", NULL, 3 },
		{ "begin", "2026-11-20T13:05:31Z", 3 },
		{ "begin", "@1795179931.03", 3 }, /* fsync still runs */
		{ "begin", "@1795179931.07", 2 },
		{ "end", "@1795179931", 3 },
		{ "begin", "-20s", 2 }, /* the trigger is at 60 s */
		{ "end", "-29s", 3 },
		{ "end", "+5s", 5 },
		{ "limit", "2", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t rows =
			rows_with(option_of(cases[i].option), cases[i].value);

		if (rows != cases[i].rows)
			print_error("--%s %s\n", cases[i].option,
				    cases[i].value ? cases[i].value : "");
		assert_int_equal(rows, cases[i].rows);
	}
}

static void bad_filters_are_refused(void **state)
{
	static const struct {
		const char *option, *value;
	} cases[] = {
		{ "pid", "x" },           { "pid", "" },
		{ "pid", "-1" },          { "min-latency", "fast" },
		{ "begin", "yesterday" }, { "end", "2026-13-01" },
		{ "limit", "0" },         { "stream", "fs,,block" },
	};
	struct view_filter f = { .limit = 0 };
	const char *what;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(view_filter_option(&f,
						    option_of(cases[i].option),
						    cases[i].value, &what),
				 -EINVAL);
	assert_int_equal(view_filter_option(&f, 'x', "", &what), 0);
	view_filter_free(&f);
}

static void a_cut_file_gives_what_is_left(void **state)
{
	struct snap_diag diag;
	struct view *v = view_new();
	FILE *f;

	(void)state;
	f = fopen(path_of("cut"), "w");
	assert_non_null(f);
	fputs("no snapshot", f);
	fclose(f);
	assert_int_equal(view_add_file(v, path_of("cut"), &diag), -EBADMSG);
	assert_int_equal(view_add_file(v, path_of("absent"), &diag), -ENOENT);
	view_free(v);
}

static int setup(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	if (!mkdtemp(folder))
		return -1;
	make_file_ops("ops");
	return 0;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_has_the_values_of_its_record),
		cmocka_unit_test(failures_and_missing_values),
		cmocka_unit_test(names_are_joined_as_of_the_operation),
		cmocka_unit_test(what_has_no_path_is_named_as_in_proc),
		cmocka_unit_test(two_paths),
		cmocka_unit_test(
			a_thread_without_record_has_the_facts_of_its_process),
		cmocka_unit_test(block_requests),
		cmocka_unit_test(samples_are_a_row_for_each_value),
		cmocka_unit_test(shared_rows_are_shown_once),
		cmocka_unit_test(other_recorders_are_not_folded),
		cmocka_unit_test(filters_let_through_what_they_say),
		cmocka_unit_test(bad_filters_are_refused),
		cmocka_unit_test(a_cut_file_gives_what_is_left),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
