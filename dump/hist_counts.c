/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hist_counts.c - arithmetic on histograms. */
#include "dump/hist_counts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t hist_bucket_of(uint64_t ns)
{
	uint32_t log2;

	if (ns < 1u << FR_HIST_MIN_LOG2)
		return 0;
	log2 = 63 - (uint32_t)__builtin_clzll(ns);
	if (log2 >= FR_HIST_MAX_LOG2)
		return FR_HIST_OVER;
	/* the leading bit of the shifted number is one octave's worth */
	return (log2 - FR_HIST_MIN_LOG2) * FR_HIST_SUB + 1 - FR_HIST_SUB +
	       (uint32_t)(ns >> (log2 - FR_HIST_SUB_LOG2));
}

uint64_t hist_middle(uint32_t bucket)
{
	if (bucket >= FR_HIST_OVER)
		return fr_hist_low(FR_HIST_OVER);
	return (fr_hist_low(bucket) + fr_hist_low(bucket + 1)) / 2;
}

uint64_t hist_total(const uint64_t counts[FR_HIST_BUCKETS])
{
	uint64_t n = 0;

	for (uint32_t b = 0; b < FR_HIST_BUCKETS; b++)
		n += counts[b];
	return n;
}

uint64_t hist_quantile(const uint64_t counts[FR_HIST_BUCKETS], uint32_t ppm)
{
	uint64_t n = hist_total(counts), rank, seen = 0;

	rank = n / 1000000 * ppm + (n % 1000000 * ppm + 999999) / 1000000;
	if (!rank)
		rank = 1;
	for (uint32_t b = 0; b < FR_HIST_BUCKETS; b++) {
		seen += counts[b];
		if (seen >= rank)
			return hist_middle(b);
	}
	return 0;
}

/* ---- packed ------------------------------------------------------------------ */
static size_t put_varint(uint8_t *to, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		to[n++] = (uint8_t)(v | 0x80);
	to[n++] = (uint8_t)v;
	return n;
}

#define CELL_BYTES 12 /* two bytes for a distance, ten for a count */

size_t hist_pack(const uint64_t counts[FR_HIST_BUCKETS], uint32_t *from,
		 uint8_t *buf, size_t size)
{
	uint32_t before = 0, b = *from;
	size_t used = 0;

	for (; b < FR_HIST_BUCKETS; b++) {
		if (!counts[b])
			continue;
		if (size - used < CELL_BYTES)
			break;
		used += put_varint(buf + used, b - before);
		used += put_varint(buf + used, counts[b]);
		before = b;
	}
	*from = b;
	return used;
}

/* false: cut, or longer than 64 bits. */
static int get_varint(const uint8_t **p, const uint8_t *end, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned shift = 0; *p < end && shift < 64; shift += 7) {
		uint8_t byte = *(*p)++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*ret = value;
			return 1;
		}
	}
	return 0;
}

int hist_unpack(const uint8_t *packed, size_t len,
		uint64_t counts[FR_HIST_BUCKETS])
{
	const uint8_t *p = packed, *end = packed + len;
	uint64_t bucket = 0, gap, n;

	while (p < end) {
		if (!get_varint(&p, end, &gap) || !get_varint(&p, end, &n) ||
		    gap >= FR_HIST_BUCKETS || bucket + gap >= FR_HIST_BUCKETS)
			return -EBADMSG;
		bucket += gap;
		counts[bucket] += n;
	}
	return 0;
}

/* ---- text --------------------------------------------------------------------- */
size_t hist_text(const uint64_t counts[FR_HIST_BUCKETS], char *buf, size_t size)
{
	char cell[64];
	size_t used = 0;

	buf[0] = 0;
	for (uint32_t b = 0; b < FR_HIST_BUCKETS; b++) {
		size_t len;

		if (!counts[b])
			continue;
		len = (size_t)snprintf(cell, sizeof(cell),
				       "%s%" PRIu64 ":%" PRIu64,
				       used ? " " : "",
				       (uint64_t)fr_hist_low(b), counts[b]);
		if (used + len >= size)
			break;
		memcpy(buf + used, cell, len + 1);
		used += len;
	}
	return used;
}

int hist_parse(const char *text, uint64_t counts[FR_HIST_BUCKETS])
{
	while (*text) {
		uint64_t low, n;
		char *end;

		low = strtoull(text, &end, 10);
		if (end == text || *end != ':')
			return -EBADMSG;
		text = end + 1;
		n = strtoull(text, &end, 10);
		if (end == text || (*end && *end != ' '))
			return -EBADMSG;
		counts[hist_bucket_of(low)] += n;
		text = end + (*end == ' ');
	}
	return 0;
}

const char *hist_key_op(unsigned key)
{
	switch (key) {
	case FR_KEY_BLOCK_READ:
		return "read";
	case FR_KEY_BLOCK_WRITE:
		return "write";
	case FR_KEY_BLOCK_FLUSH:
		return "flush";
	case FR_KEY_BLOCK_DISCARD:
		return "discard";
	case FR_KEY_BLOCK_OTHER:
		return "other";
	case FR_KEY_URING:
		return "request";
	case FR_KEY_FAULT:
		return "fault";
	case FR_HIST_ANY:
		return "any";
	default:
		return NULL;
	}
}
