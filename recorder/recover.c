/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recover.c - snapshots of what a recorder left that died.
 *
 * The ring of the kernel probes lives on under bpffs (and is still written), that
 * of the sampler in the run folder.  Each kernel ring becomes one snapshot, the
 * user ring joins the first.
 */
#include "recorder/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dump/schema.h"
#include "recorder/log.h"

#define RECOVERED "recovered"
#define LEFT_MAX  64 /* rings looked at in one go */
#define LEFT_KEPT 2  /* that could not be saved */

struct recovery {
	const struct fr_config *config;
	struct facts *host, settings;
	struct freeze freeze;
	struct dumps dumps;
	struct dump_outcome outcome;
	char path[PATH_MAX];
};

/* Dumpers that hang: their folders are not tried for the next ring. */
static struct dumps_left hung[DUMPS_LEFT_MAX];

static void note_outcome(void *arg, const struct dump_outcome *o)
{
	struct recovery *r = arg;

	r->outcome = *o;
	snprintf(r->path, sizeof(r->path), "%s", o->path);
}

static int same_boot(const struct fr_ring_head *head)
{
	char text[64] = "", hex[33];
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	size_t n = 0;

	if (fd < 0)
		return 1;
	if (read(fd, text, sizeof(text) - 1) <= 0)
		text[0] = '\0';
	close(fd);
	for (const char *p = text; *p && n < 32; p++)
		if (*p != '-' && *p != '\n')
			hex[n++] = *p;
	hex[n] = '\0';
	for (unsigned i = 0; n == 32 && i < 16; i++) {
		char two[3];

		snprintf(two, sizeof(two), "%02x", head->boot_id[i]);
		if (memcmp(two, hex + 2 * (size_t)i, 2))
			return 0;
	}
	return 1;
}

void recover_keep_user_ring(const struct runfolder *run)
{
	/* One kept from before goes: nobody came for it. */
	renameat(run->dir_fd, RUNFOLDER_RING, run->dir_fd, RUNFOLDER_OLD_RING);
}

static struct ring_user *open_old_ring(const struct runfolder *run)
{
	char path[PATH_MAX];
	struct ring_user *u;

	if (run->dir_fd < 0 ||
	    faccessat(run->dir_fd, RUNFOLDER_OLD_RING, F_OK, 0) < 0)
		return NULL;
	u = ring_user_open(runfolder_name(run, RUNFOLDER_OLD_RING, path));
	if (!u) {
		log_err(errno, "%s is not a ring of this version; removed",
			path);
	} else if (!same_boot(ring_user_head(u))) {
		log_info("%s is of an earlier boot; removed", path);
		ring_user_close(u);
		u = NULL;
	}
	if (!u)
		unlinkat(run->dir_fd, RUNFOLDER_OLD_RING, 0);
	return u;
}

static size_t left_inflight(void *arg, uint64_t now_ns, void *buf, size_t size,
			    unsigned *ret_left_out)
{
	return probes_left_inflight(arg, now_ns, buf, size, ret_left_out);
}

static int add_sources(struct recovery *r, struct probes_left *l,
		       struct ring_user *u)
{
	size_t bytes;
	void *ring = l ? probes_left_ring(l, &bytes) : NULL;
	int err = freeze_init(&r->freeze);

	if (!err && l) {
		err = freeze_add(&r->freeze, ring, bytes, -1);
		r->freeze.inflight_fn = left_inflight;
		r->freeze.inflight_arg = l;
		if (!err)
			r->dumps.instance =
				ring_view_head(&r->freeze.src[0].view)->instance;
	}
	if (!err && u) {
		err = freeze_add(&r->freeze, ring_user_head(u),
				 ring_user_bytes(u), ring_user_fd(u));
		if (!err && !l)
			r->dumps.instance = ring_user_head(u)->instance;
	}
	return err;
}

/* Without them the records are saved all the same. */
static void open_hist(struct recovery *r, struct probes_left *l)
{
	struct hist_maps maps;

	if (l && probes_left_hist(l, &maps))
		r->dumps.hist = hist_open(
			&maps,
			ring_view_head(&r->freeze.src[0].view)->created_ns);
}

static int dump_sources(struct recovery *r)
{
	struct dump_cause cause = {
		.name = RECOVERED,
		.kind = RECOVERED,
		.reason = "what a recorder left that ended without saving it",
		.hit_ns = daemon_now_ns(),
	};
	int err = dumps_freeze(&r->dumps);

	if (!err)
		err = dumps_start(&r->dumps, &cause);
	if (err)
		return err;
	dumps_finish(&r->dumps);
	return r->outcome.err;
}

/* One snapshot of ${l}, ${u} or both; its path (PATH_MAX) if wanted. */
static int save(const struct fr_config *c, struct facts *host,
		struct probes_left *l, struct ring_user *u, char *ret_path)
{
	struct recovery *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->config = c;
	facts_add_config(&r->settings, c);
	if (l)
		facts_add(&r->settings, "recover.misses", "%llu",
			  (unsigned long long)probes_left_misses(l));
	r->dumps.freeze = &r->freeze;
	r->dumps.host = host;
	r->dumps.config = &r->settings;
	r->dumps.done_fn = note_outcome;
	r->dumps.done_arg = r;
	daemon_configure_dumps(&r->dumps, c, daemon_group(c->run_group));
	memcpy(r->dumps.left, hung, sizeof(hung));
	err = add_sources(r, l, u);
	if (!err) {
		open_hist(r, l);
		err = dump_sources(r);
	}
	if (!err)
		log_info("recovered %llu records of an earlier recorder: %s",
			 (unsigned long long)r->outcome.records, r->path);
	else
		log_err(err, "what an earlier recorder left cannot be saved");
	if (!err && ret_path)
		snprintf(ret_path, PATH_MAX, "%s", r->path);
	dumps_fini(&r->dumps);
	hist_close(r->dumps.hist);
	memcpy(hung, r->dumps.left, sizeof(hung));
	freeze_fini(&r->freeze);
	facts_free(&r->settings);
	free(r);
	return err;
}

/* Written by a recorder whose records we cannot read: true, and it is gone. */
static bool remove_foreign(struct probes_left *l)
{
	struct ring_view view;
	size_t bytes;
	void *ring = probes_left_ring(l, &bytes);
	int err = ring_view_init(&view, ring, bytes, fr_layout_hash());

	if (!err)
		return false;
	log_err(0, "%s; removed",
		err == -ESTALE ?
			"a ring left behind is of another version of flightrec" :
			"a ring left behind is damaged");
	probes_left_remove(l);
	return true;
}

void recover_early(const struct fr_config *c, struct facts *host)
{
	struct probes_left *l;
	unsigned seen = 0;

	for (unsigned i = 0; i < LEFT_MAX; i++) {
		l = probes_left_open(c, seen);
		if (!l)
			break;
		if (remove_foreign(l))
			continue;
		save(c, host, l, NULL, NULL);
		probes_left_close(l);
		seen++;
	}
}

/* What cannot be saved stays for a later try, but not without end: it takes
 * memory that nobody sees. */
static void keep_for_later(struct probes_left *l, unsigned *kept, bool ours)
{
	if (*kept >= LEFT_KEPT) {
		log_err(0, "too many rings are left behind; one was removed");
		probes_left_remove(l);
		return;
	}
	++*kept;
	if (ours)
		probes_left_stop(l);
	probes_left_close(l);
}

static void recover_one(const struct fr_config *c, struct facts *host,
			struct probes_left *l, struct ring_user *u,
			struct recover_result *ret)
{
	int err = save(c, host, l, u, ret->saved ? NULL : ret->first);

	if (err)
		ret->err = err;
	else
		ret->saved++;
	if (l && !err)
		probes_left_remove(l);
	else if (l)
		keep_for_later(l, &ret->kept, ret->ours);
}

void recover_all(const struct fr_config *c, const struct runfolder *run,
		 struct facts *host, unsigned how, struct recover_result *ret)
{
	struct ring_user *u = open_old_ring(run);
	struct probes_left *l;

	memset(ret, 0, sizeof(*ret));
	ret->ours = how & RECOVER_OURS;
	for (unsigned i = 0; i < LEFT_MAX; i++) {
		errno = 0;
		l = how & RECOVER_NO_PINS ? NULL :
					    probes_left_open(c, ret->kept);
		if (!l && !u) {
			if (errno && !ret->err)
				ret->err = -errno;
			break;
		}
		if (l && remove_foreign(l))
			continue;
		recover_one(c, host, l, u, ret);
		if (u && !ret->err)
			unlinkat(run->dir_fd, RUNFOLDER_OLD_RING, 0);
		ring_user_close(u);
		u = NULL;
	}
	ring_user_close(u);
}

/* ---- flightrecd --recover ------------------------------------------------------- */

/* -o FILE and -d DIR become dump.folder, made absolute by nobody: relative to
 * where the command was given. */
static int set_folder(struct fr_config *c, const struct options *o)
{
	char text[PATH_MAX + 16];
	const char *slash = o->output ? strrchr(o->output, '/') : NULL;
	struct fr_diag diag;

	if (o->folder)
		snprintf(text, sizeof(text), "dump.folder=%s", o->folder);
	else if (slash)
		snprintf(text, sizeof(text), "dump.folder=%.*s",
			 slash == o->output ? 1 : (int)(slash - o->output),
			 o->output);
	else if (o->output)
		snprintf(text, sizeof(text), "dump.folder=.");
	else
		return 0;
	if (config_set(c, text, &diag) == 0)
		return 0;
	log_err(0, "%s", diag.text);
	return -EINVAL;
}

/* Not every file system can rename without overwriting; most have links. */
static int rename_new(const char *from, const char *to)
{
	if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	return link(from, to) ? -1 : unlink(from);
}

/* The first snapshot gets the name that was asked for. */
static int name_output(const struct recover_result *res, const char *output)
{
	if (!output || !res->saved)
		return 0;
	if (rename_new(res->first, output) == 0) {
		log_info("renamed to %s", output);
		return 0;
	}
	log_err(errno, "cannot rename %s to %s", res->first, output);
	return 1;
}

static int no_right(const char *folder)
{
	log_err(0, "no right to look for what is left (%s); run it as root",
		folder);
	return 6;
}

int recover_run(const struct options *o, struct fr_config *config)
{
	struct runfolder run = { .dir_fd = -1, .pid_fd = -1 };
	struct recover_result res;
	struct facts host = { 0 };
	pid_t other;
	int err, lock_fd;

	if (set_folder(config, o))
		return 2;
	err = runfolder_open(&run, config->run_folder, &other);
	if (err == -EACCES || err == -EPERM)
		return no_right(config->run_folder);
	if (!err)
		recover_keep_user_ring(&run);
	else if (err == -EBUSY) /* what it writes is not left behind */
		log_info("a recorder is running (pid %d)", (int)other);
	lock_fd = probes_left_lock(config);
	if (lock_fd == -EWOULDBLOCK) {
		runfolder_close(&run);
		log_err(0,
			"a recorder is saving what was left just now; look with flightrec list");
		return 1;
	}
	facts_add_host(&host);
	recover_all(config, &run, &host, 0, &res);
	if (lock_fd >= 0)
		close(lock_fd);
	facts_free(&host);
	runfolder_close(&run);
	if (!res.saved && (res.err == -EPERM || res.err == -EACCES))
		return no_right(config->ring_pin_folder);
	if (res.err)
		return res.saved ? 4 : 1;
	if (!res.saved)
		log_info("no earlier recorder left anything");
	return res.saved ? name_output(&res, o->output) : 5;
}
