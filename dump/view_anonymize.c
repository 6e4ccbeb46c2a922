/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * view_anonymize.c - hides the texts of a loaded view.
 *
 * What rows show is made of the texts of fields and tails, wherever a column
 * takes it from; so these are replaced, block by block, and nothing else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump/anonymize.h"
#include "dump/view_impl.h"

struct texts { /* of all rows of a block */
	uint8_t *bytes;
	uint32_t *end;
	size_t used, size;
};

/* Keeps the memory until the view is freed.  NULL: out of memory. */
static void *keep(struct view *v, void *memory)
{
	void **list;

	if (!memory)
		return NULL;
	list = realloc(v->replaced, (v->nr_replaced + 1) * sizeof(*list));
	if (!list) {
		free(memory);
		return NULL;
	}
	v->replaced = list;
	v->replaced[v->nr_replaced++] = memory;
	return memory;
}

static int texts_room(struct texts *t, size_t more)
{
	size_t size = t->size ? t->size : 1 << 16;
	uint8_t *bytes;

	while (size < t->used + more)
		size *= 2;
	if (size == t->size)
		return 0;
	if (size > UINT32_MAX)
		return -ENOMEM;
	bytes = realloc(t->bytes, size);
	if (!bytes)
		return -ENOMEM;
	t->bytes = bytes;
	t->size = size;
	return 0;
}

static void read_row(const struct view_block *b, uint32_t row,
		     struct anonymize_row *ret)
{
	const struct fr_schema *s = b->layout->schema;

	*ret = (struct anonymize_row){ .is_name = !strcmp(s->stream, "names") };
	for (int i = 0; i < s->nr_fields; i++) {
		uint64_t *at =
			s->fields[i].is_chars ?
				NULL :
				anonymize_row_field(ret, s->fields[i].name);

		if (at)
			view_raw(b, i, row, at);
	}
}

/* Lengths of parts of a text change with it. */
static int write_lengths(struct view *v, struct view_block *b, uint32_t row,
			 struct anonymize_row *from)
{
	static const char *const names[] = { "comm_len", "cgroup_len",
					     "value_len" };
	const struct fr_schema *s = b->layout->schema;

	for (int i = 0; i < s->nr_fields; i++) {
		struct snap_column *c = &b->b->columns[i];
		uint64_t *copy;

		for (unsigned j = 0; j < 3; j++) {
			if (strcmp(s->fields[i].name, names[j]) || !c->u64)
				continue;
			copy = b->lengths[j];
			if (!copy) {
				copy = keep(v, malloc(b->b->rows * 8 + 8));
				if (!copy)
					return -ENOMEM;
				memcpy(copy, c->u64, b->b->rows * 8);
				b->lengths[j] = copy;
				c->u64 = copy;
			}
			copy[row] = *anonymize_row_field(from, names[j]);
		}
	}
	return 0;
}

/* ${column}: a char field, or SRC_TAIL. */
static int hide_row(const struct anonymizer *a, struct view *v,
		    struct view_block *b, int column, uint32_t row,
		    struct texts *t)
{
	const struct fr_schema *s = b->layout->schema;
	struct anonymize_row numbers;
	const char *text = "";
	size_t len = 0, n;

	view_bytes(b, column, row, &text, &len);
	n = column == SRC_TAIL ? ANONYMIZE_BOUND(len) : s->fields[column].width;
	if (texts_room(t, n))
		return -ENOMEM;
	read_row(b, row, &numbers);
	if (column == SRC_TAIL)
		n = anonymize_tail(a, s, &numbers, (char *)t->bytes + t->used,
				   text, len);
	else
		anonymize_field(a, &s->fields[column], &numbers,
				t->bytes + t->used, text, len);
	t->used += n;
	t->end[row] = (uint32_t)t->used;
	return write_lengths(v, b, row, &numbers);
}

static int hide_column(const struct anonymizer *a, struct view *v,
		       struct view_block *b, int column)
{
	struct texts t = { 0 };
	int r = 0;

	t.end = malloc(b->b->rows * sizeof(*t.end) + 1);
	if (!t.end)
		return -ENOMEM;
	for (uint32_t row = 0; !r && row < b->b->rows; row++)
		r = hide_row(a, v, b, column, row, &t);
	if (!keep(v, t.end) || (t.bytes && !keep(v, t.bytes)) || r)
		return -ENOMEM;
	if (!t.bytes)
		return 0;
	if (column == SRC_TAIL) {
		b->b->tail = t.bytes;
		b->b->tail_end = t.end;
	} else {
		b->b->columns[column].bytes = t.bytes;
		b->b->columns[column].end = t.end;
	}
	return 0;
}

static int hide_block(const struct anonymizer *a, struct view *v,
		      struct view_block *b)
{
	const struct fr_schema *s = b->layout->schema;
	int r = 0;

	/* what was packed was unpacked already */
	if (s->tail_name && b->layout->use != USE_VALUES &&
	    b->layout->use != USE_PACKED && b->b->tail)
		r = hide_column(a, v, b, SRC_TAIL);
	for (int i = 0; !r && i < s->nr_fields; i++)
		if (s->fields[i].is_chars && b->b->columns[i].bytes)
			r = hide_column(a, v, b, i);
	return r;
}

static const char *hide_fact(const struct anonymizer *a, struct view *v,
			     const char *key, const char *value, char *buf)
{
	if (!value)
		return NULL;
	value = anonymize_fact(a, key, value, buf);
	return value ? keep(v, strdup(value)) : NULL;
}

int view_anonymize(struct view *v, const struct anonymizer *a)
{
	char *buf = malloc(ANONYMIZE_FACT_MAX);
	int r = buf ? 0 : -ENOMEM;

	for (unsigned i = 0; !r && i < v->nr_blocks; i++)
		r = hide_block(a, v, &v->blocks[i]);
	for (unsigned i = 0; !r && i < v->nr_files; i++) {
		struct view_file *f = &v->files[i];

		f->host = hide_fact(a, v, "host.machine_id", f->host, buf);
		f->instance = hide_fact(a, v, "instance", f->instance, buf);
	}
	free(buf);
	return r;
}
