/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan.h - reads lines, words and numbers from bytes that need not end in NUL.
 *
 * A scanner is a window [p, end).  Every function either takes what it names
 * off the front and returns true, or returns false and leaves the window.
 */
#ifndef RECORDER_SCAN_H
#define RECORDER_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct scan {
	const char *p, *end;
};

static inline size_t scan_len(const struct scan *s)
{
	return (size_t)(s->end - s->p);
}

static inline struct scan scan_text(const char *text)
{
	return (struct scan){ text, text + strlen(text) };
}

/* The next line without its newline.  A last line without a newline is not a
 * line: the file was cut there, perhaps within a number. */
static inline bool scan_line(struct scan *s, struct scan *ret_line)
{
	const char *nl;

	if (s->p == s->end)
		return false;
	nl = memchr(s->p, '\n', (size_t)(s->end - s->p));
	if (!nl)
		return false;
	*ret_line = (struct scan){ s->p, nl };
	s->p = nl + 1;
	return true;
}

static inline void scan_blanks(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
		s->p++;
}

/* The next run of bytes that are neither blank nor ${stop}. */
static inline bool scan_word(struct scan *s, char stop, struct scan *ret)
{
	const char *start;

	scan_blanks(s);
	start = s->p;
	while (s->p < s->end && *s->p != ' ' && *s->p != '\t' && *s->p != stop)
		s->p++;
	*ret = (struct scan){ start, s->p };
	return s->p > start;
}

static inline bool scan_char(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

static inline bool scan_is(const struct scan *s, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(s->end - s->p) == n && memcmp(s->p, text, n) == 0;
}

static inline bool scan_starts(const struct scan *s, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(s->end - s->p) >= n && memcmp(s->p, text, n) == 0;
}

/* Decimal digits, at most INT64_MAX. */
static inline bool scan_digits(struct scan *s, int64_t *ret)
{
	const char *p = s->p;
	int64_t v = 0;

	for (; p < s->end && *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, *p - '0', &v))
			return false;
	if (p == s->p)
		return false;
	s->p = p;
	*ret = v;
	return true;
}

static inline bool scan_at_gap(const struct scan *s)
{
	return s->p == s->end || *s->p == ' ' || *s->p == '\t';
}

/* A whole word that is a number. */
static inline bool scan_number(struct scan *s, int64_t *ret)
{
	struct scan t = *s;
	int64_t v;

	scan_blanks(&t);
	if (!scan_digits(&t, &v) || !scan_at_gap(&t))
		return false;
	*s = t;
	*ret = v;
	return true;
}

/* The same, perhaps below zero. */
static inline bool scan_signed(struct scan *s, int64_t *ret)
{
	struct scan t = *s;
	bool minus;
	int64_t v;

	scan_blanks(&t);
	minus = scan_char(&t, '-');
	if (!scan_digits(&t, &v) || !scan_at_gap(&t))
		return false;
	*s = t;
	*ret = minus ? -v : v;
	return true;
}

/* A whole word of hexadecimal digits. */
static inline bool scan_hex(struct scan *s, int64_t *ret)
{
	struct scan t = *s;
	int64_t v = 0;
	const char *from;

	scan_blanks(&t);
	for (from = t.p; t.p < t.end; t.p++) {
		static const char digits[] = "0123456789abcdef";
		const char *d = memchr(digits, *t.p | 0x20, 16);

		/* The bit 0x20 makes lower case, and control bytes digits. */
		if (!d || *t.p < '0')
			break;
		if (v > INT64_MAX >> 4)
			return false;
		v = v << 4 | (d - digits);
	}
	if (t.p == from || !scan_at_gap(&t))
		return false;
	*s = t;
	*ret = v;
	return true;
}

/* "12.34" as 1234: a number with exactly two decimals. */
static inline bool scan_hundredths(struct scan *s, int64_t *ret)
{
	struct scan t = *s;
	int64_t whole, part;
	const char *dot;

	scan_blanks(&t);
	if (!scan_digits(&t, &whole) || !scan_char(&t, '.'))
		return false;
	dot = t.p;
	if (!scan_digits(&t, &part) || t.p != dot + 2 || !scan_at_gap(&t))
		return false;
	if (__builtin_mul_overflow(whole, 100, &whole) ||
	    __builtin_add_overflow(whole, part, &whole))
		return false;
	*s = t;
	*ret = whole;
	return true;
}

#endif
