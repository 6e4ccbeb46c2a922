/* SPDX-License-Identifier: GPL-2.0-or-later */
/* where.c - the filters of a condition: words, kernel's slot. */
#include "triggers/where.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "triggers/detector.h"
#include "triggers/glob.h"
#include "triggers/keys.h"
#include "triggers/units.h"

/* One filter: its word, what it sets, how its value is taken. */
struct filter {
	const char *name;
	uint32_t bit; /* 0: op, which narrows the keys */
	int (*take)(struct lex *l, struct rule_cond *c, bool negated);
};

static int copy(struct lex *l, char *buf, size_t size, const char *what)
{
	if (l->kind != LEX_STRING && l->kind != LEX_WORD &&
	    l->kind != LEX_NUMBER)
		return lex_expect(l, what);
	if (lex_copy_value(l, buf, size) < 0)
		return lex_fail(l, "longer than %zu bytes", size - 1);
	if (!buf[0])
		return lex_expect(l, what);
	lex_next(l);
	return 0;
}

static int take_comm(struct lex *l, struct rule_cond *c, bool negated)
{
	struct lex at = *l;
	const char *star;
	int r = copy(l, c->where.comm, sizeof(c->where.comm),
		     "a command name such as \"postgres\"");

	(void)negated;
	if (r < 0)
		return r;
	star = strchr(c->where.comm, '*');
	if (star && star[1])
		return lex_fail(&at, "in a command name * stands at the end "
				     "only: \"post*\"");
	if (!star && strlen(c->where.comm) > 15)
		return lex_fail(&at,
				"the kernel cuts command names to 15 "
				"characters: \"%.15s\"",
				c->where.comm);
	return 0;
}

static int take_pid(struct lex *l, struct rule_cond *c, bool negated)
{
	struct lex at = *l;
	char text[32], *end;
	unsigned long pid;
	int r = copy(l, text, sizeof(text), "a process number");

	(void)negated;
	if (r < 0)
		return r;
	pid = strtoul(text, &end, 10);
	if (*end || !pid || pid > 4194304)
		return lex_fail(&at, "'%s' is not a process number", text);
	c->where.pid = (uint32_t)pid;
	return 0;
}

static int take_cgroup(struct lex *l, struct rule_cond *c, bool negated)
{
	(void)negated;
	return copy(l, c->where.group, sizeof(c->where.group),
		    "a cgroup's path such as \"/system.slice\"");
}

static int take_device(struct lex *l, struct rule_cond *c, bool negated)
{
	(void)negated;
	c->where.is_mount = false;
	return copy(l, c->where.device, sizeof(c->where.device),
		    "a block device such as vda or \"8:0\"");
}

static int take_mount(struct lex *l, struct rule_cond *c, bool negated)
{
	struct lex at = *l;
	int r = copy(l, c->where.device, sizeof(c->where.device),
		     "a folder such as \"/var\"");

	(void)negated;
	c->where.is_mount = true;
	if (!r && c->where.device[0] != '/')
		return lex_fail(&at, "the folder of a mount begins with /");
	return r;
}

/* Streams whose operations have a path. */
#define STREAMS_OF_FILES \
	(1u << FR_STREAM_FS | 1u << FR_STREAM_FAULT | 1u << FR_STREAM_URING)

static int take_path(struct lex *l, struct rule_cond *c, bool negated)
{
	struct lex at = *l;
	struct fr_glob glob;
	const char *what;
	int r = copy(l, c->where.path, sizeof(c->where.path),
		     "a glob over paths such as \"/var/lib/mysql/*\"");

	(void)negated;
	if (r < 0)
		return r;
	if (c->streams & ~STREAMS_OF_FILES)
		return lex_fail(&at, "only operations of fs, fault and uring "
				     "have a path");
	if (!strchr("/*?[", c->where.path[0]))
		return lex_fail(&at,
				"paths begin with /: \"/%s\", or \"*/%s\" "
				"wherever it is",
				c->where.path, c->where.path);
	if (glob_compile(c->where.path, &glob, &what) < 0)
		return lex_fail(&at, "%s", what);
	return 0;
}

/* At `,` or `and`: does a filter come behind it, or another value, condition? */
static bool filter_follows(const struct lex *l)
{
	struct lex ahead = *l;

	lex_next(&ahead);
	return ahead.kind == LEX_WORD &&
	       (lex_next_is(&ahead, "=") || lex_next_is(&ahead, "!="));
}

static int take_op(struct lex *l, struct rule_cond *c, bool negated)
{
	uint64_t keys[FR_KEYS / 64] = { 0 };

	for (;;) {
		struct lex at = *l;
		const char *near;
		char name[64];
		int r = copy(l, name, sizeof(name), "an operation");

		if (r < 0)
			return r;
		if (!keys_find(c->streams, name, keys)) {
			near = keys_nearest(c->streams, name);
			return lex_fail(&at, "unknown operation '%s'%s%s", name,
					near ? "; did you mean " : "",
					near ? near : "");
		}
		if (!lex_is(l, ",") || filter_follows(l))
			break;
		lex_next(l);
	}
	for (unsigned i = 0; i < FR_KEYS / 64; i++)
		c->keys[i] &= negated ? ~keys[i] : keys[i];
	return 0;
}

static const struct filter filters[] = {
	{ "comm", FR_WHERE_COMM, take_comm },
	{ "pid", FR_WHERE_PID, take_pid },
	{ "cgroup", FR_WHERE_CGROUP, take_cgroup },
	{ "device", FR_WHERE_DEV, take_device },
	{ "mount", FR_WHERE_DEV, take_mount },
	{ "path", FR_WHERE_PATH, take_path },
	{ "op", 0, take_op },
};
#define NR_FILTERS (sizeof(filters) / sizeof(filters[0]))

bool where_begins(const struct lex *l)
{
	return l->kind == LEX_WORD && lex_is(l, "where");
}

static const struct filter *find_filter(const struct lex *l)
{
	for (unsigned i = 0; i < NR_FILTERS; i++)
		if (lex_is(l, filters[i].name))
			return &filters[i];
	return NULL;
}

static int refuse_filter(struct lex *l)
{
	const char *names[NR_FILTERS + 1] = { NULL }, *near;
	char word[32];

	for (unsigned i = 0; i < NR_FILTERS; i++)
		names[i] = filters[i].name;
	if (l->kind != LEX_WORD || lex_copy(l, word, sizeof(word)) < 0)
		return lex_expect(l, "a filter such as comm = \"postgres\"");
	near = units_nearest(word, names);
	return lex_fail(
		l, "there is no filter '%s'; %s%s", word,
		near ? "did you mean " :
		       "there are comm, pid, cgroup, device, mount, path, ",
		near ? near : "op");
}

static int parse_filter(struct lex *l, struct rule_cond *c, uint32_t can)
{
	const struct filter *f = l->kind == LEX_WORD ? find_filter(l) : NULL;
	bool negated;
	int r;

	if (!f)
		return refuse_filter(l);
	if (f->bit ? !(can & f->bit) : !c->streams)
		return lex_fail(l,
				"'%s' says nothing about a condition of "
				"this kind",
				f->name);
	if (c->where.set & f->bit)
		return lex_fail(l, "%s: this filter is there already", f->name);
	lex_next(l);
	negated = lex_is(l, "!=");
	if (!negated && !lex_is(l, "="))
		return lex_expect(l, "`=` or `!=`");
	lex_next(l);
	r = f->take(l, c, negated);
	c->where.set |= f->bit;
	c->where.not |= negated ? f->bit : 0;
	return r;
}

static bool has_keys(const struct rule_cond *c)
{
	for (unsigned i = 0; i < FR_KEYS / 64; i++)
		if (c->keys[i])
			return true;
	return false;
}

int where_parse(struct lex *l, struct rule_cond *ret, uint32_t can)
{
	struct lex at = *l;
	bool more;
	int r;

	if (!can && !ret->streams)
		return lex_fail(l, "a condition of this kind takes no filters");
	do {
		lex_next(l);
		r = parse_filter(l, ret, can);
		more = !r && (lex_is(l, ",") || lex_is(l, "and")) &&
		       filter_follows(l);
	} while (more);
	if (!r && ret->streams && !has_keys(ret))
		return lex_fail(&at, "this can never fire: no operation is "
				     "left");
	return r;
}

/* ? matches any byte, * at the end any rest: bytes to compare, and which. */
static void fill_comm(const char *name, struct fr_trigger_slot *s)
{
	unsigned char value[16] = { 0 }, mask[16] = { 0 };

	for (unsigned i = 0; i < 16; i++) {
		if (name[i] == '*')
			break;
		mask[i] = name[i] == '?' ? 0 : 0xff;
		value[i] = name[i] == '?' ? 0 : (unsigned char)name[i];
		if (!name[i])
			break; /* the NUL too: no more may follow */
	}
	memcpy(s->comm, value, 16);
	memcpy(s->comm_mask, mask, 16);
}

void where_fill_slot(const struct rule_where *w, struct fr_trigger_slot *s)
{
	s->where = w->set;
	s->where_not = w->not ;
	fill_comm(w->comm, s);
	s->pid = w->pid;
	/* what is not there is nobody's: operations without a device have ~0 (in
	 * back-tests one less), no task has cgroup 0 or this */
	s->dev = w->dev == ~0u ? ~0u - 2 : w->dev;
	s->cgroup = w->cgroup ? w->cgroup : ~0ull;
	s->cgroup_level = w->cgroup_level;
}

void where_fill_glob(const struct rule_where *w, struct fr_glob *ret)
{
	const char *what;

	if (glob_compile(w->path, ret, &what) < 0) /* parsed once already */
		memset(ret, 0, sizeof(*ret));
}
