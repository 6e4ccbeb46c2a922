/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct row {
	char name[CALL_NAME_SIZE];
	struct fr_call_count n;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->name,
		      ((const struct row *)b)->name);
}

static uint64_t key_of(const struct row *r, enum call_sort sort)
{
	switch (sort) {
	case CALL_SORT_CALLS:
		return r->n.calls;
	case CALL_SORT_ERRORS:
		return r->n.errors;
	case CALL_SORT_MAX:
		return r->n.max_ns;
	default:
		return r->n.total_ns;
	}
}

/* The largest first; what is equal by name, so that the order never varies. */
static int by_key(const void *a, const void *b, void *arg)
{
	const enum call_sort *sort = arg;
	uint64_t ka = key_of(a, *sort), kb = key_of(b, *sort);

	if (ka != kb)
		return ka < kb ? 1 : -1;
	return by_name(a, b);
}

bool call_is_shown(const struct call_view *v, const char *name)
{
	for (unsigned i = 0; i < v->nr_patterns; i++)
		if (call_matches(v->patterns[i], name))
			return true;
	return v->nr_patterns == 0;
}

static unsigned gather(struct row *rows, const struct fr_call_count *slots,
		       const struct call_view *v, struct fr_call_count *total)
{
	unsigned nr = 0;

	for (unsigned slot = 0; slot < FR_CALL_SLOTS; slot++) {
		struct row *r = &rows[nr];

		call_name(slot, r->name);
		if (!slots[slot].calls || !call_is_shown(v, r->name))
			continue;
		r->n = slots[slot];
		total->calls += r->n.calls;
		total->errors += r->n.errors;
		total->total_ns += r->n.total_ns;
		if (r->n.max_ns > total->max_ns)
			total->max_ns = r->n.max_ns;
		nr++;
	}
	return nr;
}

static void table_line(FILE *f, const char *name, const struct fr_call_count *n,
		       uint64_t of_ns)
{
	char errors[24] = "";

	if (n->errors)
		snprintf(errors, sizeof(errors), "%llu", n->errors);
	fprintf(f, "%6.2f %11.6f %11.3f %11.3f %9llu %9s %s\n",
		of_ns ? 100.0 * (double)n->total_ns / (double)of_ns : 0.0,
		(double)n->total_ns / 1e9,
		n->calls ? (double)n->total_ns / 1e3 / (double)n->calls : 0.0,
		(double)n->max_ns / 1e3, n->calls, errors, name);
}

static void print_table(FILE *f, const struct row *rows, unsigned nr,
			const struct fr_call_count *total)
{
	static const char rule[] =
		"------ ----------- ----------- ----------- --------- --------- ----------------";

	fprintf(f, "%6s %11s %11s %11s %9s %9s %s\n%s\n", "% time", "seconds",
		"usecs/call", "max usecs", "calls", "errors", "syscall", rule);
	for (unsigned i = 0; i < nr; i++)
		table_line(f, rows[i].name, &rows[i].n, total->total_ns);
	fprintf(f, "%s\n", rule);
	table_line(f, "total", total, total->total_ns);
}

static void print_lines(FILE *f, const struct row *rows, unsigned nr, bool csv)
{
	const char *format =
		csv ? "%s,%llu,%llu,%llu,%llu\n" :
		      "{\"syscall\":\"%s\",\"calls\":%llu,\"errors\":%llu,"
		      "\"total_ns\":%llu,\"max_ns\":%llu}\n";

	if (csv)
		fputs("syscall,calls,errors,total_ns,max_ns\n", f);
	for (unsigned i = 0; i < nr; i++) {
		const struct fr_call_count *n = &rows[i].n;

		fprintf(f, format, rows[i].name, n->calls, n->errors,
			n->total_ns, n->max_ns);
	}
}

int calls_print(FILE *f, const struct fr_call_count *slots,
		const struct call_view *view)
{
	struct row *rows = calloc(FR_CALL_SLOTS, sizeof(*rows));
	struct fr_call_count total = { 0 };
	enum call_sort sort = view->sort;
	unsigned nr;

	if (!rows)
		return -ENOMEM;
	nr = gather(rows, slots, view, &total);
	if (sort == CALL_SORT_NAME)
		qsort(rows, nr, sizeof(*rows), by_name);
	else
		qsort_r(rows, nr, sizeof(*rows), by_key, &sort);
	if (view->format == CALL_TABLE)
		print_table(f, rows, nr, &total);
	else
		print_lines(f, rows, nr, view->format == CALL_CSV);
	free(rows);
	return fflush(f) || ferror(f) ? -EIO : 0;
}
