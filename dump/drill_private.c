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
