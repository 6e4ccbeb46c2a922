/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump/escape.h"

#define WHO_SIZE (sizeof(((struct fr_call_key *)0)->comm) * ESCAPE_GROWTH + 1)

void call_view_name(const struct call_view *v, unsigned slot,
		    char ret[CALL_NAME_SIZE])
{
	if (!v->library)
		call_name(slot, ret);
	else
		snprintf(ret, CALL_NAME_SIZE, "%s",
			 call_library_name(v->library, slot));
}

bool call_is_shown(const struct call_view *v, const char *name)
{
	for (unsigned i = 0; i < v->nr_patterns; i++)
		if (call_matches(v->patterns[i], name))
			return true;
	return v->nr_patterns == 0;
}

/* ---- the order ------------------------------------------------------------------ */

static int by_name(const void *a, const void *b, void *arg)
{
	const struct call_item *x = a, *y = b;
	char nx[CALL_NAME_SIZE], ny[CALL_NAME_SIZE];
	int r;

	call_view_name(arg, x->key.slot, nx);
	call_view_name(arg, y->key.slot, ny);
	r = strcmp(nx, ny);
	r = r ? r : memcmp(x->key.comm, y->key.comm, sizeof(x->key.comm));
	return r ? r : (x->key.pid > y->key.pid) - (x->key.pid < y->key.pid);
}

static uint64_t key_of(const struct call_item *i, const struct call_view *v)
{
	switch (v->library ? CALL_SORT_CALLS : v->sort) {
	case CALL_SORT_CALLS:
		return i->n.calls;
	case CALL_SORT_ERRORS:
		return i->n.errors;
	case CALL_SORT_MAX:
		return i->n.max_ns;
	default:
		return i->n.total_ns;
	}
}

/* The largest first; what is equal by name, so that the order never varies. */
static int by_key(const void *a, const void *b, void *arg)
{
	uint64_t ka = key_of(a, arg), kb = key_of(b, arg);

	if (ka != kb)
		return ka < kb ? 1 : -1;
	return by_name(a, b, arg);
}

/* ---- the table -------------------------------------------------------------------- */

/* "" if nobody is told apart; else a blank before it. */
static void who(const struct call_item *i, const struct call_view *v,
		char ret[WHO_SIZE + 32])
{
	size_t n = strnlen(i->key.comm, sizeof(i->key.comm));
	char text[WHO_SIZE];

	text[escape_text(text, i->key.comm, n, ESCAPE_CONTROLS)] = '\0';
	ret[0] = '\0';
	if (v->by == CALL_BY_COMM)
		snprintf(ret, WHO_SIZE + 32, " %s", text);
	else if (v->by == CALL_BY_PID)
		snprintf(ret, WHO_SIZE + 32, " %s[%u]", text, i->key.pid);
}

static void table_line(FILE *f, const char *name, const char *by,
		       const struct fr_call_count *n, uint64_t of_ns)
{
	char errors[24] = "";

	if (n->errors)
		snprintf(errors, sizeof(errors), "%llu", n->errors);
	fprintf(f, "%6.2f %11.6f %11.3f %11.3f %9llu %9s %s%s\n",
		of_ns ? 100.0 * (double)n->total_ns / (double)of_ns : 0.0,
		(double)n->total_ns / 1e9,
		n->calls ? (double)n->total_ns / 1e3 / (double)n->calls : 0.0,
		(double)n->max_ns / 1e3, n->calls, errors, name, by);
}

static void library_line(FILE *f, const char *name, const char *by,
			 uint64_t calls, uint64_t of)
{
	fprintf(f, "%7.2f %11llu %s%s\n",
		of ? 100.0 * (double)calls / (double)of : 0.0,
		(unsigned long long)calls, name, by);
}

static void print_table(FILE *f, const struct call_item *items, unsigned nr,
			const struct call_view *v)
{
	static const char all[] =
		"------ ----------- ----------- ----------- --------- --------- ----------------";
	static const char few[] = "------- ----------- ----------------";
	const char *rule = v->library ? few : all;
	char name[CALL_NAME_SIZE], by[WHO_SIZE + 32];
	struct fr_call_count total = { 0 };

	for (unsigned i = 0; i < nr; i++) {
		total.calls += items[i].n.calls;
		total.errors += items[i].n.errors;
		total.total_ns += items[i].n.total_ns;
		if (items[i].n.max_ns > total.max_ns)
			total.max_ns = items[i].n.max_ns;
	}
	if (v->library)
		fprintf(f, "%7s %11s %s\n%s\n", "% calls", "calls", "function",
			rule);
	else
		fprintf(f, "%6s %11s %11s %11s %9s %9s %s\n%s\n", "% time",
			"seconds", "usecs/call", "max usecs", "calls", "errors",
			"syscall", rule);
	for (unsigned i = 0; i <= nr; i++) {
		const struct fr_call_count *n = i < nr ? &items[i].n : &total;

		snprintf(name, sizeof(name), "total");
		by[0] = '\0';
		if (i < nr) {
			call_view_name(v, items[i].key.slot, name);
			who(&items[i], v, by);
		} else {
			fprintf(f, "%s\n", rule);
		}
		if (v->library)
			library_line(f, name, by, n->calls, total.calls);
		else
			table_line(f, name, by, n, total.total_ns);
	}
}

/* ---- CSV and JSON ------------------------------------------------------------------- */

/* Quotes are doubled in the one, a backslash before them in the other. */
static void put_text(FILE *f, const char *text, char before_quote)
{
	fputc('"', f);
	for (; *text; text++) {
		if (*text == '"')
			fputc(before_quote, f);
		else if (*text == '\\' && before_quote == '\\')
			fputc('\\', f);
		fputc(*text, f);
	}
	fputc('"', f);
}

static void print_line(FILE *f, const struct call_item *i,
		       const struct call_view *v)
{
	const struct fr_call_count *n = &i->n;
	size_t len = strnlen(i->key.comm, sizeof(i->key.comm));
	char name[CALL_NAME_SIZE], comm[WHO_SIZE];
	bool csv = v->format == CALL_CSV;

	call_view_name(v, i->key.slot, name);
	comm[escape_text(comm, i->key.comm, len, ESCAPE_CONTROLS)] = '\0';
	fprintf(f,
		csv        ? "%s,%llu" :
		v->library ? "{\"function\":\"%s\",\"calls\":%llu" :
			     "{\"syscall\":\"%s\",\"calls\":%llu",
		name, n->calls);
	if (!v->library)
		fprintf(f,
			csv ? ",%llu,%llu,%llu" :
			      ",\"errors\":%llu,\"total_ns\":%llu,\"max_ns\":%llu",
			n->errors, n->total_ns, n->max_ns);
	if (v->by != CALL_BY_NOTHING) {
		fputs(csv ? "," : ",\"comm\":", f);
		put_text(f, comm, csv ? '"' : '\\');
	}
	if (v->by == CALL_BY_PID)
		fprintf(f, csv ? ",%u" : ",\"pid\":%u", i->key.pid);
	fputs(csv ? "\n" : "}\n", f);
}

static void print_lines(FILE *f, const struct call_item *items, unsigned nr,
			const struct call_view *v)
{
	if (v->format == CALL_CSV)
		fprintf(f, "%s%s%s\n",
			v->library ? "function,calls" :
				     "syscall,calls,errors,total_ns,max_ns",
			v->by != CALL_BY_NOTHING ? ",comm" : "",
			v->by == CALL_BY_PID ? ",pid" : "");
	for (unsigned i = 0; i < nr; i++)
		print_line(f, &items[i], v);
}

int calls_print(FILE *f, struct call_item *items, unsigned nr,
		const struct call_view *view)
{
	struct call_view v = *view;
	char name[CALL_NAME_SIZE];
	unsigned kept = 0;

	for (unsigned i = 0; i < nr; i++) {
		call_view_name(&v, items[i].key.slot, name);
		if (call_is_shown(&v, name))
			items[kept++] = items[i];
	}
	qsort_r(items, kept, sizeof(*items),
		v.sort == CALL_SORT_NAME ? by_name : by_key, &v);
	if (v.format == CALL_TABLE)
		print_table(f, items, kept, &v);
	else
		print_lines(f, items, kept, &v);
	return fflush(f) || ferror(f) ? -EIO : 0;
}
