/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon.c - starts the recorder, runs its event loop, ends it. */
#include "recorder/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <flightrec/event.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "recorder/log.h"
#include "recorder/notify.h"
#include "recorder/priv.h"
#include "recorder/reload.h"
#include "recorder/rules.h"

#define CHORES_NS 10000000000ULL

enum event_source {
	EVENT_SIGNAL,
	EVENT_CONTROL,
	EVENT_WAKE,
	EVENT_INBOX,
	EVENT_TIMER,
	EVENT_DUMP,
	EVENT_CLOCK,
	EVENT_CONFIG,
	EVENT_HOOK,
};

uint64_t daemon_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

gid_t daemon_group(const char *name)
{
	const struct group *g = *name ? getgrnam(name) : NULL;

	return g ? g->gr_gid : (gid_t)-1;
}

void daemon_meta(struct daemon *d, enum daemon_meta what, uint32_t trigger,
		 uint64_t value, const char *text)
{
	struct fr_meta rec = { .ts = daemon_now_ns(),
			       .what = what,
			       .trigger = trigger,
			       .value = value };
	size_t len = strnlen(text, 1000);

	if (d->ring)
		ring_user_put(d->ring, FR_LANE_META, WRITER_MAIN, FR_T_meta,
			      (unsigned)len, &rec, sizeof(rec), text, len);
}

/* ---- the loop -------------------------------------------------------------------- */

static int watch_fd(struct daemon *d, int fd, enum event_source source)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = source };

	if (fd < 0 || epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0)
		return 0;
	return -errno;
}

/* The pipe of the dumper at hand; closing it took the old one out. */
static void watch_dumper(struct daemon *d)
{
	int fd = dumps_fd(&d->dumps);

	/* Numbers are used again, so the old one is not told from the new. */
	if (fd >= 0 && watch_fd(d, fd, EVENT_DUMP) == -EEXIST)
		return;
	d->dump_fd = fd;
}

static void on_request(void *arg, uint64_t client,
		       const struct control_request *req)
{
	struct daemon *d = arg;
	struct fr_diag diag;
	char *text;

	switch (req->verb) {
	case CONTROL_DUMP:
		incident_ask_client(d, client, req);
		return;
	case CONTROL_RELOAD:
		if (reload_settings(d, &diag))
			control_reply(d->control, client, 2, diag.text,
				      daemon_now_ns());
		else
			control_reply(d->control, client, 0, "",
				      daemon_now_ns());
		return;
	case CONTROL_ADD:
	case CONTROL_REMOVE:
	case CONTROL_ENABLE:
	case CONTROL_DISABLE:
	case CONTROL_FIRE:
		change_triggers(d, client, req);
		return;
	case CONTROL_STATUS:
	case CONTROL_TRIGGERS:
		text = req->verb == CONTROL_STATUS ? status_text(d) :
						     status_triggers_text(d);
		control_reply(d->control, client, text ? 0 : 1,
			      text ? text : "out of memory", daemon_now_ns());
		free(text);
		return;
	}
}

static void stop(struct daemon *d, int signo)
{
	if (d->stopping)
		return;
	log_info("ending (%s)", strsignal(signo));
	notify_send("STOPPING=1");
	d->stopping = true;
	engine_shutdown(d->engine, daemon_now_ns());
}

static void check_clocks(struct daemon *d)
{
	int64_t real, boot, was = d->clocks.real_ns;
	char text[128];
	bool first = !d->clocks.said_ns;

	clocks_read(&real, &boot);
	if (!clocks_note(&d->clocks, daemon_now_ns(), real, boot))
		return;
	snprintf(text, sizeof(text),
		 "mono_to_real_ns=%lld mono_to_boot_ns=%lld moved_ns=%lld",
		 (long long)real, (long long)boot,
		 first ? 0LL : (long long)(real - was));
	daemon_meta(d, META_CLOCK, 0, (uint64_t)real, text);
}

static void on_child(struct daemon *d)
{
	dumps_reap(&d->dumps);
	hooks_reap(&d->hooks, daemon_now_ns());
	daemon_check_timer(d);
	daemon_check_state(d);
}

static void on_signal(struct daemon *d)
{
	struct signalfd_siginfo si;
	struct fr_diag diag;

	while (read(d->signal_fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGUSR1)
			incident_ask_signal(d, (pid_t)si.ssi_pid, si.ssi_uid);
		else if (si.ssi_signo == SIGHUP)
			reload_settings(d, &diag);
		else if (si.ssi_signo == SIGCHLD)
			on_child(d);
		else
			stop(d, (int)si.ssi_signo);
	}
}

static void chores(struct daemon *d, uint64_t now_ns)
{
	if (now_ns < d->chores_ns)
		return;
	d->chores_ns = now_ns + CHORES_NS;
	status_measure(d, now_ns);
	on_child(d);
	check_clocks(d);
	rules_check(d);
	dumps_prune(&d->dumps, now_ns);
	if (d->probes) {
		probes_seal_offline(d->probes);
		probes_sweep(d->probes, now_ns);
	}
}

static void serve(struct daemon *d, enum event_source source)
{
	uint64_t ticks;

	switch (source) {
	case EVENT_SIGNAL:
		on_signal(d);
		break;
	case EVENT_CONTROL:
		control_dispatch(d->control, daemon_now_ns());
		break;
	case EVENT_WAKE:
	case EVENT_INBOX:
		daemon_take_hits(d);
		break;
	case EVENT_DUMP:
		dumps_dispatch(&d->dumps);
		break;
	case EVENT_HOOK:
		hooks_dispatch(&d->hooks);
		break;
	case EVENT_CLOCK:
		clocks_arm(d->clock_fd);
		check_clocks(d);
		break;
	case EVENT_CONFIG:
		reload_on_event(d);
		break;
	case EVENT_TIMER:
		(void)!read(d->timer_fd, &ticks, sizeof(ticks));
		d->timer_ns = UINT64_MAX;
		break;
	}
}

static void do_what_is_due(struct daemon *d)
{
	uint64_t now = daemon_now_ns();

	dumps_check_limit(&d->dumps, now);
	hooks_check_limit(&d->hooks, now);
	if (engine_next_deadline(d->engine) <= now)
		engine_tick(d->engine, now);
	if (control_next_deadline(d->control) <= now)
		control_dispatch(d->control, now);
	if (reload_deadline(d) <= now)
		reload_look(d);
	chores(d, now);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void set_timer(struct daemon *d)
{
	uint64_t at = earlier(d->chores_ns, engine_next_deadline(d->engine));
	struct itimerspec it = { 0 };

	at = earlier(at, dumps_deadline(&d->dumps));
	at = earlier(at, hooks_deadline(&d->hooks));
	at = earlier(at, control_next_deadline(d->control));
	at = earlier(at, reload_deadline(d));
	if (at == d->timer_ns)
		return;
	d->timer_ns = at;
	if (at == 0)
		at = 1; /* 0 would switch it off */
	it.it_value.tv_sec = (time_t)(at / 1000000000);
	it.it_value.tv_nsec = (long)(at % 1000000000);
	timerfd_settime(d->timer_fd, TFD_TIMER_ABSTIME, &it, NULL);
}

static void loop(struct daemon *d)
{
	struct epoll_event ev[16];

	while (!d->stopping || !engine_idle(d->engine)) {
		int n;

		watch_dumper(d);
		set_timer(d);
		n = epoll_wait(d->epoll_fd, ev, 16, -1);
		for (int i = 0; i < n; i++)
			serve(d, (enum event_source)ev[i].data.u32);
		do_what_is_due(d);
	}
}

/* ---- start ------------------------------------------------------------------------ */

static int open_run_folder(struct daemon *d)
{
	const char *folder = d->config->run_folder;
	pid_t other;
	int err = runfolder_open(&d->run, folder, &other);

	if (err == -EBUSY)
		log_err(0,
			"a recorder is already running (pid %d) with run folder %s; stop it, or choose another run.folder",
			(int)other, folder);
	else if (err)
		log_err(err, "cannot use run folder %s (run.folder)", folder);
	return err;
}

static int open_control(struct daemon *d)
{
	char path[PATH_MAX];

	runfolder_name(&d->run, RUNFOLDER_SOCKET, path);
	d->control = control_open(path, d->gid, on_request, d);
	if (!d->control) {
		int err = -errno;

		log_err(err, "cannot make the control socket %s", path);
		return err;
	}
	return 0;
}

static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGCHLD);
	sigprocmask(SIG_BLOCK, set, NULL);
	signal(SIGCHLD,
	       SIG_DFL); /* ignored, it would hide how children ended */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
}

static int open_events(struct daemon *d, const sigset_t *set)
{
	int err;

	d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	d->signal_fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	d->timer_fd =
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	d->clock_fd = clocks_open(); /* without it, chores notice later */
	if (d->epoll_fd < 0 || d->signal_fd < 0 || d->timer_fd < 0)
		return -errno;
	err = watch_fd(d, d->signal_fd, EVENT_SIGNAL);
	if (!err)
		err = watch_fd(d, d->timer_fd, EVENT_TIMER);
	if (!err)
		err = watch_fd(d, d->clock_fd, EVENT_CLOCK);
	if (!err)
		err = watch_fd(d, control_fd(d->control), EVENT_CONTROL);
	if (!err)
		err = watch_fd(d, inbox_fd(d->inbox), EVENT_INBOX);
	if (!err)
		err = watch_fd(d, hooks_fd(&d->hooks), EVENT_HOOK);
	if (!err && d->probes)
		err = watch_fd(d, probes_wake_fd(d->probes), EVENT_WAKE);
	return err;
}

/* What a dead recorder left; its probes record until ours do. */
static void recover(struct daemon *d, int lock_fd)
{
	struct recover_result res;
	unsigned how = (d->probes ? RECOVER_OURS : 0) |
		       (lock_fd == -EWOULDBLOCK ? RECOVER_NO_PINS : 0);

	recover_all(d->config, &d->run, &d->host, how, &res);
	d->recovered = res.saved;
}

static int start(struct daemon *d)
{
	sigset_t set;
	int err, lock_fd;

	block_signals(&set);
	d->gid = daemon_group(d->config->run_group);
	facts_add_host(&d->host);
	err = open_run_folder(d);
	if (err)
		return err;
	lock_fd = probes_left_lock(d->config);
	if (lock_fd >= 0)
		recover_early(d->config, &d->host);
	err = daemon_open_rings(d);
	if (!err)
		err = daemon_open_engine(d);
	if (!err)
		err = daemon_open_sampler(d);
	if (!err)
		err = daemon_open_state(d);
	if (err)
		return err;
	daemon_open_dumps(d);
	err = hooks_init(&d->hooks, d->config->run_user, incident_hook_done, d);
	if (err)
		return err;
	recover(d, lock_fd);
	if (lock_fd >= 0)
		close(lock_fd);
	err = open_control(d);
	if (!err)
		err = open_events(d, &set);
	return err;
}

static void say_ready(struct daemon *d)
{
	if (d->options->ready_fd >= 0) {
		(void)!write(d->options->ready_fd, "\n", 1);
		close(d->options->ready_fd);
	}
	notify_send("READY=1");
	daemon_meta(d, META_START, 0, 0, "recording");
	check_clocks(d);
	log_info("recording (pid %d, run folder %s, snapshots in %s)",
		 (int)getpid(), d->run.path, d->config->dump_folder);
}

static void end(struct daemon *d)
{
	control_close(d->control);
	confwatch_close(d->confwatch);
	by_hand_clear(&d->by_hand);
	sampler_stop(d->sampler);
	lookout_stop(d->lookout);
	watch_free(d->watch);
	dumps_fini(&d->dumps);
	joined_free(d->dumps.joined);
	hook_job_free(d->hook);
	hooks_fini(&d->hooks, daemon_now_ns());
	state_stop(d->looks);
	if (d->engine)
		engine_free(d->engine);
	inbox_free(d->inbox);
	rule_sets_clear(&d->rules);
	freeze_fini(&d->freeze);
	hist_close(d->hist);
	if (d->probes)
		probes_close(d->probes, false);
	if (d->ring) {
		ring_user_close(d->ring);
		unlinkat(d->run.dir_fd, RUNFOLDER_RING, 0);
	}
	runfolder_close(&d->run);
	facts_free(&d->host);
	facts_free(&d->settings);
	if (d->config != d->first_config)
		config_free(d->config);
	config_free(d->first_config);
}

static int exit_code(int err)
{
	return err == -EPERM || err == -EACCES ? 6 : 1;
}

int daemon_run(const struct options *o, struct fr_config *config)
{
	struct daemon *d = calloc(1, sizeof(*d));
	int err, code = 0;

	if (!d)
		return 1;
	d->options = o;
	d->config = d->first_config = config;
	d->started_ns = daemon_now_ns();
	d->epoll_fd = d->signal_fd = d->timer_fd = d->dump_fd = -1;
	d->clock_fd = -1;
	d->confwatch_source = EVENT_CONFIG;
	if (config->run_watch) /* what changes while we start is seen later */
		d->confwatch = confwatch_open(o->config_path);
	d->run.dir_fd = d->run.pid_fd = -1;
	err = start(d);
	if (err) {
		code = exit_code(err);
	} else {
		err = priv_drop_daemon();
		if (err)
			log_err(err, "cannot drop capabilities");
		err = lookout_start(d->lookout);
		if (err)
			log_err(err,
				"operations in flight and pressure are not watched");
		daemon_start_sampler(d);
		daemon_start_state(d);
		reload_watch(d);
		say_ready(d);
		loop(d);
	}
	end(d);
	free(d);
	return code;
}
