/* SPDX-License-Identifier: GPL-2.0-or-later */
/* by_hand.c - rules that were changed while the recorder runs. */
#include "recorder/by_hand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct by_hand_entry *find(const struct by_hand *h, const char *name)
{
	for (unsigned i = 0; i < h->nr; i++)
		if (!strcmp(h->entries[i].file.name, name))
			return &h->entries[i];
	return NULL;
}

const struct by_hand_entry *by_hand_find(const struct by_hand *h,
					 const char *name)
{
	return find(h, name);
}

static void clear_entry(struct by_hand_entry *e)
{
	rule_clear(&e->file);
	rule_clear(&e->rule);
}

static void forget(struct by_hand *h, struct by_hand_entry *e)
{
	clear_entry(e);
	*e = h->entries[--h->nr];
}

/* A rule that stands for "none" where ${from} is NULL.  0 or -ENOMEM. */
static int fill(struct fr_trigger_rule *to, const char *name,
		const struct fr_trigger_rule *from)
{
	if (from)
		return rule_copy(to, from);
	rule_init(to, name);
	return 0;
}

/* What the files say is what is in force, but for what was noted before. */
static int add(struct by_hand *h, const struct fr_config *now, const char *name,
	       const struct fr_trigger_rule *rule)
{
	struct by_hand_entry e = { .stale = false }, *grown;

	if (fill(&e.file, name, config_find_rule(now, name)))
		return -ENOMEM;
	grown = fill(&e.rule, name, rule) ?
			NULL :
			realloc(h->entries, (h->nr + 1) * sizeof(*grown));
	if (!grown) {
		clear_entry(&e);
		return -ENOMEM;
	}
	h->entries = grown;
	h->entries[h->nr++] = e;
	return 0;
}

int by_hand_note(struct by_hand *h, const struct fr_config *now,
		 const char *name, const struct fr_trigger_rule *rule)
{
	struct by_hand_entry *e = find(h, name);
	struct fr_trigger_rule copy;

	if (!e)
		return add(h, now, name, rule);
	if (fill(&copy, name, rule))
		return -ENOMEM;
	rule_clear(&e->rule);
	e->rule = copy;
	/* neither in the files nor by hand: as if it had never been */
	if (!rule && !e->file.when)
		forget(h, e);
	return 0;
}

static bool says_the_same(const struct by_hand_entry *e,
			  const struct fr_trigger_rule *file)
{
	return file ? e->file.when && rule_same(&e->file, file) : !e->file.when;
}

int by_hand_apply(struct by_hand *h, struct fr_config *c)
{
	int err = 0;

	for (unsigned i = 0; i < h->nr; i++) {
		struct by_hand_entry *e = &h->entries[i];

		e->stale = !says_the_same(e, config_find_rule(c, e->file.name));
		if (!e->stale && !e->rule.when)
			config_drop_rule(c, e->file.name);
	}
	for (unsigned i = 0; !err && i < h->nr; i++)
		if (!h->entries[i].stale && h->entries[i].rule.when)
			err = config_put_rule(c, &h->entries[i].rule);
	return err;
}

void by_hand_settle(struct by_hand *h)
{
	for (unsigned i = h->nr; i--;)
		if (h->entries[i].stale)
			forget(h, &h->entries[i]);
}

void by_hand_clear(struct by_hand *h)
{
	for (unsigned i = 0; i < h->nr; i++)
		clear_entry(&h->entries[i]);
	free(h->entries);
	*h = (struct by_hand){ .nr = 0 };
}
