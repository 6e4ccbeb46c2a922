/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inbox.h - hits from other threads to the main loop: a wait-free queue
 * (urcu/wfcqueue.h) and an eventfd.
 *
 *   sampler, point reader: inbox_post()     any thread, never waits
 *   main loop: epoll on inbox_fd(), then inbox_drain()     one thread
 */
#ifndef TRIGGERS_INBOX_H
#define TRIGGERS_INBOX_H

#include "triggers/detector.h"

struct inbox;

struct inbox *inbox_new(void);       /* NULL with errno */
void inbox_free(struct inbox *b);    /* drops what is left; NULL is a no-op */
int inbox_fd(const struct inbox *b); /* readable: something was posted */

/* 0, or -ENOMEM: the hit is lost, counted in inbox_lost(). */
int inbox_post(struct inbox *b, const struct engine_hit *h);
/* Calls ${fn} for each hit, in the order of posting of each thread. */
typedef void (*inbox_fn)(void *arg, const struct engine_hit *h);
unsigned inbox_drain(struct inbox *b, inbox_fn fn, void *arg);
uint64_t inbox_lost(const struct inbox *b);

#endif
