/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state_walk.h - the files of a file system: rows state_file.
 *
 * Runs in a process of its own that gets CPU and disk when nobody else wants
 * them, and may hang as long as it likes.  Memory is bounded whatever the tree is
 * like: one open folder per level, and one number per file.
 */
#ifndef RECORDER_STATE_WALK_H
#define RECORDER_STATE_WALK_H

#include "recorder/state_out.h"

#define STATE_WALK_DEPTH_MAX 64

struct walk_options {
	const char *root;
	unsigned depth;     /* levels below the root */
	uint64_t max_bytes; /* of rows in the ring */
	uint64_t round;
};

struct walk_result {
	uint64_t files;  /* rows written */
	uint64_t errors; /* files and folders that could not be read */
	uint64_t skipped; /* files that found no room, or whose path is too long */
	uint64_t again;   /* seen before: other names of a file, loops */
	uint64_t foreign; /* on other file systems */
};

/* Walks now, in the caller's process.  0, or negative errno: the root cannot be
 * read. */
int walk_tree(const struct walk_options *o, struct state_out *out,
	      struct walk_result *ret);

/* In the process that walks: others come first. */
void walk_be_modest(void);

#endif
