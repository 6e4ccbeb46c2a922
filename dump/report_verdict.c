/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report_verdict.c - what stands out in a snapshot, in words. */
#include "dump/report_verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/number_names.h"
#include "dump/report.h"
#include "dump/row_write.h"
#include "dump/terminal.h"
#include "triggers/units.h"

#define KEY_SIZE      4864
#define LINES_EACH    3
#define STORM         1000 /* failures of one kind in one folder */
#define FORKS         100  /* by one process */
#define FORKS_PER_S   10
#define TELLING_NS    10000000 /* a slowest operation below it is no news */
#define TELLING_SHARE 10       /* percent */
#define SEC           1000000000ULL

void verdict_init(struct verdict *d, const struct view *v)
{
	*d = (struct verdict){ .last = view_find_column(v, "last"),
			       .status = view_find_column(v, "status") };
}

void verdict_free(struct verdict *d)
{
	tally_free(&d->grave);
	tally_free(&d->failures);
	tally_free(&d->pairs);
	tally_free(&d->forks);
	tally_free(&d->deaths);
}

void report_who(struct view_cursor *c, char *buf, size_t size)
{
	char comm[64];
	uint64_t pid;
	bool named = view_get_text(c, VIEW_COMM, comm, sizeof(comm));

	if (!view_get_u64(c, VIEW_PID, &pid))
		snprintf(buf, size, "%s", named ? comm : "?");
	else if (named)
		snprintf(buf, size, "%s (%" PRIu64 ")", comm, pid);
	else
		snprintf(buf, size, "process %" PRIu64, pid);
}

static void count_death(struct verdict *d, struct view_cursor *c)
{
	/* what nobody sends in the ordinary course of things */
	static const char *const violent[] = { "SIGSEGV", "SIGABRT", "SIGBUS",
					       "SIGILL",  "SIGFPE",  "SIGSYS",
					       "SIGKILL", "SIGXFSZ" };
	struct view_value last, status;
	char how[32], who[96], key[160];

	view_get(c, d->last, &last);
	view_get(c, d->status, &status);
	if (last.type == VIEW_NULL || !last.u || status.type == VIEW_NULL)
		return;
	number_wait_status(how, sizeof(how), status.u);
	for (unsigned i = 0; i < sizeof(violent) / sizeof(violent[0]); i++) {
		if (strncmp(how, violent[i], strlen(violent[i])))
			continue;
		report_who(c, who, sizeof(who));
		snprintf(key, sizeof(key), "%s died of %s", who, how);
		tally_add(tally_at(&d->deaths, key), 0, 0, true, false);
	}
}

static void count_proc(struct verdict *d, struct view_cursor *c, const char *op)
{
	char who[96];

	if (!strcmp(op, "fork")) {
		report_who(c, who, sizeof(who));
		tally_add(tally_at(&d->forks, who), 0, 0, false, false);
	} else if (!strcmp(op, "exec")) {
		d->nr_starts++;
	} else if (!strcmp(op, "exit") && d->status != VIEW_NO_COLUMN &&
		   d->last != VIEW_NO_COLUMN) {
		count_death(d, c);
	}
}

void verdict_row(struct verdict *d, struct view_cursor *c)
{
	char stream[16], op[32];
	uint64_t ts, dur = 0;

	view_get_text(c, VIEW_STREAM, stream, sizeof(stream));
	if (!strcmp(stream, "proc")) {
		view_get_text(c, VIEW_OP, op, sizeof(op));
		count_proc(d, c, op);
		return; /* an exit began when its process did */
	}
	d->nr_fs += !strcmp(stream, "fs");
	d->nr_block += !strcmp(stream, "block");
	if (!view_get_u64(c, VIEW_TS, &ts))
		return;
	view_get_u64(c, VIEW_DUR, &dur);
	if (!d->first_ts || ts < d->first_ts)
		d->first_ts = ts;
	if (ts + dur > d->end_ts)
		d->end_ts = ts + dur;
}

static bool is_grave(const char *error)
{
	static const char *const names[] = {
		"EIO",    "ENOSPC", "EDQUOT",    "EROFS",   "EMFILE",
		"ENFILE", "ENOMEM", "ESTALE",    "EUCLEAN", "ETIMEDOUT",
		"ENOLCK", "EFBIG",  "EREMOTEIO", "ENODEV",
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], error))
			return true;
	return false;
}

void verdict_failure(struct verdict *d, struct view_cursor *c, const char *op,
		     const char *error, const char *path)
{
	static char key[KEY_SIZE];
	const char *slash = strrchr(path, '/');
	bool grave = is_grave(error);
	char who[96];
	int len = (int)strlen(path);

	report_who(c, who, sizeof(who));
	if (!grave && slash) /* the folder says it for all that is in it */
		len = slash == path ? 1 : (int)(slash - path);
	if (grave)
		snprintf(key, sizeof(key), "%s%s%.*s by %s failed with %s", op,
			 len ? " of " : "", len, path, who, error);
	else
		snprintf(key, sizeof(key), "%s by %s failed with %s%s%.*s", op,
			 who, error, len ? " in " : "", len, path);
	tally_add(tally_at(grave ? &d->grave : &d->failures, key), 0, 0, true,
		  false);
}

void verdict_time(struct verdict *d, struct view_cursor *c, const char *path,
		  uint64_t dur_ns)
{
	static char key[KEY_SIZE];
	char who[96];

	report_who(c, who, sizeof(who));
	snprintf(key, sizeof(key), "%s on %s", who, path);
	tally_add(tally_at(&d->pairs, key), dur_ns, 0, false, false);
}

/* ---- in words ---------------------------------------------------------------- */

static void bullet(void)
{
	printf("%s*%s ", terminal_bold(), terminal_off());
}

static void print_key(const char *key)
{
	char text[KEY_SIZE];

	row_print_bytes(text, sizeof(text), key, strlen(key));
	fputs(text, stdout);
}

/* "fsync of /a/b by dd (29989)" */
static void print_operation(const struct view *v, struct view_cursor *c)
{
	static char path[KEY_SIZE];
	char op[32], who[96], stream[16];

	view_get_text(c, VIEW_OP, op, sizeof(op));
	report_who(c, who, sizeof(who));
	view_get_text(c, VIEW_STREAM, stream, sizeof(stream));
	if (!view_get_text(c, VIEW_PATH, path, sizeof(path)) &&
	    view_get_text(c, VIEW_DEV, path, sizeof(path)))
		row_print_value(path, sizeof(path), v, c, VIEW_DEV);
	printf("%s%s%s", strcmp(stream, "block") ? "" : "block ", op,
	       path[0] ? " of " : "");
	print_key(path);
	fputs(" by ", stdout);
	print_key(who);
}

struct span {
	uint64_t from, to;
	uint64_t all;
	struct tally devices, processes;
};

/* Requests that the device worked on, or kept waiting, within the span. */
static void gather_requests(struct view *v, struct span *s, size_t but)
{
	struct view_cursor *c = view_cursor_new(v);
	unsigned queue = view_find_column(v, "queue_dur");

	for (size_t i = 0; c && i < view_nr_rows(v); i++) {
		char key[64], op[32];
		uint64_t ts, dur, bytes = 0;

		view_seek(c, i);
		if (i == but || queue == VIEW_NO_COLUMN ||
		    !view_stream_has(v, view_row_stream(c), queue) ||
		    !view_get_u64(c, VIEW_TS, &ts) || ts > s->to ||
		    !view_get_u64(c, VIEW_DUR, &dur) || ts + dur < s->from)
			continue;
		s->all++;
		view_get_u64(c, VIEW_SIZE, &bytes);
		row_print_value(key, 24, v, c, VIEW_DEV);
		view_get_text(c, VIEW_OP, op, sizeof(op));
		snprintf(key + strlen(key), sizeof(key) - strlen(key), " %s",
			 op);
		tally_add(tally_at(&s->devices, key), dur, bytes, false, false);
		report_who(c, key, sizeof(key));
		tally_add(tally_at(&s->processes, key), dur, 0, false, false);
	}
	view_cursor_free(c);
}

static void print_meanwhile(struct view *v, struct span *s, size_t but,
			    bool have_block)
{
	const struct tally_entry *d, *p;
	char max[32], bytes[32];

	gather_requests(v, s, but);
	tally_sort(&s->devices, TALLY_BY_TIME);
	tally_sort(&s->processes, TALLY_BY_COUNT);
	if (s->devices.nr && s->processes.nr) {
		d = s->devices.entries[0];
		p = s->processes.entries[0];
		printf("  meanwhile block %s: %" PRIu64
		       " requests, %s, slowest %s; ",
		       d->key, d->count, units_human_size(bytes, d->bytes),
		       units_human_time(max, d->max_ns));
		print_key(p->key);
		printf(" sent %" PRIu64 " of all %" PRIu64 "\n", p->count,
		       s->all);
	} else if (have_block) {
		printf("  no block request that has completed overlaps it\n");
	}
	tally_free(&s->devices);
	tally_free(&s->processes);
}

static void print_slow(struct verdict *d, struct view *v, size_t row,
		       bool fired)
{
	struct view_cursor *c = view_cursor_new(v);
	struct span s = { 0 };
	uint64_t dur = 0;
	char human[32];

	if (!c)
		return;
	view_seek(c, row);
	view_get_u64(c, VIEW_TS, &s.from);
	view_get_u64(c, VIEW_DUR, &dur);
	if (fired || dur >= TELLING_NS) {
		s.to = s.from + dur;
		bullet();
		print_operation(v, c);
		printf(" took %s%s%s%s\n", terminal_bold(),
		       units_human_time(human, dur), terminal_off(),
		       fired ? "" : ", the slowest on a file or device");
		print_meanwhile(v, &s, row, d->nr_block > 0);
	}
	view_cursor_free(c);
}

static void print_hung(struct view *inflight)
{
	struct view_cursor *c = inflight ? view_cursor_new(inflight) : NULL;
	unsigned age = inflight ? view_find_column(inflight, "age") : 0;
	size_t oldest = 0, nr = 0;
	uint64_t most = 0, ns;
	char human[32];

	for (size_t i = 0; c && i < view_nr_rows(inflight); i++) {
		view_seek(c, i);
		if (view_row_peer(c) || !view_get_u64(c, age, &ns))
			continue;
		nr++;
		if (ns >= most)
			oldest = i;
		most = ns > most ? ns : most;
	}
	if (nr && most >= TELLING_NS) {
		view_seek(c, oldest);
		bullet();
		print_operation(inflight, c);
		printf(" had not returned after %s%s%s", terminal_bold(),
		       units_human_time(human, most), terminal_off());
		if (nr > 1)
			printf(", nor had %zu other%s", nr - 1,
			       nr > 2 ? "s" : "");
		putchar('\n');
	}
	view_cursor_free(c);
}

/* The most frequent ones that are at least so many. */
static void print_counted(struct tally *t, uint64_t least)
{
	tally_sort(t, TALLY_BY_COUNT);
	for (size_t i = 0; i < t->nr && i < LINES_EACH; i++) {
		if (t->entries[i]->count < least)
			return;
		bullet();
		print_key(t->entries[i]->key);
		if (t->entries[i]->count > 1)
			printf(", %" PRIu64 " times", t->entries[i]->count);
		putchar('\n');
	}
	if (t->nr > LINES_EACH && t->entries[LINES_EACH]->count >= least)
		printf("  and %zu more of that kind\n", t->nr - LINES_EACH);
}

static void print_forks(struct verdict *d)
{
	double seconds = (double)(d->end_ts - d->first_ts) / SEC;
	const struct tally_entry *e;
	char span[32];

	tally_sort(&d->forks, TALLY_BY_COUNT);
	e = d->forks.nr ? d->forks.entries[0] : NULL;
	if (!e || e->count < FORKS || (double)e->count < FORKS_PER_S * seconds)
		return;
	bullet();
	print_key(e->key);
	printf(" started %" PRIu64 " processes or threads in %s\n", e->count,
	       units_human_time(span, d->end_ts - d->first_ts));
}

static void print_busiest(struct verdict *d)
{
	const struct tally_entry *e;
	uint64_t all = 0;
	char human[32];
	unsigned share;

	for (size_t i = 0; i < d->pairs.nr; i++)
		all += d->pairs.entries[i]->time_ns;
	tally_sort(&d->pairs, TALLY_BY_TIME);
	e = d->pairs.nr ? d->pairs.entries[0] : NULL;
	share = e && all ?
			(unsigned)(100 * ((double)e->time_ns / (double)all)) :
			0;
	if (share < TELLING_SHARE)
		return;
	bullet();
	printf("%u %% of the time in file operations was ", share);
	print_key(e->key);
	printf(": %s in %" PRIu64 " operations\n",
	       units_human_time(human, e->time_ns), e->count);
}

void verdict_print(struct verdict *d, struct view *v, size_t fired,
		   size_t slowest, struct view *inflight)
{
	char span[32];

	report_title("IN SHORT");
	if (fired != SIZE_MAX)
		print_slow(d, v, fired, true);
	else if (slowest != SIZE_MAX)
		print_slow(d, v, slowest, false);
	print_hung(inflight);
	print_counted(&d->grave, 1);
	print_counted(&d->deaths, 1);
	print_counted(&d->failures, STORM);
	print_forks(d);
	print_busiest(d);
	bullet();
	printf("%" PRIu64 " file operations, %" PRIu64
	       " block requests and %" PRIu64 " program starts in %s\n",
	       d->nr_fs, d->nr_block, d->nr_starts,
	       units_human_time(span, d->end_ts - d->first_ts));
}
