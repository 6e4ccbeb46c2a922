/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ping.c - do hosts answer, and how fast.
 *
 * A round takes what answers have come, and asks each host that is not being asked.
 * Nobody waits: the kernel stamps an answer when it comes (SO_TIMESTAMPNS), so the
 * time is right although it is read at the next tick.  One socket for each family,
 * opened once: a datagram socket of ICMP where net.ipv4.ping_group_range lets us,
 * else a raw one (CAP_NET_RAW), for which the recorder has the right at its start only.
 */
#include "recorder/collector.h"
#include "recorder/shapes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PING_HOSTS_MAX  64
#define PING_TIMEOUT_NS 1000000000LL
#define PING_PACKETS_MAX \
	1024 /* of a round: raw sockets get answers to others too */

static const struct metric_def ping_rtt = SHAPE_GAUGE("ping.%.rtt_ns", "ns", 1);
static const struct metric_def ping_up = SHAPE_GAUGE("ping.%.up", "", 1);
static const struct metric_def ping_sent = SHAPE_COUNTER("ping.%.sent", "", 1);
static const struct metric_def ping_lost = SHAPE_COUNTER("ping.%.lost", "", 1);

/* Echo request and reply have the same form in both families. */
struct ping_packet {
	uint8_t type, code;
	uint16_t checksum, id, sequence;
	/* Ours, and comes back as it was. */
	uint64_t cookie;
	uint32_t host, number;
};

struct ping_host {
	char name[METRIC_NAME_MAX - 16];
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} to;
	bool asked; /* and there is no answer yet */
	uint32_t number;
	int64_t asked_ns; /* CLOCK_MONOTONIC */
	int64_t sent_ns;  /* CLOCK_REALTIME, as the kernel stamps answers */
	bool known, up;   /* of the last question that has ended */
	int64_t rtt_ns, sent, lost;
};

struct ping_socket {
	int fd;
	bool raw;
};

struct ping {
	struct ping_host hosts[PING_HOSTS_MAX];
	unsigned nr;
	struct ping_socket v4, v6;
	uint64_t cookie;
};

static int64_t ping_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- the list --------------------------------------------------------------------- */

/* Looks nothing up: the recorder must not wait for a name server. */
static bool ping_address(const char *text, struct ping_host *h)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST,
					.ai_family = AF_UNSPEC,
					.ai_socktype = SOCK_DGRAM };
	struct addrinfo *found = NULL;
	bool good;

	if (getaddrinfo(text, NULL, &hints, &found))
		return false;
	good = found->ai_addrlen <= sizeof(h->to) &&
	       (found->ai_family == AF_INET || found->ai_family == AF_INET6);
	if (good)
		memcpy(&h->to, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return good;
}

/* ADDRESS or NAME=ADDRESS */
static bool ping_item(struct ping *p, const char *item, size_t len)
{
	struct ping_host *h = &p->hosts[p->nr];
	char text[128], *equals;

	if (len >= sizeof(text))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)len, item);
	equals = strchr(text, '=');
	if (equals == text || !ping_address(equals ? equals + 1 : text, h))
		return false;
	if (equals)
		*equals = '\0';
	snprintf(h->name, sizeof(h->name), "%s", text);
	for (unsigned i = 0; i < p->nr; i++)
		if (!strcmp(p->hosts[i].name, h->name))
			return false;
	p->nr++;
	return true;
}

static int ping_parse_list(struct ping *p, const char *list, char *ret_what,
			   size_t size)
{
	const char *at = list ? list : "";

	while (*(at += strspn(at, " ,"))) {
		size_t n = strcspn(at, " ,");

		if (p->nr == PING_HOSTS_MAX) {
			snprintf(ret_what, size, "ping asks %d hosts at most",
				 PING_HOSTS_MAX);
			return -EINVAL;
		}
		if (!ping_item(p, at, n)) {
			snprintf(ret_what, size,
				 "'%.*s' is no address, or is there twice; "
				 "names are not looked up: write NAME=ADDRESS",
				 n > 64 ? 64 : (int)n, at);
			return -EINVAL;
		}
		at += n;
	}
	if (p->nr == 0)
		snprintf(
			ret_what, size,
			"ping wants addresses: ping:192.0.2.1+gateway=fe80::1%%eth0");
	return p->nr ? 0 : -EINVAL;
}

static int ping_check(const char *list, char *ret_what, size_t size)
{
	struct ping *p = calloc(1, sizeof(*p));
	int r = p ? ping_parse_list(p, list, ret_what, size) : -ENOMEM;

	free(p);
	return r;
}

/* ---- sockets ------------------------------------------------------------------------ */

static void ping_filter(const struct ping_socket *s, int family)
{
	const struct icmp_filter v4 = { ~(1U << ICMP_ECHOREPLY) };
	struct icmp6_filter v6;

	memset(&v6, 0xff, sizeof(v6));
	v6.data[ICMPV6_ECHO_REPLY >> 5] &= ~(1U << (ICMPV6_ECHO_REPLY & 31));
	if (family == AF_INET)
		setsockopt(s->fd, SOL_RAW, ICMP_FILTER, &v4, sizeof(v4));
	else
		setsockopt(s->fd, IPPROTO_ICMPV6, ICMPV6_FILTER, &v6,
			   sizeof(v6));
}

static void ping_open_socket(struct ping_socket *s, int family)
{
	const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC, on = 1;
	const int protocol = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;

	s->fd = socket(family, SOCK_DGRAM | flags, protocol);
	if (s->fd < 0) {
		s->fd = socket(family, SOCK_RAW | flags, protocol);
		s->raw = true;
	}
	if (s->fd < 0)
		return;
	setsockopt(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	if (s->raw)
		ping_filter(s, family);
}

/* ---- questions ------------------------------------------------------------------------ */

/* Of the Internet (RFC 1071).  A datagram socket and IPv6 put in their own. */
static uint16_t ping_checksum(const struct ping_packet *packet)
{
	uint16_t words[sizeof(*packet) / 2];
	uint32_t sum = 0;

	memcpy(words, packet, sizeof(words));
	for (unsigned i = 0; i < sizeof(words) / 2; i++)
		sum += words[i];
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t) ~(sum + (sum >> 16));
}

static void ping_end(struct ping_host *h, bool up)
{
	h->asked = false;
	h->known = true;
	h->up = up;
	h->lost += !up;
}

static void ping_ask(struct ping *p, unsigned index, struct sample *s)
{
	struct ping_host *h = &p->hosts[index];
	bool is_v4 = h->to.any.sa_family == AF_INET;
	const struct ping_socket *sock = is_v4 ? &p->v4 : &p->v6;
	struct ping_packet packet = {
		.type = is_v4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST,
		.id = (uint16_t)p->cookie,
		.sequence = htons((uint16_t)(h->number + 1)),
		.cookie = p->cookie,
		.host = index,
		.number = h->number + 1,
	};
	ssize_t n;

	if (sock->fd < 0) {
		sample_error(s);
		return;
	}
	packet.checksum = ping_checksum(&packet);
	h->asked_ns = ping_clock(CLOCK_MONOTONIC);
	h->sent_ns = ping_clock(CLOCK_REALTIME);
	n = sendto(sock->fd, &packet, sizeof(packet), 0, &h->to.any,
		   is_v4 ? sizeof(h->to.v4) : sizeof(h->to.v6));
	if (n < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)) {
		sample_error(
			s); /* we had no room: it says nothing of the host */
		return;
	}
	h->number++;
	h->sent++;
	h->asked = true;
	if (n < 0) /* no route, or a firewall of our own */
		ping_end(h, false);
}

/* ---- answers ---------------------------------------------------------------------------- */

static int64_t ping_stamp(struct msghdr *m)
{
	struct timespec t;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SCM_TIMESTAMPNS &&
		    c->cmsg_len >= CMSG_LEN(sizeof(t))) {
			memcpy(&t, CMSG_DATA(c), sizeof(t));
			return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
		}
	return ping_clock(CLOCK_REALTIME);
}

static bool ping_same_address(const struct ping_host *h,
			      const struct sockaddr_storage *from)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;

	if (from->ss_family != h->to.any.sa_family)
		return false;
	if (from->ss_family == AF_INET)
		return v4->sin_addr.s_addr == h->to.v4.sin_addr.s_addr;
	return !memcmp(&v6->sin6_addr, &h->to.v6.sin6_addr,
		       sizeof(v6->sin6_addr));
}

/* An answer to the question that is open, from whom it was asked; all else is
 * nobody's. */
static void ping_answer(struct ping *p, const struct sockaddr_storage *from,
			const uint8_t *data, size_t len, int64_t stamp_ns)
{
	struct ping_packet packet;
	struct ping_host *h;
	int64_t rtt_ns;

	if (len < sizeof(packet))
		return;
	memcpy(&packet, data, sizeof(packet));
	if (packet.type != (from->ss_family == AF_INET ? ICMP_ECHOREPLY :
							 ICMPV6_ECHO_REPLY) ||
	    packet.cookie != p->cookie || packet.host >= p->nr)
		return;
	h = &p->hosts[packet.host];
	if (!h->asked || packet.number != h->number ||
	    !ping_same_address(h, from))
		return;
	/* A clock that was set meanwhile: it did answer, but who knows when. */
	rtt_ns = stamp_ns - h->sent_ns;
	h->rtt_ns = rtt_ns >= 0 && rtt_ns < 2 * PING_TIMEOUT_NS ? rtt_ns : -1;
	ping_end(h, true);
}

static void ping_hear(struct ping *p, const struct ping_socket *sock)
{
	for (unsigned i = 0; sock->fd >= 0 && i < PING_PACKETS_MAX; i++) {
		_Alignas(struct cmsghdr) char control[256];
		struct sockaddr_storage from = { 0 };
		uint8_t data[256];
		struct iovec v = { data, sizeof(data) };
		struct msghdr m = { .msg_name = &from,
				    .msg_namelen = sizeof(from),
				    .msg_iov = &v,
				    .msg_iovlen = 1,
				    .msg_control = control,
				    .msg_controllen = sizeof(control) };
		ssize_t n = recvmsg(sock->fd, &m, 0);
		size_t skip = 0;

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			continue;
		/* The raw socket of IPv4 alone gives the header before it. */
		if (sock->raw && from.ss_family == AF_INET)
			skip = (data[0] & 15U) * 4U;
		if (skip < (size_t)n)
			ping_answer(p, &from, data + skip, (size_t)n - skip,
				    ping_stamp(&m));
	}
}

/* ---- the four steps ------------------------------------------------------------------------ */

/* Without a list it does nothing. */
static int ping_prepare(struct collector *c, const char *list)
{
	struct ping *p = calloc(1, sizeof(*p));
	char what[256];

	c->state = p;
	if (!p)
		return -ENOMEM;
	p->v4.fd = p->v6.fd = -1;
	return list ? ping_parse_list(p, list, what, sizeof(what)) : 0;
}

static int ping_open(struct collector *c, const char *root)
{
	struct ping *p = c->state;

	(void)root;
	if (getrandom(&p->cookie, sizeof(p->cookie), 0) != sizeof(p->cookie))
		return -EIO;
	for (unsigned i = 0; i < p->nr; i++) {
		int family = p->hosts[i].to.any.sa_family;
		struct ping_socket *sock = family == AF_INET ? &p->v4 : &p->v6;

		if (sock->fd < 0)
			ping_open_socket(sock, family);
	}
	return 0;
}

static void ping_put(struct sample *s, const struct ping_host *h)
{
	size_t n = strlen(h->name);

	sample_put(s, &ping_sent, h->name, n, h->sent);
	sample_put(s, &ping_lost, h->name, n, h->lost);
	if (h->known)
		sample_put(s, &ping_up, h->name, n, h->up);
	if (h->known && h->up && h->rtt_ns >= 0)
		sample_put(s, &ping_rtt, h->name, n, h->rtt_ns);
}

static void ping_collect(struct collector *c, struct sample *s)
{
	struct ping *p = c->state;

	s->list = NULL; /* ours are hosts, not globs */
	s->source = "ICMP echo";
	ping_hear(p, &p->v4);
	ping_hear(p, &p->v6);
	for (unsigned i = 0; i < p->nr; i++) {
		struct ping_host *h = &p->hosts[i];

		if (h->asked &&
		    ping_clock(CLOCK_MONOTONIC) - h->asked_ns > PING_TIMEOUT_NS)
			ping_end(h, false);
		if (!h->asked)
			ping_ask(p, i, s);
		ping_put(s, h);
	}
}

static bool ping_waits(const struct collector *c)
{
	const struct ping *p = c->state;
	bool waits = false;

	for (unsigned i = 0; i < p->nr; i++)
		waits |= p->hosts[i].asked && !p->hosts[i].known;
	return waits;
}

static void ping_close(struct collector *c)
{
	struct ping *p = c->state;

	if (p && p->v4.fd >= 0)
		close(p->v4.fd);
	if (p && p->v6.fd >= 0)
		close(p->v6.fd);
	free(p);
	c->state = NULL;
}

const struct collector_ops collector_ping = {
	.name = "ping",
	.doc = "whether hosts of a list answer to ICMP echo, and how fast",
	.man = "ping.NAME.up: 1 or 0, whether the last question was answered within a "
	       "second; ping.NAME.rtt_ns, the round trip of the last that was, "
	       "absent when the host is down; ping.NAME.sent and .lost. The list has addresses, IPv4 "
	       "or IPv6, or NAME=ADDRESS: ping:192.0.2.1+gw=fe80::1%eth0. Names are "
	       "not looked up.\n"
	       "\n"
	       "A round asks, and a later one tells: nothing waits. The kernel "
	       "stamps answers when they come. It takes a group in "
	       "net.ipv4.ping_group_range, or CAP_NET_RAW, which the recorder has "
	       "at its start only: after a change of the list start it anew, or "
	       "there are errors instead of values.",
	.from = "ICMP echo",
	.changes_only = true,
	.check = ping_check,
	.prepare = ping_prepare,
	.open = ping_open,
	.collect = ping_collect,
	.waits = ping_waits,
	.close = ping_close,
};
