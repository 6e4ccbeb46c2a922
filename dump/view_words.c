/* SPDX-License-Identifier: GPL-2.0-or-later */
/* view_words.c - numbers of a row as words: <column>_text, op, and the texts of
 * kinds that are not numbers at all. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/enum_facts.h"
#include "dump/number_names.h"
#include "dump/view_impl.h"
#include "dump/words.h"

/* Kinds whose words depend on nothing but the value. */
static const struct {
	const char *kind;
	enum words_table table;
	bool is_flags;
} plain[] = {
	{ "AF", WORDS_af, false },
	{ "SOCKTYPE", WORDS_sock_type, false },
	{ "SHUT", WORDS_shut, false },
	{ "TCPSTATE", WORDS_tcp_state, false },
	{ "EPOLLOP", WORDS_epoll_op, false },
	{ "SOCKLEVEL", WORDS_sol, false },
	{ "MSG", WORDS_msg, true },
	{ "SOCKFLAGS", WORDS_sock_flags, true },
	{ "SQEFLAGS", WORDS_sqe, true },
	{ "CQEFLAGS", WORDS_cqe, true },
};

bool view_kind_has_words(const char *kind)
{
	static const char *const other[] = { "FLAGS",   "REQ",
					     "MODE",    "POLLMASK",
					     "SOCKOPT", "DROPREASON",
					     "IPPROTO", NULL };

	for (unsigned i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		if (!strcmp(plain[i].kind, kind))
			return true;
	for (unsigned i = 0; other[i]; i++)
		if (!strcmp(other[i], kind))
			return true;
	return false;
}

/* Room for one text of this row; earlier texts stay until the room is used up,
 * which the texts of one row do not. */
char *view_text_room(struct view_cursor *c, size_t size)
{
	char *room;

	if (c->text_used + size > sizeof(c->text))
		c->text_used = 0;
	room = c->text + c->text_used;
	c->text_used += size;
	room[0] = 0;
	return room;
}

void view_set_text(struct view_value *v, const char *text)
{
	v->type = VIEW_STRING;
	v->text = text;
	v->len = strlen(text);
}

static const char *call_name(struct view_cursor *c)
{
	const struct fr_call_name *call = view_call(c);

	return call ? call->call : NULL;
}

/* Calls other than epoll's have the bits of poll. */
static void poll_words(struct view_cursor *c, char *buf, uint64_t u)
{
	const char *call = call_name(c);
	bool epoll = call && !strncmp(call, "epoll", 5);

	words_flags(buf, VIEW_WORDS_MAX, epoll ? WORDS_epoll : WORDS_poll, u);
}

static void option_words(struct view_cursor *c, char *buf, uint64_t u)
{
	const char *call = call_name(c);
	uint64_t level = 0;

	view_captured(c->block, c->block->layout->role[ROLE_SOCKLEVEL], c->row,
		      &level);
	number_sockopt(buf, VIEW_WORDS_MAX, call && !strcmp(call, "getsockopt"),
		       (int)level, (int)u);
}

#define FAMILY_INET    2
#define FAMILY_INET6   10
#define FAMILY_NETLINK 16

/* What a protocol's number means, its family says. */
static void protocol_words(struct view_cursor *c, char *buf, uint64_t u)
{
	uint64_t family = FAMILY_INET;

	view_captured(c->block, c->block->layout->role[ROLE_AF], c->row,
		      &family);
	if (family == FAMILY_INET || family == FAMILY_INET6)
		words_value(buf, VIEW_WORDS_MAX, WORDS_ipproto, u);
	else if (family == FAMILY_NETLINK)
		words_value(buf, VIEW_WORDS_MAX, WORDS_netlink_proto, u);
	else
		snprintf(buf, VIEW_WORDS_MAX, "%ju", (uintmax_t)u);
}

#define CREATES 020000100ULL /* O_CREAT, __O_TMPFILE: everywhere the same */

/* An open that makes nothing has no mode. */
static bool mode_counts(struct view_cursor *c, const char *call)
{
	uint64_t flags;

	return !call || strncmp(call, "open", 4) ||
	       !view_captured(c->block, c->block->layout->role[ROLE_FLAGS],
			      c->row, &flags) ||
	       flags & CREATES;
}

/* false: this value has no words. */
static bool special_words(struct view_cursor *c, const char *kind, char *buf,
			  uint64_t u)
{
	const char *call = call_name(c);

	if (!strcmp(kind, "FLAGS"))
		return call &&
		       number_flags(buf, VIEW_WORDS_MAX, call,
				    snap_fact(c->file->snap, "host.arch"), u);
	if (!strcmp(kind, "REQ"))
		words_flags(buf, VIEW_WORDS_MAX, WORDS_req_flags, u & ~0xffULL);
	else if (!strcmp(kind, "MODE") && !mode_counts(c, call))
		return false;
	else if (!strcmp(kind, "MODE"))
		number_mode(buf, VIEW_WORDS_MAX, call, u);
	else if (!strcmp(kind, "POLLMASK"))
		poll_words(c, buf, u);
	else if (!strcmp(kind, "SOCKOPT"))
		option_words(c, buf, u);
	else if (!strcmp(kind, "IPPROTO"))
		protocol_words(c, buf, u);
	else if (!strcmp(kind, "DROPREASON"))
		enum_fact_drop_reason(c->file->snap, u, buf);
	else
		return false;
	return true;
}

void view_words(struct view_cursor *c, int src, struct view_value *ret)
{
	const char *kind;
	uint64_t u;
	char *buf;

	if (src < 0 || !view_number(c, src, &u))
		return;
	kind = c->block->b->schema->fields[src].kind;
	buf = view_text_room(c, VIEW_WORDS_MAX);
	for (unsigned i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		if (strcmp(plain[i].kind, kind))
			continue;
		if (plain[i].is_flags)
			words_flags(buf, VIEW_WORDS_MAX, plain[i].table, u);
		else
			words_value(buf, VIEW_WORDS_MAX, plain[i].table, u);
		view_set_text(ret, buf);
		return;
	}
	if (special_words(c, kind, buf, u))
		view_set_text(ret, buf);
}

/* ---- op --------------------------------------------------------------------- */
static const char *table_op(struct view_cursor *c, enum words_table table,
			    uint64_t u)
{
	char *buf = view_text_room(c, VIEW_SHORT_MAX);

	words_value(buf, VIEW_SHORT_MAX, table, u);
	return buf;
}

/* "readv" of IORING_OP_READV. */
static const char *uring_op(struct view_cursor *c, uint64_t u)
{
	const char *name = words_name(WORDS_uring_op, u);
	char *buf = view_text_room(c, VIEW_SHORT_MAX);
	size_t i = 0;

	if (!name)
		return table_op(c, WORDS_uring_op, u);
	name += strlen("IORING_OP_");
	for (; name[i] && i + 1 < VIEW_SHORT_MAX; i++)
		buf[i] = (char)tolower((unsigned char)name[i]);
	buf[i] = 0;
	return buf;
}

const char *view_op(struct view_cursor *c)
{
	const int *role = c->block->layout->role;
	const struct fr_call_name *call = view_call(c);
	uint64_t u;

	if (view_captured(c->block, role[ROLE_DIRECTION], c->row, &u))
		return u ? "send" : "receive";
	if (view_hist_op(c))
		return view_hist_op(c);
	if (call)
		return call->op;
	if (view_captured(c->block, role[ROLE_REQ], c->row, &u))
		return number_req_op(view_text_room(c, VIEW_SHORT_MAX), u);
	if (view_captured(c->block, role[ROLE_META], c->row, &u))
		return number_meta(u) ? number_meta(u) : c->block->layout->op;
	if (view_raw(c->block, role[ROLE_CACHEKIND], c->row, &u))
		return table_op(c, WORDS_cache, u);
	if (view_raw(c->block, role[ROLE_DROPKIND], c->row, &u))
		return table_op(c, WORDS_drop, u);
	if (view_raw(c->block, role[ROLE_FAULTKIND], c->row, &u))
		return u & 4 ? NULL : u & 1 ? "write" : "read";
	if (view_raw(c->block, role[ROLE_URINGOP], c->row, &u))
		return uring_op(c, u);
	if (role[ROLE_CALL] != SRC_NONE || role[ROLE_REQ] != SRC_NONE)
		return NULL;
	return c->block->layout->op;
}

/* ---- kinds that are not numbers ------------------------------------------------ */
static bool is_all_ones(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)bytes[i] != 0xff)
			return false;
	return true;
}

static void get_option_value(struct view_cursor *c, const char *bytes,
			     size_t len, struct view_value *ret)
{
	const int *role = c->block->layout->role;
	uint64_t level = 0, option = 0, value_len;
	char *buf;

	if (!view_captured(c->block, role[ROLE_VALUELEN], c->row, &value_len))
		return;
	view_captured(c->block, role[ROLE_SOCKLEVEL], c->row, &level);
	view_captured(c->block, role[ROLE_SOCKOPT], c->row, &option);
	if (value_len < len)
		len = value_len;
	buf = view_text_room(c, VIEW_WORDS_MAX);
	number_sockopt_value(buf, VIEW_WORDS_MAX, (int)level, (int)option,
			     bytes, len);
	view_set_text(ret, buf);
}

void view_bytes_text(struct view_cursor *c, int src, struct view_value *ret)
{
	const char *kind = c->block->b->schema->fields[src].kind, *bytes;
	char whole[64] = { 0 }, *buf; /* the file drops zeros at the end */
	size_t len;

	if (!view_bytes(c->block, src, c->row, &bytes, &len))
		return;
	if (!strcmp(kind, "OPTVALUE")) {
		memcpy(whole, bytes, len < sizeof(whole) ? len : sizeof(whole));
		get_option_value(c, whole, sizeof(whole), ret);
	} else if (!strcmp(kind, "ADDR")) {
		memcpy(whole, bytes, len < 16 ? len : 16);
		if (is_all_ones(whole, 16))
			return;
		buf = view_text_room(c, VIEW_SHORT_MAX);
		number_address(buf, VIEW_SHORT_MAX, whole);
		view_set_text(ret, buf);
	} else {
		ret->len = strnlen(bytes, len);
		ret->text = bytes;
		ret->type = VIEW_STRING;
	}
}

/* The tail of a state record in parts: name, path of the cgroup, command line;
 * or key and value. */
void view_tail_part(struct view_cursor *c, int part, struct view_value *ret)
{
	const int *role = c->block->layout->role;
	uint64_t name = 0, cgroup = 0;
	const char *text, *equals;
	size_t len;

	if (!view_bytes(c->block, SRC_TAIL, c->row, &text, &len))
		return;
	if (part == SRC_KEY || part == SRC_FACT) {
		equals = memchr(text, '=', len);
		name = equals ? (uint64_t)(equals - text) : len;
		cgroup = part == SRC_FACT ? name + !!equals : 0;
		ret->text = text + cgroup;
		ret->len = part == SRC_KEY ? name : len - cgroup;
		ret->type = VIEW_STRING;
		return;
	}
	view_captured(c->block, role[ROLE_COMMLEN], c->row, &name);
	view_captured(c->block, role[ROLE_CGROUPLEN], c->row, &cgroup);
	if (name > len)
		name = len;
	if (cgroup > len - name)
		cgroup = len - name;
	ret->type = part == SRC_CMDLINE ? VIEW_ARGS : VIEW_STRING;
	ret->text = part == SRC_COMM ? text : text + name;
	ret->len = part == SRC_COMM ? name : cgroup;
	if (part == SRC_CMDLINE) {
		ret->text = text + name + cgroup;
		ret->len = len - name - cgroup;
	}
}
