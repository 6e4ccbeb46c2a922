/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lookout.c - a thread that opens, polls and calls what has to be looked at. */
#include "recorder/lookout.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "recorder/log.h"

#define LOOKS_MAX (RULES_MAX * RULE_CONDS_MAX)
/* What cannot be opened now (its cgroup is not there) is tried again. */
#define AGAIN_NS  5000000000ULL

struct slot {
	struct look look;
	bool open;
	uint64_t again_ns; /* not open: when to try */
};

struct lookout {
	const struct rule_sets *sets;
	struct inbox *in;
	const struct look_world *world;
	pthread_t thread;
	bool started;
	int kick_fd;
	bool ending; /* atomic */
	uint64_t generation;
	struct slot *slots[LOOKS_MAX];
	unsigned nr;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

struct lookout *lookout_new(const struct rule_sets *sets, struct inbox *in,
			    const struct look_world *world)
{
	struct lookout *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->sets = sets;
	o->in = in;
	o->world = world;
	o->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (o->kick_fd < 0) {
		int err = errno;

		free(o);
		errno = err;
		return NULL;
	}
	return o;
}

/* ---- what to look at -------------------------------------------------------- */
static void open_slot(struct slot *s)
{
	struct look *l = &s->look;
	uint64_t now = now_ns();
	int err = l->cond.ops->look_open(l, now);

	s->open = !err;
	if (!err)
		return;
	if (!s->again_ns)
		log_err(err, "trigger %u: %s cannot be looked at", l->number,
			l->cond.metric[0] ? l->cond.metric : l->cond.ops->name);
	l->fd = -1;
	s->again_ns = now + AGAIN_NS;
}

static void free_slot(struct slot *s)
{
	if (s->open)
		s->look.cond.ops->look_close(&s->look);
	free(s);
}

static struct slot *find_slot(struct slot *const *slots, unsigned nr,
			      uint32_t number, unsigned index)
{
	for (unsigned i = 0; i < nr; i++)
		if (slots[i] && slots[i]->look.number == number &&
		    slots[i]->look.index == index)
			return slots[i];
	return NULL;
}

static struct slot *new_slot(const struct lookout *o, const struct rule_cond *c,
			     uint32_t number, unsigned index)
{
	struct slot *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->look = (struct look){
		.cond = *c,
		.world = o->world,
		.number = number,
		.index = (uint8_t)index,
		.fd = -1,
		.in = o->in,
	};
	return s;
}

/* Under rcu_read_lock().  What stays keeps what it has seen. */
static unsigned plan(const struct lookout *o, const struct rule_set *set,
		     struct slot **next)
{
	unsigned n = 0;

	for (unsigned i = 0; i < set->nr; i++) {
		const struct rule_entry *e = &set->entries[i];

		for (unsigned c = 0; c < e->rule.expr.nr_conds; c++) {
			const struct rule_cond *cond = &e->rule.expr.conds[c];
			struct slot *s;

			if (!cond->ops->look_open || n == LOOKS_MAX)
				continue;
			s = find_slot(o->slots, o->nr, e->number, c);
			if (!s)
				s = new_slot(o, cond, e->number, c);
			if (s)
				next[n++] = s;
		}
	}
	return n;
}

static void take_rules(struct lookout *o)
{
	struct slot *next[LOOKS_MAX];
	const struct rule_set *set;
	unsigned n = 0;

	urcu_memb_read_lock();
	set = rule_sets_get(o->sets);
	if (!set || set->generation == o->generation) {
		urcu_memb_read_unlock();
		return;
	}
	o->generation = set->generation;
	n = plan(o, set, next);
	urcu_memb_read_unlock();
	for (unsigned i = 0; i < o->nr; i++)
		if (!find_slot(next, n, o->slots[i]->look.number,
			       o->slots[i]->look.index))
			free_slot(o->slots[i]);
	memcpy(o->slots, next, n * sizeof(next[0]));
	o->nr = n;
}

/* ---- looking ------------------------------------------------------------------ */
static uint64_t due_of(const struct slot *s)
{
	return s->open ? s->look.due_ns : s->again_ns;
}

/* What it was about is gone: its level ends, and it is opened anew later. */
static void give_up(struct slot *s, uint64_t now)
{
	s->look.cond.ops->look_close(&s->look);
	s->look.state = NULL;
	s->look.fd = -1;
	s->open = false;
	s->again_ns = now + AGAIN_NS;
}

static void look_at(struct slot *s, short events, uint64_t now)
{
	if (s->open && events & (POLLERR | POLLHUP | POLLNVAL))
		give_up(s, now);
	if (!s->open && now >= s->again_ns)
		open_slot(s);
	if (s->open && (events || now >= s->look.due_ns))
		s->look.cond.ops->look(&s->look, now);
}

/* Polls; fills what ${fds} say. */
static void wait(struct lookout *o, struct pollfd *fds)
{
	uint64_t next = UINT64_MAX, now = now_ns();
	struct timespec ts, *timeout = NULL;
	uint64_t drained;

	fds[0] = (struct pollfd){ .fd = o->kick_fd, .events = POLLIN };
	for (unsigned i = 0; i < o->nr; i++) {
		fds[1 + i] = (struct pollfd){ .fd = o->slots[i]->look.fd,
					      .events = POLLPRI };
		if (due_of(o->slots[i]) < next)
			next = due_of(o->slots[i]);
	}
	if (next != UINT64_MAX) {
		next = next > now ? next - now : 0;
		ts.tv_sec = (time_t)(next / 1000000000);
		ts.tv_nsec = (long)(next % 1000000000);
		timeout = &ts;
	}
	if (ppoll(fds, 1 + o->nr, timeout, NULL) < 0)
		memset(fds, 0, (1 + o->nr) * sizeof(*fds));
	if (fds[0].revents)
		(void)!read(o->kick_fd, &drained, sizeof(drained));
}

static void *run(void *arg)
{
	struct pollfd fds[1 + LOOKS_MAX];
	struct lookout *o = arg;

	pthread_setname_np(pthread_self(), "fr-lookout");
	urcu_memb_register_thread();
	/* pairs with the store in lookout_stop() */
	while (!__atomic_load_n(&o->ending, __ATOMIC_ACQUIRE)) {
		uint64_t now;

		take_rules(o);
		wait(o, fds);
		now = now_ns();
		for (unsigned i = 0; i < o->nr; i++)
			look_at(o->slots[i], fds[1 + i].revents, now);
	}
	for (unsigned i = 0; i < o->nr; i++)
		free_slot(o->slots[i]);
	urcu_memb_unregister_thread();
	return NULL;
}

int lookout_start(struct lookout *o)
{
	int err = pthread_create(&o->thread, NULL, run, o);

	o->started = !err;
	return -err;
}

void lookout_kick(struct lookout *o)
{
	uint64_t one = 1;

	if (o)
		(void)!write(o->kick_fd, &one, sizeof(one));
}

uint64_t lookout_cpu_ns(const struct lookout *o)
{
	struct timespec ts;
	clockid_t clock;

	if (!o || !o->started || pthread_getcpuclockid(o->thread, &clock) ||
	    clock_gettime(clock, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void lookout_stop(struct lookout *o)
{
	if (!o)
		return;
	if (o->started) {
		/* pairs with the load in run() */
		__atomic_store_n(&o->ending, true, __ATOMIC_RELEASE);
		lookout_kick(o);
		pthread_join(o->thread, NULL);
	}
	close(o->kick_fd);
	free(o);
}
