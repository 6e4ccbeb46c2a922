/* SPDX-License-Identifier: GPL-2.0-or-later */
/* schema.c - expands events.def and calls.def into the tables of schema.h. */
#include "dump/schema.h"

#include <pthread.h>
#include <string.h>

/* clang-format off */
#define FR_EVENT(n, id, s, d) static struct fr_field fields_##n[] = {
#define FR_AUX(f, k, d)
#define FR_FIELD(t, f, k, u, d) \
	{ .name = #f, .kind = #k, .unit = #u, .doc = d, \
	  .width = sizeof(t), .is_signed = (t)-1 < (t)1 },
#define FR_CHARS(l, f, d) \
	{ .name = #f, .kind = "STR", .unit = "none", .doc = d, \
	  .width = l, .is_chars = 1 },
#define FR_BYTES(l, f, k, d) \
	{ .name = #f, .kind = #k, .unit = "none", .doc = d, \
	  .width = l, .is_chars = 1 },
#define FR_TAIL(lf, f, k, d)
#define FR_END(n) };
#include <flightrec/events.def>
#include <flightrec/undef.h>

static struct fr_schema schemas[] = {
#define FR_EVENT(n, id, s, d) \
	{ .name = #n, .stream = #s, .doc = d, .type = id, \
	  .bytes = sizeof(struct fr_##n), .fields = fields_##n, \
	  .nr_fields = sizeof(fields_##n) / sizeof(fields_##n[0]),
#define FR_AUX(f, k, d) .aux_name = #f, .aux_kind = #k, .aux_doc = d,
#define FR_FIELD(t, f, k, u, d)
#define FR_CHARS(l, f, d)
#define FR_BYTES(l, f, k, d)
#define FR_TAIL(lf, f, k, d) \
	.tail_len = #lf, .tail_name = #f, .tail_kind = #k, .tail_doc = d,
#define FR_END(n) },
#include <flightrec/events.def>
#include <flightrec/undef.h>
};

const struct fr_call_name fr_calls[] = {
#define FR_CALL(i, n, o, ...) \
	{ .id = i, .call = #n, .op = #o, \
	  .info = { __VA_ARGS__ } },
#define FR_CALL32 FR_CALL
#include <flightrec/calls.def>
#undef FR_CALL
#undef FR_CALL32
};
/* clang-format on */

#define NR_SCHEMAS (sizeof(schemas) / sizeof(schemas[0]))
const unsigned fr_nr_calls = sizeof(fr_calls) / sizeof(fr_calls[0]);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint32_t layout_hash;

static void hash_bytes(const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len--)
		layout_hash = (layout_hash ^ *p++) * 16777619u; /* FNV-1a */
}

static void hash_text(const char *text)
{
	if (text)
		hash_bytes(text, strlen(text) + 1);
}

/* A field's offset is the sum of the widths before it: event.h proves that
 * no struct has holes. */
static void schemas_init(void)
{
	const uint32_t shape[] = { FR_RING_VERSION, FR_CHUNK_BYTES,
				   sizeof(struct fr_ring_head) };

	layout_hash = 2166136261u;
	hash_bytes(shape, sizeof(shape));
	for (unsigned i = 0; i < NR_SCHEMAS; i++) {
		uint16_t offset = 2 * sizeof(uint64_t);

		for (unsigned j = 0; j < schemas[i].nr_fields; j++) {
			/* the tables are ours until this function returns */
			struct fr_field *f =
				(struct fr_field *)(uintptr_t)&schemas[i]
					.fields[j];

			f->offset = offset;
			offset += f->width;
			hash_text(f->name);
			hash_text(f->kind);
			hash_bytes(&f->width, sizeof(f->width));
		}
		hash_text(schemas[i].name);
		hash_text(schemas[i].aux_kind);
		hash_bytes(&schemas[i].type, 1);
		if (!schemas[i].aux_name)
			schemas[i].aux_name = schemas[i].aux_kind =
				schemas[i].aux_doc = "";
	}
}

/* ---- streams.def ---------------------------------------------------------- */
const char *fr_lane_name(unsigned lane)
{
	static const char *const names[FR_LANES_MAX] = {
#define FR_LANE(id, number, name, ring, weight, doc) [number] = #name,
#include <flightrec/streams.def>
#undef FR_LANE
	};

	return lane < FR_LANES_MAX ? names[lane] : NULL;
}

const struct fr_stream *fr_streams(unsigned *ret_nr)
{
	static const struct fr_stream all[] = {
#define FR_STREAM(id, number, name, lane, profile, doc) \
	{ number, #name, FR_LANE_##lane, FR_PROFILE_##profile, doc },
#include <flightrec/streams.def>
#undef FR_STREAM
	};

	*ret_nr = sizeof(all) / sizeof(all[0]);
	return all;
}

const struct fr_schema *fr_schemas(unsigned *ret_nr)
{
	pthread_once(&once, schemas_init);
	if (ret_nr)
		*ret_nr = NR_SCHEMAS;
	return schemas;
}

const struct fr_schema *fr_schema_by_type(unsigned type)
{
	const struct fr_schema *all = fr_schemas(NULL);

	for (unsigned i = 0; i < NR_SCHEMAS; i++)
		if (all[i].type == type)
			return &all[i];
	return NULL;
}

const struct fr_schema *fr_schema_by_name(const char *name)
{
	const struct fr_schema *all = fr_schemas(NULL);

	for (unsigned i = 0; i < NR_SCHEMAS; i++)
		if (!strcmp(all[i].name, name))
			return &all[i];
	return NULL;
}

uint32_t fr_layout_hash(void)
{
	pthread_once(&once, schemas_init);
	return layout_hash;
}
