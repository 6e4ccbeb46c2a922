/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suggest.c - limits of latencies; what all suggestions share. */
#include "dump/suggest.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/hist_counts.h"
#include "triggers/rule.h"
#include "triggers/units.h"

const char *const suggest_streams[] = { "fs",     "block", "hist",
					"sample", "meta",  NULL };

/* ---- shared ----------------------------------------------------------------------- */

static const double steps[] = { 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10 };
#define NR_STEPS (sizeof(steps) / sizeof(*steps))

double suggest_round_up(double v)
{
	double ten = v > 0 ? pow(10, floor(log10(v))) : 1;
	size_t i = 0;

	/* a hair's breadth: 3.0000001 is 3 */
	while (i + 1 < NR_STEPS && steps[i] * ten < v * (1 - 1e-9))
		i++;
	return steps[i] * ten;
}

double suggest_round_down(double v)
{
	double ten = v > 0 ? pow(10, floor(log10(v))) : 1;
	size_t i = NR_STEPS - 1;

	while (i > 0 && steps[i] * ten > v * (1 + 1e-9))
		i--;
	return steps[i] * ten;
}

static bool has_name(const struct suggestions *s, const char *name)
{
	for (unsigned i = 0; i < s->nr; i++)
		if (!strcmp(s->list[i].name, name))
			return true;
	return false;
}

/* Letters and digits of it, cut to fit; with a number behind if it is taken. */
static void make_name(const struct suggestions *s, const char *from,
		      char to[RULE_NAME_MAX + 1])
{
	size_t n = 0;

	for (; *from && n < RULE_NAME_MAX - 3; from++)
		to[n++] = strchr("abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.",
				 *from) ?
				  *from :
				  '-';
	to[n] = '\0';
	for (unsigned i = 2; has_name(s, to) && i < 100; i++)
		snprintf(to + n, RULE_NAME_MAX + 1 - n, "-%u", i);
}

bool suggest_add(struct suggestions *s, const char *name, const char *when,
		 const char *seen)
{
	struct suggestion *to = &s->list[s->nr];
	struct rule_expr expr;
	struct rule_diag diag;

	if (s->nr == SUGGEST_MAX || rule_parse(when, &expr, &diag))
		return false;
	make_name(s, name, to->name);
	snprintf(to->when, sizeof(to->when), "%s", when);
	snprintf(to->seen, sizeof(to->seen), "%s", seen);
	s->nr++;
	return true;
}

void suggest_note(struct suggestions *s, const char *fmt, ...)
{
	va_list ap;

	if (s->nr_notes == sizeof(s->notes) / sizeof(s->notes[0]))
		return;
	va_start(ap, fmt);
	vsnprintf(s->notes[s->nr_notes++], sizeof(s->notes[0]), fmt, ap);
	va_end(ap);
}

/* ---- operations ---------------------------------------------------------------------- */

struct kind { /* of one operation on one device */
	char op[48], device[64];
	uint64_t counts[FR_HIST_BUCKETS];
};
struct kinds {
	struct kind *list;
	unsigned nr, size;
	bool no_memory;
};

/* Those that wait for the disk; a rule of others says little. */
static bool waits_for_disk(const char *stream, const char *op)
{
	static const char *const ops[] = {
		"read",      "write",   "open",     "create", "fsync",
		"fdatasync", "sync",    "msync",    "rename", "unlink",
		"link",      "symlink", "mkdir",    "rmdir",  "truncate",
		"fallocate", "readdir", "sendfile", "copy",   "getattr",
	};

	if (!strcmp(stream, "block"))
		return true;
	for (unsigned i = 0;
	     !strcmp(stream, "fs") && i < sizeof(ops) / sizeof(*ops); i++)
		if (!strcmp(ops[i], op))
			return true;
	return false;
}

static struct kind *kind_at(struct kinds *k, const char *op, const char *device)
{
	struct kind *list;

	for (unsigned i = 0; i < k->nr; i++)
		if (!strcmp(k->list[i].op, op) &&
		    !strcmp(k->list[i].device, device))
			return &k->list[i];
	if (k->nr == k->size) {
		list = realloc(k->list, (2 * k->size + 16) * sizeof(*list));
		if (!list) {
			k->no_memory = true;
			return NULL;
		}
		k->list = list;
		k->size = 2 * k->size + 16;
	}
	list = &k->list[k->nr++];
	memset(list, 0, sizeof(*list));
	snprintf(list->op, sizeof(list->op), "%s", op);
	snprintf(list->device, sizeof(list->device), "%s", device);
	return list;
}

/* The name of the row's block device; false: it is on none. */
static bool device_of(const struct view *v, struct view_cursor *c, char *to,
		      size_t size)
{
	char key[64] = "device.", dev[40];
	const char *name;

	if (!view_get_text(c, VIEW_DEV, dev, sizeof(dev)))
		return false;
	snprintf(key, sizeof(key), "device.%s", dev);
	name = snap_fact(view_snap(v, view_row_file(c)), key);
	if (name)
		snprintf(to, size, "%s", name);
	return name;
}

/* The kind that the row counts for; NULL: none. */
static struct kind *kind_of(struct kinds *k, const struct view *v,
			    struct view_cursor *c, const char *stream)
{
	char op[24], name[48], device[64];

	view_get_text(c, VIEW_OP, op, sizeof(op));
	if (!waits_for_disk(stream, op) ||
	    !device_of(v, c, device, sizeof(device)))
		return NULL;
	snprintf(name, sizeof(name), "%s.%s", stream, op);
	return kind_at(k, name, device);
}

static bool same_instance(const struct view *v, unsigned a, unsigned b)
{
	const char *x = snap_fact(view_snap(v, a), "instance");
	const char *y = snap_fact(view_snap(v, b), "instance");

	return x && y && !strcmp(x, y);
}

static uint64_t frozen(const struct view *v, unsigned file)
{
	const char *text = snap_fact(view_snap(v, file), "freeze.ts_ns");

	return text ? strtoull(text, NULL, 10) : 0;
}

/* Later snapshots of a recorder count what earlier ones did. */
static bool is_last(const struct view *v, unsigned file)
{
	for (unsigned i = 0; i < view_nr_files(v); i++)
		if (i != file && same_instance(v, i, file) &&
		    (frozen(v, i) > frozen(v, file) ||
		     (frozen(v, i) == frozen(v, file) && i < file)))
			return false;
	return true;
}

static bool add_hist(struct kinds *k, struct view *v, struct view_cursor *c)
{
	uint64_t counts[FR_HIST_BUCKETS] = { 0 };
	struct kind *to;
	char stream[24];
	bool whole;

	if (!view_add_hist(c, counts, &whole) || !whole ||
	    !is_last(v, view_row_file(c)))
		return false;
	view_get_text(c, view_find_column(v, "of_stream"), stream,
		      sizeof(stream));
	to = kind_of(k, v, c, stream);
	for (unsigned i = 0; to && i < FR_HIST_BUCKETS; i++)
		to->counts[i] += counts[i];
	return true;
}

static void add_record(struct kinds *k, struct view *v, struct view_cursor *c)
{
	const char *stream = view_stream_name(v, view_row_stream(c));
	struct kind *to;
	uint64_t dur;

	if (!view_get_u64(c, VIEW_DUR, &dur))
		return;
	to = kind_of(k, v, c, stream);
	if (to)
		to->counts[hist_bucket_of(dur)]++;
}

static void add_all(struct kinds *k, struct view *v, struct view_cursor *c)
{
	bool any = false;

	for (size_t i = 0; i < view_nr_rows(v); i++) {
		view_seek(c, i);
		any |= add_hist(k, v, c);
	}
	for (size_t i = 0; !any && i < view_nr_rows(v); i++) {
		view_seek(c, i);
		add_record(k, v, c);
	}
}

static void propose(struct suggestions *s, const struct kind *k)
{
	uint64_t n = hist_total(k->counts);
	uint64_t p999 = hist_quantile(k->counts, HIST_P999);
	char limit[32], p50[32], p99[32], q999[32], max[32];
	char when[256], seen[300], name[128];
	uint64_t ns;

	if (n < s->min_count) {
		suggest_note(s,
			     "%s on %s: %" PRIu64
			     " operations, less than %" PRIu64,
			     k->op, k->device, n, s->min_count);
		return;
	}
	ns = (uint64_t)suggest_round_up((double)(p999 * SUGGEST_FACTOR));
	ns = ns > SUGGEST_MIN_NS ? ns : SUGGEST_MIN_NS;
	units_format_time(limit, ns);
	snprintf(when, sizeof(when), "%s latency > %s where device = \"%s\"",
		 k->op, limit, k->device);
	snprintf(seen, sizeof(seen),
		 "%" PRIu64 " seen: p50 %s, p99 %s, p99.9 %s, longest %s", n,
		 units_human_time(p50, hist_quantile(k->counts, HIST_P50)),
		 units_human_time(p99, hist_quantile(k->counts, HIST_P99)),
		 units_human_time(q999, p999),
		 units_human_time(max, hist_quantile(k->counts, HIST_MAX)));
	snprintf(name, sizeof(name), "slow-%s-%s", strchr(k->op, '.') + 1,
		 k->device);
	if (!strncmp(k->op, "block.", 6))
		snprintf(name, sizeof(name), "disk-%s-%s", k->op + 6,
			 k->device);
	suggest_add(s, name, when, seen);
}

static int compare_kinds(const void *p, const void *q)
{
	const struct kind *x = p, *y = q;
	int d = strcmp(x->device, y->device);

	return d ? d : strcmp(x->op, y->op);
}

int suggest_operations(struct view *v, struct suggestions *s)
{
	struct view_cursor *c = view_cursor_new(v);
	struct kinds k = { 0 };

	if (!c)
		return -ENOMEM;
	add_all(&k, v, c);
	if (k.nr)
		qsort(k.list, k.nr, sizeof(*k.list), compare_kinds);
	for (unsigned i = 0; i < k.nr; i++)
		propose(s, &k.list[i]);
	if (!k.nr)
		suggest_note(s, "no operation on a block device was seen");
	free(k.list);
	view_cursor_free(c);
	return k.no_memory ? -ENOMEM : 0;
}
