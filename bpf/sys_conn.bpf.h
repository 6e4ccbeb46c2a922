/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sys_conn.bpf.h - stream conn: how sockets are made, bound, connected, shut down
 * and closed.
 */
#ifndef SYS_CONN_BPF_H
#define SYS_CONN_BPF_H

#include "sock.bpf.h"

#define SOCK_TYPE_MASK 0xf
#define SUN_PATH_BYTES 108
#define EALREADY       114
#define EINPROGRESS    115

static __always_inline int conn_makes(u32 id)
{
	return id == FR_ID_socket || id == FR_ID_socketpair;
}

static __always_inline int conn_accepts(u32 id)
{
	return id == FR_ID_accept || id == FR_ID_accept4;
}

/*
 * Writes the path of the user's struct sockaddr_un and returns its hash, 0 if
 * there is none.  Abstract ones as /proc/net/unix has them: @ for each NUL.
 */
__noinline u64 conn_unix_name(u64 ptr, u32 addrlen)
{
	struct record_buf *buf = scratch_of(FR_PROBE_FS_ENTER, 1);
	u8 *text = (u8 *)buf + sizeof(struct fr_name_str);
	u32 len = 0, size = addrlen - 2;
	u16 family = 0;
	int abstract;

	if (!buf || !ptr || addrlen <= 2 || size > SUN_PATH_BYTES)
		return 0;
	if (bpf_probe_read_user(&family, sizeof(family), (void *)ptr) ||
	    family != AF_UNIX)
		return 0;
	if (bpf_probe_read_user(text, size & 127, (void *)(ptr + 2)))
		return 0;
	abstract = !text[0];
	for (u32 i = 0; i < SUN_PATH_BYTES; i++) {
		if (i >= size || (!text[i] && !abstract))
			break;
		if (!text[i])
			text[i] = '@';
		len = i + 1;
	}
	return name_text(FR_PROBE_FS_ENTER, len, 0);
}

__noinline int sys_conn_enter(struct fr_inflight *e)
{
	u32 id;

	if (!e)
		return 0;
	id = FR_CALL_ID(e->call);
	e->sock_name = 0;
	sock_note(e, conn_makes(id) ? ~0U : (u32)e->args[0]);
	if (id != FR_ID_connect && id != FR_ID_bind)
		return 0;
	if (e->sock.family == AF_UNIX)
		e->sock_name = conn_unix_name(e->args[1], (u32)e->args[2]);
	else if (id == FR_ID_connect)
		sock_user_address(e, e->args[1], (u32)e->args[2], 0);
	return 0;
}

/* The socket as the call has left it. */
__noinline int conn_note_end(struct fr_inflight *e, s64 ret)
{
	u32 id = e ? FR_CALL_ID(e->call) : 0;
	s32 fds[2] = { -1, -1 };

	if (!e)
		return 0;
	if (id == FR_ID_socketpair) {
		if (!ret)
			bpf_probe_read_user(fds, sizeof(fds),
					    (void *)e->args[3]);
		sock_note(e, (u32)fds[0]);
		e->args[4] = (u32)fds[0];
		e->args[5] = (u32)fds[1];
	} else if (id == FR_ID_socket || conn_accepts(id)) {
		if (ret >= 0)
			sock_note(e, (u32)ret);
	} else if (id == FR_ID_connect) {
		sock_note_again(e, (u32)e->args[0],
				!ret || ret == -EINPROGRESS ||
					ret == -EALREADY);
	} else if (id == FR_ID_bind && ret) {
		if (SOCK_FILE(e))
			sock_user_address(e, e->args[1], (u32)e->args[2], 1);
	} else if (id != FR_ID_close) {
		sock_note_again(e, (u32)e->args[0], 1);
	}
	return 0;
}

/* socket and socketpair: as asked, where no socket came of it. */
static __always_inline void conn_put_asked(struct fr_conn *r,
					   struct fr_inflight *e)
{
	r->flags = (u32)e->args[1] & ~SOCK_TYPE_MASK;
	r->sock_type = e->args[1] & SOCK_TYPE_MASK;
	if (r->family != 0xffff)
		return;
	r->family = (u32)e->args[0] < 0xffff ? (u16)e->args[0] : 0xffff;
	r->protocol = (u32)e->args[2] < 0xffff ? (u16)e->args[2] : 0xffff;
}

static __always_inline void conn_put_call(struct fr_conn *r,
					  struct fr_inflight *e, u32 id)
{
	r->fd = (s32)e->args[0];
	r->fd2 = -1;
	r->flags = r->how = ~0U;
	r->backlog = -1;
	if (id == FR_ID_socket)
		r->fd = -1;
	if (id == FR_ID_socketpair) {
		r->fd = (s32)e->args[4];
		r->fd2 = (s32)e->args[5];
	}
	if (conn_makes(id))
		conn_put_asked(r, e);
	if (id == FR_ID_accept4)
		r->flags = (u32)e->args[3];
	if (id == FR_ID_shutdown)
		r->how = (u32)e->args[1];
	if (id == FR_ID_listen)
		r->backlog = (s32)e->args[1] < 0 ? 0x7fffffff : (s32)e->args[1];
}

__noinline u64 sys_conn_put(struct fr_inflight *e, s64 ret, u64 dur, u32 weight)
{
	struct record_buf *buf = scratch_of(FR_PROBE_FS_EXIT, 0);
	struct fr_conn *r = (void *)buf;

	if (!buf || !e)
		return 0;
	conn_note_end(e, ret);
	r->ts = e->ts;
	r->dur = dur;
	r->tid = e->tid;
	r->pid = e->pid;
	r->born = e->born;
	SOCK_PUT(r, e);
	r->asked = e->sock_name ?: ~0ULL;
	r->ret = (s32)ret;
	r->weight = weight;
	conn_put_call(r, e, FR_CALL_ID(e->call));
	return ring_put(buf, sizeof(*r), FR_LANE_OTHER,
			TYPE_AUX(FR_T_conn, e->call));
}

#endif
