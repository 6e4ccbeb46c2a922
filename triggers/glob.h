/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * glob.h - globs over paths as the kernel runs them (struct fr_glob of shared.h).
 *
 *   ?       any byte          [abc] [a-z] [!abc]   one of these, none of them
 *   *       any text, / too   \x                   x itself
 *
 * As fnmatch(3) without flags, so as `flightrec show --path`, but byte by byte,
 * and without classes such as [:alpha:].
 */
#ifndef TRIGGERS_GLOB_H
#define TRIGGERS_GLOB_H

#include <flightrec/shared.h>
#include <stdbool.h>
#include <stddef.h>

#define GLOB_TOKENS_MAX 127 /* bytes that a path must at least have */

/* 0, or -EINVAL with what is wrong in *ret_what (a constant): more tokens than
 * GLOB_TOKENS_MAX, [ without ], a class by name, \ at the end. */
int glob_compile(const char *text, struct fr_glob *ret, const char **ret_what);

/* Does the whole of ${text} match?  Mirrors path_matches() of
 * bpf/event_path.bpf.h. */
bool glob_matches(const struct fr_glob *g, const char *text, size_t len);

#endif
