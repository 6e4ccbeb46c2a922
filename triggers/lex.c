/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lex.c - splits the text of a rule into words, numbers and signs. */
#include "triggers/lex.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool in_word(char c)
{
	return c && (isalnum((unsigned char)c) || strchr("_.*?-", c));
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
	} else if (*p == '"') {
		l->len = scan_string(p);
		l->kind = l->len ? LEX_STRING : LEX_BAD;
		l->len = l->len ? l->len : 1;
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
