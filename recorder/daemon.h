/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * daemon.h - the recorder: what it is made of, and its event loop.
 *
 *   daemon.c    start, loop, end          incident.c  the engine's wishes
 *   status.c    what it tells of itself   recover.c   what a dead one left
 *   daemon_sampler.c  sampler and timer; what looks at the state
 *   daemon_open.c     makes what it is made of
 *
 * One thread beside the sampler's; everything here belongs to it.
 */
#ifndef RECORDER_DAEMON_H
#define RECORDER_DAEMON_H

#include "recorder/by_hand.h"
#include "recorder/clocks.h"
#include "recorder/confwatch.h"
#include "recorder/control.h"
#include "recorder/dumps.h"
#include "recorder/hook.h"
#include "recorder/lookout.h"
#include "recorder/options.h"
#include "recorder/probe.h"
#include "recorder/ring_user.h"
#include "recorder/runfolder.h"
#include "recorder/sampler.h"
#include "recorder/state.h"
#include "recorder/watch.h"
#include "triggers/engine.h"
#include "triggers/inbox.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* Writers of the user ring. */
enum daemon_writer {
	WRITER_SAMPLER = 0,
	WRITER_MAIN = 1,
	WRITER_STATE = 2, /* fr-state */
	WRITER_WALK = 3,  /* fr-walk */
	WRITERS
};

/* `what` of meta records. */
enum daemon_meta {
#define FR_META(id, number, word, doc) META_##id = (number),
#include "flightrec/meta.def"
#undef FR_META
};

/* Someone who asked for a snapshot by hand and may wait for the answer. */
struct daemon_ask {
	uint64_t cookie; /* what the engine knows it by; 0: free */
	uint64_t client; /* of the control socket; 0: nobody waits */
	char name[64];   /* "": that of the trigger */
	char reason[256];
};
#define DAEMON_ASKS (ENGINE_QUEUE_MAX + 2)

/* Of the settings. */
struct daemon_reloads {
	uint64_t done, failed;
	struct fr_diag broken; /* what is wrong with the files now; "": nothing */
	uint64_t look_ns;      /* when to look whether they changed; 0: not */
	int blind;             /* errno of what cannot be watched */
};

/* Counts of the round before, for rates. */
struct daemon_rates {
	uint64_t at_ns;
	uint64_t written[FR_LANES_MAX];
	double per_s[FR_LANES_MAX];
};

struct daemon {
	const struct options *options;
	struct fr_config *config;       /* in force */
	struct fr_config *first_config; /* the probes refer to it */
	struct runfolder run;
	gid_t gid; /* of run.group; (gid_t)-1: there is no such group */
	uint64_t started_ns;

	struct ring_user *ring;
	struct probes *probes;     /* NULL: no kernel probes */
	struct fr_diag probes_why; /* why not */
	struct hist *hist;         /* NULL: none */
	struct freeze freeze;
	struct dumps dumps;
	struct facts host, settings; /* what does not change between dumps */

	struct rule_sets rules;
	struct by_hand by_hand;
	struct engine *engine;
	struct inbox *inbox;
	struct look_world world;
	struct lookout *lookout;
	struct sampler *sampler;
	uint64_t sampler_ns; /* when its timer was started last */
	bool sampler_down;   /* its timer ended, and is to be started again */
	struct watch *watch;
	struct state *looks; /* at processes, machine, files; NULL: none */
	uint64_t looks_ns;   /* when its process was started last */
	bool looks_down;     /* it ended, and is to be started again */
	struct control *control;
	struct confwatch *confwatch; /* NULL: files are not watched */
	uint32_t confwatch_source;   /* its number in epoll */
	struct daemon_reloads reloads;

	int epoll_fd, signal_fd, timer_fd, clock_fd;
	int dump_fd;        /* in epoll; -1: none */
	uint64_t timer_ns;  /* what timer_fd is set to */
	uint64_t chores_ns; /* when the next round of small work is due */
	bool stopping;

	struct daemon_ask asks[DAEMON_ASKS];
	uint64_t next_cookie;
	uint32_t lead; /* number of the trigger whose snapshot is under way */
	struct dump_outcome last; /* of the last dump; path in last_path */
	char last_path[PATH_MAX];
	struct hooks hooks;
	struct hook_job *hook; /* to be run when the dump is done; NULL: none */
	uint64_t recording_ns; /* since then */
	struct daemon_rates rates;
	struct clocks clocks;
	unsigned recovered; /* snapshots written of what a dead one left */
};

/* Runs until SIGTERM or SIGINT.  Returns the exit code. */
int daemon_run(const struct options *o, struct fr_config *config);

uint64_t daemon_now_ns(void);
/* Adds a meta record. */
void daemon_meta(struct daemon *d, enum daemon_meta what, uint32_t trigger,
		 uint64_t value, const char *text);
/* (gid_t)-1: there is no such group. */
gid_t daemon_group(const char *name);

/* ---- daemon_open.c ---------------------------------------------------------- */
/* In this order, at the start.  0 or negative errno, said. */
int daemon_open_rings(struct daemon *d);
int daemon_open_engine(struct daemon *d);
void daemon_open_dumps(struct daemon *d);

/* ---- daemon_sampler.c ------------------------------------------------------- */
/* 0 or negative errno, said. */
int daemon_open_sampler(struct daemon *d);
/* Rights are a thread's own: call this after ours were dropped. */
void daemon_start_sampler(struct daemon *d);
/* On SIGCHLD and now and then: a timer that ended is replaced. */
void daemon_check_timer(struct daemon *d);

/* The same three for what looks at the state of the machine. */
int daemon_open_state(struct daemon *d);
void daemon_start_state(struct daemon *d);
void daemon_check_state(struct daemon *d);

/* ---- reload.c --------------------------------------------------------------- */
/* Fills dumps from the settings; what runs is not touched. */
void daemon_configure_dumps(struct dumps *dumps, const struct fr_config *c,
			    gid_t gid);

/* ---- incident.c ------------------------------------------------------------- */
extern const struct engine_ops incident_ops; /* arg: struct daemon */
/* Takes in the hits that have come, as one moment; also before the rules that they
 * were made by change. */
void daemon_take_hits(struct daemon *d);
/* A snapshot is asked for by hand. */
void incident_ask_signal(struct daemon *d, pid_t pid, uid_t uid);
void incident_ask_client(struct daemon *d, uint64_t client,
			 const struct control_request *req);
/* A trigger is to be fired by hand, that of req->name, which is there. */
void incident_fire_client(struct daemon *d, uint64_t client,
			  const struct control_request *req);
/* For struct dumps. */
void incident_dump_asks(void *arg);
void incident_dump_done(void *arg, const struct dump_outcome *o);
/* For struct hooks. */
void incident_hook_done(void *arg, uint32_t number, int code, const char *text);

/* ---- incident_hook.c -------------------------------------------------------- */
/* What the trigger's hook is to run, all but the file; NULL: none, or no memory
 * (said). */
struct hook_job *incident_hook_new(const struct engine_reason *r,
				   const char *reason);
/* Runs d->hook, if there is one, for that file. */
void incident_hook_run(struct daemon *d, const char *path);

/* ---- change.c --------------------------------------------------------------- */
/* CONTROL_ADD, _REMOVE, _ENABLE, _DISABLE or _FIRE: does it and answers. */
void change_triggers(struct daemon *d, uint64_t client,
		     const struct control_request *req);

/* ---- status.c --------------------------------------------------------------- */
/* "key=value" lines, values percent-encoded; to be freed.  NULL: no memory. */
char *status_text(struct daemon *d);
char *status_triggers_text(struct daemon *d);
/* Every few seconds: rates, and what a minute added to the histograms. */
void status_measure(struct daemon *d, uint64_t now_ns);

/* ---- status_hist.c ---------------------------------------------------------- */
/* The histograms of the probes, if they keep any: for dumps and for the status. */
void status_open_hist(struct daemon *d);
/* "hist..." lines of the status. */
void status_put_hist(FILE *f, const struct daemon *d, uint64_t now_ns);

/* ---- recover.c -------------------------------------------------------------- */
/* Moves the user ring of a dead recorder aside; before a new one is made. */
void recover_keep_user_ring(const struct runfolder *run);
/*
 * Before our own probes are loaded, which may take seconds: saves what a left
 * kernel ring holds now, and leaves it alone, so that it goes on until ours
 * record.  What it has then is saved by recover_all(); readers drop what both
 * snapshots have.
 */
void recover_early(const struct fr_config *c, struct facts *host);
struct recover_result {
	unsigned saved; /* snapshots written */
	unsigned kept;  /* rings that could not be saved and are still there */
	bool ours;      /* probes of our own record meanwhile */
	int err;        /* 0 or the last error; -EACCES, -EPERM: no right */
	char first[PATH_MAX]; /* path of the first */
};
#define RECOVER_OURS    1u /* our probes record by now: those of what stays end */
#define RECOVER_NO_PINS 2u /* somebody else is saving what is pinned */
/* Writes a snapshot of each ring that a dead recorder left under
 * ring.pin_folder, and of the user ring moved aside; then removes them.  One
 * that cannot be saved stays; one of another version is removed, and said. */
void recover_all(const struct fr_config *c, const struct runfolder *run,
		 struct facts *host, unsigned how, struct recover_result *ret);
/* flightrecd --recover.  Returns the exit code. */
int recover_run(const struct options *o, struct fr_config *config);

#endif
