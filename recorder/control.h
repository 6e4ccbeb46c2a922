/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control.h - the control socket (flightrecd(8)).
 *
 * A client sends one line, "VERB key=value ...\n", values percent-encoded; it
 * is answered with "ok\n" or "error EXITCODE TEXT\n", then "key=value" lines,
 * and the connection is closed.  Clients cost a bounded amount: at most
 * CONTROL_CLIENTS at once, lines of at most CONTROL_LINE bytes, and a client
 * that neither sends nor reads for CONTROL_PATIENCE_NS is closed.  Not
 * thread-safe: one event loop.
 */
#ifndef RECORDER_CONTROL_H
#define RECORDER_CONTROL_H

#include "recorder/config.h" /* fr_diag */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CONTROL_CLIENTS     32
#define CONTROL_STRANGERS   8     /* of these, who will only be refused */
#define CONTROL_LINE        16384 /* a rule of RULE_TEXT_MAX bytes, escaped */
#define CONTROL_KEYS        8192  /* bytes of a rule's keys and values */
#define CONTROL_PATIENCE_NS 5000000000ULL

enum control_verb {
	CONTROL_STATUS,
	CONTROL_DUMP,
	CONTROL_RELOAD,
	CONTROL_TRIGGERS,
	CONTROL_ADD,
	CONTROL_REMOVE,
	CONTROL_ENABLE,
	CONTROL_DISABLE,
	CONTROL_FIRE,
};
struct control_request {
	enum control_verb verb;
	/* of the trigger; dump: shown as the trigger, "" if not given */
	char name[64];
	char reason[256];        /* dump, trigger-fire */
	char replace[8];         /* trigger-add: "yes" */
	char keys[CONTROL_KEYS]; /* trigger-add: see control_next_key() */
	size_t keys_len;
	pid_t pid; /* of the client */
	uid_t uid;
};

/* Parses one line without its newline.  0, or -EINVAL with what is wrong. */
int control_parse(const char *line, size_t len, struct control_request *ret,
		  struct fr_diag *diag);
/* The keys of the rule to be added, in order; *pos starts at 0.  NULL at the
 * end. */
const char *control_next_key(const struct control_request *req, size_t *pos,
			     const char **ret_value);

struct control;
/*
 * A request came.  The handler answers with control_reply() now or later; the
 * client id stays valid until then, and is never used twice.
 */
typedef void (*control_fn)(void *arg, uint64_t client,
			   const struct control_request *req);

struct control_counts {
	uint64_t served, refused,
		dropped;             /* dropped: too many, late, malformed */
	unsigned clients, strangers; /* now */
};

/*
 * Listens on ${path} (a stale socket is replaced; who calls holds the lock of
 * the run folder).  Anyone may connect and is told why not; served are root, our
 * own user and group ${gid}, unless that is (gid_t)-1.  NULL with errno.
 */
struct control *control_open(const char *path, gid_t gid, control_fn fn,
			     void *arg);
void control_close(struct control *c); /* NULL is a no-op */

/* For poll: readable when control_dispatch() has something to do. */
int control_fd(const struct control *c);
/* Serves what is ready, closes who took too long. */
void control_dispatch(struct control *c, uint64_t now_ns);
/* When control_dispatch() must be called at the latest; UINT64_MAX: never. */
uint64_t control_next_deadline(const struct control *c);

/* Answers: ${code} 0 sends "ok" and the lines of ${text} (each ended by a
 * newline), else "error ${code} ${text}".  A client that went away is ignored. */
void control_reply(struct control *c, uint64_t client, int code,
		   const char *text, uint64_t now_ns);

void control_counts(const struct control *c, struct control_counts *ret);

#endif
