/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * words.h - names of flags and enumerations (words_*.def).
 *
 * Flags: the known ones joined by '|', what is left as UNKNOWN(0x800), none: "0".
 * Enumerations: the name, or AF(77).  Nothing is ever lost.
 */
#ifndef DUMP_WORDS_H
#define DUMP_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum words_table {
#define FR_WORDS(table, unknown) WORDS_##table,
#define FR_WORD(name, value)
#define FR_WORDS_END
#include "dump/words_fs.def"
#include "dump/words_net.def"
#include "dump/words_other.def"
#include "dump/words_sockopt.def"
#undef FR_WORDS
#undef FR_WORD
#undef FR_WORDS_END
	WORDS_TABLES
};

/* Text under construction; what does not fit is cut. */
struct words_text {
	char *buf;
	size_t size, len;
};
void words_add(struct words_text *t, const char *separator, const char *format,
	       ...) __attribute__((format(printf, 3, 4)));

/* NULL: no such value. */
const char *words_name(enum words_table table, uint64_t value);
/* The value of an enumeration. */
void words_add_value(struct words_text *t, enum words_table table,
		     uint64_t value);
/* The words of all bits, behind what is there. */
void words_add_flags(struct words_text *t, enum words_table table,
		     uint64_t flags);
/* The same, as a text of its own. */
void words_value(char *buf, size_t size, enum words_table table,
		 uint64_t value);
void words_flags(char *buf, size_t size, enum words_table table,
		 uint64_t flags);

#endif
