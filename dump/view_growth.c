/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * view_growth.c - how far each sampled value went since the one before, and how fast.
 *
 * What did not change was not stored: the value before held until the collector's last
 * round, so growth is that of the time since then, not of the time since that value's
 * row.
 */
#include <errno.h>
#include <stdlib.h>

#include "dump/view_impl.h"
#include "dump/view_rounds.h"
#include "triggers/counter_step.h"

#define METRICS_MAX 65537 /* numbers a recorder gives; others have no growth */

struct last_value {
	struct view_sample sample;
	uint64_t ts; /* of its row; 0: there is none yet */
};

static int make_room(struct view_block *b)
{
	if (!b->marks)
		b->marks = calloc(b->nr_values + 1u, sizeof(*b->marks));
	if (!b->growth)
		b->growth = calloc(b->nr_values + 1u, sizeof(*b->growth));
	if (!b->grew_in_ns)
		b->grew_in_ns =
			calloc(b->nr_values + 1u, sizeof(*b->grew_in_ns));
	return b->marks && b->growth && b->grew_in_ns ? 0 : -ENOMEM;
}

static void step(struct view_cursor *c, struct view_block *b,
		 const struct view_rounds *rounds, struct last_value *last)
{
	struct view_sample s;
	uint64_t ts = b->b->ts[c->row], from;
	int64_t *growth = &b->growth[c->value], before;
	enum counter_mark mark = COUNTER_GREW;
	bool known;

	if (!view_get_sample(c, &s))
		return;
	before = last->sample.raw;
	known = last->ts && view_same_metric(&s, &last->sample) &&
		!view_rounds_full_between(rounds, c->file->source, s.collector,
					  last->ts, ts);
	if (known && s.is_counter)
		mark = counter_step(before, s.raw, s.wrap, growth);
	else if (known && __builtin_sub_overflow(s.raw, before, growth))
		known = false;
	b->marks[c->value] = (uint8_t)mark;
	if (known && mark != COUNTER_RESET) {
		from = view_rounds_before(rounds, c->file->source, s.tick,
					  s.every);
		from = from > last->ts && from < ts ? from : last->ts;
		b->grew_in_ns[c->value] = ts > from ? ts - from : 0;
	}
	*last = (struct last_value){ s, ts ? ts : 1 };
}

static int step_rows(struct view *v, struct view_cursor *c,
		     const struct view_rounds *rounds, struct last_value *last)
{
	for (size_t i = 0; i < v->nr_rows; i++) {
		struct view_block *b = &v->blocks[v->rows[i].block];
		uint32_t metric, source;

		if (b->layout->use != USE_VALUES)
			continue;
		if (make_room(b))
			return -ENOMEM;
		metric = b->metric[v->rows[i].row];
		source = v->files[b->file].source;
		if (metric >= METRICS_MAX || source >= v->nr_sources)
			continue;
		view_seek(c, i);
		step(c, b, rounds, &last[source * METRICS_MAX + metric]);
	}
	return 0;
}

int view_find_growth(struct view *v)
{
	struct view_rounds *rounds;
	struct view_cursor *c;
	struct last_value *last;
	bool any = false;
	int r = -ENOMEM;

	for (unsigned i = 0; i < v->nr_blocks; i++)
		any |= v->blocks[i].layout->use == USE_VALUES;
	if (!any)
		return 0;
	c = view_cursor_new(v);
	rounds = view_rounds_new(v);
	/* untouched pages cost nothing */
	last = calloc((size_t)v->nr_sources * METRICS_MAX, sizeof(*last));
	if (c && rounds && last)
		r = step_rows(v, c, rounds, last);
	view_cursor_free(c);
	view_rounds_free(rounds);
	free(last);
	return r;
}

void view_get_growth(struct view_cursor *c, struct view_value *ret)
{
	const struct view_block *b = c->block;

	if (!b->grew_in_ns || !b->grew_in_ns[c->value])
		return;
	ret->scale = view_metric_scale(c);
	ret->type = ret->scale > 1 ? VIEW_DECIMAL : VIEW_I64;
	ret->u = (uint64_t)b->growth[c->value];
}

/* In thousandths per second, or whole ones if those are too many. */
void view_get_rate(struct view_cursor *c, struct view_value *ret)
{
	const struct view_block *b = c->block;
	struct view_sample s;
	double rate;

	if (!b->grew_in_ns || !b->grew_in_ns[c->value] ||
	    !view_get_sample(c, &s) || !s.is_counter)
		return;
	rate = (double)b->growth[c->value] / s.scale * 1e9 /
	       (double)b->grew_in_ns[c->value];
	ret->scale = rate < 1e15 ? 1000 : 1;
	if (rate * ret->scale >= 9e18)
		return;
	ret->type = ret->scale > 1 ? VIEW_DECIMAL : VIEW_I64;
	ret->u = (uint64_t)(int64_t)(rate * ret->scale + 0.5);
}
