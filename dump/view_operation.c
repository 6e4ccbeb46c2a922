/* SPDX-License-Identifier: GPL-2.0-or-later */
/* view_operation.c - which of the operations that rules name a row is. */
#include <flightrec/shared.h>
#include <string.h>

#include "dump/view_impl.h"

#define REQ_OP_MASK 0xff

static bool stream_number(const struct view_cursor *c, uint32_t *ret)
{
	const char *name = c->v->streams[c->block->layout->stream];
	unsigned nr;
	const struct fr_stream *all = fr_streams(&nr);

	for (unsigned i = 0; i < nr; i++) {
		if (strcmp(all[i].name, name) != 0)
			continue;
		*ret = all[i].number;
		return true;
	}
	return false;
}

/* As bpf/block.bpf.c has it. */
static uint32_t block_key(uint64_t cmd_flags)
{
	switch (cmd_flags & REQ_OP_MASK) {
	case 0:
		return FR_KEY_BLOCK_READ;
	case 1:
		return FR_KEY_BLOCK_WRITE;
	case 2:
		return FR_KEY_BLOCK_FLUSH;
	case 3:
		return FR_KEY_BLOCK_DISCARD;
	default:
		return FR_KEY_BLOCK_OTHER;
	}
}

static uint32_t stream_by_kind(struct view_cursor *c)
{
	const struct fr_call_name *call;

	if (c->block->layout->role[ROLE_REQ] != SRC_NONE)
		return FR_STREAM_BLOCK;
	call = view_call(c);
	return call && call->info.cls >= FR_CLS_STREAM ?
		       (uint32_t)call->info.cls - FR_CLS_STREAM :
		       FR_STREAM_FS;
}

static bool find_key(struct view_cursor *c, uint32_t stream, uint32_t *ret)
{
	const struct view_layout *l = c->block->layout;
	const struct fr_call_name *call;
	uint64_t flags;

	if (stream == FR_STREAM_URING || stream == FR_STREAM_FAULT) {
		*ret = stream == FR_STREAM_URING ? FR_KEY_URING : FR_KEY_FAULT;
		return true;
	}
	if (l->role[ROLE_REQ] != SRC_NONE) {
		if (!view_raw(c->block, l->role[ROLE_REQ], c->row, &flags))
			return false;
		*ret = block_key(flags);
		return true;
	}
	call = view_call(c);
	if (!call)
		return false;
	*ret = call->id;
	return true;
}

static uint32_t find_dev(struct view_cursor *c, int src)
{
	uint64_t dev;

	return view_captured(c->block, src, c->row, &dev) ? (uint32_t)dev : ~0u;
}

static int partition_field(const struct fr_schema *s)
{
	for (int i = 0; i < s->nr_fields; i++)
		if (!strcmp(s->fields[i].name, "part_dev"))
			return i;
	return SRC_NONE;
}

bool view_get_operation(struct view_cursor *c, struct view_operation *ret)
{
	const struct view_layout *l = c->block->layout;
	struct view_operation op = { .dev = ~0u };

	if (l->use != USE_ROWS)
		return false;
	/* rows of what is in flight are of another stream */
	if (!stream_number(c, &op.stream))
		op.stream = stream_by_kind(c);
	if (!find_key(c, op.stream, &op.key))
		return false;
	if (l->role[ROLE_DEV] != SRC_NONE)
		op.dev = find_dev(c, l->role[ROLE_DEV]);
	op.dev2 = find_dev(c, partition_field(l->schema));
	if (op.dev2 == ~0u)
		op.dev2 = op.dev;
	*ret = op;
	return true;
}
