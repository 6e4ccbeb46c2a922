/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drift_timer.c - the sampler with a collector that overruns, or a naive loop, for
 * drift.sh to watch.
 *
 *   drift_timer sampler TICKS PERIOD_MS   until tick number TICKS
 *   drift_timer naive TICKS PERIOD_MS     sleep(period) in a loop
 *
 * Prints "tick K NOW_NS" for each tick served, with CLOCK_MONOTONIC as seen when
 * collecting begins, and at the end the sampler's own counts.
 */
#include "recorder/sampler.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MS              1000000ULL
#define OVERRUN_EVERY   20 /* rounds */
#define OVERRUN_PERIODS 3

struct seen {
	uint64_t k, now_ns;
};

static struct sampler *sampler;
static uint64_t period_ns;
static struct seen *seen;
static size_t nr_seen, max_seen; /* nr: stored by the sampling thread only */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 * MS + (uint64_t)t.tv_nsec;
}

static int drift_prepare(struct collector *c, const char *list)
{
	(void)c;
	(void)list;
	return 0;
}

static int drift_open(struct collector *c, const char *root)
{
	(void)c;
	(void)root;
	return 0;
}

static void drift_close(struct collector *c)
{
	(void)c;
}

/* Notes when the round began. */
static void drift_note(struct collector *c, struct sample *s)
{
	uint64_t now = now_ns();
	struct sampler_stats st;

	(void)c;
	(void)s;
	sampler_stats(sampler, &st);
	if (nr_seen < max_seen)
		seen[nr_seen++] = (struct seen){ st.last_k, now };
}

/* Now and then takes longer than three periods, busy. */
static void drift_overrun(struct collector *c, struct sample *s)
{
	uint64_t until = now_ns() + OVERRUN_PERIODS * period_ns + period_ns / 2;

	(void)c;
	(void)s;
	if (nr_seen % OVERRUN_EVERY == 0)
		while (now_ns() < until)
			;
}

#define DRIFT_COLLECTOR(what)                                     \
	{                                                         \
		.name = "drift_" #what, .prepare = drift_prepare, \
		.open = drift_open, .collect = drift_##what,      \
		.close = drift_close                              \
	}
static const struct collector_ops note = DRIFT_COLLECTOR(note);
static const struct collector_ops overrun = DRIFT_COLLECTOR(overrun);

static void print_seen(void)
{
	for (size_t i = 0; i < nr_seen; i++)
		printf("tick %llu %llu\n", (unsigned long long)seen[i].k,
		       (unsigned long long)seen[i].now_ns);
}

static int run_sampler(uint64_t ticks)
{
	const struct collector_ops *ops[] = { &note, collector_find("cpu"),
					      &overrun, NULL };
	struct sampler_options o = { .period_ns = period_ns, .ops = ops };
	struct sampler_stats st = { 0 };
	int r = sampler_new(&o, &sampler);
	uint64_t dead;

	if (r == 0)
		r = sampler_start(sampler);
	if (r) {
		fprintf(stderr, "drift_timer: %s\n", strerror(-r));
		return 1;
	}
	while (st.last_k < ticks && !st.timer_dead) {
		usleep(100000);
		sampler_stats(sampler, &st);
	}
	dead = st.timer_dead;
	/* What came out of the timer is served, then the counts rest. */
	kill(sampler_timer_pid(sampler), SIGKILL);
	while (!st.timer_dead) {
		usleep(10000);
		sampler_stats(sampler, &st);
	}
	sampler_stop(sampler);
	print_seen();
	printf("served %llu late %llu paused %llu first %llu last %llu\n",
	       (unsigned long long)st.ticks, (unsigned long long)st.late,
	       (unsigned long long)st.paused, (unsigned long long)st.first_k,
	       (unsigned long long)st.last_k);
	return (int)dead;
}

static int run_naive(uint64_t ticks)
{
	struct timespec t = { (time_t)(period_ns / (1000 * MS)),
			      (long)(period_ns % (1000 * MS)) };

	for (uint64_t k = 0; k < ticks; k++) {
		seen[nr_seen++] = (struct seen){ k, now_ns() };
		nanosleep(&t, NULL);
	}
	print_seen();
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t ticks = argc == 4 ? strtoull(argv[2], NULL, 10) : 0;

	period_ns = argc == 4 ? strtoull(argv[3], NULL, 10) * MS : 0;
	if (ticks == 0 || period_ns == 0 || ticks > 100000000) {
		fprintf(stderr, "usage: drift_timer sampler|naive TICKS "
				"PERIOD_MS\n");
		return 2;
	}
	max_seen = ticks + 1000;
	seen = calloc(max_seen, sizeof(*seen));
	if (!seen)
		return 1;
	return strcmp(argv[1], "naive") == 0 ? run_naive(ticks) :
					       run_sampler(ticks);
}
