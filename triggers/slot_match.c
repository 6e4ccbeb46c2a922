/* SPDX-License-Identifier: GPL-2.0-or-later */
/* slot_match.c - bpf/limit.bpf.h in user space; the two must agree. */
#include "triggers/slot_match.h"

#include <string.h>

#include "triggers/glob.h"

static bool has_key(const struct fr_trigger_slot *s,
		    const struct slot_event *ev)
{
	uint32_t key = ev->key & (FR_KEYS - 1);

	return s->keys[key / 64] >> (key % 64) & 1 &&
	       s->streams >> (ev->stream & 31) & 1;
}

static bool has_errno(const struct fr_trigger_slot *s, int32_t err)
{
	if (!s->errnos[0])
		return true;
	for (unsigned i = 0; i < FR_SLOT_ERRNOS; i++)
		if (s->errnos[i] == err)
			return true;
	return false;
}

static bool has_exit(const struct fr_trigger_slot *s, uint32_t status)
{
	uint32_t sig = status & 0x7f;
	int32_t code = status >> 8 & 0xff;

	if (sig)
		return s->signals >> ((sig - 1) & 63) & 1;
	if (!code)
		return false;
	for (unsigned i = 0; i < FR_SLOT_ERRNOS; i++)
		if (s->errnos[i] == code || s->errnos[i] == -1)
			return true;
	return false;
}

bool slot_wants(const struct fr_trigger_slot *s, uint32_t what,
		const struct slot_event *ev)
{
	if (s->what != what)
		return false;
	switch (what) {
	case FR_WHAT_LATENCY:
		return ev->dur > s->limit_ns && has_key(s, ev);
	case FR_WHAT_ERROR:
		return ev->value && has_key(s, ev) && has_errno(s, ev->value);
	case FR_WHAT_COUNT:
		return has_key(s, ev);
	case FR_WHAT_EXIT:
		return has_exit(s, (uint32_t)ev->value);
	default:
		return true;
	}
}

static bool has_comm(const struct fr_trigger_slot *s, const char *comm)
{
	uint64_t name[2];

	memcpy(name, comm, sizeof(name));
	return !(((name[0] ^ s->comm[0]) & s->comm_mask[0]) |
		 ((name[1] ^ s->comm[1]) & s->comm_mask[1]));
}

static bool in_cgroup(const struct fr_trigger_slot *s,
		      const struct slot_event *ev)
{
	if (!s->cgroup_level)
		return true; /* the root: everybody */
	return ev->in_group && ev->in_group(ev, s->cgroup);
}

uint32_t slot_unknown(const struct fr_trigger_slot *s,
		      const struct slot_event *ev)
{
	uint32_t unknown = s->where & ev->unknown;

	/* everybody is in the root */
	return s->cgroup_level ? unknown : unknown & ~FR_WHERE_CGROUP;
}

#define PATH_BYTES 1024 /* PATH_TEXT of bpf/event_path.bpf.h */

bool slot_path_like(const struct fr_glob *glob, const char *path)
{
	size_t n = path ? strnlen(path, PATH_BYTES) : 0;

	return n && n < PATH_BYTES && path[0] == '/' &&
	       glob_matches(glob, path, n);
}

bool slot_passes(const struct fr_trigger_slot *s, bool path_like,
		 const struct slot_event *ev)
{
	uint32_t unlike = 0;

	if (slot_unknown(s, ev))
		return false;
	if (!has_comm(s, ev->comm))
		unlike |= FR_WHERE_COMM;
	if (ev->pid != s->pid)
		unlike |= FR_WHERE_PID;
	if (ev->dev != s->dev && ev->dev2 != s->dev)
		unlike |= FR_WHERE_DEV;
	if (s->where & FR_WHERE_CGROUP && !in_cgroup(s, ev))
		unlike |= FR_WHERE_CGROUP;
	if (s->where & FR_WHERE_PATH && !path_like)
		unlike |= FR_WHERE_PATH;
	return !((unlike ^ s->where_not) & s->where);
}

enum slot_fate slot_count_hit(struct fr_trigger_slot *s)
{
	switch (s->state) {
	case FR_SLOT_ARMED:
		s->state = FR_SLOT_HIT;
		s->fired++;
		return SLOT_FIRED;
	case FR_SLOT_HIT:
		s->merged++;
		return SLOT_MERGED;
	case FR_SLOT_QUIET:
		s->suppressed++;
		return SLOT_SUPPRESSED;
	default:
		return SLOT_IGNORED;
	}
}
