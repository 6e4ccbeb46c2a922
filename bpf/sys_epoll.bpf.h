/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sys_epoll.bpf.h - stream epoll: epoll, poll and select.
 *
 * What was asked for is read when the call begins, what came when it returns: the
 * masks of the first entries, joined.  In the in-flight entry args[6] is the
 * time-out in ns, args[7] the mask asked for and, above it, how many entries it is
 * of.
 */
#ifndef SYS_EPOLL_BPF_H
#define SYS_EPOLL_BPF_H

#include "fs_entry.bpf.h"

#define EPOLL_LOOK      64 /* entries */
#define EPOLL_CTL_DEL   2
#define TIMEOUT_NONE    (-1LL)
#define TIMEOUT_UNKNOWN ((s64)(1ULL << 63))
#define MASK_UNKNOWN    0xffffffffULL /* of no entry */
#define NS_PER_S        1000000000LL
#define EFAULT          14

/* Words of 4 bytes from one struct epoll_event to the next: packed on x86. */
#if defined(__TARGET_ARCH_x86)
#define EPOLL_EVENT_WORDS 3
#else
#define EPOLL_EVENT_WORDS 4
#endif

enum epoll_time { /* how a time lies in the user's memory */
	TIME_SPEC,
	TIME_VAL,
	TIME_32 = 2, /* the same of two 32-bit numbers */
};

__noinline s64 epoll_time_read(u64 ptr, u32 form)
{
	s64 t[2] = {}, ns;
	s32 t32[2] = {};

	if (!ptr)
		return TIMEOUT_NONE;
	if (form & TIME_32) {
		if (bpf_probe_read_user(t32, sizeof(t32), (void *)ptr))
			return TIMEOUT_UNKNOWN;
		t[0] = t32[0];
		t[1] = t32[1];
	} else if (bpf_probe_read_user(t, sizeof(t), (void *)ptr)) {
		return TIMEOUT_UNKNOWN;
	}
	if (t[0] > 9000000000LL) /* 285 years */
		t[0] = 9000000000LL;
	if (t[0] < -9000000000LL)
		t[0] = -9000000000LL;
	ns = form & TIME_VAL ? t[1] * 1000 : t[1];
	return t[0] * NS_PER_S + ns;
}

static __always_inline s64 epoll_ms(u64 ms)
{
	return (s32)ms < 0 ? TIMEOUT_NONE : (s64)(s32)ms * 1000000;
}

/* The time-out of a wait, in ns. */
__noinline s64 epoll_timeout(struct fr_inflight *e)
{
	u32 id, form;

	if (!e)
		return TIMEOUT_UNKNOWN;
	id = FR_CALL_ID(e->call);
	form = e->call & FR_CALL_COMPAT ? TIME_32 : 0;
	if (id == FR_ID_epoll_wait || id == FR_ID_epoll_pwait)
		return epoll_ms(e->args[3]);
	if (id == FR_ID_poll)
		return epoll_ms(e->args[2]);
	if (id == FR_ID_epoll_pwait2)
		return epoll_time_read(e->args[3], TIME_SPEC);
	if (id == FR_ID_ppoll_time64)
		return epoll_time_read(e->args[2], TIME_SPEC);
	if (id == FR_ID_pselect6_time64)
		return epoll_time_read(e->args[4], TIME_SPEC);
	if (id == FR_ID_ppoll)
		return epoll_time_read(e->args[2], TIME_SPEC | form);
	if (id == FR_ID_pselect6)
		return epoll_time_read(e->args[4], TIME_SPEC | form);
	if (id == FR_ID_select || id == FR_ID__newselect)
		return epoll_time_read(e->args[4], TIME_VAL | form);
	return TIMEOUT_UNKNOWN;
}

static __always_inline int epoll_is_poll(u32 id)
{
	return id == FR_ID_poll || id == FR_ID_ppoll ||
	       id == FR_ID_ppoll_time64;
}

static __always_inline int epoll_is_wait(u32 id)
{
	return id == FR_ID_epoll_wait || id == FR_ID_epoll_pwait ||
	       id == FR_ID_epoll_pwait2;
}

static __always_inline int epoll_is_select(u32 id)
{
	return id == FR_ID_select || id == FR_ID__newselect ||
	       id == FR_ID_pselect6 || id == FR_ID_pselect6_time64;
}

/* The masks of struct pollfd: asked for in the low 16 bits, came above them; all
 * ones: unreadable.  Entries with a negative descriptor do not count. */
__noinline u32 poll_masks(u32 probe, u64 ptr, u32 nr)
{
	struct record_buf *buf = scratch_of(probe, 1);
	u64 all = 0;

	if (!buf)
		return ~0U;
	if (nr > EPOLL_LOOK)
		nr = EPOLL_LOOK;
	if (nr && bpf_probe_read_user(buf, (nr * 8) & 1023, (void *)ptr))
		return ~0U;
	for (u32 i = 0; i < EPOLL_LOOK; i++) {
		if (i >= nr)
			break;
		if ((s32)buf->w[i] >= 0)
			all |= buf->w[i] >> 32;
	}
	return (u32)all;
}

/* The masks of struct epoll_event, joined. */
__noinline u32 epoll_masks(u32 probe, u64 ptr, u32 nr)
{
	struct record_buf *buf = scratch_of(probe, 1);
	u32 *words = (void *)buf, all = 0;

	if (!buf)
		return ~0U;
	if (nr > EPOLL_LOOK)
		nr = EPOLL_LOOK;
	if (bpf_probe_read_user(buf, (nr * 4 * EPOLL_EVENT_WORDS) & 2047,
				(void *)ptr))
		return ~0U;
	for (u32 i = 0; i < EPOLL_LOOK; i++) {
		if (i >= nr)
			break;
		all |= words[i * EPOLL_EVENT_WORDS];
	}
	return all;
}

static __always_inline u64 epoll_look(u64 nr)
{
	return nr < EPOLL_LOOK ? nr : EPOLL_LOOK;
}

/* The mask asked for, with the number of its entries above it. */
__noinline u64 epoll_asked(u32 probe, struct fr_inflight *e)
{
	u32 id, mask = 0;

	if (!e)
		return MASK_UNKNOWN;
	id = FR_CALL_ID(e->call);
	if (id == FR_ID_epoll_ctl && (u32)e->args[1] != EPOLL_CTL_DEL) {
		if (bpf_probe_read_user(&mask, sizeof(mask),
					(void *)e->args[3]))
			return MASK_UNKNOWN;
		return mask | 1ULL << 32;
	}
	if (epoll_is_poll(id)) {
		mask = poll_masks(probe, e->args[0], (u32)e->args[1]);
		if (mask == ~0U)
			return MASK_UNKNOWN;
		return (mask & 0xffff) | epoll_look((u32)e->args[1]) << 32;
	}
	return MASK_UNKNOWN;
}

/* select of 32-bit x86 has its arguments in memory. */
__noinline int epoll_old_select(struct fr_inflight *e)
{
	u32 a[5] = {};

	if (!e)
		return 0;
	if (bpf_probe_read_user(a, sizeof(a), (void *)e->args[0]))
		return 0;
	for (int i = 0; i < 5; i++)
		e->args[i] = a[i];
	return 0;
}

__noinline int sys_epoll_enter(struct fr_inflight *e)
{
	if (!e)
		return 0;
	if (FR_CALL_ID(e->call) == FR_ID_select && e->call & FR_CALL_COMPAT)
		epoll_old_select(e);
	e->args[6] = (u64)epoll_timeout(e);
	e->args[7] = epoll_asked(FR_PROBE_FS_ENTER, e);
	return 0;
}

/* The events that came, with the number of entries above them. */
__noinline u64 epoll_came(struct fr_inflight *e, s64 ret)
{
	u32 id = e ? FR_CALL_ID(e->call) : 0, mask;

	if (!e || ret < 0 || !(epoll_is_poll(id) || epoll_is_wait(id)))
		return MASK_UNKNOWN;
	if (!ret)
		return 0;
	if (epoll_is_wait(id)) {
		mask = epoll_masks(FR_PROBE_FS_EXIT, e->args[1], (u32)ret);
		return mask | epoll_look((u32)ret) << 32;
	}
	mask = poll_masks(FR_PROBE_FS_EXIT, e->args[0], (u32)e->args[1]);
	if (mask == ~0U)
		return MASK_UNKNOWN;
	return mask >> 16 | epoll_look((u32)e->args[1]) << 32;
}

/* What could not be read at entry because its page was not there yet. */
__noinline int epoll_again(struct fr_inflight *e, s64 ret)
{
	u32 id = e ? FR_CALL_ID(e->call) : 0;

	if (!e || ret == -EFAULT)
		return 0;
	if (e->args[7] == MASK_UNKNOWN)
		e->args[7] = epoll_asked(FR_PROBE_FS_EXIT, e);
	if (id == FR_ID_epoll_pwait2 && (s64)e->args[6] == TIMEOUT_UNKNOWN)
		e->args[6] = (u64)epoll_timeout(e);
	return 0;
}

static __always_inline void epoll_put_call(struct fr_epoll *r,
					   struct fr_inflight *e, u32 id)
{
	r->fd = r->fd2 = -1;
	r->ctl_op = ~0U;
	r->flags = r->max_events = ~0ULL;
	if (id == FR_ID_epoll_create) {
		r->max_events = (u32)e->args[0];
	} else if (id == FR_ID_epoll_create1) {
		r->flags = (u32)e->args[0];
	} else if (id == FR_ID_epoll_ctl) {
		r->fd = (s32)e->args[0];
		r->ctl_op = (u32)e->args[1];
		r->fd2 = (s32)e->args[2];
	} else if (epoll_is_wait(id)) {
		r->fd = (s32)e->args[0];
		r->max_events = (u32)e->args[2];
	} else if (epoll_is_poll(id)) {
		r->max_events = (u32)e->args[1];
	} else {
		r->max_events = (u32)e->args[0];
	}
}

__noinline u64 sys_epoll_put(struct fr_inflight *e, s64 ret, u64 dur,
			     u32 weight)
{
	struct record_buf *buf = scratch_of(FR_PROBE_FS_EXIT, 0);
	struct fr_epoll *r = (void *)buf;
	u64 came;

	if (!buf || !e)
		return 0;
	epoll_again(e, ret);
	came = epoll_came(e, ret);
	r->ts = e->ts;
	r->dur = dur;
	r->tid = e->tid;
	r->pid = e->pid;
	r->born = e->born;
	epoll_put_call(r, e, FR_CALL_ID(e->call));
	r->asked_events = e->args[7] >> 32 ? (u32)e->args[7] : ~0ULL;
	r->spare = 0;
	r->events = (u32)came;
	r->looked = (u16)(came >> 32 ?: e->args[7] >> 32);
	r->ret = (s32)ret;
	r->weight = weight;
	r->timeout_ns = (s64)e->args[6];
	return ring_put(buf, sizeof(*r), FR_LANE_EPOLL,
			TYPE_AUX(FR_T_epoll, e->call));
}

#endif
