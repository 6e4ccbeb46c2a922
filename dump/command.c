/* SPDX-License-Identifier: GPL-2.0-or-later */
/* command.c - what every sub-command says in the same way. */
#include "dump/command.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "triggers/units.h"

#define OPTIONS_MAX 64

void command_print_help(const struct command_ops *c)
{
	printf("usage: flightrec %s %s\n\n%s\n\n%s", c->name, c->usage,
	       c->summary, c->help);
}

int command_bad_usage(const struct command_ops *c, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "flightrec %s: ", c->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "; see flightrec %s --help\n", c->name);
	return EXIT_USAGE;
}

static const char *nearest_option(const char *word,
				  const struct option *longopts)
{
	const char *names[OPTIONS_MAX + 1];
	char plain[64];
	unsigned nr = 0;

	snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(word, "="), word);
	for (; longopts[nr].name && nr < OPTIONS_MAX; nr++)
		names[nr] = longopts[nr].name;
	names[nr] = NULL;
	return units_nearest(plain, names);
}

int command_bad_option(const struct command_ops *c, int opt, char **argv,
		       const struct option *longopts)
{
	const char *word = argv[optind - 1];
	const char *near;

	if (opt == ':')
		return command_bad_usage(c, "option %s needs a value", word);
	if (strncmp(word, "--", 2))
		return command_bad_usage(c, "unknown option -%c", optopt);
	if (optopt)
		return command_bad_usage(c, "option %s takes no value", word);
	near = nearest_option(word + 2, longopts);
	if (near)
		return command_bad_usage(
			c, "unknown option %s; the nearest is --%s", word,
			near);
	return command_bad_usage(c, "unknown option %s", word);
}
