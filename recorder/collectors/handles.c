/* SPDX-License-Identifier: GPL-2.0-or-later */
/* handles.c - open files, inodes, dentries, threads, and their limits. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

static const struct metric_def handles_files[] = {
	SHAPE_GAUGE("handles.files", "", 1),
	SHAPE_GAUGE("handles.files_free", "", 1),
	SHAPE_GAUGE("handles.files_max", "", 1),
};
static const struct metric_def handles_inodes[] = {
	SHAPE_GAUGE("handles.inodes", "", 1),
	SHAPE_GAUGE("handles.inodes_free", "", 1),
};
/* The third and fourth are constants of old; the fifth is there since 5.0, and 0
 * before, where it was a spare one. */
static const struct metric_def handles_dentries[] = {
	SHAPE_GAUGE("handles.dentries", "", 1),
	SHAPE_GAUGE("handles.dentries_unused", "", 1),
	SHAPE_GAUGE("handles.dentries_age_limit", "s", 1),
	SHAPE_GAUGE("handles.dentries_want_pages", "pages", 1),
	SHAPE_GAUGE("handles.dentries_negative", "", 1),
};
static const struct metric_def handles_pid_max =
	SHAPE_GAUGE("handles.pid_max", "", 1);
static const struct metric_def handles_threads_max =
	SHAPE_GAUGE("handles.threads_max", "threads", 1);
static const struct metric_def handles_threads =
	SHAPE_GAUGE("handles.threads", "threads", 1);

/* Later columns of these files are zeros, kept for programs of long ago. */
static void handles_row(struct sample *s, const struct metric_def *defs,
			unsigned nr, const char *buf, size_t len)
{
	struct scan file = { buf, buf + len }, line;

	if (scan_line(&file, &line))
		shape_put_columns(s, defs, nr, nr, NULL, &line);
}

static void handles_files_parse(struct sample *s, const char *inst,
				const char *buf, size_t len)
{
	(void)inst;
	handles_row(s, handles_files, 3, buf, len);
}

static void handles_inodes_parse(struct sample *s, const char *inst,
				 const char *buf, size_t len)
{
	(void)inst;
	handles_row(s, handles_inodes, 2, buf, len);
}

static void handles_dentries_parse(struct sample *s, const char *inst,
				   const char *buf, size_t len)
{
	(void)inst;
	handles_row(s, handles_dentries, 5, buf, len);
}

static void handles_pid_max_parse(struct sample *s, const char *inst,
				  const char *buf, size_t len)
{
	shape_put_number(s, &handles_pid_max, inst, buf, len);
}

static void handles_threads_max_parse(struct sample *s, const char *inst,
				      const char *buf, size_t len)
{
	shape_put_number(s, &handles_threads_max, inst, buf, len);
}

/* "0.04 0.06 0.03 1/92 8377": each thread uses up one number of pid_max. */
static void handles_threads_parse(struct sample *s, const char *inst,
				  const char *buf, size_t len)
{
	struct scan file = { buf, buf + len }, line, word;
	int64_t v;

	(void)inst;
	if (!scan_line(&file, &line))
		return;
	for (unsigned i = 0; i < 3; i++)
		scan_word(&line, 0, &word);
	if (scan_word(&line, '/', &word) && scan_char(&line, '/') &&
	    scan_number(&line, &v))
		sample_put(s, &handles_threads, NULL, 0, v);
	else
		sample_error(s);
}

static const struct collector_source handles_sources[] = {
	{ .path = "/proc/sys/fs/file-nr",
	  .parse = handles_files_parse,
	  .max = 4096,
	  .optional = true },
	{ .path = "/proc/sys/fs/inode-nr",
	  .parse = handles_inodes_parse,
	  .max = 4096,
	  .optional = true },
	{ .path = "/proc/sys/fs/dentry-state",
	  .parse = handles_dentries_parse,
	  .max = 4096,
	  .optional = true },
	{ .path = "/proc/sys/kernel/pid_max",
	  .parse = handles_pid_max_parse,
	  .max = 4096,
	  .optional = true },
	{ .path = "/proc/sys/kernel/threads-max",
	  .parse = handles_threads_max_parse,
	  .max = 4096,
	  .optional = true },
	{ .path = "/proc/loadavg",
	  .parse = handles_threads_parse,
	  .max = 4096,
	  .optional = true },
	{ 0 }
};

const struct collector_ops collector_handles = {
	.name = "handles",
	.doc = "open files, inodes, dentries, threads, and their limits",
	.man = "handles.files, files_free, files_max; inodes, inodes_free; "
	       "dentries, dentries_unused, dentries_negative (since Linux "
	       "5.0); threads, threads_max, pid_max. Each thread takes one of "
	       "pid_max numbers.",
	.sources = handles_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
