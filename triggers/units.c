/* SPDX-License-Identifier: GPL-2.0-or-later */
/* units.c - numbers with units, by exact integer arithmetic. */
#include "triggers/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit times[] = {
	{ "h", 3600000000000ULL },
	{ "m", 60000000000ULL },
	{ "s", 1000000000ULL },
	{ "ms", 1000000ULL },
	{ "us", 1000ULL },
	{ "ns", 1ULL },
	{ NULL, 0 },
};

static const struct unit sizes[] = {
	{ "TiB", 1ULL << 40 },
	{ "GiB", 1ULL << 30 },
	{ "MiB", 1ULL << 20 },
	{ "KiB", 1ULL << 10 },
	{ "TB", 1000000000000ULL },
	{ "GB", 1000000000ULL },
	{ "MB", 1000000ULL },
	{ "kB", 1000ULL },
	{ "B", 1ULL },
	{ NULL, 0 },
};

#define DIGITS_MAX 19 /* of the whole part and of the fraction */

struct decimal {
	uint64_t whole;
	uint64_t fraction; /* in units of 1/divisor */
	uint64_t divisor;
};

static const char *scan_digits(const char *p, uint64_t *ret, unsigned *ret_nr)
{
	*ret = 0;
	*ret_nr = 0;
	for (; isdigit((unsigned char)*p) && *ret_nr < DIGITS_MAX; p++) {
		*ret = *ret * 10 + (uint64_t)(*p - '0');
		(*ret_nr)++;
	}
	return p;
}

/* Digits, then perhaps a point and digits.  *ret_end: what follows. */
static int scan_decimal(const char *text, struct decimal *ret,
			const char **ret_end)
{
	unsigned nr;
	const char *p = scan_digits(text, &ret->whole, &nr);

	ret->fraction = 0;
	ret->divisor = 1;
	if (!nr)
		return -EINVAL;
	if (*p == '.') {
		p = scan_digits(p + 1, &ret->fraction, &nr);
		if (!nr)
			return -EINVAL;
		while (nr--)
			ret->divisor *= 10;
	}
	if (isdigit((unsigned char)*p))
		return -ERANGE;
	while (*p == ' ')
		p++;
	*ret_end = p;
	return 0;
}

/* -EINVAL if the product is no whole number: there is no tenth of a byte. */
static int scale_decimal(const struct decimal *d, uint64_t factor,
			 uint64_t *ret)
{
	unsigned __int128 part = (unsigned __int128)d->fraction * factor;
	unsigned __int128 all = (unsigned __int128)d->whole * factor;

	if (part % d->divisor)
		return -EINVAL;
	all += part / d->divisor;
	if (all > UINT64_MAX)
		return -ERANGE;
	*ret = (uint64_t)all;
	return 0;
}

static int parse_scaled(const char *text, const struct unit *units,
			uint64_t bare_factor, uint64_t *ret)
{
	struct decimal d;
	const char *end;
	int r = scan_decimal(text, &d, &end);

	if (r < 0)
		return r;
	if (!*end) {
		if (!bare_factor && (d.whole || d.fraction))
			return -EINVAL;
		return scale_decimal(&d, bare_factor, ret);
	}
	for (; units->name; units++)
		if (!strcmp(units->name, end))
			return scale_decimal(&d, units->factor, ret);
	return -EINVAL;
}

int units_parse_time(const char *text, uint64_t *ret_ns)
{
	return parse_scaled(text, times, 0, ret_ns);
}

int units_parse_size(const char *text, uint64_t *ret_bytes)
{
	return parse_scaled(text, sizes, 1, ret_bytes);
}

int units_parse_number(const char *text, double *ret)
{
	struct decimal d;
	const char *end;
	int r = scan_decimal(text, &d, &end);

	if (r < 0)
		return r;
	if (*end)
		return -EINVAL;
	*ret = (double)d.whole + (double)d.fraction / (double)d.divisor;
	return 0;
}

int units_parse_percent(const char *text, double *ret)
{
	struct decimal d;
	const char *end;
	int r = scan_decimal(text, &d, &end);

	if (r < 0)
		return r;
	if (strcmp(end, "%"))
		return -EINVAL;
	*ret = (double)d.whole + (double)d.fraction / (double)d.divisor;
	return 0;
}

int units_parse_bool(const char *text, int *ret)
{
	static const char *const words[] = { "no",  "yes", "false", "true",
					     "off", "on",  "0",     "1" };

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcasecmp(text, words[i])) {
			*ret = (int)(i & 1);
			return 0;
		}
	return -EINVAL;
}

/* The shortest of the exact ones; of equals, that with the largest unit. */
static char *format_exact(char buf[32], uint64_t value,
			  const struct unit *units)
{
	size_t best = 32;

	snprintf(buf, 32, "0");
	for (; value && units->name; units++) {
		char text[32];
		int n;

		if (value % units->factor)
			continue;
		n = snprintf(text, sizeof(text), "%" PRIu64 "%s",
			     value / units->factor, units->name);
		if ((size_t)n >= best)
			continue;
		best = (size_t)n;
		snprintf(buf, 32, "%s", text);
	}
	return buf;
}

char *units_format_time(char buf[32], uint64_t ns)
{
	return format_exact(buf, ns, times);
}

char *units_format_size(char buf[32], uint64_t bytes)
{
	return format_exact(buf, bytes, sizes);
}

/* Three digits; ${whole}: the smallest unit, which has no fraction. */
static void format_three(char buf[32], double v, const char *unit, int whole)
{
	int digits = whole || v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2;

	snprintf(buf, 32, "%.*f %s", digits, v, unit);
}

char *units_human_time(char buf[32], uint64_t ns)
{
	static const struct unit up[] = {
		{ "ns", 1 },
		{ "us", 1000 },
		{ "ms", 1000000 },
		{ "s", 1000000000 },
		{ "m", 60000000000ULL },
		{ "h", 3600000000000ULL },
	};
	unsigned i = 0;

	/* go up as soon as three digits would show a full larger unit */
	while (i < 5 &&
	       (double)ns / (double)up[i].factor >=
		       (double)up[i + 1].factor / (double)up[i].factor * 0.9995)
		i++;
	format_three(buf, (double)ns / (double)up[i].factor, up[i].name, !i);
	return buf;
}

char *units_human_size(char buf[32], uint64_t bytes)
{
	static const char *const up[] = { "B",   "KiB", "MiB", "GiB",
					  "TiB", "PiB", "EiB" };
	double v = (double)bytes;
	unsigned i = 0;

	for (; i < 6 && v >= 1023.5; i++)
		v /= 1024;
	format_three(buf, v, up[i], !i);
	return buf;
}

#define WORD_MAX 64

/* Edit distance with swaps of neighbours, letters compared without case. */
static unsigned edit_distance(const char *a, size_t la, const char *b,
			      size_t lb)
{
	unsigned d[3][WORD_MAX + 1];

	for (size_t j = 0; j <= lb; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned *row = d[i % 3], *up = d[(i + 2) % 3];
		unsigned *up2 = d[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			int ca = tolower((unsigned char)a[i - 1]);
			int cb = tolower((unsigned char)b[j - 1]);
			unsigned best = up[j - 1] + (ca != cb);

			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 &&
			    ca == tolower((unsigned char)b[j - 2]) &&
			    cb == tolower((unsigned char)a[i - 2]) &&
			    up2[j - 2] + 1 < best)
				best = up2[j - 2] + 1;
			row[j] = best;
		}
	}
	return d[la % 3][lb];
}

const char *units_nearest(const char *word, const char *const *names)
{
	size_t len = strnlen(word, WORD_MAX + 1);
	unsigned best = len < 4 ? 2 : (unsigned)(len + 2) / 3 + 1;
	const char *nearest = NULL;

	if (!len || len > WORD_MAX)
		return NULL;
	for (; *names; names++) {
		size_t n = strnlen(*names, WORD_MAX + 1);
		unsigned d;

		if (n > WORD_MAX)
			continue;
		d = edit_distance(word, len, *names, n);
		if (len >= 3 && n > len && !strncasecmp(word, *names, len))
			d = 1; /* cut short */
		if (d < best) {
			best = d;
			nearest = *names;
		}
	}
	return nearest;
}
