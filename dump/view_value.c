/* SPDX-License-Identifier: GPL-2.0-or-later */
/* view_value.c - the value of a column in a row, from fields and joins. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/number_names.h"
#include "dump/view_impl.h"

static bool column_raw(const struct snap_block *b, int src, uint32_t row,
		       uint64_t *ret)
{
	if (src >= b->schema->nr_fields || !b->columns[src].u64)
		return false;
	*ret = b->columns[src].u64[row];
	return true;
}

bool view_raw(const struct view_block *b, int src, uint32_t row, uint64_t *ret)
{
	if (src >= 0)
		return column_raw(b->b, src, row, ret);
	if (src == SRC_AUX && b->b->aux) {
		*ret = b->b->aux[row];
		return true;
	}
	if (src == SRC_CPU && b->b->cpu) {
		*ret = b->b->cpu[row];
		return true;
	}
	return false;
}

/* All bits one is "not captured" - but a result of -1 is an errno, a time-out
 * of -1 is none, and 65535 is a port: whether that was captured, its address
 * says. */
static bool is_null(const struct fr_field *f, uint64_t value)
{
	static const char *const never[] = { "RET", "SOCKLEVEL", "SOCKOPT",
					     "PORT" };

	if (!strcmp(f->kind, "TIMEOUT"))
		return value == (uint64_t)INT64_MIN;
	for (unsigned i = 0; i < sizeof(never) / sizeof(*never); i++)
		if (!strcmp(f->kind, never[i]))
			return false;
	if (f->is_signed || f->width >= 8)
		return value == UINT64_MAX;
	return value == (1ULL << 8 * f->width) - 1;
}

bool view_captured(const struct view_block *b, int src, uint32_t row,
		   uint64_t *ret)
{
	uint64_t value;

	if (!view_raw(b, src, row, &value))
		return false;
	if (src >= 0 && is_null(&b->b->schema->fields[src], value))
		return false;
	if (src == SRC_AUX && value == UINT16_MAX)
		return false;
	*ret = value;
	return true;
}

bool view_bytes(const struct view_block *b, int src, uint32_t row,
		const char **ret, size_t *ret_len)
{
	const uint8_t *bytes = NULL;
	const uint32_t *end = NULL;
	uint32_t begin;

	if (src == SRC_TAIL) {
		bytes = b->b->tail;
		end = b->b->tail_end;
	} else if (src >= 0 && src < b->b->schema->nr_fields) {
		bytes = b->b->columns[src].bytes;
		end = b->b->columns[src].end;
	}
	if (!bytes || !end)
		return false;
	begin = row ? end[row - 1] : 0;
	if (end[row] < begin)
		return false;
	*ret = (const char *)bytes + begin;
	*ret_len = end[row] - begin;
	if (*ret_len > VIEW_TEXT_MAX)
		*ret_len = VIEW_TEXT_MAX;
	return true;
}

uint64_t view_end_ns(const struct view_block *b, uint32_t row)
{
	uint64_t ts = b->b->ts[row], dur = 0;

	view_captured(b, b->layout->role[ROLE_END], row, &dur);
	return dur > UINT64_MAX - ts ? UINT64_MAX : ts + dur;
}

static void set_u64(struct view_value *v, uint64_t u)
{
	v->type = VIEW_U64;
	v->u = u;
}

static void set_text(struct view_value *v, const char *text)
{
	if (text)
		view_set_text(v, text);
}

static void set_dev(struct view_cursor *c, struct view_value *v, uint64_t dev)
{
	char *buf = view_text_room(c, VIEW_SHORT_MAX);

	snprintf(buf, VIEW_SHORT_MAX, "%u:%u", (uint32_t)dev >> 20,
		 (uint32_t)dev & 0xfffff);
	set_text(v, buf);
}

static bool kind_is_dev(const char *kind)
{
	return !strcmp(kind, "DEV") || !strcmp(kind, "FILEDEV") ||
	       !strcmp(kind, "DIRDEV") || !strcmp(kind, "DIRDEV2");
}

/* "rport" belongs to "raddr": no address, no port. */
static bool port_is_known(struct view_cursor *c, int port, uint64_t value)
{
	const struct fr_schema *s = c->block->b->schema;
	struct view_value address = { 0 };

	if (value != UINT16_MAX)
		return value < UINT16_MAX;
	for (int i = 0; i < s->nr_fields; i++)
		if (!strcmp(s->fields[i].kind, "ADDR") &&
		    s->fields[i].name[0] == s->fields[port].name[0])
			view_bytes_text(c, i, &address);
	return address.type != VIEW_NULL;
}

/* A field as its kind says. */
static void get_field(struct view_cursor *c, int src, struct view_value *ret)
{
	const struct fr_field *f = &c->block->b->schema->fields[src];
	uint64_t u;

	if (f->is_chars) {
		view_bytes_text(c, src, ret);
		return;
	}
	if (!strncmp(f->kind, "HASH", 4)) {
		view_string_get(c, src, ret);
		return;
	}
	if (!view_number(c, src, &u))
		return;
	if (kind_is_dev(f->kind)) {
		set_dev(c, ret, u);
		return;
	}
	if (!strcmp(f->kind, "PORT") && !port_is_known(c, src, u))
		return;
	ret->type = f->is_signed || view_is_place(c, f) ? VIEW_I64 : VIEW_U64;
	ret->u = u;
	if (!strcmp(f->kind, "PERMILLE")) {
		ret->type = VIEW_DECIMAL;
		ret->scale = 1000;
	} else if (!strcmp(f->kind, "LETTER")) {
		char *letter = view_text_room(c, VIEW_SHORT_MAX);

		snprintf(letter, VIEW_SHORT_MAX, "%c", (char)u);
		set_text(ret, letter);
	}
}

static void get_tail(struct view_cursor *c, struct view_value *ret)
{
	bool args = !strcmp(c->block->layout->schema->tail_kind, "ARGS");

	if (view_bytes(c->block, SRC_TAIL, c->row, &ret->text, &ret->len))
		ret->type = args ? VIEW_ARGS : VIEW_STRING;
}

static void get_number_text(struct view_cursor *c, int src,
			    struct view_value *ret)
{
	const int *role = c->block->layout->role;
	uint64_t u;
	char *buf;

	if (src == SRC_SEVERITY &&
	    view_captured(c->block, role[ROLE_FAULTKIND], c->row, &u)) {
		set_text(ret, u & 2 ? "MAJOR" : "MINOR");
	} else if (src == SRC_RWBS &&
		   view_captured(c->block, role[ROLE_REQ], c->row, &u)) {
		buf = view_text_room(c, VIEW_SHORT_MAX);
		number_rwbs(buf, VIEW_SHORT_MAX, u);
		set_text(ret, buf);
	}
}

static void get_source(struct view_cursor *c, int src, struct view_value *ret)
{
	uint64_t u;

	if (src == SRC_KIND)
		set_text(ret, view_row_kind(c));
	else if (src == SRC_MARK)
		set_text(ret, view_row_mark(c));
	else if (src == SRC_DIRECT && view_raw(c->block, SRC_AUX, c->row, &u))
		set_u64(ret, (u & FR_CALL_DIRECT) != 0);
	else if (src >= 0)
		get_field(c, src, ret);
	else if (src == SRC_AUX && view_captured(c->block, src, c->row, &u))
		set_u64(ret, u);
	else if (src == SRC_TAIL)
		get_tail(c, ret);
	else if (src == SRC_METRIC)
		view_metric_text(c, 0, ret);
	else if (src == SRC_UNIT)
		view_metric_text(c, 1, ret);
	else if (src == SRC_VALUE) {
		ret->scale = view_metric_scale(c);
		ret->type = ret->scale > 1 ? VIEW_DECIMAL : VIEW_I64;
		ret->u = (uint64_t)c->block->value[c->value];
	} else if (src == SRC_DELTA) {
		view_get_growth(c, ret);
	} else if (src == SRC_RATE) {
		view_get_rate(c, ret);
	} else if (src <= SRC_WORDS) {
		view_words(c, SRC_WORDS - src, ret);
	} else if (src <= SRC_COMM && src >= SRC_FACT) {
		view_tail_part(c, src, ret);
	} else if (src == SRC_OF_STREAM || src == SRC_BUCKETS) {
		view_hist_get(c, src, ret);
	} else {
		get_number_text(c, src, ret);
	}
}

const struct fr_call_name *view_call(struct view_cursor *c)
{
	const int *role = c->block->layout->role;
	uint64_t id;

	if (!view_raw(c->block, role[ROLE_CALL], c->row, &id) &&
	    !view_raw(c->block, role[ROLE_HISTKEY], c->row, &id))
		return NULL;
	return snap_call(c->file->snap, FR_CALL_ID(id));
}

/* The result: a RET field, or the negated error of a completion. */
static bool result_of(struct view_cursor *c, int64_t *ret)
{
	const struct view_layout *l = c->block->layout;
	uint64_t u;

	if (view_raw(c->block, l->role[ROLE_RET], c->row, &u)) {
		*ret = (int64_t)u;
		return true;
	}
	if (view_captured(c->block, l->role[ROLE_BLKERR], c->row, &u)) {
		*ret = -(int64_t)u;
		return true;
	}
	return false;
}

static void get_ret(struct view_cursor *c, struct view_value *ret)
{
	int64_t result;

	if (!result_of(c, &result))
		return;
	ret->type = VIEW_I64;
	ret->u = (uint64_t)result;
}

static void get_errno(struct view_cursor *c, struct view_value *ret)
{
	const char *name;
	int64_t result;
	char *buf;

	if (!result_of(c, &result) || result >= 0 || result < -4095)
		return;
	name = number_errno((int)-result);
	if (name) {
		set_text(ret, name);
		return;
	}
	buf = view_text_room(c, VIEW_SHORT_MAX);
	snprintf(buf, VIEW_SHORT_MAX, "E%d", (int)-result);
	set_text(ret, buf);
}

static void get_moved(struct view_cursor *c, int src, struct view_value *ret)
{
	const struct fr_call_name *call = view_call(c);
	int64_t result;

	if (src != SRC_NONE)
		get_source(c, src, ret);
	else if (call && call->info.props & FR_CP_MOVES &&
		 result_of(c, &result) && result >= 0)
		set_u64(ret, (uint64_t)result);
}

static void get_flags(struct view_cursor *c, int src, struct view_value *ret)
{
	int req = c->block->layout->role[ROLE_REQ];
	uint64_t u;

	if (src != SRC_NONE)
		get_source(c, src, ret);
	else if (view_captured(c->block, req, c->row, &u))
		set_u64(ret, u & ~0xffULL);
}

static void get_proc(struct view_cursor *c, int src, const char *field,
		     struct view_value *ret)
{
	uint64_t u;

	if (src != SRC_NONE)
		get_source(c, src, ret);
	if (ret->type == VIEW_NULL && view_proc_u64(c, field, &u))
		set_u64(ret, u);
}

static void get_comm(struct view_cursor *c, int src, struct view_value *ret)
{
	const struct view_block *b;

	if (src != SRC_NONE) {
		get_source(c, src, ret);
		return;
	}
	if (!view_find_proc(c) || !c->thread)
		return;
	b = &c->v->blocks[c->thread->block];
	for (int i = 0; i < b->layout->schema->nr_fields; i++) {
		if (!b->layout->schema->fields[i].is_chars)
			continue;
		if (view_bytes(b, i, c->thread->row, &ret->text, &ret->len)) {
			ret->len = strnlen(ret->text, ret->len);
			ret->type = VIEW_STRING;
		}
		return;
	}
}

/* Calls of stream fs have it in the aux bits; what is never sampled is 1. */
static void get_weight(struct view_cursor *c, int src, struct view_value *ret)
{
	uint64_t u;

	if (src != SRC_NONE)
		get_source(c, src, ret);
	else if (view_raw(c->block, c->block->layout->role[ROLE_CALL], c->row,
			  &u))
		set_u64(ret, FR_CALL_WEIGHT(u));
	else
		set_u64(ret, 1);
}

static void get_lane(struct view_cursor *c, struct view_value *ret)
{
	unsigned lane = c->block->b->lane[c->row];
	char *buf;

	if (fr_lane_name(lane)) {
		set_text(ret, fr_lane_name(lane));
		return;
	}
	buf = view_text_room(c, VIEW_SHORT_MAX);
	snprintf(buf, VIEW_SHORT_MAX, "%u", lane);
	set_text(ret, buf);
}

static void get_time(struct view_cursor *c, struct view_value *ret)
{
	uint64_t ts = c->block->b->ts[c->row];

	ret->len = wall_format(
		&c->wall, (int64_t)(ts + (uint64_t)c->file->offset), c->time);
	ret->text = c->time;
	ret->type = VIEW_STRING;
}

/* Columns that are more than a field; false: take the field. */
static bool get_derived(struct view_cursor *c, unsigned column, int src,
			struct view_value *ret)
{
	switch (column) {
	case VIEW_STREAM:
		set_text(ret, c->v->streams[c->block->layout->stream]);
		return true;
	case VIEW_HOST:
		set_text(ret, c->file->host);
		return true;
	case VIEW_INSTANCE:
		set_text(ret, c->file->instance);
		return true;
	case VIEW_TS:
		set_u64(ret, c->block->b->ts[c->row]);
		return true;
	case VIEW_TIME:
		get_time(c, ret);
		return true;
	case VIEW_OP:
		set_text(ret, view_op(c));
		return true;
	case VIEW_CALL:
		set_text(ret, view_call(c) ? view_call(c)->call : NULL);
		return true;
	case VIEW_PPID:
		get_proc(c, src, "ppid", ret);
		return true;
	case VIEW_UID:
		get_proc(c, src, "uid", ret);
		return true;
	case VIEW_CGROUP:
		get_proc(c, src, "cgroup", ret);
		return true;
	case VIEW_PID_START:
		get_proc(c, src, "start", ret);
		return true;
	case VIEW_COMM:
		get_comm(c, src, ret);
		return true;
	default:
		return false;
	}
}

static bool get_result(struct view_cursor *c, unsigned column, int src,
		       struct view_value *ret)
{
	switch (column) {
	case VIEW_CPU:
		get_source(c, src, ret);
		if (src == SRC_NONE)
			set_u64(ret, c->block->b->cpu[c->row]);
		return true;
	case VIEW_PATH:
		if (src != SRC_NONE)
			get_source(c, src, ret);
		else
			view_path_get(c, false, ret);
		return true;
	case VIEW_PATH2:
		view_path_get(c, true, ret);
		return true;
	case VIEW_MOVED:
		get_moved(c, src, ret);
		return true;
	case VIEW_FLAGS:
		get_flags(c, src, ret);
		return true;
	case VIEW_RET:
		get_ret(c, ret);
		return true;
	case VIEW_ERRNO:
		get_errno(c, ret);
		return true;
	case VIEW_WEIGHT:
		get_weight(c, src, ret);
		return true;
	case VIEW_LANE:
		get_lane(c, ret);
		return true;
	case VIEW_SEQ:
		set_u64(ret, c->block->b->seq[c->row]);
		return true;
	default:
		return false;
	}
}

void view_get(struct view_cursor *c, unsigned column, struct view_value *ret)
{
	const struct view_layout *l = c->block->layout;
	int src = column < l->nr_map ? l->map[column] : SRC_NONE;

	*ret = (struct view_value){ 0 };
	if (column >= VIEW_FIXED_COLUMNS) {
		get_source(c, src, ret);
		return;
	}
	if (get_derived(c, column, src, ret) || get_result(c, column, src, ret))
		return;
	get_source(c, src, ret);
}

void view_get_words(struct view_cursor *c, unsigned column,
		    struct view_value *ret)
{
	const struct view_layout *l = c->block->layout;
	int src = column < l->nr_map ? l->map[column] : SRC_NONE;

	if (column == VIEW_FLAGS)
		view_get(c, VIEW_FLAGS_TEXT, ret);
	else if (src >= 0)
		view_words(c, src, ret);
}

bool view_get_u64(struct view_cursor *c, unsigned column, uint64_t *ret)
{
	struct view_value value;

	view_get(c, column, &value);
	if (value.type != VIEW_U64 && value.type != VIEW_I64)
		return false;
	*ret = value.u;
	return true;
}

bool view_get_text(struct view_cursor *c, unsigned column, char *buf,
		   size_t size)
{
	struct view_value value;
	size_t len;

	buf[0] = 0;
	view_get(c, column, &value);
	if (value.type != VIEW_STRING && value.type != VIEW_ARGS)
		return false;
	len = value.len < size ? value.len : size - 1;
	memcpy(buf, value.text, len);
	buf[len] = 0;
	return true;
}
