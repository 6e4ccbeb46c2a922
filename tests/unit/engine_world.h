/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine_world.h - an engine and what it asked for: for tests of triggers. */
#ifndef TESTS_UNIT_ENGINE_WORLD_H
#define TESTS_UNIT_ENGINE_WORLD_H

#include "tests/unit/test.h"

#include <string.h>

#include "triggers/engine.h"
#include "triggers/evaluator.h"
#include "triggers/inbox.h"

#define SEC    1000000000ULL
#define MS     1000000ULL
#define RULE_A TRIGGER_FIRST_RULE
#define RULE_B (TRIGGER_FIRST_RULE + 1)

/* What the engine asked for, in order: F freeze, D dump, R release. */
struct world {
	struct engine *e;
	struct rule_sets sets;
	struct fr_limits limits;
	char calls[256];
	unsigned nr_calls;
	int freeze_result, dump_result;
	struct engine_reason reason;
	uint64_t answered[128];
	int answers[128];
	unsigned nr_answered;
	bool dump_at_once;
	void (*in_dump)(struct world *w); /* called while it is held */
	uint64_t history_ns;              /* what the ring holds */
	unsigned said, joined;
	char last_said[512];
};

static void note(struct world *w, char c)
{
	if (w->nr_calls < sizeof(w->calls) - 1)
		w->calls[w->nr_calls++] = c;
	w->calls[w->nr_calls] = '\0';
}

static int on_freeze(void *arg, const struct engine_reason *r)
{
	struct world *w = arg;

	note(w, 'F');
	w->reason = *r;
	return w->freeze_result;
}

static int on_dump(void *arg, const struct engine_reason *r)
{
	struct world *w = arg;

	note(w, 'D');
	w->reason = *r;
	if (w->dump_at_once)
		engine_dump_done(w->e, r->hit_ns);
	if (w->in_dump)
		w->in_dump(w);
	return w->dump_result;
}

static void on_release(void *arg)
{
	note(arg, 'R');
}

static void on_answer(void *arg, uint64_t cookie, int error)
{
	struct world *w = arg;

	if (w->nr_answered < 128) {
		w->answered[w->nr_answered] = cookie;
		w->answers[w->nr_answered++] = error;
	}
}

static void on_log(void *arg, uint32_t trigger, const char *text)
{
	(void)trigger;
	assert_non_null(arg);
	assert_true(strlen(text) > 0);
}

static void on_say(void *arg, uint32_t trigger, const char *text)
{
	struct world *w = arg;

	(void)trigger;
	w->said++;
	snprintf(w->last_said, sizeof(w->last_said), "%s", text);
}

static uint64_t on_history(void *arg, uint64_t now_ns)
{
	(void)now_ns;
	return ((struct world *)arg)->history_ns;
}

static void on_joined(void *arg, const struct engine_reason *r)
{
	struct world *w = arg;

	w->joined++;
	w->reason = *r;
}

static const struct engine_ops ops = {
	.freeze = on_freeze,
	.start_dump = on_dump,
	.release = on_release,
	.answered = on_answer,
	.log = on_log,
	.say = on_say,
	.history = on_history,
	.joined = on_joined,
};

static void make_rule(struct fr_trigger_rule *r, const char *name,
		      const char *when, const char *tail, const char *cooldown)
{
	struct rule_diag d;

	rule_init(r, name);
	assert_int_equal(rule_set(r, "when", when, &d), 0);
	assert_int_equal(rule_set(r, "tail", tail, &d), 0);
	assert_int_equal(rule_set(r, "cooldown", cooldown, &d), 0);
}

static inline void set_key(struct fr_trigger_rule *r, const char *key,
			   const char *value)
{
	struct rule_diag d;

	if (rule_set(r, key, value, &d) < 0)
		fail_msg("%s", d.text);
}

/* A trigger by its name. */
static inline struct trigger_info info_of(struct world *w, const char *name)
{
	struct trigger_info t = { .name = NULL };

	for (unsigned i = 0; i < engine_nr_triggers(w->e); i++) {
		engine_info(w->e, i, &t);
		if (!strcmp(t.name, name))
			return t;
	}
	return (struct trigger_info){ .name = NULL };
}

#endif
