/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export_csv_value.c - one row as a line of CSV. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "dump/escape.h"
#include "dump/export_csv.h"
#include "dump/view_time.h"

#define MS_DIGITS 6 /* of a ms: ns */

struct cell { /* what the forms work on */
	struct csv_file *f;
	const struct view *v;
	struct view_cursor *c;
	struct export_out *o;
	struct view_value value; /* of the source; not null */
};

void csv_bind(struct csv_file *f, const struct view *v)
{
	static const char *const others[CSV_OTHERS] = {
		[CSV_OTHER_OP] = "op",
		[CSV_OTHER_RET] = "ret",
		[CSV_OTHER_PATH2] = "path2",
		[CSV_OTHER_DIRECT] = "direct",
		[CSV_OTHER_QUEUE_DUR] = "queue_dur",
	};

	for (unsigned i = 0; i < f->layout->nr; i++)
		f->sources[i] =
			view_find_column(v, f->layout->columns[i].source);
	for (unsigned i = 0; i < CSV_OTHERS; i++)
		f->others[i] = view_find_column(v, others[i]);
}

void csv_header(struct csv_file *f)
{
	for (unsigned i = 0; i < f->layout->nr; i++) {
		const char *name = f->layout->columns[i].name;

		if (i)
			export_char(f->out, ',');
		export_cell(f->out, name, strlen(name), 0);
	}
	export_char(f->out, '\n');
}

static bool is_text(const struct view_value *value)
{
	return value->type == VIEW_STRING || value->type == VIEW_ARGS;
}

static void put_value(struct export_out *o, const struct view_value *value)
{
	unsigned digits = 0;

	switch (value->type) {
	case VIEW_NULL:
		return;
	case VIEW_U64:
		export_u64(o, value->u);
		return;
	case VIEW_I64:
		export_i64(o, (int64_t)value->u);
		return;
	case VIEW_DECIMAL:
		for (uint64_t scale = 1; scale < value->scale; scale *= 10)
			digits++;
		export_decimal(o, (int64_t)value->u, digits);
		return;
	case VIEW_STRING:
		export_cell(o, value->text, value->len, 0);
		return;
	case VIEW_ARGS:
		export_cell(o, value->text, value->len, ESCAPE_ARGS);
		return;
	}
}

/* Another column of the same row. */
static void other(const struct cell *c, enum csv_other which,
		  struct view_value *ret)
{
	unsigned column = c->f->others[which];

	*ret = (struct view_value){ 0 };
	if (column != VIEW_NO_COLUMN)
		view_get(c->c, column, ret);
}

/* ---- times ------------------------------------------------------------------ */

/* "2026-11-20T13:05:00.250000000+01:00" -> "2026-11-20 13:05:00.250000" */
static void put_time(struct export_out *o, const char *text, size_t len)
{
	if (len < 26)
		return;
	export_put(o, text, 10);
	export_char(o, ' ');
	export_put(o, text + 11, 15);
}

static void form_time(struct cell *c)
{
	put_time(c->o, c->value.text, c->value.len);
}

static void put_wall(struct export_out *o, int64_t ns)
{
	static struct wall_cache cache;
	char buf[48];

	put_time(o, buf, wall_format(&cache, ns, buf));
}

static void form_wall(struct cell *c)
{
	put_wall(c->o, (int64_t)c->value.u);
}

static void form_boot(struct cell *c)
{
	unsigned file = view_row_file(c->c);
	const char *boot =
		snap_fact(view_snap(c->v, file), "clock.boot_to_mono_ns");
	int64_t offset = view_clock_offset(c->v, file);

	if (boot)
		put_wall(c->o, (int64_t)c->value.u + strtoll(boot, NULL, 10) +
				       offset);
}

static void form_ms(struct cell *c)
{
	export_decimal(c->o, (int64_t)c->value.u, MS_DIGITS);
}

/* Without the time before the issue, if that is known. */
static void form_service_ms(struct cell *c)
{
	struct view_value queue;

	other(c, CSV_OTHER_QUEUE_DUR, &queue);
	if (queue.type == VIEW_U64 && queue.u <= c->value.u)
		c->value.u -= queue.u;
	form_ms(c);
}

static void form_timeout_ms(struct cell *c)
{
	if ((int64_t)c->value.u == -1)
		export_put(c->o, "-1", 2);
	else
		form_ms(c);
}

/* ---- words ------------------------------------------------------------------ */

static size_t upper(const struct view_value *value, char *buf, size_t size)
{
	size_t n = 0;

	for (; is_text(value) && n < value->len && n < size; n++)
		buf[n] = (char)toupper((unsigned char)value->text[n]);
	return n;
}

static void form_upper(struct cell *c)
{
	char buf[64];
	size_t n = upper(&c->value, buf, sizeof(buf));

	export_cell(c->o, buf, n, 0);
}

static void form_fs_op(struct cell *c)
{
	char buf[64] = "DIO_";
	size_t n = upper(&c->value, buf + 4, sizeof(buf) - 4);
	bool moves = (n == 4 && !memcmp(buf + 4, "READ", 4)) ||
		     (n == 5 && !memcmp(buf + 4, "WRITE", 5));
	struct view_value direct = { 0 };

	if (moves)
		other(c, CSV_OTHER_DIRECT, &direct);
	if (direct.type == VIEW_U64 && direct.u)
		export_cell(c->o, buf, n + 4, 0);
	else
		export_cell(c->o, buf + 4, n, 0);
}

static void form_short(struct cell *c)
{
	static const char *const prefixes[] = { "EPOLL_CTL_", "IPPROTO_",
						"TCP_", NULL };

	for (unsigned i = 0; prefixes[i]; i++) {
		size_t n = strlen(prefixes[i]);

		if (c->value.len > n &&
		    !memcmp(c->value.text, prefixes[i], n)) {
			c->value.text += n;
			c->value.len -= n;
			break;
		}
	}
	put_value(c->o, &c->value);
}

/* Words of ps and psutil for the letters of the kernel. */
static void form_status(struct cell *c)
{
	static const struct {
		char letter;
		const char *word;
	} words[] = {
		{ 'R', "running" },      { 'S', "sleeping" },
		{ 'D', "disk-sleep" },   { 'T', "stopped" },
		{ 't', "tracing-stop" }, { 'Z', "zombie" },
		{ 'X', "dead" },         { 'I', "idle" },
	};
	char letter = is_text(&c->value) && c->value.len ? c->value.text[0] :
							   (char)c->value.u;

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (words[i].letter != letter)
			continue;
		export_cell(c->o, words[i].word, strlen(words[i].word), 0);
		return;
	}
	put_value(c->o, &c->value);
}

static bool is_word(const struct view_value *value, const char *word)
{
	return is_text(value) && value->len == strlen(word) &&
	       !memcmp(value->text, word, value->len);
}

static void form_ipver(struct cell *c)
{
	if (is_word(&c->value, "AF_INET"))
		export_char(c->o, '4');
	else if (is_word(&c->value, "AF_INET6"))
		export_char(c->o, '6');
}

/* ---- paths ------------------------------------------------------------------ */

/* Of symlink only the second is the path of a file. */
static bool is_symlink(const struct cell *c)
{
	struct view_value op;

	other(c, CSV_OTHER_OP, &op);
	return is_word(&op, "symlink");
}

static void form_paths(struct cell *c)
{
	struct view_value second;

	other(c, CSV_OTHER_PATH2, &second);
	if (!is_text(&second))
		put_value(c->o, &c->value);
	else if (!is_text(&c->value) || is_symlink(c))
		put_value(c->o, &second);
	else
		export_two(c->o, c->value.text, c->value.len, second.text,
			   second.len);
}

static void form_target(struct cell *c)
{
	if (is_symlink(c))
		put_value(c->o, &c->value);
}

/* ---- numbers ---------------------------------------------------------------- */

static uint64_t page_bytes(const struct cell *c)
{
	const char *text = snap_fact(view_snap(c->v, view_row_file(c->c)),
				     "host.page_size");
	uint64_t bytes = text ? strtoull(text, NULL, 10) : 0;

	return bytes ? bytes : 4096;
}

static void form_pages(struct cell *c)
{
	export_u64(c->o, c->value.u / page_bytes(c));
}

static void form_page_offset(struct cell *c)
{
	export_u64(c->o, c->value.u * page_bytes(c));
}

static void form_hex(struct cell *c)
{
	export_hex(c->o, c->value.u);
}

static void form_kb(struct cell *c)
{
	export_u64(c->o, c->value.u / 1024);
}

/* Thousandths of a CPU. */
static void form_percent(struct cell *c)
{
	export_decimal(c->o, (int64_t)c->value.u, 1);
}

static void form_error(struct cell *c)
{
	export_i64(c->o, (int64_t)c->value.u < 0 ? (int64_t)c->value.u : 0);
}

static void form_ready(struct cell *c)
{
	struct view_value op;

	other(c, CSV_OTHER_OP, &op);
	if ((int64_t)c->value.u >= 0 && !is_word(&op, "epoll_create") &&
	    !is_word(&op, "epoll_ctl"))
		export_u64(c->o, c->value.u);
}

static void form_epoll_fd(struct cell *c)
{
	put_value(c->o, &c->value);
}

static void form_as_is(struct cell *c)
{
	put_value(c->o, &c->value);
}

static void (*const forms[CSV_FORMS])(struct cell *) = {
	[CSV_AS_IS] = form_as_is,
	[CSV_TIME] = form_time,
	[CSV_WALL] = form_wall,
	[CSV_BOOT] = form_boot,
	[CSV_UPPER] = form_upper,
	[CSV_FS_OP] = form_fs_op,
	[CSV_PATHS] = form_paths,
	[CSV_TARGET] = form_target,
	[CSV_SHORT] = form_short,
	[CSV_MS] = form_ms,
	[CSV_SERVICE_MS] = form_service_ms,
	[CSV_TIMEOUT_MS] = form_timeout_ms,
	[CSV_HEX] = form_hex,
	[CSV_KB] = form_kb,
	[CSV_PAGES] = form_pages,
	[CSV_PAGE_OFFSET] = form_page_offset,
	[CSV_PERCENT] = form_percent,
	[CSV_STATUS] = form_status,
	[CSV_IPVER] = form_ipver,
	[CSV_ERROR] = form_error,
	[CSV_READY] = form_ready,
	[CSV_EPOLL_FD] = form_epoll_fd,
};

/* Some cells have a value where their source has none. */
static void substitute(struct cell *c, enum csv_form form)
{
	struct view_value op;

	if (form == CSV_PATHS) {
		other(c, CSV_OTHER_PATH2, &c->value);
	} else if (form == CSV_EPOLL_FD) {
		other(c, CSV_OTHER_OP, &op);
		if (is_word(&op, "epoll_create"))
			other(c, CSV_OTHER_RET, &c->value);
		if ((int64_t)c->value.u < 0)
			c->value.type = VIEW_NULL;
	}
}

void csv_row(struct csv_file *f, const struct view *v, struct view_cursor *cur)
{
	struct cell c = { .f = f, .v = v, .c = cur, .o = f->out };

	for (unsigned i = 0; i < f->layout->nr; i++) {
		enum csv_form form = f->layout->columns[i].form;

		if (i)
			export_char(f->out, ',');
		c.value = (struct view_value){ 0 };
		if (f->sources[i] != VIEW_NO_COLUMN)
			view_get(cur, f->sources[i], &c.value);
		if (c.value.type == VIEW_NULL)
			substitute(&c, form);
		if (c.value.type != VIEW_NULL)
			forms[form](&c);
	}
	export_char(f->out, '\n');
}
