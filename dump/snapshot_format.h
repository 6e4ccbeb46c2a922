/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot_format.h - the bytes of a snapshot file; flightrec-snapshot(5) is its
 * prose.  Included by the writer and the reader only.
 *
 *   head (64) | frame | frame | ... | frame of kind INDEX | trailer (32)
 *   frame: header (64) | payload, one zstd frame
 *
 * Frames follow each other without gaps.  Every number is little-endian; structs
 * here are what the bytes mean, snap_*_put/get are the bytes.
 */
#ifndef DUMP_SNAPSHOT_FORMAT_H
#define DUMP_SNAPSHOT_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define SNAP_FILE_MAGIC    0x31504e5352544c46ULL /* "FLTRSNP1" */
#define SNAP_FRAME_MAGIC   0x0a4d524652464e1bULL /* "\x1bNFRFRM\n" */
#define SNAP_TRAILER_MAGIC 0x0a444e4552544c46ULL /* "FLTREND\n" */
#define SNAP_MAJOR         1 /* readers refuse files with a larger one */
#define SNAP_MINOR         0

#define SNAP_HEAD_BYTES       64
#define SNAP_FRAME_BYTES      64
#define SNAP_TRAILER_BYTES    32
#define SNAP_COLUMN_BYTES     36 /* descriptor of a column */
#define SNAP_BLOCK_HEAD_BYTES 8

/* What no frame exceeds; readers refuse more without allocating it. */
#define SNAP_RAW_MAX     (64u << 20)
#define SNAP_ROWS_MAX    65536u
#define SNAP_COLUMNS_MAX 512u

enum snap_kind { /* of a frame; append only, readers skip the unknown */
	SNAP_KIND_SCHEMA = 1,
	SNAP_KIND_CALLS = 2,
	SNAP_KIND_FACTS = 3,
	SNAP_KIND_ROWS = 4,
	SNAP_KIND_COVERAGE = 5,
	SNAP_KIND_GAPS = 6,
	SNAP_KIND_INDEX = 7,
};

#define SNAP_FLAG_ZSTD 1u /* the payload is a zstd frame, else as is */

struct snap_frame {
	uint64_t offset; /* of this header in the file */
	uint16_t kind;
	uint16_t type; /* of the records, for ROWS */
	uint32_t flags;
	uint32_t stored_bytes; /* of the payload in the file */
	uint32_t raw_bytes;    /* and decompressed */
	uint32_t rows;
	uint32_t payload_crc;     /* CRC-32 of the stored payload */
	uint64_t min_ts, max_end; /* ns; 0 but for ROWS */
};

/* Ids of columns: fields count from 0 in the order of the schema. */
enum snap_column_id {
	SNAP_COL_TS = 0x8000,
	SNAP_COL_SEQ = 0x8001,
	SNAP_COL_LANE = 0x8002,
	SNAP_COL_CPU = 0x8003,
	SNAP_COL_AUX = 0x8004,
	SNAP_COL_TAIL = 0x8005, /* lengths of the tails */
	SNAP_COL_TEXT = 0x4000, /* bit: bytes of a char field or of the tails */
	SNAP_COL_NONE = 0xffff,
};

struct snap_column_head {
	uint16_t id;
	uint8_t pred, planes; /* column.h */
	uint16_t a, b, c;     /* ids of columns referred to, or SNAP_COL_NONE */
	uint32_t exceptions;
	uint32_t bytes;
	uint64_t base, step;
};

static inline uint8_t *snap_put_int(uint8_t *p, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> (8 * i));
	return p + bytes;
}

static inline uint64_t snap_get_int(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

/* Of zlib: polynomial 0xedb88320, reflected, start and end complemented. */
uint32_t snap_crc(const void *data, size_t len);

/* 64 bytes, checksum included. */
void snap_frame_put(uint8_t *p, const struct snap_frame *f);
/* 0; -EBADMSG: magic, checksum or limits are wrong. */
int snap_frame_get(const uint8_t *p, struct snap_frame *ret);
/* The head of the file: 64 bytes.  get: -EBADMSG, or -ENOTSUP: a newer major
 * version, in *ret_major. */
void snap_head_put(uint8_t *p, uint32_t layout_hash);
int snap_head_get(const uint8_t *p, unsigned *ret_major);
/* 32 bytes; index: offset of the index frame. */
void snap_trailer_put(uint8_t *p, uint64_t index, uint64_t file_bytes);
int snap_trailer_get(const uint8_t *p, uint64_t *ret_index,
		     uint64_t *ret_file_bytes);
/* SNAP_COLUMN_BYTES; the checksum of the frame covers it. */
void snap_column_put(uint8_t *p, const struct snap_column_head *c);
void snap_column_get(const uint8_t *p, struct snap_column_head *ret);

#endif
