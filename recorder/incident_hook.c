/* SPDX-License-Identifier: GPL-2.0-or-later */
/* incident_hook.c - what a trigger's hook is told of the incident. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "recorder/daemon.h"
#include "recorder/log.h"

/* "2026-11-28T01:20:48.123Z" */
static void format_wall(char buf[64], uint64_t mono_ns)
{
	int64_t real, boot;
	char day[32];
	time_t s;
	struct tm tm;

	clocks_read(&real, &boot);
	s = (time_t)(((int64_t)mono_ns + real) / 1000000000);
	if (!gmtime_r(&s, &tm) ||
	    !strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm))
		day[0] = '\0';
	snprintf(buf, 64, "%s.%03dZ", day,
		 (int)(((int64_t)mono_ns + real) / 1000000 % 1000));
}

/* What was measured: of a metric its value, of an operation ns, else errno, exit
 * status or the like. */
static void add_value(struct hook_job *j, const struct engine_hit *h)
{
	if (h->metric[0])
		hook_job_env(j, "FLIGHTREC_VALUE", "%.17g", h->value);
	else if (h->dur)
		hook_job_env(j, "FLIGHTREC_VALUE", "%" PRIu64, h->dur);
	else if (h->code)
		hook_job_env(j, "FLIGHTREC_VALUE", "%d", h->code);
	else
		hook_job_env(j, "FLIGHTREC_VALUE", "%.17g", h->value);
	hook_job_env(j, "FLIGHTREC_METRIC", "%s", h->metric);
	hook_job_env(j, "FLIGHTREC_PID", "%u", h->pid);
	hook_job_env(j, "FLIGHTREC_TID", "%u", h->tid);
	hook_job_env(j, "FLIGHTREC_COMM", "%s", h->comm);
}

struct hook_job *incident_hook_new(const struct engine_reason *r,
				   const char *reason)
{
	struct hook_job *j;
	char wall[64];

	if (!r->exec)
		return NULL;
	j = hook_job_new(r->name, r->number, r->exec, r->exec_limit_ns);
	if (!j) {
		log_err(0, "no memory to run the hook of trigger %s", r->name);
		return NULL;
	}
	format_wall(wall, r->hit_ns);
	hook_job_env(j, "FLIGHTREC_TRIGGER", "%s", r->name);
	hook_job_env(j, "FLIGHTREC_KIND", "%s", r->detector);
	hook_job_env(j, "FLIGHTREC_REASON", "%s", reason);
	hook_job_env(j, "FLIGHTREC_WHEN", "%s", r->when);
	hook_job_env(j, "FLIGHTREC_TIME", "%s", wall);
	hook_job_env(j, "FLIGHTREC_INCIDENT", "%" PRIu64, r->incident);
	add_value(j, &r->hit);
	return j;
}

static void add_merged(struct hook_job *j, const struct engine_reason *r)
{
	char names[ENGINE_MERGED_MAX * (RULE_NAME_MAX + 1) + 1] = "";
	size_t n = 0;

	for (unsigned i = 0; i < r->nr_merged; i++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s",
				      n ? "," : "", r->merged_hits[i].name);
	hook_job_env(j, "FLIGHTREC_MERGED", "%" PRIu64, r->merged);
	hook_job_env(j, "FLIGHTREC_MERGED_TRIGGERS", "%s", names);
}

void incident_hook_run(struct daemon *d, const char *path)
{
	const struct engine_reason *r = engine_incident(d->engine);
	struct hook_job *j = d->hook;

	d->hook = NULL;
	if (!j)
		return;
	hook_job_env(j, "FLIGHTREC_FILE", "%s", path);
	if (r)
		add_merged(j, r);
	hooks_run(&d->hooks, j, daemon_now_ns());
}
