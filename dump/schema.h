/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * schema.h - events.def and calls.def as data.
 *
 * The writer embeds these tables in each snapshot; readers use the tables of
 * the file they read (struct snap_schema in snapshot_read.h has the same shape),
 * so that they can show records newer than themselves.
 */
#ifndef DUMP_SCHEMA_H
#define DUMP_SCHEMA_H

#include <flightrec/calls.h>
#include <flightrec/event.h>
#include <stddef.h>
#include <stdint.h>

struct fr_field {
	const char *name; /* column */
	const char *kind; /* as in events.def: "NS", "DEV", ... */
	const char *unit; /* "" if none */
	const char *doc;
	uint16_t offset; /* in the logical record */
	uint16_t width;  /* bytes: 1, 2, 4, 8; chars: their number */
	uint8_t is_signed;
	uint8_t is_chars;
};

struct fr_schema {
	const char *name;   /* of the record: "fs_io" */
	const char *stream; /* "fs" */
	const char *doc;
	uint8_t type;
	uint16_t bytes; /* sizeof the struct, head and ts included */
	/* The aux bits of the head, "" if unused */
	const char *aux_name, *aux_kind, *aux_doc;
	/* The tail, NULL if none; its length is the field or aux tail_len. */
	const char *tail_name, *tail_kind, *tail_len, *tail_doc;
	uint16_t nr_fields;
	const struct fr_field *fields; /* without head and ts */
};

/* All of them, in the order of events.def; *ret_nr says how many. */
const struct fr_schema *fr_schemas(unsigned *ret_nr);

/* NULL if there is none. */
const struct fr_schema *fr_schema_by_type(unsigned type);
const struct fr_schema *fr_schema_by_name(const char *name);

struct fr_call_name {
	uint8_t id;       /* aux of fs records, without FR_CALL_COMPAT */
	const char *call; /* "pread64" */
	const char *op;   /* "read" */
	struct fr_call_info info; /* calls.h */
};
extern const struct fr_call_name fr_calls[];
extern const unsigned fr_nr_calls;

/* streams.def.  NULL: no such lane. */
const char *fr_lane_name(unsigned lane);
enum fr_profile {
	FR_PROFILE_MINIMAL,
	FR_PROFILE_DEFAULT,
	FR_PROFILE_DEEP
};
struct fr_stream {
	unsigned number; /* enum fr_stream_id */
	const char *name;
	unsigned lane;
	enum fr_profile profile; /* the least one that records it */
	const char *doc;
};
const struct fr_stream *fr_streams(unsigned *ret_nr);

/* Hash of every layout above; in the ring head and in each snapshot. */
uint32_t fr_layout_hash(void);

#endif
