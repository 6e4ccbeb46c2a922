/* SPDX-License-Identifier: GPL-2.0-or-later */
/* row_table.c - the rows of a collector, by key. */
#include "recorder/row_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump/schema.h"
#include "recorder/row_table_impl.h"

#define FIRST_ROWS 256

struct row_table *row_table_new(unsigned type, size_t own_bytes)
{
	struct row_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->schema = fr_schema_by_type(type);
	t->own_bytes = (own_bytes + 7) & ~(size_t)7;
	t->free_row = ROW_NONE;
	t->want_full = true;
	return t;
}

void row_table_free(struct row_table *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->size; i++) {
		free(t->items[i].text);
		free(t->items[i].written_text);
	}
	free(t->items);
	free(t->memory);
	free(t->buckets);
	free(t->order);
	free(t);
}

size_t row_table_bytes(const struct row_table *t)
{
	size_t row = sizeof(*t->items) + ROW_COPIES * t->schema->bytes +
		     t->own_bytes + sizeof(*t->order) + 2 * sizeof(*t->buckets);

	return t->size * row;
}

void row_table_begin(struct row_table *t)
{
	t->round++;
	t->nr = 0;
}

static unsigned *bucket_of(struct row_table *t, uint64_t key)
{
	uint64_t h = (key ^ key >> 32) * 0x9e3779b97f4a7c15ULL;

	return &t->buckets[(h >> 32) & (2 * t->size - 1)];
}

/* ---- memory ---------------------------------------------------------------------- */

static void link_row(struct row_table *t, unsigned row)
{
	unsigned *b = bucket_of(t, t->items[row].key);

	t->items[row].next = *b;
	*b = row;
}

static void unlink_row(struct row_table *t, unsigned row)
{
	unsigned *at = bucket_of(t, t->items[row].key);

	while (*at != row)
		at = &t->items[*at].next;
	*at = t->items[row].next;
}

/* Twice the rows; only when there are more than ever before. */
static int grow(struct row_table *t)
{
	unsigned size = t->size ? 2 * t->size : FIRST_ROWS;
	size_t each = ROW_COPIES * t->schema->bytes + t->own_bytes;
	struct row_item *items;
	unsigned *buckets, *order;
	uint8_t *memory;

	if (size > ROW_TABLE_MAX)
		return -ENOSPC;
	items = realloc(t->items, size * sizeof(*items));
	t->items = items ? items : t->items;
	memory = realloc(t->memory, size * each);
	t->memory = memory ? memory : t->memory;
	order = realloc(t->order, size * sizeof(*order));
	t->order = order ? order : t->order;
	buckets = malloc(2 * size * sizeof(*buckets));
	if (!items || !memory || !order || !buckets) {
		free(buckets);
		return -ENOMEM;
	}
	free(t->buckets);
	t->buckets = buckets;
	memset(buckets, 0xff, 2 * size * sizeof(*buckets));
	memset(items + t->size, 0, (size - t->size) * sizeof(*items));
	for (unsigned i = size; i-- > t->size;) {
		items[i].next = t->free_row;
		t->free_row = i;
	}
	size_t old = t->size;

	t->size = size;
	for (unsigned i = 0; i < old; i++)
		if (items[i].used)
			link_row(t, i);
	return 0;
}

void *row_table_copy(const struct row_table *t, unsigned row, unsigned which)
{
	size_t each = ROW_COPIES * t->schema->bytes + t->own_bytes;

	return t->memory + row * each + which * t->schema->bytes;
}

void *row_table_now(struct row_table *t, unsigned row)
{
	return row_table_copy(t, row, ROW_NOW);
}

const void *row_table_before(const struct row_table *t, unsigned row)
{
	return t->items[row].rounds > 1 ? row_table_copy(t, row, ROW_BEFORE) :
					  NULL;
}

void *row_table_own(struct row_table *t, unsigned row)
{
	return row_table_copy(t, row, ROW_COPIES);
}

void row_table_drop(struct row_table *t, unsigned row)
{
	struct row_item *it = &t->items[row];

	unlink_row(t, row);
	it->used = false;
	it->next = t->free_row;
	t->free_row = row;
}

/* ---- a row ----------------------------------------------------------------------- */

/* The same memory for another thing: nothing of the one before shows. */
static void renew(struct row_table *t, unsigned row, uint64_t instance)
{
	struct row_item *it = &t->items[row];

	it->instance = instance;
	it->rounds = 0;
	it->text_len = 0;
	memset(row_table_own(t, row), 0, t->own_bytes);
}

static unsigned find_or_add(struct row_table *t, uint64_t key,
			    uint64_t instance)
{
	struct row_item *it;
	unsigned row;

	if (t->size)
		for (row = *bucket_of(t, key); row != ROW_NONE;
		     row = t->items[row].next)
			if (t->items[row].key == key)
				return row;
	if (t->free_row == ROW_NONE && grow(t))
		return ROW_NONE;
	row = t->free_row;
	it = &t->items[row];
	t->free_row = it->next;
	it->used = true;
	it->key = key;
	it->round = t->round - 1;
	it->written = it->reborn = false;
	link_row(t, row);
	renew(t, row, instance);
	return row;
}

void *row_table_at(struct row_table *t, uint64_t key, uint64_t instance,
		   unsigned *ret_row)
{
	const struct fr_field *f = &t->schema->fields[0];
	unsigned row = find_or_add(t, key, instance);
	struct row_item *it;
	uint8_t *now;

	if (row == ROW_NONE)
		return NULL;
	*ret_row = row;
	it = &t->items[row];
	now = row_table_now(t, row);
	if (it->round == t->round)
		return now;
	if (it->instance != instance) {
		it->reborn = it->written;
		renew(t, row, instance);
	}
	memcpy(row_table_copy(t, row, ROW_BEFORE), now, t->schema->bytes);
	memset(now, 0, t->schema->bytes);
	memcpy(now + f->offset, &key,
	       f->width); /* little-endian, as the ring */
	it->round = t->round;
	it->rounds += it->rounds < 2;
	it->chosen = false;
	t->order[t->nr++] = row;
	return now;
}

unsigned row_table_count(const struct row_table *t)
{
	return t->nr;
}

unsigned row_table_nth(const struct row_table *t, unsigned n)
{
	return t->order[n];
}

void row_table_choose(struct row_table *t, unsigned row)
{
	t->items[row].chosen = true;
}

bool row_table_chosen(const struct row_table *t, unsigned row)
{
	return t->items[row].chosen;
}

int row_table_set_text(struct row_table *t, unsigned row, const char *text,
		       size_t len)
{
	struct row_item *it = &t->items[row];
	char *copy;

	if (len > ROW_TEXT_MAX)
		len = ROW_TEXT_MAX;
	if (it->text && it->text_len == len && !memcmp(it->text, text, len))
		return 0;
	copy = realloc(it->text, len + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, len);
	copy[len] = '\0';
	it->text = copy;
	it->text_len = (uint16_t)len;
	return 0;
}

const char *row_table_text(const struct row_table *t, unsigned row,
			   size_t *ret_len)
{
	*ret_len = t->items[row].text_len;
	return *ret_len ? t->items[row].text : "";
}
