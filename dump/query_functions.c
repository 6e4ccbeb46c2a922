/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query_functions.c - what SQLite lacks for questions about latencies:
 *
 *   percentile(X, P)   of a group, P from 0 to 100, between two values in proportion
 *   ns('20ms')         a duration in nanoseconds
 *   bytes('4MiB')      a size in bytes
 *   ts('-10s')         a moment in the clock of the first file: 13:05, -10s from the
 *                      trigger on, ... as --begin of show takes it
 *   X REGEXP 'a.*'     POSIX extended regular expressions
 */
#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "dump/query.h"
#include "triggers/units.h"

#define TEXT(v) ((const char *)sqlite3_value_text(v))

static void fn_ns(sqlite3_context *c, int argc, sqlite3_value **argv)
{
	uint64_t ns;

	(void)argc;
	if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	if (!units_parse_time(TEXT(argv[0]), &ns) && ns <= INT64_MAX)
		sqlite3_result_int64(c, (sqlite3_int64)ns);
	else
		sqlite3_result_error(
			c, "ns(): not a duration; write 20ms, 1.5s, 250us", -1);
}

static void fn_bytes(sqlite3_context *c, int argc, sqlite3_value **argv)
{
	uint64_t bytes;

	(void)argc;
	if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	if (!units_parse_size(TEXT(argv[0]), &bytes) && bytes <= INT64_MAX)
		sqlite3_result_int64(c, (sqlite3_int64)bytes);
	else
		sqlite3_result_error(
			c, "bytes(): not a size; write 4MiB, 64kB, 512B", -1);
}

static void fn_ts(sqlite3_context *c, int argc, sqlite3_value **argv)
{
	struct view_filter f = { .begin = TEXT(argv[0]) };
	struct snap_diag diag = { "" };
	uint64_t begin, end;

	(void)argc;
	if (!f.begin)
		return;
	if (view_filter_window(&f, sqlite3_user_data(c), 0, &begin, &end,
			       &diag))
		sqlite3_result_int64(c, begin <= INT64_MAX ?
						(sqlite3_int64)begin :
						INT64_MAX);
	else
		sqlite3_result_error(c, diag.text, -1);
}

/* ---- REGEXP ---------------------------------------------------------------------- */

static void free_regex(void *p)
{
	regfree(p);
	free(p);
}

static regex_t *compile(sqlite3_context *c, const char *pattern)
{
	regex_t *r = calloc(1, sizeof(*r));
	char text[200];
	int code;

	if (!r) {
		sqlite3_result_error_nomem(c);
		return NULL;
	}
	code = regcomp(r, pattern, REG_EXTENDED | REG_NOSUB);
	if (!code)
		return r;
	memcpy(text, "REGEXP: ", 9);
	regerror(code, r, text + 8, sizeof(text) - 8);
	free(r);
	sqlite3_result_error(c, text, -1);
	return NULL;
}

/* X REGEXP Y is regexp(Y, X). */
static void fn_regexp(sqlite3_context *c, int argc, sqlite3_value **argv)
{
	regex_t *r = sqlite3_get_auxdata(c, 0);
	bool fresh = !r;

	(void)argc;
	if (sqlite3_value_type(argv[0]) == SQLITE_NULL ||
	    sqlite3_value_type(argv[1]) == SQLITE_NULL)
		return;
	if (fresh)
		r = compile(c, TEXT(argv[0]));
	if (!r)
		return;
	sqlite3_result_int(c, !regexec(r, TEXT(argv[1]), 0, NULL, 0));
	if (fresh)
		sqlite3_set_auxdata(c, 0, r, free_regex);
}

/* ---- percentile ------------------------------------------------------------------- */

struct group {
	double *values, percent;
	size_t nr, room;
	bool failed;
};

static void fail(sqlite3_context *c, struct group *g, const char *text)
{
	g->failed = true;
	if (text)
		sqlite3_result_error(c, text, -1);
	else
		sqlite3_result_error_nomem(c);
}

static void percentile_step(sqlite3_context *c, int argc, sqlite3_value **argv)
{
	struct group *g = sqlite3_aggregate_context(c, sizeof(*g));
	int type = sqlite3_value_numeric_type(argv[1]);
	double percent = type == SQLITE_INTEGER || type == SQLITE_FLOAT ?
				 sqlite3_value_double(argv[1]) :
				 -1;

	(void)argc;
	if (!g || g->failed || sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	type = sqlite3_value_numeric_type(argv[0]);
	if (type != SQLITE_INTEGER && type != SQLITE_FLOAT) {
		fail(c, g, "percentile(X, P): X is a number, not a text");
		return;
	}
	if (!(percent >= 0 && percent <= 100) ||
	    (g->nr && percent != g->percent)) {
		fail(c, g, "percentile(X, P): P is one number from 0 to 100");
		return;
	}
	if (g->nr == g->room) {
		size_t room = g->room ? 2 * g->room : 256;
		double *more = realloc(g->values, room * sizeof(*more));

		if (!more) {
			fail(c, g, NULL);
			return;
		}
		g->values = more;
		g->room = room;
	}
	g->percent = percent;
	g->values[g->nr++] = sqlite3_value_double(argv[0]);
}

static int compare(const void *p, const void *q)
{
	double x = *(const double *)p, y = *(const double *)q;

	return (x > y) - (x < y);
}

static void percentile_end(sqlite3_context *c)
{
	struct group *g = sqlite3_aggregate_context(c, 0);
	double place;
	size_t low;

	if (g && g->nr && !g->failed) {
		qsort(g->values, g->nr, sizeof(*g->values), compare);
		place = g->percent / 100 * (double)(g->nr - 1);
		low = (size_t)floor(place);
		if (low + 1 < g->nr)
			sqlite3_result_double(
				c,
				g->values[low] +
					(g->values[low + 1] - g->values[low]) *
						(place - (double)low));
		else
			sqlite3_result_double(c, g->values[g->nr - 1]);
	}
	if (g)
		free(g->values);
}

int query_add_functions(sqlite3 *db, struct view *v)
{
	const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
	static const struct {
		const char *name;
		int args;
		void (*fn)(sqlite3_context *c, int argc, sqlite3_value **argv);
	} plain[] = { { "ns", 1, fn_ns },
		      { "bytes", 1, fn_bytes },
		      { "ts", 1, fn_ts },
		      { "regexp", 2, fn_regexp } };
	int r = SQLITE_OK;

	for (unsigned i = 0; !r && i < sizeof(plain) / sizeof(*plain); i++)
		r = sqlite3_create_function_v2(db, plain[i].name, plain[i].args,
					       flags, v, plain[i].fn, NULL,
					       NULL, NULL);
	if (!r)
		r = sqlite3_create_function_v2(db, "percentile", 2, flags, NULL,
					       NULL, percentile_step,
					       percentile_end, NULL);
	return r;
}
