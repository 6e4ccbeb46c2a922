/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options.c - the command line of flightrecd. */
#include "recorder/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collector.h"
#include "triggers/units.h"

enum { /* long options without a letter */
	OPT_SET = 256,
	OPT_DEBUG,
	OPT_EXAMPLE,
	OPT_DOCTOR,
	OPT_RECOVER,
	OPT_READY_FD,
	OPT_RUN_FOLDER,
};

static const struct option longopts[] = {
	{ "check", no_argument, NULL, 'n' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "foreground", no_argument, NULL, 'f' },
	{ "config", required_argument, NULL, 'c' },
	{ "set", required_argument, NULL, OPT_SET },
	{ "debug", no_argument, NULL, OPT_DEBUG },
	{ "print-example", no_argument, NULL, OPT_EXAMPLE },
	{ "doctor", no_argument, NULL, OPT_DOCTOR },
	{ "recover", no_argument, NULL, OPT_RECOVER },
	{ "ready-fd", required_argument, NULL, OPT_READY_FD },
	{ "run-folder", required_argument, NULL, OPT_RUN_FOLDER },
	{ "output", required_argument, NULL, 'o' },
	{ "folder", required_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

void options_print_help(void)
{
	printf("usage: flightrecd [options]\n\n"
	       "Records the machine's I/O into a ring, and writes a snapshot when a trigger\n"
	       "fires.  Stays in the foreground; flightrec(1) talks to it.\n\n"
	       "  -c, --config FILE     read FILE instead of " OPTIONS_CONFIG
	       "\n"
	       "      --set KEY=VALUE   a setting, after all files (section.key; may be repeated)\n"
	       "  -n, --check           check the settings and end; with -v also print them\n"
	       "  -f, --foreground      stay in the foreground (always so)\n"
	       "      --print-example   print a commented configuration file\n"
	       "      --doctor          say what can be recorded here, and what not and why\n"
	       "      --recover         save what a killed recorder left, and end\n"
	       "  -o, --output FILE     with --recover: write this file\n"
	       "  -d, --folder DIR      with --recover: write into this folder\n"
	       "      --run-folder DIR  short for --set run.folder=DIR\n"
	       "      --ready-fd N      write a newline to descriptor N once recording\n"
	       "      --debug           say more\n"
	       "  -h, --help            print this\n"
	       "  -V, --version         print the version\n\n"
	       "SIGNALS\n"
	       "  USR1  take a snapshot    HUP  read the settings again    TERM, INT  end\n\n"
	       "EXAMPLES\n"
	       "  flightrecd\n"
	       "  flightrecd -nv --set ring.memory=256MiB\n"
	       "  flightrecd --set dump.folder=/srv/snapshots --set probes.profile=deep\n"
	       "  flightrecd --doctor\n"
	       "  flightrecd --print-example > " OPTIONS_CONFIG "\n");
}

static int bad_option(int opt, char **argv)
{
	const char *names[sizeof(longopts) / sizeof(longopts[0])];
	const char *word = argv[optind - 1], *near;
	unsigned n = 0;

	for (; longopts[n].name; n++)
		names[n] = longopts[n].name;
	names[n] = NULL;
	near = strncmp(word, "--", 2) ? NULL : units_nearest(word + 2, names);
	if (opt == ':')
		fprintf(stderr, "flightrecd: option %s needs a value", word);
	else if (near)
		fprintf(stderr,
			"flightrecd: unknown option %s; did you mean --%s?",
			word, near);
	else
		fprintf(stderr, "flightrecd: unknown option %s", word);
	fprintf(stderr, "; see flightrecd --help\n");
	return 2;
}

static int parse_fd(const char *text, int *ret)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (end == text || *end || v < 0 || v > 1 << 20) {
		fprintf(stderr, "flightrecd: --ready-fd %s: not a descriptor\n",
			text);
		return 2;
	}
	*ret = (int)v;
	return -1;
}

static int add_set(struct options *o, const char *assignment)
{
	if (o->nr_sets == OPTIONS_SETS_MAX) {
		fprintf(stderr, "flightrecd: more than %d --set\n",
			OPTIONS_SETS_MAX);
		return 2;
	}
	o->sets[o->nr_sets++] = assignment;
	return -1;
}

static int add_run_folder(struct options *o, const char *folder)
{
	char *text;

	if (asprintf(&text, "run.folder=%s", folder) < 0)
		return 1;
	return add_set(o, text); /* lives as long as the program */
}

/* What takes no value and ends in a mode.  1 if it was one. */
static int take_mode(struct options *o, int opt)
{
	switch (opt) {
	case 'n':
		if (o->mode == OPTIONS_RUN)
			o->mode = OPTIONS_CHECK;
		return 1;
	case 'h':
		o->mode = OPTIONS_HELP;
		return 1;
	case 'V':
		o->mode = OPTIONS_VERSION;
		return 1;
	case OPT_EXAMPLE:
		o->mode = OPTIONS_EXAMPLE;
		return 1;
	case OPT_DOCTOR:
		o->mode = OPTIONS_DOCTOR;
		return 1;
	case OPT_RECOVER:
		o->mode = OPTIONS_RECOVER;
		return 1;
	default:
		return 0;
	}
}

static int take_option(struct options *o, int opt, char **argv)
{
	switch (opt) {
	case 'f':
		return -1;
	case 'v':
		o->verbose = true;
		return -1;
	case 'c':
		o->config_path = optarg;
		o->config_must_exist = true;
		return -1;
	case 'o':
		o->output = optarg;
		return -1;
	case 'd':
		o->folder = optarg;
		return -1;
	case OPT_SET:
		return add_set(o, optarg);
	case OPT_RUN_FOLDER:
		return add_run_folder(o, optarg);
	case OPT_DEBUG:
		o->debug = true;
		return -1;
	case OPT_READY_FD:
		return parse_fd(optarg, &o->ready_fd);
	default:
		return bad_option(opt, argv);
	}
}

int options_parse(struct options *o, int argc, char **argv)
{
	int opt, code = -1;

	*o = (struct options){ .config_path = OPTIONS_CONFIG, .ready_fd = -1 };
	opterr = 0;
	while (code < 0 && (opt = getopt_long(argc, argv, ":nvfc:o:d:hV",
					      longopts, NULL)) != -1)
		if (!take_mode(o, opt))
			code = take_option(o, opt, argv);
	if (code < 0 && optind < argc) {
		fprintf(stderr,
			"flightrecd: '%s' is not an option; see flightrecd --help\n",
			argv[optind]);
		code = 2;
	}
	if (code < 0 && o->mode == OPTIONS_CHECK && o->verbose)
		o->mode = OPTIONS_PRINT;
	return code;
}

static void name_collectors(void)
{
	static const char *names[64];
	unsigned n = 0;

	for (; collector_all[n] && n < 63; n++)
		names[n] = collector_all[n]->name;
	config_set_collectors(names);
	config_set_collector_check(collector_check_list);
}

struct fr_config *options_load(const struct options *o, struct fr_diag *diag)
{
	struct fr_config *c;
	int err;

	name_collectors();
	diag->text[0] = '\0';
	c = config_new();
	err = c ? config_read_all(c, o->config_path, o->config_must_exist,
				  diag) :
		  -ENOMEM;
	for (unsigned i = 0; !err && i < o->nr_sets; i++)
		err = config_set(c, o->sets[i], diag);
	if (!err)
		err = config_check(c, diag);
	if (!err)
		return c;
	if (!diag->text[0])
		snprintf(diag->text, sizeof(diag->text), "%s: %s",
			 o->config_path, strerror(-err));
	if (c)
		config_free(c);
	return NULL;
}
