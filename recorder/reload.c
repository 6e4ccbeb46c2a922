/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reload.c - new settings while recording goes on. */
#include "recorder/reload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/log.h"
#include "recorder/rules.h"

void daemon_configure_dumps(struct dumps *dumps, const struct fr_config *c,
			    gid_t gid)
{
	struct dumps_settings *s = &dumps->settings;

	snprintf(s->folders[0], sizeof(s->folders[0]), "%s", c->dump_folder);
	snprintf(s->folders[1], sizeof(s->folders[1]), "%s", c->dump_fallback);
	s->level = (int)c->dump_level;
	s->anonymize = c->dump_anonymize;
	s->keep_extensions = c->dump_keep_extensions;
	s->hold_limit_ns = c->dump_hold_limit;
	s->look_wait_ns = c->state_dump_wait;
	retention_limits(c, &s->limits);
	dumps->pruner.next_ns = 0; /* what is in force now may be less */
	s->gid = gid;
}

static bool can_change(const struct config_param *p)
{
	return !strcmp(p->section, "dump") || !strcmp(p->key, "dump_wait") ||
	       (!strcmp(p->section, "run") && !strcmp(p->key, "watch")) ||
	       (!strcmp(p->section, "probes") && !strcmp(p->key, "slow_limit"));
}

/* Settings that only a new start can change keep their value. */
static int keep_fixed(const struct fr_config *old, struct fr_config *new)
{
	char a[32], b[32], text[8192];
	struct fr_diag diag;
	int err = 0;

	for (const struct config_param *p = config_params; p->section; p++) {
		const char *was = config_get(old, p, a);
		const char *is = config_get(new, p, b);

		if (can_change(p) || !strcmp(was, is))
			continue;
		log_info("%s.%s = %s takes effect at the next start",
			 p->section, p->key, is);
		snprintf(text, sizeof(text), "%s.%s=%s", p->section, p->key,
			 was);
		err = config_set(new, text, &diag);
		if (err)
			break;
	}
	return err;
}

/* What was done by hand stays, but where the files say something new. */
static void say_stale(const struct by_hand *h, const struct fr_config *new)
{
	for (unsigned i = 0; i < h->nr; i++) {
		const struct by_hand_entry *e = &h->entries[i];
		const struct fr_trigger_rule *r =
			config_find_rule(new, e->file.name);

		if (e->stale && !(r && rule_same(r, &e->rule)))
			log_info(
				"trigger %s: the files say something new of it, which counts; what was done by hand is forgotten",
				e->file.name);
	}
}

static int put_in_force(struct daemon *d, struct fr_config *new)
{
	struct facts settings = { 0 };
	int err = keep_fixed(d->config, new);

	daemon_take_hits(d);
	if (!err)
		err = by_hand_apply(&d->by_hand, new);
	if (!err)
		err = rules_load(d, new);
	if (err)
		return err;
	say_stale(&d->by_hand, new);
	by_hand_settle(&d->by_hand);
	daemon_configure_dumps(&d->dumps, new, d->gid);
	facts_add_config(&settings, new);
	facts_free(&d->settings);
	d->settings = settings;
	return 0;
}

static int give_up(struct daemon *d, const struct fr_diag *diag, int err)
{
	d->reloads.failed++;
	d->reloads.broken = *diag;
	log_err(0, "%s; the settings in force stay", diag->text);
	daemon_meta(d, META_NOTE, 0, 0, diag->text);
	return err;
}

static int reload(struct daemon *d, const struct options *o,
		  struct fr_diag *diag)
{
	struct fr_config *new;
	int err;

	if (d->confwatch)
		confwatch_note(d->confwatch);
	new = options_load(o, diag);
	if (!new)
		return give_up(d, diag, -EINVAL);
	err = put_in_force(d, new);
	if (err) {
		snprintf(
			diag->text, sizeof(diag->text),
			err == -ENOSPC ?
				"with those added by hand there would be more than %d triggers" :
				"out of memory (%d)",
			err == -ENOSPC ? RULES_MAX : -err);
		config_free(new);
		return give_up(d, diag, err);
	}
	if (d->config != d->first_config)
		config_free(d->config);
	d->config = new;
	d->reloads.done++;
	d->reloads.broken.text[0] = '\0';
	daemon_meta(d, META_RELOAD, 0, new->nr_rules, "settings read again");
	log_info("settings read again, %u triggers", new->nr_rules);
	rules_say_warnings(d, new);
	reload_watch(d);
	return 0;
}

int reload_settings(struct daemon *d, struct fr_diag *diag)
{
	return reload(d, d->options, diag);
}

/* ---- when the files change ---------------------------------------------------- */

int reload_main_file(const struct daemon *d, char ret[PATH_MAX])
{
	const char *path = d->options->config_path;
	char here[PATH_MAX];
	struct stat st;
	int n;

	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return -ENOTSUP;
	if (path[0] != '/' && !getcwd(here, sizeof(here)))
		return -ENAMETOOLONG;
	n = snprintf(ret, PATH_MAX, "%s%s%s", path[0] == '/' ? "" : here,
		     path[0] == '/' ? "" : "/", path);
	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static void say_blind(struct daemon *d)
{
	const char *path;
	int err = confwatch_blind(d->confwatch, &path);

	if (err && err != d->reloads.blind)
		log_err(err,
			"cannot watch %s: changes there need SIGHUP (run.watch)",
			path);
	d->reloads.blind = err;
}

/* The events of its descriptor, or 0: none. */
static void listen_to(struct daemon *d, uint32_t events)
{
	struct epoll_event ev = { .events = events,
				  .data.u32 = d->confwatch_source };

	epoll_ctl(d->epoll_fd, EPOLL_CTL_MOD, confwatch_fd(d->confwatch), &ev);
}

void reload_watch(struct daemon *d)
{
	struct epoll_event ev = { .events = EPOLLIN,
				  .data.u32 = d->confwatch_source };

	if (!d->config->run_watch) {
		confwatch_close(d->confwatch);
		d->confwatch = NULL;
	}
	if (!d->config->run_watch)
		return;
	if (!d->confwatch)
		d->confwatch = confwatch_open(d->options->config_path);
	if (d->confwatch && (!epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD,
					confwatch_fd(d->confwatch), &ev) ||
			     errno == EEXIST)) {
		say_blind(d);
		return;
	}
	if (errno != ENOTSUP)
		log_err(errno, "cannot watch %s (run.watch)",
			d->options->config_path);
	confwatch_close(d->confwatch);
	d->confwatch = NULL;
}

void reload_on_event(struct daemon *d)
{
	if (!d->confwatch)
		return;
	listen_to(d, 0); /* whatever else comes, one look will do */
	d->reloads.look_ns = daemon_now_ns() + CONFWATCH_SETTLE_NS;
}

uint64_t reload_deadline(const struct daemon *d)
{
	return d->confwatch && d->reloads.look_ns ? d->reloads.look_ns :
						    UINT64_MAX;
}

void reload_look(struct daemon *d)
{
	struct options o = *d->options;
	struct fr_diag diag;

	d->reloads.look_ns = 0;
	listen_to(d, EPOLLIN);
	if (d->stopping || !confwatch_changed(d->confwatch))
		return;
	say_blind(d);
	log_info("configuration files changed");
	/* One that was there and is gone was hardly taken away to end all
	 * triggers; who means it sends SIGHUP. */
	o.config_must_exist |= confwatch_had_file(d->confwatch);
	reload(d, &o, &diag);
}
