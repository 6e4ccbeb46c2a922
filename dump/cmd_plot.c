/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_plot.c - flightrec plot: sampled metrics of a snapshot as curves. */
#include <errno.h>
#include <getopt.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "dump/command.h"
#include "dump/metric_missing.h"
#include "dump/plot.h"
#include "dump/view_open.h"
#include "triggers/units.h"

extern const struct command_ops cmd_plot;

#define WIDTH_MAX  1000
#define HEIGHT_MAX 200

enum {
	OPT_RAW = 256,
	OPT_ASCII,
	OPT_WIDTH,
	OPT_HEIGHT
};

static const struct option options[] = {
	{ "begin", required_argument, NULL, 'b' },
	{ "end", required_argument, NULL, 'e' },
	{ "file", required_argument, NULL, 'f' },
	{ "output", required_argument, NULL, 'o' },
	{ "list", no_argument, NULL, 'l' },
	{ "raw", no_argument, NULL, OPT_RAW },
	{ "ascii", no_argument, NULL, OPT_ASCII },
	{ "width", required_argument, NULL, OPT_WIDTH },
	{ "height", required_argument, NULL, OPT_HEIGHT },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct plot_args {
	struct view_filter filter; /* all samples: a value may be older than... */
	struct view_filter window; /* ...what is drawn */
	struct plot plot;
	const char *output;
	char *file[2];
	bool list;
};

static int take_size(const char *option, const char *text, unsigned least,
		     unsigned most, unsigned *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || end == text || *text == '-' || n < least || n > most)
		return command_bad_usage(&cmd_plot,
					 "%s %s: a number from %u to %u",
					 option, text, least, most);
	*ret = (unsigned)n;
	return EXIT_OK;
}

/* -1: help was asked for. */
static int take_option(struct plot_args *a, int opt, char **argv)
{
	switch (opt) {
	case 'b':
		a->window.begin = optarg;
		return EXIT_OK;
	case 'e':
		a->window.end = optarg;
		return EXIT_OK;
	case 'f':
		a->file[0] = optarg;
		return EXIT_OK;
	case 'o':
		a->output = optarg;
		return EXIT_OK;
	case 'l':
		a->list = true;
		return EXIT_OK;
	case OPT_RAW:
		a->plot.raw = true;
		return EXIT_OK;
	case OPT_ASCII:
		a->plot.ascii = true;
		return EXIT_OK;
	case OPT_WIDTH:
		return take_size("--width", optarg, 30, WIDTH_MAX,
				 &a->plot.width);
	case OPT_HEIGHT:
		return take_size("--height", optarg, 2, HEIGHT_MAX,
				 &a->plot.height);
	case 'h':
		command_print_help(&cmd_plot);
		return -1;
	default:
		return command_bad_option(&cmd_plot, opt, argv, options);
	}
}

/* ---- the span ---------------------------------------------------------------------- */

/* Of the samples; false: there are none. */
static bool samples_span(struct view *v, uint64_t *ret_from, uint64_t *ret_to)
{
	struct view_cursor *c = view_cursor_new(v);
	uint64_t ts;

	*ret_from = UINT64_MAX;
	*ret_to = 0;
	for (size_t i = 0; c && i < view_nr_rows(v); i++) {
		view_seek(c, i);
		if (!view_get_u64(c, VIEW_TS, &ts))
			continue;
		if (ts < *ret_from)
			*ret_from = ts;
		if (ts > *ret_to)
			*ret_to = ts;
	}
	view_cursor_free(c);
	return *ret_from < *ret_to;
}

static int find_span(struct plot_args *a, struct view *v)
{
	const char *fired = snap_fact(view_snap(v, 0), "trigger.ts_ns");
	struct snap_diag diag = { "" };
	uint64_t first, last, from, to;

	if (!samples_span(v, &first, &last)) {
		fprintf(stderr, "flightrec: this snapshot has no samples; "
				"flightrec info says what it covers\n");
		return EXIT_EMPTY;
	}
	if (!view_filter_window(&a->window, v, 0, &from, &to, &diag)) {
		fprintf(stderr, "flightrec: %s\n", diag.text);
		return EXIT_USAGE;
	}
	if (from >= to) {
		fprintf(stderr, "flightrec: --begin is not before --end\n");
		return EXIT_USAGE;
	}
	a->plot.from_ns = from > first ? from : first;
	a->plot.to_ns = to < last ? to : last;
	a->plot.trigger_ns = fired ? strtoull(fired, NULL, 10) : 0;
	if (a->plot.from_ns < a->plot.to_ns)
		return EXIT_OK;
	fprintf(stderr,
		"flightrec: nothing was sampled in that span; flightrec "
		"info says what the snapshot covers\n");
	return EXIT_EMPTY;
}

/* ---- what is shown ------------------------------------------------------------------ */

static void list(const struct plot *p)
{
	printf("%-44s %-8s %s\n", "METRIC", "KIND", "UNIT");
	for (unsigned i = 0; i < p->nr; i++)
		printf("%-44s %-8s %s\n", p->series[i].name,
		       p->series[i].is_counter ? "counter" : "gauge",
		       *p->series[i].unit ? p->series[i].unit : "-");
}

static int write_svg(const struct plot_args *a, const struct view *v)
{
	FILE *out = fopen(a->output, "we");
	int err = out ? 0 : errno;

	if (out) {
		plot_svg(&a->plot, v, out);
		if (ferror(out))
			err = EIO;
		if (fclose(out) && !err)
			err = errno;
	}
	if (!err)
		return EXIT_OK;
	fprintf(stderr, "flightrec: cannot write %s: %s\n", a->output,
		strerror(err));
	return err == EACCES ? EXIT_PERMISSION : EXIT_FAILED;
}

/* What looks like a picture of another kind would surprise. */
static int check_output(const char *path)
{
	static const char *const others[] = { ".png", ".jpg", ".jpeg",
					      ".gif", ".pdf", ".webp" };
	const char *dot = path ? strrchr(path, '.') : NULL;

	for (unsigned i = 0; dot && i < sizeof(others) / sizeof(*others); i++)
		if (!strcasecmp(dot, others[i]))
			return command_bad_usage(
				&cmd_plot,
				"-o %s: pictures are SVG; name it .svg (rsvg-convert "
				"and browsers make others of it)",
				path);
	return EXIT_OK;
}

static void fit_terminal(struct plot *p)
{
	struct winsize size;

	if (!p->width)
		p->width = !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) &&
					   size.ws_col >= 30 &&
					   size.ws_col <= WIDTH_MAX ?
				   size.ws_col :
				   80;
	if (!p->height)
		p->height = 8;
	if (strcmp(nl_langinfo(CODESET), "UTF-8"))
		p->ascii = true;
}

static int show(struct plot_args *a, struct view *v, char **globs, unsigned nr)
{
	const char *missing = NULL;
	int code = find_span(a, v), r;

	if (code)
		return code;
	a->plot.names_only = a->list;
	r = plot_gather(&a->plot, v, globs, nr, &missing);
	if (r == -ENOENT) {
		code = metric_missing(v, missing);
	} else if (r) {
		fprintf(stderr, "flightrec: not enough memory\n");
		code = EXIT_FAILED;
	} else if (a->list) {
		list(&a->plot);
	} else if (a->output) {
		code = write_svg(a, v);
	} else {
		fit_terminal(&a->plot);
		plot_print(&a->plot, v, stdout);
	}
	plot_free(&a->plot);
	return code;
}

static bool is_file(const char *text)
{
	size_t n = strlen(text);

	return (n > 4 && !strcmp(text + n - 4, ".frs")) || *text == '/' ||
	       !strncmp(text, "./", 2) || !strncmp(text, "../", 3) ||
	       !access(text, F_OK);
}

static int run(int argc, char **argv)
{
	struct plot_args a = { .filter.streams = { { "sample" }, 1 } };
	char any[] = "*", *globs_all[] = { any }, **globs;
	struct view *v = NULL;
	int opt, code = EXIT_OK, nr;

	opterr = 0;
	optind = 1;
	while (code == EXIT_OK &&
	       (opt = getopt_long(argc, argv, ":f:o:lh", options, NULL)) != -1)
		code = take_option(&a, opt, argv);
	if (code == EXIT_OK)
		code = check_output(a.output);
	if (code != EXIT_OK)
		return code < 0 ? EXIT_OK : code;
	globs = argv + optind;
	nr = argc - optind;
	/* a snapshot in front, as with the other commands */
	if (nr && !a.file[0] && is_file(globs[0])) {
		a.file[0] = *globs++;
		nr--;
	}
	if (!nr && !a.list)
		return command_bad_usage(&cmd_plot, "which metrics? such as "
						    "load.load1; --list names "
						    "them");
	if (!nr) {
		globs = globs_all;
		nr = 1;
	}
	code = view_open(a.file[0] ? 1 : 0, a.file, &a.filter, &v);
	if (v) {
		int r = show(&a, v, globs, (unsigned)nr);

		code = view_close(v, r == EXIT_OK ? code : r);
	}
	return code;
}

const struct command_ops cmd_plot = {
	.name = "plot",
	.summary = "Draws sampled counters of a snapshot as curves.",
	.usage = "[options] [FILE] METRIC... | --list [FILE]",
	.help = "METRIC may have * and ?; each one gets a panel.  Counters are drawn as "
		"their\ngrowth per second.  Where nothing was sampled the curve has a "
		"gap; the trigger\nis marked.  Without FILE the newest snapshot of "
		"/var/lib/flightrec/snapshots.\n\n"
		"OPTIONS\n"
		"  --begin TIME, --end TIME\n"
		"                      2026-11-20T13:05:00, 13:05, @EPOCH, -10s or +5s "
		"from the\n"
		"                      trigger on\n"
		"  -f, --file FILE     the snapshot, where its name could be a metric's\n"
		"  -o, --output FILE   an SVG picture\n"
		"  -l, --list          the metrics that were sampled\n"
		"  --raw               counters as they were\n"
		"  --width N, --height N\n"
		"                      of a panel, in characters (the terminal's width, "
		"8)\n"
		"  --ascii             # instead of braille dots, as in locales without "
		"them\n"
		"\nEXAMPLES\n"
		"  flightrec plot a.frs 'pressure.io.*' load.load1\n"
		"  flightrec plot a.frs --begin -30s 'diskstats.vda.*_bytes'\n"
		"  flightrec plot a.frs -o disks.svg 'diskstats.*.in_flight'\n",
	.run = run,
};
