/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shared.h - the small tables that BPF and the recorder share beside the ring.
 */
#ifndef FLIGHTREC_SHARED_H
#define FLIGHTREC_SHARED_H

#include "calls.h"
#include "ring.h"

/* ---- latency triggers, decided at the event ------------------------------ */
#define FR_TRIGGER_SLOTS     64
/* Limits are kept by key: ids of calls.def (fs), then these. */
#define FR_KEY_BLOCK_READ    240
#define FR_KEY_BLOCK_WRITE   241
#define FR_KEY_BLOCK_FLUSH   242
#define FR_KEY_BLOCK_DISCARD 243
#define FR_KEY_BLOCK_OTHER   244
#define FR_KEY_URING         245
#define FR_KEY_FAULT         246
#define FR_KEYS              256

/* Written by the recorder, except where BPF is named.  A hit is counted exactly
 * once: who changes ARMED to HIT fires and wakes the recorder, hits in HIT are
 * merged, hits in QUIET are suppressed. */
enum fr_trigger_slot_state {
	FR_SLOT_FREE = 0, /* ignored */
	FR_SLOT_ARMED,
	FR_SLOT_HIT,   /* from the hit until the ring is frozen (BPF sets it) */
	FR_SLOT_QUIET, /* cooling down or disabled */
		       /* FR_WHAT_COUNT counts in all of these but FREE */
};
/* What a slot waits for. */
enum fr_trigger_what {
	FR_WHAT_LATENCY = 0, /* limit_ns, keys */
	FR_WHAT_ERROR,       /* errnos, keys */
	FR_WHAT_EXIT,        /* signals, errnos: a process's last thread ends */
	FR_WHAT_OOM,         /* the kernel kills for want of memory */
	FR_WHAT_COUNT,       /* nothing: counts durations (slot_counts), keys */
	FR_WHATS
};
/* Filters of a slot: bits of where and where_not. */
#define FR_WHERE_COMM   1u
#define FR_WHERE_PID    2u
#define FR_WHERE_CGROUP 4u
#define FR_WHERE_DEV    8u
#define FR_WHERE_PATH   16u
#define FR_SLOT_ERRNOS  8

struct fr_trigger_slot {
	__u32 state; /* atomic; ARMED -> HIT by BPF, all else by the recorder */
	__u32 number; /* of the rule, as in records */
	__u32 what;
	__u32 gate; /* atomic; 0: what else the rule asks for is not true now,
		     * events pass uncounted */
	__u64 limit_ns;
	__u64 keys[FR_KEYS / 64]; /* bit: this operation counts */
	__u64 signals;            /* bit n - 1: signal n */
	/* positive; 0 ends; none: any.  EXIT: exit codes; none: none, -1: any
	 * but 0 */
	__s32 errnos[FR_SLOT_ERRNOS];
	__u32 where, where_not;
	__u64 comm[2], comm_mask[2]; /* matches if (comm ^ name) & mask is 0 */
	__u64 cgroup;
	__u32 cgroup_level, pid, dev;
	__u32 streams; /* bits 1 << FR_STREAM_*: of the operation */
	__u64 fired, merged, suppressed; /* atomic, BPF only, never reset */
	__u32 cond;                      /* which of the rule's conditions */
	__u32 pad1;
	__u64 pad2[8];
};

/*
 * A glob over paths, for both sides to run (bpf/event_path.bpf.h, triggers/glob.h).
 * Bit n of a state: what was read so far matches the first n tokens of the glob;
 * 128 bits, so at most 127 tokens.  All bits are 0 in one that matches nothing.
 */
struct fr_glob {
	__u64 accepts[256][2]; /* by byte: tokens it can be, token n at bit n */
	__u64 stays[2];        /* states that a * follows */
	__u64 ends[2];         /* the state of the whole glob */
};

/* In the mmapable map `limits`: one element. */
struct fr_limits {
	/* what is looked at when each operation ends: below it, none of what follows
	 * is about one that succeeded; 0: never */
	__u64 look_ns[FR_KEYS];
	__u64 min_ns[FR_KEYS]; /* below: no trigger and no slow copy; 0: never */
	__u64 slow_ns;         /* over it: copy to the slow lane; 0: none */
	__u64 error_keys[FR_KEYS / 64]; /* bit: some slot waits for its errors */
	__u64 count_keys[FR_KEYS / 64]; /* bit: some slot counts it */
	__u32 wanted;   /* bits 1 << FR_WHAT_*: some slot waits for these */
	__u32 nr_slots; /* slots behind these are FREE */
	__u32 paths;    /* 1: some slot filters by path */
	__u32 count_streams; /* bits: of those that count_keys is about */
	__u64 pad[5];        /* whole cache lines */
	struct fr_trigger_slot slots[FR_TRIGGER_SLOTS];
	struct fr_glob globs[FR_TRIGGER_SLOTS]; /* of slots with FR_WHERE_PATH */
};

_Static_assert(__builtin_offsetof(struct fr_limits, slots) % 64 == 0,
	       "slots are cache lines");

/* What BPF sends through the `wake` ring buffer: one per fired trigger. */
struct fr_wake {
	__u32 slot, number;
	__u64 ts, dur; /* of the operation */
	__u64 hit_ns;  /* when it was decided */
	__u64 seq;
	__u32 lane, cpu, pid, tid;
	__u32 key;
	__s32 value;   /* ERROR: errno; EXIT: wait status */
	char comm[16]; /* of the thread; EXIT, OOM: of the process */
};

/* ---- counts per probe (BPF per-CPU, FR_COUNTER(..., PROBE, ...)) ---------- */
/* FR_PROBES(X): id, stream, name of each probe, generated from bpf/; those of
 * FR_CARRIED_PROBES(X) have no program of their own, but are part of fs.enter and
 * fs.exit (bpf/sys_*.bpf.h).  Ids differ from build to build: they never leave the
 * memory of one recorder. */
#include <probe_list.h>
enum fr_probe_id {
#define FR_PROBE_ID(id, stream, name) FR_PROBE_##id,
	FR_PROBES(FR_PROBE_ID)
	FR_CARRIED_PROBES(FR_PROBE_ID)
#undef FR_PROBE_ID
		FR_PROBE_MAX = 128
};
struct fr_probe_counts {
#define FR_COUNTER(name, scope, doc) FR_COUNTER_##scope(name)
#define FR_COUNTER_PROBE(name)       __u64 name;
#define FR_COUNTER_SELF(name)
#include "counters.def"
#undef FR_COUNTER
#undef FR_COUNTER_PROBE
#undef FR_COUNTER_SELF
};

/* ---- in-flight system calls: mmapable array, direct-mapped by thread ------- */
#define FR_INFLIGHT_MORE 131072 /* threads without a place of their own */

/* What is noted of a socket; all bits one: not known. */
struct fr_inflight_sock {
	__u32 laddr[4], raddr[4]; /* network order; IPv4 as ::ffff:a.b.c.d */
	__u16 lport, rport;
	__u16 protocol;
	__u8 family, type;
};
struct fr_inflight {
	__u64 ts; /* start, 0: not in a recorded call */
	__u32 tid, pid;
	__u64 task; /* task_struct: whose entry this is */
	/* six of the call; behind them open_how's flags and mode, or the kernel's
	 * addresses of a socket's file and sock */
	__u64 args[8];
	__u16 call; /* id | FR_CALL_COMPAT */
	__u16 born;
	__u16 pkey;
	__u8 in_scope, direct; /* direct: the file is open with O_DIRECT */
	__u32 dev;
	__u8 stream;   /* FR_STREAM_*: who records the end of this call */
	__u8 entered;  /* id by the number it was called with: socketcall ... */
	__u8 left_out; /* the same of a call that is not recorded; 0: none */
	__u8 pad;
	__u64 ino;
	__u64 offset;
	union {
		__u64 file_size;
		__u64 sock_size; /* stream net: asked */
		__u64 sock_name; /* stream conn: hash of a UNIX socket's path */
	};
	union {
		struct {                     /* of a call that names paths */
			__u64 asked, asked2; /* hashes of strings */
			__u64 dir_ino, dir2_ino;
			__u32 dir_dev;
			__u16 dir_pkey, dir2_pkey;
		};
		struct fr_inflight_sock sock;
	};
	__u32 dir2_dev;
	__u32 names_ordinal; /* lane.next of names when the thread was described */
	__u64 start_boottime;
	__u64 cred; /* of the thread when it was described */
};
_Static_assert(sizeof(struct fr_inflight) == 192, "three cache lines");

#endif
