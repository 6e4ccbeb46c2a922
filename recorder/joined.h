/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * joined.h - what joined the incident, told to a dumper that runs already: facts
 * in shared memory, which it reads last.
 *
 *   who                   does
 *   recorder, main thread joined_put(): replaces them, never waits
 *   dumper                joined_get(): a whole copy, or none
 *
 * The kernel counts hits of one incident without waking the recorder.  So the dumper
 * asks when it has written all else (DUMPER_ASKS), and waits for a moment:
 *
 *   dumper                n = joined_answers(); asks; joined_wait(n); joined_get()
 *   recorder, main thread joined_put(), joined_answer()
 */
#ifndef RECORDER_JOINED_H
#define RECORDER_JOINED_H

#include "recorder/facts.h"

#define JOINED_BYTES 32768

struct joined;

struct joined *joined_new(void);    /* NULL: out of memory */
void joined_free(struct joined *j); /* NULL is a no-op */
/* Facts that do not fit are left out, the later ones first.  NULL is a no-op. */
void joined_put(struct joined *j, const struct facts *f);
/* How often joined_answer() was called.  0 if j is NULL. */
uint32_t joined_answers(const struct joined *j);
void joined_answer(struct joined *j); /* NULL is a no-op */
/* Until joined_answers() is no longer ${seen}, 200 ms at most. */
void joined_wait(const struct joined *j, uint32_t seen);
/* Fills ${ret}; nothing if it was being written all the time, or j is NULL. */
void joined_get(const struct joined *j, struct facts *ret);

#endif
