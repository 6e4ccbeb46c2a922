/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_pin.c - flightrec pin: keeps snapshots from being removed. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dump/catalogue.h"
#include "dump/command.h"

extern const struct command_ops cmd_pin;

static const struct option options[] = {
	{ "remove", no_argument, NULL, 'r' },
	{ "directory", required_argument, NULL, 'd' },
	{ "config", required_argument, NULL, 'c' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct pin {
	const char *folder, *config;
	bool remove, quiet;
};

/* Not every file system can rename without overwriting; most have links. */
static int rename_new(int dir_fd, const char *from, const char *to)
{
	if (!renameat2(dir_fd, from, dir_fd, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (linkat(dir_fd, from, dir_fd, to, 0) || unlinkat(dir_fd, from, 0))
		return -errno;
	return 0;
}

static int pin_one(const struct catalogue *c, const char *word,
		   const struct pin *p)
{
	struct catalogue_item item;
	char to[RETENTION_FILE_MAX];
	int code = catalogue_find(c, word, &item), err = 0;

	if (code)
		return code;
	retention_pin_name(to, item.file, !p->remove);
	if (strcmp(to, item.file) != 0) {
		err = rename_new(item.dir_fd, item.file, to);
		/* a pin that a crash forgets is none */
		if (!err)
			(void)fsync(item.dir_fd);
	}
	close(item.dir_fd);
	if (err)
		return catalogue_complain(item.folder, item.file, err);
	if (!p->quiet)
		printf("%s/%s\n", item.folder, to);
	return EXIT_OK;
}

/* EXIT_OK, an exit code, or -1: help was printed. */
static int parse_options(int argc, char **argv, struct pin *p)
{
	int opt;

	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, ":rd:c:qh", options, NULL)) !=
	       -1) {
		switch (opt) {
		case 'r':
			p->remove = true;
			break;
		case 'd':
			p->folder = optarg;
			break;
		case 'c':
			p->config = optarg;
			break;
		case 'q':
			p->quiet = true;
			break;
		case 'h':
			command_print_help(&cmd_pin);
			return -1;
		default:
			return command_bad_option(&cmd_pin, opt, argv, options);
		}
	}
	if (optind == argc)
		return command_bad_usage(&cmd_pin, "no snapshot named");
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct pin p = { 0 };
	struct options o = { 0 };
	struct catalogue c;
	int code = parse_options(argc, argv, &p), r;

	if (code)
		return code < 0 ? EXIT_OK : code;
	o.config_path = p.config;
	code = catalogue_open(&c, &o, p.folder, true);
	for (int i = optind; !c.nr ? 0 : i < argc; i++) {
		r = pin_one(&c, argv[i], &p);
		code = r ? r : code;
	}
	catalogue_close(&c);
	return code;
}

const struct command_ops cmd_pin = {
	.name = "pin",
	.summary = "Keeps snapshots: retention never removes a pinned one.",
	.usage = "[--remove] [-d DIR] NAME...",
	.help = "A pin is part of the name: flightrec-TIME-TRIGGER.pin.frs.  So it goes with\n"
		"every copy, and needs no right but to write into the folder.  Prints the new\n"
		"paths.  Pinned snapshots count for dump.max_files and dump.max_use.\n\n"
		"OPTIONS\n"
		"  -r, --remove         take the pin away\n"
		"  -d, --directory DIR  names are of this folder, not of dump.folder and\n"
		"                       dump.fallback; a NAME with a slash is a path\n"
		"  -c, --config FILE    the recorder's settings, which say where snapshots are\n"
		"  -q, --quiet          print nothing\n\n"
		"EXAMPLES\n"
		"  flightrec pin flightrec-20261120T130500.250Z-slow-fsync.frs\n"
		"  flightrec pin \"$(flightrec dump -q)\"\n"
		"  flightrec pin --remove /mnt/flightrec-20261120T130500.250Z-oom.pin.frs\n",
	.run = run,
};
