/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query.h - SQL over the rows of a view, by SQLite, nothing of them copied first.
 *
 *   STREAM     each stream of the files is a table (fs, block, net, ...): a row for
 *              each record, with the columns, and the texts, of `show -O csv`
 *   counters   a row for each tick of the sampler, a column for each metric: what held
 *              then; "NAME/s" is how fast a counter grew.  With at = T the last row
 *              that began at T or before
 *   metrics    name, unit and kind of each metric
 *   facts      what the files say of themselves
 *
 * Names of columns come from the files, and are quoted.  Not thread-safe.
 */
#ifndef DUMP_QUERY_H
#define DUMP_QUERY_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>

#include "dump/view.h"
#include "dump/view_filter.h"

enum query_format {
	QUERY_TEXT,
	QUERY_CSV,
	QUERY_JSONL
};

/* query_words.c: is ${word} in ${sql} as a word of its own, in letters of any size? */
bool query_names(const char *sql, const char *word);
/* The streams that ${sql} needs, for view_load(). */
void query_streams(const char *sql, const struct view *v,
		   struct view_filter *ret);
/* Which table or column could have been meant; NULL: ${error} is of another kind, or
 * nothing is near.  Valid until the next call. */
const char *query_nearest(sqlite3 *db, const char *sql, const char *error);

/* A name as SQL has it, behind what is in ${s}. */
void query_add_name(sqlite3_str *s, const char *name);
/* Names of columns: SQLite takes no two that differ in the size of letters only.
 * 1: taken, 0: it was there already, -ENOMEM. */
struct query_columns {
	char **names; /* sorted */
	unsigned nr, room;
};
int query_columns_add(struct query_columns *c, const char *name);
void query_columns_free(struct query_columns *c);

/* All tables that ${sql} names.  ${v} is loaded, and outlives ${db}.  An SQLite code,
 * its message that of ${db}. */
int query_tables(sqlite3 *db, struct view *v, const char *sql);
int query_add_streams(sqlite3 *db, struct view *v);   /* query_streams.c */
int query_add_functions(sqlite3 *db, struct view *v); /* query_functions.c */
/* query_counters.c: also the table metrics. */
int query_add_counters(sqlite3 *db, struct view *v, const char *sql);

/* query_print.c: runs a statement that gives rows, and prints them.  An SQLite code;
 * the error of a write is that of ${out}. */
int query_print(sqlite3_stmt *s, FILE *out, enum query_format format,
		bool header, size_t *ret_rows);

#endif
