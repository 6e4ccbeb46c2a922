/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list.c - flightrec trigger list: the triggers of the running recorder. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "dump/client.h"
#include "dump/command.h"
#include "dump/escape.h"
#include "dump/folder.h"
#include "dump/nested_json.h"
#include "dump/row_write.h"
#include "dump/terminal.h"
#include "triggers/units.h"

#define PATIENCE_S 10
#define CELL_MAX   64
#define RULE_BYTES 4096

extern const struct command_ops trigger_cmd_list;

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "run-folder", required_argument, NULL, 'R' },
	{ "no-header", no_argument, NULL, 'n' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* ---- the reply ------------------------------------------------------------------ */

/* Does a trigger begin here?  Names may have points, so it takes the value too. */
static bool begins(const struct client_pair *p)
{
	size_t len = strlen(p->value);

	return !strncmp(p->key, "trigger.", 8) &&
	       !strncmp(p->key + 8, p->value, len) &&
	       !strcmp(p->key + 8 + len, ".name");
}

/* The next trigger from pair *at on: its pairs are so many from *at on, their keys
 * have *ret_prefix bytes in front.  0: there is none. */
static unsigned next_trigger(const struct client_reply *r, unsigned *at,
			     size_t *ret_prefix)
{
	unsigned end;

	while (*at < r->nr && !begins(&r->pairs[*at]))
		(*at)++;
	if (*at >= r->nr)
		return 0;
	*ret_prefix = strlen(r->pairs[*at].key) - 4;
	for (end = *at + 1; end < r->nr; end++)
		if (begins(&r->pairs[end]))
			break;
	return end - *at;
}

struct trigger {
	const struct client_pair *pairs;
	unsigned nr;
	size_t prefix;
};

static const char *value_of(const struct trigger *t, const char *key)
{
	for (unsigned i = 0; i < t->nr; i++)
		if (!strcmp(t->pairs[i].key + t->prefix, key))
			return t->pairs[i].value;
	return "";
}

/* ---- the table ------------------------------------------------------------------- */

enum column {
	NAME,
	STATE,
	HITS,
	FIRED,
	MERGED,
	SUPPRESSED,
	LAST,
	NR_COLUMNS
};
static const struct {
	const char *head, *key;
	bool right;
} columns[NR_COLUMNS] = {
	[NAME] = { "TRIGGER", "name", false },
	[STATE] = { "STATE", "state", false },
	[HITS] = { "HITS", "hits", true },
	[FIRED] = { "FIRED", "fired", true },
	[MERGED] = { "MERGED", "merged", true },
	[SUPPRESSED] = { "SUPPRESSED", "suppressed", true },
	[LAST] = { "LAST", "last_s", true },
};

static const char *human(char buf[32], const char *seconds)
{
	double s = strtod(seconds, NULL);

	return units_human_time(buf, s > 0 ? (uint64_t)(s * 1e9) : 0);
}

static void cell(const struct trigger *t, enum column c, char buf[CELL_MAX])
{
	const char *value = value_of(t, columns[c].key);
	const char *until = value_of(t, "until_s");
	char time[32];

	if (c == LAST)
		snprintf(buf, CELL_MAX, "%s%s",
			 *value ? human(time, value) : "never",
			 *value ? " ago" : "");
	else if (c == STATE && strtod(until, NULL) > 0)
		snprintf(buf, CELL_MAX, "%s for %s", value, human(time, until));
	else
		row_print_bytes(buf, CELL_MAX, value, strlen(value));
}

static void pad(const char *text, unsigned width, bool right)
{
	unsigned n = terminal_width(text);

	printf("%*s%s%*s", right && n < width ? (int)(width - n) : 0, "", text,
	       !right && n < width ? (int)(width - n) : 0, "");
}

/* Columns of the terminal; 0: whatever. */
static unsigned screen_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) ||
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}

/* After so many characters, not in one of several bytes. */
static void cut(char *text, unsigned width)
{
	size_t len = strlen(text);

	while (len && terminal_width(text) > width)
		text[--len] = '\0';
}

/* The rule, cut where the line ends. */
static void print_when(const char *when, unsigned used)
{
	unsigned screen = screen_width();
	unsigned room = screen > used + 12 ? screen - used - 1 : 0;
	char *text = malloc(ESCAPE_GROWTH * RULE_BYTES + 1);

	if (!text)
		return;
	row_print_bytes(text, ESCAPE_GROWTH * RULE_BYTES + 1, when,
			strlen(when));
	if (room && terminal_width(text) > room) {
		cut(text, room - 3);
		printf("%s...", text);
	} else {
		printf("%s", text);
	}
	free(text);
}

static void print_note(const struct trigger *t)
{
	char text[ESCAPE_GROWTH * 512 + 1];
	const char *note = value_of(t, "note");

	if (!strcmp(value_of(t, "origin"), "by hand"))
		printf("  %schanged by hand: until the recorder ends%s\n",
		       terminal_dim(), terminal_off());
	if (!*note)
		return;
	row_print_bytes(text, sizeof(text), note, strlen(note));
	printf("  %s%s%s\n", terminal_warn(), text, terminal_off());
}

static void print_row(const struct trigger *t, const unsigned *widths)
{
	unsigned used = 0;
	char buf[CELL_MAX];

	for (unsigned c = 0; c < NR_COLUMNS; c++) {
		cell(t, c, buf);
		pad(buf, widths[c], columns[c].right);
		printf("  ");
		used += widths[c] + 2;
	}
	print_when(value_of(t, "when"), used);
	putchar('\n');
	print_note(t);
}

static void print_header(const unsigned *widths)
{
	printf("%s", terminal_bold());
	for (unsigned c = 0; c < NR_COLUMNS; c++) {
		pad(columns[c].head, widths[c], columns[c].right);
		printf("  ");
	}
	printf("WHEN%s\n", terminal_off());
}

static void widen(unsigned *width, const char *text)
{
	unsigned w = terminal_width(text);

	if (w > *width)
		*width = w;
}

static void print_table(const struct client_reply *r, bool header)
{
	unsigned widths[NR_COLUMNS] = { 0 };
	struct trigger t;
	char buf[CELL_MAX];

	for (unsigned c = 0; header && c < NR_COLUMNS; c++)
		widen(&widths[c], columns[c].head);
	for (unsigned at = 0; (t.nr = next_trigger(r, &at, &t.prefix));
	     at += t.nr) {
		t.pairs = &r->pairs[at];
		for (unsigned c = 0; c < NR_COLUMNS; c++) {
			cell(&t, c, buf);
			widen(&widths[c], buf);
		}
	}
	if (header)
		print_header(widths);
	for (unsigned at = 0; (t.nr = next_trigger(r, &at, &t.prefix));
	     at += t.nr) {
		t.pairs = &r->pairs[at];
		print_row(&t, widths);
	}
}

/* ---- JSON ------------------------------------------------------------------------ */

static bool is_number(const char *key)
{
	static const char *const words[] = { "name", "state",  "when",
					     "kind", "origin", "note" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i], key))
			return false;
	return true;
}

static void print_json(const struct client_reply *r)
{
	struct trigger t;
	const char *comma = "";

	printf("[");
	for (unsigned at = 0; (t.nr = next_trigger(r, &at, &t.prefix));
	     at += t.nr) {
		printf("%s\n{", comma);
		comma = ",";
		for (unsigned i = 0; i < t.nr; i++) {
			const struct client_pair *p = &r->pairs[at + i];
			const char *key = p->key + t.prefix;

			printf("%s\"%s\": ", i ? ", " : "", key);
			if (is_number(key))
				printf("%s", p->value);
			else
				nested_json_string(stdout, p->value,
						   strlen(p->value));
		}
		printf("}");
	}
	printf("\n]\n");
}

/* ---- the command ----------------------------------------------------------------- */

struct list {
	const char *folder;
	bool header, json;
};

static int parse_options(int argc, char **argv, struct list *l)
{
	int opt;

	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, ":jh", options, NULL)) != -1) {
		switch (opt) {
		case 'j':
			l->json = true;
			break;
		case 'R':
			l->folder = optarg;
			break;
		case 'n':
			l->header = false;
			break;
		case 'h':
			command_print_help(&trigger_cmd_list);
			return -1;
		default:
			return command_bad_option(&trigger_cmd_list, opt, argv,
						  options);
		}
	}
	if (optind < argc)
		return command_bad_usage(&trigger_cmd_list, "'%s' is too much",
					 argv[optind]);
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct list l = { .folder = folder_default_run(), .header = true };
	struct client_reply reply;
	int code = parse_options(argc, argv, &l);

	if (code != EXIT_OK)
		return code < 0 ? EXIT_OK : code;
	code = client_ask(l.folder, "triggers\n", PATIENCE_S, &reply);
	if (code != EXIT_OK)
		return code;
	for (unsigned i = 0; i < reply.nr; i++)
		escape_undo_percent(reply.pairs[i].value);
	if (l.json)
		print_json(&reply);
	else
		print_table(&reply, l.header);
	client_free(&reply);
	return EXIT_OK;
}

const struct command_ops trigger_cmd_list = {
	.name = "trigger list",
	.summary =
		"Shows the triggers of the running recorder, and what became of their hits.",
	.usage = "[--json] [--no-header] [--run-folder DIR]",
	.help = "Each with its state (and for how long it cools), how often it was hit, fired and\n"
		"did not, when it fired last, and its rule.  A line below says what is wrong with\n"
		"it, if anything is, and whether it was changed by hand.\n\n"
		"OPTIONS\n"
		"  -j, --json        an array for programs\n"
		"      --no-header   no line with the names of the columns\n"
		"  --run-folder DIR  where the recorder's socket is (/run/flightrec)\n\n"
		"EXAMPLES\n"
		"  flightrec trigger list\n"
		"  flightrec trigger list --json | jq '.[] | select(.fired > 0).name'\n",
	.run = run,
};
