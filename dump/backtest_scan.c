/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backtest_scan.c - rows become events: what some condition waits for is kept, of
 * the rest only what came nearest. */
#include "dump/backtest_impl.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "triggers/keys.h"

#define DEV_UNKNOWN 0xfffffffeU /* unlike that of a filter that names nothing */
#define STATUS_BITS 0xff7fU     /* that a core was dumped makes no difference */

/* ---- facts: cgroups, snapshots that were taken --------------------------------- */

static void add_group(struct backtest *b, struct view_cursor *c)
{
	struct bt_group *g;
	uint64_t id;

	if (!view_get_u64(c, VIEW_CGROUP, &id))
		return;
	g = bt_add(b, &b->groups, sizeof(*g));
	if (!g)
		return;
	g->id = id;
	view_get_text(c, view_find_column(b->v, "cgroup_path"), g->path,
		      sizeof(g->path));
}

static int compare_ids(const void *p, const void *q)
{
	const struct bt_group *x = p, *y = q;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return strcmp(x->path, y->path);
}

static void sort_groups(struct backtest *b)
{
	struct bt_group *g = b->groups.data;
	size_t kept = 0;

	if (b->groups.nr)
		qsort(g, b->groups.nr, sizeof(*g), compare_ids);
	for (size_t i = 0; i < b->groups.nr; i++)
		if (g[i].path[0] && (!kept || g[kept - 1].id != g[i].id))
			g[kept++] = g[i];
	b->groups.nr = kept;
}

/* "trigger manual fired: ...": the engine's words */
static bool is_manual_hit(const char *op, uint64_t trigger, const char *text)
{
	return !strcmp(op, "note") &&
	       (trigger == TRIGGER_SIGNAL || trigger == TRIGGER_MANUAL) &&
	       !strncmp(text, "trigger ", 8) && strstr(text, " fired: ");
}

static void add_meta(struct backtest *b, struct view_cursor *c)
{
	struct bt_taken *last = b->taken.nr ? (struct bt_taken *)b->taken.data +
						      b->taken.nr - 1 :
					      NULL;
	uint64_t ts = 0, trigger = 0, *manual;
	char op[24], text[64];
	struct bt_taken *t;

	view_get_u64(c, VIEW_TS, &ts);
	ts = bt_time(b, view_row_file(c), ts);
	view_get_text(c, VIEW_OP, op, sizeof(op));
	view_get_text(c, view_find_column(b->v, "text"), text, sizeof(text));
	view_get_u64(c, view_find_column(b->v, "trigger"), &trigger);
	if (!strcmp(op, "trigger")) {
		t = bt_add(b, &b->taken, sizeof(*t));
		if (t)
			t->start = ts;
	} else if (!strncmp(op, "dump", 4) && last && !last->end) {
		last->end = ts;
	} else if (is_manual_hit(op, trigger, text) && ts >= b->begin) {
		manual = bt_add(b, &b->manual, sizeof(*manual));
		if (manual)
			*manual = ts;
	}
}

void bt_scan_facts(struct backtest *b, struct view_cursor *c)
{
	unsigned meta = view_find_stream(b->v, "meta");
	unsigned process = view_find_stream(b->v, "process");

	for (size_t i = 0; i < view_nr_rows(b->v); i++) {
		view_seek(c, i);
		if (view_row_stream(c) == meta)
			add_meta(b, c);
		else if (view_row_stream(c) == process)
			add_group(b, c);
	}
	sort_groups(b);
}

/* ---- events --------------------------------------------------------------------- */

struct names { /* what of the row was looked up already */
	struct view_cursor *c;
	bool done, paths_done;
	char path[PATH_MAX], path2[PATH_MAX];
	char asked[PATH_MAX]; /* "": as path */
};

static void names_begin(struct names *n, struct view_cursor *c)
{
	n->c = c;
	n->done = n->paths_done = false;
}

/* Paths that the snapshot had, but does not hold any more, are not known. */
static void look_up_paths(struct backtest *b, struct names *n,
			  struct bt_event *e)
{
	unsigned column = view_find_column(b->v, "mark");
	char mark[256] = "";

	if (n->paths_done)
		return;
	n->paths_done = true;
	view_get_text(n->c, VIEW_PATH, n->path, sizeof(n->path));
	view_get_text(n->c, VIEW_PATH2, n->path2, sizeof(n->path2));
	if (!view_get_asked(n->c, n->asked, sizeof(n->asked)))
		n->asked[0] = '\0';
	if (column != VIEW_NO_COLUMN)
		view_get_text(n->c, column, mark, sizeof(mark));
	if (strstr(mark, "_gone"))
		e->ev.unknown |= FR_WHERE_PATH;
}

static bool path_like(struct backtest *b, const struct bt_cond *c,
		      struct names *n, struct bt_event *e)
{
	const char *path = n->path;

	look_up_paths(b, n, e);
	/* which file is opened is not known while it hangs */
	if (c->kind == BT_INFLIGHT && n->asked[0])
		path = n->asked;
	if (!c->glob || !(slot_path_like(c->glob, path) ||
			  slot_path_like(c->glob, n->path2)))
		return false;
	e->paths |= 1ull << c->path_bit;
	return true;
}

static void look_up(struct backtest *b, struct names *n, struct bt_event *e)
{
	bool process = e->what == FR_WHAT_EXIT || e->what == FR_WHAT_OOM;
	char comm[17] = "";
	uint64_t v;
	bool known;

	if (n->done)
		return;
	n->done = true;
	known = process ? view_get_process_comm(n->c, comm, sizeof(comm)) :
			  view_get_text(n->c, VIEW_COMM, comm, sizeof(comm));
	/* of a request to io_uring the kernel asks who completes it */
	if (!known || e->ev.stream == FR_STREAM_URING)
		e->ev.unknown |= FR_WHERE_COMM;
	memcpy(e->ev.comm, comm, 16);
	e->ev.cgroup = view_get_u64(n->c, VIEW_CGROUP, &v) ? v : 0;
	if (!bt_group_path(b, e->ev.cgroup) || e->ev.stream == FR_STREAM_URING)
		e->ev.unknown |= FR_WHERE_CGROUP;
	e->ev.in_group = bt_in_group;
	e->ev.arg = b;
}

/* Is the event of the kind that the condition is about?  Limits are not asked. */
static bool is_of(const struct bt_cond *c, uint32_t what,
		  const struct slot_event *ev)
{
	if (c->kind != BT_EVENT && c->kind != BT_INFLIGHT &&
	    c->kind != BT_PERCENTILE)
		return false;
	if (c->slot.what == FR_WHAT_EXIT || c->slot.what == FR_WHAT_OOM)
		return c->slot.what == what;
	return what == FR_WHAT_LATENCY &&
	       c->slot.keys[ev->key / 64 % (FR_KEYS / 64)] >> (ev->key % 64) &
		       1 &&
	       c->slot.streams >> (ev->stream & 31) & 1;
}

static void note_nearest(struct bt_cond *c, const struct bt_event *e)
{
	c->passed++;
	if (c->row != BACKTEST_NO_ROW && e->ev.dur <= c->max_dur)
		return;
	c->max_dur = e->ev.dur;
	c->row = e->row;
}

/* Would the slot take it, whatever its filters? */
static bool wants(const struct bt_cond *c, uint32_t what,
		  const struct slot_event *ev)
{
	return slot_wants(&c->slot,
			  what == FR_WHAT_LATENCY ? c->slot.what : what, ev);
}

/* Does the event pass the filters?  Notes what cannot be told, of events that would
 * matter. */
static bool passes(struct backtest *b, struct bt_cond *c, struct names *n,
		   struct bt_event *e)
{
	struct fr_trigger_slot but_path = c->slot;
	bool like = false;
	uint32_t unknown;

	but_path.where &= ~FR_WHERE_PATH;
	if (c->slot.where)
		look_up(b, n, e);
	if (c->slot.where & FR_WHERE_PATH &&
	    (slot_passes(&but_path, false, &e->ev) ||
	     slot_unknown(&but_path, &e->ev)))
		like = path_like(b, c, n, e);
	else if (c->slot.where & FR_WHERE_PATH)
		return false; /* whatever its path is */
	unknown = slot_unknown(&c->slot, &e->ev);
	if (c->kind == BT_PERCENTILE || wants(c, e->what, &e->ev)) {
		c->nameless += unknown & FR_WHERE_COMM ? 1 : 0;
		c->groupless += unknown & FR_WHERE_CGROUP ? 1 : 0;
		c->pathless += unknown & FR_WHERE_PATH ? 1 : 0;
	}
	return slot_passes(&c->slot, like, &e->ev);
}

/* True: some condition waits for it, so that the engine must see it. */
static bool take(struct backtest *b, struct names *n, struct bt_event *e)
{
	bool wanted = false;

	for (unsigned i = 0; i < b->nr_conds; i++) {
		struct bt_cond *c = &b->conds[i];
		bool is;

		if (!is_of(c, e->what, &e->ev))
			continue;
		c->seen++;
		if (!passes(b, c, n, e))
			continue;
		note_nearest(c, e);
		if (c->kind == BT_PERCENTILE) {
			bt_percentile_take(b, c, e);
			continue;
		}
		is = wants(c, e->what, &e->ev);
		if (is && c->kind == BT_INFLIGHT)
			bt_inflight_take(b, c, e, e->ev.dur, true);
		c->met += is && c->kind == BT_EVENT;
		wanted |= is && c->kind == BT_EVENT;
	}
	return wanted;
}

static uint64_t number(struct view_cursor *c, unsigned column)
{
	uint64_t v = 0;

	if (column != VIEW_NO_COLUMN)
		view_get_u64(c, column, &v);
	return v;
}

/* Of a process: how it ended, or that it was killed.  False: neither. */
static bool fill_process(struct backtest *b, struct view_cursor *c,
			 struct bt_event *e)
{
	char op[16];

	view_get_text(c, VIEW_OP, op, sizeof(op));
	if (!strcmp(op, "oom")) {
		e->what = FR_WHAT_OOM;
	} else if (!strcmp(op, "exit") &&
		   number(c, view_find_column(b->v, "last")) == 1) {
		e->what = FR_WHAT_EXIT;
		e->ev.value =
			(int32_t)(number(c, view_find_column(b->v, "status")) &
				  STATUS_BITS);
	} else {
		return false;
	}
	e->end = e->ts + number(c, VIEW_DUR);
	e->ts = e->end; /* as the kernel tells of it */
	e->ev.dur = 0;
	e->ev.stream = FR_STREAM_PROC;
	e->ev.dev = e->ev.dev2 = DEV_UNKNOWN;
	return true;
}

static bool fill_operation(struct view_cursor *c, struct bt_event *e)
{
	struct view_operation op;
	uint64_t dur, ret;

	if (!view_get_operation(c, &op) || !view_get_u64(c, VIEW_DUR, &dur))
		return false;
	e->what = FR_WHAT_LATENCY;
	e->end = e->ts + dur;
	e->ev.dur = dur;
	e->ev.stream = op.stream;
	e->ev.key = op.key;
	e->ev.dev = op.dev == ~0u ? DEV_UNKNOWN : op.dev;
	e->ev.dev2 = op.dev2 == ~0u ? DEV_UNKNOWN : op.dev2;
	if (view_get_u64(c, VIEW_RET, &ret) && (int64_t)ret < 0)
		e->ev.value = (int32_t) - (int64_t)ret;
	return true;
}

static void fill_rest(struct view_cursor *c, struct bt_event *e)
{
	e->ev.pid = (uint32_t)number(c, VIEW_PID);
	e->tid = (uint32_t)number(c, VIEW_TID);
	e->cpu = (uint32_t)number(c, VIEW_CPU);
	e->seq = number(c, VIEW_SEQ);
}

static void add_event(struct backtest *b, struct view_cursor *c, size_t row,
		      bool is_process)
{
	struct bt_event e = { .row = row, .ts = number(c, VIEW_TS) }, *to;
	struct names n;

	names_begin(&n, c);
	if (is_process ? !fill_process(b, c, &e) : !fill_operation(c, &e))
		return;
	e.end = bt_time(b, view_row_file(c), e.end);
	if (e.end < b->begin || e.end > b->end)
		return;
	fill_rest(c, &e);
	if (!take(b, &n, &e))
		return;
	look_up(b, &n, &e);
	to = bt_add(b, &b->events, sizeof(*to));
	if (to)
		*to = e;
}

/* What had not returned when the ring was frozen. */
static void add_inflight(struct backtest *b, struct view_cursor *c, size_t row)
{
	struct bt_event e = { .row = row, .ts = number(c, VIEW_TS) };
	uint64_t age = number(c, view_find_column(b->v, "age"));
	struct names n;
	struct view_operation op;

	names_begin(&n, c);
	if (!view_get_operation(c, &op) || !age)
		return;
	e.what = FR_WHAT_LATENCY;
	e.end = bt_time(b, view_row_file(c), e.ts + age);
	e.ev.dur = age;
	e.ev.stream = op.stream;
	e.ev.key = op.key;
	e.ev.dev = op.dev == ~0u ? DEV_UNKNOWN : op.dev;
	e.ev.dev2 = op.dev2 == ~0u ? DEV_UNKNOWN : op.dev2;
	fill_rest(c, &e);
	for (unsigned i = 0; i < b->nr_conds; i++) {
		struct bt_cond *k = &b->conds[i];

		if (k->kind != BT_INFLIGHT || !is_of(k, e.what, &e.ev))
			continue;
		k->seen++;
		if (!passes(b, k, &n, &e))
			continue;
		look_up(b, &n, &e);
		note_nearest(k, &e);
		if (slot_wants(&k->slot, e.what, &e.ev))
			bt_inflight_take(b, k, &e, age, false);
	}
}

/* ---- all rows --------------------------------------------------------------------- */

enum use {
	USE_NOTHING,
	USE_OPERATION,
	USE_PROCESS,
	USE_SAMPLE,
	USE_INFLIGHT
};

static enum use use_of(const struct backtest *b, unsigned stream)
{
	static const struct {
		const char *name;
		enum use use;
	} others[] = {
		{ "proc", USE_PROCESS },      { "sample", USE_SAMPLE },
		{ "inflight", USE_INFLIGHT }, { "meta", USE_NOTHING },
		{ "hist", USE_NOTHING },      { "process", USE_NOTHING },
		{ "system", USE_NOTHING },
	};
	const char *name = view_stream_name(b->v, stream);

	for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (!strcmp(others[i].name, name))
			return others[i].use;
	return USE_OPERATION;
}

static void scan_row(struct backtest *b, struct view_cursor *c, size_t row)
{
	switch (use_of(b, view_row_stream(c))) {
	case USE_OPERATION:
		add_event(b, c, row, false);
		break;
	case USE_PROCESS:
		add_event(b, c, row, true);
		break;
	case USE_SAMPLE:
		bt_samples_row(b, c);
		break;
	case USE_INFLIGHT:
		add_inflight(b, c, row);
		break;
	case USE_NOTHING:
		break;
	}
}

void bt_scan_rows(struct backtest *b, struct view_cursor *c)
{
	size_t nr = view_nr_rows(b->v);

	for (size_t i = 0; i < nr && !b->no_memory; i++) {
		view_seek(c, i);
		scan_row(b, c, i);
		if (i % 4096 == 0)
			bt_progress(b, (unsigned)(i * 50 / nr));
	}
}
