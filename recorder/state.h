/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.h - looks at the state of the machine: processes, system, files.
 *
 * A process of its own, fr-state, looks at the start, each
 * state.processes_period, and when a dump asks; nothing that hangs in there (a
 * /proc file of a process that keeps its memory locked) delays a sample, a
 * trigger or a dump.  It becomes no other user, but keeps only the rights to read
 * /proc and folders, and none to write.  It dies with the recorder.  Walks of the
 * file system are done by a child of it, fr-walk.
 *
 *   state_out.h     where rows go          state_cpu.h     CPU averages
 *   state_proc.h    processes              state_tasks.h   CPU times by BPF
 *   state_system.h  facts of the machine   state_walk.h    files
 */
#ifndef RECORDER_STATE_H
#define RECORDER_STATE_H

#include "recorder/config.h"
#include "recorder/ring_user.h"
#include "recorder/state_out.h"

#include <stdbool.h>
#include <sys/types.h>

#define STATE_NAME      "fr-state"
#define STATE_WALK_NAME "fr-walk"

struct state;

struct state_options {
	const struct fr_config *config;
	struct ring_user *ring;
	unsigned writer, walk_writer; /* numbers in that ring */
};

/* Memory and, if BPF is to be had, the task iterator: before rights are dropped.
 * *ret is NULL if nothing is to be looked at.  0 or negative errno. */
int state_new(const struct state_options *o, struct state **ret);
/* Starts the process; it dies with the calling thread.  0 or negative errno.
 * NULL: does nothing, as all others below. */
int state_start(struct state *s);
/* On SIGCHLD: has it ended?  Then what it left in the ring is brought back, and
 * *ret_status is its wait status. */
bool state_ended(struct state *s, int *ret_status);
void state_stop(struct state *s); /* and frees */

/* At a freeze: asks for a look, does not wait.  Its number; 0: none. */
uint32_t state_ask(struct state *s);
/* What the dumper takes it from; NULL: nothing. */
struct state_area *state_area(struct state *s);

pid_t state_pid(const struct state *s); /* 0: not running */

/* Lanes of the user ring and its size: sample history is the same with and
 * without walks. */
uint64_t state_ring_bytes(const struct fr_config *c);
unsigned state_ring_shares(const struct fr_config *c,
			   struct ring_lane_share ret[3]);

#endif
