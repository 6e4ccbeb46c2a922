/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot_read.c - opens a snapshot by its index or, failing that, by scanning. */
#include "dump/snapshot_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "dump/snapshot_block.h"
#include "dump/snapshot_open.h"

#define READ_DAMAGE_BYTES 65536 /* of text; more is summed up */
#define READ_WINDOW       65536 /* of a scan */

/* ---- damage --------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void
read_note(struct snap *s, const char *fmt, ...)
{
	char line[300];
	va_list args;
	size_t len;
	char *text;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	len = strlen(line);
	if (s->damage_len + len + 2 > READ_DAMAGE_BYTES)
		return; /* tens of thousands of bytes of bad news suffice */
	text = realloc(s->damage, s->damage_len + len + 2);
	if (!text)
		return;
	s->damage = text;
	if (s->damage_len)
		text[s->damage_len++] = '\n';
	memcpy(text + s->damage_len, line, len + 1);
	s->damage_len += len;
}

static const char *read_kind_name(unsigned kind)
{
	static const char *const names[] = {
		"unknown part", "schema",   "table of calls", "facts",
		"rows",         "coverage", "gaps",           "index",
	};

	return names[kind < sizeof(names) / sizeof(names[0]) ? kind : 0];
}

static void read_note_frame(struct snap *s, struct read_frame *r,
			    const char *what)
{
	const struct fr_schema *schema = s->tables.by_type[r->f.type & 0xff];

	if (r->reported)
		return;
	r->reported = 1;
	if (r->f.kind == SNAP_KIND_ROWS)
		read_note(s, "%u rows of %s at byte %llu: %s", r->f.rows,
			  schema ? schema->name : "unknown type",
			  (unsigned long long)r->f.offset, what);
	else
		read_note(s, "%s at byte %llu: %s", read_kind_name(r->f.kind),
			  (unsigned long long)r->f.offset, what);
}

/* ---- bytes ---------------------------------------------------------------- */

/* All ${len} bytes or -EBADMSG: the file may have become shorter. */
static int read_at(struct snap *s, uint64_t offset, void *buf, size_t len)
{
	char *p = buf;

	while (len) {
		ssize_t n = pread(s->fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EBADMSG;
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int read_frame_at(struct snap *s, uint64_t offset,
			 struct snap_frame *ret)
{
	uint8_t head[SNAP_FRAME_BYTES];
	struct snap_frame f;

	if (s->bytes < SNAP_FRAME_BYTES ||
	    offset > s->bytes - SNAP_FRAME_BYTES ||
	    read_at(s, offset, head, sizeof(head)) ||
	    snap_frame_get(head, &f) || f.offset != offset)
		return -EBADMSG;
	*ret = f;
	return 0;
}

static int read_fits(const struct snap *s, const struct snap_frame *f)
{
	return f->stored_bytes <= s->bytes - f->offset - SNAP_FRAME_BYTES;
}

/* Decompressed, into memory the caller owns.  raw_bytes was bounded by
 * snap_frame_get(), stored_bytes by the file. */
static int read_inflate(struct snap *s, const struct snap_frame *f,
			uint8_t *stored, uint8_t **ret_raw)
{
	uint8_t *raw;
	size_t len;

	raw = malloc(f->raw_bytes + 1u);
	if (!raw)
		return -ENOMEM;
	if (f->flags & SNAP_FLAG_ZSTD) {
		len = ZSTD_decompressDCtx(s->zstd, raw, f->raw_bytes, stored,
					  f->stored_bytes);
	} else {
		len = f->stored_bytes;
		if (len == f->raw_bytes)
			memcpy(raw, stored, len);
	}
	if (len != f->raw_bytes) {
		free(raw);
		return -EBADMSG;
	}
	*ret_raw = raw;
	return 0;
}

/* The payload as it is stored, whole; else notes the damage.  0, -EBADMSG,
 * -ENOMEM. */
static int read_stored(struct snap *s, struct read_frame *r, uint8_t **ret)
{
	const struct snap_frame *f = &r->f;
	struct snap_frame again;
	const char *what = NULL;

	*ret = NULL;
	if (read_frame_at(s, f->offset, &again) ||
	    memcmp(&again, f, sizeof(again)))
		read_note_frame(s, r, "its header is damaged");
	if (!read_fits(s, f)) {
		read_note_frame(s, r, "cut off");
		return -EBADMSG;
	}
	*ret = malloc(f->stored_bytes + 1u);
	if (!*ret)
		return -ENOMEM;
	if (read_at(s, f->offset + SNAP_FRAME_BYTES, *ret, f->stored_bytes))
		what = "cannot be read";
	else if (snap_crc(*ret, f->stored_bytes) != f->payload_crc)
		what = "checksum does not fit, left out";
	else if (f->flags & ~SNAP_FLAG_ZSTD)
		what = "needs a newer reader";
	if (what)
		read_note_frame(s, r, what);
	return what ? -EBADMSG : 0;
}

/* Notes damage.  0, -EBADMSG, -ENOMEM. */
static int read_payload(struct snap *s, struct read_frame *r, uint8_t **ret_raw)
{
	uint8_t *stored;
	int err = read_stored(s, r, &stored);

	if (!err) {
		err = read_inflate(s, &r->f, stored, ret_raw);
		if (err == -EBADMSG)
			read_note_frame(s, r, "does not decompress, left out");
	}
	free(stored);
	return err;
}

/* ---- which frames there are ----------------------------------------------- */

static int read_add_frame(struct snap *s, const struct snap_frame *f)
{
	struct read_frame *list = s->frames;

	if (!(s->nr_frames & (s->nr_frames - 1))) {
		size_t nr = s->nr_frames ? 2u * s->nr_frames : 1u;

		list = realloc(list, nr * sizeof(*list));
		if (!list)
			return -ENOMEM;
		s->frames = list;
	}
	list[s->nr_frames++] = (struct read_frame){ .f = *f };
	return 0;
}

/* Headers of all frames from the head of the file up to ${end}, without a gap. */
static int read_index_entries(struct snap *s, const uint8_t *raw, size_t len,
			      uint64_t end)
{
	uint64_t at = SNAP_HEAD_BYTES;
	int err = len % SNAP_FRAME_BYTES ? -EBADMSG : 0;

	for (size_t i = 0; !err && i < len; i += SNAP_FRAME_BYTES) {
		struct snap_frame f;

		if (snap_frame_get(raw + i, &f) || f.offset != at ||
		    at + SNAP_FRAME_BYTES + f.stored_bytes > end)
			return -EBADMSG;
		at += SNAP_FRAME_BYTES + f.stored_bytes;
		err = read_add_frame(s, &f);
	}
	return !err && at != end ? -EBADMSG : err;
}

static int read_index(struct snap *s)
{
	uint8_t trailer[SNAP_TRAILER_BYTES];
	struct read_frame r = { .reported = 1 };
	uint64_t index, bytes;
	uint8_t *raw = NULL;
	int err;

	if (s->bytes < SNAP_HEAD_BYTES + SNAP_FRAME_BYTES + sizeof(trailer) ||
	    read_at(s, s->bytes - sizeof(trailer), trailer, sizeof(trailer)) ||
	    snap_trailer_get(trailer, &index, &bytes) || bytes != s->bytes ||
	    read_frame_at(s, index, &r.f) || r.f.kind != SNAP_KIND_INDEX ||
	    !read_fits(s, &r.f) ||
	    index + SNAP_FRAME_BYTES + r.f.stored_bytes + sizeof(trailer) !=
		    bytes)
		return -EBADMSG;
	err = read_payload(s, &r, &raw);
	if (!err)
		err = read_index_entries(s, raw, r.f.raw_bytes, index);
	free(raw);
	if (err)
		s->nr_frames = 0;
	s->complete = !err;
	return err;
}

/* Where the next frame begins at or behind ${from}; s->bytes: nowhere. */
static uint64_t read_find_frame(struct snap *s, uint64_t from)
{
	uint8_t window[READ_WINDOW], magic[8];
	struct snap_frame f;

	snap_put_int(magic, SNAP_FRAME_MAGIC, 8);
	while (from < s->bytes && s->bytes - from >= SNAP_FRAME_BYTES) {
		size_t len = sizeof(window);
		uint8_t *hit = window;

		if (len > s->bytes - from)
			len = (size_t)(s->bytes - from);
		if (read_at(s, from, window, len))
			return s->bytes;
		for (;; hit++) {
			hit = memmem(hit, (size_t)(window + len - hit), magic,
				     sizeof(magic));
			if (!hit)
				break;
			if (!read_frame_at(s, from + (uint64_t)(hit - window),
					   &f))
				return f.offset;
		}
		/* a magic may lie across two windows */
		from += len - (sizeof(magic) - 1);
	}
	return s->bytes;
}

/* What lies behind the last frame: a trailer, or the rest of a cut file. */
static int read_is_trailer(struct snap *s, uint64_t at)
{
	uint8_t trailer[SNAP_TRAILER_BYTES];
	uint64_t index, bytes;

	return s->bytes - at == sizeof(trailer) &&
	       !read_at(s, at, trailer, sizeof(trailer)) &&
	       !snap_trailer_get(trailer, &index, &bytes);
}

static int read_scan(struct snap *s)
{
	uint64_t at = SNAP_HEAD_BYTES, next;
	struct snap_frame f;
	int err = 0;

	while (!err && at < s->bytes && !read_is_trailer(s, at)) {
		if (read_frame_at(s, at, &f)) {
			next = read_find_frame(s, at + 1);
			read_note(s, "bytes %llu to %llu: no whole part",
				  (unsigned long long)at,
				  (unsigned long long)next);
			at = next;
			continue;
		}
		if (!read_fits(&*s, &f)) {
			struct read_frame r = { .f = f };

			read_note_frame(s, &r, "cut off");
			/* parts of the same file cannot follow its end */
			break;
		}
		if (f.kind != SNAP_KIND_INDEX)
			err = read_add_frame(s, &f);
		at += SNAP_FRAME_BYTES + f.stored_bytes;
	}
	return err;
}

/* ---- tables --------------------------------------------------------------- */

static int read_table(struct snap *s, struct read_frame *r)
{
	static int (*const get[])(struct snap_tables *, uint8_t *, size_t) = {
		[SNAP_KIND_SCHEMA] = tables_get_schema,
		[SNAP_KIND_CALLS] = tables_get_calls,
		[SNAP_KIND_FACTS] = tables_get_facts,
		[SNAP_KIND_COVERAGE] = tables_get_coverage,
		[SNAP_KIND_GAPS] = tables_get_gaps,
	};
	unsigned kind = r->f.kind;
	uint8_t *raw = NULL;
	int err;

	if (kind == SNAP_KIND_ROWS)
		return 0;
	err = read_payload(s, r, &raw);
	if (err)
		return err == -ENOMEM ? err : 0;
	if (kind >= sizeof(get) / sizeof(get[0]) || !get[kind]) {
		free(raw); /* of a newer writer */
		return 0;
	}
	err = get[kind](&s->tables, raw, r->f.raw_bytes);
	if (err == -EBADMSG)
		read_note_frame(s, r, "contradicts itself, left out");
	return err == -ENOMEM ? err : 0;
}

static int read_add_block(struct snap *s, unsigned frame)
{
	struct read_frame *r = &s->frames[frame];
	const struct snap_frame *f = &r->f;

	if (f->kind != SNAP_KIND_ROWS)
		return 0;
	if (f->type > 255 || !s->tables.by_type[f->type] || !f->rows) {
		read_note_frame(s, r, "not in the schema, left out");
		return 0;
	}
	s->blocks[s->nr_blocks] = frame;
	s->infos[s->nr_blocks++] = (struct snap_block_info){
		.type = f->type,
		.rows = f->rows,
		.min_ts = f->min_ts,
		.max_end = f->max_end,
		.raw_bytes = f->raw_bytes,
		.stored_bytes = SNAP_FRAME_BYTES + f->stored_bytes,
	};
	return 0;
}

static int read_tables(struct snap *s)
{
	int err = 0;

	for (unsigned i = 0; !err && i < s->nr_frames; i++)
		err = read_table(s, &s->frames[i]);
	if (err)
		return err;
	s->blocks = calloc(s->nr_frames + 1u, sizeof(*s->blocks));
	s->infos = calloc(s->nr_frames + 1u, sizeof(*s->infos));
	if (!s->blocks || !s->infos)
		return -ENOMEM;
	for (unsigned i = 0; i < s->nr_frames; i++)
		read_add_block(s, i);
	return s->tables.schemas ? 0 : -EBADMSG;
}

/* ---- open and close ------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static int
read_refuse(struct snap_diag *diag, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(diag->text, sizeof(diag->text), fmt, args);
	va_end(args);
	return err;
}

static int read_open(struct snap *s, const char *path, struct snap_diag *diag)
{
	struct stat st;

	/* a fifo must not hold us up */
	s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (s->fd < 0 || fstat(s->fd, &st)) {
		int err = errno;

		return read_refuse(diag, -err, "%s: %s", path, strerror(err));
	}
	if (!S_ISREG(st.st_mode))
		return read_refuse(diag, -EBADMSG,
				   "%s: not a snapshot: not a regular file",
				   path);
	s->bytes = (uint64_t)st.st_size;
	return 0;
}

/* A damaged head is forgiven if a whole frame follows it. */
static int read_head(struct snap *s, const char *path, struct snap_diag *diag)
{
	uint8_t head[SNAP_HEAD_BYTES];
	struct snap_frame f;
	unsigned major = 0;
	int err = -EBADMSG;

	if (s->bytes >= sizeof(head) && !read_at(s, 0, head, sizeof(head)))
		err = snap_head_get(head, &major);
	if (err == -ENOTSUP)
		return read_refuse(diag, -EBADMSG,
				   "%s: format %u, this flightrec reads up to "
				   "%u: use a newer one",
				   path, major, SNAP_MAJOR);
	if (!err)
		return 0;
	if (read_frame_at(s, SNAP_HEAD_BYTES, &f))
		return read_refuse(diag, -EBADMSG, "%s: not a snapshot%s", path,
				   s->bytes ? "" : ": empty file");
	read_note(s, "head at byte 0: checksum does not fit");
	return 0;
}

static int read_all(struct snap *s, const char *path, struct snap_diag *diag)
{
	int err;

	s->zstd = ZSTD_createDCtx();
	if (!s->zstd)
		return read_refuse(diag, -ENOMEM, "%s: out of memory", path);
	err = read_open(s, path, diag);
	if (!err)
		err = read_head(s, path, diag);
	if (err)
		return err;
	err = read_index(s);
	if (err == -EBADMSG) {
		read_note(s, "no whole index at the end: the file was cut, "
			     "damaged or never finished; scanned instead");
		err = read_scan(s);
	}
	if (!err)
		err = read_tables(s);
	if (err == -EBADMSG)
		read_refuse(diag, err, "%s: no whole schema in it", path);
	else if (err)
		read_refuse(diag, err, "%s: %s", path, strerror(-err));
	return err;
}

struct snap *snap_open(const char *path, struct snap_diag *diag)
{
	struct snap *s = calloc(1, sizeof(*s));
	int err;

	if (!s) {
		read_refuse(diag, -ENOMEM, "%s: out of memory", path);
		errno = ENOMEM;
		return NULL;
	}
	s->fd = -1;
	err = read_all(s, path, diag);
	if (err) {
		snap_close(s);
		errno = -err;
		return NULL;
	}
	return s;
}

void snap_close(struct snap *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	tables_free(&s->tables);
	free(s->frames);
	free(s->blocks);
	free(s->infos);
	free(s->damage);
	ZSTD_freeDCtx(s->zstd);
	column_work_free(s->work);
	free(s);
}

/* ---- blocks ---------------------------------------------------------------- */

struct snap_block *snap_read_block(struct snap *s, unsigned i)
{
	struct snap_block *block;
	struct read_frame *r;
	uint8_t *raw = NULL;
	int err;

	if (i >= s->nr_blocks) {
		errno = EBADMSG;
		return NULL;
	}
	r = &s->frames[s->blocks[i]];
	if (!s->work)
		s->work = column_work_new(SNAP_ROWS_MAX);
	err = s->work ? read_payload(s, r, &raw) : -ENOMEM;
	if (err) {
		errno = -err;
		return NULL;
	}
	block = block_decode(s->tables.by_type[r->f.type], s->work, raw,
			     r->f.raw_bytes, r->f.rows);
	if (!block && errno == EBADMSG)
		read_note_frame(s, r, "contradicts itself, left out");
	return block;
}

int snap_check_block(struct snap *s, unsigned i)
{
	uint8_t *stored;
	int err;

	if (i >= s->nr_blocks)
		return -EBADMSG;
	err = read_stored(s, &s->frames[s->blocks[i]], &stored);
	free(stored);
	return err;
}
