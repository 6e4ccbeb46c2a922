/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot_format.c - the fixed parts of a snapshot file, to and from bytes. */
#include "dump/snapshot_format.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

uint32_t snap_crc(const void *data, size_t len)
{
	return (uint32_t)crc32_z(crc32_z(0, NULL, 0), data, len);
}

void snap_frame_put(uint8_t *p, const struct snap_frame *f)
{
	uint8_t *at = p;

	at = snap_put_int(at, SNAP_FRAME_MAGIC, 8);
	at = snap_put_int(at, f->offset, 8);
	at = snap_put_int(at, f->kind, 2);
	at = snap_put_int(at, f->type, 2);
	at = snap_put_int(at, f->flags, 4);
	at = snap_put_int(at, f->stored_bytes, 4);
	at = snap_put_int(at, f->raw_bytes, 4);
	at = snap_put_int(at, f->rows, 4);
	at = snap_put_int(at, f->payload_crc, 4);
	at = snap_put_int(at, f->min_ts, 8);
	at = snap_put_int(at, f->max_end, 8);
	at = snap_put_int(at, 0, 4);
	snap_put_int(at, snap_crc(p, 60), 4);
}

int snap_frame_get(const uint8_t *p, struct snap_frame *ret)
{
	struct snap_frame f;

	if (snap_get_int(p, 8) != SNAP_FRAME_MAGIC ||
	    snap_get_int(p + 60, 4) != snap_crc(p, 60))
		return -EBADMSG;
	f.offset = snap_get_int(p + 8, 8);
	f.kind = (uint16_t)snap_get_int(p + 16, 2);
	f.type = (uint16_t)snap_get_int(p + 18, 2);
	f.flags = (uint32_t)snap_get_int(p + 20, 4);
	f.stored_bytes = (uint32_t)snap_get_int(p + 24, 4);
	f.raw_bytes = (uint32_t)snap_get_int(p + 28, 4);
	f.rows = (uint32_t)snap_get_int(p + 32, 4);
	f.payload_crc = (uint32_t)snap_get_int(p + 36, 4);
	f.min_ts = snap_get_int(p + 40, 8);
	f.max_end = snap_get_int(p + 48, 8);
	if (f.raw_bytes > SNAP_RAW_MAX || f.rows > SNAP_ROWS_MAX)
		return -EBADMSG;
	*ret = f;
	return 0;
}

void snap_head_put(uint8_t *p, uint32_t layout_hash)
{
	memset(p, 0, SNAP_HEAD_BYTES);
	snap_put_int(p, SNAP_FILE_MAGIC, 8);
	snap_put_int(p + 8, SNAP_MAJOR, 2);
	snap_put_int(p + 10, SNAP_MINOR, 2);
	snap_put_int(p + 12, SNAP_HEAD_BYTES, 4);
	snap_put_int(p + 16, layout_hash, 4);
	snap_put_int(p + 60, snap_crc(p, 60), 4);
}

int snap_head_get(const uint8_t *p, unsigned *ret_major)
{
	*ret_major = (unsigned)snap_get_int(p + 8, 2);
	if (snap_get_int(p, 8) != SNAP_FILE_MAGIC ||
	    snap_get_int(p + 60, 4) != snap_crc(p, 60) ||
	    snap_get_int(p + 12, 4) != SNAP_HEAD_BYTES)
		return -EBADMSG;
	return *ret_major > SNAP_MAJOR ? -ENOTSUP : 0;
}

void snap_trailer_put(uint8_t *p, uint64_t index, uint64_t file_bytes)
{
	snap_put_int(p, SNAP_TRAILER_MAGIC, 8);
	snap_put_int(p + 8, index, 8);
	snap_put_int(p + 16, file_bytes, 8);
	snap_put_int(p + 24, 0, 4);
	snap_put_int(p + 28, snap_crc(p, 28), 4);
}

int snap_trailer_get(const uint8_t *p, uint64_t *ret_index,
		     uint64_t *ret_file_bytes)
{
	if (snap_get_int(p, 8) != SNAP_TRAILER_MAGIC ||
	    snap_get_int(p + 28, 4) != snap_crc(p, 28))
		return -EBADMSG;
	*ret_index = snap_get_int(p + 8, 8);
	*ret_file_bytes = snap_get_int(p + 16, 8);
	return 0;
}

void snap_column_put(uint8_t *p, const struct snap_column_head *c)
{
	p = snap_put_int(p, c->id, 2);
	p = snap_put_int(p, c->pred, 1);
	p = snap_put_int(p, c->planes, 1);
	p = snap_put_int(p, c->a, 2);
	p = snap_put_int(p, c->b, 2);
	p = snap_put_int(p, c->c, 2);
	p = snap_put_int(p, 0, 2);
	p = snap_put_int(p, c->exceptions, 4);
	p = snap_put_int(p, c->bytes, 4);
	p = snap_put_int(p, c->base, 8);
	snap_put_int(p, c->step, 8);
}

void snap_column_get(const uint8_t *p, struct snap_column_head *ret)
{
	ret->id = (uint16_t)snap_get_int(p, 2);
	ret->pred = p[2];
	ret->planes = p[3];
	ret->a = (uint16_t)snap_get_int(p + 4, 2);
	ret->b = (uint16_t)snap_get_int(p + 6, 2);
	ret->c = (uint16_t)snap_get_int(p + 8, 2);
	ret->exceptions = (uint32_t)snap_get_int(p + 12, 4);
	ret->bytes = (uint32_t)snap_get_int(p + 16, 4);
	ret->base = snap_get_int(p + 20, 8);
	ret->step = snap_get_int(p + 28, 8);
}
