/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * units.h - durations, sizes, percentages and counts as people write them, and
 * the nearest valid name for what they mistyped.
 */
#ifndef TRIGGERS_UNITS_H
#define TRIGGERS_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* "20ms", "1.5s", "3m", "2h", "250us", "10ns"; a bare "0" is 0.  0 or -EINVAL,
 * -ERANGE.  *ret untouched on failure. */
int units_parse_time(const char *text, uint64_t *ret_ns);
/* "64MiB", "4kB", "512B", "10", B KiB MiB GiB TiB kB MB GB TB. */
int units_parse_size(const char *text, uint64_t *ret_bytes);
int units_parse_percent(const char *text, double *ret); /* "10%" -> 10.0 */
int units_parse_number(const char *text, double *ret); /* "3", "1.5", no sign */
int units_parse_bool(const char *text,
		     int *ret); /* yes no true false on off 1 0 */
/* Shortest exact form: 20ms, 64MiB. Returns buf. */
char *units_format_time(char buf[32], uint64_t ns);
char *units_format_size(char buf[32], uint64_t bytes);
/* For people: three digits, "1.23 ms", "64.0 MiB". */
char *units_human_time(char buf[32], uint64_t ns);
char *units_human_size(char buf[32], uint64_t bytes);

/* The name of ${names} (NULL-terminated) nearest to ${word} by edit distance, or
 * NULL if none is near. */
const char *units_nearest(const char *word, const char *const *names);

#endif
