/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon_sampler.c - the recorder's sampler and what looks at the state of the
 * machine; what happens when their processes end. */
#include "recorder/daemon.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recorder/log.h"

#define TIMER_AGAIN_NS 1000000000ULL

int daemon_open_sampler(struct daemon *d)
{
	const char *user = d->config->run_user;
	const struct passwd *p =
		*user && geteuid() == 0 ? getpwnam(user) : NULL;
	struct sampler_options o = {
		.period_ns = d->config->sampler_period,
		.fast_ns = d->config->sampler_fast,
		.slow_ns = d->config->sampler_slow,
		.collectors = d->config->sampler_collectors,
		.ring = d->ring,
		.writer = WRITER_SAMPLER,
		.timer_uid = p ? p->pw_uid : (uid_t)-1,
		.timer_gid = p ? p->pw_gid : (gid_t)-1,
	};
	int err = sampler_new(&o, &d->sampler);

	if (!err) {
		d->watch = watch_new(d->sampler, &d->rules, d->inbox);
		err = d->watch ? 0 : -errno;
	}
	if (err)
		log_err(err, "cannot open the sampler");
	return err;
}

/* Rights are a thread's own: its thread begins after ours were dropped. */
void daemon_start_sampler(struct daemon *d)
{
	int err = sampler_start(d->sampler);

	d->sampler_ns = daemon_now_ns();
	d->sampler_down = err != 0;
	if (err)
		log_err(err, "cannot start the sampler");
}

/* At once, unless the last one ended at once too: then with the next chores. */
void daemon_check_timer(struct daemon *d)
{
	uint64_t now_ns = daemon_now_ns();
	char text[128];
	int status = 0;

	if (sampler_timer_ended(d->sampler, &status)) {
		snprintf(text, sizeof(text),
			 "the sampler's timer ended (%s); starting another",
			 WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) :
					       "exit");
		log_err(0, "%s", text);
		daemon_meta(d, META_NOTE, 0, 0, text);
		d->sampler_down = true;
	}
	if (d->sampler_down && now_ns - d->sampler_ns > TIMER_AGAIN_NS)
		daemon_start_sampler(d);
}

/* ---- looks at the state --------------------------------------------------------- */

int daemon_open_state(struct daemon *d)
{
	struct state_options o = {
		.config = d->first_config,
		.ring = d->ring,
		.writer = WRITER_STATE,
		.walk_writer = WRITER_WALK,
	};
	int err = state_new(&o, &d->looks);

	if (err)
		log_err(err, "cannot open what looks at processes");
	return err;
}

void daemon_start_state(struct daemon *d)
{
	int err = state_start(d->looks);

	if (d->probes && state_pid(d->looks))
		probes_exclude_pid(d->probes, state_pid(d->looks));
	d->looks_ns = daemon_now_ns();
	d->looks_down = err != 0;
	if (err)
		log_err(err, "cannot start what looks at processes");
}

void daemon_check_state(struct daemon *d)
{
	uint64_t now_ns = daemon_now_ns();
	char text[128];
	int status = 0;

	if (state_ended(d->looks, &status)) {
		snprintf(text, sizeof(text),
			 STATE_NAME " ended (%s); starting another",
			 WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) :
					       "exit");
		log_err(0, "%s", text);
		daemon_meta(d, META_NOTE, 0, 0, text);
		d->looks_down = true;
	}
	if (d->looks_down && now_ns - d->looks_ns > TIMER_AGAIN_NS)
		daemon_start_state(d);
}
