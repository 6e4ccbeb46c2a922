/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot_write.h - writes a snapshot file (flightrec-snapshot(5)).
 *
 * Records go in one by one (snap_put) and leave as columns: per record type a
 * block of up to SNAP_BLOCK_ROWS rows, each column encoded on its own (column.h),
 * the block compressed as one zstd frame with checksum.  All memory is allocated
 * by snap_create(); a record costs no allocation and no system call but the
 * write of a full block.  Not thread-safe per writer.
 *
 * System calls: openat, flock, write, fsync, renameat2 (or linkat), unlinkat,
 * close, and what malloc needs.  The first write that fails is remembered: all
 * later calls return its error and snap_finish() leaves no file.
 */
#ifndef DUMP_SNAPSHOT_WRITE_H
#define DUMP_SNAPSHOT_WRITE_H

#include <stddef.h>
#include <stdint.h>

#define SNAP_BLOCK_ROWS 32768
#define SNAP_SUFFIX     ".frs"

struct snap_writer;

/* Creates "${folder}/.${name}.tmp" and writes the file head and the schema.  A
 * left-over of that name that no living writer holds is replaced.  ${level}: of
 * zstd.  NULL with errno set (EBUSY: such a writer lives; EINVAL: the name). */
struct snap_writer *snap_create(const char *folder, const char *name,
				int level);

/* Facts as text: "host.kernel" = "6.18.44".  Keys are listed in
 * flightrec-snapshot(5).  All before snap_finish(); order is kept.  Facts put
 * before the first records stand before them in the file, and survive a cut.
 * -E2BIG: too long (256 KiB). */
int snap_put_fact(struct snap_writer *w, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* From here on nothing is written but through ${a} (anonymize.h), which must live
 * as long as the writer.  Puts the fact "anonymous".  0 or -ENOMEM. */
struct anonymizer;
int snap_anonymize(struct snap_writer *w, const struct anonymizer *a);

/* One record: ${rec}: logical bytes (head and ts included), at least the
 * struct of its type.  Records of unknown type are counted (fact
 * "records.unknown"), not stored; so are those that contradict themselves
 * ("records.malformed"): shorter than their struct, a tail longer than the
 * record, lane above 255, cpu above 65535, seq above 40 bits.  A
 * `slow` record is stored as what it copies, with the seq, lane and cpu of the
 * original, so that readers fold the two.  0 or negative errno (of the write). */
int snap_put(struct snap_writer *w, unsigned lane, unsigned cpu, uint64_t seq,
	     const void *rec, size_t len);

/* How much of a lane and CPU there is, and what is missing: one row each. */
struct snap_coverage {
	uint32_t lane, cpu;
	uint64_t from_ns, to_ns; /* complete (but for lost) in this span */
	uint64_t records, overwritten, lost, torn, stolen_chunks;
	uint64_t skipped_active, skipped_held, skipped_uncommitted;
};
int snap_put_coverage(struct snap_writer *w, const struct snap_coverage *c);
/* A hole inside that span: ${chunks} chunks between two that are there. */
struct snap_gap {
	uint32_t lane, cpu;
	uint64_t from_ns, to_ns, lost, chunks;
	uint64_t from_seq, to_seq; /* last before, first after */
};
int snap_put_gap(struct snap_writer *w, const struct snap_gap *g);

/* Index, trailer, fsync, rename to "${folder}/${name}.frs" (never overwrites:
 * -EEXIST), fsync of the folder.  The writer is freed in any case; on failure
 * the temporary file is removed.  *ret_bytes: file size; may be NULL. */
int snap_finish(struct snap_writer *w, uint64_t *ret_bytes);
/* Drops the temporary file and frees.  NULL is a no-op. */
void snap_abort(struct snap_writer *w);

#endif
