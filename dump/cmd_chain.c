/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_chain.c - flightrec chain: operations, and the block requests below them. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "dump/chain.h"
#include "dump/command.h"
#include "dump/view_open.h"

extern const struct command_ops cmd_chain;

#define SLOWEST_DEFAULT 3
#define SLOWEST_MAX     1000

struct chain_choice {
	struct view_filter filter; /* which operations */
	size_t slowest;            /* so many */
	bool json, one;            /* one: by lane, cpu and seq */
	char lane[16];
	uint64_t cpu, seq;
};

static const struct option options[] = {
	FILTER_LONG,
	{ "slowest", required_argument, NULL, 'S' },
	{ "seq", required_argument, NULL, 's' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static bool parse_number(const char *text, uint64_t *ret, char until)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return !errno && end > text && *text >= '0' && *text <= '9' &&
	       *end == until;
}

/* "fs:1:123456" */
static bool parse_seq(const char *text, struct chain_choice *o)
{
	size_t len = strcspn(text, ":");
	const char *seq;

	if (!len || len >= sizeof(o->lane) || !text[len])
		return false;
	memcpy(o->lane, text, len);
	seq = strchr(text + len + 1, ':');
	o->one = true;
	return seq && parse_number(text + len + 1, &o->cpu, ':') &&
	       parse_number(seq + 1, &o->seq, 0);
}

static int take_option(struct chain_choice *o, int opt, char **argv)
{
	uint64_t number;
	const char *what;
	int r;

	if (opt == 'S' || opt == 'n') {
		if (!parse_number(optarg, &number, 0) || !number ||
		    number > SLOWEST_MAX)
			return command_bad_usage(
				&cmd_chain, "'%s' is not a number from 1 to %d",
				optarg, SLOWEST_MAX);
		o->slowest = (size_t)number;
		return EXIT_OK;
	}
	if (opt == 's')
		return parse_seq(optarg, o) ?
			       EXIT_OK :
			       command_bad_usage(
				       &cmd_chain,
				       "'%s' is not LANE:CPU:SEQ, as in fs:0:4711",
				       optarg);
	r = view_filter_option(&o->filter, opt, optarg, &what);
	if (!r)
		return command_bad_option(&cmd_chain, opt, argv, options);
	if (r < 0)
		return command_bad_usage(&cmd_chain, "'%s' is not %s", optarg,
					 what);
	return EXIT_OK;
}

/* EXIT_OK, EXIT_USAGE, or -1: help was asked for and given. */
static int parse_options(int argc, char **argv, struct chain_choice *o)
{
	int opt, r = EXIT_OK;

	opterr = 0;
	optind = 1;
	while (r == EXIT_OK && (opt = getopt_long(argc, argv, ":h" FILTER_SHORT,
						  options, NULL)) != -1) {
		if (opt == 'h') {
			command_print_help(&cmd_chain);
			return -1;
		}
		if (opt == 'j')
			o->json = true;
		else
			r = take_option(o, opt, argv);
	}
	return r;
}

/* ---- which operations ------------------------------------------------------------- */
struct slowest {
	struct chain_op *ops;
	size_t nr, size;
};

static void keep_slowest(struct slowest *s, const struct chain_op *op)
{
	uint64_t dur = op->end - op->ts;
	size_t i = s->nr;

	if (i == s->size && dur <= s->ops[i - 1].end - s->ops[i - 1].ts)
		return;
	if (i == s->size)
		i--;
	else
		s->nr++;
	for (; i && s->ops[i - 1].end - s->ops[i - 1].ts < dur; i--)
		s->ops[i] = s->ops[i - 1];
	s->ops[i] = *op;
}

static bool is_the_one(const struct chain_choice *o, struct view_cursor *c)
{
	uint64_t cpu = 0, seq = 0;
	char lane[16];

	return view_get_u64(c, VIEW_SEQ, &seq) && seq == o->seq &&
	       view_get_u64(c, VIEW_CPU, &cpu) && cpu == o->cpu &&
	       view_get_text(c, VIEW_LANE, lane, sizeof(lane)) &&
	       !strcmp(lane, o->lane);
}

/* Operations that wait for another program are not asked about, unless chosen. */
static bool is_wanted(const struct chain_choice *o, struct view_cursor *c)
{
	if (o->one)
		return is_the_one(o, c);
	return view_filter_match(&o->filter, c) && !view_row_peer(c);
}

static void choose(const struct chain_choice *o, struct chain *ch,
		   struct slowest *ret)
{
	size_t rows = view_nr_rows(ch->v);
	struct chain_op op;

	for (size_t i = 0; i < rows; i++) {
		view_seek(ch->c, i);
		if (view_row_stream(ch->c) != ch->block &&
		    is_wanted(o, ch->c) && chain_get_op(ch, ch->c, i, &op))
			keep_slowest(ret, &op);
	}
}

/* ---- output ----------------------------------------------------------------------- */
static int print_all(const struct chain_choice *o, struct chain *ch,
		     const struct slowest *s)
{
	int err = 0;

	if (o->json)
		fputs("{\"operations\": [", stdout);
	for (size_t i = 0; i < s->nr && !err; i++) {
		struct chain_links l;

		err = chain_follow(ch, &s->ops[i], &l);
		if (!err && o->json) {
			fputs(i ? ",\n" : "\n", stdout);
			chain_print_json(ch, &s->ops[i], &l);
		} else if (!err) {
			fputs(i ? "\n" : "", stdout);
			chain_print_text(ch, &s->ops[i], &l);
		}
		free(l.links);
	}
	if (o->json)
		fputs("]}\n", stdout);
	return err;
}

static int follow(const struct chain_choice *o, struct view *v, int code)
{
	struct slowest s = { .size = o->one ? 1 : o->slowest };
	struct chain ch;
	int err = chain_init(&ch, v);

	s.ops = calloc(s.size, sizeof(*s.ops));
	if (!s.ops)
		err = -ENOMEM;
	if (!err) {
		choose(o, &ch, &s);
		err = print_all(o, &ch, &s);
	}
	if (!err && (fflush(stdout) || ferror(stdout)))
		err = -errno;
	chain_free(&ch);
	free(s.ops);
	if (err) {
		fprintf(stderr, "flightrec: %s\n", strerror(-err));
		return EXIT_FAILED;
	}
	if (s.nr)
		return code;
	fprintf(stderr,
		"flightrec: no operation matches; flightrec show lists them\n");
	return code == EXIT_OK ? EXIT_EMPTY : code;
}

/* All block requests are needed, whatever operations are asked for. */
static void loaded_rows(const struct chain_choice *o, struct view_filter *ret)
{
	static const char *const all[] = { "fs", "uring", "fault" };

	*ret = (struct view_filter){ .begin = o->filter.begin,
				     .end = o->filter.end };
	ret->streams = o->filter.streams;
	if (!ret->streams.nr)
		for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
			ret->streams.words[ret->streams.nr++] = all[i];
	if (ret->streams.nr < FILTER_WORDS_MAX)
		ret->streams.words[ret->streams.nr++] = "block";
}

static int run(int argc, char **argv)
{
	struct chain_choice o = { .slowest = SLOWEST_DEFAULT };
	struct view_filter load;
	struct view *v = NULL;
	int code = parse_options(argc, argv, &o);

	if (code == EXIT_OK) {
		loaded_rows(&o, &load);
		code = view_open(argc - optind, argv + optind, &load, &v);
		if (v)
			code = view_close(v, follow(&o, v, code));
	}
	view_filter_free(&o.filter);
	return code < 0 ? EXIT_OK : code;
}

const struct command_ops cmd_chain = {
	.name = "chain",
	.summary =
		"Follows operations to the block requests that they waited for.",
	.usage = "[options] [FILE...]",
	.help = "For the slowest operations on files (fs, uring, fault): the block requests\n"
		"under way meanwhile that their thread submitted, that carry data of their file,\n"
		"and, of fsync and sync, the journal's and the flushes of the device; with times\n"
		"from the operation's start, in the queue and at the device, who submitted them,\n"
		"who dirtied the data last, and how many files a request merges.  Then the part\n"
		"of the time that no request explains.  Without a FILE the newest snapshot of\n"
		"/var/lib/flightrec/snapshots is read.\n\n"
		"OPTIONS\n"
		"  --slowest N         so many operations, slowest first (3); -n is the same\n"
		"  --seq LANE:CPU:SEQ  this one; columns lane, cpu and seq of flightrec show\n"
		"  --json              one JSON object; times in ns\n" FILTER_HELP
		"\n"
		"EXAMPLES\n"
		"  flightrec chain --op fsync a.frs\n"
		"  flightrec chain --op fsync --slowest 1 --path '/var/lib/*' a.frs\n"
		"  flightrec chain --seq fs:1:25344 --json a.frs\n",
	.run = run,
};
