/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inflight.c - an operation that began more than a limit ago has not returned.
 *
 * All tables of operations in flight are scanned once in half a limit, for those
 * that are older than half of it; these are looked at again when their time is up.
 * So none is found later than STEP_NS after its limit, and scans are rare, however
 * many are in flight.  Each operation over the limit is a change of its own.
 *
 * A filter by path is decided once for each operation: its names stay what they were
 * when it began.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "triggers/keys.h"
#include "triggers/look.h"
#include "triggers/op_set.h"
#include "triggers/slot_match.h"
#include "triggers/units.h"
#include "triggers/where.h"

#define LIMIT_MIN_NS 10000000ULL
#define LIMIT_MAX_NS (168 * 3600000000000ULL)
#define STEP_NS      10000000ULL   /* between two looks */
#define SCAN_MAX_NS  1000000000ULL /* between two scans */
#define OVERDUE_MAX  256           /* told one by one; more are not told of */
#define STREAMS                                                            \
	(1u << FR_STREAM_FS | 1u << FR_STREAM_NET | 1u << FR_STREAM_CONN | \
	 1u << FR_STREAM_EPOLL | 1u << FR_STREAM_SOCKOPT |                 \
	 1u << FR_STREAM_BLOCK)

struct waiting {
	struct look_op *ops; /* in flight at the last scan, not over the limit */
	size_t nr, room;
	struct look_op overdue[OVERDUE_MAX];
	unsigned nr_overdue;
	uint64_t scan_ns; /* next scan */
	struct look *look;
	struct fr_glob glob;
	struct look_op asked[LOOK_PATHS_MAX]; /* over the limit: whose paths? */
	unsigned nr_asked;
	struct look_paths *paths; /* as many; NULL: no filter by path */
	/* over the limit on other paths; and those of them the scan has seen */
	struct op_set refused, still_refused;
};

static int claims(const struct lex *l)
{
	return keys_begin(l) && lex_next_is(l, "inflight") ? 3 : 0;
}

static int parse(struct lex *l, struct rule_cond *ret)
{
	struct lex begin = *l, at;
	int r = keys_parse(l, ret);

	if (r < 0)
		return r;
	if (ret->streams & ~STREAMS)
		return lex_fail(&begin,
				"of fault and uring it is not known what "
				"is in flight; use `latency`");
	lex_next(l); /* inflight */
	if (!lex_is(l, ">"))
		return lex_expect(l, "`>`");
	lex_next(l);
	at = *l;
	r = lex_time(l, ">", false, LIMIT_MAX_NS, &ret->limit_ns);
	if (!r && ret->limit_ns < LIMIT_MIN_NS)
		return lex_fail(&at, "operations in flight are looked at every "
				     "10ms at most; use `latency`");
	return r;
}

/* ---- looking ------------------------------------------------------------------ */
static bool is_wanted(const struct rule_cond *c, const struct look_op *op)
{
	const struct rule_where *w = &c->where;
	uint32_t unlike = 0;

	if (!(c->keys[op->key / 64] >> (op->key % 64) & 1) ||
	    !(c->streams >> op->stream & 1))
		return false;
	if (op->pid != w->pid)
		unlike |= FR_WHERE_PID;
	/* one that is not there is nobody's, also not of those that have none */
	if (w->dev == ~0u || (op->dev != w->dev && op->dev2 != w->dev))
		unlike |= FR_WHERE_DEV;
	return !((unlike ^ w->not ) & w->set & (FR_WHERE_PID | FR_WHERE_DEV));
}

/* ? is any byte, * at the end any rest. */
static bool comm_matches(const char *pattern, const char *comm)
{
	for (; *pattern && *pattern != '*'; pattern++, comm++)
		if (!*comm || (*pattern != '?' && *pattern != *comm))
			return false;
	return *pattern == '*' || !*comm;
}

/* The first line of a file, without its end; "" if it cannot be read. */
static void read_line(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");

	buf[0] = '\0';
	if (!f)
		return;
	if (!fgets(buf, (int)size, f))
		buf[0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	fclose(f);
}

static bool in_group(const char *path, const char *group)
{
	size_t n = strlen(group);

	while (n && group[n - 1] == '/')
		n--;
	return !strncmp(path, group, n) && (!path[n] || path[n] == '/');
}

/* What the tables do not hold is asked of /proc, of the few that are overdue. */
static bool proc_matches(const struct look *l, const struct look_op *op)
{
	const struct rule_where *w = &l->cond.where;
	char path[512], line[512];
	uint32_t unlike = 0;
	char *v2;

	if (w->set & FR_WHERE_COMM) {
		snprintf(path, sizeof(path), "%s/proc/%u/comm", l->world->root,
			 op->tid);
		read_line(path, line, sizeof(line));
		if (!comm_matches(w->comm, line))
			unlike |= FR_WHERE_COMM;
	}
	if (w->set & FR_WHERE_CGROUP) {
		FILE *f;
		bool in = false;

		snprintf(path, sizeof(path), "%s/proc/%u/cgroup",
			 l->world->root, op->pid);
		f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f)) {
			line[strcspn(line, "\n")] = '\0';
			v2 = strncmp(line, "0::", 3) ? NULL : line + 3;
			in |= v2 && in_group(v2, w->group);
		}
		if (f)
			fclose(f);
		if (!in)
			unlike |= FR_WHERE_CGROUP;
	}
	return !((unlike ^ w->not ) & w->set &
		 (FR_WHERE_COMM | FR_WHERE_CGROUP));
}

static bool is_same(const struct look_op *a, const struct look_op *b)
{
	return a->ts == b->ts && a->id == b->id && a->source == b->source;
}

static void take(void *arg, const struct look_op *op)
{
	struct waiting *w = arg;
	struct look_op *grown;

	if (!is_wanted(&w->look->cond, op))
		return;
	for (unsigned i = 0; i < w->nr_overdue; i++)
		if (is_same(&w->overdue[i], op))
			return;
	if (op_set_has(&w->refused, op)) {
		op_set_add(&w->still_refused, op);
		return;
	}
	if (w->nr == w->room) {
		w->room = w->room ? 2 * w->room : 64;
		grown = realloc(w->ops, w->room * sizeof(*grown));
		if (!grown) {
			w->room = w->nr;
			return;
		}
		w->ops = grown;
	}
	w->ops[w->nr++] = *op;
}

static void scan(struct look *l, struct waiting *w, uint64_t now_ns)
{
	uint64_t half = l->cond.limit_ns / 2;

	if (now_ns < w->scan_ns)
		return;
	w->nr = 0;
	if (half > SCAN_MAX_NS)
		half = SCAN_MAX_NS;
	/* what is younger is found by the next scan, even if that is late */
	l->world->scan(l->world->arg,
		       now_ns - l->cond.limit_ns + half + 2 * STEP_NS, take, w);
	w->scan_ns = now_ns + half;
	op_set_clear(&w->refused);
	w->refused = w->still_refused;
	w->still_refused = (struct op_set){ .slots = NULL };
}

static void drop_returned(struct look *l, struct waiting *w, uint64_t now_ns)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < w->nr_overdue; i++) {
		struct engine_hit h = { .ts = w->overdue[i].ts };

		if (l->world->in_flight(l->world->arg, &w->overdue[i]))
			w->overdue[kept++] = w->overdue[i];
		else
			look_say(l, now_ns, HIT_OFF, &h);
	}
	w->nr_overdue = kept;
}

static void say_overdue(struct look *l, struct waiting *w,
			const struct look_op *op, uint64_t now_ns)
{
	struct engine_hit h = { .ts = op->ts,
				.dur = now_ns - op->ts,
				.key = op->key,
				.pid = op->pid,
				.tid = op->tid };
	char path[512];

	if (w->nr_overdue == OVERDUE_MAX)
		return;
	w->overdue[w->nr_overdue++] = *op;
	snprintf(path, sizeof(path), "%s/proc/%u/comm", l->world->root,
		 op->tid);
	read_line(path, h.comm, sizeof(h.comm));
	look_say(l, now_ns, HIT_ON, &h);
}

static bool path_passes(const struct waiting *w, const struct look_paths *p)
{
	bool like = false;

	for (unsigned i = 0; i < p->nr; i++)
		like |= slot_path_like(&w->glob, p->text[i]);
	return like == !(w->look->cond.where.not &FR_WHERE_PATH);
}

/* All of them at once: it takes one pass over what there is of names. */
static void judge_paths(struct look *l, struct waiting *w, uint64_t now_ns)
{
	const struct look_world *world = l->world;

	if (!w->nr_asked)
		return;
	world->paths(world->arg, w->asked, w->nr_asked, w->paths);
	for (unsigned i = 0; i < w->nr_asked; i++) {
		const struct look_op *op = &w->asked[i];

		/* of one that has returned meanwhile nothing is known, too */
		if (!world->in_flight(world->arg, op))
			continue;
		if (!w->paths[i].known)
			w->ops[w->nr++] =
				*op; /* it came from there: has room */
		else if (path_passes(w, &w->paths[i]))
			say_overdue(l, w, op, now_ns);
		else
			op_set_add(&w->refused, op); /* or is asked again */
	}
	w->nr_asked = 0;
}

/* Over the limit.  False: there is no room for it now, later. */
static bool judge(struct look *l, struct waiting *w, const struct look_op *op,
		  uint64_t now_ns)
{
	if (w->nr_overdue == OVERDUE_MAX ||
	    !l->world->in_flight(l->world->arg, op))
		return true;
	if (w->paths && w->nr_asked == LOOK_PATHS_MAX)
		return false;
	if (!proc_matches(l, op))
		return true;
	if (w->paths)
		w->asked[w->nr_asked++] = *op;
	else
		say_overdue(l, w, op, now_ns);
	return true;
}

/* Those whose time is up; when the next one's is. */
static uint64_t check(struct look *l, struct waiting *w, uint64_t now_ns)
{
	uint64_t next = w->scan_ns, limit = l->cond.limit_ns;
	size_t kept = 0;

	for (size_t i = 0; i < w->nr; i++) {
		const struct look_op *op = &w->ops[i];
		bool due = now_ns >= op->ts + limit;

		if (due && judge(l, w, op, now_ns))
			continue;
		if (due)
			next = now_ns;
		else if (op->ts + limit < next)
			next = op->ts + limit;
		w->ops[kept++] = *op;
	}
	w->nr = kept;
	judge_paths(l, w, now_ns);
	return w->nr > kept ? now_ns : next;
}

static int look_open(struct look *l, uint64_t now_ns)
{
	struct waiting *w;

	if (!l->world->scan ||
	    (l->cond.where.set & FR_WHERE_PATH && !l->world->paths))
		return -EOPNOTSUPP;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->look = l;
	if (l->cond.where.set & FR_WHERE_PATH) {
		where_fill_glob(&l->cond.where, &w->glob);
		w->paths = calloc(LOOK_PATHS_MAX, sizeof(*w->paths));
		if (!w->paths) {
			free(w);
			return -ENOMEM;
		}
	}
	l->state = w;
	l->due_ns = now_ns;
	return 0;
}

static void look(struct look *l, uint64_t now_ns)
{
	struct waiting *w = l->state;
	uint64_t next;

	w->look = l;
	drop_returned(l, w, now_ns);
	scan(l, w, now_ns);
	next = check(l, w, now_ns);
	l->due_ns = next > now_ns + STEP_NS ? next : now_ns + STEP_NS;
}

static void look_close(struct look *l)
{
	struct waiting *w = l->state;

	for (unsigned i = 0; i < w->nr_overdue; i++) {
		struct engine_hit h = { .ts = w->overdue[i].ts };

		look_say(l, l->due_ns, HIT_OFF, &h);
	}
	op_set_clear(&w->refused);
	free(w->paths);
	free(w->ops);
	free(w);
}

static void describe(const struct rule_cond *c, const struct engine_hit *h,
		     char *buf, size_t size)
{
	char age[32], limit[32];

	if (!h->dur) {
		snprintf(buf, size, "an operation returned at last");
		return;
	}
	snprintf(buf, size,
		 "%s of thread %u%s%s%s has not returned for %s, limit %s",
		 keys_name(h->key), h->tid, h->comm[0] ? " (" : "", h->comm,
		 h->comm[0] ? ")" : "", units_human_time(age, h->dur),
		 units_format_time(limit, c ? c->limit_ns : 0));
}

const struct detector_ops detector_inflight = {
	.name = "inflight",
	.doc = "An operation has been in flight for longer than a limit and has "
	       "not returned. Looked at from outside: it costs the operation "
	       "nothing.",
	.syntax = "fs.OPERATION inflight > TIME",
	.example = "block inflight > 2s",
	.where = FR_WHERE_COMM | FR_WHERE_PID | FR_WHERE_CGROUP | FR_WHERE_DEV |
		 FR_WHERE_PATH,
	.claims = claims,
	.parse = parse,
	.look_open = look_open,
	.look = look,
	.look_close = look_close,
	.describe = describe,
};
