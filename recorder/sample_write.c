/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder/sample_write.h"

#include "recorder/sampler.h"

#include <stdio.h>

static size_t sample_varint(uint8_t *p, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		p[n++] = (uint8_t)(v | 0x80);
	p[n++] = (uint8_t)v;
	return n;
}

size_t sample_pack(uint8_t *p, uint32_t id_step, int64_t value)
{
	uint64_t zigzag = (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
	size_t n = sample_varint(p, id_step);

	return n + sample_varint(p + n, zigzag);
}

bool sample_write_record(struct sample_writer *w, unsigned type, unsigned aux,
			 const void *rec, size_t rec_len, const void *tail,
			 size_t tail_len)
{
	if (ring_user_put(w->ring, FR_LANE_SAMPLE, w->writer, type, aux, rec,
			  rec_len, tail, tail_len) == 0)
		return true;
	w->lost++;
	return false;
}

/* Appends a string and its NUL if it fits, else what fits. */
static size_t sample_text(char *buf, size_t at, size_t size, const char *text)
{
	int n = snprintf(buf + at, size - at, "%s", text);

	return n < 0 ? at : (at + (size_t)n < size ? at + (size_t)n + 1 : size);
}

#define REUSE_SPARE 8 /* pieces of the lane beside all that it has */

static void sample_write_name(struct sample_writer *w, struct metric *m,
			      uint32_t id, uint64_t ts, uint64_t ordinal)
{
	struct fr_metric rec = { .ts = ts,
				 .metric = id,
				 .metric_kind = m->def->kind == METRIC_GAUGE ?
							METRIC_GAUGE :
							METRIC_COUNTER,
				 .wrap = (uint64_t)metric_wrap(m->def),
				 .scale = m->def->scale };
	char text[METRIC_NAME_MAX + 64];
	size_t n = sample_text(text, 0, sizeof(text) - 2, m->name);

	n = sample_text(text, n, sizeof(text) - 1, m->def->unit);
	n = sample_text(text, n, sizeof(text), m->source);
	/* The last NUL ends the text; it does not belong to it. */
	n--;
	m->announced = sample_write_record(w, FR_T_metric, (unsigned)n, &rec,
					   sizeof(rec), text, n);
	m->ordinal = ordinal;
	m->fresh = true;
}

/* The names of what is gone from this round, for the last time. */
static void sample_write_gone(struct sample_writer *w, struct sample *s,
			      uint64_t ts, uint64_t ordinal)
{
	unsigned nr = metric_table_count(s->table);

	for (uint32_t id = 1; id <= nr; id++) {
		struct metric *m = metric_table_get(s->table, id);

		if (m->owner != s || m->muted || m->round != s->round - 1)
			continue;
		sample_write_name(w, m, id, ts, ordinal);
		metric_table_gone(s->table, id, ordinal);
	}
}

void sample_write_names(struct sample_writer *w, struct sample *s, uint64_t ts,
			bool vanished)
{
	const struct fr_lane *lane;
	uint64_t next;

	if (!w->ring)
		return;
	lane = &ring_user_head(w->ring)->lanes[FR_LANE_SAMPLE];
	/* Only an estimate of age: pairs with the writers' fetch-and-add. */
	next = __atomic_load_n(&lane->next, __ATOMIC_RELAXED);
	/* for what vanished so long ago that the lane was written anew since */
	metric_table_reuse(s->table, next > lane->nr + REUSE_SPARE ?
					     next - lane->nr - REUSE_SPARE :
					     0);
	for (unsigned i = 0; i < s->nr; i++) {
		struct metric *m = metric_table_get(s->table, s->values[i].id);

		if (!m->announced || next - m->ordinal > lane->nr / 2)
			sample_write_name(w, m, s->values[i].id, ts, next);
	}
	if (vanished)
		sample_write_gone(w, s, ts, next);
}

static bool sample_flush(struct sample_writer *w, const struct sample_round *r,
			 unsigned count, const uint8_t *packed, size_t len)
{
	struct fr_values rec = { .ts = r->ts,
				 .tick = r->tick,
				 .collector = r->collector,
				 .full = r->full,
				 .count = (uint16_t)count,
				 .every = r->every };

	w->values += count;
	w->bytes += len;
	return sample_write_record(w, FR_T_values, (unsigned)len, &rec,
				   sizeof(rec), packed, len);
}

/* True: the value goes into the ring; then it counts as written. */
static bool sample_take(struct sample *s, const struct metric_value *v,
			bool full)
{
	struct metric *m = metric_table_get(s->table, v->id);
	bool take = full || m->fresh || m->last != v->value;

	m->fresh = false;
	m->last = v->value;
	return take;
}

bool sample_write_values(struct sample_writer *w, struct sample *s,
			 const struct sample_round *r)
{
	uint8_t packed[SAMPLER_PACK_MAX];
	unsigned count = 0;
	uint32_t before = 0;
	bool good = true;
	size_t n = 0;

	if (!w->ring)
		return true;
	for (unsigned i = 0; i < s->nr; i++) {
		const struct metric_value *v = &s->values[i];

		if (!sample_take(s, v, r->full))
			continue;
		if (n + SAMPLE_VALUE_BYTES_MAX > sizeof(packed)) {
			good &= sample_flush(w, r, count, packed, n);
			n = count = before = 0;
		}
		n += sample_pack(packed + n, v->id - before, v->value);
		before = v->id;
		count++;
	}
	/* A full set that is empty says that everything is gone. */
	if (count || (r->full && s->nr == 0))
		good &= sample_flush(w, r, count, packed, n);
	return good;
}

void sample_write_tick(struct sample_writer *w, const struct fr_tick *tick)
{
	if (w->ring)
		sample_write_record(w, FR_T_tick, 0, tick, sizeof(*tick), NULL,
				    0);
}
