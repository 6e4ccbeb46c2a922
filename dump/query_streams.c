/* SPDX-License-Identifier: GPL-2.0-or-later */
/* query_streams.c - each stream of a view as a virtual table of SQLite. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump/escape.h"
#include "dump/query.h"

#define TEXT_MAX 65536 /* as in view_value */

#define FROM 1 /* idxNum: ts >= */
#define TO   2 /* ts <= */

struct stream_table {
	sqlite3_vtab base; /* first */
	struct view *v;
	unsigned stream;
	unsigned *columns; /* of the view */
	unsigned nr_columns;
	size_t *rows; /* of the view, in its order */
	size_t nr;
	bool in_order; /* of ts: not, if the files are of several boots */
};

struct stream_cursor {
	sqlite3_vtab_cursor base; /* first */
	struct view_cursor *c;
	size_t at, end;
	char text[ESCAPE_GROWTH * TEXT_MAX];
};

/* What a module knows before it is connected. */
struct stream_module {
	struct view *v;
	unsigned stream;
	bool loaded;
};

static uint64_t ts_of(struct view_cursor *c, size_t row)
{
	uint64_t ts = 0;

	view_seek(c, row);
	view_get_u64(c, VIEW_TS, &ts);
	return ts;
}

/* ---- the table --------------------------------------------------------------------- */

static int find_rows(struct stream_table *t)
{
	struct view_cursor *c = view_cursor_new(t->v);
	size_t all = view_nr_rows(t->v), nr = 0;
	uint64_t before = 0, ts;

	t->in_order = true;
	for (size_t i = 0; c && i < all; i++) {
		view_seek(c, i);
		nr += view_row_stream(c) == t->stream;
	}
	t->rows = calloc(nr + 1, sizeof(*t->rows));
	for (size_t i = 0; c && t->rows && i < all; i++) {
		view_seek(c, i);
		if (view_row_stream(c) != t->stream)
			continue;
		t->rows[t->nr++] = i;
		ts = ts_of(c, i);
		t->in_order &= ts >= before && ts <= INT64_MAX;
		before = ts;
	}
	view_cursor_free(c);
	return c && t->rows ? SQLITE_OK : SQLITE_NOMEM;
}

/* So that pid = '77' compares numbers. */
static bool is_integer(unsigned column)
{
	switch (column) {
	case VIEW_TS:
	case VIEW_DUR:
	case VIEW_PID:
	case VIEW_TID:
	case VIEW_PPID:
	case VIEW_CPU:
	case VIEW_UID:
	case VIEW_FD:
	case VIEW_INO:
	case VIEW_SIZE:
	case VIEW_MOVED:
	case VIEW_OFFSET:
	case VIEW_FLAGS:
	case VIEW_RET:
	case VIEW_WEIGHT:
	case VIEW_SEQ:
		return true;
	default:
		return false;
	}
}

static int declare(sqlite3 *db, struct stream_table *t)
{
	struct query_columns seen = { 0 };
	sqlite3_str *s = sqlite3_str_new(db);
	int r = SQLITE_OK, taken;
	char *sql;

	sqlite3_str_appendall(s, "CREATE TABLE t");
	for (unsigned i = 0; !r && i < view_nr_columns(t->v); i++) {
		const char *name = view_column_name(t->v, i);

		if (!view_stream_has(t->v, t->stream, i))
			continue;
		taken = query_columns_add(&seen, name);
		if (taken < 0)
			r = SQLITE_NOMEM;
		if (taken <= 0)
			continue;
		sqlite3_str_appendchar(s, 1, t->nr_columns ? ',' : '(');
		query_add_name(s, name);
		if (is_integer(i))
			sqlite3_str_appendall(s, " INTEGER");
		t->columns[t->nr_columns++] = i;
	}
	sqlite3_str_appendall(s, ")");
	query_columns_free(&seen);
	sql = sqlite3_str_finish(s);
	if (!sql)
		r = SQLITE_NOMEM;
	if (!r)
		r = sqlite3_declare_vtab(db, sql);
	sqlite3_free(sql);
	return r;
}

static int disconnect(sqlite3_vtab *base)
{
	struct stream_table *t = (struct stream_table *)base;

	free(t->columns);
	free(t->rows);
	free(t);
	return SQLITE_OK;
}

static int connect(sqlite3 *db, void *arg, int argc, const char *const *argv,
		   sqlite3_vtab **ret, char **ret_error)
{
	const struct stream_module *m = arg;
	struct stream_table *t = calloc(1, sizeof(*t));
	int r;

	(void)argc;
	(void)argv;
	if (!m->loaded) { /* a view of an attached database asks for it */
		const char *name = view_stream_name(m->v, m->stream);

		free(t);
		*ret_error = sqlite3_mprintf(
			"the stream %s is read only if the query itself "
			"names it; in a comment will do: /* %s */",
			name, name);
		return SQLITE_ERROR;
	}
	if (!t)
		return SQLITE_NOMEM;
	t->v = m->v;
	t->stream = m->stream;
	t->columns = calloc(view_nr_columns(m->v) + 1, sizeof(*t->columns));
	r = t->columns ? declare(db, t) : SQLITE_NOMEM;
	if (!r)
		r = find_rows(t);
	if (r)
		disconnect(&t->base);
	else
		*ret = &t->base;
	return r;
}

static bool is_ts(const struct stream_table *t, int column)
{
	return column >= 0 && t->columns[column] == VIEW_TS;
}

/* A span of ts is found by halving; SQLite checks the ends itself. */
static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	struct stream_table *t = (struct stream_table *)base;
	double rows = (double)t->nr + 1;
	int from = -1, to = -1, nr = 0;

	for (int i = 0; t->in_order && i < info->nConstraint; i++) {
		unsigned char op = info->aConstraint[i].op;

		if (!info->aConstraint[i].usable ||
		    !is_ts(t, info->aConstraint[i].iColumn))
			continue;
		if (op == SQLITE_INDEX_CONSTRAINT_EQ ||
		    op == SQLITE_INDEX_CONSTRAINT_GE ||
		    op == SQLITE_INDEX_CONSTRAINT_GT)
			from = i;
		if (op == SQLITE_INDEX_CONSTRAINT_EQ ||
		    op == SQLITE_INDEX_CONSTRAINT_LE ||
		    op == SQLITE_INDEX_CONSTRAINT_LT)
			to = i;
	}
	info->idxNum = (from >= 0 ? FROM : 0) | (to >= 0 ? TO : 0);
	if (from >= 0)
		info->aConstraintUsage[from].argvIndex = ++nr;
	if (to >= 0 && to != from)
		info->aConstraintUsage[to].argvIndex = ++nr;
	rows = from >= 0 && from == to     ? 2 :
	       info->idxNum == (FROM | TO) ? rows / 50 + 2 :
	       info->idxNum                ? rows / 4 + 2 :
					     rows;
	info->estimatedRows = (sqlite3_int64)rows;
	info->estimatedCost = rows;
	info->orderByConsumed = t->in_order && info->nOrderBy == 1 &&
				is_ts(t, info->aOrderBy[0].iColumn) &&
				!info->aOrderBy[0].desc;
	return SQLITE_OK;
}

/* ---- rows --------------------------------------------------------------------------- */

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
	struct stream_table *t = (struct stream_table *)base;
	struct stream_cursor *c = malloc(sizeof(*c));

	if (!c)
		return SQLITE_NOMEM;
	memset(&c->base, 0, sizeof(c->base));
	c->c = view_cursor_new(t->v);
	if (!c->c) {
		free(c);
		return SQLITE_NOMEM;
	}
	*ret = &c->base;
	return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
	struct stream_cursor *c = (struct stream_cursor *)base;

	view_cursor_free(c->c);
	free(c);
	return SQLITE_OK;
}

static void settle(const struct stream_table *t, struct stream_cursor *c)
{
	if (c->at < c->end)
		view_seek(c->c, t->rows[c->at]);
}

/* How many rows are of before ${ts}. */
static size_t rows_before(const struct stream_table *t, struct view_cursor *c,
			  uint64_t ts)
{
	size_t low = 0, high = t->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ts_of(c, t->rows[mid]) < ts)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* A number of SQL, as a time: what is not whole goes down or up. */
static uint64_t bound(sqlite3_value *v, bool up)
{
	sqlite3_int64 n;

	switch (sqlite3_value_type(v)) {
	case SQLITE_INTEGER:
		n = sqlite3_value_int64(v);
		return n < 0 ? 0 : (uint64_t)n;
	case SQLITE_FLOAT:
		if (!(sqlite3_value_double(v) > 0))
			return 0;
		if (sqlite3_value_double(v) >= 9e18)
			return INT64_MAX;
		return (uint64_t)sqlite3_value_double(v) + (up ? 1 : 0);
	default: /* SQLite compares, and knows how */
		return up ? UINT64_MAX : 0;
	}
}

static int filter(sqlite3_vtab_cursor *base, int span, const char *text,
		  int argc, sqlite3_value **argv)
{
	struct stream_cursor *c = (struct stream_cursor *)base;
	struct stream_table *t = (struct stream_table *)base->pVtab;
	uint64_t last;

	(void)text;
	c->at = 0;
	c->end = t->nr;
	if (span & FROM && argc > 0)
		c->at = rows_before(t, c->c, bound(argv[0], false));
	if (span & TO && argc > 0) {
		last = bound(argv[argc - 1], true);
		if (last < UINT64_MAX)
			c->end = rows_before(t, c->c, last + 1);
	}
	for (int i = 0; i < argc; i++) /* nothing compares with NULL */
		if (sqlite3_value_type(argv[i]) == SQLITE_NULL)
			c->end = c->at;
	settle(t, c);
	return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *base)
{
	struct stream_cursor *c = (struct stream_cursor *)base;

	c->at++;
	settle((struct stream_table *)base->pVtab, c);
	return SQLITE_OK;
}

static int at_end(sqlite3_vtab_cursor *base)
{
	const struct stream_cursor *c = (struct stream_cursor *)base;

	return c->at >= c->end;
}

static void give_u64(sqlite3_context *x, uint64_t u)
{
	char digits[24];

	if (u <= INT64_MAX) {
		sqlite3_result_int64(x, (sqlite3_int64)u);
		return;
	}
	/* SQLite has no such number */
	snprintf(digits, sizeof(digits), "%ju", (uintmax_t)u);
	sqlite3_result_text(x, digits, -1, SQLITE_TRANSIENT);
}

static int give_column(sqlite3_vtab_cursor *base, sqlite3_context *x, int i)
{
	struct stream_cursor *c = (struct stream_cursor *)base;
	const struct stream_table *t = (struct stream_table *)base->pVtab;
	struct view_value value;
	size_t len;

	if (i < 0 || (unsigned)i >= t->nr_columns)
		return SQLITE_OK;
	view_get(c->c, t->columns[i], &value);
	switch (value.type) {
	case VIEW_NULL:
		break;
	case VIEW_U64:
		give_u64(x, value.u);
		break;
	case VIEW_I64:
		sqlite3_result_int64(x, (sqlite3_int64)value.u);
		break;
	case VIEW_DECIMAL:
		sqlite3_result_double(x,
				      (double)(int64_t)value.u / value.scale);
		break;
	case VIEW_STRING:
	case VIEW_ARGS:
		len = escape_text(c->text, value.text, value.len,
				  value.type == VIEW_ARGS ? ESCAPE_ARGS : 0);
		sqlite3_result_text(x, c->text, (int)len, SQLITE_TRANSIENT);
		break;
	}
	return SQLITE_OK;
}

static int give_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
	*ret = (sqlite3_int64)((struct stream_cursor *)base)->at;
	return SQLITE_OK;
}

/* xCreate is xConnect: views of attached databases find the table, too. */
static const sqlite3_module module = {
	.iVersion = 1,
	.xCreate = connect,
	.xConnect = connect,
	.xBestIndex = best_index,
	.xDisconnect = disconnect,
	.xDestroy = disconnect,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = filter,
	.xNext = next,
	.xEof = at_end,
	.xColumn = give_column,
	.xRowid = give_rowid,
};

static int add_stream(sqlite3 *db, struct view *v, unsigned stream, bool loaded)
{
	const char *name = view_stream_name(v, stream);
	struct stream_module *m = malloc(sizeof(*m));
	int r;

	if (!m)
		return SQLITE_NOMEM;
	*m = (struct stream_module){ v, stream, loaded };
	r = sqlite3_create_module_v2(db, name, &module, m, free);
	return r || !loaded ? r : query_create_table(db, name);
}

int query_add_streams(sqlite3 *db, struct view *v, const char *sql)
{
	struct query_columns seen = { 0 };
	int r = SQLITE_OK, taken;

	for (unsigned i = 0; !r && i < view_nr_streams(v); i++) {
		const char *name = view_stream_name(v, i);

		taken = query_columns_add(&seen, name);
		if (taken < 0)
			r = SQLITE_NOMEM;
		else if (taken) /* a damaged file may have FS beside fs */
			r = add_stream(db, v, i, query_needs(sql, name));
	}
	query_columns_free(&seen);
	return r;
}
