/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sockets.c - how many sockets of each kind there are. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

static const struct metric_def sockets_number =
	SHAPE_GAUGE("sockstat.%", "", 1);
static const struct metric_def sockets_pages =
	SHAPE_GAUGE("sockstat.%", "pages", 1);
static const struct metric_def sockets_bytes =
	SHAPE_GAUGE("sockstat.%", "bytes", 1);

static const struct metric_def *sockets_def(const struct scan *key)
{
	if (scan_is(key, "mem"))
		return &sockets_pages;
	return scan_is(key, "memory") ? &sockets_bytes : &sockets_number;
}

/* "TCP: inuse 5 orphan 0 tw 0 alloc 7 mem 1" */
static void sockets_line(struct sample *s, struct scan *line)
{
	struct scan kind, key;
	int64_t v;

	if (!scan_word(line, ':', &kind) || !scan_char(line, ':')) {
		sample_error(s);
		return;
	}
	while (scan_word(line, 0, &key)) {
		if (!scan_number(line, &v)) {
			sample_error(s);
			return;
		}
		shape_put_joined(s, sockets_def(&key), &kind, &key, v);
	}
}

static void sockets_parse(struct sample *s, const char *inst, const char *buf,
			  size_t len)
{
	struct scan file = { buf, buf + len }, line;

	(void)inst;
	while (scan_line(&file, &line))
		sockets_line(s, &line);
}

static const struct collector_source sockets_sources[] = {
	{ .path = "/proc/net/sockstat",
	  .parse = sockets_parse,
	  .max = 16 << 10,
	  .optional = true },
	{ .path = "/proc/net/sockstat6",
	  .parse = sockets_parse,
	  .max = 16 << 10,
	  .optional = true },
	{ 0 }
};

const struct collector_ops collector_sockets = {
	.name = "sockets",
	.doc = "how many sockets of each kind there are",
	.man = "sockstat.KIND.KEY as in the sources: sockstat.TCP.inuse, "
	       "sockstat.TCP.orphan, sockstat.TCP.tw, sockstat.UDP6.inuse. mem "
	       "counts pages.",
	.sources = sockets_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
