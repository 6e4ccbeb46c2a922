/* SPDX-License-Identifier: GPL-2.0-or-later */
/* incident.c - does what the trigger engine wants: freeze, dump, release, tell. */
#include "recorder/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "recorder/log.h"
#include "triggers/units.h"

static struct daemon_ask *ask_find(struct daemon *d, uint64_t cookie)
{
	for (unsigned i = 0; cookie && i < DAEMON_ASKS; i++)
		if (d->asks[i].cookie == cookie)
			return &d->asks[i];
	return NULL;
}

static struct daemon_ask *ask_new(struct daemon *d)
{
	for (unsigned i = 0; i < DAEMON_ASKS; i++) {
		struct daemon_ask *a = &d->asks[i];

		if (a->cookie)
			continue;
		memset(a, 0, sizeof(*a));
		a->cookie = ++d->next_cookie;
		return a;
	}
	return NULL;
}

/* Tells who waits, and forgets. */
static void ask_answer(struct daemon *d, struct daemon_ask *a, int error)
{
	const struct dump_outcome *o = &d->last;
	char text[PATH_MAX + 256];

	a->cookie = 0;
	if (!a->client)
		return;
	if (error == -ECANCELED)
		snprintf(text, sizeof(text), "the recorder is ending");
	else if (error == -ESTALE)
		snprintf(
			text, sizeof(text),
			"no snapshot: the trigger was removed or changed while it waited for another snapshot");
	else if (error)
		snprintf(text, sizeof(text), "no snapshot: %s%s%s",
			 dumper_why(error == -ECHILD ? o->err : error),
			 d->last_path[0] ? ", folder " : "", d->last_path);
	else
		snprintf(
			text, sizeof(text),
			"path=%s\nbytes=%llu\nrecords=%llu\nfreeze_us=%.1f\nhit_to_hold_us=%.1f\nhit_to_disk_ms=%.1f\ntotal_ms=%.1f\n",
			d->last_path, (unsigned long long)o->bytes,
			(unsigned long long)o->records,
			(double)o->hold_ns / 1e3,
			(double)o->hit_to_hold_ns / 1e3,
			(double)o->hit_to_disk_ns / 1e6,
			(double)o->hit_to_disk_ns / 1e6);
	control_reply(d->control, a->client, error ? 1 : 0, text,
		      daemon_now_ns());
}

/* Why the engine did not take it. */
static const char *why_not(int err, const char *name, char *buf, size_t size)
{
	if (err == -ESHUTDOWN)
		snprintf(buf, size, "the recorder is ending");
	else if (err == -ECANCELED)
		snprintf(buf, size,
			 "trigger %s is disabled; flightrec trigger enable %s",
			 name, name);
	else if (err == -EAGAIN)
		snprintf(buf, size,
			 "too many snapshots are asked for already; try again");
	else
		snprintf(buf, size, "%s", strerror(-err));
	return buf;
}

/* ${name}: a trigger's. */
static void ask_engine(struct daemon *d, const char *name, pid_t pid, uid_t uid,
		       struct daemon_ask *a)
{
	struct engine_hit h = {
		.hit_ns = daemon_now_ns(),
		.pid = (uint32_t)pid,
		.uid = uid,
		.signo = a ? 0 : SIGUSR1,
		.cookie = a ? a->cookie : 0,
	};
	char text[192];
	int err;

	if (a)
		snprintf(h.note, sizeof(h.note), "%.*s",
			 (int)sizeof(h.note) - 1, a->reason);
	err = engine_fire(d->engine, h.hit_ns, name, &h);
	if (!err)
		return;
	log_err(0, "a snapshot that was asked for cannot be taken: %s",
		why_not(err, name, text, sizeof(text)));
	if (a && a->cookie) {
		a->cookie = 0;
		control_reply(d->control, a->client, 1, text, daemon_now_ns());
	}
}

void incident_ask_signal(struct daemon *d, pid_t pid, uid_t uid)
{
	ask_engine(d, "signal", pid, uid, NULL);
}

static void ask_by_client(struct daemon *d, uint64_t client,
			  const char *trigger, const char *shown,
			  const struct control_request *req)
{
	struct daemon_ask *a = ask_new(d);

	if (!a) {
		control_reply(
			d->control, client, 1,
			"too many snapshots are asked for already; try again",
			daemon_now_ns());
		return;
	}
	a->client = client;
	snprintf(a->name, sizeof(a->name), "%s", shown);
	snprintf(a->reason, sizeof(a->reason), "%s", req->reason);
	ask_engine(d, trigger, req->pid, req->uid, a);
}

void incident_ask_client(struct daemon *d, uint64_t client,
			 const struct control_request *req)
{
	ask_by_client(d, client, "manual", req->name, req);
}

void incident_fire_client(struct daemon *d, uint64_t client,
			  const struct control_request *req)
{
	ask_by_client(d, client, req->name, "", req);
}

/* ---- hits on their way ---------------------------------------------------------- */

static void on_wake(void *arg, const struct fr_wake *w)
{
	struct daemon *d = arg;

	engine_wake(d->engine, daemon_now_ns(), w);
}

static void on_hit(void *arg, const struct engine_hit *h)
{
	struct daemon *d = arg;

	engine_hit(d->engine, daemon_now_ns(), h);
}

void daemon_take_hits(struct daemon *d)
{
	engine_begin_hits(d->engine);
	if (d->probes)
		probes_poll(d->probes, on_wake, d);
	inbox_drain(d->inbox, on_hit, d);
	engine_end_hits(d->engine, daemon_now_ns());
}

/* ---- the engine's wishes ------------------------------------------------------- */

static int op_freeze(void *arg, const struct engine_reason *r)
{
	struct daemon *d = arg;

	d->lead = r->number;
	if (d->probes)
		probes_sweep(d->probes, daemon_now_ns());
	return dumps_freeze(&d->dumps);
}

static void find_counts(struct daemon *d, uint32_t number, struct dump_cause *c)
{
	struct trigger_info info;

	for (unsigned i = 0; i < engine_nr_triggers(d->engine); i++) {
		engine_info(d->engine, i, &info);
		if (info.number != number)
			continue;
		c->fired = info.counts.fired;
		c->merged = info.counts.merged;
		c->suppressed = info.counts.suppressed;
	}
}

/* "b: 3 hits, the first 1.20 s later: fsync of ..." for each trigger. */
static void op_joined(void *arg, const struct engine_reason *r)
{
	struct daemon *d = arg;
	struct facts f = { .len = 0 };

	facts_add(&f, "trigger.incident", "%llu",
		  (unsigned long long)r->incident);
	facts_add(&f, "trigger.joined_hits", "%llu",
		  (unsigned long long)r->merged);
	for (unsigned i = 0; i < r->nr_merged; i++) {
		const struct engine_merged *m = &r->merged_hits[i];
		bool late = m->hit_ns >= r->hit_ns;
		char key[32], after[32];

		snprintf(key, sizeof(key), "trigger.joined.%u", i + 1);
		units_human_time(after, late ? m->hit_ns - r->hit_ns :
					       r->hit_ns - m->hit_ns);
		facts_add(&f, key, "%s: %llu hit%s%s%s%s%s", m->name,
			  (unsigned long long)m->hits, m->hits == 1 ? "" : "s",
			  m->text[0] ? ", the first " : "",
			  m->text[0] ? after : "",
			  !m->text[0] ? "" :
			  late        ? " later: " :
					" earlier: ",
			  m->text);
	}
	joined_put(d->dumps.joined, &f);
	facts_free(&f);
}

void incident_dump_asks(void *arg)
{
	struct daemon *d = arg;
	const struct engine_reason *r = engine_incident(d->engine);

	if (r)
		op_joined(d, r);
}

static int op_start_dump(void *arg, const struct engine_reason *r)
{
	struct daemon *d = arg;
	const struct daemon_ask *a = ask_find(d, r->hit.cookie);
	char reason[600];
	struct dump_cause cause = {
		.name = a && a->name[0] ? a->name : r->name,
		.kind = r->detector,
		.reason = reason,
		.when = r->when,
		.number = r->number,
		.hit_ns = r->hit_ns,
		.ts = r->hit.ts,
		.dur = r->hit.dur,
		.pid = r->hit.pid,
		.tid = r->hit.tid,
		.value = r->hit.value,
	};
	int err;

	/* The engine keeps a short note; the whole reason is ours. */
	if (a && strlen(a->reason) >= sizeof(r->hit.note))
		snprintf(reason, sizeof(reason), "%s: %s", r->text, a->reason);
	else
		snprintf(reason, sizeof(reason), "%s", r->text);
	find_counts(d, r->number, &cause);
	daemon_meta(d, META_TRIGGER, r->number, r->incident, reason);
	log_info("trigger %s: %s", cause.name, reason);
	op_joined(d, r);
	hook_job_free(d->hook);
	d->hook = incident_hook_new(r, reason);
	err = dumps_start(&d->dumps, &cause);
	if (err) {
		d->last = (struct dump_outcome){ .err = err };
		snprintf(d->last_path, sizeof(d->last_path), "%s",
			 d->dumps.folder);
		daemon_meta(d, META_DUMP_FAILED, r->number, (uint64_t)-err,
			    d->dumps.folder);
	}
	return err;
}

static void op_release(void *arg)
{
	struct daemon *d = arg;

	dumps_release(&d->dumps);
}

static void op_answered(void *arg, uint64_t cookie, int error)
{
	struct daemon *d = arg;
	struct daemon_ask *a = ask_find(d, cookie);

	if (a)
		ask_answer(d, a, error);
}

static void op_log(void *arg, uint32_t trigger, const char *text)
{
	daemon_meta(arg, META_NOTE, trigger, 0, text);
	log_debug("trigger %u: %s", trigger, text);
}

static void op_say(void *arg, uint32_t trigger, const char *text)
{
	daemon_meta(arg, META_NOTE, trigger, 0, text);
	log_info("%s", text);
}

/* No record is older than the recorder: its ring begins with it. */
static uint64_t op_history(void *arg, uint64_t now_ns)
{
	const struct daemon *d = arg;

	return now_ns > d->recording_ns ? now_ns - d->recording_ns : 0;
}

void incident_hook_done(void *arg, uint32_t number, int code, const char *text)
{
	daemon_meta(arg, META_HOOK, number, (uint64_t)code, text);
}

void incident_dump_done(void *arg, const struct dump_outcome *o)
{
	struct daemon *d = arg;

	d->last = *o;
	snprintf(d->last_path, sizeof(d->last_path), "%s", o->path);
	d->last.path = d->last_path;
	if (o->err) {
		daemon_meta(d, META_DUMP_FAILED, d->lead, (uint64_t)-o->err,
			    o->path);
		if (o->err == -ETIME || o->err == -EINTR)
			engine_dumper_died(d->engine, o->now_ns);
		else
			engine_dump_failed(d->engine, o->now_ns, o->err);
		return;
	}
	daemon_meta(d, META_DUMP, d->lead, o->bytes, o->path);
	log_info(
		"snapshot %s, %llu records, %llu bytes, held in %.0f us, on disk after %.0f ms",
		o->path, (unsigned long long)o->records,
		(unsigned long long)o->bytes, (double)o->hold_ns / 1e3,
		(double)o->hit_to_disk_ns / 1e6);
	incident_hook_run(d, d->last_path);
	engine_dump_done(d->engine, o->now_ns);
}

const struct engine_ops incident_ops = {
	.freeze = op_freeze,
	.start_dump = op_start_dump,
	.release = op_release,
	.answered = op_answered,
	.log = op_log,
	.say = op_say,
	.history = op_history,
	.joined = op_joined,
};
