/* SPDX-License-Identifier: GPL-2.0-or-later */
/* client.h - asks the running recorder through its control socket. */
#ifndef DUMP_CLIENT_H
#define DUMP_CLIENT_H

#include <stdbool.h>

#define CLIENT_WHY        1024 /* room for a line of text, a rule and a caret */
#define CLIENT_DUMP_S     600  /* a full disk under load takes its time */
#define CLIENT_REASON_MAX 255  /* what the recorder takes for a reason */
#define CLIENT_NAME_MAX   63

struct client_pair {
	char *key, *value;
};
struct client_reply {
	struct client_pair *pairs; /* in the order of the reply */
	unsigned nr;
	char *text; /* memory of the pairs */
};

/*
 * Sends ${line} (with its newline) to the socket in ${folder} and waits up to
 * ${patience_s} seconds for the whole answer.  Returns EXIT_OK with the pairs
 * (to be freed), or the exit code that fits, having said why on standard error.
 */
int client_ask(const char *folder, const char *line, unsigned patience_s,
	       struct client_reply *ret);
/* The same, with what it would have said in ${why}. */
int client_try(const char *folder, const char *line, unsigned patience_s,
	       struct client_reply *ret, char why[CLIENT_WHY]);
/* NULL: not in the reply. */
const char *client_value(const struct client_reply *r, const char *key);
/* The path of the snapshot that dump and trigger-fire answer with, and how long
 * it took on standard error unless ${quiet}. */
void client_print_snapshot(const struct client_reply *r, bool quiet);
void client_free(struct client_reply *r);

#endif
