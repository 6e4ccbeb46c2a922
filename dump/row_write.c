/* SPDX-License-Identifier: GPL-2.0-or-later */
/* row_write.c - rows of a view as CSV, JSON lines or an aligned table. */
#include "dump/row_write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump/escape.h"
#include "dump/number_names.h"
#include "triggers/units.h"

#define TEXT_MAX    65536 /* view_value.len is at most this */
#define BUF_BYTES   (1 << 18)
#define CELL_MAX    (2 * ESCAPE_GROWTH * TEXT_MAX + 16) /* one value, quoted */
#define SAMPLE_ROWS 256 /* rows that a table looks at for its widths */

struct row_writer {
	const struct view *v;
	FILE *out;
	enum row_format format;
	unsigned *columns;
	unsigned nr;
	bool all; /* JSON: whatever the stream has */
	bool header;
	int error;
	char *buf;
	size_t len;
	char *scratch;
	/* table */
	char **cells; /* of the first rows, until widths are known */
	unsigned nr_rows;
	int *widths;
};

struct row_writer *row_writer_new(const struct view *v, FILE *out,
				  enum row_format format,
				  const unsigned *columns, unsigned nr,
				  bool header)
{
	struct row_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->v = v;
	w->out = out;
	w->format = format;
	w->header = header;
	w->all = !columns;
	w->nr = columns ? nr : 0;
	w->buf = malloc(BUF_BYTES + CELL_MAX);
	w->scratch = malloc(ESCAPE_GROWTH * TEXT_MAX);
	w->columns = calloc(w->nr + 1, sizeof(*w->columns));
	w->widths = calloc(w->nr + 1, sizeof(*w->widths));
	w->cells = calloc((size_t)SAMPLE_ROWS * (w->nr + 1), sizeof(*w->cells));
	if (!w->buf || !w->scratch || !w->columns || !w->widths || !w->cells) {
		row_writer_finish(w);
		return NULL;
	}
	if (w->nr)
		memcpy(w->columns, columns, w->nr * sizeof(*columns));
	return w;
}

static void flush(struct row_writer *w)
{
	if (w->len && fwrite(w->buf, 1, w->len, w->out) != w->len && !w->error)
		w->error = errno ? -errno : -EIO;
	w->len = 0;
}

static void put(struct row_writer *w, const char *text, size_t len)
{
	memcpy(w->buf + w->len, text, len);
	w->len += len;
}

static void put_char(struct row_writer *w, char c)
{
	w->buf[w->len++] = c;
}

static void put_u64(struct row_writer *w, uint64_t u)
{
	char digits[20];
	unsigned i = sizeof(digits);

	do
		digits[--i] = (char)('0' + u % 10);
	while (u /= 10);
	put(w, digits + i, sizeof(digits) - i);
}

static void put_number(struct row_writer *w, const struct view_value *value)
{
	if (value->type == VIEW_DECIMAL) {
		w->len += (size_t)snprintf(w->buf + w->len, 32, "%.10g",
					   (double)(int64_t)value->u /
						   value->scale);
	} else if (value->type == VIEW_I64 && (int64_t)value->u < 0) {
		put_char(w, '-');
		put_u64(w, -value->u);
	} else {
		put_u64(w, value->u);
	}
}

static bool is_text(const struct view_value *value)
{
	return value->type == VIEW_STRING || value->type == VIEW_ARGS;
}

/* Quoted if a reader could stumble over it, or take it for a missing value. */
static void put_csv(struct row_writer *w, const struct view_value *value)
{
	unsigned flags = value->type == VIEW_ARGS ? ESCAPE_ARGS : 0;
	size_t len = escape_text(w->scratch, value->text, value->len, flags);
	bool quote = !len;

	for (size_t i = 0; i < len && !quote; i++)
		quote = w->scratch[i] == ',' || w->scratch[i] == '"' ||
			w->scratch[i] == '\n' || w->scratch[i] == '\r';
	if (!quote) {
		put(w, w->scratch, len);
		return;
	}
	put_char(w, '"');
	for (size_t i = 0; i < len; i++) {
		if (w->scratch[i] == '"')
			put_char(w, '"');
		put_char(w, w->scratch[i]);
	}
	put_char(w, '"');
}

/* At most six bytes for one: CELL_MAX holds that, for an input of one byte per
 * control character, as those do not grow when escaped before. */
static void put_json_char(struct row_writer *w, char c)
{
	if (c == '"' || c == '\\') {
		put_char(w, '\\');
		put_char(w, c);
	} else if (c == '\n') {
		put(w, "\\n", 2);
	} else if ((unsigned char)c < 0x20 || c == 0x7f) {
		w->len += (size_t)snprintf(w->buf + w->len, 8, "\\u%04x", c);
	} else {
		put_char(w, c);
	}
}

static void put_json(struct row_writer *w, const struct view_value *value)
{
	unsigned flags = value->type == VIEW_ARGS ? ESCAPE_ARGS : 0;
	size_t len = escape_text(w->scratch, value->text, value->len, flags);

	put_char(w, '"');
	for (size_t i = 0; i < len; i++)
		put_json_char(w, w->scratch[i]);
	put_char(w, '"');
}

static void room(struct row_writer *w)
{
	if (w->len >= BUF_BYTES)
		flush(w);
}

static void csv_header(struct row_writer *w)
{
	for (unsigned i = 0; i < w->nr; i++) {
		const char *name = view_column_name(w->v, w->columns[i]);
		struct view_value value = { .type = VIEW_STRING,
					    .text = name,
					    .len = strlen(name) };

		if (i)
			put_char(w, ',');
		put_csv(w, &value);
		room(w);
	}
	put_char(w, '\n');
}

static void csv_row(struct row_writer *w, struct view_cursor *c)
{
	struct view_value value;

	for (unsigned i = 0; i < w->nr; i++) {
		if (i)
			put_char(w, ',');
		view_get(c, w->columns[i], &value);
		if (is_text(&value))
			put_csv(w, &value);
		else if (value.type != VIEW_NULL)
			put_number(w, &value);
		room(w);
	}
	put_char(w, '\n');
}

static void json_member(struct row_writer *w, struct view_cursor *c,
			unsigned column, bool first)
{
	const char *name = view_column_name(w->v, column);
	struct view_value value = { .type = VIEW_STRING,
				    .text = name,
				    .len = strlen(name) };

	put_char(w, first ? '{' : ',');
	put_json(w, &value);
	put_char(w, ':');
	room(w);
	view_get(c, column, &value);
	if (is_text(&value))
		put_json(w, &value);
	else if (value.type == VIEW_NULL)
		put(w, "null", 4);
	else
		put_number(w, &value);
	room(w);
}

static void json_row(struct row_writer *w, struct view_cursor *c)
{
	unsigned nr = w->all ? view_nr_columns(w->v) : w->nr;
	bool first = true;

	for (unsigned i = 0; i < nr; i++) {
		if (w->all && !view_stream_has(w->v, view_row_stream(c), i))
			continue;
		json_member(w, c, w->all ? i : w->columns[i], first);
		first = false;
	}
	put(w, first ? "{}\n" : "}\n", first ? 3 : 2);
}

/* ---- the table ----------------------------------------------------------- */
static bool is_duration(const char *name)
{
	static const char *const names[] = { "dur", "age",  "p50",     "p90",
					     "p99", "p999", "longest", NULL };
	size_t len = strlen(name);

	for (unsigned i = 0; names[i]; i++)
		if (!strcmp(name, names[i]))
			return true;
	return len > 4 && !strcmp(name + len - 4, "_dur");
}

/* "13:05:00.250000" of the whole: a table has no room for more. */
static void shorten_time(const struct view_value *value, char *buf, size_t size)
{
	snprintf(buf, size, "%.15s", value->len > 26 ? value->text + 11 : "?");
}

static void print_text(char *buf, size_t size, const struct view_value *value)
{
	static char escaped[ESCAPE_GROWTH * TEXT_MAX];
	size_t len =
		escape_text(escaped, value->text, value->len, ESCAPE_CONTROLS);

	if (len >= size)
		len = size - 1;
	memcpy(buf, escaped, len);
	buf[len] = 0;
}

/* As one would type them: in quotes where a blank or a quote is inside. */
static void print_args(char *buf, size_t size, const struct view_value *value)
{
	size_t at = 0, begin = 0;

	buf[0] = 0;
	while (begin < value->len && at + 3 < size) {
		struct view_value arg = { .text = value->text + begin };
		bool quote;

		arg.len = strnlen(arg.text, value->len - begin);
		quote = !arg.len || memchr(arg.text, ' ', arg.len) ||
			memchr(arg.text, '"', arg.len);
		begin += arg.len + 1;
		if (at)
			buf[at++] = ' ';
		if (quote)
			buf[at++] = '\'';
		print_text(buf + at, size - at, &arg);
		at += strlen(buf + at);
		if (quote && at + 1 < size)
			buf[at++] = '\'';
		buf[at] = 0;
	}
}

void row_print_bytes(char *buf, size_t size, const char *text, size_t len)
{
	const struct view_value value = { .type = VIEW_STRING,
					  .text = text,
					  .len = len < TEXT_MAX ? len :
								  TEXT_MAX };

	print_text(buf, size, &value);
}

static void print_number(char *buf, size_t size, const struct view_value *value,
			 const char *name)
{
	char human[32];

	if (value->type == VIEW_DECIMAL)
		snprintf(buf, size, "%.10g",
			 (double)(int64_t)value->u / value->scale);
	else if (is_duration(name))
		snprintf(buf, size, "%s", units_human_time(human, value->u));
	else if (!strcmp(name, "address") || !strcmp(name, "flags") ||
		 !strcmp(name, "cmd_flags"))
		snprintf(buf, size, "0x%jx", (uintmax_t)value->u);
	else if (!strcmp(name, "mode"))
		snprintf(buf, size, "%#jo", (uintmax_t)value->u);
	else if (!strcmp(name, "status"))
		number_wait_status(buf, size, value->u);
	else if (value->type == VIEW_I64)
		snprintf(buf, size, "%jd", (intmax_t)(int64_t)value->u);
	else
		snprintf(buf, size, "%ju", (uintmax_t)value->u);
}

/* A failure by its name, an address as one. */
static bool print_result(char *buf, size_t size, struct view_cursor *c,
			 const struct view_value *value)
{
	char call[24];

	if (value->type == VIEW_I64 && (int64_t)value->u < 0)
		return view_get_text(c, VIEW_ERRNO, buf, size);
	if (!view_get_text(c, VIEW_CALL, call, sizeof(call)) ||
	    (strncmp(call, "mmap", 4) && strcmp(call, "mremap")))
		return false;
	snprintf(buf, size, "0x%jx", (uintmax_t)value->u);
	return true;
}

/* A number that has words, by them. */
static bool print_words(char *buf, size_t size, struct view_cursor *c,
			unsigned column)
{
	struct view_value words = { 0 };

	view_get_words(c, column, &words);
	if (words.type == VIEW_NULL)
		return false;
	print_text(buf, size, &words);
	return true;
}

/* A block device by its name, if the recorder knew it. */
static bool print_device(char *buf, size_t size, const struct view *v,
			 struct view_cursor *c, const struct view_value *value)
{
	char key[64];
	const char *name;

	snprintf(key, sizeof(key), "device.%.*s", (int)value->len, value->text);
	name = snap_fact(view_snap(v, view_row_file(c)), key);
	if (!name || !*name)
		return false;
	row_print_bytes(buf, size, name, strlen(name));
	return true;
}

void row_print_value(char *buf, size_t size, const struct view *v,
		     struct view_cursor *c, unsigned column)
{
	struct view_value value;

	view_get(c, column, &value);
	if (value.type == VIEW_NULL)
		snprintf(buf, size, "-");
	else if (column == VIEW_TIME)
		shorten_time(&value, buf, size);
	else if (value.type == VIEW_ARGS)
		print_args(buf, size, &value);
	else if (column == VIEW_DEV && is_text(&value) &&
		 print_device(buf, size, v, c, &value))
		return;
	else if (is_text(&value))
		print_text(buf, size, &value);
	else if ((column != VIEW_RET || !print_result(buf, size, c, &value)) &&
		 !print_words(buf, size, c, column))
		print_number(buf, size, &value, view_column_name(v, column));
}

/* Columns on the screen: one for each character. */
static int text_width(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static bool is_right(const struct row_writer *w, unsigned i)
{
	static const char *const left[] = {
		"stream", "host",  "instance", "time",        "op",
		"call",   "comm",  "path",     "path2",       "dev",
		"errno",  "lane",  "args",     "text",        "metric",
		"unit",   "asked", "asked2",   "status",      "flags",
		"env",    "laddr", "raddr",    "family",      "level",
		"option", "value", "events",   "rwbs",        "severity",
		"reason", "key",   "cmdline",  "cgroup_path", NULL
	};
	const char *name = view_column_name(w->v, w->columns[i]);
	size_t len = strlen(name);

	if (len > 5 && !strcmp(name + len - 5, "_text"))
		return false;
	for (unsigned j = 0; left[j]; j++)
		if (!strcmp(left[j], name))
			return false;
	return true;
}

static void table_cell(struct row_writer *w, unsigned i, const char *text)
{
	int pad = w->widths[i] - text_width(text);
	bool last = i + 1 == w->nr;

	for (; is_right(w, i) && pad > 0; pad--)
		put_char(w, ' ');
	put(w, text, strlen(text));
	for (; !last && pad > 0; pad--)
		put_char(w, ' ');
	put_char(w, last ? '\n' : ' ');
	if (!last)
		put_char(w, ' ');
	room(w);
}

static void table_flush(struct row_writer *w)
{
	for (unsigned i = 0; w->header && i < w->nr; i++)
		table_cell(w, i, view_column_name(w->v, w->columns[i]));
	w->header = false;
	for (unsigned r = 0; r < w->nr_rows && r < SAMPLE_ROWS; r++) {
		for (unsigned i = 0; i < w->nr; i++) {
			char **cell = &w->cells[(size_t)r * w->nr + i];

			table_cell(w, i, *cell ? *cell : "?");
			free(*cell);
			*cell = NULL;
		}
	}
}

static void widen(struct row_writer *w, unsigned i, const char *text)
{
	int width = text_width(text);

	if (width > w->widths[i])
		w->widths[i] = width;
}

static bool has_column(const struct row_writer *w, unsigned column)
{
	for (unsigned i = 0; i < w->nr; i++)
		if (w->columns[i] == column)
			return true;
	return false;
}

/* "old -> new" for the few operations that name two, unless the second has a
 * column of its own. */
static void print_cell(const struct row_writer *w, struct view_cursor *c,
		       unsigned column, char *text, size_t size)
{
	struct view_value second;
	size_t len;

	row_print_value(text, size, w->v, c, column);
	if (column != VIEW_PATH || has_column(w, VIEW_PATH2))
		return;
	view_get(c, VIEW_PATH2, &second);
	len = strlen(text);
	if (second.type == VIEW_NULL || len + 8 > size)
		return;
	memcpy(text + len, " -> ", 5);
	row_print_value(text + len + 4, size - len - 4, w->v, c, VIEW_PATH2);
}

static void table_row(struct row_writer *w, struct view_cursor *c)
{
	static char text[2 * ESCAPE_GROWTH * TEXT_MAX];
	unsigned row = w->nr_rows;

	if (row == SAMPLE_ROWS) {
		table_flush(w);
		w->nr_rows++;
	}
	for (unsigned i = 0; i < w->nr; i++) {
		print_cell(w, c, w->columns[i], text, sizeof(text));
		if (row >= SAMPLE_ROWS) {
			table_cell(w, i, text);
			continue;
		}
		widen(w, i, view_column_name(w->v, w->columns[i]));
		widen(w, i, text);
		w->cells[(size_t)row * w->nr + i] = strdup(text);
	}
	if (row < SAMPLE_ROWS)
		w->nr_rows++;
}

void row_write(struct row_writer *w, struct view_cursor *c)
{
	if (w->format == ROW_TEXT) {
		table_row(w, c);
		return;
	}
	if (w->format == ROW_CSV && w->header) {
		csv_header(w);
		w->header = false;
	}
	if (w->format == ROW_CSV)
		csv_row(w, c);
	else
		json_row(w, c);
}

int row_writer_finish(struct row_writer *w)
{
	int error;

	if (w->buf && w->format == ROW_TEXT && w->nr_rows &&
	    w->nr_rows <= SAMPLE_ROWS)
		table_flush(w);
	if (w->buf && w->format == ROW_CSV && w->header)
		csv_header(w);
	if (w->buf)
		flush(w);
	error = w->error;
	free(w->buf);
	free(w->scratch);
	free(w->columns);
	free(w->widths);
	free(w->cells);
	free(w);
	return error;
}
