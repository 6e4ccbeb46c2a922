/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_engine_table.c - the table of triggers/trigger.h: one test per state and
 * event.
 *
 * A cell tells what becomes of the trigger that is in the state, "." or
 *   STATE COUNTS CALLS END
 * STATE afterwards: first letter (a h t H d c, D disabled, x gone, . the same);
 * COUNTS that the event added to fired, suppressed, merged and queued of all
 * triggers; CALLS that the engine made, F freeze, D dump, R release, - none; END:
 * the state when what runs was brought to its end, left out where it is cooling.
 * "!": nothing happens, and it is counted as unexpected.
 */
#include "tests/unit/engine_world.h"

#include <errno.h>

enum column {
	ARMED,
	HIT,
	TAIL,
	HELD,
	DUMPING,
	COOLING,
	DISABLED,
	HELD_BACK, /* armed, but its min-history is not there */
	MERGING,   /* cooling, within its merge time */
	COLUMNS
};

static const char *const column_names[COLUMNS] = {
	"armed",   "hit",      "tail",      "held",   "dumping",
	"cooling", "disabled", "held back", "merging"
};
static const char column_letters[COLUMNS + 1] = "ahtHdcDac";

enum event {
	EV_HIT,
	EV_EQUAL,
	EV_HIGHER,
	EV_MANUAL,
	EV_MANUAL_OFF,
	EV_TAIL,
	EV_FROZEN,
	EV_FREEZE_FAILED,
	EV_DONE,
	EV_DISK_FULL,
	EV_DIED,
	EV_COOLED,
	EV_DISABLE,
	EV_ENABLE,
	EV_RELOAD,
	EV_GONE,
	EV_SHUTDOWN,
	EVENTS
};

static const struct row {
	const char *name;
	const char *cells[COLUMNS];
} rows[EVENTS] = {
	[EV_HIT] = { "automatic hit",
		     { "h 1000 F", ". 0010 -", ". 0010 -", ". 0010 -",
		       ". 0010 -", ". 0100 -", ". 0100 - D", ". 0100 - a",
		       ". 0010 -" } },
	[EV_EQUAL] = { "hit of another",
		       { ". 1000 F a", ". 0010 -", ". 0010 -", ". 0010 -",
			 ". 0010 -", ". 1000 F", ". 1000 F D", ". 1000 F a",
			 ". 0010 -" } },
	[EV_HIGHER] = { "hit of a higher priority",
			{ ". 1000 F a", ". 0010 -", "a 0010 F a", ". 0010 -",
			  ". 0010 -", ". 1000 F", ". 1000 F D", ". 1000 F a",
			  ". 1000 F" } },
	[EV_MANUAL] = { "manual hit",
			{ ". 1000 F a", ". 0001 -", ". 0001 -", ". 0001 -",
			  ". 0001 -", ". 1000 F", ". 1000 F D", ". 1000 F a",
			  ". 1000 F" } },
	[EV_MANUAL_OFF] = { "manual hit, manual disabled",
			    { ". 0100 - a", ". 0100 -", ". 0100 -", ". 0100 -",
			      ". 0100 -", ". 0100 -", ". 0100 - D",
			      ". 0100 - a", ". 0100 -" } },
	[EV_TAIL] = { "tail elapsed",
		      { ".", ".", "h 0000 F", ".", ".", ".", ".", ".", "." } },
	[EV_FROZEN] = { "freeze done",
			{ "!", "d 0000 D", "!", "!", "!", "!", "!", "!",
			  "!" } },
	[EV_FREEZE_FAILED] = { "freeze failed",
			       { "!", "c 0000 R", "!", "!", "!", "!", "!", "!",
				 "!" } },
	[EV_DONE] = { "dump done",
		      { "!", "!", "!", "c 0000 R", "c 0000 R", "!", "!", "!",
			"!" } },
	[EV_DISK_FULL] = { "disk full",
			   { "!", "!", "!", "c 0000 R", "c 0000 R", "!", "!",
			     "!", "!" } },
	[EV_DIED] = { "dumper died",
		      { "!", "!", "!", "c 0000 R", "c 0000 R", "!", "!", "!",
			"!" } },
	[EV_COOLED] = { "cooldown elapsed",
			{ ".", ".", "h 0000 F", ".", ".", "a 0000 - a", ".",
			  ".", "a 0000 - a" } },
	[EV_DISABLE] = { "disable",
			 { "D 0000 - D", ". 0000 - D", ". 0000 - D",
			   ". 0000 - D", ". 0000 - D", "D 0000 - D", ".",
			   "D 0000 - D", "D 0000 - D" } },
	[EV_ENABLE] = { "enable",
			{ ".", ".", ".", ".", ".", ".", "a 0000 - a", ".",
			  "." } },
	[EV_RELOAD] = { "reload, equal",
			{ ".", ".", ".", ".", ".", ".", ".", ".", "." } },
	[EV_GONE] = { "reload, gone",
		      { "x 0000 - x", "x 0000 - x", "x 0000 - x", "x 0000 - x",
			"x 0000 - x", "x 0000 - x", "x 0000 - x", "x 0000 - x",
			"x 0000 - x" } },
	[EV_SHUTDOWN] = { "shutdown",
			  { "D 0000 - D", ". 0000 - D", "h 0000 F D",
			    ". 0000 - D", ". 0000 - D", "D 0000 - D", ".",
			    "D 0000 - D", "D 0000 - D" } },
};

struct cell {
	enum event event;
	enum column column;
};

/* ---- a world with three triggers ------------------------------------------------ */

/* The cell at hand, for what happens within a dump. */
static struct {
	struct cell cell;
	uint64_t sent; /* hits */
	struct engine_counts before;
	unsigned calls_before;
	char was;
} now_tested;

static void load_rules(struct world *w, enum column column)
{
	struct fr_trigger_rule r[3];

	make_rule(&r[0], "a", "fs.fsync latency > 200ms",
		  column == TAIL ? "5s" : "0", "10s");
	make_rule(&r[1], "b", "block.write latency > 20ms", "0", "10s");
	make_rule(&r[2], "c", "block.read latency > 20ms", "0", "10s");
	set_key(&r[2], "priority", "51");
	if (column == HELD_BACK)
		set_key(&r[0], "min-history", "1h");
	if (column == MERGING)
		set_key(&r[0], "merge", "30s");
	assert_int_equal(engine_load(w->e, 0, r, 3, 0), 0);
	for (unsigned i = 0; i < 3; i++)
		rule_clear(&r[i]);
}

static void hit(struct world *w, uint64_t now, const char *name)
{
	struct engine_hit h = { .number = info_of(w, name).number,
				.hit_ns = now };

	now_tested.sent++;
	engine_hit(w->e, now, &h);
}

static void by_hand(struct world *w, uint64_t now)
{
	struct engine_hit h = { .number = TRIGGER_MANUAL,
				.hit_ns = now,
				.cookie = 7 };

	now_tested.sent++;
	engine_manual(w->e, now, &h);
}

static char state_of_a(struct world *w)
{
	struct trigger_info t = info_of(w, "a");

	return t.name ? "ahtHdcD"[t.state] : 'x';
}

/* Hits that were sent are all there, and each is counted once. */
static void check_sum(struct world *w)
{
	struct engine_counts c;

	engine_totals(w->e, &c);
	assert_int_equal(c.all.hits, now_tested.sent);
	assert_int_equal(c.all.hits, c.all.fired + c.all.suppressed +
					     c.all.merged + c.all.queued);
}

static void happen(struct world *w, const struct cell *cell)
{
	uint64_t now = 2 * SEC;

	switch (cell->event) {
	case EV_HIT:
		hit(w, now, "a");
		break;
	case EV_EQUAL:
		hit(w, now, "b");
		break;
	case EV_HIGHER:
		hit(w, now, "c");
		break;
	case EV_MANUAL_OFF:
		engine_enable(w->e, now, "manual", false);
		/* fallthrough */
	case EV_MANUAL:
		by_hand(w, now);
		break;
	case EV_TAIL:
		engine_tick(w->e, 6 * SEC);
		break;
	case EV_FROZEN:
		engine_freeze_done(w->e, now, 0);
		break;
	case EV_FREEZE_FAILED:
		engine_freeze_done(w->e, now, -EBUSY);
		break;
	case EV_DONE:
		engine_dump_done(w->e, now);
		break;
	case EV_DISK_FULL:
		engine_dump_failed(w->e, now, -ENOSPC);
		break;
	case EV_DIED:
		engine_dumper_died(w->e, now);
		break;
	case EV_COOLED:
		engine_tick(w->e, 11 * SEC);
		break;
	case EV_DISABLE:
		engine_enable(w->e, now, "a", false);
		break;
	case EV_ENABLE:
		engine_enable(w->e, now, "a", true);
		break;
	case EV_RELOAD: {
		uint32_t number = info_of(w, "a").number;

		load_rules(w, cell->column);
		assert_int_equal(info_of(w, "a").number, number);
		break;
	}
	case EV_GONE:
		assert_int_equal(engine_load(w->e, now, NULL, 0, 0), 0);
		break;
	case EV_SHUTDOWN:
		engine_shutdown(w->e, now);
		break;
	case EVENTS:
		break;
	}
}

/* ---- one cell ---------------------------------------------------------------------- */

static void check_outcome(struct world *w, const char *expect)
{
	const struct engine_counts *b = &now_tested.before;
	struct engine_counts c;
	char got[64], want[64], end;
	char same[] = { '.', ' ', '0', '0', '0', '0', ' ', '-', '\0' };

	engine_totals(w->e, &c);
	assert_int_equal(c.unexpected - b->unexpected, *expect == '!');
	if (strchr(".!", *expect) && !expect[1])
		expect = same;
	snprintf(got, sizeof(got), "%c %d%d%d%d %s", state_of_a(w),
		 (int)(c.all.fired - b->all.fired),
		 (int)(c.all.suppressed - b->all.suppressed),
		 (int)(c.all.merged - b->all.merged),
		 (int)(c.all.queued - b->all.queued),
		 w->nr_calls > now_tested.calls_before ?
			 w->calls + now_tested.calls_before :
			 "-");
	snprintf(want, sizeof(want), "%s", expect);
	if (sscanf(expect, "%*s %*s %*s %c", &end) == 1)
		want[strlen(want) - 2] = '\0';
	if (*want == '.')
		*want = now_tested.was;
	assert_string_equal(got, want);
	check_sum(w);
}

static void do_it(struct world *w)
{
	const struct cell *cell = &now_tested.cell;

	w->in_dump = NULL;
	now_tested.was = state_of_a(w);
	assert_int_equal(now_tested.was, column_letters[cell->column]);
	engine_totals(w->e, &now_tested.before);
	now_tested.calls_before = w->nr_calls;
	happen(w, cell);
	check_outcome(w, rows[cell->event].cells[cell->column]);
}

/* Brings a into the state, at 1 s, and lets the event happen.  Held it is only
 * while the dumper is started. */
static void bring(struct world *w, enum column column)
{
	w->freeze_result = column == HELD ? 0 : -EINPROGRESS;
	w->in_dump = column == HELD ? do_it : NULL;
	if (column == DISABLED)
		engine_enable(w->e, SEC, "a", false);
	if (column != ARMED && column != HELD_BACK && column != DISABLED)
		hit(w, SEC, "a");
	if (column == DUMPING || column == COOLING || column == MERGING)
		engine_freeze_done(w->e, SEC, 0);
	if (column == COOLING || column == MERGING)
		engine_dump_done(w->e, SEC);
	if (column != HELD)
		do_it(w);
}

/* What runs and what waits comes to its end; then nothing is left over. */
static void bring_to_end(struct world *w)
{
	w->freeze_result = 0;
	for (unsigned i = 0; !engine_idle(w->e) && i < 10; i++) {
		struct engine_counts c;
		uint64_t ended;

		engine_tick(w->e, 6 * SEC);
		engine_totals(w->e, &c);
		ended = c.dumps_done + c.dumps_failed;
		if (!strchr(w->calls, 'D') ||
		    strrchr(w->calls, 'F') > strrchr(w->calls, 'D'))
			engine_freeze_done(w->e, 6 * SEC, 0);
		engine_dump_done(w->e, 6 * SEC);
		engine_totals(w->e, &c);
		assert_true(c.dumps_done + c.dumps_failed > ended);
		check_sum(w);
	}
	assert_true(engine_idle(w->e));
}

static void check_end(struct world *w, const struct cell *cell)
{
	const char *expect = rows[cell->event].cells[cell->column];
	struct engine_counts c;
	char end;

	if (sscanf(expect, "%*s %*s %*s %c", &end) != 1) {
		bool waits = cell->column == ARMED || cell->column == HELD_BACK;

		end = cell->column == DISABLED       ? 'D' :
		      waits && cell->event != EV_HIT ? 'a' :
						       'c';
	}
	if (state_of_a(w) != end)
		fail_msg("in the end it is %c, not %c", state_of_a(w), end);
	engine_totals(w->e, &c);
	assert_int_equal(c.all.queued, 0);
}

static void one_cell(void **state)
{
	const struct cell *cell = *state;
	struct world *w = calloc(1, sizeof(*w));

	memset(&now_tested, 0, sizeof(now_tested));
	now_tested.cell = *cell;
	w->e = engine_new(&ops, w, &w->limits, &w->sets);
	load_rules(w, cell->column);
	bring(w, cell->column);
	bring_to_end(w);
	check_end(w, cell);
	engine_free(w->e);
	rule_sets_clear(&w->sets);
	free(w);
}

/* ---- manual triggers --------------------------------------------------------------- */

/* The row of manual hits for the manual trigger itself; it never cools. */
static void a_manual_trigger_fires_waits_or_is_off(void **state)
{
	static const struct {
		const char *column, *after, *counts;
	} cells[] = {
		{ "armed", "hit", "1000" },
		{ "hit", "hit", "1001" },
		{ "tail", "tail", "1001" },
		{ "dumping", "dumping", "1001" },
		{ "disabled", "disabled", "0100" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cells) / sizeof(*cells); i++) {
		struct world *w = calloc(1, sizeof(*w));
		struct engine_hit h = { .number = TRIGGER_MANUAL,
					.hit_ns = SEC,
					.tail_ns = cells[i].column[0] == 't' ?
							   SEC :
							   0 };
		struct trigger_info t;
		char got[64];

		w->e = engine_new(&ops, w, NULL, &w->sets);
		w->freeze_result = -EINPROGRESS;
		if (!strcmp(cells[i].column, "disabled"))
			engine_enable(w->e, SEC, "manual", false);
		else if (i)
			engine_manual(w->e, SEC, &h);
		if (!strcmp(cells[i].column, "dumping"))
			engine_freeze_done(w->e, SEC, 0);
		h.tail_ns = 0;
		engine_manual(w->e, SEC, &h);
		t = info_of(w, "manual");
		assert_string_equal(trigger_state_name(t.state),
				    cells[i].after);
		snprintf(got, sizeof(got), "%d%d%d%d", (int)t.counts.fired,
			 (int)t.counts.suppressed, (int)t.counts.merged,
			 (int)t.counts.queued);
		assert_string_equal(got, cells[i].counts);
		engine_free(w->e);
		rule_sets_clear(&w->sets);
		free(w);
	}
}

int main(void)
{
	static struct cell cells[EVENTS * COLUMNS];
	static char names[EVENTS * COLUMNS][80];
	static struct CMUnitTest tests[EVENTS * COLUMNS + 1];
	unsigned n = 0;

	for (unsigned ev = 0; ev < EVENTS; ev++)
		for (unsigned col = 0; col < COLUMNS; col++, n++) {
			cells[n] = (struct cell){ (enum event)ev,
						  (enum column)col };
			snprintf(names[n], sizeof(names[n]), "%s, %s",
				 column_names[col], rows[ev].name);
			tests[n] = (struct CMUnitTest){
				.name = names[n],
				.test_func = one_cell,
				.initial_state = &cells[n],
			};
		}
	tests[n] = (struct CMUnitTest)cmocka_unit_test(
		a_manual_trigger_fires_waits_or_is_off);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
