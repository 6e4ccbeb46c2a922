/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_trigger.c - flightrec trigger: finds what of it is asked for and runs it.
 *
 * Each is one file: dump/trigger/foo.c defines `const struct command_ops
 * trigger_cmd_foo`, its name "trigger foo"; the Makefile makes the table.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "dump/command.h"
#include "triggers/units.h"

extern const struct command_ops cmd_trigger;
extern const struct command_ops *const trigger_cmd_all[];

#define VERBS_MAX 32

/* "list" of "trigger list" */
static const char *verb(const struct command_ops *c)
{
	return strchr(c->name, ' ') + 1;
}

static void print_verbs(FILE *out)
{
	fprintf(out,
		"usage: flightrec trigger WHAT [options] ...\n\n%s\n\n"
		"WHAT\n",
		cmd_trigger.summary);
	for (unsigned i = 0; trigger_cmd_all[i]; i++)
		fprintf(out, "  %-8s %s\n", verb(trigger_cmd_all[i]),
			trigger_cmd_all[i]->summary);
	fprintf(out, "\n  flightrec trigger WHAT --help says more of each; the "
		     "language of rules is in flightrec-triggers(7).\n");
}

static int unknown(const char *word)
{
	const char *names[VERBS_MAX + 1], *near;
	unsigned nr = 0;

	for (; trigger_cmd_all[nr] && nr < VERBS_MAX; nr++)
		names[nr] = verb(trigger_cmd_all[nr]);
	names[nr] = NULL;
	near = units_nearest(word, names);
	return command_bad_usage(&cmd_trigger, "'%s' is nothing to do%s%s%s",
				 word, near ? "; did you mean '" : "",
				 near ? near : "", near ? "'?" : "");
}

static bool is_help(const char *arg)
{
	return !strcmp(arg, "--help") || !strcmp(arg, "-h");
}

static int run(int argc, char **argv)
{
	if (argc < 2) {
		print_verbs(stderr);
		return EXIT_USAGE;
	}
	if (is_help(argv[1])) {
		print_verbs(stdout);
		return EXIT_OK;
	}
	for (unsigned i = 0; trigger_cmd_all[i]; i++) {
		const struct command_ops *c = trigger_cmd_all[i];

		if (strcmp(argv[1], verb(c)) != 0)
			continue;
		if (argc > 2 && is_help(argv[2])) {
			command_print_help(c);
			return EXIT_OK;
		}
		return c->run(argc - 1, argv + 1);
	}
	return unknown(argv[1]);
}

const struct command_ops cmd_trigger = {
	.name = "trigger",
	.summary = "Lists, changes and tries the rules that freeze the ring.",
	.usage = "WHAT [options] ...",
	.help = "WHAT is one of list, add, remove, enable, disable, fire, test, "
		"suggest;\n"
		"flightrec trigger alone lists them, with a line each.\n\n"
		"EXAMPLES\n"
		"  flightrec trigger list\n"
		"  flightrec trigger list --help\n",
	.run = run,
};
