/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * calls.h - parts of `flightrec calls`: counts of a command's system calls.
 *
 * calls_count.c   the kernel's side: load, follow a process, read the counts
 * calls_names.c   number to name, of all calls that the headers know
 * calls_print.c   the table
 * calls_rows.c    a row per interval
 */
#ifndef DUMP_CALLS_H
#define DUMP_CALLS_H

#include <flightrec/call_count.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define CALL_NAME_SIZE 48

struct call_counter; /* one per process that counts; not for threads */

/* Needs the rights to load BPF programs and trace.  0 or negative errno: -EPERM
 * or -EACCES without them. */
int call_counter_open(struct call_counter **ret);

/* Counts from the next exec of process ${pid} on: it and what it starts. */
int call_counter_follow(struct call_counter *c, pid_t pid);

/* Sums over the CPUs, by slot.  ${slots}: FR_CALL_SLOTS of them. */
int call_counter_read(const struct call_counter *c,
		      struct fr_call_count *slots);

/* What could not be counted for want of room: processes, calls. */
void call_counter_lost(const struct call_counter *c, uint64_t *ret_processes,
		       uint64_t *ret_calls);
void call_counter_close(struct call_counter *c);

/* Do the headers know the number? */
bool call_is_known(unsigned slot);

/* As in the headers, "/32" behind those of 32-bit programs; "call_NNN" if the
 * headers do not know the number, "call_other" if it was beyond all counts. */
void call_name(unsigned slot, char ret[CALL_NAME_SIZE]);

/* Does a name of the headers match the pattern (fnmatch(3))?  "read" is both
 * read and read/32. */
bool call_pattern_known(const char *pattern);
bool call_matches(const char *pattern, const char *name);
/* The name with the fewest edits from ${name}. */
const char *call_nearest(const char *name);

enum call_sort {
	CALL_SORT_TIME,
	CALL_SORT_CALLS,
	CALL_SORT_ERRORS,
	CALL_SORT_MAX,
	CALL_SORT_NAME,
};
enum call_format {
	CALL_TABLE,
	CALL_CSV,
	CALL_JSONL,
	CALL_KV
};

#define CALL_PATTERNS 64
struct call_view {
	enum call_sort sort;
	enum call_format format;
	char *patterns[CALL_PATTERNS]; /* of names shown; none: all */
	unsigned nr_patterns;
};

/* Is the name one of those that ${v} shows? */
bool call_is_shown(const struct call_view *v, const char *name);

/*
 * Rows of the same columns each: time (seconds since 1970), then NAME.calls and
 * NAME.ns of every call that is shown and that the headers know, sorted by name:
 * what the interval added.  In kv a call that was not made is left out.
 */
struct call_rows;
struct call_rows *call_rows_new(FILE *f, const struct call_view *view);
/* ${slots}: counts since the command began.  0, or -EIO if not all was taken. */
int call_rows_add(struct call_rows *r, const struct fr_call_count *slots);
void call_rows_free(struct call_rows *r);

/* Calls with a count of 0 are left out.  0, or -EIO if ${f} took not all. */
int calls_print(FILE *f, const struct fr_call_count *slots,
		const struct call_view *view);

#endif
