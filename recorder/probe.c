/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe.c - the kernel ring and the probes that write it: open, start, close. */
#include "recorder/probe_internal.h"

#include "dump/schema.h"
#include "recorder/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#define SEEN_ENTRIES 65536
#define INFLIGHT_MAX 65536

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/* ---- what is wanted -------------------------------------------------------- */
/* Streams that the programs of fs carry: see bpf/sys.bpf.h. */
static unsigned carried_streams(void)
{
	unsigned set = 0;

#define FR_CARRIED(id_, stream_, name_) \
	set |= 1u << config_stream_by_name(#stream_);
	FR_CARRIED_PROBES(FR_CARRIED)
#undef FR_CARRIED
	return set;
}

/* Forks and exits are always watched: scope and in-flight entries need them. */
static bool point_wanted(const struct probes *p, const char *stream)
{
	int number = config_stream_by_name(stream);

	if (!strcmp(stream, "proc"))
		return true;
	if (!strcmp(stream, "fs"))
		return p->cfg.streams &
		       (1u << FR_STREAM_FS | carried_streams());
	if (!strcmp(stream, "link")) /* serves the fs stream */
		number = FR_STREAM_FS;
	if (!strcmp(stream, "chain")) /* serves the block stream */
		number = FR_STREAM_BLOCK;
	if (!strcmp(stream, "vfs")) {
		if (!config_vfs(p->config))
			return false;
		number = FR_STREAM_FS;
	}
	return number >= 0 && p->cfg.streams >> number & 1;
}

/* A buffer of its own for a program that may be preempted by another; those of
 * vfs, many and all in process context, share one where that cannot be. */
static uint8_t scratch_for(struct probes *p, const struct probe_point *pt)
{
	if (strcmp(pt->stream, "vfs") || p->preemptible)
		return (uint8_t)p->nr_scratch++;
	if (!p->vfs_scratch)
		p->vfs_scratch = ++p->nr_scratch;
	return (uint8_t)(p->vfs_scratch - 1);
}

static void set_point(struct probes *p, struct probe_point *pt, bool carried)
{
	pt->carried = carried;
	pt->wanted = point_wanted(p, pt->stream);
	if (!pt->wanted)
		snprintf(pt->why, sizeof(pt->why), "switched off (%s)",
			 strcmp(pt->stream, "vfs") ?
				 "probes.streams, probes.profile" :
				 "probes.vfs, probes.profile");
	else if (!carried)
		p->cfg.scratch[pt->id] = scratch_for(p, pt);
}

static void set_points(struct probes *p)
{
	unsigned i = 0;

#define FR_POINT(id_, stream_, name_, carried_) \
	p->points[i].stream = #stream_;         \
	p->points[i].name = #name_;             \
	p->points[i].id = FR_PROBE_##id_;       \
	set_point(p, &p->points[i++], carried_);
#define FR_OWN(id, stream, name)     FR_POINT(id, stream, name, false)
#define FR_CARRIED(id, stream, name) FR_POINT(id, stream, name, true)
	FR_PROBES(FR_OWN)
	FR_CARRIED_PROBES(FR_CARRIED)
#undef FR_POINT
#undef FR_OWN
#undef FR_CARRIED
}

static void set_shares(struct probes *p)
{
	unsigned percent[FR_LANES_MAX];

	config_shares(p->config, percent);
	for (unsigned i = 0; i < FR_LANES_MAX; i++) {
		if (!percent[i])
			continue;
		p->shares[p->nr_shares].lane = i;
		p->shares[p->nr_shares++].percent = percent[i];
	}
}

static uint32_t round_up_pow2(uint64_t v)
{
	uint32_t r = 1024;

	while (r < v && r < INFLIGHT_MAX)
		r <<= 1;
	return r;
}

#define HIST_BYTES_MAX (64u << 20) /* for all CPUs */

/* How many rows of a histogram each CPU gets, 0: none. */
static uint32_t hist_rows(uint64_t per_cpu, unsigned cpus)
{
	uint64_t rows;

	if (!per_cpu)
		return 0;
	if (per_cpu > HIST_BYTES_MAX / cpus)
		per_cpu = HIST_BYTES_MAX / cpus;
	rows = per_cpu / sizeof(struct fr_hist_row);
	if (rows < FR_HIST_ROWS_MIN)
		return FR_HIST_ROWS_MIN;
	return rows < FR_HIST_ROWS_MAX ? (uint32_t)rows : FR_HIST_ROWS_MAX;
}

/* The depth and id of a cgroup v2 folder, for the filter in the kernel. */
static int scope_cgroup(struct probes *p, struct fr_diag *diag)
{
	static const char *const mounts[] = { "/sys/fs/cgroup",
					      "/sys/fs/cgroup/unified" };
	const char *name = p->config->scope_cgroup;
	struct stat st;
	char path[4096];

	name += strspn(name, "/");
	if (!*name)
		return 0; /* the root: everything */
	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", mounts[i], name);
		if (stat(path, &st))
			continue;
		p->cfg.scope = FR_SCOPE_CGROUP;
		p->cfg.scope_cgroup = st.st_ino;
		p->cfg.scope_cgroup_level = 1;
		for (const char *c = name; (c = strchr(c, '/')) != NULL && c[1];
		     c++)
			p->cfg.scope_cgroup_level++;
		return 0;
	}
	snprintf(diag->text, sizeof(diag->text),
		 "scope.cgroup: there is no cgroup %s below /sys/fs/cgroup",
		 name);
	return -ENOENT;
}

static int set_cfg(struct probes *p, struct fr_diag *diag)
{
	const struct fr_config *c = p->config;
	uint64_t pid_max = probe_kernel_pid_max();
	struct fr_bpf_cfg *cfg = &p->cfg;

	cfg->nr_cpus = (uint32_t)libbpf_num_possible_cpus();
	set_shares(p);
	if (ring_geometry(c->ring_memory, cfg->nr_cpus, p->shares, p->nr_shares,
			  &p->geometry)) {
		snprintf(diag->text, sizeof(diag->text),
			 "ring.memory is too small for %u lanes and %u CPUs; "
			 "raise it",
			 p->nr_shares, cfg->nr_cpus);
		return -EINVAL;
	}
	cfg->inflight_mask = round_up_pow2(pid_max) - 1;
	cfg->inflight_collides = pid_max > cfg->inflight_mask + 1ull;
	cfg->seen_mask = SEEN_ENTRIES - 1;
	cfg->exec_args_max = c->probes_exec_args ? 2048 : 0;
	cfg->sockopt_all = !strcmp(c->probes_sockopt, "all");
	cfg->preemptible = p->preemptible;
	if (getrandom(&cfg->hash_seed, sizeof(cfg->hash_seed), 0) < 0)
		cfg->hash_seed = clock_ns(CLOCK_MONOTONIC);
	cfg->leave_out = config_leave_out(c);
	cfg->page_shift =
		(uint32_t)__builtin_ctzl((unsigned long)sysconf(_SC_PAGESIZE));
	cfg->hist_rows = hist_rows(c->hist_memory, cfg->nr_cpus);
	cfg->hist_cgroups = c->hist_cgroups;
	if (c->scope_pids[0])
		cfg->scope = FR_SCOPE_PIDS;
	else if (c->scope_cgroup[0])
		return scope_cgroup(p, diag);
	return 0;
}

/* Where the lanes begin: as ring_init() lays them out. */
static int set_lanes(struct probes *p)
{
	struct fr_ring_head *h = NULL;
	void *page;
	int err;

	/* the layout is wanted before the map is there: into a scratch copy */
	page = mmap(NULL, (size_t)p->geometry.nr_pages * FR_CHUNK_BYTES,
		    PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (page == MAP_FAILED)
		return -errno;
	err = ring_init(page, &p->geometry, p->shares, p->nr_shares);
	h = page;
	p->cfg.first_chunk = h->first_chunk;
	for (unsigned i = 0; i < FR_LANES_MAX; i++) {
		p->cfg.lanes[i].first = h->lanes[i].first;
		p->cfg.lanes[i].nr = h->lanes[i].nr;
	}
	p->cfg.names_again = h->lanes[FR_LANE_NAMES].nr / 2;
	munmap(page, (size_t)p->geometry.nr_pages * FR_CHUNK_BYTES);
	return err;
}

/* ---- maps ------------------------------------------------------------------- */
static int map_memory(struct probes *p, const char *name, size_t value,
		      size_t entries)
{
	struct probe_map *m = probe_map(p, name);
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = (value * entries + page - 1) / page * page;

	if (!m)
		return -ENOENT;
	m->mem =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	if (m->mem == MAP_FAILED) {
		m->mem = NULL;
		return -errno;
	}
	m->bytes = bytes;
	/* The ring's is inherited by dumpers where it cannot be mapped twice. */
	if (strcmp(name, "ring"))
		(void)madvise(m->mem, bytes, MADV_DONTFORK);
	return 0;
}

/* The row for what finds none is there from the start. */
static int map_hist(struct probes *p)
{
	size_t rows = (size_t)p->cfg.nr_cpus * p->cfg.hist_rows;
	struct fr_hist_index *ix;
	struct fr_hist_row *all;
	int err = map_memory(p, "hist_index", sizeof(*ix), p->cfg.nr_cpus);

	if (!err)
		err = map_memory(p, "hist", sizeof(*all), rows);
	if (err)
		return err;
	ix = probe_map(p, "hist_index")->mem;
	all = probe_map(p, "hist")->mem;
	for (unsigned cpu = 0; cpu < p->cfg.nr_cpus; cpu++) {
		struct fr_hist_row *r = &all[(size_t)cpu * p->cfg.hist_rows];

		ix[cpu].used = 1;
		r->cgroup = FR_HIST_OTHERS;
		r->id = FR_HIST_ID(FR_HIST_ANY, 0, FR_HIST_NO_DEV);
	}
	return 0;
}

static int map_all(struct probes *p)
{
	int err = map_memory(p, "ring", FR_CHUNK_BYTES, p->geometry.nr_pages);

	if (!err)
		err = map_memory(p, "counts",
				 sizeof(struct fr_probe_counts) * FR_PROBE_MAX,
				 p->cfg.nr_cpus);
	if (!err)
		err = map_memory(p, "limits", sizeof(struct fr_limits), 1);
	if (!err)
		err = map_memory(p, "slot_counts",
				 sizeof(struct fr_slot_counts),
				 FR_TRIGGER_SLOTS);
	if (!err && p->cfg.hist_rows && probe_map(p, "hist"))
		err = map_hist(p);
	if (!err && probe_map(p, "inflight"))
		err = map_memory(p, "inflight", sizeof(struct fr_inflight),
				 p->cfg.inflight_mask + 1ull);
	return err;
}

static int init_ring(struct probes *p)
{
	struct probe_map *m = probe_map(p, "ring");
	struct fr_ring_head *h = m->mem;
	int err = ring_init(m->mem, &p->geometry, p->shares, p->nr_shares);

	if (err)
		return err;
	h->layout_hash = fr_layout_hash();
	h->owner_pid = (uint32_t)getpid();
	return 0;
}

static int on_wake(void *arg, void *data, size_t size)
{
	struct probes *p = arg;

	if (size >= sizeof(struct fr_wake) && p->wake_fn)
		p->wake_fn(p->wake_arg, data);
	return 0;
}

static int init_wake(struct probes *p)
{
	struct probe_map *m = probe_map(p, "wake");

	if (!m)
		return -ENOENT;
	p->wake = ring_buffer__new(m->fd, on_wake, p, NULL);
	return p->wake ? 0 : -errno;
}

/* ---- the contract -------------------------------------------------------------- */
static void why_none(int err, struct fr_diag *diag)
{
	if (probe_kernel_locked())
		snprintf(diag->text, sizeof(diag->text),
			 "kernel lockdown (confidentiality) lets no BPF "
			 "program read kernel memory: boot with "
			 "lockdown=integrity or without");
	else if (err == -EPERM || err == -EACCES)
		snprintf(diag->text, sizeof(diag->text),
			 "no right to load BPF programs: run as root, or with "
			 "CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN (for bpffs)");
	else if (access("/sys/kernel/btf/vmlinux", R_OK))
		snprintf(diag->text, sizeof(diag->text),
			 "this kernel has no BTF (/sys/kernel/btf/vmlinux): "
			 "probes need CONFIG_DEBUG_INFO_BTF");
	else if (!diag->text[0])
		snprintf(diag->text, sizeof(diag->text),
			 "no probe could be loaded: %s", strerror(-err));
}

static int set_scope(struct probes *p)
{
	const char *at = p->config->scope_pids;

	probes_exclude_pid(p, getpid());
	while (at && *at) {
		pid_t pid = (pid_t)strtol(at, NULL, 10);

		if (pid > 0)
			probe_scope_tree(p, pid);
		at = strchr(at, ',');
		if (at)
			at++;
	}
	return 0;
}

struct probes *probes_open(const struct fr_config *c, struct fr_diag *diag)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct probes *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return NULL;
	diag->text[0] = 0;
	p->config = c;
	p->stats_fd = p->pin_fd = -1;
	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited); /* kernels before 5.11 */
	probe_kernel_mount(c->ring_pin_folder);
	p->vmlinux = btf__load_vmlinux_btf();
	p->has_cast = p->vmlinux &&
		      btf__find_by_name_kind(p->vmlinux, "bpf_rdonly_cast",
					     BTF_KIND_FUNC) > 0;
	p->cfg.streams = config_streams(c);
	p->preemptible = probe_kernel_preemptible();
	set_points(p);
	probe_kernel_try(p);
	err = p->vmlinux && !probe_kernel_locked() ? set_cfg(p, diag) :
						     -ENOTSUP;
	if (!err)
		err = set_lanes(p);
	if (!err)
		err = probe_policy_set(p, diag);
	if (!err)
		err = probe_load_all(p, diag);
	if (!err)
		err = map_all(p);
	if (!err)
		err = init_ring(p);
	if (!err)
		err = init_wake(p);
	if (!err)
		err = set_scope(p);
	if (!err)
		probe_policy_cgroups(p, true);
	if (err) {
		why_none(err, diag);
		probes_close(p, false);
		errno = -err;
		return NULL;
	}
	return p;
}

static void attach(struct probes *p, struct probe_point *pt)
{
	if (!strcmp(pt->mechanism, "perf_event")) {
		errno = -probe_perf_attach(p, pt);
	} else if (!strcmp(pt->mechanism, "syscall")) {
		pt->on_call = true;
	} else {
		pt->link = bpf_program__attach(pt->prog);
	}
	if (probe_attached(pt))
		return;
	snprintf(pt->why, sizeof(pt->why),
		 "the kernel refused to attach %s: %s",
		 bpf_program__name(pt->prog), strerror(errno));
	pt->prog = NULL;
}

/* One line about what this kernel refused; all of it: flightrec doctor. */
static void say_refused(const struct probes *p)
{
	const struct probe_point *first = NULL;
	unsigned off = 0;

	for (int i = FR_PROBE_MAX - 1; i >= 0; i--) {
		const struct probe_point *pt = &p->points[i];

		if (!pt->stream || !pt->wanted || pt->spared ||
		    probe_attached(pt) || !pt->why[0])
			continue;
		if (!strcmp(pt->stream, "link"))
			continue; /* a nicety: doctor tells */
		first = pt;
		off++;
	}
	if (first)
		log_err(0,
			"%u probes are off (flightrec doctor lists them): %s %s: %s",
			off, first->stream, first->name, first->why);
}

int probes_start(struct probes *p, struct fr_diag *diag)
{
	unsigned on = 0;

	/* From the end of the alphabet: exits before entries, so that an entry that
	 * was noted finds its exit. */
	for (int i = FR_PROBE_MAX - 1; i >= 0; i--) {
		if (!p->points[i].prog)
			continue;
		attach(p, &p->points[i]);
		on += probe_attached(&p->points[i]);
	}
	if (!on) {
		snprintf(
			diag->text, sizeof(diag->text),
			"no probe could be attached; `flightrec doctor` says why");
		return -ENOTSUP;
	}
	say_refused(p);
	diag->text[0] = 0;
	probe_pin(p, diag);
	return 0;
}

void probes_close(struct probes *p, bool leave)
{
	if (!p)
		return;
	if (p->pin_folder[0] && !leave)
		probe_unpin(p->pin_folder);
	ring_buffer__free(p->wake);
	for (unsigned i = 0; i < FR_PROBE_MAX; i++) {
		if (p->points[i].link) /* a pinned link lives on */
			bpf_link__destroy(p->points[i].link);
		probe_perf_detach(p, &p->points[i]);
	}
	for (unsigned i = 0; i < p->nr_objects; i++)
		bpf_object__close(p->objects[i]);
	for (unsigned i = 0; i < p->nr_maps; i++) {
		if (p->maps[i].mem)
			munmap(p->maps[i].mem, p->maps[i].bytes);
		close(p->maps[i].fd);
	}
	if (p->stats_fd >= 0)
		close(p->stats_fd);
	if (p->pin_fd >= 0)
		close(p->pin_fd);
	btf__free(p->vmlinux);
	free(p);
}

void *probes_ring(struct probes *p, size_t *ret_bytes)
{
	struct probe_map *m = probe_map(p, "ring");

	*ret_bytes = m->bytes;
	return m->mem;
}

int probes_ring_fd(struct probes *p)
{
	return probe_map(p, "ring")->fd;
}

struct fr_limits *probes_limits(struct probes *p)
{
	return probe_map(p, "limits")->mem;
}

static int put_pid(struct probes *p, const char *map, pid_t pid)
{
	struct probe_map *m = probe_map(p, map);
	uint32_t key = (uint32_t)pid, one = 1;

	return m ? bpf_map_update_elem(m->fd, &key, &one, BPF_ANY) : -ENOENT;
}

int probes_scope_pid(struct probes *p, pid_t pid)
{
	return put_pid(p, "scope", pid);
}

int probes_exclude_pid(struct probes *p, pid_t pid)
{
	return put_pid(p, "excluded", pid);
}

int probes_wake_fd(struct probes *p)
{
	return ring_buffer__epoll_fd(p->wake);
}

int probes_poll(struct probes *p, probes_wake_fn fn, void *arg)
{
	p->wake_fn = fn;
	p->wake_arg = arg;
	return ring_buffer__consume(p->wake);
}

size_t probes_inflight(struct probes *p, uint64_t now_ns, void *buf,
		       size_t size, unsigned *ret_left_out)
{
	struct probe_map *table = probe_map(p, "inflight");
	struct probe_map *more = probe_map(p, "inflight_more");
	struct probe_map *rqs = probe_map(p, "rqs");

	return probe_inflight_collect(table ? table->mem : NULL,
				      table ? p->cfg.inflight_mask + 1ull : 0,
				      more ? more->fd : -1, rqs ? rqs->fd : -1,
				      now_ns ?: clock_ns(CLOCK_MONOTONIC), buf,
				      size, ret_left_out);
}

bool probes_hist(struct probes *p, struct hist_maps *ret)
{
	struct probe_map *index = probe_map(p, "hist_index");
	struct probe_map *rows = probe_map(p, "hist");

	if (!index || !index->mem || !rows || !rows->mem)
		return false;
	ret->index = index->mem;
	ret->rows = rows->mem;
	ret->cpus = p->cfg.nr_cpus;
	ret->rows_per_cpu = p->cfg.hist_rows;
	return true;
}
