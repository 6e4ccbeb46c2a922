/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nested_json.c - "a.b.c=value" pairs as nested JSON objects. */
#include "dump/nested_json.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dump/escape.h"

#define DEPTH_MAX 16 /* further dots are part of the name */

/* Dots sort before everything, so that an object's members stay together. */
static int compare_keys(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	if (*a == *b)
		return 0;
	if (!*a || !*b)
		return *a ? 1 : -1;
	if (*a == '.' || *b == '.')
		return *a == '.' ? -1 : 1;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

static int compare(const void *p, const void *q)
{
	const struct nested_pair *x = p, *y = q;
	int d = compare_keys(x->key, y->key);

	if (d)
		return d;
	/* the order of the reply; the array was filled in it */
	return x->value < y->value ? -1 : x->value > y->value;
}

void nested_json_string(FILE *out, const char *text, size_t len)
{
	char *escaped = malloc(ESCAPE_GROWTH * len + 1);
	size_t n = escaped ? escape_text(escaped, text, len, 0) : 0;

	fputc('"', out);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)escaped[i];

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", out);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
	free(escaped);
}

/* As JSON defines numbers: no leading zeros or plus, digits around the dot. */
static bool is_number(const char *s)
{
	s += *s == '-';
	if (*s < '0' || *s > '9' || (*s == '0' && s[1] >= '0' && s[1] <= '9'))
		return false;
	s += strspn(s, "0123456789");
	if (*s == '.') {
		if (!strspn(s + 1, "0123456789"))
			return false;
		s += 1 + strspn(s + 1, "0123456789");
	}
	return !*s;
}

static void print_value(FILE *out, const struct nested_pair *pair)
{
	const char *value = pair->value;

	if (pair->is_text)
		nested_json_string(out, value, strlen(value));
	else if (is_number(value))
		fputs(value, out);
	else if (!strcmp(value, "yes"))
		fputs("true", out);
	else if (!strcmp(value, "no"))
		fputs("false", out);
	else
		nested_json_string(out, value, strlen(value));
}

static void indent(FILE *out, unsigned depth)
{
	fputc('\n', out);
	while (depth--)
		fputs("  ", out);
}

static size_t word_length(const char *key, unsigned depth)
{
	return depth >= DEPTH_MAX ? strlen(key) : strcspn(key, ".");
}

static void print_name(FILE *out, const char *name, size_t len, unsigned depth,
		       bool *first)
{
	char *text = strndup(name, len);

	if (!*first)
		fputc(',', out);
	*first = false;
	indent(out, depth);
	for (char *p = text; p && *p; p++)
		if (*p == NESTED_POINT)
			*p = '.';
	nested_json_string(out, text ?: name, len);
	fputs(": ", out);
	free(text);
}

/* Pairs [from, to) share ${skip} bytes of their keys; ${own}: value of the key
 * that is no more than those, or NULL. */
static void print_object(FILE *out, const struct nested_pair *pairs,
			 unsigned from, unsigned to, size_t skip,
			 unsigned depth, const struct nested_pair *own)
{
	bool first = true;

	fputc('{', out);
	if (own) {
		print_name(out, "value", 5, depth, &first);
		print_value(out, own);
	}
	while (from < to) {
		const struct nested_pair *leaf = NULL;
		const char *word = pairs[from].key + skip;
		size_t len = word_length(word, depth);
		unsigned end = from;

		for (; end < to && !strncmp(pairs[end].key + skip, word, len) &&
		       word_length(pairs[end].key + skip, depth) == len;
		     end++) {
			if (pairs[end].key[skip + len])
				continue;
			leaf = &pairs[end];
			from = end + 1;
		}
		print_name(out, word, len, depth, &first);
		if (from == end)
			print_value(out, leaf);
		else
			print_object(out, pairs, from, end, skip + len + 1,
				     depth + 1, leaf);
		from = end;
	}
	indent(out, depth - 1);
	fputc('}', out);
}

void nested_json_print(FILE *out, struct nested_pair *pairs, unsigned nr)
{
	if (nr)
		qsort(pairs, nr, sizeof(*pairs), compare);
	print_object(out, pairs, 0, nr, 0, 1, NULL);
	fputc('\n', out);
}
