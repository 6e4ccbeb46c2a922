/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status_hist.c - the busiest operations of a recorder, as a table. */
#include "dump/status_hist.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/terminal.h"
#include "triggers/units.h"

#define PREFIX "hist.row."
#define SHOWN  12

/* "hist.row.NUMBER.NAME" -> the number, and the name. */
static bool split(const char *key, unsigned *ret_number, const char **ret_name)
{
	char *end;

	if (strncmp(key, PREFIX, strlen(PREFIX)))
		return false;
	*ret_number = (unsigned)strtoul(key + strlen(PREFIX), &end, 10);
	*ret_name = end + 1;
	return *end == '.';
}

static void set(struct status_row *row, const char *name, const char *value)
{
	if (!strcmp(name, "stream"))
		row->stream = value;
	else if (!strcmp(name, "op"))
		row->op = value;
	else if (!strcmp(name, "call"))
		row->call = value;
	else if (!strcmp(name, "device"))
		row->device = value;
	else if (!strcmp(name, "cgroup"))
		row->cgroup = value;
	else if (!strcmp(name, "sum_ns"))
		row->sum_ns = strtoull(value, NULL, 10);
	else if (!strcmp(name, "buckets"))
		hist_parse(value, row->counts);
}

static unsigned count_rows(const struct client_reply *reply)
{
	unsigned nr = 0, number;
	const char *name;

	for (unsigned i = 0; i < reply->nr; i++)
		if (split(reply->pairs[i].key, &number, &name) &&
		    number < reply->nr && number >= nr)
			nr = number + 1;
	return nr;
}

int status_rows_read(const struct client_reply *reply, struct status_rows *ret)
{
	unsigned number;
	const char *name;

	ret->nr = count_rows(reply);
	ret->rows = calloc(ret->nr + 1u, sizeof(*ret->rows));
	if (!ret->rows) {
		ret->nr = 0;
		return -ENOMEM;
	}
	for (unsigned i = 0; i < ret->nr; i++)
		ret->rows[i].stream = ret->rows[i].op = ret->rows[i].call =
			ret->rows[i].device = ret->rows[i].cgroup = "";
	for (unsigned i = 0; i < reply->nr; i++)
		if (split(reply->pairs[i].key, &number, &name) &&
		    number < ret->nr)
			set(&ret->rows[number], name, reply->pairs[i].value);
	return 0;
}

void status_rows_free(struct status_rows *r)
{
	free(r->rows);
	*r = (struct status_rows){ 0 };
}

/* Rows of all calls and cgroups become one. */
static void merge(struct status_rows *r)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < r->nr; i++) {
		struct status_row *from = &r->rows[i], *to = NULL;

		for (unsigned j = 0; j < kept && !to; j++)
			if (!strcmp(r->rows[j].stream, from->stream) &&
			    !strcmp(r->rows[j].op, from->op) &&
			    !strcmp(r->rows[j].device, from->device))
				to = &r->rows[j];
		if (!to) {
			if (i != kept)
				r->rows[kept] = *from;
			kept++;
			continue;
		}
		to->sum_ns += from->sum_ns;
		for (unsigned b = 0; b < FR_HIST_BUCKETS; b++)
			to->counts[b] += from->counts[b];
	}
	r->nr = kept;
}

static int compare_counts(const void *p, const void *q)
{
	uint64_t x = hist_total(((const struct status_row *)p)->counts);
	uint64_t y = hist_total(((const struct status_row *)q)->counts);

	return x > y ? -1 : x < y;
}

static void print_row(const struct status_row *row)
{
	static const uint32_t quantiles[] = { HIST_P50, HIST_P90, HIST_P99,
					      HIST_P999, HIST_MAX };
	uint64_t n = hist_total(row->counts);
	char name[64], text[32];

	snprintf(name, sizeof(name), "%s.%s", row->stream, row->op);
	printf("%-20s %8s %10" PRIu64 " %9s", name,
	       *row->device ? row->device : "-", n,
	       units_human_time(text, n ? row->sum_ns / n : 0));
	for (unsigned i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
		printf(" %9s",
		       units_human_time(text, hist_quantile(row->counts,
							    quantiles[i])));
	putchar('\n');
}

void status_print_hist(const struct client_reply *reply)
{
	struct status_rows r;

	if (!status_rows_read(reply, &r) && r.nr) {
		merge(&r);
		qsort(r.rows, r.nr, sizeof(*r.rows), compare_counts);
		printf("\n%s%-20s %8s %10s %9s %9s %9s %9s %9s %9s%s\n",
		       terminal_bold(), "OPERATION", "device", "count", "mean",
		       "p50", "p90", "p99", "p99.9", "max", terminal_off());
		for (unsigned i = 0; i < r.nr && i < SHOWN; i++)
			print_row(&r.rows[i]);
	}
	status_rows_free(&r);
}
