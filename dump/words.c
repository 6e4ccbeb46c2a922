/* SPDX-License-Identifier: GPL-2.0-or-later */
/* words.c - names of flags and enumerations. */
#include "dump/words.h"

#include <stdarg.h>
#include <stdio.h>

struct word {
	uint64_t value;
	const char *name;
};

/* clang-format off */
#define FR_WORDS(table, unknown) static const struct word words_##table[] = {
#define FR_WORD(name, value)     { value, #name },
#define FR_WORDS_END             { 0, NULL } };
#include "dump/words_fs.def"
#include "dump/words_net.def"
#include "dump/words_sockopt.def"
#include "dump/words_other.def"
#undef FR_WORDS
#undef FR_WORD
#undef FR_WORDS_END

static const struct {
	const struct word *words;
	const char *unknown;
} tables[WORDS_TABLES] = {
#define FR_WORDS(table, unknown) [WORDS_##table] = { words_##table, unknown },
#define FR_WORD(name, value)
#define FR_WORDS_END
#include "dump/words_fs.def"
#include "dump/words_net.def"
#include "dump/words_sockopt.def"
#include "dump/words_other.def"
};
/* clang-format on */

void words_add(struct words_text *t, const char *separator, const char *format,
	       ...)
{
	va_list args;
	int n = 0;

	if (t->len)
		n = snprintf(t->buf + t->len, t->size - t->len, "%s",
			     separator);
	for (unsigned step = 0; step < 2; step++) {
		if (n > 0)
			t->len += (size_t)n < t->size - t->len ?
					  (size_t)n :
					  t->size - t->len - 1;
		if (step)
			break;
		va_start(args, format);
		n = vsnprintf(t->buf + t->len, t->size - t->len, format, args);
		va_end(args);
	}
}

const char *words_name(enum words_table table, uint64_t value)
{
	for (const struct word *w = tables[table].words; w->name; w++)
		if (w->value == value)
			return w->name;
	return NULL;
}

void words_add_value(struct words_text *t, enum words_table table,
		     uint64_t value)
{
	const char *name = words_name(table, value);

	if (name)
		words_add(t, "|", "%s", name);
	else
		words_add(t, "|", "%s(%jd)", tables[table].unknown,
			  (intmax_t)value);
}

void words_add_flags(struct words_text *t, enum words_table table,
		     uint64_t flags)
{
	for (const struct word *w = tables[table].words; w->name; w++) {
		if (!w->value || (flags & w->value) != w->value)
			continue;
		words_add(t, "|", "%s", w->name);
		flags &= ~w->value;
	}
	if (flags)
		words_add(t, "|", "UNKNOWN(0x%jx)", (uintmax_t)flags);
}

void words_value(char *buf, size_t size, enum words_table table, uint64_t value)
{
	struct words_text t = { buf, size, 0 };

	buf[0] = 0;
	words_add_value(&t, table, value);
}

void words_flags(char *buf, size_t size, enum words_table table, uint64_t flags)
{
	struct words_text t = { buf, size, 0 };

	buf[0] = 0;
	if (flags)
		words_add_flags(&t, table, flags);
	else
		words_add(&t, "|", "0");
}
