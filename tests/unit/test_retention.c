/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_retention.c - names of snapshots, which go first, and the run folder. */
#include "tests/unit/test.h"

#include "recorder/retention.h"
#include "recorder/runfolder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct folder {
	char path[64];
	int fd;
};

static int folder_setup(void **state)
{
	static struct folder f;

	snprintf(f.path, sizeof(f.path), "/tmp/test-retention.XXXXXX");
	if (!mkdtemp(f.path))
		return -1;
	f.fd = open(f.path, O_RDONLY | O_DIRECTORY);
	*state = &f;
	return f.fd < 0 ? -1 : 0;
}

static int folder_teardown(void **state)
{
	struct folder *f = *state;
	DIR *d = opendir(f->path);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' || e->d_name[1] == 'f')
			unlinkat(f->fd, e->d_name, 0);
	if (d)
		closedir(d);
	close(f->fd);
	return rmdir(f->path);
}

static void put_file(struct folder *f, const char *name, size_t bytes)
{
	int fd = openat(f->fd, name, O_CREAT | O_WRONLY | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	close(fd);
}

static int is_there(struct folder *f, const char *name)
{
	return faccessat(f->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- names ---------------------------------------------------------------------- */

static void name_carries_time_and_trigger(void **state)
{
	char buf[RETENTION_NAME_MAX];

	(void)state;
	retention_make_name(buf, 1790000000123456789ULL, "slow-fsync", 0);
	assert_string_equal(buf, "flightrec-20260921T141320.123Z-slow-fsync");
	retention_make_name(buf, 0, "a/b c\n..", 3);
	assert_string_equal(buf, "flightrec-19700101T000000.000Z-a_b_c___.3");
	retention_make_name(buf, 0, "", 0);
	assert_string_equal(buf, "flightrec-19700101T000000.000Z-_");
}

static void long_trigger_name_is_cut(void **state)
{
	char buf[RETENTION_NAME_MAX], name[300], file[RETENTION_NAME_MAX + 8];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	retention_make_name(buf, 1, name, 7);
	assert_true(strlen(buf) < RETENTION_NAME_MAX - 1);
	snprintf(file, sizeof(file), "%s.frs", buf);
	assert_true(retention_is_ours(file));
}

static void only_own_names_are_ours(void **state)
{
	static const char *const foreign[] = {
		"",
		".frs",
		"flightrec-.frs",
		"notes.frs",
		"flightrec-20260921T141320.123Z-.frs",
		"flightrec-20260921T141320.123Z-.pin.frs",
		"flightrec-20260921T141320.123Z-x.frs.bak",
		"flightrec-20260921T141320.123Z-x.keep.frs",
		"flightrec-20260921T141320.123Z-x.pin.3.frs",
		"flightrec-20260921T141320.123Z-x.0.frs",
		"flightrec-20260921T141320.123Z-x.03.frs",
		"flightrec-20260921T141320.123Z-x (copy).frs",
		"flightrec-20260921T141320.123Z-x\n.frs",
		"flightrec-2026092xT141320.123Z-x.frs",
		"flightrec-20260921 141320.123Z-x.frs",
		"flightrec-20261321T141320.123Z-x.frs",
		"flightrec-20260931T141320.123Z-x.frs",
		"flightrec-00000101T000000.000Z-x.frs",
		"flightrec-99990101T000000.000Z-x.frs",
		".flightrec-20260921T141320.123Z-x.frs",
		"before-flightrec-20260921T141320.123Z-x.frs",
	};
	static const char *const ours[] = {
		"flightrec-20260921T141320.123Z-x.frs",
		"flightrec-20260921T141320.123Z-x.7.frs",
		"flightrec-20260921T141320.123Z-x.pin.frs",
		"flightrec-20260921T141320.123Z-x.999.pin.frs",
		"flightrec-20260921T141320.123Z-pin.frs",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (retention_is_ours(foreign[i]))
			fail_msg("taken for ours: %s", foreign[i]);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (!retention_is_ours(ours[i]))
			fail_msg("not taken for ours: %s", ours[i]);
}

static void name_is_read_back(void **state)
{
	char name[RETENTION_NAME_MAX], file[RETENTION_FILE_MAX];
	char pinned[RETENTION_FILE_MAX], buf[RETENTION_FILE_MAX];
	struct retention_name n;

	(void)state;
	retention_make_name(name, 1790000000123456789ULL, "slow-fsync", 12);
	snprintf(file, sizeof(file), "%s.frs", name);
	assert_true(retention_parse_name(file, &n));
	assert_true(n.real_ns == 1790000000123000000ULL);
	assert_string_equal(n.trigger, "slow-fsync");
	assert_int_equal(n.attempt, 12);
	assert_false(n.pinned);
	retention_pin_name(pinned, file, true);
	assert_string_equal(
		pinned, "flightrec-20260921T141320.123Z-slow-fsync.12.pin.frs");
	assert_true(retention_parse_name(pinned, &n));
	assert_true(n.pinned && n.attempt == 12);
	assert_string_equal(n.trigger, "slow-fsync");
	assert_string_equal(retention_pin_name(buf, pinned, false), file);
	assert_string_equal(retention_pin_name(buf, pinned, true), pinned);
}

/* ---- limits ----------------------------------------------------------------------- */

static void keep_free_is_bytes_or_percent(void **state)
{
	static const char *const bad[] = {
		"", "%", "100%", "-1", "1 GB?", "5%%", "lots", "2000000TiB"
	};
	struct retention_limits l = { .keep_free = 7 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!retention_parse_keep_free(bad[i], &l))
			fail_msg("'%s' was taken", bad[i]);
	assert_true(l.keep_free == 7);
	assert_int_equal(retention_parse_keep_free("12.5%", &l), 0);
	assert_true(l.keep_free == 0 && l.keep_free_percent == 12.5);
	assert_int_equal(retention_parse_keep_free("64MiB", &l), 0);
	assert_true(l.keep_free == 64 << 20 && l.keep_free_percent == 0);
}

/* ---- making room ------------------------------------------------------------------ */

#define A  "flightrec-20260101T000000.000Z-z.frs"
#define AP "flightrec-20260101T000000.000Z-z.pin.frs"
#define B  "flightrec-20260102T000000.000Z-y.frs"
#define C  "flightrec-20260103T000000.000Z-x.frs"

static struct retention_result apply(struct folder *f, uint64_t max_files,
				     uint64_t max_bytes, const char *keep)
{
	struct retention_job job = {
		.limits = { .max_files = max_files,
			    .max_bytes = max_bytes,
			    .max_share = 100 },
		.keep = keep,
	};
	struct retention_result r;

	assert_int_equal(retention_apply(f->fd, &job, &r), 0);
	return r;
}

static void oldest_go_first_by_number(void **state)
{
	struct folder *f = *state;
	struct retention_result r;

	put_file(f, C, 10);
	put_file(f, A, 10);
	put_file(f, B, 10);
	put_file(f, "precious.frs", 10);
	assert_int_equal(apply(f, 3, 1000, NULL).removed, 0);
	r = apply(f, 2, 1000, NULL);
	assert_int_equal(r.removed, 1);
	assert_int_equal(r.files, 2);
	assert_false(is_there(f, A));
	assert_true(is_there(f, B) && is_there(f, C));
	assert_true(is_there(f, "precious.frs"));
}

static void oldest_go_first_by_size(void **state)
{
	struct folder *f = *state;
	struct retention_result r;

	put_file(f, A, 100);
	put_file(f, B, 100);
	put_file(f, C, 100);
	assert_int_equal(apply(f, 10, 300, NULL).removed, 0);
	r = apply(f, 10, 299, NULL);
	assert_int_equal(r.removed, 1);
	assert_int_equal(r.removed_bytes, 100);
	assert_int_equal(r.bytes, 200);
	assert_false(is_there(f, A));
}

static void newest_always_stays(void **state)
{
	struct folder *f = *state;

	put_file(f, B, 1000);
	put_file(f, C, 1000);
	assert_int_equal(apply(f, 0, 0, NULL).files, 1);
	assert_true(is_there(f, C));
}

/* The clock was set back: by name the one just written is the oldest. */
static void the_one_just_written_stays(void **state)
{
	struct folder *f = *state;
	char name[sizeof(A)];

	snprintf(name, sizeof(name), "%.*s", (int)sizeof(A) - 5, A);
	put_file(f, A, 1000);
	put_file(f, B, 1000);
	put_file(f, C, 1000);
	assert_int_equal(apply(f, 1, 1000, name).removed, 2);
	assert_true(is_there(f, A));
}

static void pinned_stays(void **state)
{
	struct folder *f = *state;
	struct retention_result r;

	put_file(f, AP, 1000);
	put_file(f, B, 1000);
	put_file(f, C, 1000);
	r = apply(f, 1, 1000, NULL);
	assert_int_equal(r.removed, 1);
	assert_int_equal(r.pinned, 1);
	assert_int_equal(r.pinned_bytes, 1000);
	assert_false(r.reached);
	assert_true(is_there(f, AP) && is_there(f, C));
}

/* A folder cannot be unlinked: stands for all that cannot be removed. */
struct seen {
	unsigned removed, failed;
};
static void note(void *arg, const struct retention_file *f, int err)
{
	struct seen *s = arg;

	assert_true(f->why == RETENTION_FILES);
	s->removed += !err;
	s->failed += err != 0;
}

static void dry_run_removes_nothing(void **state)
{
	struct folder *f = *state;
	struct seen seen = { 0 };
	struct retention_job job = {
		.limits = { .max_files = 1, .max_bytes = 1000, .max_share = 9 },
		.dry_run = true,
		.fn = note,
		.arg = &seen,
	};
	struct retention_result r;

	put_file(f, A, 10);
	put_file(f, B, 10);
	put_file(f, C, 10);
	assert_int_equal(retention_apply(f->fd, &job, &r), 0);
	assert_int_equal(r.removed, 2);
	assert_int_equal(r.files, 1);
	assert_int_equal(seen.removed, 2);
	assert_true(is_there(f, A) && is_there(f, B) && is_there(f, C));
}

static void room_that_cannot_be_had_costs_nothing(void **state)
{
	struct folder *f = *state;
	struct retention_job job = {
		.limits = { .max_files = 9,
			    .max_bytes = 1000,
			    .keep_free_percent = 99.9999 },
		.need = 1ULL << 60,
	};
	struct retention_result r;

	put_file(f, A, 10);
	put_file(f, B, 10);
	assert_int_equal(retention_apply(f->fd, &job, &r), 0);
	assert_int_equal(r.removed, 0);
	assert_true(r.lacking > 0);
	assert_false(r.reached);
}

static void links_and_folders_are_left_alone(void **state)
{
	struct folder *f = *state;

	assert_int_equal(symlinkat("/etc/passwd", f->fd, A), 0);
	assert_int_equal(mkdirat(f->fd, AP, 0700), 0);
	put_file(f, B, 10);
	put_file(f, C, 10);
	assert_int_equal(apply(f, 1, 1000, NULL).removed, 1);
	assert_true(is_there(f, A) && is_there(f, AP));
	assert_int_equal(unlinkat(f->fd, AP, AT_REMOVEDIR), 0);
}

static void old_temporary_files_go(void **state)
{
	struct folder *f = *state;
	const struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	put_file(f, ".flightrec-x.tmp", 10);
	put_file(f, ".flightrec-y.tmp", 10);
	put_file(f, ".flightrec-z.frs", 10);
	assert_int_equal(utimensat(f->fd, ".flightrec-x.tmp", old, 0), 0);
	retention_remove_temporary(f->fd, 3600);
	assert_false(is_there(f, ".flightrec-x.tmp"));
	assert_true(is_there(f, ".flightrec-y.tmp"));
	assert_true(is_there(f, ".flightrec-z.frs"));
}

/* ---- the run folder ---------------------------------------------------------------- */

static void second_recorder_learns_the_pid(void **state)
{
	struct folder *f = *state;
	struct runfolder a, b;
	char path[96];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/deep/run", f->path);
	assert_int_equal(runfolder_open(&a, path, &pid), 0);
	assert_int_equal(runfolder_open(&b, path, &pid), -EBUSY);
	assert_int_equal(pid, getpid());
	runfolder_close(&a);
	assert_int_equal(runfolder_open(&b, path, &pid), 0);
	runfolder_close(&b);
	runfolder_close(&b); /* a no-op */
	assert_int_equal(rmdir(path), 0);
	snprintf(path, sizeof(path), "%s/deep", f->path);
	assert_int_equal(rmdir(path), 0);
}

static void stale_pid_file_is_taken_over(void **state)
{
	struct folder *f = *state;
	struct runfolder r;
	char text[16] = "";
	pid_t pid;
	int fd = openat(f->fd, RUNFOLDER_PID, O_CREAT | O_WRONLY, 0644);

	assert_int_equal(write(fd, "1234567890\n", 11), 11);
	close(fd);
	assert_int_equal(runfolder_open(&r, f->path, &pid), 0);
	assert_true(pread(r.pid_fd, text, sizeof(text) - 1, 0) > 0);
	assert_int_equal(strtol(text, NULL, 10), getpid());
	runfolder_close(&r);
	assert_false(is_there(f, RUNFOLDER_PID));
}

static void lock_ends_with_its_process(void **state)
{
	struct folder *f = *state;
	struct runfolder r;
	int status;
	pid_t other, child = fork();

	if (child == 0) {
		other = 0;
		_exit(runfolder_open(&r, f->path, &other) ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(is_there(f, RUNFOLDER_PID));
	assert_int_equal(runfolder_open(&r, f->path, &other), 0);
	runfolder_close(&r);
}

static void long_path_is_refused(void **state)
{
	struct runfolder r;
	char path[200];
	pid_t pid;

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(runfolder_open(&r, path, &pid), -ENAMETOOLONG);
}

int main(void)
{
#define IN_FOLDER(f) \
	cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_carries_time_and_trigger),
		cmocka_unit_test(long_trigger_name_is_cut),
		cmocka_unit_test(only_own_names_are_ours),
		cmocka_unit_test(name_is_read_back),
		cmocka_unit_test(keep_free_is_bytes_or_percent),
		IN_FOLDER(oldest_go_first_by_number),
		IN_FOLDER(oldest_go_first_by_size),
		IN_FOLDER(newest_always_stays),
		IN_FOLDER(the_one_just_written_stays),
		IN_FOLDER(pinned_stays),
		IN_FOLDER(dry_run_removes_nothing),
		IN_FOLDER(room_that_cannot_be_had_costs_nothing),
		IN_FOLDER(links_and_folders_are_left_alone),
		IN_FOLDER(old_temporary_files_go),
		IN_FOLDER(second_recorder_learns_the_pid),
		IN_FOLDER(stale_pid_file_is_taken_over),
		IN_FOLDER(lock_ends_with_its_process),
		cmocka_unit_test(long_path_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
