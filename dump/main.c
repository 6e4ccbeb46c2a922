/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - flightrec: finds the sub-command and runs it. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "dump/command.h"
#include "triggers/units.h"

#define COMMANDS_MAX 64

static void print_commands(FILE *out)
{
	fprintf(out, "usage: flightrec COMMAND [options] [FILE...]\n\n"
		     "Records, freezes and reads what a machine's I/O did.\n\n"
		     "COMMANDS\n");
	for (unsigned i = 0; cmd_all[i]; i++)
		fprintf(out, "  %-9s %s\n", cmd_all[i]->name,
			cmd_all[i]->summary);
}

static int print_help(void)
{
	print_commands(stdout);
	printf("\n  flightrec COMMAND --help says more of each.\n\n"
	       "EXIT STATUS\n"
	       "  0 done  1 failed  2 usage  3 no daemon  4 done, but incomplete\n"
	       "  5 nothing in range  6 no permission  7 damaged file\n\n"
	       "EXAMPLES\n"
	       "  sudo flightrec record -- make     record one command, no daemon\n"
	       "  flightrec status                  how the daemon does\n"
	       "  flightrec dump                    a snapshot, now\n"
	       "  flightrec report | less           what happened, by the newest snapshot\n"
	       "  flightrec list                    which snapshots there are\n"
	       "  flightrec show --min-latency 20ms --begin -10s NAME.frs\n");
	return EXIT_OK;
}

static const struct command_ops *find_command(const char *name)
{
	for (unsigned i = 0; cmd_all[i]; i++)
		if (!strcmp(cmd_all[i]->name, name))
			return cmd_all[i];
	return NULL;
}

static int unknown_command(const char *name)
{
	const char *names[COMMANDS_MAX + 1];
	const char *near;
	unsigned nr = 0;

	for (; cmd_all[nr] && nr < COMMANDS_MAX; nr++)
		names[nr] = cmd_all[nr]->name;
	names[nr] = NULL;
	near = units_nearest(name, names);
	fprintf(stderr, "flightrec: there is no command '%s'; ", name);
	if (near)
		fprintf(stderr, "did you mean '%s'?\n", near);
	else
		fprintf(stderr, "flightrec --help lists them\n");
	return EXIT_USAGE;
}

static int is_help(const char *arg)
{
	return !strcmp(arg, "--help") || !strcmp(arg, "-h");
}

static int run(int argc, char **argv)
{
	const struct command_ops *c;

	if (argc < 2) {
		print_commands(stderr);
		return EXIT_USAGE;
	}
	if (is_help(argv[1]) || (!strcmp(argv[1], "help") && argc == 2))
		return print_help();
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("flightrec %s\n", FLIGHTREC_VERSION);
		return EXIT_OK;
	}
	if (!strcmp(argv[1], "help")) {
		argv++;
		argc = 2;
	}
	c = find_command(argv[1]);
	if (!c)
		return unknown_command(argv[1]);
	if (!strcmp(argv[0], "help") || (argc > 2 && is_help(argv[2]))) {
		command_print_help(c);
		return EXIT_OK;
	}
	return c->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int code;

	setlocale(LC_CTYPE, ""); /* only to know whether it is UTF-8 */
	code = run(argc, argv);
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	if (code != EXIT_FAILED) /* else it has been said */
		fprintf(stderr,
			"flightrec: standard output could not be written\n");
	return code ? code : EXIT_FAILED;
}
