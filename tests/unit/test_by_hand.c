/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_by_hand.c - triggers that people fire, add, remove and silence while the
 * recorder runs, and files that change meanwhile. */
#include "tests/unit/engine_world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/by_hand.h"
#include "recorder/confwatch.h"

/* ---- fired by hand ---------------------------------------------------------------- */

#define WHEN "fs.fsync latency > 200ms"

static struct world *world;

static int begin(void **state)
{
	struct fr_trigger_rule r;

	(void)state;
	world = calloc(1, sizeof(*world));
	urcu_memb_register_thread();
	world->e = engine_new(&ops, world, &world->limits, &world->sets);
	make_rule(&r, "a", WHEN, "0", "1m");
	assert_int_equal(engine_load(world->e, SEC, &r, 1, 0), 0);
	rule_clear(&r);
	return 0;
}

static int end(void **state)
{
	(void)state;
	engine_free(world->e);
	rule_sets_clear(&world->sets);
	urcu_memb_unregister_thread();
	free(world);
	return 0;
}

static int fire(const char *name, uint64_t now, uint64_t cookie)
{
	struct engine_hit h = {
		.hit_ns = now, .pid = 7, .uid = 8, .cookie = cookie
	};

	return engine_fire(world->e, now, name, &h);
}

static struct trigger_info info(unsigned i)
{
	struct trigger_info t;

	engine_info(world->e, i, &t);
	assert_int_equal(t.counts.hits, t.counts.fired + t.counts.suppressed +
						t.counts.merged +
						t.counts.queued);
	return t;
}

/* Armed, cooling, disabled: it fires, in its own name, and is then what it was
 * to be. */
static void a_rule_fires_by_hand_in_any_state(void **state)
{
	(void)state;
	assert_int_equal(fire("a", 2 * SEC, 1), 0);
	assert_string_equal(world->reason.name, "a");
	assert_string_equal(world->reason.when, WHEN);
	assert_string_equal(world->reason.detector, "manual");
	assert_true(world->reason.manual);
	assert_string_equal(world->reason.text,
			    "asked for by process 7 of user 8");
	engine_dump_done(world->e, 3 * SEC);
	assert_int_equal(info(2).state, TRIGGER_COOLING);
	assert_int_equal(fire("a", 4 * SEC, 2), 0);
	engine_dump_done(world->e, 5 * SEC);
	assert_int_equal(info(2).state, TRIGGER_COOLING);
	assert_int_equal(engine_enable(world->e, 6 * SEC, "a", false), 0);
	assert_int_equal(fire("a", 6 * SEC, 3), 0);
	engine_dump_done(world->e, 7 * SEC);
	assert_int_equal(info(2).state, TRIGGER_DISABLED);
	assert_int_equal(info(2).counts.fired, 3);
	assert_string_equal(world->calls, "FDRFDRFDR");
	assert_int_equal(world->nr_answered, 3);
	assert_int_equal(fire("b", 8 * SEC, 4), -ENOENT);
}

static void built_in_ones_can_be_silenced(void **state)
{
	(void)state;
	assert_int_equal(engine_enable(world->e, SEC, "manual", false), 0);
	assert_int_equal(fire("manual", 2 * SEC, 1), -ECANCELED);
	assert_int_equal(info(1).counts.suppressed, 1);
	assert_int_equal(engine_enable(world->e, SEC, "manual", true), 0);
	assert_int_equal(fire("manual", 2 * SEC, 1), 0);
	engine_shutdown(world->e, 3 * SEC);
	assert_int_equal(fire("a", 3 * SEC, 2), -ESHUTDOWN);
}

static void load_one(const char *when)
{
	struct fr_trigger_rule r;

	make_rule(&r, "a", when, "0", "1m");
	assert_int_equal(engine_load(world->e, 2 * SEC, &r, 1, 0), 0);
	rule_clear(&r);
}

/* Its asker is told; the others still get theirs. */
static void a_rule_that_goes_takes_its_queue_along(void **state)
{
	(void)state;
	assert_int_equal(fire("manual", SEC, 1), 0);
	assert_int_equal(fire("a", SEC, 2), 0);
	assert_int_equal(fire("manual", SEC, 3), 0);
	assert_int_equal(fire("a", SEC, 4), 0);
	assert_int_equal(info(2).counts.queued, 2);
	load_one(WHEN); /* as it was */
	assert_int_equal(info(2).counts.queued, 2);
	load_one("fs.fsync latency > 1s");
	assert_int_equal(info(2).counts.queued, 0);
	assert_int_equal(world->nr_answered, 2);
	assert_int_equal(world->answered[0], 2);
	assert_int_equal(world->answers[0], -ESTALE);
	assert_int_equal(world->answered[1], 4);
	engine_dump_done(world->e, 3 * SEC);
	assert_int_equal(world->answered[2], 1);
	assert_string_equal(world->calls, "FDRFD");
	engine_dump_done(world->e, 4 * SEC);
	assert_int_equal(world->answered[3], 3);
	assert_true(engine_idle(world->e));
}

/* A cgroup that comes makes another trigger of the same rule. */
static void what_was_silenced_stays_so_when_names_resolve(void **state)
{
	struct fr_trigger_rule r;

	(void)state;
	make_rule(&r, "c", WHEN " where cgroup = /x", "0", "1m");
	assert_int_equal(engine_load(world->e, SEC, &r, 1, 0), 0);
	engine_enable(world->e, SEC, "c", false);
	assert_int_equal(fire("manual", SEC, 1), 0);
	assert_int_equal(fire("c", SEC, 2), 0);
	r.expr.conds[0].where.cgroup = 4711;
	assert_int_equal(engine_load(world->e, SEC, &r, 1, 0), 0);
	assert_int_equal(info(2).number, RULE_A + 2);
	assert_int_equal(info(2).state, TRIGGER_DISABLED);
	assert_int_equal(info(2).counts.queued, 1);
	engine_dump_done(world->e, 2 * SEC);
	assert_int_equal(world->reason.number, RULE_A + 2);
	engine_dump_done(world->e, 3 * SEC);
	assert_int_equal(world->answers[1], 0);
	rule_clear(&r);
}

/* ---- rules about no metric ------------------------------------------------------------ */

static void pass_on(void *arg, const struct engine_hit *h)
{
	(void)arg;
	engine_hit(world->e, h->hit_ns, h);
}

static void round_at(struct evaluator *v, struct inbox *in, uint64_t now)
{
	evaluator_begin(v, now);
	evaluator_sample(v, now, 1, 5);
	inbox_drain(in, pass_on, NULL);
}

static void a_metric_that_is_not_there_is_told(void **state)
{
	static const struct detector_metric free = {
		.id = 1, .scale = 1, .name = "meminfo.MemFree", .unit = ""
	};
	static const struct detector_metric late = {
		.id = 2, .scale = 1, .name = "meminfo.MemFre", .unit = ""
	};
	struct inbox *in = inbox_new();
	struct evaluator *v = evaluator_new(&world->sets, in);
	struct fr_trigger_rule r;

	(void)state;
	make_rule(&r, "m", "meminfo.MemFree > 9 and meminfo.MemFre > 9", "0",
		  "1m");
	assert_int_equal(engine_load(world->e, SEC, &r, 1, 0), 0);
	round_at(v, in, 9 * SEC);
	assert_int_equal(info(2).unknown, 0); /* nothing is sampled yet */
	evaluator_add_metric(v, &free);
	round_at(v, in, 9 * SEC + EVALUATOR_QUIET_NS - 1);
	assert_int_equal(info(2).unknown, 0);
	round_at(v, in, 9 * SEC + EVALUATOR_QUIET_NS);
	assert_int_equal(info(2).unknown, 2);
	evaluator_add_metric(v, &late);
	round_at(v, in, 10 * SEC + 2 * EVALUATOR_QUIET_NS);
	assert_int_equal(info(2).unknown, 0);
	/* later ones are told at once */
	rule_clear(&r);
	make_rule(&r, "n", "not meminfo.Gone > 9 and meminfo.MemFree > 9", "0",
		  "1m");
	assert_int_equal(engine_load(world->e, 30 * SEC, &r, 1, 0), 0);
	round_at(v, in, 31 * SEC);
	assert_int_equal(info(2).unknown, 1);
	assert_int_equal(world->nr_calls, 0);
	rule_clear(&r);
	evaluator_free(v);
	inbox_free(in);
}

/* ---- added, replaced, removed beside the files -------------------------------------- */

static struct fr_config *files(const char *text)
{
	struct fr_config *c = config_new();
	struct fr_diag diag;

	assert_int_equal(config_read_text(c, "f", text, strlen(text), &diag),
			 0);
	return c;
}

#define SECTION(name, limit) \
	"[trigger \"" name "\"]\nwhen = fs.fsync latency > " limit "\n"

static const char *limit_of(const struct fr_config *c, const char *name)
{
	const struct fr_trigger_rule *r = config_find_rule(c, name);

	return r ? strchr(r->when, '>') + 2 : NULL;
}

static void note_rule(struct by_hand *h, struct fr_config *now,
		      const char *name, const char *limit)
{
	struct fr_trigger_rule r;
	char when[64];

	snprintf(when, sizeof(when), "fs.fsync latency > %s", limit);
	make_rule(&r, name, when, "0", "1m");
	assert_int_equal(by_hand_note(h, now, name, &r), 0);
	assert_int_equal(config_put_rule(now, &r), 0);
	rule_clear(&r);
}

static void note_gone(struct by_hand *h, struct fr_config *now,
		      const char *name)
{
	assert_int_equal(by_hand_note(h, now, name, NULL), 0);
	config_drop_rule(now, name);
}

static struct fr_config *reload(struct by_hand *h, struct fr_config *old,
				const char *text)
{
	struct fr_config *c = files(text);

	config_free(old);
	assert_int_equal(by_hand_apply(h, c), 0);
	by_hand_settle(h);
	return c;
}

static void what_was_done_by_hand_outlives_reloads(void **state)
{
	static const char text[] = SECTION("kept", "1s") SECTION("gone", "2s")
		SECTION("new", "3s");
	struct by_hand h = { .nr = 0 };
	struct fr_config *c = files(text);

	(void)state;
	note_rule(&h, c, "added", "4s");
	note_rule(&h, c, "new", "5s");
	note_gone(&h, c, "gone");
	for (int i = 0; i < 2; i++) {
		c = reload(&h, c, text);
		assert_int_equal(c->nr_rules, 3);
		assert_string_equal(limit_of(c, "kept"), "1s");
		assert_null(limit_of(c, "gone"));
		assert_string_equal(limit_of(c, "new"), "5s");
		assert_string_equal(limit_of(c, "added"), "4s");
	}
	/* new words in the files count */
	c = reload(&h, c,
		   SECTION("gone", "6s") SECTION("new", "7s")
			   SECTION("added", "8s"));
	assert_int_equal(c->nr_rules, 3);
	assert_string_equal(limit_of(c, "gone"), "6s");
	assert_string_equal(limit_of(c, "new"), "7s");
	assert_string_equal(limit_of(c, "added"), "8s");
	assert_int_equal(h.nr, 0);
	c = reload(&h, c, "");
	assert_int_equal(c->nr_rules, 0);
	config_free(c);
	by_hand_clear(&h);
}

static void what_was_added_and_removed_leaves_nothing(void **state)
{
	struct by_hand h = { .nr = 0 };
	struct fr_config *c = files(SECTION("a", "1s"));

	(void)state;
	note_rule(&h, c, "b", "2s");
	note_rule(&h, c, "b", "3s");
	note_gone(&h, c, "b");
	assert_int_equal(h.nr, 0);
	note_gone(&h, c, "a");
	note_rule(&h, c, "a", "4s");
	assert_int_equal(h.nr, 1);
	c = reload(&h, c, SECTION("a", "1s"));
	assert_string_equal(limit_of(c, "a"), "4s");
	config_free(c);
	by_hand_clear(&h);
}

static void more_than_there_can_be_is_refused(void **state)
{
	struct by_hand h = { .nr = 0 };
	struct fr_config *c = files("");
	char text[8192];
	size_t len = 0;

	(void)state;
	note_rule(&h, c, "mine", "1s");
	config_free(c);
	for (int i = 0; i < RULES_MAX; i++)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len,
			"[trigger \"t%d\"]\nwhen = fs.fsync latency > 1s\n", i);
	c = files(text);
	assert_int_equal(by_hand_apply(&h, c), -ENOSPC);
	config_free(c);
	assert_int_equal(h.nr, 1); /* as it was */
	by_hand_clear(&h);
}

/* ---- files that change ---------------------------------------------------------------- */

static char folder[64];

static void name(char buf[128], const char *file)
{
	snprintf(buf, 128, "%s/%s", folder, file);
}

static void put(const char *file, const char *text)
{
	char path[128];
	FILE *f;

	name(path, file);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Once, and not again. */
static void is_seen(struct confwatch *w)
{
	assert_true(confwatch_changed(w));
	confwatch_note(w);
	assert_false(confwatch_changed(w));
}

static void files_that_change_are_seen(void **state)
{
	char path[128], other[128];
	struct confwatch *w;

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test-by-hand.XXXXXX");
	assert_non_null(mkdtemp(folder));
	name(path, "etc/my.conf");
	w = confwatch_open(path);
	assert_non_null(w);
	assert_false(confwatch_had_file(w));
	assert_false(confwatch_changed(w));
	name(other, "etc");
	mkdir(other, 0755);
	assert_false(confwatch_changed(w)); /* no file yet */
	put("etc/my.conf", "");
	is_seen(w);
	assert_true(confwatch_had_file(w));
	put("etc/my.conf", "[ring]\n");
	is_seen(w);
	put("etc/other.conf", ""); /* none of ours */
	assert_false(confwatch_changed(w));
	name(other, "etc/conf.d");
	mkdir(other, 0755);
	put("etc/conf.d/.x.conf", "");
	put("etc/conf.d/x.conf~", "");
	assert_false(confwatch_changed(w));
	put("etc/conf.d/x.conf", "");
	is_seen(w);
	put("etc/new", "[run]\n");
	name(other, "etc/new");
	rename(other, path); /* as editors do */
	is_seen(w);
	name(other, "etc/conf.d/x.conf");
	unlink(other);
	is_seen(w);
	unlink(path);
	is_seen(w);
	assert_true(confwatch_had_file(w));
	confwatch_close(w);
	snprintf(path, sizeof(path), "rm -rf %s", folder);
	assert_int_equal(system(path), 0);
}

static void what_is_no_file_is_not_watched(void **state)
{
	(void)state;
	assert_null(confwatch_open("/dev/null"));
	assert_int_equal(errno, ENOTSUP);
	confwatch_close(NULL);
}

int main(void)
{
#define ENGINE(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		ENGINE(a_rule_fires_by_hand_in_any_state),
		ENGINE(built_in_ones_can_be_silenced),
		ENGINE(a_rule_that_goes_takes_its_queue_along),
		ENGINE(what_was_silenced_stays_so_when_names_resolve),
		ENGINE(a_metric_that_is_not_there_is_told),
		cmocka_unit_test(what_was_done_by_hand_outlives_reloads),
		cmocka_unit_test(what_was_added_and_removed_leaves_nothing),
		cmocka_unit_test(more_than_there_can_be_is_refused),
		cmocka_unit_test(files_that_change_are_seen),
		cmocka_unit_test(what_is_no_file_is_not_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
