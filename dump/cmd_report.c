/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_report.c - flightrec report: what happened, for who was paged. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/command.h"
#include "dump/report.h"
#include "dump/row_write.h"
#include "dump/terminal.h"
#include "dump/view_open.h"

extern const struct command_ops cmd_report;

static const struct option options[] = {
	FILTER_LONG,
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* A second look at the same files, for streams that are no operations. */
static struct view *other_stream(const struct view *v, const char *stream)
{
	struct view_filter f = { .streams = { { stream }, 1 } };
	struct view *other = view_new();
	struct snap_diag diag;
	int r = other ? 0 : -ENOMEM;

	for (unsigned i = 0; !r && i < view_nr_files(v); i++)
		r = view_add_file(other, view_file_path(v, i), &diag);
	if (!r)
		r = view_load(other, &f, &diag);
	if (!r)
		return other;
	view_free(other);
	return NULL;
}

/* Of one recorder: those of several files would count the same twice. */
static void report_usual(const struct view *v)
{
	struct view *other;

	if (view_nr_files(v) != 1)
		return;
	other = other_stream(v, "hist");
	if (other && view_nr_rows(other))
		report_hist(other);
	view_free(other);
}

/* Metric numbers mean something within one recorder only. */
static void report_samples(const struct view *v)
{
	struct view *other;

	if (view_nr_files(v) != 1)
		return;
	other = other_stream(v, "sample");
	if (other && view_nr_rows(other))
		report_metrics(other);
	view_free(other);
}

/* Ready to be pasted, with the first file. */
static void report_next(const struct view *v)
{
	char path[512];

	row_print_bytes(path, sizeof(path), view_file_path(v, 0),
			strlen(view_file_path(v, 0)));
	report_title("NEXT");
	printf("flightrec show --min-latency 10ms %s\n", path);
	printf("flightrec show --begin -2s --end +1s %s\n", path);
	printf("flightrec info %s\n", path);
}

static int report(struct view *v, int code)
{
	struct view *inflight = other_stream(v, "inflight");

	for (unsigned i = 0; i < view_nr_files(v); i++) {
		if (i)
			putchar('\n');
		report_trigger(v, i);
		report_warnings(v, i);
	}
	if (!view_nr_rows(v) && inflight)
		report_inflight(inflight);
	if (view_nr_rows(v) && report_operations(v, inflight))
		code = EXIT_FAILED;
	view_free(inflight);
	report_usual(v);
	report_samples(v);
	for (unsigned i = 0; i < view_nr_files(v); i++)
		report_coverage(v, i);
	if (view_nr_rows(v))
		report_next(v);
	if (view_nr_rows(v) || code != EXIT_OK)
		return code;
	fprintf(stderr, "flightrec: no row matches; flightrec info says what "
			"span the snapshot covers\n");
	return EXIT_EMPTY;
}

static int parse_options(int argc, char **argv, struct view_filter *f)
{
	const char *what;
	int opt, r;

	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, ":h" FILTER_SHORT, options,
				  NULL)) != -1) {
		if (opt == 'h') {
			command_print_help(&cmd_report);
			return -1;
		}
		r = view_filter_option(f, opt, optarg, &what);
		if (!r)
			return command_bad_option(&cmd_report, opt, argv,
						  options);
		if (r < 0)
			return command_bad_usage(&cmd_report, "'%s' is not %s",
						 optarg, what);
	}
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct view_filter f = { .limit = 0 };
	struct view *v = NULL;
	int code = parse_options(argc, argv, &f);

	if (code == EXIT_OK) {
		code = view_open(argc - optind, argv + optind, &f, &v);
		if (v)
			code = view_close(v, report(v, code));
	}
	view_filter_free(&f);
	return code < 0 ? EXIT_OK : code;
}

const struct command_ops cmd_report = {
	.name = "report",
	.summary =
		"Tells what happened: trigger, slowest operations, files, processes.",
	.usage = "[options] [FILE...]",
	.help = "What fired and which operation did it, what is missing from the record, what\n"
		"was still in flight, the slowest operations, files and processes by time and\n"
		"bytes, errors, block devices, latency per operation, and the counters that\n"
		"changed around the trigger.  Without a FILE the newest snapshot of\n"
		"/var/lib/flightrec/snapshots is read.\n\n"
		"OPTIONS\n" FILTER_HELP "\n"
		"Colours on a terminal only; NO_COLOR switches them off.\n\n"
		"EXAMPLES\n"
		"  flightrec report\n"
		"  flightrec report a.frs | less\n"
		"  flightrec report --begin -5s --end +1s --path '/var/lib/*' a.frs\n",
	.run = run,
};
