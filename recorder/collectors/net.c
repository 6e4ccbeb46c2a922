/* SPDX-License-Identifier: GPL-2.0-or-later */
/* net.c - traffic and errors per network interface, retransmissions of TCP. */
#include "recorder/collector.h"
#include "recorder/scan.h"

#include <string.h>

#define NET(field)                                       \
	{                                                \
		"net.%." field, "", METRIC_COUNTER, 1, 1 \
	}
#define NET_BYTES(field)                                      \
	{                                                     \
		"net.%." field, "bytes", METRIC_COUNTER, 1, 1 \
	}

/* In the order of the columns. */
static const struct metric_def net_fields[] = {
	NET_BYTES("rx_bytes"), NET("rx_packets"),   NET("rx_errs"),
	NET("rx_drop"),        NET("rx_fifo"),      NET("rx_frame"),
	NET("rx_compressed"),  NET("rx_multicast"), NET_BYTES("tx_bytes"),
	NET("tx_packets"),     NET("tx_errs"),      NET("tx_drop"),
	NET("tx_fifo"),        NET("tx_colls"),     NET("tx_carrier"),
	NET("tx_compressed"),
};
#define NR_FIELDS (sizeof(net_fields) / sizeof(*net_fields))

/* Old kernels leave no blank behind the colon; a name may have one inside
 * (eth0:1), a number cannot. */
static bool net_split(struct scan *line, struct scan *ret_name)
{
	const char *colon =
		memrchr(line->p, ':', (size_t)(line->end - line->p));

	if (!colon)
		return false;
	scan_blanks(line);
	*ret_name = (struct scan){ line->p, colon };
	line->p = colon + 1;
	return ret_name->end > ret_name->p;
}

static void net_line(struct sample *s, struct scan *line)
{
	int64_t v[NR_FIELDS];
	struct scan name;
	unsigned nr = 0;

	if (!net_split(line, &name)) {
		sample_error(s);
		return;
	}
	while (nr < NR_FIELDS && scan_number(line, &v[nr]))
		nr++;
	if (nr < NR_FIELDS) {
		sample_error(s);
		return;
	}
	for (unsigned i = 0; i < NR_FIELDS; i++)
		sample_put(s, &net_fields[i], name.p,
			   (size_t)(name.end - name.p), v[i]);
}

static bool net_is_header(const struct scan *line)
{
	size_t n = (size_t)(line->end - line->p);

	return memchr(line->p, '|', n) && !memchr(line->p, ':', n);
}

static void net_parse(struct sample *s, const char *inst, const char *buf,
		      size_t len)
{
	struct scan file = { buf, buf + len }, line;

	(void)inst;
	while (scan_line(&file, &line))
		if (!net_is_header(&line))
			net_line(s, &line);
}

/* ---- segments that TCP sent again ------------------------------------------------ */

static const struct metric_def net_retransmit = { "net.retransmit", "",
						  METRIC_COUNTER, 1, 1 };

/* Two lines, of names and of numbers: which word is RetransSegs, 0: none. */
static unsigned retransmit_column(struct scan names)
{
	struct scan word;
	unsigned n = 0;

	while (scan_word(&names, 0, &word)) {
		n++;
		if (scan_is(&word, "RetransSegs"))
			return n;
	}
	return 0;
}

static void retransmit_parse(struct sample *s, const char *inst,
			     const char *buf, size_t len)
{
	struct scan file = { buf, buf + len }, names, line, word;
	unsigned column;
	int64_t v = -1;

	(void)inst;
	while (scan_line(&file, &names)) {
		if (!scan_starts(&names, "Tcp:"))
			continue;
		column = retransmit_column(names);
		if (!column || !scan_line(&file, &line) ||
		    !scan_starts(&line, "Tcp:")) {
			sample_error(s);
			return;
		}
		while (--column && scan_word(&line, 0, &word))
			;
		if (scan_number(&line, &v))
			sample_put(s, &net_retransmit, NULL, 0, v);
		else
			sample_error(s);
		return;
	}
}

static const struct collector_source net_sources[] = {
	{ .path = "/proc/net/dev", .parse = net_parse, .max = 4 << 20 },
	{ .path = "/proc/net/snmp",
	  .parse = retransmit_parse,
	  .max = 64 << 10,
	  .optional = true },
	{ 0 }
};

const struct collector_ops collector_net = {
	.name = "net",
	.doc = "traffic and errors per network interface, TCP retransmissions",
	.man = "net.INTERFACE.FIELD. Fields: rx_ and tx_ bytes, packets, errs, drop, "
	       "fifo, compressed; rx_frame, rx_multicast, tx_colls, "
	       "tx_carrier. The interfaces are those of the recorder's network "
	       "name space. net.retransmit counts the segments that TCP sent "
	       "again there.",
	.sources = net_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
