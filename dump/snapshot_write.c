/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot_write.c - checks records, fills blocks, writes frames. */
#include "dump/snapshot_write.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "dump/anonymize.h"
#include "dump/snapshot_file.h"
#include "dump/snapshot_format.h"
#include "dump/snapshot_stage.h"
#include "dump/snapshot_tables.h"

#define WRITE_TYPES       256
#define WRITE_FACTS_BYTES (256u << 10)              /* pending ones */
#define WRITE_FACT_MAX    (WRITE_FACTS_BYTES - 256) /* value of one */
#define WRITE_ROWS_BYTES  (128u << 10)              /* pending coverage, gaps */
#define WRITE_INDEX_BYTES (16u << 20)
/* A segment shorter than this shares the tables of the next one. */
#define WRITE_SEGMENT_MIN 2048

struct write_pending { /* rows of a small frame */
	uint8_t *bytes;
	uint32_t used, size, rows;
	uint16_t kind;
};

struct snap_writer {
	struct snap_file file;
	int err; /* the first one; nothing is written after it */
	struct snap_stage *stages[WRITE_TYPES]; /* by record type */
	struct column_work *work;
	struct stage_segments segments;
	uint8_t *raw;    /* a block before compression */
	uint8_t *stored; /* header and payload of a frame */
	size_t stored_size;
	ZSTD_CCtx *zstd;
	struct write_pending facts, coverage, gaps, index;
	uint64_t malformed, unknown;
	char *fact; /* one under construction */
	/* NULL: everything is written as it is */
	const struct anonymizer *anon;
	uint8_t *hidden;
	char *hidden_fact;
};

/* ---- frames --------------------------------------------------------------- */

/* Compresses [from, to) and starts a new block of zstd's behind it. */
static int write_compress(struct snap_writer *w, ZSTD_outBuffer *out,
			  const uint8_t *raw, size_t len, ZSTD_EndDirective end)
{
	ZSTD_inBuffer in = { raw, len, 0 };
	size_t left = ZSTD_compressStream2(w->zstd, out, &in, end);

	return ZSTD_isError(left) || left || in.pos != in.size ? -EIO : 0;
}

static int write_payload(struct snap_writer *w, const uint8_t *raw, size_t len,
			 const struct stage_segments *segments, size_t *ret_len)
{
	ZSTD_outBuffer out = { w->stored + SNAP_FRAME_BYTES,
			       w->stored_size - SNAP_FRAME_BYTES, 0 };
	size_t from = 0;
	int err = 0;

	ZSTD_CCtx_reset(w->zstd, ZSTD_reset_session_only);
	for (unsigned i = 0; segments && !err && i < segments->nr; i++) {
		size_t to = segments->end[i];

		if (to - from < WRITE_SEGMENT_MIN)
			continue;
		err = write_compress(w, &out, raw + from, to - from,
				     ZSTD_e_flush);
		from = to;
	}
	if (!err)
		err = write_compress(w, &out, raw + from, len - from,
				     ZSTD_e_end);
	*ret_len = out.pos;
	return err;
}

static void write_index_add(struct snap_writer *w)
{
	struct write_pending *index = &w->index;

	if (index->used + SNAP_FRAME_BYTES > index->size) {
		w->err = -EFBIG;
		return;
	}
	memcpy(index->bytes + index->used, w->stored, SNAP_FRAME_BYTES);
	index->used += SNAP_FRAME_BYTES;
	index->rows++;
}

/* ${f}: kind, type, rows and times; the rest is set here. */
static int write_frame(struct snap_writer *w, struct snap_frame *f,
		       const uint8_t *raw, size_t len,
		       const struct stage_segments *segments)
{
	size_t stored = 0;

	if (!w->err)
		w->err = write_payload(w, raw, len, segments, &stored);
	if (w->err)
		return w->err;
	f->offset = w->file.bytes;
	f->flags = SNAP_FLAG_ZSTD;
	f->raw_bytes = (uint32_t)len;
	f->stored_bytes = (uint32_t)stored;
	f->payload_crc = snap_crc(w->stored + SNAP_FRAME_BYTES, stored);
	snap_frame_put(w->stored, f);
	w->err =
		snap_file_write(&w->file, w->stored, SNAP_FRAME_BYTES + stored);
	if (!w->err && f->kind != SNAP_KIND_INDEX)
		write_index_add(w);
	return w->err;
}

static int write_pending(struct snap_writer *w, struct write_pending *p)
{
	struct snap_frame f = { .kind = p->kind };

	if (!p->rows)
		return w->err;
	write_frame(w, &f, p->bytes, p->used, NULL);
	p->used = p->rows = 0;
	return w->err;
}

static int write_block(struct snap_writer *w, struct snap_stage *s)
{
	struct snap_frame f = { 0 };
	size_t len;

	/* facts first: a file that is cut still says whose it is */
	write_pending(w, &w->facts);
	if (w->err || !s->rows)
		return w->err;
	len = stage_encode(s, w->work, w->raw, &f, &w->segments);
	return write_frame(w, &f, w->raw, len, &w->segments);
}

static int write_schema(struct snap_writer *w)
{
	struct snap_frame f = { .kind = SNAP_KIND_SCHEMA };
	size_t len = tables_put_schema(w->raw);

	return write_frame(w, &f, w->raw, len, NULL);
}

static int write_calls(struct snap_writer *w)
{
	struct snap_frame f = { .kind = SNAP_KIND_CALLS };
	size_t len = tables_put_calls(w->raw);

	return write_frame(w, &f, w->raw, len, NULL);
}

/* ---- begin ---------------------------------------------------------------- */

static int write_alloc_stages(struct snap_writer *w, size_t *ret_bound)
{
	unsigned nr;
	const struct fr_schema *all = fr_schemas(&nr);
	int err = 0;

	for (unsigned i = 0; !err && i < nr; i++) {
		struct snap_stage *s;

		if (all[i].type == FR_T_slow)
			continue; /* stored as what they copy */
		s = calloc(1, sizeof(*s));
		if (!s)
			return -ENOMEM;
		w->stages[all[i].type] = s;
		err = stage_init(s, &all[i]);
		if (!err && stage_bound(s) > *ret_bound)
			*ret_bound = stage_bound(s);
	}
	return err;
}

static int write_alloc_pending(struct write_pending *p, uint16_t kind,
			       uint32_t size)
{
	p->kind = kind;
	p->size = size;
	p->bytes = malloc(size);
	return p->bytes ? 0 : -ENOMEM;
}

/* zstd allocates at the first use: have that now. */
static int write_alloc_zstd(struct snap_writer *w, int level)
{
	size_t len;

	w->zstd = ZSTD_createCCtx();
	if (!w->zstd)
		return -ENOMEM;
	if (ZSTD_isError(ZSTD_CCtx_setParameter(
		    w->zstd, ZSTD_c_compressionLevel, level)) ||
	    ZSTD_isError(
		    ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_checksumFlag, 1)))
		return -EINVAL;
	memset(w->raw, 0, 2 * WRITE_SEGMENT_MIN);
	w->segments.nr = 1;
	w->segments.end[0] = WRITE_SEGMENT_MIN;
	return write_payload(w, w->raw, 2 * WRITE_SEGMENT_MIN, &w->segments,
			     &len) ?
		       -ENOMEM :
		       0;
}

static int write_alloc(struct snap_writer *w, int level)
{
	size_t bound = TABLES_BOUND;
	int err;

	err = write_alloc_stages(w, &bound);
	if (err)
		return err;
	w->work = column_work_new(SNAP_BLOCK_ROWS);
	w->raw = malloc(bound);
	if (bound < WRITE_INDEX_BYTES)
		bound = WRITE_INDEX_BYTES;
	/* each flushed segment may add a block header of zstd's */
	w->stored_size = SNAP_FRAME_BYTES + ZSTD_compressBound(bound) +
			 STAGE_SEGMENTS_MAX * 16;
	w->stored = malloc(w->stored_size);
	w->fact = malloc(WRITE_FACT_MAX);
	if (!w->fact || !w->work || !w->raw || !w->stored ||
	    write_alloc_pending(&w->facts, SNAP_KIND_FACTS,
				WRITE_FACTS_BYTES) ||
	    write_alloc_pending(&w->coverage, SNAP_KIND_COVERAGE,
				WRITE_ROWS_BYTES) ||
	    write_alloc_pending(&w->gaps, SNAP_KIND_GAPS, WRITE_ROWS_BYTES) ||
	    write_alloc_pending(&w->index, SNAP_KIND_INDEX, WRITE_INDEX_BYTES))
		return -ENOMEM;
	return write_alloc_zstd(w, level);
}

static void write_free(struct snap_writer *w)
{
	snap_file_close(&w->file);
	for (unsigned i = 0; i < WRITE_TYPES; i++) {
		if (w->stages[i])
			stage_free(w->stages[i]);
		free(w->stages[i]);
	}
	column_work_free(w->work);
	ZSTD_freeCCtx(w->zstd);
	free(w->raw);
	free(w->stored);
	free(w->facts.bytes);
	free(w->coverage.bytes);
	free(w->gaps.bytes);
	free(w->index.bytes);
	free(w->fact);
	free(w->hidden);
	free(w->hidden_fact);
	free(w);
}

struct snap_writer *snap_create(const char *folder, const char *name, int level)
{
	struct snap_writer *w = calloc(1, sizeof(*w));
	uint8_t head[SNAP_HEAD_BYTES];
	int err;

	if (!w) {
		errno = ENOMEM;
		return NULL;
	}
	w->file.fd = w->file.folder = -1;
	err = write_alloc(w, level);
	if (!err)
		err = snap_file_create(&w->file, folder, name);
	snap_head_put(head, fr_layout_hash());
	if (!err)
		err = snap_file_write(&w->file, head, sizeof(head));
	if (!err)
		err = write_schema(w);
	if (!err)
		err = write_calls(w);
	if (err) {
		write_free(w);
		errno = -err;
		return NULL;
	}
	return w;
}

/* ---- facts, coverage, gaps ------------------------------------------------ */

/* Room for ${len} bytes more, or NULL with w->err set. */
static uint8_t *write_pending_room(struct snap_writer *w,
				   struct write_pending *p, size_t len)
{
	if (len > p->size)
		return NULL;
	if (p->used + len > p->size)
		write_pending(w, p);
	if (w->err)
		return NULL;
	p->used += (uint32_t)len;
	p->rows++;
	return p->bytes + p->used - len;
}

static int write_fact(struct snap_writer *w, const char *key, const char *value,
		      size_t len)
{
	size_t key_len = strlen(key);
	uint8_t *at;

	if (key_len > UINT16_MAX || key_len + len + 6 > w->facts.size)
		return -E2BIG;
	at = write_pending_room(w, &w->facts, key_len + len + 6);
	if (!at)
		return w->err;
	at = snap_put_int(at, key_len, 2);
	at = snap_put_int(at, (uint64_t)len, 4);
	memcpy(at, key, key_len);
	memcpy(at + key_len, value, len);
	return 0;
}

int snap_put_fact(struct snap_writer *w, const char *key, const char *fmt, ...)
{
	const char *value = w->fact;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(w->fact, WRITE_FACT_MAX, fmt, args);
	va_end(args);
	if (len < 0 || len >= (int)WRITE_FACT_MAX)
		return -E2BIG;
	if (w->anon)
		value = anonymize_fact(w->anon, key, value, w->hidden_fact);
	return value ? write_fact(w, key, value, strlen(value)) : 0;
}

int snap_anonymize(struct snap_writer *w, const struct anonymizer *a)
{
	w->hidden = malloc(ANONYMIZE_RECORD_MAX);
	w->hidden_fact = malloc(ANONYMIZE_FACT_MAX);
	if (!w->hidden || !w->hidden_fact)
		return -ENOMEM;
	w->anon = a;
	return snap_put_fact(w, "anonymous", "yes");
}

static int write_row(struct snap_writer *w, struct write_pending *p,
		     const uint64_t *values, unsigned nr)
{
	uint8_t *at;

	if (w->err)
		return w->err;
	/* each frame begins with the length of its rows */
	if (p->used + nr * 8 > p->size)
		write_pending(w, p);
	if (!p->used)
		p->used = (uint32_t)(snap_put_int(p->bytes, nr * 8, 4) -
				     p->bytes);
	at = write_pending_room(w, p, nr * 8);
	for (unsigned i = 0; at && i < nr; i++)
		at = snap_put_int(at, values[i], 8);
	return w->err;
}

int snap_put_coverage(struct snap_writer *w, const struct snap_coverage *c)
{
	const uint64_t values[TABLES_COVERAGE_VALUES] = {
		c->lane,           c->cpu,          c->from_ns,
		c->to_ns,          c->records,      c->overwritten,
		c->lost,           c->torn,         c->stolen_chunks,
		c->skipped_active, c->skipped_held, c->skipped_uncommitted,
	};

	return write_row(w, &w->coverage, values, TABLES_COVERAGE_VALUES);
}

int snap_put_gap(struct snap_writer *w, const struct snap_gap *g)
{
	const uint64_t values[TABLES_GAP_VALUES] = {
		g->lane, g->cpu,    g->from_ns,  g->to_ns,
		g->lost, g->chunks, g->from_seq, g->to_seq,
	};

	return write_row(w, &w->gaps, values, TABLES_GAP_VALUES);
}

/* ---- records -------------------------------------------------------------- */

struct write_record {
	uint64_t lane, cpu, seq;
	const uint8_t *bytes;
	size_t len;
};

static int write_record_type(const struct write_record *r)
{
	uint64_t head;

	if (r->len < 2 * sizeof(head) || r->lane > UINT8_MAX ||
	    r->cpu > UINT16_MAX || r->seq >> 40)
		return -EBADMSG;
	memcpy(&head, r->bytes, sizeof(head));
	return (int)FR_HEAD_TYPE(head);
}

/* Makes of a `slow` record the record it copies, under its own number. */
static int write_unpack_slow(struct write_record *r)
{
	struct fr_slow slow;
	size_t len;

	if (r->len < sizeof(slow))
		return -EBADMSG;
	memcpy(&slow, r->bytes, sizeof(slow));
	len = FR_HEAD_AUX(slow.head);
	if (len > r->len - sizeof(slow))
		return -EBADMSG;
	r->bytes += sizeof(slow);
	r->len = len;
	r->seq = slow.seq;
	r->lane = slow.lane;
	r->cpu = slow.cpu;
	return 0;
}

int snap_put(struct snap_writer *w, unsigned lane, unsigned cpu, uint64_t seq,
	     const void *rec, size_t len)
{
	struct write_record r = { lane, cpu, seq, rec, len };
	int type = write_record_type(&r);
	struct snap_stage *s;
	size_t tail_len = 0;

	if (type == FR_T_slow)
		type = write_unpack_slow(&r) ? -EBADMSG : write_record_type(&r);
	if (type >= 0 && w->anon) {
		r.len = anonymize_record(w->anon, w->hidden, r.bytes, r.len);
		r.bytes = w->hidden;
	}
	s = type < 0 ? NULL : w->stages[type];
	if (type < 0 || type == FR_T_slow ||
	    (s && stage_check(s, r.bytes, r.len, &tail_len))) {
		w->malformed++;
		return w->err;
	}
	if (!s) {
		w->unknown++;
		return w->err;
	}
	if (stage_is_full(s, tail_len))
		write_block(w, s);
	if (!w->err)
		stage_add(s, (unsigned)r.lane, (unsigned)r.cpu, r.seq, r.bytes,
			  tail_len);
	return w->err;
}

/* ---- end ------------------------------------------------------------------ */

static int write_rest(struct snap_writer *w)
{
	uint8_t trailer[SNAP_TRAILER_BYTES];
	uint64_t index;

	for (unsigned i = 0; i < WRITE_TYPES; i++)
		if (w->stages[i])
			write_block(w, w->stages[i]);
	write_pending(w, &w->coverage);
	write_pending(w, &w->gaps);
	snap_put_fact(w, "records.malformed", "%llu",
		      (unsigned long long)w->malformed);
	snap_put_fact(w, "records.unknown", "%llu",
		      (unsigned long long)w->unknown);
	write_pending(w, &w->facts);
	/* once more, should a bad sector hit the first */
	write_schema(w);
	write_calls(w);
	index = w->file.bytes;
	write_pending(w, &w->index);
	snap_trailer_put(trailer, index, w->file.bytes + sizeof(trailer));
	if (!w->err)
		w->err = snap_file_write(&w->file, trailer, sizeof(trailer));
	return w->err;
}

int snap_finish(struct snap_writer *w, uint64_t *ret_bytes)
{
	int err = write_rest(w);

	if (!err)
		err = snap_file_publish(&w->file);
	if (!err && ret_bytes)
		*ret_bytes = w->file.bytes;
	write_free(w);
	return err;
}

void snap_abort(struct snap_writer *w)
{
	if (w)
		write_free(w);
}
