/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * escape.h - bytes of the recorded machine as text, reversibly.
 *
 * File and command names are bytes, output is UTF-8.  A byte that is not part
 * of valid UTF-8 becomes \xHH, a backslash \\; so undoing the two gives the
 * bytes back.  For terminals control characters become \xHH too.  Of arguments
 * the NUL between two becomes a blank, a blank inside one \x20.
 */
#ifndef DUMP_ESCAPE_H
#define DUMP_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#define ESCAPE_CONTROLS 1u /* for terminals: also U+0080 to U+009F */
#define ESCAPE_ARGS     2u /* NUL-separated arguments */

#define ESCAPE_GROWTH 4 /* result: at most so many times the input */

/* Returns the length written to ${dst} (not terminated). */
size_t escape_text(char *dst, const char *src, size_t len, unsigned flags);

/* Length of the valid UTF-8 sequence at ${p}, 0: there is none. */
size_t escape_utf8_length(const char *p, size_t len);

/* The "%41" form used on the control socket: everything but letters, digits
 * and . _ - / : , + @ is escaped.  ${dst} must hold 3 * len + 1 bytes. */
void escape_percent(char *dst, const char *src);
/* In place; a % without two hex digits stays. */
void escape_undo_percent(char *text);

#endif
