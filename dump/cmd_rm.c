/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_rm.c - flightrec rm: removes snapshots by name, time or trigger. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dump/catalogue.h"
#include "dump/command.h"
#include "dump/view_time.h"
#include "triggers/units.h"

extern const struct command_ops cmd_rm;

static const struct option options[] = {
	{ "before", required_argument, NULL, 'b' },
	{ "trigger", required_argument, NULL, 't' },
	{ "force", no_argument, NULL, 'f' },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "directory", required_argument, NULL, 'd' },
	{ "config", required_argument, NULL, 'c' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct rm {
	const char *folder, *config, *trigger;
	uint64_t before_ns; /* 0: not asked for */
	bool force, dry_run, quiet;
	/* what came of it */
	int code;
	unsigned removed, pinned;
	uint64_t bytes;
};

/* One that is gone already is what was wanted, but was not removed by us. */
static void remove_one(struct rm *rm, int dir_fd, const char *folder,
		       const char *file, uint64_t bytes)
{
	if (!rm->dry_run && unlinkat(dir_fd, file, 0)) {
		int err = -errno;

		if (err != -ENOENT)
			rm->code = catalogue_complain(folder, file, err);
		return;
	}
	rm->removed++;
	rm->bytes += bytes;
	if (!rm->quiet)
		printf("%s %s/%s\n", rm->dry_run ? "would remove" : "removed",
		       folder, file);
}

static void remove_named(struct rm *rm, const struct catalogue *c,
			 const char *word)
{
	struct catalogue_item item;
	int code = catalogue_find(c, word, &item);

	if (code) {
		rm->code = code;
		return;
	}
	if (item.name.pinned && !rm->force) {
		fprintf(stderr,
			"flightrec: %s/%s is pinned; take the pin away, or use "
			"--force\n",
			item.folder, item.file);
		rm->code = EXIT_FAILED;
	} else {
		remove_one(rm, item.dir_fd, item.folder, item.file, item.bytes);
	}
	close(item.dir_fd);
}

static bool is_chosen(const struct rm *rm, const struct retention_file *f)
{
	if (rm->before_ns && f->name.real_ns >= rm->before_ns)
		return false;
	return !rm->trigger || !strcmp(f->name.trigger, rm->trigger);
}

static void remove_chosen(struct rm *rm, const struct catalogue *c, unsigned at)
{
	struct retention_file *list = NULL;
	size_t nr = 0;
	int dir_fd, code = catalogue_open_folder(c, at, &dir_fd), err;

	if (dir_fd < 0) {
		rm->code = code ? code : rm->code;
		return;
	}
	err = retention_read_folder(dir_fd, &list, &nr);
	if (err)
		rm->code = catalogue_complain(c->folders[at], NULL, err);
	for (size_t i = 0; i < nr; i++) {
		if (!is_chosen(rm, &list[i]))
			continue;
		if (list[i].name.pinned && !rm->force)
			rm->pinned++;
		else
			remove_one(rm, dir_fd, c->folders[at], list[i].file,
				   list[i].bytes);
	}
	free(list);
	close(dir_fd);
}

static int parse_before(const char *text, struct rm *rm)
{
	int64_t now = (int64_t)time(NULL) * 1000000000;
	struct view_time t;

	if (view_time_parse(text, now, &t) || t.form == TIME_NONE)
		return command_bad_usage(
			&cmd_rm,
			"--before %s: '%s' is not a time (2026-11-20, "
			"-168h)",
			text, text);
	if (t.form == TIME_RELATIVE)
		t.ns += now;
	rm->before_ns = t.ns > 0 ? (uint64_t)t.ns : 1;
	return EXIT_OK;
}

static int take_option(struct rm *rm, int opt, char **argv)
{
	switch (opt) {
	case 'b':
		return parse_before(optarg, rm);
	case 't':
		rm->trigger = optarg;
		break;
	case 'f':
		rm->force = true;
		break;
	case 'n':
		rm->dry_run = true;
		break;
	case 'd':
		rm->folder = optarg;
		break;
	case 'c':
		rm->config = optarg;
		break;
	case 'q':
		rm->quiet = true;
		break;
	default:
		return command_bad_option(&cmd_rm, opt, argv, options);
	}
	return EXIT_OK;
}

static int parse_options(int argc, char **argv, struct rm *rm)
{
	bool chooses;
	int opt, code = EXIT_OK;

	opterr = 0;
	optind = 1;
	while (!code && (opt = getopt_long(argc, argv, ":b:t:fnd:c:qh", options,
					   NULL)) != -1) {
		if (opt == 'h') {
			command_print_help(&cmd_rm);
			return -1;
		}
		code = take_option(rm, opt, argv);
	}
	chooses = rm->before_ns || rm->trigger;
	if (!code && chooses && optind < argc)
		return command_bad_usage(
			&cmd_rm,
			"name snapshots, or choose with --before and --trigger");
	if (!code && !chooses && optind == argc)
		return command_bad_usage(
			&cmd_rm,
			"nothing named; --before and --trigger choose");
	return code;
}

static void say_sum(const struct rm *rm)
{
	char text[32];

	if (rm->quiet)
		return;
	printf("%u snapshots%s, %s", rm->removed,
	       rm->dry_run ? " would go" : "",
	       units_human_size(text, rm->bytes));
	if (rm->pinned)
		printf("; %u pinned stay (--force)", rm->pinned);
	putchar('\n');
}

static int run(int argc, char **argv)
{
	struct rm rm = { 0 };
	struct options o = { 0 };
	struct catalogue c;
	int code = parse_options(argc, argv, &rm);

	if (code)
		return code < 0 ? EXIT_OK : code;
	o.config_path = rm.config;
	rm.code = catalogue_open(&c, &o, rm.folder, true);
	for (int i = optind; c.nr && i < argc; i++)
		remove_named(&rm, &c, argv[i]);
	for (unsigned i = 0; optind == argc && i < c.nr; i++)
		remove_chosen(&rm, &c, i);
	catalogue_close(&c);
	if (optind < argc || rm.code)
		return rm.code;
	say_sum(&rm);
	return rm.removed ? EXIT_OK : EXIT_EMPTY;
}

const struct command_ops cmd_rm = {
	.name = "rm",
	.summary = "Removes snapshots, by name, time or trigger.",
	.usage = "[-n] [-f] NAME... | --before TIME | --trigger NAME",
	.help = "Asks nothing.  Touches regular files only that are named as the recorder names\n"
		"snapshots; a pinned one only with --force.\n\n"
		"OPTIONS\n"
		"  --before TIME        those taken before: 2026-11-20, 2026-11-20T13:05, @SECONDS,\n"
		"                       -168h (from now)\n"
		"  --trigger NAME       those of this trigger; with --before: both must fit\n"
		"  -f, --force          pinned ones, too\n"
		"  -n, --dry-run        only say what would go\n"
		"  -d, --directory DIR  in this folder, not in dump.folder and dump.fallback; a\n"
		"                       NAME with a slash is a path\n"
		"  -c, --config FILE    the recorder's settings, which say where snapshots are\n"
		"  -q, --quiet          say only what is wrong\n\n"
		"EXIT STATUS\n"
		"  0 removed   1 something named is not there, pinned, or not a snapshot\n"
		"  5 nothing to remove   6 no permission\n\n"
		"EXAMPLES\n"
		"  flightrec rm flightrec-20261120T130500.250Z-slow-fsync.frs\n"
		"  flightrec rm -n --trigger slow-fsync --before -168h\n"
		"  flightrec rm -d . --before 2026-11-01\n",
	.run = run,
};
