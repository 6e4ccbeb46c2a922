/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nfsmounts.c - each NFS mount: events, bytes, and every operation's time. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

#include <stdio.h>

/* fs/nfs/iostat.h has the order of events and bytes; the last two events came with
 * Linux 3.0. */
static const struct metric_def nfsmounts_events[] = {
	SHAPE_COUNTER("nfsmount.%.inode_revalidates", "", 1),
	SHAPE_COUNTER("nfsmount.%.dentry_revalidates", "", 1),
	SHAPE_COUNTER("nfsmount.%.data_invalidates", "", 1),
	SHAPE_COUNTER("nfsmount.%.attr_invalidates", "", 1),
	SHAPE_COUNTER("nfsmount.%.vfs_open", "", 1),
	SHAPE_COUNTER("nfsmount.%.vfs_lookup", "", 1),
	SHAPE_COUNTER("nfsmount.%.vfs_access", "", 1),
	SHAPE_COUNTER("nfsmount.%.vfs_update_page", "", 1),
	SHAPE_COUNTER("nfsmount.%.vfs_read_page", "", 1),
	SHAPE_COUNTER("nfsmount.%.vfs_read_pages", "", 1),
	SHAPE_COUNTER("nfsmount.%.vfs_write_page", "", 1),
	SHAPE_COUNTER("nfsmount.%.vfs_write_pages", "", 1),
	SHAPE_COUNTER("nfsmount.%.vfs_getdents", "", 1),
	SHAPE_COUNTER("nfsmount.%.vfs_setattr", "", 1),
	SHAPE_COUNTER("nfsmount.%.vfs_flush", "", 1),
	SHAPE_COUNTER("nfsmount.%.vfs_fsync", "", 1),
	SHAPE_COUNTER("nfsmount.%.vfs_lock", "", 1),
	SHAPE_COUNTER("nfsmount.%.vfs_release", "", 1),
	SHAPE_COUNTER("nfsmount.%.congestion_wait", "", 1),
	SHAPE_COUNTER("nfsmount.%.setattr_trunc", "", 1),
	SHAPE_COUNTER("nfsmount.%.extend_write", "", 1),
	SHAPE_COUNTER("nfsmount.%.silly_rename", "", 1),
	SHAPE_COUNTER("nfsmount.%.short_read", "", 1),
	SHAPE_COUNTER("nfsmount.%.short_write", "", 1),
	SHAPE_COUNTER("nfsmount.%.delay", "", 1),
	SHAPE_COUNTER("nfsmount.%.pnfs_read", "", 1),
	SHAPE_COUNTER("nfsmount.%.pnfs_write", "", 1),
};
static const struct metric_def nfsmounts_bytes[] = {
	SHAPE_COUNTER("nfsmount.%.normal_read_bytes", "bytes", 1),
	SHAPE_COUNTER("nfsmount.%.normal_write_bytes", "bytes", 1),
	SHAPE_COUNTER("nfsmount.%.direct_read_bytes", "bytes", 1),
	SHAPE_COUNTER("nfsmount.%.direct_write_bytes", "bytes", 1),
	SHAPE_COUNTER("nfsmount.%.server_read_bytes", "bytes", 1),
	SHAPE_COUNTER("nfsmount.%.server_write_bytes", "bytes", 1),
	SHAPE_COUNTER("nfsmount.%.read_pages", "pages", 1),
	SHAPE_COUNTER("nfsmount.%.write_pages", "pages", 1),
};
/* "OP: ..." below "per-op statistics"; errors came with Linux 5.3. */
static const struct metric_def nfsmounts_ops[] = {
	SHAPE_COUNTER("nfsmount.%.ops", "", 1),
	SHAPE_COUNTER("nfsmount.%.transmissions", "", 1),
	SHAPE_COUNTER("nfsmount.%.timeouts", "", 1),
	SHAPE_COUNTER("nfsmount.%.sent_bytes", "bytes", 1),
	SHAPE_COUNTER("nfsmount.%.received_bytes", "bytes", 1),
	SHAPE_COUNTER("nfsmount.%.queue_ns", "ns", 1000000),
	SHAPE_COUNTER("nfsmount.%.rtt_ns", "ns", 1000000),
	SHAPE_COUNTER("nfsmount.%.execute_ns", "ns", 1000000),
	SHAPE_COUNTER("nfsmount.%.errors", "", 1),
};

#define NFSMOUNTS_LEN(a) (sizeof(a) / sizeof(*(a)))

/* "device SERVER:PATH mounted on POINT with fstype nfs4 statvers=1.1".  False: of
 * another file system. */
static bool nfsmounts_head(struct scan *line, struct scan *ret_point)
{
	struct scan word[8];

	for (unsigned i = 0; i < 8; i++)
		if (!scan_word(line, 0, &word[i]))
			return false;
	*ret_point = word[4];
	return scan_is(&word[3], "on") && scan_starts(&word[7], "nfs");
}

/* "READ: 5 5 0 620 40960 1 9 10 0".  There are some sixty operations, most of them
 * never used: these have no values. */
static void nfsmounts_op(struct sample *s, const struct scan *point,
			 const struct scan *op, struct scan *line)
{
	char name[METRIC_NAME_MAX];
	struct scan inst = { name, NULL }, first = *line;
	int64_t ops;
	int n;

	if (scan_number(&first, &ops) && ops == 0)
		return;
	if (scan_len(point) + scan_len(op) + 2 > sizeof(name)) {
		sample_error(s);
		return;
	}
	n = snprintf(name, sizeof(name), "%.*s.%.*s", (int)scan_len(point),
		     point->p, (int)scan_len(op), op->p);
	inst.end = name + n;
	shape_put_columns(s, nfsmounts_ops, NFSMOUNTS_LEN(nfsmounts_ops), 8,
			  &inst, line);
}

static void nfsmounts_line(struct sample *s, const struct scan *point,
			   bool in_ops, struct scan *line)
{
	struct scan key;

	if (!scan_word(line, ':', &key) || !scan_char(line, ':'))
		return;
	if (in_ops)
		nfsmounts_op(s, point, &key, line);
	else if (scan_is(&key, "events"))
		shape_put_columns(s, nfsmounts_events,
				  NFSMOUNTS_LEN(nfsmounts_events), 25, point,
				  line);
	else if (scan_is(&key, "bytes"))
		shape_put_columns(s, nfsmounts_bytes,
				  NFSMOUNTS_LEN(nfsmounts_bytes), 8, point,
				  line);
}

static void nfsmounts_parse(struct sample *s, const char *inst, const char *buf,
			    size_t len)
{
	struct scan file = { buf, buf + len }, line, point = { NULL, NULL };
	bool in_ops = false;

	(void)inst;
	while (scan_line(&file, &line)) {
		if (scan_starts(&line, "device ")) {
			in_ops = false;
			if (!nfsmounts_head(&line, &point))
				point.p = NULL;
		} else if (point.p) {
			scan_blanks(&line);
			if (scan_is(&line, "per-op statistics"))
				in_ops = true;
			else
				nfsmounts_line(s, &point, in_ops, &line);
		}
	}
}

static const struct collector_source nfsmounts_sources[] = {
	{ .path = "/proc/self/mountstats",
	  .parse = nfsmounts_parse,
	  .max = 8 << 20,
	  .optional = true },
	{ 0 }
};

const struct collector_ops collector_nfsmounts = {
	.name = "nfsmounts",
	.doc = "each NFS mount: events, bytes, and every operation's time",
	.man = "nfsmount.MOUNTPOINT.FIELD counts events (vfs_open, "
	       "attr_invalidates, delay) and bytes (normal_read_bytes, "
	       "server_write_bytes); nfsmount.MOUNTPOINT.OP.FIELD is of each "
	       "operation that was used: ops, transmissions, timeouts, "
	       "sent_bytes, received_bytes, and time in the queue (queue_ns), "
	       "at the server (rtt_ns) and in all (execute_ns), which the "
	       "kernel counts in milliseconds. More transmissions than ops are "
	       "repetitions.",
	.sources = nfsmounts_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
