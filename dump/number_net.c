/* SPDX-License-Identifier: GPL-2.0-or-later */
/* number_net.c - addresses and socket options as text. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "dump/number_names.h"
#include "dump/words.h"

/* The same numbers on all architectures that are recorded. */
enum {
	LEVEL_IP = 0,
	LEVEL_SOCKET = 1,
	LEVEL_TCP = 6,
	LEVEL_UDP = 17,
	LEVEL_IPV6 = 41,
	LEVEL_PACKET = 263,
	LEVEL_NETLINK = 270,
	LEVEL_TLS = 282,
	LEVEL_VSOCK = 40,
	LEVEL_UDPLITE = 136,
	OPTION_LINGER = 13,
	OPTION_RCVTIMEO_OLD = 20,
	OPTION_SNDTIMEO_OLD = 21,
	OPTION_BINDTODEVICE = 25,
	OPTION_RCVTIMEO_NEW = 66,
	OPTION_SNDTIMEO_NEW = 67,
	OPTION_PEERCRED = 17,
	OPTION_CONGESTION = 13,
	OPTION_ULP = 31,
};

static bool level_table(int level, enum words_table *ret)
{
	switch (level) {
	case LEVEL_IP:
		*ret = WORDS_ip;
		return true;
	case LEVEL_SOCKET:
		*ret = WORDS_so;
		return true;
	case LEVEL_TCP:
		*ret = WORDS_tcp;
		return true;
	case LEVEL_UDP:
	case LEVEL_UDPLITE:
		*ret = WORDS_udp;
		return true;
	case LEVEL_IPV6:
		*ret = WORDS_ipv6;
		return true;
	case LEVEL_PACKET:
		*ret = WORDS_packet;
		return true;
	case LEVEL_NETLINK:
		*ret = WORDS_netlink;
		return true;
	case LEVEL_TLS:
		*ret = WORDS_tls;
		return true;
	case LEVEL_VSOCK:
		*ret = WORDS_vsock;
		return true;
	default:
		return false;
	}
}

/* Options that only one of the two calls has. */
static bool own_table(bool get, int level, enum words_table *ret)
{
	switch (level) {
	case LEVEL_IP:
		*ret = get ? WORDS_ip_get : WORDS_ip_set;
		return true;
	case LEVEL_IPV6:
		*ret = get ? WORDS_ipv6_get : WORDS_ipv6_set;
		return true;
	case LEVEL_SOCKET:
		*ret = WORDS_so_get;
		return get;
	default:
		return false;
	}
}

void number_sockopt(char *buf, size_t size, bool get, int level, int option)
{
	enum words_table table;
	const char *name = NULL;

	if (own_table(get, level, &table))
		name = words_name(table, (uint64_t)option);
	if (!name && level_table(level, &table))
		name = words_name(table, (uint64_t)option);
	if (name)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "OPT(%d,%d)", level, option);
}

static void hex_bytes(char *buf, size_t size, const uint8_t *bytes, size_t len)
{
	size_t at = (size_t)snprintf(buf, size, "0x");

	for (size_t i = 0; i < len && at + 3 <= size; i++)
		at += (size_t)snprintf(buf + at, size - at, "%02x", bytes[i]);
}

static int64_t number_at(const uint8_t *bytes, size_t width)
{
	int32_t n32;
	int64_t n64;

	if (width == 1)
		return bytes[0];
	if (width == 4) {
		memcpy(&n32, bytes, sizeof(n32));
		return n32;
	}
	memcpy(&n64, bytes, sizeof(n64));
	return n64;
}

static bool is_time(int level, int option)
{
	return level == LEVEL_SOCKET &&
	       (option == OPTION_RCVTIMEO_OLD ||
		option == OPTION_SNDTIMEO_OLD ||
		option == OPTION_RCVTIMEO_NEW || option == OPTION_SNDTIMEO_NEW);
}

static bool is_string(int level, int option)
{
	return (level == LEVEL_SOCKET && option == OPTION_BINDTODEVICE) ||
	       (level == LEVEL_TCP &&
		(option == OPTION_CONGESTION || option == OPTION_ULP));
}

/* The text of one with two or three members; false: it is none. */
static bool print_struct(char *buf, size_t size, int level, int option,
			 const uint8_t *v, size_t len)
{
	if (is_time(level, option) && (len == 16 || len == 8)) {
		snprintf(buf, size, "{tv_sec=%jd, tv_usec=%jd}",
			 (intmax_t)number_at(v, len / 2),
			 (intmax_t)number_at(v + len / 2, len / 2));
		return true;
	}
	if (level != LEVEL_SOCKET)
		return false;
	if (option == OPTION_LINGER && len == 8) {
		snprintf(buf, size, "{l_onoff=%d, l_linger=%d}",
			 (int)number_at(v, 4), (int)number_at(v + 4, 4));
		return true;
	}
	if (option == OPTION_PEERCRED && len == 12) {
		snprintf(buf, size, "{pid=%d, uid=%u, gid=%u}",
			 (int)number_at(v, 4), (unsigned)number_at(v + 4, 4),
			 (unsigned)number_at(v + 8, 4));
		return true;
	}
	return false;
}

void number_sockopt_value(char *buf, size_t size, int level, int option,
			  const void *value, size_t len)
{
	const uint8_t *v = value;

	if (is_string(level, option))
		snprintf(buf, size, "%.*s", (int)len, (const char *)v);
	else if (print_struct(buf, size, level, option, v, len))
		return;
	else if (!len)
		buf[0] = 0;
	else if (len == 1 || len == 4 || len == 8)
		snprintf(buf, size, "%jd", (intmax_t)number_at(v, len));
	else
		hex_bytes(buf, size, v, len);
}

void number_address(char *buf, size_t size, const void *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t *a = address;

	if (!memcmp(a, mapped, sizeof(mapped)))
		inet_ntop(AF_INET, a + 12, buf, (socklen_t)size);
	else
		inet_ntop(AF_INET6, a, buf, (socklen_t)size);
}
