/* SPDX-License-Identifier: GPL-2.0-or-later */
/* live.c - a sampler of the command's own, and the metrics that are chosen. */
#include "dump/live.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/options.h"
#include "recorder/sampler.h"
#include "triggers/counter_step.h"
#include "triggers/units.h"

#define FIRST_NS 32000000000ULL /* the longest that a program may take */
#define TURNS    (1ULL << 32)   /* ticks, more than between any two rounds */

struct entry { /* by number of the metric */
	struct live_metric m;
	const struct sample *owner; /* of its collector */
	uint32_t owner_round;       /* the collector's, when it was told last */
	int64_t before;
	uint64_t ns, before_ns;
	uint64_t round; /* in which it was told last, 0: never */
	bool chosen;
	int64_t wrap;
	char *name;
};

struct live {
	struct sampler *sampler;
	const char *const *globs;
	unsigned nr_globs;
	struct entry *entries; /* [nr], by number - 1 */
	unsigned nr, room;
	unsigned *order; /* the chosen ones, by name */
	unsigned nr_order;
	uint64_t round, next_k;
	bool grown, no_memory;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

/* ---- values ----------------------------------------------------------------- */

static bool is_chosen(const struct live *l, const char *name)
{
	for (unsigned i = 0; i < l->nr_globs; i++)
		if (!fnmatch(l->globs[i], name, 0))
			return true;
	return l->nr_globs == 0;
}

static bool make_room(struct live *l, uint32_t id)
{
	unsigned room = l->room ? l->room : 256;
	struct entry *grown;

	while (room < id)
		room *= 2;
	if (room != l->room) {
		grown = realloc(l->entries, room * sizeof(*grown));
		if (!grown)
			return false;
		memset(grown + l->room, 0, (room - l->room) * sizeof(*grown));
		l->entries = grown;
		l->room = room;
	}
	if (id > l->nr)
		l->nr = id;
	return true;
}

static bool begin_entry(struct live *l, struct entry *e, const struct metric *m)
{
	e->name = strdup(m->name);
	if (!e->name)
		return false;
	e->chosen = is_chosen(l, e->name);
	e->wrap = metric_wrap(m->def);
	e->m = (struct live_metric){
		.name = e->name,
		.unit = m->def->unit,
		.source = m->source,
		.is_counter = m->def->kind != METRIC_GAUGE,
		.scale = m->def->scale ? m->def->scale : 1,
	};
	l->grown |= e->chosen;
	return true;
}

static void take(void *arg, uint64_t now, uint32_t id, struct metric *m,
		 int64_t value)
{
	struct live *l = arg;
	struct entry *e;

	if (!make_room(l, id)) {
		l->no_memory = true;
		return;
	}
	e = &l->entries[id - 1];
	if (!e->name && !begin_entry(l, e, m)) {
		l->no_memory = true;
		return;
	}
	e->before = e->m.value;
	e->before_ns = e->m.is_known ? e->ns : 0;
	e->m.value = value;
	e->ns = now;
	e->owner = m->owner;
	e->owner_round = m->round;
	e->round = l->round;
	e->m.is_known = true;
}

/* What its collector did not tell when it read last is gone; one that does not read
 * in each round keeps its values until it reads again. */
static void settle(struct live *l, struct entry *e)
{
	int64_t growth;

	if (!e->name ||
	    (e->round != l->round && e->owner_round == e->owner->round))
		return;
	e->m.rate_known = false;
	if (e->round != l->round) {
		e->m.is_known = false;
		return;
	}
	if (!e->m.is_counter || !e->before_ns || e->ns <= e->before_ns ||
	    counter_step(e->before, e->m.value, e->wrap, &growth) ==
		    COUNTER_RESET)
		return;
	e->m.rate_known = true;
	e->m.rate = (double)growth / e->m.scale * 1e9 /
		    (double)(e->ns - e->before_ns);
}

static const struct live *sorting; /* qsort has no argument */

static int by_name(const void *p, const void *q)
{
	const unsigned *x = p, *y = q;

	return strcmp(sorting->entries[*x].name, sorting->entries[*y].name);
}

static void sort(struct live *l)
{
	unsigned *order = realloc(l->order, (l->nr + 1) * sizeof(*order));

	if (!order) {
		l->no_memory = true;
		return;
	}
	l->order = order;
	l->nr_order = 0;
	for (unsigned i = 0; i < l->nr; i++)
		if (l->entries[i].name && l->entries[i].chosen)
			order[l->nr_order++] = i;
	sorting = l;
	qsort(order, l->nr_order, sizeof(*order), by_name);
	l->grown = false;
}

void live_round(struct live *l)
{
	struct timer_tick tick = { .k = l->next_k++, .scheduled_ns = now_ns() };

	l->round++;
	tick.woke_ns = tick.scheduled_ns;
	sampler_round(l->sampler, &tick);
	for (unsigned i = 0; i < l->nr; i++)
		settle(l, &l->entries[i]);
	if (l->grown)
		sort(l);
}

unsigned live_count(const struct live *l)
{
	return l->nr_order;
}

const struct live_metric *live_nth(const struct live *l, unsigned n)
{
	return &l->entries[l->order[n]].m;
}

/* ---- opening ------------------------------------------------------------------ */

static const char *nearest(const struct live *l, const char *word)
{
	const char **names = calloc(l->nr + 1, sizeof(*names)), *near = NULL;
	unsigned n = 0;

	for (unsigned i = 0; names && i < l->nr; i++)
		if (l->entries[i].name)
			names[n++] = l->entries[i].name;
	if (names)
		near = units_nearest(word, names);
	free(names);
	return near;
}

static int check_globs(const struct command_ops *cmd, struct live *l)
{
	for (unsigned g = 0; g < l->nr_globs; g++) {
		bool some = false;
		const char *near;

		for (unsigned i = 0; i < l->nr && !some; i++)
			some = l->entries[i].name &&
			       !fnmatch(l->globs[g], l->entries[i].name, 0);
		if (some)
			continue;
		near = nearest(l, l->globs[g]);
		fprintf(stderr,
			"flightrec %s: there is no metric '%s'%s%s; flightrec "
			"sample --list names them\n",
			cmd->name, l->globs[g], near ? "; the nearest is " : "",
			near ? near : "");
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

/* The settings of this machine, with the collectors of the command line. */
static struct fr_config *settings(const struct command_ops *cmd,
				  const struct live_options *o)
{
	struct options opts = { .config_path = OPTIONS_CONFIG, .ready_fd = -1 };
	struct fr_config *config;
	struct fr_diag diag;
	char *set = NULL;

	if (o->collectors) {
		if (asprintf(&set, "sampler.collectors=%s", o->collectors) < 0)
			return NULL;
		opts.sets[opts.nr_sets++] = set;
	}
	config = options_load(&opts, &diag);
	if (!config)
		fprintf(stderr, "flightrec %s: %s\n", cmd->name, diag.text);
	free(set);
	return config;
}

static int open_sampler(const struct command_ops *cmd, struct live *l,
			const struct live_options *o)
{
	struct fr_config *c = settings(cmd, o);
	struct sampler_options s = { .period_ns = o->period_ns };
	int err;

	if (!c)
		return EXIT_USAGE;
	/* fast and slow keep their relation to the period */
	s.fast_ns = o->period_ns;
	s.slow_ns =
		c->sampler_slow > o->period_ns ? c->sampler_slow : o->period_ns;
	s.collectors = c->sampler_collectors;
	err = sampler_new(&s, &l->sampler);
	config_free(c);
	if (!err)
		return EXIT_OK;
	fprintf(stderr, "flightrec %s: cannot open the collectors: %s\n",
		cmd->name, strerror(-err));
	return EXIT_FAILED;
}

/* What answers only later (a host, a program) shall have done so, or failed. */
static void first_rounds(struct live *l)
{
	uint64_t until = now_ns() + FIRST_NS;
	const struct timespec moment = { .tv_nsec = 20000000 };

	live_round(l);
	while (sampler_waits(l->sampler) && now_ns() < until) {
		nanosleep(&moment, NULL);
		l->next_k += TURNS; /* the turn of each */
		live_round(l);
	}
}

int live_open(const struct command_ops *cmd, const struct live_options *o,
	      struct live **ret)
{
	struct live *l = calloc(1, sizeof(*l));
	int code;

	if (!l)
		return EXIT_FAILED;
	l->globs = o->globs;
	l->nr_globs = o->nr;
	code = open_sampler(cmd, l, o);
	if (!code) {
		sampler_set_observer(l->sampler, take, l);
		first_rounds(l);
		code = check_globs(cmd, l);
	}
	if (!code && l->no_memory)
		code = EXIT_FAILED;
	if (code)
		live_close(l);
	else
		*ret = l;
	return code;
}

uint64_t live_errors(const struct live *l)
{
	struct sampler_stats st;

	sampler_stats(l->sampler, &st);
	return st.errors;
}

const char *live_failed(const struct live *l, char buf[LIVE_FAILED])
{
	size_t len = 0;
	const char *name;
	uint64_t errors;

	buf[0] = '\0';
	for (unsigned i = 0; sampler_errors_of(l->sampler, i, &errors, &name);
	     i++)
		if (errors && len < LIVE_FAILED)
			len += (size_t)snprintf(buf + len, LIVE_FAILED - len,
						"%s%s", len ? ", " : "", name);
	return buf;
}

void live_close(struct live *l)
{
	if (!l)
		return;
	sampler_stop(l->sampler);
	for (unsigned i = 0; i < l->nr; i++)
		free(l->entries[i].name);
	free(l->entries);
	free(l->order);
	free(l);
}
