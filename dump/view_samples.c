/* SPDX-License-Identifier: GPL-2.0-or-later */
/* view_samples.c - unpacks sampled values and finds their names. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/view_impl.h"

#define METRIC_COUNTER 2 /* metric_kind of events.def */

bool view_varint(const uint8_t **p, const uint8_t *end, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned shift = 0; *p < end && shift < 64; shift += 7) {
		uint8_t byte = *(*p)++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*ret = value;
			return true;
		}
	}
	return false;
}

/* Each value takes two bytes at least, so the bytes bound the values. */
static int allocate(struct view_block *b)
{
	size_t bytes = 0;

	for (uint32_t row = 0; row < b->b->rows; row++) {
		const char *text;
		size_t len;

		if (view_bytes(b, SRC_TAIL, row, &text, &len))
			bytes += len;
	}
	if (bytes / 2 > UINT32_MAX)
		return -ENOMEM;
	bytes = bytes / 2 + 1;
	b->parent = malloc(bytes * sizeof(*b->parent));
	b->metric = malloc(bytes * sizeof(*b->metric));
	b->value = malloc(bytes * sizeof(*b->value));
	return b->parent && b->metric && b->value ? 0 : -ENOMEM;
}

static void unpack_row(struct view_block *b, uint32_t row)
{
	const uint8_t *p, *end;
	const char *text;
	uint64_t id = 0, delta, zigzag;
	size_t len;

	if (!view_bytes(b, SRC_TAIL, row, &text, &len))
		return;
	p = (const uint8_t *)text;
	for (end = p + len; p < end; b->nr_values++) {
		if (!view_varint(&p, end, &delta) ||
		    !view_varint(&p, end, &zigzag))
			return;
		id += delta;
		b->parent[b->nr_values] = row;
		b->metric[b->nr_values] = (uint32_t)id;
		b->value[b->nr_values] = (int64_t)(zigzag >> 1 ^ -(zigzag & 1));
	}
}

/* The packed bytes end with the length the record gives: slots behind it are
 * not part of the tail. */
int view_unpack_values(struct view_block *b)
{
	int r = allocate(b);

	if (r)
		return r;
	for (uint32_t row = 0; row < b->b->rows; row++)
		unpack_row(b, row);
	return 0;
}

static const struct view_block *metric_record(struct view_cursor *c,
					      uint32_t *ret_row)
{
	const struct join_entry *e;

	if (c->block->layout->use != USE_VALUES)
		return NULL;
	e = join_find(&c->v->metrics, c->file->source,
		      c->block->metric[c->value], 0, c->end_ns);
	if (!e)
		return NULL;
	*ret_row = e->row;
	return &c->v->blocks[e->block];
}

/* The text is name, unit and source with NUL between: part 0, 1, 2. */
bool view_metric_text(struct view_cursor *c, unsigned part,
		      struct view_value *ret)
{
	const struct view_block *b;
	const char *text;
	uint32_t row = 0;
	size_t len;

	b = metric_record(c, &row);
	if (!b || !view_bytes(b, SRC_TAIL, row, &text, &len))
		return false;
	for (; part; part--) {
		size_t skip = strnlen(text, len);

		if (skip == len)
			return false;
		text += skip + 1;
		len -= skip + 1;
	}
	ret->type = VIEW_STRING;
	ret->text = text;
	ret->len = strnlen(text, len);
	return true;
}

uint64_t view_named_field(const struct view_block *b, uint32_t row,
			  const char *name, uint64_t otherwise)
{
	const struct fr_schema *s = b->layout->schema;
	uint64_t value = otherwise;

	for (unsigned i = 0; i < s->nr_fields; i++)
		if (!strcmp(s->fields[i].name, name))
			view_raw(b, (int)i, row, &value);
	return value;
}

uint32_t view_metric_scale(struct view_cursor *c)
{
	const struct view_block *b;
	uint32_t row = 0, scale;

	b = metric_record(c, &row);
	scale = b ? (uint32_t)view_named_field(b, row, "scale", 1) : 1;
	return scale ? scale : 1;
}

bool view_get_sample(struct view_cursor *c, struct view_sample *ret)
{
	const struct view_block *b;
	uint32_t row = 0;

	b = metric_record(c, &row);
	if (!b)
		return false;
	ret->metric = c->block->metric[c->value];
	ret->name = "";
	ret->name_len = 0;
	if (view_bytes(b, SRC_TAIL, row, &ret->name, &ret->name_len))
		ret->name_len = strnlen(ret->name, ret->name_len);
	ret->collector =
		(uint32_t)view_named_field(c->block, c->row, "collector", 0);
	ret->tick = view_named_field(c->block, c->row, "tick", 0);
	ret->every = (uint32_t)view_named_field(c->block, c->row, "every", 0);
	ret->raw = c->block->value[c->value];
	ret->scale = view_metric_scale(c);
	ret->value = (double)ret->raw / ret->scale;
	ret->is_counter =
		view_named_field(b, row, "metric_kind", 0) == METRIC_COUNTER;
	ret->wrap = (int64_t)view_named_field(b, row, "wrap", 0);
	return true;
}

void view_full_sets(const struct view *v,
		    void (*fn)(void *arg, uint32_t collector, uint64_t ts),
		    void *arg)
{
	for (unsigned i = 0; i < v->nr_blocks; i++) {
		const struct view_block *b = &v->blocks[i];

		if (b->layout->use != USE_VALUES)
			continue;
		for (uint32_t row = 0; row < b->b->rows; row++)
			if (view_named_field(b, row, "full", 0) == 1)
				fn(arg,
				   (uint32_t)view_named_field(b, row,
							      "collector", 0),
				   b->b->ts[row]);
	}
}

bool view_same_metric(const struct view_sample *a, const struct view_sample *b)
{
	return a->name == b->name || (a->name_len == b->name_len &&
				      !memcmp(a->name, b->name, a->name_len));
}

bool view_names_metric(const struct view *v, const char *glob)
{
	for (size_t i = 0; i < v->metrics.nr; i++) {
		const struct join_entry *e = &v->metrics.entries[i];
		const struct view_block *b = &v->blocks[e->block];
		const char *text;
		char name[160];
		size_t len;

		if (!view_bytes(b, SRC_TAIL, e->row, &text, &len))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)strnlen(text, len),
			 text);
		if (!fnmatch(glob, name, 0))
			return true;
	}
	return false;
}
