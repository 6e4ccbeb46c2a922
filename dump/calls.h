/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * calls.h - parts of `flightrec calls`: counts of a command's system calls, or of its
 * calls of a library.
 *
 * calls_count.c   the kernel's side: load, follow a process, read the counts
 * calls_names.c   number to name, of all calls that the headers know
 * calls_library.c which functions of a library are counted
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

#define CALL_NAME_SIZE 128

/* ---- functions of a library ---- */

struct call_library;

/*
 * ${text}: a library or program, by path or by the name of a library ("libc.so.6"),
 * and behind a colon globs of its functions with commas between.  Each place of the
 * file counts once, under one of its names.  0; else negative errno with a sentence in
 * ${ret_what}: no such file, no ELF file, damaged, stripped, no function that fits, or
 * more than FR_CALL_FUNCTIONS.
 */
int call_library_open(const char *text, struct call_library **ret,
		      char *ret_what, size_t size);
const char *call_library_path(const struct call_library *l);
unsigned call_library_functions(const struct call_library *l);
const char *call_library_name(const struct call_library *l, unsigned i);
/* In the file, where its code begins. */
uint64_t call_library_offset(const struct call_library *l, unsigned i);
void call_library_free(struct call_library *l); /* NULL is a no-op */

/* ---- counting ---- */

/* How counts are told apart beside the call. */
enum call_by {
	CALL_BY_NOTHING,
	CALL_BY_COMM,
	CALL_BY_PID, /* and name, which changes with exec */
};

struct call_counter; /* one per process that counts; not for threads */

/* Counts calls of ${library}, or system calls if it is NULL.  Needs the rights to
 * load BPF programs and trace.  0 or negative errno: -EPERM or -EACCES without
 * them. */
int call_counter_open(const struct call_library *library, enum call_by by,
		      struct call_counter **ret);

/* What was called by whom. */
struct call_item {
	struct fr_call_key key; /* pid and comm: only if told apart by them */
	struct fr_call_count n;
};

/* Counts from the next exec of process ${pid} on: it and what it starts. */
int call_counter_follow(struct call_counter *c, pid_t pid);

/* Counts from now on: process ${pid}, and what it starts from now on. */
int call_counter_attach(struct call_counter *c, pid_t pid);

/* Sums over the CPUs, by slot; not if told apart.  ${slots}: FR_CALL_SLOTS of them. */
int call_counter_read(const struct call_counter *c,
		      struct fr_call_count *slots);

/* All that has counts, in no order.  *ret is to be freed.  0 or negative errno. */
int call_counter_items(const struct call_counter *c, struct call_item **ret,
		       unsigned *ret_nr);

/* What could not be counted for want of room: processes, calls. */
void call_counter_lost(const struct call_counter *c, uint64_t *ret_processes,
		       uint64_t *ret_calls);
void call_counter_close(struct call_counter *c);

/* ---- names ---- */

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
/* Edits (Levenshtein's distance) of what the two begin with. */
unsigned call_edits(const char *a, const char *b);

/* ---- what is printed ---- */

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
	const struct call_library *library; /* NULL: system calls */
	enum call_by by;
	enum call_sort sort;
	enum call_format format;
	char *patterns[CALL_PATTERNS]; /* of names shown; none: all */
	unsigned nr_patterns;
};

/* Is the name one of those that ${v} shows? */
bool call_is_shown(const struct call_view *v, const char *name);
/* The name of the slot: call_name(), or that of the function. */
void call_view_name(const struct call_view *v, unsigned slot,
		    char ret[CALL_NAME_SIZE]);

/*
 * Rows of the same columns each: time (seconds since 1970), then NAME.calls and
 * NAME.ns of every call that is shown and that the headers know, sorted by name:
 * what the interval added; of functions of a library NAME.calls alone.  In kv a call that was not made is left out.
 */
struct call_rows;
struct call_rows *call_rows_new(FILE *f, const struct call_view *view);
/* ${slots}: counts since the command began.  0, or -EIO if not all was taken. */
int call_rows_add(struct call_rows *r, const struct fr_call_count *slots);
void call_rows_free(struct call_rows *r);

/* 0, or -EIO if ${f} took not all.  Puts ${items} in order. */
int calls_print(FILE *f, struct call_item *items, unsigned nr,
		const struct call_view *view);

#endif
