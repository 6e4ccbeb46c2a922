/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder/sampler.h"

#include "recorder/collector_spec.h"
#include "recorder/row_table.h"
#include "recorder/sample_write.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SEC             1000000000ULL
#define SAMPLER_COLLECTORS_MAX 64
#define SAMPLER_TICKS_AT_ONCE  64

struct sampler_slot { /* one collector */
	struct collector collector;
	struct sample sample;
	uint64_t period_ns;  /* wanted */
	uint64_t every;      /* ticks between two rounds */
	uint64_t turn;       /* tick / every of the last round, plus 1 */
	unsigned since_full; /* rounds */
	bool want_full;
};

struct sampler {
	uint64_t tick_ns; /* of the timer: the shortest period of a collector */
	uint64_t base_ns, fast_ns, slow_ns;
	uid_t timer_uid;
	gid_t timer_gid;
	struct sampler_slot slots[SAMPLER_COLLECTORS_MAX];
	unsigned nr_slots;
	struct metric_table *table;
	struct sample_writer writer;
	sampler_observe_fn observe;
	void *observe_arg;
	int64_t boot_offset_ns; /* at the start */
	bool begun;             /* a tick has been seen */
	uint64_t first_tick;    /* number of this timer's tick 0 */
	int tick_fd, stop_fd;
	pid_t timer_pid;
	pthread_t thread;
	bool started;
	bool paused; /* atomic: sampler_pause() -> thread */
	/* Each member is stored by the sampling thread alone and loaded by
	 * sampler_stats(); relaxed on both sides. */
	struct sampler_stats stats;
};

static uint64_t sampler_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static int64_t sampler_boot_offset(void)
{
	return (int64_t)(sampler_clock(CLOCK_BOOTTIME) -
			 sampler_clock(CLOCK_MONOTONIC));
}

/* Pairs with the load in sampler_stats(). */
static void sampler_stat(uint64_t *member, uint64_t value)
{
	__atomic_store_n(member, value, __ATOMIC_RELAXED);
}

/* ---- opening and closing -------------------------------------------------- */
static uint64_t sampler_period(const struct sampler *s,
			       const struct collector_ops *ops,
			       const struct collector_spec *spec)
{
	switch (spec->rate) {
	case RATE_FAST:
		return s->fast_ns;
	case RATE_BASE:
		return s->base_ns;
	case RATE_SLOW:
		return s->slow_ns;
	case RATE_TIME:
		return spec->period_ns;
	default:
		return ops->period_ns > s->base_ns ? ops->period_ns :
						     s->base_ns;
	}
}

static int sampler_add(struct sampler *s, const struct collector_ops *ops,
		       const struct collector_spec *spec, const char *root)
{
	struct sampler_slot *slot = &s->slots[s->nr_slots];
	int r;

	if (s->nr_slots == SAMPLER_COLLECTORS_MAX)
		return -E2BIG;
	slot->collector.ops = ops;
	if (s->timer_uid != (uid_t)-1) {
		slot->collector.child_uid = s->timer_uid;
		slot->collector.child_gid = s->timer_gid;
	}
	slot->period_ns = sampler_period(s, ops, spec);
	slot->want_full = true;
	sample_init(&slot->sample, s->table);
	s->nr_slots++;
	r = ops->prepare(&slot->collector, spec->list[0] ? spec->list : NULL);
	return r ? r : ops->open(&slot->collector, root);
}

static int sampler_add_named(struct sampler *s, const char *names,
			     const char *root)
{
	const char *p = names + strspn(names, " ,"), *what;
	int r = 0;

	while (*p && r == 0) {
		char item[COLLECTOR_NAME_MAX + COLLECTOR_LIST_MAX + 32];
		size_t n = strcspn(p, " ,");
		const struct collector_ops *ops;
		struct collector_spec spec;

		if (n >= sizeof(item))
			return -EINVAL;
		snprintf(item, sizeof(item), "%.*s", (int)n, p);
		r = collector_spec_parse(item, &spec, &what);
		ops = r ? NULL : collector_find(spec.name);
		if (ops)
			r = sampler_add(s, ops, &spec, root);
		else if (strcmp(item, "0") != 0)
			r = r ?: -ENOENT;
		p += n;
		p += strspn(p, " ,");
	}
	return r;
}

/* The timer's period, and which of its ticks each collector takes part in. */
static void sampler_set_ticks(struct sampler *s)
{
	s->tick_ns = s->base_ns;
	for (unsigned i = 0; i < s->nr_slots; i++)
		if (s->slots[i].period_ns < s->tick_ns)
			s->tick_ns = s->slots[i].period_ns;
	for (unsigned i = 0; i < s->nr_slots; i++)
		s->slots[i].every =
			(s->slots[i].period_ns + s->tick_ns / 2) / s->tick_ns;
}

static int sampler_open(struct sampler *s, const struct sampler_options *o)
{
	static const struct collector_spec plain = { .rate = RATE_OWN };
	const char *root = o->root ? o->root : "";
	int r = 0;

	s->table = metric_table_new();
	if (!s->table)
		return -ENOMEM;
	s->boot_offset_ns = sampler_boot_offset();
	if (!o->ops)
		r = sampler_add_named(s, o->collectors ? o->collectors : "",
				      root);
	for (unsigned i = 0; o->ops && o->ops[i] && r == 0; i++)
		r = sampler_add(s, o->ops[i], &plain, root);
	sampler_set_ticks(s);
	return r;
}

int sampler_new(const struct sampler_options *o, struct sampler **ret)
{
	struct sampler *s;
	int r;

	if (o->period_ns == 0)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->base_ns = o->period_ns;
	s->fast_ns = o->fast_ns ? o->fast_ns : o->period_ns;
	s->slow_ns = o->slow_ns ? o->slow_ns : o->period_ns;
	s->timer_uid = o->timer_uid ? o->timer_uid : (uid_t)-1;
	s->timer_gid = o->timer_gid ? o->timer_gid : (gid_t)-1;
	s->tick_fd = s->stop_fd = -1;
	s->writer.ring = o->ring;
	s->writer.writer = o->writer;
	r = sampler_open(s, o);
	if (r)
		sampler_stop(s);
	else
		*ret = s;
	return r;
}

void sampler_set_observer(struct sampler *s, sampler_observe_fn fn, void *arg)
{
	s->observe = fn;
	s->observe_arg = arg;
}

/* ---- a round -------------------------------------------------------------- */
static void sampler_observe(struct sampler *s, const struct sample *sample,
			    uint64_t now)
{
	for (unsigned i = 0; s->observe && i < sample->nr; i++) {
		const struct metric_value *v = &sample->values[i];

		s->observe(s->observe_arg, now, v->id,
			   metric_table_get(s->table, v->id), v->value);
	}
}

static void sampler_write(struct sampler *s, struct sampler_slot *slot,
			  const struct sample_round *what, bool vanished)
{
	struct sample_round r = *what;

	r.full = !slot->collector.ops->changes_only || slot->want_full ||
		 vanished || ++slot->since_full >= SAMPLER_FULL_ROUNDS;
	if (r.full)
		slot->since_full = 0;
	sample_write_names(&s->writer, &slot->sample, r.ts, vanished);
	/* What was lost is made good by the next full set. */
	slot->want_full = !sample_write_values(&s->writer, &slot->sample, &r);
}

/* Collects, tells, writes; returns the number of values. */
static unsigned sampler_collect(struct sampler *s, unsigned i, uint64_t tick)
{
	struct sampler_slot *slot = &s->slots[i];
	struct sample_round r = { .tick = tick,
				  .collector = (uint16_t)(i + 1),
				  .every = slot->every <= UINT16_MAX ?
						   (uint16_t)slot->every :
						   0 };
	bool vanished;

	if (slot->turn == tick / slot->every + 1)
		return 0;
	slot->turn = tick / slot->every + 1;
	r.ts = sampler_clock(CLOCK_MONOTONIC);
	sample_begin(&slot->sample);
	slot->collector.ops->collect(&slot->collector, &slot->sample);
	vanished = sample_end(&slot->sample);
	sampler_observe(s, &slot->sample, r.ts);
	sampler_write(s, slot, &r, vanished);
	if (!slot->collector.rows)
		return slot->sample.nr;
	row_table_write(slot->collector.rows, &s->writer, &r);
	return slot->sample.nr + row_table_count(slot->collector.rows);
}

static void sampler_count_round(struct sampler *s, const struct fr_tick *t)
{
	struct sampler_stats *st = &s->stats;
	int64_t slept = sampler_boot_offset() - s->boot_offset_ns;

	sampler_stat(&st->ticks, st->ticks + 1);
	sampler_stat(&st->metrics, metric_table_count(s->table));
	sampler_stat(&st->values, t->metrics);
	sampler_stat(&st->errors, t->errors);
	sampler_stat(&st->lost, s->writer.lost);
	sampler_stat(&st->written, s->writer.values);
	sampler_stat(&st->bytes, s->writer.bytes);
	sampler_stat(&st->round_ns, t->dur);
	if (t->dur > st->round_max_ns)
		sampler_stat(&st->round_max_ns, t->dur);
	sampler_stat(&st->cpu_ns, st->cpu_ns + t->cpu_ns);
	/* The two clocks are not read at the same instant. */
	sampler_stat(&st->suspended_ns, slept > 1000000 ? (uint64_t)slept : 0);
}

/* Does a collector take part in this tick? */
static bool sampler_due(const struct sampler *s, uint64_t tick)
{
	for (unsigned i = 0; i < s->nr_slots; i++)
		if (s->slots[i].turn != tick / s->slots[i].every + 1)
			return true;
	return false;
}

static void sampler_serve(struct sampler *s, const struct timer_tick *tick)
{
	uint64_t cpu = sampler_clock(CLOCK_THREAD_CPUTIME_ID);
	struct fr_tick t = { .ts = sampler_clock(CLOCK_MONOTONIC),
			     .tick = tick->k,
			     .scheduled = tick->scheduled_ns,
			     .late = (uint32_t)s->stats.late };

	if (!sampler_due(s, tick->k)) {
		sampler_stat(&s->stats.ticks, s->stats.ticks + 1);
		return;
	}
	for (unsigned i = 0; i < s->nr_slots; i++) {
		t.metrics += sampler_collect(s, i, tick->k);
		t.errors += s->slots[i].sample.errors;
	}
	t.dur = sampler_clock(CLOCK_MONOTONIC) - t.ts;
	t.cpu_ns = sampler_clock(CLOCK_THREAD_CPUTIME_ID) - cpu;
	sample_write_tick(&s->writer, &t);
	sampler_count_round(s, &t);
}

void sampler_round(struct sampler *s, const struct timer_tick *tick)
{
	struct sampler_stats *st = &s->stats;
	uint64_t skipped = s->begun ? tick->k - st->last_k - 1 : 0;

	if (!s->begun)
		sampler_stat(&st->first_k, tick->k);
	s->begun = true;
	sampler_stat(&st->late, st->late + skipped);
	sampler_stat(&st->last_k, tick->k);
	/* Pairs with the store in sampler_pause(); nothing hangs on order. */
	if (__atomic_load_n(&s->paused, __ATOMIC_RELAXED))
		sampler_stat(&st->paused, st->paused + 1);
	else
		sampler_serve(s, tick);
}

/* ---- the thread ----------------------------------------------------------- */
bool sampler_waits(const struct sampler *s)
{
	bool waits = false;

	for (unsigned i = 0; i < s->nr_slots; i++) {
		const struct collector *c = &s->slots[i].collector;

		waits |= c->ops->waits && c->ops->waits(c);
	}
	return waits;
}

/* The latest tick that waits; false: the timer is gone.  ret->k is left alone if
 * none waits. */
static bool sampler_drain(int fd, struct timer_tick *ret, bool *ret_any)
{
	struct timer_tick ticks[SAMPLER_TICKS_AT_ONCE];
	ssize_t n;

	*ret_any = false;
	for (;;) {
		n = read(fd, ticks, sizeof(ticks));
		if (n < (ssize_t)sizeof(*ticks))
			break;
		*ret = ticks[(size_t)n / sizeof(*ticks) - 1];
		*ret_any = true;
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void *sampler_main(void *arg)
{
	struct sampler *s = arg;
	struct pollfd fds[2] = { { .fd = s->tick_fd, .events = POLLIN },
				 { .fd = s->stop_fd, .events = POLLIN } };
	struct timer_tick tick;
	bool alive = true, any;

	prctl(PR_SET_NAME, "fr-sampler");
	while (alive) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents)
			return NULL;
		alive = sampler_drain(s->tick_fd, &tick, &any);
		if (!any)
			continue;
		tick.k += s->first_tick;
		sampler_round(s, &tick);
	}
	sampler_stat(&s->stats.timer_dead, 1);
	return NULL;
}

/* Signals are for the main thread. */
static int sampler_thread(struct sampler *s)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&s->thread, NULL, sampler_main, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

int sampler_start(struct sampler *s)
{
	int r;

	if (s->nr_slots == 0 || s->started)
		return 0;
	if (s->stop_fd < 0)
		s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->stop_fd < 0)
		return -errno;
	sampler_stat(&s->stats.timer_dead, 0);
	r = timer_start_as(s->tick_ns, s->timer_uid, s->timer_gid, &s->tick_fd,
			   &s->timer_pid);
	if (r)
		return r;
	r = sampler_thread(s);
	s->started = r == 0;
	return r;
}

/* Its pipe has no other writer, so that the thread ends by itself. */
bool sampler_timer_ended(struct sampler *s, int *ret_status)
{
	if (!s->started || s->timer_pid <= 0 ||
	    waitpid(s->timer_pid, ret_status, WNOHANG) != s->timer_pid)
		return false;
	pthread_join(s->thread, NULL);
	close(s->tick_fd);
	s->tick_fd = -1;
	s->timer_pid = 0;
	s->started = false;
	if (s->begun)
		s->first_tick = s->stats.last_k + 1;
	return true;
}

void sampler_pause(struct sampler *s, bool pause)
{
	__atomic_store_n(&s->paused, pause, __ATOMIC_RELAXED);
}

static void sampler_join(struct sampler *s)
{
	uint64_t one = 1;

	if (!s->started)
		return;
	while (write(s->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_join(s->thread, NULL);
}

void sampler_stop(struct sampler *s)
{
	if (!s)
		return;
	sampler_join(s);
	timer_stop(s->timer_pid, s->tick_fd);
	if (s->stop_fd >= 0)
		close(s->stop_fd);
	for (unsigned i = 0; i < s->nr_slots; i++) {
		s->slots[i].collector.ops->close(&s->slots[i].collector);
		sample_free(&s->slots[i].sample);
	}
	metric_table_free(s->table);
	free(s);
}

/* struct sampler_stats is a row of u64, each loaded on its own. */
void sampler_stats(const struct sampler *s, struct sampler_stats *ret)
{
	const uint64_t *from = (const uint64_t *)&s->stats;
	uint64_t *to = (uint64_t *)ret;

	for (size_t i = 0; i < sizeof(*ret) / sizeof(*to); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

bool sampler_errors_of(const struct sampler *s, unsigned i,
		       uint64_t *ret_errors, const char **ret_name)
{
	if (i >= s->nr_slots)
		return false;
	*ret_errors = s->slots[i].sample.errors;
	*ret_name = s->slots[i].collector.ops->name;
	return true;
}

pid_t sampler_timer_pid(const struct sampler *s)
{
	return s->timer_pid;
}
