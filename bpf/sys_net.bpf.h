/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sys_net.bpf.h - stream net: what is sent and received on sockets, by the calls
 * made for it and by read, write and their kin.
 */
#ifndef SYS_NET_BPF_H
#define SYS_NET_BPF_H

#include "sock.bpf.h"

#define MSG_TRUNC  0x20
#define MMSG_ASKED 64 /* messages whose sizes are summed up; of more: unknown */
#define MMSG_MOVED 1024 /* moved: the most that sendmmsg takes */

static __always_inline int net_is_send(u32 id)
{
	return id == FR_ID_sendto || id == FR_ID_sendmsg ||
	       id == FR_ID_sendmmsg || id == FR_ID_send || id == FR_ID_write ||
	       id == FR_ID_writev || id == FR_ID_pwritev2;
}

static __always_inline int net_is_mmsg(u32 id)
{
	return id == FR_ID_sendmmsg || id == FR_ID_recvmmsg ||
	       id == FR_ID_recvmmsg_time64;
}

static __always_inline int net_is_msg(u32 id)
{
	return id == FR_ID_sendmsg || id == FR_ID_recvmsg || net_is_mmsg(id);
}

/* The user's struct msghdr, up to what we want of it. */
struct net_msg {
	u64 name, namelen, iov, iovlen;
};

static __always_inline int net_read_msg(struct net_msg *m, u64 ptr, u32 compat)
{
	u32 m32[4] = {};

	if (!compat)
		return (int)bpf_probe_read_user(m, sizeof(*m), (void *)ptr);
	if (bpf_probe_read_user(m32, sizeof(m32), (void *)ptr))
		return -1;
	m->name = m32[0];
	m->namelen = m32[1];
	m->iov = m32[2];
	m->iovlen = m32[3];
	return 0;
}

/* What the message at ${ptr} asks for, in bytes; all ones: it is unreadable. */
__noinline u64 net_msg_size(u64 ptr, u32 compat)
{
	struct net_msg m = {};

	if (net_read_msg(&m, ptr, compat))
		return ~0ULL;
	return sum_iovec(m.iov, m.iovlen, compat);
}

__noinline u64 net_mmsg_size(u64 ptr, u64 count, u32 compat)
{
	u64 sum = 0, size;

	if (count > MMSG_ASKED)
		return ~0ULL;
	for (u32 i = 0; i < MMSG_ASKED; i++) {
		if (i >= count)
			break;
		size = net_msg_size(ptr + i * (compat ? 32ULL : 64ULL), compat);
		if (size == ~0ULL)
			return sum ?: size;
		sum += size;
	}
	return sum;
}

/* The sum of msg_len of ${count} messages. */
__noinline u64 net_mmsg_moved(u64 ptr, u64 count, u32 compat)
{
	u64 sum = 0;

	ptr += compat ? 28 : 56;
	for (u32 i = 0; i < MMSG_MOVED; i++) {
		u32 len = 0;

		if (i >= count)
			break;
		bpf_probe_read_user(&len, sizeof(len), (void *)ptr);
		sum += len;
		ptr += compat ? 32 : 64;
	}
	return sum;
}

/* The remote address that goes with the call: where a program sends to, or what
 * the kernel says it received from.  Streams are what they are connected to. */
__noinline int net_peer(struct fr_inflight *e)
{
	u32 id = e ? FR_CALL_ID(e->call) : 0, len;
	struct net_msg m = {};

	if (!e || (e->sock.type == SOCK_STREAM && address_known(e->sock.raddr)))
		return 0;
	if (net_is_msg(id)) {
		if (!net_read_msg(&m, e->args[1], e->call & FR_CALL_COMPAT))
			sock_user_address(e, m.name, (u32)m.namelen, 0);
	} else if (id == FR_ID_sendto) {
		sock_user_address(e, e->args[4], (u32)e->args[5], 0);
	} else if (id == FR_ID_recvfrom) {
		if (!bpf_probe_read_user(&len, sizeof(len), (void *)e->args[5]))
			sock_user_address(e, e->args[4], len, 0);
	}
	return 0;
}

__noinline int sys_net_enter(struct fr_inflight *e)
{
	const volatile struct fr_call_info *ci;
	u32 id, compat;

	if (!e)
		return 0;
	id = FR_CALL_ID(e->call);
	ci = &fr_calls[id];
	compat = e->call & FR_CALL_COMPAT;
	sock_note(e, (u32)e->args[0]);
	if (ci->props & FR_CP_IOVEC)
		e->sock_size = sum_iovec(e->args[1], e->args[2], compat);
	else if (net_is_mmsg(id))
		e->sock_size =
			net_mmsg_size(e->args[1], (u32)e->args[2], compat);
	else if (net_is_msg(id))
		e->sock_size = net_msg_size(e->args[1], compat);
	else
		e->sock_size = e->args[2];
	if (net_is_send(id))
		net_peer(e);
	return 0;
}

static __always_inline u64 net_moved(struct fr_inflight *e, u32 id, s64 ret,
				     u32 flags)
{
	if (ret <= 0)
		return 0;
	if (net_is_mmsg(id))
		return net_mmsg_moved(e->args[1], ret,
				      e->call & FR_CALL_COMPAT);
	/* then the result is the length of the datagram */
	if ((flags & MSG_TRUNC) && (u64)ret > e->sock_size)
		return e->sock_size;
	return ret;
}

__noinline u64 sys_net_put(struct fr_inflight *e, s64 ret, u64 dur, u32 weight)
{
	struct record_buf *buf = scratch_of(FR_PROBE_FS_EXIT, 0);
	struct fr_net_io *r = (void *)buf;
	const volatile struct fr_call_info *ci;
	u32 id;

	if (!buf || !e)
		return 0;
	id = FR_CALL_ID(e->call);
	ci = &fr_calls[id];
	/* sending gives an unbound socket a port */
	if (!e->sock.lport)
		sock_note_again(e, (u32)e->args[0], 0);
	if (ret >= 0 && !net_is_send(id) && (!net_is_mmsg(id) || ret))
		net_peer(e);
	r->ts = e->ts;
	r->dur = dur;
	r->tid = e->tid;
	r->pid = e->pid;
	r->born = e->born;
	r->fd = (s32)e->args[0];
	SOCK_PUT(r, e);
	r->size = e->sock_size;
	r->ret = (s32)ret;
	r->flags = ci->cls == FR_CLS_NET ? (u32)arg(e, ci->flags) : 0;
	r->moved = net_moved(e, id, ret, r->flags);
	r->weight = weight;
	r->direction = net_is_send(id);
	r->spare = 0;
	return ring_put(buf, sizeof(*r), FR_LANE_NET,
			TYPE_AUX(FR_T_net_io, e->call));
}

#endif
