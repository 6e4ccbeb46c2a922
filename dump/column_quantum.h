/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * column_quantum.h - differences of times on a clock that advances in steps.
 *
 * A time stamp counter of 2.6 GHz that is driven by 100 MHz moves by 26 cycles
 * at once: durations are 691 or 701 ns, never 695.  A difference is then told by
 * its number of steps and the nanosecond that rounding added or took.
 */
#ifndef DUMP_COLUMN_QUANTUM_H
#define DUMP_COLUMN_QUANTUM_H

#include <stdint.h>

/* The step of the clock in units of 2^-32 ns, or 0 if there is none of 4 to 64 ns
 * to be seen in these durations. */
uint64_t column_quantum_find(const uint64_t *durations, uint32_t nr);

/* How many steps ${ns} is, about. */
uint64_t column_quantum_steps(uint64_t ns, uint64_t quantum);

/* Differences become unsigned numbers, small for those near ${usual} steps.
 * -ERANGE, and nothing is changed: one of them exceeds 2^60. */
int column_quantum_pack(uint64_t *rest, uint32_t nr, uint64_t quantum,
			uint64_t usual);
/* And back.  Any number, quantum and usual have a meaning. */
void column_quantum_unpack(uint64_t *rest, uint32_t nr, uint64_t quantum,
			   uint64_t usual);

#endif
