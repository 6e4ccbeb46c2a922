/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_verify.c - flightrec verify: is all of a snapshot intact? */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "dump/command.h"
#include "dump/snapshot_read.h"
#include "dump/view_open.h"

extern const struct command_ops cmd_verify;

static const struct option options[] = {
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct counts {
	uint64_t blocks, bad_blocks, rows, bytes;
};

/* Decodes every block: its checksum, its columns, its texts. */
static void read_blocks(struct snap *s, struct counts *n)
{
	for (unsigned i = 0; i < snap_nr_blocks(s); i++) {
		const struct snap_block_info *info = snap_block_info(s, i);
		struct snap_block *b = snap_read_block(s, i);

		n->blocks++;
		n->bytes += info->stored_bytes;
		if (b)
			n->rows += b->rows;
		else
			n->bad_blocks++;
		snap_free_block(b);
	}
}

static void print_damage(const char *path, const char *damage)
{
	while (damage && *damage) {
		int len = (int)strcspn(damage, "\n");

		fprintf(stderr, "flightrec: %s: %.*s\n", path, len, damage);
		damage += len + (damage[len] == '\n');
	}
}

static int verify(const char *path, bool quiet)
{
	struct snap_diag diag = { "" };
	struct counts n = { 0 };
	struct snap *s = snap_open(path, &diag);
	bool intact;

	if (!s) {
		int err = errno;

		view_open_complain(path, &diag, -err);
		return view_open_exit(-err);
	}
	read_blocks(s, &n);
	intact = !snap_damage(s) && snap_complete(s) && !n.bad_blocks;
	print_damage(path, snap_damage(s));
	if (!snap_damage(s) && !snap_complete(s))
		fprintf(stderr,
			"flightrec: %s: the index at the end is missing\n",
			path);
	if (!quiet)
		printf("%s: %s: %ju blocks, %ju rows, %ju bytes of rows; "
		       "%ju blocks damaged; index %s\n",
		       path, intact ? "intact" : "DAMAGED", (uintmax_t)n.blocks,
		       (uintmax_t)n.rows, (uintmax_t)n.bytes,
		       (uintmax_t)n.bad_blocks,
		       snap_complete(s) ? "whole" : "missing");
	snap_close(s);
	return intact ? EXIT_OK : EXIT_CORRUPT;
}

static int run(int argc, char **argv)
{
	bool quiet = false;
	int opt, code = EXIT_OK;

	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, ":qh", options, NULL)) != -1) {
		if (opt == 'q') {
			quiet = true;
		} else if (opt == 'h') {
			command_print_help(&cmd_verify);
			return EXIT_OK;
		} else {
			return command_bad_option(&cmd_verify, opt, argv,
						  options);
		}
	}
	if (optind == argc)
		return command_bad_usage(&cmd_verify, "no file given");
	for (int i = optind; i < argc; i++) {
		int r = verify(argv[i], quiet);

		code = r != EXIT_OK ? r : code;
	}
	return code;
}

const struct command_ops cmd_verify = {
	.name = "verify",
	.summary = "Reads every block and checks that snapshots are whole.",
	.usage = "[-q] FILE...",
	.help = "Exits with 0 if all files are intact, with 7 if one is damaged: then show,\n"
		"info and report still give what is intact of it.\n\n"
		"OPTIONS\n"
		"  -q, --quiet         say only what is wrong\n\n"
		"EXAMPLES\n"
		"  flightrec verify a.frs\n"
		"  flightrec verify -q /var/lib/flightrec/snapshots/*.frs\n",
	.run = run,
};
