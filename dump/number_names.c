/* SPDX-License-Identifier: GPL-2.0-or-later */
/* number_names.c - words for numbers that the kernel and the recorder use. */
#include "dump/number_names.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define KERNEL_O_LARGEFILE 0100000 /* x86: 0 in libc where all files may be */

const char *number_errno(int err)
{
	/* include/linux/errno.h: never returned to a program */
	static const char *const inner[] = {
		"ERESTARTSYS",
		"ERESTARTNOINTR",
		"ERESTARTNOHAND",
		"ENOIOCTLCMD",
		"ERESTART_RESTARTBLOCK",
		"EPROBE_DEFER",
		"EOPENSTALE",
		"ENOPARAM",
		NULL,
		"EBADHANDLE",
		"ENOTSYNC",
		"EBADCOOKIE",
		"ENOTSUPP",
		"ETOOSMALL",
		"ESERVERFAULT",
		"EBADTYPE",
		"EJUKEBOX",
		"EIOCBQUEUED",
		"ERECALLCONFLICT",
	};
	const unsigned nr = sizeof(inner) / sizeof(inner[0]);

	if (err >= 512 && err < 512 + (int)nr)
		return inner[err - 512];
	return strerrorname_np(err);
}

const char *number_meta(uint64_t what)
{
	static const char *const words[] = {
#define FR_META(id, number, word, doc) [number] = #word,
#include "flightrec/meta.def"
#undef FR_META
	};

	return what < sizeof(words) / sizeof(words[0]) ? words[what] : NULL;
}

struct word {
	uint64_t bits;
	const char *name;
};

/* O_SYNC and O_TMPFILE hold bits of others, so they come first. */
static const struct word open_words[] = {
	{ O_CREAT, "O_CREAT" },
	{ O_EXCL, "O_EXCL" },
	{ O_NOCTTY, "O_NOCTTY" },
	{ O_TRUNC, "O_TRUNC" },
	{ O_APPEND, "O_APPEND" },
	{ O_NONBLOCK, "O_NONBLOCK" },
	{ O_SYNC, "O_SYNC" },
	{ O_DSYNC, "O_DSYNC" },
	{ O_ASYNC, "O_ASYNC" },
	{ O_DIRECT, "O_DIRECT" },
#if defined(__x86_64__)
	{ KERNEL_O_LARGEFILE, "O_LARGEFILE" },
#endif
	{ O_TMPFILE, "O_TMPFILE" },
	{ O_DIRECTORY, "O_DIRECTORY" },
	{ O_NOFOLLOW, "O_NOFOLLOW" },
	{ O_NOATIME, "O_NOATIME" },
	{ O_CLOEXEC, "O_CLOEXEC" },
	{ O_PATH, "O_PATH" },
	{ 0, NULL },
};
static const struct word prot_words[] = {
	{ PROT_READ, "PROT_READ" },
	{ PROT_WRITE, "PROT_WRITE" },
	{ PROT_EXEC, "PROT_EXEC" },
	{ PROT_GROWSDOWN, "PROT_GROWSDOWN" },
	{ 0, NULL },
};
static const struct word map_words[] = {
	{ MAP_SHARED_VALIDATE, "MAP_SHARED_VALIDATE" },
	{ MAP_SHARED, "MAP_SHARED" },
	{ MAP_PRIVATE, "MAP_PRIVATE" },
	{ MAP_FIXED, "MAP_FIXED" },
	{ MAP_ANONYMOUS, "MAP_ANONYMOUS" },
	{ MAP_GROWSDOWN, "MAP_GROWSDOWN" },
	{ MAP_DENYWRITE, "MAP_DENYWRITE" },
	{ MAP_EXECUTABLE, "MAP_EXECUTABLE" },
	{ MAP_LOCKED, "MAP_LOCKED" },
	{ MAP_NORESERVE, "MAP_NORESERVE" },
	{ MAP_POPULATE, "MAP_POPULATE" },
	{ MAP_NONBLOCK, "MAP_NONBLOCK" },
	{ MAP_STACK, "MAP_STACK" },
	{ MAP_HUGETLB, "MAP_HUGETLB" },
	{ MAP_SYNC, "MAP_SYNC" },
	{ MAP_FIXED_NOREPLACE, "MAP_FIXED_NOREPLACE" },
	{ 0, NULL },
};
static const struct word at_words[] = {
	{ AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW" },
	{ AT_SYMLINK_FOLLOW, "AT_SYMLINK_FOLLOW" },
	{ AT_NO_AUTOMOUNT, "AT_NO_AUTOMOUNT" },
	{ AT_EMPTY_PATH, "AT_EMPTY_PATH" },
	{ AT_STATX_FORCE_SYNC, "AT_STATX_FORCE_SYNC" },
	{ AT_STATX_DONT_SYNC, "AT_STATX_DONT_SYNC" },
	{ 0, NULL },
};
static const struct word unlink_words[] = { { AT_REMOVEDIR, "AT_REMOVEDIR" },
					    { 0, NULL } };
static const struct word access_words[] = {
	{ AT_EACCESS, "AT_EACCESS" },
	{ AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW" },
	{ AT_EMPTY_PATH, "AT_EMPTY_PATH" },
	{ 0, NULL },
};
static const struct word rename_words[] = {
	{ RENAME_NOREPLACE, "RENAME_NOREPLACE" },
	{ RENAME_EXCHANGE, "RENAME_EXCHANGE" },
	{ RENAME_WHITEOUT, "RENAME_WHITEOUT" },
	{ 0, NULL },
};
static const struct word rwf_words[] = {
	{ RWF_HIPRI, "RWF_HIPRI" },   { RWF_DSYNC, "RWF_DSYNC" },
	{ RWF_SYNC, "RWF_SYNC" },     { RWF_NOWAIT, "RWF_NOWAIT" },
	{ RWF_APPEND, "RWF_APPEND" }, { 0, NULL },
};
static const struct word flock_words[] = {
	{ LOCK_SH, "LOCK_SH" },
	{ LOCK_EX, "LOCK_EX" },
	{ LOCK_UN, "LOCK_UN" },
	{ LOCK_NB, "LOCK_NB" },
	{ 0, NULL },
};
static const struct word msync_words[] = {
	{ MS_ASYNC, "MS_ASYNC" },
	{ MS_SYNC, "MS_SYNC" },
	{ MS_INVALIDATE, "MS_INVALIDATE" },
	{ 0, NULL },
};
static const struct word fallocate_words[] = {
	{ FALLOC_FL_KEEP_SIZE, "FALLOC_FL_KEEP_SIZE" },
	{ FALLOC_FL_PUNCH_HOLE, "FALLOC_FL_PUNCH_HOLE" },
	{ FALLOC_FL_COLLAPSE_RANGE, "FALLOC_FL_COLLAPSE_RANGE" },
	{ FALLOC_FL_ZERO_RANGE, "FALLOC_FL_ZERO_RANGE" },
	{ FALLOC_FL_INSERT_RANGE, "FALLOC_FL_INSERT_RANGE" },
	{ FALLOC_FL_UNSHARE_RANGE, "FALLOC_FL_UNSHARE_RANGE" },
	{ 0, NULL },
};

static const struct {
	const char *call;
	const struct word *words;
} call_words[] = {
	{ "newfstatat", at_words },    { "statx", at_words },
	{ "linkat", at_words },        { "fchownat", at_words },
	{ "utimensat", at_words },     { "fchmodat2", at_words },
	{ "fstatat64", at_words },     { "utimensat_time64", at_words },
	{ "unlinkat", unlink_words },  { "faccessat2", access_words },
	{ "renameat2", rename_words }, { "preadv2", rwf_words },
	{ "pwritev2", rwf_words },     { "flock", flock_words },
	{ "msync", msync_words },      { "fallocate", fallocate_words },
};

struct text {
	char *buf;
	size_t size, len;
};

static void add(struct text *t, const char *word)
{
	int n = snprintf(t->buf + t->len, t->size - t->len, "%s%s",
			 t->len ? "|" : "", word);

	if (n > 0)
		t->len += (size_t)n < t->size - t->len ? (size_t)n :
							 t->size - t->len - 1;
}

/* The bits that have words, then what is left. */
static void add_words(struct text *t, const struct word *w, uint64_t flags)
{
	char rest[24];

	for (; w->name; w++) {
		if (!w->bits || (flags & w->bits) != w->bits)
			continue;
		add(t, w->name);
		flags &= ~w->bits;
	}
	if (flags) {
		snprintf(rest, sizeof(rest), "0x%jx", (uintmax_t)flags);
		add(t, rest);
	}
}

static void add_open(struct text *t, uint64_t flags)
{
	static const char *const modes[] = { "O_RDONLY", "O_WRONLY", "O_RDWR" };
	unsigned mode = (unsigned)flags & O_ACCMODE;

	if (mode < 3) {
		add(t, modes[mode]);
		flags &= ~(uint64_t)O_ACCMODE;
	}
	add_words(t, open_words, flags);
}

/* The recorder keeps the protection in the upper half. */
static void add_mmap(struct text *t, uint64_t flags)
{
	struct text map;

	if (flags >> 32)
		add_words(t, prot_words, flags >> 32);
	else
		add(t, "PROT_NONE");
	if (t->len + 2 > t->size)
		return;
	t->buf[t->len++] = ',';
	map = (struct text){ t->buf + t->len, t->size - t->len, 0 };
	map.buf[0] = 0;
	add_words(&map, map_words, flags & UINT32_MAX);
}

static const struct word *words_of(const char *call)
{
	for (unsigned i = 0; i < sizeof(call_words) / sizeof(call_words[0]);
	     i++)
		if (!strcmp(call_words[i].call, call))
			return call_words[i].words;
	return NULL;
}

bool number_flags(char *buf, size_t size, const char *call, uint64_t flags)
{
	const struct word *words = words_of(call);
	struct text t = { buf, size, 0 };

	if (!strncmp(call, "open", 4) || !strcmp(call, "creat"))
		add_open(&t, flags);
	else if (!strcmp(call, "mmap") || !strcmp(call, "mmap2"))
		add_mmap(&t, flags);
	else if (words && !flags)
		add(&t, "0");
	else if (words)
		add_words(&t, words, flags);
	return t.len;
}

void number_wait_status(char *buf, size_t size, uint64_t status)
{
	int s = (int)status;
	const char *name;

	if (WIFEXITED(s)) {
		snprintf(buf, size, "exit %d", WEXITSTATUS(s));
		return;
	}
	name = sigabbrev_np(WTERMSIG(s));
	if (name)
		snprintf(buf, size, "SIG%s%s", name,
			 WCOREDUMP(s) ? ", core" : "");
	else
		snprintf(buf, size, "signal %d", WTERMSIG(s));
}
