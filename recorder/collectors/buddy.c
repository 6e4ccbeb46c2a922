/* SPDX-License-Identifier: GPL-2.0-or-later */
/* buddy.c - free memory by size of the piece. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

#include <stdio.h>
#include <unistd.h>

static const struct metric_def buddy_pieces = SHAPE_GAUGE("buddy.%", "", 1);
static const struct metric_def buddy_bytes =
	SHAPE_GAUGE("buddy.%.free_bytes", "bytes", 1);

/* "0.Normal.3" */
static void buddy_put(struct sample *s, const char *zone, int order, int64_t v)
{
	char name[METRIC_NAME_MAX];
	int n = snprintf(name, sizeof(name), "%s.%d", zone, order);

	sample_put(s, &buddy_pieces, name, (size_t)n, v);
}

/* "Node 0, zone   Normal   3  1 ...": free pieces of 2^0, 2^1 ... pages. */
static void buddy_line(struct sample *s, struct scan *line)
{
	int64_t v, piece = sysconf(_SC_PAGESIZE), free_bytes = 0, here;
	struct scan word, node, zone;
	char name[64];
	int order = 0;

	if (!scan_word(line, 0, &word) || !scan_is(&word, "Node") ||
	    !scan_word(line, ',', &node) || !scan_char(line, ',') ||
	    !scan_word(line, 0, &word) || !scan_is(&word, "zone") ||
	    !scan_word(line, 0, &zone) ||
	    scan_len(&node) + scan_len(&zone) + 2 > sizeof(name)) {
		sample_error(s);
		return;
	}
	snprintf(name, sizeof(name), "%.*s.%.*s", (int)scan_len(&node), node.p,
		 (int)scan_len(&zone), zone.p);
	for (; scan_number(line, &v); order++, piece *= 2) {
		if (order == 32 || __builtin_mul_overflow(v, piece, &here) ||
		    __builtin_add_overflow(free_bytes, here, &free_bytes)) {
			sample_error(s);
			return;
		}
		buddy_put(s, name, order, v);
	}
	scan_blanks(line);
	if (order == 0 || line->p != line->end)
		sample_error(s);
	else
		sample_put(s, &buddy_bytes, name, strlen(name), free_bytes);
}

static void buddy_parse(struct sample *s, const char *inst, const char *buf,
			size_t len)
{
	struct scan file = { buf, buf + len }, line;

	(void)inst;
	while (scan_line(&file, &line))
		buddy_line(s, &line);
}

static const struct collector_source buddy_sources[] = {
	{ .path = "/proc/buddyinfo",
	  .parse = buddy_parse,
	  .max = 256 << 10,
	  .optional = true },
	{ 0 }
};

const struct collector_ops collector_buddy = {
	.name = "buddy",
	.doc = "free memory by size of the piece",
	.man = "buddy.NODE.ZONE.ORDER: free pieces of 2^ORDER pages; "
	       "buddy.NODE.ZONE.free_bytes: all of them. Many small pieces and "
	       "no large ones are fragmentation.",
	.sources = buddy_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
