/* SPDX-License-Identifier: GPL-2.0-or-later */
/* live_text.c - values of metrics as text. */
#include "dump/live.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

/* How many decimals the scale stands for; scales are powers of ten. */
static int decimals(uint32_t scale)
{
	int n = 0;

	for (; scale >= 10; scale /= 10)
		n++;
	return n;
}

const char *live_text(const struct live_metric *m, char buf[LIVE_TEXT])
{
	uint64_t whole =
		m->value < 0 ? 0 - (uint64_t)m->value : (uint64_t)m->value;

	buf[0] = '\0';
	if (!m->is_known)
		return buf;
	if (m->scale == 1)
		snprintf(buf, LIVE_TEXT, "%" PRId64, m->value);
	else
		snprintf(buf, LIVE_TEXT, "%s%" PRIu64 ".%0*" PRIu64,
			 m->value < 0 ? "-" : "", whole / m->scale,
			 decimals(m->scale) & 15, whole % m->scale);
	return buf;
}

const char *live_rate_text(const struct live_metric *m, char buf[LIVE_TEXT])
{
	if (!m->is_counter)
		return live_text(m, buf);
	buf[0] = '\0';
	if (m->is_known && m->rate_known)
		snprintf(buf, LIVE_TEXT, "%.3f", m->rate);
	return buf;
}

void live_put_cell(FILE *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

/* ---- OpenMetrics ---------------------------------------------------------------- */

/* The parts of a name that are the same for all instances: what stands before the
 * first point, and behind the last one. */
struct parts {
	int first;        /* length of the source */
	const char *last; /* the field */
	const char *inst; /* between them; NULL: nothing */
	int inst_len;
};

static struct parts split(const char *name)
{
	const char *first = strchr(name, '.'), *last = strrchr(name, '.');
	struct parts p = { .first = first ? (int)(first - name) : 0,
			   .last = last ? last + 1 : name };

	if (first && last > first) {
		p.inst = first + 1;
		p.inst_len = (int)(last - first - 1);
	}
	return p;
}

/* Letters, digits and _ only. */
static void put_word(FILE *out, const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fputc(isalnum((unsigned char)word[i]) ? word[i] : '_', out);
}

static void put_family(FILE *out, const struct live_metric *m)
{
	struct parts p = split(m->name);

	fputs("flightrec_sample_", out);
	put_word(out, m->name, (size_t)p.first);
	fputc('_', out);
	put_word(out, p.last, strlen(p.last));
	if (*m->unit) { /* as the format wants it: at the end of the name */
		fputc('_', out);
		put_word(out, m->unit, strlen(m->unit));
	}
}

static void put_label(FILE *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(out, "%%%02X", c);
		else
			fputc(c, out);
	}
}

static bool same_family(const struct live_metric *a,
			const struct live_metric *b)
{
	struct parts x = split(a->name), y = split(b->name);

	return a->is_counter == b->is_counter && x.first == y.first &&
	       !strncmp(a->name, b->name, (size_t)x.first) &&
	       !strcmp(x.last, y.last) && !strcmp(a->unit, b->unit);
}

static void put_sample(FILE *out, const struct live_metric *m)
{
	struct parts p = split(m->name);
	char text[LIVE_TEXT];

	put_family(out, m);
	if (m->is_counter)
		fputs("_total", out);
	if (p.inst) {
		fputs("{instance=\"", out);
		put_label(out, p.inst, (size_t)p.inst_len);
		fputs("\"}", out);
	}
	fprintf(out, " %s\n", live_text(m, text));
}

/* Is it the first of its family?  Instances of one lie apart in the order of names. */
static bool begins_family(const struct live *l, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (live_nth(l, i)->is_known &&
		    same_family(live_nth(l, i), live_nth(l, n)))
			return false;
	return true;
}

void live_put_openmetrics(const struct live *l, FILE *out)
{
	for (unsigned n = 0; n < live_count(l); n++) {
		const struct live_metric *m = live_nth(l, n);

		if (!m->is_known || !begins_family(l, n))
			continue;
		fputs("# TYPE ", out);
		put_family(out, m);
		fputs(m->is_counter ? " counter\n" : " gauge\n", out);
		if (*m->unit) {
			fputs("# UNIT ", out);
			put_family(out, m);
			fputc(' ', out);
			put_word(out, m->unit, strlen(m->unit));
			fputc('\n', out);
		}
		fputs("# HELP ", out);
		put_family(out, m);
		fprintf(out, " from %s\n", m->source);
		for (unsigned i = n; i < live_count(l); i++)
			if (live_nth(l, i)->is_known &&
			    same_family(m, live_nth(l, i)))
				put_sample(out, live_nth(l, i));
	}
	fputs("# EOF\n", out);
}
