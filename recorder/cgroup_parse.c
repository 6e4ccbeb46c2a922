/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cgroup_parse.c - cpu.stat, memory.stat, io.stat ... as a row. */
#include "recorder/cgroup_parse.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "recorder/scan.h"

#define US 1000

/* Where a key of a file goes. */
struct key_target {
	const char *key;
	size_t offset;
	int64_t factor;
};
#define TARGET(key, field, factor)                                    \
	{                                                             \
		key, offsetof(struct fr_cgroups_row, field), (factor) \
	}

static bool put(struct fr_cgroups_row *row, size_t offset, int64_t value,
		int64_t factor)
{
	uint64_t product;

	if (__builtin_mul_overflow(value, factor, &product))
		return false;
	memcpy((char *)row + offset, &product, sizeof(product));
	return true;
}

/* Lines "key number". */
static int parse_keys(const char *text, size_t len,
		      const struct key_target *targets,
		      struct fr_cgroups_row *ret)
{
	struct scan file = { text, text + len }, line, key;
	int err = 0;
	int64_t v;

	while (scan_line(&file, &line)) {
		if (!scan_word(&line, 0, &key))
			continue;
		for (const struct key_target *t = targets; t->key; t++) {
			if (!scan_is(&key, t->key))
				continue;
			if (!scan_number(&line, &v) ||
			    !put(ret, t->offset, v, t->factor))
				err = -EINVAL;
		}
	}
	/* cut within a line */
	return file.p == file.end ? err : -EINVAL;
}

/* A file that is one number. */
static int parse_number(const char *text, size_t len, size_t offset,
			struct fr_cgroups_row *ret)
{
	struct scan file = { text, text + len }, line;
	int64_t v;

	if (!scan_line(&file, &line) || !scan_number(&line, &v) ||
	    !put(ret, offset, v, 1))
		return -EINVAL;
	return 0;
}

/* ---- version 2 --------------------------------------------------------------------- */

static int parse_cpu_stat(const char *text, size_t len,
			  struct fr_cgroups_row *ret)
{
	static const struct key_target targets[] = {
		TARGET("usage_usec", cpu_ns, US),
		TARGET("user_usec", user_ns, US),
		TARGET("system_usec", system_ns, US),
		TARGET("nr_throttled", throttles, 1),
		TARGET("throttled_usec", throttled_ns, US),
		{ 0 },
	};

	return parse_keys(text, len, targets, ret);
}

static int parse_memory_stat(const char *text, size_t len,
			     struct fr_cgroups_row *ret)
{
	static const struct key_target targets[] = {
		TARGET("anon", anon_bytes, 1),
		TARGET("file", file_bytes, 1),
		TARGET("shmem", shmem_bytes, 1),
		TARGET("kernel", kernel_bytes, 1),
		TARGET("file_dirty", dirty_bytes, 1),
		TARGET("pgfault", minor_faults, 1),
		TARGET("pgmajfault", major_faults, 1),
		{ 0 },
	};

	return parse_keys(text, len, targets, ret);
}

static int parse_memory_events(const char *text, size_t len,
			       struct fr_cgroups_row *ret)
{
	static const struct key_target targets[] = {
		TARGET("high", high_events, 1),
		TARGET("max", limit_events, 1),
		TARGET("oom_kill", oom_kills, 1),
		{ 0 },
	};

	return parse_keys(text, len, targets, ret);
}

static int parse_memory_current(const char *text, size_t len,
				struct fr_cgroups_row *ret)
{
	return parse_number(text, len,
			    offsetof(struct fr_cgroups_row, memory_bytes), ret);
}

static int parse_memory_peak(const char *text, size_t len,
			     struct fr_cgroups_row *ret)
{
	return parse_number(text, len,
			    offsetof(struct fr_cgroups_row, memory_max_bytes),
			    ret);
}

static int parse_swap(const char *text, size_t len, struct fr_cgroups_row *ret)
{
	return parse_number(text, len,
			    offsetof(struct fr_cgroups_row, swap_bytes), ret);
}

static int parse_pids(const char *text, size_t len, struct fr_cgroups_row *ret)
{
	struct scan file = { text, text + len }, line;
	int64_t v;

	if (!scan_line(&file, &line) || !scan_number(&line, &v) ||
	    v >= UINT32_MAX)
		return -EINVAL;
	ret->pids = (uint32_t)v;
	return 0;
}

struct io_sums {
	int64_t rbytes, wbytes, rios, wios;
};

/* "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0" */
static bool add_io_line(struct scan *line, struct io_sums *sums)
{
	struct scan key;
	int64_t v;

	while (scan_word(line, '=', &key)) {
		int64_t *to = scan_is(&key, "rbytes") ? &sums->rbytes :
			      scan_is(&key, "wbytes") ? &sums->wbytes :
			      scan_is(&key, "rios")   ? &sums->rios :
			      scan_is(&key, "wios")   ? &sums->wios :
							NULL;

		if (!scan_char(line, '='))
			continue; /* the device, or a word alone */
		if (!to) {
			scan_word(line, 0, &key);
			continue;
		}
		if (!scan_digits(line, &v) || !scan_at_gap(line) ||
		    __builtin_add_overflow(*to, v, to))
			return false;
	}
	return true;
}

static int parse_io_stat(const char *text, size_t len,
			 struct fr_cgroups_row *ret)
{
	struct scan file = { text, text + len }, line;
	struct io_sums sums = { 0 };

	while (scan_line(&file, &line))
		if (!add_io_line(&line, &sums))
			return -EINVAL;
	if (file.p != file.end)
		return -EINVAL;
	ret->read_bytes = (uint64_t)sums.rbytes;
	ret->write_bytes = (uint64_t)sums.wbytes;
	ret->reads = (uint64_t)sums.rios;
	ret->writes = (uint64_t)sums.wios;
	return 0;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=12" */
static int parse_pressure(const char *text, size_t len, size_t some,
			  size_t full, struct fr_cgroups_row *ret)
{
	struct scan file = { text, text + len }, line, word, key;
	int64_t v;

	while (scan_line(&file, &line)) {
		size_t offset = some;

		if (!scan_word(&line, 0, &word))
			return -EINVAL;
		if (scan_is(&word, "full"))
			offset = full;
		for (;;) {
			if (!scan_word(&line, '=', &key) ||
			    !scan_char(&line, '='))
				return -EINVAL;
			if (scan_is(&key, "total"))
				break;
			scan_word(&line, 0, &word);
		}
		if (!scan_number(&line, &v) ||
		    (offset && !put(ret, offset, v, US)))
			return -EINVAL;
	}
	return 0;
}

#define AT(field) offsetof(struct fr_cgroups_row, field)

static int parse_cpu_pressure(const char *text, size_t len,
			      struct fr_cgroups_row *ret)
{
	return parse_pressure(text, len, AT(cpu_some_ns), 0, ret);
}

static int parse_memory_pressure(const char *text, size_t len,
				 struct fr_cgroups_row *ret)
{
	return parse_pressure(text, len, AT(memory_some_ns), AT(memory_full_ns),
			      ret);
}

static int parse_io_pressure(const char *text, size_t len,
			     struct fr_cgroups_row *ret)
{
	return parse_pressure(text, len, AT(io_some_ns), AT(io_full_ns), ret);
}

/* ---- version 1 --------------------------------------------------------------------- */

static int parse_usage(const char *text, size_t len, struct fr_cgroups_row *ret)
{
	return parse_number(text, len, AT(cpu_ns), ret);
}

/* In clock ticks of user space. */
static int parse_cpuacct_stat(const char *text, size_t len,
			      struct fr_cgroups_row *ret)
{
	const int64_t tick_ns = 1000000000 / sysconf(_SC_CLK_TCK);
	const struct key_target targets[] = {
		TARGET("user", user_ns, tick_ns),
		TARGET("system", system_ns, tick_ns),
		{ 0 },
	};

	return parse_keys(text, len, targets, ret);
}

static int parse_cpu_stat_v1(const char *text, size_t len,
			     struct fr_cgroups_row *ret)
{
	static const struct key_target targets[] = {
		TARGET("nr_throttled", throttles, 1),
		TARGET("throttled_time", throttled_ns, 1),
		{ 0 },
	};

	return parse_keys(text, len, targets, ret);
}

/* The totals hold those below it, as all of version 2 do. */
static int parse_memory_stat_v1(const char *text, size_t len,
				struct fr_cgroups_row *ret)
{
	static const struct key_target targets[] = {
		TARGET("total_rss", anon_bytes, 1),
		TARGET("total_cache", file_bytes, 1),
		TARGET("total_shmem", shmem_bytes, 1),
		TARGET("total_dirty", dirty_bytes, 1),
		TARGET("total_swap", swap_bytes, 1),
		TARGET("total_pgfault", minor_faults, 1),
		TARGET("total_pgmajfault", major_faults, 1),
		{ 0 },
	};

	return parse_keys(text, len, targets, ret);
}

static int parse_failcnt(const char *text, size_t len,
			 struct fr_cgroups_row *ret)
{
	return parse_number(text, len, AT(limit_events), ret);
}

static int parse_kmem(const char *text, size_t len, struct fr_cgroups_row *ret)
{
	return parse_number(text, len, AT(kernel_bytes), ret);
}

static int parse_oom_control(const char *text, size_t len,
			     struct fr_cgroups_row *ret)
{
	static const struct key_target targets[] = {
		TARGET("oom_kill", oom_kills, 1),
		{ 0 },
	};

	return parse_keys(text, len, targets, ret);
}

/* "8:0 Read 1", "8:0 Write 2", "8:0 Total 3", "Total 3" */
static int parse_blkio(const char *text, size_t len, uint64_t *read,
		       uint64_t *write)
{
	struct scan file = { text, text + len }, line, word;
	int64_t reads = 0, writes = 0, v, *to;

	while (scan_line(&file, &line)) {
		if (!scan_word(&line, 0, &word) || scan_is(&word, "Total"))
			continue;
		if (!scan_word(&line, 0, &word))
			return -EINVAL;
		to = scan_is(&word, "Read")  ? &reads :
		     scan_is(&word, "Write") ? &writes :
					       NULL;
		if (to && (!scan_number(&line, &v) ||
			   __builtin_add_overflow(*to, v, to)))
			return -EINVAL;
	}
	*read = (uint64_t)reads;
	*write = (uint64_t)writes;
	return file.p == file.end ? 0 : -EINVAL;
}

static int parse_blkio_bytes(const char *text, size_t len,
			     struct fr_cgroups_row *ret)
{
	uint64_t a, b;
	int err = parse_blkio(text, len, &a, &b);

	if (err)
		return err;
	ret->read_bytes = a;
	ret->write_bytes = b;
	return 0;
}

static int parse_blkio_count(const char *text, size_t len,
			     struct fr_cgroups_row *ret)
{
	uint64_t a, b;
	int err = parse_blkio(text, len, &a, &b);

	if (err)
		return err;
	ret->reads = a;
	ret->writes = b;
	return 0;
}

/* ---- all of them --------------------------------------------------------------------- */

const struct cgroup_file cgroup_files[] = {
	{ CGROUP_V2, "cpu.stat", parse_cpu_stat },
	{ CGROUP_V2, "memory.current", parse_memory_current },
	{ CGROUP_V2, "memory.peak", parse_memory_peak },
	{ CGROUP_V2, "memory.stat", parse_memory_stat },
	{ CGROUP_V2, "memory.events", parse_memory_events },
	{ CGROUP_V2, "memory.swap.current", parse_swap },
	{ CGROUP_V2, "io.stat", parse_io_stat },
	{ CGROUP_V2, "pids.current", parse_pids },
	{ CGROUP_V2, "cpu.pressure", parse_cpu_pressure },
	{ CGROUP_V2, "memory.pressure", parse_memory_pressure },
	{ CGROUP_V2, "io.pressure", parse_io_pressure },
	{ CGROUP_CPUACCT, "cpuacct.usage", parse_usage },
	{ CGROUP_CPUACCT, "cpuacct.stat", parse_cpuacct_stat },
	{ CGROUP_CPU, "cpu.stat", parse_cpu_stat_v1 },
	{ CGROUP_MEMORY, "memory.usage_in_bytes", parse_memory_current },
	{ CGROUP_MEMORY, "memory.max_usage_in_bytes", parse_memory_peak },
	{ CGROUP_MEMORY, "memory.stat", parse_memory_stat_v1 },
	{ CGROUP_MEMORY, "memory.failcnt", parse_failcnt },
	{ CGROUP_MEMORY, "memory.kmem.usage_in_bytes", parse_kmem },
	{ CGROUP_MEMORY, "memory.oom_control", parse_oom_control },
	{ CGROUP_BLKIO, "blkio.throttle.io_service_bytes_recursive",
	  parse_blkio_bytes },
	{ CGROUP_BLKIO, "blkio.throttle.io_serviced_recursive",
	  parse_blkio_count },
	{ CGROUP_PIDS, "pids.current", parse_pids },
};
const unsigned cgroup_nr_files = sizeof(cgroup_files) / sizeof(*cgroup_files);
_Static_assert(sizeof(cgroup_files) / sizeof(*cgroup_files) <= CGROUP_FILES_MAX,
	       "a bit for each file");

void cgroup_row_clear(struct fr_cgroups_row *row)
{
	uint64_t cgroup = row->cgroup;

	memset(row, 0xff, sizeof(*row));
	row->cgroup = cgroup;
	row->ended = 0;
}
