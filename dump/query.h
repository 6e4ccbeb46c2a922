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
 * They are in the schema temp, so that no table of an attached database hides them.
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

struct anonymizer;

/* query_words.c: is ${word} in ${sql} as a word of its own, in letters of any size? */
bool query_names(const char *sql, const char *word);
/* The streams that ${sql} needs, for view_load(). */
void query_streams(const char *sql, const struct view *v,
		   struct view_filter *ret);
bool query_needs(const char *sql, const char *stream);
/* What to do about ${error}, a part of a sentence ("" if nothing is known): the table
 * or column that could have been meant, the right quotes.  Valid until the next call. */
const char *query_advice(sqlite3 *db, const char *sql, const char *error);

/* Makes the table of that module, in the schema temp.  An SQLite code. */
int query_create_table(sqlite3 *db, const char *module);
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

/* All tables that ${sql} names.  ${v} is loaded, and outlives ${db}.  ${anon}: facts are
 * hidden as the rows are; NULL: not.  An SQLite code, its message that of ${db}. */
int query_tables(sqlite3 *db, struct view *v, const char *sql,
		 const struct anonymizer *anon);
/* query_streams.c */
int query_add_streams(sqlite3 *db, struct view *v, const char *sql);
int query_add_functions(sqlite3 *db, struct view *v); /* query_functions.c */
/* query_counters.c: also the table metrics. */
int query_add_counters(sqlite3 *db, struct view *v, const char *sql);

/* query_print.c: runs a statement that gives rows, and prints them.  An SQLite code;
 * the error of a write is that of ${out}. */
int query_print(sqlite3_stmt *s, FILE *out, enum query_format format,
		bool header, size_t *ret_rows);

#endif
