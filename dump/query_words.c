/* SPDX-License-Identifier: GPL-2.0-or-later */
/* query_words.c - what a query names, and what it may have meant. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dump/query.h"
#include "triggers/units.h"

#define NAMES_MAX 70000

static bool is_part(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' ||
	       (unsigned char)c >= 0x80;
}

bool query_names(const char *sql, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = sql; len && (at = strcasestr(at, word)); at++)
		if ((at == sql || !is_part(at[-1])) && !is_part(at[len]))
			return true;
	return false;
}

bool query_needs(const char *sql, const char *stream)
{
	return query_names(sql, stream) ||
	       (!strcmp(stream, "sample") &&
		(query_names(sql, "counters") || query_names(sql, "metrics")));
}

void query_streams(const char *sql, const struct view *v,
		   struct view_filter *ret)
{
	ret->streams.nr = 0;
	for (unsigned i = 0; i < view_nr_streams(v); i++) {
		const char *name = view_stream_name(v, i);

		if (ret->streams.nr < FILTER_WORDS_MAX &&
		    query_needs(sql, name))
			ret->streams.words[ret->streams.nr++] = name;
	}
	if (!ret->streams.nr) /* none: no list would be the usual ones */
		ret->streams.words[ret->streams.nr++] = "";
}

int query_create_table(sqlite3 *db, const char *module)
{
	char *create =
		sqlite3_mprintf("CREATE VIRTUAL TABLE temp.\"%w\" USING \"%w\"",
				module, module);
	int r = create ? sqlite3_exec(db, create, NULL, NULL, NULL) :
			 SQLITE_NOMEM;

	sqlite3_free(create);
	return r;
}

void query_add_name(sqlite3_str *s, const char *name)
{
	sqlite3_str_appendf(s, "\"%w\"", name);
}

/* ---- columns, each once -------------------------------------------------------- */

/* Where it is, or would be. */
static unsigned find_place(const struct query_columns *c, const char *name,
			   bool *ret_there)
{
	unsigned low = 0, high = c->nr;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (sqlite3_stricmp(c->names[mid], name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*ret_there = low < c->nr && !sqlite3_stricmp(c->names[low], name);
	return low;
}

int query_columns_add(struct query_columns *c, const char *name)
{
	bool there;
	unsigned at = find_place(c, name, &there);
	char *copy;

	if (there)
		return 0;
	if (c->nr == c->room) {
		unsigned room = c->room ? 2 * c->room : 64;
		char **more = realloc(c->names, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		c->names = more;
		c->room = room;
	}
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	memmove(c->names + at + 1, c->names + at,
		(c->nr - at) * sizeof(*c->names));
	c->names[at] = copy;
	c->nr++;
	return 1;
}

void query_columns_free(struct query_columns *c)
{
	for (unsigned i = 0; i < c->nr; i++)
		free(c->names[i]);
	free(c->names);
	*c = (struct query_columns){ 0 };
}

/* ---- what may have been meant --------------------------------------------------- */

static void add_results(sqlite3 *db, const char *ask, const char *table,
			const char **names, unsigned *nr)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v2(db, ask, -1, &s, NULL) != SQLITE_OK)
		return;
	if (table)
		sqlite3_bind_text(s, 1, table, -1, SQLITE_STATIC);
	while (*nr < NAMES_MAX && sqlite3_step(s) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(s, 0);

		if (name && (names[*nr] = strdup(name)))
			++*nr;
	}
	sqlite3_finalize(s);
}

static const char tables[] =
	"SELECT name FROM pragma_module_list "
	"WHERE name NOT LIKE 'pragma\\_%' ESCAPE '\\' "
	"AND name NOT IN ('json_each', 'json_tree', 'fts3', 'fts4', 'fts5', "
	"'rtree', 'rtree_i32', 'geopoly', 'fts3tokenize', 'fts4aux', "
	"'fts5vocab', 'dbstat', 'bytecode', 'tables_used') "
	"UNION SELECT name FROM temp.sqlite_master UNION SELECT name FROM "
	"sqlite_master";

static void add_columns(sqlite3 *db, const char *sql, const char **names,
			unsigned *nr)
{
	const char *all[256];
	unsigned nr_tables = 0;
	static const char ask[] = "SELECT name FROM pragma_table_xinfo(?1)";
	const char **list = calloc(NAMES_MAX, sizeof(*list));

	if (!list)
		return;
	add_results(db, tables, NULL, list, &nr_tables);
	for (unsigned i = 0; i < nr_tables; i++)
		if (i < sizeof(all) / sizeof(*all) && query_names(sql, list[i]))
			add_results(db, ask, list[i], names, nr);
	for (unsigned i = 0; i < nr_tables; i++)
		free((void *)(uintptr_t)list[i]);
	free(list);
}

/* Is it in double quotes there? */
static bool is_quoted(const char *sql, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = sql; len && (at = strstr(at, word)); at++)
		if (at > sql && at[-1] == '"' && at[len] == '"')
			return true;
	return false;
}

static const char *nearest(sqlite3 *db, const char *sql, const char *word,
			   bool column, char *buf, size_t size)
{
	const char **names = calloc(NAMES_MAX + 1, sizeof(*names)), *near;
	unsigned nr = 0;

	if (!names)
		return NULL;
	if (column)
		add_columns(db, sql, names, &nr);
	else
		add_results(db, tables, NULL, names, &nr);
	near = units_nearest(word, names);
	if (!near && column && strchr(word, '.')) /* t.column */
		near = units_nearest(strchr(word, '.') + 1, names);
	if (near)
		snprintf(buf, size, "%s", near);
	for (unsigned i = 0; i < nr; i++)
		free((void *)(uintptr_t)names[i]);
	free(names);
	return near ? buf : NULL;
}

const char *query_advice(sqlite3 *db, const char *sql, const char *error)
{
	bool column = !strncmp(error, "no such column: ", 16);
	static char advice[400];
	const char *near, *word;
	char buf[256];

	if (!column && strncmp(error, "no such table: ", 15))
		return "";
	word = error + (column ? 16 : 15);
	near = nearest(db, sql, word, column, buf, sizeof(buf));
	if (near && !strcmp(near, word) && column && !is_quoted(sql, word))
		snprintf(advice, sizeof(advice),
			 "; a name with points is written in double quotes: "
			 "\"%s\"",
			 near);
	else if (near)
		snprintf(advice, sizeof(advice), "; the nearest is '%s'", near);
	else if (column && is_quoted(sql, word))
		snprintf(advice, sizeof(advice),
			 "; a text is written in single quotes: '%.200s'",
			 word);
	else
		snprintf(advice, sizeof(advice),
			 "; flightrec query --tables says what there is");
	return advice;
}
