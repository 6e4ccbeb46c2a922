/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring.h - the layout and the protocol of flightrec's ring.
 *
 * One header for both kinds of memory that carry it: the BPF array that kernel
 * probes write (mmapable, pinned) and the shared-memory file that the sampler
 * and user programs write.  Both are an array of 16 KiB pages:
 *
 *   page 0                 struct fr_ring_head: who, when, and one fr_lane each
 *   page 1 .. words_pages  struct fr_word, 64 bytes each, index lane*nr_cpus+cpu
 *   page first_chunk ..    the chunks; lane L owns chunks [first, first + nr)
 *
 *   a chunk, 256 slots of 64 bytes:
 *   +--------+--------+--------+-- ... --+--------+
 *   | head   | slot 1 | slot 2 |         | s. 255 |
 *   +--------+--------+--------+-- ... --+--------+
 *
 *   a record: one slot, or a first slot and continuation slots behind it:
 *   | head u64 | 56 bytes | head(CONT,1) | 56 bytes | head(CONT,2) | 56 bytes ...
 *   Its logical bytes are the whole first slot followed by the 56 bytes of each
 *   continuation slot; structs of event.h describe the logical bytes.
 *
 * Writer (one per lane and CPU, but it may be preempted by, or nested in,
 * another writer of the same lane and CPU):
 *   1. peek at word.pos; if its offset is inside the chunk, fetch-and-add the
 *      slots needed (acquire: pairs with d), else roll over first;
 *   2. if the old offset + n fits in the chunk: the slots are its own;
 *      if the old offset lies inside the chunk but the record does not fit:
 *      the rest is its own as padding (head of type PAD; commit it with 0
 *      records), then roll over;
 *   3. fill all bytes of the slots, continuation heads included, first head last
 *      (release: pairs with the reader's load of the head);
 *   4. fetch-and-add (1 << 32 | slots) to chunk.committed (release: pairs with c).
 * Roll-over, from the used-up position it saw:
 *   a. take the next ordinal of the lane (fetch-and-add on lane.next), unless the
 *      chunk at the frontier is held: then the event is lost and counted, so that
 *      what was recorded before stays whole.  Load state before hold_until_ns;
 *   b. the chunk is ordinal % nr.  Skip it if it is active or held (a void hold
 *      is none).  Skipping what is not fully committed saves a line from c, but
 *      only the look in c counts;
 *   c. compare-and-swap its state from what was seen to ACTIVE (acquire: pairs
 *      with e); then give it back if it is not fully committed: a writer is
 *      still inside;
 *   d. write its head: ordinal = 0 first (release fence behind it), all else,
 *      ordinal last (release).  Compare-and-swap word.pos (release) from a value
 *      that still names the chunk seen before step a - so that ordinals of one
 *      word only grow, as fr_chunk_limit() needs.  Other offset, same chunk: try
 *      again.  Another chunk: who loses writes PAD into slot 1, commits 255
 *      slots and 0 records and gives the chunk back;
 *   e. who wins clears ACTIVE of the chunk that the old position named (release),
 *      unless that is FR_CHUNK_NONE.
 * Sealing (a CPU or writer that went away): compare-and-swap word.pos to
 *   FR_POS_SEALED of its ordinal; pad and commit the rest; clear ACTIVE.
 * Reader (dumper):
 *   - stores hold_until_ns, reads all position words - the snapshot is what was
 *     reserved before (fr_chunk_limit()) -, then lane.next, then sets HELD on
 *     the chunks it wants and reads their heads.  In this order no chunk of the
 *     snapshot is claimed after lane.next was read; writers that go on meanwhile
 *     take the oldest ones only;
 *   - copies a chunk: the heads of its slots in ascending order (acquire), then
 *     the rest, then (acquire fence) checks that `ordinal` is still what it was
 *     before the copy (a writer stores the ordinal before it touches any slot);
 *   - accepts a slot only if fr_head_matches(head, ordinal, offset) and its
 *     offset is below the limit; slots in between that do not match are torn;
 *   - clears HELD, oldest chunk first.  A hold has a bound: after
 *     ring_head.hold_until_ns writers take held chunks all the same, so that a
 *     dead dumper cannot blind the recorder.
 *
 * Every number here is native-endian; a ring is read on the machine that
 * wrote it.  Includable from BPF (after kernel_types.h) and from user space.
 */
#ifndef FLIGHTREC_RING_H
#define FLIGHTREC_RING_H

#ifndef __KERNEL_TYPES_H__
#include <linux/types.h>
#endif

#define FR_RING_MAGIC   0x31474e5252544c46ULL /* "FLTRRNG1" */
#define FR_RING_VERSION 1

#define FR_SLOT_BYTES         64
#define FR_CONT_BYTES         56  /* payload of a continuation slot */
#define FR_CHUNK_SLOTS        256 /* slot 0 is the head */
#define FR_CHUNK_BYTES        (FR_CHUNK_SLOTS * FR_SLOT_BYTES)
#define FR_CHUNK_RECORD_SLOTS (FR_CHUNK_SLOTS - 1)
#define FR_WORDS_PER_PAGE     (FR_CHUNK_BYTES / 64)
#define FR_LANES_MAX          16
#define FR_RECORD_SLOTS_MAX   80 /* longest record: 64 + 79 * 56 = 4,488 bytes */

/* Lanes: FR_LANE_FS, ... of streams.def. */
enum fr_lane_id {
#define FR_LANE(id, number, name, ring, weight, doc) FR_LANE_##id = (number),
#include "streams.def"
#undef FR_LANE
};
/* Streams: FR_STREAM_FS, ... */
#define FR_STREAMS_MAX 16
enum fr_stream_id {
#define FR_STREAM(id, number, name, lane, profile, doc) \
	FR_STREAM_##id = (number),
#include "streams.def"
#undef FR_STREAM
};

/* chunk.state */
#define FR_CHUNK_ACTIVE     1ULL /* a word.pos names it */
#define FR_CHUNK_HELD       2ULL /* a reader wants it unchanged */
/* HELD with the number of the freeze: who saw an earlier hold that is void by now
 * fails in its compare-and-swap when the chunk is held anew.  Writers only test
 * HELD, and leave all of it as it is when they clear ACTIVE. */
#define FR_CHUNK_HOLD_BITS  0xffffff02ULL
#define FR_CHUNK_HOLD(id)   (((__u64)(id)&0xffffff) << 8 | FR_CHUNK_HELD)
/* Set and cleared together with ACTIVE where writers can die (user rings). */
#define FR_CHUNK_OWNER(cpu) ((__u64)((cpu) + 1) << 32)

/* Slot 0 of a chunk.  Sole writer of all but `state` and `committed`: the
 * claimer, between its compare-and-swap of state and that of word.pos. */
struct fr_chunk_head {
	__u64 state;   /* atomic: or/and by reader, CAS by writers */
	__u64 ordinal; /* which claim of the lane; 0: never used, or in step d */
	__u64 committed; /* atomic: records << 32 | slots; 255 slots: complete
			  * (as ring_init() leaves it) */
	__u64 prev; /* ordinal this CPU filled before in this lane; 0: none */
	__u64 claimed_ns; /* CLOCK_MONOTONIC */
	__u64 lost;       /* word.lost of this CPU at the claim (cumulative) */
	__u32 cpu;
	__u32 lane;
	__u64 serial; /* how many chunks this CPU took in this lane, this included */
};

/* One cache line per lane and CPU.  Sole writers: the writers of that CPU
 * (atomics, they may nest) - but `overwritten` is added to by whoever
 * reclaims a chunk that this CPU had filled. */
struct fr_word {
	__u64 pos;         /* atomic, see FR_POS */
	__u64 lost;        /* events that found no chunk */
	__u64 overwritten; /* records of reclaimed chunks: history that aged out */
	__u64 skipped_active; /* chunks passed over: another CPU writes there */
	__u64 skipped_held;
	__u64 skipped_uncommitted; /* a writer is still inside */
	__u64 serial;              /* chunks taken */
	__u64 starved; /* roll-overs that failed (each loses at least one event) */
};

/* word.pos = ordinal (low 32 bits) << 32 | chunk << 12 | next offset.  chunk is
 * the chunk's number in the whole ring.  Offsets >= FR_CHUNK_SLOTS: used up. */
#define FR_POS(ordinal, chunk, off) \
	((__u64)(__u32)(ordinal) << 32 | (__u64)(chunk) << 12 | (__u64)(off))
#define FR_CHUNK_NONE          0xfffffu
/* No chunk: sealed after that ordinal, or none yet.  The ordinal stays, so that
 * claims under way when it was sealed and fr_chunk_limit() are not misled. */
#define FR_POS_SEALED(ordinal) FR_POS(ordinal, FR_CHUNK_NONE, FR_CHUNK_SLOTS)
#define FR_POS_NONE            FR_POS_SEALED(0)
#define FR_POS_ORDINAL(pos)    ((__u32)((pos) >> 32))
#define FR_POS_CHUNK(pos)      ((__u32)((pos) >> 12) & 0xfffff)
#define FR_POS_OFF(pos)        ((__u32)(pos)&0xfff)
#define FR_CHUNKS_MAX          FR_CHUNK_NONE

struct fr_lane {
	__u64 next; /* atomic: next ordinal; starts at 1.  Own cache line. */
	__u64 pad0[7];
	__u32 first; /* constant after creation */
	__u32 nr;
	__u32 limit_free; /* chunks a hold leaves to the writers */
	__u32 pad1;
	__u64 pad2[6];
};

struct fr_ring_head { /* page 0 */
	__u64 magic;
	__u32 version;
	__u32 layout_hash; /* of ring.h's and event.h's layout; differs: refuse */
	__u8 boot_id[16];      /* /proc/sys/kernel/random/boot_id */
	__u64 instance;        /* random, one per ring created */
	__u64 created_ns;      /* CLOCK_MONOTONIC */
	__s64 mono_to_real_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC at creation */
	__u32 nr_lanes;        /* FR_LANES_MAX; lanes not in use have nr = 0 */
	__u32 nr_cpus; /* possible CPUs, or writers of a user-space ring */
	__u32 nr_chunks;
	__u32 first_chunk; /* page of chunk 0 */
	__u32 owner_pid;   /* the recorder */
	__u32 flags;
	__u64 hold_until_ns; /* holds are void after this; 0: none */
	__u64 hold_id;       /* counts freezes */
	__u64 pad[4];        /* lanes start a cache line */
	struct fr_lane lanes[FR_LANES_MAX];
};

/* Slot head: which slot of which claim this is, and what it holds:
 *   63..32 ordinal (low 32) | 31..24 offset | 23..16 type | 15..0 aux */
#define FR_HEAD(ordinal, off, type, aux)                             \
	((__u64)(__u32)(ordinal) << 32 | (__u64)((off)&0xff) << 24 | \
	 (__u64)((type)&0xff) << 16 | (__u64)((aux)&0xffff))
#define FR_HEAD_SEQ(head)  ((head) >> 24) /* 40 bits, unique in its lane */
#define FR_HEAD_TYPE(head) ((__u32)((head) >> 16) & 0xff)
#define FR_HEAD_AUX(head)  ((__u32)(head)&0xffff)

#define FR_TYPE_CONT 254 /* aux: 1, 2, ... within its record */
#define FR_TYPE_PAD  255 /* nothing from here to the end of the chunk */

static inline int fr_head_matches(__u64 head, __u64 ordinal, __u32 off)
{
	return FR_HEAD_SEQ(head) == ((__u64)(__u32)ordinal << 8 | (off & 0xff));
}

#define FR_COMMIT(records, slots) ((__u64)(records) << 32 | (__u64)(slots))
#define FR_COMMITTED_SLOTS(c)     ((__u32)(c))
#define FR_COMMITTED_RECORDS(c)   ((__u32)((c) >> 32))

/* Serial comparison of low 32 bits of ordinals: negative if a is older. */
static inline __s32 fr_ordinal_cmp(__u32 a, __u32 b)
{
	return (__s32)(a - b);
}

/* Slots below the returned offset belong to a snapshot whose position words
 * were read after the hold; `pos` is the word of the chunk's own CPU and lane. */
static inline __u32 fr_chunk_limit(__u64 ordinal, __u64 pos)
{
	__s32 d = fr_ordinal_cmp((__u32)ordinal, FR_POS_ORDINAL(pos));

	if (d == 0)
		return FR_POS_OFF(pos) < FR_CHUNK_SLOTS ? FR_POS_OFF(pos) :
							  FR_CHUNK_SLOTS;
	if (d < 0)
		return FR_CHUNK_SLOTS; /* used up before */
	return 1; /* claimed, but not yet in use when the words were read */
}

#endif
