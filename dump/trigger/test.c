/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test.c - flightrec trigger test: when rules would have fired on snapshots. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/backtest_open.h"
#include "dump/backtest_print.h"
#include "dump/view_open.h"
#include "recorder/config.h"
#include "triggers/units.h"

#define DUMP_MAX_NS 3600000000000ULL

extern const struct command_ops trigger_cmd_test;

struct test {
	struct fr_config *config; /* the rules */
	struct view_filter span;
	struct backtest_options o;
	enum backtest_format format;
	bool all;
	unsigned nr_given; /* --when */
};

static const struct option options[] = {
	{ "when", required_argument, NULL, 'w' },
	{ "begin", required_argument, NULL, 'b' },
	{ "end", required_argument, NULL, 'e' },
	{ "dump-time", required_argument, NULL, 'd' },
	{ "all", no_argument, NULL, 'a' },
	{ "output-format", required_argument, NULL, 'O' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* ---- rules ------------------------------------------------------------------------ */

static int take_when(struct test *t, const char *text)
{
	char name[32], caret[256];
	struct rule_diag d;
	int r;

	snprintf(name, sizeof(name), "when-%u", ++t->nr_given);
	r = config_assign(t->config, true, name, "when", text, &d);
	if (!r)
		return EXIT_OK;
	if (r == -ENOMEM)
		return EXIT_FAILED;
	fprintf(stderr, "flightrec: --when: %s\n%s\n", d.text,
		rule_format_caret(caret, sizeof(caret), text, d.at));
	return EXIT_USAGE;
}

static int read_rules(struct test *t, const char *path)
{
	struct fr_diag diag = { "" };
	int r = config_read_file(t->config, path, &diag);

	if (!r && !t->config->nr_rules)
		return command_bad_usage(
			&trigger_cmd_test,
			"%s holds no section [trigger \"NAME\"]", path);
	if (!r)
		return EXIT_OK;
	fprintf(stderr, "flightrec: %s%s%s\n", *diag.text ? diag.text : path,
		*diag.text ? "" : ": ", *diag.text ? "" : strerror(-r));
	return r == -EINVAL ? EXIT_USAGE : view_open_exit(r);
}

/* A section of a name alone, without a rule. */
static int check_rules(const struct test *t)
{
	for (unsigned i = 0; i < t->config->nr_rules; i++)
		if (!t->config->rules[i].when)
			return command_bad_usage(&trigger_cmd_test,
						 "trigger %s has no `when`",
						 t->config->rules[i].name);
	if (t->config->nr_rules > RULES_MAX)
		return command_bad_usage(&trigger_cmd_test,
					 "%u rules; at most %d",
					 t->config->nr_rules, RULES_MAX);
	return EXIT_OK;
}

/* ---- options ---------------------------------------------------------------------- */

static int take_format(struct test *t, const char *text)
{
	if (!strcmp(text, "text"))
		t->format = BACKTEST_TEXT;
	else if (!strcmp(text, "csv"))
		t->format = BACKTEST_CSV;
	else if (!strcmp(text, "jsonl"))
		t->format = BACKTEST_JSONL;
	else
		return command_bad_usage(&trigger_cmd_test,
					 "-O %s: text, csv or jsonl", text);
	return EXIT_OK;
}

static int take_dump_time(struct test *t, const char *text)
{
	if (!units_parse_time(text, &t->o.dump_ns) && t->o.dump_ns &&
	    t->o.dump_ns <= DUMP_MAX_NS)
		return EXIT_OK;
	return command_bad_usage(&trigger_cmd_test,
				 "--dump-time %s: a time such as 200ms, at "
				 "most 1h",
				 text);
}

/* EXIT_OK, another exit code, or -1: help was asked for and given. */
static int parse_options(int argc, char **argv, struct test *t)
{
	int opt, code = EXIT_OK;

	opterr = 0;
	optind = 1;
	while (code == EXIT_OK &&
	       (opt = getopt_long(argc, argv, ":O:h", options, NULL)) != -1) {
		switch (opt) {
		case 'w':
			code = take_when(t, optarg);
			break;
		case 'b':
			t->span.begin = optarg;
			break;
		case 'e':
			t->span.end = optarg;
			break;
		case 'd':
			code = take_dump_time(t, optarg);
			break;
		case 'a':
			t->all = true;
			break;
		case 'O':
			code = take_format(t, optarg);
			break;
		case 'h':
			command_print_help(&trigger_cmd_test);
			return -1;
		default:
			return command_bad_option(&trigger_cmd_test, opt, argv,
						  options);
		}
	}
	return code;
}

/* ---- the test --------------------------------------------------------------------- */

/* Something is left open: EXIT_INCOMPLETE. */
static int outcome(const struct backtest *b)
{
	struct backtest_rule r;

	for (unsigned i = 0; i < backtest_nr_rules(b); i++) {
		backtest_rule(b, i, &r);
		if (r.nr_reasons)
			return EXIT_INCOMPLETE;
	}
	return EXIT_OK;
}

static int run_test(struct test *t, struct backtest *b, struct view *v,
		    int code)
{
	struct backtest_clock *clock = t->o.arg;
	struct snap_diag diag = { "" };
	int r;

	backtest_clock_start(clock);
	r = backtest_run(b, v, &t->span, &diag);
	backtest_clock_end(clock);
	if (r == -EINVAL)
		return command_bad_usage(&trigger_cmd_test, "%s", diag.text);
	if (!r)
		r = backtest_print(b, v, t->format, t->all);
	if (r) {
		fprintf(stderr, "flightrec: %s\n", strerror(-r));
		return EXIT_FAILED;
	}
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "flightrec: output: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	return code == EXIT_OK ? outcome(b) : code;
}

static int test_files(struct test *t, int argc, char **argv)
{
	struct backtest_clock clock;
	struct backtest *b;
	struct view *v = NULL;
	int code;

	t->o.rules = t->config->rules;
	t->o.nr = t->config->nr_rules;
	t->o.progress = backtest_clock_show;
	t->o.arg = &clock;
	b = backtest_new(&t->o);
	if (!b) {
		fprintf(stderr, "flightrec: %s\n", strerror(ENOMEM));
		return EXIT_FAILED;
	}
	code = backtest_open(&trigger_cmd_test, argc, argv, backtest_streams(b),
			     &v);
	if (v)
		code = run_test(t, b, v, code);
	backtest_free(b);
	return v ? view_close(v, code) : code;
}

static int run_with(struct test *t, int argc, char **argv)
{
	int code = parse_options(argc, argv, t);

	if (code != EXIT_OK)
		return code < 0 ? EXIT_OK : code;
	if (!t->nr_given && optind == argc)
		return command_bad_usage(
			&trigger_cmd_test,
			"name a file of rules, or give --when");
	if (!t->nr_given)
		code = read_rules(t, argv[optind++]);
	if (code == EXIT_OK)
		code = check_rules(t);
	return code == EXIT_OK ? test_files(t, argc - optind, argv + optind) :
				 code;
}

static int run(int argc, char **argv)
{
	struct test t = { .config = config_new() };
	int code = t.config ? run_with(&t, argc, argv) : EXIT_FAILED;

	config_free(t.config);
	return code;
}

const struct command_ops trigger_cmd_test = {
	.name = "trigger test",
	.summary = "Says when rules would have fired on what snapshots hold.",
	.usage =
		"[options] RULES [FILE...]\n"
		"       flightrec trigger test [options] --when TEXT [FILE...]",
	.help = "RULES is a file with sections [trigger \"name\"], such as the recorder's own.\n"
		"Several files are merged.  Without a FILE the newest snapshot of\n"
		"/var/lib/flightrec/snapshots is taken.\n\n"
		"Says of each rule how often it would have been hit and have fired, with tail,\n"
		"cooldown and the other rules; what came nearest to a rule that did not fire; and\n"
		"what the snapshots leave undecidable.\n\n"
		"OPTIONS\n"
		"  --when TEXT         this rule instead of a file; may be given again\n"
		"  --begin TIME, --end TIME\n"
		"                      test this span only: 13:05, @EPOCH, -10s, +5s from the\n"
		"                      trigger on\n"
		"  --dump-time TIME    how long a snapshot takes that was not really taken\n"
		"                      (else as those that were, or 50ms)\n"
		"  --all               list every hit, not only those that fired\n"
		"  -O, --output-format text|csv|jsonl\n\n"
		"Exit status: 0 all decided, 4 something is undecidable.\n\n"
		"EXAMPLES\n"
		"  flightrec trigger test rules.conf a.frs b.frs\n"
		"  flightrec trigger test --when 'fs.fsync latency > 50ms' a.frs\n"
		"  flightrec trigger test --when 'meminfo.Dirty > 20% for 5s' --begin -5m a.frs\n"
		"  flightrec trigger test -O csv --all rules.conf a.frs > hits.csv\n",
	.run = run,
};
