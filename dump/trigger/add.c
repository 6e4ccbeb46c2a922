/* SPDX-License-Identifier: GPL-2.0-or-later */
/* add.c - flightrec trigger add: a rule for the running recorder. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dump/folder.h"
#include "dump/trigger_ask.h"
#include "recorder/config.h"
#include "triggers/detector.h"

#define FIRST_KEY 256 /* of the options that are keys of rules */
#define KEYS_MAX  32
/* How long a rule on sampled values is watched for being true at once. */
#define LOOKS     15
#define LOOK_NS   100000000L

extern const struct command_ops trigger_cmd_add;

static const struct option plain[] = {
	{ "disabled", no_argument, NULL, 'd' },
	{ "replace", no_argument, NULL, 'f' },
	{ "save", no_argument, NULL, 's' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "run-folder", required_argument, NULL, 'R' },
	{ "help", no_argument, NULL, 'h' },
};
#define NR_PLAIN (sizeof(plain) / sizeof(plain[0]))

struct add {
	struct option options[NR_PLAIN + KEYS_MAX + 1];
	struct fr_config *rules; /* holds the one rule */
	const char *folder, *name;
	bool replace, save, quiet;
	const char *values[KEYS_MAX]; /* as in rule_keys[]; NULL: not given */
	char *when;
};

/* The plain ones, and a --KEY for each key of rules but `when`. */
static void make_options(struct option *to)
{
	unsigned n = 0;

	memcpy(to, plain, sizeof(plain));
	n = NR_PLAIN;
	for (unsigned i = 0; rule_keys[i].name && i < KEYS_MAX; i++)
		if (strcmp(rule_keys[i].name, "when") != 0)
			to[n++] = (struct option){ rule_keys[i].name,
						   required_argument, NULL,
						   (int)(FIRST_KEY + i) };
}

static void set_key(struct add *a, const char *key, const char *value)
{
	for (unsigned i = 0; rule_keys[i].name && i < KEYS_MAX; i++)
		if (!strcmp(rule_keys[i].name, key))
			a->values[i] = value;
}

/* The words from ${argv} on, with blanks between them; NULL: no memory. */
static char *join(char **argv, int nr)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	for (int i = 0; f && i < nr; i++)
		fprintf(f, "%s%s", i ? " " : "", argv[i]);
	if (f && !fclose(f))
		return text;
	free(text);
	return NULL;
}

static int take_option(struct add *a, int opt, char **argv)
{
	switch (opt) {
	case 'd':
		set_key(a, "enabled", "no");
		return EXIT_OK;
	case 'f':
		a->replace = true;
		return EXIT_OK;
	case 's':
		a->save = true;
		return EXIT_OK;
	case 'q':
		a->quiet = true;
		return EXIT_OK;
	case 'R':
		a->folder = optarg;
		return EXIT_OK;
	case 'h':
		command_print_help(&trigger_cmd_add);
		return -1;
	default:
		if (opt < FIRST_KEY)
			return command_bad_option(&trigger_cmd_add, opt, argv,
						  a->options);
		a->values[opt - FIRST_KEY] = optarg;
		return EXIT_OK;
	}
}

static int parse_options(struct add *a, int argc, char **argv)
{
	int opt, code = EXIT_OK;

	opterr = 0;
	optind = 1;
	while (code == EXIT_OK &&
	       (opt = getopt_long(argc, argv, ":sqh", a->options, NULL)) != -1)
		code = take_option(a, opt, argv);
	if (code != EXIT_OK)
		return code;
	if (argc - optind < 2)
		return command_bad_usage(
			&trigger_cmd_add,
			optind == argc ? "a name and a rule are missing" :
					 "the rule is missing");
	a->name = argv[optind];
	a->when = join(argv + optind + 1, argc - optind - 1);
	set_key(a, "when", a->when);
	return a->when ? EXIT_OK : EXIT_FAILED;
}

/* ---- the rule, as the recorder will read it ------------------------------------ */

/* As of a file, with the key in place of its name and lines. */
static void print_error(const char *key, const char *value,
			const struct rule_diag *d)
{
	char caret[256];

	if (strcmp(key, "when") != 0)
		fprintf(stderr, "flightrec: %s\n", d->text);
	else if (!*value || strlen(value) > RULE_TEXT_MAX)
		fprintf(stderr, "flightrec: when:1:%u: %s\n", d->at + 1,
			d->text);
	else
		fprintf(stderr, "flightrec: when:1:%u: %s\n%s\n", d->at + 1,
			d->text,
			rule_format_caret(caret, sizeof(caret), value, d->at));
}

static int parse_rule(struct add *a)
{
	struct rule_diag d = { .at = 0 };
	int err;

	if (rule_check_name(a->name, &d)) {
		print_error("name", a->name, &d);
		return EXIT_USAGE;
	}
	a->rules = config_new();
	if (!a->rules)
		return EXIT_FAILED;
	for (unsigned i = 0; rule_keys[i].name && i < KEYS_MAX; i++) {
		if (!a->values[i])
			continue;
		err = config_assign(a->rules, true, a->name, rule_keys[i].name,
				    a->values[i], &d);
		if (!err)
			continue;
		if (err == -EINVAL)
			print_error(rule_keys[i].name, a->values[i], &d);
		return err == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	}
	return EXIT_OK;
}

/* ---- the recorder ---------------------------------------------------------------- */

/* Does some condition hold for a time, and not happen at an instant? */
static bool has_level(const struct fr_trigger_rule *r)
{
	for (unsigned i = 0; i < r->expr.nr_conds; i++)
		if (!r->expr.conds[i].ops->fill_slot)
			return true;
	return false;
}

/* True if the recorder says something new of it. */
static bool print_note(const struct add *a, const char *known)
{
	struct client_reply reply;
	char key[RULE_NAME_MAX + 16], why[CLIENT_WHY];
	const char *note;
	bool is_new;

	snprintf(key, sizeof(key), "trigger.%s.note", a->name);
	if (client_try(a->folder, "triggers\n", TRIGGER_PATIENCE_S, &reply,
		       why) != EXIT_OK)
		return true;
	note = client_value(&reply, key);
	is_new = note && strcmp(note, known ? known : "");
	if (is_new)
		fprintf(stderr, "flightrec: warning: %s\n", note);
	client_free(&reply);
	return is_new;
}

static void watch_first_look(const struct add *a, const char *known)
{
	const struct timespec look = { .tv_nsec = LOOK_NS };

	if (a->quiet || !a->rules->rules[0].enabled ||
	    !has_level(&a->rules->rules[0]))
		return;
	for (unsigned i = 0; i < LOOKS && !print_note(a, known); i++)
		nanosleep(&look, NULL);
}

static int ask(const struct add *a)
{
	struct client_reply reply;
	struct trigger_ask line;
	int code;

	if (trigger_ask_begin(&line, "trigger-add"))
		return EXIT_FAILED;
	trigger_ask_add(&line, "name", a->name);
	if (a->replace)
		trigger_ask_add(&line, "replace", "yes");
	for (unsigned i = 0; rule_keys[i].name && i < KEYS_MAX; i++)
		if (a->values[i])
			trigger_ask_add(&line, rule_keys[i].name, a->values[i]);
	code = trigger_ask_send(&line, a->folder, TRIGGER_PATIENCE_S, &reply);
	if (code != EXIT_OK)
		return code;
	if (a->save)
		code = trigger_save(client_value(&reply, "config"),
				    &a->rules->rules[0]);
	watch_first_look(a, client_value(&reply, "warning"));
	client_free(&reply);
	return code;
}

static int run(int argc, char **argv)
{
	struct add a = { .folder = folder_default_run() };
	int code;

	make_options(a.options);
	code = parse_options(&a, argc, argv);
	if (code == EXIT_OK)
		code = parse_rule(&a);
	if (code == EXIT_OK)
		code = ask(&a);
	config_free(a.rules);
	free(a.when);
	return code < 0 ? EXIT_OK : code;
}

const struct command_ops trigger_cmd_add = {
	.name = "trigger add",
	.summary = "Gives the running recorder another trigger.",
	.usage =
		"NAME RULE... [--tail TIME] [--cooldown TIME] [--disabled] [--save]",
	.help = "RULE is what a file says behind `when =`, see flightrec-triggers(7); words are put\n"
		"together with blanks.  Nothing that is recorded is lost.  The trigger stays until\n"
		"the recorder ends, also when files are read again, unless they have one of that\n"
		"name then.\n\n"
		"OPTIONS\n"
		"  --KEY VALUE       any key of [trigger] sections: --tail, --cooldown, ...\n"
		"  --disabled        short for --enabled no: hits are only counted\n"
		"  --replace         in place of one that has the name\n"
		"  -s, --save        also write conf.d/trigger-NAME.conf beside the recorder's\n"
		"                    configuration, so that it is there after the next start\n"
		"  -q, --quiet       do not wait for a moment to see whether it is true at once\n"
		"  --run-folder DIR  where the recorder's socket is (/run/flightrec)\n\n"
		"EXAMPLES\n"
		"  flightrec trigger add slow-fsync 'fs.fsync latency > 200ms' --tail 2s\n"
		"  flightrec trigger add hung-disk 'block inflight > 2s' --save\n"
		"  flightrec trigger add eio 'fs.* error EIO' --replace --cooldown 10m\n",
	.run = run,
};
