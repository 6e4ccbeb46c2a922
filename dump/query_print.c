/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query_print.c - the rows of a statement: aligned for people, CSV (RFC 4180), or a
 * JSON object each.
 *
 * Whatever SQL made of them, only valid UTF-8 leaves, and to terminals no controls.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dump/escape.h"
#include "dump/query.h"

#define WIDTH_MAX   100 /* longer cells push the others of their row */
#define SAMPLE_ROWS 256 /* that a table looks at for its widths */

struct table {
	char **cells; /* of the first rows, until widths are known */
	bool *right;  /* by column: only numbers so far */
	int *widths;
	unsigned nr, nr_rows;
};

/* ---- text -------------------------------------------------------------------------- */

static bool is_control(const char *p, size_t len)
{
	unsigned char c = (unsigned char)p[0];

	return c < 0x20 || c == 0x7f ||
	       (len == 2 && c == 0xc2 && (unsigned char)p[1] < 0xa0);
}

/* ${dst}: ESCAPE_GROWTH * ${len} + 1 bytes. */
static void make_plain(char *dst, const char *src, size_t len, bool controls)
{
	while (len) {
		size_t n = escape_utf8_length(src, len);

		if (n && *src && (controls || !is_control(src, n))) {
			memcpy(dst, src, n);
			dst += n;
		} else {
			n = n ? n : 1;
			for (size_t i = 0; i < n; i++, dst += 4)
				snprintf(dst, 5, "\\x%02x",
					 (unsigned char)src[i]);
		}
		src += n;
		len -= n;
	}
	*dst = '\0';
}

static char *plain(const char *src, size_t len, bool controls)
{
	char *text = malloc(len * ESCAPE_GROWTH + 1);

	if (text)
		make_plain(text, src, len, controls);
	return text;
}

/* x'00ff' */
static char *blob(sqlite3_stmt *s, int i)
{
	const unsigned char *p = sqlite3_column_blob(s, i);
	size_t len = (size_t)sqlite3_column_bytes(s, i);
	char *text = malloc(2 * len + 4);

	if (!text)
		return NULL;
	memcpy(text, "x'", 3);
	for (size_t k = 0; p && k < len; k++)
		snprintf(text + 2 + 2 * k, 3, "%02x", p[k]);
	memcpy(text + 2 + 2 * (p ? len : 0), "'", 2);
	return text;
}

/* As text, to be freed; NULL: not enough memory. */
static char *cell(sqlite3_stmt *s, int i, bool controls)
{
	const char *text;

	if (sqlite3_column_type(s, i) == SQLITE_BLOB)
		return blob(s, i);
	text = (const char *)sqlite3_column_text(s, i);
	return text ? plain(text, (size_t)sqlite3_column_bytes(s, i),
			    controls) :
		      NULL;
}

static char *column_name(sqlite3_stmt *s, unsigned i, bool controls)
{
	const char *name = sqlite3_column_name(s, (int)i);

	return name ? plain(name, strlen(name), controls) : NULL;
}

static bool is_null(sqlite3_stmt *s, unsigned i)
{
	return sqlite3_column_type(s, (int)i) == SQLITE_NULL;
}

static bool is_number(sqlite3_stmt *s, unsigned i)
{
	int type = sqlite3_column_type(s, (int)i);

	return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

/* ---- CSV and JSON -------------------------------------------------------------------- */

static int put_csv(FILE *out, const char *text)
{
	if (!text)
		return SQLITE_NOMEM;
	if (*text && !strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return SQLITE_OK;
	}
	fputc('"', out); /* also if empty: what is not there is not quoted */
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
	return SQLITE_OK;
}

static int put_json(FILE *out, const char *text)
{
	if (!text)
		return SQLITE_NOMEM;
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
	return SQLITE_OK;
}

static int header_csv(sqlite3_stmt *s, FILE *out, unsigned nr)
{
	int r = SQLITE_OK;

	for (unsigned i = 0; !r && i < nr; i++) {
		char *name = column_name(s, i, true);

		if (i)
			fputc(',', out);
		r = put_csv(out, name);
		free(name);
	}
	fputc('\n', out);
	return r;
}

static int row_csv(sqlite3_stmt *s, FILE *out, unsigned nr)
{
	int r = SQLITE_OK;

	for (unsigned i = 0; !r && i < nr; i++) {
		char *text;

		if (i)
			fputc(',', out);
		if (is_null(s, i))
			continue;
		text = cell(s, (int)i, true);
		r = put_csv(out, text);
		free(text);
	}
	fputc('\n', out);
	return r;
}

static int json_value(sqlite3_stmt *s, FILE *out, unsigned i)
{
	bool number = is_number(s, i); /* before it becomes text */
	char *text;
	int r = SQLITE_OK;

	if (is_null(s, i) || (sqlite3_column_type(s, (int)i) == SQLITE_FLOAT &&
			      !isfinite(sqlite3_column_double(s, (int)i)))) {
		fputs("null", out);
		return SQLITE_OK;
	}
	text = cell(s, (int)i, true);
	if (number && text)
		fputs(text, out);
	else
		r = put_json(out, text);
	free(text);
	return r;
}

static int row_json(sqlite3_stmt *s, FILE *out, unsigned nr)
{
	int r = SQLITE_OK;

	for (unsigned i = 0; !r && i < nr; i++) {
		char *name = column_name(s, i, true);

		fputc(i ? ',' : '{', out);
		r = put_json(out, name);
		free(name);
		fputc(':', out);
		if (!r)
			r = json_value(s, out, i);
	}
	fputs("}\n", out);
	return r;
}

/* ---- the table ------------------------------------------------------------------------ */

/* Columns on the screen: one for each character. */
static int text_width(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static void put_cell(const struct table *t, FILE *out, unsigned i,
		     const char *text)
{
	int pad = t->widths[i] - text_width(text);
	bool last = i + 1 == t->nr;

	for (; t->right[i] && pad > 0; pad--)
		fputc(' ', out);
	fputs(text, out);
	for (; !last && pad > 0; pad--)
		fputc(' ', out);
	fputs(last ? "\n" : "  ", out);
}

static void free_table(struct table *t)
{
	size_t cells = (size_t)(SAMPLE_ROWS + 1) * t->nr;

	for (size_t i = 0; t->cells && i < cells; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t->right);
	free(t->widths);
}

/* The header is the first row. */
static int begin_table(struct table *t, sqlite3_stmt *s)
{
	t->cells = calloc((size_t)(SAMPLE_ROWS + 1) * t->nr, sizeof(*t->cells));
	t->right = calloc(t->nr, sizeof(*t->right));
	t->widths = calloc(t->nr, sizeof(*t->widths));
	if (!t->cells || !t->right || !t->widths)
		return SQLITE_NOMEM;
	for (unsigned i = 0; i < t->nr; i++) {
		t->cells[i] = column_name(s, i, false);
		if (!t->cells[i])
			return SQLITE_NOMEM;
		t->right[i] = true;
	}
	return SQLITE_OK;
}

/* Prints what was kept to find the widths. */
static void flush_table(struct table *t, FILE *out, bool header)
{
	for (unsigned r = 0; r <= t->nr_rows; r++)
		for (unsigned i = 0; i < t->nr; i++) {
			const char *text = t->cells[(size_t)r * t->nr + i];
			int width = text_width(text);

			if (width > WIDTH_MAX)
				width = WIDTH_MAX;
			if ((r || header) && width > t->widths[i])
				t->widths[i] = width;
		}
	for (unsigned r = header ? 0 : 1; r <= t->nr_rows; r++)
		for (unsigned i = 0; i < t->nr; i++)
			put_cell(t, out, i, t->cells[(size_t)r * t->nr + i]);
}

static int row_table(struct table *t, sqlite3_stmt *s, FILE *out, bool header)
{
	if (t->nr_rows == SAMPLE_ROWS) {
		flush_table(t, out, header);
		t->nr_rows++;
	}
	for (unsigned i = 0; i < t->nr; i++) {
		bool null = is_null(s, i), number = is_number(s, i);
		char *text = null ? strdup("-") : cell(s, (int)i, false);

		if (!text)
			return SQLITE_NOMEM;
		if (t->nr_rows > SAMPLE_ROWS) {
			put_cell(t, out, i, text);
			free(text);
			continue;
		}
		t->right[i] &= number || null;
		t->cells[(size_t)(t->nr_rows + 1) * t->nr + i] = text;
	}
	if (t->nr_rows < SAMPLE_ROWS)
		t->nr_rows++;
	return SQLITE_OK;
}

int query_print(sqlite3_stmt *s, FILE *out, enum query_format format,
		bool header, size_t *ret_rows)
{
	struct table t = { .nr = (unsigned)sqlite3_column_count(s) };
	int r = SQLITE_OK, step;

	*ret_rows = 0;
	if (format == QUERY_TEXT)
		r = begin_table(&t, s);
	if (format == QUERY_CSV && header)
		r = header_csv(s, out, t.nr);
	while (!r && !ferror(out) && (step = sqlite3_step(s)) != SQLITE_DONE) {
		if (step != SQLITE_ROW) {
			r = step;
			break;
		}
		r = format == QUERY_TEXT ? row_table(&t, s, out, header) :
		    format == QUERY_CSV  ? row_csv(s, out, t.nr) :
					   row_json(s, out, t.nr);
		++*ret_rows;
	}
	if (format == QUERY_TEXT && *ret_rows && t.nr_rows <= SAMPLE_ROWS)
		flush_table(&t, out, header);
	free_table(&t);
	return r;
}
