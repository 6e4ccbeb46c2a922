// SPDX-License-Identifier: GPL-2.0-only
/*
 * drop.bpf.c - TCP segments that are sent again, and packets that the kernel drops,
 * with its reason.
 *
 * Where a packet has IP headers, they say from where to where it was; a segment in
 * the retransmission queue has none, then the socket does.  Most of this happens in
 * soft interrupts: the thread on the CPU need not have to do with it.
 */
#include "names.bpf.h"
#include "policy.bpf.h"

/* What is read of the kernel's types. */
#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)
struct in6_addr___drop {
	u8 bytes[16];
};
struct sock_common___drop {
	u32 skc_daddr, skc_rcv_saddr;
	u16 skc_dport, skc_num;
	u16 skc_family;
	u8 skc_state;
	int skc_bound_dev_if;
	struct in6_addr___drop skc_v6_daddr, skc_v6_rcv_saddr;
};
struct net_device___drop {
	int ifindex;
};
struct dst_entry___drop {
	struct net_device___drop *dev;
};
struct sock___drop {
	struct sock_common___drop __sk_common;
	u16 sk_protocol;
	struct socket *sk_socket;
	struct dst_entry___drop *sk_dst_cache;
};
struct sk_buff {
	struct sock___drop *sk;
	struct net_device___drop *dev;
	unsigned int len;
	u32 tail; /* from head */
	u16 protocol, network_header;
	int skb_iif;
	unsigned char *head;
	char cb[48];
};
struct tcp_skb_cb {
	u16 tcp_gso_segs;
};
enum skb_drop_reason { /* only these, and their numbers are the kernel's */
	SKB_NOT_DROPPED_YET,
	SKB_CONSUMED,
	SKB_DROP_REASON_NOT_SPECIFIED,
};
/* its reason: from 5.17 on; rx_sk: from 6.11 on */
struct trace_event_raw_kfree_skb {
	void *skbaddr, *location, *rx_sk;
	enum skb_drop_reason reason;
};
#pragma clang attribute pop

/* tcp:tcp_retransmit_skb and tcp:tcp_retransmit_synack begin alike everywhere. */
struct tcp_tracepoint_ctx {
	u64 common;
	void *first, *second;
};

char LICENSE[] SEC("license") = "GPL";

/* Addresses of _stext and _etext, from the loader; 0: hidden. */
const volatile __u64 fr_text[2] = {};

#define FR_AF_INET  2
#define FR_AF_INET6 10

#define PROTO_TCP     6
#define PROTO_UDP     17
#define PROTO_DCCP    33
#define PROTO_SCTP    132
#define PROTO_UDPLITE 136

/* Headers that IPv6 puts before the transport's. */
#define IP6_HOPOPTS        0
#define IP6_ROUTING        43
#define IP6_FRAGMENT       44
#define IP6_AUTH           51
#define IP6_DSTOPTS        60
#define IP6_EXTENSIONS_MAX 6

#define TCP_ESTABLISHED  1
#define TCP_TIME_WAIT    6
#define TCP_NEW_SYN_RECV 12

#define DROP_PACKET     0
#define DROP_RETRANSMIT 1

#define REASON_NONE (~0U) /* the kernel gives none */

/* The record, empty but for who and when; NULL: no buffer. */
static __always_inline struct fr_drop *drop_begin(u32 probe)
{
	struct fr_drop *r = (void *)scratch_of(probe, 0);
	struct task_struct *t = bpf_get_current_task_btf();

	if (!r)
		return 0;
	__builtin_memset(r, 0xff, sizeof(*r));
	r->ts = bpf_ktime_get_ns();
	r->tid = t->pid;
	r->pid = t->tgid;
	r->born = born_of(t->group_leader->start_boottime);
	r->segments = 1;
	return r;
}

/* The scope is a matter of threads.  Where all are in it, so is what happens while
 * the recorder itself is interrupted. */
static __always_inline int drop_in_scope(void)
{
	return fr_cfg.scope == FR_SCOPE_ALL ||
	       task_in_scope(bpf_get_current_task_btf());
}

/* ---- addresses ------------------------------------------------------------------ */
static __always_inline u16 swap16(u16 v)
{
	return __builtin_bswap16(v);
}

static __always_inline void set_mapped(u8 *addr, u32 ip)
{
	u32 *w = (void *)addr;

	w[0] = 0;
	w[1] = 0;
	w[2] = 0xffff0000; /* 00 00 ff ff, both machines are little-endian */
	w[3] = ip;
}

static __always_inline void set_ports(struct fr_drop *r, u64 at, u64 end)
{
	u16 ports[2];

	switch (r->protocol) {
	case PROTO_TCP:
	case PROTO_UDP:
	case PROTO_DCCP:
	case PROTO_SCTP:
	case PROTO_UDPLITE:
		break;
	default:
		return;
	}
	if (at + sizeof(ports) > end ||
	    bpf_probe_read_kernel(ports, sizeof(ports), (void *)at))
		return;
	r->lport = swap16(ports[0]);
	r->rport = swap16(ports[1]);
}

struct ip4_header {
	u8 version_ihl, tos;
	u16 tot_len, id, frag_off;
	u8 ttl, protocol;
	u16 check;
	u32 saddr, daddr;
};

static __always_inline int parse_ip4(struct fr_drop *r, u64 at, u64 end)
{
	struct ip4_header h;

	if (at + sizeof(h) > end ||
	    bpf_probe_read_kernel(&h, sizeof(h), (void *)at) ||
	    h.version_ihl >> 4 != 4)
		return 0;
	r->family = FR_AF_INET;
	r->protocol = h.protocol;
	if (h.tot_len)
		r->size = swap16(h.tot_len);
	set_mapped(r->laddr, h.saddr);
	set_mapped(r->raddr, h.daddr);
	if (!(swap16(h.frag_off) & 0x1fff)) /* not a later fragment */
		set_ports(r, at + (h.version_ihl & 15) * 4, end);
	return 1;
}

struct ip6_header {
	u32 version_flow;
	u16 payload_len;
	u8 nexthdr, hop_limit;
	u8 saddr[16], daddr[16];
};

static __always_inline int parse_ip6(struct fr_drop *r, u64 at, u64 end)
{
	struct ip6_header h;
	u8 ext[4], next;

	if (at + sizeof(h) > end ||
	    bpf_probe_read_kernel(&h, sizeof(h), (void *)at) ||
	    (h.version_flow >> 4 & 15) != 6)
		return 0;
	r->family = FR_AF_INET6;
	if (h.payload_len)
		r->size = swap16(h.payload_len) + sizeof(h);
	__builtin_memcpy(r->laddr, h.saddr, 16);
	__builtin_memcpy(r->raddr, h.daddr, 16);
	at += sizeof(h);
	next = h.nexthdr;
	for (int i = 0; i < IP6_EXTENSIONS_MAX; i++) {
		u32 len;

		if (next != IP6_HOPOPTS && next != IP6_ROUTING &&
		    next != IP6_FRAGMENT && next != IP6_AUTH &&
		    next != IP6_DSTOPTS)
			break;
		if (at + sizeof(ext) > end ||
		    bpf_probe_read_kernel(ext, sizeof(ext), (void *)at))
			break;
		len = next == IP6_FRAGMENT ? 8 :
		      next == IP6_AUTH     ? (ext[1] + 2) * 4 :
					     (ext[1] + 1) * 8;
		if (next == IP6_FRAGMENT && (ext[2] || ext[3] & 0xf8))
			end = 0; /* a later fragment: no ports in it */
		next = ext[0];
		at += len;
	}
	r->protocol = next;
	set_ports(r, at, end);
	return 1;
}

/* 1: the packet has IP headers, and they lie within its bytes. */
static __always_inline int parse_packet(struct fr_drop *r, struct sk_buff *skb)
{
	u64 head = (u64)BPF_CORE_READ(skb, head);
	u16 offset = BPF_CORE_READ(skb, network_header);
	u16 type = swap16(BPF_CORE_READ(skb, protocol));
	u64 end = head + BPF_CORE_READ(skb, tail);

	if (!head || !offset || offset == 0xffff)
		return 0;
	if (type == 0x0800)
		return parse_ip4(r, head + offset, end);
	if (type == 0x86dd)
		return parse_ip6(r, head + offset, end);
	return 0;
}

/* Addresses of a socket, as of a packet that it sends. */
static __always_inline void socket_addresses(struct fr_drop *r,
					     struct sock___drop *sk)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	u32 *w = (void *)r->raddr;

	r->family = family;
	if (family != FR_AF_INET && family != FR_AF_INET6)
		return;
	r->lport = BPF_CORE_READ(sk, __sk_common.skc_num);
	r->rport = swap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (family == FR_AF_INET) {
		set_mapped(r->laddr,
			   BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		set_mapped(r->raddr, BPF_CORE_READ(sk, __sk_common.skc_daddr));
		return;
	}
	BPF_CORE_READ_INTO(&r->laddr, sk, __sk_common.skc_v6_rcv_saddr);
	BPF_CORE_READ_INTO(&r->raddr, sk, __sk_common.skc_v6_daddr);
	if (!w[0] && !w[1] && w[2] == 0xffff0000)
		r->family = FR_AF_INET; /* IPv4 through an IPv6 socket */
}

/* ---- the socket ------------------------------------------------------------------- */
static __always_inline int is_full_socket(u8 state)
{
	return state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV;
}

static __always_inline void socket_inode(struct fr_drop *r,
					 struct sock___drop *sk)
{
	struct socket *socket = BPF_CORE_READ(sk, sk_socket);

	if (socket) /* none: closed, or not accepted yet */
		r->ino = BPF_CORE_READ((struct socket_alloc *)socket,
				       vfs_inode.i_ino);
}

static __always_inline void socket_state(struct fr_drop *r,
					 struct sock___drop *sk)
{
	u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	if (!is_full_socket(state)) {
		r->protocol = PROTO_TCP;
		r->tcp_state = state;
		return;
	}
	socket_inode(r, sk);
	if (r->family != FR_AF_INET && r->family != FR_AF_INET6)
		return;
	if (r->protocol == 0xffff)
		r->protocol = BPF_CORE_READ(sk, sk_protocol);
	if (BPF_CORE_READ(sk, sk_protocol) == PROTO_TCP)
		r->tcp_state = state;
}

/* What is freed as dropped, but is not, or not said to be; numbers and names differ
 * between kernels. */
static __always_inline int is_no_drop(u32 reason)
{
#define REASON_IS(word)                                            \
	(bpf_core_enum_value_exists(enum skb_drop_reason, word) && \
	 reason == bpf_core_enum_value(enum skb_drop_reason, word))
	return REASON_IS(SKB_NOT_DROPPED_YET) || REASON_IS(SKB_CONSUMED) ||
	       REASON_IS(SKB_DROP_REASON_NOT_SPECIFIED);
#undef REASON_IS
}

/* ---- records ------------------------------------------------------------------------ */
static __always_inline u64 offset_in_text(u64 location)
{
	if (!fr_text[0] || location < fr_text[0] || location >= fr_text[1])
		return ~0ULL; /* hidden, or a module's */
	return location - fr_text[0];
}

static __always_inline void drop_end(struct fr_drop *r, u32 probe, u32 event,
				     struct fr_probe_counts *n)
{
	if (ring_put((void *)r, sizeof(*r), FR_LANE_OTHER,
		     TYPE_AUX(FR_T_drop, event)))
		n->records++;
	else
		n->lost++;
}

/* The device of an incoming packet is known by its number; while it lies in a
 * socket's queue, its pointer is used for something else. */
static __always_inline void packet_device(struct fr_drop *r,
					  struct sk_buff *skb)
{
	int index = BPF_CORE_READ(skb, skb_iif);

	if (!index)
		index = BPF_CORE_READ(skb, dev, ifindex);
	if (index > 0)
		r->ifindex = (u32)index;
}

static __noinline int drop_packet(u64 packet, u64 location, u32 reason,
				  u64 socket)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_DROP_PACKET);
	struct sk_buff *skb = (void *)packet;
	struct sock___drop *sk = (void *)socket;
	struct fr_drop *r;
	u32 weight;

	if (!n)
		return 0;
	weight = policy_weight(FR_STREAM_DROP, POLICY_NO_DUR);
	if (is_no_drop(reason) || !weight || !drop_in_scope()) {
		n->filtered++;
		return 0;
	}
	r = drop_begin(FR_PROBE_DROP_PACKET);
	if (!r) {
		n->lost++;
		return 0;
	}
	r->size = BPF_CORE_READ(skb, len);
	r->reason = reason;
	r->location = offset_in_text(location);
	r->weight = weight;
	packet_device(r, skb);
	if (!sk)
		sk = BPF_CORE_READ(skb, sk);
	if (!parse_packet(r, skb) && sk)
		socket_addresses(r, sk);
	if (sk)
		socket_state(r, sk);
	drop_end(r, FR_PROBE_DROP_PACKET, DROP_PACKET, n);
	return 0;
}

/* From 6.11 on with the receiving socket, from 5.17 on with the reason. */
SEC("tp_btf/kfree_skb")
int BPF_PROG(drop_packet_tp_btf_socket, struct sk_buff *skb, void *location,
	     u64 reason, struct sock___drop *sk)
{
	return drop_packet((u64)skb, (u64)location, (u32)reason, (u64)sk);
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(drop_packet_tp_btf_reason, struct sk_buff *skb, void *location,
	     u64 reason)
{
	return drop_packet((u64)skb, (u64)location, (u32)reason, 0);
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(drop_packet_tp_btf_plain, struct sk_buff *skb, void *location)
{
	return drop_packet((u64)skb, (u64)location, REASON_NONE, 0);
}

SEC("tracepoint/skb/kfree_skb")
int drop_packet_tracepoint(struct trace_event_raw_kfree_skb *ctx)
{
	u32 reason = REASON_NONE;
	void *sk = 0;

	if (bpf_core_field_exists(ctx->reason))
		reason = (u32)ctx->reason;
	if (bpf_core_field_exists(ctx->rx_sk))
		sk = ctx->rx_sk;
	drop_packet((u64)ctx->skbaddr, (u64)ctx->location, reason, (u64)sk);
	return 1;
}

/* ${packet} 0: a SYN-ACK, made anew from the request that ${from} then is. */
static __noinline int drop_again(u32 probe, u64 socket, u64 packet, u64 from)
{
	struct fr_probe_counts *n = counts_of(probe);
	struct sock___drop *sk = (void *)socket, *named = (void *)from;
	struct sk_buff *skb = (void *)packet;
	struct fr_drop *r;
	u32 weight;

	if (!n)
		return 0;
	weight = policy_weight(FR_STREAM_DROP, POLICY_NO_DUR);
	if (!weight || !drop_in_scope()) {
		n->filtered++;
		return 0;
	}
	r = drop_begin(probe);
	if (!r) {
		n->lost++;
		return 0;
	}
	r->weight = weight;
	r->size = 0;
	r->protocol = PROTO_TCP;
	socket_addresses(r, named);
	r->tcp_state = BPF_CORE_READ(named, __sk_common.skc_state);
	socket_inode(r, sk);
	if (skb) {
		struct tcp_skb_cb *cb =
			(void *)skb + bpf_core_field_offset(struct sk_buff, cb);
		u16 segments = BPF_CORE_READ(cb, tcp_gso_segs);
		int index = BPF_CORE_READ(sk, sk_dst_cache, dev, ifindex);

		r->size = BPF_CORE_READ(skb, len);
		r->segments = segments ? segments : 1;
		if (index > 0)
			r->ifindex = (u32)index;
	} else {
		int index = BPF_CORE_READ(named, __sk_common.skc_bound_dev_if);

		if (index > 0)
			r->ifindex = (u32)index;
	}
	drop_end(r, probe, DROP_RETRANSMIT, n);
	return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(drop_retransmit_tp_btf, struct sock___drop *sk,
	     struct sk_buff *skb)
{
	return drop_again(FR_PROBE_DROP_RETRANSMIT, (u64)sk, (u64)skb, (u64)sk);
}

SEC("tracepoint/tcp/tcp_retransmit_skb")
int drop_retransmit_tracepoint(struct tcp_tracepoint_ctx *ctx)
{
	drop_again(FR_PROBE_DROP_RETRANSMIT, (u64)ctx->second, (u64)ctx->first,
		   (u64)ctx->second);
	return 1;
}

SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(drop_synack_tp_btf, struct sock___drop *sk, void *req)
{
	return drop_again(FR_PROBE_DROP_SYNACK, (u64)sk, 0, (u64)req);
}

SEC("tracepoint/tcp/tcp_retransmit_synack")
int drop_synack_tracepoint(struct tcp_tracepoint_ctx *ctx)
{
	drop_again(FR_PROBE_DROP_SYNACK, (u64)ctx->first, 0, (u64)ctx->second);
	return 1;
}
