/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot_tables.c - see snapshot_tables.h; layouts in flightrec-snapshot(5). */
#include "dump/snapshot_tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump/snapshot_format.h"

#define TABLES_CALL_INFO 16 /* bytes of struct fr_call_info in the file */

/* ---- writing -------------------------------------------------------------- */

static uint8_t *put_text(uint8_t *out, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	out = snap_put_int(out, len, 2);
	if (len)
		memcpy(out, text, len);
	return out + len;
}

/* An entry begins with the number of bytes behind that number, so that readers
 * can skip what newer writers append. */
static uint8_t *put_entry_end(uint8_t *begin, uint8_t *end)
{
	snap_put_int(begin, (uint64_t)(end - begin - 4), 4);
	return end;
}

static uint8_t *put_field(uint8_t *out, const struct fr_field *f)
{
	uint8_t *at = out + 4;

	at = snap_put_int(at, f->offset, 2);
	at = snap_put_int(at, f->width, 2);
	at = snap_put_int(at, f->is_signed, 1);
	at = snap_put_int(at, f->is_chars, 1);
	at = put_text(at, f->name);
	at = put_text(at, f->kind);
	at = put_text(at, f->unit);
	at = put_text(at, f->doc);
	return put_entry_end(out, at);
}

static uint8_t *put_schema(uint8_t *out, const struct fr_schema *s)
{
	uint8_t *at = out + 4;

	at = snap_put_int(at, s->type, 1);
	at = snap_put_int(at, s->tail_name != NULL, 1);
	at = snap_put_int(at, s->bytes, 2);
	at = put_text(at, s->name);
	at = put_text(at, s->stream);
	at = put_text(at, s->doc);
	at = put_text(at, s->aux_name);
	at = put_text(at, s->aux_kind);
	at = put_text(at, s->aux_doc);
	at = put_text(at, s->tail_name);
	at = put_text(at, s->tail_kind);
	at = put_text(at, s->tail_len);
	at = put_text(at, s->tail_doc);
	at = snap_put_int(at, s->nr_fields, 2);
	for (unsigned i = 0; i < s->nr_fields; i++)
		at = put_field(at, &s->fields[i]);
	return put_entry_end(out, at);
}

size_t tables_put_schema(uint8_t *out)
{
	unsigned nr;
	const struct fr_schema *all = fr_schemas(&nr);
	uint8_t *at = snap_put_int(out, nr, 4);

	for (unsigned i = 0; i < nr; i++)
		at = put_schema(at, &all[i]);
	return (size_t)(at - out);
}

static uint8_t *put_call(uint8_t *out, const struct fr_call_name *c)
{
	const struct fr_call_info *info = &c->info;
	const uint8_t args[12] = { info->cls,   info->fd,   info->fd2,
				   info->dirfd, info->path, info->dirfd2,
				   info->path2, info->size, info->offset,
				   info->flags, info->mode, info->addr };
	uint8_t *at = snap_put_int(out + 4, c->id, 1);

	at = put_text(at, c->call);
	at = put_text(at, c->op);
	memcpy(at, args, sizeof(args));
	at = snap_put_int(at + sizeof(args), info->props, 4);
	return put_entry_end(out, at);
}

size_t tables_put_calls(uint8_t *out)
{
	uint8_t *at = snap_put_int(out, fr_nr_calls, 4);

	for (unsigned i = 0; i < fr_nr_calls; i++)
		at = put_call(at, &fr_calls[i]);
	return (size_t)(at - out);
}

/* ---- reading -------------------------------------------------------------- */

struct tables_in { /* what is left of a payload; bad: it ended too soon */
	uint8_t *at, *end;
	int bad;
};

static uint64_t get_int(struct tables_in *in, unsigned bytes)
{
	uint64_t v;

	if ((size_t)(in->end - in->at) < bytes) {
		in->bad = 1;
		in->at = in->end;
		return 0;
	}
	v = snap_get_int(in->at, bytes);
	in->at += bytes;
	return v;
}

/* The text, moved over its own length to make room for a NUL. */
static const char *get_bytes(struct tables_in *in, uint8_t *to, uint64_t len)
{
	if (in->bad || len > (uint64_t)(in->end - in->at) ||
	    memchr(in->at, 0, len)) {
		in->bad = 1;
		in->at = in->end;
		return "";
	}
	memmove(to, in->at, len);
	in->at += len;
	to[len] = 0;
	return (const char *)to;
}

static const char *get_text(struct tables_in *in)
{
	uint8_t *to = in->at;
	uint64_t len = get_int(in, 2);

	return get_bytes(in, to, len);
}

/* Names become columns, keys and SQL: letters, digits and '_' only. */
static const char *get_name(struct tables_in *in, int may_be_empty)
{
	const char *name = get_text(in);

	if ((!*name && !may_be_empty) || strlen(name) > 63 ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
			      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")])
		in->bad = 1;
	return name;
}

static struct tables_in get_entry(struct tables_in *in)
{
	uint64_t len = get_int(in, 4);
	struct tables_in entry = { in->at, in->at, in->bad };

	if (in->bad || len > (uint64_t)(in->end - in->at)) {
		in->bad = entry.bad = 1;
		return entry;
	}
	in->at += len;
	entry.end = in->at;
	return entry;
}

static int get_field(struct tables_in *in, struct fr_field *f)
{
	struct tables_in e = get_entry(in);
	int known_width;

	f->offset = (uint16_t)get_int(&e, 2);
	f->width = (uint16_t)get_int(&e, 2);
	f->is_signed = get_int(&e, 1) != 0;
	f->is_chars = get_int(&e, 1) != 0;
	f->name = get_name(&e, 0);
	f->kind = get_name(&e, 0);
	f->unit = get_name(&e, 1);
	f->doc = get_text(&e);
	known_width = f->width == 1 || f->width == 2 || f->width == 4 ||
		      f->width == 8;
	if (f->is_chars ? !f->width || f->width > 4096 : !known_width)
		e.bad = 1;
	return e.bad ? -EBADMSG : 0;
}

static int get_schema(struct tables_in *in, struct fr_schema *s)
{
	struct tables_in e = get_entry(in);
	struct fr_field *fields;
	int has_tail, err = 0;

	s->type = (uint8_t)get_int(&e, 1);
	has_tail = get_int(&e, 1) & 1;
	s->bytes = (uint16_t)get_int(&e, 2);
	s->name = get_name(&e, 0);
	s->stream = get_name(&e, 0);
	s->doc = get_text(&e);
	s->aux_name = get_name(&e, 1);
	s->aux_kind = get_name(&e, 1);
	s->aux_doc = get_text(&e);
	s->tail_name = get_name(&e, !has_tail);
	s->tail_kind = get_name(&e, !has_tail);
	s->tail_len = get_name(&e, !has_tail);
	s->tail_doc = get_text(&e);
	if (!has_tail)
		s->tail_name = s->tail_kind = s->tail_len = s->tail_doc = NULL;
	s->nr_fields = (uint16_t)get_int(&e, 2);
	/* 22 bytes: the shortest a field can be */
	if (e.bad || s->nr_fields > 240 || s->nr_fields > (e.end - e.at) / 18)
		return -EBADMSG;
	fields = calloc(s->nr_fields + 1u, sizeof(*fields));
	s->fields = fields;
	if (!fields)
		return -ENOMEM;
	for (unsigned i = 0; !err && i < s->nr_fields; i++)
		err = get_field(&e, &fields[i]);
	return err;
}

static void free_schemas(struct fr_schema *schemas, unsigned nr)
{
	for (unsigned i = 0; schemas && i < nr; i++)
		free((void *)(uintptr_t)schemas[i].fields);
	free(schemas);
}

static int tables_keep(struct snap_tables *t, uint8_t *payload)
{
	uint8_t **list =
		realloc(t->payloads, (t->nr_payloads + 1u) * sizeof(*list));

	if (!list)
		return -ENOMEM;
	t->payloads = list;
	list[t->nr_payloads++] = payload;
	return 0;
}

int tables_get_schema(struct snap_tables *t, uint8_t *payload, size_t len)
{
	struct tables_in in = { payload, payload + len, 0 };
	unsigned nr = (unsigned)get_int(&in, 4);
	struct fr_schema *list = NULL;
	int err = in.bad || !nr || nr > 256 ? -EBADMSG : 0;

	if (!err)
		list = calloc(nr, sizeof(*list));
	if (!err && !list)
		err = -ENOMEM;
	for (unsigned i = 0; !err && i < nr; i++) {
		err = get_schema(&in, &list[i]);
		for (unsigned j = 0; !err && j < i; j++)
			if (list[j].type == list[i].type)
				err = -EBADMSG;
	}
	if (!err && !t->schemas)
		err = tables_keep(t, payload);
	if (err || t->schemas) {
		free_schemas(list, nr);
		free(payload);
		return err;
	}
	t->schemas = list;
	t->nr_schemas = nr;
	for (unsigned i = 0; i < nr; i++)
		t->by_type[list[i].type] = &list[i];
	return 0;
}

static int get_call(struct tables_in *in, struct fr_call_name *c)
{
	struct tables_in e = get_entry(in);
	struct fr_call_info *info = &c->info;
	uint8_t *const args[12] = { &info->cls,   &info->fd,   &info->fd2,
				    &info->dirfd, &info->path, &info->dirfd2,
				    &info->path2, &info->size, &info->offset,
				    &info->flags, &info->mode, &info->addr };

	c->id = (uint8_t)get_int(&e, 1);
	c->call = get_name(&e, 0);
	c->op = get_name(&e, 0);
	for (unsigned i = 0; i < 12; i++)
		*args[i] = (uint8_t)get_int(&e, 1);
	info->props = (uint32_t)get_int(&e, 4);
	return e.bad ? -EBADMSG : 0;
}

int tables_get_calls(struct snap_tables *t, uint8_t *payload, size_t len)
{
	struct tables_in in = { payload, payload + len, 0 };
	unsigned nr = (unsigned)get_int(&in, 4);
	struct fr_call_name *list = NULL;
	int err = in.bad || nr > 256 ? -EBADMSG : 0;

	if (!err)
		list = calloc(nr + 1u, sizeof(*list));
	if (!err && !list)
		err = -ENOMEM;
	for (unsigned i = 0; !err && i < nr; i++)
		err = get_call(&in, &list[i]);
	if (!err && !t->calls)
		err = tables_keep(t, payload);
	if (err || t->calls) {
		free(list);
		free(payload);
		return err;
	}
	t->calls = list;
	t->nr_calls = nr;
	return 0;
}

static int get_fact(struct tables_in *in, struct tables_fact *f)
{
	uint8_t *to = in->at;
	uint64_t key_len = get_int(in, 2), len = get_int(in, 4);

	f->key = get_bytes(in, to, key_len);
	/* the key moved six bytes down, the value moves five */
	f->value = get_bytes(in, to + key_len + 1, len);
	return in->bad ? -EBADMSG : 0;
}

static int tables_add_fact(struct snap_tables *t, const struct tables_fact *f)
{
	struct tables_fact *list = t->facts;

	if (!(t->nr_facts & (t->nr_facts - 1))) {
		size_t nr = t->nr_facts ? 2u * t->nr_facts : 1u;

		list = realloc(list, nr * sizeof(*list));
		if (!list)
			return -ENOMEM;
		t->facts = list;
	}
	list[t->nr_facts++] = *f;
	return 0;
}

int tables_get_facts(struct snap_tables *t, uint8_t *payload, size_t len)
{
	struct tables_in in = { payload, payload + len, 0 };
	unsigned before = t->nr_facts;
	struct tables_fact f;
	int err = 0;

	while (!err && in.at < in.end) {
		err = get_fact(&in, &f);
		if (!err)
			err = tables_add_fact(t, &f);
	}
	if (!err)
		err = tables_keep(t, payload);
	if (err) {
		t->nr_facts = before;
		free(payload);
	}
	return err;
}

/* Rows of 64-bit numbers: ${nr} known ones each, newer writers may have more. */
static int get_rows(const uint8_t *payload, size_t len, unsigned nr,
		    size_t *ret_row_bytes, unsigned *ret_rows)
{
	uint64_t row_bytes = len < 4 ? 0 : snap_get_int(payload, 4);

	if (row_bytes < nr * 8u || (len - 4) % row_bytes)
		return -EBADMSG;
	*ret_row_bytes = row_bytes;
	*ret_rows = (unsigned)((len - 4) / row_bytes);
	return 0;
}

static struct snap_coverage get_coverage(const uint8_t *p)
{
	uint64_t v[TABLES_COVERAGE_VALUES];

	for (unsigned i = 0; i < TABLES_COVERAGE_VALUES; i++)
		v[i] = snap_get_int(p + i * 8, 8);
	return (struct snap_coverage){
		.lane = (uint32_t)v[0],
		.cpu = (uint32_t)v[1],
		.from_ns = v[2],
		.to_ns = v[3],
		.records = v[4],
		.overwritten = v[5],
		.lost = v[6],
		.torn = v[7],
		.stolen_chunks = v[8],
		.skipped_active = v[9],
		.skipped_held = v[10],
		.skipped_uncommitted = v[11],
	};
}

int tables_get_coverage(struct snap_tables *t, uint8_t *payload, size_t len)
{
	struct snap_coverage *list = NULL;
	size_t row_bytes = 0;
	unsigned nr = 0;
	int err;

	err = get_rows(payload, len, TABLES_COVERAGE_VALUES, &row_bytes, &nr);
	if (!err)
		list = realloc(t->coverage,
			       (t->nr_coverage + nr + 1u) * sizeof(*list));
	if (!err && !list)
		err = -ENOMEM;
	if (!err)
		t->coverage = list;
	for (unsigned i = 0; !err && i < nr; i++)
		list[t->nr_coverage++] =
			get_coverage(payload + 4 + i * row_bytes);
	free(payload);
	return err;
}

static struct snap_gap get_gap(const uint8_t *p)
{
	uint64_t v[TABLES_GAP_VALUES];

	for (unsigned i = 0; i < TABLES_GAP_VALUES; i++)
		v[i] = snap_get_int(p + i * 8, 8);
	return (struct snap_gap){
		.lane = (uint32_t)v[0],
		.cpu = (uint32_t)v[1],
		.from_ns = v[2],
		.to_ns = v[3],
		.lost = v[4],
		.chunks = v[5],
		.from_seq = v[6],
		.to_seq = v[7],
	};
}

int tables_get_gaps(struct snap_tables *t, uint8_t *payload, size_t len)
{
	struct snap_gap *list = NULL;
	size_t row_bytes = 0;
	unsigned nr = 0;
	int err;

	err = get_rows(payload, len, TABLES_GAP_VALUES, &row_bytes, &nr);
	if (!err)
		list = realloc(t->gaps, (t->nr_gaps + nr + 1u) * sizeof(*list));
	if (!err && !list)
		err = -ENOMEM;
	if (!err)
		t->gaps = list;
	for (unsigned i = 0; !err && i < nr; i++)
		list[t->nr_gaps++] = get_gap(payload + 4 + i * row_bytes);
	free(payload);
	return err;
}

void tables_free(struct snap_tables *t)
{
	free_schemas(t->schemas, t->nr_schemas);
	free(t->calls);
	free(t->facts);
	free(t->coverage);
	free(t->gaps);
	for (unsigned i = 0; i < t->nr_payloads; i++)
		free(t->payloads[i]);
	free(t->payloads);
	memset(t, 0, sizeof(*t));
}
