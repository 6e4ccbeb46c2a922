/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/elf_functions.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define SEGMENTS_MAX 16 /* that can be executed; linkers make one or two */

struct elf {
	const uint8_t *image;
	size_t len;
	bool is_64;
	uint64_t phoff, shoff;
	unsigned phnum, phsize, shnum, shsize;
	struct segment {
		uint64_t vaddr, size, offset;
	} segments[SEGMENTS_MAX];
	unsigned nr_segments;
};

struct section {
	uint32_t type, link;
	uint64_t offset, size, entry;
};

struct symbol {
	uint32_t name;
	uint8_t info;
	uint16_t section;
	uint64_t value;
};

static bool copy(const struct elf *e, uint64_t at, void *dst, size_t size)
{
	if (at > e->len || size > e->len - at)
		return false;
	memcpy(dst, e->image + at, size);
	return true;
}

/* ---- headers ---------------------------------------------------------------------- */

#define TAKE_HEADER(e, h)                                         \
	((e)->phoff = (h).e_phoff, (e)->phnum = (h).e_phnum,      \
	 (e)->phsize = (h).e_phentsize, (e)->shoff = (h).e_shoff, \
	 (e)->shnum = (h).e_shnum, (e)->shsize = (h).e_shentsize)

static int read_header(struct elf *e)
{
	unsigned char id[EI_NIDENT];
	Elf64_Ehdr h64;
	Elf32_Ehdr h32;

	if (!copy(e, 0, id, sizeof(id)) || memcmp(id, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	if (id[EI_DATA] != (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ?
				    ELFDATA2LSB :
				    ELFDATA2MSB))
		return -ENOEXEC;
	e->is_64 = id[EI_CLASS] == ELFCLASS64;
	if (!e->is_64 && id[EI_CLASS] != ELFCLASS32)
		return -ENOEXEC;
	if (e->is_64 ? !copy(e, 0, &h64, sizeof(h64)) :
		       !copy(e, 0, &h32, sizeof(h32)))
		return -EINVAL;
	if (e->is_64)
		TAKE_HEADER(e, h64);
	else
		TAKE_HEADER(e, h32);
	return 0;
}

static bool read_segment(const struct elf *e, unsigned i, struct segment *ret,
			 bool *ret_wanted)
{
	uint64_t at;
	Elf64_Phdr p64;
	Elf32_Phdr p32;

	if (__builtin_add_overflow(e->phoff, (uint64_t)i * e->phsize, &at))
		return false;
	if (e->is_64) {
		if (!copy(e, at, &p64, sizeof(p64)))
			return false;
		*ret_wanted = p64.p_type == PT_LOAD && p64.p_flags & PF_X;
		*ret = (struct segment){ p64.p_vaddr, p64.p_filesz,
					 p64.p_offset };
	} else {
		if (!copy(e, at, &p32, sizeof(p32)))
			return false;
		*ret_wanted = p32.p_type == PT_LOAD && p32.p_flags & PF_X;
		*ret = (struct segment){ p32.p_vaddr, p32.p_filesz,
					 p32.p_offset };
	}
	return true;
}

static int read_segments(struct elf *e)
{
	struct segment s;
	bool wanted;

	for (unsigned i = 0; i < e->phnum; i++) {
		if (!read_segment(e, i, &s, &wanted))
			return -EINVAL;
		if (!wanted)
			continue;
		if (e->nr_segments == SEGMENTS_MAX || s.offset > e->len ||
		    s.size > e->len - s.offset)
			return -EINVAL;
		e->segments[e->nr_segments++] = s;
	}
	return 0;
}

static bool read_section(const struct elf *e, uint64_t i, struct section *ret)
{
	uint64_t at;
	Elf64_Shdr s64;
	Elf32_Shdr s32;

	if (i >= e->shnum ||
	    __builtin_add_overflow(e->shoff, i * e->shsize, &at))
		return false;
	if (e->is_64) {
		if (!copy(e, at, &s64, sizeof(s64)))
			return false;
		*ret = (struct section){ s64.sh_type, s64.sh_link,
					 s64.sh_offset, s64.sh_size,
					 s64.sh_entsize };
	} else {
		if (!copy(e, at, &s32, sizeof(s32)))
			return false;
		*ret = (struct section){ s32.sh_type, s32.sh_link,
					 s32.sh_offset, s32.sh_size,
					 s32.sh_entsize };
	}
	return true;
}

/* ---- symbols ------------------------------------------------------------------------- */

static bool read_symbol(const struct elf *e, uint64_t at, struct symbol *ret)
{
	Elf64_Sym s64;
	Elf32_Sym s32;

	if (e->is_64) {
		if (!copy(e, at, &s64, sizeof(s64)))
			return false;
		*ret = (struct symbol){ s64.st_name, s64.st_info, s64.st_shndx,
					s64.st_value };
	} else {
		if (!copy(e, at, &s32, sizeof(s32)))
			return false;
		*ret = (struct symbol){ s32.st_name, s32.st_info, s32.st_shndx,
					s32.st_value };
	}
	return true;
}

/* Where in the file; false: it is not code of this file. */
static bool find_offset(const struct elf *e, uint64_t value, uint64_t *ret)
{
	for (unsigned i = 0; i < e->nr_segments; i++) {
		const struct segment *s = &e->segments[i];

		if (value >= s->vaddr && value - s->vaddr < s->size) {
			*ret = value - s->vaddr + s->offset;
			return true;
		}
	}
	return false;
}

/* NULL: outside of the strings, or without an end. */
static const char *find_name(const struct elf *e, const struct section *strings,
			     uint32_t at)
{
	const char *name;

	if (strings->offset > e->len ||
	    strings->size > e->len - strings->offset || at >= strings->size)
		return NULL;
	name = (const char *)e->image + strings->offset + at;
	return memchr(name, '\0', (size_t)(strings->size - at)) ? name : NULL;
}

/* How many functions; negative: damaged, or what ${fn} returned in *ret_stop. */
static int64_t read_table(const struct elf *e, const struct section *table,
			  elf_function_fn fn, void *arg, int *ret_stop)
{
	uint64_t size = e->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	struct section strings;
	int64_t nr = 0;

	if (table->entry < size || table->offset > e->len ||
	    table->size > e->len - table->offset ||
	    !read_section(e, table->link, &strings))
		return -EINVAL;
	for (uint64_t i = 0; i < table->size / table->entry; i++) {
		struct symbol s;
		uint64_t offset;
		const char *name;

		if (!read_symbol(e, table->offset + i * table->entry, &s))
			return -EINVAL;
		if (s.section == SHN_UNDEF)
			continue;
		if (ELF64_ST_TYPE(s.info) == STT_GNU_IFUNC)
			offset = ELF_INDIRECT;
		else if (ELF64_ST_TYPE(s.info) != STT_FUNC ||
			 !find_offset(e, s.value, &offset))
			continue;
		name = find_name(e, &strings, s.name);
		if (!name)
			return -EINVAL;
		nr++;
		*ret_stop = fn(arg, name, offset);
		if (*ret_stop)
			break;
	}
	return nr;
}

/* How many functions the tables of one type have. */
static int64_t read_tables(const struct elf *e, uint32_t type,
			   elf_function_fn fn, void *arg, int *ret_stop)
{
	struct section s;
	int64_t nr, sum = 0;

	for (unsigned i = 0; i < e->shnum; i++) {
		if (!read_section(e, i, &s))
			return -EINVAL;
		if (s.type != type)
			continue;
		nr = read_table(e, &s, fn, arg, ret_stop);
		if (nr < 0 || *ret_stop)
			return nr;
		sum += nr;
	}
	return sum;
}

int elf_functions(const uint8_t *image, size_t len, elf_function_fn fn,
		  void *arg)
{
	struct elf e = { .image = image, .len = len };
	int r = read_header(&e), stop = 0;
	int64_t nr;

	r = r ? r : read_segments(&e);
	if (r)
		return r;
	nr = read_tables(&e, SHT_DYNSYM, fn, arg, &stop);
	if (nr == 0)
		nr = read_tables(&e, SHT_SYMTAB, fn, arg, &stop);
	if (stop)
		return stop;
	if (nr < 0)
		return (int)nr;
	return nr ? 0 : -ENOENT;
}
