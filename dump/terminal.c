/* SPDX-License-Identifier: GPL-2.0-or-later */
/* terminal.c - what may be drawn on standard output. */
#include "dump/terminal.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CELLS_MAX 80

static bool has_colours(void)
{
	static int known = -1;
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (known < 0)
		known = isatty(STDOUT_FILENO) && !(no_color && *no_color) &&
			!(term && !strcmp(term, "dumb"));
	return known;
}

const char *terminal_bold(void)
{
	return has_colours() ? "\033[1m" : "";
}

const char *terminal_warn(void)
{
	return has_colours() ? "\033[1;31m" : "";
}

const char *terminal_dim(void)
{
	return has_colours() ? "\033[2m" : "";
}

const char *terminal_off(void)
{
	return has_colours() ? "\033[0m" : "";
}

/* Eighths of a cell, so that short bars still differ. */
static char *utf8_bar(char *buf, uint64_t eighths)
{
	static const char *const parts[] = { "",  "▏", "▎", "▍",
					     "▌", "▋", "▊", "▉" };
	char *p = buf;

	for (; eighths >= 8; eighths -= 8)
		p = mempcpy(p, "█", strlen("█"));
	p = mempcpy(p, parts[eighths], strlen(parts[eighths]));
	*p = 0;
	return buf;
}

char *terminal_bar(char buf[256], uint64_t part, uint64_t whole, unsigned cells)
{
	double share = whole ? (double)part / (double)whole : 0;
	uint64_t full;

	if (cells > CELLS_MAX)
		cells = CELLS_MAX;
	if (share > 1)
		share = 1;
	if (!strcmp(nl_langinfo(CODESET), "UTF-8")) {
		full = (uint64_t)(share * 8 * cells + 0.5);
		return utf8_bar(buf, part && !full ? 1 : full);
	}
	full = (uint64_t)(share * cells + 0.5);
	if (part && !full)
		full = 1;
	memset(buf, '#', full);
	buf[full] = 0;
	return buf;
}

unsigned terminal_width(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}
