/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe_scan.c - the tables of operations in flight, for triggers: which are old. */
#include "recorder/probe_internal.h"

#include <errno.h>
#include <flightrec/block_entry.h>

#include "dump/ring_region.h"

enum scan_source {
	SOURCE_TABLE, /* id: index */
	SOURCE_MORE,  /* id: thread */
	SOURCE_RQS,   /* id: the request's address */
};

#define MORE_MAX 16384
#define RQS_MAX  65536

/* A copy that is whole: the entry changes while we look. */
static bool take_entry(const struct fr_inflight *from, uint64_t before_ns,
		       struct look_op *op)
{
	/* acquire: the rest was written before; pairs with the probe's store */
	uint64_t ts = __atomic_load_n(&from->ts, __ATOMIC_ACQUIRE);

	if (!ts || ts >= before_ns)
		return false;
	op->ts = ts;
	op->tid = from->tid;
	op->pid = from->pid;
	op->key = from->call & 0xff;
	op->stream = from->stream;
	op->dev = op->dev2 = from->dev;
	op->ino = from->ino;
	ring_fence(__ATOMIC_ACQUIRE); /* what was read, before that is asked */
	return from->in_scope &&
	       __atomic_load_n(&from->ts, __ATOMIC_ACQUIRE) == ts;
}

static void scan_table(struct probes *p, uint64_t before_ns, look_op_fn fn,
		       void *arg)
{
	struct probe_map *m = probe_map(p, "inflight");
	const struct fr_inflight *table = m ? m->mem : NULL;
	struct look_op op = { .source = SOURCE_TABLE };

	if (!table)
		return;
	for (uint32_t i = 0; i <= p->cfg.inflight_mask; i++) {
		if (!take_entry(&table[i], before_ns, &op))
			continue;
		op.id = i;
		fn(arg, &op);
	}
}

static void scan_more(struct probes *p, uint64_t before_ns, look_op_fn fn,
		      void *arg)
{
	struct probe_map *m = probe_map(p, "inflight_more");
	struct look_op op = { .source = SOURCE_MORE };
	uint32_t key, *prev = NULL;
	struct fr_inflight e;

	if (!m)
		return;
	for (int i = 0;
	     i < MORE_MAX && !bpf_map_get_next_key(m->fd, prev, &key); i++) {
		prev = &key;
		if (bpf_map_lookup_elem(m->fd, &key, &e) ||
		    !take_entry(&e, before_ns, &op))
			continue;
		op.id = key;
		fn(arg, &op);
	}
}

static uint32_t request_key(uint32_t cmd_flags)
{
	static const uint32_t keys[] = { FR_KEY_BLOCK_READ, FR_KEY_BLOCK_WRITE,
					 FR_KEY_BLOCK_FLUSH,
					 FR_KEY_BLOCK_DISCARD };
	uint32_t op = cmd_flags & 0xff;

	return op < 4 ? keys[op] : FR_KEY_BLOCK_OTHER;
}

static void scan_requests(struct probes *p, uint64_t before_ns, look_op_fn fn,
			  void *arg)
{
	struct probe_map *m = probe_map(p, "rqs");
	struct look_op op = { .source = SOURCE_RQS, .stream = FR_STREAM_BLOCK };
	uint64_t key, *prev = NULL;
	struct fr_block_entry e;

	if (!m)
		return;
	for (int i = 0; i < RQS_MAX && !bpf_map_get_next_key(m->fd, prev, &key);
	     i++) {
		prev = &key;
		if (bpf_map_lookup_elem(m->fd, &key, &e) || !e.in_scope ||
		    !e.first_ns || e.first_ns >= before_ns)
			continue;
		op.id = key;
		op.ts = e.first_ns;
		op.tid = e.tid;
		op.pid = e.pid;
		op.key = request_key(e.cmd_flags);
		op.dev = e.dev;
		op.dev2 = e.part_dev;
		op.ino = e.ino;
		fn(arg, &op);
	}
}

void probes_scan(void *probes, uint64_t before_ns, look_op_fn fn, void *arg)
{
	struct probes *p = probes;

	scan_table(p, before_ns, fn, arg);
	scan_more(p, before_ns, fn, arg);
	scan_requests(p, before_ns, fn, arg);
}

bool probe_scan_entry(struct probes *p, const struct look_op *op,
		      struct fr_inflight *ret)
{
	struct probe_map *m;
	const struct fr_inflight *table;
	uint32_t tid = (uint32_t)op->id;

	switch (op->source) {
	case SOURCE_TABLE:
		m = probe_map(p, "inflight");
		table = m ? m->mem : NULL;
		if (!table || op->id > p->cfg.inflight_mask)
			return false;
		/* it may change while it is copied, but not while the call lasts */
		*ret = table[op->id];
		break;
	case SOURCE_MORE:
		m = probe_map(p, "inflight_more");
		if (!m || bpf_map_lookup_elem(m->fd, &tid, ret))
			return false;
		break;
	default:
		return false;
	}
	ring_fence(
		__ATOMIC_ACQUIRE); /* what was copied, before that is asked */
	return probes_in_flight(p, op) && ret->ts == op->ts;
}

bool probes_in_flight(void *probes, const struct look_op *op)
{
	struct probes *p = probes;
	const struct fr_inflight *table;
	struct fr_block_entry b;
	struct fr_inflight e;
	struct probe_map *m;
	uint32_t tid = (uint32_t)op->id;

	switch (op->source) {
	case SOURCE_TABLE:
		m = probe_map(p, "inflight");
		table = m ? m->mem : NULL;
		return table && op->id <= p->cfg.inflight_mask &&
		       /* acquire: as in take_entry() */
		       __atomic_load_n(&table[op->id].ts, __ATOMIC_ACQUIRE) ==
			       op->ts &&
		       table[op->id].tid == op->tid;
	case SOURCE_MORE:
		m = probe_map(p, "inflight_more");
		return m && !bpf_map_lookup_elem(m->fd, &tid, &e) &&
		       e.ts == op->ts;
	case SOURCE_RQS:
		probe_sweep_one(p, op->id, op->ts);
		m = probe_map(p, "rqs");
		return m && !bpf_map_lookup_elem(m->fd, &op->id, &b) &&
		       b.first_ns == op->ts;
	}
	return false;
}
