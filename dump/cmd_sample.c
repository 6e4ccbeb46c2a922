/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_sample.c - flightrec sample: what the counters of this machine are now. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump/live.h"
#include "dump/nested_json.h"
#include "recorder/collector.h"

extern const struct command_ops cmd_sample;

static const struct option options[] = {
	{ "collectors", required_argument, NULL, 'C' },
	{ "format", required_argument, NULL, 'O' },
	{ "output", required_argument, NULL, 'o' },
	{ "list", no_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static const char *const formats[] = { "kv",    "csv",         "json",
				       "jsonl", "openmetrics", NULL };

/* ---- lists ------------------------------------------------------------------ */

static void list_collectors(void)
{
	for (unsigned i = 0; collector_all[i]; i++)
		printf("%-14s %s\n", collector_all[i]->name,
		       collector_all[i]->doc);
}

static void list_metrics(const struct live *l)
{
	printf("%-40s %-8s %-10s %s\n", "METRIC", "KIND", "UNIT", "SOURCE");
	for (unsigned n = 0; n < live_count(l); n++) {
		const struct live_metric *m = live_nth(l, n);

		printf("%-40s %-8s %-10s %s\n", m->name,
		       m->is_counter ? "counter" : "gauge",
		       *m->unit ? m->unit : "-", m->source);
	}
}

/* ---- values ----------------------------------------------------------------- */

static void put_json(FILE *out, const struct live_metric *m, bool whole)
{
	char text[LIVE_TEXT];

	if (!whole) {
		nested_json_string(out, m->name, strlen(m->name));
		fprintf(out, ": %s", live_text(m, text));
		return;
	}
	fputs("{\"metric\": ", out);
	nested_json_string(out, m->name, strlen(m->name));
	fprintf(out, ", \"value\": %s, \"unit\": ", live_text(m, text));
	nested_json_string(out, m->unit, strlen(m->unit));
	fprintf(out, ", \"kind\": \"%s\"}\n",
		m->is_counter ? "counter" : "gauge");
}

static void put_one(FILE *out, const struct live_metric *m, const char *format)
{
	char text[LIVE_TEXT];

	if (!strcmp(format, "kv")) {
		fprintf(out, "%s=%s\n", m->name, live_text(m, text));
	} else if (!strcmp(format, "csv")) {
		live_put_cell(out, m->name);
		fprintf(out, ",%s,", live_text(m, text));
		live_put_cell(out, m->unit);
		fprintf(out, ",%s\n", m->is_counter ? "counter" : "gauge");
	} else {
		put_json(out, m, true);
	}
}

static void put_object(FILE *out, const struct live *l)
{
	const char *before = "{\n  ";

	for (unsigned n = 0; n < live_count(l); n++) {
		if (!live_nth(l, n)->is_known)
			continue;
		fputs(before, out);
		put_json(out, live_nth(l, n), false);
		before = ",\n  ";
	}
	fputs(*before == '{' ? "{}\n" : "\n}\n", out);
}

static void put_all(FILE *out, const struct live *l, const char *format)
{
	if (!strcmp(format, "openmetrics")) {
		live_put_openmetrics(l, out);
		return;
	}
	if (!strcmp(format, "json")) {
		put_object(out, l);
		return;
	}
	if (!strcmp(format, "csv"))
		fputs("metric,value,unit,kind\n", out);
	for (unsigned n = 0; n < live_count(l); n++)
		if (live_nth(l, n)->is_known)
			put_one(out, live_nth(l, n), format);
}

/* Whole or not at all: a reader of the file never sees half of it. */
static int write_file(const struct live *l, const char *path,
		      const char *format)
{
	char *part;
	FILE *out;
	int err = 0;

	if (asprintf(&part, "%s.%d.part", path, (int)getpid()) < 0)
		return EXIT_FAILED;
	out = fopen(part, "wxe");
	if (!out) {
		err = errno;
	} else {
		put_all(out, l, format);
		if (ferror(out) || fflush(out))
			err = errno ?: EIO;
		if (fclose(out) && !err)
			err = errno;
		if (!err && rename(part, path))
			err = errno;
		if (err)
			unlink(part);
	}
	if (err)
		fprintf(stderr, "flightrec sample: cannot write %s: %s\n", path,
			strerror(err));
	free(part);
	return !err ? EXIT_OK : err == EACCES ? EXIT_PERMISSION : EXIT_FAILED;
}

/* Devices and pipes are written, never replaced; of a link what it leads to. */
static int write_to(const struct live *l, const char *path, const char *format)
{
	char real[PATH_MAX];
	struct stat st;
	FILE *out;
	int err;

	if (!strcmp(path, "-")) {
		put_all(stdout, l, format);
		return EXIT_OK;
	}
	if (stat(path, &st) || S_ISREG(st.st_mode))
		return write_file(l, realpath(path, real) ? real : path,
				  format);
	out = fopen(path, "we");
	if (out)
		put_all(out, l, format);
	err = !out || fflush(out) ? errno : 0;
	if (out && fclose(out) && !err)
		err = errno;
	if (err)
		fprintf(stderr, "flightrec sample: cannot write %s: %s\n", path,
			strerror(err));
	return !err ? EXIT_OK : err == EACCES ? EXIT_PERMISSION : EXIT_FAILED;
}

/* Something could not be read, or nothing is there. */
static int check(const struct live *l, int code)
{
	uint64_t errors = live_errors(l);
	char failed[LIVE_FAILED];
	unsigned known = 0;

	for (unsigned n = 0; n < live_count(l); n++)
		known += live_nth(l, n)->is_known;
	if (errors)
		fprintf(stderr,
			"flightrec sample: %llu value%s could not be read and "
			"%s left out (%s)\n",
			(unsigned long long)errors, errors == 1 ? "" : "s",
			errors == 1 ? "is" : "are", live_failed(l, failed));
	else if (!known)
		fprintf(stderr, "flightrec sample: these collectors have no "
				"values here\n");
	if (code != EXIT_OK)
		return code;
	return errors ? EXIT_INCOMPLETE : known ? EXIT_OK : EXIT_EMPTY;
}

static bool is_format(const char *text)
{
	for (unsigned i = 0; formats[i]; i++)
		if (!strcmp(text, formats[i]))
			return true;
	return false;
}

static int run(int argc, char **argv)
{
	struct live_options o = { .period_ns = 1000000000ULL };
	const char *format = "kv", *path = NULL;
	struct live *l = NULL;
	bool list = false, chosen = false;
	int opt, code;

	while ((opt = getopt_long(argc, argv, "C:O:o:lh", options, NULL)) !=
	       -1) {
		switch (opt) {
		case 'C':
			o.collectors = optarg;
			chosen = true;
			break;
		case 'O':
			format = optarg;
			break;
		case 'o':
			path = optarg;
			break;
		case 'l':
			list = true;
			break;
		case 'h':
			command_print_help(&cmd_sample);
			return EXIT_OK;
		default:
			return command_bad_option(&cmd_sample, opt, argv,
						  options);
		}
	}
	if (!is_format(format))
		return command_bad_usage(&cmd_sample,
					 "-O %s: there are kv, csv, json, "
					 "jsonl, openmetrics",
					 format);
	if (list && !chosen && optind == argc) {
		list_collectors();
		return EXIT_OK;
	}
	o.globs = (const char *const *)argv + optind;
	o.nr = (unsigned)(argc - optind);
	code = live_open(&cmd_sample, &o, &l);
	if (code)
		return code;
	if (list)
		list_metrics(l);
	else
		code = check(l, write_to(l, path ? path : "-", format));
	live_close(l);
	return code;
}

const struct command_ops cmd_sample = {
	.name = "sample",
	.summary = "Reads the counters of this machine, once, now.",
	.usage = "[-C COLLECTORS] [-O FORMAT] [-o FILE] [METRIC...] | --list",
	.help = "Values are those of the sampler's collectors, read by this command "
		"itself: no\nrecorder is needed.  METRIC may have * and ?; without "
		"any, all are told, in the\norder of their names.\n\n"
		"OPTIONS\n"
		"  -C, --collectors LIST  instead of those of the settings: "
		"cpu,disks:vd*+nvme*\n"
		"  -O, --format FORMAT    kv (name=value), csv, json, jsonl, "
		"openmetrics\n"
		"  -o, --output FILE      written whole, then given its name\n"
		"  -l, --list             the collectors there are; with -C or "
		"METRIC: the metrics,\n"
		"                         with kind, unit and source\n"
		"\nEXAMPLES\n"
		"  flightrec sample 'meminfo.*'\n"
		"  flightrec sample --list '*'\n"
		"  flightrec sample -C filesystems -O csv\n"
		"  flightrec sample -O openmetrics -o "
		"/var/lib/node_exporter/machine.prom\n",
	.run = run,
};
