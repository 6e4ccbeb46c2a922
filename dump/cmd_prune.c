/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_prune.c - flightrec prune: applies the limits of the snapshot folders. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dump/catalogue.h"
#include "dump/command.h"
#include "dump/view_open.h"
#include "triggers/units.h"

extern const struct command_ops cmd_prune;

static const struct option options[] = {
	{ "max-files", required_argument, NULL, 'F' },
	{ "max-use", required_argument, NULL, 'U' },
	{ "max-age", required_argument, NULL, 'A' },
	{ "max-share", required_argument, NULL, 'S' },
	{ "keep-free", required_argument, NULL, 'K' },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "directory", required_argument, NULL, 'd' },
	{ "config", required_argument, NULL, 'c' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

#define SET_MAX 64 /* of an option's value; all that are right are shorter */

struct prune {
	const char *folder;
	bool dry_run, quiet;
	char sets[5][SET_MAX + 32];
	struct options o;
	/* the folder at hand */
	const char *path;
	int code;
	bool refused; /* no permission: said once */
};

static void note(void *arg, const struct retention_file *f, int err)
{
	struct prune *p = arg;
	char size[32];

	if (!err && p->quiet)
		return;
	if (!err) {
		printf("%s %s/%s  %s  %s%s\n",
		       p->dry_run ? "would remove" : "removed", p->path,
		       f->file, units_human_size(size, f->bytes),
		       retention_why_name(f->why),
		       f->over_share ? ", above dump.max_share" : "");
		return;
	}
	if (err == -EACCES || err == -EPERM || err == -EROFS) {
		if (p->refused)
			return;
		p->refused = true;
	}
	p->code = catalogue_complain(p->path, f->file, err);
}

static void say_sum(struct prune *p, const struct retention_limits *l,
		    const struct retention_result *r)
{
	char gone[32], left[32];

	if (!p->quiet)
		printf("%s: %u snapshots %s, %s; %u left, %s\n", p->path,
		       r->removed, p->dry_run ? "would go" : "removed",
		       units_human_size(gone, r->removed_bytes), r->files,
		       units_human_size(left, r->bytes));
	if (r->reached || p->code)
		return;
	p->code = EXIT_INCOMPLETE;
	if (r->lacking)
		fprintf(stderr,
			"flightrec: %s: %s more must be free for dump.keep_free, "
			"and removing snapshots cannot do that\n",
			p->path, units_human_size(left, r->lacking));
	if (r->files > l->max_files || r->bytes > l->max_bytes)
		fprintf(stderr,
			"flightrec: %s: still above dump.max_files or "
			"dump.max_use: %u pinned take %s, and the newest stays\n",
			p->path, r->pinned,
			units_human_size(left, r->pinned_bytes));
}

static void prune_folder(struct prune *p, const struct catalogue *c,
			 unsigned at)
{
	struct retention_job job = { .dry_run = p->dry_run,
				     .fn = note,
				     .arg = p };
	struct retention_result r;
	int dir_fd, code = catalogue_open_folder(c, at, &dir_fd), err;

	if (dir_fd < 0) {
		p->code = code ? code : p->code;
		return;
	}
	p->path = c->folders[at];
	retention_limits(c->config, &job.limits);
	if (!p->dry_run)
		retention_remove_temporary(dir_fd, RETENTION_TEMPORARY_S);
	err = retention_apply(dir_fd, &job, &r);
	close(dir_fd);
	if (err)
		p->code = catalogue_complain(p->path, NULL, err);
	else
		say_sum(p, &job.limits, &r);
}

/* As --set dump.${key}=VALUE: checked, and refused, like the file's. */
static int set(struct prune *p, const char *key)
{
	char *text;

	if (p->o.nr_sets == 5)
		return command_bad_usage(&cmd_prune, "too many limits");
	if (strlen(optarg) > SET_MAX)
		return command_bad_usage(&cmd_prune, "%s: too long", key);
	text = p->sets[p->o.nr_sets];
	snprintf(text, sizeof(p->sets[0]), "dump.%s=%s", key, optarg);
	p->o.sets[p->o.nr_sets++] = text;
	return EXIT_OK;
}

static int take_option(struct prune *p, int opt, char **argv)
{
	switch (opt) {
	case 'F':
		return set(p, "max_files");
	case 'U':
		return set(p, "max_use");
	case 'A':
		return set(p, "max_age");
	case 'S':
		return set(p, "max_share");
	case 'K':
		return set(p, "keep_free");
	case 'n':
		p->dry_run = true;
		break;
	case 'd':
		p->folder = optarg;
		break;
	case 'c':
		p->o.config_path = optarg;
		break;
	case 'q':
		p->quiet = true;
		break;
	default:
		return command_bad_option(&cmd_prune, opt, argv, options);
	}
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct prune p = { 0 };
	struct catalogue c;
	int opt, code = EXIT_OK;

	opterr = 0;
	optind = 1;
	while (!code && (opt = getopt_long(argc, argv, ":nd:c:qh", options,
					   NULL)) != -1) {
		if (opt == 'h') {
			command_print_help(&cmd_prune);
			return EXIT_OK;
		}
		code = take_option(&p, opt, argv);
	}
	if (!code && optind < argc)
		code = command_bad_usage(&cmd_prune, "'%s' is too much",
					 argv[optind]);
	if (code)
		return code;
	p.code = catalogue_open(&c, &p.o, p.folder, false);
	for (unsigned i = 0; i < c.nr; i++)
		prune_folder(&p, &c, i);
	catalogue_close(&c);
	return p.code;
}

const struct command_ops cmd_prune = {
	.name = "prune",
	.summary = "Removes the snapshots that are above the limits, now.",
	.usage = "[-n] [--max-files N] [--max-use SIZE] [--max-age TIME] ...",
	.help = "Applies dump.max_files, dump.max_use, dump.max_age, dump.max_share and\n"
		"dump.keep_free of the recorder's settings to dump.folder and dump.fallback, as\n"
		"the recorder itself does after each dump; see RETENTION in flightrecd.conf(5).\n"
		"Says what went and why.  Pinned snapshots stay.\n\n"
		"OPTIONS\n"
		"  --max-files N        another limit, for this once\n"
		"  --max-use SIZE\n"
		"  --max-age TIME       720h: 30 days\n"
		"  --max-share PERCENT  of one trigger, where others need the room\n"
		"  --keep-free SIZE|PERCENT\n"
		"  -n, --dry-run        only say what would go\n"
		"  -d, --directory DIR  this folder, not dump.folder and dump.fallback\n"
		"  -c, --config FILE    the recorder's settings (" OPTIONS_CONFIG
		")\n"
		"  -q, --quiet          say only what is wrong\n\n"
		"EXIT STATUS\n"
		"  0 the limits hold   4 a limit cannot be reached   6 no permission\n\n"
		"EXAMPLES\n"
		"  flightrec prune -n\n"
		"  flightrec prune --max-age 720h\n"
		"  flightrec prune -d /mnt/snapshots --max-files 10 --max-share 0%\n",
	.run = run,
};
