/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clocks.h - notices when the other clocks move against CLOCK_MONOTONIC, which
 * all records carry: somebody sets the time, ntpd slews it, the machine sleeps.
 */
#ifndef RECORDER_CLOCKS_H
#define RECORDER_CLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCKS_STEP_NS  1000000ULL      /* that far off is worth a record */
#define CLOCKS_AGAIN_NS 300000000000ULL /* and so is that long since the last */

struct clocks {
	int64_t real_ns,
		boot_ns;  /* offsets to CLOCK_MONOTONIC, as recorded last */
	uint64_t said_ns; /* when; 0: never */
};

/* The offsets now; ${boot_ns} counts the time slept. */
void clocks_read(int64_t *ret_real_ns, int64_t *ret_boot_ns);

/* Should these be recorded?  Then they count as recorded. */
bool clocks_note(struct clocks *c, uint64_t now_ns, int64_t real_ns,
		 int64_t boot_ns);

/* A descriptor that becomes readable when the time is set or the machine wakes
 * up, each time after clocks_arm(); negative errno. */
int clocks_open(void);
void clocks_arm(int fd);

#endif
