/* SPDX-License-Identifier: GPL-2.0-or-later */
/* softirqs.c - software interrupts per kind, all CPUs together. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

static const struct metric_def softirqs_kind =
	SHAPE_COUNTER("softirqs.%", "", 1);

/* "NET_RX:  5  6  7" */
static void softirqs_line(struct sample *s, struct scan *line)
{
	struct scan key;
	int64_t v, sum = 0;
	bool any = false, bad = false;

	if (!scan_word(line, ':', &key) || !scan_char(line, ':')) {
		sample_error(s);
		return;
	}
	while (!bad && scan_number(line, &v)) {
		bad = __builtin_add_overflow(sum, v, &sum);
		any = true;
	}
	scan_blanks(line);
	if (!any || bad || line->p != line->end)
		sample_error(s);
	else
		sample_put(s, &softirqs_kind, key.p, scan_len(&key), sum);
}

static void softirqs_parse(struct sample *s, const char *inst, const char *buf,
			   size_t len)
{
	struct scan file = { buf, buf + len }, line;

	(void)inst;
	if (!scan_line(&file, &line)) /* the names of the CPUs */
		return;
	while (scan_line(&file, &line))
		softirqs_line(s, &line);
}

static const struct collector_source softirqs_sources[] = {
	{ .path = "/proc/softirqs",
	  .parse = softirqs_parse,
	  .max = 4 << 20,
	  .optional = true },
	{ 0 }
};

const struct collector_ops collector_softirqs = {
	.name = "softirqs",
	.doc = "software interrupts per kind, all CPUs together",
	.man = "softirqs.KIND, as in the source: TIMER, NET_RX, BLOCK, RCU.",
	.sources = softirqs_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
