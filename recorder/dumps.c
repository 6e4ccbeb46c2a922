/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumps.c - from a freeze to a file. */
#include "recorder/dumps.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dump/snapshot_write.h"
#include "recorder/log.h"
#include "recorder/runfolder.h"

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
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

static void add_facts(struct dumps *d, const struct dump_cause *cause)
{
	struct facts *f = &d->facts;

	facts_clear(f);
	facts_add(f, "instance", "%016llx", (unsigned long long)d->instance);
	facts_add_clocks(f);
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
	add_cause(f, cause);
	facts_add_probes(f, d->probes);
}

static int name_taken(const char *folder, const char *name)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s" SNAP_SUFFIX, folder, name) <
		       (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

static void choose_name(struct dumps *d, const char *trigger)
{
	uint64_t real = clock_ns(CLOCK_REALTIME);

	for (unsigned i = 0; i < 1000; i++) {
		retention_make_name(d->name, real, trigger, i);
		if (!name_taken(d->settings.folders[0], d->name) &&
		    !name_taken(d->settings.folders[1], d->name))
			return;
	}
}

/* ---- one attempt after the other --------------------------------------------------- */

/* Members of the group may list and read; the folder is not for others. */
static int make_folder(const struct dumps *d, const char *folder)
{
	int err;

	if (access(folder, F_OK) == 0)
		return 0;
	err = runfolder_make(folder, 0750);
	if (!err && d->settings.gid != (gid_t)-1)
		(void)!chown(folder, (uid_t)-1, d->settings.gid);
	return err;
}

static int start_attempt(struct dumps *d)
{
	int err;

	snprintf(d->folder, sizeof(d->folder), "%s",
		 d->settings.folders[d->attempt]);
	err = make_folder(d, d->folder);
	d->job = (struct dump_job){
		.freeze = d->freeze,
		.folder = d->folder,
		.name = d->name,
		.facts = { d->host, d->config, &d->facts },
		.level = d->settings.level,
		.gid = d->settings.gid,
	};
	return err ? err : dumper_start(&d->dumper, &d->job);
}

static void apply_retention(struct dumps *d)
{
	struct retention_result r;
	int fd = open(d->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (!retention_apply(fd, d->settings.max_files, d->settings.max_bytes,
			     &r)) {
		if (r.removed)
			log_info("%s: removed %u oldest snapshots, %u are left",
				 d->folder, r.removed, r.files);
		if (r.failed)
			log_err(0, "%s: %u snapshots cannot be removed",
				d->folder, r.failed);
	}
	close(fd);
}

static void note_times(struct dumps *d, struct dump_outcome *o)
{
	struct dumps_counts *c = &d->counts;

	o->now_ns = clock_ns(CLOCK_MONOTONIC);
	o->hold_ns = d->freeze->end_ns - d->freeze->begin_ns;
	o->hit_to_hold_ns = hit_to_hold(d);
	c->hold_ns = o->hold_ns;
	c->hold_max_ns = later(c->hold_max_ns, o->hold_ns);
	c->hit_to_hold_ns = o->hit_to_hold_ns;
	c->hit_to_hold_max_ns = later(c->hit_to_hold_max_ns, o->hit_to_hold_ns);
	if (o->err)
		return;
	o->hit_to_disk_ns = o->now_ns > d->hit_ns ? o->now_ns - d->hit_ns : 0;
	c->hit_to_disk_ns = o->hit_to_disk_ns;
	c->hit_to_disk_max_ns = later(c->hit_to_disk_max_ns, o->hit_to_disk_ns);
}

static void fill_outcome(struct dumps *d, struct dump_outcome *o)
{
	if (o->err) {
		d->counts.failed++;
		snprintf(d->path, sizeof(d->path), "%s", d->folder);
		return;
	}
	d->counts.done++;
	if (snprintf(d->path, sizeof(d->path), "%s/%s" SNAP_SUFFIX, d->folder,
		     d->name) >= (int)sizeof(d->path))
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
	if (!err)
		apply_retention(d);
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

		log_err(err, "cannot write a snapshot into %s%s%s%s", d->folder,
			next ? " (trying " : "", next ? next : "",
			next ? ")" : "");
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
	choose_name(d, cause->name);
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

static void end_dumper(struct dumps *d, int kill_it)
{
	int err = dumper_end(&d->dumper, &d->job, kill_it);

	if (err && kill_it) {
		/* The hold is void, so there is nothing to try again with. */
		err = -ETIME;
		log_err(0,
			"the dump into %s took longer than dump.hold_limit and was ended",
			d->folder);
		d->counts.killed++;
	} else if (err) {
		err = try_next(d, err);
		if (!err)
			return;
	}
	finish(d, err, 1);
}

void dumps_dispatch(struct dumps *d)
{
	if (d->state == DUMPS_RUNNING && dumper_read(&d->dumper, d->freeze))
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

void dumps_fini(struct dumps *d)
{
	dumps_finish(d);
	facts_free(&d->facts);
}
