/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe_inflight.c - the tables of operations in flight, as records. */
#include "recorder/probe_internal.h"

#include "dump/schema.h"

#include <flightrec/block_entry.h>
#include <flightrec/event.h>
#include <string.h>

struct sink {
	uint8_t *buf;
	size_t size, used;
	unsigned left_out;
	uint64_t now;
};

static void *room(struct sink *s, size_t bytes)
{
	void *at = s->buf + s->used;

	if (s->size - s->used < bytes) {
		s->left_out++;
		return NULL;
	}
	s->used += bytes;
	memset(at, 0, bytes);
	return at;
}

/* What of the entry means something depends on the call: the rest is left over
 * from the thread's calls before. */
static void put_arguments(struct fr_inflight_fs *r, const struct fr_inflight *e)
{
	const struct fr_call_info *ci = NULL;

	for (unsigned i = 0; i < fr_nr_calls && !ci; i++)
		if (fr_calls[i].id == (e->call & 0xff))
			ci = &fr_calls[i].info;
	r->size = r->asked = r->dir_ino = r->asked2 = r->dir2_ino = ~0ull;
	r->dir_dev = r->dir2_dev = ~0u;
	r->dir_pkey = r->dir2_pkey = 0xffff;
	r->fd = -1;
	if (!ci)
		return;
	if (ci->size)
		r->size = ci->props & FR_CP_IOVEC ? e->file_size :
						    e->args[ci->size - 1];
	if (ci->fd)
		r->fd = (int32_t)e->args[ci->fd - 1];
	if (e->stream == FR_STREAM_NET)
		r->size = e->sock_size;
	if (e->stream == FR_STREAM_CONN)
		r->asked = e->sock_name ? e->sock_name : ~0ull;
	if (ci->cls != FR_CLS_PATH && ci->cls != FR_CLS_PATH2)
		return;
	r->asked = e->asked ? e->asked : ~0ull;
	r->dir_ino = e->dir_ino;
	r->dir_dev = e->dir_dev;
	r->dir_pkey = e->dir_pkey;
	if (ci->cls != FR_CLS_PATH2)
		return;
	r->asked2 = e->asked2 ? e->asked2 : ~0ull;
	r->dir2_ino = e->dir2_ino;
	r->dir2_dev = e->dir2_dev;
	r->dir2_pkey = e->dir2_pkey;
}

static void put_call(struct sink *s, const struct fr_inflight *from)
{
	struct fr_inflight e = *from; /* it changes while we look */
	const uint64_t ts = __atomic_load_n(&from->ts, __ATOMIC_ACQUIRE);
	struct fr_inflight_fs *r;

	if (!ts || ts != e.ts || !e.in_scope)
		return;
	r = room(s, sizeof(*r));
	if (!r)
		return;
	r->head = FR_HEAD(0, 0, FR_T_inflight_fs,
			  e.call | (e.direct ? FR_CALL_DIRECT : 0));
	r->ts = e.ts;
	r->age = s->now > e.ts ? s->now - e.ts : 0;
	r->tid = e.tid;
	r->pid = e.pid;
	r->born = e.born;
	r->pkey = e.pkey;
	r->dev = e.dev;
	r->ino = e.ino;
	r->offset = e.offset;
	put_arguments(r, &e);
}

static void put_request(struct sink *s, const struct fr_block_entry *e)
{
	struct fr_inflight_block *r;

	if (!e->first_ns || !e->in_scope)
		return;
	r = room(s, sizeof(*r));
	if (!r)
		return;
	r->head = FR_HEAD(0, 0, FR_T_inflight_block, 0);
	r->ts = e->first_ns;
	r->age = s->now > e->first_ns ? s->now - e->first_ns : 0;
	r->issued = e->issue_ns ? s->now - e->issue_ns : ~0ull;
	r->sector = e->sector;
	r->dev = e->dev;
	r->size = e->size;
	r->cmd_flags = e->cmd_flags;
	r->tid = e->tid;
	r->pid = e->pid;
	r->file_dev = e->file_dev;
	r->ino = e->ino;
	r->born = e->born;
	r->pkey = e->pkey;
}

/* Bounded: entries that come while we walk cannot keep us here. */
static void walk_more(struct sink *s, int fd)
{
	uint32_t key, *prev = NULL;
	struct fr_inflight e;

	for (int i = 0;
	     i < FR_INFLIGHT_MORE && !bpf_map_get_next_key(fd, prev, &key);
	     i++) {
		if (!bpf_map_lookup_elem(fd, &key, &e))
			put_call(s, &e);
		prev = &key;
	}
}

static void walk_requests(struct sink *s, int fd)
{
	uint64_t key, *prev = NULL;
	struct fr_block_entry e;

	for (int i = 0; i < 65536 && !bpf_map_get_next_key(fd, prev, &key);
	     i++) {
		if (!bpf_map_lookup_elem(fd, &key, &e))
			put_request(s, &e);
		prev = &key;
	}
}

size_t probe_inflight_collect(const struct fr_inflight *table, size_t entries,
			      int more_fd, int rqs_fd, uint64_t now_ns,
			      void *buf, size_t size, unsigned *ret_left_out)
{
	struct sink s = { .buf = buf, .size = size, .now = now_ns };

	for (size_t i = 0; table && i < entries; i++)
		if (__atomic_load_n(&table[i].ts, __ATOMIC_RELAXED))
			put_call(&s, &table[i]);
	if (more_fd >= 0)
		walk_more(&s, more_fd);
	if (rqs_fd >= 0)
		walk_requests(&s, rqs_fd);
	if (ret_left_out)
		*ret_left_out = s.left_out;
	return s.used;
}
