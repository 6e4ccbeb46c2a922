/* SPDX-License-Identifier: GPL-2.0-or-later */
/* change.c - rules that are changed while the recorder runs, as clients ask. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/daemon.h"
#include "recorder/log.h"
#include "recorder/reload.h"
#include "recorder/rules.h"
#include "triggers/units.h"

#define TAKEN       1 /* exit codes */
#define FAILED      1
#define WRONG       2
#define NOT_ALLOWED 6

/* What is to be answered: code 0 and lines, or why not. */
struct answer {
	int code;
	char text[8192];
};

__attribute__((format(printf, 3, 4))) static int
refuse(struct answer *a, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->text, sizeof(a->text), fmt, ap);
	va_end(ap);
	return a->code = code;
}

static bool is_built_in(const char *name)
{
	return !strcmp(name, "signal") || !strcmp(name, "manual");
}

/* ---- names ---------------------------------------------------------------------- */

/* 0 if a trigger has that name; else the answer says which there are. */
static int check_known(struct daemon *d, const char *name, struct answer *a)
{
	const char *names[RULES_MAX + 8], *near;
	struct trigger_info info;
	unsigned nr = 0;
	char all[256];
	size_t len = 0;

	for (; nr < engine_nr_triggers(d->engine) && nr < RULES_MAX + 7; nr++) {
		engine_info(d->engine, nr, &info);
		if (!strcmp(info.name, name))
			return 0;
		names[nr] = info.name;
		if (len < sizeof(all))
			len += (size_t)snprintf(all + len, sizeof(all) - len,
						"%s%s", len ? ", " : "",
						info.name);
	}
	names[nr] = NULL;
	near = units_nearest(name, names);
	if (near)
		return refuse(a, WRONG,
			      "no trigger has the name '%s'; did you mean %s?",
			      name, near);
	return refuse(a, WRONG, "no trigger has the name '%s'; there are %s%s",
		      name, all, len < sizeof(all) ? "" : "...");
}

/* ---- the change ------------------------------------------------------------------- */

static void tell(struct daemon *d, const struct control_request *req,
		 const char *what)
{
	char text[256];

	snprintf(text, sizeof(text), "trigger %s %s by process %d of user %u",
		 req->name, what, (int)req->pid, (unsigned)req->uid);
	daemon_meta(d, META_RELOAD, 0, d->config->nr_rules, text);
	log_info("%s", text);
}

/* New rules are those of the configuration from here on. */
static void describe_config(struct daemon *d)
{
	struct facts settings = { 0 };

	facts_add_config(&settings, d->config);
	facts_free(&d->settings);
	d->settings = settings;
}

/* ${rule} instead of what has its name, or with NULL nothing.  0 or negative errno,
 * then all is as before. */
static int put_in_force(struct daemon *d, const char *name,
			const struct fr_trigger_rule *rule)
{
	struct fr_config *c = d->config, before;
	int err = config_copy_rules(&before, c);

	if (err)
		return err;
	if (rule)
		err = config_put_rule(c, rule);
	else
		config_drop_rule(c, name);
	daemon_take_hits(d);
	if (!err)
		err = rules_load(d, c);
	if (!err)
		err = by_hand_note(&d->by_hand, &before, name, rule);
	if (!err) {
		config_free_rules(&before);
		describe_config(d);
		return 0;
	}
	config_free_rules(c);
	c->rules = before.rules;
	c->nr_rules = before.nr_rules;
	if (rules_load(d, c))
		log_err(0, "no memory to load the triggers anew");
	return err;
}

static int change(struct daemon *d, const struct control_request *req,
		  const struct fr_trigger_rule *rule, const char *what,
		  struct answer *a)
{
	int err = put_in_force(d, req->name, rule);

	if (err == -ENOSPC)
		return refuse(
			a, FAILED,
			"there are %d triggers already, the most there can be; remove one first",
			RULES_MAX);
	if (err)
		return refuse(a, FAILED, "%s", strerror(-err));
	tell(d, req, what);
	return 0;
}

/* ---- add ---------------------------------------------------------------------------- */

/* The rule that the request describes, in an otherwise empty ${c}; the exit code. */
static int parse_rule(struct fr_config *c, const struct control_request *req,
		      struct answer *a)
{
	struct rule_diag d = { .at = 0 };
	const char *key, *value;
	char caret[256];
	size_t pos = 0;
	int err;

	while ((key = control_next_key(req, &pos, &value))) {
		err = config_assign(c, true, req->name, key, value, &d);
		if (err == -EINVAL && !strcmp(key, "when") && *value)
			return refuse(a, WRONG, "%s.when:1:%u: %s\n%s",
				      req->name, d.at + 1, d.text,
				      rule_format_caret(caret, sizeof(caret),
							value, d.at));
		if (err)
			return refuse(a, WRONG, "trigger %s: %s", req->name,
				      err == -EINVAL ? d.text : strerror(-err));
	}
	if (!c->nr_rules || !c->rules[0].when)
		return refuse(a, WRONG, "trigger %s has no condition (when=)",
			      req->name);
	return 0;
}

static int check_free(struct daemon *d, const struct control_request *req,
		      struct answer *a)
{
	const struct fr_trigger_rule *r =
		config_find_rule(d->config, req->name);

	if (is_built_in(req->name))
		return refuse(
			a, TAKEN,
			"trigger %s is always there, for snapshots by hand; choose another name",
			req->name);
	if (r && strcmp(req->replace, "yes"))
		return refuse(
			a, TAKEN,
			"there is a trigger %s already (when = %s); --replace puts this one in its place",
			req->name, r->when);
	return 0;
}

/* Members of run.group may ask for snapshots, and so for rules; not for commands that
 * run as another user. */
static int check_exec(const struct fr_trigger_rule *r,
		      const struct control_request *req, struct answer *a)
{
	if (!r->exec || req->uid == 0 || req->uid == getuid())
		return 0;
	return refuse(
		a, NOT_ALLOWED,
		"only root may give trigger %s a command to run (exec); write it into the configuration file instead",
		req->name);
}

static void put_warning(struct daemon *d, const char *name, struct answer *a)
{
	const struct fr_trigger_rule *r = config_find_rule(d->config, name);
	char text[512];

	if (!r || !rules_warning(d, r, text, sizeof(text)))
		return;
	log_info("trigger %s: %s", name, text);
	snprintf(a->text, sizeof(a->text), "warning=%s\n", text);
}

static int add(struct daemon *d, const struct control_request *req,
	       struct answer *a)
{
	struct fr_config *c = config_new();
	bool there;

	if (!c)
		return refuse(a, FAILED, "%s", strerror(ENOMEM));
	if (!parse_rule(c, req, a) && !check_free(d, req, a) &&
	    !check_exec(&c->rules[0], req, a)) {
		there = config_find_rule(d->config, req->name);
		if (!change(d, req, &c->rules[0], there ? "replaced" : "added",
			    a))
			put_warning(d, req->name, a);
	}
	config_free(c);
	return a->code;
}

/* ---- the others --------------------------------------------------------------------- */

static int drop(struct daemon *d, const struct control_request *req,
		struct answer *a)
{
	if (check_known(d, req->name, a))
		return a->code;
	if (is_built_in(req->name))
		return refuse(
			a, FAILED,
			"trigger %s is always there; flightrec trigger disable %s silences it",
			req->name, req->name);
	return change(d, req, NULL, "removed", a);
}

static int enable(struct daemon *d, const struct control_request *req, bool on,
		  struct answer *a)
{
	if (check_known(d, req->name, a))
		return a->code;
	daemon_take_hits(d);
	engine_enable(d->engine, daemon_now_ns(), req->name, on);
	tell(d, req, on ? "enabled" : "disabled");
	put_warning(d, req->name, a);
	return 0;
}

/* Where the files are, so that who asked may write there. */
static void put_file(struct daemon *d, struct answer *a)
{
	size_t len = strlen(a->text);
	char path[PATH_MAX];

	if (!reload_main_file(d, path))
		snprintf(a->text + len, sizeof(a->text) - len, "config=%s\n",
			 path);
}

void change_triggers(struct daemon *d, uint64_t client,
		     const struct control_request *req)
{
	struct answer a = { .code = 0 };

	if (d->stopping) {
		refuse(&a, FAILED, "the recorder is ending");
	} else if (req->verb == CONTROL_FIRE) {
		if (!check_known(d, req->name, &a)) {
			incident_fire_client(d, client, req);
			return;
		}
	} else if (req->verb == CONTROL_ADD) {
		add(d, req, &a);
	} else if (req->verb == CONTROL_REMOVE) {
		drop(d, req, &a);
	} else {
		enable(d, req, req->verb == CONTROL_ENABLE, &a);
	}
	if (!a.code)
		put_file(d, &a);
	control_reply(d->control, client, a.code, a.text, daemon_now_ns());
}
