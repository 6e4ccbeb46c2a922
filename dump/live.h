/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live.h - values of the sampler's collectors read by a command itself, without a
 * recorder: for sample, log and loadsensor.
 *
 * Metrics are chosen by globs and told in the order of their names.  One thread.
 */
#ifndef DUMP_LIVE_H
#define DUMP_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "dump/command.h"

struct live_options {
	const char *collectors; /* as sampler.collectors; NULL: the settings' */
	const char *const *globs; /* ${nr} of them; 0: all metrics */
	unsigned nr;
	uint64_t period_ns; /* of the rounds to come */
};

struct live_metric {
	const char *name, *unit, *source;
	bool is_counter;
	uint32_t scale; /* the value is stored times this */
	int64_t value;
	bool is_known; /* it had a value when its collector read last */
	/* since the round before; rate_known: both are there, and it was no reset */
	bool rate_known;
	double rate; /* per second, of the value itself */
};

struct live;

/* Opens collectors, takes the first round.  The exit code, having said on standard
 * error what was wrong: with the settings, or a glob that nothing matches. */
int live_open(const struct command_ops *cmd, const struct live_options *o,
	      struct live **ret);
/* Values that could not be read so far. */
uint64_t live_errors(const struct live *l);
/* The collectors that these are of, "net, mounts"; "" if there are none. */
#define LIVE_FAILED 200
const char *live_failed(const struct live *l, char buf[LIVE_FAILED]);
void live_close(struct live *l); /* NULL is a no-op */

void live_round(struct live *l); /* reads all that is due, now */

/* Metrics chosen, by name; one that came in a later round is among them.  A pointer
 * is good until the next round. */
unsigned live_count(const struct live *l);
const struct live_metric *live_nth(const struct live *l, unsigned n);

#define LIVE_TEXT 48
/* The value as a decimal; "" if it is not known. */
const char *live_text(const struct live_metric *m, char buf[LIVE_TEXT]);
/* The rate of a counter, the value of a gauge; "" if that is not known. */
const char *live_rate_text(const struct live_metric *m, char buf[LIVE_TEXT]);
/* A cell of CSV: in quotes if it must be. */
void live_put_cell(FILE *out, const char *text);
/* All metrics as OpenMetrics text. */
void live_put_openmetrics(const struct live *l, FILE *out);

#endif
