/* SPDX-License-Identifier: GPL-2.0-or-later */
/* query_tables.c - the tables that a query names. */
#include <stdlib.h>

#include "dump/anonymize.h"
#include "dump/query.h"

static int add_fact(sqlite3_stmt *s, const char *file, const char *key,
		    const char *value)
{
	int r;

	sqlite3_bind_text(s, 1, file, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, key, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 3, value, -1, SQLITE_STATIC);
	r = sqlite3_step(s);
	return r == SQLITE_DONE ? sqlite3_reset(s) : r;
}

static int add_facts(sqlite3 *db, const struct view *v,
		     const struct anonymizer *anon)
{
	char *buf = malloc(ANONYMIZE_FACT_MAX);
	sqlite3_stmt *s = NULL;
	int r = sqlite3_exec(db, "CREATE TEMP TABLE facts(file, key, value)",
			     NULL, NULL, NULL);

	if (!buf)
		r = SQLITE_NOMEM;
	if (!r)
		r = sqlite3_prepare_v2(db,
				       "INSERT INTO facts VALUES (?1, ?2, ?3)",
				       -1, &s, NULL);
	for (unsigned f = 0; !r && f < view_nr_files(v); f++) {
		const char *key, *value;

		for (unsigned i = 0;
		     !r && (value = snap_fact_at(view_snap(v, f), i, &key));
		     i++) {
			if (anon)
				value = anonymize_fact(anon, key, value, buf);
			if (value)
				r = add_fact(s,
					     anon ? NULL : view_file_path(v, f),
					     key, value);
		}
	}
	free(buf);
	sqlite3_finalize(s);
	return r;
}

int query_tables(sqlite3 *db, struct view *v, const char *sql,
		 const struct anonymizer *anon)
{
	int r;

	/* "meminfo.Drity" must not be a text, as SQLite took it once */
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	r = query_add_functions(db, v);
	if (!r)
		r = query_add_streams(db, v, sql);
	if (!r && query_names(sql, "facts"))
		r = add_facts(db, v, anon);
	if (!r && (query_names(sql, "counters") || query_names(sql, "metrics")))
		r = query_add_counters(db, v, sql);
	return r;
}
