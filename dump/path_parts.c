/* SPDX-License-Identifier: GPL-2.0-or-later */
/* path_parts.c - the components of a path as text. */
#include "dump/path_parts.h"

#include <string.h>

static size_t append(char *buf, size_t size, size_t at, const char *text,
		     size_t len)
{
	if (len > size - at)
		len = size - at;
	memcpy(buf + at, text, len);
	return at + len;
}

size_t path_parts_join(char *buf, size_t size, const char *parts, size_t len,
		       bool cut)
{
	size_t at = cut ? append(buf, size, 0, "...", 3) : 0;

	while (len) {
		size_t end = len, begin;

		if (!parts[end - 1])
			end--;
		begin = end;
		while (begin && parts[begin - 1])
			begin--;
		if (end > begin && !(end - begin == 1 && parts[begin] == '/')) {
			at = append(buf, size, at, "/", 1);
			at = append(buf, size, at, parts + begin, end - begin);
		}
		len = begin;
	}
	return at ? at : append(buf, size, 0, "/", 1);
}
