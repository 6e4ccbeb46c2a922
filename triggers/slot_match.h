/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * slot_match.h - what the kernel does with an event and a slot (limit.bpf.h), in
 * user space: so that recorded events meet the rules as they would have.
 *
 * Pure but for the counts of the slot; one thread.
 */
#ifndef TRIGGERS_SLOT_MATCH_H
#define TRIGGERS_SLOT_MATCH_H

#include <flightrec/shared.h>
#include <stdbool.h>
#include <stdint.h>

struct slot_event {
	uint64_t dur;
	uint64_t cgroup;
	uint32_t key, stream; /* FR_KEY_* or a call, FR_STREAM_* */
	uint32_t pid, dev, dev2;
	int32_t value; /* errno, or wait status */
	uint32_t unknown; /* FR_WHERE_*: what is not known; passes no such filter */
	char comm[16];
	/* Is the event in the cgroup that the slot names as ${group}?  NULL: in
	 * none. */
	bool (*in_group)(const struct slot_event *ev, uint64_t group);
	const void *arg; /* for in_group */
};

/* Does the slot wait for such an event: operation and limit, errors or signals?
 * Filters and gate are not asked. */
bool slot_wants(const struct fr_trigger_slot *s, uint32_t what,
		const struct slot_event *ev);
/* Filters of the slot that the event leaves open, as bits. */
uint32_t slot_unknown(const struct fr_trigger_slot *s,
		      const struct slot_event *ev);
/* Would the kernel take that text of a reader for a path, and does it match?  What
 * is cut is none, and neither is a pipe's name.  NULL: there is none. */
bool slot_path_like(const struct fr_glob *glob, const char *path);

/* Does the event pass the filters of the slot?  ${path_like}: one of its paths
 * matches the slot's glob. */
bool slot_passes(const struct fr_trigger_slot *s, bool path_like,
		 const struct slot_event *ev);

enum slot_fate {
	SLOT_FIRED, /* the recorder is to be woken */
	SLOT_MERGED,
	SLOT_SUPPRESSED,
	SLOT_IGNORED, /* the slot is free */
};
/* Counts a hit as the kernel does. */
enum slot_fate slot_count_hit(struct fr_trigger_slot *s);

#endif
