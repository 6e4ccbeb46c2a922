/* SPDX-License-Identifier: GPL-2.0-or-later */
/* siphash.c - SipHash-2-4, 128 bits. */
#include "dump/siphash.h"

#include <endian.h>
#include <string.h>

#define ROTL(x, n) ((x) << (n) | (x) >> (64 - (n)))

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t load64(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return le64toh(x);
}

static void store64(uint8_t *p, uint64_t x)
{
	x = htole64(x);
	memcpy(p, &x, sizeof(x));
}

static void rounds(struct state *s, unsigned nr)
{
	while (nr--) {
		s->v0 += s->v1;
		s->v1 = ROTL(s->v1, 13) ^ s->v0;
		s->v0 = ROTL(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = ROTL(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = ROTL(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = ROTL(s->v1, 17) ^ s->v2;
		s->v2 = ROTL(s->v2, 32);
	}
}

static void absorb(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	rounds(s, 2);
	s->v0 ^= word;
}

void siphash128(const uint8_t key[SIPHASH_KEY_BYTES], const void *data,
		size_t len, uint8_t ret[SIPHASH_BYTES])
{
	const uint8_t *p = data;
	uint64_t k0 = load64(key), k1 = load64(key + 8);
	struct state s = {
		.v0 = 0x736f6d6570736575 ^ k0,
		.v1 = 0x646f72616e646f6d ^ k1 ^ 0xee,
		.v2 = 0x6c7967656e657261 ^ k0,
		.v3 = 0x7465646279746573 ^ k1,
	};
	uint8_t last[8] = { 0 };

	for (size_t left = len; left >= 8; left -= 8, p += 8)
		absorb(&s, load64(p));
	if (len % 8)
		memcpy(last, p, len % 8);
	last[7] = (uint8_t)len;
	absorb(&s, load64(last));
	s.v2 ^= 0xee;
	rounds(&s, 4);
	store64(ret, s.v0 ^ s.v1 ^ s.v2 ^ s.v3);
	s.v1 ^= 0xdd;
	rounds(&s, 4);
	store64(ret + 8, s.v0 ^ s.v1 ^ s.v2 ^ s.v3);
}
