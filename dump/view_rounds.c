/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/view_rounds.h"

#include <stdbool.h>
#include <stdlib.h>

#include "dump/view_impl.h"

#define SOURCES_MAX 16

struct tick {
	uint64_t number, ts;
};

struct ticks {
	struct tick *all; /* by number, each once */
	size_t nr;
};

struct view_rounds {
	struct ticks of[SOURCES_MAX];
};

static bool is_ticks(const struct view *v, const struct view_block *b)
{
	return b->layout->schema->type == FR_T_tick && !b->made &&
	       v->files[b->file].source < SOURCES_MAX;
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

static bool make_room(struct view_rounds *r, const struct view *v)
{
	size_t nr[SOURCES_MAX] = { 0 };

	for (unsigned i = 0; i < v->nr_blocks; i++)
		if (is_ticks(v, &v->blocks[i]))
			nr[v->files[v->blocks[i].file].source] +=
				v->blocks[i].b->rows;
	for (unsigned i = 0; i < SOURCES_MAX; i++) {
		r->of[i].all = calloc(nr[i] + 1, sizeof(struct tick));
		if (!r->of[i].all)
			return false;
	}
	return true;
}

struct view_rounds *view_rounds_new(const struct view *v)
{
	struct view_rounds *r = calloc(1, sizeof(*r));

	if (!r || !make_room(r, v)) {
		view_rounds_free(r);
		return NULL;
	}
	for (unsigned i = 0; i < v->nr_blocks; i++) {
		const struct view_block *b = &v->blocks[i];
		struct ticks *t;

		if (!is_ticks(v, b))
			continue;
		t = &r->of[v->files[b->file].source];
		for (uint32_t row = 0; row < b->b->rows; row++)
			t->all[t->nr++] =
				(struct tick){ view_named_field(b, row, "tick",
								0),
					       b->b->ts[row] };
	}
	for (unsigned i = 0; i < SOURCES_MAX; i++)
		put_in_order(&r->of[i]);
	return r;
}

void view_rounds_free(struct view_rounds *r)
{
	for (unsigned i = 0; r && i < SOURCES_MAX; i++)
		free(r->of[i].all);
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

	if (!every || source >= SOURCES_MAX)
		return 0;
	t = &r->of[source];
	before = ticks_below(t, tick / every * every);
	if (!before)
		return 0;
	turn = t->all[before - 1].number / every;
	return t->all[ticks_below(t, turn * every)].ts;
}
