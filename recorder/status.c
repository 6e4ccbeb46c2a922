/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status.c - what the recorder tells of itself over the control socket. */
#include "dump/schema.h"
#include "recorder/daemon.h"
#include "recorder/rules.h"
#include "triggers/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define RATE_MIN_NS 1000000000ULL

struct status_out {
	FILE *f;
	struct daemon *d;
	uint64_t now_ns;
};

static void put_u64(FILE *f, const char *prefix, const char *key, uint64_t v)
{
	fprintf(f, "%s%s=%" PRIu64 "\n", prefix, key, v);
}

static void put_text(FILE *f, const char *prefix, const char *key,
		     const char *text)
{
	fprintf(f, "%s%s=", prefix, key);
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p < 0x20 || *p == '%' || *p == 0x7f)
			fprintf(f, "%%%02X", *p);
		else
			putc(*p, f);
	}
	putc('\n', f);
}

static void put_seconds(FILE *f, const char *prefix, const char *key,
			uint64_t ns)
{
	fprintf(f, "%s%s=%.6f\n", prefix, key, (double)ns / 1e9);
}

/* ---- lanes ----------------------------------------------------------------------- */

static const struct ring_view *lane_view(struct daemon *d, unsigned lane)
{
	for (unsigned i = 0; i < d->freeze.nr; i++)
		if (d->freeze.src[i].view.lanes[lane].nr)
			return &d->freeze.src[i].view;
	return NULL;
}

void status_measure(struct daemon *d, uint64_t now_ns)
{
	uint64_t dt = now_ns - d->rates.at_ns;

	if (d->rates.at_ns && dt < RATE_MIN_NS)
		return;
	if (d->hist)
		hist_tick(d->hist, now_ns);
	for (unsigned lane = 0; lane < FR_LANES_MAX; lane++) {
		const struct ring_view *v = lane_view(d, lane);
		struct ring_lane_stats s;

		if (!v)
			continue;
		ring_lane_stats(v, lane, &s);
		if (d->rates.at_ns)
			d->rates.per_s[lane] =
				(double)(s.written - d->rates.written[lane]) *
				1e9 / (double)dt;
		d->rates.written[lane] = s.written;
	}
	d->rates.at_ns = now_ns;
}

static void put_lane(struct status_out *o, unsigned lane)
{
	const struct ring_view *v = lane_view(o->d, lane);
	const char *name = fr_lane_name(lane);
	struct ring_lane_stats s;
	char prefix[64];

	if (!v || !name)
		return;
	snprintf(prefix, sizeof(prefix), "lane.%s.", name);
	ring_lane_stats(v, lane, &s);
	fprintf(o->f, "%shistory_s=%.3f\n", prefix,
		s.oldest_claim_ns && o->now_ns > s.oldest_claim_ns ?
			(double)(o->now_ns - s.oldest_claim_ns) / 1e9 :
			0.0);
	fprintf(o->f, "%srate=%.1f\n", prefix, o->d->rates.per_s[lane]);
	put_u64(o->f, prefix, "written", s.written);
	put_u64(o->f, prefix, "in_ring", s.in_ring);
	put_u64(o->f, prefix, "overwritten", s.overwritten);
	put_u64(o->f, prefix, "lost", s.lost);
	put_u64(o->f, prefix, "starved", s.starved);
	put_u64(o->f, prefix, "skipped_active", s.skipped_active);
	put_u64(o->f, prefix, "skipped_held", s.skipped_held);
	put_u64(o->f, prefix, "skipped_uncommitted", s.skipped_uncommitted);
	put_u64(o->f, prefix, "chunks", v->lanes[lane].nr);
	put_u64(o->f, prefix, "chunks_used", s.chunks_used);
	put_u64(o->f, prefix, "chunks_held", s.chunks_held);
}

/* ---- probes and triggers ------------------------------------------------------------ */

static void put_probe(void *arg, const struct probe_report *r)
{
	struct status_out *o = arg;
	char prefix[96];

	snprintf(prefix, sizeof(prefix), "probe.%s.%s.", r->stream, r->name);
	put_text(o->f, prefix, "name", r->name);
	put_text(o->f, prefix, "stream", r->stream);
	put_text(o->f, prefix, "mechanism",
		 r->mechanism ? r->mechanism : "none");
	put_text(o->f, prefix, "attached", r->attached ? "yes" : "no");
	if (!r->attached)
		put_text(o->f, prefix, "why", r->why ? r->why : "");
#define FR_COUNTER(name, scope, doc) FR_COUNTER_##scope(name)
#define FR_COUNTER_PROBE(name)       put_u64(o->f, prefix, #name, r->counts.name);
#define FR_COUNTER_SELF(name)
#include <flightrec/counters.def>
#undef FR_COUNTER
#undef FR_COUNTER_PROBE
#undef FR_COUNTER_SELF
	put_u64(o->f, prefix, "misses", r->misses);
	put_u64(o->f, prefix, "run_ns", r->run_ns);
	put_u64(o->f, prefix, "run_count", r->run_count);
}

/* Why it does not fire, though it is hit. */
static void put_hold(char *buf, size_t size, const struct trigger_info *t)
{
	char time[32];

	buf[0] = '\0';
	if (t->hold == TRIGGER_HOLD_HISTORY)
		snprintf(buf, size,
			 "held back: the ring holds less than min-history = %s",
			 units_format_time(time, t->min_history_ns));
	else if (t->hold != TRIGGER_HOLD_NONE)
		snprintf(buf, size,
			 "held back: fired max-per-day = %llu times in 24h",
			 (unsigned long long)t->max_per_day);
}

static void add_note(char *note, size_t size, const char *text)
{
	size_t used = strlen(note);

	if (*text)
		snprintf(note + used, size - used, "%s%s", used ? "; " : "",
			 text);
}

/* Where it is from, and what is wrong with it. */
static void put_rule(struct status_out *o, const char *prefix,
		     const struct trigger_info *t)
{
	const struct fr_trigger_rule *r =
		config_find_rule(o->d->config, t->name);
	char text[512], note[1200] = "";

	if (t->number < TRIGGER_FIRST_RULE) {
		put_text(o->f, prefix, "origin", "built in");
		return;
	}
	put_text(o->f, prefix, "origin",
		 by_hand_find(&o->d->by_hand, t->name) ? "by hand" : "files");
	if (r && rules_warning(o->d, r, text, sizeof(text)))
		add_note(note, sizeof(note), text);
	if (t->at_once)
		add_note(
			note, sizeof(note),
			"was true at the first look; is its limit normal here?");
	put_hold(text, sizeof(text), t);
	add_note(note, sizeof(note), text);
	if (*note)
		put_text(o->f, prefix, "note", note);
}

static void put_trigger(struct status_out *o, const struct trigger_info *t)
{
	uint64_t until_ns = t->until_ns;
	char prefix[96];

	snprintf(prefix, sizeof(prefix), "trigger.%s.", t->name);
	put_text(o->f, prefix, "name", t->name);
	put_u64(o->f, prefix, "number", t->number);
	put_text(o->f, prefix, "state", trigger_state_name(t->state));
	put_text(o->f, prefix, "when", t->when ? t->when : "");
	put_text(o->f, prefix, "kind", t->detector ? t->detector : "");
	put_u64(o->f, prefix, "hits", t->counts.hits);
	put_u64(o->f, prefix, "fired", t->counts.fired);
	put_u64(o->f, prefix, "merged", t->counts.merged);
	put_u64(o->f, prefix, "suppressed", t->counts.suppressed);
	put_u64(o->f, prefix, "queued", t->counts.queued);
	if (t->state == TRIGGER_ARMED && t->hold != TRIGGER_HOLD_NONE)
		until_ns = t->hold_until_ns;
	put_seconds(o->f, prefix, "until_s",
		    until_ns > o->now_ns ? until_ns - o->now_ns : 0);
	if (t->last_ns)
		put_seconds(o->f, prefix, "last_s", o->now_ns - t->last_ns);
	put_rule(o, prefix, t);
}

/* The latest incident; joined is "b 3, c 1": triggers, and hits of each. */
static void put_incident(struct status_out *o)
{
	const struct engine_reason *r = engine_incident(o->d->engine);
	char joined[ENGINE_MERGED_MAX * (RULE_NAME_MAX + 24)] = "";
	size_t n = 0;

	if (!r)
		return;
	put_u64(o->f, "incident.", "number", r->incident);
	put_u64(o->f, "incident.", "led_by", r->number);
	put_u64(o->f, "incident.", "merged", r->merged);
	for (unsigned i = 0; i < r->nr_merged; i++)
		n += (size_t)snprintf(
			joined + n, sizeof(joined) - n, "%s%s %llu",
			n ? ", " : "", r->merged_hits[i].name,
			(unsigned long long)r->merged_hits[i].hits);
	put_text(o->f, "incident.", "joined", joined);
}

static void put_triggers(struct status_out *o)
{
	struct trigger_info info;

	for (unsigned i = 0; i < engine_nr_triggers(o->d->engine); i++) {
		engine_info(o->d->engine, i, &info);
		put_trigger(o, &info);
	}
}

/* ---- the recorder itself -------------------------------------------------------------- */

static uint64_t cpu_ns(int who)
{
	struct rusage u;

	if (getrusage(who, &u) < 0)
		return 0;
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000 +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

static uint64_t resident_bytes(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void put_self(struct status_out *o)
{
	struct daemon *d = o->d;
	size_t ring = 0;

	if (d->probes)
		probes_ring(d->probes, &ring);
	put_text(o->f, "", "version", FLIGHTREC_VERSION);
	put_u64(o->f, "", "pid", (uint64_t)getpid());
	fprintf(o->f, "instance=%016" PRIx64 "\n", d->dumps.instance);
	put_text(o->f, "", "state", d->stopping ? "ending" : "recording");
	put_seconds(o->f, "", "uptime_s", o->now_ns - d->started_ns);
	put_text(o->f, "", "run.folder", d->run.path);
	put_text(o->f, "", "dump.folder", d->config->dump_folder);
	put_text(o->f, "", "probes", d->probes ? "on" : "off");
	if (!d->probes)
		put_text(o->f, "", "probes.why", d->probes_why.text);
	put_u64(o->f, "", "memory.ring_bytes", ring);
	put_u64(o->f, "", "memory.user_ring_bytes", ring_user_bytes(d->ring));
	put_u64(o->f, "", "memory.resident_bytes", resident_bytes());
	put_seconds(o->f, "", "cpu.self_s", cpu_ns(RUSAGE_SELF));
	put_seconds(o->f, "", "cpu.children_s", cpu_ns(RUSAGE_CHILDREN));
	put_seconds(o->f, "", "cpu.bpf_s",
		    d->probes ? probes_run_ns(d->probes) : 0);
}

static void put_reloads(struct status_out *o)
{
	const struct daemon_reloads *r = &o->d->reloads;

	put_text(o->f, "reload.", "watched", o->d->confwatch ? "yes" : "no");
	put_u64(o->f, "reload.", "done", r->done);
	put_u64(o->f, "reload.", "failed", r->failed);
	put_text(o->f, "reload.", "broken", r->broken.text);
}

static void put_sampler(struct status_out *o, struct sampler_stats *s)
{
	memset(s, 0, sizeof(*s));
	if (!o->d->sampler)
		return;
	sampler_stats(o->d->sampler, s);
	put_u64(o->f, "sampler.", "ticks", s->ticks);
	put_u64(o->f, "sampler.", "late", s->late);
	put_u64(o->f, "sampler.", "metrics", s->metrics);
	put_u64(o->f, "sampler.", "values", s->values);
	put_u64(o->f, "sampler.", "errors", s->errors);
	put_u64(o->f, "sampler.", "lost", s->lost);
	put_seconds(o->f, "sampler.", "round_s", s->round_ns);
	put_seconds(o->f, "sampler.", "round_max_s", s->round_max_ns);
	put_seconds(o->f, "sampler.", "cpu_s", s->cpu_ns);
	put_u64(o->f, "sampler.", "written", s->written);
	put_u64(o->f, "sampler.", "bytes", s->bytes);
	put_u64(o->f, "sampler.", "timer_dead", s->timer_dead);
	put_u64(o->f, "sampler.", "timer_pid",
		(uint64_t)sampler_timer_pid(o->d->sampler));
}

static void put_state(struct status_out *o)
{
	const struct state_area *a = state_area(o->d->looks);
	const struct state_counts *c = a ? &a->counts : NULL;

	if (!c)
		return;
	put_u64(o->f, "looks.", "pid", (uint64_t)state_pid(o->d->looks));
	put_u64(o->f, "looks.", "rounds", c->rounds);
	put_u64(o->f, "looks.", "processes", c->processes);
	put_u64(o->f, "looks.", "unreadable", c->unreadable);
	put_u64(o->f, "looks.", "lost", c->lost);
	put_u64(o->f, "looks.", "ticks", c->ticks);
	put_seconds(o->f, "looks.", "tick_cpu_s", c->tick_cpu_ns);
	put_seconds(o->f, "looks.", "cpu_s", c->cpu_ns);
	put_u64(o->f, "looks.", "untracked", c->untracked);
	put_u64(o->f, "looks.", "by_iterator", c->by_iterator);
	put_u64(o->f, "looks.", "walks", c->walks);
	put_u64(o->f, "looks.", "walk_files", c->walk_files);
	put_seconds(o->f, "looks.", "walk_s", c->walk_ns);
	put_u64(o->f, "looks.", "walk_errors", c->walk_errors);
	put_u64(o->f, "looks.", "walk_skipped", c->walk_skipped);
	put_u64(o->f, "looks.", "walk_late", c->walk_late);
}

struct fr_self_counts {
#define FR_COUNTER(name, scope, doc) FR_COUNTER_##scope(name)
#define FR_COUNTER_PROBE(name)
#define FR_COUNTER_SELF(name) uint64_t name;
#include <flightrec/counters.def>
#undef FR_COUNTER
#undef FR_COUNTER_PROBE
#undef FR_COUNTER_SELF
};

static void put_counts(struct status_out *o, const struct sampler_stats *s)
{
	struct control_counts control;
	struct engine_counts e;
	struct fr_self_counts c;

	engine_totals(o->d->engine, &e);
	control_counts(o->d->control, &control);
	c = (struct fr_self_counts){
		.ticks = s->ticks,
		.ticks_late = s->late,
		.triggers_hit = e.all.hits,
		.triggers_fired = e.all.fired,
		.triggers_suppressed = e.all.suppressed,
		.triggers_merged = e.all.merged,
		.dumps_done = o->d->dumps.counts.done,
		.dumps_failed = o->d->dumps.counts.failed,
		.sample_errors = s->errors,
		.control_refused = control.refused,
	};
#define FR_COUNTER(name, scope, doc) FR_COUNTER_##scope(name)
#define FR_COUNTER_PROBE(name)
#define FR_COUNTER_SELF(name) put_u64(o->f, "count.", #name, c.name);
#include <flightrec/counters.def>
#undef FR_COUNTER
#undef FR_COUNTER_PROBE
#undef FR_COUNTER_SELF
	put_u64(o->f, "count.", "wakes_lost", e.wakes_lost);
	put_u64(o->f, "count.", "inbox_lost", inbox_lost(o->d->inbox));
	put_u64(o->f, "count.", "control_dropped", control.dropped);
}

/* The last, and over all dumps of this run. */
static void put_times(struct status_out *o, const char *prefix,
		      const struct dumps_times *t)
{
	put_u64(o->f, prefix, "ns", t->last);
	put_u64(o->f, prefix, "min_ns", t->min);
	put_u64(o->f, prefix, "median_ns", dumps_median(t));
	put_u64(o->f, prefix, "max_ns", t->max);
}

static void put_dumps(struct status_out *o)
{
	const struct dumps_counts *c = &o->d->dumps.counts;

	put_text(o->f, "dump.", "state",
		 o->d->dumps.state == DUMPS_IDLE ? "idle" :
		 o->d->dumps.state == DUMPS_HELD ? "held" :
						   "dumping");
	put_text(o->f, "dump.", "last", o->d->last_path);
	put_u64(o->f, "dump.", "retried", c->retried);
	put_u64(o->f, "dump.", "killed", c->killed);
	put_u64(o->f, "dump.", "recovered", o->d->recovered);
	put_u64(o->f, "dump.", "bytes", c->bytes);
	put_u64(o->f, "dump.", "removed", c->removed);
	put_u64(o->f, "dump.", "not_removed", c->not_removed);
	put_u64(o->f, "dump.", "torn_slots", c->torn);
	put_u64(o->f, "dump.", "stolen_chunks", c->stolen_chunks);
	put_times(o, "dump.hold_", &c->hold);
	put_times(o, "dump.hit_to_hold_", &c->hit_to_hold);
	put_times(o, "dump.hit_to_disk_", &c->hit_to_disk);
	if (c->done + c->failed)
		fprintf(o->f,
			"dump.confined=capabilities %s, landlock %s, seccomp %s\n",
			c->confined.capabilities ? "kept" : "none",
			c->confined.landlock > 0 ? "yes" : "not available",
			c->confined.seccomp ? "not available" : "yes");
}

static void put_hooks(struct status_out *o)
{
	const struct hooks_counts *c = &o->d->hooks.counts;

	put_u64(o->f, "hook.", "running", hooks_nr_running(&o->d->hooks));
	put_u64(o->f, "hook.", "waiting", o->d->hooks.queue_nr);
	put_u64(o->f, "hook.", "run", c->run);
	put_u64(o->f, "hook.", "failed", c->failed);
	put_u64(o->f, "hook.", "killed", c->killed);
	put_u64(o->f, "hook.", "not_run", c->dropped);
}

/* Text written to a memory stream; NULL if memory ran out on the way. */
static char *collect(struct daemon *d, void (*fn)(struct status_out *))
{
	struct status_out o = { .d = d, .now_ns = daemon_now_ns() };
	char *text = NULL;
	size_t len = 0;

	o.f = open_memstream(&text, &len);
	if (!o.f)
		return NULL;
	fn(&o);
	if (fclose(o.f)) {
		free(text);
		return NULL;
	}
	return text;
}

static void put_all(struct status_out *o)
{
	struct sampler_stats s;

	status_measure(o->d, o->now_ns);
	put_self(o);
	put_reloads(o);
	put_dumps(o);
	put_sampler(o, &s);
	put_state(o);
	put_counts(o, &s);
	for (unsigned lane = 0; lane < FR_LANES_MAX; lane++)
		put_lane(o, lane);
	put_triggers(o);
	put_incident(o);
	put_hooks(o);
	if (o->d->probes)
		probes_report(o->d->probes, put_probe, o);
	status_put_hist(o->f, o->d, o->now_ns);
}

char *status_text(struct daemon *d)
{
	return collect(d, put_all);
}

char *status_triggers_text(struct daemon *d)
{
	return collect(d, put_triggers);
}
