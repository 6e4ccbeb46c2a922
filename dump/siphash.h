/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * siphash.h - SipHash-2-4 with a result of 128 bits: a short keyed hash.
 *
 * As published by Aumasson and Bernstein; tests/unit/test_anonymize.c has the
 * vectors of their reference.  Without the key neither a name can be found from
 * its hash nor a guess be tried.
 */
#ifndef DUMP_SIPHASH_H
#define DUMP_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_BYTES 16
#define SIPHASH_BYTES     16

void siphash128(const uint8_t key[SIPHASH_KEY_BYTES], const void *data,
		size_t len, uint8_t ret[SIPHASH_BYTES]);

#endif
