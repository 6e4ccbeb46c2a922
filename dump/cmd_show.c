/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_show.c - flightrec show: the rows of snapshots. */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "dump/command.h"
#include "dump/metric_missing.h"
#include "dump/row_write.h"
#include "dump/view_open.h"

extern const struct command_ops cmd_show;

struct show {
	struct view_filter filter;
	enum row_format format;
	const char *columns; /* as given; NULL: what suits the streams */
	bool samples;        /* these alone */
	const char *metric;  /* glob; NULL: all */
	bool no_header, anonymize, keep_extensions;
	unsigned *chosen;
	unsigned nr_chosen;
};

static const struct option options[] = {
	FILTER_LONG,
	{ "columns", required_argument, NULL, 'f' },
	{ "output-format", required_argument, NULL, 'O' },
	{ "no-header", no_argument, NULL, 'H' },
	{ "samples", no_argument, NULL, 's' },
	{ "metric", required_argument, NULL, 'm' },
	{ "anonymize", no_argument, NULL, 'a' },
	{ "keep-extensions", no_argument, NULL, 'e' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* What people want to see of one stream; other streams: all it has. */
static const struct {
	const char *stream, *columns;
} tables[] = {
	{ "fs", "time,dur,op,pid,comm,size,ret,path" },
	{ "block",
	  "time,dur,queue_dur,op,dev,sector,size,errno,pid,comm,path" },
	{ "proc", "time,op,pid,ppid,comm,dur,status,child_pid,path,args" },
	{ "net",
	  "time,dur,op,call,pid,comm,protocol,laddr,lport,raddr,rport,size,moved,errno,flags" },
	{ "conn",
	  "time,dur,op,pid,comm,family,sock_type,protocol,laddr,lport,raddr,rport,fd,ret,path" },
	{ "epoll",
	  "time,dur,op,call,pid,comm,fd,ctl_op,fd2,asked_events,events,max_events,timeout_ns,ret" },
	{ "sockopt", "time,op,pid,comm,fd,level,option,value,ret" },
	{ "drop",
	  "time,op,comm,protocol,laddr,lport,raddr,rport,size,reason,tcp_state" },
	{ "fault", "time,dur,op,severity,pid,comm,address,offset,path" },
	{ "uring", "time,dur,op,pid,comm,fd,offset,size,ret,flags,path" },
	{ "cache", "time,op,pid,comm,index,count,weight,path" },
	{ "process",
	  "time,pid,ppid,comm,state,threads,rss,vms,cpu_5s,cpu_2m,cpu_1h,cmdline" },
	{ "system", "time,key,value" },
	{ "filesystem", "time,mode,size,modified,path" },
	{ "sample", "time,metric,value,delta,rate,unit,mark" },
	{ "meta", "time,op,value,text" },
	{ "hist",
	  "time,dur,of_stream,op,call,dev,cgroup,count,p50,p90,p99,p999,longest" },
	{ "inflight", "time,age,op,dev,size,pid,comm,path" },
	{ NULL, "time,dur,stream,op,dev,pid,comm,size,ret,path" },
};

static int parse_format(const char *text, enum row_format *ret)
{
	if (!strcmp(text, "text"))
		*ret = ROW_TEXT;
	else if (!strcmp(text, "csv"))
		*ret = ROW_CSV;
	else if (!strcmp(text, "jsonl"))
		*ret = ROW_JSONL;
	else
		return -EINVAL;
	return 0;
}

/* --samples and --metric, whatever stands before or behind them. */
static int choose_samples(struct show *s)
{
	struct filter_words *streams = &s->filter.streams;

	for (unsigned i = 0; i < streams->nr; i++)
		if (strcmp(streams->words[i], "sample"))
			return command_bad_usage(
				&cmd_show,
				"--samples and --metric show the stream sample "
				"alone, not '%s'",
				streams->words[i]);
	if (!streams->nr)
		streams->words[streams->nr++] = "sample";
	return EXIT_OK;
}

/* EXIT_OK, EXIT_USAGE, or -1: help was asked for and given. */
static int parse_options(int argc, char **argv, struct show *s)
{
	const char *what;
	int opt, r;

	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, ":f:O:h" FILTER_SHORT, options,
				  NULL)) != -1) {
		if (opt == 'h') {
			command_print_help(&cmd_show);
			return -1;
		} else if (opt == 'f') {
			s->columns = optarg;
		} else if (opt == 'H') {
			s->no_header = true;
		} else if (opt == 's' || opt == 'm') {
			s->metric = opt == 'm' ? optarg : s->metric;
			s->samples = true;
		} else if (opt == 'a') {
			s->anonymize = true;
		} else if (opt == 'e') {
			s->anonymize = s->keep_extensions = true;
		} else if (opt == 'O') {
			if (parse_format(optarg, &s->format))
				return command_bad_usage(
					&cmd_show, "-O %s: text, csv or jsonl",
					optarg);
		} else {
			r = view_filter_option(&s->filter, opt, optarg, &what);
			if (!r)
				return command_bad_option(&cmd_show, opt, argv,
							  options);
			if (r < 0)
				return command_bad_usage(&cmd_show,
							 "'%s' is not %s",
							 optarg, what);
		}
	}
	return s->samples ? choose_samples(s) : EXIT_OK;
}

/* Streams to be shown as a set of bits. */
static uint32_t shown_streams(const struct show *s, const struct view *v)
{
	uint32_t set = 0;

	for (unsigned i = 0; i < view_nr_streams(v); i++)
		if (view_filter_stream(&s->filter, v, i))
			set |= 1u << i;
	return set;
}

/* A name of a stream that the files do not have, and others did not either. */
static int check_streams(const struct show *s, const struct view *v)
{
	for (unsigned i = 0; i < s->filter.streams.nr; i++)
		if (view_find_stream(v, s->filter.streams.words[i]) ==
		    VIEW_NO_COLUMN)
			return command_bad_usage(&cmd_show,
						 "there is no stream '%s'",
						 s->filter.streams.words[i]);
	return EXIT_OK;
}

/* Columns that are no column of these files: an error if the person named
 * them, else left out. */
static int choose_columns(struct show *s, const struct view *v,
			  const char *list, bool strict)
{
	char *copy = strdup(list), *next = copy, *name;
	int code = EXIT_OK;

	s->nr_chosen = 0;
	while (copy && code == EXIT_OK && (name = strsep(&next, ","))) {
		unsigned column = view_find_column(v, name);
		const char *near = view_nearest_column(v, name);

		if (column != VIEW_NO_COLUMN &&
		    s->nr_chosen < view_nr_columns(v))
			s->chosen[s->nr_chosen++] = column;
		else if (strict && near)
			code = command_bad_usage(
				&cmd_show,
				"there is no column '%s'; the nearest is '%s'",
				name, near);
		else if (strict)
			code = command_bad_usage(
				&cmd_show, "there is no column '%s'", name);
	}
	free(copy);
	return code;
}

static void choose_all(struct show *s, const struct view *v, uint32_t streams)
{
	s->nr_chosen = 0;
	for (unsigned i = 0; i < view_nr_columns(v); i++) {
		bool wanted = false;

		for (unsigned j = 0; j < view_nr_streams(v); j++)
			wanted |= streams >> j & 1 && view_stream_has(v, j, i);
		if (wanted)
			s->chosen[s->nr_chosen++] = i;
	}
}

static int choose_table(struct show *s, const struct view *v, uint32_t streams)
{
	const char *only = NULL;
	unsigned i = 0;

	if (streams && !(streams & (streams - 1)))
		only = view_stream_name(v, (unsigned)__builtin_ctz(streams));
	while (tables[i].stream && (!only || strcmp(only, tables[i].stream)))
		i++;
	return choose_columns(s, v, tables[i].columns, false);
}

static int choose(struct show *s, const struct view *v)
{
	uint32_t streams = shown_streams(s, v);

	s->chosen = calloc(view_nr_columns(v) + 1, sizeof(*s->chosen));
	if (!s->chosen)
		return EXIT_FAILED;
	if (s->columns)
		return choose_columns(s, v, s->columns, true);
	if (s->format == ROW_TEXT)
		return choose_table(s, v, streams);
	choose_all(s, v, streams);
	return EXIT_OK;
}

static bool is_wanted(const struct show *s, const struct view *v,
		      struct view_cursor *c)
{
	char name[160];

	return !s->metric || (view_get_text(c, view_find_column(v, "metric"),
					    name, sizeof(name)) &&
			      !fnmatch(s->metric, name, 0));
}

static int write_rows(const struct show *s, struct view *v, size_t *ret_nr)
{
	bool all = s->format == ROW_JSONL && !s->columns;
	struct view_cursor *c = view_cursor_new(v);
	struct row_writer *w;
	int r = -ENOMEM;

	w = row_writer_new(v, stdout, s->format, all ? NULL : s->chosen,
			   s->nr_chosen, !s->no_header);
	if (c && w) {
		for (size_t i = 0; i < view_nr_rows(v) && !ferror(stdout);
		     i++) {
			view_seek(c, i);
			if (!is_wanted(s, v, c))
				continue;
			row_write(w, c);
			++*ret_nr;
		}
	}
	if (w)
		r = row_writer_finish(w);
	view_cursor_free(c);
	if (!r)
		return EXIT_OK;
	fprintf(stderr, "flightrec: output: %s\n", strerror(-r));
	return EXIT_FAILED;
}

static int show(struct show *s, struct view *v, int code)
{
	int r = check_streams(s, v);
	size_t nr = 0;

	if (r == EXIT_OK && s->anonymize)
		r = view_open_anonymize(v, s->keep_extensions, NULL);
	if (r == EXIT_OK)
		r = choose(s, v);
	if (r == EXIT_OK)
		r = write_rows(s, v, &nr);
	if (r != EXIT_OK)
		return r;
	if (!view_nr_rows(v)) {
		fprintf(stderr, "flightrec: no row matches; flightrec info "
				"says what span the snapshot covers\n");
		return code == EXIT_OK ? EXIT_EMPTY : code;
	}
	if (!nr && s->metric && view_names_metric(v, s->metric)) {
		fprintf(stderr,
			"flightrec: %s did not change in that span; "
			"what does not change has no row\n",
			s->metric);
		return code == EXIT_OK ? EXIT_EMPTY : code;
	}
	if (!nr && s->metric) {
		r = metric_missing(v, s->metric);
		return code == EXIT_OK ? r : code;
	}
	return code;
}

static int run(int argc, char **argv)
{
	struct show s = { .format = ROW_TEXT };
	struct view *v = NULL;
	int code = parse_options(argc, argv, &s);

	if (code == EXIT_OK) {
		code = view_open(argc - optind, argv + optind, &s.filter, &v);
		if (v)
			code = view_close(v, show(&s, v, code));
	}
	free(s.chosen);
	view_filter_free(&s.filter);
	return code < 0 ? EXIT_OK : code;
}

const struct command_ops cmd_show = {
	.name = "show",
	.summary = "Shows what was recorded, row by row, in the order of time.",
	.usage = "[options] [FILE...]",
	.help = "Several files are merged; what they share is shown once.  Without a FILE\n"
		"the newest snapshot of /var/lib/flightrec/snapshots is read.\n\n"
		"OPTIONS\n" FILTER_HELP "  -O, --output-format text|csv|jsonl\n"
		"                      table for people (default), CSV with a header, or one\n"
		"                      JSON object per row; integers stay integers, what was\n"
		"                      not captured is empty or null\n"
		"  -f, --columns A,B   these columns, in this order\n"
		"  --no-header         no line with the names of the columns\n"
		"  --anonymize         keyed hashes in place of names, arguments, addresses\n"
		"  --keep-extensions   the same, but .c, .log, ... stay\n\n"
		"  --samples           sampled counters (the same as --stream sample), each with\n"
		"                      its growth and, of counters, that per second\n"
		"  --metric GLOB       of them those whose name matches\n\n"
		"Sampled counters are shown with these, or --stream sample, only.\n\n"
		"EXAMPLES\n"
		"  flightrec show --min-latency 20ms a.frs\n"
		"  flightrec show --stream fs --path '/var/lib/*' --failed a.frs\n"
		"  flightrec show --begin -10s --end +1s -O csv a.frs > rows.csv\n"
		"  flightrec show -f time,op,comm,path --op fsync a.frs b.frs\n"
		"  flightrec show --samples --metric 'meminfo.*' -O jsonl a.frs\n",
	.run = run,
};
