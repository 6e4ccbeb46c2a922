/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_query.c - flightrec query: SQL over snapshots. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dump/anonymize.h"
#include "dump/command.h"
#include "dump/query.h"
#include "dump/view_open.h"

extern const struct command_ops cmd_query;

#define SQL_MAX (1 << 20)

struct query_args {
	const char *sql;
	const char *script; /* file that it is read from; NULL: an argument */
	enum query_format format;
	bool no_header, tables, anonymize, keep_extensions;
};

static const struct option options[] = {
	{ "file", required_argument, NULL, 'f' },
	{ "output-format", required_argument, NULL, 'O' },
	{ "no-header", no_argument, NULL, 'H' },
	{ "tables", no_argument, NULL, 't' },
	{ "anonymize", no_argument, NULL, 'a' },
	{ "keep-extensions", no_argument, NULL, 'e' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static int take_format(struct query_args *a, const char *text)
{
	static const char *const names[] = { "text", "csv", "jsonl" };

	for (unsigned i = 0; i < 3; i++)
		if (!strcmp(text, names[i])) {
			a->format = i;
			return EXIT_OK;
		}
	return command_bad_usage(&cmd_query, "-O %s: text, csv or jsonl", text);
}

/* EXIT_OK, EXIT_USAGE, or -1: help was asked for and given. */
static int parse_options(int argc, char **argv, struct query_args *a)
{
	int opt, r = EXIT_OK;

	opterr = 0;
	optind = 1;
	while (r == EXIT_OK && (opt = getopt_long(argc, argv, ":f:O:th",
						  options, NULL)) != -1) {
		switch (opt) {
		case 'f':
			a->script = optarg;
			break;
		case 'O':
			r = take_format(a, optarg);
			break;
		case 'H':
			a->no_header = true;
			break;
		case 't':
			a->tables = true;
			break;
		case 'e':
			a->keep_extensions = true; /* fall through */
		case 'a':
			a->anonymize = true;
			break;
		case 'h':
			command_print_help(&cmd_query);
			return -1;
		default:
			r = command_bad_option(&cmd_query, opt, argv, options);
		}
	}
	if (r != EXIT_OK || a->tables || a->script)
		return r;
	if (optind == argc)
		return command_bad_usage(&cmd_query,
					 "what is to be asked? flightrec query "
					 "--tables says what there is");
	a->sql = argv[optind++];
	if (!access(a->sql, F_OK))
		return command_bad_usage(&cmd_query,
					 "'%s' is a file; the SQL comes first",
					 a->sql);
	return EXIT_OK;
}

/* ---- the text ---------------------------------------------------------------------- */

static int bad_script(const char *path, const char *what, int code)
{
	fprintf(stderr, "flightrec: %s: %s\n", path, what);
	return code;
}

/* *ret is to be freed. */
static int read_script(const char *path, char **ret)
{
	bool standard = !strcmp(path, "-");
	FILE *in = standard ? stdin : fopen(path, "re");
	char *text = malloc(SQL_MAX + 1);
	size_t n = 0;
	int err;

	if (in && text)
		n = fread(text, 1, SQL_MAX + 1, in);
	err = !in || (text && ferror(in)) ? errno : 0;
	if (in && !standard)
		fclose(in);
	*ret = text;
	if (!text)
		return bad_script(path, "not enough memory", EXIT_FAILED);
	if (err)
		return bad_script(path, strerror(err),
				  err == EACCES ? EXIT_PERMISSION :
						  EXIT_FAILED);
	if (n > SQL_MAX)
		return bad_script(path, "longer than 1 MiB", EXIT_USAGE);
	text[n] = '\0';
	if (strlen(text) != n)
		return bad_script(path, "holds a NUL: it is no SQL",
				  EXIT_USAGE);
	return EXIT_OK;
}

/* ---- errors ------------------------------------------------------------------------ */

static void print_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fputc((unsigned char)text[i] < 0x20 || text[i] == 0x7f ?
			      ' ' :
			      text[i],
		      stderr);
}

#define PLACE_BEFORE 70 /* bytes of a long line that are shown */
#define PLACE_BEHIND 40

/* The line of ${sql} that byte ${at} is in, and a mark below it. */
static void print_place(const char *sql, size_t at)
{
	size_t from = at, to = at + strcspn(sql + at, "\n"), width = 0;

	while (from && sql[from - 1] != '\n')
		from--;
	if (at - from > PLACE_BEFORE)
		from = at - PLACE_BEFORE;
	if (to - at > PLACE_BEHIND)
		to = at + PLACE_BEHIND;
	while (from < at && (sql[from] & 0xc0) == 0x80) /* whole characters */
		from++;
	while (to > at && (sql[to] & 0xc0) == 0x80)
		to--;
	fputs("  ", stderr);
	print_plain(sql + from, to - from);
	for (size_t i = from; i < at; i++)
		width += (sql[i] & 0xc0) != 0x80;
	fprintf(stderr, "\n  %*s^\n", (int)width, "");
}

/* ${text}: all of it; ${begin}: the statement. */
static int sql_failed(sqlite3 *db, int r, const char *text, const char *begin)
{
	int offset = sqlite3_error_offset(db);
	char *error = strdup(sqlite3_errmsg(db));
	const char *advice;

	if (r == SQLITE_NOMEM || !error) {
		free(error);
		fprintf(stderr, "flightrec: not enough memory\n");
		return EXIT_FAILED;
	}
	advice = query_advice(db, text, error);
	fputs("flightrec: SQL: ", stderr);
	print_plain(error, strlen(error));
	print_plain(advice, strlen(advice));
	fputc('\n', stderr);
	free(error);
	if (offset >= 0 && (size_t)offset <= strlen(begin))
		print_place(text, (size_t)(begin - text) + (size_t)offset);
	return r == SQLITE_ERROR ? EXIT_USAGE : EXIT_FAILED;
}

/* ---- statements ---------------------------------------------------------------------- */

struct asked {
	size_t tables, rows; /* statements that give rows, and how many */
};

static int run_statement(const struct query_args *a, sqlite3_stmt *s,
			 struct asked *done)
{
	size_t rows;
	int r;

	if (!sqlite3_column_count(s)) {
		r = sqlite3_step(s);
		return r == SQLITE_DONE ? SQLITE_OK : r;
	}
	if (done->tables++ && a->format == QUERY_TEXT)
		putchar('\n');
	r = query_print(s, stdout, a->format, !a->no_header, &rows);
	done->rows += rows;
	return r;
}

static int run_all(const struct query_args *a, sqlite3 *db)
{
	struct asked done = { 0 };
	const char *at = a->sql;

	while (*at && !ferror(stdout)) {
		const char *begin = at;
		sqlite3_stmt *s = NULL;
		int r = sqlite3_prepare_v2(db, begin, -1, &s, &at), code;

		if (!r && s)
			r = run_statement(a, s, &done);
		code = r ? sql_failed(db, r, a->sql, begin) : EXIT_OK;
		sqlite3_finalize(s);
		if (r)
			return code;
	}
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "flightrec: output: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	if (done.rows || !done.tables)
		return EXIT_OK;
	fprintf(stderr, "flightrec: the query gives no row\n");
	return EXIT_EMPTY;
}

/* ---- what there is ------------------------------------------------------------------- */

static void print_table(const char *name, const char *columns)
{
	printf("%-12s %s\n", name, columns);
}

static int list_tables(const struct view *v)
{
	print_table("TABLE", "COLUMNS");
	for (unsigned i = 0; i < view_nr_streams(v); i++) {
		printf("%-12s ...", view_stream_name(v, i));
		for (unsigned k = VIEW_FIXED_COLUMNS; k < view_nr_columns(v);
		     k++)
			if (view_stream_has(v, i, k))
				printf(" %s", view_column_name(v, k));
		putchar('\n');
	}
	print_table("counters",
		    "ts time dur host instance tick, and each metric: "
		    "\"meminfo.Dirty\", \"cpu.all.user/s\"");
	print_table("metrics", "name kind unit changes");
	print_table("facts", "file key value");
	printf("\n...: the columns of every stream:");
	for (unsigned k = 0; k < VIEW_FIXED_COLUMNS; k++)
		printf(" %s", view_column_name(v, k));
	printf("\nflightrec-streams(7) says what they mean; names of columns with "
	       "points are\nwritten in double quotes.\n");
	return ferror(stdout) ? EXIT_FAILED : EXIT_OK;
}

static int ask(const struct query_args *a, struct view *v,
	       const struct anonymizer *anon)
{
	sqlite3 *db = NULL;
	int r = sqlite3_open(":memory:", &db), code;

	if (!r)
		r = query_tables(db, v, a->sql, anon);
	code = r ? sql_failed(db, r, a->sql, a->sql) : run_all(a, db);
	sqlite3_close(db);
	return code;
}

static int query(struct query_args *a, int argc, char **argv)
{
	struct view_filter filter = { 0 };
	struct anonymizer *anon = NULL;
	struct view *v = NULL;
	int code = view_open_files(argc, argv, &v), r;

	if (!v)
		return code;
	if (a->tables) {
		r = list_tables(v);
		return view_close(v, r == EXIT_OK ? code : r);
	}
	query_streams(a->sql, v, &filter);
	r = view_open_load(v, &filter);
	if (r != EXIT_OK)
		return r;
	if (a->anonymize)
		r = view_open_anonymize(v, a->keep_extensions, &anon);
	if (r == EXIT_OK)
		r = ask(a, v, anon);
	anonymizer_free(anon);
	return view_close(v, r == EXIT_OK ? code : r);
}

static int run(int argc, char **argv)
{
	struct query_args a = { .format = QUERY_TEXT };
	int code = parse_options(argc, argv, &a);
	char *script = NULL;

	if (code == EXIT_OK && a.script && !a.tables) {
		code = read_script(a.script, &script);
		a.sql = script;
	}
	if (code == EXIT_OK)
		code = query(&a, argc - optind, argv + optind);
	free(script);
	return code < 0 ? EXIT_OK : code;
}

const struct command_ops cmd_query = {
	.name = "query",
	.summary = "Asks snapshots in SQL.",
	.usage = "[options] SQL [FILE...]",
	.help = "Each stream is a table (fs, block, net, ...), the sampled counters are the table\n"
		"counters: a row for each tick, a column for each metric.  Several files are\n"
		"merged.  Without a FILE the newest snapshot of /var/lib/flightrec/snapshots is\n"
		"read.  SQL is that of SQLite; functions beside its own: percentile(X, P),\n"
		"ns('20ms'), bytes('4MiB'), ts('-10s'), X REGEXP '...'.\n\n"
		"OPTIONS\n"
		"  -t, --tables        what tables and columns there are\n"
		"  -f, --file SCRIPT   reads the SQL from there; -: from standard input\n"
		"  -O, --output-format text|csv|jsonl\n"
		"                      table for people (default), CSV with a header, or one\n"
		"                      JSON object per row\n"
		"  --no-header         no line with the names of the columns\n"
		"  --anonymize         keyed hashes in place of names, arguments, addresses\n"
		"  --keep-extensions   the same, but .c, .log, ... stay\n\n"
		"EXAMPLES\n"
		"  flightrec query --tables a.frs\n"
		"  flightrec query 'SELECT comm, count(*), percentile(dur, 99) FROM fs\n"
		"    GROUP BY comm ORDER BY 3 DESC LIMIT 10' a.frs\n"
		"  flightrec query 'SELECT time, \"meminfo.Dirty\", \"vmstat.pgpgout/s\" FROM counters' a.frs\n"
		"  flightrec query \"SELECT f.time, f.path, c.\\\"meminfo.Dirty\\\" FROM fs f\n"
		"    JOIN counters c ON c.at = f.ts WHERE f.dur > ns('20ms')\" a.frs\n"
		"  flightrec query \"SELECT * FROM block WHERE ts > ts('-2s')\" a.frs\n"
		"  flightrec query \"ATTACH 'a.db' AS a; CREATE TABLE a.fs AS SELECT * FROM fs\" a.frs\n",
	.run = run,
};
