/* SPDX-License-Identifier: GPL-2.0-or-later */
/* retention.c - the snapshots of a folder: read, and those that must go removed. */
#include "recorder/retention.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "recorder/config.h"
#include "triggers/units.h"

/* So many that cannot be removed: then the folder is to blame, not they. */
#define FAILED_MAX    32
#define KEEP_FREE_MAX (1ULL << 60)

/* ---- limits --------------------------------------------------------------- */

int retention_parse_keep_free(const char *text, struct retention_limits *l)
{
	uint64_t bytes = 0;
	double percent = 0;
	int err = units_parse_percent(text, &percent);

	if (err)
		err = units_parse_size(text, &bytes);
	else if (percent >= 100)
		err = -ERANGE;
	if (!err && bytes > KEEP_FREE_MAX)
		err = -ERANGE;
	if (err)
		return err;
	l->keep_free = bytes;
	l->keep_free_percent = percent;
	return 0;
}

void retention_limits(const struct fr_config *c, struct retention_limits *ret)
{
	*ret = (struct retention_limits){
		.max_files = (uint64_t)c->dump_max_files,
		.max_bytes = c->dump_max_use,
		.max_age_ns = c->dump_max_age,
		.max_share = c->dump_max_share,
	};
	/* it was checked when it was set */
	(void)retention_parse_keep_free(c->dump_keep_free, ret);
}

const char *retention_why_name(enum retention_why why)
{
	static const char *const names[] = {
		[RETENTION_STAYS] = "",
		[RETENTION_AGE] = "dump.max_age",
		[RETENTION_FILES] = "dump.max_files",
		[RETENTION_USE] = "dump.max_use",
		[RETENTION_FREE] = "dump.keep_free",
	};

	return names[why];
}

int retention_room(int dir_fd, const struct retention_limits *l,
		   uint64_t *ret_keep, uint64_t *ret_free)
{
	struct statvfs vfs;

	if (fstatvfs(dir_fd, &vfs) < 0)
		return -errno;
	*ret_free = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	*ret_keep = l->keep_free;
	if (l->keep_free_percent > 0)
		*ret_keep =
			(uint64_t)(l->keep_free_percent / 100 *
				   (double)vfs.f_blocks * (double)vfs.f_frsize);
	return 0;
}

int retention_lacking(int dir_fd, const struct retention_limits *l,
		      uint64_t need, uint64_t *ret_lacking, uint64_t *ret_free)
{
	uint64_t keep = 0;
	int err = retention_room(dir_fd, l, &keep, ret_free);

	*ret_lacking = 0;
	if (!err && keep && keep + need > *ret_free)
		*ret_lacking = keep + need - *ret_free;
	return err;
}

/* ---- reading -------------------------------------------------------------- */

static DIR *open_again(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d;

	if (fd < 0)
		return NULL;
	d = fdopendir(fd);
	if (!d)
		close(fd);
	return d;
}

static int by_name(const void *a, const void *b)
{
	const struct retention_file *x = a, *y = b;

	return strcmp(x->file, y->file);
}

/* 1: it is a snapshot of ours. */
static int look_at(int dir_fd, const char *file, struct retention_file *ret)
{
	struct retention_name name;
	struct stat st;

	if (!retention_parse_name(file, &name) ||
	    fstatat(dir_fd, file, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return 0;
	*ret = (struct retention_file){ .name = name,
					.bytes = (uint64_t)st.st_size };
	memcpy(ret->file, file, strlen(file) + 1); /* else it is not ours */
	return 1;
}

int retention_read_folder(int dir_fd, struct retention_file **ret_list,
			  size_t *ret_nr)
{
	struct retention_file *list = NULL, *more;
	size_t nr = 0, room = 0;
	DIR *d = open_again(dir_fd);
	struct dirent *de;

	if (!d)
		return -errno;
	while ((de = readdir(d))) {
		if (nr == room) {
			room = room ? room * 2 : 64;
			more = realloc(list, room * sizeof(*list));
			if (!more) {
				free(list);
				closedir(d);
				return -ENOMEM;
			}
			list = more;
		}
		nr += (size_t)look_at(dir_fd, de->d_name, &list[nr]);
	}
	closedir(d);
	if (nr)
		qsort(list, nr, sizeof(*list), by_name);
	*ret_list = list;
	*ret_nr = nr;
	return 0;
}

/* ---- removing ------------------------------------------------------------- */

/* One that is gone already is as good as removed by us: somebody else made room,
 * or pinned it, which renames it.  What a pin took away counts again next time. */
static int remove_one(int dir_fd, const struct retention_job *job,
		      const struct retention_file *f)
{
	if (job->dry_run || !unlinkat(dir_fd, f->file, 0) || errno == ENOENT)
		return 0;
	return -errno;
}

/* True: some could not be removed, so that others must go. */
static bool remove_chosen(int dir_fd, const struct retention_job *job,
			  struct retention_file *list, size_t nr,
			  struct retention_result *res)
{
	unsigned failed = res->failed;

	for (size_t i = 0; i < nr; i++) {
		struct retention_file *f = &list[i];
		int err;

		if (f->why == RETENTION_STAYS || res->failed >= FAILED_MAX)
			continue;
		err = remove_one(dir_fd, job, f);
		if (job->fn)
			job->fn(job->arg, f, err);
		if (err) {
			f->stuck = true;
			f->why = RETENTION_STAYS;
			res->failed++;
			continue;
		}
		res->removed++;
		res->removed_bytes += f->bytes;
	}
	return res->failed > failed && res->failed < FAILED_MAX;
}

/* Takes those that went out of the list. */
static size_t leave(struct retention_file *list, size_t nr)
{
	size_t to = 0;

	for (size_t i = 0; i < nr; i++)
		if (list[i].why == RETENTION_STAYS)
			list[to++] = list[i];
	return to;
}

static void count_left(const struct retention_file *list, size_t nr,
		       struct retention_result *res)
{
	res->files = (unsigned)nr;
	for (size_t i = 0; i < nr; i++) {
		res->bytes += list[i].bytes;
		res->pinned += list[i].name.pinned;
		res->pinned_bytes += list[i].name.pinned ? list[i].bytes : 0;
	}
}

static uint64_t real_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* What is free may only be known once the folder is on disk. */
static void measure_again(int dir_fd, const struct retention_job *job,
			  uint64_t lacking, struct retention_result *res)
{
	uint64_t have;

	res->lacking =
		lacking > res->removed_bytes ? lacking - res->removed_bytes : 0;
	if (!lacking || job->dry_run)
		return;
	fsync(dir_fd);
	retention_lacking(dir_fd, &job->limits, job->need, &res->lacking,
			  &have);
}

int retention_apply(int dir_fd, const struct retention_job *job,
		    struct retention_result *ret)
{
	struct retention_now now = { .real_ns = real_now(), .keep = job->keep };
	struct retention_file *list = NULL;
	uint64_t lacking = 0, have;
	size_t nr = 0;
	int err = retention_read_folder(dir_fd, &list, &nr), chosen;
	bool again = true;

	memset(ret, 0, sizeof(*ret));
	if (!err)
		err = retention_lacking(dir_fd, &job->limits, job->need,
					&lacking, &have);
	while (!err && again) {
		now.lacking = lacking > ret->removed_bytes ?
				      lacking - ret->removed_bytes :
				      0;
		chosen = retention_choose(list, nr, &job->limits, &now,
					  &ret->reached);
		if (chosen < 0)
			err = chosen;
		else
			again = remove_chosen(dir_fd, job, list, nr, ret);
		nr = leave(list, nr);
	}
	if (!err) {
		count_left(list, nr, ret);
		measure_again(dir_fd, job, lacking, ret);
		ret->reached = ret->reached && !ret->failed && !ret->lacking;
	}
	free(list);
	return err;
}

void retention_remove_temporary(int dir_fd, unsigned min_age_s)
{
	static const char prefix[] = ".flightrec-", suffix[] = ".tmp";
	time_t limit = time(NULL) - (time_t)min_age_s;
	struct dirent *de;
	struct stat st;
	DIR *d = open_again(dir_fd);

	if (!d)
		return;
	while ((de = readdir(d))) {
		size_t len = strlen(de->d_name);

		if (!strncmp(de->d_name, prefix, strlen(prefix)) &&
		    len > strlen(suffix) &&
		    !strcmp(de->d_name + len - strlen(suffix), suffix) &&
		    !fstatat(dir_fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
		    st.st_mtime <= limit)
			unlinkat(dir_fd, de->d_name, 0);
	}
	closedir(d);
}
