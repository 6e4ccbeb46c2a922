/* SPDX-License-Identifier: GPL-2.0-or-later */
/* calls_library.c - which functions of a library are counted. */
#include "dump/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump/elf_functions.h"

#define LIBRARY_BYTES_MAX (2ULL << 30)
#define LIBRARY_NAMES_MAX (1U << 20)

struct function {
	char name[CALL_NAME_SIZE];
	uint64_t offset;
};

struct call_library {
	char path[4096];
	char globs[1024]; /* with commas between; "": all */
	struct function *all;
	unsigned nr, size;
	char indirect[CALL_NAME_SIZE]; /* one that was asked for; "": none */
	uint32_t globs_found;          /* bit n: glob n fits some function */
	bool asks_nearest;
	unsigned least; /* edits */
	char nearest[CALL_NAME_SIZE];
};

/* ---- the file ---------------------------------------------------------------------- */

/* As ld.so looks, without its cache: a name alone is one of these folders'. */
static bool find_library(const char *name, char *ret, size_t size)
{
	static const char *const folders[] = {
#ifdef __x86_64__
		"/lib/x86_64-linux-gnu",
		"/usr/lib/x86_64-linux-gnu",
#elif defined(__aarch64__)
		"/lib/aarch64-linux-gnu",
		"/usr/lib/aarch64-linux-gnu",
#endif
		"/lib64",
		"/usr/lib64",
		"/usr/local/lib",
		"/lib",
		"/usr/lib",
		NULL
	};
	bool found = strchr(name, '/') != NULL;

	if (found)
		return (size_t)snprintf(ret, size, "%s", name) < size;
	for (unsigned i = 0; folders[i] && !found; i++)
		found = (size_t)snprintf(ret, size, "%s/%s", folders[i], name) <
				size &&
			access(ret, R_OK) == 0;
	return found;
}

static int map_file(const char *path, const uint8_t **ret, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	void *p;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    (uint64_t)st.st_size > LIBRARY_BYTES_MAX) {
		close(fd);
		return -ENOEXEC;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return -errno;
	*ret = p;
	*ret_len = (size_t)st.st_size;
	return 0;
}

/* ---- its functions -------------------------------------------------------------------- */

/* Names go to terminals, CSV and JSON as they are. */
static bool is_plain(const char *name)
{
	size_t n = strnlen(name, CALL_NAME_SIZE);

	return n && n < CALL_NAME_SIZE &&
	       strspn(name,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		      "0123456789_.$@") >= n;
}

static bool is_wanted(struct call_library *l, const char *name)
{
	const char *p = l->globs;
	char glob[CALL_NAME_SIZE];
	bool wanted = !*p;

	for (unsigned i = 0; *(p += strspn(p, ",")); i++) {
		size_t n = strcspn(p, ",");

		snprintf(glob, sizeof(glob), "%.*s", (int)n, p);
		if (!fnmatch(glob, name, 0)) {
			wanted = true;
			if (i < 32)
				l->globs_found |= 1U << i;
		}
		p += n;
	}
	return wanted;
}

static int take(void *arg, const char *name, uint64_t offset)
{
	struct call_library *l = arg;
	struct function *all = l->all;
	unsigned edits;

	if (!is_plain(name))
		return 0;
	if (l->asks_nearest && offset == ELF_INDIRECT)
		return 0;
	if (l->asks_nearest) {
		edits = call_edits(l->globs, name);
		if (edits < l->least) {
			l->least = edits;
			snprintf(l->nearest, sizeof(l->nearest), "%s", name);
		}
		return 0;
	}
	if (!is_wanted(l, name))
		return 0;
	if (offset == ELF_INDIRECT && !*l->indirect)
		snprintf(l->indirect, sizeof(l->indirect), "%s", name);
	if (l->nr == LIBRARY_NAMES_MAX)
		return -E2BIG;
	if (l->nr == l->size) {
		l->size = l->size ? 2 * l->size : 256;
		all = reallocarray(all, l->size, sizeof(*all));
		if (!all)
			return -ENOMEM;
		l->all = all;
	}
	snprintf(all[l->nr].name, sizeof(all[l->nr].name), "%s", name);
	all[l->nr++].offset = offset;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct function *)a)->name,
		      ((const struct function *)b)->name);
}

/* Of several names of one place the one that programs use: without underscores, the
 * shortest. */
static int by_place(const void *a, const void *b)
{
	const struct function *x = a, *y = b;
	int inner = (*x->name == '_') - (*y->name == '_');
	size_t lx = strlen(x->name), ly = strlen(y->name);

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (inner)
		return inner;
	if (lx != ly)
		return lx < ly ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* What has an indirect version is not counted under any: an older, plain one (memcpy)
 * is not what programs call. */
static void drop_indirect(struct call_library *l)
{
	unsigned kept = 0, nr = 0;

	if (l->nr)
		qsort(l->all, l->nr, sizeof(*l->all), by_name);
	for (unsigned i = 0; i < l->nr; i += nr) {
		bool indirect = false;

		for (nr = 0; i + nr < l->nr &&
			     !strcmp(l->all[i].name, l->all[i + nr].name);
		     nr++)
			indirect |= l->all[i + nr].offset == ELF_INDIRECT;
		for (unsigned k = 0; !indirect && k < nr; k++)
			l->all[kept++] = l->all[i + k];
	}
	l->nr = kept;
}

static void one_name_each(struct call_library *l)
{
	unsigned kept = 0;

	drop_indirect(l);
	if (l->nr)
		qsort(l->all, l->nr, sizeof(*l->all), by_place);
	for (unsigned i = 0; i < l->nr; i++)
		if (!kept || l->all[kept - 1].offset != l->all[i].offset)
			l->all[kept++] = l->all[i];
	l->nr = kept;
}

static int say(char *ret_what, size_t size, const struct call_library *l,
	       int err)
{
	static const char named[] = "names no function: it is stripped, or "
				    "linked statically, and cannot be counted";

	switch (err) {
	case -ENOEXEC:
		snprintf(ret_what, size, "%s is no library or program",
			 l->path);
		break;
	case -EINVAL:
		snprintf(ret_what, size, "%s is damaged: not a whole ELF file",
			 l->path);
		break;
	case -ENOENT:
		snprintf(ret_what, size, "%s %s", l->path, named);
		break;
	default:
		snprintf(ret_what, size, "cannot read %s: %s", l->path,
			 strerror(-err));
	}
	return err;
}

/* The first glob that fits nothing; false: each fits something. */
static bool find_missing(const struct call_library *l, char *ret, size_t size)
{
	const char *p = l->globs;

	for (unsigned i = 0; i < 32 && *(p += strspn(p, ",")); i++) {
		size_t n = strcspn(p, ",");

		if (!(l->globs_found >> i & 1)) {
			snprintf(ret, size, "%.*s", (int)n, p);
			return true;
		}
		p += n;
	}
	return false;
}

static int say_missing(struct call_library *l, const char *missing,
		       const uint8_t *image, size_t len, char *ret_what,
		       size_t size)
{
	l->asks_nearest = true;
	l->least = ~0U;
	snprintf(l->globs, sizeof(l->globs), "%s", missing);
	elf_functions(image, len, take, l);
	snprintf(ret_what, size, "%s has no function '%.64s'%s%s", l->path,
		 missing, *l->nearest ? "; the nearest is " : "", l->nearest);
	return -ESRCH;
}

/* Too many, or none. */
static int check_number(struct call_library *l, const uint8_t *image,
			size_t len, char *ret_what, size_t size)
{
	char missing[CALL_NAME_SIZE];

	if (find_missing(l, missing, sizeof(missing)))
		return say_missing(l, missing, image, len, ret_what, size);
	if (*l->indirect &&
	    (!l->nr || (*l->globs && !strpbrk(l->globs, "*?[")))) {
		snprintf(
			ret_what, size,
			"%s of %s is chosen at run time, for the processor (an "
			"indirect function), and cannot be counted",
			l->indirect, l->path);
		return -ESRCH;
	}
	if (l->nr <= FR_CALL_FUNCTIONS)
		return 0;
	snprintf(ret_what, size,
		 "%s has %u functions that fit, and at most %d can be counted; "
		 "choose some: %s:GLOB,...",
		 l->path, l->nr, FR_CALL_FUNCTIONS, l->path);
	return -E2BIG;
}

int call_library_open(const char *text, struct call_library **ret,
		      char *ret_what, size_t size)
{
	struct call_library *l = calloc(1, sizeof(*l));
	const char *colon = strchr(text, ':');
	const uint8_t *image = NULL;
	size_t len = 0;
	char name[4096];
	int err;

	if (!l)
		return -ENOMEM;
	snprintf(name, sizeof(name), "%.*s",
		 colon ? (int)(colon - text) : (int)strlen(text), text);
	if (strlen(text) >= sizeof(l->globs)) {
		snprintf(ret_what, size, "'%.64s...' is too long", text);
		free(l);
		return -ENAMETOOLONG;
	}
	snprintf(l->globs, sizeof(l->globs), "%s", colon ? colon + 1 : "");
	if (!find_library(name, l->path, sizeof(l->path))) {
		snprintf(ret_what, size,
			 "there is no library %.64s; write its whole path",
			 name);
		free(l);
		return -ENOENT;
	}
	err = map_file(l->path, &image, &len);
	if (err && err != -ENOEXEC) {
		snprintf(ret_what, size, "cannot read %s: %s", l->path,
			 strerror(-err));
	} else if (err || (err = elf_functions(image, len, take, l))) {
		say(ret_what, size, l, err);
	} else {
		one_name_each(l);
		err = check_number(l, image, len, ret_what, size);
	}
	if (image)
		munmap((void *)(uintptr_t)image, len);
	if (err)
		call_library_free(l);
	else
		*ret = l;
	return err;
}

const char *call_library_path(const struct call_library *l)
{
	return l->path;
}

unsigned call_library_functions(const struct call_library *l)
{
	return l->nr;
}

const char *call_library_name(const struct call_library *l, unsigned i)
{
	return l->all[i].name;
}

uint64_t call_library_offset(const struct call_library *l, unsigned i)
{
	return l->all[i].offset;
}

void call_library_free(struct call_library *l)
{
	if (l)
		free(l->all);
	free(l);
}
