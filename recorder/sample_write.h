/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sample_write.h - a round as records: names, packed values, the tick. */
#ifndef RECORDER_SAMPLE_WRITE_H
#define RECORDER_SAMPLE_WRITE_H

#include "recorder/metric.h"
#include "recorder/ring_user.h"

#include <flightrec/event.h>

struct sample_writer {
	struct ring_user *ring; /* NULL: nothing is written */
	unsigned writer;
	uint64_t lost, values, bytes; /* records refused; what was written */
};

/* Which round of which collector this is. */
struct sample_round {
	uint64_t ts, tick;
	uint16_t collector;
	uint16_t every; /* ticks from a round to the next; 0: too many for 16 bits */
	bool full;      /* all values, not only what changed */
};

#define SAMPLE_VALUE_BYTES_MAX 15 /* 5 for the number, 10 for the value */

/* Packs one value at ${p}, which has SAMPLE_VALUE_BYTES_MAX bytes; returns the
 * bytes used. */
size_t sample_pack(uint8_t *p, uint32_t id_step, int64_t value);

/* Writes the names of metrics that are new, or whose name would soon be
 * overwritten; also of those that had a value in the round before and have none
 * now (${vanished}), so that names are always younger than values. */
void sample_write_names(struct sample_writer *w, struct sample *s, uint64_t ts,
			bool vanished);

/* Writes the values: all if ${r}->full, else what changed, is new or was
 * announced again.  False: some found no room. */
bool sample_write_values(struct sample_writer *w, struct sample *s,
			 const struct sample_round *r);

/* One record into the lane of samples.  False: no room, which is counted. */
bool sample_write_record(struct sample_writer *w, unsigned type, unsigned aux,
			 const void *rec, size_t rec_len, const void *tail,
			 size_t tail_len);

void sample_write_tick(struct sample_writer *w, const struct fr_tick *tick);

#endif
