/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sys_sockopt.bpf.h - stream sockopt: socket options, with their values.
 *
 * A value that is set is noted when the call begins: its bytes in args[5] to
 * args[7] and in `offset`, how many there are in `dev`.
 */
#ifndef SYS_SOCKOPT_BPF_H
#define SYS_SOCKOPT_BPF_H

#include "fs_entry.bpf.h"

#define SOCKOPT_BYTES   32
#define SOCKOPT_UNKNOWN 0xffffU /* the value could not be read */
#define SOCKOPT_EFAULT  14
#define SOL_SOCKET      1
#define SOL_TCP         6

/* Is this one wanted? */
static __always_inline int sockopt_wanted(struct fr_inflight *e)
{
	s32 level = (s32)e->args[1];

	return fr_cfg.sockopt_all || level == SOL_SOCKET || level == SOL_TCP;
}

/* Takes up to 32 bytes at the user's ptr; args[4] is left alone: getsockopt
 * needs it. */
__noinline int sockopt_note(struct fr_inflight *e, u64 ptr, u32 len)
{
	u64 v[SOCKOPT_BYTES / 8] = {};

	if (!e)
		return 0;
	if (len > SOCKOPT_BYTES)
		len = SOCKOPT_BYTES;
	e->dev = SOCKOPT_UNKNOWN;
	if (len && (!ptr || bpf_probe_read_user(v, len & 63, (void *)ptr)))
		return 0;
	e->dev = len;
	e->args[5] = v[0];
	e->args[6] = v[1];
	e->args[7] = v[2];
	e->offset = v[3];
	return 0;
}

__noinline int sys_sockopt_enter(struct fr_inflight *e)
{
	if (!e)
		return 0;
	e->dev = SOCKOPT_UNKNOWN;
	if (FR_CALL_ID(e->call) == FR_ID_setsockopt && sockopt_wanted(e) &&
	    (s32)e->args[4] >= 0)
		sockopt_note(e, e->args[3], (u32)e->args[4]);
	return 0;
}

/* The length of the value; notes the value where that was not possible before. */
__noinline u32 sockopt_end(struct fr_inflight *e, s64 ret)
{
	u32 len = ~0U;

	if (!e)
		return len;
	if (FR_CALL_ID(e->call) == FR_ID_setsockopt) {
		len = (u32)e->args[4];
		if (e->dev == SOCKOPT_UNKNOWN && ret != -SOCKOPT_EFAULT &&
		    (s32)len >= 0)
			sockopt_note(e, e->args[3], len);
		return len;
	}
	if (bpf_probe_read_user(&len, sizeof(len), (void *)e->args[4]))
		return ~0U;
	if (!ret && (s32)len >= 0)
		sockopt_note(e, e->args[3], len);
	return len;
}

__noinline u64 sys_sockopt_put(struct fr_inflight *e, s64 ret, u64 dur,
			       u32 weight)
{
	struct record_buf *buf = scratch_of(FR_PROBE_FS_EXIT, 0);
	struct fr_sockopt *r = (void *)buf;
	u64 *value;

	if (!buf || !e)
		return 0;
	if (!sockopt_wanted(e))
		return SYS_FILTERED;
	r->option_len = sockopt_end(e, ret);
	r->ts = e->ts;
	r->dur = dur;
	r->tid = e->tid;
	r->pid = e->pid;
	r->born = e->born;
	r->value_len = (u16)e->dev;
	r->fd = (s32)e->args[0];
	r->level = (s32)e->args[1];
	r->option = (s32)e->args[2];
	r->ret = (s32)ret;
	r->weight = weight;
	r->spare = 0;
	value = (u64 *)r->value;
	value[0] = value[1] = value[2] = value[3] = 0;
	if (r->value_len != SOCKOPT_UNKNOWN) {
		value[0] = e->args[5];
		value[1] = e->args[6];
		value[2] = e->args[7];
		value[3] = e->offset;
	}
	return ring_put(buf, sizeof(*r), FR_LANE_OTHER,
			TYPE_AUX(FR_T_sockopt, e->call));
}

#endif
