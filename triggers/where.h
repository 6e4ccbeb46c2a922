/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * where.h - the filters of a condition:
 *
 *   where comm = "postgres", device = vda
 *   where cgroup = "/system.slice/db.service" and comm != "backup*"
 *
 *   op = read, write     operations (another way to write fs.read)
 *   comm = NAME          command name; ? any character, * at the end any rest
 *   pid = N              process
 *   cgroup = PATH        in that cgroup or one below it
 *   device = NAME        block device, of the request or of the file's file system
 *   mount = FOLDER       file system that is mounted there
 *   path = GLOB          path of the file, as readers print it (glob.h)
 */
#ifndef TRIGGERS_WHERE_H
#define TRIGGERS_WHERE_H

#include "triggers/lex.h"

/* Does a list of filters begin here? */
bool where_begins(const struct lex *l);
/* Parses it.  ${can}: bits FR_WHERE_*, what the condition can be filtered by.
 * 0 or lex_fail(). */
int where_parse(struct lex *l, struct rule_cond *ret, uint32_t can);

/* Into the slot: what the kernel compares. */
void where_fill_slot(const struct rule_where *w, struct fr_trigger_slot *s);
/* The glob that goes with a slot that has FR_WHERE_PATH. */
void where_fill_glob(const struct rule_where *w, struct fr_glob *ret);

/*
 * Looks up what the names of devices, folders and cgroups stand for at present.  True if
 * any of it changed.  Makes system calls: for the recorder's main thread.
 */
bool where_resolve(struct fr_trigger_rule *rules, unsigned nr);
/* Ids of the cgroup that the filter names and of all below it, ${max} at most, with
 * ${root} in front of /sys; how many.  Makes system calls; any thread. */
unsigned where_cgroups(const struct rule_where *w, const char *root,
		       uint64_t *ids, unsigned max);
/* The name of the first filter of the rule that stands for nothing now ("device
 * sdz"), NULL if there is none. */
const char *where_unresolved(const struct fr_trigger_rule *r, char *buf,
			     size_t size);

#endif
