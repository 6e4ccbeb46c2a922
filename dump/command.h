/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command.h - contract of the sub-commands of `flightrec`.
 *
 * dump/cmd_<name>.c defines `const struct command_ops cmd_<name>`, last in the
 * file; the Makefile makes the table of all of them from the file names.
 */
#ifndef DUMP_COMMAND_H
#define DUMP_COMMAND_H

/* Exit codes of flightrec; scripts rely on them. */
enum command_exit {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NO_DAEMON = 3,
	EXIT_INCOMPLETE = 4, /* done, but something was left out */
	EXIT_EMPTY = 5,      /* nothing in range */
	EXIT_PERMISSION = 6,
	EXIT_CORRUPT =
		7, /* damaged or not a snapshot; what is intact was shown */
};

struct command_ops {
	const char *name;    /* as typed */
	const char *summary; /* one line, for the list of commands */
	const char *usage;   /* what follows the name: "[options] FILE..." */
	const char *help;    /* options, then a section "EXAMPLES" */
	/* argv[0] is the name of the command.  Returns the exit code. */
	int (*run)(int argc, char **argv);
};

extern const struct command_ops *const cmd_all[]; /* NULL-terminated */

/* Usage, summary and help, on standard output. */
void command_print_help(const struct command_ops *c);

/* One line on standard error that ends with a hint at --help.  EXIT_USAGE. */
int command_bad_usage(const struct command_ops *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * For the default branch of a getopt_long() loop (opterr = 0): says what was
 * wrong with argv[optind - 1], with the nearest of ${longopts}.  Returns
 * EXIT_USAGE.  ${longopts}: struct option array, zero-terminated.
 */
struct option;
int command_bad_option(const struct command_ops *c, int opt, char **argv,
		       const struct option *longopts);

#endif
