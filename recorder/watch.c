/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watch.c - shows sampled values to the trigger rules. */
#include "recorder/watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "recorder/log.h"
#include "triggers/evaluator.h"

struct watch {
	struct evaluator *evaluator;
	pthread_key_t registered; /* of the thread that samples, with RCU */
	uint64_t round_ns;
};

/* The thread of the sampler ends: it must not be waited for any more. */
static void unregister(void *arg)
{
	(void)arg;
	urcu_memb_unregister_thread();
}

static void say_misfits(struct watch *w)
{
	const char *metric;
	uint32_t number;

	while (evaluator_misfit(w->evaluator, &number, &metric))
		log_err(0,
			"trigger %u: the unit of its limit does not fit %s; it ignores that metric",
			number, metric);
}

/* Values of a round carry the same time: a new time is a new round. */
static void begin_round(struct watch *w, uint64_t now_ns)
{
	if (!pthread_getspecific(w->registered)) {
		urcu_memb_register_thread();
		pthread_setspecific(w->registered, w);
	}
	w->round_ns = now_ns;
	say_misfits(w);
	evaluator_begin(w->evaluator, now_ns);
}

static int name_metric(struct watch *w, uint32_t id, struct metric *m)
{
	struct detector_metric d = {
		.id = id,
		.counter = m->def->kind != METRIC_GAUGE,
		.scale = m->def->scale,
		.wrap = metric_wrap(m->def),
		.name = m->name,
		.unit = m->def->unit,
	};

	int r = m->shown ? 0 : evaluator_add_metric(w->evaluator, &d);

	m->shown = !r;
	return r;
}

static void observe(void *arg, uint64_t now_ns, uint32_t id, struct metric *m,
		    int64_t value)
{
	struct watch *w = arg;

	if (now_ns != w->round_ns)
		begin_round(w, now_ns);
	if (!name_metric(w, id, m))
		evaluator_sample(w->evaluator, now_ns, id, value);
}

struct watch *watch_new(struct sampler *s, const struct rule_sets *sets,
			struct inbox *in)
{
	struct watch *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return NULL;
	err = pthread_key_create(&w->registered, unregister);
	if (err) {
		free(w);
		errno = err;
		return NULL;
	}
	w->evaluator = evaluator_new(sets, in);
	if (!w->evaluator) {
		watch_free(w);
		return NULL;
	}
	sampler_set_observer(s, observe, w);
	return w;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	evaluator_free(w->evaluator);
	pthread_key_delete(w->registered);
	free(w);
}
