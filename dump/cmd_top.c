/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_top.c - flightrec top: who used most, last night. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/command.h"
#include "dump/escape.h"
#include "dump/report.h"
#include "dump/terminal.h"
#include "dump/top.h"
#include "dump/view_open.h"
#include "triggers/units.h"

#define LINES_DEFAULT 20
#define OVER_DEFAULT  10000000000ULL

extern const struct command_ops cmd_top;

static const struct option options[] = {
	{ "at", required_argument, NULL, 'a' },
	{ "over", required_argument, NULL, 'o' },
	{ "from", required_argument, NULL, 'f' },
	{ "to", required_argument, NULL, 't' },
	{ "by", required_argument, NULL, 'b' },
	{ "lines", required_argument, NULL, 'n' },
	{ "tree", required_argument, NULL, 'T' },
	{ "cgroups", no_argument, NULL, 'c' },
	{ "csv", no_argument, NULL, 'C' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct top_args {
	const char *at, *from, *to, *by;
	uint64_t over_ns, lines;
	uint64_t tree; /* a process and its descendants; 0: all */
	bool cgroups, csv;
};

/* ---- printing ------------------------------------------------------------------------ */

static void print_amount(const struct top_metric *m, uint64_t v, int width)
{
	char text[32];

	if (v == TOP_UNKNOWN)
		snprintf(text, sizeof(text), "-");
	else if (m->unit == TOP_NS)
		units_human_time(text, v);
	else if (m->unit == TOP_BYTES)
		units_human_size(text, v);
	else
		snprintf(text, sizeof(text), "%" PRIu64, v);
	printf(" %*s", width, text);
}

static void print_name(const struct top_thing *x)
{
	char text[sizeof(x->name) * ESCAPE_GROWTH + 1];
	size_t n = escape_text(text, x->name, strlen(x->name), ESCAPE_CONTROLS);

	printf("%.*s", (int)n, text);
}

/* Columns that everybody wants, and the one asked for if it is not among them. */
static bool is_shown(const struct top *t, unsigned i, unsigned by)
{
	static const char *const processes[] = { "rss",   "read",    "write",
						 "major", "threads", NULL };
	static const char *const cgroups[] = { "memory", "read", "write",
					       "pids",   "rss",  NULL };

	if (i == by || !strcmp(t->metrics[i].name, "cpu"))
		return true;
	for (const char *const *s = t->cgroups ? cgroups : processes; *s; s++)
		if (!strcmp(t->metrics[i].name, *s))
			return true;
	return false;
}

static void print_head(const struct top *t, unsigned by)
{
	printf("%s", terminal_bold());
	if (t->cgroups)
		printf("%7s", "%CPU");
	else
		printf("%7s %6s %7s", "PID", "UID", "%CPU");
	for (unsigned i = 0; i < t->nr_metrics; i++)
		if (is_shown(t, i, by))
			printf(" %9s", t->metrics[i].head);
	printf("  %s%s\n", t->cgroups ? "CGROUP" : "COMMAND", terminal_off());
}

/* What of the numbers is to be read with care. */
static void print_notes(const struct top *t, const struct top_thing *x)
{
	if (x->born)
		printf("  (began)");
	if (x->ended_ns <= t->to_ns)
		printf("  (ended)");
	if (x->reset)
		printf("  (reset)");
}

static void print_thing(const struct top *t, const struct top_thing *x,
			unsigned by)
{
	double span = (double)(t->to_ns - t->from_ns);

	if (!t->cgroups) {
		printf("%7" PRIu64, x->key);
		if (x->uid == TOP_UNKNOWN)
			printf(" %6s ", "-");
		else
			printf(" %6" PRIu64 " ", x->uid);
	}
	if (x->value[0] == TOP_UNKNOWN)
		printf("%7s", "-");
	else
		printf("%7.1f", (double)x->value[0] * 100 / span);
	for (unsigned i = 0; i < t->nr_metrics; i++)
		if (is_shown(t, i, by))
			print_amount(&t->metrics[i], x->value[i], 9);
	printf("  ");
	if (x->name[0])
		print_name(x);
	else if (t->cgroups)
		printf("cgroup %" PRId64, (int64_t)x->key);
	print_notes(t, x);
	printf("\n");
}

/* What they used together: sums of what adds up, of the rest the most that one of
 * them had. */
static void print_total(const struct top *t, unsigned by)
{
	struct top_thing sum = { .ended_ns = TOP_UNKNOWN, .in_span = true };

	for (unsigned m = 0; m < t->nr_metrics; m++)
		sum.value[m] = TOP_UNKNOWN;
	for (size_t i = 0; i < t->nr; i++) {
		const struct top_thing *x = &t->things[i];

		for (unsigned m = 0; x->in_span && m < t->nr_metrics; m++) {
			uint64_t *to = &sum.value[m];

			if (x->value[m] == TOP_UNKNOWN)
				continue;
			if (*to == TOP_UNKNOWN)
				*to = 0;
			if (t->metrics[m].is_counter)
				*to += x->value[m];
			else if (x->value[m] > *to)
				*to = x->value[m];
		}
	}
	printf("%7s %6s ", "all", "");
	printf("%7.1f", sum.value[0] == TOP_UNKNOWN ?
				0 :
				(double)sum.value[0] * 100 /
					(double)(t->to_ns - t->from_ns));
	for (unsigned i = 0; i < t->nr_metrics; i++)
		if (is_shown(t, i, by))
			print_amount(&t->metrics[i], sum.value[i], 9);
	printf("  (memory, threads: the most of one)\n");
}

static void print_csv_text(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

/* Plain numbers; what is not known is empty. */
static void print_csv(const struct top *t, const struct top_thing *x)
{
	printf("%" PRId64 ",", (int64_t)x->key);
	print_csv_text(x->name);
	printf(",%d,%d,%d", x->born, x->ended_ns <= t->to_ns, x->reset);
	for (unsigned i = 0; i < t->nr_metrics; i++) {
		printf(",");
		if (x->value[i] != TOP_UNKNOWN)
			printf("%" PRIu64, x->value[i]);
	}
	printf("\n");
}

static void print_csv_head(const struct top *t)
{
	static const char *const units[] = { "", "_ns", "_bytes" };

	printf("%s,name,began,ended,reset", t->cgroups ? "cgroup" : "pid");
	for (unsigned i = 0; i < t->nr_metrics; i++)
		printf(",%s%s", t->metrics[i].name, units[t->metrics[i].unit]);
	printf("\n");
}

static void print_span(const struct top *t, const struct view *v, size_t nr)
{
	char from[48], to[48], span[32];

	printf("%zu %s from %s to %s (%s)\n", nr,
	       t->cgroups ? "cgroups" : "processes",
	       report_wall(from, v, 0, t->from_ns),
	       report_wall(to, v, 0, t->to_ns),
	       units_human_time(span, t->to_ns - t->from_ns));
}

static int print_top(struct top *t, const struct view *v,
		     const struct top_args *a, unsigned by)
{
	uint64_t shown = 0;
	size_t nr = 0;

	if (a->tree)
		top_keep_tree(t, a->tree);
	top_sort(t, by);
	for (size_t i = 0; i < t->nr; i++)
		nr += t->things[i].in_span;
	if (a->csv) {
		print_csv_head(t);
	} else {
		print_span(t, v, nr);
		print_head(t, by);
	}
	for (size_t i = 0; i < t->nr && shown < a->lines; i++) {
		const struct top_thing *x = &t->things[i];

		if (!x->in_span)
			continue;
		shown++;
		if (a->csv)
			print_csv(t, x);
		else
			print_thing(t, x, by);
	}
	if (a->tree && nr && !a->csv)
		print_total(t, by);
	return nr ? EXIT_OK : EXIT_EMPTY;
}

/* ---- the span ------------------------------------------------------------------------ */

/* Of the history if nothing else is said: first and last row. */
static void history_of(struct view *v, const char *stream, uint64_t *ret_from,
		       uint64_t *ret_to)
{
	struct view_cursor *c = view_cursor_new(v);

	*ret_from = *ret_to = 0;
	for (size_t i = 0; c && i < view_nr_rows(v); i++) {
		uint64_t ts = 0;

		view_seek(c, i);
		if (strcmp(view_stream_name(v, view_row_stream(c)), stream))
			continue;
		view_get_u64(c, VIEW_TS, &ts);
		if (!*ret_from)
			*ret_from = ts;
		*ret_to = ts;
	}
	view_cursor_free(c);
}

/* EXIT_OK or EXIT_USAGE. */
static int find_span(const struct top_args *a, struct view *v,
		     const char *stream, struct top *t)
{
	struct view_filter f = { .begin = a->from,
				 .end = a->at ? a->at : a->to };
	struct snap_diag diag = { "" };
	uint64_t first, last, from, to;

	history_of(v, stream, &first, &last);
	if (!view_filter_window(&f, v, 0, &from, &to, &diag)) {
		fprintf(stderr, "flightrec: %s\n", diag.text);
		return EXIT_USAGE;
	}
	t->to_ns = to < last ? to : last;
	t->from_ns = from > first ? from : first;
	if (a->at && t->to_ns > a->over_ns && t->to_ns - a->over_ns > first)
		t->from_ns = t->to_ns - a->over_ns;
	if (t->from_ns < t->to_ns)
		return EXIT_OK;
	fprintf(stderr,
		"flightrec: nothing was sampled in that span; flightrec info says what the snapshot covers\n");
	return EXIT_EMPTY;
}

static int find_metric(const struct top *t, const char *name, unsigned *ret)
{
	const char *names[TOP_METRICS_MAX + 1] = { NULL }, *near;

	for (unsigned i = 0; i < t->nr_metrics; i++) {
		names[i] = t->metrics[i].name;
		*ret = i;
		if (!strcmp(name, names[i]))
			return EXIT_OK;
	}
	near = units_nearest(name, names);
	if (near)
		return command_bad_usage(&cmd_top, "--by %s: the nearest is %s",
					 name, near);
	return command_bad_usage(
		&cmd_top, "--by %s: cpu, rss, io, faults ...; see --help",
		name);
}

/* ---- the command --------------------------------------------------------------------- */

static bool has_stream(struct view *v, const char *stream)
{
	uint64_t first, last;

	history_of(v, stream, &first, &last);
	return last;
}

static int show(struct view *v, const struct top_args *a)
{
	bool rows = a->cgroups && has_stream(v, "cgroups");
	struct top t = {
		.metrics = rows ? top_of_cgroups : top_of_processes,
		.nr_metrics = rows ? top_nr_of_cgroups : top_nr_of_processes,
		.cgroups = rows,
	};
	struct top groups = { 0 };
	unsigned by = 0;
	int code = find_metric(&t, a->by, &by), r;

	if (code == EXIT_OK && !rows && !has_stream(v, "processes")) {
		fprintf(stderr,
			"flightrec: no %s were sampled; put %s into sampler.collectors, see flightrec-sampler(7)\n",
			a->cgroups ? "cgroups" : "processes",
			a->cgroups ? "cgroups" : "processes");
		return EXIT_EMPTY;
	}
	if (code == EXIT_OK)
		code = find_span(a, v, rows ? "cgroups" : "processes", &t);
	if (code != EXIT_OK)
		return code;
	r = top_gather(&t, v);
	if (!r && a->cgroups && !rows)
		r = top_by_cgroup(&t, v, &groups);
	if (r)
		fprintf(stderr, "flightrec: not enough memory\n");
	else
		code = print_top(a->cgroups && !rows ? &groups : &t, v, a, by);
	top_free(&t);
	top_free(&groups);
	return r ? EXIT_FAILED : code;
}

static int take_lines(struct top_args *a, const char *text)
{
	char *end;

	a->lines = strtoull(text, &end, 10);
	if (*end || end == text || *text == '-' || !a->lines)
		return command_bad_usage(&cmd_top,
					 "'%s' is no number from 1 on", text);
	return EXIT_OK;
}

static int take_tree(struct top_args *a, const char *text)
{
	char *end;

	a->tree = strtoull(text, &end, 10);
	if (*end || end == text || *text == '-' || !a->tree)
		return command_bad_usage(
			&cmd_top, "--tree %s: the number of a process", text);
	return EXIT_OK;
}

/* -1: help was asked for. */
static int take_option(struct top_args *a, int opt, char **argv)
{
	switch (opt) {
	case 'a':
		a->at = optarg;
		return EXIT_OK;
	case 'f':
		a->from = optarg;
		return EXIT_OK;
	case 't':
		a->to = optarg;
		return EXIT_OK;
	case 'b':
		a->by = optarg;
		return EXIT_OK;
	case 'T':
		return take_tree(a, optarg);
	case 'c':
		a->cgroups = true;
		return EXIT_OK;
	case 'C':
		a->csv = true;
		return EXIT_OK;
	case 'n':
		return take_lines(a, optarg);
	case 'o':
		if (!units_parse_time(optarg, &a->over_ns) && a->over_ns)
			return EXIT_OK;
		return command_bad_usage(&cmd_top,
					 "--over %s: a time such as 10s or 5m",
					 optarg);
	case 'h':
		command_print_help(&cmd_top);
		return -1;
	default:
		return command_bad_option(&cmd_top, opt, argv, options);
	}
}

static int run(int argc, char **argv)
{
	struct view_filter f = { .streams = { { NULL }, 0 } };
	struct top_args a = { .by = "cpu",
			      .over_ns = OVER_DEFAULT,
			      .lines = LINES_DEFAULT };
	struct view *v = NULL;
	int opt, code = EXIT_OK;

	opterr = 0;
	optind = 1;
	while (code == EXIT_OK &&
	       (opt = getopt_long(argc, argv, ":n:h", options, NULL)) != -1)
		code = take_option(&a, opt, argv);
	if (code != EXIT_OK)
		return code < 0 ? EXIT_OK : code;
	if (a.at && (a.from || a.to))
		return command_bad_usage(
			&cmd_top,
			"--at goes with --over, not with --from, --to");
	f.streams.words[f.streams.nr++] = "processes";
	f.streams.words[f.streams.nr++] = "proc";
	if (a.cgroups) {
		f.streams.words[f.streams.nr++] = "cgroups";
		f.streams.words[f.streams.nr++] = "process";
	}
	code = view_open(argc - optind, argv + optind, &f, &v);
	if (v) {
		int r = show(v, &a);

		code = view_close(v, r == EXIT_OK ? code : r);
	}
	return code;
}

const struct command_ops cmd_top = {
	.name = "top",
	.summary = "Shows who used most CPU, memory and I/O within a time.",
	.usage = "[options] [FILE...]",
	.help = "Processes, or cgroups, that used most first: what they used between two\n"
		"times, those included that began or ended in between.  Of what does not add up,\n"
		"as memory, the most there was.  Without times all that was sampled counts;\n"
		"without a FILE the newest snapshot of /var/lib/flightrec/snapshots.  It takes\n"
		"the collectors processes or cgroups, see flightrec-sampler(7).\n\n"
		"OPTIONS\n"
		"  --from TIME, --to TIME\n"
		"                      2026-11-20T13:05:00, 13:05, @EPOCH, -10s or +5s from the\n"
		"                      trigger on\n"
		"  --at TIME           the time up to then\n"
		"  --over SPAN         how much of it, default 10s\n"
		"  --by METRIC         order: cpu (default), system, rss, rss_max, pss, swap, read,\n"
		"                      write, io, faults, major, switches, threads, fds; of\n"
		"                      cgroups: cpu, system, throttled, memory, anon, file, swap,\n"
		"                      read, write, io, faults, major, pids, cpu_stall,\n"
		"                      memory_stall, io_stall, oom\n"
		"  --tree PID          only this process and its descendants, also those that\n"
		"                      outlived their parents; and what they used together\n"
		"  -n, --lines N       the first N, default 20\n"
		"  --cgroups           cgroups; if they were not sampled, the sums of their\n"
		"                      processes\n"
		"  --csv               all numbers, plain\n\n"
		"EXAMPLES\n"
		"  flightrec top --at 03:10 --over 1m a.frs\n"
		"  flightrec top --from -30s --by io -n 5 a.frs\n"
		"  flightrec top --cgroups --by memory a.frs\n",
	.run = run,
};
