/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_info.c - flightrec info: what a snapshot is, covers and lacks. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/command.h"
#include "dump/nested_json.h"
#include "dump/report.h"
#include "dump/row_write.h"
#include "dump/terminal.h"
#include "dump/view_open.h"
#include "triggers/units.h"

#define INFLIGHT_COLUMNS "age,op,call,dev,size,pid,tid,comm,path"

extern const struct command_ops cmd_info;

static const struct option options[] = {
	{ "output-format", required_argument, NULL, 'O' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static void print_gaps(const struct view *v)
{
	unsigned nr;
	const struct snap_gap *g = snap_gaps(view_snap(v, 0), &nr);

	if (!g || !nr)
		return;
	report_title("GAPS");
	for (unsigned i = 0; i < nr; i++) {
		char buf[16], from[48], span[32];

		printf("%-8s CPU %-3u from %s for %s: %" PRIu64
		       " lost, %" PRIu64 " chunks, after record %" PRIu64 "\n",
		       report_lane_name(g[i].lane, buf), g[i].cpu,
		       report_wall(from, v, 0, g[i].from_ns),
		       units_human_time(span, g[i].to_ns - g[i].from_ns),
		       g[i].lost, g[i].chunks, g[i].from_seq);
	}
}

static void print_text(struct view *v)
{
	static const char *const groups[][2] = {
		{ "TRIGGER", "trigger." }, { "FREEZE", "freeze." },
		{ "HOST", "host." },       { "RECORDER", "recorder." },
		{ "CLOCK", "clock." },     { "BLOCK DEVICES", "device." },
	};

	report_trigger(v, 0);
	report_warnings(v, 0);
	report_coverage(v, 0);
	print_gaps(v);
	report_title("IN FLIGHT");
	if (view_nr_rows(v))
		report_rows(v, INFLIGHT_COLUMNS, SIZE_MAX);
	else
		printf("no operation was under way\n");
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		report_title(groups[i][0]);
		report_facts(v, 0, groups[i][1]);
	}
	report_probes(v, 0);
	report_config(v, 0);
}

static void json_facts(const struct snap *s)
{
	struct nested_pair *pairs = NULL;
	const char *key, *text;
	unsigned nr = 0;

	while (snap_fact_at(s, nr, &key))
		nr++;
	pairs = calloc(nr + 1, sizeof(*pairs));
	for (unsigned i = 0; pairs && i < nr; i++) {
		text = snap_fact_at(s, i, &key);
		/* hexadecimal digits may all be decimal */
		pairs[i] = (struct nested_pair){
			key, text,
			!strncmp(key, "host.", 5) || !strcmp(key, "instance")
		};
	}
	fputs("\"facts\": ", stdout);
	nested_json_print(stdout, pairs, pairs ? nr : 0);
	free(pairs);
}

static void json_coverage(const struct snap *s)
{
	unsigned nr;
	const struct snap_coverage *c = snap_coverages(s, &nr);

	fputs(",\"coverage\": [", stdout);
	for (unsigned i = 0; c && i < nr; i++) {
		char buf[16];

		printf("%s\n{\"lane\":\"%s\",\"cpu\":%u,\"from_ns\":%" PRIu64
		       ",\"to_ns\":%" PRIu64 ",\"records\":%" PRIu64
		       ",\"overwritten\":%" PRIu64 ",\"lost\":%" PRIu64
		       ",\"torn\":%" PRIu64 ",\"stolen_chunks\":%" PRIu64
		       ",\"skipped_active\":%" PRIu64
		       ",\"skipped_held\":%" PRIu64
		       ",\"skipped_uncommitted\":%" PRIu64 "}",
		       i ? "," : "", report_lane_name(c[i].lane, buf), c[i].cpu,
		       c[i].from_ns, c[i].to_ns, c[i].records, c[i].overwritten,
		       c[i].lost, c[i].torn, c[i].stolen_chunks,
		       c[i].skipped_active, c[i].skipped_held,
		       c[i].skipped_uncommitted);
	}
	fputs("]\n", stdout);
}

static void json_gaps(const struct snap *s)
{
	unsigned nr;
	const struct snap_gap *g = snap_gaps(s, &nr);

	fputs(",\"gaps\": [", stdout);
	for (unsigned i = 0; g && i < nr; i++) {
		char buf[16];

		printf("%s\n{\"lane\":\"%s\",\"cpu\":%u,\"from_ns\":%" PRIu64
		       ",\"to_ns\":%" PRIu64 ",\"lost\":%" PRIu64
		       ",\"chunks\":%" PRIu64 ",\"from_seq\":%" PRIu64
		       ",\"to_seq\":%" PRIu64 "}",
		       i ? "," : "", report_lane_name(g[i].lane, buf), g[i].cpu,
		       g[i].from_ns, g[i].to_ns, g[i].lost, g[i].chunks,
		       g[i].from_seq, g[i].to_seq);
	}
	fputs("]\n", stdout);
}

/* Rows come out one per line; JSON wants commas between. */
static int json_inflight(struct view *v)
{
	struct view_cursor *c = view_cursor_new(v);

	fputs(",\"inflight\": [", stdout);
	for (size_t i = 0; c && i < view_nr_rows(v); i++) {
		struct row_writer *w =
			row_writer_new(v, stdout, ROW_JSONL, NULL, 0, false);

		fputs(i ? ",\n" : "\n", stdout);
		view_seek(c, i);
		if (w) {
			row_write(w, c);
			row_writer_finish(w);
		}
	}
	fputs("]\n", stdout);
	view_cursor_free(c);
	return c ? EXIT_OK : EXIT_FAILED;
}

static int print_json(struct view *v)
{
	const struct snap *s = view_snap(v, 0);
	int code;

	fputs("{\"path\": ", stdout);
	nested_json_string(stdout, view_file_path(v, 0),
			   strlen(view_file_path(v, 0)));
	printf(",\n\"complete\": %s,\n",
	       snap_complete(s) && !snap_damage(s) ? "true" : "false");
	json_facts(s);
	json_coverage(s);
	json_gaps(s);
	code = json_inflight(v);
	fputs("}\n", stdout);
	return code;
}

static int run(int argc, char **argv)
{
	struct view_filter inflight = { .streams = { { "inflight" }, 1 } };
	struct view *v = NULL;
	bool json = false;
	int opt, code;

	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, ":O:h", options, NULL)) != -1) {
		if (opt == 'O' && !strcmp(optarg, "json")) {
			json = true;
		} else if (opt == 'O' && strcmp(optarg, "text")) {
			return command_bad_usage(&cmd_info,
						 "-O %s: text or json", optarg);
		} else if (opt == 'h') {
			command_print_help(&cmd_info);
			return EXIT_OK;
		} else if (opt != 'O') {
			return command_bad_option(&cmd_info, opt, argv,
						  options);
		}
	}
	if (argc - optind > 1)
		return command_bad_usage(&cmd_info, "one file at a time");
	code = view_open(argc - optind, argv + optind, &inflight, &v);
	if (!v)
		return code;
	if (json)
		print_json(v);
	else
		print_text(v);
	return view_close(v, code);
}

const struct command_ops cmd_info = {
	.name = "info",
	.summary =
		"Says what fired, what a snapshot covers, and what it lacks.",
	.usage = "[-O text|json] [FILE]",
	.help = "Trigger, host, coverage and losses per lane, gaps, operations in flight,\n"
		"the balance of each probe, configuration.  Without a FILE the newest\n"
		"snapshot of /var/lib/flightrec/snapshots is read.\n\n"
		"OPTIONS\n"
		"  -O, --output-format text|json\n\n"
		"EXAMPLES\n"
		"  flightrec info a.frs\n"
		"  flightrec info -O json a.frs | jq .facts.trigger\n",
	.run = run,
};
