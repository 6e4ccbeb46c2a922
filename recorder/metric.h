/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metric.h - metrics by name and number, and the values of one round.
 *
 * A collector declares its metrics as struct metric_def; where there is one per
 * device, `%` in the name stands for the instance.  A metric gets its number when
 * its first value comes and keeps it: a device that was pulled and comes back goes on
 * under the old number, unless that was given to another metric meanwhile.  This
 * happens only when nothing in the ring uses it any more (metric_table_reuse()), so
 * that in one snapshot a number is one metric.
 */
#ifndef RECORDER_METRIC_H
#define RECORDER_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METRIC_MAX      65536 /* numbers are 1 .. METRIC_MAX */
#define METRIC_NAME_MAX 160   /* bytes of a name, NUL included */

enum metric_kind {
	METRIC_GAUGE = 1,
	METRIC_COUNTER = 2,    /* only its differences mean something */
	METRIC_COUNTER_32 = 3, /* the same; its source has 32 bits and wraps */
};

struct metric_def {
	const char *name; /* "diskstats.%.reads" */
	const char *unit; /* "bytes", "ns", "s", "pages", "" */
	uint16_t kind;    /* enum metric_kind */
	uint16_t scale;   /* stored: the value times this */
	int64_t factor;   /* what the source's number is multiplied with */
};

/* The stored value at which it begins again at 0; 0: it never does. */
static inline int64_t metric_wrap(const struct metric_def *d)
{
	return d->kind == METRIC_COUNTER_32 ? d->factor << 32 : 0;
}

struct metric {
	const struct metric_def *def;
	const char *source; /* "/proc/diskstats" */
	const struct sample *owner;
	char *name;
	uint16_t inst_at, inst_len; /* where the instance is in name */
	bool muted;                 /* the collector was told to leave it out */
	bool announced;             /* its name is in the ring */
	bool shown;  /* the observer has its name; it sets this */
	bool queued; /* among those that are gone */
	bool later; /* it was back and vanished again: not so early in the queue */
	bool fresh;     /* must be written: it is new, or was announced again */
	uint32_t round; /* the collector's last round that had a value */
	int64_t last;   /* that value */
	uint64_t ordinal; /* of the lane when its name was written */
	uint64_t gone; /* the same when it vanished, plus 1; 0: it is there */
	uint32_t next_gone;
};

struct metric_table;

/* NULL: out of memory. */
struct metric_table *metric_table_new(void);
void metric_table_free(struct metric_table *t); /* NULL is a no-op */
unsigned metric_table_count(const struct metric_table *t);
/* NULL if there is no such number. */
struct metric *metric_table_get(struct metric_table *t, uint32_t id);

/* It vanished, when the lane was at ${ordinal}: neither its name nor a value is written
 * any more until it is back. */
void metric_table_gone(struct metric_table *t, uint32_t id, uint64_t ordinal);
/* Numbers of what vanished before ${ordinal} may be given to others. */
void metric_table_reuse(struct metric_table *t, uint64_t ordinal);

/* Does ${inst} fit one of the globs of ${list} (see struct sample)?  An empty one
 * always does. */
bool metric_wanted(const char *list, const char *inst, size_t len);

struct metric_value {
	uint32_t id;
	int64_t value;
};

/* The values of one collector, filled by its collect(). */
struct sample {
	struct metric_table *table;
	const char *source; /* file being parsed */
	const char *list;   /* instances wanted, globs with blanks or commas
			   * between; NULL: all */
	struct metric_value *values;
	unsigned nr, size;
	/* Numbers in the order of the last round: /proc files keep their
	 * order, so the next value is nearly always the next number. */
	uint32_t *order;
	unsigned order_size, cursor;
	uint32_t round;
	unsigned seen_before; /* values that the round before had too */
	unsigned nr_before;   /* values of the round before */
	uint64_t errors;      /* values that could not be read, cumulative */
	bool sorted;
};

void sample_init(struct sample *s, struct metric_table *table);
void sample_free(struct sample *s);
void sample_begin(struct sample *s); /* a new round */
/* Sorts by number.  True if a metric that had a value in the round before has
 * none now. */
bool sample_end(struct sample *s);

/*
 * One value: ${raw} as the source has it, multiplied here by def->factor.
 * ${inst} (NULL: none) replaces the % of the name.  A second value of the same metric in one
 * round, an overflow, a name that is too long or has control bytes, and a table
 * that is full count as errors and store nothing.
 */
void sample_put(struct sample *s, const struct metric_def *def,
		const char *inst, size_t inst_len, int64_t raw);
void sample_error(struct sample *s); /* a value that could not be read */

#endif
