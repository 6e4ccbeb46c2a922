/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * elf_functions.h - the functions that a library or program names, and where they are
 * in the file.
 *
 * Of its dynamic symbol table, or of the full one if that has none.  Of indirect
 * functions (STT_GNU_IFUNC: strlen and its like in the C library) the symbol points to
 * what chooses the function, not to that.
 */
#ifndef DUMP_ELF_FUNCTIONS_H
#define DUMP_ELF_FUNCTIONS_H

#include <stddef.h>
#include <stdint.h>

#define ELF_INDIRECT UINT64_MAX /* in place of an offset */

/* ${name}: within the file, ends in NUL.  Not 0: stop, and return that. */
typedef int (*elf_function_fn)(void *arg, const char *name, uint64_t offset);

/*
 * ${image}: the whole file, of which nothing is trusted.  0; -ENOEXEC: no ELF file of
 * this byte order; -EINVAL: it is damaged; -ENOENT: it names no function (stripped, or
 * linked statically).
 */
int elf_functions(const uint8_t *image, size_t len, elf_function_fn fn,
		  void *arg);

#endif
