/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lex.c - splits the text of a rule into words, numbers and signs. */
#include "triggers/lex.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "triggers/units.h"

static bool in_word(char c)
{
	return c && (isalnum((unsigned char)c) || strchr("_.*?-", c));
}

/* A path without quotation marks: /var/lib/x-1, /system.slice/a@b.service */
static bool in_path(char c)
{
	return in_word(c) || (c && strchr("/:@+", c));
}

static unsigned scan_number(const char *p)
{
	unsigned n = 0;

	while (isdigit((unsigned char)p[n]) || p[n] == '.')
		n++;
	while (isalpha((unsigned char)p[n]) || p[n] == '%')
		n++;
	if (p[n] == '/' && p[n + 1] == 's')
		n += 2;
	return n;
}

static unsigned scan_string(const char *p)
{
	unsigned n = 1;

	while (p[n] && p[n] != '"')
		n++;
	return p[n] ? n + 1 : 0;
}

void lex_next(struct lex *l)
{
	const char *p;

	l->at += l->len;
	while (isspace((unsigned char)l->text[l->at]))
		l->at++;
	p = l->text + l->at;
	l->len = 1;
	if (!*p) {
		l->kind = LEX_END;
		l->len = 0;
	} else if (isdigit((unsigned char)*p)) {
		l->kind = LEX_NUMBER;
		l->len = scan_number(p);
	} else if (isalpha((unsigned char)*p) || *p == '*') {
		l->kind = LEX_WORD;
		while (in_word(p[l->len]))
			l->len++;
	} else if (*p == '/') {
		l->kind = LEX_WORD;
		while (in_path(p[l->len]))
			l->len++;
	} else if (*p == '"') {
		l->len = scan_string(p);
		l->kind = l->len ? LEX_STRING : LEX_BAD;
		l->len = l->len ? l->len : 1;
	} else if (*p == '!' && p[1] == '=') {
		l->kind = LEX_SIGN;
		l->len = 2;
	} else if (strchr("<>=(),", *p)) {
		l->kind = LEX_SIGN;
		l->len += (*p == '<' || *p == '>') && p[1] == '=';
	} else {
		l->kind = LEX_BAD;
	}
}

void lex_start(struct lex *l, const char *text, struct rule_diag *diag)
{
	memset(l, 0, sizeof(*l));
	l->text = text;
	l->diag = diag;
	lex_next(l);
}

bool lex_is(const struct lex *l, const char *what)
{
	return strlen(what) == l->len && !memcmp(l->text + l->at, what, l->len);
}

bool lex_next_is(const struct lex *l, const char *what)
{
	struct lex ahead = *l;

	lex_next(&ahead);
	return lex_is(&ahead, what);
}

int lex_copy(const struct lex *l, char *buf, size_t size)
{
	if (l->len >= size)
		return -ENAMETOOLONG;
	memcpy(buf, l->text + l->at, l->len);
	buf[l->len] = '\0';
	return 0;
}

int lex_copy_value(const struct lex *l, char *buf, size_t size)
{
	struct lex inner = *l;

	if (l->kind == LEX_STRING) {
		inner.at++;
		inner.len -= 2;
	}
	return lex_copy(&inner, buf, size);
}

int lex_time(struct lex *l, const char *what, bool zero, uint64_t max_ns,
	     uint64_t *ret_ns)
{
	char number[32], most[32];
	uint64_t ns;

	if (l->kind != LEX_NUMBER || lex_copy(l, number, sizeof(number)) < 0)
		return lex_expect(l, "a duration such as 10s");
	if (units_parse_time(number, &ns) < 0)
		return lex_fail(l,
				"'%s' is not a duration; write a number and ns "
				"us ms s m or h: %s 10s",
				number, what);
	if ((!ns && !zero) || ns > max_ns)
		return lex_fail(l, "`%s` takes more than 0 and at most %s",
				what, units_format_time(most, max_ns));
	*ret_ns = ns;
	lex_next(l);
	return 0;
}

int lex_fail(struct lex *l, const char *fmt, ...)
{
	va_list ap;

	l->diag->at = l->at;
	va_start(ap, fmt);
	vsnprintf(l->diag->text, sizeof(l->diag->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

int lex_expect(struct lex *l, const char *what)
{
	if (l->kind == LEX_END)
		return lex_fail(l, "expected %s, found the end of the rule",
				what);
	if (l->kind == LEX_BAD && l->text[l->at] == '-')
		return lex_fail(l, "expected %s; limits cannot be negative",
				what);
	if (l->kind == LEX_BAD && l->text[l->at] == '"')
		return lex_fail(l, "no closing quotation mark");
	return lex_fail(l, "expected %s, found '%.*s'", what,
			l->len > 40 ? 40 : (int)l->len, l->text + l->at);
}
