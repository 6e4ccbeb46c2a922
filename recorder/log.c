/* SPDX-License-Identifier: GPL-2.0-or-later */
/* log.c - one line per message on stderr, as journald likes it. */
#include "recorder/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *program = "flightrec";
static int debug;

void log_setup(const char *name, int on)
{
	program = name;
	debug = on;
}

static void emit(int err, const char *fmt, va_list ap)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "%s: ", program);

	n += vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	if (n > (int)sizeof(line) - 1)
		n = sizeof(line) - 1;
	if (err)
		snprintf(line + n, sizeof(line) - (size_t)n, ": %s",
			 strerror(abs(err)));
	fprintf(stderr, "%s\n", line);
}

void log_err(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(err, fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(0, fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	if (!debug)
		return;
	va_start(ap, fmt);
	emit(0, fmt, ap);
	va_end(ap);
}
