/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hist.h - reads the histograms that the probes keep (flightrec/hist.h), and
 * remembers what each of the last 60 minutes added to them.
 *
 * Readings are taken while the probes count: each number is what it was at some
 * moment of the reading, and none ever falls.  Functions that take a const struct
 * hist may be called from any thread at any time between hist_open() and
 * hist_close(); the others belong to the event loop.
 */
#ifndef RECORDER_HIST_H
#define RECORDER_HIST_H

#include "dump/hist_counts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hist;

/* Over mapped memory that stays the caller's and outlives it.  ${since_ns}: when
 * counting began.  NULL with errno. */
struct hist_maps {
	const struct fr_hist_index *index; /* one per CPU */
	const struct fr_hist_row *rows;
	unsigned cpus, rows_per_cpu;
};
struct hist *hist_open(const struct hist_maps *maps, uint64_t since_ns);
void hist_close(struct hist *h); /* NULL is a no-op */

uint64_t hist_since(const struct hist *h);
/* Rows in use of the CPU that has most, and how many each CPU has. */
unsigned hist_rows_used(const struct hist *h, unsigned *ret_of);
size_t hist_bytes(const struct hist *h); /* memory of the maps */

/* ---- counts, for rules ------------------------------------------------------- */
/* Which operations: all that fit each of these. */
struct hist_filter {
	uint64_t keys[FR_KEYS / 64]; /* bits of FR_KEYS; none set: all */
	uint32_t streams; /* bits FR_STREAM_*; 0: all.  read(2) is a key of fs
			   * and, on sockets, of net */
	int64_t dev;      /* -1: all */
	uint64_t cgroup;  /* 0: all; FR_HIST_OTHERS: those without a row */
};
/*
 * Puts into ${counts} how many operations each bucket has counted so far, over
 * all CPUs, and returns their number.  A window is the difference of two
 * readings.  Takes about 0.2 us per row that fits and CPU: 10 us for a call on a
 * dozen devices, 0.1 ms per CPU for all that the default size holds.
 */
uint64_t hist_read_filtered(const struct hist *h, const struct hist_filter *f,
			    uint64_t counts[FR_HIST_BUCKETS]);
/* The same by keys, whatever the stream. */
uint64_t hist_read_counts(const struct hist *h,
			  const uint64_t keys[FR_KEYS / 64], int64_t dev,
			  uint64_t cgroup, uint64_t counts[FR_HIST_BUCKETS]);

/* ---- all of it ------------------------------------------------------------------ */
struct hist_row_sum { /* a row, summed over all CPUs */
	uint64_t id, cgroup, sum_ns, count;
	uint32_t first, nr; /* its cells */
};
struct hist_cell {
	uint32_t bucket;
	uint64_t n;
};
struct hist_reading { /* rows in order of id and cgroup */
	uint64_t at_ns;
	struct hist_row_sum *rows;
	struct hist_cell *cells;
	unsigned nr_rows, nr_cells, size_cells;
};
/* 0 or -ENOMEM.  To be freed in any case. */
int hist_read(const struct hist *h, uint64_t now_ns, struct hist_reading *ret);
void hist_reading_free(struct hist_reading *r);
/* Adds a row's cells to ${counts}. */
void hist_row_counts(const struct hist_reading *r, unsigned row,
		     uint64_t counts[FR_HIST_BUCKETS]);

/* Now and then: once a minute is over, keeps what it added. */
void hist_tick(struct hist *h, uint64_t now_ns);

/*
 * All as records `hist` (logical bytes, each padded to 8; hist_next() walks): since
 * the start, then the minutes kept and the one that has begun.
 * Replaces what is in ${ret}; 0 or -ENOMEM, then it is empty.
 */
struct hist_records {
	uint8_t *bytes;
	size_t len, size;
};
int hist_take(struct hist *h, uint64_t now_ns, struct hist_records *ret);
/* The record at ${*pos}, which starts at 0; NULL at the end. */
const uint8_t *hist_next(const struct hist_records *r, size_t *pos,
			 size_t *ret_len);
void hist_records_free(struct hist_records *r);

#endif
