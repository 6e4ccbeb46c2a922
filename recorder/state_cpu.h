/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state_cpu.h - CPU use of each process over 5 s, 2 min and 1 h.
 *
 * For each process its total CPU time at the last ticks is kept, one tick each
 * 5 s for two minutes, and one each 2 min for an hour: about 600 bytes.  A load
 * is the growth of the total divided by the time between - a mean over a
 * window, not a decaying average, so it can be held against getrusage(2).  The
 * window begins at the tick nearest to 5 s, 2 min or 1 h ago (the first is thus
 * 2.5 to 7.5 s long), or at the start of a process that is younger than that, or
 * where it was first seen, if it was there before.
 */
#ifndef RECORDER_STATE_CPU_H
#define RECORDER_STATE_CPU_H

#include <stdbool.h>
#include <stdint.h>

#define STATE_CPU_TICK_NS 5000000000ULL
#define STATE_CPU_UNKNOWN UINT32_MAX

struct cpu_table;

struct cpu_loads { /* thousandths of one CPU */
	uint32_t over_5s, over_2m, over_1h;
};

/* Keeps at most ${max} processes.  NULL: no memory. */
struct cpu_table *cpu_table_new(unsigned max);
void cpu_table_free(struct cpu_table *t);

/* A look at the totals of all processes begins; ${tick}: they are kept.
 * ${boot_ns}: CLOCK_BOOTTIME - CLOCK_MONOTONIC. */
void cpu_table_begin(struct cpu_table *t, uint64_t now_ns, uint64_t boot_ns,
		     bool tick);
/* CPU time of process (${pid}, ${start}), or of one of its threads: within a look
 * they add up.  ${start}: any number that tells two processes of one pid apart;
 * ${start_ns}: when it began, CLOCK_BOOTTIME. */
void cpu_table_add(struct cpu_table *t, uint32_t pid, uint64_t start,
		   uint64_t start_ns, uint64_t cpu_ns);
/* Ends it; who was not seen is forgotten if ${all} were looked at. */
void cpu_table_end(struct cpu_table *t, bool all);

/* As of the last look.  False: not in the table. */
bool cpu_table_get(const struct cpu_table *t, uint32_t pid, uint64_t start,
		   struct cpu_loads *ret);
/* start_ns as it was given; 0: not in the table. */
uint64_t cpu_table_start(const struct cpu_table *t, uint32_t pid,
			 uint64_t start);
/* Processes in it; and how often there was no room for one. */
unsigned cpu_table_count(const struct cpu_table *t);
uint64_t cpu_table_refused(const struct cpu_table *t);

#endif
