/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * view_rows.c - unpacks rows of things that come and go (a tail of kind ROWS).
 *
 * Such a record holds only what changed.  So all of them are gone through in the
 * order of time, what is known of each thing is kept, and each row becomes one of
 * the type that the record names, with all that is known.  These rows make up a
 * block of their own, as if it were in the file; each row has the place of the
 * record it was in.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump/view_impl.h"

#define ROW_GONE   1u
#define ROW_WHOLE  2u
#define ROWS_MAX   (8u << 20) /* of one file: 2 GiB of columns */
#define FIELDS_MAX 60         /* bits of the mask */
#define TYPES_MAX  8          /* of rows in one file */
#define CHARS_MAX  64

/* What is known of one thing. */
struct thing {
	uint64_t key;
	uint64_t set;  /* set of its collector that it belongs to */
	uint32_t next; /* in its bucket, plus 1 */
	bool known;
	uint64_t *values;
	char (*chars)[CHARS_MAX]; /* of each field that is a text */
	uint8_t *chars_len;
	char *tail;
	size_t tail_len;
};

struct text_column {
	uint8_t *bytes;
	uint32_t *end;
	size_t used, size;
};

/* The rows of one type: a block that grows. */
struct made {
	const struct view_layout *layout;
	struct snap_block block;
	uint64_t *ts, *seq;
	uint8_t *lane;
	uint16_t *cpu;
	uint32_t *part;
	uint64_t **columns;
	struct text_column *texts; /* one per field, and the tail */
	uint32_t size;
	struct thing *things;
	uint32_t nr_things, things_size;
	uint32_t *buckets;
	uint32_t nr_buckets;
	uint64_t set_tick, set; /* the full set that is being read */
};

struct unpack {
	struct view *v;
	unsigned file;
	uint64_t begin, end;
	struct made made[TYPES_MAX];
	unsigned nr_made;
	uint32_t total;
};

/* ---- memory ------------------------------------------------------------------------ */

static void free_made(struct made *m)
{
	unsigned nr = m->layout->schema->nr_fields;

	for (uint32_t i = 0; i < m->nr_things; i++) {
		free(m->things[i].values);
		free(m->things[i].chars);
		free(m->things[i].chars_len);
		free(m->things[i].tail);
	}
	free(m->things);
	free(m->buckets);
	m->things = NULL;
	m->buckets = NULL;
	m->nr_things = 0;
	for (unsigned i = 0; m->columns && i < nr; i++)
		free(m->columns[i]);
	for (unsigned i = 0; m->texts && i <= nr; i++) {
		free(m->texts[i].bytes);
		free(m->texts[i].end);
	}
	free(m->columns);
	free(m->texts);
	free(m->block.columns);
	free(m->ts);
	free(m->seq);
	free(m->lane);
	free(m->cpu);
	free(m->part);
}

void view_free_made(struct made *m)
{
	if (!m)
		return;
	free_made(m);
	free(m);
}

static int resize(void *array, uint32_t nr, size_t each)
{
	void **at = array;
	void *p = realloc(*at, nr * each);

	if (!p)
		return -ENOMEM;
	*at = p;
	return 0;
}

static int grow_made(struct made *m)
{
	const struct fr_schema *s = m->layout->schema;
	uint32_t size = m->size ? 2 * m->size : 1024;
	int r = resize(&m->ts, size, 8) | resize(&m->seq, size, 8) |
		resize(&m->lane, size, 1) | resize(&m->cpu, size, 2) |
		resize(&m->part, size, 4);

	for (unsigned i = 0; !r && i < s->nr_fields; i++)
		r = s->fields[i].is_chars ? resize(&m->texts[i].end, size, 4) :
					    resize(&m->columns[i], size, 8);
	if (!r && s->tail_name)
		r = resize(&m->texts[s->nr_fields].end, size, 4);
	if (!r)
		m->size = size;
	return r ? -ENOMEM : 0;
}

static bool type_fits(const struct fr_schema *s)
{
	if (s->nr_fields < 1 || s->nr_fields > FIELDS_MAX ||
	    s->fields[0].is_chars)
		return false;
	for (unsigned i = 0; i < s->nr_fields; i++)
		if (s->fields[i].is_chars && s->fields[i].width > CHARS_MAX)
			return false;
	return true;
}

/* NULL with *ret_err 0: rows of that type cannot be shown. */
static struct made *find_made(struct unpack *u, unsigned type, int *ret_err)
{
	struct view_file *f = &u->v->files[u->file];
	struct made *m;

	*ret_err = 0;
	for (unsigned i = 0; i < u->nr_made; i++)
		if (u->made[i].layout->schema->type == type)
			return &u->made[i];
	for (unsigned i = 0; i < f->nr_layouts; i++) {
		const struct view_layout *l = &f->layouts[i];

		if (l->schema->type != type || l->use != USE_ROWS ||
		    !type_fits(l->schema) || u->nr_made == TYPES_MAX)
			continue;
		m = &u->made[u->nr_made++];
		*m = (struct made){ .layout = l, .set_tick = UINT64_MAX };
		m->block.schema = l->schema;
		m->columns = calloc(l->schema->nr_fields, sizeof(*m->columns));
		m->texts = calloc(l->schema->nr_fields + 1u, sizeof(*m->texts));
		m->block.columns =
			calloc(l->schema->nr_fields, sizeof(*m->block.columns));
		if (m->columns && m->texts && m->block.columns)
			return m;
		*ret_err = -ENOMEM;
		return NULL;
	}
	return NULL;
}

/* ---- things ------------------------------------------------------------------------ */

static uint32_t *bucket_of(struct made *m, uint64_t key)
{
	uint64_t h = (key ^ key >> 32) * 0x9e3779b97f4a7c15ULL;

	return &m->buckets[(h >> 32) & (m->nr_buckets - 1)];
}

static int grow_things(struct made *m)
{
	uint32_t size = m->things_size ? 2 * m->things_size : 256;

	if (resize(&m->things, size, sizeof(*m->things)) ||
	    resize(&m->buckets, 2 * size, sizeof(*m->buckets)))
		return -ENOMEM;
	m->things_size = size;
	m->nr_buckets = 2 * size;
	memset(m->buckets, 0, m->nr_buckets * sizeof(*m->buckets));
	for (uint32_t i = 0; i < m->nr_things; i++) {
		uint32_t *b = bucket_of(m, m->things[i].key);

		m->things[i].next = *b;
		*b = i + 1;
	}
	return 0;
}

/* Forgets what was known: all null. */
static void clear_thing(const struct fr_schema *s, struct thing *t)
{
	memset(t->values, 0xff, s->nr_fields * sizeof(*t->values));
	memset(t->chars_len, 0, s->nr_fields);
	t->tail_len = 0;
	t->known = true;
}

static struct thing *add_thing(struct made *m, uint64_t key)
{
	const struct fr_schema *s = m->layout->schema;
	struct thing *t;
	uint32_t *b;

	if (m->nr_things == m->things_size && grow_things(m))
		return NULL;
	t = &m->things[m->nr_things];
	*t = (struct thing){ .key = key };
	t->values = malloc(s->nr_fields * sizeof(*t->values));
	t->chars = malloc(s->nr_fields * sizeof(*t->chars));
	t->chars_len = malloc(s->nr_fields);
	b = bucket_of(m, key);
	t->next = *b;
	*b = ++m->nr_things;
	if (!t->values || !t->chars || !t->chars_len)
		return NULL;
	clear_thing(s, t);
	return t;
}

/* NULL: no memory. */
static struct thing *find_thing(struct made *m, uint64_t key)
{
	if (m->nr_things)
		for (uint32_t i = *bucket_of(m, key); i;
		     i = m->things[i - 1].next)
			if (m->things[i - 1].key == key)
				return &m->things[i - 1];
	return add_thing(m, key);
}

/* ---- a row ------------------------------------------------------------------------- */

static uint64_t from_zigzag(const struct fr_field *f, uint64_t zigzag)
{
	uint64_t v = zigzag >> 1 ^ -(zigzag & 1);

	/* what the snapshot's own columns hold: extended to 64 bits */
	return f->is_signed || f->width >= 8 ? v :
					       v & ((1ULL << 8 * f->width) - 1);
}

static bool take_text(const uint8_t **p, const uint8_t *end, const char **ret,
		      size_t *ret_len)
{
	uint64_t len;

	if (!view_varint(p, end, &len) || len > (uint64_t)(end - *p))
		return false;
	*ret = (const char *)*p;
	*ret_len = (size_t)len;
	*p += len;
	return true;
}

static bool take_field(struct made *m, struct thing *t, unsigned i,
		       const uint8_t **p, const uint8_t *end)
{
	const struct fr_field *f = &m->layout->schema->fields[i];
	const char *text;
	uint64_t v;
	size_t len;

	if (!f->is_chars) {
		if (!view_varint(p, end, &v))
			return false;
		t->values[i] = from_zigzag(f, v);
		return true;
	}
	if (!take_text(p, end, &text, &len) || len > f->width)
		return false;
	memcpy(t->chars[i], text, len);
	t->chars_len[i] = (uint8_t)len;
	return true;
}

/* 0; -EINVAL: the bytes make no sense; -ENOMEM. */
static int take_tail(struct thing *t, const uint8_t **p, const uint8_t *end)
{
	const char *text;
	char *copy;
	size_t len;

	if (!take_text(p, end, &text, &len))
		return -EINVAL;
	copy = realloc(t->tail, len + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, len);
	t->tail = copy;
	t->tail_len = len;
	return 0;
}

static int take_fields(struct made *m, struct thing *t, uint64_t mask,
		       const uint8_t **p, const uint8_t *end)
{
	const struct fr_schema *s = m->layout->schema;
	unsigned tail = s->nr_fields + 1u;

	/* a field that this schema does not have cannot be passed over */
	if (mask >> (tail + (s->tail_name != NULL)))
		return -EINVAL;
	for (unsigned i = 1; i < s->nr_fields; i++)
		if (mask >> (i + 1) & 1 && !take_field(m, t, i, p, end))
			return -EINVAL;
	return mask >> tail & 1 ? take_tail(t, p, end) : 0;
}

static int put_text(struct text_column *c, uint32_t row, const char *text,
		    size_t len)
{
	size_t size = c->size ? c->size : 4096;

	while (size < c->used + len)
		size *= 2;
	if (size > UINT32_MAX)
		return -ENOMEM;
	if (size != c->size) {
		uint8_t *bytes = realloc(c->bytes, size);

		if (!bytes)
			return -ENOMEM;
		c->bytes = bytes;
		c->size = size;
	}
	memcpy(c->bytes + c->used, text, len);
	c->used += len;
	c->end[row] = (uint32_t)c->used;
	return 0;
}

/* Row ${part} of record ${row} of ${from}. */
static int emit(struct unpack *u, struct made *m, const struct thing *t,
		const struct view_block *from, uint32_t row, uint32_t part,
		bool gone)
{
	const struct fr_schema *s = m->layout->schema;
	uint32_t at = m->block.rows;
	int r = 0;

	if (++u->total > ROWS_MAX || (at == m->size && grow_made(m)))
		return -ENOMEM;
	m->ts[at] = from->b->ts[row];
	m->seq[at] = from->b->seq[row];
	m->lane[at] = from->b->lane[row];
	m->cpu[at] = from->b->cpu[row];
	m->part[at] = part;
	for (unsigned i = 0; !r && i < s->nr_fields; i++) {
		if (s->fields[i].is_chars)
			r = put_text(&m->texts[i], at, t->chars[i],
				     t->chars_len[i]);
		else if (!strcmp(s->fields[i].name, "ended"))
			m->columns[i][at] = gone;
		else
			m->columns[i][at] = i ? t->values[i] : t->key;
	}
	if (!r && s->tail_name)
		r = put_text(&m->texts[s->nr_fields], at,
			     t->tail ? t->tail : "", t->tail_len);
	m->block.rows += !r;
	return r;
}

/* ---- records ------------------------------------------------------------------------- */

struct place {
	uint64_t ts, seq;
	uint32_t block, row;
};

static int compare_places(const void *p, const void *q)
{
	const struct place *x = p, *y = q;

	if (x->ts != y->ts)
		return x->ts < y->ts ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static bool is_wanted(const struct unpack *u, uint64_t ts)
{
	return ts >= u->begin && ts <= u->end;
}

/* The first record of a full set: who is not in it is gone, which the rows that
 * follow do not say.  What was known of it holds no more. */
static void begin_set(struct made *m, const struct view_block *b, uint32_t row)
{
	uint64_t tick = view_named_field(b, row, "tick", 0);

	if (view_named_field(b, row, "full", 0) != 1 || tick == m->set_tick)
		return;
	m->set_tick = tick;
	m->set++;
}

static int unpack_record(struct unpack *u, struct made *m,
			 const struct view_block *b, uint32_t row)
{
	const uint8_t *p, *end;
	uint64_t key = 0, step, mask;
	const char *text;
	uint32_t part = 0;
	size_t len;
	int r = 0;

	if (!view_bytes(b, SRC_TAIL, row, &text, &len))
		return 0;
	begin_set(m, b, row);
	p = (const uint8_t *)text;
	for (end = p + len; !r && p < end; part++) {
		struct thing *t;

		if (!view_varint(&p, end, &step) ||
		    !view_varint(&p, end, &mask))
			return 0;
		key += step;
		t = find_thing(m, key);
		if (!t)
			return -ENOMEM;
		if (mask & ROW_WHOLE || !t->known || t->set != m->set)
			clear_thing(m->layout->schema, t);
		t->set = m->set;
		r = take_fields(m, t, mask, &p, end);
		if (!r && is_wanted(u, b->b->ts[row]))
			r = emit(u, m, t, b, row, part, mask & ROW_GONE);
		t->known = !(mask & ROW_GONE);
	}
	/* what follows nonsense is nonsense */
	return r == -EINVAL ? 0 : r;
}

static int unpack_all(struct unpack *u, const struct place *places, size_t nr)
{
	int r = 0;

	for (size_t i = 0; !r && i < nr; i++) {
		const struct view_block *b = &u->v->blocks[places[i].block];
		uint64_t type =
			view_named_field(b, places[i].row, "row_type", 0);
		struct made *m = find_made(u, (unsigned)type, &r);

		if (m)
			r = unpack_record(u, m, b, places[i].row);
	}
	return r;
}

/* Records of this file in the order of time; *ret_nr may be 0. */
static struct place *find_places(struct unpack *u, unsigned first_block,
				 size_t *ret_nr)
{
	const struct view *v = u->v;
	struct place *places;
	size_t nr = 0;

	for (unsigned i = first_block; i < v->nr_blocks; i++)
		if (v->blocks[i].layout->use == USE_PACKED)
			nr += v->blocks[i].b->rows;
	*ret_nr = 0;
	places = malloc((nr + 1) * sizeof(*places));
	for (unsigned i = first_block; places && i < v->nr_blocks; i++) {
		const struct snap_block *b = v->blocks[i].b;

		if (v->blocks[i].layout->use != USE_PACKED)
			continue;
		for (uint32_t row = 0; row < b->rows; row++)
			places[(*ret_nr)++] =
				(struct place){ b->ts[row], b->seq[row], i,
						row };
	}
	if (places)
		qsort(places, *ret_nr, sizeof(*places), compare_places);
	return places;
}

/* Its rows as a block of the view. */
static int publish(struct unpack *u, struct made *from)
{
	const struct fr_schema *s = from->layout->schema;
	struct view *v = u->v;
	struct view_block *blocks;
	struct made *m;

	blocks = realloc(v->blocks, (v->nr_blocks + 1) * sizeof(*blocks));
	if (!blocks)
		return -ENOMEM;
	v->blocks = blocks;
	m = malloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	*m = *from;
	m->block.ts = m->ts;
	m->block.seq = m->seq;
	m->block.lane = m->lane;
	m->block.cpu = m->cpu;
	for (unsigned i = 0; i < s->nr_fields; i++) {
		struct snap_column *c = &m->block.columns[i];

		c->field = &s->fields[i];
		c->u64 = m->columns[i];
		c->bytes = s->fields[i].is_chars ? m->texts[i].bytes : NULL;
		c->end = s->fields[i].is_chars ? m->texts[i].end : NULL;
	}
	if (s->tail_name) {
		m->block.tail = m->texts[s->nr_fields].bytes;
		m->block.tail_end = m->texts[s->nr_fields].end;
	}
	blocks[v->nr_blocks++] = (struct view_block){ .b = &m->block,
						      .layout = m->layout,
						      .file = u->file,
						      .made = m,
						      .part = m->part };
	*from = (struct made){ .layout = m->layout };
	return 0;
}

int view_unpack_rows(struct view *v, unsigned file, unsigned first_block,
		     uint64_t begin, uint64_t end)
{
	struct unpack u = { .v = v, .file = file, .begin = begin, .end = end };
	size_t nr = 0;
	struct place *places = find_places(&u, first_block, &nr);
	int r = places ? unpack_all(&u, places, nr) : -ENOMEM;

	free(places);
	for (unsigned i = 0; i < u.nr_made; i++) {
		if (!r && u.made[i].block.rows)
			r = publish(&u, &u.made[i]);
		free_made(&u.made[i]);
	}
	return r;
}
