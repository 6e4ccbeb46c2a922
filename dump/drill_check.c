/* SPDX-License-Identifier: GPL-2.0-or-later */
/* drill_check.c - what became of the fire drill's operations, in the snapshot. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "dump/command.h"
#include "dump/drill.h"
#include "dump/view_filter.h"
#include "triggers/units.h"

#define NO_SNAPSHOT "no snapshot: " /* how a recorder begins to say why */
#define BUG         "report it with the file (--keep): it is a bug of flightrec"

extern const struct command_ops cmd_verify, cmd_report;

/* ---- freeze and dump ---------------------------------------------------------------- */

static uint64_t fact(struct snap *s, const char *key)
{
	const char *v = snap_fact(s, key);

	return v ? strtoull(v, NULL, 10) : 0;
}

void drill_read_facts(struct drill *d)
{
	struct snap_diag diag;
	struct snap *s = snap_open(d->snapshot, &diag);

	if (!s)
		return; /* the step verify says so */
	d->hit_ns = fact(s, "trigger.hit_ns");
	d->hit_ts_ns = fact(s, "trigger.ts_ns");
	d->hit_tid = fact(s, "trigger.tid");
	d->chunks = fact(s, "freeze.chunks");
	snap_close(s);
}

void drill_freeze(struct drill *d)
{
	if (!d->hit_to_hold_ns) {
		drill_failed(d, "see the recorder's messages",
			     "the ring was not held");
		return;
	}
	drill_step(d)->took_ns = d->hit_to_hold_ns;
	if (d->chunks)
		drill_ok(d, "from the hit until the ring was held, %ju chunks",
			 (uintmax_t)d->chunks);
	else
		drill_ok(d, "from the hit until the ring was held");
}

static void say_no_snapshot(struct drill *d)
{
	char words[512] = "";
	struct statvfs fs;
	const char *next = "see who may write there, and its limits";

	if (d->is_private)
		private_recorder_words(&d->recorder, "cannot write a snapshot",
				       words, sizeof(words));
	else
		snprintf(words, sizeof(words), "%s",
			 d->problem + (strncmp(d->problem, NO_SNAPSHOT,
					       strlen(NO_SNAPSHOT)) ?
					       0 :
					       strlen(NO_SNAPSHOT)));
	if (strstr(words, strerror(ENOSPC)) ||
	    strstr(words, strerror(EDQUOT)) || strstr(words, "dump.keep_free"))
		next = "make room there, or choose another dump.folder";
	else if (strstr(words, strerror(EROFS)) ||
		 (statvfs(d->folder, &fs) == 0 && fs.f_flag & ST_RDONLY))
		next = "mount it for writing, or choose another dump.folder";
	drill_failed(d, next, "no snapshot in %s: %s", d->folder,
		     words[0] ? words : "it was not written in time");
}

static bool is_in(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	while (n > 1 && folder[n - 1] == '/')
		n--;
	return !strncmp(path, folder, n) && path[n] == '/' &&
	       !strchr(path + n + 1, '/');
}

void drill_written(struct drill *d)
{
	char size[32];

	if (!d->snapshot[0]) {
		say_no_snapshot(d);
		return;
	}
	drill_step(d)->took_ns = d->hit_to_disk_ns;
	if (is_in(d->snapshot, d->folder))
		drill_ok(d, "from the hit until it was on disk: %s, %s",
			 units_human_size(size, d->bytes), d->snapshot);
	else
		drill_failed(d, "see who may write there, and the room it has",
			     "%s could not be written: the snapshot went to "
			     "dump.fallback, %s",
			     d->folder, d->snapshot);
}

/* ---- what other commands say of it -------------------------------------------------- */

/* A command of flightrec in this process, its standard output in ${fd}. */
static int run_tool(const struct command_ops *c, const char *const *args,
		    int fd)
{
	char *argv[8];
	int argc = 0;

	for (; args[argc] && argc < 7; argc++)
		argv[argc] = strdup(args[argc]);
	argv[argc] = NULL;
	dup2(fd, STDOUT_FILENO);
	argc = c->run(argc, argv);
	fflush(stdout);
	return argc;
}

static void verify(struct drill *d)
{
	const char *args[] = { "verify", "-q", d->snapshot, NULL };

	d->tool_exit = run_tool(&cmd_verify, args, STDERR_FILENO);
}

void drill_verify(struct drill *d)
{
	if (!drill_bounded(d, verify))
		return;
	if (d->tool_exit == EXIT_OK)
		drill_ok(d, "every block is whole");
	else if (d->tool_exit == EXIT_PERMISSION)
		drill_failed(d, "join group flightrec, or be root",
			     "%s may not be read", d->snapshot);
	else
		drill_failed(d, BUG ", or of the disk",
			     "%s is not whole: flightrec verify ends with %d",
			     d->snapshot, d->tool_exit);
}

static void report(struct drill *d)
{
	char pid[16];
	const char *args[] = { "report", "--pid", pid, d->snapshot, NULL };
	int fd = memfd_create("report", MFD_CLOEXEC);
	ssize_t n;

	snprintf(pid, sizeof(pid), "%d", (int)d->pid);
	d->tool_exit = run_tool(&cmd_report, args, fd);
	n = pread(fd, d->report, sizeof(d->report) - 1, 0);
	d->report[n > 0 ? n : 0] = '\0';
}

void drill_report(struct drill *d)
{
	const char *name = d->found.hidden ? "flock" : d->path;

	if (!drill_bounded(d, report))
		return;
	if (d->tool_exit != EXIT_OK)
		drill_failed(d, BUG, "flightrec report ends with %d",
			     d->tool_exit);
	else if (!strstr(d->report, name) || !strstr(d->report, "flock"))
		drill_failed(d, BUG, "flightrec report does not name %s", name);
	else
		drill_ok(d, "flightrec report names flock and %s",
			 d->found.hidden ? "no path (dump.anonymize)" :
					   d->path);
}

/* ---- its rows ------------------------------------------------------------------------- */

struct rows {
	struct drill *d;
	struct view_cursor *c;
	uint64_t next; /* number that the next write has */
	bool seen[DRILL_WRITES];
};

static uint64_t number(const struct rows *r, unsigned column)
{
	uint64_t v = UINT64_MAX;

	view_get_u64(r->c, column, &v);
	return v;
}

static void take_write(struct rows *r, const char *path)
{
	struct drill_found *f = &r->d->found;
	uint64_t i = number(r, VIEW_OFFSET);

	if (i >= DRILL_WRITES || number(r, VIEW_SIZE) != 1 ||
	    number(r, VIEW_MOVED) != 1 ||
	    (!f->hidden && strcmp(path, r->d->path))) {
		f->wrong++;
		return;
	}
	f->twice += r->seen[i];
	f->writes += !r->seen[i];
	f->astray += i < r->next;
	r->seen[i] = true;
	r->next = i + 1;
}

static void take_flock(struct rows *r, const char *path)
{
	struct drill_found *f = &r->d->found;
	uint64_t ts = number(r, VIEW_TS);

	if (ts < r->d->slow.begin || ts > r->d->slow.end)
		return;
	f->slow_nr++;
	f->slow_ts = ts;
	f->slow_dur = number(r, VIEW_DUR);
	f->slow_tid = number(r, VIEW_TID);
	snprintf(f->slow_path, sizeof(f->slow_path), "%s", path);
	view_get_text(r->c, VIEW_COMM, f->slow_comm, sizeof(f->slow_comm));
}

static void take_row(struct rows *r)
{
	char op[32], path[PATH_MAX];

	r->d->found.rows++;
	view_get_text(r->c, VIEW_OP, op, sizeof(op));
	view_get_text(r->c, VIEW_PATH, path, sizeof(path));
	if (!strcmp(op, "write"))
		take_write(r, path);
	else if (!strcmp(op, "flock"))
		take_flock(r, path);
}

/* Of a recorder that runs, the settings in force are in the file.  In an anonymous
 * one some are not to be read, such as rules, but those before them are. */
static void take_settings(struct drill *d, struct snap *s)
{
	struct drill_found *f = &d->found;
	const char *text = snap_fact(s, "recorder.config");
	struct fr_config *c = config_new();
	struct fr_diag diag;
	unsigned nr;
	const struct snap_coverage *cover = snap_coverages(s, &nr);

	if (c && text)
		(void)config_read_text(c, "recorder.config", text, strlen(text),
				       &diag);
	f->hidden = text && strstr(text, "\nanonymize = yes\n");
	drill_explain(f, d->settings ? d->settings : c);
	config_free(c);
	for (unsigned i = 0; i < nr; i++)
		f->lost += cover[i].lost;
}

/* Rows of our process; without its permission or with damage: none. */
static void read_rows(struct drill *d)
{
	struct view_filter filter = { .streams = { { "fs" }, 1 },
				      .pids = { (uint64_t)d->pid },
				      .nr_pids = 1 };
	struct rows *r = calloc(1, sizeof(*r));
	struct view *v = view_new();
	struct snap_diag diag = { "" };

	d->found = (struct drill_found){ .rows = 0 };
	if (!r || !v || view_add_file(v, d->snapshot, &diag))
		return;
	take_settings(d, view_snap(v, 0));
	if (view_load(v, &filter, &diag))
		return;
	r->d = d;
	r->c = view_cursor_new(v);
	for (size_t i = 0; r->c && i < view_nr_rows(v); i++) {
		view_seek(r->c, i);
		take_row(r);
	}
}

/* ---- settings that leave operations out ------------------------------------------------- */

static void append(char *to, size_t size, const char *key, const char *value)
{
	size_t n = strlen(to);

	snprintf(to + n, size - n, "%s%s = %s", n ? ", " : "", key, value);
}

/* Whether a list has an item for the stream fs: "fs=8". */
static bool names_fs(const char *list)
{
	char item[256];

	while (config_next_item(&list, item, sizeof(item)))
		if (strstr(item, "fs="))
			return true;
	return false;
}

void drill_explain(struct drill_found *f, const struct fr_config *c)
{
	if (!c)
		return;
	if (!(config_streams(c) & 1u << FR_STREAM_FS))
		append(f->excluded, sizeof(f->excluded), "probes.streams",
		       c->probes_streams);
	if (*c->scope_pids)
		append(f->excluded, sizeof(f->excluded), "scope.pids",
		       c->scope_pids);
	else if (*c->scope_cgroup)
		append(f->excluded, sizeof(f->excluded), "scope.cgroup",
		       c->scope_cgroup);
	if (names_fs(c->probes_cgroups))
		append(f->excluded, sizeof(f->excluded), "probes.cgroups",
		       c->probes_cgroups);
	if (names_fs(c->probes_sample))
		append(f->limits, sizeof(f->limits), "probes.sample",
		       c->probes_sample);
	if (names_fs(c->probes_above))
		append(f->limits, sizeof(f->limits), "probes.above",
		       c->probes_above);
}

/* ---- the row of the slow operation ------------------------------------------------------ */

static void say_no_row(struct drill *d)
{
	const struct drill_found *f = &d->found;
	char next[512];

	if (f->limits[0] && !f->excluded[0]) {
		drill_left_out(d, "the settings keep some operations only (%s)",
			       f->limits);
		return;
	}
	snprintf(next, sizeof(next), "%s%s",
		 f->excluded[0] ? "perhaps the settings leave flightrec out: " :
				  "flightrec doctor",
		 f->excluded);
	drill_failed(d, next, "%ju rows of process %d, %s", (uintmax_t)f->rows,
		     (int)d->pid,
		     f->rows ? "but not the delayed operation" :
			       "which made them all");
}

/* What in the row is not what we did; NULL: nothing. */
static const char *wrong_in_row(const struct drill *d)
{
	const struct drill_found *f = &d->found;

	if (f->slow_nr != 1)
		return "there are several rows of the one operation";
	if (f->slow_dur < d->slow.released - d->slow.blocked)
		return "its duration is below the time it was seen to wait";
	if (f->slow_ts + f->slow_dur > d->slow.end)
		return "it ends after it was over by our own clock";
	if (f->slow_tid != (uint64_t)d->tid)
		return "the thread is another";
	if (!f->hidden && strcmp(f->slow_path, d->path))
		return "the path is another";
	if (!f->hidden && strcmp(f->slow_comm, d->comm))
		return "the command is another";
	return NULL;
}

/* To the microsecond: the three are near each other. */
static void format_exact(char buf[32], uint64_t ns)
{
	snprintf(buf, 32, "%.3f ms", (double)ns / 1e6);
}

void drill_row(struct drill *d)
{
	const struct drill_found *f = &d->found;
	char dur[32], inner[32], outer[32];
	const char *wrong;

	if (!drill_bounded(d, read_rows))
		return;
	if (!f->slow_nr) {
		say_no_row(d);
		return;
	}
	wrong = wrong_in_row(d);
	format_exact(dur, f->slow_dur);
	format_exact(inner, d->slow.released - d->slow.blocked);
	format_exact(outer, d->slow.end - d->slow.begin);
	if (wrong)
		drill_failed(d, BUG,
			     "%s: flock of %s by thread %ju (%s) on '%s'; our "
			     "clock: %s to %s, thread %d (%s) on '%s'",
			     wrong, dur, (uintmax_t)f->slow_tid, f->slow_comm,
			     f->slow_path, inner, outer, (int)d->tid, d->comm,
			     d->path);
	else
		drill_ok(d,
			 "%s, between our own clock's %s and %s; thread%s "
			 "right",
			 dur, inner, outer,
			 f->hidden ? "" : ", command and path");
}

/* ---- the rows before it -------------------------------------------------------------------- */

static void say_missing(struct drill *d)
{
	const struct drill_found *f = &d->found;
	char next[512];

	if (f->limits[0])
		drill_left_out(d,
			       "%ju of %d numbered writes: the settings "
			       "keep some operations only (%s)",
			       (uintmax_t)f->writes, DRILL_WRITES, f->limits);
	else {
		snprintf(next, sizeof(next), "%s",
			 f->lost ? "a larger ring.memory: writers found no "
				   "room" :
				   "flightrec doctor: if misses count up, "
				   "probes.mechanism = tracepoint");
		drill_failed(d, next,
			     "%ju of %d numbered writes before it are missing; "
			     "%ju records were lost",
			     (uintmax_t)(DRILL_WRITES - f->writes),
			     DRILL_WRITES, (uintmax_t)f->lost);
	}
}

void drill_history(struct drill *d)
{
	const struct drill_found *f = &d->found;

	if (f->twice || f->wrong || f->astray)
		drill_failed(d, BUG,
			     "of the numbered writes %ju are there twice, %ju "
			     "are wrong, %ju out of order",
			     (uintmax_t)f->twice, (uintmax_t)f->wrong,
			     (uintmax_t)f->astray);
	else if (f->writes != DRILL_WRITES)
		say_missing(d);
	else
		drill_ok(d,
			 "all %d numbered writes before it, each once and in "
			 "order",
			 DRILL_WRITES);
}
