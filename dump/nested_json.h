/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nested_json.h - "a.b.c=value" pairs as nested JSON objects. */
#ifndef DUMP_NESTED_JSON_H
#define DUMP_NESTED_JSON_H

#include <stdio.h>

#define NESTED_POINT '\001' /* in a key: a point that opens no object */

struct nested_pair {
	const char *key, *value;
	int is_text; /* a string, even if it looks like a number */
};

/*
 * Dots in keys open objects.  Values that are numbers become numbers, yes and
 * no booleans, all others strings.  A key that is also the beginning of others
 * goes into their object under the name "value"; of equal keys the last counts.
 * Reorders the pairs.  Bytes that are not UTF-8 as in escape.h.
 */
void nested_json_print(FILE *out, struct nested_pair *pairs, unsigned nr);

/* A JSON string with its quotes. */
void nested_json_string(FILE *out, const char *text, size_t len);

#endif
