/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inbox.c - wfcqueue for the hits, eventfd to wake the main loop. */
#include "triggers/inbox.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <urcu/wfcqueue.h>

#include "triggers/tsan.h"

struct inbox {
	struct cds_wfcq_head head; /* dequeued by the main loop only */
	struct cds_wfcq_tail tail; /* enqueued by all */
	int fd;
	uint64_t lost; /* atomic */
};

struct letter {
	struct cds_wfcq_node node;
	struct engine_hit hit;
};

struct inbox *inbox_new(void)
{
	struct inbox *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	cds_wfcq_init(&b->head, &b->tail);
	b->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (b->fd < 0) {
		int e = errno;

		free(b);
		errno = e;
		return NULL;
	}
	return b;
}

static void drop(void *arg, const struct engine_hit *h)
{
	(void)arg;
	(void)h;
}

void inbox_free(struct inbox *b)
{
	if (!b)
		return;
	inbox_drain(b, drop, NULL);
	close(b->fd);
	cds_wfcq_destroy(&b->head, &b->tail);
	free(b);
}

int inbox_fd(const struct inbox *b)
{
	return b->fd;
}

int inbox_post(struct inbox *b, const struct engine_hit *h)
{
	struct letter *l = malloc(sizeof(*l));

	if (!l) {
		/* relaxed: a count, read by inbox_lost() */
		__atomic_fetch_add(&b->lost, 1, __ATOMIC_RELAXED);
		return -ENOMEM;
	}
	l->hit = *h;
	cds_wfcq_node_init(&l->node);
	tsan_release(l); /* pairs with inbox_drain() */
	cds_wfcq_enqueue(&b->head, &b->tail, &l->node);
	/* fails only if 2^64 - 2 wake-ups are unread: then it is readable */
	(void)!eventfd_write(b->fd, 1);
	return 0;
}

unsigned inbox_drain(struct inbox *b, inbox_fn fn, void *arg)
{
	struct cds_wfcq_node *node;
	eventfd_t posted;
	unsigned n = 0;

	/* first, so that a post after the last dequeue wakes again */
	(void)!eventfd_read(b->fd, &posted);
	while ((node = __cds_wfcq_dequeue_blocking(&b->head, &b->tail))) {
		struct letter *l = caa_container_of(node, struct letter, node);

		tsan_acquire(l); /* pairs with inbox_post() */
		fn(arg, &l->hit);
		free(l);
		n++;
	}
	return n;
}

uint64_t inbox_lost(const struct inbox *b)
{
	/* pairs with the addition in inbox_post() */
	return __atomic_load_n(&b->lost, __ATOMIC_RELAXED);
}
