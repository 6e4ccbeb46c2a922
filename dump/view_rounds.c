/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/view_rounds.h"

#include <stdlib.h>

#include "dump/view_impl.h"

struct tick {
	uint64_t number, ts;
};

struct ticks {
	struct tick *all; /* by number, each once */
	size_t nr;
};

struct full_set {
	uint32_t source, collector;
	uint64_t ts;
};

struct view_rounds {
	struct full_set *full; /* by source, collector, time */
	size_t nr_full;
	unsigned nr;
	struct ticks of[]; /* by source */
};

static bool is_ticks(const struct view_block *b)
{
	return b->layout->schema->type == FR_T_tick && !b->made;
}

static int compare_ticks(const void *p, const void *q)
{
	const struct tick *x = p, *y = q;

	return (x->number > y->number) - (x->number < y->number);
}

/* Files of one recorder may share ticks. */
static void put_in_order(struct ticks *t)
{
	size_t kept = 0;

	if (t->nr)
		qsort(t->all, t->nr, sizeof(*t->all), compare_ticks);
	for (size_t i = 0; i < t->nr; i++)
		if (!kept || t->all[kept - 1].number != t->all[i].number)
			t->all[kept++] = t->all[i];
	t->nr = kept;
}

static struct ticks *ticks_of(struct view_rounds *r, const struct view *v,
			      const struct view_block *b)
{
	return &r->of[v->files[b->file].source];
}

static bool make_room(struct view_rounds *r, const struct view *v)
{
	for (unsigned i = 0; i < v->nr_blocks; i++)
		if (is_ticks(&v->blocks[i]))
			ticks_of(r, v, &v->blocks[i])->nr +=
				v->blocks[i].b->rows;
	for (unsigned i = 0; i < r->nr; i++) {
		r->of[i].all = calloc(r->of[i].nr + 1, sizeof(struct tick));
		if (!r->of[i].all)
			return false;
		r->of[i].nr = 0;
	}
	return true;
}

static int compare_full(const void *p, const void *q)
{
	const struct full_set *x = p, *y = q;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->collector != y->collector)
		return x->collector < y->collector ? -1 : 1;
	return (x->ts > y->ts) - (x->ts < y->ts);
}

static bool take_full_sets(struct view_rounds *r, const struct view *v)
{
	size_t nr = 0;

	for (unsigned i = 0; i < v->nr_blocks; i++)
		if (v->blocks[i].layout->use == USE_VALUES)
			nr += v->blocks[i].b->rows;
	r->full = calloc(nr + 1, sizeof(*r->full));
	for (unsigned i = 0; r->full && i < v->nr_blocks; i++) {
		const struct view_block *b = &v->blocks[i];

		if (b->layout->use != USE_VALUES)
			continue;
		for (uint32_t row = 0; row < b->b->rows; row++)
			if (view_named_field(b, row, "full", 0) == 1)
				r->full[r->nr_full++] = (struct full_set){
					v->files[b->file].source,
					(uint32_t)view_named_field(
						b, row, "collector", 0),
					b->b->ts[row]
				};
	}
	if (r->nr_full)
		qsort(r->full, r->nr_full, sizeof(*r->full), compare_full);
	return r->full != NULL;
}

bool view_rounds_full_between(const struct view_rounds *r, unsigned source,
			      uint32_t collector, uint64_t from, uint64_t to)
{
	const struct full_set want = { source, collector, from + 1 };
	size_t low = 0, high = r->nr_full;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare_full(&r->full[mid], &want) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->nr_full && r->full[low].source == source &&
	       r->full[low].collector == collector && r->full[low].ts < to;
}

struct view_rounds *view_rounds_new(const struct view *v)
{
	struct view_rounds *r =
		calloc(1, sizeof(*r) + v->nr_sources * sizeof(struct ticks));

	if (!r)
		return NULL;
	r->nr = v->nr_sources;
	if (!take_full_sets(r, v) || !make_room(r, v)) {
		view_rounds_free(r);
		return NULL;
	}
	for (unsigned i = 0; i < v->nr_blocks; i++) {
		const struct view_block *b = &v->blocks[i];
		struct ticks *t;

		if (!is_ticks(b))
			continue;
		t = ticks_of(r, v, b);
		for (uint32_t row = 0; row < b->b->rows; row++)
			t->all[t->nr++] =
				(struct tick){ view_named_field(b, row, "tick",
								0),
					       b->b->ts[row] };
	}
	for (unsigned i = 0; i < r->nr; i++)
		put_in_order(&r->of[i]);
	return r;
}

void view_rounds_free(struct view_rounds *r)
{
	for (unsigned i = 0; r && i < r->nr; i++)
		free(r->of[i].all);
	if (r)
		free(r->full);
	free(r);
}

/* How many ticks have a number less than ${number}. */
static size_t ticks_below(const struct ticks *t, uint64_t number)
{
	size_t low = 0, high = t->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (t->all[mid].number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

uint64_t view_rounds_before(const struct view_rounds *r, unsigned source,
			    uint64_t tick, uint32_t every)
{
	const struct ticks *t;
	size_t before;
	uint64_t turn;

	if (!every || source >= r->nr)
		return 0;
	t = &r->of[source];
	before = ticks_below(t, tick / every * every);
	if (!before)
		return 0;
	turn = t->all[before - 1].number / every;
	return t->all[ticks_below(t, turn * every)].ts;
}
