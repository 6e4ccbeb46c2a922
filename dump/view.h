/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * view.h - the rows of one or several snapshots, merged in time order.
 *
 * A row is a record whose references are resolved: process facts, paths and
 * strings come from the name records of the same recorder.  What a field means
 * is taken from its kind in the schema of the file (events.def); no record is
 * known by its name, so that records of newer recorders are shown as well.
 * Rows that several files or the slow lane share are kept once.
 *
 *   view_new, view_add_file..., view_load(filter), cursor over rows, view_free
 *
 * Nothing in a file is trusted; a damaged part is left out and said so by
 * view_damage().  Not thread-safe per view.
 */
#ifndef DUMP_VIEW_H
#define DUMP_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dump/snapshot_read.h"

struct view;
struct view_filter; /* dump/view_filter.h */

/* Columns that every stream has; those of single streams come behind. */
enum view_column {
	VIEW_STREAM,
	VIEW_HOST,
	VIEW_INSTANCE,
	VIEW_TS,
	VIEW_TIME,
	VIEW_DUR,
	VIEW_OP,
	VIEW_CALL,
	VIEW_PID,
	VIEW_TID,
	VIEW_PPID,
	VIEW_COMM,
	VIEW_CPU,
	VIEW_UID,
	VIEW_CGROUP,
	VIEW_PID_START,
	VIEW_PATH,
	VIEW_PATH2,
	VIEW_FD,
	VIEW_DEV,
	VIEW_INO,
	VIEW_SIZE,
	VIEW_MOVED,
	VIEW_OFFSET,
	VIEW_FLAGS,
	VIEW_FLAGS_TEXT,
	VIEW_RET,
	VIEW_ERRNO,
	VIEW_WEIGHT,
	VIEW_LANE,
	VIEW_SEQ,
	VIEW_FIXED_COLUMNS
};
#define VIEW_NO_COLUMN (~0u)

enum view_type {
	VIEW_NULL = 0, /* not captured, or this record has no such value */
	VIEW_U64,
	VIEW_I64,     /* .u, to be read as int64_t */
	VIEW_DECIMAL, /* (int64_t).u / .scale */
	VIEW_STRING,  /* .text, .len: bytes, not terminated; see escape.h */
	VIEW_ARGS,    /* the same, NUL between arguments */
};
struct view_value {
	enum view_type type;
	uint32_t scale;
	uint64_t u;
	const char *text;
	size_t len;
};

struct view *view_new(void); /* NULL: out of memory */
void view_free(struct view *v);

/* Opens a snapshot.  0 or negative errno with *diag, as snap_open(). */
int view_add_file(struct view *v, const char *path, struct snap_diag *diag);
/* Reads all rows that ${f} lets through (NULL: all but samples), sorts them.
 * 0, -ENOMEM, or -EINVAL with *diag (a time that cannot be understood). */
int view_load(struct view *v, const struct view_filter *f,
	      struct snap_diag *diag);
/* After view_load(), so that filters see the clear text: puts keyed hashes in
 * place of all names, texts and addresses (anonymize.h).  Facts of the files stay
 * as they are.  0 or -ENOMEM: the view is then not to be shown. */
struct anonymizer;
int view_anonymize(struct view *v, const struct anonymizer *a);

unsigned view_nr_files(const struct view *v);
struct snap *view_snap(const struct view *v, unsigned file);
const char *view_file_path(const struct view *v, unsigned file);
/* Files of one recorder have one number: from 0 on. */
unsigned view_source(const struct view *v, unsigned file);
/* As in the columns host and instance; NULL: not known. */
const char *view_host(const struct view *v, unsigned file);
const char *view_instance(const struct view *v, unsigned file);
/* CLOCK_REALTIME - CLOCK_MONOTONIC of that file, ns. */
int64_t view_clock_offset(const struct view *v, unsigned file);
/* Prints "FILE: what" for each damaged part on standard error; how many. */
unsigned view_report_damage(const struct view *v);

size_t view_nr_rows(const struct view *v);
/* Records read but dropped because another file or lane has them too. */
size_t view_nr_duplicates(const struct view *v);

unsigned view_nr_columns(const struct view *v);
const char *view_column_name(const struct view *v, unsigned column);
unsigned view_find_column(const struct view *v, const char *name);
/* Nearest name, or NULL. */
const char *view_nearest_column(const struct view *v, const char *name);
unsigned view_nr_streams(const struct view *v);
const char *view_stream_name(const struct view *v, unsigned stream);
/* VIEW_NO_COLUMN: no file has it. */
unsigned view_find_stream(const struct view *v, const char *name);
/* Whether records of that stream can have a value in that column. */
bool view_stream_has(const struct view *v, unsigned stream, unsigned column);
/* Streams that a load without --stream shows. */
bool view_stream_default(const struct view *v, unsigned stream);

/* A place in the view, with room for values made on the way. */
struct view_cursor;
struct view_cursor *view_cursor_new(struct view *v); /* NULL: no memory */
void view_cursor_free(struct view_cursor *c);
void view_seek(struct view_cursor *c, size_t row);
/* Valid until the next seek, or the next call for the same column. */
void view_get(struct view_cursor *c, unsigned column, struct view_value *ret);
/* The words of a number, as they are in <column>_text; *ret untouched: it has
 * none. */
void view_get_words(struct view_cursor *c, unsigned column,
		    struct view_value *ret);
unsigned view_row_stream(const struct view_cursor *c);
unsigned view_row_file(const struct view_cursor *c);
/* The row is a sampled value: its metric's number, the value unscaled and as it
 * is stored (times scale), whether it only grows, and its collector.  false: it is
 * none. */
struct view_sample {
	uint32_t metric, collector, scale;
	uint32_t every; /* its collector looks in every n-th tick; 0: not known */
	uint64_t tick;
	/* Its name as bytes of the file, valid as long as the view. A number may be of
	 * another metric in another file of the same recorder. */
	const char *name;
	size_t name_len;
	int64_t raw,
		wrap; /* wrap: raw begins again at 0 there; 0: it does not */
	double value;
	bool is_counter;
};
bool view_get_sample(struct view_cursor *c, struct view_sample *ret);
bool view_same_metric(const struct view_sample *a, const struct view_sample *b);
/* Does a metric of the files have such a name, whether it has rows or not? */
bool view_names_metric(const struct view *v, const char *glob);
/* The row is an operation that rules can name: its FR_STREAM_*, its key (shared.h),
 * and the devices it was on (~0: not known; dev2: the partition, or like dev).
 * false: it is none. */
struct view_operation {
	uint32_t stream, key, dev, dev2;
};
bool view_get_operation(struct view_cursor *c, struct view_operation *ret);
/* The name of the row's process: of its first thread, or, if that is not known, as
 * VIEW_COMM; false: null (then ""). */
bool view_get_process_comm(struct view_cursor *c, char *buf, size_t size);
/* The row is a histogram: which operation it is of; key FR_HIST_ANY: of any. */
bool view_hist_operation(struct view_cursor *c, uint32_t *ret_stream,
			 uint32_t *ret_key);
/* The row is a histogram: adds its buckets to ${counts} (FR_HIST_BUCKETS of them).
 * *ret_whole: it is of all the time since the recorder began.  false: it is none,
 * or damaged. */
bool view_add_hist(struct view_cursor *c, uint64_t *counts, bool *ret_whole);
/* Calls ${fn} for each record that holds, or belongs to, the full set of a
 * collector: metrics that it lacks have no value from ${ts} on.  An empty set
 * gives no row, but is told here.  In no order; one set may come in parts. */
void view_full_sets(const struct view *v,
		    void (*fn)(void *arg, uint32_t collector, uint64_t ts),
		    void *arg);
/* What the file of the row is: file, dir, link, pipe, fifo, socket, unix, tty,
 * chr, blk, anon (eventfd, epoll ...).  NULL: not known. */
const char *view_row_kind(struct view_cursor *c);
/* Who has to answer an operation on what is no file: "pipe", "socket",
 * "device" (a character device) or "anon" (eventfd, timerfd ...).  NULL: a
 * file, a block device, or not known. */
const char *view_row_peer(struct view_cursor *c);
/* Shortcuts; false, *ret untouched: null. */
bool view_get_u64(struct view_cursor *c, unsigned column, uint64_t *ret);
/* Copies text, cut to fit, always terminated; false: null (then ""). */
bool view_get_text(struct view_cursor *c, unsigned column, char *buf,
		   size_t size);
/* The first path as the program asked for it, behind its directory, where the row has
 * one: also if the path of the file is known.  False: it has none, or no room. */
bool view_get_asked(struct view_cursor *c, char *buf, size_t size);

#endif
