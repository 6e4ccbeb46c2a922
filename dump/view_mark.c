/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * view_mark.c - column mark: which texts of the row are not whole, as words
 * with | between them.
 *
 *   path_ path2_ asked_ asked2_   of what
 *   cut          longer than is recorded: a path lacks its beginning, what was
 *                asked for lacks its end
 *   unreadable   the program's memory could not be read
 *   gone         its name record was overwritten or lost
 *   args_cut env_cut   arguments, environment
 *   wrapped      and of samples: the counter began again at 0, as it does when it
 *                is full
 *   reset        it went backwards for another reason: how far it went since the
 *                row before, nobody knows
 *   end_unseen   and of block requests: the kernel did not show their completion
 */
#include <flightrec/block_entry.h>
#include <string.h>

#include "dump/view_impl.h"
#include "triggers/counter_step.h"

#define MARK_MAX 256

static void add(char *mark, const char *text, const char *word)
{
	size_t used = strlen(mark);

	snprintf(mark + used, MARK_MAX - used, "%s%s%s", used ? "|" : "", text,
		 word);
}

static void add_state(char *mark, const char *text, unsigned state)
{
	if (state & VIEW_CUT)
		add(mark, text, "_cut");
	if (state & VIEW_UNREADABLE)
		add(mark, text, "_unreadable");
	if (state & VIEW_GONE)
		add(mark, text, "_gone");
}

/* No string, because the call is about a descriptor. */
static bool is_descriptor_call(struct view_cursor *c)
{
	const struct fr_call_name *call = view_call(c);
	uint64_t ino;

	return call && !(call->info.props & FR_CP_NEWFD) &&
	       view_captured(c->block, c->block->layout->role[ROLE_INO], c->row,
			     &ino);
}

/* Of the file found, or else of the folder that the path starts at. */
static unsigned path_state(struct view_cursor *c)
{
	const int *r = c->block->layout->role;
	uint64_t pkey;

	if (r[ROLE_DIRINO] == SRC_NONE ||
	    view_captured(c->block, r[ROLE_PKEY], c->row, &pkey))
		return view_path_state(c, r[ROLE_DEV], r[ROLE_INO],
				       r[ROLE_PKEY]);
	return view_path_state(c, r[ROLE_DIRDEV], r[ROLE_DIRINO],
			       r[ROLE_DIRPKEY]);
}

static unsigned asked_state(struct view_cursor *c, int src)
{
	unsigned state = view_string_state(c, src);

	return state == VIEW_UNREADABLE && is_descriptor_call(c) ? 0 : state;
}

static bool is_cut(struct view_cursor *c)
{
	const struct fr_schema *s = c->block->b->schema;
	uint64_t total;
	const char *text;
	size_t len = 0;

	view_bytes(c->block, SRC_TAIL, c->row, &text, &len);
	for (int i = 0; i < s->nr_fields; i++) {
		if (strcmp(s->fields[i].name, "args_total") &&
		    strcmp(s->fields[i].name, "cut"))
			continue;
		if (!view_raw(c->block, i, c->row, &total))
			return false;
		return s->fields[i].name[0] == 'c' ? total : total > len;
	}
	return false;
}

/* A block request whose completion the kernel did not show the recorder. */
static bool end_unseen(struct view_cursor *c)
{
	const struct fr_schema *s = c->block->b->schema;
	uint64_t flags;

	if (s->type != FR_T_block)
		return false;
	for (int i = 0; i < s->nr_fields; i++)
		if (!strcmp(s->fields[i].name, "req_flags"))
			return view_raw(c->block, i, c->row, &flags) &&
			       flags & FR_REQ_NO_END;
	return false;
}

const char *view_row_mark(struct view_cursor *c)
{
	const struct view_layout *l = c->block->layout;
	char *mark = view_text_room(c, MARK_MAX);
	const int *r = l->role;

	if (c->block->layout->use == USE_VALUES)
		return c->block->marks ?
			       counter_mark_name(c->block->marks[c->value]) :
			       NULL;
	if (end_unseen(c))
		add(mark, "end", "_unseen");
	add_state(mark, "path", path_state(c));
	if (r[ROLE_DIRINO2] != SRC_NONE)
		add_state(mark, "path2",
			  view_path_state(c, r[ROLE_DIRDEV2], r[ROLE_DIRINO2],
					  r[ROLE_DIRPKEY2]));
	if (r[ROLE_HASH] != SRC_NONE)
		add_state(mark, "asked", asked_state(c, r[ROLE_HASH]));
	if (r[ROLE_HASH2] != SRC_NONE)
		add_state(mark, "asked2", view_string_state(c, r[ROLE_HASH2]));
	if (!l->schema->tail_kind || !is_cut(c))
		return mark[0] ? mark : NULL;
	add(mark, !strcmp(l->schema->name, "proc_env") ? "env" : "args",
	    "_cut");
	return mark;
}
