/* SPDX-License-Identifier: GPL-2.0-or-later */
/* view_hist.c - what the columns of a histogram show. */
#include <string.h>

#include "dump/hist_counts.h"
#include "dump/view_impl.h"

static bool hist_key(struct view_cursor *c, uint64_t *ret)
{
	return view_raw(c->block, c->block->layout->role[ROLE_HISTKEY], c->row,
			ret);
}

static const char *stream_of(uint64_t key)
{
	unsigned nr;
	const struct fr_stream *all = fr_streams(&nr);

	for (unsigned i = 0; i < nr; i++)
		if (all[i].number == key >> 8)
			return all[i].name;
	return NULL;
}

/* read and its kin on a socket are called as the rows of net are. */
static const char *net_op(const char *op)
{
	if (!strcmp(op, "read"))
		return "receive";
	return strcmp(op, "write") ? op : "send";
}

const char *view_hist_op(struct view_cursor *c)
{
	const struct fr_call_name *call;
	uint64_t key;

	if (!hist_key(c, &key))
		return NULL;
	if (hist_key_op(key & 0xff))
		return hist_key_op(key & 0xff);
	call = view_call(c);
	if (!call)
		return "unknown";
	return key >> 8 == FR_STREAM_NET ? net_op(call->op) : call->op;
}

static bool add_tail(struct view_cursor *c, uint64_t *counts)
{
	const char *packed;
	size_t len;

	return !strcmp(c->block->layout->schema->tail_kind, "BUCKETS") &&
	       view_bytes(c->block, SRC_TAIL, c->row, &packed, &len) &&
	       !hist_unpack((const uint8_t *)packed, len, counts);
}

/* A row of a histogram has no path: its room serves. */
static void get_buckets(struct view_cursor *c, struct view_value *ret)
{
	uint64_t counts[FR_HIST_BUCKETS] = { 0 };

	if (!add_tail(c, counts))
		return;
	ret->len = hist_text(counts, c->path, VIEW_TEXT_MAX);
	ret->text = c->path;
	ret->type = VIEW_STRING;
}

void view_hist_get(struct view_cursor *c, int src, struct view_value *ret)
{
	uint64_t key;

	if (src == SRC_BUCKETS)
		get_buckets(c, ret);
	else if (hist_key(c, &key) && (key & 0xff) != FR_HIST_ANY &&
		 stream_of(key))
		view_set_text(ret, stream_of(key));
}

bool view_hist_operation(struct view_cursor *c, uint32_t *ret_stream,
			 uint32_t *ret_key)
{
	uint64_t key;

	if (!hist_key(c, &key))
		return false;
	*ret_stream = (uint32_t)(key >> 8);
	*ret_key = (uint32_t)(key & 0xff);
	return true;
}

bool view_add_hist(struct view_cursor *c, uint64_t *counts, bool *ret_whole)
{
	unsigned whole = view_find_column(c->v, "whole");
	uint64_t key, is_whole = 0;

	if (!hist_key(c, &key) || !c->block->layout->schema->tail_name ||
	    !add_tail(c, counts))
		return false;
	if (whole != VIEW_NO_COLUMN)
		view_get_u64(c, whole, &is_whole);
	*ret_whole = is_whole != 0;
	return true;
}
