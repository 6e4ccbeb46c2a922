/* SPDX-License-Identifier: GPL-2.0-or-later */
/* anonymize_fact.c - facts of a snapshot, its settings among them. */
#include <ctype.h>
#include <string.h>

#include "dump/anonymize_impl.h"

static bool begins_with_one_of(const char *const *list, const char *key)
{
	for (; *list; list++) {
		size_t n = strlen(*list);

		if (!strncmp(key, *list, n) &&
		    ((*list)[n - 1] == '.' || !key[n]))
			return true;
	}
	return false;
}

/* Figures, and words that flightrec or the kernel chose. */
static bool fact_is_plain(const char *key)
{
	static const char *const plain[] = { "anonymous",
					     "clock.",
					     "counter.",
					     "device.",
					     "enum.",
					     "freeze.",
					     "host.arch",
					     "host.cpus",
					     "host.kernel",
					     "host.page_size",
					     "host.kernel_version",
					     "host.utc_offset_s",
					     "inflight.",
					     "lane.",
					     "probe.",
					     "records.",
					     "recorder.version",
					     "recorder.pid",
					     "trigger.kind",
					     NULL };

	return begins_with_one_of(plain, key);
}

/* Names the place where the machine is. */
static bool fact_is_left_out(const char *key)
{
	static const char *const out[] = { "host.tz", NULL };

	return begins_with_one_of(out, key);
}

/* Digits, with a sign, a point and a unit: "64MiB", "-1.5", "yes". */
static bool value_is_plain(const char *value, size_t len)
{
	size_t i = 0, points = 0;

	if ((len == 3 && !memcmp(value, "yes", 3)) ||
	    (len == 2 && !memcmp(value, "no", 2)))
		return true;
	if (i < len && value[i] == '-')
		i++;
	if (i == len || !isdigit((unsigned char)value[i]))
		return !len;
	for (; i < len && (isdigit((unsigned char)value[i]) || value[i] == '.');
	     i++)
		points += value[i] == '.';
	return points <= 1 && len - i <= 3;
}

/* Settings whose words are flightrec's own. */
static bool setting_is_plain(const char *key, size_t len)
{
	static const char *const plain[] = {
		"shares", "profile", "streams", "mechanism", "collectors",
		"sample", "above",   "vfs",     "sockopt",   NULL
	};

	for (unsigned i = 0; plain[i]; i++)
		if (strlen(plain[i]) == len && !memcmp(plain[i], key, len))
			return true;
	return false;
}

/* "key = value", "[section]", "# comment": what config_print() writes. */
static size_t put_setting(const struct anonymizer *a, char *dst,
			  const char *line, size_t len)
{
	const char *equals = memmem(line, len, " = ", 3);
	const char *quote = memchr(line, '"', len);
	size_t key = equals ? (size_t)(equals - line) : 0, out;

	if (len && *line == '#')
		equals = quote = NULL;
	if (len && *line == '[' && quote && line[len - 1] == ']') {
		key = (size_t)(quote + 1 - line);
		memcpy(dst, line, key);
		out = key +
		      anonymize_part(a, dst + key, quote + 1, len - key - 2);
		memcpy(dst + out, "\"]", 2);
		return out + 2;
	}
	if (!equals || setting_is_plain(line, key) ||
	    value_is_plain(equals + 3, len - key - 3)) {
		memcpy(dst, line, len);
		return len;
	}
	memcpy(dst, line, key + 3);
	return key + 3 +
	       anonymize_text(a, dst + key + 3, equals + 3, len - key - 3);
}

static void put_settings(const struct anonymizer *a, char *dst,
			 const char *text)
{
	size_t out = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (out + ANONYMIZE_BOUND(len) + 2 > ANONYMIZE_FACT_MAX)
			break;
		out += put_setting(a, dst + out, text, len);
		text += len;
		if (*text)
			dst[out++] = *text++;
	}
	dst[out] = 0;
}

const char *anonymize_fact(const struct anonymizer *a, const char *key,
			   const char *value, char *buf)
{
	size_t len = strlen(value);

	if (fact_is_left_out(key))
		return NULL;
	if (!strcmp(key, "recorder.config")) {
		put_settings(a, buf, value);
		return buf;
	}
	/* identifiers may be all digits, too */
	if (fact_is_plain(key) ||
	    (strcmp(key, "instance") && strncmp(key, "host.", 5) &&
	     value_is_plain(value, len)))
		return value;
	if (ANONYMIZE_BOUND(len) + 1 > ANONYMIZE_FACT_MAX)
		return NULL;
	len = anonymize_text(a, buf, value, len);
	buf[len] = 0;
	return buf;
}
