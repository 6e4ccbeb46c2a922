/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backtest_cover.c - what of the span the snapshots hold, and so which rules they
 * decide.
 */
#include "dump/backtest_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/view_filter.h"
#include "recorder/config.h"
#include "triggers/units.h"

#define CLOSE_NS 1000000ULL /* so near, two pieces are one */

/* ---- lanes ------------------------------------------------------------------------ */

static uint64_t fact_u64(const struct backtest *b, unsigned file,
			 const char *key)
{
	const char *text = snap_fact(view_snap(b->v, file), key);

	return text ? strtoull(text, NULL, 10) : 0;
}

static const struct snap_coverage *covered(const struct backtest *b,
					   unsigned file, unsigned *ret_nr)
{
	const struct snap_coverage *c =
		snap_coverages(view_snap(b->v, file), ret_nr);

	if (!c)
		*ret_nr = 0;
	return c;
}

/* When its recorder began, as far as the file knows. */
static uint64_t began(const struct backtest *b, unsigned file)
{
	uint64_t ns = fact_u64(b, file, "hist.since_ns");
	unsigned nr;
	const struct snap_coverage *c = covered(b, file, &nr);

	if (ns) /* records may be of what began before */
		return ns;
	for (unsigned i = 0; i < nr; i++)
		if (c[i].records && (!ns || c[i].from_ns < ns))
			ns = c[i].from_ns;
	return ns;
}

static uint64_t ended(const struct backtest *b, unsigned file)
{
	uint64_t ns = fact_u64(b, file, "freeze.ts_ns");
	unsigned nr;
	const struct snap_coverage *c = covered(b, file, &nr);

	for (unsigned i = 0; !fact_u64(b, file, "freeze.ts_ns") && i < nr; i++)
		if (c[i].to_ns > ns)
			ns = c[i].to_ns;
	return ns;
}

/* A lane is whole from the latest of its CPUs on; 0: since its recorder began. */
static uint64_t whole_from(const struct backtest *b, unsigned file,
			   unsigned lane)
{
	unsigned nr;
	const struct snap_coverage *c = covered(b, file, &nr);
	uint64_t from = 0;

	for (unsigned i = 0; i < nr; i++)
		if (c[i].lane == lane && c[i].overwritten &&
		    c[i].from_ns > from)
			from = c[i].from_ns;
	return from;
}

static struct bt_piece piece_of(const struct backtest *b, unsigned file,
				unsigned lane)
{
	uint64_t from = whole_from(b, file, lane);

	return (struct bt_piece){
		.from = from ? bt_time(b, file, from) : 0,
		.to = bt_time(b, file, ended(b, file)),
		.source = bt_source(b, file),
		.began = bt_time(b, file, began(b, file)),
	};
}

static uint64_t piece_start(const struct bt_piece *p)
{
	return p->from ? p->from : p->began;
}

static int compare_pieces(const void *p, const void *q)
{
	uint64_t x = piece_start(p), y = piece_start(q);

	return x < y ? -1 : x > y;
}

/* Of all files, in order; to be freed. */
static struct bt_piece *pieces(const struct backtest *b, unsigned lane,
			       unsigned *ret_nr)
{
	unsigned nr = view_nr_files(b->v);
	struct bt_piece *p = calloc(nr, sizeof(*p));

	for (unsigned i = 0; p && i < nr; i++)
		p[i] = piece_of(b, i, lane);
	if (p)
		qsort(p, nr, sizeof(*p), compare_pieces);
	*ret_nr = p ? nr : 0;
	return p;
}

/* Operations over probes.slow_limit are copied to the slow lane, which may go
 * back further than their own. */
static bool slow_serves(const struct backtest *b, const struct bt_cond *c,
			unsigned lane)
{
	for (unsigned f = 0; f < view_nr_files(b->v); f++) {
		const struct fr_config *cfg = b->configs[f];

		if (!cfg || !cfg->probes_slow_limit ||
		    c->slot.limit_ns < cfg->probes_slow_limit ||
		    whole_from(b, f, FR_LANE_SLOW) >= whole_from(b, f, lane))
			return false;
	}
	return (c->kind == BT_EVENT || c->kind == BT_INFLIGHT) &&
	       c->slot.what == FR_WHAT_LATENCY;
}

/* Lanes that a condition needs, as bits; ${own}: those of its streams in any case.
 */
static uint32_t lanes_of(const struct backtest *b, const struct bt_cond *c,
			 bool own)
{
	unsigned nr;
	const struct fr_stream *all = fr_streams(&nr);
	uint32_t lanes = 0;

	if (c->kind == BT_COUNTER || c->kind == BT_PRESSURE)
		return 1u << FR_LANE_SAMPLE;
	if (c->kind == BT_EVENT && !c->c->streams)
		return 1u << FR_LANE_PROC;
	for (unsigned i = 0; i < nr; i++) {
		if (!(c->c->streams >> all[i].number & 1))
			continue;
		if (!own && slow_serves(b, c, all[i].lane))
			lanes |= 1u << FR_LANE_SLOW;
		else
			lanes |= 1u << all[i].lane;
	}
	return lanes;
}

/* ---- the span --------------------------------------------------------------------- */

/* Where the first of the lanes that rules need begins. */
static uint64_t first_start(const struct backtest *b)
{
	uint32_t lanes = 0;
	uint64_t first = UINT64_MAX;

	for (unsigned i = 0; i < b->nr_conds; i++)
		lanes |= lanes_of(b, &b->conds[i], false);
	for (unsigned lane = 0; lane < FR_LANES_MAX; lane++) {
		struct bt_piece *p;
		unsigned nr;

		if (!(lanes >> lane & 1))
			continue;
		p = pieces(b, lane, &nr);
		if (nr && !p[0].from)
			first = 0;
		else if (nr && p[0].from < first)
			first = p[0].from;
		free(p);
	}
	return first == UINT64_MAX ? 0 : first;
}

int bt_cover_span(struct backtest *b, const struct view_filter *span,
		  struct snap_diag *diag)
{
	uint64_t begin, end, last = 0;

	for (unsigned i = 0; i < view_nr_files(b->v); i++) {
		uint64_t to = bt_time(b, i, ended(b, i));

		if (to > last)
			last = to;
	}
	b->begin = first_start(b);
	b->end = last;
	/* a lane that is whole on no CPU: all of it, as far as it goes */
	for (unsigned i = 0; i < view_nr_files(b->v) && b->begin >= last; i++)
		b->begin = bt_time(b, i, began(b, i));
	if (!span || (!span->begin && !span->end))
		return 0;
	if (!view_filter_window(span, b->v, 0, &begin, &end, diag))
		return -EINVAL;
	b->begin_given = span->begin != NULL;
	if (b->begin_given)
		b->begin = bt_time(b, 0, begin);
	if (span->end && bt_time(b, 0, end) < last)
		b->end = bt_time(b, 0, end);
	if (b->end > b->begin)
		return 0;
	snprintf(diag->text, sizeof(diag->text),
		 "there is nothing between --begin and --end");
	return -EINVAL;
}

uint64_t bt_cover_begin(const struct backtest *b)
{
	uint64_t first = UINT64_MAX;

	for (unsigned i = 0; i < view_nr_files(b->v); i++)
		if (bt_time(b, i, began(b, i)) < first)
			first = bt_time(b, i, began(b, i));
	return b->begin > first ? b->begin : first;
}

/* ---- reasons: what is not there ------------------------------------------------------ */

static void lane_reasons(struct backtest *b, unsigned rule, unsigned lane)
{
	const char *name = fr_lane_name(lane) ? fr_lane_name(lane) : "?";
	char from[48], to[48];
	struct bt_piece *p;
	uint64_t until;
	unsigned nr;

	p = pieces(b, lane, &nr);
	if (nr && p[0].from > b->begin)
		bt_reason(b, rule,
			  "lane %s goes back to %s only: what ended before is "
			  "overwritten",
			  name, bt_wall(b, p[0].from, from));
	else if (nr && !p[0].from && b->begin_given && p[0].began > b->begin)
		bt_reason(b, rule, "nothing was recorded before %s",
			  bt_wall(b, p[0].began, from));
	until = nr ? p[0].to : 0;
	for (unsigned i = 1; i < nr; i++) {
		/* of one recorder, and whole since it began */
		bool joined = !p[i].from && p[i].source == p[0].source;

		if (!joined && piece_start(&p[i]) > until + CLOSE_NS &&
		    piece_start(&p[i]) > b->begin && until < b->end)
			bt_reason(b, rule,
				  "no snapshot covers lane %s from %s to %s",
				  name, bt_wall(b, until, from),
				  bt_wall(b, piece_start(&p[i]), to));
		if (p[i].to > until)
			until = p[i].to;
	}
	free(p);
}

static void loss_reasons(struct backtest *b, unsigned rule, unsigned lane)
{
	uint64_t lost = 0, torn = 0, stolen = 0;
	const char *name = fr_lane_name(lane) ? fr_lane_name(lane) : "?";

	for (unsigned f = 0; f < view_nr_files(b->v); f++) {
		unsigned nr;
		const struct snap_coverage *c = covered(b, f, &nr);

		for (unsigned i = 0; i < nr; i++) {
			if (c[i].lane != lane)
				continue;
			lost += c[i].lost;
			torn += c[i].torn;
			stolen += c[i].stolen_chunks;
		}
	}
	if (lost)
		bt_reason(b, rule, "lane %s: %" PRIu64 " records were lost",
			  name, lost);
	if (torn)
		bt_reason(b, rule, "lane %s: %" PRIu64 " slots were torn", name,
			  torn);
	if (stolen)
		bt_reason(b, rule,
			  "lane %s: %" PRIu64
			  " chunks were taken back before they were written",
			  name, stolen);
}

static void gap_reasons(struct backtest *b, unsigned rule, unsigned lane)
{
	char from[48], to[48];

	for (unsigned f = 0; f < view_nr_files(b->v); f++) {
		unsigned nr;
		const struct snap_gap *g = snap_gaps(view_snap(b->v, f), &nr);

		for (unsigned i = 0; g && i < nr; i++)
			if (g[i].lane == lane &&
			    bt_time(b, f, g[i].to_ns) > b->begin &&
			    bt_time(b, f, g[i].from_ns) < b->end)
				bt_reason(b, rule,
					  "lane %s has a hole from %s to %s",
					  fr_lane_name(lane) ?
						  fr_lane_name(lane) :
						  "?",
					  bt_wall(b,
						  bt_time(b, f, g[i].from_ns),
						  from),
					  bt_wall(b, bt_time(b, f, g[i].to_ns),
						  to));
		if (snap_damage(view_snap(b->v, f)))
			bt_reason(b, rule, "%s is damaged",
				  view_file_path(b->v, f));
	}
}

/* ---- reasons: filters --------------------------------------------------------------- */

static void filter_reasons(struct backtest *b, const struct bt_cond *c)
{
	for (unsigned f = 0; f < view_nr_files(b->v); f++)
		if (c->c->where.set &
			    (FR_WHERE_COMM | FR_WHERE_CGROUP | FR_WHERE_PATH) &&
		    snap_fact(view_snap(b->v, f), "anonymous"))
			bt_reason(b, c->rule,
				  "names are hidden in %s, which is anonymous",
				  view_file_path(b->v, f));
	if (c->nameless)
		bt_reason(b, c->rule,
			  "%" PRIu64
			  " operations are of threads whose name the snapshot "
			  "does not hold",
			  c->nameless);
	if (c->pathless)
		bt_reason(
			b, c->rule,
			"%" PRIu64
			" operations are on files whose name the snapshot does "
			"not hold",
			c->pathless);
	if (c->groupless)
		bt_reason(b, c->rule,
			  "%" PRIu64
			  " operations are of cgroups whose path the snapshot "
			  "does not hold",
			  c->groupless);
}

/* ---- reasons: what is looked at from outside ------------------------------------------- */

static void level_reasons(struct backtest *b, const struct bt_cond *c)
{
	char limit[32], wall[48];

	if (c->kind == BT_COUNTER && !c->seen)
		bt_reason(b, c->rule, "%s was not sampled", c->c->metric);
	if (c->kind == BT_COUNTER && c->nearly)
		bt_reason(b, c->rule,
			  "whether %s held for %s hangs on less than 1ms: it "
			  "may have come a sample sooner or later",
			  c->c->metric, units_format_time(limit, c->c->for_ns));
	if (c->kind == BT_INFLIGHT && c->nearly)
		bt_reason(b, c->rule,
			  "%" PRIu64
			  " operations took less than 10ms longer than %s: "
			  "they may or may not have been seen in flight",
			  c->nearly, units_format_time(limit, c->c->limit_ns));
	if (c->kind == BT_PRESSURE && c->c->where.set)
		bt_reason(b, c->rule, "pressure of cgroups is not sampled");
	else if (c->kind == BT_PRESSURE && !c->seen)
		bt_reason(b, c->rule, "%s_total was not sampled", c->c->metric);
	else if (c->kind == BT_PRESSURE && c->unclear)
		bt_reason(b, c->rule,
			  "%s may have been over its limit between two samples "
			  "near %s",
			  c->c->metric, bt_wall(b, c->unclear_ns, wall));
	if (c->kind == BT_PERCENTILE && c->unclear)
		bt_reason(
			b, c->rule,
			"whether %s was over its limit hangs on the moments of "
			"the looks",
			c->c->metric);
	if (c->kind == BT_PERCENTILE && c->too_long)
		bt_reason(b, c->rule,
			  "the span is too long for looks at %s; see --begin",
			  c->c->metric);
	if (c->kind == BT_OTHER)
		bt_reason(b, c->rule,
			  "a condition of kind %s looks at what is going on, "
			  "which snapshots do not hold",
			  c->c->ops->name);
}

/* ---- what histograms say --------------------------------------------------------------- */

static bool is_about(const struct bt_cond *c, uint32_t stream, uint32_t key)
{
	return key == FR_HIST_ANY ||
	       (c->slot.keys[key / 64] >> (key % 64) & 1 &&
		c->slot.streams >> (stream & 31) & 1);
}

static bool any_slower(const uint64_t *counts, uint64_t limit_ns)
{
	/* the bucket of the limit may hold some that are just over it */
	for (uint32_t i = hist_bucket_of(limit_ns); i < FR_HIST_BUCKETS; i++)
		if (counts[i])
			return true;
	return false;
}

/* Is the row a whole one, and of the file that ends last?  Those count all. */
static bool hist_counts(const struct backtest *b, struct view_cursor *c,
			uint64_t *counts)
{
	unsigned file = view_row_file(c);
	bool whole;

	memset(counts, 0, FR_HIST_BUCKETS * sizeof(*counts));
	return view_add_hist(c, counts, &whole) && whole &&
	       bt_time(b, file, ended(b, file)) >= b->end;
}

/* Do the histograms reach over the whole span? */
static bool hist_reaches(const struct backtest *b)
{
	for (unsigned f = 0; f < view_nr_files(b->v); f++) {
		uint64_t since = fact_u64(b, f, "hist.since_ns");

		if (bt_source(b, f) != bt_source(b, 0) || !since ||
		    (b->begin && bt_time(b, f, since) > b->begin))
			return false;
	}
	return true;
}

bool bt_cover_none_slower(const struct backtest *b, const struct bt_cond *k)
{
	unsigned stream = view_find_stream(b->v, "hist");
	struct view_cursor *c;
	uint64_t counts[FR_HIST_BUCKETS];
	bool any = false, none = true;

	if (k->kind != BT_EVENT || k->slot.what != FR_WHAT_LATENCY ||
	    stream == VIEW_NO_COLUMN || !hist_reaches(b))
		return false;
	c = view_cursor_new(b->v);
	for (size_t i = 0; c && none && i < view_nr_rows(b->v); i++) {
		uint32_t of, key;

		view_seek(c, i);
		if (view_row_stream(c) != stream ||
		    !view_hist_operation(c, &of, &key) ||
		    !hist_counts(b, c, counts))
			continue;
		any = true;
		none = !is_about(k, of, key) ||
		       !any_slower(counts, k->slot.limit_ns);
	}
	view_cursor_free(c);
	return any && none;
}

/* ---- all ---------------------------------------------------------------------------- */

static void cond_reasons(struct backtest *b, const struct bt_cond *c)
{
	uint32_t lanes = lanes_of(b, c, false), own = lanes_of(b, c, true);

	if (bt_cover_none_slower(b, c))
		return;
	for (unsigned lane = 0; lane < FR_LANES_MAX; lane++) {
		if (own >> lane & 1)
			loss_reasons(b, c->rule, lane);
		if (!(lanes >> lane & 1))
			continue;
		lane_reasons(b, c->rule, lane);
		gap_reasons(b, c->rule, lane);
	}
	bt_policy_reasons(b, c);
	filter_reasons(b, c);
	level_reasons(b, c);
}

static void history_reasons(struct backtest *b, unsigned rule)
{
	for (unsigned i = 0; i < view_nr_files(b->v); i++)
		if (b->rules[rule].min_history_ns && !b->since[i])
			bt_reason(b, rule,
				  "%s does not say since when it was recorded: "
				  "min-history counts from its first record",
				  view_file_path(b->v, i));
}

void bt_cover_reasons(struct backtest *b)
{
	struct trigger_info info;

	for (unsigned i = 0; i < b->nr_rules; i++)
		history_reasons(b, i);
	for (unsigned i = 0; i < b->nr_conds; i++)
		cond_reasons(b, &b->conds[i]);
	for (unsigned i = 0; i < engine_nr_triggers(b->engine); i++) {
		engine_info(b->engine, i, &info);
		if (info.undecidable && info.number >= TRIGGER_FIRST_RULE)
			bt_reason(b, info.number - TRIGGER_FIRST_RULE,
				  "the rules have more than %d conditions that "
				  "the kernel decides",
				  FR_TRIGGER_SLOTS);
	}
}
