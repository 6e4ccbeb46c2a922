/* SPDX-License-Identifier: GPL-2.0-or-later */
/* view_names.c - indexes the name records of all files. */
#include <stdio.h>
#include <string.h>

#include "dump/view_impl.h"

#define TID_BORN(tid, born) ((uint64_t)(tid) << 16 | ((born)&0xffff))
#define PKEY_UNKNOWN        0xffffu /* all ones: not captured */
#define DEV_PKEY(dev, pkey) ((uint64_t)(dev) << 16 | ((pkey)&0xffff))

static uint64_t raw_or_0(const struct view_block *b, enum view_role role,
			 uint32_t row)
{
	uint64_t value = 0;

	view_raw(b, b->layout->role[role], row, &value);
	return value;
}

static int add_path(struct view *v, struct join_entry *e,
		    const struct view_block *b, uint32_t row)
{
	int r;

	e->a = raw_or_0(b, ROLE_INO, row);
	e->b = DEV_PKEY(raw_or_0(b, ROLE_DEV, row),
			raw_or_0(b, ROLE_PKEY, row));
	r = join_add(&v->paths, e);
	if (r)
		return r;
	e->b = DEV_PKEY(raw_or_0(b, ROLE_DEV, row), PKEY_UNKNOWN);
	return join_add(&v->inodes, e);
}

static int add_string(struct view *v, struct join_entry *e,
		      const struct view_block *b, uint32_t row)
{
	e->a = raw_or_0(b, ROLE_HASH, row);
	e->b = 0;
	return join_add(&v->strings, e);
}

/* Twice: as itself, and for threads of its process that have no record.  There
 * the leader's own record is the one to find: it gets key b = 1. */
static int add_proc(struct view *v, struct join_entry *e,
		    const struct view_block *b, uint32_t row)
{
	uint64_t pid = raw_or_0(b, ROLE_PID, row);
	uint64_t tid = raw_or_0(b, ROLE_TID, row);
	uint64_t born = raw_or_0(b, ROLE_BORN, row);
	int r;

	e->a = pid;
	e->b = TID_BORN(tid, born);
	r = join_add(&v->procs, e);
	if (r)
		return r;
	e->a = TID_BORN(pid, born);
	e->b = tid == pid;
	return join_add(&v->leaders, e);
}

static int add_metric(struct view *v, struct join_entry *e,
		      const struct view_block *b, uint32_t row)
{
	e->a = raw_or_0(b, ROLE_METRIC, row);
	e->b = 0;
	return join_add(&v->metrics, e);
}

static int add_row(struct view *v, unsigned block, uint32_t row)
{
	const struct view_block *b = &v->blocks[block];
	struct join_entry e = { .ts = b->b->ts[row],
				.source = v->files[b->file].source,
				.block = block,
				.row = row };

	switch (b->layout->use) {
	case USE_PATHS:
		return add_path(v, &e, b, row);
	case USE_STRINGS:
		return add_string(v, &e, b, row);
	case USE_PROCS:
		return add_proc(v, &e, b, row);
	case USE_METRICS:
		return add_metric(v, &e, b, row);
	default:
		return 0;
	}
}

int view_names_build(struct view *v)
{
	struct join *all[] = { &v->paths, &v->inodes,  &v->strings,
			       &v->procs, &v->leaders, &v->metrics };
	int r;

	for (unsigned i = 0; i < v->nr_blocks; i++) {
		for (uint32_t row = 0; row < v->blocks[i].b->rows; row++) {
			r = add_row(v, i, row);
			if (r)
				return r;
		}
	}
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		r = join_build(all[i]);
		if (r)
			return r;
	}
	return 0;
}

const struct join_entry *view_find_path(struct view_cursor *c, uint64_t dev,
					uint64_t ino, uint64_t pkey)
{
	/* a block request knows the inode, not by which name it was opened */
	const struct join *names =
		pkey == PKEY_UNKNOWN ? &c->v->inodes : &c->v->paths;

	return join_find(names, c->file->source, ino, DEV_PKEY(dev, pkey),
			 c->end_ns);
}

const struct join_entry *view_find_proc(struct view_cursor *c)
{
	const struct view_layout *l = c->block->layout;
	uint64_t pid, tid, born;
	uint32_t source = c->file->source;
	const struct join *leaders = &c->v->leaders;

	if (c->proc_known)
		return c->proc;
	c->proc_known = true;
	c->proc = c->thread = NULL;
	if (!view_captured(c->block, l->role[ROLE_PID], c->row, &pid) ||
	    !view_raw(c->block, l->role[ROLE_BORN], c->row, &born))
		return NULL;
	if (!view_captured(c->block, l->role[ROLE_TID], c->row, &tid))
		tid = pid;
	c->proc = join_find(&c->v->procs, source, pid, TID_BORN(tid, born),
			    c->end_ns);
	if (!c->proc)
		c->proc = join_find(leaders, source, TID_BORN(pid, born), 1,
				    c->end_ns);
	c->thread = c->proc;
	if (!c->proc)
		c->proc = join_find(leaders, source, TID_BORN(pid, born), 0,
				    c->end_ns);
	return c->proc;
}

bool view_get_process_comm(struct view_cursor *c, char *buf, size_t size)
{
	const struct view_layout *l = c->block->layout;
	const struct join_entry *e = NULL;
	const struct view_block *b;
	uint64_t pid, born;
	const char *text;
	size_t len;

	if (view_captured(c->block, l->role[ROLE_PID], c->row, &pid) &&
	    view_raw(c->block, l->role[ROLE_BORN], c->row, &born))
		e = join_find(&c->v->leaders, c->file->source,
			      TID_BORN(pid, born), 1, c->end_ns);
	b = e ? &c->v->blocks[e->block] : NULL;
	for (int i = 0; b && i < b->layout->schema->nr_fields; i++) {
		if (!b->layout->schema->fields[i].is_chars ||
		    !view_bytes(b, i, e->row, &text, &len))
			continue;
		snprintf(buf, size, "%.*s", (int)strnlen(text, len), text);
		return true;
	}
	return view_get_text(c, VIEW_COMM, buf, size);
}

bool view_proc_u64(struct view_cursor *c, const char *field, uint64_t *ret)
{
	const struct join_entry *e = view_find_proc(c);
	const struct view_block *b;
	const struct fr_schema *s;

	if (!e)
		return false;
	b = &c->v->blocks[e->block];
	s = b->layout->schema;
	for (unsigned i = 0; i < s->nr_fields; i++)
		if (!strcmp(s->fields[i].name, field))
			return view_captured(b, (int)i, e->row, ret);
	return false;
}
