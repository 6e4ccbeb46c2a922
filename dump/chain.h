/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chain.h - from an operation on a file to the block requests it waited for.
 *
 * A record has what joins it to the layer below: thread, inode, times.  A request
 * counts as waited for if it was under way during the operation and
 *   - the operation's thread submitted it, or
 *   - it carries pages of the operation's inode (sync: of any file there), or
 *   - the operation waits for the device, too (fsync, sync ...), and the request is
 *     a flush, or carries no file's data: the journal and metadata.
 * What the journal's thread writes counts as well, whatever file it is of.
 */
#ifndef DUMP_CHAIN_H
#define DUMP_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "dump/view.h"

enum chain_why {
	CHAIN_NONE = 0,
	CHAIN_THREAD,
	CHAIN_INODE,
	CHAIN_FILESYSTEM,
	CHAIN_DEVICE,
	CHAIN_OTHER, /* same disk, same time, but not waited for */
};
const char *chain_why_word(enum chain_why why);

#define CHAIN_NO_VALUE UINT64_MAX

struct chain_request { /* a row of stream block */
	size_t row;
	uint64_t ts, end;
	uint64_t queue_dur;               /* CHAIN_NO_VALUE: never issued */
	uint64_t tid, ino;                /* CHAIN_NO_VALUE: none */
	uint64_t dev, part_dev, file_dev; /* as dev_t; CHAIN_NO_VALUE: none */
	unsigned source;
	bool flush, journal;
};

struct chain_op { /* any other row that has a duration */
	size_t row;
	uint64_t ts, end;
	uint64_t tid, ino, dev; /* CHAIN_NO_VALUE: none */
	unsigned source;
	bool waits_for_device; /* fsync, sync, ... */
	bool all_files;        /* sync, syncfs */
};

struct chain { /* the requests of a view, in its order */
	struct view *v;
	struct view_cursor *c;
	struct chain_request *requests;
	size_t nr;
	uint64_t longest; /* duration */
	unsigned block;   /* stream */
	unsigned queue_dur, part_dev, file_dev;
};

struct chain_link {
	const struct chain_request *request;
	enum chain_why why;
};
struct chain_links { /* what one operation waited for, in the order of time */
	struct chain_link *links;
	size_t nr;
	size_t nr_others; /* CHAIN_OTHER: not in links */
	uint64_t explained_ns; /* of the operation: some of the links was under way */
};

/* Reads the block rows.  0 or -ENOMEM. */
int chain_init(struct chain *ch, struct view *v);
void chain_free(struct chain *ch);
/* The cursor's row as an operation; false: it is a block request, or has no
 * duration. */
bool chain_get_op(struct chain *ch, struct view_cursor *c, size_t row,
		  struct chain_op *ret);
/* 0 or -ENOMEM.  Free ret->links. */
int chain_follow(const struct chain *ch, const struct chain_op *op,
		 struct chain_links *ret);

/* chain_print.c: one operation and its requests on standard output. */
void chain_print_text(struct chain *ch, const struct chain_op *op,
		      const struct chain_links *l);
void chain_print_json(struct chain *ch, const struct chain_op *op,
		      const struct chain_links *l);

#endif
