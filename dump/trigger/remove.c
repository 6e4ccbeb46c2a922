/* SPDX-License-Identifier: GPL-2.0-or-later */
/* remove.c - flightrec trigger remove. */
#include <getopt.h>

#include "dump/folder.h"
#include "dump/trigger_ask.h"

extern const struct command_ops trigger_cmd_remove;

static const struct option options[] = {
	{ "save", no_argument, NULL, 's' },
	{ "run-folder", required_argument, NULL, 'R' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static int remove_one(const char *folder, const char *name, bool save)
{
	struct client_reply reply;
	struct trigger_ask a;
	int code;

	if (trigger_ask_begin(&a, "trigger-remove"))
		return EXIT_FAILED;
	trigger_ask_add(&a, "name", name);
	code = trigger_ask_send(&a, folder, TRIGGER_PATIENCE_S, &reply);
	if (code != EXIT_OK)
		return code;
	if (save)
		code = trigger_unsave(client_value(&reply, "config"), name);
	client_free(&reply);
	return code;
}

static int run(int argc, char **argv)
{
	const char *folder = folder_default_run();
	bool save = false;
	int opt, code = EXIT_OK;

	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, ":sh", options, NULL)) != -1) {
		switch (opt) {
		case 's':
			save = true;
			break;
		case 'R':
			folder = optarg;
			break;
		case 'h':
			command_print_help(&trigger_cmd_remove);
			return EXIT_OK;
		default:
			return command_bad_option(&trigger_cmd_remove, opt,
						  argv, options);
		}
	}
	if (optind == argc)
		return command_bad_usage(&trigger_cmd_remove, "which trigger?");
	for (; optind < argc && code == EXIT_OK; optind++)
		code = remove_one(folder, argv[optind], save);
	return code;
}

const struct command_ops trigger_cmd_remove = {
	.name = "trigger remove",
	.summary = "Takes triggers away from the running recorder.",
	.usage = "NAME... [--save] [--run-folder DIR]",
	.help = "One that was added by hand is gone.  One of a file stays away until the recorder\n"
		"ends, or the file says something new of it.\n\n"
		"OPTIONS\n"
		"  -s, --save        also remove the file that trigger add --save wrote; exits with 4\n"
		"                    if another file has the trigger too\n"
		"  --run-folder DIR  where the recorder's socket is (/run/flightrec)\n\n"
		"EXAMPLES\n"
		"  flightrec trigger remove slow-fsync\n"
		"  flightrec trigger remove --save slow-fsync\n",
	.run = run,
};
