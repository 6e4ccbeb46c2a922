/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules.c - the triggers in force. */
#include "recorder/rules.h"

#include "recorder/log.h"
#include "triggers/where.h"

static void say_unresolved(const struct fr_config *c)
{
	char what[RULE_PATH_MAX + 16];

	for (unsigned i = 0; i < c->nr_rules; i++) {
		const struct fr_trigger_rule *r = &c->rules[i];

		if (where_unresolved(r, what, sizeof(what)))
			log_info(
				"trigger %s: there is no %s now; it waits for it",
				r->name, what);
	}
}

static int load(struct daemon *d, const struct fr_config *c)
{
	int err = engine_load(d->engine, daemon_now_ns(), c->rules, c->nr_rules,
			      c->probes_slow_limit);

	lookout_kick(d->lookout);
	return err;
}

void rules_say_warnings(const struct daemon *d, const struct fr_config *c)
{
	char text[512];

	for (unsigned i = 0; i < c->nr_rules; i++)
		if (rules_warning(d, &c->rules[i], text, sizeof(text)))
			log_info("trigger %s: %s", c->rules[i].name, text);
}

int rules_load(struct daemon *d, struct fr_config *c)
{
	where_resolve(c->rules, c->nr_rules);
	return load(d, c);
}

void rules_check(struct daemon *d)
{
	struct fr_config *c = d->config;

	if (!where_resolve(c->rules, c->nr_rules))
		return;
	say_unresolved(c);
	daemon_take_hits(d);
	if (load(d, c))
		log_err(0, "no memory to load the triggers anew");
}
