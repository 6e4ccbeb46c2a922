/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tally.h - sums by name: what reports group by. */
#ifndef DUMP_TALLY_H
#define DUMP_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally_entry {
	char *key;
	uint64_t count, time_ns, max_ns, bytes, failed;
	uint64_t *durations; /* if asked for; sorted by tally_sort_durations() */
	size_t nr, size;
};
struct tally {
	struct tally_entry **entries; /* in the order of arrival */
	size_t nr, size;
	uint32_t *slots;
	size_t mask;
};

/* The entry of that name, made if need be.  NULL: out of memory. */
struct tally_entry *tally_at(struct tally *t, const char *key);
/* Counts an operation; ${keep}: also for percentiles.  NULL: no-op. */
void tally_add(struct tally_entry *e, uint64_t dur_ns, uint64_t bytes,
	       bool failed, bool keep);
enum tally_order {
	TALLY_BY_TIME,
	TALLY_BY_BYTES,
	TALLY_BY_COUNT
};
/* Largest first.  No tally_at() after it. */
void tally_sort(struct tally *t, enum tally_order order);
void tally_sort_durations(struct tally_entry *e);
/* Of sorted durations, nearest rank; 0 if there are none. */
uint64_t tally_percentile(const struct tally_entry *e, double percent);
void tally_free(struct tally *t);

#endif
