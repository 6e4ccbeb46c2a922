/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netstat.c - all that the network protocols count. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

static const struct metric_def netstat_counter =
	SHAPE_COUNTER("netstat.%", "", 1);
static const struct metric_def netstat_bytes =
	SHAPE_COUNTER("netstat.%", "bytes", 1);
static const struct metric_def netstat_gauge = SHAPE_GAUGE("netstat.%", "", 1);

/* What neither grows nor is counted: settings, and what exists now. */
static const char *const netstat_gauges[] = {
	"Forwarding", "DefaultTTL", "RtoAlgorithm", "RtoMin",
	"RtoMax",     "MaxConn",    "CurrEstab",    "MPCurrEstab",
};

static bool netstat_ends(const struct scan *key, const char *text)
{
	struct scan end = { key->end - strlen(text), key->end };

	return scan_len(key) >= strlen(text) && scan_is(&end, text);
}

static const struct metric_def *netstat_def(const struct scan *key)
{
	unsigned nr = sizeof(netstat_gauges) / sizeof(*netstat_gauges);

	for (unsigned i = 0; i < nr; i++)
		if (scan_is(key, netstat_gauges[i]))
			return &netstat_gauge;
	return netstat_ends(key, "Octets") ? &netstat_bytes : &netstat_counter;
}

/* "Tcp: RtoMin InSegs" and "Tcp: 200 7" */
static void netstat_pair(struct sample *s, struct scan *names,
			 struct scan *numbers)
{
	struct scan protocol, other, name;
	int64_t v;

	if (!scan_word(names, ':', &protocol) || !scan_char(names, ':') ||
	    !scan_word(numbers, ':', &other) || !scan_char(numbers, ':') ||
	    scan_len(&protocol) != scan_len(&other) ||
	    memcmp(protocol.p, other.p, scan_len(&other)) != 0) {
		sample_error(s);
		return;
	}
	while (scan_word(names, 0, &name)) {
		if (scan_signed(numbers, &v)) {
			shape_put_joined(s, netstat_def(&name), &protocol,
					 &name, v);
			continue;
		}
		sample_error(s);
		if (!scan_word(numbers, 0, &other))
			return;
	}
}

static void netstat_parse(struct sample *s, const char *inst, const char *buf,
			  size_t len)
{
	struct scan file = { buf, buf + len }, names, numbers;

	(void)inst;
	while (scan_line(&file, &names)) {
		if (scan_line(&file, &numbers))
			netstat_pair(s, &names, &numbers);
		else
			sample_error(s);
	}
}

/* "Ip6InReceives   5" */
static void netstat_v6_parse(struct sample *s, const char *inst,
			     const char *buf, size_t len)
{
	struct scan file = { buf, buf + len }, line, key;
	int64_t v;

	(void)inst;
	while (scan_line(&file, &line)) {
		if (scan_word(&line, 0, &key) && scan_signed(&line, &v))
			sample_put(s, netstat_def(&key), key.p, scan_len(&key),
				   v);
		else
			sample_error(s);
	}
}

static const struct collector_source netstat_sources[] = {
	{ .path = "/proc/net/snmp",
	  .parse = netstat_parse,
	  .max = 64 << 10,
	  .optional = true },
	{ .path = "/proc/net/netstat",
	  .parse = netstat_parse,
	  .max = 64 << 10,
	  .optional = true },
	{ .path = "/proc/net/snmp6",
	  .parse = netstat_v6_parse,
	  .max = 64 << 10,
	  .optional = true },
	{ 0 }
};

const struct collector_ops collector_netstat = {
	.name = "netstat",
	.doc = "all that the network protocols count",
	.man = "netstat.PROTOCOL.NAME as in /proc/net/snmp and "
	       "/proc/net/netstat (netstat.Tcp.RetransSegs, "
	       "netstat.TcpExt.ListenDrops), and netstat.NAME as in "
	       "/proc/net/snmp6 (netstat.Ip6InReceives). Names that end in "
	       "Octets are bytes. Gauges: Forwarding, DefaultTTL, "
	       "RtoAlgorithm, RtoMin, RtoMax, MaxConn, CurrEstab, MPCurrEstab; "
	       "all else are counters. They are those of the recorder's "
	       "network name space.",
	.sources = netstat_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
