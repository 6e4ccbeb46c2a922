/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sock.bpf.h - from a descriptor to its socket: family, type, protocol, inode,
 * addresses and ports, noted in the thread's in-flight entry (e->sock).
 *
 * Addresses have 16 bytes in network order, IPv4 as ::ffff:a.b.c.d; one that is
 * not known, or that the family does not have, is all ones, and so is its port.
 * Ports are in host order.
 */
#ifndef SOCK_BPF_H
#define SOCK_BPF_H

#include "fs_entry.bpf.h"

#include <bpf/bpf_endian.h>

#define SOCK_STREAM 1

/* The sock behind an open file, 0: it is no socket.  The inode of a UNIX
 * socket's path, opened with O_PATH, is S_IFSOCK, too, but not in sockfs. */
static __always_inline struct sock *sock_of_file(struct file *f)
{
	struct inode *in = BPF_CORE_READ(f, f_inode);
	struct socket *s;

	if ((BPF_CORE_READ(in, i_mode) & S_IFMT) != S_IFSOCK ||
	    BPF_CORE_READ(in, i_sb, s_magic) != SOCKFS_MAGIC)
		return 0;
	s = BPF_CORE_READ(f, private_data);
	return BPF_CORE_READ(s, sk);
}

/* Is the call, one of another stream than fs, on a socket of a kind left out
 * (probes.leave_out), or does it make one? */
static __always_inline int
sock_is_left_out(struct fr_inflight *e, const volatile struct fr_call_info *ci)
{
	u32 kind;

	if (!fr_cfg.leave_out ||
	    (ci->cls != FR_CLS_NET && ci->cls != FR_CLS_CONN))
		return 0;
	if (ci->fd)
		return fd_is_left_out((u32)arg(e, ci->fd));
	kind = (u32)e->args[0] == AF_UNIX ? FR_KIND_UNIX : FR_KIND_SOCKET;
	return fr_cfg.leave_out >> kind & 1;
}

/* ---- addresses ---------------------------------------------------------------- */
static __always_inline void address_clear(u32 a[4])
{
	a[0] = a[1] = a[2] = a[3] = ~0U;
}

static __always_inline int address_known(const u32 a[4])
{
	return (a[0] & a[1] & a[2] & a[3]) != ~0U;
}

static __always_inline void address_ipv4(u32 a[4], u32 ipv4)
{
	a[0] = a[1] = 0;
	a[2] = bpf_htonl(0xffff);
	a[3] = ipv4;
}

/* Has the socket a remote address?  A TCP socket's outlives the connection,
 * its port does not; other sockets may be connected to no port. */
static __always_inline int sock_is_connected(struct sock *sk, u32 type,
					     u32 words)
{
	if (BPF_CORE_READ(sk, __sk_common.skc_dport))
		return 1;
	return type != SOCK_STREAM && words;
}

/* The addresses as they are now; the remote one only if ${remote}, or if none is
 * known yet. */
__noinline int sock_addresses(struct fr_inflight *e, u32 remote)
{
	struct sock *sk;
	struct in6_addr *from;
	u32 pair[2] = {}, far[4] = {};

	if (!e)
		return 0;
	sk = (void *)e->args[7];
	if (e->sock.family == AF_INET) {
		bpf_core_read(pair, sizeof(pair),
			      &sk->__sk_common.skc_addrpair);
		if (pair[0])
			address_ipv4(far, pair[0]);
		address_ipv4(e->sock.laddr, pair[1]);
	} else if (e->sock.family == AF_INET6) {
		from = &sk->__sk_common.skc_v6_daddr;
		bpf_core_read(far, sizeof(far), from);
		from = &sk->__sk_common.skc_v6_rcv_saddr;
		bpf_core_read(e->sock.laddr, sizeof(far), from);
	} else {
		return 0;
	}
	/* not skc_num, which is gone when the peer has reset the connection */
	e->sock.lport =
		bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	if (!remote && address_known(e->sock.raddr))
		return 0;
	if (!sock_is_connected(sk, e->sock.type, far[0] | far[1] | far[3]))
		return 0;
	if (e->sock.family == AF_INET)
		address_ipv4(far, pair[0]);
	for (int i = 0; i < 4; i++)
		e->sock.raddr[i] = far[i];
	e->sock.rport = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	return 0;
}

/* An address that the program gave, or was given; of other families: nothing. */
__noinline int sock_user_address(struct fr_inflight *e, u64 ptr, u32 len,
				 u32 local)
{
	u32 in[6] = {}, *to;
	u16 family;

	if (!e || !ptr || len < 16)
		return 0;
	if (bpf_probe_read_user(in, 16, (void *)ptr))
		return 0;
	family = (u16)in[0];
	if (family == AF_INET6 &&
	    (len < sizeof(in) ||
	     bpf_probe_read_user(in, sizeof(in), (void *)ptr)))
		return 0;
	if (family != AF_INET && family != AF_INET6)
		return 0;
	to = local ? e->sock.laddr : e->sock.raddr;
	if (family == AF_INET) {
		address_ipv4(to, in[1]);
	} else {
		for (int i = 0; i < 4; i++)
			to[i] = in[2 + i];
	}
	if (local)
		e->sock.lport = bpf_ntohs(in[0] >> 16);
	else
		e->sock.rport = bpf_ntohs(in[0] >> 16);
	return 1;
}

static __always_inline u16 null_u16(u8 value)
{
	return value == 0xff ? 0xffff : value;
}

/* ---- a socket ------------------------------------------------------------------ */
#define SOCK_FILE(e) ((e)->args[6])

/* Notes the socket behind a descriptor of the current task, nothing if it is none.
 * ${fd} may be any number. */
__noinline int sock_note(struct fr_inflight *e, u32 fd)
{
	struct file *f;
	struct sock *sk;

	if (!e)
		return 0;
	e->ino = ~0ULL;
	e->sock.protocol = e->sock.lport = e->sock.rport = 0xffff;
	e->sock.family = e->sock.type = 0xff;
	address_clear(e->sock.laddr);
	address_clear(e->sock.raddr);
	e->args[6] = e->args[7] = 0;
	f = (void *)file_of_fd(0, bpf_get_current_task_btf(), fd);
	sk = f ? sock_of_file(f) : 0;
	if (!sk)
		return 0;
	e->args[6] = (u64)f;
	e->args[7] = (u64)sk;
	e->ino = BPF_CORE_READ(f, f_inode, i_ino);
	e->sock.family = (u8)BPF_CORE_READ(sk, __sk_common.skc_family);
	e->sock.type = (u8)BPF_CORE_READ(sk, sk_type);
	e->sock.protocol = BPF_CORE_READ(sk, sk_protocol);
	sock_addresses(e, 1);
	return 1;
}

/* At the end of a call: the addresses as they are now, if the descriptor still is
 * the socket that was noted. */
static __always_inline void sock_note_again(struct fr_inflight *e, u32 fd,
					    u32 remote)
{
	struct task_struct *t = bpf_get_current_task_btf();

	if (SOCK_FILE(e) && file_of_fd(0, t, fd) == SOCK_FILE(e))
		sock_addresses(e, remote);
}

/* What e->sock says, into the fields that records of sockets share. */
#define SOCK_PUT(r, e)                                             \
	do {                                                       \
		__builtin_memcpy((r)->laddr, (e)->sock.laddr, 16); \
		__builtin_memcpy((r)->raddr, (e)->sock.raddr, 16); \
		(r)->lport = (e)->sock.lport;                      \
		(r)->rport = (e)->sock.rport;                      \
		(r)->family = null_u16((e)->sock.family);          \
		(r)->sock_type = null_u16((e)->sock.type);         \
		(r)->protocol = (e)->sock.protocol;                \
		(r)->ino = (e)->ino;                               \
	} while (0)

#endif
