/* SPDX-License-Identifier: GPL-2.0-or-later */
/* retention_name.c - names of snapshots: made, read, pinned. */
#include "recorder/retention.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PREFIX "flightrec-"
#define SUFFIX ".frs"
#define PIN    ".pin"
#define STAMP      \
	"dddddddd" \
	"Tdddddd.dddZ-" /* d: a digit */

static int name_byte_ok(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

char *retention_make_name(char buf[RETENTION_NAME_MAX], uint64_t real_ns,
			  const char *trigger, unsigned attempt)
{
	time_t sec = (time_t)(real_ns / 1000000000);
	char clean[64], again[16] = "";
	struct tm tm;
	size_t i;

	for (i = 0; trigger[i] && i < sizeof(clean) - 1; i++)
		clean[i] = name_byte_ok(trigger[i]) ? trigger[i] : '_';
	if (!i)
		clean[i++] = '_';
	clean[i] = '\0';
	if (attempt)
		snprintf(again, sizeof(again), ".%u", attempt);
	gmtime_r(&sec, &tm);
	snprintf(buf, RETENTION_NAME_MAX,
		 PREFIX "%04d%02d%02dT%02d%02d%02d.%03uZ-%s%s",
		 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		 tm.tm_min, tm.tm_sec, (unsigned)(real_ns / 1000000 % 1000),
		 clean, again);
	return buf;
}

static bool has_stamp(const char *p)
{
	for (const char *s = STAMP; *s; s++, p++)
		if (*s == 'd' ? !isdigit((unsigned char)*p) : *p != *s)
			return false;
	return true;
}

/* Nonsense in, nonsense out: the caller makes the name anew and compares. */
static uint64_t read_stamp(const char *p)
{
	struct tm tm = { 0 };
	unsigned ms = 0;
	time_t sec;

	if (sscanf(p, "%4d%2d%2dT%2d%2d%2d.%3uZ", &tm.tm_year, &tm.tm_mon,
		   &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms) != 7)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	sec = timegm(&tm);
	if (sec < 0 || (uint64_t)sec > UINT64_MAX / 1000000000 - 1)
		return 0;
	return (uint64_t)sec * 1000000000 + ms * 1000000ULL;
}

bool retention_parse_name(const char *file, struct retention_name *ret)
{
	char again[RETENTION_NAME_MAX], body[RETENTION_NAME_MAX];
	struct retention_name n = { 0 };
	const char *trigger, *dot;
	size_t len = strlen(file);
	int at = 0;

	if (len < strlen(PREFIX) + strlen(STAMP) + 1 + strlen(SUFFIX) ||
	    len >= RETENTION_FILE_MAX ||
	    strncmp(file, PREFIX, strlen(PREFIX)) != 0 ||
	    strcmp(file + len - strlen(SUFFIX), SUFFIX) != 0 ||
	    !has_stamp(file + strlen(PREFIX)))
		return false;
	len -= strlen(SUFFIX);
	n.pinned = !strncmp(file + len - strlen(PIN), PIN, strlen(PIN));
	len -= n.pinned ? strlen(PIN) : 0;
	if (snprintf(body, sizeof(body), "%.*s", (int)len, file) >=
	    (int)sizeof(body))
		return false;
	trigger = body + strlen(PREFIX) + strlen(STAMP);
	dot = strchr(trigger, '.');
	if (dot)
		n.attempt = (unsigned)strtoul(dot + 1, NULL, 10);
	at = (int)(dot ? dot - trigger : (ptrdiff_t)strlen(trigger));
	snprintf(n.trigger, sizeof(n.trigger), "%.*s", at, trigger);
	n.real_ns = read_stamp(body + strlen(PREFIX));
	if (ret)
		*ret = n;
	return !strcmp(body, retention_make_name(again, n.real_ns, n.trigger,
						 n.attempt));
}

bool retention_is_ours(const char *file)
{
	return retention_parse_name(file, NULL);
}

char *retention_pin_name(char buf[RETENTION_FILE_MAX], const char *file,
			 bool pinned)
{
	struct retention_name n = { 0 };
	char name[RETENTION_NAME_MAX];

	retention_parse_name(file, &n);
	snprintf(buf, RETENTION_FILE_MAX, "%s%s" SUFFIX,
		 retention_make_name(name, n.real_ns, n.trigger, n.attempt),
		 pinned ? PIN : "");
	return buf;
}
