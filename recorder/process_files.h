/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * process_files.h - what /proc/PID says that the sampler keeps: where there is no
 * BPF all of it, else what the iterator does not know (PSS, path of the cgroup).
 *
 * Four files for each process and round.  What must not be read (/proc/PID/io and
 * fd of other users) is all bits one.
 */
#ifndef RECORDER_PROCESS_FILES_H
#define RECORDER_PROCESS_FILES_H

#include <flightrec/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROCESS_CGROUP_MAX 512

struct process_files;

/* ${root} goes before each path.  NULL with errno. */
struct process_files *process_files_new(const char *root);
void process_files_free(struct process_files *f); /* NULL is a no-op */

/* The first (again) or next process; 0: that were all. */
void process_files_rewind(struct process_files *f);
uint32_t process_files_next(struct process_files *f);

/* All but PSS and cgroup.  *ret_kernel: it is a thread of the kernel.  0, or
 * negative errno: it is gone (-ENOENT, -ESRCH), or cannot be read. */
int process_files_read(struct process_files *f, uint32_t pid,
		       struct fr_processes_row *ret, bool *ret_kernel);
/* All bits one: not to be had. */
uint64_t process_files_pss(struct process_files *f, uint32_t pid);
/* The path of its cgroup ("": not to be had), and its id (all bits one). */
void process_files_cgroup(struct process_files *f, uint32_t pid,
			  char path[PROCESS_CGROUP_MAX], uint64_t *ret_id);

/* Pure parsers of these files; what is not there stays as it is.  -EINVAL: cut,
 * or not such a file. */
struct process_units {
	uint64_t tick_ns, page_bytes;
};
int process_parse_stat(const char *text, size_t len,
		       const struct process_units *u,
		       struct fr_processes_row *ret, bool *ret_kernel);
int process_parse_status(const char *text, size_t len,
			 struct fr_processes_row *ret);
int process_parse_io(const char *text, size_t len,
		     struct fr_processes_row *ret);
int process_parse_pss(const char *text, size_t len, uint64_t *ret_bytes);

#endif
