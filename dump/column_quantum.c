/* SPDX-License-Identifier: GPL-2.0-or-later */
/* column_quantum.c - finds the step of a clock, counts in steps of it. */
#include "dump/column_quantum.h"

#include <errno.h>

#define QUANTUM_SAMPLE 512 /* durations looked at */
#define QUANTUM_LEAST  128 /* fewer say nothing */
/* Sought first among durations so short that a coarse search does not miss it,
 * then among longer ones, more exactly. */
#define QUANTUM_SHORT  2000u
#define QUANTUM_LONG   100000u
#define QUANTUM_MIN    4
#define QUANTUM_MAX    64
/* Mean distance from a multiple of the step, of 2^32 per step: chance gives a
 * quarter, rounding to ns 1/30 for a step of 10 ns. */
#define QUANTUM_NEAR   (UINT32_MAX / 10)

/* How a packed number ends. */
#define QUANTUM_WHOLE 3u /* the difference itself, else what rounding did */

__extension__ typedef __int128 quantum_wide;

static uint64_t quantum_zigzag(int64_t x)
{
	return (uint64_t)x << 1 ^ (uint64_t)(x >> 63);
}

static int64_t quantum_unzigzag(uint64_t z)
{
	return (int64_t)(z >> 1 ^ -(z & 1));
}

/* Mean distance; ${inverse}: 2^32 / step. */
static uint64_t quantum_distance(const uint32_t *d, unsigned nr,
				 uint64_t inverse)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < nr; i++) {
		uint32_t phase = (uint32_t)(d[i] * inverse);

		sum += phase >> 31 ? 0 - phase : phase;
	}
	return sum / nr;
}

/* The inverse of least distance between two. */
static uint64_t quantum_search(const uint32_t *d, unsigned nr, uint64_t from,
			       uint64_t to, unsigned shift, uint64_t *ret_least)
{
	uint64_t found = from;

	*ret_least = UINT64_MAX;
	for (uint64_t at = from; at <= to; at += at >> shift) {
		uint64_t distance = quantum_distance(d, nr, at);

		if (distance < *ret_least) {
			*ret_least = distance;
			found = at;
		}
	}
	return found;
}

static unsigned quantum_sample(const uint64_t *durations, uint32_t nr,
			       uint32_t limit, uint32_t *ret)
{
	unsigned taken = 0;

	for (uint32_t i = 0; i < nr && taken < QUANTUM_SAMPLE; i++)
		if (durations[i] > QUANTUM_MAX && durations[i] < limit)
			ret[taken++] = (uint32_t)durations[i];
	return taken;
}

uint64_t column_quantum_find(const uint64_t *durations, uint32_t nr)
{
	uint32_t d[QUANTUM_SAMPLE];
	unsigned taken = quantum_sample(durations, nr, QUANTUM_SHORT, d);
	uint64_t least, inverse;

	if (taken < QUANTUM_LEAST)
		return 0;
	inverse = quantum_search(d, taken, (1ULL << 32) / QUANTUM_MAX,
				 (1ULL << 32) / QUANTUM_MIN, 11, &least);
	if (least > QUANTUM_NEAR)
		return 0;
	taken = quantum_sample(durations, nr, QUANTUM_LONG, d);
	inverse = quantum_search(d, taken, inverse - (inverse >> 10),
				 inverse + (inverse >> 10), 17, &least);
	return UINT64_MAX / inverse;
}

static int64_t quantum_ns(int64_t steps, uint64_t quantum)
{
	quantum_wide x = (quantum_wide)steps * quantum + (1LL << 31);

	return (int64_t)(uint64_t)(x >> 32);
}

/* ${inverse}: 2^64 / quantum, that is 2^32 / step. */
static int64_t quantum_steps(int64_t ns, uint64_t inverse)
{
	quantum_wide x = (quantum_wide)ns * inverse + (1LL << 31);

	return (int64_t)(uint64_t)(x >> 32);
}

uint64_t column_quantum_steps(uint64_t ns, uint64_t quantum)
{
	return (uint64_t)quantum_steps((int64_t)ns, UINT64_MAX / quantum);
}

int column_quantum_pack(uint64_t *rest, uint32_t nr, uint64_t quantum,
			uint64_t usual)
{
	uint64_t all = 0, inverse = UINT64_MAX / quantum;

	for (uint32_t i = 0; i < nr; i++)
		all |= quantum_zigzag((int64_t)rest[i]);
	if (all >> 61)
		return -ERANGE;
	for (uint32_t i = 0; i < nr; i++) {
		int64_t ns = (int64_t)rest[i];
		int64_t steps = quantum_steps(ns, inverse);
		uint64_t end = quantum_zigzag(ns - quantum_ns(steps, quantum));

		steps -= (int64_t)usual;
		rest[i] = end < QUANTUM_WHOLE ?
				  quantum_zigzag(steps) << 2 | end :
				  quantum_zigzag(ns) << 2 | QUANTUM_WHOLE;
	}
	return 0;
}

void column_quantum_unpack(uint64_t *rest, uint32_t nr, uint64_t quantum,
			   uint64_t usual)
{
	for (uint32_t i = 0; i < nr; i++) {
		uint64_t n = (uint64_t)quantum_unzigzag(rest[i] >> 2);
		uint64_t end = rest[i] & 3;

		if (end != QUANTUM_WHOLE) {
			n = (uint64_t)quantum_ns((int64_t)(n + usual), quantum);
			n += (uint64_t)quantum_unzigzag(end);
		}
		rest[i] = n;
	}
}
