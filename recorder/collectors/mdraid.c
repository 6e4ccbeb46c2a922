/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mdraid.c - software RAID: disks, failures, progress of a rebuild. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

static const struct metric_def mdraid_active =
	SHAPE_GAUGE("md.%.active", "", 1);
static const struct metric_def mdraid_disks[] = {
	SHAPE_GAUGE("md.%.disks", "", 1),
	SHAPE_GAUGE("md.%.disks_up", "", 1),
};
static const struct metric_def mdraid_failed =
	SHAPE_GAUGE("md.%.failed", "", 1);
static const struct metric_def mdraid_spares =
	SHAPE_GAUGE("md.%.spares", "", 1);
static const struct metric_def mdraid_size =
	SHAPE_GAUGE("md.%.size_bytes", "bytes", 1024);
static const struct metric_def mdraid_degraded =
	SHAPE_GAUGE("md.%.degraded", "", 1);
static const struct metric_def mdraid_mismatches =
	SHAPE_GAUGE("md.%.mismatch_bytes", "bytes", 512);
static const struct metric_def mdraid_done =
	SHAPE_GAUGE("md.%.sync_done_bytes", "bytes", 512);
static const struct metric_def mdraid_todo =
	SHAPE_GAUGE("md.%.sync_total_bytes", "bytes", 512);

/* Members: "sda1[0] sdb1[1](F) sdc1[2](S)". */
static void mdraid_members(struct sample *s, const struct scan *name,
			   struct scan *line)
{
	int64_t failed = 0, spares = 0;
	struct scan word;

	while (scan_word(line, 0, &word)) {
		if (!memchr(word.p, '[', scan_len(&word)))
			continue;
		failed += memmem(word.p, scan_len(&word), "(F)", 3) != NULL;
		spares += memmem(word.p, scan_len(&word), "(S)", 3) != NULL;
	}
	sample_put(s, &mdraid_failed, name->p, scan_len(name), failed);
	sample_put(s, &mdraid_spares, name->p, scan_len(name), spares);
}

/* "md0 : active raid1 sdb1[1] sda1[0]" */
static bool mdraid_head(struct sample *s, struct scan *line, struct scan *ret)
{
	struct scan word;

	if (!scan_word(line, 0, ret) || !scan_word(line, 0, &word) ||
	    !scan_is(&word, ":") || !scan_word(line, 0, &word))
		return false;
	sample_put(s, &mdraid_active, ret->p, scan_len(ret),
		   scan_is(&word, "active"));
	mdraid_members(s, ret, line);
	return true;
}

/* "[2/1]": so many disks, so many of them there. */
static bool mdraid_count(const struct scan *word, int64_t *v)
{
	struct scan t = *word;

	return scan_char(&t, '[') && scan_digits(&t, &v[0]) &&
	       scan_char(&t, '/') && scan_digits(&t, &v[1]) &&
	       scan_char(&t, ']') && t.p == t.end;
}

/* "1046528 blocks super 1.2 [2/1] [U_]"; the lines of a bitmap and of a rebuild
 * have neither. */
static void mdraid_body(struct sample *s, const struct scan *name,
			struct scan *line)
{
	struct scan word;
	int64_t v[2], blocks;

	if (scan_number(line, &blocks) && scan_word(line, 0, &word) &&
	    scan_is(&word, "blocks"))
		sample_put(s, &mdraid_size, name->p, scan_len(name), blocks);
	else
		return;
	while (scan_word(line, 0, &word))
		for (unsigned i = 0; mdraid_count(&word, v) && i < 2; i++)
			sample_put(s, &mdraid_disks[i], name->p, scan_len(name),
				   v[i]);
}

static void mdraid_parse(struct sample *s, const char *inst, const char *buf,
			 size_t len)
{
	struct scan file = { buf, buf + len }, line, name = { NULL, NULL };

	(void)inst;
	while (scan_line(&file, &line)) {
		if (line.p == line.end || scan_starts(&line, "Personalities") ||
		    scan_starts(&line, "unused devices") ||
		    scan_starts(&line, "read_ahead"))
			continue;
		if (*line.p != ' ' && *line.p != '\t') {
			if (!mdraid_head(s, &line, &name)) {
				name.p = NULL;
				sample_error(s);
			}
		} else if (name.p) {
			mdraid_body(s, &name, &line);
		}
	}
}

static void mdraid_degraded_parse(struct sample *s, const char *inst,
				  const char *buf, size_t len)
{
	shape_put_number(s, &mdraid_degraded, inst, buf, len);
}

static void mdraid_mismatches_parse(struct sample *s, const char *inst,
				    const char *buf, size_t len)
{
	shape_put_number(s, &mdraid_mismatches, inst, buf, len);
}

/* "1234 / 5678" sectors; "none"; "delayed". */
static void mdraid_sync_parse(struct sample *s, const char *inst,
			      const char *buf, size_t len)
{
	struct scan file = { buf, buf + len }, line, word;
	int64_t done, total;

	if (!scan_line(&file, &line) || scan_is(&line, "none") ||
	    scan_is(&line, "delayed"))
		return;
	if (!scan_number(&line, &done) || !scan_word(&line, 0, &word) ||
	    !scan_is(&word, "/") || !scan_number(&line, &total)) {
		sample_error(s);
		return;
	}
	sample_put(s, &mdraid_done, inst, strlen(inst), done);
	sample_put(s, &mdraid_todo, inst, strlen(inst), total);
}

static const struct collector_source mdraid_sources[] = {
	{ .path = "/proc/mdstat",
	  .parse = mdraid_parse,
	  .max = 1 << 20,
	  .optional = true },
	{ .path = "/sys/block/*/md/degraded",
	  .parse = mdraid_degraded_parse,
	  .max = 64 },
	{ .path = "/sys/block/*/md/mismatch_cnt",
	  .parse = mdraid_mismatches_parse,
	  .max = 64 },
	{ .path = "/sys/block/*/md/sync_completed",
	  .parse = mdraid_sync_parse,
	  .max = 64 },
	{ 0 }
};

const struct collector_ops collector_mdraid = {
	.name = "mdraid",
	.doc = "software RAID: disks, failures, progress of a rebuild",
	.man = "md.DEVICE.FIELD. Fields: active (1 or 0), size_bytes, disks "
	       "and disks_up (of arrays with redundancy), failed, spares, "
	       "degraded (disks missing), mismatch_bytes (found by the last "
	       "check), and, while a rebuild or check runs, sync_done_bytes of "
	       "sync_total_bytes.",
	.sources = mdraid_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
