/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suggest.c - flightrec trigger suggest: rules with limits that suit the machine. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/backtest_open.h"
#include "dump/row_write.h"
#include "dump/suggest.h"
#include "dump/view_open.h"
#include "triggers/units.h"

extern const struct command_ops trigger_cmd_suggest;

static const struct option options[] = {
	{ "min-count", required_argument, NULL, 'c' },
	{ "min-time", required_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static int take_count(const char *text, uint64_t *ret)
{
	double n;

	if (!units_parse_number(text, &n) && n >= 1 && n <= 1e12) {
		*ret = (uint64_t)n;
		return EXIT_OK;
	}
	return command_bad_usage(&trigger_cmd_suggest,
				 "--min-count %s: a number, 1 at least", text);
}

static int take_time(const char *text, uint64_t *ret)
{
	if (!units_parse_time(text, ret))
		return EXIT_OK;
	return command_bad_usage(&trigger_cmd_suggest,
				 "--min-time %s: a time such as 60s", text);
}

/* EXIT_OK, EXIT_USAGE, or -1: help was asked for and given. */
static int parse_options(int argc, char **argv, struct suggestions *s)
{
	int opt, code = EXIT_OK;

	opterr = 0;
	optind = 1;
	while (code == EXIT_OK &&
	       (opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (opt == 'h') {
			command_print_help(&trigger_cmd_suggest);
			return -1;
		}
		if (opt == 'c')
			code = take_count(optarg, &s->min_count);
		else if (opt == 't')
			code = take_time(optarg, &s->min_ns);
		else
			code = command_bad_option(&trigger_cmd_suggest, opt,
						  argv, options);
	}
	return code;
}

/* ---- what the rules would have done ------------------------------------------------- */

static void free_rules(struct fr_trigger_rule *rules, unsigned nr)
{
	for (unsigned i = 0; rules && i < nr; i++)
		rule_clear(&rules[i]);
	free(rules);
}

static struct fr_trigger_rule *make_rules(const struct suggestions *s)
{
	struct fr_trigger_rule *rules = calloc(s->nr + 1, sizeof(*rules));
	struct rule_diag diag;

	for (unsigned i = 0; rules && i < s->nr; i++) {
		rule_init(&rules[i], s->list[i].name);
		if (rule_set(&rules[i], "when", s->list[i].when, &diag)) {
			free_rules(rules, s->nr);
			return NULL;
		}
	}
	return rules;
}

/* NULL: no memory. */
static struct backtest *make_test(const struct suggestions *s,
				  struct backtest_clock *clock)
{
	struct backtest_options o = { .nr = s->nr,
				      .progress = backtest_clock_show,
				      .arg = clock };
	struct fr_trigger_rule *rules = make_rules(s);
	struct backtest *b = NULL;

	o.rules = rules;
	if (rules)
		b = backtest_new(&o);
	free_rules(rules, s->nr);
	return b;
}

/* ---- output ------------------------------------------------------------------------- */

static void print_head(const struct view *v, const struct backtest *b)
{
	char span[32], name[1024];
	uint64_t begin, end;

	printf("# Rules for flightrecd.conf, proposed by flightrec trigger "
	       "suggest from\n");
	for (unsigned i = 0; i < view_nr_files(v); i++) {
		const char *path = view_file_path(v, i);

		row_print_bytes(name, sizeof(name), path, strlen(path));
		printf("#   %s\n", name);
	}
	printf("# A limit of a latency is %d times the p99.9 that was seen, but "
	       "not below 1ms;\n"
	       "# limits of values lie beyond all that was seen.\n",
	       SUGGEST_FACTOR);
	if (!b)
		return;
	backtest_span(b, &begin, &end);
	printf("# \"Here\" is what would have come of them %s%s.\n",
	       begin ? "in the last " : "since the recorder began",
	       begin ? units_human_time(span, end - begin) : "");
}

static void print_one(const struct suggestion *s, const struct backtest_rule *r)
{
	printf("\n[trigger \"%s\"]\n# %s\n", s->name, s->seen);
	printf("# here: hits %" PRIu64 ", fired %" PRIu64 "%s\n",
	       r->counts.hits, r->counts.fired,
	       r->nr_reasons ? ", at least" : "");
	for (unsigned i = 0; i < r->nr_reasons; i++)
		printf("#   undecidable: %s\n", r->reasons[i]);
	printf("when = %s\n", s->when);
}

static void print_notes(const struct suggestions *s)
{
	if (s->nr_notes)
		printf("\n# Nothing is proposed for\n");
	for (unsigned i = 0; i < s->nr_notes; i++)
		printf("#   %s\n", s->notes[i]);
}

static int finish(const struct suggestions *s, int code)
{
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "flightrec: output: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	if (s->nr)
		return code;
	fprintf(stderr, "flightrec: too little data to propose anything; "
			"--min-count and --min-time say what is enough\n");
	return code == EXIT_OK ? EXIT_EMPTY : code;
}

/* ---- the command ---------------------------------------------------------------------- */

/* Opens the files once more, with the streams that the rules need. */
static int test_and_print(const struct suggestions *s, int argc, char **argv)
{
	struct backtest_clock clock;
	struct backtest *b = make_test(s, &clock);
	struct snap_diag diag = { "" };
	struct backtest_rule r;
	struct view *v = NULL;
	int err = b ? 0 : -ENOMEM, code = EXIT_OK;

	if (b)
		code = backtest_open(&trigger_cmd_suggest, argc, argv,
				     backtest_streams(b), &v);
	if (v) {
		backtest_clock_start(&clock);
		err = backtest_run(b, v, NULL, &diag);
		backtest_clock_end(&clock);
	}
	if (v && !err) {
		print_head(v, b);
		for (unsigned i = 0; i < s->nr; i++) {
			backtest_rule(b, i, &r);
			print_one(&s->list[i], &r);
		}
		print_notes(s);
	}
	backtest_free(b);
	view_free(v);
	if (err)
		fprintf(stderr, "flightrec: %s\n", strerror(-err));
	return err ? EXIT_FAILED : code;
}

static int suggest(struct suggestions *s, int argc, char **argv)
{
	struct view *v = NULL;
	int code = backtest_open(&trigger_cmd_suggest, argc, argv,
				 suggest_streams, &v);
	int r;

	if (!v)
		return code;
	r = suggest_operations(v, s);
	if (!r)
		r = suggest_metrics(v, s);
	if (!r && !s->nr) {
		print_head(v, NULL);
		print_notes(s);
	}
	code = view_close(v, code);
	if (r) {
		fprintf(stderr, "flightrec: %s\n", strerror(-r));
		return EXIT_FAILED;
	}
	r = s->nr ? test_and_print(s, argc, argv) : code;
	return finish(s, code == EXIT_OK ? r : code);
}

static int run(int argc, char **argv)
{
	struct suggestions *s = calloc(1, sizeof(*s));
	int code;

	if (!s)
		return EXIT_FAILED;
	s->min_count = SUGGEST_COUNT;
	s->min_ns = SUGGEST_TIME_NS;
	code = parse_options(argc, argv, s);
	if (code == EXIT_OK)
		code = suggest(s, argc - optind, argv + optind);
	free(s);
	return code < 0 ? EXIT_OK : code;
}

const struct command_ops trigger_cmd_suggest = {
	.name = "trigger suggest",
	.summary = "Proposes rules with limits from what snapshots hold.",
	.usage = "[options] [FILE...]",
	.help = "Prints sections for flightrecd.conf: for operations on block devices and their\n"
		"file systems, for memory, load, paging and pressure.  Comments say what was seen\n"
		"and how often each rule would have fired on it.  Histograms count all since the\n"
		"recorder began.  Without a FILE the newest snapshot of\n"
		"/var/lib/flightrec/snapshots is taken.\n\n"
		"OPTIONS\n"
		"  --min-count N       propose nothing on fewer operations (1000)\n"
		"  --min-time TIME     propose nothing on samples of less time (60s)\n\n"
		"Exit status: 5 if there is too little data to propose anything.\n\n"
		"EXAMPLES\n"
		"  flightrec trigger suggest\n"
		"  flightrec trigger suggest a.frs b.frs > rules.conf\n"
		"  flightrec trigger test rules.conf c.frs\n",
	.run = run,
};
