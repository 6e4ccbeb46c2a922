/* SPDX-License-Identifier: GPL-2.0-or-later */
/* glob.c - globs as tables; how they are run. */
#include "triggers/glob.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

/* Token number ${n} accepts that byte. */
static void accept(struct fr_glob *g, unsigned n, unsigned byte)
{
	g->accepts[byte][n / 64] |= 1ull << (n % 64);
}

/* A byte of a set, or of the text, which a \ may precede; NULL: it ends there. */
static const char *one_byte(const char *p, unsigned char *ret)
{
	if (*p == '\\')
		p++;
	*ret = (unsigned char)*p;
	return *p ? p + 1 : NULL;
}

/* [...]: p is behind the bracket; returns what is behind the other one. */
static const char *take_set(struct fr_glob *g, unsigned n, const char *p,
			    const char **ret_what)
{
	bool in[256] = { false }, inverse = *p == '!' || *p == '^',
	     first = true;

	for (p += inverse; *p != ']' || first; first = false) {
		unsigned char from, to;

		if (*p == '[' && p[1] == ':') {
			*ret_what = "classes such as [:alpha:] are not known "
				    "here; write [a-z]";
			return NULL;
		}
		p = one_byte(p, &from);
		to = from;
		if (p && *p == '-' && p[1] != ']')
			p = one_byte(p + 1, &to);
		if (!p) {
			*ret_what = "[ without ]";
			return NULL;
		}
		for (unsigned byte = from; byte <= to; byte++)
			in[byte] = true;
	}
	for (unsigned byte = 1; byte < 256; byte++)
		if (in[byte] != inverse)
			accept(g, n, byte);
	return p + 1;
}

/* One token, numbered ${n}; what is behind it. */
static const char *take_token(struct fr_glob *g, unsigned n, const char *p,
			      const char **ret_what)
{
	unsigned char byte;

	if (*p == '[')
		return take_set(g, n, p + 1, ret_what);
	if (*p == '?') {
		for (unsigned any = 1; any < 256; any++)
			accept(g, n, any);
		return p + 1;
	}
	p = one_byte(p, &byte);
	if (!p)
		*ret_what = "\\ at the end";
	else
		accept(g, n, byte);
	return p;
}

int glob_compile(const char *text, struct fr_glob *ret, const char **ret_what)
{
	unsigned n = 0;

	memset(ret, 0, sizeof(*ret));
	while (*text) {
		if (*text == '*') {
			ret->stays[n / 64] |= 1ull << (n % 64);
			text++;
			continue;
		}
		if (++n > GLOB_TOKENS_MAX) {
			*ret_what = "longer than 127 characters";
			return -EINVAL;
		}
		text = take_token(ret, n, text, ret_what);
		if (!text)
			return -EINVAL;
	}
	ret->ends[n / 64] = 1ull << (n % 64);
	return 0;
}

bool glob_matches(const struct fr_glob *g, const char *text, size_t len)
{
	uint64_t low = 1, high = 0;

	for (size_t i = 0; i < len; i++) {
		const __u64 *accepts = g->accepts[(unsigned char)text[i]];
		uint64_t moved_low = low << 1 & accepts[0];
		uint64_t moved_high = (high << 1 | low >> 63) & accepts[1];

		low = moved_low | (low & g->stays[0]);
		high = moved_high | (high & g->stays[1]);
	}
	return ((low & g->ends[0]) | (high & g->ends[1])) != 0;
}
