/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list.c - flightrec trigger list: the triggers of the running recorder. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/client.h"
#include "dump/command.h"
#include "dump/folder.h"

#define PATIENCE_S 10

extern const struct command_ops trigger_cmd_list;

static const struct option options[] = {
	{ "run-folder", required_argument, NULL, 'R' },
	{ "no-header", no_argument, NULL, 'n' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static const char *of(const struct client_reply *r, const char *prefix,
		      size_t len, const char *key)
{
	char name[160];
	const char *value;

	snprintf(name, sizeof(name), "%.*s%s", (int)len, prefix, key);
	value = client_value(r, name);
	return value ? value : "";
}

static void print_all(const struct client_reply *r, bool header)
{
	if (header)
		printf("%-20s %-9s %8s %8s %8s %10s  %s\n", "name", "state",
		       "hits", "fired", "merged", "suppressed", "when");
	for (unsigned i = 0; i < r->nr; i++) {
		const char *key = r->pairs[i].key;
		size_t len = strlen(key);

		if (strncmp(key, "trigger.", 8) || len < 6 ||
		    strcmp(key + len - 5, ".name") != 0)
			continue;
		len -= 4; /* its prefix, with the point */
		printf("%-20s %-9s %8s %8s %8s %10s  %s\n", r->pairs[i].value,
		       of(r, key, len, "state"), of(r, key, len, "hits"),
		       of(r, key, len, "fired"), of(r, key, len, "merged"),
		       of(r, key, len, "suppressed"), of(r, key, len, "when"));
	}
}

static int run(int argc, char **argv)
{
	const char *folder = folder_default_run();
	struct client_reply reply;
	bool header = true;
	int opt, code;

	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (opt) {
		case 'R':
			folder = optarg;
			break;
		case 'n':
			header = false;
			break;
		case 'h':
			command_print_help(&trigger_cmd_list);
			return EXIT_OK;
		default:
			return command_bad_option(&trigger_cmd_list, opt, argv,
						  options);
		}
	}
	if (optind < argc)
		return command_bad_usage(&trigger_cmd_list, "'%s' is too much",
					 argv[optind]);
	code = client_ask(folder, "triggers\n", PATIENCE_S, &reply);
	if (code != EXIT_OK)
		return code;
	print_all(&reply, header);
	client_free(&reply);
	return EXIT_OK;
}

const struct command_ops trigger_cmd_list = {
	.name = "trigger list",
	.summary =
		"Shows the triggers of the running recorder, and what became of "
		"their hits.",
	.usage = "[--no-header]",
	.help = "OPTIONS\n"
		"      --no-header     no line with the names of the columns\n"
		"      --run-folder DIR  where the recorder's socket is "
		"(/run/flightrec)\n\n"
		"EXAMPLES\n"
		"  flightrec trigger list\n",
	.run = run,
};
