/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backtest_impl.h - what dump/backtest*.c share; nobody else includes it. */
#ifndef DUMP_BACKTEST_IMPL_H
#define DUMP_BACKTEST_IMPL_H

#include <flightrec/shared.h>

#include "dump/backtest.h"
#include "dump/hist_counts.h"
#include "triggers/slot_match.h"

struct fr_config; /* recorder/config.h */

/* How a condition is decided here. */
enum bt_kind {
	BT_EVENT,      /* at a record, as by the kernel */
	BT_COUNTER,    /* by its detector, at a sample */
	BT_INFLIGHT,   /* by how long operations took in the end */
	BT_PRESSURE,   /* by samples of the totals */
	BT_PERCENTILE, /* by its detector, from records instead of histograms */
	BT_OTHER,      /* looks at live state */
};

struct bt_list { /* grows: of any type */
	void *data;
	size_t nr, size;
};

/* One condition of a rule, and what was seen of it. */
struct bt_cond {
	unsigned rule, index;
	const struct rule_cond *c;
	enum bt_kind kind;
	struct fr_trigger_slot slot; /* of events and operations in flight */
	uint64_t seen;        /* operations, deaths of its kind; samples */
	uint64_t passed;      /* of them, through the filters */
	uint64_t met;         /* how often it was true */
	uint64_t nameless;    /* whose thread the snapshot does not name */
	uint64_t groupless;   /* whose cgroup has no path there */
	uint64_t pathless;    /* whose file has no name there */
	struct fr_glob *glob; /* of a filter by path, or NULL */
	unsigned path_bit;    /* in bt_event.paths */
	/* by so little that it may have gone unseen, or come a sample later */
	uint64_t nearly;
	uint64_t max_dur;
	size_t row; /* of it, or BACKTEST_NO_ROW */
	/* of a metric, in units of the rule */
	double extreme;
	uint64_t held_ns; /* longest time over the limit */
	char metric[RULE_METRIC_MAX];
	bool unclear; /* looks at other moments may have found something else */
	uint64_t unclear_ns;
	/* of a percentile */
	struct bt_list ops;
	uint64_t windows;
	bool too_long;
};

/* A record that some condition waits for. */
struct bt_event {
	uint64_t end, ts; /* end: of the view's time; ts: as recorded */
	uint32_t tid, what, cpu;
	uint64_t seq;
	size_t row;
	uint64_t paths; /* bits: conditions whose filter by path it passes */
	struct slot_event ev;
};

/* A change of a level that is known before the run. */
struct bt_change {
	uint64_t ns;
	unsigned cond; /* of bt->conds */
	size_t row;
	struct engine_hit hit;
};

/* Values of one collector at one time. */
struct bt_round {
	uint64_t ns, tick;
	uint32_t collector;
	bool full;
	bool quiet;       /* nothing changed: its time is an estimate */
	unsigned source;  /* recorder */
	size_t first, nr; /* of bt->values */
};
struct bt_value {
	uint32_t series;
	int64_t raw;
};
struct bt_series {
	char name[RULE_METRIC_MAX], unit[32];
	uint32_t metric, collector, scale;
	unsigned source;
	bool is_counter, live; /* live: it has a value now */
	int64_t last, wrap;
};
struct bt_watch { /* of a condition on a series */
	unsigned cond, series;
	struct detector_watch w;
	uint64_t over_since; /* 0: not over */
};

/* A snapshot that the recorder really took. */
struct bt_taken {
	uint64_t start, end; /* end 0: not known */
};

/* A span of a lane that a file covers whole. */
struct bt_piece {
	uint64_t from, to; /* from 0: since its recorder began */
	unsigned source;
	uint64_t began; /* when that recorder began */
};

struct backtest {
	struct backtest_options o;
	struct fr_trigger_rule *rules;
	unsigned nr_rules;
	struct bt_cond conds[RULES_MAX * RULE_CONDS_MAX];
	unsigned nr_conds, nr_globs;
	const char *streams[24];
	unsigned percent;
	struct {
		char text[BACKTEST_REASONS][BACKTEST_REASON_MAX];
		unsigned nr;
	} reasons[RULES_MAX];

	struct view *v;
	struct fr_config **configs; /* of each file; NULL: cannot be read */
	uint64_t *since; /* of each: its recorder began; 0: not known */
	bool one_clock;
	uint64_t begin, end; /* the span */
	bool begin_given;
	/* cgroups: id -> path, sorted by id */
	struct bt_list groups;  /* struct bt_group */
	struct bt_list wanted;  /* char[RULE_PATH_MAX]: those that rules name */
	struct bt_list events;  /* struct bt_event */
	struct bt_list changes; /* struct bt_change */
	struct bt_list sights;  /* backtest_levels.c */
	struct bt_list rounds;  /* struct bt_round */
	struct bt_list values;  /* struct bt_value */
	struct bt_list series;  /* struct bt_series */
	struct bt_list watches; /* struct bt_watch */
	struct bt_list taken;   /* struct bt_taken */
	struct bt_list manual;  /* uint64_t: when somebody asked */
	struct bt_list hits;    /* struct backtest_hit */
	size_t last_series;     /* found last */
	bool no_memory;

	/* the run */
	struct engine *engine;
	struct fr_limits *limits;
	struct rule_sets sets;
	uint64_t now, dump_end; /* dump_end: UINT64_MAX: none is written */
	uint64_t last_hit;
};

struct bt_group {
	uint64_t id;
	char path[256];
};

/* ---- backtest.c ------------------------------------------------------------ */

/* Room for one more of ${bytes} bytes, zeroed; NULL: no memory (noted in b). */
void *bt_add(struct backtest *b, struct bt_list *l, size_t bytes);
/* What a file's clock says, in the time of the view. */
uint64_t bt_time(const struct backtest *b, unsigned file, uint64_t mono_ns);
/* Adds a reason to rule ${rule}; the same is told once. */
void bt_reason(struct backtest *b, unsigned rule, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "13:05:00.123" of a time of the view. */
char *bt_wall(const struct backtest *b, uint64_t ns, char buf[48]);
void bt_progress(struct backtest *b, unsigned percent);
/* Number of the recorder that wrote the file: that of the first file of it. */
unsigned bt_source(const struct backtest *b, unsigned file);

/* ---- backtest_where.c ------------------------------------------------------- */

/* Puts what filters name in place of names, as the snapshots know it. */
void bt_where_resolve(struct backtest *b);
/* For slot_event: is the event's cgroup, or one above it, the wanted one? */
bool bt_in_group(const struct slot_event *ev, uint64_t group);
/* The path of a cgroup, NULL: not known. */
const char *bt_group_path(const struct backtest *b, uint64_t id);

/* ---- backtest_scan.c -------------------------------------------------------- */

/* Reads all rows: events, values, meta, cgroups. */
void bt_scan_facts(struct backtest *b, struct view_cursor *c);
void bt_scan_rows(struct backtest *b, struct view_cursor *c);

/* ---- backtest_samples.c ------------------------------------------------------ */

void bt_samples_row(struct backtest *b, struct view_cursor *c);
/* After all rows: rounds in which nothing changed, watches. */
void bt_samples_finish(struct backtest *b);
/* One round: tells the engine what changed. */
void bt_samples_run(struct backtest *b, const struct bt_round *r);

/* ---- backtest_levels.c ------------------------------------------------------- */

/* An operation over the limit, which may have been seen in flight.  ${age}: how long;
 * ${ended}: it has returned. */
void bt_inflight_take(struct backtest *b, const struct bt_cond *c,
		      const struct bt_event *e, uint64_t age, bool ended);
/* After all rows: each operation once, though several snapshots show it. */
void bt_inflight(struct backtest *b);
/* After all rows: where the totals of PSI decide it. */
void bt_pressure(struct backtest *b);

/* ---- backtest_percentile.c --------------------------------------------------- */

/* An operation that counts. */
void bt_percentile_take(struct backtest *b, struct bt_cond *c,
			const struct bt_event *e);
/* After all rows: looks at what was counted. */
void bt_percentile(struct backtest *b);

/* ---- backtest_drive.c ------------------------------------------------------- */

/* Plays everything to the engine, in order. */
int bt_drive(struct backtest *b);
/* Tells the engine of a level, notes what became of it. */
void bt_level(struct backtest *b, const struct bt_cond *c, uint64_t ns,
	      const struct engine_hit *h, size_t row);

/* ---- backtest_cover.c ------------------------------------------------------- */

/* The span, by what the rules need and what is asked for. */
int bt_cover_span(struct backtest *b, const struct view_filter *span,
		  struct snap_diag *diag);
/* Where it begins, also if that is where the recorder began. */
uint64_t bt_cover_begin(const struct backtest *b);
/* Why rules are not decided. */
void bt_cover_reasons(struct backtest *b);
/* Do the histograms of all the time say that no such operation took longer than the
 * limit?  True only if they do. */
bool bt_cover_none_slower(const struct backtest *b, const struct bt_cond *c);

/* ---- backtest_policy.c ------------------------------------------------------ */

/* Reasons why records that the condition needs were never made. */
void bt_policy_reasons(struct backtest *b, const struct bt_cond *c);

#endif
