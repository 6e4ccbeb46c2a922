/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sampler.h - collects counters at each tick and writes them into the ring.
 *
 * A timer process (timer.h) sets the pace, a thread of the recorder collects:
 * neither a slow collector nor a slow trigger can shift the other.  How values
 * are stored is in flightrec-sampler(7).
 */
#ifndef RECORDER_SAMPLER_H
#define RECORDER_SAMPLER_H

#include "recorder/collector.h"
#include "recorder/metric.h"
#include "recorder/ring_user.h"
#include "recorder/timer.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct sampler;

struct sampler_options {
	uint64_t period_ns; /* base: of collectors that have no rate of their own */
	uint64_t fast_ns, slow_ns; /* of those @fast and @slow; 0: as base */
	const char *collectors; /* items of collector_spec.h with commas or blanks
				 * between; "0" or "": none */
	const struct collector_ops *const *ops; /* instead of names; ends with
						 * NULL */
	const char *root;       /* goes before each path; NULL: "" */
	struct ring_user *ring; /* NULL: nothing is written, only observed */
	unsigned writer;        /* number of the writer in that ring */
	uid_t timer_uid;        /* whom the timer becomes; 0: stays */
	gid_t timer_gid;
};

/* A full set of values is written at least every so many rounds. */
#define SAMPLER_FULL_ROUNDS 60
/* Packed bytes in one record of values at most. */
#define SAMPLER_PACK_MAX    3000

/* Prepares and opens the collectors; the timer beats as fast as the fastest of them
 * wants, and each takes part in every n-th tick.  0; -ENOENT: no collector of that name;
 * -EINVAL: no period; -ENOMEM; what a collector's open says. */
int sampler_new(const struct sampler_options *o, struct sampler **ret);

/* ${fn} is called on the sampler's thread for each value of each round, also
 * those that did not change; ${m} is valid during the call only, ${value} is the
 * stored one (times m->def->scale).  Set it before the start. */
typedef void (*sampler_observe_fn)(void *arg, uint64_t now_ns, uint32_t id,
				   struct metric *m, int64_t value);
void sampler_set_observer(struct sampler *s, sampler_observe_fn fn, void *arg);

/* Starts timer and thread.  The timer dies with the thread that calls this: call
 * from the one that lives longest.  With no collectors: does nothing.  0 or
 * negative errno. */
int sampler_start(struct sampler *s);

/*
 * On SIGCHLD: has the timer ended (killed, as it never does by itself)?  Then it is
 * reaped, the thread is over, no samples are taken until sampler_start() is called
 * again, and *ret_status is its wait status.
 */
bool sampler_timer_ended(struct sampler *s, int *ret_status);

/* While paused, ticks are taken from the timer and counted, not served. */
void sampler_pause(struct sampler *s, bool pause);

/* Stops what runs, closes the collectors, frees.  NULL is a no-op. */
void sampler_stop(struct sampler *s);

/* One round now, on the caller's thread: for tests and single samples; not
 * while started. */
void sampler_round(struct sampler *s, const struct timer_tick *tick);

/* For any thread, any time; each number is read on its own.  Between two ticks,
 * ticks + late + paused = last_k - first_k + 1. */
struct sampler_stats {
	uint64_t ticks;  /* rounds served */
	uint64_t late;   /* ticks skipped because a round took too long */
	uint64_t paused; /* ticks that came while paused */
	uint64_t first_k, last_k; /* tick numbers */
	uint64_t metrics;         /* known by name */
	uint64_t values;          /* in the last round */
	uint64_t errors;          /* values that could not be read */
	uint64_t lost;            /* records that found no room in the ring */
	uint64_t written;         /* values written, all rounds */
	uint64_t bytes;           /* packed bytes of them */
	uint64_t round_ns;        /* wall time of the last round */
	uint64_t round_max_ns;    /* of the longest */
	uint64_t cpu_ns;          /* CPU time of all rounds */
	uint64_t suspended_ns;    /* the machine slept since the start */
	uint64_t timer_dead;      /* 1: the timer ended, ticks are missing */
};
void sampler_stats(const struct sampler *s, struct sampler_stats *ret);
/* Does a collector wait for its first answer?  To be asked between rounds. */
bool sampler_waits(const struct sampler *s);
/* Values that collector ${i} could not read so far, and its name; false: there is no
 * such collector.  To be asked between rounds. */
bool sampler_errors_of(const struct sampler *s, unsigned i,
		       uint64_t *ret_errors, const char **ret_name);
pid_t sampler_timer_pid(const struct sampler *s); /* 0: not started */

#endif
