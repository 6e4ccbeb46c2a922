/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe_pin.c - pins maps and links under bpffs, so that recording outlives the
 * recorder, and finds what a dead one left.
 *
 * <pin_folder>/<instance>/map_<name>, link_<stream>_<name>[_<cpu>]
 */
#include "recorder/probe_internal.h"

#include "dump/ring_read.h"
#include "dump/schema.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <flightrec/block_entry.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int pin_maps(struct probes *p)
{
	char path[512];

	for (unsigned i = 0; i < p->nr_maps; i++) {
		snprintf(path, sizeof(path), "%s/map_%s", p->pin_folder,
			 p->maps[i].name);
		if (bpf_obj_pin(p->maps[i].fd, path))
			return -errno;
	}
	return 0;
}

static int pin_links(struct probes *p)
{
	char path[512];

	for (unsigned i = 0; i < FR_PROBE_MAX; i++) {
		struct probe_point *pt = &p->points[i];

		if (pt->cpu_events) {
			int err = probe_perf_pin(p, pt);

			if (err)
				return err;
		}
		if (!pt->link)
			continue;
		snprintf(path, sizeof(path), "%s/link_%s_%s", p->pin_folder,
			 pt->stream, pt->name);
		if (bpf_link__pin(pt->link, path))
			return -errno;
	}
	return 0;
}

/* Whoever holds this lock works with the rings of the folder: the recorder that
 * writes them, or one that saves what a dead one left.  The kernel ends it with its
 * process.  Descriptor or negative errno; -EWOULDBLOCK: someone does. */
static int lock_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int make_pin_folder(struct probes *p)
{
	const struct fr_ring_head *h = probe_map(p, "ring")->mem;

	(void)mkdir(p->config->ring_pin_folder, 0700);
	snprintf(p->pin_folder, sizeof(p->pin_folder), "%s/%016llx",
		 p->config->ring_pin_folder, (unsigned long long)h->instance);
	if (mkdir(p->pin_folder, 0700)) {
		int err = -errno;

		p->pin_folder[0] = 0;
		return err;
	}
	p->pin_fd = lock_folder(p->pin_folder);
	return p->pin_fd < 0 ? p->pin_fd : 0;
}

static void say_not_pinned(const struct probes *p, int err,
			   struct fr_diag *diag)
{
	const char *folder = p->config->ring_pin_folder;

	snprintf(
		diag->text, sizeof(diag->text), "%.128s (ring.pin_folder): %s",
		folder,
		strchr(folder, '.') && err == -EPERM ?
			"a BPF file system takes no dots in names; choose another" :
			strerror(-err));
}

void probe_pin(struct probes *p, struct fr_diag *diag)
{
	int err;

	if (!p->config->ring_pin_folder[0])
		return;
	err = make_pin_folder(p);
	if (!err)
		err = pin_maps(p);
	if (!err)
		err = pin_links(p);
	if (!err)
		return;
	say_not_pinned(p, err, diag);
	if (p->pin_folder[0])
		probe_unpin(p->pin_folder);
	p->pin_folder[0] = 0;
}

/* Names that begin with ${prefix} go. */
static void unlink_pins(const char *folder, const char *prefix)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	char path[1024];

	if (!d)
		return;
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' ||
		    strncmp(e->d_name, prefix, strlen(prefix)))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		(void)unlink(path);
	}
	closedir(d);
}

void probe_unpin(const char *folder)
{
	unlink_pins(folder, "");
	(void)rmdir(folder);
}

/* ---- rings left behind --------------------------------------------------------- */
struct probes_left {
	char folder[1024];
	void *ring, *inflight, *hist_index, *hist;
	size_t ring_bytes, inflight_bytes, inflight_entries;
	size_t hist_index_bytes, hist_cpus, hist_bytes, hist_rows;
	int more_fd, rqs_fd, lock_fd;
};

/* A pinned map whose values have the size we expect; another version's do not,
 * and reading them would write past our variables. */
static int get_map(const char *folder, const char *name, size_t value_size,
		   struct bpf_map_info *info)
{
	uint32_t len = sizeof(*info);
	char path[1100];
	int fd;

	snprintf(path, sizeof(path), "%s/map_%s", folder, name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fd;
	memset(info, 0, sizeof(*info));
	if (bpf_obj_get_info_by_fd(fd, info, &len) ||
	    info->value_size != value_size) {
		close(fd);
		return -1;
	}
	return fd;
}

static void *map_left(const char *folder, const char *name, size_t value_size,
		      int prot, size_t *ret_bytes, size_t *ret_entries)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct bpf_map_info info;
	int fd = get_map(folder, name, value_size, &info);
	void *mem;

	if (fd < 0)
		return NULL;
	*ret_entries = info.max_entries;
	*ret_bytes = ((size_t)(info.value_size + 7) / 8 * 8 * info.max_entries +
		      page - 1) /
		     page * page;
	mem = mmap(NULL, *ret_bytes, prot, MAP_SHARED, fd, 0);
	close(fd);
	return mem == MAP_FAILED ? NULL : mem;
}

/* Is the recorder that made it still there? */
static bool owner_lives(const struct fr_ring_head *h)
{
	char path[64], comm[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/comm", h->owner_pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(comm, sizeof(comm), f))
		comm[0] = 0;
	fclose(f);
	return !strncmp(comm, "flightrec", 9);
}

static void left_map_inflight(struct probes_left *l)
{
	struct bpf_map_info info;

	l->inflight =
		map_left(l->folder, "inflight", sizeof(struct fr_inflight),
			 PROT_READ, &l->inflight_bytes, &l->inflight_entries);
	l->more_fd = get_map(l->folder, "inflight_more",
			     sizeof(struct fr_inflight), &info);
	l->rqs_fd =
		get_map(l->folder, "rqs", sizeof(struct fr_block_entry), &info);
}

static void left_map_hist(struct probes_left *l)
{
	l->hist_index =
		map_left(l->folder, "hist_index", sizeof(struct fr_hist_index),
			 PROT_READ, &l->hist_index_bytes, &l->hist_cpus);
	l->hist = map_left(l->folder, "hist", sizeof(struct fr_hist_row),
			   PROT_READ, &l->hist_bytes, &l->hist_rows);
}

static struct probes_left *left_try(const char *folder)
{
	struct probes_left *l = calloc(1, sizeof(*l));
	size_t entries;

	if (!l)
		return NULL;
	snprintf(l->folder, sizeof(l->folder), "%s", folder);
	l->more_fd = l->rqs_fd = -1;
	l->lock_fd = lock_folder(folder);
	if (l->lock_fd < 0) {
		probes_left_close(l);
		return NULL;
	}
	errno = 0;
	l->ring = map_left(folder, "ring", FR_CHUNK_BYTES,
			   PROT_READ | PROT_WRITE, &l->ring_bytes, &entries);
	if (!l->ring && errno != EPERM && errno != EACCES)
		probe_unpin(folder); /* died while it was being pinned */
	if (!l->ring || owner_lives(l->ring)) {
		int err = errno;

		probes_left_close(l);
		errno = err;
		return NULL;
	}
	left_map_inflight(l);
	left_map_hist(l);
	return l;
}

int probes_left_lock(const struct fr_config *c)
{
	return c->ring_pin_folder[0] ? lock_folder(c->ring_pin_folder) :
				       -ENOENT;
}

struct probes_left *probes_left_open(const struct fr_config *c, unsigned skip)
{
	struct probes_left *l = NULL;
	struct dirent *e;
	char path[1024];
	int err = 0;
	DIR *d;

	errno = 0;
	if (!c->ring_pin_folder[0])
		return NULL;
	d = opendir(c->ring_pin_folder);
	while (d && !l && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", c->ring_pin_folder,
			 e->d_name);
		l = left_try(path);
		if (!l && (errno == EPERM || errno == EACCES))
			err = errno;
		if (l && skip) {
			probes_left_close(l);
			l = NULL;
			skip--;
		}
	}
	if (!d && errno != ENOENT)
		err = errno;
	if (d)
		closedir(d);
	errno = err;
	return l;
}

void *probes_left_ring(struct probes_left *l, size_t *ret_bytes)
{
	*ret_bytes = l->ring_bytes;
	return l->ring;
}

size_t probes_left_inflight(struct probes_left *l, uint64_t now_ns, void *buf,
			    size_t size, unsigned *ret_left_out)
{
	return probe_inflight_collect(l->inflight, l->inflight_entries,
				      l->more_fd, l->rqs_fd, now_ns, buf, size,
				      ret_left_out);
}

/* recursion_misses of the program behind a pinned link. */
static uint64_t link_misses(const char *path)
{
	struct bpf_link_info link = {};
	struct bpf_prog_info prog = {};
	uint32_t len = sizeof(link);
	int fd = bpf_obj_get(path), prog_fd;

	if (fd < 0)
		return 0;
	prog_fd = bpf_obj_get_info_by_fd(fd, &link, &len) ?
			  -1 :
			  bpf_prog_get_fd_by_id(link.prog_id);
	close(fd);
	len = sizeof(prog);
	if (prog_fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(prog_fd, &prog, &len))
		prog.recursion_misses = 0;
	close(prog_fd);
	return prog.recursion_misses;
}

uint64_t probes_left_misses(const struct probes_left *l)
{
	DIR *d = opendir(l->folder);
	struct dirent *e;
	char path[2048];
	uint64_t sum = 0;

	while (d && (e = readdir(d))) {
		if (strncmp(e->d_name, "link_", 5))
			continue;
		snprintf(path, sizeof(path), "%s/%s", l->folder, e->d_name);
		sum += link_misses(path);
	}
	if (d)
		closedir(d);
	return sum;
}

bool probes_left_hist(struct probes_left *l, struct hist_maps *ret)
{
	if (!l->hist_index || !l->hist || l->hist_rows < l->hist_cpus)
		return false;
	ret->index = l->hist_index;
	ret->rows = l->hist;
	ret->cpus = (unsigned)l->hist_cpus;
	ret->rows_per_cpu = (unsigned)(l->hist_rows / l->hist_cpus);
	return true;
}

void probes_left_close(struct probes_left *l)
{
	if (!l)
		return;
	if (l->hist_index)
		munmap(l->hist_index, l->hist_index_bytes);
	if (l->hist)
		munmap(l->hist, l->hist_bytes);
	if (l->ring)
		munmap(l->ring, l->ring_bytes);
	if (l->inflight)
		munmap(l->inflight, l->inflight_bytes);
	if (l->more_fd >= 0)
		close(l->more_fd);
	if (l->rqs_fd >= 0)
		close(l->rqs_fd);
	if (l->lock_fd >= 0)
		close(l->lock_fd);
	free(l);
}

void probes_left_stop(struct probes_left *l)
{
	unlink_pins(l->folder, "link_");
}

void probes_left_remove(struct probes_left *l)
{
	probe_unpin(l->folder);
	probes_left_close(l);
}
