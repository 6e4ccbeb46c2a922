/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring_region.h - addresses inside a ring's memory, fence and clock.
 *
 * Trusts the geometry in the head: use it on rings of our own making, or
 * after ring_view_init() (ring_read.h) has checked a mapping.
 */
#ifndef DUMP_RING_REGION_H
#define DUMP_RING_REGION_H

#include <flightrec/ring.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define FR_RECORD_BYTES_MAX \
	(FR_SLOT_BYTES + (FR_RECORD_SLOTS_MAX - 1) * FR_CONT_BYTES)

static inline struct fr_word *ring_region_word(void *region, unsigned lane,
					       unsigned cpu)
{
	const struct fr_ring_head *head = region;
	struct fr_word *words =
		(struct fr_word *)((uint8_t *)region + FR_CHUNK_BYTES);

	return &words[(size_t)lane * head->nr_cpus + cpu];
}

static inline struct fr_chunk_head *ring_region_chunk(void *region,
						      uint32_t chunk)
{
	const struct fr_ring_head *head = region;

	return (struct fr_chunk_head *)((uint8_t *)region +
					((size_t)head->first_chunk + chunk) *
						FR_CHUNK_BYTES);
}

static inline uint64_t ring_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* TSan does not model fences; all they order here are atomics, which it does
 * not need them for. */
#pragma GCC diagnostic push
#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif
static inline void ring_fence(int order)
{
	__atomic_thread_fence(order);
}
#pragma GCC diagnostic pop

#endif
