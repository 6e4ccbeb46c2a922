/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fire.c - flightrec trigger fire: a snapshot, as if a trigger had been hit. */
#include <getopt.h>
#include <string.h>

#include "dump/folder.h"
#include "dump/trigger_ask.h"

extern const struct command_ops trigger_cmd_fire;

static const struct option options[] = {
	{ "reason", required_argument, NULL, 'r' },
	{ "run-folder", required_argument, NULL, 'R' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct fire {
	const char *folder, *name, *reason;
	bool quiet;
};

static int parse_options(int argc, char **argv, struct fire *f)
{
	int opt;

	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, ":r:qh", options, NULL)) != -1) {
		switch (opt) {
		case 'r':
			f->reason = optarg;
			break;
		case 'R':
			f->folder = optarg;
			break;
		case 'q':
			f->quiet = true;
			break;
		case 'h':
			command_print_help(&trigger_cmd_fire);
			return -1;
		default:
			return command_bad_option(&trigger_cmd_fire, opt, argv,
						  options);
		}
	}
	if (optind < argc)
		f->name = argv[optind++];
	if (optind < argc)
		return command_bad_usage(&trigger_cmd_fire, "'%s' is too much",
					 argv[optind]);
	if (strlen(f->reason) > CLIENT_REASON_MAX)
		return command_bad_usage(&trigger_cmd_fire,
					 "a reason has at most %d bytes",
					 CLIENT_REASON_MAX);
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct fire f = { .folder = folder_default_run(), .reason = "" };
	struct client_reply reply;
	struct trigger_ask a;
	int code = parse_options(argc, argv, &f);

	if (code != EXIT_OK)
		return code < 0 ? EXIT_OK : code;
	if (trigger_ask_begin(&a, f.name ? "trigger-fire" : "dump"))
		return EXIT_FAILED;
	if (f.name)
		trigger_ask_add(&a, "name", f.name);
	if (*f.reason)
		trigger_ask_add(&a, "reason", f.reason);
	code = trigger_ask_send(&a, f.folder, CLIENT_DUMP_S, &reply);
	if (code != EXIT_OK)
		return code;
	client_print_snapshot(&reply, f.quiet);
	client_free(&reply);
	return EXIT_OK;
}

const struct command_ops trigger_cmd_fire = {
	.name = "trigger fire",
	.summary =
		"Takes a snapshot as if the trigger had been hit, and prints its path.",
	.usage = "[NAME] [--reason TEXT] [--quiet] [--run-folder DIR]",
	.help = "Recording goes on for the trigger's tail first, as it would.  A trigger fired by\n"
		"hand fires always, also while it is cooling or disabled; if a snapshot is on its\n"
		"way, afterwards.  Without NAME it is the same as flightrec dump.\n\n"
		"OPTIONS\n"
		"  -r, --reason TEXT   kept in the snapshot\n"
		"  -q, --quiet         print nothing but the path\n"
		"  --run-folder DIR    where the recorder's socket is (/run/flightrec)\n\n"
		"EXAMPLES\n"
		"  flightrec trigger fire slow-fsync --reason 'does the hook work?'\n"
		"  flightrec report \"$(flightrec trigger fire -q)\"\n",
	.run = run,
};
