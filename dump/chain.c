/* SPDX-License-Identifier: GPL-2.0-or-later */
/* chain.c - from an operation on a file to the block requests it waited for. */
#include "dump/chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *chain_why_word(enum chain_why why)
{
	static const char *const words[] = { "none",       "thread", "inode",
					     "filesystem", "device", "other" };

	return words[why];
}

/* "8:3" -> dev_t, as records have it. */
static uint64_t get_dev(struct view_cursor *c, unsigned column)
{
	char text[32], *end;
	unsigned long major, minor;

	if (column == VIEW_NO_COLUMN ||
	    !view_get_text(c, column, text, sizeof(text)))
		return CHAIN_NO_VALUE;
	major = strtoul(text, &end, 10);
	if (end == text || *end != ':')
		return CHAIN_NO_VALUE;
	minor = strtoul(end + 1, NULL, 10);
	return (uint64_t)major << 20 | minor;
}

static uint64_t get_u64(struct view_cursor *c, unsigned column)
{
	uint64_t value = CHAIN_NO_VALUE;

	if (column != VIEW_NO_COLUMN)
		view_get_u64(c, column, &value);
	return value;
}

/* Files of one recorder have the same number: the first of them. */
static unsigned source_of(const struct view *v, unsigned file)
{
	const char *mine = snap_fact(view_snap(v, file), "instance");

	for (unsigned i = 0; mine && i < file; i++) {
		const char *theirs = snap_fact(view_snap(v, i), "instance");

		if (theirs && !strcmp(mine, theirs))
			return i;
	}
	return file;
}

static void get_request(struct chain *ch, struct chain_request *r, size_t row,
			uint64_t dur)
{
	struct view_cursor *c = ch->c;
	char text[24];

	*r = (struct chain_request){ .row = row };
	view_get_u64(c, VIEW_TS, &r->ts);
	r->end = r->ts + dur < r->ts ? UINT64_MAX : r->ts + dur;
	r->queue_dur = get_u64(c, ch->queue_dur);
	r->tid = get_u64(c, VIEW_TID);
	r->ino = get_u64(c, VIEW_INO);
	r->dev = get_dev(c, VIEW_DEV);
	r->part_dev = get_dev(c, ch->part_dev);
	r->file_dev = get_dev(c, ch->file_dev);
	r->source = source_of(ch->v, view_row_file(c));
	view_get_text(c, VIEW_OP, text, sizeof(text));
	r->flush = !strcmp(text, "flush");
	view_get_text(c, VIEW_COMM, text, sizeof(text));
	r->journal = !strncmp(text, "jbd2/", 5);
	if (dur > ch->longest)
		ch->longest = dur;
}

int chain_init(struct chain *ch, struct view *v)
{
	size_t rows = view_nr_rows(v);
	uint64_t dur;

	*ch = (struct chain){ .v = v, .c = view_cursor_new(v) };
	ch->block = view_find_stream(v, "block");
	ch->queue_dur = view_find_column(v, "queue_dur");
	ch->part_dev = view_find_column(v, "part_dev");
	ch->file_dev = view_find_column(v, "file_dev");
	if (!ch->c)
		return -ENOMEM;
	for (size_t i = 0; i < rows; i++) {
		view_seek(ch->c, i);
		ch->nr += view_row_stream(ch->c) == ch->block;
	}
	ch->requests = calloc(ch->nr + 1, sizeof(*ch->requests));
	if (!ch->requests)
		return -ENOMEM;
	ch->nr = 0;
	for (size_t i = 0; i < rows; i++) {
		view_seek(ch->c, i);
		if (view_row_stream(ch->c) == ch->block &&
		    view_get_u64(ch->c, VIEW_DUR, &dur))
			get_request(ch, &ch->requests[ch->nr++], i, dur);
	}
	return 0;
}

void chain_free(struct chain *ch)
{
	view_cursor_free(ch->c);
	free(ch->requests);
	*ch = (struct chain){ 0 };
}

static bool is_one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(word, *list))
			return true;
	return false;
}

bool chain_get_op(struct chain *ch, struct view_cursor *c, size_t row,
		  struct chain_op *ret)
{
	static const char *const waits[] = { "fsync", "fdatasync", "sync",
					     "msync", NULL };
	uint64_t dur;
	char op[24];

	if (view_row_stream(c) == ch->block || !view_get_u64(c, VIEW_DUR, &dur))
		return false;
	*ret = (struct chain_op){ .row = row };
	view_get_u64(c, VIEW_TS, &ret->ts);
	ret->end = ret->ts + dur < ret->ts ? UINT64_MAX : ret->ts + dur;
	ret->tid = get_u64(c, VIEW_TID);
	ret->ino = get_u64(c, VIEW_INO);
	ret->dev = get_dev(c, VIEW_DEV);
	ret->source = source_of(ch->v, view_row_file(c));
	view_get_text(c, VIEW_OP, op, sizeof(op));
	ret->waits_for_device = is_one_of(op, waits);
	ret->all_files = !strcmp(op, "sync");
	return true;
}

/* ---- which requests --------------------------------------------------------------- */
static bool overlaps(const struct chain_request *r, const struct chain_op *op)
{
	return r->source == op->source && r->ts <= op->end && r->end >= op->ts;
}

/* Sent to the block device that the file system lies on. */
static bool on_device(const struct chain_request *r, uint64_t dev)
{
	return r->part_dev == dev ||
	       (r->part_dev == CHAIN_NO_VALUE && r->dev == dev) ||
	       r->file_dev == dev;
}

/* The first request that can overlap: they are sorted by their beginning. */
static size_t first_of(const struct chain *ch, const struct chain_op *op)
{
	uint64_t from = op->ts > ch->longest ? op->ts - ch->longest : 0;
	size_t low = 0, high = ch->nr;

	if (view_nr_files(ch->v) > 1)
		return 0; /* clocks may differ */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ch->requests[mid].ts < from)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The disks below a file system, whose flushes it waits for. */
struct disks {
	uint64_t dev[16];
	unsigned nr;
};

static bool disks_have(const struct disks *d, uint64_t dev)
{
	for (unsigned i = 0; i < d->nr; i++)
		if (d->dev[i] == dev)
			return true;
	return false;
}

static void find_disks(const struct chain *ch, const struct chain_op *op,
		       struct disks *ret)
{
	ret->nr = 0;
	for (size_t i = 0; i < ch->nr && ret->nr < 16; i++) {
		const struct chain_request *r = &ch->requests[i];

		if (r->source == op->source && on_device(r, op->dev) &&
		    !disks_have(ret, r->dev))
			ret->dev[ret->nr++] = r->dev;
	}
}

static enum chain_why why_of(const struct chain_request *r,
			     const struct chain_op *op, const struct disks *d)
{
	bool everywhere = op->all_files && op->dev == CHAIN_NO_VALUE;
	bool here = everywhere || on_device(r, op->dev);

	if (r->tid == op->tid)
		return CHAIN_THREAD;
	if (op->ino != CHAIN_NO_VALUE && r->ino == op->ino &&
	    r->file_dev == op->dev)
		return CHAIN_INODE;
	if (!op->waits_for_device)
		return disks_have(d, r->dev) ? CHAIN_OTHER : CHAIN_NONE;
	if (op->all_files && here)
		return CHAIN_FILESYSTEM;
	if (r->flush && (everywhere || disks_have(d, r->dev)))
		return CHAIN_DEVICE;
	if (here && (r->journal || r->file_dev != op->dev))
		return CHAIN_DEVICE;
	return disks_have(d, r->dev) ? CHAIN_OTHER : CHAIN_NONE;
}

/* How much of the operation at least one of the links was under way; they are
 * sorted by their beginning. */
static uint64_t covered(const struct chain_op *op, const struct chain_links *l)
{
	uint64_t sum = 0, upto = op->ts;

	for (size_t i = 0; i < l->nr; i++) {
		const struct chain_request *r = l->links[i].request;
		uint64_t begin = r->ts > upto ? r->ts : upto;
		uint64_t end = r->end < op->end ? r->end : op->end;

		if (end <= begin)
			continue;
		sum += end - begin;
		upto = end;
	}
	return sum;
}

int chain_follow(const struct chain *ch, const struct chain_op *op,
		 struct chain_links *ret)
{
	size_t first = first_of(ch, op), size = 0;
	struct disks disks;

	*ret = (struct chain_links){ 0 };
	find_disks(ch, op, &disks);
	for (size_t i = first; i < ch->nr; i++)
		size += overlaps(&ch->requests[i], op);
	ret->links = calloc(size + 1, sizeof(*ret->links));
	if (!ret->links)
		return -ENOMEM;
	for (size_t i = first; i < ch->nr; i++) {
		const struct chain_request *r = &ch->requests[i];
		enum chain_why why =
			overlaps(r, op) ? why_of(r, op, &disks) : CHAIN_NONE;

		if (why == CHAIN_OTHER)
			ret->nr_others++;
		else if (why != CHAIN_NONE)
			ret->links[ret->nr++] = (struct chain_link){ r, why };
	}
	ret->explained_ns = covered(op, ret);
	return 0;
}
