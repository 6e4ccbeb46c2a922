/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * look.h - conditions that are decided by looking: operations in flight, pressure,
 * percentiles.
 *
 * The lookout (recorder/lookout.h), a thread of its own, opens a struct look for
 * each such condition of the rules in force, calls its detector when it is due or
 * its descriptor says something, and passes on what it says.
 */
#ifndef TRIGGERS_LOOK_H
#define TRIGGERS_LOOK_H

#include "triggers/detector.h"

/* An operation in flight. */
struct look_op {
	uint64_t ts; /* start */
	uint64_t id; /* where it was found: for look_world */
	uint64_t ino;
	uint32_t tid, pid;
	uint32_t dev, dev2; /* of the file; disk and partition of a request */
	uint32_t key, stream;
	uint32_t source; /* which table: for look_world */
};
typedef void (*look_op_fn)(void *arg, const struct look_op *op);

#define LOOK_PATHS_MAX 128  /* operations */
#define LOOK_PATH_MAX  1024 /* bytes of a path, its NUL included */
struct look_paths {         /* of an operation in flight */
	bool known;         /* false: it has returned, or no memory */
	unsigned nr;        /* those that there are, and are known whole */
	char text[2][LOOK_PATH_MAX];
};

/* What there is to look at.  Members may be NULL: there is none of it. */
struct look_world {
	void *arg;
	/* Calls ${fn} for each operation in flight that began before ${before_ns}. */
	void (*scan)(void *arg, uint64_t before_ns, look_op_fn fn,
		     void *fn_arg);
	/* Has it not returned yet? */
	bool (*in_flight)(void *arg, const struct look_op *op);
	/* The paths of ${nr} of them, LOOK_PATHS_MAX at most, into ${ret}.  Takes
	 * much longer than its share for one. */
	void (*paths)(void *arg, const struct look_op *ops, unsigned nr,
		      struct look_paths *ret);
	/* Puts into ${counts} (FR_HIST_BUCKETS, flightrec/hist.h) how many operations of
	 * these keys and streams ended so far, by duration; ${dev} -1, ${cgroup}
	 * 0: all of them.  Returns their number.  Any thread. */
	uint64_t (*counts)(void *counts_arg, const uint64_t *keys,
			   uint32_t streams, int64_t dev, uint64_t cgroup,
			   uint64_t *counts);
	void *counts_arg;
	/* The same of the slot that counts for a condition of a rule
	 * (rule_is_counted); false: there is none now.  Any thread. */
	bool (*slot_counts)(void *arg, uint32_t number, uint32_t cond,
			    uint64_t *counts);
	const char *root; /* in front of /proc and /sys: "", or a test's */
};

/* One condition of a rule in force. */
struct look {
	struct rule_cond cond;
	const struct look_world *world;
	uint32_t number; /* of the rule */
	uint8_t index;   /* of the condition */
	int fd;          /* polled for POLLPRI; -1: none */
	uint64_t due_ns; /* when to call again; UINT64_MAX: when fd says so */
	void *state;     /* the detector's */
	struct inbox *in;
};

/* Posts a change; number, cond, change and hit_ns are filled in. */
void look_say(struct look *l, uint64_t now_ns, enum hit_change change,
	      struct engine_hit *h);

#endif
