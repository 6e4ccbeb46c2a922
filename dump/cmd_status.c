/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_status.c - flightrec status: how the running recorder does. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/client.h"
#include "dump/command.h"
#include "dump/escape.h"
#include "dump/folder.h"
#include "dump/nested_json.h"
#include "dump/row_write.h"
#include "dump/terminal.h"
#include "triggers/units.h"

#define PATIENCE_S  20
#define COLUMNS_MAX 32
#define ROWS_MAX    256

extern const struct command_ops cmd_status;

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "run-folder", required_argument, NULL, 'R' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* Keys "prefix.ROW.COLUMN" of the reply as a table. */
struct table {
	const struct client_reply *reply;
	const char *prefix; /* "lane." */
	char rows[ROWS_MAX][80];
	char columns[COLUMNS_MAX][32];
	unsigned nr_rows, nr_columns;
};

/* The column is what stands behind the last dot; the row, what is before. */
static bool split_key(const struct table *t, const char *key, char row[80],
		      char column[32])
{
	size_t prefix = strlen(t->prefix);
	const char *dot = strrchr(key, '.');

	if (strncmp(key, t->prefix, prefix) || !dot || dot < key + prefix)
		return false;
	snprintf(row, 80, "%.*s", (int)(dot - key - (long)prefix),
		 key + prefix);
	snprintf(column, 32, "%s", dot + 1);
	return true;
}

static unsigned intern(char *names, size_t size, unsigned *nr, unsigned max,
		       const char *name)
{
	for (unsigned i = 0; i < *nr; i++)
		if (!strcmp(names + i * size, name))
			return i;
	if (*nr == max)
		return max;
	snprintf(names + *nr * size, size, "%s", name);
	return (*nr)++;
}

static void fill(struct table *t)
{
	char row[80], column[32];

	for (unsigned i = 0; i < t->reply->nr; i++) {
		if (!split_key(t, t->reply->pairs[i].key, row, column))
			continue;
		intern(t->rows[0], sizeof(t->rows[0]), &t->nr_rows, ROWS_MAX,
		       row);
		intern(t->columns[0], sizeof(t->columns[0]), &t->nr_columns,
		       COLUMNS_MAX, column);
	}
}

static const char *cell(const struct table *t, unsigned row, unsigned column,
			char buf[256])
{
	char key[256];
	const char *value;
	char *end;
	double number;

	snprintf(key, sizeof(key), "%s%s.%s", t->prefix, t->rows[row],
		 t->columns[column]);
	value = client_value(t->reply, key);
	if (!value || !*value)
		return "-";
	number = strtod(value, &end);
	if (!*end && strchr(value, '.'))
		snprintf(buf, 256, "%.1f", number);
	else
		row_print_bytes(buf, 256, value, strlen(value));
	return buf;
}

/* What the row's name says already, and what is zero everywhere, takes room from
 * what matters; losses are shown even if there are none. */
static bool is_shown(const struct table *t, unsigned column)
{
	const char *name = t->columns[column];
	char buf[256];

	if (!strcmp(name, "lost"))
		return true;
	if (!strcmp(name, "name") || !strcmp(name, "stream") ||
	    !strcmp(name, "number"))
		return false;
	for (unsigned r = 0; r < t->nr_rows; r++) {
		const char *text = cell(t, r, column, buf);

		if (strcmp(text, "-") && strcmp(text, "0") &&
		    strcmp(text, "0.0"))
			return true;
	}
	return false;
}

/* Columns that are not shown go; the order of the others stays. */
static void drop_columns(struct table *t)
{
	unsigned kept = 0;

	for (unsigned c = 0; c < t->nr_columns; c++)
		if (is_shown(t, c))
			memmove(t->columns[kept++], t->columns[c],
				sizeof(t->columns[0]));
	t->nr_columns = kept;
}

static void pad(const char *text, unsigned width, bool right)
{
	unsigned n = terminal_width(text);

	if (!right)
		fputs(text, stdout);
	for (; n < width; n++)
		putchar(' ');
	if (right)
		fputs(text, stdout);
}

static void print_table(const struct client_reply *reply, const char *prefix,
			const char *title)
{
	struct table *t = calloc(1, sizeof(*t));
	unsigned widths[COLUMNS_MAX + 1] = { 0 };
	char buf[256];

	if (!t)
		return;
	t->reply = reply;
	t->prefix = prefix;
	fill(t);
	drop_columns(t);
	for (unsigned r = 0; r < t->nr_rows; r++) {
		unsigned w = terminal_width(t->rows[r]);

		widths[0] = w > widths[0] ? w : widths[0];
		for (unsigned c = 0; c < t->nr_columns; c++) {
			w = terminal_width(cell(t, r, c, buf));
			if (w < strlen(t->columns[c]))
				w = (unsigned)strlen(t->columns[c]);
			widths[c + 1] = w > widths[c + 1] ? w : widths[c + 1];
		}
	}
	if (widths[0] < strlen(title))
		widths[0] = (unsigned)strlen(title);
	for (unsigned r = 0; t->nr_rows && r <= t->nr_rows; r++) {
		printf("%s", r ? "" : terminal_bold());
		pad(r ? t->rows[r - 1] : title, widths[0], false);
		for (unsigned c = 0; c < t->nr_columns; c++) {
			printf("  ");
			pad(r ? cell(t, r - 1, c, buf) : t->columns[c],
			    widths[c + 1], true);
		}
		printf("%s\n", r ? "" : terminal_off());
	}
	if (t->nr_rows)
		putchar('\n');
	free(t);
}

static bool in_table(const char *key)
{
	static const char *const prefixes[] = { "lane.", "trigger.", "probe." };

	for (unsigned i = 0; i < 3; i++)
		if (!strncmp(key, prefixes[i], strlen(prefixes[i])) &&
		    strchr(key + strlen(prefixes[i]), '.'))
			return true;
	return false;
}

/* A value as its key's unit tells. */
static void print_single(const struct client_pair *p)
{
	size_t len = strlen(p->key);
	char text[512], human[32];
	char *end;
	double number = strtod(p->value, &end);
	bool is_number = *p->value && !*end && number >= 0;

	row_print_bytes(text, sizeof(text), p->value, strlen(p->value));
	if (is_number && len > 5 && !strcmp(p->key + len - 5, "bytes"))
		snprintf(text, sizeof(text), "%s",
			 units_human_size(human, (uint64_t)number));
	else if (is_number && len > 2 && !strcmp(p->key + len - 2, "_s"))
		snprintf(text, sizeof(text), "%s",
			 units_human_time(human, (uint64_t)(number * 1e9)));
	printf("%-24s %s\n", p->key, text);
}

static void print_status(const struct client_reply *reply)
{
	for (unsigned i = 0; i < reply->nr; i++)
		if (!in_table(reply->pairs[i].key))
			print_single(&reply->pairs[i]);
	putchar('\n');
	print_table(reply, "lane.", "LANE");
	print_table(reply, "trigger.", "TRIGGER");
	print_table(reply, "probe.", "PROBE");
}

static int print_json(const struct client_reply *reply)
{
	struct nested_pair *pairs = calloc(reply->nr + 1, sizeof(*pairs));

	if (!pairs)
		return EXIT_FAILED;
	for (unsigned i = 0; i < reply->nr; i++)
		pairs[i] = (struct nested_pair){ reply->pairs[i].key,
						 reply->pairs[i].value, 0 };
	nested_json_print(stdout, pairs, reply->nr);
	free(pairs);
	return EXIT_OK;
}

static int parse_options(int argc, char **argv, const char **folder, bool *json)
{
	int opt;

	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, ":jh", options, NULL)) != -1) {
		if (opt == 'j') {
			*json = true;
		} else if (opt == 'R') {
			*folder = optarg;
		} else if (opt == 'h') {
			command_print_help(&cmd_status);
			return -1;
		} else {
			return command_bad_option(&cmd_status, opt, argv,
						  options);
		}
	}
	if (optind < argc)
		return command_bad_usage(&cmd_status, "'%s' is too much",
					 argv[optind]);
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	const char *folder = folder_default_run();
	struct client_reply reply;
	bool json = false;
	int code = parse_options(argc, argv, &folder, &json);

	if (code != EXIT_OK)
		return code < 0 ? EXIT_OK : code;
	code = client_ask(folder, "status\n", PATIENCE_S, &reply);
	if (code != EXIT_OK)
		return code;
	for (unsigned i = 0; i < reply.nr; i++)
		escape_undo_percent(reply.pairs[i].value);
	if (json)
		code = print_json(&reply);
	else
		print_status(&reply);
	client_free(&reply);
	return code;
}

const struct command_ops cmd_status = {
	.name = "status",
	.summary = "Says how the running recorder does.",
	.usage = "[--json] [--run-folder DIR]",
	.help = "Seconds of history held per lane, records written and lost, triggers and\n"
		"their states, probes and their balance, memory and CPU time used.\n\n"
		"OPTIONS\n"
		"  -j, --json          nested JSON for programs\n"
		"  --run-folder DIR    where the recorder's socket is (/run/flightrec)\n\n"
		"EXAMPLES\n"
		"  flightrec status\n"
		"  flightrec status --json | jq .lane.fs.history_s\n",
	.run = run,
};
