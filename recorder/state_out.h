/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state_out.h - where the rows of a look go.
 *
 * A look that comes round by itself goes into the state lane of the user ring.
 * One that a dump asked for cannot: the ring is frozen by then.  It goes into
 * an area of memory that recorder, state process and dumper share:
 *
 *   recorder  at a freeze: asked = n, wakes the state process, does not wait
 *   state     begun = 0, rows, begun = n as soon as they are its own, used grows
 *             with each whole row; done = n at the end
 *   dumper    last of all: waits a limited time for done = n, then copies the
 *             rows of look n that are there, and checks that begun is still n
 */
#ifndef RECORDER_STATE_OUT_H
#define RECORDER_STATE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATE_AREA_BYTES (8U << 20) /* taken when touched */

/* Each stored by one process alone; relaxed on both sides. */
struct state_counts {
	uint64_t rounds;       /* of looks at processes and machine */
	uint64_t processes;    /* in the last one */
	uint64_t unreadable;   /* values that could not be read, all looks */
	uint64_t lost;         /* rows that found no room in the ring */
	uint64_t ticks;        /* of the CPU averages */
	uint64_t tick_cpu_ns;  /* CPU time of all ticks */
	uint64_t cpu_ns;       /* CPU time of all ticks and looks */
	uint64_t untracked;    /* processes that the averages had no room for */
	uint64_t by_iterator;  /* 1: BPF gives CPU times; 0: /proc does */
	uint64_t walks_begun;  /* of the file system */
	uint64_t walks;        /* that came to their end */
	uint64_t walk_files;   /* rows of the last one */
	uint64_t walk_ns;      /* how long it took */
	uint64_t walk_errors;  /* folders and files it could not read */
	uint64_t walk_skipped; /* files that it had no room for */
	uint64_t walk_late;    /* walks left out: the one before went on */
};

struct state_area {
	uint32_t asked; /* atomic, futex: number of the look a dump wants */
	uint32_t begun; /* atomic: whose rows these are; 0: changing */
	uint32_t done;  /* atomic, futex: the last one that is complete */
	uint32_t spare;
	uint64_t used;     /* atomic: bytes of whole rows */
	uint64_t left_out; /* atomic: rows that found no room */
	struct state_counts counts;
	uint8_t rows[STATE_AREA_BYTES];
};

struct state_area *state_area_new(void); /* NULL with errno */
void state_area_free(struct state_area *a);

/* In the recorder: number of the look. */
uint32_t state_area_ask(struct state_area *a);
/* In the state process: sleeps until a look other than ${seen} is asked for, or
 * ${until_ns} (CLOCK_MONOTONIC).  Returns the latest asked for. */
uint32_t state_area_sleep(struct state_area *a, uint32_t seen,
			  uint64_t until_ns);
void state_area_begin(struct state_area *a, uint32_t look);
void state_area_end(struct state_area *a, uint32_t look);

/* In the dumper: waits for look ${look} at most ${wait_ns}, and copies its rows.
 * *ret is to be freed; rows are of the form u64 length, logical bytes, up to a
 * multiple of 8.  0: complete; 1: only what is there; -ENOMEM. */
int state_area_take(struct state_area *a, uint32_t look, uint64_t wait_ns,
		    uint8_t **ret, size_t *ret_len);
/* The next row; NULL: no more. */
const uint8_t *state_area_next(const uint8_t *rows, size_t len, size_t *pos,
			       size_t *ret_len);

/* One of the two places. */
struct state_out {
	void *region; /* of the user ring; NULL: into the area */
	unsigned writer;
	struct state_area *area;
	uint64_t *lost;       /* counts rows that the ring had no room for */
	uint64_t patience_ns; /* how long to wait for a dump to end */
};

/* Writes a record as ring_put() does; false: there was no room (counted). */
bool state_put(struct state_out *o, unsigned type, const void *rec,
	       size_t rec_len, const void *tail, size_t tail_len);

void state_count(uint64_t *counter, uint64_t value); /* stores it */
uint64_t state_now_ns(void);
uint64_t state_cpu_ns(void); /* CPU time of this process */

#endif
