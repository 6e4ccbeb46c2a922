/* SPDX-License-Identifier: GPL-2.0-or-later */
/* anonymize.c - keyed hashes in place of names, texts and addresses. */
#include "dump/anonymize.h"

#include <errno.h>
#include <flightrec/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "dump/anonymize_impl.h"
#include "dump/siphash.h"

#define DIGITS        16
#define EXTENSION_MAX 8

struct anonymizer {
	uint8_t key[SIPHASH_KEY_BYTES];
	unsigned flags;
	uint16_t pkeys[1 << 16]; /* a permutation that leaves all ones alone */
};

/* ---- made and freed ------------------------------------------------------ */

static uint64_t hash64(const struct anonymizer *a, const char *space,
		       const void *data, size_t len)
{
	uint8_t buf[SIPHASH_BYTES + 64], sum[SIPHASH_BYTES];
	size_t n = strlen(space);
	uint64_t ret;

	/* the kind of the value is part of it: a number is no text */
	siphash128(a->key, data, len, sum);
	memcpy(buf, sum, sizeof(sum));
	memcpy(buf + sizeof(sum), space, n);
	siphash128(a->key, buf, sizeof(sum) + n, sum);
	memcpy(&ret, sum, sizeof(ret));
	explicit_bzero(buf, sizeof(buf));
	return ret;
}

static void shuffle_pkeys(struct anonymizer *a)
{
	for (unsigned i = 0; i < 1 << 16; i++)
		a->pkeys[i] = (uint16_t)i;
	for (uint32_t i = (1 << 16) - 2; i; i--) {
		uint32_t j =
			(uint32_t)(hash64(a, "pkey", &i, sizeof(i)) % (i + 1));
		uint16_t swap = a->pkeys[i];

		a->pkeys[i] = a->pkeys[j];
		a->pkeys[j] = swap;
	}
}

struct anonymizer *anonymizer_with_key(const uint8_t key[16], unsigned flags)
{
	struct anonymizer *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	memcpy(a->key, key, sizeof(a->key));
	a->flags = flags;
	shuffle_pkeys(a);
	return a;
}

struct anonymizer *anonymizer_new(unsigned flags)
{
	struct anonymizer *a;
	uint8_t key[SIPHASH_KEY_BYTES];
	ssize_t n = getrandom(key, sizeof(key), 0);

	if (n != sizeof(key)) {
		errno = n < 0 ? errno : EIO;
		return NULL;
	}
	a = anonymizer_with_key(key, flags);
	explicit_bzero(key, sizeof(key));
	return a;
}

void anonymizer_free(struct anonymizer *a)
{
	if (!a)
		return;
	explicit_bzero(a, sizeof(*a));
	free(a);
}

/* ---- texts ------------------------------------------------------------------ */

static size_t put_digits(char *dst, uint64_t value)
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = DIGITS; i-- > 0; value >>= 4)
		dst[i] = digits[value & 15];
	return DIGITS;
}

static bool is_letter_or_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* Of "name.tar.gz" ".gz"; 0: there is none that is short and plain. */
static size_t extension_length(const char *part, size_t len)
{
	size_t n = 0;

	while (n < len && n <= EXTENSION_MAX &&
	       is_letter_or_digit(part[len - 1 - n]))
		n++;
	if (!n || n > EXTENSION_MAX || n + 1 >= len || part[len - 1 - n] != '.')
		return 0;
	return n + 1;
}

size_t anonymize_part(const struct anonymizer *a, char *dst, const char *part,
		      size_t len)
{
	size_t n, extension = 0;

	if (!len || (len <= 2 && !memcmp(part, "..", len))) {
		memcpy(dst, part, len);
		return len;
	}
	n = put_digits(dst, hash64(a, "text", part, len));
	if (a->flags & ANONYMIZE_EXTENSIONS)
		extension = extension_length(part, len);
	memcpy(dst + n, part + len - extension, extension);
	return n + extension;
}

size_t anonymize_text(const struct anonymizer *a, char *dst, const char *src,
		      size_t len)
{
	size_t out = 0, begin = 0;

	for (;;) {
		const char *slash = memchr(src + begin, '/', len - begin);
		size_t end = slash ? (size_t)(slash - src) : len;

		out += anonymize_part(a, dst + out, src + begin, end - begin);
		if (!slash)
			return out;
		dst[out++] = '/';
		begin = end + 1;
	}
}

/* ---- numbers and addresses ------------------------------------------------------ */

bool anonymize_number(const struct anonymizer *a, const struct fr_field *f,
		      uint64_t *value)
{
	if (!strncmp(f->kind, "HASH", 4)) {
		if (*value != UINT64_MAX) {
			*value = hash64(a, "hash", value, sizeof(*value));
			*value -= *value == UINT64_MAX;
		}
		return true;
	}
	if (strstr(f->kind, "PKEY") && f->width == 2) {
		*value = a->pkeys[*value & 0xffff];
		return true;
	}
	return false;
}

static bool all_bytes(const uint8_t *p, size_t len, uint8_t byte)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != byte)
			return false;
	return true;
}

/* Those that name no machine: ::, ::1, 0.0.0.0, 127.0.0.0/8; and the null. */
static bool address_is_kept(const uint8_t ip[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (all_bytes(ip, 16, 0xff))
		return true;
	if (!memcmp(ip, mapped, 12))
		return ip[12] == 127 || all_bytes(ip + 12, 4, 0);
	return all_bytes(ip, 15, 0) && ip[15] <= 1;
}

static void put_address(const struct anonymizer *a, uint8_t dst[16],
			const uint8_t src[16])
{
	uint64_t high = hash64(a, "address", src, 16);
	uint64_t low = hash64(a, "address, second half", src, 16);

	if (address_is_kept(src)) {
		memmove(dst, src, 16);
		return;
	}
	memcpy(dst, &high, 8);
	memcpy(dst + 8, &low, 8);
	dst[0] = 0xfd;
}

static void put_name(const struct anonymizer *a, char *dst, const char *src,
		     size_t len, size_t width)
{
	char digits[DIGITS];
	size_t n = 0;

	len = strnlen(src, len);
	if (len)
		n = put_digits(digits, hash64(a, "text", src, len));
	if (n >= width)
		n = width - 1;
	memset(dst, 0, width);
	memcpy(dst, digits, n);
}

/* Numbers that options of sockets have, times and switches: no names, no keys. */
static bool option_is_kept(const struct anonymize_row *row)
{
	enum {
		SOCKET = 1,
		TCP = 6,
		BINDTODEVICE = 25
	};
	bool number = row->value_len <= 4;

	if (row->level == SOCKET) /* linger, and time-outs */
		return row->option != BINDTODEVICE &&
		       (number || row->option == 13 || row->option == 20 ||
			row->option == 21 || row->option == 66 ||
			row->option == 67);
	return row->level == TCP && number;
}

#define KTHREAD     2u /* flags of name_proc */
#define LETTERS_MAX 4  /* the state of a process is no name */

void anonymize_field(const struct anonymizer *a, const struct fr_field *f,
		     struct anonymize_row *row, void *dst, const void *src,
		     size_t len)
{
	uint8_t address[16] = { 0 };

	memset(dst, 0, f->width);
	if (!strcmp(f->kind, "ADDR") && f->width == 16 && len <= 16) {
		memcpy(address, src, len);
		put_address(a, dst, address);
	} else if (!strcmp(f->kind, "OPTVALUE")) {
		if (option_is_kept(row))
			memcpy(dst, src, len);
		else
			row->value_len = 0;
	} else if (!strcmp(f->kind, "STR") &&
		   (f->width <= LETTERS_MAX ||
		    (row->is_name && row->flags & KTHREAD))) {
		memcpy(dst, src, len);
	} else {
		put_name(a, dst, src, len, f->width);
	}
}
