/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_dump.c - flightrec dump: asks the recorder for a snapshot, now. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/client.h"
#include "dump/command.h"
#include "dump/escape.h"
#include "dump/folder.h"

#define TEXT_LIMIT CLIENT_REASON_MAX
#define NAME_LIMIT CLIENT_NAME_MAX

extern const struct command_ops cmd_dump;

static const struct option options[] = {
	{ "name", required_argument, NULL, 'n' },
	{ "reason", required_argument, NULL, 'r' },
	{ "run-folder", required_argument, NULL, 'R' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct dump {
	const char *folder, *name, *reason;
	int quiet;
};

static int parse_options(int argc, char **argv, struct dump *d)
{
	int opt;

	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, ":n:r:qh", options, NULL)) !=
	       -1) {
		switch (opt) {
		case 'n':
			d->name = optarg;
			break;
		case 'r':
			d->reason = optarg;
			break;
		case 'R':
			d->folder = optarg;
			break;
		case 'q':
			d->quiet = 1;
			break;
		case 'h':
			command_print_help(&cmd_dump);
			return -1;
		default:
			return command_bad_option(&cmd_dump, opt, argv,
						  options);
		}
	}
	if (optind < argc)
		return command_bad_usage(&cmd_dump, "'%s' is too much",
					 argv[optind]);
	if (strlen(d->name) > NAME_LIMIT || strlen(d->reason) > TEXT_LIMIT)
		return command_bad_usage(
			&cmd_dump,
			"a name has at most %d bytes, a reason at most %d",
			NAME_LIMIT, TEXT_LIMIT);
	return EXIT_OK;
}

static void append(char *line, size_t size, const char *key, const char *value)
{
	char escaped[3 * TEXT_LIMIT + 1];
	size_t len = strlen(line);

	if (!*value)
		return;
	escape_percent(escaped, value);
	snprintf(line + len, size - len, " %s=%s", key, escaped);
}

static int run(int argc, char **argv)
{
	struct dump d = { .folder = folder_default_run(),
			  .name = "",
			  .reason = "" };
	char line[4 * (TEXT_LIMIT + NAME_LIMIT) + 32] = "dump";
	struct client_reply reply;
	int code = parse_options(argc, argv, &d);

	if (code != EXIT_OK)
		return code < 0 ? EXIT_OK : code;
	append(line, sizeof(line), "name", d.name);
	append(line, sizeof(line), "reason", d.reason);
	strncat(line, "\n", sizeof(line) - strlen(line) - 1);
	code = client_ask(d.folder, line, CLIENT_DUMP_S, &reply);
	if (code != EXIT_OK)
		return code;
	client_print_snapshot(&reply, d.quiet);
	client_free(&reply);
	return EXIT_OK;
}

const struct command_ops cmd_dump = {
	.name = "dump",
	.summary = "Freezes the ring and writes a snapshot of it, now.",
	.usage = "[--name NAME] [--reason TEXT]",
	.help = "Prints the path of the snapshot when it is safely on disk.  Recording goes\n"
		"on meanwhile.\n\n"
		"OPTIONS\n"
		"  -n, --name NAME     shown as the trigger, and part of the file's name\n"
		"  -r, --reason TEXT   kept in the snapshot\n"
		"  -q, --quiet         print nothing but the path\n"
		"  --run-folder DIR    where the recorder's socket is (/run/flightrec)\n\n"
		"EXAMPLES\n"
		"  flightrec dump\n"
		"  flightrec dump --name before-upgrade --reason 'ticket 4711'\n"
		"  flightrec report \"$(flightrec dump -q)\"\n",
	.run = run,
};
