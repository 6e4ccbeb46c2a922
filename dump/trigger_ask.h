/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trigger_ask.h - what the verbs of flightrec trigger have in common. */
#ifndef DUMP_TRIGGER_ASK_H
#define DUMP_TRIGGER_ASK_H

#include "dump/client.h"
#include "dump/command.h"
#include "triggers/rule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A line for the control socket while it is being written. */
struct trigger_ask {
	FILE *f;
	char *line;
	size_t len;
};

/* 0 or -ENOMEM. */
int trigger_ask_begin(struct trigger_ask *a, const char *verb);
void trigger_ask_add(struct trigger_ask *a, const char *key, const char *value);
/* Sends it, waits up to ${patience_s}, frees.  The exit code, having said why; with
 * EXIT_OK *ret is to be freed, and its warnings were printed. */
int trigger_ask_send(struct trigger_ask *a, const char *folder,
		     unsigned patience_s, struct client_reply *ret);

#define TRIGGER_PATIENCE_S 10

/* Verbs that take `NAME` and the usual options: parses, asks ${verb}. */
int trigger_ask_named(const struct command_ops *c, int argc, char **argv,
		      const char *verb);

/* ---- rules in files of their own, trigger_save.c ------------------------------ */

/* Writes ${rule} into trigger-NAME.conf in conf.d beside ${main_file} (NULL: the
 * recorder has none); the folder is made if it is missing.  EXIT_OK, or
 * EXIT_INCOMPLETE, having said why. */
int trigger_save(const char *main_file, const struct fr_trigger_rule *rule);
/* Removes that file; EXIT_INCOMPLETE, said, if other files have the rule too. */
int trigger_unsave(const char *main_file, const char *name);

#endif
