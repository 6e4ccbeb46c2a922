/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backtest_open.c - snapshots to test rules on. */
#include "dump/backtest_open.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dump/view_open.h"

#define QUIET_NS 1000000000ULL

static bool one_machine(const struct view *v)
{
	const char *first = snap_fact(view_snap(v, 0), "host.machine_id");

	for (unsigned i = 1; i < view_nr_files(v); i++) {
		const char *id = snap_fact(view_snap(v, i), "host.machine_id");

		if (first && id && strcmp(first, id) != 0)
			return false;
	}
	return true;
}

int backtest_open(const struct command_ops *c, int argc, char **argv,
		  const char *const *streams, struct view **ret)
{
	struct view_filter f = { .nr_pids = 0 };
	int code;

	for (; *streams && f.streams.nr < FILTER_WORDS_MAX; streams++)
		f.streams.words[f.streams.nr++] = *streams;
	code = view_open(argc, argv, &f, ret);
	if (!*ret || one_machine(*ret))
		return code;
	view_close(*ret, code);
	*ret = NULL;
	return command_bad_usage(c, "these snapshots are of different "
				    "machines; take those of one");
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

void backtest_clock_start(struct backtest_clock *c)
{
	c->began_ns = now_ns();
	c->shown = 0;
}

void backtest_clock_show(void *arg, unsigned percent)
{
	struct backtest_clock *c = arg;

	if (!isatty(STDERR_FILENO) || now_ns() - c->began_ns < QUIET_NS)
		return;
	fprintf(stderr, "\rflightrec: testing, %u %%", percent);
	c->shown = 1;
}

void backtest_clock_end(struct backtest_clock *c)
{
	if (c->shown)
		fprintf(stderr, "\r\033[K");
	c->shown = 0;
}
