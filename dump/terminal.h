/* SPDX-License-Identifier: GPL-2.0-or-later */
/* terminal.h - what may be drawn on standard output. */
#ifndef DUMP_TERMINAL_H
#define DUMP_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Colours: on a terminal, unless NO_COLOR is set.  "" otherwise. */
const char *terminal_bold(void);
const char *terminal_warn(void); /* red */
const char *terminal_dim(void);
const char *terminal_off(void);

/* A bar of ${part} / ${whole} of ${cells} cells: block characters where the
 * locale is UTF-8, else #.  Returns buf. */
char *terminal_bar(char buf[256], uint64_t part, uint64_t whole,
		   unsigned cells);
/* Columns that ${text} takes: one per character. */
unsigned terminal_width(const char *text);

#endif
