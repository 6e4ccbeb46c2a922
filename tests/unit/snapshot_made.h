/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot_made.h - small snapshots with known content, for tests of readers. */
#ifndef SNAPSHOT_MADE_H
#define SNAPSHOT_MADE_H

#include <flightrec/event.h>
#include <stdlib.h>
#include <string.h>

#include "dump/snapshot_write.h"

#define MADE_OFFSET 1795179900000000000LL /* 2026-11-20T13:05:00Z */
#define MADE_DEV    (8u << 20 | 3)
#define MADE_BORN   77

struct made { /* where the next record goes */
	struct snap_writer *w;
	uint64_t ordinal;
};

static inline uint64_t made_seq(struct made *m)
{
	return ++m->ordinal << 8 | 1;
}

/* ${rec}: struct of event.h; ts and the body are set, the head is made. */
static inline uint64_t made_put(struct made *m, unsigned lane, unsigned type,
				unsigned aux, const void *rec, size_t len,
				const void *tail, size_t tail_len)
{
	union {
		uint64_t head;
		uint8_t bytes[8192];
	} buf = { 0 };
	uint64_t seq = made_seq(m);

	memcpy(buf.bytes, rec, len);
	if (tail_len)
		memcpy(buf.bytes + len, tail, tail_len);
	buf.head = FR_HEAD(seq >> 8, seq & 0xff, type, aux);
	snap_put(m->w, lane, 0, seq, buf.bytes, len + tail_len);
	return seq;
}

static inline void made_path(struct made *m, uint64_t ts, uint64_t ino,
			     unsigned pkey, const char *parts, size_t len,
			     unsigned flags)
{
	struct fr_name_path p = { .ts = ts,
				  .ino = ino,
				  .dev = MADE_DEV,
				  .pkey = (uint16_t)pkey,
				  .flags = flags };

	made_put(m, FR_LANE_NAMES, FR_T_name_path, (unsigned)len, &p, sizeof(p),
		 parts, len);
}

static inline void made_string(struct made *m, uint64_t ts, uint64_t hash,
			       const char *text)
{
	struct fr_name_str s = { .ts = ts, .hash = hash };

	made_put(m, FR_LANE_NAMES, FR_T_name_str, (unsigned)strlen(text), &s,
		 sizeof(s), text, strlen(text));
}

static inline void made_proc(struct made *m, uint64_t ts, uint32_t pid,
			     uint32_t tid, const char *comm)
{
	struct fr_name_proc p = { .ts = ts,
				  .start = 5000,
				  .cgroup = 42,
				  .tid = tid,
				  .pid = pid,
				  .ppid = 1,
				  .uid = 1000,
				  .born = MADE_BORN };

	for (size_t i = 0; comm[i] && i < sizeof(p.comm) - 1; i++)
		p.comm[i] = comm[i];
	made_put(m, FR_LANE_NAMES, FR_T_name_proc, 0, &p, sizeof(p), NULL, 0);
}

static inline struct fr_fs_io made_io(uint64_t ts, uint32_t dur, uint32_t pid,
				      uint64_t ino, uint32_t size, int32_t ret)
{
	return (struct fr_fs_io){ .ts = ts,
				  .dur = dur,
				  .tid = pid,
				  .pid = pid,
				  .born = MADE_BORN,
				  .pkey = 9,
				  .ino = ino,
				  .dev = MADE_DEV,
				  .fd = 3,
				  .offset = 4096,
				  .size = size,
				  .ret = ret };
}

static inline uint64_t made_put_io(struct made *m, unsigned call,
				   struct fr_fs_io io)
{
	return made_put(m, FR_LANE_FS, FR_T_fs_io, call, &io, sizeof(io), NULL,
			0);
}

static inline struct fr_fs_path made_open(uint64_t ts, uint32_t pid,
					  uint64_t asked, int32_t ret)
{
	return (struct fr_fs_path){ .ts = ts,
				    .dur = 2000,
				    .tid = pid,
				    .pid = pid,
				    .born = MADE_BORN,
				    .pkey = UINT16_MAX,
				    .dev = UINT32_MAX,
				    .ino = UINT64_MAX,
				    .asked = asked,
				    .dir_ino = UINT64_MAX,
				    .dir_dev = UINT32_MAX,
				    .dir_pkey = UINT16_MAX,
				    .mode = UINT16_MAX,
				    .file_size = UINT64_MAX,
				    .fd = -1,
				    .ret = ret };
}

static inline void made_metric(struct made *m, uint64_t ts, uint32_t id,
			       unsigned kind, unsigned scale, const char *text,
			       size_t len)
{
	struct fr_metric r = { .ts = ts,
			       .metric = id,
			       .metric_kind = (uint16_t)kind,
			       .scale = (uint16_t)scale };

	made_put(m, FR_LANE_SAMPLE, FR_T_metric, (unsigned)len, &r, sizeof(r),
		 text, len);
}

static inline size_t made_varint(uint8_t *p, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		p[n++] = (uint8_t)(v | 0x80);
	p[n++] = (uint8_t)v;
	return n;
}

/* Metrics 1..nr with the given values. */
static inline void made_values(struct made *m, uint64_t ts,
			       const int64_t *values, unsigned nr)
{
	struct fr_values r = { .ts = ts, .count = nr, .full = 1 };
	uint8_t packed[1024];
	size_t n = 0;

	for (unsigned i = 0; i < nr; i++) {
		n += made_varint(packed + n, 1);
		n += made_varint(packed + n,
				 (uint64_t)values[i] << 1 ^
					 (uint64_t)(values[i] >> 63));
	}
	made_put(m, FR_LANE_SAMPLE, FR_T_values, (unsigned)n, &r, sizeof(r),
		 packed, n);
}

static inline void made_facts(struct made *m, const char *instance)
{
	snap_put_fact(m->w, "host.name", "testhost");
	snap_put_fact(m->w, "host.machine_id", "0123456789abcdef");
	snap_put_fact(m->w, "host.kernel", "6.1.0-test");
	snap_put_fact(m->w, "host.boot_id", "b00t");
	snap_put_fact(m->w, "instance", "%s", instance);
	snap_put_fact(m->w, "recorder.version", "test");
	snap_put_fact(m->w, "clock.mono_to_real_ns", "%lld", MADE_OFFSET);
	snap_put_fact(m->w, "trigger.name", "slow-disk");
	snap_put_fact(m->w, "trigger.kind", "latency");
	snap_put_fact(m->w, "trigger.reason", "pread64 took 50 ms");
	snap_put_fact(m->w, "trigger.ts_ns", "60000000000");
	snap_put_fact(m->w, "freeze.ts_ns", "60100000000");
}

#endif
