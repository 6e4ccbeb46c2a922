/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reload.c - new settings while recording goes on. */
#include "recorder/reload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

static int put_in_force(struct daemon *d, struct fr_config *new)
{
	struct facts settings = { 0 };
	int err = keep_fixed(d->config, new);

	daemon_take_hits(d);
	if (!err)
		err = rules_load(d, new);
	if (err)
		return err;
	daemon_configure_dumps(&d->dumps, new, d->gid);
	facts_add_config(&settings, new);
	facts_free(&d->settings);
	d->settings = settings;
	return 0;
}

int reload_settings(struct daemon *d, struct fr_diag *diag)
{
	struct fr_config *new = options_load(d->options, diag);
	int err = new ? put_in_force(d, new) : -EINVAL;

	if (err) {
		if (new) {
			snprintf(diag->text, sizeof(diag->text), "%s",
				 strerror(-err));
			config_free(new);
		}
		log_err(0, "%s; the settings in force stay", diag->text);
		daemon_meta(d, META_NOTE, 0, 0, diag->text);
		return err;
	}
	if (d->config != d->first_config)
		config_free(d->config);
	d->config = new;
	daemon_meta(d, META_RELOAD, 0, new->nr_rules, "settings read again");
	log_info("settings read again, %u triggers", new->nr_rules);
	return 0;
}
