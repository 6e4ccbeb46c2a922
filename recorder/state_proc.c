/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder/state_proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <flightrec/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "recorder/state_text.h"

#define CGROUP_IDS 64
#define TEXT_MAX   8192

/* Bits of state_proc.incomplete. */
#define ARGS_CUT      1U
#define ARGS_MISSED   2U
#define CGROUP_CUT    4U
#define CGROUP_MISSED 8U
#define UID_MISSED    16U

struct proc_reader {
	DIR *proc;
	int cgroup_fd; /* of the unified hierarchy; -1: there is none */
	bool args;
	uint64_t errors;
	uint64_t tick_ns, page_bytes;
	struct {
		char path[256];
		uint64_t id;
	} ids[CGROUP_IDS];
	char text[TEXT_MAX];
};

/* ---- opening --------------------------------------------------------------------- */

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
	struct stat st;
	int fd = open_under(root, "/sys/fs/cgroup/unified");

	if (fd < 0)
		fd = open_under(root, "/sys/fs/cgroup");
	if (fd >= 0 && fstatat(fd, "cgroup.procs", &st, 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

struct proc_reader *proc_reader_new(const char *root, bool args)
{
	struct proc_reader *r = calloc(1, sizeof(*r));
	int fd = r ? open_under(root, "/proc") : -1;

	if (fd >= 0)
		r->proc = fdopendir(fd);
	if (!r || !r->proc) {
		free(r);
		return NULL;
	}
	r->args = args;
	r->cgroup_fd = open_unified(root);
	r->tick_ns = 1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK);
	r->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	return r;
}

void proc_reader_free(struct proc_reader *r)
{
	if (!r)
		return;
	closedir(r->proc);
	if (r->cgroup_fd >= 0)
		close(r->cgroup_fd);
	free(r);
}

uint64_t proc_reader_errors(const struct proc_reader *r)
{
	return r->errors;
}

/* The next process; NULL: that were all. */
static const char *next_pid(struct proc_reader *r)
{
	const struct dirent *e;

	while ((e = readdir(r->proc)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
		    strlen(e->d_name) <= 10)
			return e->d_name;
	return NULL;
}

static bool is_gone(ssize_t err)
{
	return err == -ENOENT || err == -ESRCH;
}

/* ---- CPU times ---------------------------------------------------------------------- */

uint64_t state_boot_ns(void)
{
	struct timespec boot, mono;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	return (uint64_t)((boot.tv_sec - mono.tv_sec) * 1000000000LL +
			  boot.tv_nsec - mono.tv_nsec);
}

void proc_reader_times(struct proc_reader *r, struct cpu_table *t, bool tick)
{
	struct proc_stat s;
	const char *pid;
	char name[32];

	rewinddir(r->proc);
	cpu_table_begin(t, state_now_ns(), state_boot_ns(), tick);
	while ((pid = next_pid(r))) {
		ssize_t n;

		snprintf(name, sizeof(name), "%.10s/stat", pid);
		n = state_text_read(dirfd(r->proc), name, r->text, TEXT_MAX);
		if (n < 0 || proc_stat_parse(r->text, (size_t)n, &s)) {
			r->errors += !is_gone(n);
			continue;
		}
		cpu_table_add(t, s.pid, s.start, s.start * r->tick_ns,
			      (s.utime + s.stime) * r->tick_ns);
	}
	cpu_table_end(t, true);
}

/* ---- a row --------------------------------------------------------------------------- */

struct proc_row {
	struct fr_state_proc rec;
	char tail[STATE_COMM_MAX + STATE_CGROUP_MAX + STATE_ARGS_MAX];
	size_t len;
};

static void put_uid(struct proc_reader *r, int fd, struct proc_row *row)
{
	ssize_t n = state_text_read(fd, "status", r->text, TEXT_MAX);

	if (n >= 0 && !proc_status_uid(r->text, (size_t)n, &row->rec.uid))
		return;
	row->rec.uid = UINT32_MAX;
	row->rec.incomplete |= UID_MISSED;
	r->errors += !is_gone(n);
}

/* Its number is that of its folder; most processes share few. */
static uint64_t cgroup_id(struct proc_reader *r, const char *path, size_t len)
{
	unsigned slot = 0;
	char name[STATE_CGROUP_MAX + 2];
	struct stat st;

	for (size_t i = 0; i < len; i++)
		slot = slot * 31 + (unsigned char)path[i];
	slot %= CGROUP_IDS;
	snprintf(name, sizeof(name), ".%.*s", (int)len, path);
	if (len < sizeof(r->ids[0].path) && r->ids[slot].id &&
	    !strcmp(r->ids[slot].path, name))
		return r->ids[slot].id;
	if (r->cgroup_fd < 0 || fstatat(r->cgroup_fd, name, &st, 0))
		return UINT64_MAX;
	if (strlen(name) < sizeof(r->ids[0].path)) {
		snprintf(r->ids[slot].path, sizeof(r->ids[0].path), "%s", name);
		r->ids[slot].id = st.st_ino;
	}
	return st.st_ino;
}

static void put_cgroup(struct proc_reader *r, int fd, struct proc_row *row)
{
	ssize_t n = state_text_read(fd, "cgroup", r->text, TEXT_MAX);
	const char *path = NULL;
	size_t len = 0;

	row->rec.cgroup = UINT64_MAX;
	if (n >= 0)
		path = proc_cgroup_path(r->text, (size_t)n, &len);
	if (!path) {
		row->rec.incomplete |= CGROUP_MISSED;
		r->errors += n < 0 && !is_gone(n);
		return;
	}
	if (len > STATE_CGROUP_MAX) {
		len = STATE_CGROUP_MAX;
		row->rec.incomplete |= CGROUP_CUT;
	} else {
		row->rec.cgroup = cgroup_id(r, path, len);
	}
	memcpy(row->tail + row->len, path, len);
	row->len += len;
	row->rec.cgroup_len = (uint16_t)len;
}

static void put_args(struct proc_reader *r, int fd, struct proc_row *row)
{
	ssize_t n = -EPERM;

	if (r->args)
		n = state_text_read(fd, "cmdline", r->text, STATE_ARGS_MAX + 2);
	if (n < 0) {
		row->rec.incomplete |= ARGS_MISSED;
		r->errors += r->args && !is_gone(n);
		return;
	}
	if (n > STATE_ARGS_MAX) {
		n = STATE_ARGS_MAX;
		row->rec.incomplete |= ARGS_CUT;
	}
	while (n > 0 && !r->text[n - 1])
		n--;
	memcpy(row->tail + row->len, r->text, (size_t)n);
	row->len += (size_t)n;
}

static void put_stat(const struct proc_reader *r, const struct proc_stat *s,
		     struct proc_row *row)
{
	struct fr_state_proc *p = &row->rec;

	p->pid = s->pid;
	p->ppid = s->ppid;
	p->start = s->start * r->tick_ns;
	p->born = UINT16_MAX;
	p->state = (unsigned char)s->state;
	p->threads = s->threads;
	p->vms = s->vms;
	p->rss = s->rss_pages * r->page_bytes;
	p->utime = s->utime * r->tick_ns;
	p->stime = s->stime * r->tick_ns;
	p->comm_len = (uint16_t)s->comm_len;
	memcpy(row->tail, s->comm, s->comm_len);
	row->len = s->comm_len;
}

/* All files are those of one process, even if its number is used again. */
static int look_at(struct proc_reader *r, int fd, struct proc_row *row,
		   struct proc_stat *s)
{
	ssize_t n = state_text_read(fd, "stat", r->text, TEXT_MAX);

	if (n < 0)
		return (int)n;
	if (proc_stat_parse(r->text, (size_t)n, s))
		return -EINVAL;
	memset(&row->rec, 0, sizeof(row->rec));
	row->rec.ts = state_now_ns();
	put_stat(r, s, row);
	put_cgroup(r, fd, row);
	put_args(r, fd, row);
	put_uid(r, fd, row);
	return 0;
}

static void put_loads(struct proc_row *row, const struct cpu_table *t,
		      uint64_t start)
{
	struct cpu_loads l = { STATE_CPU_UNKNOWN, STATE_CPU_UNKNOWN,
			       STATE_CPU_UNKNOWN };

	cpu_table_get(t, row->rec.pid, start, &l);
	row->rec.cpu_5s = l.over_5s;
	row->rec.cpu_2m = l.over_2m;
	row->rec.cpu_1h = l.over_1h;
}

unsigned proc_reader_look(struct proc_reader *r, struct state_out *out,
			  uint64_t round, const struct cpu_table *t, bool exact)
{
	struct proc_row row;
	struct proc_stat s;
	unsigned nr = 0;
	const char *pid;

	rewinddir(r->proc);
	while ((pid = next_pid(r))) {
		int fd = openat(dirfd(r->proc), pid,
				O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int err = fd < 0 ? -errno : look_at(r, fd, &row, &s);
		uint64_t start;

		if (fd >= 0)
			close(fd);
		if (err) {
			r->errors += !is_gone(err);
			continue;
		}
		row.rec.round = round;
		put_loads(&row, t, s.start);
		start = exact ? cpu_table_start(t, s.pid, s.start) : 0;
		if (start) {
			row.rec.start = start;
			row.rec.born = (uint16_t)(start >> 20);
		}
		nr += state_put(out, FR_T_state_proc, &row.rec, sizeof(row.rec),
				row.tail, row.len);
	}
	return nr;
}
