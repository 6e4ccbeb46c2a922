/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_view_text.c - escaping, times and output formats of the readers. */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dump/escape.h"
#include "dump/nested_json.h"
#include "dump/number_names.h"
#include "dump/row_write.h"
#include "dump/view_join.h"
#include "dump/view_time.h"
#include "tests/unit/snapshot_made.h"

/* What a reader does to get the bytes back. */
static size_t unescape(char *dst, const char *src, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned byte;

		if (src[i] != '\\') {
			dst[n++] = src[i];
		} else if (src[++i] == 'x') {
			assert_int_equal(sscanf(src + i + 1, "%2x", &byte), 1);
			dst[n++] = (char)byte;
			i += 2;
		} else {
			dst[n++] = src[i];
		}
	}
	return n;
}

static void escaped_bytes_come_back(void **state)
{
	char src[64], escaped[64 * ESCAPE_GROWTH], back[64 * ESCAPE_GROWTH];

	(void)state;
	srand(7);
	for (unsigned round = 0; round < 20000; round++) {
		size_t len = (size_t)rand() % sizeof(src), n;
		unsigned flags = round % 2 ? ESCAPE_CONTROLS : 0;

		for (size_t i = 0; i < len; i++)
			src[i] = (char)(rand() % 3 ?
						rand() :
						"\\x\xc3\xa9\xe2\x82"[rand() %
								      7]);
		n = escape_text(escaped, src, len, flags);
		assert_true(n <= len * ESCAPE_GROWTH);
		for (size_t i = 0; i < n;) { /* the result is UTF-8 */
			size_t step = escape_utf8_length(escaped + i, n - i);

			assert_int_not_equal(step, 0);
			assert_false(flags && (unsigned char)escaped[i] < ' ');
			i += step;
		}
		assert_int_equal(unescape(back, escaped, n), len);
		assert_memory_equal(back, src, len);
	}
}

static void text_stays_readable(void **state)
{
	static const struct {
		const char *src, *want;
		size_t len;
		unsigned flags;
	} cases[] = {
		{ "/usr/bin", "/usr/bin", 8, 0 },
		{ "a b", "a b", 3, 0 },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", 6, 0 },
		{ "\xff", "\\xff", 1, 0 },
		{ "\xc0\x80", "\\xc0\\x80", 2, 0 },          /* overlong */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80", 3, 0 }, /* surrogate */
		{ "\xe2\x82", "\\xe2\\x82", 2, 0 },          /* cut */
		{ "a\\n", "a\\\\n", 3, 0 },
		{ "a\nb", "a\nb", 3, 0 },
		{ "a\nb", "a\\x0ab", 3, ESCAPE_CONTROLS },
		{ "\x1b[31m", "\\x1b[31m", 5, ESCAPE_CONTROLS },
		{ "\xc2\x9b", "\\xc2\\x9b", 2, ESCAPE_CONTROLS },
		{ "ls\0-l\0a b\0", "ls -l a\\x20b", 10, ESCAPE_ARGS },
	};
	char out[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = escape_text(out, cases[i].src, cases[i].len,
				       cases[i].flags);

		out[n] = 0;
		assert_string_equal(out, cases[i].want);
	}
}

static void percent_comes_back(void **state)
{
	char out[64];

	(void)state;
	escape_percent(out, "a b=c%\n");
	assert_string_equal(out, "a%20b%3Dc%25%0A");
	escape_undo_percent(out);
	assert_string_equal(out, "a b=c%\n");
	strncpy(out, "5%", sizeof(out));
	escape_undo_percent(out);
	assert_string_equal(out, "5%");
}

static void times_are_understood(void **state)
{
	static const struct {
		const char *text;
		int form;
		int64_t ns;
	} cases[] = {
		{ "@1795179900", TIME_WALL, MADE_OFFSET },
		{ "@1795179900.5", TIME_WALL, MADE_OFFSET + 500000000 },
		{ "2026-11-20T13:05:00Z", TIME_WALL, MADE_OFFSET },
		{ "2026-11-20 13:05:00", TIME_WALL, MADE_OFFSET },
		{ "2026-11-20T13:05", TIME_WALL, MADE_OFFSET },
		{ "2026-11-20T14:05:00+01:00", TIME_WALL, MADE_OFFSET },
		{ "2026-11-20T11:35:00-0130", TIME_WALL, MADE_OFFSET },
		{ "2026-11-20T13:05:00.000000001", TIME_WALL, MADE_OFFSET + 1 },
		{ "13:05", TIME_WALL, MADE_OFFSET },
		{ "13:05:00.25", TIME_WALL, MADE_OFFSET + 250000000 },
		{ "2026-11-20", TIME_WALL, MADE_OFFSET - 47100000000000 },
		{ "-10s", TIME_RELATIVE, -10000000000 },
		{ "+5ms", TIME_RELATIVE, 5000000 },
		{ "-0", TIME_RELATIVE, 0 },
	};
	static const char *const bad[] = {
		"",
		"now",
		"@",
		"@x",
		"@1.2.3",
		"-",
		"-10",
		"25:00",
		"13:61",
		"13",
		"2026-11-20T",
		"2026-11-20X13:05",
		"2026-02-32",
		"13:05:00 pm",
		"@99999999999999999999",
		"2026-11-20T13:05:00+1",
	};
	struct view_time t;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
			view_time_parse(cases[i].text, MADE_OFFSET, &t), 0);
		assert_int_equal(t.form, cases[i].form);
		assert_int_equal(t.ns, cases[i].ns);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(view_time_parse(bad[i], MADE_OFFSET, &t),
				 -EINVAL);
}

static void a_printed_time_is_understood(void **state)
{
	static const int64_t times[] = { 0, 1, MADE_OFFSET + 123456789,
					 1711846800000000000 };
	struct wall_cache cache = { 0 };
	struct view_time t;
	char buf[48];

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		size_t len = wall_format(&cache, times[i], buf);

		assert_int_equal(len, strlen(buf));
		assert_int_equal(view_time_parse(buf, 0, &t), 0);
		assert_int_equal(t.ns, times[i]);
	}
}

static void a_join_finds_what_was_valid_then(void **state)
{
	static const uint64_t ts[] = { 30, 10, 20 };
	struct join j = { 0 };
	struct join_entry e = { .a = 1, .b = 2 };

	(void)state;
	assert_null(join_find(&j, 0, 1, 2, 5));
	for (unsigned i = 0; i < 3; i++) {
		e.ts = ts[i];
		assert_int_equal(join_add(&j, &e), 0);
	}
	for (unsigned i = 0; i < 1000; i++) { /* others that collide */
		struct join_entry other = { .a = i, .b = 9, .ts = 1 };

		assert_int_equal(join_add(&j, &other), 0);
	}
	assert_int_equal(join_build(&j), 0);
	assert_int_equal(join_find(&j, 0, 1, 2, 25)->ts, 20);
	assert_int_equal(join_find(&j, 0, 1, 2, 20)->ts, 20);
	assert_int_equal(join_find(&j, 0, 1, 2, UINT64_MAX)->ts, 30);
	assert_int_equal(join_find(&j, 0, 1, 2, 9)->ts, 10);
	assert_null(join_find(&j, 1, 1, 2, 25)); /* another recorder */
	assert_null(join_find(&j, 0, 1, 3, 25));
	assert_int_equal(join_find(&j, 0, 999, 9, 25)->a, 999);
	join_free(&j);
}

static void pairs_become_nested_json(void **state)
{
	struct nested_pair pairs[] = {
		{ .key = "lane.fs.lost", .value = "0" },
		{ .key = "daemon.pid", .value = "12" },
		{ .key = "lane.block.lost", .value = "7" },
		{ .key = "lane.fs.history_s", .value = "1.5" },
		{ .key = "t.x", .value = "armed" },
		{ .key = "t", .value = "yes" },
		{ .key = "id", .value = "12", .is_text = 1 },
		{ .key = "version", .value = "0.1-2" },
		{ .key = "zero", .value = "007" },
		{ .key = "text", .value = "a \"b\"\n" },
	};
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	nested_json_print(f, pairs, sizeof(pairs) / sizeof(pairs[0]));
	fclose(f);
	assert_string_equal(text, "{\n"
				  "  \"daemon\": {\n"
				  "    \"pid\": 12\n"
				  "  },\n"
				  "  \"id\": \"12\",\n"
				  "  \"lane\": {\n"
				  "    \"block\": {\n"
				  "      \"lost\": 7\n"
				  "    },\n"
				  "    \"fs\": {\n"
				  "      \"history_s\": 1.5,\n"
				  "      \"lost\": 0\n"
				  "    }\n"
				  "  },\n"
				  "  \"t\": {\n"
				  "    \"value\": true,\n"
				  "    \"x\": \"armed\"\n"
				  "  },\n"
				  "  \"text\": \"a \\\"b\\\"\\n\",\n"
				  "  \"version\": \"0.1-2\",\n"
				  "  \"zero\": \"007\"\n"
				  "}\n");
	free(text);
}

static char *rows_as(enum row_format format, const char *const *names)
{
	char folder[] = "/tmp/test_view_text.XXXXXX", path[64], *text = NULL;
	struct snap_diag diag;
	unsigned columns[8], nr = 0;
	struct view *v = view_new();
	struct view_cursor *c;
	struct row_writer *w;
	struct made m;
	size_t size;
	FILE *f;

	assert_non_null(mkdtemp(folder));
	m.w = snap_create(folder, "a", 1);
	m.ordinal = 0;
	made_facts(&m, "i");
	made_path(&m, 1, 500, 9, "say \"hi\",\xff\0", 11, 0);
	made_put_io(&m, 1, made_io(1000, 1500, 100, 500, 4096, -4));
	made_put_io(&m, 1, made_io(2000, 10, 100, 501, UINT32_MAX, 16));
	assert_int_equal(snap_finish(m.w, NULL), 0);
	snprintf(path, sizeof(path), "%s/a.frs", folder);
	assert_int_equal(view_add_file(v, path, &diag), 0);
	assert_int_equal(view_load(v, NULL, &diag), 0);
	for (; names[nr]; nr++)
		columns[nr] = view_find_column(v, names[nr]);
	c = view_cursor_new(v);
	f = open_memstream(&text, &size);
	w = row_writer_new(v, f, format, columns, nr, true);
	for (size_t i = 0; i < view_nr_rows(v); i++) {
		view_seek(c, i);
		row_write(w, c);
	}
	assert_int_equal(row_writer_finish(w), 0);
	fclose(f);
	view_cursor_free(c);
	view_free(v);
	unlink(path);
	rmdir(folder);
	return text;
}

static void formats_keep_their_rules(void **state)
{
	static const char *const names[] = { "ts",    "op",   "size", "ret",
					     "errno", "path", NULL };
	char *text;

	(void)state;
	text = rows_as(ROW_CSV, names);
	assert_string_equal(text, "ts,op,size,ret,errno,path\n"
				  "1000,read,4096,-4,EINTR,"
				  "\"/say \"\"hi\"\",\\xff\"\n"
				  "2000,read,,16,,\n");
	free(text);
	text = rows_as(ROW_JSONL, names);
	assert_string_equal(
		text,
		"{\"ts\":1000,\"op\":\"read\",\"size\":4096,\"ret\":-4,"
		"\"errno\":\"EINTR\",\"path\":\"/say \\\"hi\\\",\\\\xff\"}\n"
		"{\"ts\":2000,\"op\":\"read\",\"size\":null,\"ret\":16,"
		"\"errno\":null,\"path\":null}\n");
	free(text);
	text = rows_as(ROW_TEXT, names);
	assert_string_equal(
		text, "  ts  op    size    ret  errno  path\n"
		      "1000  read  4096  EINTR  EINTR  /say \"hi\",\\xff\n"
		      "2000  read     -     16  -      -\n");
	free(text);
}

static void check_flags(const char *call, uint64_t flags, const char *want)
{
	char buf[256];

	assert_true(number_flags(buf, sizeof(buf), call, "x86_64", flags));
	assert_string_equal(buf, want);
}

static void numbers_have_words(void **state)
{
	char buf[64] = "as it was";

	(void)state;
	assert_string_equal(number_errno(ENOENT), "ENOENT");
	assert_string_equal(number_errno(512), "ERESTARTSYS");
	assert_string_equal(number_errno(516), "ERESTART_RESTARTBLOCK");
	assert_string_equal(number_errno(530), "ERECALLCONFLICT");
	assert_null(number_errno(520));
	assert_null(number_errno(531));
	assert_string_equal(number_meta(5), "dump_failed");
	assert_null(number_meta(0));
	assert_null(number_meta(1000));
	check_flags("openat", 0, "O_RDONLY");
	check_flags("openat", O_WRONLY | O_CREAT | O_SYNC | O_CLOEXEC,
		    "O_WRONLY|O_CREAT|O_SYNC|O_CLOEXEC");
	check_flags("open", O_RDWR | 1ULL << 31, "O_RDWR|UNKNOWN(0x80000000)");
	check_flags("mmap",
		    (uint64_t)PROT_READ << 32 | MAP_PRIVATE | MAP_ANONYMOUS,
		    "PROT_READ,MAP_PRIVATE|MAP_ANONYMOUS");
	check_flags("unlinkat", AT_REMOVEDIR, "AT_REMOVEDIR");
	assert_false(number_flags(buf, sizeof(buf), "read", "x86_64", 4));
	assert_string_equal(buf, "as it was");
	number_wait_status(buf, sizeof(buf), 3 << 8);
	assert_string_equal(buf, "exit 3");
	number_wait_status(buf, sizeof(buf), SIGSEGV | 0x80);
	assert_string_equal(buf, "SIGSEGV, core");
}

static void flags_are_cut_to_fit(void **state)
{
	char buf[16];

	(void)state;
	for (size_t size = 2; size <= sizeof(buf); size++) {
		memset(buf, 'x', sizeof(buf));
		assert_true(number_flags(buf, size, "openat", "x86_64",
					 O_CREAT | O_EXCL));
		assert_true(strnlen(buf, size) < size);
		assert_true(number_flags(buf, size, "mmap", NULL, ~0ULL));
		assert_true(strnlen(buf, size) < size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escaped_bytes_come_back),
		cmocka_unit_test(text_stays_readable),
		cmocka_unit_test(percent_comes_back),
		cmocka_unit_test(times_are_understood),
		cmocka_unit_test(a_printed_time_is_understood),
		cmocka_unit_test(a_join_finds_what_was_valid_then),
		cmocka_unit_test(pairs_become_nested_json),
		cmocka_unit_test(formats_keep_their_rules),
		cmocka_unit_test(numbers_have_words),
		cmocka_unit_test(flags_are_cut_to_fit),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
