/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drill_daemon.c - the fire drill with the recorder that runs.
 *
 * It gets one rule more while the drill lasts; its own are left alone.  Where it
 * takes none, a snapshot is asked for, as flightrec dump does, and the rest of the
 * drill is the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dump/client.h"
#include "dump/command.h"
#include "dump/drill.h"
#include "dump/escape.h"
#include "recorder/runfolder.h"
#include "triggers/units.h"

#define NAME "selftest"

bool drill_daemon_runs(struct drill *d)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int n = snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s",
			 d->run_folder, RUNFOLDER_SOCKET);
	bool up = false;

	if (fd < 0)
		return false;
	/* a full queue is one that somebody listens to */
	if (n < (int)sizeof(sa.sun_path))
		up = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 ||
		     errno == EAGAIN || errno == EACCES;
	close(fd);
	return up;
}

/* "pid 12 is stopped", if it is: then no answer will come. */
static pid_t stopped_pid(const struct drill *d)
{
	char path[PATH_MAX], line[256] = "";
	const char *after;
	FILE *f;
	int pid = 0;

	snprintf(path, sizeof(path), "%s/%s", d->run_folder, RUNFOLDER_PID);
	f = fopen(path, "re");
	if (f && fscanf(f, "%d", &pid) != 1)
		pid = 0;
	if (f)
		fclose(f);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = pid > 0 ? fopen(path, "re") : NULL;
	if (f && !fgets(line, sizeof(line), f))
		line[0] = '\0';
	if (f)
		fclose(f);
	after = strrchr(line, ')');
	return after && (after[2] == 'T' || after[2] == 't') ? pid : 0;
}

/* The step has failed because there was no answer, or a bad one. */
static void say_no_answer(struct drill *d, int code, const char *why)
{
	pid_t pid = stopped_pid(d);
	char next[64];

	d->no_permission |= code == EXIT_PERMISSION;
	d->no_daemon |= code == EXIT_NO_DAEMON;
	if (pid) {
		snprintf(next, sizeof(next), "kill -CONT %d", (int)pid);
		drill_failed(d, next,
			     "%s: process %d is stopped (SIGSTOP, or a "
			     "debugger)",
			     why, (int)pid);
	} else {
		drill_failed(d,
			     code == EXIT_PERMISSION ?
				     "sudo flightrec selftest" :
			     code == EXIT_NO_DAEMON ?
				     "systemctl status flightrecd" :
				     "see its messages in the journal",
			     "%s", why);
	}
}

/* ---- its probes -------------------------------------------------------------- */

static const char *probe(const struct client_reply *r, const char *name,
			 const char *key)
{
	char full[128];
	const char *v;

	snprintf(full, sizeof(full), "probe.%s.%s", name, key);
	v = client_value(r, full);
	return v ? v : "";
}

struct probe_counts {
	unsigned on, broken; /* broken: wanted, and not there */
};

static struct probe_counts count_probes(const struct client_reply *r)
{
	struct probe_counts n = { 0, 0 };

	for (unsigned i = 0; i < r->nr; i++) {
		const char *key = r->pairs[i].key, *end = strrchr(key, '.');

		if (strncmp(key, "probe.", 6) || !end)
			continue;
		n.on += !strcmp(end, ".attached") &&
			!strcmp(r->pairs[i].value, "yes");
		n.broken += !strcmp(end, ".why") &&
			    !strstr(r->pairs[i].value, "switched off");
	}
	return n;
}

static void say_no_probes(struct drill *d, const struct client_reply *r)
{
	char why[256];
	const char *all = client_value(r, "probes.why");
	const char *next = "flightrec doctor";

	snprintf(why, sizeof(why), "%s",
		 all ? all : probe(r, "fs.enter", "why"));
	escape_undo_percent(why);
	if (strstr(why, "probes.streams"))
		next = "add fs to probes.streams: operations on files are "
		       "what the drill is about";
	drill_failed(d, next, "no probe of the stream fs is attached: %s",
		     why[0] ? why : "why is not known");
}

bool drill_check_probes(struct drill *d, const struct client_reply *r,
			char *ret_how, size_t size)
{
	static const char *const halves[] = { "fs.enter", "fs.exit" };
	const char *version = client_value(r, "version");
	struct probe_counts n = count_probes(r);

	for (unsigned i = 0; i < 2; i++)
		if (strcmp(probe(r, halves[i], "attached"), "yes")) {
			say_no_probes(d, r);
			return false;
		}
	snprintf(ret_how, size,
		 "version %s; fs.enter by %s, fs.exit by %s; %u probes "
		 "attached",
		 version ? version : "?", probe(r, halves[0], "mechanism"),
		 probe(r, halves[1], "mechanism"), n.on);
	if (n.broken)
		snprintf(ret_how + strlen(ret_how), size - strlen(ret_how),
			 ", %u could not be (flightrec doctor)", n.broken);
	return true;
}

/* ---- its rules ---------------------------------------------------------------------- */

/* Hits of all rules about latency, which our operation may be one of. */
static uint64_t latency_hits(const struct client_reply *r)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < r->nr; i++) {
		const char *key = r->pairs[i].key;
		size_t len = strlen(key);
		char hits[128];
		const char *value;

		if (strncmp(key, "trigger.", 8) || len < 5 ||
		    strcmp(key + len - 5, ".kind") ||
		    strcmp(r->pairs[i].value, "latency"))
			continue;
		snprintf(hits, sizeof(hits), "%.*shits", (int)len - 4, key);
		value = client_value(r, hits);
		sum += value ? strtoull(value, NULL, 10) : 0;
	}
	return sum;
}

static double decimal(const struct client_reply *r, const char *key)
{
	const char *v = client_value(r, key);

	return v ? strtod(v, NULL) : 0;
}

/* Gives it a rule for our operation. */
static void lend_rule(struct drill *d)
{
	char comm[17] = "", when[96], escaped[3 * sizeof(when) + 1], line[512];
	char limit[32], why[CLIENT_WHY];
	struct client_reply r;

	prctl(PR_GET_NAME, comm);
	snprintf(d->rule, sizeof(d->rule), "selftest-%d", (int)getpid());
	snprintf(when, sizeof(when),
		 "fs.flock latency > %s where comm = \"%s\"",
		 units_format_time(limit, d->limit_ns), comm);
	escape_percent(escaped, when);
	snprintf(line, sizeof(line),
		 "trigger-add name=%s when=%s tail=0s cooldown=1h\n", d->rule,
		 escaped);
	if (client_try(d->run, line, drill_patience_s(d), &r, why)) {
		snprintf(d->no_rule, sizeof(d->no_rule), "%.250s", why);
		d->rule[0] = '\0';
		return;
	}
	client_free(&r);
}

void drill_end_daemon(struct drill *d)
{
	char line[96], why[CLIENT_WHY];
	struct client_reply r;

	d->problem[0] = '\0';
	if (!d->rule[0])
		return;
	snprintf(line, sizeof(line), "trigger-remove name=%s\n", d->rule);
	if (client_try(d->run, line, drill_patience_s(d), &r, why))
		snprintf(d->problem, sizeof(d->problem),
			 "its rule %s stays (%.300s); flightrec trigger remove "
			 "%s",
			 d->rule, why, d->rule);
	else
		client_free(&r);
}

void drill_find_daemon(struct drill *d)
{
	const char *pid, *folder;
	char why[CLIENT_WHY], how[256];
	struct client_reply r;
	int code = client_try(d->run_folder, "status\n", drill_patience_s(d),
			      &r, why);

	if (code != EXIT_OK) {
		say_no_answer(d, code, why);
		return;
	}
	d->run = d->run_folder;
	d->hits_before = latency_hits(&r);
	pid = client_value(&r, "pid");
	folder = client_value(&r, "dump.folder");
	snprintf(d->folder, sizeof(d->folder), "%s", folder ? folder : "");
	escape_undo_percent(d->folder);
	if (drill_check_probes(d, &r, how, sizeof(how))) {
		d->done_before = (uint64_t)decimal(&r, "count.dumps_done");
		d->failed_before = (uint64_t)decimal(&r, "count.dumps_failed");
		lend_rule(d);
		drill_ok(d, "pid %s: %s", pid ? pid : "?", how);
	}
	client_free(&r);
}

/* ---- its snapshot --------------------------------------------------------------------- */

bool drill_dump(struct drill *d, const char *reason, char *why, size_t size)
{
	char line[512], escaped[3 * 128 + 1], text[CLIENT_WHY];
	struct client_reply r;
	const char *path;
	int code;

	escape_percent(escaped, reason);
	snprintf(line, sizeof(line), "dump name=%s reason=%s\n",
		 d->rule[0] ? d->rule : NAME, escaped);
	code = client_try(d->run, line, drill_patience_s(d), &r, text);
	if (code != EXIT_OK) {
		snprintf(why, size, "%s", text);
		return false;
	}
	path = client_value(&r, "path");
	snprintf(d->snapshot, sizeof(d->snapshot), "%s", path ? path : "");
	escape_undo_percent(d->snapshot);
	d->bytes = (uint64_t)decimal(&r, "bytes");
	d->records = (uint64_t)decimal(&r, "records");
	d->hit_to_hold_ns = (uint64_t)(decimal(&r, "hit_to_hold_us") * 1e3);
	d->hit_to_disk_ns = (uint64_t)(decimal(&r, "hit_to_disk_ms") * 1e6);
	client_free(&r);
	return true;
}

/* Rules that our operation hit, too: somebody gets a snapshot of them. */
static bool rules_were_hit(struct drill *d)
{
	char why[CLIENT_WHY];
	struct client_reply r;
	uint64_t hits;

	if (client_try(d->run, "status\n", drill_patience_s(d), &r, why))
		return false;
	hits = latency_hits(&r);
	client_free(&r);
	return hits != d->hits_before;
}

/* Of a dump that failed the answer says only why. */
static void ask_times(struct drill *d)
{
	char why[CLIENT_WHY];
	struct client_reply r;

	if (client_try(d->run, "status\n", drill_patience_s(d), &r, why))
		return;
	d->hit_to_hold_ns = (uint64_t)decimal(&r, "dump.hit_to_hold_ns");
	client_free(&r);
}

static void fire_manual(struct drill *d)
{
	char why[CLIENT_WHY];
	uint64_t asked = drill_now_ns();

	if (!drill_dump(d, "fire drill", why, sizeof(why))) {
		snprintf(d->problem, sizeof(d->problem), "%.500s", why);
		if (strncmp(why, "no snapshot", 11)) {
			say_no_answer(d, EXIT_FAILED, why);
			return;
		}
		ask_times(d);
		/* it fired; what came of it is for the next steps */
		drill_ok(d, "asked for by hand");
		return;
	}
	if (!drill_bounded(d, drill_read_facts))
		return;
	if (d->hit_ns > asked)
		drill_step(d)->took_ns = d->hit_ns - asked;
	drill_ok(d, "asked for by hand, as it takes no rule (%.200s)%s",
		 d->no_rule,
		 rules_were_hit(d) ?
			 ", though one about latency was hit meanwhile" :
			 "");
}

void drill_fire_daemon(struct drill *d)
{
	if (d->rule[0])
		drill_fire_rule(d);
	else
		fire_manual(d);
}
