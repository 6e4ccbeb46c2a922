/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backtest.h - when rules would have fired on what snapshots hold.
 *
 * Recorded operations go through slots of struct fr_limits as in the kernel
 * (slot_match.h), sampled values through the detectors, and both into an engine
 * (engine.h), in the order in which they were decided: when an operation ended, a
 * sample was taken, a look would have found it.  Time is that of the records.
 * What the snapshots leave open is told as reasons: a rule with one is
 * undecided, however often it fired on what is there.
 *
 *   backtest_new(), backtest_run(), results, backtest_free()
 *
 * One thread; no clock, and no system calls but for memory.
 */
#ifndef DUMP_BACKTEST_H
#define DUMP_BACKTEST_H

#include "dump/view.h"
#include "triggers/engine.h"

#define BACKTEST_REASON_MAX 240
#define BACKTEST_REASONS    12 /* of one rule */
#define BACKTEST_DUMP_NS    50000000ULL
#define BACKTEST_NO_ROW     SIZE_MAX

struct backtest;

struct backtest_options {
	const struct fr_trigger_rule *rules; /* with `when`; copied */
	unsigned nr;                         /* at most RULES_MAX */
	/* How long a snapshot takes that was not really written: 0: as those
	 * that were, else BACKTEST_DUMP_NS.  Those that were take what they took. */
	uint64_t dump_ns;
	/* Called now and then with what is done, per cent; may be NULL. */
	void (*progress)(void *arg, unsigned percent);
	void *arg;
};

/* The streams to load into the view, NULL behind the last: what the rules are
 * about, and what tells of names, losses and snapshots.  Valid as long as b. */
const char *const *backtest_streams(const struct backtest *b);

/* NULL: out of memory. */
struct backtest *backtest_new(const struct backtest_options *o);
void backtest_free(struct backtest *b); /* NULL is a no-op */

/*
 * Tests on ${v}: loaded with backtest_streams() and no other filter; its files
 * are of one machine.  ${span}: --begin and --end, else NULL.  0, -ENOMEM, or
 * -EINVAL with *diag.  Once for each b.
 */
struct view_filter;
int backtest_run(struct backtest *b, struct view *v,
		 const struct view_filter *span, struct snap_diag *diag);

/* ---- results: valid until backtest_free() --------------------------------- */

/* What was tested, in the time of the view; begin 0: since the recorder began. */
void backtest_span(const struct backtest *b, uint64_t *ret_begin,
		   uint64_t *ret_end);
/* The time of the view as CLOCK_REALTIME, ns. */
int64_t backtest_real_ns(const struct backtest *b, uint64_t ns);

struct backtest_rule {
	const char *name, *when;
	bool enabled;
	struct trigger_counts counts;
	unsigned nr_reasons; /* 0: decided */
	const char *reasons[BACKTEST_REASONS];
};
unsigned backtest_nr_rules(const struct backtest *b);
void backtest_rule(const struct backtest *b, unsigned i,
		   struct backtest_rule *ret);

enum backtest_fate {
	BACKTEST_FIRED,
	BACKTEST_MERGED,
	BACKTEST_SUPPRESSED,
};
const char *backtest_fate_name(enum backtest_fate fate); /* "fired" */

struct backtest_hit {
	unsigned rule;
	enum backtest_fate fate;
	uint64_t ns;           /* when it was decided */
	struct engine_hit hit; /* what the engine was told */
	size_t row;            /* of the view; BACKTEST_NO_ROW: none */
};
size_t backtest_nr_hits(const struct backtest *b); /* in order of time */
const struct backtest_hit *backtest_hit(const struct backtest *b, size_t i);
/* What was seen, against which limit, in a line. */
void backtest_describe(const struct backtest *b, const struct backtest_hit *h,
		       char *buf, size_t size);

/* Why rule ${i} was hit no more often: what came nearest to condition ${cond}, in a
 * line; false: there is no such condition. */
bool backtest_nearest(const struct backtest *b, unsigned i, unsigned cond,
		      char *buf, size_t size);

#endif
