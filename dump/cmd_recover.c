/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_recover.c - flightrec recover: saves what a killed recorder left. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "dump/command.h"
#include "dump/recorder_exec.h"

#define ARGS_MAX 64

extern const struct command_ops cmd_recover;

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "folder", required_argument, NULL, 'd' },
	{ "run-folder", required_argument, NULL, 'R' },
	{ "set", required_argument, NULL, 's' },
	{ "config", required_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static const char *option_for(int opt)
{
	switch (opt) {
	case 'o':
		return "--output";
	case 'd':
		return "--folder";
	case 'R':
		return "--run-folder";
	case 's':
		return "--set";
	case 'c':
		return "--config";
	default:
		return NULL;
	}
}

/* flightrecd has the same options under the same names. */
static int run(int argc, char **argv)
{
	char *args[ARGS_MAX + 4];
	static char program[] = "flightrecd", recover[] = "--recover";
	unsigned n = 0;
	int opt;

	args[n++] = program;
	args[n++] = recover;
	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, ":o:d:c:h", options, NULL)) !=
	       -1) {
		const char *name = option_for(opt);

		if (opt == 'h') {
			command_print_help(&cmd_recover);
			return EXIT_OK;
		}
		if (!name)
			return command_bad_option(&cmd_recover, opt, argv,
						  options);
		if (n + 2 > ARGS_MAX)
			return command_bad_usage(&cmd_recover,
						 "too many options");
		if (asprintf(&args[n++], "%s=%s", name, optarg) < 0)
			return EXIT_FAILED;
	}
	if (optind < argc)
		return command_bad_usage(&cmd_recover, "'%s' is too much",
					 argv[optind]);
	args[n] = NULL;
	return recorder_exec(args);
}

const struct command_ops cmd_recover = {
	.name = "recover",
	.summary = "Saves what a killed recorder left behind.",
	.usage = "[-o FILE | -d DIR] [--run-folder DIR]",
	.help = "Kernel probes go on recording when flightrecd is killed.  This writes what\n"
		"they have into a snapshot and ends them, without starting a recorder.  A\n"
		"flightrecd that starts does the same by itself.  Needs root.\n\n"
		"OPTIONS\n"
		"  -o, --output FILE   the snapshot's name; further ones stay beside it\n"
		"  -d, --folder DIR    write into this folder instead of dump.folder\n"
		"  --run-folder DIR    run folder of the killed recorder (/run/flightrec)\n"
		"  -c, --config FILE   its configuration file\n"
		"  --set KEY=VALUE     a setting, as for flightrecd\n\n"
		"EXIT STATUS\n"
		"  0 saved   4 some could not be saved   5 nothing was left   1 none could be saved\n"
		"  6 no permission\n\n"
		"EXAMPLES\n"
		"  flightrec recover\n"
		"  flightrec recover -o after-crash.frs\n",
	.run = run,
};
