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
#include "dump/status_hist.h"
#include "dump/terminal.h"
#include "triggers/units.h"

#define PATIENCE_S  20
#define COLUMNS_MAX 32
#define ROWS_MAX    256

extern const struct command_ops cmd_status;

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "openmetrics", no_argument, NULL, 'm' },
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

static const char *value_at(const struct table *t, unsigned row,
			    const char *column)
{
	char key[256];
	const char *value;

	snprintf(key, sizeof(key), "%s%s.%s", t->prefix, t->rows[row], column);
	value = client_value(t->reply, key);
	return value ? value : "";
}

/* Ends of names that tell a unit. */
static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && !strcmp(name + n - m, end);
}

static void print_run_time(const struct table *t, unsigned row, double ns,
			   char buf[256])
{
	double runs = strtod(value_at(t, row, "run_count"), NULL);

	if (runs > 0)
		snprintf(buf, 256, "%.0f", ns / runs);
	else
		snprintf(buf, 256, "-");
}

static const char *cell(const struct table *t, unsigned row, unsigned column,
			char buf[256])
{
	const char *name = t->columns[column];
	const char *value = value_at(t, row, name);
	char *end;
	double number = strtod(value, &end);

	if (!*value)
		return "-";
	if (!*end && !strcmp(name, "run_ns"))
		print_run_time(t, row, number, buf);
	else if (!*end && number > 0 && ends_in(name, "_s"))
		units_human_time(buf, (uint64_t)(number * 1e9));
	else if (!*end && ends_in(name, "_s"))
		snprintf(buf, 256, "-");
	else if (!*end && !strcmp(name, "rate"))
		snprintf(buf, 256, "%.0f/s", number);
	else if (!*end && strchr(value, '.'))
		snprintf(buf, 256, "%.1f", number);
	else
		row_print_bytes(buf, 256, value, strlen(value));
	return buf;
}

/* A heading for people; the keys are those of --json. */
static const char *heading(const char *column)
{
	static const char *const names[][2] = {
		{ "history_s", "history" }, { "run_ns", "ns each" },
		{ "last_s", "last ago" },   { "until_s", "for" },
		{ "in_ring", "in ring" },   { "chunks_used", "used" },
		{ "chunks_held", "held" },
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i][0], column))
			return names[i][1];
	return column;
}

/* Words to the left, numbers to the right. */
static bool is_words(const char *column)
{
	static const char *const words[] = { "state", "when",      "kind",
					     "note",  "mechanism", "attached",
					     "why" };

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i], column))
			return true;
	return false;
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
	    !strcmp(name, "number") || !strcmp(name, "run_count"))
		return false;
	for (unsigned r = 0; r < t->nr_rows; r++) {
		const char *text = cell(t, r, column, buf);

		if (strcmp(text, "-") && strcmp(text, "0") &&
		    strcmp(text, "0.0") && strcmp(text, "0/s"))
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

static void find_widths(const struct table *t, const char *title,
			unsigned widths[COLUMNS_MAX + 1])
{
	char buf[256];

	widths[0] = (unsigned)strlen(title);
	for (unsigned c = 0; c < t->nr_columns; c++)
		widths[c + 1] = (unsigned)strlen(heading(t->columns[c]));
	for (unsigned r = 0; r < t->nr_rows; r++) {
		unsigned w = terminal_width(t->rows[r]);

		widths[0] = w > widths[0] ? w : widths[0];
		for (unsigned c = 0; c < t->nr_columns; c++) {
			w = terminal_width(cell(t, r, c, buf));
			widths[c + 1] = w > widths[c + 1] ? w : widths[c + 1];
		}
	}
}

static void print_rows(const struct table *t, const char *title)
{
	unsigned widths[COLUMNS_MAX + 1];
	char buf[256];

	find_widths(t, title, widths);
	for (unsigned r = 0; t->nr_rows && r <= t->nr_rows; r++) {
		printf("%s", r ? "" : terminal_bold());
		pad(r ? t->rows[r - 1] : title, widths[0], false);
		for (unsigned c = 0; c < t->nr_columns; c++) {
			const char *name = t->columns[c];

			printf("  ");
			pad(r ? cell(t, r - 1, c, buf) : heading(name),
			    widths[c + 1], !is_words(name));
		}
		printf("%s\n", r ? "" : terminal_off());
	}
}

static void print_table(const struct client_reply *reply, const char *prefix,
			const char *title)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return;
	t->reply = reply;
	t->prefix = prefix;
	fill(t);
	drop_columns(t);
	putchar('\n');
	print_rows(t, title);
	free(t);
}

/* ---- in words ---------------------------------------------------------------- */

static const char *text_of(const struct client_reply *r, const char *key)
{
	static char buf[8][512];
	static unsigned turn;
	const char *value = client_value(r, key);
	char *to = buf[turn++ % 8];

	row_print_bytes(to, sizeof(buf[0]), value ? value : "",
			value ? strlen(value) : 0);
	return to;
}

static double number_of(const struct client_reply *r, const char *key)
{
	const char *value = client_value(r, key);
	double number = value ? strtod(value, NULL) : 0;

	return number > 0 ? number : 0;
}

/* A key in seconds, ns or bytes as its name ends. */
static const char *human_of(const struct client_reply *r, const char *key)
{
	static char buf[8][32];
	static unsigned turn;
	double number = number_of(r, key);
	char *to = buf[turn++ % 8];

	if (ends_in(key, "bytes"))
		return units_human_size(to, (uint64_t)number);
	return units_human_time(
		to, (uint64_t)(ends_in(key, "_ns") ? number : number * 1e9));
}

/* The sum of all keys that begin and end so. */
static double sum_of(const struct client_reply *r, const char *prefix,
		     const char *end)
{
	double sum = 0;

	for (unsigned i = 0; i < r->nr; i++)
		if (!strncmp(r->pairs[i].key, prefix, strlen(prefix)) &&
		    ends_in(r->pairs[i].key, end))
			sum += strtod(r->pairs[i].value, NULL);
	return sum;
}

static void print_losses(const struct client_reply *r)
{
	double lost = sum_of(r, "lane.", ".lost");
	double misses = sum_of(r, "probe.", ".misses");
	double torn = number_of(r, "dump.torn_slots");
	double failed = number_of(r, "count.dumps_failed");
	double wakes = number_of(r, "count.wakes_lost");

	if (!lost && !misses && !torn && !failed && !wakes) {
		printf("losses     none\n");
		return;
	}
	printf("losses     %s%.0f records lost, %.0f events missed by probes, "
	       "%.0f slots torn, %.0f dumps failed, %.0f wakes lost%s\n",
	       terminal_warn(), lost, misses, torn, failed, wakes,
	       terminal_off());
}

static void print_use(const struct client_reply *r)
{
	double up = number_of(r, "uptime_s");
	double cpu = number_of(r, "cpu.self_s") +
		     number_of(r, "cpu.children_s") + number_of(r, "cpu.bpf_s");

	printf("memory     %s ring, %s for samples; resident %s with both\n",
	       human_of(r, "memory.ring_bytes"),
	       human_of(r, "memory.user_ring_bytes"),
	       human_of(r, "memory.resident_bytes"));
	printf("CPU        %s itself, %s timer and dumps, %s probes: %.1f %% of "
	       "one CPU\n",
	       human_of(r, "cpu.self_s"), human_of(r, "cpu.children_s"),
	       human_of(r, "cpu.bpf_s"), up > 0 ? 100 * cpu / up : 0);
}

/* Over all snapshots of this run. */
static void print_spread(const struct client_reply *r, const char *what,
			 const char *prefix)
{
	char min[64], median[64], max[64];

	snprintf(min, sizeof(min), "%smin_ns", prefix);
	snprintf(median, sizeof(median), "%smedian_ns", prefix);
	snprintf(max, sizeof(max), "%smax_ns", prefix);
	printf("           %s: least %s, median %s, most %s\n", what,
	       human_of(r, min), human_of(r, median), human_of(r, max));
}

static void print_words(const struct client_reply *r)
{
	bool on = !strcmp(text_of(r, "probes"), "on");

	printf("%s%s%s for %s: flightrecd %s, pid %s\n", terminal_bold(),
	       text_of(r, "state"), terminal_off(), human_of(r, "uptime_s"),
	       text_of(r, "version"), text_of(r, "pid"));
	if (!on)
		printf("probes     %soff%s: %s\n", terminal_warn(),
		       terminal_off(), text_of(r, "probes.why"));
	if (*text_of(r, "reload.broken"))
		printf("settings   %sbroken, those in force stay%s: %s\n",
		       terminal_warn(), terminal_off(),
		       text_of(r, "reload.broken"));
	print_losses(r);
	printf("snapshots  %.0f written into %s, dumper %s\n",
	       number_of(r, "count.dumps_done"), text_of(r, "dump.folder"),
	       text_of(r, "dump.state"));
	if (*text_of(r, "dump.last"))
		printf("           last %s, held within %s of the hit, on disk "
		       "after %s\n",
		       text_of(r, "dump.last"),
		       human_of(r, "dump.hit_to_hold_ns"),
		       human_of(r, "dump.hit_to_disk_ns"));
	if (number_of(r, "count.dumps_done") > 1) {
		print_spread(r, "held within", "dump.hit_to_hold_");
		print_spread(r, "on disk after", "dump.hit_to_disk_");
	}
	print_use(r);
	printf("sampler    %.0f metrics, %.0f rounds of %s, %.0f late, %.0f "
	       "errors\n",
	       number_of(r, "sampler.metrics"), number_of(r, "sampler.ticks"),
	       human_of(r, "sampler.round_s"), number_of(r, "sampler.late"),
	       number_of(r, "sampler.errors"));
}

static void print_status(const struct client_reply *reply)
{
	print_words(reply);
	status_print_hist(reply);
	print_table(reply, "lane.", "LANE");
	print_table(reply, "trigger.", "TRIGGER");
	print_table(reply, "probe.", "PROBE");
}

/* trigger.NAME.key: a name with points in it is one name all the same. */
static char *whole_name(char *key)
{
	char *last = strrchr(key, '.');

	if (strncmp(key, "trigger.", 8) != 0)
		return key;
	for (char *p = key + 8; p < last; p++)
		if (*p == '.')
			*p = NESTED_POINT;
	return key;
}

static int print_json(const struct client_reply *reply)
{
	struct nested_pair *pairs = calloc(reply->nr + 1, sizeof(*pairs));

	if (!pairs)
		return EXIT_FAILED;
	for (unsigned i = 0; i < reply->nr; i++)
		pairs[i] =
			(struct nested_pair){ whole_name(reply->pairs[i].key),
					      reply->pairs[i].value, 0 };
	nested_json_print(stdout, pairs, reply->nr);
	free(pairs);
	return EXIT_OK;
}

static int parse_options(int argc, char **argv, const char **folder,
			 char *format)
{
	int opt;

	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, ":jh", options, NULL)) != -1) {
		if (opt == 'j' || opt == 'm') {
			*format = (char)opt;
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
	char format = 't';
	int code = parse_options(argc, argv, &folder, &format);

	if (code != EXIT_OK)
		return code < 0 ? EXIT_OK : code;
	code = client_ask(folder, "status\n", PATIENCE_S, &reply);
	if (code != EXIT_OK)
		return code;
	for (unsigned i = 0; i < reply.nr; i++)
		escape_undo_percent(reply.pairs[i].value);
	if (format == 'j')
		code = print_json(&reply);
	else if (format == 'm')
		code = openmetrics_print(&reply);
	else
		print_status(&reply);
	client_free(&reply);
	return code;
}

const struct command_ops cmd_status = {
	.name = "status",
	.summary = "Says how the running recorder does.",
	.usage = "[--json | --openmetrics] [--run-folder DIR]",
	.help = "Seconds of history held per lane, records written and lost, how long the\n"
		"busiest operations took since the recorder began, triggers and their states,\n"
		"probes and their balance, memory and CPU time used.  All that is known, zeros\n"
		"too, is in --json.\n\n"
		"OPTIONS\n"
		"  -j, --json          nested JSON for programs\n"
		"      --openmetrics   OpenMetrics text, for Prometheus and its like\n"
		"  --run-folder DIR    where the recorder's socket is (/run/flightrec)\n\n"
		"EXAMPLES\n"
		"  flightrec status\n"
		"  flightrec status --json | jq .lane.fs.history_s\n"
		"  flightrec status --openmetrics > /var/lib/node_exporter/flightrec.prom\n",
	.run = run,
};
