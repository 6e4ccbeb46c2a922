/* SPDX-License-Identifier: GPL-2.0-or-later */
/* client.h - asks the running recorder through its control socket. */
#ifndef DUMP_CLIENT_H
#define DUMP_CLIENT_H

#define CLIENT_WHY 1024 /* room for one line of text */

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
void client_free(struct client_reply *r);

#endif
