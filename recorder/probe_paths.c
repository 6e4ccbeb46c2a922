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
#include <stdlib.h>
#include <string.h>

#include "dump/path_parts.h"
#include "dump/ring_read.h"
#include "dump/schema.h"
#include "triggers/look.h"

#define FLAG_CUT        1u /* of name_path and name_str */
#define FLAG_UNREADABLE 2u /* of name_str */
#define FLAG_NO_PATH    4u /* of name_path */
#define NO_PKEY         0xffff

/* Names that the paths of one operation may be made of. */
enum part {
	PART_FILE,
	PART_ASKED,
	PART_DIR,
	PART_ASKED2,
	PART_DIR2,
	PARTS
};

struct job {
	const struct ring_view *v;
	struct fr_inflight *entries; /* LOOK_PATHS_MAX */
	struct probe_name *names;    /* PARTS for each */
	struct probe_name_record record;
	uint8_t copy[FR_CHUNK_BYTES + FR_RECORD_BYTES_MAX]
		__attribute__((aligned(8)));
};
_Static_assert(PARTS *LOOK_PATHS_MAX <= PROBE_NAMES_MAX, "in one pass");

/* How many bytes there are behind a record's struct, of the ${aux} it speaks of. */
static size_t tail_len(const struct probe_name_record *r, size_t fixed)
{
	size_t most = r->len > fixed ? r->len - fixed : 0;

	return r->aux < most ? r->aux : most;
}

/* The path of a file; 0: not known whole, or it has none. */
static size_t path_at(struct job *j, const struct probe_name *name,
		      char buf[LOOK_PATH_MAX])
{
	const struct probe_name_record *r = &j->record;
	struct fr_name_path fixed;
	size_t n;

	if (!probe_names_get(j->v, name, j->copy, &j->record) ||
	    r->len < sizeof(fixed))
		return 0;
	memcpy(&fixed, r->bytes, sizeof(fixed));
	if (fixed.flags & (FLAG_CUT | FLAG_NO_PATH))
		return 0;
	n = path_parts_join(buf, LOOK_PATH_MAX,
			    (const char *)r->bytes + sizeof(fixed),
			    tail_len(r, sizeof(fixed)), false);
	return n < LOOK_PATH_MAX ? n : 0;
}

/* What was asked for; 0: not known whole. */
static size_t asked_text(struct job *j, const struct probe_name *name,
			 char buf[LOOK_PATH_MAX])
{
	const struct probe_name_record *r = &j->record;
	struct fr_name_str fixed;
	size_t n;

	if (!probe_names_get(j->v, name, j->copy, &j->record) ||
	    r->len < sizeof(fixed))
		return 0;
	memcpy(&fixed, r->bytes, sizeof(fixed));
	n = tail_len(r, sizeof(fixed));
	if (fixed.flags & (FLAG_CUT | FLAG_UNREADABLE) || n >= LOOK_PATH_MAX)
		return 0;
	memcpy(buf, r->bytes + sizeof(fixed), n);
	return n;
}

/* As a whole; 0: not known.  A text that is relative to nothing (symlink) has no
 * directory. */
static size_t asked_path(struct job *j, const struct probe_name *asked,
			 const struct probe_name *dir, char buf[LOOK_PATH_MAX])
{
	char text[LOOK_PATH_MAX];
	size_t len = asked_text(j, asked, text), n;

	if (!len)
		return 0;
	if (text[0] == '/') {
		memcpy(buf, text, len);
		return len;
	}
	n = path_at(j, dir, buf);
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

static struct probe_name file_name(uint64_t ino, uint32_t dev, uint16_t pkey)
{
	return (struct probe_name){ .type = pkey == NO_PKEY ? 0 :
							      FR_T_name_path,
				    .id = ino,
				    .dev = dev,
				    .pkey = pkey };
}

static struct probe_name asked_name(uint64_t hash)
{
	return (struct probe_name){
		.type = !hash || hash == ~0ull ? 0 : FR_T_name_str, .id = hash
	};
}

/* Which names an operation's paths are made of. */
static void want(const struct fr_inflight *e, struct probe_name names[PARTS])
{
	const struct fr_call_info *ci = info_of(e);

	if (!ci || e->stream != FR_STREAM_FS)
		return;
	if (ci->cls < FR_CLS_PATH || e->pkey != NO_PKEY) {
		names[PART_FILE] = file_name(e->ino, e->dev, e->pkey);
		return;
	}
	if (ci->path) {
		names[PART_ASKED] = asked_name(e->asked);
		names[PART_DIR] =
			file_name(e->dir_ino, e->dir_dev, e->dir_pkey);
	}
	if (ci->path2) {
		names[PART_ASKED2] = asked_name(e->asked2);
		names[PART_DIR2] =
			file_name(e->dir2_ino, e->dir2_dev, e->dir2_pkey);
	}
}

static void add(struct look_paths *ret, size_t len)
{
	if (!len)
		return;
	ret->text[ret->nr][len] = '\0';
	ret->nr++;
}

static void put_together(struct job *j, const struct probe_name names[PARTS],
			 struct look_paths *ret)
{
	if (names[PART_FILE].type)
		add(ret, path_at(j, &names[PART_FILE], ret->text[0]));
	if (names[PART_ASKED].type)
		add(ret, asked_path(j, &names[PART_ASKED], &names[PART_DIR],
				    ret->text[ret->nr]));
	if (names[PART_ASKED2].type)
		add(ret, asked_path(j, &names[PART_ASKED2], &names[PART_DIR2],
				    ret->text[ret->nr]));
}

static struct job *new_job(const struct ring_view *v)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->v = v;
	j->entries = calloc(LOOK_PATHS_MAX, sizeof(*j->entries));
	j->names = calloc(PARTS * LOOK_PATHS_MAX, sizeof(*j->names));
	return j;
}

static void free_job(struct job *j)
{
	if (!j)
		return;
	free(j->entries);
	free(j->names);
	free(j);
}

void probes_paths(void *probes, const struct look_op *ops, unsigned nr,
		  struct look_paths *ret)
{
	struct probes *p = probes;
	struct ring_view v;
	struct job *j;
	size_t bytes;
	void *ring = probes_ring(p, &bytes);

	for (unsigned i = 0; i < nr; i++) {
		ret[i].known = false;
		ret[i].nr = 0;
	}
	j = ring_view_init(&v, ring, bytes, 0) < 0 ? NULL : new_job(&v);
	if (!j || !j->entries || !j->names || nr > LOOK_PATHS_MAX)
		goto out;
	for (unsigned i = 0; i < nr; i++) {
		ret[i].known = probe_scan_entry(p, &ops[i], &j->entries[i]);
		if (ret[i].known)
			want(&j->entries[i], &j->names[i * PARTS]);
	}
	if (probe_names_locate(&v, j->names, nr * PARTS) < 0)
		for (unsigned i = 0; i < nr; i++)
			ret[i].known = false;
	for (unsigned i = 0; i < nr; i++)
		if (ret[i].known)
			put_together(j, &j->names[i * PARTS], &ret[i]);
out:
	free_job(j);
}
