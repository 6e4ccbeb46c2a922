/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder/keyvalue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/scan.h"

#define KEYVALUE_NUMBER  64 /* bytes of a number */
#define KEYVALUE_LARGEST 9e15

/* A decimal number with or without exponent; nan and inf are none. */
static bool keyvalue_number(struct scan *line, int64_t *ret)
{
	char text[KEYVALUE_NUMBER], *end;
	struct scan word;
	double v;

	if (!scan_word(line, 0, &word) || scan_len(&word) >= sizeof(text))
		return false;
	memcpy(text, word.p, scan_len(&word));
	text[scan_len(&word)] = '\0';
	if (!strchr("+-.0123456789", text[0]) || strpbrk(text, "xXpPnNiI"))
		return false;
	v = strtod(text, &end);
	if (*end || !isfinite(v) || v > KEYVALUE_LARGEST ||
	    v < -KEYVALUE_LARGEST)
		return false;
	*ret = llround(v * KEYVALUE_SCALE);
	return true;
}

/* Where the name ends: at the = or blank behind it and behind what is in braces,
 * whose values may have any character in quotes. */
static const char *keyvalue_name_end(const struct scan *line)
{
	bool braces = false, quotes = false;
	const char *p = line->p;

	for (; p < line->end; p++) {
		if (quotes && *p == '\\' && p + 1 < line->end)
			p++;
		else if (*p == '"' && braces)
			quotes = !quotes;
		else if (!quotes && *p == '{')
			braces = true;
		else if (!quotes && *p == '}')
			braces = false;
		else if (!braces && (*p == '=' || *p == ' ' || *p == '\t'))
			break;
	}
	return p;
}

static bool keyvalue_counts(const char *name, const char *end)
{
	const char *brace = memchr(name, '{', (size_t)(end - name));

	end = brace ? brace : end;
	return end - name > 6 && !memcmp(end - 6, "_total", 6);
}

/* A metric's name has no blank: one in a label becomes _. */
static void keyvalue_put(struct sample *s, const struct keyvalue *k,
			 const struct scan *name, int64_t v)
{
	char text[METRIC_NAME_MAX];
	size_t n = scan_len(name), before = strlen(k->prefix);

	if (before + n >= sizeof(text)) {
		sample_error(s);
		return;
	}
	memcpy(text, k->prefix, before);
	for (size_t i = 0; i < n; i++)
		text[before + i] = name->p[i] == ' ' || name->p[i] == '\t' ?
					   '_' :
					   name->p[i];
	sample_put(s,
		   keyvalue_counts(name->p, name->end) ? k->counter : k->gauge,
		   text, before + n, v);
}

/* name=value, name value [time], name{label="x"} value [time] */
static void keyvalue_line(struct sample *s, const struct keyvalue *k,
			  struct scan *line)
{
	const char *end;
	int64_t v;

	scan_blanks(line);
	if (line->p == line->end || *line->p == '#')
		return;
	end = keyvalue_name_end(line);
	if (end > line->p && end < line->end) {
		struct scan rest = { end, line->end };

		scan_blanks(&rest);
		(void)scan_char(&rest, '=');
		scan_blanks(&rest);
		if (keyvalue_number(&rest, &v)) {
			keyvalue_put(s, k, &(struct scan){ line->p, end }, v);
			return;
		}
	}
	sample_error(s);
}

void keyvalue_text(struct sample *s, const struct keyvalue *k, const char *buf,
		   size_t len)
{
	struct scan file = { buf, buf + len }, line;

	while (scan_line(&file, &line))
		keyvalue_line(s, k, &line);
}
