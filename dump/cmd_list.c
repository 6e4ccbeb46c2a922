/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_list.c - flightrec list: which snapshots there are. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dump/command.h"
#include "dump/folder.h"
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
	{ "output-format", required_argument, NULL, 'O' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct line {
	const char *path, *name;
	char time[48], span[32], bytes[32];
	char trigger[64], reason[128], damage[256];
	uint64_t size, span_ns;
	int exit;
	bool is_absent; /* or not readable: nothing to list */
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

static void describe(struct line *l, const struct snap *s)
{
	struct wall_cache cache = { 0 };
	uint64_t ts = number(s, "trigger.ts_ns");
	const char *damage = snap_damage(s);

	if (!ts)
		ts = number(s, "freeze.ts_ns");
	if (ts)
		wall_format(&cache,
			    (int64_t)(ts + number(s, "clock.mono_to_real_ns")),
			    l->time);
	copy_fact(l->trigger, sizeof(l->trigger), s, "trigger.name");
	copy_fact(l->reason, sizeof(l->reason), s, "trigger.reason");
	l->span_ns = span_of(s);
	units_human_time(l->span, l->span_ns);
	if (!damage)
		return;
	snprintf(l->damage, sizeof(l->damage), "%.*s",
		 (int)strcspn(damage, "\n"), damage);
	fprintf(stderr, "flightrec: %s: %s\n", l->path, l->damage);
	l->exit = EXIT_CORRUPT;
}

static void look_at(struct line *l, const char *path)
{
	struct snap_diag diag = { "" };
	const char *slash = strrchr(path, '/');
	struct snap *s = snap_open(path, &diag);
	int err = s ? 0 : errno;
	struct stat st;

	*l = (struct line){ .path = path, .name = slash ? slash + 1 : path };
	if (!stat(path, &st))
		l->size = (uint64_t)st.st_size;
	units_human_size(l->bytes, l->size);
	snprintf(l->time, sizeof(l->time), "-");
	snprintf(l->span, sizeof(l->span), "-");
	snprintf(l->trigger, sizeof(l->trigger), "-");
	snprintf(l->reason, sizeof(l->reason), "-");
	if (s) {
		describe(l, s);
	} else {
		view_open_complain(path, &diag, -err);
		snprintf(l->damage, sizeof(l->damage), "not a snapshot");
		l->exit = view_open_exit(-err);
		l->is_absent = err != EBADMSG;
	}
	snap_close(s);
}

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
	printf("%9s  %10s  ", "SPAN", "SIZE");
	cell("FILE", file);
	printf("REASON%s\n", terminal_off());
	for (unsigned i = 0; i < nr; i++) {
		const struct line *l = &lines[i];

		if (strlen(l->time) > 19)
			printf("%.10s %.8s  ", l->time, l->time + 11);
		else
			printf("%-19s  ", l->time);
		cell(l->trigger, trigger);
		printf("%9s  %10s  ", l->span, l->bytes);
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
		member("time", l->time, !strcmp(l->time, "-"));
		member("trigger", l->trigger, !strcmp(l->trigger, "-"));
		member("reason", l->reason, !strcmp(l->reason, "-"));
		member("damage", l->damage, !l->damage[0]);
		printf("\"span_ns\":%ju,\"bytes\":%ju}\n",
		       (uintmax_t)l->span_ns, (uintmax_t)l->size);
	}
}

static int list(char **paths, unsigned nr, bool json)
{
	struct line *lines = calloc(nr + 1, sizeof(*lines));
	unsigned kept = 0;
	int code = EXIT_OK;

	if (!lines)
		return EXIT_FAILED;
	for (unsigned i = 0; i < nr; i++) {
		look_at(&lines[kept], paths[i]);
		if (lines[kept].exit)
			code = lines[kept].exit;
		kept += !lines[kept].is_absent;
	}
	if (json)
		print_jsonl(lines, kept);
	else if (kept)
		print_text(lines, kept);
	free(lines);
	return code;
}

static int list_folder(const char *folder, bool json)
{
	struct folder_list l = { 0 };
	int r = folder_list(folder, &l), code;

	if (r) {
		fprintf(stderr, "flightrec: %s: %s; %s\n", folder, strerror(-r),
			r == -EACCES ? "join group flightrec, or be root" :
				       "name the folder with -d");
		return view_open_exit(r);
	}
	if (!l.nr) {
		fprintf(stderr,
			"flightrec: no snapshot in %s; flightrec dump makes "
			"one\n",
			folder);
		folder_list_free(&l);
		return EXIT_EMPTY;
	}
	code = list(l.paths, l.nr, json);
	folder_list_free(&l);
	return code;
}

static int run(int argc, char **argv)
{
	const char *folder = folder_default();
	bool json = false;
	int opt;

	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, ":d:O:h", options, NULL)) != -1) {
		if (opt == 'd') {
			folder = optarg;
		} else if (opt == 'O' && !strcmp(optarg, "jsonl")) {
			json = true;
		} else if (opt == 'O' && strcmp(optarg, "text")) {
			return command_bad_usage(
				&cmd_list, "-O %s: text or jsonl", optarg);
		} else if (opt == 'h') {
			command_print_help(&cmd_list);
			return EXIT_OK;
		} else if (opt != 'O') {
			return command_bad_option(&cmd_list, opt, argv,
						  options);
		}
	}
	if (optind < argc)
		return list(argv + optind, (unsigned)(argc - optind), json);
	return list_folder(folder, json);
}

const struct command_ops cmd_list = {
	.name = "list",
	.summary = "Lists snapshots: when, which trigger, why, how much.",
	.usage = "[-d DIR] [-O text|jsonl] [FILE...]",
	.help = "The oldest comes first.\n\n"
		"OPTIONS\n"
		"  -d, --directory DIR  look there, not in /var/lib/flightrec/snapshots\n"
		"  -O, --output-format text|jsonl\n\n"
		"EXAMPLES\n"
		"  flightrec list\n"
		"  flightrec list -d /mnt/snapshots\n"
		"  flightrec list -O jsonl *.frs\n",
	.run = run,
};
