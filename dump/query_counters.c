/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query_counters.c - the virtual table counters: a row for each tick, a column for
 * each metric.
 *
 * SQLite takes some 2,000 columns: those that the query names go first.  Rates, and
 * the moment that is asked about, are hidden columns: SELECT * does not give them.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dump/query.h"
#include "dump/query_held.h"
#include "dump/view_time.h"

enum {
	COLUMN_TS,
	COLUMN_TIME,
	COLUMN_DUR,
	COLUMN_HOST,
	COLUMN_INSTANCE,
	COLUMN_TICK,
	COLUMN_AT,
	FIXED_COLUMNS
};
static const char *const fixed[FIXED_COLUMNS] = { "ts",   "time",     "dur",
						  "host", "instance", "tick",
						  "at" };

/* idxNum */
#define AT   1 /* at = */
#define FROM 2 /* ts >= */
#define TO   4 /* ts <= */

struct counters {
	struct held *h;
	struct view *v;
	struct column {
		size_t metric;
		bool is_rate;
	} * columns; /* behind the fixed ones */
	unsigned nr, left_out, alike;
	char *create; /* CREATE TABLE */
};

struct counters_table {
	sqlite3_vtab base; /* first */
	struct counters *c;
};

struct counters_cursor {
	sqlite3_vtab_cursor base; /* first */
	size_t tick;
	unsigned source; /* AT: the next one to be asked */
	bool is_at, done;
	sqlite3_int64 at, from, to;
	struct wall_cache wall;
};

static void free_counters(void *p)
{
	struct counters *c = p;

	held_free(c->h);
	free(c->columns);
	sqlite3_free(c->create);
	free(c);
}

/* ---- columns ------------------------------------------------------------------------ */

struct declaring {
	struct counters *c;
	struct query_columns seen;
	sqlite3_str *s;
	unsigned max;
	bool no_memory;
};

/* 0: there is a column of that name, also if in letters of another size. */
static int add_name(struct declaring *d, size_t metric, bool is_rate,
		    const char *behind)
{
	const char *name = d->c->h->metrics[metric].name;
	char *text =
		sqlite3_mprintf("%s%s%s", name, behind, is_rate ? "/s" : "");
	int taken = text ? query_columns_add(&d->seen, text) : -ENOMEM;

	d->no_memory |= taken < 0;
	if (taken > 0) {
		sqlite3_str_appendall(d->s, ",");
		query_add_name(d->s, text);
		if (is_rate)
			sqlite3_str_appendall(d->s, " HIDDEN");
		d->c->columns[d->c->nr++] = (struct column){ metric, is_rate };
	}
	sqlite3_free(text);
	return taken;
}

static void add_column(struct declaring *d, size_t metric, bool is_rate)
{
	if (add_name(d, metric, is_rate, ""))
		return;
	add_name(d, metric, is_rate, "#2");
	d->c->alike++;
}

static bool is_named(const struct held_metric *m, const char *sql)
{
	return strcasestr(sql, m->name) || strchr(m->name, '"');
}

/* Those that are named with both their columns, then as many as there is room for. */
static void add_columns(struct declaring *d, const char *sql)
{
	const struct held *h = d->c->h;

	for (int named = 1; named >= 0; named--)
		for (size_t i = 0; !d->no_memory && i < h->nr_metrics; i++) {
			if (is_named(&h->metrics[i], sql) != named)
				continue;
			if (d->seen.nr + 2 > d->max) {
				d->c->left_out++;
				continue;
			}
			add_column(d, i, false);
			if (named && h->metrics[i].is_counter)
				add_column(d, i, true);
		}
}

static int declare(sqlite3 *db, struct counters *c, const char *sql)
{
	struct declaring d = { .c = c, .s = sqlite3_str_new(db) };
	int max = sqlite3_limit(db, SQLITE_LIMIT_COLUMN, -1);

	d.max = max > 2 * FIXED_COLUMNS ? (unsigned)max : 0;
	sqlite3_str_appendall(d.s, "CREATE TABLE t");
	for (unsigned i = 0; i < FIXED_COLUMNS; i++) {
		sqlite3_str_appendchar(d.s, 1, i ? ',' : '(');
		query_add_name(d.s, fixed[i]);
		if (i == COLUMN_TS || i == COLUMN_AT || i == COLUMN_TICK)
			sqlite3_str_appendall(d.s, " INTEGER");
		if (i == COLUMN_AT)
			sqlite3_str_appendall(d.s, " HIDDEN");
		d.no_memory |= query_columns_add(&d.seen, fixed[i]) < 0;
	}
	add_columns(&d, sql);
	sqlite3_str_appendall(d.s, ")");
	c->create = sqlite3_str_finish(d.s);
	query_columns_free(&d.seen);
	return d.no_memory || !c->create ? SQLITE_NOMEM : SQLITE_OK;
}

static int connect(sqlite3 *db, void *arg, int argc, const char *const *argv,
		   sqlite3_vtab **ret, char **ret_error)
{
	struct counters_table *t = calloc(1, sizeof(*t));
	int r;

	(void)argc;
	(void)argv;
	(void)ret_error;
	if (!t)
		return SQLITE_NOMEM;
	t->c = arg;
	r = sqlite3_declare_vtab(db, t->c->create);
	if (r)
		free(t);
	else
		*ret = &t->base;
	return r;
}

static int disconnect(sqlite3_vtab *base)
{
	free(base);
	return SQLITE_OK;
}

/* ---- which rows ---------------------------------------------------------------------- */

struct spans {
	int from, to, at; /* places of constraints; -1: none */
	bool at_otherwise, at_later;
};

static void find_spans(const sqlite3_index_info *info, struct spans *ret)
{
	for (int i = 0; i < info->nConstraint; i++) {
		unsigned char op = info->aConstraint[i].op;
		int column = info->aConstraint[i].iColumn;
		bool equal = op == SQLITE_INDEX_CONSTRAINT_EQ;

		if (column == COLUMN_AT && !equal)
			ret->at_otherwise = true;
		else if (column == COLUMN_AT && !info->aConstraint[i].usable)
			ret->at_later = true;
		else if (column == COLUMN_AT)
			ret->at = i;
		if (column != COLUMN_TS || !info->aConstraint[i].usable)
			continue;
		if (equal || op == SQLITE_INDEX_CONSTRAINT_GE ||
		    op == SQLITE_INDEX_CONSTRAINT_GT)
			ret->from = i;
		if (equal || op == SQLITE_INDEX_CONSTRAINT_LE ||
		    op == SQLITE_INDEX_CONSTRAINT_LT)
			ret->to = i;
	}
}

static int bad_at(sqlite3_vtab *base)
{
	sqlite3_free(base->zErrMsg);
	base->zErrMsg = sqlite3_mprintf(
		"at is the moment that counters is asked about: it wants a "
		"condition of its own, AND at = TIME");
	return SQLITE_ERROR;
}

/* ts, and the moment, in the order FROM, TO, AT. */
static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	const struct counters *c = ((struct counters_table *)base)->c;
	double rows = (double)c->h->nr_ticks + 1;
	struct spans is = { -1, -1, -1, false, false };
	int nr = 0;

	find_spans(info, &is);
	if (is.at < 0 && is.at_later)
		return SQLITE_CONSTRAINT; /* another order of the tables */
	if (is.at_otherwise || (is.at < 0 && info->colUsed & 1u << COLUMN_AT))
		return bad_at(base);
	if (is.at >= 0) { /* found at once: the span is left to SQLite */
		info->aConstraintUsage[is.at].argvIndex = 1;
		info->aConstraintUsage[is.at].omit = 1;
		info->idxNum = AT;
		info->estimatedRows = c->h->nr_sources + 1;
		info->estimatedCost = 10;
		return SQLITE_OK;
	}
	if (is.from >= 0)
		info->aConstraintUsage[is.from].argvIndex = ++nr;
	if (is.to >= 0 && is.to != is.from)
		info->aConstraintUsage[is.to].argvIndex = ++nr;
	info->idxNum = (is.from >= 0 ? FROM : 0) | (is.to >= 0 ? TO : 0);
	rows = is.from >= 0 && is.from == is.to ? 2 : nr ? rows / 4 + 1 : rows;
	info->estimatedRows = (sqlite3_int64)rows;
	info->estimatedCost = rows;
	return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
	struct counters_cursor *c = calloc(1, sizeof(*c));

	(void)base;
	if (!c)
		return SQLITE_NOMEM;
	*ret = &c->base;
	return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
	free(base);
	return SQLITE_OK;
}

static const struct counters *counters_of(const sqlite3_vtab_cursor *base)
{
	return ((struct counters_table *)base->pVtab)->c;
}

/* From the tick that it is at, to the first one that is wanted. */
static void settle(struct counters_cursor *c)
{
	const struct held *h = counters_of(&c->base)->h;

	if (c->is_at) {
		for (; c->source < h->nr_sources; c->source++)
			if (held_tick_at(h, c->source, (uint64_t)c->at,
					 &c->tick)) {
				c->source++;
				return;
			}
		c->done = true;
		return;
	}
	for (; c->tick < h->nr_ticks; c->tick++) {
		uint64_t ts = h->ticks[c->tick].ts;

		if (ts > INT64_MAX || (sqlite3_int64)ts > c->to) {
			if (h->in_order)
				break;
		} else if ((sqlite3_int64)ts >= c->from) {
			return;
		}
	}
	c->done = true;
}

/* Only whole numbers narrow it down; SQLite compares the rest. */
static sqlite3_int64 bound(sqlite3_value *v, sqlite3_int64 otherwise)
{
	return sqlite3_value_type(v) == SQLITE_INTEGER ?
		       sqlite3_value_int64(v) :
		       otherwise;
}

static int filter(sqlite3_vtab_cursor *base, int how, const char *text,
		  int argc, sqlite3_value **argv)
{
	struct counters_cursor *c = (struct counters_cursor *)base;
	const struct held *h = counters_of(base)->h;

	(void)text;
	c->tick = 0;
	c->source = 0;
	c->is_at = how & AT;
	c->from = INT64_MIN;
	c->to = INT64_MAX;
	c->at = -1;
	if (c->is_at && argc > 0 &&
	    (sqlite3_value_numeric_type(argv[0]) == SQLITE_INTEGER ||
	     sqlite3_value_numeric_type(argv[0]) == SQLITE_FLOAT))
		c->at = sqlite3_value_int64(argv[0]);
	if (how & FROM && argc > 0)
		c->from = bound(argv[0], INT64_MIN);
	if (how & TO && argc > 0)
		c->to = bound(argv[argc - 1], INT64_MAX);
	c->done = c->is_at && c->at < 0;
	for (int i = 0; i < argc; i++) /* nothing compares with NULL */
		c->done |= sqlite3_value_type(argv[i]) == SQLITE_NULL;
	if (h->in_order && c->from > 0)
		held_tick_at(h, 0, (uint64_t)c->from - 1, &c->tick);
	if (!c->done)
		settle(c);
	return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *base)
{
	struct counters_cursor *c = (struct counters_cursor *)base;

	c->tick++;
	settle(c);
	return SQLITE_OK;
}

static int at_end(sqlite3_vtab_cursor *base)
{
	return ((struct counters_cursor *)base)->done;
}

/* ---- what they say -------------------------------------------------------------------- */

static void give_text(sqlite3_context *x, const char *text)
{
	if (text)
		sqlite3_result_text(x, text, -1, SQLITE_TRANSIENT);
}

static void give_time(sqlite3_context *x, struct counters_cursor *c,
		      const struct view *v, const struct held_tick *t)
{
	char buf[48];

	wall_format(&c->wall,
		    (int64_t)(t->ts + (uint64_t)view_clock_offset(v, t->file)),
		    buf);
	give_text(x, buf);
}

static void give_fixed(sqlite3_context *x, struct counters_cursor *c,
		       int column)
{
	const struct counters *all = counters_of(&c->base);
	const struct held_tick *t = &all->h->ticks[c->tick];

	switch (column) {
	case COLUMN_TS:
		sqlite3_result_int64(x, (sqlite3_int64)t->ts);
		break;
	case COLUMN_TIME:
		give_time(x, c, all->v, t);
		break;
	case COLUMN_DUR:
		if (t->dur <= INT64_MAX)
			sqlite3_result_int64(x, (sqlite3_int64)t->dur);
		break;
	case COLUMN_HOST:
		give_text(x, view_host(all->v, t->file));
		break;
	case COLUMN_INSTANCE:
		give_text(x, view_instance(all->v, t->file));
		break;
	case COLUMN_TICK:
		sqlite3_result_int64(x, (sqlite3_int64)t->number);
		break;
	default:
		if (c->is_at)
			sqlite3_result_int64(x, c->at);
	}
}

static int give_column(sqlite3_vtab_cursor *base, sqlite3_context *x, int i)
{
	struct counters_cursor *c = (struct counters_cursor *)base;
	const struct counters *all = counters_of(base);
	const struct held_value *at;
	const struct column *column;
	double rate;

	if (i < FIXED_COLUMNS) {
		give_fixed(x, c, i);
		return SQLITE_OK;
	}
	if ((unsigned)i - FIXED_COLUMNS >= all->nr)
		return SQLITE_OK;
	column = &all->columns[i - FIXED_COLUMNS];
	at = held_at(all->h, column->metric, c->tick);
	if (at && column->is_rate) {
		rate = held_rate(all->h, at, c->tick);
		if (!isnan(rate))
			sqlite3_result_double(x, rate);
	} else if (at && at->scale > 1) {
		sqlite3_result_double(x, (double)at->raw / at->scale);
	} else if (at) {
		sqlite3_result_int64(x, at->raw);
	}
	return SQLITE_OK;
}

static int give_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
	*ret = (sqlite3_int64)((struct counters_cursor *)base)->tick;
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

static int add_metrics(sqlite3 *db, const struct held *h)
{
	sqlite3_stmt *s = NULL;
	int r = sqlite3_exec(
		db, "CREATE TEMP TABLE metrics(name, kind, unit, changes)",
		NULL, NULL, NULL);

	if (!r)
		r = sqlite3_prepare_v2(
			db, "INSERT INTO metrics VALUES (?1, ?2, ?3, ?4)", -1,
			&s, NULL);
	for (size_t i = 0; !r && i < h->nr_metrics; i++) {
		const struct held_metric *m = &h->metrics[i];

		sqlite3_bind_text(s, 1, m->name, -1, SQLITE_STATIC);
		sqlite3_bind_text(s, 2, m->is_counter ? "counter" : "gauge", -1,
				  SQLITE_STATIC);
		sqlite3_bind_text(s, 3, m->unit, -1, SQLITE_STATIC);
		sqlite3_bind_int64(s, 4, (sqlite3_int64)m->nr);
		r = sqlite3_step(s) == SQLITE_DONE ? sqlite3_reset(s) :
						     sqlite3_errcode(db);
	}
	sqlite3_finalize(s);
	return r;
}

static void say_left_out(const struct counters *c)
{
	if (c->left_out)
		fprintf(stderr,
			"flightrec: counters has columns for %zu of %zu metrics; "
			"those that a query names are among them\n",
			c->h->nr_metrics - c->left_out, c->h->nr_metrics);
	if (c->alike)
		fprintf(stderr,
			"flightrec: the names of some metrics differ in the size "
			"of letters only; of each two the second has a #2 "
			"behind it\n");
}

int query_add_counters(sqlite3 *db, struct view *v, const char *sql)
{
	struct counters *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return SQLITE_NOMEM;
	c->v = v;
	c->h = held_new(v);
	if (c->h)
		c->columns =
			calloc(2 * c->h->nr_metrics + 1, sizeof(*c->columns));
	r = c->columns ? declare(db, c, sql) : SQLITE_NOMEM;
	if (!r && query_names(sql, "metrics"))
		r = add_metrics(db, c->h);
	if (r) {
		free_counters(c);
		return r;
	}
	if (query_names(sql, "counters"))
		say_left_out(c);
	r = sqlite3_create_module_v2(db, "counters", &module, c, free_counters);
	return r ? r : query_create_table(db, "counters");
}
