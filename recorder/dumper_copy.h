/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dumper_copy.h - what the dumper does in its process: chunks into a snapshot.
 */
#ifndef RECORDER_DUMPER_COPY_H
#define RECORDER_DUMPER_COPY_H

#include "recorder/dumper.h"

#include <stdint.h>

#define DUMPER_BATCH 8 /* chunks told of at once */

/* One of these per write; below PIPE_BUF, so never cut. */
enum dumper_msg_kind {
	DUMPER_CONFINED = 1,
	DUMPER_COPIED, /* chunks [from, to) of source src may be released */
	DUMPER_DONE,
	DUMPER_CLEANED, /* older snapshots were looked through */
	DUMPER_ASKS,    /* who joined by now, see joined.h */
};
struct dumper_msg {
	uint32_t kind;
	int32_t err;
	uint32_t src, from, to;
	uint32_t attempt; /* of the file's name */
	uint64_t bytes, records, torn, stolen_chunks, free_bytes;
	struct priv_report confined;
	uint32_t removed, not_removed;
	uint32_t spare;
};

/* Copies what is held into "${name}.frs" in the current folder and tells
 * ${pipe_fd} after each batch.  Fills the figures of *ret.  0 or negative errno. */
int dumper_write_snapshot(const struct dump_job *job, const char *name,
			  int pipe_fd, struct dumper_msg *ret);

#endif
