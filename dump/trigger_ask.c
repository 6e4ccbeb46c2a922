/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trigger_ask.c - what the verbs of flightrec trigger have in common. */
#include "dump/trigger_ask.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "dump/escape.h"
#include "dump/folder.h"

int trigger_ask_begin(struct trigger_ask *a, const char *verb)
{
	*a = (struct trigger_ask){ .f = NULL };
	a->f = open_memstream(&a->line, &a->len);
	if (!a->f)
		return -ENOMEM;
	fputs(verb, a->f);
	return 0;
}

void trigger_ask_add(struct trigger_ask *a, const char *key, const char *value)
{
	char *escaped = malloc(3 * strlen(value) + 1);

	if (!escaped) {
		fputs(" no-memory", a->f); /* the recorder refuses it */
		return;
	}
	escape_percent(escaped, value);
	fprintf(a->f, " %s=%s", key, escaped);
	free(escaped);
}

static void print_warnings(const struct client_reply *r)
{
	for (unsigned i = 0; i < r->nr; i++)
		if (!strcmp(r->pairs[i].key, "warning"))
			fprintf(stderr, "flightrec: warning: %s\n",
				r->pairs[i].value);
}

int trigger_ask_send(struct trigger_ask *a, const char *folder,
		     unsigned patience_s, struct client_reply *ret)
{
	int code = EXIT_FAILED;

	fputc('\n', a->f);
	if (fclose(a->f))
		fprintf(stderr, "flightrec: out of memory\n");
	else
		code = client_ask(folder, a->line, patience_s, ret);
	free(a->line);
	if (code == EXIT_OK)
		print_warnings(ret);
	return code;
}

static int ask_name(const char *folder, const char *verb, const char *name)
{
	struct client_reply reply;
	struct trigger_ask a;
	int code;

	if (trigger_ask_begin(&a, verb))
		return EXIT_FAILED;
	trigger_ask_add(&a, "name", name);
	code = trigger_ask_send(&a, folder, TRIGGER_PATIENCE_S, &reply);
	if (code == EXIT_OK)
		client_free(&reply);
	return code;
}

int trigger_ask_named(const struct command_ops *c, int argc, char **argv,
		      const char *verb)
{
	static const struct option options[] = {
		{ "run-folder", required_argument, NULL, 'R' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *folder = folder_default_run();
	int opt, code = EXIT_OK;

	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (opt == 'R') {
			folder = optarg;
		} else if (opt == 'h') {
			command_print_help(c);
			return EXIT_OK;
		} else {
			return command_bad_option(c, opt, argv, options);
		}
	}
	if (optind == argc)
		return command_bad_usage(c, "which trigger?");
	for (; optind < argc && code == EXIT_OK; optind++)
		code = ask_name(folder, verb, argv[optind]);
	return code;
}
