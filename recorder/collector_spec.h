/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collector_spec.h - an item of sampler.collectors: which collector, how often, of
 * which instances.
 *
 *   NAME[@RATE][:GLOB+GLOB...]      disks@fast:vd*+nvme*
 *
 * RATE: fast, base or slow (sampler.fast, .period, .slow), or a time.
 */
#ifndef RECORDER_COLLECTOR_SPEC_H
#define RECORDER_COLLECTOR_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#define COLLECTOR_NAME_MAX 32
#define COLLECTOR_LIST_MAX 512

enum collector_rate {
	RATE_OWN = 0, /* not said: what the collector finds right */
	RATE_FAST,
	RATE_BASE,
	RATE_SLOW,
	RATE_TIME, /* period_ns */
};

struct collector_spec {
	char name[COLLECTOR_NAME_MAX];
	enum collector_rate rate;
	uint64_t period_ns;            /* RATE_TIME */
	char list[COLLECTOR_LIST_MAX]; /* globs with blanks between; "": all */
};

/* 0, or -EINVAL with what is wrong in *ret_what (a constant). */
int collector_spec_parse(const char *item, struct collector_spec *ret,
			 const char **ret_what);

#endif
