/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bpf_cfg.h - constants that the loader sets in each BPF object's .rodata. */
#ifndef FLIGHTREC_BPF_CFG_H
#define FLIGHTREC_BPF_CFG_H

#include "calls.h"
#include "ring.h"

/* Which records of a stream are kept.  Operations over the limit of a trigger or
 * of the slow lane always are. */
struct fr_policy {
	__u32 every; /* one in so many, by chance; 0: none */
	__u32 spare;
	__u64 above_ns; /* only those that took longer */
};

struct fr_bpf_cfg {
	__u32 nr_cpus;
	__u32 first_chunk;
	__u32 inflight_mask;     /* entries of the in-flight table - 1 */
	__u32 inflight_collides; /* pid_max is larger than the table */
	__u32 seen_mask;
	__u32 names_again; /* describe again after so many chunks of names */
	__u32 scope;       /* FR_SCOPE_* */
	__u32 scope_cgroup_level;
	__u64 scope_cgroup;
	__u64 hash_seed; /* of strings: no program can make two that are equal */
	__u32 exec_args_max; /* bytes; 0: none */
	__u32 sockopt_all; /* options of all levels, not just SOL_SOCKET and TCP */
	__u32 streams;     /* bit FR_STREAM_*: recorded */
	__u32 preemptible;  /* this kernel may preempt our programs */
	__u32 cgroup_rules; /* the map policy_cgroup has entries */
	__u32 leave_out;    /* bit FR_KIND_*: not recorded */
	__u32 page_shift;
	__u32 hist_rows;    /* of histograms, per CPU; 0: none */
	__u32 hist_cgroups; /* they tell cgroups apart */
	__u8 scratch[128];  /* which of the scratch buffers a probe has */
	struct fr_policy policy[FR_STREAMS_MAX];
	struct {
		__u32 first, nr;
	} lanes[FR_LANES_MAX];
};

/*
 * A stream that can be fed in more than one way declares them, best first:
 *   const volatile char fr_ways[FR_WAYS_BYTES] = "in out, !minor major start?";
 * Points of one way only are attached: of the first that can be had whole (a point
 * with ? may be missing), or that probes.mechanism asks for.  A way that begins with
 * ! costs much: it is taken only where the stream is named in probes.streams, or in
 * the profile deep.
 */
#define FR_WAYS_BYTES 128

/* What a file is. */
enum fr_kind {
	FR_KIND_FILE,
	FR_KIND_DIR,
	FR_KIND_LINK,
	FR_KIND_PIPE, /* has no name */
	FR_KIND_FIFO,
	FR_KIND_SOCKET, /* not UNIX-domain */
	FR_KIND_UNIX,
	FR_KIND_TTY,
	FR_KIND_CHR, /* other character devices */
	FR_KIND_BLK,
	FR_KIND_ANON, /* epoll, eventfd, timerfd, pidfd ... */
	FR_KINDS
};

/* Names of environment variables to record, each with its '=', as words. */
#define FR_ENV_NAMES      8
#define FR_ENV_NAME_BYTES 32
struct fr_env_name {
	__u64 text[FR_ENV_NAME_BYTES / 8];
	__u64 mask[FR_ENV_NAME_BYTES / 8]; /* bytes of text that count; 0: end */
};

#define FR_SCOPE_ALL    0
#define FR_SCOPE_PIDS   1 /* those in the map `scope` and their descendants */
#define FR_SCOPE_CGROUP 2

/* In the mmapable map `globals`: one element. */
struct fr_globals {
	__u64 rename_epoch; /* counts changes of directory names, 1 per second */
	__u64 rename_bumped_ns;
	__u64 rename_pending;
	__u64 pad[5];
};

/* In the array `seen`, direct-mapped: what the names lane already holds. */
struct fr_seen {
	__u64 mix; /* which name; 0: none */
	__u32 ordinal; /* low bits of the names lane's ordinal when it was written */
	__u32 pad;
};

#endif
