/* SPDX-License-Identifier: GPL-2.0-or-later */
/* drill_fire.c - has the rule of the fire drill fired, and whose operation was it? */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "dump/client.h"
#include "dump/drill.h"
#include "dump/escape.h"
#include "triggers/units.h"

#define HIT_NS 5000000000ULL /* the recorder looks every 2 s */

struct fired {
	uint64_t hits, fired, merged, done, failed;
	bool idle;
	char last[PATH_MAX];
};

static uint64_t number(const struct client_reply *r, const char *key)
{
	const char *v = client_value(r, key);

	return v ? strtoull(v, NULL, 10) : 0;
}

static uint64_t rule_number(const struct drill *d, const struct client_reply *r,
			    const char *name)
{
	char key[80];

	snprintf(key, sizeof(key), "trigger.%s.%s", d->rule, name);
	return number(r, key);
}

static void take_times(struct drill *d, const struct client_reply *r)
{
	d->hit_to_hold_ns = number(r, "dump.hit_to_hold_ns");
	d->hit_to_disk_ns = number(r, "dump.hit_to_disk_ns");
	d->bytes = number(r, "dump.bytes");
}

static bool look(struct drill *d, struct fired *f, char why[CLIENT_WHY])
{
	struct client_reply r;
	const char *state, *last;

	if (client_try(d->run, "status\n", drill_patience_s(d), &r, why))
		return false;
	state = client_value(&r, "dump.state");
	last = client_value(&r, "dump.last");
	*f = (struct fired){
		.hits = rule_number(d, &r, "hits"),
		.fired = rule_number(d, &r, "fired"),
		.merged = rule_number(d, &r, "merged"),
		.done = number(&r, "count.dumps_done") - d->done_before,
		.failed = number(&r, "count.dumps_failed") - d->failed_before,
		.idle = !state || !strcmp(state, "idle"),
	};
	snprintf(f->last, sizeof(f->last), "%s", last ? last : "");
	escape_undo_percent(f->last);
	take_times(d, &r);
	client_free(&r);
	return true;
}

/* Until it has fired, and what it began is over.  A hit is there at once, or it
 * will not come. */
static bool wait_fired(struct drill *d, struct fired *f, char why[CLIENT_WHY])
{
	uint64_t until = drill_now_ns() + HIT_NS + 10 * d->delay_ns;

	do {
		if (!look(d, f, why))
			return false;
		if (f->fired && f->idle && (f->done || f->failed))
			return true;
		if (!f->fired && drill_now_ns() >= until)
			return true;
	} while (drill_now_ns() < drill_deadline(d) && drill_pause());
	return true;
}

/* Recorded, but not seen by the rule?  A snapshot for the steps that follow. */
static void say_not_fired(struct drill *d)
{
	struct drill_found f = { .rows = 0 };
	char why[CLIENT_WHY], limit[32], waited[32], next[512];

	if (d->settings)
		drill_explain(&f, d->settings);
	snprintf(next, sizeof(next), "%s%s",
		 f.excluded[0] ? "perhaps the settings leave flightrec out: " :
				 "flightrec doctor",
		 f.excluded);
	drill_failed(d, next,
		     "fs.flock latency > %s did not fire, though the operation "
		     "took %s",
		     units_format_time(limit, d->limit_ns),
		     units_human_time(waited, d->slow.end - d->slow.begin));
	if (!drill_stop)
		drill_dump(d, "its rule did not fire", why, sizeof(why));
}

/* Hits by the slow operation and, as far as our own clock can tell, by the others,
 * which were to stay below the limit: on a busy machine they may not have. */
static bool hits_are_right(const struct drill *d, const struct fired *f)
{
	uint64_t quick = d->quick.released - d->quick.blocked;

	return f->hits >= 1u + (quick > d->limit_ns) && f->hits <= d->over;
}

static void judge_fired(struct drill *d, const struct fired *f)
{
	bool ours =
		d->hit_ts_ns >= d->slow.begin && d->hit_ts_ns <= d->slow.end;
	bool alone = d->recorder.scope != 0; /* nobody else can hit it */
	char limit[32], quick[32];

	units_format_time(limit, d->limit_ns);
	units_human_time(quick, d->quick.end - d->quick.begin);
	if (d->snapshot[0] && !ours)
		drill_failed(d,
			     "try again, with a longer --delay; or report it",
			     "another operation fired the rule: one of thread "
			     "%ju, not the delayed one",
			     (uintmax_t)d->hit_tid);
	else if (alone && !hits_are_right(d, f))
		drill_failed(d, "report it: it is a bug of flightrec",
			     "fs.flock latency > %s was hit %ju times; our "
			     "clock knows of %u",
			     limit, (uintmax_t)f->hits, d->over);
	else if (f->hits == 1)
		drill_ok(d,
			 "fs.flock latency > %s fired when the lock was let "
			 "go; one of %s did not hit it",
			 limit, quick);
	else
		drill_ok(d,
			 "fs.flock latency > %s fired when the lock was let "
			 "go, and was hit %ju times (the next took %s)",
			 limit, (uintmax_t)f->hits, quick);
}

static void ask_why(struct drill *d)
{
	char why[CLIENT_WHY];

	if (!drill_dump(d, "fire drill, again", why, sizeof(why)))
		snprintf(d->problem, sizeof(d->problem), "%.500s", why);
}

/* Of a recorder that runs, the last snapshot may be somebody else's. */
static void take_snapshot(struct drill *d, const struct fired *f)
{
	char pattern[PATH_MAX + 64];
	glob_t g;

	if (strstr(f->last, d->rule)) {
		snprintf(d->snapshot, sizeof(d->snapshot), "%s", f->last);
		return;
	}
	snprintf(pattern, sizeof(pattern), "%s/flightrec-*-%s*.frs", d->folder,
		 d->rule);
	if (glob(pattern, 0, NULL, &g))
		return;
	snprintf(d->snapshot, sizeof(d->snapshot), "%s",
		 g.gl_pathv[g.gl_pathc - 1]);
	globfree(&g);
}

/* Another trigger's incident was under way: the hit is listed in its snapshot. */
static void say_joined(struct drill *d, const struct fired *f)
{
	char why[CLIENT_WHY];

	if (!drill_dump(d, "its rule joined another incident", why,
			sizeof(why))) {
		drill_failed(d, "try again", "%s", why);
		return;
	}
	if (!drill_bounded(d, drill_read_facts))
		return;
	drill_ok(d,
		 "its rule was hit %ju times while the incident of another "
		 "trigger was under way; a snapshot was asked for by hand",
		 (uintmax_t)f->hits);
}

void drill_fire_rule(struct drill *d)
{
	char why[CLIENT_WHY] = "";
	struct fired f = { .hits = 0 };

	if (!wait_fired(d, &f, why)) {
		drill_failed(d, "see its messages in the journal", "%s", why);
		return;
	}
	if (!f.fired && f.hits) {
		say_joined(d, &f);
		return;
	}
	if (!f.fired) {
		say_not_fired(d);
		return;
	}
	if (f.done)
		take_snapshot(d, &f);
	else if (!d->is_private) /* why not: only an answer says it */
		ask_why(d);
	if (d->snapshot[0] && !drill_bounded(d, drill_read_facts))
		return;
	if (d->hit_ns > d->slow.released)
		drill_step(d)->took_ns = d->hit_ns - d->slow.released;
	judge_fired(d, &f);
}
