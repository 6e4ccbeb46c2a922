/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hist_counts.h - arithmetic on the histograms of flightrec/hist.h: buckets,
 * quantiles, and the packed form in which snapshots carry them.
 */
#ifndef DUMP_HIST_COUNTS_H
#define DUMP_HIST_COUNTS_H

#include <flightrec/hist.h>
#include <stddef.h>
#include <stdint.h>

/* The bucket of a duration. */
uint32_t hist_bucket_of(uint64_t ns);
/* What stands for all durations of a bucket: its middle, rounded down; 16 ns for
 * the first, 2^40 ns for the last one. */
uint64_t hist_middle(uint32_t bucket);

uint64_t hist_total(const uint64_t counts[FR_HIST_BUCKETS]);

/*
 * The quantile of ${ppm} millionths (p99.9: 999000): of n durations in order, the
 * one of rank ceil(n * ppm / 1000000), at least 1; what is returned is the
 * middle of its bucket.  0: there are none.
 */
uint64_t hist_quantile(const uint64_t counts[FR_HIST_BUCKETS], uint32_t ppm);
#define HIST_P50  500000
#define HIST_P90  900000
#define HIST_P99  990000
#define HIST_P999 999000
#define HIST_MAX  1000000 /* the middle of the last bucket that is not empty */

/*
 * Packs the buckets from ${*from} on that are not empty: for each the distance
 * from the one before (from 0 for the first) and its count, as varints.  Returns
 * the bytes; ${*from} becomes the first bucket that found no room, or
 * FR_HIST_BUCKETS.
 */
size_t hist_pack(const uint64_t counts[FR_HIST_BUCKETS], uint32_t *from,
		 uint8_t *buf, size_t size);
/* Adds what is packed to ${counts}.  0, or -EBADMSG: cut or no such bucket; what
 * came before counts. */
int hist_unpack(const uint8_t *packed, size_t len,
		uint64_t counts[FR_HIST_BUCKETS]);

/* As text: "LOW:COUNT LOW:COUNT ...", LOW being the shortest duration of the bucket
 * in ns.  Returns the length; cut behind a count if ${size} is too small; the
 * longest has HIST_TEXT_MAX. */
size_t hist_text(const uint64_t counts[FR_HIST_BUCKETS], char *buf,
		 size_t size);
#define HIST_TEXT_MAX (FR_HIST_BUCKETS * 36)
/* Adds such a text to ${counts}.  0 or -EBADMSG. */
int hist_parse(const char *text, uint64_t counts[FR_HIST_BUCKETS]);

/* "read", "write" ... of a key of shared.h that is no system call; NULL: it is. */
const char *hist_key_op(unsigned key);

#endif
