/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * by_hand.h - what was done to the rules while the recorder runs: which were added,
 * replaced and removed by hand, beside what the files say.
 *
 * It holds until the recorder ends, over all reloads, as long as the files say of
 * that name what they said when it was done; once they say something else, that
 * counts, and what was done by hand is forgotten.
 *
 * Pure: no system calls.  Belongs to the main thread.
 */
#ifndef RECORDER_BY_HAND_H
#define RECORDER_BY_HAND_H

#include "recorder/config.h"
#include "triggers/rule.h"

struct by_hand {
	unsigned nr;
	struct by_hand_entry *entries;
};

/* One name. */
struct by_hand_entry {
	struct fr_trigger_rule file; /* what the files said; no `when`: nothing */
	struct fr_trigger_rule rule; /* what counts; no `when`: it was removed */
	bool stale; /* the files of by_hand_apply() say something else */
};

/*
 * Notes that ${rule} takes the place of what ${now} (in force) has under its name,
 * or with ${rule} NULL that ${name} is removed.  0 or -ENOMEM, then nothing is noted.
 */
int by_hand_note(struct by_hand *h, const struct fr_config *now,
		 const char *name, const struct fr_trigger_rule *rule);

/*
 * Does to ${c}, as read from the files, what was done by hand.  Entries of which
 * the files say something else are marked stale, and left alone.  0, -ENOMEM, or
 * -ENOSPC: there would be more than RULES_MAX.
 */
int by_hand_apply(struct by_hand *h, struct fr_config *c);
/* Forgets the stale ones, once what by_hand_apply() made is in force. */
void by_hand_settle(struct by_hand *h);

/* NULL: nothing was done to that name. */
const struct by_hand_entry *by_hand_find(const struct by_hand *h,
					 const char *name);
void by_hand_clear(struct by_hand *h);

#endif
