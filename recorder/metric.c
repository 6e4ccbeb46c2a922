/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder/metric.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METRIC_BUCKETS (2 * METRIC_MAX) /* power of two, at most half full */

/* Both arrays are asked for at their full size: untouched pages cost nothing,
 * and nothing ever moves. */
struct metric_table {
	struct metric *all; /* all[id - 1] */
	uint32_t *buckets;  /* id, 0: empty */
	unsigned nr;
	/* Those that vanished, by number, the first first. */
	uint32_t first_gone, last_gone;
	uint64_t reuse_before; /* ordinal */
	uint32_t scanned; /* round of ${scanned_for} in which no muted one was found */
	const struct sample *scanned_for;
};

struct metric_table *metric_table_new(void)
{
	struct metric_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->all = calloc(METRIC_MAX, sizeof(*t->all));
	t->buckets = calloc(METRIC_BUCKETS, sizeof(*t->buckets));
	if (t->all && t->buckets)
		return t;
	metric_table_free(t);
	return NULL;
}

void metric_table_free(struct metric_table *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->nr; i++)
		free(t->all[i].name);
	free(t->all);
	free(t->buckets);
	free(t);
}

unsigned metric_table_count(const struct metric_table *t)
{
	return t->nr;
}

struct metric *metric_table_get(struct metric_table *t, uint32_t id)
{
	return id >= 1 && id <= t->nr ? &t->all[id - 1] : NULL;
}

static bool metric_is(const struct metric *m, const struct metric_def *def,
		      const char *inst, size_t len)
{
	return m->def == def && m->inst_len == len &&
	       (len == 0 || memcmp(m->name + m->inst_at, inst, len) == 0);
}

/* FNV-1a over the instance, started from the definition. */
static uint32_t metric_hash(const struct metric_def *def, const char *inst,
			    size_t len)
{
	uint64_t h = 0xcbf29ce484222325ULL ^ (uintptr_t)def;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)inst[i]) * 0x100000001b3ULL;
	h *= 0x9e3779b97f4a7c15ULL;
	return (uint32_t)(h >> 32) & (METRIC_BUCKETS - 1);
}

static bool metric_inst_printable(const char *inst, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)inst[i] <= ' ' || inst[i] == 0x7f)
			return false;
	return true;
}

/* Puts the instance into the name; false: cannot be had. */
static bool metric_name(struct metric *m, const struct metric_def *def,
			const char *inst, size_t len)
{
	size_t all = strlen(def->name), at = strcspn(def->name, "%");
	size_t rest = at < all ? at + 1 : all;
	int n = (int)len;

	if (all + len >= METRIC_NAME_MAX || !metric_inst_printable(inst, len))
		return false;
	if (asprintf(&m->name, "%.*s%.*s%s", (int)at, def->name, n, inst,
		     def->name + rest) < 0) {
		m->name = NULL;
		return false;
	}
	m->inst_at = (uint16_t)at;
	m->inst_len = (uint16_t)len;
	return true;
}

bool metric_wanted(const char *list, const char *inst, size_t len)
{
	char name[METRIC_NAME_MAX], glob[METRIC_NAME_MAX];
	const char *p = list;

	if (!list || len == 0)
		return true;
	snprintf(name, sizeof(name), "%.*s", (int)len, inst);
	for (p += strspn(p, " ,"); *p; p += strspn(p, " ,")) {
		size_t n = strcspn(p, " ,");

		snprintf(glob, sizeof(glob), "%.*s", (int)n, p);
		if (fnmatch(glob, name, 0) == 0)
			return true;
		p += n;
	}
	return false;
}

/* ---- numbers that are given anew ---------------------------------------------- */

static void metric_queue(struct metric_table *t, uint32_t id)
{
	struct metric *m = &t->all[id - 1];

	m->queued = true;
	m->later = false;
	m->next_gone = 0;
	if (t->last_gone)
		t->all[t->last_gone - 1].next_gone = id;
	else
		t->first_gone = id;
	t->last_gone = id;
}

void metric_table_gone(struct metric_table *t, uint32_t id, uint64_t ordinal)
{
	struct metric *m = &t->all[id - 1];

	m->gone = ordinal + 1;
	m->later = m->queued;
	if (!m->queued)
		metric_queue(t, id);
}

void metric_table_reuse(struct metric_table *t, uint64_t ordinal)
{
	t->reuse_before = ordinal;
}

static void metric_unlink_bucket(struct metric_table *t, uint32_t b)
{
	uint32_t hole = b, next = b;

	/* What stands behind moves up, unless that is before its own place. */
	for (;;) {
		const struct metric *m;
		uint32_t home;

		next = (next + 1) & (METRIC_BUCKETS - 1);
		if (!t->buckets[next])
			break;
		m = &t->all[t->buckets[next] - 1];
		home = metric_hash(m->def, m->name + m->inst_at, m->inst_len);
		if (((next - home) & (METRIC_BUCKETS - 1)) <
		    ((next - hole) & (METRIC_BUCKETS - 1)))
			continue;
		t->buckets[hole] = t->buckets[next];
		hole = next;
	}
	t->buckets[hole] = 0;
}

static void metric_forget(struct metric_table *t, uint32_t id)
{
	struct metric *m = &t->all[id - 1];
	uint32_t b = metric_hash(m->def, m->name + m->inst_at, m->inst_len);

	while (t->buckets[b] != id)
		b = (b + 1) & (METRIC_BUCKETS - 1);
	metric_unlink_bucket(t, b);
	free(m->name);
	*m = (struct metric){ 0 };
}

/* The first that vanished, if it did so long enough ago; 0: none did. */
static uint32_t metric_take_gone(struct metric_table *t)
{
	while (t->first_gone) {
		uint32_t id = t->first_gone;
		struct metric *m = &t->all[id - 1];

		if (m->gone > t->reuse_before && !m->later)
			return 0;
		t->first_gone = m->next_gone;
		if (!t->first_gone)
			t->last_gone = 0;
		m->queued = false;
		if (m->gone > t->reuse_before)
			metric_queue(t, id);
		if (!m->gone || m->queued) /* it is back, or was */
			continue;
		metric_forget(t, id);
		return id;
	}
	return 0;
}

/* What was left out is in no ring: of the same collector, not seen in this round or
 * the one before. */
static uint32_t metric_take_muted(struct metric_table *t,
				  const struct sample *s)
{
	if (t->scanned_for == s && t->scanned == s->round)
		return 0;
	for (uint32_t id = 1; id <= t->nr; id++) {
		const struct metric *m = &t->all[id - 1];

		if (!m->muted || m->owner != s || m->round >= s->round - 1)
			continue;
		metric_forget(t, id);
		return id;
	}
	t->scanned_for = s;
	t->scanned = s->round;
	return 0;
}

static uint32_t metric_new_id(struct sample *s)
{
	struct metric_table *t = s->table;
	uint32_t id = metric_take_gone(t);

	if (!id && t->nr < METRIC_MAX)
		return ++t->nr;
	return id ? id : metric_take_muted(t, s);
}

static uint32_t metric_add(struct sample *s, const struct metric_def *def,
			   const char *inst, size_t len)
{
	struct metric_table *t = s->table;
	struct metric m = { .def = def,
			    .source = s->source ? s->source : "",
			    .owner = s };
	uint32_t id, b;

	if (!metric_name(&m, def, inst, len))
		return 0;
	id = metric_new_id(s);
	if (!id) {
		free(m.name);
		return 0;
	}
	m.muted = !metric_wanted(s->list, inst, len);
	t->all[id - 1] = m;
	b = metric_hash(def, inst, len);
	while (t->buckets[b])
		b = (b + 1) & (METRIC_BUCKETS - 1);
	t->buckets[b] = id;
	return id;
}

static uint32_t metric_find_or_add(struct sample *s,
				   const struct metric_def *def,
				   const char *inst, size_t len)
{
	struct metric_table *t = s->table;
	uint32_t b = metric_hash(def, inst, len);

	while (t->buckets[b]) {
		if (metric_is(&t->all[t->buckets[b] - 1], def, inst, len))
			return t->buckets[b];
		b = (b + 1) & (METRIC_BUCKETS - 1);
	}
	return metric_add(s, def, inst, len);
}

void sample_init(struct sample *s, struct metric_table *table)
{
	/* The round is never 0, and the one before it is not either: a metric
	 * that is new has round 0. */
	*s = (struct sample){ .table = table, .round = 1 };
}

void sample_free(struct sample *s)
{
	free(s->values);
	free(s->order);
	*s = (struct sample){ 0 };
}

void sample_begin(struct sample *s)
{
	s->nr_before = s->nr;
	s->nr = 0;
	s->cursor = 0;
	s->seen_before = 0;
	s->sorted = true;
	s->round = s->round == UINT32_MAX ? 2 : s->round + 1;
}

void sample_error(struct sample *s)
{
	s->errors++;
}

/* Room for one more in an array of ${nr} that only grows. */
static void *sample_room(void *array, unsigned nr, unsigned *size, size_t each)
{
	unsigned more = *size ? *size * 2 : 128;
	void *p = array;

	if (nr < *size)
		return array;
	p = realloc(array, more * each);
	if (p)
		*size = more;
	return p;
}

/* The number of the metric at the cursor, 0 if it cannot have one. */
static uint32_t sample_id(struct sample *s, const struct metric_def *def,
			  const char *inst, size_t len)
{
	uint32_t id, *order;

	if (s->cursor < s->order_size && s->order[s->cursor]) {
		id = s->order[s->cursor];
		if (metric_is(&s->table->all[id - 1], def, inst, len)) {
			s->cursor++;
			return id;
		}
	}
	id = metric_find_or_add(s, def, inst, len);
	if (id == 0 || s->cursor >= METRIC_MAX)
		return id;
	if (s->cursor == s->order_size) {
		unsigned old = s->order_size;

		order = sample_room(s->order, old, &s->order_size, 4);
		if (!order)
			return id;
		s->order = order;
		memset(order + old, 0, (s->order_size - old) * 4);
	}
	s->order[s->cursor++] = id;
	return id;
}

/* False: the metric had its value in this round already. */
static bool sample_mark(struct sample *s, struct metric *m)
{
	if (m->round == s->round)
		return false;
	if (m->round == s->round - 1)
		s->seen_before++;
	else
		m->fresh = true;
	m->gone = 0;
	m->round = s->round;
	return true;
}

void sample_put(struct sample *s, const struct metric_def *def,
		const char *inst, size_t inst_len, int64_t raw)
{
	struct metric_value *values;
	int64_t value;
	uint32_t id;

	if (!inst)
		inst = "";
	id = sample_id(s, def, inst, inst_len);
	if (id == 0 || __builtin_mul_overflow(raw, def->factor, &value)) {
		sample_error(s);
		return;
	}
	if (s->table->all[id - 1].muted) {
		s->table->all[id - 1].round = s->round;
		return;
	}
	values = sample_room(s->values, s->nr, &s->size, sizeof(*values));
	if (values)
		s->values = values;
	if (!values || !sample_mark(s, &s->table->all[id - 1])) {
		sample_error(s);
		return;
	}
	if (s->nr && values[s->nr - 1].id > id)
		s->sorted = false;
	values[s->nr++] = (struct metric_value){ id, value };
}

static void sample_sift(struct metric_value *v, unsigned at, unsigned nr)
{
	struct metric_value moved = v[at];
	unsigned child;

	for (; (child = 2 * at + 1) < nr; at = child) {
		if (child + 1 < nr && v[child + 1].id > v[child].id)
			child++;
		if (v[child].id <= moved.id)
			break;
		v[at] = v[child];
	}
	v[at] = moved;
}

/* Heap sort: qsort(3) may allocate. */
static void sample_sort(struct metric_value *v, unsigned nr)
{
	for (unsigned i = nr / 2; i-- > 0;)
		sample_sift(v, i, nr);
	for (unsigned i = nr; i-- > 1;) {
		struct metric_value top = v[0];

		v[0] = v[i];
		v[i] = top;
		sample_sift(v, 0, i);
	}
}

bool sample_end(struct sample *s)
{
	if (!s->sorted)
		sample_sort(s->values, s->nr);
	s->sorted = true;
	return s->seen_before < s->nr_before;
}
