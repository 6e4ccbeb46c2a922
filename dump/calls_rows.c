/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct column {
	char name[CALL_NAME_SIZE];
	unsigned slot;
	uint64_t calls, total_ns; /* as of the row before */
};

struct call_rows {
	FILE *f;
	enum call_format format;
	bool timed; /* system calls: each has a time */
	unsigned nr;
	struct column columns[FR_CALL_SLOTS];
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct column *)a)->name,
		      ((const struct column *)b)->name);
}

static void add_columns(struct call_rows *r, const struct call_view *view)
{
	unsigned slots = view->library ? call_library_functions(view->library) :
					 FR_CALL_SLOTS;

	for (unsigned slot = 0; slot < slots; slot++) {
		struct column *c = &r->columns[r->nr];

		call_view_name(view, slot, c->name);
		if (!call_is_shown(view, c->name) ||
		    (!view->library && !call_is_known(slot)))
			continue;
		c->slot = slot;
		r->nr++;
	}
	qsort(r->columns, r->nr, sizeof(r->columns[0]), by_name);
}

struct call_rows *call_rows_new(FILE *f, const struct call_view *view)
{
	struct call_rows *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->f = f;
	r->format = view->format;
	r->timed = !view->library;
	add_columns(r, view);
	if (r->format != CALL_CSV)
		return r;
	fputs("time", f);
	for (unsigned i = 0; i < r->nr; i++) {
		fprintf(f, ",%s.calls", r->columns[i].name);
		if (r->timed)
			fprintf(f, ",%s.ns", r->columns[i].name);
	}
	fputc('\n', f);
	return r;
}

static void put_value(const struct call_rows *r, const char *name,
		      const char *what, unsigned long long value)
{
	switch (r->format) {
	case CALL_JSONL:
		fprintf(r->f, ",\"%s.%s\":%llu", name, what, value);
		break;
	case CALL_KV:
		fprintf(r->f, " %s.%s=%llu", name, what, value);
		break;
	default:
		fprintf(r->f, ",%llu", value);
	}
}

static void put_cell(const struct call_rows *r, const char *name,
		     unsigned long long calls, unsigned long long ns)
{
	if (r->format == CALL_KV && !calls)
		return;
	put_value(r, name, "calls", calls);
	if (r->timed)
		put_value(r, name, "ns", ns);
}

int call_rows_add(struct call_rows *r, const struct fr_call_count *slots)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	fprintf(r->f, "%s%lld.%03ld",
		r->format == CALL_JSONL ? "{\"time\":" :
		r->format == CALL_KV    ? "time=" :
					  "",
		(long long)now.tv_sec, now.tv_nsec / 1000000);
	for (unsigned i = 0; i < r->nr; i++) {
		struct column *c = &r->columns[i];
		const struct fr_call_count *n = &slots[c->slot];

		put_cell(r, c->name, n->calls - c->calls,
			 n->total_ns - c->total_ns);
		c->calls = n->calls;
		c->total_ns = n->total_ns;
	}
	fputs(r->format == CALL_JSONL ? "}\n" : "\n", r->f);
	return fflush(r->f) || ferror(r->f) ? -EIO : 0;
}

void call_rows_free(struct call_rows *r)
{
	free(r);
}
