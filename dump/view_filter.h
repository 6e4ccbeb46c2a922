/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * view_filter.h - which rows are wanted: the options that show, report and
 * others share.
 */
#ifndef DUMP_VIEW_FILTER_H
#define DUMP_VIEW_FILTER_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "dump/view.h"

#define FILTER_WORDS_MAX 64

struct filter_words { /* of a list given with commas or repeatedly */
	const char *words[FILTER_WORDS_MAX];
	unsigned nr;
};

struct view_filter {
	struct filter_words streams, comms, paths, ops, calls, errnos;
	uint64_t pids[FILTER_WORDS_MAX], tids[FILTER_WORDS_MAX];
	unsigned nr_pids, nr_tids;
	uint64_t min_latency_ns;
	bool failed;
	const char *begin, *end; /* as given */
	uint64_t limit;          /* 0: none */
	/* streams that are wanted beside the usual ones if none is named; NULL
	 * behind the last */
	const char *const *also;
	char *copies[8 * FILTER_WORDS_MAX]; /* memory of the words */
	unsigned nr_copies;
};

#define FILTER_SHORT "n:"
/* clang-format off */
#define FILTER_LONG \
	{ "stream", required_argument, NULL, 0x100 }, \
	{ "pid", required_argument, NULL, 0x101 }, \
	{ "tid", required_argument, NULL, 0x102 }, \
	{ "comm", required_argument, NULL, 0x103 }, \
	{ "path", required_argument, NULL, 0x104 }, \
	{ "op", required_argument, NULL, 0x105 }, \
	{ "call", required_argument, NULL, 0x106 }, \
	{ "min-latency", required_argument, NULL, 0x107 }, \
	{ "errno", required_argument, NULL, 0x108 }, \
	{ "failed", no_argument, NULL, 0x109 }, \
	{ "begin", required_argument, NULL, 0x10a }, \
	{ "end", required_argument, NULL, 0x10b }, \
	{ "limit", required_argument, NULL, 'n' }
/* clang-format on */
#define FILTER_HELP                                                                 \
	"  --stream A,B        only these streams (fs, block, proc, sample, ...)\n" \
	"  --pid N, --tid N    only these processes, threads\n"                     \
	"  --comm GLOB         command name\n"                                      \
	"  --path GLOB         either path, the whole of it; * also matches /\n"    \
	"  --op A,B            operations: read, write, open, fsync, ...\n"         \
	"  --call A,B          system calls: pread64, openat, ...\n"                \
	"  --min-latency TIME  that took at least 20ms, 1.5s, ...\n"                \
	"  --errno NAME        that failed with ENOENT, EIO, ...\n"                 \
	"  --failed            that failed\n"                                       \
	"  --begin TIME, --end TIME\n"                                              \
	"                      any part of it in this span: 2026-11-20T13:05:00,\n" \
	"                      13:05, @EPOCH, -10s or +5s from the trigger on\n"    \
	"  -n, --limit N       at most so many rows\n"

/*
 * An option of FILTER_SHORT or FILTER_LONG.  1: taken, 0: not one of them,
 * -EINVAL: bad value, *ret_what says what was expected.
 */
int view_filter_option(struct view_filter *f, int opt, const char *value,
		       const char **ret_what);
void view_filter_free(struct view_filter *f);

/* The span in a file's clock, ns; false with *diag: not understood. */
bool view_filter_window(const struct view_filter *f, const struct view *v,
			unsigned file, uint64_t *ret_begin, uint64_t *ret_end,
			struct snap_diag *diag);
/* Whether the cursor's row passes all but the window. */
bool view_filter_match(const struct view_filter *f, struct view_cursor *c);
bool view_filter_stream(const struct view_filter *f, const struct view *v,
			unsigned stream);
/* When the trigger fired, or else the freeze began; false: unknown. */
bool view_trigger_ns(const struct view *v, unsigned file, uint64_t *ret);

#endif
