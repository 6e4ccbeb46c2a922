/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_rules.c - the list of trigger rules in a configuration. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/config.h"
#include "triggers/rule.h"

struct fr_trigger_rule *config_find_rule(const struct fr_config *c,
					 const char *name)
{
	for (unsigned i = 0; i < c->nr_rules; i++)
		if (!strcmp(c->rules[i].name, name))
			return &c->rules[i];
	return NULL;
}

/* Room for a rule of that name; NULL with errno. */
static struct fr_trigger_rule *make_room(struct fr_config *c, const char *name)
{
	struct fr_trigger_rule *r = config_find_rule(c, name), *grown;

	if (r) {
		rule_clear(r);
		return r;
	}
	errno = ENOSPC;
	if (c->nr_rules >= RULES_MAX)
		return NULL;
	grown = realloc(c->rules, (c->nr_rules + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	c->rules = grown;
	return &grown[c->nr_rules++];
}

int config_put_rule(struct fr_config *c, const struct fr_trigger_rule *rule)
{
	struct fr_trigger_rule copy, *to;

	if (rule_copy(&copy, rule) < 0)
		return -ENOMEM;
	to = make_room(c, rule->name);
	if (!to) {
		int err = -errno;

		rule_clear(&copy);
		return err;
	}
	*to = copy;
	return 0;
}

void config_drop_rule(struct fr_config *c, const char *name)
{
	struct fr_trigger_rule *r = config_find_rule(c, name);

	if (!r)
		return;
	rule_clear(r);
	c->nr_rules--;
	memmove(r, r + 1, (size_t)(c->rules + c->nr_rules - r) * sizeof(*r));
}

void config_free_rules(struct fr_config *c)
{
	for (unsigned i = 0; i < c->nr_rules; i++)
		rule_clear(&c->rules[i]);
	free(c->rules);
	c->rules = NULL;
	c->nr_rules = 0;
}

int config_copy_rules(struct fr_config *dst, const struct fr_config *src)
{
	dst->rules = NULL;
	dst->nr_rules = 0;
	for (unsigned i = 0; i < src->nr_rules; i++) {
		int err = config_put_rule(dst, &src->rules[i]);

		if (err) {
			config_free_rules(dst);
			return err;
		}
	}
	return 0;
}
