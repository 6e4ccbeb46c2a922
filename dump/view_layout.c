/* SPDX-License-Identifier: GPL-2.0-or-later */
/* view_layout.c - which field of a record type feeds which column. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/view_impl.h"

static const char *const role_kinds[ROLES] = {
	[ROLE_CALL] = "CALL",
	[ROLE_RET] = "RET",
	[ROLE_BLKERR] = "BLKERR",
	[ROLE_REQ] = "REQ",
	[ROLE_PID] = "PID",
	[ROLE_TID] = "TID",
	[ROLE_BORN] = "BORN",
	[ROLE_DEV] = "DEV",
	[ROLE_FILEDEV] = "FILEDEV",
	[ROLE_INO] = "INO",
	[ROLE_PKEY] = "PKEY",
	[ROLE_HASH] = "HASH",
	[ROLE_DIRINO] = "DIRINO",
	[ROLE_DIRDEV] = "DIRDEV",
	[ROLE_DIRPKEY] = "DIRPKEY",
	[ROLE_HASH2] = "HASH2",
	[ROLE_DIRINO2] = "DIRINO2",
	[ROLE_DIRDEV2] = "DIRDEV2",
	[ROLE_DIRPKEY2] = "DIRPKEY2",
	[ROLE_METRIC] = "METRIC",
	[ROLE_UID] = "UID",
	[ROLE_CGROUP] = "CGROUP",
	[ROLE_PPID] = "PPID",
	[ROLE_FD] = "FD",
	[ROLE_OFFSET] = "OFFSET",
	[ROLE_FLAGS] = "FLAGS",
	[ROLE_CPU] = "CPU",
	[ROLE_MOVED] = "MOVED",
	[ROLE_META] = "ENUM_META",
	[ROLE_WEIGHT] = "WEIGHT",
	[ROLE_MODE] = "MODE",
	[ROLE_DIRECTION] = "DIRECTION",
	[ROLE_CACHEKIND] = "CACHEKIND",
	[ROLE_FAULTKIND] = "FAULTKIND",
	[ROLE_URINGOP] = "URINGOP",
	[ROLE_DROPKIND] = "DROPKIND",
	[ROLE_HISTKEY] = "HISTKEY",
	[ROLE_SOCKLEVEL] = "SOCKLEVEL",
	[ROLE_SOCKOPT] = "SOCKOPT",
	[ROLE_VALUELEN] = "VALUELEN",
	[ROLE_COMMLEN] = "COMMLEN",
	[ROLE_CGROUPLEN] = "CGROUPLEN",
	[ROLE_AF] = "AF",
	[ROLE_END] = "",
};

/* Fixed columns that take the first field of a kind, whatever its name. */
static const struct {
	enum view_role role;
	enum view_column column;
} kind_columns[] = {
	{ ROLE_PID, VIEW_PID },       { ROLE_TID, VIEW_TID },
	{ ROLE_PPID, VIEW_PPID },     { ROLE_UID, VIEW_UID },
	{ ROLE_CGROUP, VIEW_CGROUP }, { ROLE_CPU, VIEW_CPU },
	{ ROLE_FD, VIEW_FD },         { ROLE_DEV, VIEW_DEV },
	{ ROLE_INO, VIEW_INO },       { ROLE_OFFSET, VIEW_OFFSET },
	{ ROLE_FLAGS, VIEW_FLAGS },   { ROLE_RET, VIEW_RET },
	{ ROLE_MOVED, VIEW_MOVED },   { ROLE_WEIGHT, VIEW_WEIGHT },
};

/* Kinds that only joins need, or that mean nothing by themselves. */
static bool kind_is_hidden(const char *kind)
{
	static const char *const hidden[] = {
		"SPARE",     "MASKED",    "BORN",     "PKEY",      "DIRPKEY",
		"DIRPKEY2",  "PARTS",     "RECORD",   "VALUES",    "CALL",
		"BLKERR",    "SEQ",       "LANE",     "COMMLEN",   "CGROUPLEN",
		"CACHEKIND", "FAULTKIND", "DROPKIND", "STATEPROC", "STATEFACT",
		"STATEPATH", "HISTKEY",   "BUCKETS",  "ROWS",      NULL,
	};

	for (unsigned i = 0; hidden[i]; i++)
		if (!strcmp(kind, hidden[i]))
			return true;
	return false;
}

int view_intern_stream(struct view *v, const char *name)
{
	char *copy;

	for (unsigned i = 0; i < v->nr_streams; i++)
		if (!strcmp(v->streams[i], name))
			return (int)i;
	if (v->nr_streams == VIEW_STREAMS_MAX)
		return -EINVAL;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	v->streams[v->nr_streams] = copy;
	return (int)v->nr_streams++;
}

static unsigned intern_column(struct view *v, const char *name, unsigned stream)
{
	unsigned column = view_find_column(v, name);
	char *copy;

	if (column == VIEW_NO_COLUMN) {
		if (v->nr_extra == VIEW_COLUMNS_MAX)
			return VIEW_NO_COLUMN;
		copy = strdup(name);
		if (!copy)
			return VIEW_NO_COLUMN;
		v->columns[v->nr_extra] = copy;
		column = VIEW_FIXED_COLUMNS + v->nr_extra++;
	}
	if (column >= VIEW_FIXED_COLUMNS)
		v->column_streams[column - VIEW_FIXED_COLUMNS] |= 1u << stream;
	return column;
}

static int layout_source(const struct view_layout *l, unsigned column)
{
	for (unsigned i = 0; i < l->nr_columns; i++)
		if (l->columns[i].column == column)
			return l->columns[i].src;
	return SRC_NONE;
}

static void layout_put(struct view_layout *l, unsigned column, int src)
{
	if (column == VIEW_NO_COLUMN || l->nr_columns == VIEW_FIELDS_MAX ||
	    layout_source(l, column) != SRC_NONE)
		return;
	l->columns[l->nr_columns].column = column;
	l->columns[l->nr_columns++].src = src;
}

static void find_roles(struct view_layout *l)
{
	const struct fr_schema *s = l->schema;

	for (unsigned r = 0; r < ROLES; r++) {
		l->role[r] = SRC_NONE;
		if (!role_kinds[r][0])
			continue;
		for (unsigned i = 0; i < s->nr_fields; i++) {
			if (!strcmp(s->fields[i].kind, role_kinds[r])) {
				l->role[r] = (int)i;
				break;
			}
		}
		if (l->role[r] == SRC_NONE && s->aux_name[0] &&
		    !strcmp(s->aux_kind, role_kinds[r]))
			l->role[r] = SRC_AUX;
	}
	for (unsigned i = 0; i < s->nr_fields; i++)
		if (!strcmp(s->fields[i].name, "dur") ||
		    (!strcmp(s->fields[i].name, "age") &&
		     l->role[ROLE_END] == SRC_NONE))
			l->role[ROLE_END] = (int)i;
}

static bool tail_is(const struct fr_schema *s, const char *kind)
{
	return s->tail_name && !strcmp(s->tail_kind, kind);
}

static bool has_chars(const struct fr_schema *s)
{
	for (unsigned i = 0; i < s->nr_fields; i++)
		if (s->fields[i].is_chars)
			return true;
	return false;
}

/* By what the record consists of: a name is a key and a text. */
static enum view_use find_use(const struct view_layout *l)
{
	const struct fr_schema *s = l->schema;
	bool names = !strcmp(s->stream, "names");

	if (tail_is(s, "PARTS") && l->role[ROLE_INO] >= 0)
		return USE_PATHS;
	if (names && tail_is(s, "STR") && l->role[ROLE_HASH] >= 0)
		return USE_STRINGS;
	if (names && l->role[ROLE_PID] >= 0 && has_chars(s))
		return USE_PROCS;
	if (tail_is(s, "STR") && l->role[ROLE_METRIC] >= 0)
		return USE_METRICS;
	if (tail_is(s, "VALUES"))
		return USE_VALUES;
	if (tail_is(s, "ROWS"))
		return USE_PACKED;
	if (names || tail_is(s, "RECORD"))
		return USE_NONE;
	return USE_ROWS;
}

static bool is_role_of_column(const struct view_layout *l, int field)
{
	for (unsigned i = 0; i < sizeof(kind_columns) / sizeof(*kind_columns);
	     i++)
		if (l->role[kind_columns[i].role] == field &&
		    layout_source(l, kind_columns[i].column) == field)
			return true;
	return false;
}

static void map_fixed(struct view_layout *l, struct view *v)
{
	const struct fr_schema *s = l->schema;

	for (unsigned i = 0; i < s->nr_fields; i++) {
		unsigned column = view_find_column(v, s->fields[i].name);

		if (column < VIEW_FIXED_COLUMNS && !s->fields[i].is_chars)
			layout_put(l, column, (int)i);
	}
	for (unsigned i = 0; i < sizeof(kind_columns) / sizeof(*kind_columns);
	     i++)
		if (l->role[kind_columns[i].role] != SRC_NONE)
			layout_put(l, kind_columns[i].column,
				   l->role[kind_columns[i].role]);
}

static bool is_tail_length(const struct fr_schema *s, const char *name)
{
	return s->tail_len && !strcmp(s->tail_len, name);
}

/* <column>_text beside each column of flags or of an enumeration. */
static void map_words(struct view_layout *l, struct view *v)
{
	const struct fr_schema *s = l->schema;
	char name[80];

	for (unsigned i = 0; i < s->nr_fields && i < VIEW_FIELDS_MAX; i++) {
		if (!view_kind_has_words(s->fields[i].kind))
			continue;
		if (!strcmp(s->fields[i].kind, "REQ"))
			snprintf(name, sizeof(name), "flags_text");
		else
			snprintf(name, sizeof(name), "%.64s_text",
				 s->fields[i].name);
		layout_put(l, intern_column(v, name, l->stream),
			   SRC_WORDS - (int)i);
	}
}

/* Columns that are no field. */
static void map_derived(struct view_layout *l, struct view *v)
{
	static const struct {
		const char *tail_kind, *column;
		int src;
	} parts[] = {
		{ "STATEPROC", "comm", SRC_COMM },
		{ "STATEPROC", "cgroup_path", SRC_CGROUPPATH },
		{ "STATEPROC", "cmdline", SRC_CMDLINE },
		{ "STATEFACT", "key", SRC_KEY },
		{ "STATEFACT", "value", SRC_FACT },
		{ "STATEPATH", "path", SRC_TAIL },
		{ "BUCKETS", "of_stream", SRC_OF_STREAM },
		{ "BUCKETS", "buckets", SRC_BUCKETS },
	};

	for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (tail_is(l->schema, parts[i].tail_kind))
			layout_put(l,
				   intern_column(v, parts[i].column, l->stream),
				   parts[i].src);
	if (l->role[ROLE_FAULTKIND] != SRC_NONE)
		layout_put(l, intern_column(v, "severity", l->stream),
			   SRC_SEVERITY);
	if (l->role[ROLE_REQ] != SRC_NONE)
		layout_put(l, intern_column(v, "rwbs", l->stream), SRC_RWBS);
}

static void map_own(struct view_layout *l, struct view *v)
{
	const struct fr_schema *s = l->schema;

	for (unsigned i = 0; i < s->nr_fields && i < VIEW_FIELDS_MAX; i++)
		if (!kind_is_hidden(s->fields[i].kind) &&
		    !is_tail_length(s, s->fields[i].name) &&
		    !is_role_of_column(l, (int)i))
			layout_put(l,
				   intern_column(v, s->fields[i].name,
						 l->stream),
				   (int)i);
	if (s->aux_name[0] && !kind_is_hidden(s->aux_kind) &&
	    !is_tail_length(s, s->aux_name))
		layout_put(l, intern_column(v, s->aux_name, l->stream),
			   SRC_AUX);
	if (s->tail_name && !kind_is_hidden(s->tail_kind))
		layout_put(l, intern_column(v, s->tail_name, l->stream),
			   SRC_TAIL);
	if (l->role[ROLE_CALL] == SRC_AUX && l->role[ROLE_PKEY] != SRC_NONE) {
		layout_put(l, intern_column(v, "kind", l->stream), SRC_KIND);
		layout_put(l, intern_column(v, "direct", l->stream),
			   SRC_DIRECT);
	}
	if ((l->role[ROLE_CALL] == SRC_AUX && !strcmp(s->stream, "fs")) ||
	    s->type == FR_T_block || tail_is(s, "ARGS"))
		layout_put(l, intern_column(v, "mark", l->stream), SRC_MARK);
	if (l->use == USE_VALUES) {
		layout_put(l, intern_column(v, "metric", l->stream),
			   SRC_METRIC);
		layout_put(l, intern_column(v, "value", l->stream), SRC_VALUE);
		layout_put(l, intern_column(v, "delta", l->stream), SRC_DELTA);
		layout_put(l, intern_column(v, "rate", l->stream), SRC_RATE);
		layout_put(l, intern_column(v, "unit", l->stream), SRC_UNIT);
		layout_put(l, intern_column(v, "mark", l->stream), SRC_MARK);
	}
}

/* "proc_fork" of stream proc is the operation fork. */
static const char *op_of_name(const struct fr_schema *s)
{
	size_t len = strlen(s->stream);

	if (!strncmp(s->name, "state_", 6))
		return "state";
	if (!strncmp(s->name, s->stream, len) && s->name[len] == '_')
		return s->name + len + 1;
	return s->name;
}

int view_layout_init(struct view *v, struct view_layout *l,
		     const struct fr_schema *s)
{
	int stream = view_intern_stream(v, s->stream);

	*l = (struct view_layout){ .schema = s };
	if (stream < 0)
		return stream;
	l->stream = (unsigned)stream;
	find_roles(l);
	l->use = find_use(l);
	l->op = op_of_name(s);
	if (l->use == USE_ROWS || l->use == USE_VALUES) {
		map_fixed(l, v);
		map_own(l, v);
		map_words(l, v);
		map_derived(l, v);
	}
	return 0;
}

int view_layout_map(const struct view *v, struct view_layout *l)
{
	unsigned nr = view_nr_columns(v);

	free(l->map);
	l->nr_map = 0;
	l->map = malloc(nr * sizeof(*l->map));
	if (!l->map)
		return -ENOMEM;
	l->nr_map = nr;
	for (unsigned i = 0; i < nr; i++)
		l->map[i] = layout_source(l, i);
	return 0;
}
