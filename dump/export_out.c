/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export_out.c - files being exported. */
#include "dump/export_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "dump/escape.h"

#define BUF_BYTES  (1u << 18)
#define TEXT_MAX   65536 /* a view's texts are no longer */
#define ARROW      " -> "
#define HIDDEN     "\\x20-> "
#define TWO_GROWTH 2 /* of ARROW to HIDDEN */

struct export_out {
	int fd;
	gzFile gz; /* NULL: plain */
	int err;
	size_t len;
	char buf[BUF_BYTES];
	/* two texts, escaped, arrows hidden */
	char scratch[ESCAPE_GROWTH * TEXT_MAX];
	char text[2 * TWO_GROWTH * ESCAPE_GROWTH * TEXT_MAX + 16];
};

static bool is_gzip(const char *path)
{
	size_t n = strlen(path);

	return n > 3 && !strcmp(path + n - 3, ".gz");
}

struct export_out *export_open(const char *path)
{
	struct export_out *o = malloc(sizeof(*o));

	if (!o)
		return NULL;
	o->gz = NULL;
	o->err = 0;
	o->len = 0;
	o->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (o->fd >= 0 && is_gzip(path)) {
		errno = ENOMEM;
		o->gz = gzdopen(o->fd, "wb6");
		if (!o->gz) {
			close(o->fd);
			o->fd = -1;
		}
	}
	if (o->fd >= 0)
		return o;
	free(o);
	return NULL;
}

static void flush(struct export_out *o)
{
	size_t done = 0;

	while (!o->err && done < o->len) {
		ssize_t n;

		errno = 0;
		if (o->gz)
			n = gzwrite(o->gz, o->buf + done,
				    (unsigned)(o->len - done));
		else
			n = write(o->fd, o->buf + done, o->len - done);
		if (n > 0)
			done += (size_t)n;
		else if (errno != EINTR)
			o->err = errno ? -errno : -EIO;
	}
	o->len = 0;
}

int export_close(struct export_out *o)
{
	int err;

	if (!o)
		return 0;
	flush(o);
	err = o->err;
	errno = 0;
	if (o->gz ? gzclose(o->gz) != Z_OK : close(o->fd) < 0)
		err = err ? err : errno ? -errno : -EIO;
	free(o);
	return err;
}

void export_put(struct export_out *o, const char *text, size_t len)
{
	while (len) {
		size_t n = BUF_BYTES - o->len;

		if (n > len)
			n = len;
		memcpy(o->buf + o->len, text, n);
		o->len += n;
		text += n;
		len -= n;
		if (o->len == BUF_BYTES)
			flush(o);
	}
}

void export_char(struct export_out *o, char c)
{
	o->buf[o->len++] = c;
	if (o->len == BUF_BYTES)
		flush(o);
}

void export_u64(struct export_out *o, uint64_t u)
{
	char digits[20];
	unsigned i = sizeof(digits);

	do
		digits[--i] = (char)('0' + u % 10);
	while (u /= 10);
	export_put(o, digits + i, sizeof(digits) - i);
}

void export_i64(struct export_out *o, int64_t i)
{
	if (i < 0)
		export_char(o, '-');
	export_u64(o, i < 0 ? -(uint64_t)i : (uint64_t)i);
}

void export_hex(struct export_out *o, uint64_t u)
{
	static const char set[] = "0123456789abcdef";
	char digits[16];
	unsigned i = sizeof(digits);

	do
		digits[--i] = set[u & 15];
	while (u >>= 4);
	export_put(o, "0x", 2);
	export_put(o, digits + i, sizeof(digits) - i);
}

void export_decimal(struct export_out *o, int64_t i, unsigned digits)
{
	uint64_t u = i < 0 ? -(uint64_t)i : (uint64_t)i, scale = 1;
	char fraction[20];

	for (unsigned n = 0; n < digits; n++)
		scale *= 10;
	if (i < 0)
		export_char(o, '-');
	export_u64(o, u / scale);
	export_char(o, '.');
	u %= scale;
	for (unsigned n = digits; n-- > 0; u /= 10)
		fraction[n] = (char)('0' + u % 10);
	export_put(o, fraction, digits);
}

static void put_quoted(struct export_out *o, const char *text, size_t len)
{
	bool quote = !len || text[0] == ' ' || text[len - 1] == ' ';

	for (size_t i = 0; i < len && !quote; i++)
		quote = text[i] == ',' || text[i] == '"' || text[i] == '\n' ||
			text[i] == '\r';
	if (!quote) {
		export_put(o, text, len);
		return;
	}
	export_char(o, '"');
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"')
			export_char(o, '"');
		export_char(o, text[i]);
	}
	export_char(o, '"');
}

void export_cell(struct export_out *o, const char *text, size_t len,
		 unsigned flags)
{
	if (len > TEXT_MAX)
		len = TEXT_MAX;
	put_quoted(o, o->scratch, escape_text(o->scratch, text, len, flags));
}

/* Appends one of two texts. */
static size_t add_text(struct export_out *o, size_t at, const char *text,
		       size_t len)
{
	size_t n;

	if (len > TEXT_MAX)
		len = TEXT_MAX;
	n = escape_text(o->scratch, text, len, 0);
	for (size_t i = 0; i < n;) {
		if (n - i >= 4 && !memcmp(o->scratch + i, ARROW, 4)) {
			memcpy(o->text + at, HIDDEN, sizeof(HIDDEN) - 1);
			at += sizeof(HIDDEN) - 1;
			i += 4;
			continue;
		}
		o->text[at++] = o->scratch[i++];
	}
	return at;
}

void export_two(struct export_out *o, const char *first, size_t first_len,
		const char *second, size_t second_len)
{
	size_t at = add_text(o, 0, first, first_len);

	memcpy(o->text + at, ARROW, 4);
	at = add_text(o, at + 4, second, second_len);
	put_quoted(o, o->text, at);
}
