/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_elf.c - any bytes as a library whose functions are to be counted. */
#include "dump/elf_functions.h"

#include <stdlib.h>
#include <string.h>

struct image {
	const char *bytes;
	size_t len;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int check(void *arg, const char *name, uint64_t offset)
{
	const struct image *i = arg;

	if (name < i->bytes || name >= i->bytes + i->len ||
	    strlen(name) >= i->len ||
	    (offset >= i->len && offset != ELF_INDIRECT))
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image i = { (const char *)data, size };

	elf_functions(data, size, check, &i);
	return 0;
}
