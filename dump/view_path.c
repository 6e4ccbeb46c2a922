/* SPDX-License-Identifier: GPL-2.0-or-later */
/* view_path.c - puts paths together from name records. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "dump/path_parts.h"
#include "dump/view_impl.h"

#define PATH_NOT_A_PATH 4u /* flags of a path's name record */

#define PIPEFS_MAGIC     0x50495045u
#define SOCKFS_MAGIC     0x534f434bu
#define ANON_INODE_MAGIC 0x09041934u
#define PIDFS_MAGIC      0x50494446u

static uint64_t name_field(const struct view_block *b, uint32_t row,
			   const char *field)
{
	const struct fr_schema *s = b->layout->schema;
	uint64_t value = 0;

	for (unsigned i = 0; i < s->nr_fields; i++)
		if (!strcmp(s->fields[i].name, field))
			view_raw(b, (int)i, row, &value);
	return value;
}

static size_t append(char *buf, size_t at, const char *text, size_t len)
{
	if (len > VIEW_TEXT_MAX - at)
		len = VIEW_TEXT_MAX - at;
	memcpy(buf + at, text, len);
	return at + len;
}

/* What has no path is named as /proc/PID/fd names it: pipe:[123]. */
static size_t name_without_path(char *buf, uint64_t fs_magic, uint64_t ino,
				const char *parts, size_t len)
{
	const size_t name = strnlen(parts, len);
	char number[32];
	size_t at;

	if (fs_magic == ANON_INODE_MAGIC) {
		at = append(buf, 0, "anon_inode:", 11);
		return append(buf, at, parts, name);
	}
	if (fs_magic != PIPEFS_MAGIC && fs_magic != SOCKFS_MAGIC)
		return append(buf, 0, parts, name);
	at = fs_magic == PIPEFS_MAGIC ? append(buf, 0, "pipe:", 5) :
					append(buf, 0, "socket:", 7);
	snprintf(number, sizeof(number), "[%llu]", (unsigned long long)ino);
	return append(buf, at, number, strlen(number));
}

/* Length of the path of a file, 0: not known. */
static size_t named_path(struct view_cursor *c, uint64_t dev, uint64_t ino,
			 uint64_t pkey, char *buf)
{
	const struct join_entry *e = view_find_path(c, dev, ino, pkey);
	const struct view_block *b;
	const char *parts;
	uint64_t flags;
	size_t len;

	if (!e)
		return 0;
	b = &c->v->blocks[e->block];
	if (!view_bytes(b, SRC_TAIL, e->row, &parts, &len)) {
		parts = ""; /* the root, or a pipe */
		len = 0;
	}
	flags = name_field(b, e->row, "flags");
	if (flags & PATH_NOT_A_PATH)
		return name_without_path(buf, name_field(b, e->row, "fs_magic"),
					 ino, parts, len);
	return path_parts_join(buf, VIEW_TEXT_MAX, parts, len,
			       flags & VIEW_CUT);
}

static size_t role_path(struct view_cursor *c, int dev, int ino, int pkey,
			char *buf)
{
	uint64_t d, i, p;

	if (!view_captured(c->block, dev, c->row, &d) ||
	    !view_captured(c->block, ino, c->row, &i) ||
	    !view_raw(c->block, pkey, c->row, &p))
		return 0;
	return named_path(c, d, i, p, buf);
}

unsigned view_path_state(struct view_cursor *c, int dev, int ino, int pkey)
{
	const struct join_entry *e;
	uint64_t d, i, p;

	if (!view_captured(c->block, dev, c->row, &d) ||
	    !view_captured(c->block, ino, c->row, &i) ||
	    !view_captured(c->block, pkey, c->row, &p))
		return 0;
	e = view_find_path(c, d, i, p);
	return e ? (unsigned)name_field(&c->v->blocks[e->block], e->row,
					"flags") &
			       VIEW_CUT :
		   VIEW_GONE;
}

unsigned view_string_state(struct view_cursor *c, int src)
{
	const struct join_entry *e;
	uint64_t hash;

	if (!view_raw(c->block, src, c->row, &hash))
		return 0;
	if (hash == UINT64_MAX)
		return VIEW_UNREADABLE;
	e = join_find(&c->v->strings, c->file->source, hash, 0, c->end_ns);
	return e ? (unsigned)name_field(&c->v->blocks[e->block], e->row,
					"flags") &
			       (VIEW_CUT | VIEW_UNREADABLE) :
		   VIEW_GONE;
}

void view_string_get(struct view_cursor *c, int src, struct view_value *ret)
{
	const struct join_entry *e;
	const struct view_block *b;
	uint64_t hash;

	if (!view_captured(c->block, src, c->row, &hash))
		return;
	e = join_find(&c->v->strings, c->file->source, hash, 0, c->end_ns);
	if (!e)
		return;
	b = &c->v->blocks[e->block];
	if (name_field(b, e->row, "flags") & VIEW_UNREADABLE)
		return;
	if (view_bytes(b, SRC_TAIL, e->row, &ret->text, &ret->len))
		ret->type = VIEW_STRING;
}

/* What the program asked for, behind the directory it was relative to.  A
 * first path that is mere text (symlink) is relative to nothing. */
static void asked_path(struct view_cursor *c, bool second,
		       struct view_value *ret)
{
	const int *role = c->block->layout->role;
	char *buf = second ? c->path2 : c->path;
	const struct fr_call_name *call = NULL;
	struct view_value asked = { 0 };
	uint64_t id;
	size_t at;

	view_string_get(c, role[second ? ROLE_HASH2 : ROLE_HASH], &asked);
	if (asked.type == VIEW_NULL)
		return;
	if (view_raw(c->block, role[ROLE_CALL], c->row, &id))
		call = snap_call(c->file->snap, FR_CALL_ID(id));
	*ret = asked;
	if ((asked.len && asked.text[0] == '/') ||
	    (!second && call && call->info.props & FR_CP_TEXT1))
		return;
	at = second ? role_path(c, role[ROLE_DIRDEV2], role[ROLE_DIRINO2],
				role[ROLE_DIRPKEY2], buf) :
		      role_path(c, role[ROLE_DIRDEV], role[ROLE_DIRINO],
				role[ROLE_DIRPKEY], buf);
	if (!at)
		return;
	if (asked.len && buf[at - 1] != '/')
		at = append(buf, at, "/", 1);
	ret->len = append(buf, at, asked.text, asked.len);
	ret->text = buf;
}

void view_path_get(struct view_cursor *c, bool second, struct view_value *ret)
{
	const int *role = c->block->layout->role;
	int dev = role[ROLE_FILEDEV] != SRC_NONE ? role[ROLE_FILEDEV] :
						   role[ROLE_DEV];

	if (!second && role[ROLE_PKEY] != SRC_NONE) {
		ret->len = role_path(c, dev, role[ROLE_INO], role[ROLE_PKEY],
				     c->path);
		if (ret->len) {
			ret->type = VIEW_STRING;
			ret->text = c->path;
			return;
		}
	}
	asked_path(c, second, ret);
}

bool view_get_asked(struct view_cursor *c, char *buf, size_t size)
{
	struct view_value v = { 0 };

	asked_path(c, false, &v);
	if (v.type == VIEW_NULL || v.len >= size)
		return false;
	memcpy(buf, v.text, v.len);
	buf[v.len] = '\0';
	return true;
}

/* Majors of terminals: pseudo terminals, consoles, serial lines. */
static bool is_tty(uint64_t rdev)
{
	const unsigned major = (unsigned)(rdev >> 20);

	return (major >= 2 && major <= 5) || (major >= 128 && major <= 143) ||
	       major == 166 || major == 188 || major == 204 || major == 208 ||
	       major == 216 || major == 229;
}

static const char *kind_of_name(const struct view_block *b, uint32_t row)
{
	const uint64_t magic = name_field(b, row, "fs_magic");

	if (magic == ANON_INODE_MAGIC || magic == PIDFS_MAGIC)
		return "anon"; /* some kernels say that it is a regular file */
	switch (name_field(b, row, "mode") & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "dir";
	case S_IFLNK:
		return "link";
	case S_IFIFO:
		return magic == PIPEFS_MAGIC ? "pipe" : "fifo";
	case S_IFSOCK:
		return magic != SOCKFS_MAGIC ||
				       name_field(b, row, "family") == AF_UNIX ?
			       "unix" :
			       "socket";
	case S_IFCHR:
		return is_tty(name_field(b, row, "rdev")) ? "tty" : "chr";
	case S_IFBLK:
		return "blk";
	default:
		return NULL;
	}
}

const char *view_row_kind(struct view_cursor *c)
{
	const int *role = c->block->layout->role;
	int dev = role[ROLE_FILEDEV] != SRC_NONE ? role[ROLE_FILEDEV] :
						   role[ROLE_DEV];
	const struct join_entry *e;
	uint64_t d, i, p;

	if (!view_captured(c->block, dev, c->row, &d) ||
	    !view_captured(c->block, role[ROLE_INO], c->row, &i) ||
	    !view_raw(c->block, role[ROLE_PKEY], c->row, &p))
		return NULL;
	e = view_find_path(c, d, i, p);
	return e ? kind_of_name(&c->v->blocks[e->block], e->row) : NULL;
}

const char *view_row_peer(struct view_cursor *c)
{
	static const char *const peers[][2] = {
		{ "pipe", "pipe" },     { "fifo", "pipe" },
		{ "socket", "socket" }, { "unix", "socket" },
		{ "tty", "device" },    { "chr", "device" },
		{ "anon", "anon" },
	};
	const char *kind = view_row_kind(c);

	for (unsigned i = 0; kind && i < sizeof(peers) / sizeof(*peers); i++)
		if (!strcmp(peers[i][0], kind))
			return peers[i][1];
	return NULL;
}
