/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hook.h - commands that are run when a snapshot is on disk (`exec` of a trigger).
 *
 *   hook_job_new(), hook_job_env()  ──▶  hooks_run()  ──▶  a process of its own
 *                                          │ full: waits in the queue
 *                                          └ queue full: dropped, and said
 *
 * The process has a session of its own, no right, no descriptor and no variable of
 * ours; what it prints comes to the log, up to a bound.  When its time is over, or
 * its shell has ended, whatever is left of its process group is killed.  Nothing
 * here ever waits for it.
 *
 * Not thread-safe: belongs to the event loop.
 */
#ifndef RECORDER_HOOK_H
#define RECORDER_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HOOKS_AT_ONCE   4  /* that run */
#define HOOKS_QUEUE     16 /* that wait */
#define HOOK_ENV_MAX    32
#define HOOK_GROUPS_MAX 64
#define HOOK_LOG_BYTES  (16 << 10) /* of what one prints, in the log */
#define HOOK_READ_BYTES (16 << 20) /* then its output is closed */

/* What is to be run. */
struct hook_job {
	char name[64]; /* of the trigger */
	uint32_t number;
	char *command; /* for /bin/sh -c */
	uint64_t limit_ns;
	char *env[HOOK_ENV_MAX + 1]; /* "KEY=value", ends with NULL */
	unsigned nr_env;
	bool failed; /* memory ran out on the way */
};

/* NULL: out of memory. */
struct hook_job *hook_job_new(const char *name, uint32_t number,
			      const char *command, uint64_t limit_ns);
/* Adds a variable; control characters become `?`.  A failure is kept, and
 * hooks_run() says it. */
void hook_job_env(struct hook_job *j, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void hook_job_free(struct hook_job *j); /* NULL is a no-op */

/* One that runs. */
struct hook {
	pid_t pid; /* and of its group; 0: free */
	int fd;    /* what it prints; -1: closed */
	bool killed;
	uint64_t began_ns, until_ns;
	uint64_t read_bytes, logged_bytes;
	char line[256]; /* the beginning of its present line */
	size_t len;
	struct hook_job *job;
};

/*
 * How it ended, once for each job: ${code} is its exit code, 128 + signal, or 126
 * if it was not run.  ${text} says it in words and names the trigger.
 */
typedef void (*hooks_done_fn)(void *arg, uint32_t number, int code,
			      const char *text);

struct hooks_counts {
	uint64_t run, failed, killed, dropped;
};

struct hooks {
	bool change_user; /* to these: */
	bool no_user;     /* there is nobody to change to */
	uid_t uid;
	gid_t gid, groups[HOOK_GROUPS_MAX];
	int nr_groups;
	char user[64];
	int epoll_fd;
	hooks_done_fn done_fn;
	void *done_arg;
	struct hook running[HOOKS_AT_ONCE];
	struct hook_job *queue[HOOKS_QUEUE];
	unsigned queue_nr;
	struct hooks_counts counts;
};

/*
 * ${user}: whom they run as if we are root; "" or one with the number 0: nobody.
 * Else they run as who we are.  0 or negative errno.
 */
int hooks_init(struct hooks *h, const char *user, hooks_done_fn fn, void *arg);
/* Runs the job (taken over) at once, or puts it in the queue, or drops it. */
void hooks_run(struct hooks *h, struct hook_job *job, uint64_t now_ns);

/* For poll: readable when hooks_dispatch() has something to read. */
int hooks_fd(const struct hooks *h);
void hooks_dispatch(struct hooks *h);
/* When hooks_check_limit() must be called; UINT64_MAX: never. */
uint64_t hooks_deadline(const struct hooks *h);
/* Kills those that are over their time. */
void hooks_check_limit(struct hooks *h, uint64_t now_ns);
/* Takes note of those that have ended, and runs what waits: on SIGCHLD. */
void hooks_reap(struct hooks *h, uint64_t now_ns);
unsigned hooks_nr_running(const struct hooks *h);
/* Kills what runs, drops what waits; does not wait for either. */
void hooks_fini(struct hooks *h, uint64_t now_ns);

#endif
