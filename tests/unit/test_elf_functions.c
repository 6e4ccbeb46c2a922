/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_elf_functions.c - functions of ELF files: those of the C library where the
 * loader says they are; files that are cut or damaged.
 */
#include "dump/elf_functions.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"

struct image {
	uint8_t *bytes;
	size_t len;
	const char *path;
	unsigned functions, compared, as_loader;
};

static void read_image(const char *path, struct image *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	ret->len = (size_t)st.st_size;
	ret->bytes = malloc(ret->len);
	assert_non_null(ret->bytes);
	assert_int_equal(read(fd, ret->bytes, ret->len), st.st_size);
	close(fd);
}

/* What the loader did with the library that has an address. */
struct loaded {
	uintptr_t address;
	uint64_t offset; /* of the address, in the file */
};

static int find_loaded(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct loaded *l = arg;

	(void)size;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t begin = info->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_LOAD && l->address >= begin &&
		    l->address - begin < p->p_filesz) {
			l->offset = l->address - begin + p->p_offset;
			return 1;
		}
	}
	return 0;
}

static int compare(void *arg, const char *name, uint64_t offset)
{
	struct image *image = arg;
	struct loaded l = { 0 };
	Dl_info info;

	if (offset == ELF_INDIRECT)
		return 0;
	image->functions++;
	assert_true(offset < image->len);
	/* A sanitizer has functions of its own in place of some; of several versions
	 * of a name the loader gives one. */
	l.address = (uintptr_t)dlsym(RTLD_DEFAULT, name);
	if (!l.address || !dladdr((void *)l.address, &info) ||
	    strcmp(info.dli_fname, image->path) != 0)
		return 0;
	image->compared++;
	if (dl_iterate_phdr(find_loaded, &l) && l.offset == offset)
		image->as_loader++;
	return 0;
}

static void places_as_the_loader(void **state)
{
	struct image image = { 0 };
	Dl_info info;

	(void)state;
	assert_int_not_equal(dladdr((void *)(uintptr_t)getppid, &info), 0);
	image.path = info.dli_fname;
	read_image(info.dli_fname, &image);
	assert_int_equal(elf_functions(image.bytes, image.len, compare, &image),
			 0);
	assert_true(image.functions > 500);
	assert_true(image.compared > image.functions / 2);
	assert_true(image.as_loader > image.compared * 95 / 100);
	free(image.bytes);
}

struct wanted {
	const char *name;
	unsigned seen;
};

static int look_for(void *arg, const char *name, uint64_t offset)
{
	struct wanted *w = arg;

	(void)offset;
	w->seen += !strcmp(name, w->name);
	return w->seen ? -ECANCELED : 0;
}

static void a_program_without_exports(void **state)
{
	struct wanted w = { "a_program_without_exports", 0 };
	struct image image = { 0 };

	(void)state;
	read_image("/proc/self/exe", &image);
	assert_int_equal(elf_functions(image.bytes, image.len, look_for, &w),
			 -ECANCELED);
	assert_int_equal(w.seen, 1);
	free(image.bytes);
}

static int check_bounds(void *arg, const char *name, uint64_t offset)
{
	const struct image *image = arg;
	const char *begin = (const char *)image->bytes;

	assert_true(name >= begin && name < begin + image->len);
	assert_true(strlen(name) < image->len);
	assert_true(offset < image->len || offset == ELF_INDIRECT);
	return 0;
}

/* A copy of just these bytes, so that the sanitizer sees who goes beyond. */
static int read_exactly(const uint8_t *bytes, size_t len)
{
	struct image copy = { .bytes = malloc(len + !len), .len = len };
	int r;

	assert_non_null(copy.bytes);
	memcpy(copy.bytes, bytes, len);
	r = elf_functions(copy.bytes, len, check_bounds, &copy);
	free(copy.bytes);
	assert_true(r == 0 || r == -ENOEXEC || r == -EINVAL || r == -ENOENT);
	return r;
}

static const char *small_library(void)
{
	static const char *const names[] = { "libdl.so.2", "libutil.so.1",
					     "librt.so.1" };
	static char path[4096];
	struct link_map *map;

	for (unsigned i = 0; i < 3; i++) {
		void *h = dlopen(names[i], RTLD_LAZY);

		if (h && !dlinfo(h, RTLD_DI_LINKMAP, &map)) {
			snprintf(path, sizeof(path), "%s", map->l_name);
			return path;
		}
	}
	return "/proc/self/exe";
}

static void cut_at_each_byte(void **state)
{
	struct image image = { 0 };
	size_t step;

	(void)state;
	read_image(small_library(), &image);
	step = image.len > 65536 ? image.len / 16384 : 1;
	assert_int_equal(read_exactly(image.bytes, image.len), 0);
	for (size_t len = 0; len < image.len; len += len < 4096 ? 1 : step)
		assert_int_not_equal(read_exactly(image.bytes, len), 0);
	free(image.bytes);
}

static void damaged(void **state)
{
	struct image image = { 0 }, broken;
	unsigned taken = 0;

	(void)state;
	read_image(small_library(), &image);
	broken = image;
	broken.bytes = malloc(image.len);
	assert_non_null(broken.bytes);
	srand(7);
	for (unsigned round = 0; round < 4000; round++) {
		memcpy(broken.bytes, image.bytes, image.len);
		for (unsigned i = 0; i < 1 + round % 64; i++) {
			/* headers at both ends of the file are hit most */
			size_t span = i % 2 ? image.len : 1024;
			size_t at = (size_t)rand() % span;

			if (i % 4 == 0)
				at = image.len - 1 - at;
			broken.bytes[at] = (uint8_t)rand();
		}
		taken += read_exactly(broken.bytes, image.len) == 0;
	}
	assert_true(taken > 0 && taken < 4000);
	free(broken.bytes);
	free(image.bytes);
}

static void no_elf(void **state)
{
	static const uint8_t script[] = "#!/bin/sh\nexit 0\n";

	(void)state;
	assert_int_equal(read_exactly(script, 0), -ENOEXEC);
	assert_int_equal(read_exactly(script, sizeof(script)), -ENOEXEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_as_the_loader),
		cmocka_unit_test(a_program_without_exports),
		cmocka_unit_test(cut_at_each_byte),
		cmocka_unit_test(damaged),
		cmocka_unit_test(no_elf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
