/* SPDX-License-Identifier: GPL-2.0-only */
/* hist_bucket.bpf.h - the bucket of a duration (flightrec/hist.h). */
#ifndef HIST_BUCKET_BPF_H
#define HIST_BUCKET_BPF_H

#include "kernel_types.h"

#include <flightrec/hist.h>

/* log2 of a byte: BPF has no instruction for it. */
#define L4(n)  n, n, n, n
#define L16(n) L4(n), L4(n), L4(n), L4(n)
#define L64(n) L16(n), L16(n), L16(n), L16(n)
const volatile __u8 hist_log2[256] = { 0,      0,      1,      1,      L4(2),
				       L4(3),  L4(3),  L16(4), L16(5), L16(5),
				       L64(6), L64(7), L64(7) };

/* ${byte} is below 256, as the compiler may know: but not the verifier once the
 * number it comes from was spilled, so the mask must stay. */
static __always_inline u32 log2_of_byte(u64 byte)
{
	asm volatile("" : "+r"(byte));
	return hist_log2[byte & 255];
}

/* fr_hist_low(hist_bucket(ns)) <= ns < fr_hist_low(hist_bucket(ns) + 1) */
static __always_inline u32 hist_bucket(u64 ns)
{
	u32 log2;

	if (ns < 1 << 16)
		log2 = ns < 256 ? log2_of_byte(ns) : 8 + log2_of_byte(ns >> 8);
	else if (ns < 1ULL << 32)
		log2 = ns < 1 << 24 ? 16 + log2_of_byte(ns >> 16) :
				      24 + log2_of_byte(ns >> 24);
	else if (ns < 1ULL << FR_HIST_MAX_LOG2)
		log2 = 32 + log2_of_byte(ns >> 32);
	else
		return FR_HIST_OVER;
	if (log2 < FR_HIST_MIN_LOG2)
		return 0;
	/* the leading bit of the shifted number is one octave's worth */
	return (log2 - FR_HIST_MIN_LOG2 - 1) * FR_HIST_SUB + 1 +
	       (u32)(ns >> ((log2 - FR_HIST_SUB_LOG2) & 63));
}

#endif
