/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state_proc.h - all processes as /proc has them: rows state_proc. */
#ifndef RECORDER_STATE_PROC_H
#define RECORDER_STATE_PROC_H

#include "recorder/state_cpu.h"
#include "recorder/state_out.h"

#include <sys/types.h>

#define STATE_COMM_MAX   64
#define STATE_CGROUP_MAX 1024
#define STATE_ARGS_MAX   3000

/* What /proc/PID/stat says. */
struct proc_stat {
	uint32_t pid, ppid, threads;
	char state;
	char comm[STATE_COMM_MAX]; /* not terminated: comm_len bytes */
	size_t comm_len;
	uint64_t utime, stime, start; /* clock ticks */
	uint64_t vms, rss_pages;
};
/* The name may hold blanks, brackets and newlines; only the last bracket counts.
 * 0 or -EINVAL: cut, or not such a file. */
int proc_stat_parse(const char *text, size_t len, struct proc_stat *ret);

/* "Uid:" of /proc/PID/status.  -EINVAL: there is none. */
int proc_status_uid(const char *text, size_t len, uint32_t *ret);
/* The path in the unified hierarchy of /proc/PID/cgroup, else that of the first
 * line.  NULL: none. */
const char *proc_cgroup_path(const char *text, size_t len, size_t *ret_len);

struct proc_reader; /* descriptors and buffers that are kept */
/* ${root} goes before each path; "": the machine's own.  ${args}: command lines
 * are wanted.  NULL with errno. */
struct proc_reader *proc_reader_new(const char *root, bool args);
void proc_reader_free(struct proc_reader *r);

/* CLOCK_BOOTTIME - CLOCK_MONOTONIC. */
uint64_t state_boot_ns(void);
/* CPU time of all processes into the table, from /proc/PID/stat.  ${tick}: as for
 * cpu_table_begin(). */
void proc_reader_times(struct proc_reader *r, struct cpu_table *t, bool tick);

/* One row for each process.  ${exact}: the table has starts that are exact to the
 * nanosecond.  Returns the number of rows. */
unsigned proc_reader_look(struct proc_reader *r, struct state_out *out,
			  uint64_t round, const struct cpu_table *t,
			  bool exact);
/* Values that could not be read so far; processes that ended meanwhile are no
 * error. */
uint64_t proc_reader_errors(const struct proc_reader *r);

#endif
