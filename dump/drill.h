/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drill.h - the fire drill (flightrec selftest): its steps, what they share, and
 * who does them.
 *
 * A step is done in a process of its own wherever it touches files that may hang
 * (drill_bounded()), so struct drill lies in memory that all of them share; what
 * it points to is made before they are forked.
 */
#ifndef DUMP_DRILL_H
#define DUMP_DRILL_H

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "dump/private_recorder.h"
#include "recorder/config.h"

#define DRILL_STEPS  16
#define DRILL_WRITES 1000 /* numbered operations before the slow one */

enum drill_state {
	DRILL_NOT_REACHED, /* something before it failed */
	DRILL_OK,
	DRILL_FAILED,
	DRILL_LEFT_OUT, /* cannot be told here; why is said */
};

struct drill_step {
	const char *name;
	enum drill_state state;
	uint64_t took_ns;
	char what[768]; /* for people, one line */
	char next[512]; /* what to do about it; "": nothing */
};

/* A wait that was measured from both sides (CLOCK_MONOTONIC, ns): ${begin} and
 * ${end} around the call, ${blocked} when the kernel was seen to let it wait,
 * ${released} just before it let it go. */
struct drill_wait {
	uint64_t begin, blocked, released, end;
};

/* What the snapshot says of our operations. */
struct drill_found {
	uint64_t rows; /* of our process */
	uint64_t slow_nr, slow_ts, slow_dur, slow_tid;
	char slow_path[PATH_MAX], slow_comm[32];
	uint64_t writes, twice, wrong, astray; /* astray: not in their order */
	uint64_t lost;    /* by all lanes of kernel probes, as it says */
	bool hidden;      /* dump.anonymize */
	char limits[256]; /* settings that keep some operations out; "": none */
	char excluded[256]; /* settings that may keep all of them out */
};

struct drill {
	/* as asked for */
	bool json, keep, is_private;
	bool must_run;      /* a daemon, or exit 3 */
	const char *config; /* NULL: the default file, if it is there */
	const char *sets[PRIVATE_SETS_MAX];
	unsigned nr_sets;
	const char *run_folder, *scratch_in;
	uint64_t delay_ns, limit_ns, timeout_ns;
	/* the steps so far; the last is under way */
	struct drill_step steps[DRILL_STEPS];
	unsigned nr_steps;
	uint64_t step_began_ns;
	bool no_permission, no_daemon;
	/* the recorder */
	struct fr_config *settings; /* NULL: not known (of a daemon) */
	struct private_recorder recorder;
	const char *run;   /* run folder of the one that is tried */
	char rule[33];     /* our trigger; "": it takes none */
	char no_rule[256]; /* why not */
	uint64_t done_before, failed_before; /* its snapshots until then */
	char folder[PATH_MAX];               /* where it puts snapshots */
	char fallback[PATH_MAX];
	uint64_t hits_before; /* of all latency rules */
	/* the operations */
	char scratch[PATH_MAX], path[PATH_MAX]; /* folder; the file in it */
	pid_t pid, tid;
	char comm[32];
	struct drill_wait slow, quick; /* quick: for our own rule only */
	unsigned over;     /* calls of flock above the limit by our clock */
	char problem[512]; /* why they could not be done; "": they were */
	/* the snapshot */
	char snapshot[PATH_MAX];
	uint64_t bytes, records, hit_to_hold_ns, hit_to_disk_ns;
	uint64_t hit_ns, hit_ts_ns, hit_tid, chunks;
	struct drill_found found;
	char report[65536]; /* the beginning of what flightrec report says */
	int tool_exit;      /* exit code of the command that was run */
};

/* ---- drill.c: steps, time, processes ------------------------------------- */

uint64_t drill_now_ns(void);
void drill_begin(struct drill *d, const char *name);
/* The current step ended so; it took as long as it took, unless took_ns is set. */
void drill_ok(struct drill *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void drill_failed(struct drill *d, const char *next, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void drill_left_out(struct drill *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
struct drill_step *drill_step(struct drill *d); /* the current one */
/* When the current step has to be over. */
uint64_t drill_deadline(const struct drill *d);
unsigned drill_patience_s(const struct drill *d); /* until then, at least 1 */
/* A moment between two looks at something that tells nobody when it changes;
 * false: it was a signal that ends us. */
bool drill_pause(void);
extern volatile sig_atomic_t drill_stop; /* the signal that ends us, or 0 */
/*
 * Runs ${fn} in a process of its own until the step's deadline.  False: it did not
 * come back; the step has failed, and says so.
 */
bool drill_bounded(struct drill *d, void (*fn)(struct drill *));

/* ---- drill_print.c -------------------------------------------------------- */

void drill_print_step(const struct drill *d, const struct drill_step *s);
void drill_print_end(const struct drill *d, int code, uint64_t took_ns);

/* ---- the steps ------------------------------------------------------------- */

/* drill_private.c: with a recorder of our own */
void drill_settings(struct drill *d);
void drill_start_private(struct drill *d);
/* Takes it down, and its snapshots if they are not wanted; how many could not be
 * removed. */
unsigned drill_end_private(struct drill *d);

/* drill_daemon.c: with the one that runs */
bool drill_daemon_runs(struct drill *d);
void drill_find_daemon(struct drill *d);
void drill_fire_daemon(struct drill *d);
/* Takes back the rule that it was given for the drill. */
void drill_end_daemon(struct drill *d);
/* Asks for a snapshot; false: it failed, and *why says why. */
bool drill_dump(struct drill *d, const char *reason, char *why, size_t size);
/* Whether probes of the stream fs are attached; else the step has failed. */
struct client_reply;
bool drill_check_probes(struct drill *d, const struct client_reply *r,
			char *ret_how, size_t size);

/* drill_fire.c: waits for the rule ->rule to fire, and for its snapshot */
void drill_fire_rule(struct drill *d);

/* drill_operate.c */
void drill_operate(struct drill *d);
void drill_remove_scratch(struct drill *d);

/* drill_check.c */
void drill_freeze(struct drill *d);
void drill_written(struct drill *d);
void drill_verify(struct drill *d);
void drill_row(struct drill *d);
void drill_history(struct drill *d);
void drill_report(struct drill *d);
/* The facts of the snapshot about its trigger, into *d. */
void drill_read_facts(struct drill *d);
/* What ${c} leaves out, into ->limits and ->excluded. */
void drill_explain(struct drill_found *f, const struct fr_config *c);

#endif
