/* SPDX-License-Identifier: GPL-2.0-or-later */
/* process_files.c - opens and reads them. */
#include "recorder/process_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "recorder/state_proc.h"
#include "recorder/state_text.h"

#define TEXT_MAX 16384

struct process_files {
	DIR *proc;
	bool is_proc;  /* not an ordinary folder, as in tests */
	int cgroup_fd; /* of the unified hierarchy; -1: there is none */
	struct process_units units;
	char text[TEXT_MAX];
};

static int open_under(const char *root, const char *path)
{
	char name[PATH_MAX];

	if (snprintf(name, sizeof(name), "%s%s", root, path) >=
	    (int)sizeof(name))
		return -1;
	return open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_unified(const char *root)
{
	int fd = open_under(root, "/sys/fs/cgroup/unified");

	return fd >= 0 ? fd : open_under(root, "/sys/fs/cgroup");
}

struct process_files *process_files_new(const char *root)
{
	struct process_files *f = calloc(1, sizeof(*f));
	int fd = f ? open_under(root, "/proc") : -1;
	struct statfs fs;

	if (fd >= 0)
		f->proc = fdopendir(fd);
	if (!f || !f->proc) {
		if (fd >= 0)
			close(fd);
		free(f);
		return NULL;
	}
	f->is_proc = !fstatfs(fd, &fs) && fs.f_type == PROC_SUPER_MAGIC;
	f->cgroup_fd = open_unified(root);
	f->units.tick_ns = 1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK);
	f->units.page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	return f;
}

void process_files_free(struct process_files *f)
{
	if (!f)
		return;
	closedir(f->proc);
	if (f->cgroup_fd >= 0)
		close(f->cgroup_fd);
	free(f);
}

void process_files_rewind(struct process_files *f)
{
	rewinddir(f->proc);
}

uint32_t process_files_next(struct process_files *f)
{
	const struct dirent *e;

	while ((e = readdir(f->proc))) {
		char *end;
		unsigned long pid;

		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		pid = strtoul(e->d_name, &end, 10);
		if (!*end && pid < UINT32_MAX)
			return (uint32_t)pid;
	}
	return 0;
}

static ssize_t read_text(struct process_files *f, uint32_t pid,
			 const char *what)
{
	char name[48];

	snprintf(name, sizeof(name), "%u/%s", pid, what);
	return state_text_read(dirfd(f->proc), name, f->text, TEXT_MAX);
}

/* From Linux 6.2 on the folder's size is how many there are. */
static uint32_t count_fds(struct process_files *f, uint32_t pid)
{
	char name[48];
	struct stat st;
	uint32_t nr = 0;
	DIR *dir;
	int fd;

	snprintf(name, sizeof(name), "%u/fd", pid);
	if (fstatat(dirfd(f->proc), name, &st, 0))
		return UINT32_MAX;
	if (f->is_proc && st.st_size > 0)
		return st.st_size < UINT32_MAX ? (uint32_t)st.st_size :
						 UINT32_MAX;
	fd = openat(dirfd(f->proc), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return UINT32_MAX;
	}
	for (const struct dirent *e; (e = readdir(dir));)
		nr += e->d_name[0] != '.';
	closedir(dir);
	return nr;
}

int process_files_read(struct process_files *f, uint32_t pid,
		       struct fr_processes_row *ret, bool *ret_kernel)
{
	ssize_t n = read_text(f, pid, "stat");

	if (n < 0)
		return (int)n;
	if (process_parse_stat(f->text, (size_t)n, &f->units, ret, ret_kernel))
		return -EINVAL;
	ret->uid = UINT32_MAX;
	n = read_text(f, pid, "status");
	if (n < 0)
		return (int)n;
	if (process_parse_status(f->text, (size_t)n, ret))
		return -EINVAL;
	ret->read_bytes = ret->write_bytes = UINT64_MAX;
	ret->read_chars = ret->write_chars = UINT64_MAX;
	n = read_text(f, pid, "io");
	if (n >= 0 && process_parse_io(f->text, (size_t)n, ret))
		return -EINVAL;
	ret->fds = count_fds(f, pid);
	return 0;
}

uint64_t process_files_pss(struct process_files *f, uint32_t pid)
{
	ssize_t n = read_text(f, pid, "smaps_rollup");
	uint64_t bytes;

	if (n < 0 || process_parse_pss(f->text, (size_t)n, &bytes))
		return UINT64_MAX;
	return bytes;
}

void process_files_cgroup(struct process_files *f, uint32_t pid,
			  char path[PROCESS_CGROUP_MAX], uint64_t *ret_id)
{
	ssize_t n = read_text(f, pid, "cgroup");
	char name[PROCESS_CGROUP_MAX + 2];
	const char *found = NULL;
	struct stat st;
	size_t len = 0;

	*ret_id = UINT64_MAX;
	path[0] = '\0';
	if (n > 0)
		found = proc_cgroup_path(f->text, (size_t)n, &len);
	if (!found || len >= PROCESS_CGROUP_MAX)
		return;
	memcpy(path, found, len);
	path[len] = '\0';
	snprintf(name, sizeof(name), ".%s", path);
	/* what is of another hierarchy has another number there */
	if (strncmp(f->text, "0::", 3) && !strstr(f->text, "\n0::"))
		return;
	if (f->cgroup_fd >= 0 && !fstatat(f->cgroup_fd, name, &st, 0))
		*ret_id = st.st_ino;
}
