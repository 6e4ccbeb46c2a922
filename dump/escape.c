/* SPDX-License-Identifier: GPL-2.0-or-later */
/* escape.c - bytes as text, reversibly. */
#include "dump/escape.h"

#include <stdint.h>
#include <string.h>

size_t escape_utf8_length(const char *p, size_t len)
{
	const uint8_t *s = (const uint8_t *)p;
	uint8_t low = 0x80, high = 0xbf; /* of the second byte */
	size_t need;

	if (!len)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		need = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		need = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		need = 4;
	else
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0; /* overlong */
	else if (s[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f; /* above U+10FFFF */
	if (len < need || s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < need; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return need;
}

static size_t put_hex(char *dst, uint8_t byte)
{
	static const char digits[] = "0123456789abcdef";

	memcpy(dst, "\\x", 2);
	dst[2] = digits[byte >> 4];
	dst[3] = digits[byte & 15];
	return 4;
}

static bool is_control(const char *p, size_t n)
{
	uint8_t c = (uint8_t)p[0];

	return n == 1 ? c < 0x20 || c == 0x7f :
			n == 2 && c == 0xc2 && (uint8_t)p[1] < 0xa0;
}

static size_t put_char(char *dst, const char *p, size_t n, unsigned flags)
{
	size_t out = 0;

	if (n == 1 && *p == '\\') {
		memcpy(dst, "\\\\", 2);
		return 2;
	}
	if (n == 1 && flags & ESCAPE_ARGS && !*p) {
		*dst = ' ';
		return 1;
	}
	if (n && !(n == 1 && flags & ESCAPE_ARGS && *p == ' ') &&
	    !(n == 1 && !*p) &&
	    !(flags & ESCAPE_CONTROLS && is_control(p, n))) {
		memcpy(dst, p, n);
		return n;
	}
	for (size_t i = 0; i < (n ? n : 1); i++)
		out += put_hex(dst + out, (uint8_t)p[i]);
	return out;
}

static bool is_plain(char c)
{
	return c > ' ' && c < 0x7f && c != '\\';
}

size_t escape_text(char *dst, const char *src, size_t len, unsigned flags)
{
	size_t out = 0, i = 0;

	if (flags & ESCAPE_ARGS && len && !src[len - 1])
		len--; /* ends the last argument, separates nothing */
	while (i < len) {
		size_t n;

		if (is_plain(src[i])) {
			dst[out++] = src[i++];
			continue;
		}
		n = escape_utf8_length(src + i, len - i);
		out += put_char(dst + out, src + i, n, flags);
		i += n ? n : 1;
	}
	return out;
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("._-/:,+@", c));
}

void escape_percent(char *dst, const char *src)
{
	static const char digits[] = "0123456789ABCDEF";

	for (; *src; src++) {
		uint8_t byte = (uint8_t)*src;

		if (is_unreserved(*src)) {
			*dst++ = *src;
			continue;
		}
		*dst++ = '%';
		*dst++ = digits[byte >> 4];
		*dst++ = digits[byte & 15];
	}
	*dst = 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

void escape_undo_percent(char *text)
{
	char *out = text;

	while (*text) {
		if (*text == '%' && hex_digit(text[1]) >= 0 &&
		    hex_digit(text[2]) >= 0) {
			*out++ = (char)(16 * hex_digit(text[1]) +
					hex_digit(text[2]));
			text += 3;
			continue;
		}
		*out++ = *text++;
	}
	*out = 0;
}
