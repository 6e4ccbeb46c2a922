/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dumps.h - from a freeze to a file: one dump at a time, one retry in the second
 * folder, and whatever happens the hold is released.
 *
 * Not thread-safe: belongs to the event loop.
 */
#ifndef RECORDER_DUMPS_H
#define RECORDER_DUMPS_H

#include "recorder/config.h"
#include "recorder/dumper.h"
#include "recorder/freeze.h"
#include "recorder/pruner.h"
#include "recorder/retention.h"
#include "recorder/state.h"

#include <limits.h>
#include <stdint.h>

/* What fired: becomes facts of the snapshot. */
struct dump_cause {
	const char *name; /* of the trigger; part of the file's name */
	const char *kind;
	const char *reason;
	const char *when; /* the rule; NULL: none */
	uint32_t number;
	uint64_t hit_ns;  /* when it was decided, CLOCK_MONOTONIC */
	uint64_t ts, dur; /* of the operation; 0: none */
	uint32_t pid, tid;
	double value;
	uint64_t fired, merged, suppressed; /* of this trigger so far */
};

struct dump_outcome {
	int err;          /* 0: on disk */
	const char *path; /* of the file, or of the folder that failed last */
	uint64_t bytes, records;
	uint64_t hold_ns; /* how long holding took */
	uint64_t hit_to_hold_ns, hit_to_disk_ns;
	uint64_t now_ns;
};

/* Called once per dump, when it is over. */
typedef void (*dumps_done_fn)(void *arg, const struct dump_outcome *o);

#define DUMPS_TIMES_MAX 512

/* How long something took, over the dumps of this run: the median is that of the
 * last DUMPS_TIMES_MAX. */
struct dumps_times {
	uint64_t nr, last, min, max;
	uint64_t latest[DUMPS_TIMES_MAX]; /* of dump nr at nr % MAX */
};

struct dumps_counts {
	uint64_t done, failed, retried, killed;
	struct dumps_times hold, hit_to_hold, hit_to_disk; /* ns */
	uint64_t stolen_chunks, torn, bytes;
	uint64_t removed, not_removed; /* older snapshots, by dumpers */
	struct priv_report confined;   /* of the last dumper */
};

/* Copied from the configuration, so that it can be replaced at any time. */
struct dumps_settings {
	char folders[2][PATH_MAX]; /* dump.folder, dump.fallback ("": none) */
	int level;
	int anonymize, keep_extensions;
	uint64_t hold_limit_ns, look_wait_ns;
	struct retention_limits limits;
	gid_t gid;
};

/* A dumper that was told to end, or has said all, and is not gone yet. */
#define DUMPS_LEFT_MAX 8
struct dumps_left {
	pid_t pid; /* 0: free */
	int hung;  /* it was killed because of its time; then it hangs there: */
	char folder[PATH_MAX];
};

struct dumps {
	struct dumps_settings settings;
	struct freeze *freeze;
	struct facts *host;    /* facts that hold for every snapshot */
	struct probes *probes; /* NULL: none */
	struct facts *config;  /* recorder.config; NULL: none */
	struct state *looks;   /* NULL: none */
	struct hist *hist;     /* NULL: none */
	struct joined *joined; /* for the dump at hand; NULL: none */
	struct hist_records hist_records; /* taken at the freeze */
	uint32_t look; /* that was asked for at the freeze; 0: none */
	uint64_t instance;
	dumps_done_fn done_fn;
	void (*asked_fn)(
		void *arg); /* the dumper wants to know who joined: put it
				      * into ${joined}.  NULL: nothing joins */
	void *done_arg;

	enum {
		DUMPS_IDLE,
		DUMPS_HELD, /* frozen, no dumper yet */
		DUMPS_RUNNING,
	} state;
	int attempt; /* 0: dump.folder, 1: dump.fallback */
	uint64_t hit_ns, real_ns;
	char trigger[64];
	char folder[PATH_MAX]; /* of the attempt */
	char path[PATH_MAX];
	struct facts facts;      /* of this dump */
	struct facts hold_facts; /* of its hold, which is taken anew where the
				  * first folder hangs */
	struct dump_job job;
	struct dumper dumper;
	struct dumps_left left[DUMPS_LEFT_MAX];
	struct dumps_counts counts;
	struct pruner pruner;
};

/* Holds all rings.  -EBUSY: one is under way; then nothing happens. */
int dumps_freeze(struct dumps *d);
/*
 * Starts a dumper on what dumps_freeze() held.  0: done_fn will be called once,
 * when it is over.  Negative errno: none can be started (counted and said, the
 * hold is released), and done_fn will not be called.
 */
int dumps_start(struct dumps *d, const struct dump_cause *cause);
/* Releases what is held and not being dumped. */
void dumps_release(struct dumps *d);

/* For poll: readable when dumps_dispatch() has something to do; -1: no dump. */
int dumps_fd(const struct dumps *d);
void dumps_dispatch(struct dumps *d);
/* When dumps_check_limit() must be called; UINT64_MAX: never. */
uint64_t dumps_deadline(const struct dumps *d);
/* Kills a dumper that is over its time, does not wait for its end, and tries the
 * second folder with what the ring has by then.  As long as the killed one lives,
 * its folder is not tried again. */
void dumps_check_limit(struct dumps *d, uint64_t now_ns);
/* Takes note of dumpers that have ended: on SIGCHLD. */
void dumps_reap(struct dumps *d);
/* Now and then: old snapshots go while nothing is dumped (pruner.h). */
void dumps_prune(struct dumps *d, uint64_t now_ns);
/* Waits until the dump under way is over; its limit holds. */
void dumps_finish(struct dumps *d);
void dumps_fini(struct dumps *d);

uint64_t dumps_median(const struct dumps_times *t); /* 0: there were none */

#endif
