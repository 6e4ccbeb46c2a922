/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keys.c - names of operations and their keys. */
#include "triggers/keys.h"

#include <stdio.h>
#include <string.h>

#include "dump/schema.h"
#include "triggers/units.h"

#define BIT(stream) (1u << FR_STREAM_##stream)

/* Operations that are no system calls. */
static const struct other {
	uint32_t stream;
	unsigned key;
	const char *name, *text;
} others[] = {
	{ BIT(BLOCK), FR_KEY_BLOCK_READ, "read", "block read" },
	{ BIT(BLOCK), FR_KEY_BLOCK_WRITE, "write", "block write" },
	{ BIT(BLOCK), FR_KEY_BLOCK_FLUSH, "flush", "block flush" },
	{ BIT(BLOCK), FR_KEY_BLOCK_DISCARD, "discard", "block discard" },
	{ BIT(BLOCK), FR_KEY_BLOCK_OTHER, "other", "block request" },
	{ BIT(URING), FR_KEY_URING, "request", "io_uring request" },
	{ BIT(FAULT), FR_KEY_FAULT, "fault", "page fault" },
};
#define NR_OTHERS (sizeof(others) / sizeof(others[0]))

static const struct {
	const char *name;
	uint32_t stream;
} subjects[] = {
	{ "fs", BIT(FS) },       { "block", BIT(BLOCK) },
	{ "net", BIT(NET) },     { "conn", BIT(CONN) },
	{ "epoll", BIT(EPOLL) }, { "sockopt", BIT(SOCKOPT) },
	{ "uring", BIT(URING) }, { "fault", BIT(FAULT) },
};
#define NR_SUBJECTS (sizeof(subjects) / sizeof(subjects[0]))

static void set_key(uint64_t *keys, unsigned key)
{
	keys[key / 64] |= 1ULL << (key % 64);
}

/* What a call is to a stream: reads and writes of sockets are the net stream's,
 * under the names receive and send.  NULL: not of that stream. */
static const char *op_in(uint32_t streams, const struct fr_call_name *c)
{
	bool plain = c->info.cls < FR_CLS_STREAM;

	if (streams & BIT(FS))
		return plain ? c->op : NULL;
	if (!plain)
		return streams >> (c->info.cls - FR_CLS_STREAM) & 1 ? c->op :
								      NULL;
	if (!(streams & BIT(NET)) || !(c->info.props & FR_CP_MOVES))
		return NULL;
	if (!strcmp(c->op, "read"))
		return "receive";
	return strcmp(c->op, "write") ? NULL : "send";
}

bool keys_find(uint32_t streams, const char *name, uint64_t keys[FR_KEYS / 64])
{
	bool all = !strcmp(name, "*"), is_op = false, found = false;

	for (unsigned i = 0; i < NR_OTHERS; i++) {
		if (!(others[i].stream & streams) ||
		    (!all && strcmp(others[i].name, name)))
			continue;
		set_key(keys, others[i].key);
		found = true;
	}
	/* an operation covers all its calls, so its name goes before a call's */
	for (unsigned i = 0; i < fr_nr_calls; i++) {
		const char *op = op_in(streams, &fr_calls[i]);

		is_op |= op && !strcmp(op, name);
	}
	for (unsigned i = 0; i < fr_nr_calls; i++) {
		const char *op = op_in(streams, &fr_calls[i]);

		if (!op ||
		    (!all && strcmp(is_op ? op : fr_calls[i].call, name)))
			continue;
		set_key(keys, fr_calls[i].id);
		found = true;
	}
	return found;
}

const char *keys_nearest(uint32_t streams, const char *name)
{
	const char *names[2 * FR_CALLS_MAX + NR_OTHERS + 1];
	unsigned n = 0;

	for (unsigned i = 0; i < NR_OTHERS; i++)
		if (others[i].stream & streams)
			names[n++] = others[i].name;
	for (unsigned i = 0; i < fr_nr_calls; i++)
		if (op_in(streams, &fr_calls[i]))
			names[n++] = op_in(streams, &fr_calls[i]);
	for (unsigned i = 0; i < fr_nr_calls; i++)
		if (op_in(streams, &fr_calls[i]))
			names[n++] = fr_calls[i].call;
	names[n] = NULL;
	return units_nearest(name, names);
}

/* "fs.read" -> its subject's number, -1: none. */
static int subject_of(const char *word, size_t len)
{
	for (unsigned i = 0; i < NR_SUBJECTS; i++) {
		size_t n = strlen(subjects[i].name);

		if (len >= n && !memcmp(word, subjects[i].name, n) &&
		    (len == n || word[n] == '.'))
			return (int)i;
	}
	return -1;
}

bool keys_begin(const struct lex *l)
{
	return l->kind == LEX_WORD && subject_of(l->text + l->at, l->len) >= 0;
}

int keys_parse(struct lex *l, struct rule_cond *ret)
{
	const char *name, *near, *subject;
	char word[64];
	int i;

	if (lex_copy(l, word, sizeof(word)) < 0)
		return lex_fail(l, "no operation has a name that long");
	i = subject_of(word, strlen(word));
	if (i < 0)
		return lex_expect(l, "an operation such as fs.fsync");
	subject = subjects[i].name;
	ret->streams = subjects[i].stream;
	name = strchr(word, '.');
	name = name ? name + 1 : "*";
	if (keys_find(ret->streams, name, ret->keys)) {
		lex_next(l);
		return 0;
	}
	near = keys_nearest(ret->streams, name);
	if (near)
		return lex_fail(l, "unknown operation '%s'; did you mean %s.%s",
				word, subject, near);
	return lex_fail(l,
			"unknown operation '%s'; there are %s.* and the "
			"operations and calls listed in flightrec-events(7)",
			word, subject);
}

const char *keys_name(uint32_t key)
{
	for (unsigned i = 0; i < NR_OTHERS; i++)
		if (others[i].key == key)
			return others[i].text;
	for (unsigned i = 0; i < fr_nr_calls; i++)
		if (fr_calls[i].id == key)
			return fr_calls[i].call;
	return "operation";
}
