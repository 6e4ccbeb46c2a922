/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe_paths.c - the paths of an operation in flight, as readers print them: that of
 * its file, else what the program asked for, behind the directory it was relative to.
 *
 * From the names lane.  Asking the process would be simpler, but its memory may be
 * paged out to the very disk that hangs, and whoever asks would hang with it.
 */
#include "recorder/probe_internal.h"
#include "recorder/probe_names.h"

#include <flightrec/event.h>
#include <stdio.h>
#include <string.h>

#include "dump/path_parts.h"
#include "dump/ring_read.h"
#include "dump/schema.h"
#include "triggers/look.h"

#define FLAG_CUT        1u /* of name_path and name_str */
#define FLAG_UNREADABLE 2u /* of name_str */
#define FLAG_NO_PATH    4u /* of name_path */
#define NO_PKEY         0xffff

struct place { /* of a file */
	uint64_t ino;
	uint32_t dev;
	uint16_t pkey;
};

/* How many bytes there are behind a record's struct, of the ${aux} it speaks of. */
static size_t tail_len(const struct probe_name_record *r, size_t fixed)
{
	size_t most = r->len > fixed ? r->len - fixed : 0;

	return r->aux < most ? r->aux : most;
}

/* Its path; 0: not known whole, or it has none. */
static size_t path_at(const struct ring_view *v, const struct place *at,
		      char buf[LOOK_PATH_MAX])
{
	struct probe_name name = { .type = FR_T_name_path,
				   .ino = at->ino,
				   .dev = at->dev,
				   .pkey = at->pkey };
	struct probe_name_record r;
	struct fr_name_path fixed;
	size_t n;

	if (at->pkey == NO_PKEY || !probe_names_find(v, &name, &r) ||
	    r.len < sizeof(fixed))
		return 0;
	memcpy(&fixed, r.bytes, sizeof(fixed));
	if (fixed.flags & (FLAG_CUT | FLAG_NO_PATH))
		return 0;
	n = path_parts_join(buf, LOOK_PATH_MAX,
			    (const char *)r.bytes + sizeof(fixed),
			    tail_len(&r, sizeof(fixed)), false);
	return n < LOOK_PATH_MAX ? n : 0;
}

/* What was asked for; 0: not known whole. */
static size_t asked_text(const struct ring_view *v, uint64_t hash,
			 char buf[LOOK_PATH_MAX])
{
	struct probe_name name = { .type = FR_T_name_str, .hash = hash };
	struct probe_name_record r;
	struct fr_name_str fixed;
	size_t n;

	if (!hash || hash == ~0ull || !probe_names_find(v, &name, &r) ||
	    r.len < sizeof(fixed))
		return 0;
	memcpy(&fixed, r.bytes, sizeof(fixed));
	n = tail_len(&r, sizeof(fixed));
	if (fixed.flags & (FLAG_CUT | FLAG_UNREADABLE) || n >= LOOK_PATH_MAX)
		return 0;
	memcpy(buf, r.bytes + sizeof(fixed), n);
	return n;
}

/* As a whole: 0: not known. */
static size_t asked_path(const struct ring_view *v, uint64_t hash,
			 const struct place *dir, char buf[LOOK_PATH_MAX])
{
	char text[LOOK_PATH_MAX];
	size_t len = asked_text(v, hash, text), n;

	if (!len)
		return 0;
	if (text[0] == '/') {
		memcpy(buf, text, len);
		return len;
	}
	n = path_at(v, dir, buf);
	if (!n || n + 1 + len >= LOOK_PATH_MAX)
		return 0;
	if (n > 1) /* the root ends with its own */
		buf[n++] = '/';
	memcpy(buf + n, text, len);
	return n + len;
}

static const struct fr_call_info *info_of(const struct fr_inflight *e)
{
	for (unsigned i = 0; i < fr_nr_calls; i++)
		if (fr_calls[i].id == (e->call & 0xff))
			return &fr_calls[i].info;
	return NULL;
}

static void add(struct look_paths *ret, size_t len)
{
	if (!len)
		return;
	ret->text[ret->nr][len] = '\0';
	ret->nr++;
}

void probe_paths_of(const struct ring_view *v, const struct fr_inflight *e,
		    struct look_paths *ret)
{
	struct place file = { e->ino, e->dev, e->pkey };
	struct place dir = { e->dir_ino, e->dir_dev, e->dir_pkey };
	struct place dir2 = { e->dir2_ino, e->dir2_dev, e->dir2_pkey };
	const struct fr_call_info *ci = info_of(e);

	ret->nr = 0;
	if (!ci || e->stream != FR_STREAM_FS)
		return;
	if (ci->cls < FR_CLS_PATH || e->pkey != NO_PKEY) {
		add(ret, path_at(v, &file, ret->text[0]));
		return;
	}
	/* a text that is relative to nothing (symlink) has no directory noted */
	if (ci->path)
		add(ret, asked_path(v, e->asked, &dir, ret->text[ret->nr]));
	if (ci->path2)
		add(ret, asked_path(v, e->asked2, &dir2, ret->text[ret->nr]));
}

void probes_paths(void *probes, const struct look_op *op,
		  struct look_paths *ret)
{
	struct probes *p = probes;
	struct ring_view v;
	struct fr_inflight e;
	size_t bytes;
	void *ring = probes_ring(p, &bytes);

	ret->nr = 0;
	if (!probe_scan_entry(p, op, &e) ||
	    ring_view_init(&v, ring, bytes, 0) < 0)
		return;
	probe_paths_of(&v, &e, ret);
}
