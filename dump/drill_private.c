/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drill_private.c - the fire drill with a recorder of its own: that of the
 * configuration file, but for where it lives, and with one rule more.
 *
 * Snapshots go to the very folder of the settings, under a name that only this
 * drill has; nothing is evicted for them.  The file's own rules are loaded, but
 * do not fire.
 */
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <unistd.h>

#include "dump/client.h"
#include "dump/command.h"
#include "dump/drill.h"
#include "dump/escape.h"
#include "recorder/options.h"
#include "triggers/rule.h"
#include "triggers/units.h"

#define HIT_NS            5000000000ULL /* the recorder looks every 2 s */
#define NO_EVICTION_FILES 1000000
#define NO_EVICTION_BYTES (1ULL << 44)

/* ---- settings ----------------------------------------------------------------- */

static int add_rule(struct drill *d, struct fr_config *c, struct fr_diag *diag)
{
	char text[256], limit[32];
	int err;

	if (c->nr_rules == RULES_MAX) /* none is left for ours */
		rule_clear(&c->rules[--c->nr_rules]);
	for (unsigned i = 0; i < c->nr_rules; i++)
		c->rules[i].enabled = false;
	snprintf(d->rule, sizeof(d->rule), "selftest-%d", (int)getpid());
	snprintf(text, sizeof(text), "trigger.%s.when=fs.flock latency > %s",
		 d->rule, units_format_time(limit, d->limit_ns));
	err = config_set(c, text, diag);
	snprintf(text, sizeof(text), "trigger.%s.cooldown=1h", d->rule);
	return err ? err : config_set(c, text, diag);
}

static void describe(struct drill *d, unsigned rules)
{
	const struct fr_config *c = d->settings;
	const char *file = d->config ? d->config : OPTIONS_CONFIG;
	bool there = access(file, F_OK) == 0;
	char memory[32];

	drill_ok(d,
		 "%s%s; ring.memory %s, probes.profile %s%s%s; %u rules of its "
		 "own, which do not fire in this",
		 there ? file : "the defaults, as there is no ",
		 there ? "" : file, units_format_size(memory, c->ring_memory),
		 c->probes_profile,
		 *c->probes_streams ? ", probes.streams " : "",
		 c->probes_streams, rules);
}

void drill_settings(struct drill *d)
{
	struct options o = { .config_path =
				     d->config ? d->config : OPTIONS_CONFIG,
			     .config_must_exist = d->config != NULL };
	struct fr_diag diag = { "" };
	unsigned rules;

	for (; o.nr_sets < d->nr_sets; o.nr_sets++)
		o.sets[o.nr_sets] = d->sets[o.nr_sets];
	d->settings = options_load(&o, &diag);
	rules = d->settings ? d->settings->nr_rules : 0;
	if (!d->settings || add_rule(d, d->settings, &diag)) {
		diag.text[strcspn(diag.text, "\n")] = '\0';
		drill_failed(d, "flightrecd -n checks them; flightrecd.conf(5)",
			     "%s", diag.text);
		return;
	}
	snprintf(d->folder, sizeof(d->folder), "%s", d->settings->dump_folder);
	snprintf(d->fallback, sizeof(d->fallback), "%s",
		 d->settings->dump_fallback);
	describe(d, rules);
}

/* ---- the recorder ------------------------------------------------------------------ */

static bool may_load_probes(void)
{
	static const cap_value_t need[] = { CAP_BPF, CAP_PERFMON };
	cap_flag_value_t admin = CAP_CLEAR, value = CAP_SET;
	cap_t caps = cap_get_proc();

	if (!caps)
		return geteuid() == 0;
	cap_get_flag(caps, CAP_SYS_ADMIN, CAP_EFFECTIVE, &admin);
	for (unsigned i = 0; i < 2 && value == CAP_SET; i++)
		cap_get_flag(caps, need[i], CAP_EFFECTIVE, &value);
	cap_free(caps);
	return admin == CAP_SET || value == CAP_SET;
}

/* The file of settings for the recorder, removed as soon as it has read it. */
static int write_settings(struct drill *d, char path[PATH_MAX])
{
	struct fr_config *c = d->settings;
	const char *tmp = access("/run", W_OK) ? "/tmp" : "/run";
	FILE *f;
	int fd;

	c->dump_max_files = NO_EVICTION_FILES;
	c->dump_max_use = NO_EVICTION_BYTES;
	snprintf(path, PATH_MAX, "%s/flightrec-selftest.XXXXXX", tmp);
	fd = mkstemp(path);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f)
		return -errno;
	config_print(c, f);
	return fclose(f) ? -errno : 0;
}

static char *setting(const char *key, const char *value)
{
	char *text;

	return asprintf(&text, "%s=%s", key, value) < 0 ? NULL : text;
}

static int start(struct drill *d)
{
	struct private_recorder *r = &d->recorder;
	char path[PATH_MAX];
	char *folder = setting("dump.folder", d->folder);
	char *fallback = setting("dump.fallback", d->fallback);
	int err = folder && fallback ? write_settings(d, path) : -ENOMEM;

	*r = (struct private_recorder){
		.command = "selftest",
		.config = path,
		.sets = { folder, fallback },
		.nr_sets = 2,
		/* what the settings leave out stays left out */
		.scope =
			*d->settings->scope_pids || *d->settings->scope_cgroup ?
				0 :
				getpid(),
		.patience_ms = drill_patience_s(d) * 1000,
		.quiet = true,
	};
	if (!err) {
		err = private_recorder_start(r);
		unlink(path);
	}
	r->config = NULL;
	r->nr_sets = 0;
	d->run = r->run;
	free(folder);
	free(fallback);
	return err;
}

static void say_not_started(struct drill *d, int err)
{
	char words[512], limit[32];

	private_recorder_words(&d->recorder, NULL, words, sizeof(words));
	if (err == -ETIME)
		drill_failed(d, "a longer --timeout, or a smaller ring.memory",
			     "not recording after %s",
			     units_format_time(limit, d->timeout_ns));
	else
		drill_failed(d, "flightrec doctor", "it did not start: %s",
			     words[0] ? words : strerror(-err));
}

void drill_start_private(struct drill *d)
{
	struct client_reply r;
	char why[CLIENT_WHY], how[256];
	int err;

	if (!may_load_probes()) {
		d->no_permission = true;
		drill_failed(d, "be root",
			     "no permission to load probes (CAP_BPF and "
			     "CAP_PERFMON)");
		return;
	}
	err = start(d);
	if (err) {
		say_not_started(d, err);
		return;
	}
	if (client_try(d->run, "status\n", drill_patience_s(d), &r, why)) {
		drill_failed(d, "flightrec doctor", "%s", why);
		return;
	}
	if (drill_check_probes(d, &r, how, sizeof(how)))
		drill_ok(d, "a private one: %s", how);
	client_free(&r);
}

/* ---- the trigger --------------------------------------------------------------------- */

struct fired {
	uint64_t hits, fired, merged, done, failed;
	bool idle;
	char last[PATH_MAX];
};

static uint64_t number(const struct client_reply *r, const char *key)
{
	const char *v = client_value(r, key);

	return v ? strtoull(v, NULL, 10) : 0;
}

static uint64_t rule_number(const struct drill *d, const struct client_reply *r,
			    const char *name)
{
	char key[80];

	snprintf(key, sizeof(key), "trigger.%s.%s", d->rule, name);
	return number(r, key);
}

static void take_times(struct drill *d, const struct client_reply *r)
{
	d->hit_to_hold_ns = number(r, "dump.hit_to_hold_ns");
	d->hit_to_disk_ns = number(r, "dump.hit_to_disk_ns");
	d->bytes = number(r, "dump.bytes");
}

static bool look(struct drill *d, struct fired *f, char why[CLIENT_WHY])
{
	struct client_reply r;
	const char *state, *last;

	if (client_try(d->run, "status\n", drill_patience_s(d), &r, why))
		return false;
	state = client_value(&r, "dump.state");
	last = client_value(&r, "dump.last");
	*f = (struct fired){
		.hits = rule_number(d, &r, "hits"),
		.fired = rule_number(d, &r, "fired"),
		.merged = rule_number(d, &r, "merged"),
		.done = number(&r, "count.dumps_done"),
		.failed = number(&r, "count.dumps_failed"),
		.idle = !state || !strcmp(state, "idle"),
	};
	snprintf(f->last, sizeof(f->last), "%s", last ? last : "");
	escape_undo_percent(f->last);
	take_times(d, &r);
	client_free(&r);
	return true;
}

/* Until it has fired, and what it began is over.  A hit is there at once, or it
 * will not come. */
static bool wait_fired(struct drill *d, struct fired *f, char why[CLIENT_WHY])
{
	uint64_t until = drill_now_ns() + HIT_NS + 10 * d->delay_ns;

	do {
		if (!look(d, f, why))
			return false;
		if (f->fired && f->idle && (f->done || f->failed))
			return true;
		if (!f->fired && drill_now_ns() >= until)
			return true;
	} while (drill_now_ns() < drill_deadline(d) && drill_pause());
	return true;
}

/* Recorded, but not seen by the rule?  A snapshot for the steps that follow. */
static void say_not_fired(struct drill *d)
{
	struct drill_found f = { .rows = 0 };
	char why[CLIENT_WHY], limit[32], waited[32], next[512];

	drill_explain(&f, d->settings);
	snprintf(next, sizeof(next), "%s%s",
		 f.excluded[0] ? "perhaps the settings leave flightrec out: " :
				 "flightrec doctor",
		 f.excluded);
	drill_failed(d, next,
		     "fs.flock latency > %s did not fire, though the operation "
		     "took %s",
		     units_format_time(limit, d->limit_ns),
		     units_human_time(waited, d->slow.end - d->slow.begin));
	if (!drill_stop)
		drill_dump(d, "its rule did not fire", why, sizeof(why));
}

/* Hits by the slow operation and, as far as our own clock can tell, by the others,
 * which were to stay below the limit: on a busy machine they may not have. */
static bool hits_are_right(const struct drill *d, const struct fired *f)
{
	uint64_t quick = d->quick.released - d->quick.blocked;

	return f->hits >= 1u + (quick > d->limit_ns) && f->hits <= d->over;
}

static void judge_fired(struct drill *d, const struct fired *f)
{
	bool ours =
		d->hit_ts_ns >= d->slow.begin && d->hit_ts_ns <= d->slow.end;
	bool alone = d->recorder.scope != 0; /* nobody else can hit it */
	char limit[32], quick[32];

	units_format_time(limit, d->limit_ns);
	units_human_time(quick, d->quick.end - d->quick.begin);
	if (d->snapshot[0] && !ours)
		drill_failed(d,
			     "try again, with a longer --delay; or report it",
			     "another operation fired the rule: one of thread "
			     "%ju, not the delayed one",
			     (uintmax_t)d->hit_tid);
	else if (alone && !hits_are_right(d, f))
		drill_failed(d, "report it: it is a bug of flightrec",
			     "fs.flock latency > %s was hit %ju times; our "
			     "clock knows of %u",
			     limit, (uintmax_t)f->hits, d->over);
	else if (f->hits == 1)
		drill_ok(d,
			 "fs.flock latency > %s fired when the lock was let "
			 "go; one of %s did not hit it",
			 limit, quick);
	else
		drill_ok(d,
			 "fs.flock latency > %s fired when the lock was let "
			 "go, and was hit %ju times (the next took %s)",
			 limit, (uintmax_t)f->hits, quick);
}

void drill_fire_private(struct drill *d)
{
	char why[CLIENT_WHY] = "";
	struct fired f = { .hits = 0 };

	if (!wait_fired(d, &f, why)) {
		drill_failed(d, "see its messages in the journal", "%s", why);
		return;
	}
	if (!f.fired) {
		say_not_fired(d);
		return;
	}
	if (f.done)
		snprintf(d->snapshot, sizeof(d->snapshot), "%s", f.last);
	if (d->snapshot[0] && !drill_bounded(d, drill_read_facts))
		return;
	if (d->hit_ns > d->slow.released)
		drill_step(d)->took_ns = d->hit_ns - d->slow.released;
	judge_fired(d, &f);
}

/* ---- the end -------------------------------------------------------------------------- */

static unsigned remove_from(const struct drill *d, const char *folder)
{
	char pattern[PATH_MAX + 64];
	unsigned left = 0;
	glob_t g;

	snprintf(pattern, sizeof(pattern), "%s/flightrec-*-%s*.frs", folder,
		 d->rule);
	if (!*folder || glob(pattern, GLOB_NOSORT, NULL, &g))
		return 0;
	for (size_t i = 0; i < g.gl_pathc; i++)
		if (!(d->keep && !strcmp(g.gl_pathv[i], d->snapshot)))
			left += unlink(g.gl_pathv[i]) < 0;
	globfree(&g);
	return left;
}

static void remove_snapshots(struct drill *d)
{
	unsigned left = remove_from(d, d->folder) + remove_from(d, d->fallback);

	if (left)
		snprintf(d->problem, sizeof(d->problem),
			 "%u snapshots named %s stay in %.400s", left, d->rule,
			 d->folder);
}

unsigned drill_end_private(struct drill *d)
{
	d->problem[0] = '\0';
	private_recorder_end(&d->recorder);
	if (d->rule[0])
		drill_bounded(d, remove_snapshots);
	return d->problem[0] != '\0';
}
