/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch.h - shows sampled values to the trigger rules, on the sampler's thread.
 */
#ifndef RECORDER_WATCH_H
#define RECORDER_WATCH_H

#include "recorder/sampler.h"
#include "triggers/inbox.h"
#include "triggers/rule_set.h"

struct watch;

/* Becomes the sampler's observer; hits go to ${in}.  Before sampler_start().
 * NULL with errno. */
struct watch *watch_new(struct sampler *s, const struct rule_sets *sets,
			struct inbox *in);
/* After sampler_stop().  NULL is a no-op. */
void watch_free(struct watch *w);

#endif
