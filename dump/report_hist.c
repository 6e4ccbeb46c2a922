/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_hist.c - what is usual here: how long operations took since the recorder
 * began, and in the last minutes before the freeze.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/hist_counts.h"
#include "dump/report.h"
#include "dump/terminal.h"
#include "triggers/units.h"

#define SHOWN     20
#define RECENT_NS (5 * 60000000000ull)

struct usual { /* of one operation and device */
	char name[64], device[24];
	uint64_t whole[FR_HIST_BUCKETS], recent[FR_HIST_BUCKETS];
};
struct usuals {
	struct usual *list;
	unsigned nr, size;
};

static struct usual *usual_at(struct usuals *u, const char *name,
			      const char *device)
{
	struct usual *list;

	for (unsigned i = 0; i < u->nr; i++)
		if (!strcmp(u->list[i].name, name) &&
		    !strcmp(u->list[i].device, device))
			return &u->list[i];
	if (u->nr == u->size) {
		list = realloc(u->list, (2 * u->size + 16) * sizeof(*list));
		if (!list)
			return NULL;
		u->list = list;
		u->size = 2 * u->size + 16;
	}
	list = &u->list[u->nr++];
	memset(list, 0, sizeof(*list));
	snprintf(list->name, sizeof(list->name), "%s", name);
	snprintf(list->device, sizeof(list->device), "%s", device);
	return list;
}

static void add_row(struct usuals *u, struct view *v, struct view_cursor *c,
		    uint64_t frozen)
{
	uint64_t counts[FR_HIST_BUCKETS] = { 0 }, ts = 0, dur = 0;
	char stream[24], op[32], name[64], device[24];
	struct usual *to;
	uint64_t *sum;
	bool whole;

	if (!view_add_hist(c, counts, &whole) ||
	    !view_get_u64(c, VIEW_TS, &ts) || !view_get_u64(c, VIEW_DUR, &dur))
		return;
	if (!whole && ts + dur + RECENT_NS <= frozen)
		return;
	view_get_text(c, view_find_column(v, "of_stream"), stream,
		      sizeof(stream));
	view_get_text(c, VIEW_OP, op, sizeof(op));
	view_get_text(c, VIEW_DEV, device, sizeof(device));
	snprintf(name, sizeof(name), "%s %s", stream, op);
	to = usual_at(u, name, device);
	if (!to)
		return;
	sum = whole ? to->whole : to->recent;
	for (unsigned b = 0; b < FR_HIST_BUCKETS; b++)
		sum[b] += counts[b];
}

static int compare_counts(const void *p, const void *q)
{
	uint64_t x = hist_total(((const struct usual *)p)->whole);
	uint64_t y = hist_total(((const struct usual *)q)->whole);

	return x > y ? -1 : x < y;
}

static void print_usual(const struct usual *u)
{
	static const uint32_t quantiles[] = { HIST_P50, HIST_P90, HIST_P99,
					      HIST_P999, HIST_MAX };
	char text[32];

	printf("%-22s %8s %10" PRIu64, u->name, *u->device ? u->device : "-",
	       hist_total(u->whole));
	for (unsigned i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
		printf(" %9s",
		       units_human_time(text,
					hist_quantile(u->whole, quantiles[i])));
	printf(" %10" PRIu64 " %9s", hist_total(u->recent),
	       units_human_time(text, hist_quantile(u->recent, HIST_P50)));
	printf(" %9s\n",
	       units_human_time(text, hist_quantile(u->recent, HIST_P99)));
}

/* When the counting began and ended, of the rows of all the time. */
static void find_span(struct view *v, struct view_cursor *c,
		      uint64_t *ret_since, uint64_t *ret_until)
{
	uint64_t counts[FR_HIST_BUCKETS] = { 0 }, ts, dur;
	bool whole;

	*ret_since = *ret_until = 0;
	for (size_t i = 0; i < view_nr_rows(v); i++) {
		view_seek(c, i);
		if (!view_add_hist(c, counts, &whole) || !whole ||
		    !view_get_u64(c, VIEW_TS, &ts) ||
		    !view_get_u64(c, VIEW_DUR, &dur))
			continue;
		*ret_since = ts;
		*ret_until = ts + dur;
		return;
	}
}

static void print_all(struct usuals *u, struct view *v, uint64_t since,
		      uint64_t until)
{
	char wall[48], span[32];

	qsort(u->list, u->nr, sizeof(*u->list), compare_counts);
	report_title("ALL OPERATIONS SINCE THE RECORDER BEGAN");
	printf("counted since %s, for %s; on the right the last 5 minutes\n",
	       report_wall(wall, v, 0, since),
	       units_human_time(span, until - since));
	printf("%-22s %8s %10s %9s %9s %9s %9s %9s %10s %9s %9s\n", "operation",
	       "device", "count", "p50", "p90", "p99", "p99.9", "max", "count",
	       "p50", "p99");
	for (unsigned i = 0; i < u->nr && i < SHOWN; i++)
		print_usual(&u->list[i]);
}

void report_hist(struct view *v)
{
	struct view_cursor *c = view_cursor_new(v);
	struct usuals u = { 0 };
	uint64_t since, until;

	if (!c)
		return;
	find_span(v, c, &since, &until);
	for (size_t i = 0; i < view_nr_rows(v); i++) {
		view_seek(c, i);
		add_row(&u, v, c, until);
	}
	if (u.nr)
		print_all(&u, v, since, until);
	free(u.list);
	view_cursor_free(c);
}
