/* SPDX-License-Identifier: GPL-2.0-or-later */
/* retention.c - names of snapshots, and which of them make room. */
#include "recorder/retention.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "flightrec-"
#define SUFFIX ".frs"
#define STAMP      \
	"dddddddd" \
	"Tdddddd.dddZ-" /* d: a digit */

struct entry {
	char name[256];
	uint64_t bytes;
};

static int name_byte_ok(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

char *retention_make_name(char buf[RETENTION_NAME_MAX], uint64_t real_ns,
			  const char *trigger, unsigned attempt)
{
	time_t sec = (time_t)(real_ns / 1000000000);
	char clean[64], again[16] = "";
	struct tm tm;
	size_t i;

	for (i = 0; trigger[i] && i < sizeof(clean) - 1; i++)
		clean[i] = name_byte_ok(trigger[i]) ? trigger[i] : '_';
	if (!i)
		clean[i++] = '_';
	clean[i] = '\0';
	if (attempt)
		snprintf(again, sizeof(again), ".%u", attempt);
	gmtime_r(&sec, &tm);
	snprintf(buf, RETENTION_NAME_MAX,
		 PREFIX "%04d%02d%02dT%02d%02d%02d.%03uZ-%s%s",
		 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		 tm.tm_min, tm.tm_sec, (unsigned)(real_ns / 1000000 % 1000),
		 clean, again);
	return buf;
}

int retention_is_ours(const char *file)
{
	const char *p = file + strlen(PREFIX);
	size_t len = strlen(file);

	if (len < strlen(PREFIX) + strlen(STAMP) + 1 + strlen(SUFFIX))
		return 0;
	if (strncmp(file, PREFIX, strlen(PREFIX)))
		return 0;
	for (const char *s = STAMP; *s; s++, p++)
		if (*s == 'd' ? !isdigit((unsigned char)*p) : *p != *s)
			return 0;
	return !strcmp(file + len - strlen(SUFFIX), SUFFIX);
}

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
	const struct entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* All snapshots of the folder; *ret_list is the caller's. */
static int read_folder(int dir_fd, struct entry **ret_list, size_t *ret_nr)
{
	struct entry *list = NULL, *more;
	size_t nr = 0, room = 0;
	struct dirent *de;
	struct stat st;
	DIR *d = open_again(dir_fd);

	if (!d)
		return -errno;
	while ((de = readdir(d))) {
		if (!retention_is_ours(de->d_name) ||
		    fstatat(dir_fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
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
		snprintf(list[nr].name, sizeof(list[nr].name), "%s",
			 de->d_name);
		list[nr++].bytes = (uint64_t)st.st_size;
	}
	closedir(d);
	*ret_list = list;
	*ret_nr = nr;
	return 0;
}

/* "${name}.frs" is ${file}? */
static int is_named(const char *file, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(file, name, n) && !strcmp(file + n, SUFFIX);
}

int retention_apply(int dir_fd, uint64_t max_files, uint64_t max_bytes,
		    const char *keep, struct retention_result *ret)
{
	struct retention_result res = { 0 };
	struct entry *list = NULL;
	uint64_t sum = 0;
	size_t nr = 0, left;
	int err = read_folder(dir_fd, &list, &nr);

	if (err)
		return err;
	if (nr)
		qsort(list, nr, sizeof(*list), by_name);
	for (size_t i = 0; i < nr; i++)
		sum += list[i].bytes;
	left = nr;
	for (size_t i = 0; i < nr; i++) {
		if (left <= max_files && sum <= max_bytes)
			break;
		if (keep ? is_named(list[i].name, keep) : i + 1 == nr)
			continue;
		if (unlinkat(dir_fd, list[i].name, 0) < 0) {
			res.failed++;
			continue;
		}
		res.removed++;
		left--;
		sum -= list[i].bytes;
	}
	free(list);
	res.files = (unsigned)left;
	res.bytes = sum;
	*ret = res;
	return 0;
}

void retention_remove_temporary(int dir_fd, unsigned min_age_s)
{
	time_t limit = time(NULL) - (time_t)min_age_s;
	struct dirent *de;
	struct stat st;
	DIR *d = open_again(dir_fd);

	if (!d)
		return;
	while ((de = readdir(d))) {
		size_t len = strlen(de->d_name);

		if (!strncmp(de->d_name, "." PREFIX, strlen("." PREFIX)) &&
		    len > 4 && !strcmp(de->d_name + len - 4, ".tmp") &&
		    !fstatat(dir_fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
		    st.st_mtime <= limit)
			unlinkat(dir_fd, de->d_name, 0);
	}
	closedir(d);
}
