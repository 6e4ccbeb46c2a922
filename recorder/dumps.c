/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumps.c - from a freeze to a file. */
#include "recorder/dumps.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dump/snapshot_write.h"
#include "recorder/log.h"
#include "triggers/units.h"

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* ---- how long things take --------------------------------------------------------- */

static void note_time(struct dumps_times *t, uint64_t ns)
{
	t->latest[t->nr++ % DUMPS_TIMES_MAX] = ns;
	t->last = ns;
	if (ns > t->max)
		t->max = ns;
	if (t->nr == 1 || ns < t->min)
		t->min = ns;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t dumps_median(const struct dumps_times *t)
{
	uint64_t sorted[DUMPS_TIMES_MAX];
	size_t n = t->nr < DUMPS_TIMES_MAX ? t->nr : DUMPS_TIMES_MAX;

	if (!n)
		return 0;
	memcpy(sorted, t->latest, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_size);
	return sorted[n / 2];
}

/* ---- facts and name ------------------------------------------------------------- */

static void add_cause(struct facts *f, const struct dump_cause *c)
{
	facts_add(f, "trigger.name", "%s", c->name);
	facts_add(f, "trigger.number", "%u", c->number);
	facts_add(f, "trigger.kind", "%s", c->kind ? c->kind : "");
	facts_add(f, "trigger.reason", "%s", c->reason ? c->reason : "");
	facts_add(f, "trigger.when", "%s", c->when ? c->when : "");
	facts_add(f, "trigger.hit_ns", "%llu", (unsigned long long)c->hit_ns);
	facts_add(f, "trigger.ts_ns", "%llu",
		  (unsigned long long)(c->ts ? c->ts : c->hit_ns));
	facts_add(f, "trigger.dur_ns", "%llu", (unsigned long long)c->dur);
	facts_add(f, "trigger.pid", "%u", c->pid);
	facts_add(f, "trigger.tid", "%u", c->tid);
	facts_add(f, "trigger.value", "%.17g", c->value);
	facts_add(f, "trigger.fired", "%llu", (unsigned long long)c->fired);
	facts_add(f, "trigger.merged", "%llu", (unsigned long long)c->merged);
	facts_add(f, "trigger.suppressed", "%llu",
		  (unsigned long long)c->suppressed);
}

static uint64_t hit_to_hold(const struct dumps *d)
{
	return d->freeze->end_ns > d->hit_ns ? d->freeze->end_ns - d->hit_ns :
					       0;
}

static void add_hold(struct dumps *d)
{
	struct facts *f = &d->hold_facts;

	facts_clear(f);
	facts_add(f, "freeze.ts_ns", "%llu",
		  (unsigned long long)d->freeze->begin_ns);
	facts_add(f, "freeze.end_ns", "%llu",
		  (unsigned long long)d->freeze->end_ns);
	facts_add(
		f, "freeze.hold_ns", "%llu",
		(unsigned long long)(d->freeze->end_ns - d->freeze->begin_ns));
	facts_add(f, "freeze.hit_to_hold_ns", "%llu",
		  (unsigned long long)hit_to_hold(d));
	facts_add(f, "freeze.chunks", "%llu",
		  (unsigned long long)freeze_held_chunks(d->freeze));
}

static void add_hist(struct facts *f, const struct hist *h)
{
	unsigned used, of;

	if (!h)
		return;
	used = hist_rows_used(h, &of);
	facts_add(f, "hist.since_ns", "%llu",
		  (unsigned long long)hist_since(h));
	facts_add(f, "hist.rows_used", "%u", used);
	facts_add(f, "hist.rows", "%u", of);
}

static void add_facts(struct dumps *d, const struct dump_cause *cause)
{
	struct facts *f = &d->facts;

	facts_clear(f);
	facts_add(f, "instance", "%016llx", (unsigned long long)d->instance);
	facts_add_clocks(f);
	facts_add_devices(f);
	add_cause(f, cause);
	facts_add_probes(f, d->probes);
	add_hist(f, d->hist);
}

/* ---- dumpers that are not gone yet -------------------------------------------------- */

static void keep_left(struct dumps *d, pid_t pid, int hung)
{
	for (unsigned i = 0; pid && i < DUMPS_LEFT_MAX; i++) {
		struct dumps_left *l = &d->left[i];

		if (l->pid)
			continue;
		l->pid = pid;
		l->hung = hung;
		snprintf(l->folder, sizeof(l->folder), "%s", d->folder);
		return;
	}
}

void dumps_reap(struct dumps *d)
{
	pruner_reap(&d->pruner);
	for (unsigned i = 0; i < DUMPS_LEFT_MAX; i++) {
		struct dumps_left *l = &d->left[i];

		if (!l->pid || waitpid(l->pid, NULL, WNOHANG) == 0)
			continue;
		l->pid = 0;
		if (l->hung)
			log_info("the dumper that hung in %s has ended",
				 l->folder);
	}
}

static int hangs_in(const struct dumps *d, const char *folder)
{
	for (unsigned i = 0; i < DUMPS_LEFT_MAX; i++) {
		const struct dumps_left *l = &d->left[i];

		if (l->pid && l->hung && !strcmp(l->folder, folder))
			return 1;
	}
	return 0;
}

/* All slots taken: nothing here ends any more, so nothing more is begun. */
static int folder_hangs(struct dumps *d, const char *folder)
{
	unsigned used = 0;

	dumps_reap(d);
	for (unsigned i = 0; i < DUMPS_LEFT_MAX; i++)
		used += d->left[i].pid != 0;
	return used == DUMPS_LEFT_MAX || hangs_in(d, folder);
}

/* Not beside a dumper, which does the same when it is done. */
void dumps_prune(struct dumps *d, uint64_t now_ns)
{
	const struct dumps_settings *s = &d->settings;

	if (d->state != DUMPS_IDLE || now_ns < d->pruner.next_ns)
		return;
	d->pruner.next_ns = now_ns + pruner_period(&s->limits);
	for (unsigned i = 0; i < PRUNER_FOLDERS; i++)
		if (!hangs_in(d, s->folders[i]))
			pruner_start(&d->pruner, i, s->folders[i], s->gid,
				     &s->limits);
}

/* ---- one attempt after the other --------------------------------------------------- */

static int start_attempt(struct dumps *d)
{
	snprintf(d->folder, sizeof(d->folder), "%s",
		 d->settings.folders[d->attempt]);
	if (folder_hangs(d, d->folder))
		return -EALREADY;
	add_hold(d);
	d->job = (struct dump_job){
		.freeze = d->freeze,
		.folder = d->folder,
		.trigger = d->trigger,
		.real_ns = d->real_ns,
		.facts = { d->host, d->config, &d->facts, &d->hold_facts },
		.level = d->settings.level,
		.anonymize = d->settings.anonymize,
		.keep_extensions = d->settings.keep_extensions,
		.gid = d->settings.gid,
		.limits = d->settings.limits,
		.area = state_area(d->looks),
		.look = d->look,
		.look_wait_ns = d->settings.look_wait_ns,
		.hist = d->hist ? &d->hist_records : NULL,
		.joined = d->joined,
	};
	return dumper_start(&d->dumper, &d->job);
}

static void note_times(struct dumps *d, struct dump_outcome *o)
{
	struct dumps_counts *c = &d->counts;

	o->now_ns = clock_ns(CLOCK_MONOTONIC);
	o->hold_ns = d->freeze->end_ns - d->freeze->begin_ns;
	o->hit_to_hold_ns = hit_to_hold(d);
	note_time(&c->hold, o->hold_ns);
	note_time(&c->hit_to_hold, o->hit_to_hold_ns);
	if (o->err)
		return;
	o->hit_to_disk_ns = d->dumper.done_ns > d->hit_ns ?
				    d->dumper.done_ns - d->hit_ns :
				    0;
	note_time(&c->hit_to_disk, o->hit_to_disk_ns);
}

static void fill_outcome(struct dumps *d, struct dump_outcome *o)
{
	char name[RETENTION_NAME_MAX];

	if (o->err) {
		d->counts.failed++;
		snprintf(d->path, sizeof(d->path), "%s", d->folder);
		return;
	}
	d->counts.done++;
	retention_make_name(name, d->real_ns, d->trigger, d->dumper.attempt);
	if (snprintf(d->path, sizeof(d->path), "%s/%s" SNAP_SUFFIX, d->folder,
		     name) >= (int)sizeof(d->path))
		d->path[0] = '\0'; /* then the file could not be made either */
	o->bytes = d->dumper.bytes;
	o->records = d->dumper.records;
	d->counts.bytes += o->bytes;
}

static void finish(struct dumps *d, int err, int tell)
{
	struct dump_outcome o = { .err = err, .path = d->path };

	freeze_release_all(d->freeze);
	note_times(d, &o);
	fill_outcome(d, &o);
	d->counts.torn += d->dumper.torn;
	d->counts.stolen_chunks += d->dumper.stolen_chunks;
	d->counts.confined = d->dumper.confined;
	d->state = DUMPS_IDLE;
	if (tell) /* last: the next dump may begin in there */
		d->done_fn(d->done_arg, &o);
}

static const char *what_next(const struct dumps *d)
{
	if (d->attempt == 0 && d->settings.folders[1][0])
		return d->settings.folders[1];
	return NULL;
}

/* After a failed attempt: the next ones until one runs.  0, or the last error. */
static int try_next(struct dumps *d, int err)
{
	while (err) {
		const char *next = what_next(d);
		char room[64] = "", text[32];

		if (err == -EXFULL)
			snprintf(room, sizeof(room), " (%s are free)",
				 units_human_size(text, d->dumper.free_bytes));
		log_err(0, "cannot write a snapshot into %s%s%s%s: %s%s",
			d->folder, next ? " (trying " : "", next ? next : "",
			next ? ")" : "", dumper_why(err), room);
		if (!next)
			return err;
		d->attempt = 1;
		d->counts.retried++;
		err = start_attempt(d);
	}
	return 0;
}

int dumps_freeze(struct dumps *d)
{
	uint64_t until = clock_ns(CLOCK_MONOTONIC) + d->settings.hold_limit_ns;
	int err;

	if (d->state != DUMPS_IDLE)
		return -EBUSY;
	err = freeze_hold(d->freeze, until);
	if (err) {
		log_err(err, "cannot hold the ring");
		d->counts.failed++;
		return err;
	}
	d->look = state_ask(d->looks);
	if (d->hist && hist_take(d->hist, d->freeze->end_ns, &d->hist_records))
		log_err(-ENOMEM, "the snapshot will have no histograms");
	d->state = DUMPS_HELD;
	return 0;
}

void dumps_release(struct dumps *d)
{
	if (d->state != DUMPS_HELD)
		return;
	freeze_release_all(d->freeze);
	d->state = DUMPS_IDLE;
}

int dumps_start(struct dumps *d, const struct dump_cause *cause)
{
	int err;

	if (d->state != DUMPS_HELD)
		return -EINVAL;
	d->state = DUMPS_RUNNING;
	d->attempt = 0;
	d->hit_ns = cause->hit_ns;
	memset(&d->dumper, 0, sizeof(d->dumper));
	d->dumper.fd = -1;
	d->real_ns = clock_ns(CLOCK_REALTIME);
	snprintf(d->trigger, sizeof(d->trigger), "%s", cause->name);
	add_facts(d, cause);
	err = try_next(d, start_attempt(d));
	if (err)
		finish(d, err, 0);
	return err;
}

int dumps_fd(const struct dumps *d)
{
	return d->state == DUMPS_RUNNING ? d->dumper.fd : -1;
}

/* The hold is void by then, and what it kept may be gone; what the ring has now
 * is held anew. */
static int hold_again(struct dumps *d, int err)
{
	if (!what_next(d))
		return err;
	freeze_release_all(d->freeze);
	return freeze_hold(d->freeze, clock_ns(CLOCK_MONOTONIC) +
					      d->settings.hold_limit_ns) ?
		       err :
		       try_next(d, err);
}

static void end_dumper(struct dumps *d, int kill_it)
{
	pid_t left;
	int err = dumper_end(&d->dumper, kill_it, &left);

	keep_left(d, left, kill_it);
	d->counts.removed += d->dumper.removed;
	d->counts.not_removed += d->dumper.not_removed;
	if (err && kill_it) {
		err = -ETIME;
		log_err(0,
			"the dump into %s took longer than dump.hold_limit and was ended",
			d->folder);
		d->counts.killed++;
		err = hold_again(d, err);
	} else {
		err = try_next(d, err);
	}
	if (d->dumper.fd < 0)
		finish(d, err, 1);
}

static void answer(struct dumps *d)
{
	d->dumper.asks = 0;
	if (d->asked_fn)
		d->asked_fn(d->done_arg);
	joined_answer(d->joined);
}

void dumps_dispatch(struct dumps *d)
{
	int ended;

	if (d->state != DUMPS_RUNNING)
		return;
	ended = dumper_read(&d->dumper, d->freeze);
	if (d->dumper.asks)
		answer(d);
	if (ended)
		end_dumper(d, 0);
}

uint64_t dumps_deadline(const struct dumps *d)
{
	return d->state == DUMPS_RUNNING ? d->freeze->until_ns : UINT64_MAX;
}

void dumps_check_limit(struct dumps *d, uint64_t now_ns)
{
	if (d->state == DUMPS_RUNNING && now_ns >= d->freeze->until_ns)
		end_dumper(d, 1);
}

void dumps_finish(struct dumps *d)
{
	dumps_release(d);
	while (d->state == DUMPS_RUNNING) {
		struct pollfd p = { .fd = d->dumper.fd, .events = POLLIN };

		poll(&p, 1, 100);
		dumps_dispatch(d);
		dumps_check_limit(d, clock_ns(CLOCK_MONOTONIC));
	}
}

/* Those that have said all are gone in a moment; a hung one is left behind. */
static void wait_left(struct dumps *d)
{
	const struct timespec moment = { .tv_nsec = 1000000 };

	for (unsigned i = 0; i < DUMPS_LEFT_MAX; i++)
		for (unsigned n = 0; n < 100 && d->left[i].pid; n++) {
			dumps_reap(d);
			if (d->left[i].pid)
				nanosleep(&moment, NULL);
		}
}

void dumps_fini(struct dumps *d)
{
	dumps_finish(d);
	pruner_end(&d->pruner);
	wait_left(d);
	hist_records_free(&d->hist_records);
	facts_free(&d->hold_facts);
	facts_free(&d->facts);
}
