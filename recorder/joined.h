/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * joined.h - what joined the incident, told to a dumper that runs already: facts
 * in shared memory, which it reads last.
 *
 *   who                   does
 *   recorder, main thread joined_put(): replaces them, never waits
 *   dumper                joined_get(): a whole copy, or none
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
/* Fills ${ret}; nothing if it was being written all the time, or j is NULL. */
void joined_get(const struct joined *j, struct facts *ret);

#endif
