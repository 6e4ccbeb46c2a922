/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dumper_copy.c - chunks of held rings, oldest first, into a snapshot; and what
 * of each lane and CPU is there and what is not.
 */
#include "recorder/dumper_copy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dump/anonymize.h"
#include "dump/schema.h"
#include "dump/snapshot_write.h"

/* In the place of a writer, in rows that no lane has: */
#define LOOK_CPU 65535 /* a dump's own look */
#define HIST_CPU 65534 /* histograms */

/* What was seen of one lane and CPU so far. */
struct track {
	uint64_t serial; /* of the chunk seen last; 0: none yet */
	uint64_t ordinal;
	uint64_t lost;       /* word.lost when that chunk was claimed */
	uint64_t first_lost; /* the same of the first chunk */
	uint64_t from_ns;    /* complete from here */
	uint64_t last_ts, last_seq;
	uint64_t records, torn, stolen;
};

struct copier {
	const struct dump_job *job;
	struct snap_writer *w;
	int pipe_fd;
	const struct ring_view *v;
	const struct ring_hold *h;
	unsigned src;
	uint32_t told;        /* chunks before it were told of */
	struct track *tracks; /* lane * nr_cpus + cpu */
	uint8_t *chunk, *scratch;
	struct dumper_msg *figures;
	/* the chunk at hand */
	const struct ring_hold_chunk *at;
	struct track *t;
	uint64_t first_seq;
	struct anonymizer *anon; /* NULL: everything is written as it is */
};

/* ---- one chunk ------------------------------------------------------------------- */

static int put_record(void *arg, const struct ring_record *r)
{
	struct copier *c = arg;
	uint64_t ts;

	if (r->len >= 16) {
		memcpy(&ts, r->bytes + 8, sizeof(ts));
		if (ts > c->t->last_ts)
			c->t->last_ts = ts;
	}
	if (!c->first_seq)
		c->first_seq = r->seq;
	c->t->last_seq = r->seq;
	c->t->records++;
	return snap_put(c->w, c->at->lane, c->at->cpu, r->seq, r->bytes,
			r->len);
}

/* The hole between the chunk seen before and this one, if there is one: chunks
 * that are not here, or events that found no chunk. */
static int put_gap(struct copier *c, const struct fr_chunk_head *head,
		   const struct track *before)
{
	struct snap_gap g = { .lane = c->at->lane, .cpu = c->at->cpu };

	if (!before->serial)
		return 0;
	g.chunks = head->serial > before->serial + 1 ?
			   head->serial - before->serial - 1 :
			   0;
	g.lost = head->lost > before->lost ? head->lost - before->lost : 0;
	if (!g.chunks && !g.lost)
		return 0;
	g.from_ns = before->last_ts;
	g.to_ns = head->claimed_ns;
	g.from_seq = before->last_seq;
	g.to_seq = c->first_seq;
	return snap_put_gap(c->w, &g);
}

static void track_first(struct copier *c, const struct fr_chunk_head *head)
{
	/* Its first chunk ever: nothing is missing since the ring began. */
	c->t->from_ns = head->serial == 1 ? ring_view_head(c->v)->created_ns :
					    head->claimed_ns;
	c->t->first_lost = head->serial == 1 ? 0 : head->lost;
}

static int tell(struct copier *c, uint32_t to)
{
	struct dumper_msg m = { .kind = DUMPER_COPIED, .src = c->src };

	m.from = c->told;
	m.to = to;
	c->told = to;
	if (m.from < m.to)
		(void)!write(c->pipe_fd, &m, sizeof(m));
	return 0;
}

static int walk_chunk(struct copier *c)
{
	struct fr_chunk_head head;
	struct ring_chunk_stats stats = { 0 };
	struct track before = *c->t;
	int err;

	memcpy(&head, c->chunk, sizeof(head));
	if (!c->t->serial)
		track_first(c, &head);
	c->first_seq = 0;
	err = ring_walk_chunk(c->chunk, c->at->ordinal, c->at->limit,
			      c->scratch, put_record, c, &stats);
	if (!err)
		err = put_gap(c, &head, &before);
	if (c->t->last_ts < head.claimed_ns)
		c->t->last_ts = head.claimed_ns;
	c->t->serial = head.serial;
	c->t->ordinal = head.ordinal;
	c->t->lost = head.lost;
	c->t->torn += stats.torn_slots;
	c->figures->records += stats.records;
	c->figures->torn += stats.torn_slots;
	return err;
}

static int copy_chunk(struct copier *c, uint32_t i)
{
	int err = ring_copy_chunk(c->h, c->v, i, c->chunk);

	c->at = &c->h->chunks[i];
	if (c->at->lane >= c->v->nr_lanes || c->at->cpu >= c->v->nr_cpus)
		return 0;
	c->t = &c->tracks[c->at->lane * c->v->nr_cpus + c->at->cpu];
	if (err == -ESTALE) {
		c->t->stolen++;
		c->figures->stolen_chunks++;
		return 0;
	}
	if (err)
		return err;
	/* What follows needs only the copy. */
	if (i + 1 - c->told == DUMPER_BATCH)
		tell(c, i + 1);
	return walk_chunk(c);
}

/* ---- coverage ---------------------------------------------------------------------- */

/* Up to when lane and CPU are complete.  A CPU that took a chunk between the
 * hold and the reading of its word goes on there, outside of the snapshot. */
static uint64_t coverage_end(const struct copier *c, const struct track *t,
			     const struct fr_word *word)
{
	uint32_t chunk = FR_POS_CHUNK(word->pos);
	const struct fr_chunk_head *head;

	if (!t->serial || word->pos == FR_POS_NONE ||
	    fr_ordinal_cmp(FR_POS_ORDINAL(word->pos), (uint32_t)t->ordinal) <=
		    0)
		return c->h->begin_ns;
	if (chunk >= c->v->nr_chunks)
		return t->last_ts;
	head = ring_view_chunk(c->v, chunk);
	if (fr_ordinal_cmp((uint32_t)head->ordinal, FR_POS_ORDINAL(word->pos)))
		return t->last_ts;
	return head->claimed_ns < c->h->begin_ns ? head->claimed_ns :
						   c->h->begin_ns;
}

static int put_coverage(struct copier *c, unsigned lane, unsigned cpu)
{
	const struct fr_word *word = &c->h->words[lane * c->v->nr_cpus + cpu];
	const struct track *t = &c->tracks[lane * c->v->nr_cpus + cpu];
	struct snap_gap tail = { .lane = lane, .cpu = cpu };
	struct snap_coverage cov = {
		.lane = lane,
		.cpu = cpu,
		.records = t->records,
		.torn = t->torn,
		.stolen_chunks = t->stolen,
		.overwritten = word->overwritten,
		.skipped_active = word->skipped_active,
		.skipped_held = word->skipped_held,
		.skipped_uncommitted = word->skipped_uncommitted,
	};
	int err = 0;

	cov.lost = word->lost - t->first_lost;
	cov.to_ns = coverage_end(c, t, word);
	cov.from_ns = t->from_ns;
	if (!t->serial) /* never wrote: nothing missing; else all is missing */
		cov.from_ns = word->serial ? cov.to_ns :
					     ring_view_head(c->v)->created_ns;
	if (t->serial && word->lost > t->lost) {
		tail.lost = word->lost - t->lost;
		tail.from_ns = t->last_ts;
		tail.to_ns = c->h->begin_ns;
		tail.from_seq = t->last_seq;
		err = snap_put_gap(c->w, &tail);
	}
	return err ? err : snap_put_coverage(c->w, &cov);
}

static void put_lane_facts(struct copier *c, unsigned lane)
{
	const char *name = fr_lane_name(lane);
	char key[64];
	struct ring_lane_stats s;
	uint64_t torn = 0, stolen = 0;

	if (!name)
		return;
	ring_lane_stats(c->v, lane, &s);
	for (unsigned cpu = 0; cpu < c->v->nr_cpus; cpu++) {
		torn += c->tracks[lane * c->v->nr_cpus + cpu].torn;
		stolen += c->tracks[lane * c->v->nr_cpus + cpu].stolen;
	}
#define FACT(what, value)                                  \
	snprintf(key, sizeof(key), "lane.%s." what, name); \
	snap_put_fact(c->w, key, "%llu", (unsigned long long)(value));
	FACT("chunks", c->v->lanes[lane].nr)
	FACT("held", c->h->lane_end[lane] - c->h->lane_begin[lane])
	FACT("written", s.written)
	FACT("overwritten", s.overwritten)
	FACT("lost", s.lost)
	FACT("starved", s.starved)
	FACT("skipped_active", s.skipped_active)
	FACT("skipped_held", s.skipped_held)
	FACT("skipped_uncommitted", s.skipped_uncommitted)
	FACT("torn", torn)
	FACT("stolen", stolen)
#undef FACT
}

/* ---- a source, all of them ------------------------------------------------------------ */

static int copy_source(struct copier *c, unsigned src)
{
	const struct freeze_source *s = &c->job->freeze->src[src];
	size_t words;
	int err = 0;

	c->src = src;
	c->v = freeze_view(c->job->freeze, src);
	c->h = &s->hold;
	c->told = 0;
	words = (size_t)c->v->nr_lanes * c->v->nr_cpus;
	c->tracks = calloc(words ? words : 1, sizeof(*c->tracks));
	if (!c->tracks)
		return -ENOMEM;
	for (uint32_t i = 0; !err && i < c->h->nr_chunks; i++)
		err = copy_chunk(c, i);
	tell(c, c->h->nr_chunks);
	for (unsigned lane = 0; !err && lane < c->v->nr_lanes; lane++) {
		if (!c->v->lanes[lane].nr)
			continue;
		for (unsigned cpu = 0; !err && cpu < c->v->nr_cpus; cpu++)
			err = put_coverage(c, lane, cpu);
		put_lane_facts(c, lane);
	}
	free(c->tracks);
	return err;
}

static int put_inflight(struct copier *c)
{
	const struct freeze *f = c->job->freeze;
	size_t pos = 0;
	uint64_t n = 0;

	while (pos + sizeof(uint64_t) <= f->inflight_len) {
		const struct fr_schema *schema;
		uint64_t head;
		int err;

		memcpy(&head, f->inflight + pos, sizeof(head));
		schema = fr_schema_by_type(FR_HEAD_TYPE(head));
		if (!schema || schema->bytes > f->inflight_len - pos)
			break;
		err = snap_put(c->w, FR_LANE_OTHER, 0, ++n, f->inflight + pos,
			       schema->bytes);
		if (err)
			return err;
		pos += schema->bytes;
	}
	snap_put_fact(c->w, "inflight.records", "%llu", (unsigned long long)n);
	snap_put_fact(c->w, "inflight.left_out", "%u", f->inflight_left_out);
	return 0;
}

/* Rows of the look that the freeze asked for; they are in no lane's chunk. */
static int put_look_rows(struct copier *c, const uint8_t *rows, size_t len)
{
	const uint8_t *row;
	uint64_t n = 0;
	size_t pos = 0, row_len;
	int err = 0;

	while (!err && (row = state_area_next(rows, len, &pos, &row_len)))
		err = snap_put(c->w, FR_LANE_STATE, LOOK_CPU,
			       (uint64_t)(c->job->look & 0xffff) << 24 | ++n,
			       row, row_len);
	snap_put_fact(c->w, "looks.rows", "%llu", (unsigned long long)n);
	return err;
}

static int put_look(struct copier *c)
{
	const struct dump_job *job = c->job;
	const struct state_counts *n;
	uint8_t *rows = NULL;
	size_t len = 0;
	int r = 1, err;

	if (!job->area)
		return 0;
	if (job->look)
		r = state_area_take(job->area, job->look, job->look_wait_ns,
				    &rows, &len);
	err = put_look_rows(c, rows, len);
	free(rows);
	snap_put_fact(c->w, "looks.complete", "%s", r == 0 ? "yes" : "no");
	snap_put_fact(c->w, "looks.left_out", "%llu",
		      (unsigned long long)job->area->left_out);
	n = &job->area->counts;
#define COUNT(name)                                 \
	snap_put_fact(c->w, "looks." #name, "%llu", \
		      (unsigned long long)n->name);
	COUNT(rounds)
	COUNT(processes)
	COUNT(unreadable)
	COUNT(lost)
	COUNT(ticks)
	COUNT(tick_cpu_ns)
	COUNT(cpu_ns)
	COUNT(untracked)
	COUNT(by_iterator)
	COUNT(walks)
	COUNT(walk_files)
	COUNT(walk_ns)
	COUNT(walk_errors)
	COUNT(walk_skipped)
	COUNT(walk_late)
#undef COUNT
	return err;
}

static int put_hist(struct copier *c)
{
	const uint8_t *rec;
	size_t pos = 0, len;
	uint64_t n = 0;
	int err = 0;

	if (!c->job->hist)
		return 0;
	while (!err && (rec = hist_next(c->job->hist, &pos, &len)))
		err = snap_put(c->w, FR_LANE_OTHER, HIST_CPU, ++n, rec, len);
	snap_put_fact(c->w, "hist.records", "%llu", (unsigned long long)n);
	return err;
}

static void put_list(struct copier *c, const struct facts *f)
{
	const char *key, *value;
	size_t pos = 0;

	while (f && (key = facts_next(f, &pos, &value)))
		snap_put_fact(c->w, key, "%s", value);
}

static void put_facts(struct copier *c)
{
	for (size_t i = 0; i < DUMPER_FACTS; i++)
		put_list(c, c->job->facts[i]);
}

/* Last, as hits join the incident while it is written. */
static void put_joined(struct copier *c)
{
	const struct dumper_msg m = { .kind = DUMPER_ASKS };
	uint32_t answers = joined_answers(c->job->joined);
	struct facts f = { .len = 0 };

	if (c->job->joined && write(c->pipe_fd, &m, sizeof(m)) > 0)
		joined_wait(c->job->joined, answers);
	joined_get(c->job->joined, &f);
	put_list(c, &f);
	facts_free(&f);
}

static int copy_all(struct copier *c)
{
	int err = 0;

	put_facts(c);
	for (unsigned i = 0; !err && i < c->job->freeze->nr; i++)
		err = copy_source(c, i);
	if (!err)
		err = put_inflight(c);
	if (!err)
		err = put_hist(c);
	if (!err)
		err = put_look(c);
	put_joined(c);
	return err;
}

/* The key lives in this process only, and ends with it. */
static int begin_anonymous(struct copier *c)
{
	unsigned flags = c->job->keep_extensions ? ANONYMIZE_EXTENSIONS : 0;

	if (!c->job->anonymize)
		return 0;
	c->anon = anonymizer_new(flags);
	return c->anon ? snap_anonymize(c->w, c->anon) : -errno;
}

int dumper_write_snapshot(const struct dump_job *job, const char *name,
			  int pipe_fd, struct dumper_msg *ret)
{
	struct copier c = { .job = job, .pipe_fd = pipe_fd, .figures = ret };
	int err = -ENOMEM;

	c.chunk = malloc(FR_CHUNK_BYTES);
	c.scratch = malloc(FR_SLOT_BYTES +
			   (FR_RECORD_SLOTS_MAX - 1) * FR_CONT_BYTES);
	if (c.chunk && c.scratch) {
		c.w = snap_create(".", name, job->level);
		err = c.w ? begin_anonymous(&c) : -errno;
		if (!err)
			err = copy_all(&c);
	}
	if (!err)
		err = snap_finish(c.w, &ret->bytes);
	else
		snap_abort(c.w);
	anonymizer_free(c.anon);
	free(c.scratch);
	free(c.chunk);
	return err;
}
