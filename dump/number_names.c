/* SPDX-License-Identifier: GPL-2.0-or-later */
/* number_names.c - words for numbers that the kernel and the recorder use. */
#include "dump/number_names.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "dump/words.h"

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

/* ---- flags of system calls --------------------------------------------------- */
static const struct call_words {
	const char *call;
	enum words_table table;
	bool is_enum;
} call_words[] = {
	{ "newfstatat", WORDS_at, 0 },
	{ "fstatat64", WORDS_at, 0 },
	{ "linkat", WORDS_at, 0 },
	{ "fchownat", WORDS_at, 0 },
	{ "utimensat", WORDS_at, 0 },
	{ "utimensat_time64", WORDS_at, 0 },
	{ "fchmodat2", WORDS_at, 0 },
	{ "unlinkat", WORDS_at, 0 },
	{ "faccessat2", WORDS_at_access, 0 },
	{ "renameat2", WORDS_rename, 0 },
	{ "preadv2", WORDS_rwf, 0 },
	{ "pwritev2", WORDS_rwf, 0 },
	{ "flock", WORDS_flock, 0 },
	{ "msync", WORDS_msync, 0 },
	{ "mremap", WORDS_mremap, 0 },
	{ "madvise", WORDS_madvise, 1 },
	{ "fadvise64", WORDS_fadvise, 1 },
	{ "fadvise64_64", WORDS_fadvise, 1 },
	{ "fallocate", WORDS_fallocate, 0 },
	{ "sync_file_range", WORDS_sync_range, 0 },
	{ "splice", WORDS_splice, 0 },
	{ "tee", WORDS_splice, 0 },
	{ "vmsplice", WORDS_splice, 0 },
	{ "copy_file_range", WORDS_none, 0 },
	{ "close_range", WORDS_close_range, 0 },
	{ "umount2", WORDS_umount, 0 },
	{ "setxattr", WORDS_xattr, 0 },
	{ "lsetxattr", WORDS_xattr, 0 },
	{ "fsetxattr", WORDS_xattr, 0 },
	{ "epoll_create1", WORDS_epoll_create, 0 },
};

/* Bits of O_DIRECT and others differ between architectures. */
static bool open_table(const char *arch, enum words_table *ret)
{
	if (!arch)
		return false;
	if (!strcmp(arch, "x86_64"))
		*ret = WORDS_open_x86;
	else if (!strcmp(arch, "aarch64"))
		*ret = WORDS_open_arm64;
	else
		return false;
	return true;
}

static void add_open(struct words_text *t, enum words_table table,
		     uint64_t flags)
{
	words_add_value(t, WORDS_accmode, flags & 3);
	words_add_flags(t, table, flags & ~3ULL);
}

#define MAP_HUGE_BITS 26
#define MAP_HUGE_MASK 0x3fU

/* The recorder keeps the protection in the upper half. */
static void add_mmap(struct words_text *t, uint64_t flags)
{
	uint32_t map = (uint32_t)flags, huge;
	struct words_text m;

	if (flags >> 32)
		words_add_flags(t, WORDS_prot, flags >> 32);
	else
		words_add(t, "|", "PROT_NONE");
	words_add(t, ",", "%s", "");
	m = (struct words_text){ t->buf + t->len, t->size - t->len, 0 };
	words_add_value(&m, WORDS_map_type, map & 15);
	map &= ~15U;
	huge = map >> MAP_HUGE_BITS & MAP_HUGE_MASK;
	map &= ~(MAP_HUGE_MASK << MAP_HUGE_BITS);
	words_add_flags(&m, WORDS_map, map);
	if (huge)
		words_add(&m, "|", "%u<<MAP_HUGE_SHIFT", huge);
	t->len += m.len;
}

/* No bit of the type of synchronisation is a word, too, and comes first. */
static void add_statx(struct words_text *t, uint64_t flags)
{
	if (!(flags & 0x6000))
		words_add(t, "|", "AT_STATX_SYNC_AS_STAT");
	words_add_flags(t, WORDS_at_statx, flags);
}

static bool add_special(struct words_text *t, const char *call,
			const char *arch, uint64_t flags)
{
	bool is_open = !strncmp(call, "open", 4) || !strcmp(call, "creat");
	enum words_table table;

	if ((is_open || !strcmp(call, "dup3")) && !open_table(arch, &table))
		return false;
	if (is_open)
		add_open(t, table, flags);
	else if (!strcmp(call, "dup3") && flags)
		words_add_flags(t, table, flags);
	else if (!strcmp(call, "dup3"))
		words_add(t, "|", "0");
	else if (!strcmp(call, "mmap") || !strcmp(call, "mmap2"))
		add_mmap(t, flags);
	else if (!strcmp(call, "statx"))
		add_statx(t, flags);
	else if (!strcmp(call, "fchmod"))
		words_add(t, "|", "%#03jo", (uintmax_t)(flags & 0xffff));
	else
		return false;
	return true;
}

bool number_flags(char *buf, size_t size, const char *call, const char *arch,
		  uint64_t flags)
{
	struct words_text t = { buf, size, 0 };

	/* an int: the kernel does not look at the rest of the register */
	if (strncmp(call, "mmap", 4) && strcmp(call, "openat2"))
		flags &= UINT32_MAX;
	for (unsigned i = 0; i < sizeof(call_words) / sizeof(call_words[0]);
	     i++) {
		if (strcmp(call_words[i].call, call))
			continue;
		if (call_words[i].is_enum)
			words_value(buf, size, call_words[i].table, flags);
		else
			words_flags(buf, size, call_words[i].table, flags);
		return true;
	}
	return add_special(&t, call, arch, flags);
}

void number_mode(char *buf, size_t size, const char *call, uint64_t mode)
{
	struct words_text t = { buf, size, 0 };
	const char *type = words_name(WORDS_file_type, mode & 0170000);
	bool symbolic = false;

	buf[0] = 0;
	if (call &&
	    (!strcmp(call, "access") || !strncmp(call, "faccessat", 9))) {
		if (mode)
			words_add_flags(&t, WORDS_access, mode);
		else
			words_add(&t, "|", "F_OK");
		return;
	}
	if (!call || !strncmp(call, "mknod", 5))
		symbolic = type || !(mode & 0170000);
	if (symbolic) {
		if (type)
			words_add(&t, "|", "%s", type);
		if (mode & 07000)
			words_add_flags(&t, WORDS_mode_bits, mode & 07000);
		mode &= 0777;
	}
	words_add(&t, "|", "%#03jo", (uintmax_t)mode);
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
