/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_list.c - flightrec list: which snapshots there are. */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "dump/catalogue.h"
#include "dump/command.h"
#include "dump/folder.h"
#include "dump/list_sums.h"
#include "dump/nested_json.h"
#include "dump/row_write.h"
#include "dump/snapshot_read.h"
#include "dump/terminal.h"
#include "dump/view_open.h"
#include "dump/view_time.h"
#include "triggers/units.h"

extern const struct command_ops cmd_list;

static const struct option options[] = {
	{ "directory", required_argument, NULL, 'd' },
	{ "trigger", required_argument, NULL, 't' },
	{ "since", required_argument, NULL, 's' },
	{ "output-format", required_argument, NULL, 'O' },
	{ "config", required_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct list {
	const char *folder, *config, *trigger;
	int64_t since_ns; /* CLOCK_REALTIME; INT64_MIN: not asked for */
	bool json;
};

struct line {
	char *path;
	const char *name; /* as rm and pin take it */
	char time[48], span[32], bytes[32];
	char trigger[64], reason[128], damage[256];
	uint64_t size, span_ns;
	int64_t real_ns; /* when it was taken */
	int exit;
	bool pinned;
	bool is_asked_for; /* by name: what is wrong is said at once */
	bool is_absent;    /* or not readable: nothing to list */
};

struct lines {
	struct line *list;
	unsigned nr;
	int code;
};

static uint64_t number(const struct snap *s, const char *key)
{
	const char *text = snap_fact(s, key);

	return text ? strtoull(text, NULL, 10) : 0;
}

static void copy_fact(char *buf, size_t size, const struct snap *s,
		      const char *key)
{
	const char *text = snap_fact(s, key);

	row_print_bytes(buf, size, text ? text : "-", text ? strlen(text) : 1);
}

/* From the first to the last record of an operation that is in the file. */
static uint64_t span_of(const struct snap *s)
{
	uint64_t from = UINT64_MAX, to = 0;

	for (unsigned i = 0; i < snap_nr_blocks(s); i++) {
		const struct snap_block_info *b = snap_block_info(s, i);
		const struct fr_schema *schema = snap_schema(s, b->type);

		if (!schema || !b->rows || !strcmp(schema->stream, "names"))
			continue;
		from = b->min_ts < from ? b->min_ts : from;
		to = b->max_end > to ? b->max_end : to;
	}
	return to > from ? to - from : 0;
}

/* Of one that does not say, what its name says; of others, when they were written
 * last. */
static void describe_name(struct line *l, const struct stat *st)
{
	const char *slash = strrchr(l->path, '/');
	struct retention_name n;

	l->real_ns =
		(int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
	if (!retention_parse_name(slash ? slash + 1 : l->path, &n))
		return;
	l->pinned = n.pinned;
	l->real_ns = (int64_t)n.real_ns;
	snprintf(l->trigger, sizeof(l->trigger), "%s", n.trigger);
}

static void note_damage(struct line *l, const char *damage)
{
	snprintf(l->damage, sizeof(l->damage), "%.*s",
		 (int)strcspn(damage, "\n"), damage);
	l->exit = EXIT_CORRUPT;
	if (l->is_asked_for)
		fprintf(stderr, "flightrec: %s: %s\n", l->path, l->damage);
}

static void describe(struct line *l, const struct snap *s)
{
	uint64_t ts = number(s, "trigger.ts_ns");

	if (!ts)
		ts = number(s, "freeze.ts_ns");
	if (ts)
		l->real_ns = (int64_t)(ts + number(s, "clock.mono_to_real_ns"));
	if (snap_fact(s, "trigger.name"))
		copy_fact(l->trigger, sizeof(l->trigger), s, "trigger.name");
	copy_fact(l->reason, sizeof(l->reason), s, "trigger.reason");
	l->span_ns = span_of(s);
	units_human_time(l->span, l->span_ns);
	if (snap_damage(s))
		note_damage(l, snap_damage(s));
}

/* Removed or pinned since the folder was read: no news. */
static void note_absent(struct line *l, const struct snap_diag *diag, int err)
{
	l->is_absent = true;
	if (err == -ENOENT && !l->is_asked_for)
		return;
	view_open_complain(l->path, diag, err);
	l->exit = view_open_exit(err);
}

static const char *without_path(const char *text, const char *path)
{
	size_t n = strlen(path);

	return strncmp(text, path, n) || strncmp(text + n, ": ", 2) ?
		       text :
		       text + n + 2;
}

static void look_at(struct line *l)
{
	struct snap_diag diag = { "" };
	struct wall_cache cache = { 0 };
	struct stat st = { 0 };
	struct snap *s = snap_open(l->path, &diag);

	if (!s && errno != EBADMSG) {
		note_absent(l, &diag, -errno);
		return;
	}
	snprintf(l->span, sizeof(l->span), "-");
	snprintf(l->trigger, sizeof(l->trigger), "-");
	snprintf(l->reason, sizeof(l->reason), "-");
	(void)stat(l->path, &st);
	l->size = (uint64_t)st.st_size;
	units_human_size(l->bytes, l->size);
	describe_name(l, &st);
	if (s)
		describe(l, s);
	else
		note_damage(l, without_path(diag.text, l->path));
	wall_format(&cache, l->real_ns, l->time);
	snap_close(s);
}

/* ---- output --------------------------------------------------------------- */

static void cell(const char *text, unsigned width)
{
	fputs(text, stdout);
	for (unsigned n = terminal_width(text); n < width; n++)
		putchar(' ');
	fputs("  ", stdout);
}

static unsigned wider(unsigned width, const char *text)
{
	unsigned w = terminal_width(text);

	return w > width ? w : width;
}

/* The reason comes last: it is as long as it likes. */
static void print_text(const struct line *lines, unsigned nr)
{
	unsigned trigger = 7, file = 4;

	for (unsigned i = 0; i < nr; i++) {
		trigger = wider(trigger, lines[i].trigger);
		file = wider(file, lines[i].name);
	}
	printf("%s%-19s  ", terminal_bold(), "TIME");
	cell("TRIGGER", trigger);
	printf("%9s  %10s  %-3s  ", "SPAN", "SIZE", "PIN");
	cell("FILE", file);
	printf("REASON%s\n", terminal_off());
	for (unsigned i = 0; i < nr; i++) {
		const struct line *l = &lines[i];

		printf("%.10s %.8s  ", l->time, l->time + 11);
		cell(l->trigger, trigger);
		printf("%9s  %10s  %-3s  ", l->span, l->bytes,
		       l->pinned ? "pin" : "");
		cell(l->name, file);
		if (l->damage[0])
			printf("%sDAMAGED: %s%s; ", terminal_warn(), l->damage,
			       terminal_off());
		puts(l->reason);
	}
}

static void member(const char *name, const char *text, int null)
{
	printf("\"%s\":", name);
	if (null)
		fputs("null", stdout);
	else
		nested_json_string(stdout, text, strlen(text));
	putchar(',');
}

static void print_jsonl(const struct line *lines, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		const struct line *l = &lines[i];

		putchar('{');
		member("path", l->path, 0);
		member("time", l->time, 0);
		member("trigger", l->trigger, !strcmp(l->trigger, "-"));
		member("reason", l->reason, !strcmp(l->reason, "-"));
		member("damage", l->damage, !l->damage[0]);
		printf("\"pinned\":%s,\"real_ns\":%jd,\"span_ns\":%ju,"
		       "\"bytes\":%ju}\n",
		       l->pinned ? "true" : "false", (intmax_t)l->real_ns,
		       (uintmax_t)l->span_ns, (uintmax_t)l->size);
	}
}

/* ---- which ---------------------------------------------------------------- */

static bool is_wanted(const struct list *o, const struct line *l)
{
	if (o->trigger && fnmatch(o->trigger, l->trigger, 0) != 0)
		return false;
	return l->real_ns >= o->since_ns;
}

/* Takes ${path}. */
static void add(struct lines *all, const struct list *o, char *path,
		const char *name, bool is_asked_for)
{
	struct line *l = &all->list[all->nr], *more;

	if (!(all->nr & (all->nr - 1))) {
		more = realloc(all->list,
			       (all->nr ? 2 * all->nr : 1) * sizeof(*more));
		if (!more) {
			all->code = EXIT_FAILED;
			free(path);
			return;
		}
		all->list = more;
		l = &more[all->nr];
	}
	*l = (struct line){ .path = path,
			    .name = name,
			    .is_asked_for = is_asked_for };
	look_at(l);
	if (l->exit)
		all->code = l->exit;
	if (!l->is_absent && is_wanted(o, l))
		all->nr++;
	else
		free(path);
}

static int by_time(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->real_ns != y->real_ns)
		return x->real_ns < y->real_ns ? -1 : 1;
	return strcmp(x->path, y->path);
}

static void print(struct lines *all, const struct list *o)
{
	if (all->nr)
		qsort(all->list, all->nr, sizeof(*all->list), by_time);
	if (o->json)
		print_jsonl(all->list, all->nr);
	else if (all->nr)
		print_text(all->list, all->nr);
	for (unsigned i = 0; i < all->nr; i++)
		free(all->list[i].path);
	free(all->list);
}

static int list_files(const struct list *o, int argc, char **argv)
{
	struct lines all = { 0 };

	for (int i = 0; i < argc; i++) {
		char *path = strdup(argv[i]);
		const char *slash = strrchr(argv[i], '/');

		if (path)
			add(&all, o, path,
			    slash ? path + (slash + 1 - argv[i]) : path, true);
	}
	print(&all, o);
	return all.code;
}

/* What is damaged is a line; the list is whole all the same. */
static int list_one_folder(struct lines *all, const struct list *o,
			   const char *folder, bool first)
{
	struct folder_list l = { 0 };
	int r = folder_list(folder, &l);

	if (r && !first)
		return EXIT_OK;
	if (r) {
		fprintf(stderr, "flightrec: %s: %s; %s\n", folder, strerror(-r),
			r == -EACCES ? "join group flightrec, or be root" :
				       "name the folder with -d");
		return view_open_exit(r);
	}
	for (unsigned i = 0; i < l.nr; i++) {
		const char *slash = strrchr(l.paths[i], '/');

		add(all, o, l.paths[i], first ? slash + 1 : l.paths[i], false);
	}
	free(l.paths);
	return EXIT_OK;
}

static int list_folders(const struct list *o, struct catalogue *c)
{
	struct lines all = { 0 };
	int code = EXIT_OK;
	unsigned nr;

	for (unsigned i = 0; i < c->nr; i++) {
		int r = list_one_folder(&all, o, c->folders[i], !i);

		code = r ? r : code;
	}
	if (all.code && all.code != EXIT_CORRUPT)
		code = all.code;
	nr = all.nr;
	print(&all, o);
	if (nr && !o->json)
		list_sums_print(c);
	if (nr || code)
		return code;
	fprintf(stderr,
		"flightrec: no %ssnapshot in %s; flightrec dump makes one\n",
		o->trigger || o->since_ns != INT64_MIN ? "such " : "",
		c->folders[0]);
	return EXIT_EMPTY;
}

/* ---- the command ---------------------------------------------------------- */

static int parse_since(const char *text, struct list *o)
{
	int64_t now = (int64_t)time(NULL) * 1000000000;
	struct view_time t;

	if (view_time_parse(text, now, &t) || t.form == TIME_NONE)
		return command_bad_usage(
			&cmd_list, "--since %s: not a time (2026-11-20, -24h)",
			text);
	o->since_ns = t.ns + (t.form == TIME_RELATIVE ? now : 0);
	return EXIT_OK;
}

static int take_option(struct list *o, int opt, char **argv)
{
	switch (opt) {
	case 'd':
		o->folder = optarg;
		break;
	case 'c':
		o->config = optarg;
		break;
	case 't':
		o->trigger = optarg;
		break;
	case 's':
		return parse_since(optarg, o);
	case 'O':
		o->json = !strcmp(optarg, "jsonl");
		if (!o->json && strcmp(optarg, "text") != 0)
			return command_bad_usage(
				&cmd_list, "-O %s: text or jsonl", optarg);
		break;
	default:
		return command_bad_option(&cmd_list, opt, argv, options);
	}
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct list o = { .since_ns = INT64_MIN };
	struct options settings = { 0 };
	struct catalogue c;
	int opt, code = EXIT_OK;

	opterr = 0;
	optind = 1;
	while (!code && (opt = getopt_long(argc, argv, ":d:O:c:h", options,
					   NULL)) != -1) {
		if (opt == 'h') {
			command_print_help(&cmd_list);
			return EXIT_OK;
		}
		code = take_option(&o, opt, argv);
	}
	if (!code && optind < argc)
		return list_files(&o, argc - optind, argv + optind);
	settings.config_path = o.config;
	if (!code)
		code = catalogue_open(&c, &settings, o.folder, true);
	if (code)
		return code;
	code = list_folders(&o, &c);
	catalogue_close(&c);
	return code;
}

const struct command_ops cmd_list = {
	.name = "list",
	.summary = "Lists snapshots: when, which trigger, why, how much.",
	.usage =
		"[-d DIR] [--trigger GLOB] [--since TIME] [-O text|jsonl] [FILE...]",
	.help = "The oldest comes first; sums and the nearest limit come last.  A damaged\n"
		"snapshot in a folder is a line that says so.\n\n"
		"OPTIONS\n"
		"  -d, --directory DIR  look there, not in dump.folder and dump.fallback\n"
		"  --trigger GLOB       only those of these triggers\n"
		"  --since TIME         only those taken since: 2026-11-20, 2026-11-20T13:05,\n"
		"                       @SECONDS, -24h (from now)\n"
		"  -O, --output-format text|jsonl\n"
		"  -c, --config FILE    the recorder's settings (" OPTIONS_CONFIG
		")\n\n"
		"EXAMPLES\n"
		"  flightrec list\n"
		"  flightrec list --trigger 'slow-*' --since -24h\n"
		"  flightrec list -d /mnt/snapshots\n"
		"  flightrec list -O jsonl *.frs\n",
	.run = run,
};
