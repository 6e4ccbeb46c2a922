/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_calls.c - flightrec calls: how often a command makes which system call. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dump/calls.h"
#include "dump/calls_run.h"
#include "dump/command.h"
#include "triggers/units.h"

extern const struct command_ops cmd_calls;

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "format", required_argument, NULL, 'O' },
	{ "sort", required_argument, NULL, 'S' },
	{ "calls", required_argument, NULL, 'e' },
	{ "period", required_argument, NULL, 'd' },
	{ "by", required_argument, NULL, 'b' },
	{ "lib", required_argument, NULL, 'l' },
	{ "pid", required_argument, NULL, 'p' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* In the order of the enums. */
static const char *const sorts[] = { "time", "calls", "errors",
				     "max",  "name",  NULL };
static const char *const bys[] = { "", "comm", "pid", NULL };
static const char *const formats[] = { "table", "csv", "jsonl", "kv", NULL };

struct calls {
	struct call_view view;
	const char *output;
	char **command;
	struct call_library *library; /* that of view; NULL: system calls */
	pid_t pid;                    /* instead of a command; 0: none */
	bool has_format;
	uint64_t period_ns; /* of rows; 0: a table at the end */
	char *names;        /* the argument of -e, cut at its commas */
};

static int word_index(const char *const *words, const char *word)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(words[i], word))
			return i;
	return -1;
}

static int take_patterns(struct calls *c, const char *text)
{
	struct call_view *v = &c->view;
	char *rest, *pattern;

	free(c->names); /* the last -e holds */
	v->nr_patterns = 0;
	c->names = rest = strdup(text);
	if (!rest)
		return EXIT_FAILED;
	while ((pattern = strsep(&rest, ","))) {
		if (v->nr_patterns == CALL_PATTERNS)
			return command_bad_usage(&cmd_calls,
						 "-e: more than %d names",
						 CALL_PATTERNS);
		if (!call_pattern_known(pattern))
			return command_bad_usage(
				&cmd_calls,
				"-e: no system call is named '%.64s'; the nearest is %s",
				pattern, call_nearest(pattern));
		v->patterns[v->nr_patterns++] = pattern;
	}
	return EXIT_OK;
}

static int take_library(struct calls *c, const char *text)
{
	char what[512];

	call_library_free(c->library); /* the last --lib holds */
	c->library = NULL;
	if (call_library_open(text, &c->library, what, sizeof(what)))
		return command_bad_usage(&cmd_calls, "--lib: %s", what);
	c->view.library = c->library;
	return EXIT_OK;
}

static int take_pid(struct calls *c, const char *text)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || end == text || *end || pid < 1 || pid > 4194304)
		return command_bad_usage(
			&cmd_calls, "-p: '%.64s' is no number of a process",
			text);
	c->pid = (pid_t)pid;
	return EXIT_OK;
}

static int take_by(struct calls *c, const char *text)
{
	int i = word_index(bys, text);

	if (i < 1)
		return command_bad_usage(
			&cmd_calls, "--by: '%.64s' is neither comm nor pid",
			text);
	c->view.by = (enum call_by)i;
	return EXIT_OK;
}

static int take_period(struct calls *c, const char *text)
{
	if (units_parse_time(text, &c->period_ns) || c->period_ns < 1000000 ||
	    c->period_ns > 86400000000000ULL)
		return command_bad_usage(
			&cmd_calls,
			"-d: '%.64s' is no time from 1ms to 24h, as 500ms or 10s",
			text);
	return EXIT_OK;
}

static int take_option(struct calls *c, int opt, char **argv)
{
	int i;

	switch (opt) {
	case 'o':
		c->output = optarg;
		return EXIT_OK;
	case 'd':
		return take_period(c, optarg);
	case 'e':
		return take_patterns(c, optarg);
	case 'b':
		return take_by(c, optarg);
	case 'l':
		return take_library(c, optarg);
	case 'p':
		return take_pid(c, optarg);
	case 'O':
		i = word_index(formats, optarg);
		if (i < 0)
			return command_bad_usage(
				&cmd_calls,
				"-O: '%.64s' is none of table, csv, jsonl, kv",
				optarg);
		c->view.format = (enum call_format)i;
		c->has_format = true;
		return EXIT_OK;
	case 'S':
		i = word_index(sorts, optarg);
		if (i < 0)
			return command_bad_usage(
				&cmd_calls,
				"-S: '%.64s' is none of time, calls, errors, max, name",
				optarg);
		c->view.sort = (enum call_sort)i;
		return EXIT_OK;
	default:
		return command_bad_option(&cmd_calls, opt, argv, options);
	}
}

static int check_options(struct calls *c)
{
	if (c->view.library && c->view.nr_patterns)
		return command_bad_usage(
			&cmd_calls,
			"-e chooses system calls; functions: --lib LIBRARY:GLOB,...");
	if (c->view.library &&
	    (c->view.sort == CALL_SORT_ERRORS || c->view.sort == CALL_SORT_MAX))
		return command_bad_usage(
			&cmd_calls,
			"-S: functions have calls and names, no times or errors");
	if (c->period_ns && c->view.by != CALL_BY_NOTHING)
		return command_bad_usage(&cmd_calls,
					 "--by gives a table, not rows of -d");
	if (c->period_ns && !c->has_format)
		c->view.format = CALL_CSV;
	if (c->period_ns && c->view.format == CALL_TABLE)
		return command_bad_usage(&cmd_calls,
					 "-d gives rows: -O csv, jsonl or kv");
	if (!c->period_ns && c->view.format == CALL_KV)
		return command_bad_usage(&cmd_calls, "-O kv needs -d");
	return EXIT_OK;
}

static int parse(struct calls *c, int argc, char **argv)
{
	int opt, code = EXIT_OK;

	opterr = 0;
	optind = 1;
	while (code == EXIT_OK &&
	       (opt = getopt_long(argc, argv, "+:o:O:S:e:d:p:h", options,
				  NULL)) != -1) {
		if (opt == 'h') {
			command_print_help(&cmd_calls);
			return -1;
		}
		code = take_option(c, opt, argv);
	}
	if (code == EXIT_OK && optind >= argc && !c->pid)
		return command_bad_usage(&cmd_calls, "no command given");
	if (code == EXIT_OK && optind < argc && c->pid)
		return command_bad_usage(&cmd_calls,
					 "a command and -p: one of the two");
	c->command = argv + optind;
	return code == EXIT_OK ? check_options(c) : code;
}

/* ---- counting ------------------------------------------------------------------ */

static int say_not_loaded(int err, const struct call_library *library)
{
	if (err == -EPERM || err == -EACCES) {
		fprintf(stderr,
			"flightrec calls: no right to load BPF programs; run it as root\n");
		return EXIT_PERMISSION;
	}
	if (library && (err == -EMFILE || err == -ENFILE)) {
		fprintf(stderr,
			"flightrec calls: no descriptors left for %u functions; raise "
			"ulimit -Hn, or choose fewer: --lib LIBRARY:GLOB\n",
			call_library_functions(library));
		return EXIT_FAILED;
	}
	fprintf(stderr,
		"flightrec calls: the kernel does not take our BPF programs: %s; "
		"`flightrec doctor` says what it lacks\n",
		strerror(-err));
	return EXIT_FAILED;
}

static void say_lost(const struct call_counter *counter)
{
	uint64_t processes, calls;

	call_counter_lost(counter, &processes, &calls);
	if (processes || calls)
		fprintf(stderr,
			"flightrec calls: no room for %llu processes and %llu calls: "
			"they are not counted\n",
			(unsigned long long)processes,
			(unsigned long long)calls);
}

/* What goes out, at every tick and at the end. */
struct out {
	const struct calls *calls;
	struct call_counter *counter;
	FILE *f;
	struct call_rows *rows; /* NULL: a table at the end */
	struct fr_call_count slots[FR_CALL_SLOTS];
	int err; /* the first */
};

static int put_rows(struct out *o)
{
	int err = call_counter_read(o->counter, o->slots);

	return err ? err : call_rows_add(o->rows, o->slots);
}

static int put_table(struct out *o)
{
	struct call_item *items;
	unsigned nr;
	int err = call_counter_items(o->counter, &items, &nr);

	if (err)
		return err;
	err = calls_print(o->f, items, nr, &o->calls->view);
	free(items);
	return err;
}

static void put_counts(void *arg)
{
	struct out *o = arg;
	int err = o->rows ? put_rows(o) : put_table(o);

	if (!o->err)
		o->err = err;
}

/* One that runs already: until it ends, or somebody interrupts us. */
static int run_attached(struct out *o)
{
	struct held_tick tick = { o->rows ? put_counts : NULL, o,
				  o->calls->period_ns };
	pid_t pid = o->calls->pid;
	int fd = attached_open(pid);
	int err = fd < 0 ? fd : call_counter_attach(o->counter, pid);

	if (!err)
		err = attached_wait(fd, &tick);
	if (fd >= 0)
		close(fd);
	if (err) {
		fprintf(stderr,
			"flightrec calls: cannot watch process %d: %s\n", pid,
			err == -ENOENT || err == -EINVAL ?
				"it is a thread of another; see Tgid in "
				"/proc/PID/status" :
				strerror(-err));
		return EXIT_FAILED;
	}
	put_counts(o);
	say_lost(o->counter);
	return EXIT_OK;
}

static int run_counted(struct out *o)
{
	struct held_tick tick = { o->rows ? put_counts : NULL, o,
				  o->calls->period_ns };
	char **command = o->calls->command;
	struct held_command held;
	bool not_run;
	int code, err = held_command_start(&held, command);

	if (!err) {
		err = call_counter_follow(o->counter, held.pid);
		if (err)
			held_command_drop(&held);
	}
	if (err) {
		fprintf(stderr, "flightrec calls: cannot start %s: %s\n",
			command[0], strerror(-err));
		return EXIT_FAILED;
	}
	code = held_command_wait(&held, &tick, &not_run);
	if (!not_run)
		put_counts(o);
	say_lost(o->counter);
	return code;
}

static int count(const struct calls *c, FILE *f, struct call_counter *counter)
{
	struct out *o = calloc(1, sizeof(*o));
	int code;

	if (!o)
		return EXIT_FAILED;
	*o = (struct out){ .calls = c, .counter = counter, .f = f };
	if (c->period_ns)
		o->rows = call_rows_new(f, &c->view);
	if (c->period_ns && !o->rows)
		code = EXIT_FAILED;
	else
		code = c->pid ? run_attached(o) : run_counted(o);
	if (o->err) {
		fprintf(stderr,
			"flightrec calls: cannot write the counts: %s\n",
			strerror(-o->err));
		code = code ? code : EXIT_FAILED;
	}
	call_rows_free(o->rows);
	free(o);
	return code;
}

/* The file is made before the command runs: an hour's count must not be lost to a
 * wrong name. */
static int calls(const struct calls *c)
{
	struct call_counter *counter;
	FILE *f = stderr;
	int code, err = call_counter_open(c->library, c->view.by, &counter);

	if (err)
		return say_not_loaded(err, c->library);
	if (c->output && !strcmp(c->output, "-"))
		f = stdout;
	else if (c->output)
		f = fopen(c->output, "we");
	if (!f) {
		fprintf(stderr, "flightrec calls: cannot write %s: %s\n",
			c->output, strerror(errno));
		code = EXIT_FAILED;
	} else {
		code = count(c, f, counter);
	}
	if (f && f != stderr && f != stdout && fclose(f) && !code)
		code = EXIT_FAILED;
	call_counter_close(counter);
	return code;
}

static int run(int argc, char **argv)
{
	struct calls c = { 0 };
	int code = parse(&c, argc, argv);

	if (code == EXIT_OK)
		code = calls(&c);
	else if (code < 0)
		code = EXIT_OK;
	free(c.names);
	call_library_free(c.library);
	return code;
}

const struct command_ops cmd_calls = {
	.name = "calls",
	.summary =
		"Counts the system or library calls of a command and of all that it starts.",
	.usage =
		"[-o FILE] [-O FORMAT] [-S KEY] [-d TIME | --by WHO] [-e GLOB,... | --lib LIBRARY[:GLOB,...]] {-p PID | [--] COMMAND [ARGS...]}",
	.help = "As strace -f -c, but counted in the kernel: nothing is stopped. Needs root,\n"
		"but no recorder.  A call counts when it returns.  Names of calls of 32-bit\n"
		"programs end in /32.\n\n"
		"OPTIONS\n"
		"  -o, --output FILE    the counts (standard error)\n"
		"  -O, --format FORMAT  table (default), csv or jsonl; the latter in ns\n"
		"  -d, --period TIME    a row every so often, of what was added since the row\n"
		"                       before: csv (default), jsonl or kv\n"
		"  -S, --sort KEY       time (default), calls, errors, max: the largest first;\n"
		"                       name: by name\n"
		"  -e, --calls GLOB,... show these calls alone (read,*at)\n"
		"      --by WHO         comm or pid: told apart by program name, or by process and\n"
		"                       name\n"
		"      --lib LIBRARY[:GLOB,...]\n"
		"                       instead of system calls those of functions of a library or\n"
		"                       program (libc.so.6:malloc,free), 512 at most\n"
		"  -p, --pid PID        instead of a command: a process that runs, and what it\n"
		"                       starts from now on, until it ends or ^C\n\n"
		"EXIT STATUS\n"
		"  the command's; 128 + N if signal N ended it; 2 for a wrong option, 6 without\n"
		"  the rights, 126 if the command cannot be run, 127 if there is none, 1 if\n"
		"  counting failed\n\n"
		"EXAMPLES\n"
		"  flightrec calls -- make -j8\n"
		"  flightrec calls -S errors -e 'open*,*stat*' -- git status\n"
		"  flightrec calls -d 1s -e 'read,write' -o rows.csv -- ./job.sh\n"
		"  flightrec calls -O csv -o calls.csv -- ./job.sh\n"
		"  flightrec calls --by comm -- make -j8\n"
		"  flightrec calls --lib 'libc.so.6:*alloc,free' -- ./job.sh\n"
		"  flightrec calls -p 4711 -d 10s\n",
	.run = run,
};
