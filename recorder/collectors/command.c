/* SPDX-License-Identifier: GPL-2.0-or-later */
/* command.c - numbers that programs of the list print. */
#include "recorder/aside.h"
#include "recorder/collector.h"
#include "recorder/keyvalue.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMANDS_MAX      16
#define COMMAND_NAME_MAX  32
#define COMMAND_LIMIT_NS  30000000000ULL
#define COMMAND_PERIOD_NS 10000000000ULL

static const struct metric_def command_gauge =
	KEYVALUE_DEF("command.%", METRIC_GAUGE);
static const struct metric_def command_counter =
	KEYVALUE_DEF("command.%", METRIC_COUNTER);

struct command {
	char prefix[COMMAND_NAME_MAX + 1]; /* "NAME." */
	struct aside *aside;
	bool good;  /* its last run was */
	bool ended; /* one was */
};

struct commands {
	struct command all[COMMANDS_MAX];
	unsigned nr;
	bool no_user; /* there is nobody to run them as */
};

/* The name of the file up to its first dot: all metrics begin with it. */
static bool command_prefix(const char *path, size_t len,
			   char ret[COMMAND_NAME_MAX + 1])
{
	const char *end = path + len, *name = end, *dot;

	while (name > path && name[-1] != '/')
		name--;
	dot = memchr(name, '.', (size_t)(end - name));
	end = dot ? dot : end;
	if (end == name || end - name >= COMMAND_NAME_MAX)
		return false;
	snprintf(ret, COMMAND_NAME_MAX + 1, "%.*s.", (int)(end - name), name);
	return true;
}

static int command_check(const char *list, char *ret_what, size_t size)
{
	char seen[COMMANDS_MAX][COMMAND_NAME_MAX + 1];
	const char *p = list ? list : "";
	unsigned nr = 0;

	while (*(p += strspn(p, " ,"))) {
		size_t n = strcspn(p, " ,");
		int show = n > 64 ? 64 : (int)n;

		if (nr == COMMANDS_MAX) {
			snprintf(ret_what, size,
				 "command runs %d programs at most",
				 COMMANDS_MAX);
			return -EINVAL;
		}
		if (*p != '/' || memchr(p, '\'', n) || n >= PATH_MAX ||
		    !command_prefix(p, n, seen[nr])) {
			snprintf(
				ret_what, size,
				"'%.*s' is no whole path of a program, whose name "
				"has 1 to %d bytes before a dot",
				show, p, COMMAND_NAME_MAX - 1);
			return -EINVAL;
		}
		for (unsigned i = 0; i < nr; i++)
			if (!strcmp(seen[i], seen[nr])) {
				snprintf(ret_what, size,
					 "two programs have the name of "
					 "'%.*s'; their metrics would too",
					 show, p);
				return -EINVAL;
			}
		nr++;
		p += n;
	}
	if (nr == 0)
		snprintf(ret_what, size,
			 "command wants programs: "
			 "command:/usr/local/lib/flightrec/ipmi.sh");
	return nr ? 0 : -EINVAL;
}

/* Without a list it does nothing. */
static int command_prepare(struct collector *c, const char *list)
{
	char what[256];
	int r = list ? command_check(list, what, sizeof(what)) : 0;

	return r ? r : collector_files_prepare(c, list);
}

/* Never root.  -ENOENT: there is no user to become. */
static int command_user(const struct collector *c, struct aside_options *o)
{
	const struct passwd *p;

	o->change_user = geteuid() == 0;
	if (!o->change_user)
		return 0;
	o->uid = c->child_uid;
	o->gid = c->child_gid;
	if (o->uid)
		return 0;
	p = getpwnam("nobody");
	if (!p || !p->pw_uid)
		return -ENOENT;
	o->uid = p->pw_uid;
	o->gid = p->pw_gid;
	return 0;
}

static int command_open(struct collector *c, const char *root)
{
	struct aside_options o = { .limit_ns = COMMAND_LIMIT_NS };
	struct commands *all = calloc(1, sizeof(*all));
	const char *p = c->list ? c->list : "";
	char path[PATH_MAX];

	c->state = all;
	if (!all)
		return -ENOMEM;
	o.path = path;
	all->no_user = command_user(c, &o) != 0;
	while (*(p += strspn(p, " ,"))) {
		size_t n = strcspn(p, " ,");
		struct command *one = &all->all[all->nr++];

		command_prefix(p, n, one->prefix);
		if ((size_t)snprintf(path, sizeof(path), "%s%.*s", root, (int)n,
				     p) >= sizeof(path))
			return -ENAMETOOLONG;
		one->aside = aside_new(&o);
		if (!one->aside)
			return -ENOMEM;
		p += n;
	}
	return 0;
}

static void command_one(struct command *one, struct sample *s)
{
	const struct keyvalue names = { &command_gauge, &command_counter,
					one->prefix };
	int r = aside_poll(one->aside);
	const char *text;
	size_t len;

	one->ended |= r != -EAGAIN;
	if (r != -EAGAIN)
		one->good = r == 0;
	if (r != 0 && r != -EAGAIN)
		sample_error(s);
	if (aside_start(one->aside))
		sample_error(s);
	text = aside_text(one->aside, &len);
	if (one->good)
		keyvalue_text(s, &names, text, len);
}

static void command_collect(struct collector *c, struct sample *s)
{
	struct commands *all = c->state;

	s->list = NULL; /* ours are programs, not instances */
	s->source = "programs";
	for (unsigned i = 0; i < all->nr; i++) {
		if (all->no_user)
			sample_error(s);
		else
			command_one(&all->all[i], s);
	}
}

static bool command_waits(const struct collector *c)
{
	const struct commands *all = c->state;
	bool waits = false;

	for (unsigned i = 0; !all->no_user && i < all->nr; i++)
		waits |= !all->all[i].ended;
	return waits;
}

static void command_close(struct collector *c)
{
	struct commands *all = c->state;

	for (unsigned i = 0; all && i < all->nr; i++)
		aside_free(all->all[i].aside);
	free(all);
	c->state = NULL;
	free(c->list);
	c->list = NULL;
}

const struct collector_ops collector_command = {
	.name = "command",
	.doc = "numbers that programs of a list print",
	.man = "command.NAME.KEY, of lines KEY=VALUE and the like that the programs "
	       "of the list print to their standard output, as in textfile; NAME is the file's up to its "
	       "first dot: command:/usr/local/lib/flightrec/slurm.sh gives "
	       "command.slurm.KEY. Unless another rate is said, each is run every "
	       "10 s, one run after the other, beside the ticks: a round has the "
	       "numbers of the run that ended last, so the first round has "
	       "none.\n"
	       "\n"
	       "Programs run as run.user, never as root, without any right, as "
	       "hooks do; what they print to their standard error is thrown away. A run that takes "
	       "more than 30 s, prints more than 64 KiB, or ends with another "
	       "code than 0 is an error, and its numbers are absent; whatever it began is "
	       "killed with it, also what has left its session. See COMMANDS "
	       "below for IPMI, GridEngine, HTCondor and Slurm.",
	.from = "the programs of the list",
	.period_ns = COMMAND_PERIOD_NS,
	.changes_only = true,
	.check = command_check,
	.prepare = command_prepare,
	.open = command_open,
	.collect = command_collect,
	.waits = command_waits,
	.close = command_close,
};
