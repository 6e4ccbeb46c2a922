/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder/asker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

/* All members but path are under the lock. */
struct asker {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* on CLOCK_MONOTONIC */
	unsigned users;         /* the owner, the thread: the last one frees */
	bool asked, answered, quit;
	int result; /* of statvfs: 0 or negative errno */
	struct statvfs answer;
	char *path;
};

static void asker_destroy(struct asker *a)
{
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->lock);
	free(a->path);
	free(a);
}

/* With the lock held, which it gives up. */
static void asker_leave(struct asker *a)
{
	bool last = --a->users == 0;

	pthread_mutex_unlock(&a->lock);
	if (last)
		asker_destroy(a);
}

static void *asker_main(void *arg)
{
	struct asker *a = arg;
	struct statvfs v;
	int r;

	prctl(PR_SET_NAME, "fr-statvfs");
	pthread_mutex_lock(&a->lock);
	for (;;) {
		while (!a->asked && !a->quit)
			pthread_cond_wait(&a->changed, &a->lock);
		if (a->quit)
			break;
		pthread_mutex_unlock(&a->lock);
		r = statvfs(a->path, &v) ? -errno : 0;
		pthread_mutex_lock(&a->lock);
		if (r == 0)
			a->answer = v;
		a->result = r;
		a->asked = false;
		a->answered = true;
		pthread_cond_broadcast(&a->changed);
	}
	asker_leave(a);
	return NULL;
}

/* Detached, and deaf to signals: they are for the main thread. */
static int asker_thread(struct asker *a)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 256 << 10);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&thread, &attr, asker_main, a);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -r;
}

struct asker *asker_new(const char *path)
{
	struct asker *a = calloc(1, sizeof(*a));
	pthread_condattr_t attr;

	if (!a)
		return NULL;
	pthread_mutex_init(&a->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&a->changed, &attr);
	pthread_condattr_destroy(&attr);
	a->users = 2;
	a->path = strdup(path);
	if (a->path && asker_thread(a) == 0)
		return a;
	asker_destroy(a);
	return NULL;
}

void asker_ask(struct asker *a)
{
	pthread_mutex_lock(&a->lock);
	if (!a->asked) {
		a->asked = true;
		a->answered = false;
		pthread_cond_broadcast(&a->changed);
	}
	pthread_mutex_unlock(&a->lock);
}

int asker_answer(struct asker *a, uint64_t deadline_ns, struct statvfs *ret)
{
	struct timespec t = { .tv_sec = (time_t)(deadline_ns / 1000000000),
			      .tv_nsec = (long)(deadline_ns % 1000000000) };
	int r = -ETIMEDOUT;

	pthread_mutex_lock(&a->lock);
	while (!a->answered)
		if (pthread_cond_timedwait(&a->changed, &a->lock, &t))
			break;
	if (a->answered)
		r = a->result;
	if (r == 0)
		*ret = a->answer;
	pthread_mutex_unlock(&a->lock);
	return r;
}

void asker_free(struct asker *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->quit = true;
	pthread_cond_broadcast(&a->changed);
	asker_leave(a);
}
