/* SPDX-License-Identifier: GPL-2.0-or-later */
/* futex.h - waiting for a word of memory that other processes share. */
#ifndef RECORDER_FUTEX_H
#define RECORDER_FUTEX_H

#include <linux/futex.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Until *word is no longer ${value}, CLOCK_MONOTONIC is ${until_ns}, or something else
 * wakes us. */
static inline void futex_wait(const uint32_t *word, uint32_t value,
			      uint64_t until_ns)
{
	struct timespec t = { .tv_sec = (time_t)(until_ns / 1000000000),
			      .tv_nsec = (long)(until_ns % 1000000000) };

	/* _BITSET: until a time of CLOCK_MONOTONIC, not for a duration. */
	syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value, &t, NULL,
		FUTEX_BITSET_MATCH_ANY);
}

static inline void futex_wake(const uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

#endif
