/* SPDX-License-Identifier: GPL-2.0-or-later */
/* freeze.c - holds all rings at one moment. */
#include "recorder/freeze.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "dump/schema.h"

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int freeze_init(struct freeze *f)
{
	memset(f, 0, sizeof(*f));
	f->inflight = mmap(NULL, FREEZE_INFLIGHT_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (f->inflight == MAP_FAILED) {
		f->inflight = NULL;
		return -ENOMEM;
	}
	/* Touched now, so that freezing meets no page fault. */
	memset(f->inflight, 0, FREEZE_INFLIGHT_WARM);
	return 0;
}

void freeze_fini(struct freeze *f)
{
	freeze_release_all(f);
	for (unsigned i = 0; i < f->nr; i++) {
		if (f->src[i].ro.base)
			munmap(f->src[i].ro.base, f->src[i].ro.bytes);
		ring_hold_free(&f->src[i].hold);
	}
	if (f->inflight)
		munmap(f->inflight, FREEZE_INFLIGHT_BYTES);
	f->inflight = NULL;
	f->nr = 0;
}

/* A mapping made without PROT_WRITE from a descriptor that the child closes can
 * not be made writable again there. */
static int map_again(struct freeze_source *s, size_t bytes, int fd)
{
	void *ro = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	int err;

	if (ro == MAP_FAILED)
		return -errno;
	err = ring_view_init(&s->ro, ro, bytes, fr_layout_hash());
	if (err) {
		munmap(ro, bytes);
		s->ro.base = NULL;
		return err;
	}
	madvise(s->view.base, bytes, MADV_DONTFORK);
	return 0;
}

int freeze_add(struct freeze *f, void *base, size_t bytes, int fd)
{
	struct freeze_source *s = &f->src[f->nr];
	int err;

	if (f->nr == FREEZE_SOURCES)
		return -ENOSPC;
	memset(s, 0, sizeof(*s));
	err = ring_view_init(&s->view, base, bytes, fr_layout_hash());
	if (!err)
		err = ring_hold_prepare(&s->hold, &s->view);
	if (err)
		return err;
	/* A recorder that died may have left a hold; nobody reads it now. */
	__atomic_store_n(&ring_view_head(&s->view)->hold_until_ns, 0,
			 __ATOMIC_RELEASE); /* pairs with ring_hold() */
	if (fd >= 0)
		err = map_again(s, bytes, fd);
	if (err) {
		ring_hold_free(&s->hold);
		return err;
	}
	f->nr++;
	return 0;
}

int freeze_hold(struct freeze *f, uint64_t until_ns)
{
	int err = 0;

	f->begin_ns = now_ns();
	f->until_ns = until_ns;
	f->inflight_len = 0;
	f->inflight_left_out = 0;
	for (unsigned i = 0; i < f->nr; i++) {
		struct freeze_source *s = &f->src[i];

		err = ring_hold(&s->hold, &s->view, until_ns);
		if (err)
			break;
		s->held = true;
		s->released = 0;
	}
	f->end_ns = now_ns();
	if (err) {
		freeze_release_all(f);
		return err;
	}
	if (f->inflight_fn)
		f->inflight_len =
			f->inflight_fn(f->inflight_arg, f->end_ns, f->inflight,
				       FREEZE_INFLIGHT_BYTES,
				       &f->inflight_left_out);
	return 0;
}

void freeze_release(struct freeze *f, unsigned src, uint32_t i)
{
	struct freeze_source *s;

	if (src >= f->nr)
		return;
	s = &f->src[src];
	if (!s->held || i >= s->hold.nr_chunks)
		return;
	ring_release(&s->hold, &s->view, i);
	s->released++;
}

/* What a crowd took; the dumper has it by now. */
static void give_back(struct freeze *f)
{
	if (f->inflight_len <= FREEZE_INFLIGHT_WARM)
		return;
	(void)madvise(f->inflight + FREEZE_INFLIGHT_WARM,
		      FREEZE_INFLIGHT_BYTES - FREEZE_INFLIGHT_WARM,
		      MADV_DONTNEED);
	f->inflight_len = 0;
}

void freeze_release_all(struct freeze *f)
{
	for (unsigned i = 0; i < f->nr; i++) {
		if (!f->src[i].held)
			continue;
		ring_release_all(&f->src[i].hold, &f->src[i].view);
		f->src[i].held = false;
	}
	give_back(f);
}

uint64_t freeze_held_chunks(const struct freeze *f)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < f->nr; i++)
		if (f->src[i].held)
			n += f->src[i].hold.nr_chunks - f->src[i].released;
	return n;
}

const struct ring_view *freeze_view(const struct freeze *f, unsigned src)
{
	const struct freeze_source *s = &f->src[src];

	if (s->ro.base)
		return &s->ro;
	mprotect(s->view.base, s->view.bytes, PROT_READ);
	return &s->view;
}
