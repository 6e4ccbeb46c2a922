/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_file.c - reads configuration files.
 *
 * libinih splits lines into names and values.  It is fed line by line from here,
 * because it cuts what is longer than its buffer, does not say which line a
 * value came from, and takes a repeated key for a continued value: the reader
 * below bounds and numbers the lines, hands long ones over in pieces that inih
 * sees as continuation lines, and knows which kind each line is.
 */
#include "recorder/config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "triggers/rule.h"

#define FILE_MAX         (1 << 20)
#define LINE_MAX_BYTES   6144
#define VALUE_MAX        4096
#define SECTION_LINE_MAX 80
#define SECTIONS_MAX     128
#define SEGMENTS_MAX     128 /* lines of one value */

/* Where a part of a continued value came from. */
struct segment {
	unsigned offset; /* in the value */
	unsigned line, column;
};

struct section {
	bool trigger;
	char name[RULE_NAME_MAX + 1];
	unsigned line;
};

struct reader {
	struct fr_config *config;
	struct fr_diag *diag;
	const char *path;
	int error; /* the first; nothing is read after it */
	/* text */
	char *text, *next;
	char *rest; /* of a long line */
	unsigned line, column;
	bool continued; /* the present line goes on with the value before */
	bool glued;     /* and does so without white space */
	/* sections of this file; the last is the present one */
	struct section sections[SECTIONS_MAX];
	unsigned nr_sections;
	char seen[64][48]; /* keys of the present section */
	unsigned nr_seen;
	/* the value that is being put together */
	bool open;
	char key[48];
	char value[VALUE_MAX + 1];
	unsigned len;
	struct segment segments[SEGMENTS_MAX];
	unsigned nr_segments;
};

static int fail_at(struct reader *r, unsigned line, unsigned column,
		   const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static int fail_at(struct reader *r, unsigned line, unsigned column,
		   const char *fmt, ...)
{
	size_t size = sizeof(r->diag->text);
	va_list ap;
	int n;

	if (r->error)
		return r->error;
	n = snprintf(r->diag->text, size, "%.200s:%u:%u: ", r->path, line,
		     column);
	va_start(ap, fmt);
	if (n > 0 && (size_t)n < size)
		vsnprintf(r->diag->text + n, size - (size_t)n, fmt, ap);
	va_end(ap);
	return r->error = -EINVAL;
}

/* ---- values --------------------------------------------------------------- */

static const struct segment *find_segment(const struct reader *r, unsigned at)
{
	const struct segment *s = &r->segments[0];

	for (unsigned i = 1; i < r->nr_segments; i++)
		if (r->segments[i].offset <= at)
			s = &r->segments[i];
	return s;
}

/* The value is complete: its key, the next one or the end was reached. */
static int finish_value(struct reader *r)
{
	const struct section *in;
	const struct segment *s;
	struct rule_diag d = { .at = 0 };
	char caret[256];
	bool rule;
	int e;

	if (!r->open || r->error)
		return r->error;
	r->open = false;
	in = &r->sections[r->nr_sections - 1];
	e = config_assign(r->config, in->trigger, in->name, r->key, r->value,
			  &d);
	if (e == -ENOMEM)
		return r->error = e;
	if (e == 0)
		return 0;
	if (d.at == RULE_AT_KEY)
		return fail_at(r, r->segments[0].line, 1, "%s", d.text);
	rule = in->trigger && !strcmp(r->key, "when") && r->len;
	s = find_segment(r, d.at);
	return fail_at(r, s->line, s->column + d.at - s->offset, "%s%s%s",
		       d.text, rule ? "\n" : "",
		       rule ? rule_format_caret(caret, sizeof(caret), r->value,
						d.at) :
			      "");
}

static int add_text(struct reader *r, const char *text, unsigned column)
{
	size_t len = strlen(text), gap = r->len && !r->glued;

	if (r->len + gap + len > VALUE_MAX)
		return fail_at(r, r->line, column,
			       "a value has at most %d bytes", VALUE_MAX);
	if (r->nr_segments >= SEGMENTS_MAX)
		return fail_at(r, r->line, column,
			       "a value has at most %d lines", SEGMENTS_MAX);
	if (gap)
		r->value[r->len++] = ' ';
	r->segments[r->nr_segments++] =
		(struct segment){ r->len, r->line, column };
	memcpy(r->value + r->len, text, len + 1);
	r->len += (unsigned)len;
	return 0;
}

static int begin_value(struct reader *r, const char *key, const char *text)
{
	if (finish_value(r) < 0)
		return r->error;
	if (!r->nr_sections)
		return fail_at(r, r->line, 1,
			       "'%.40s' stands before any section; write "
			       "[ring] or another above it",
			       key);
	if (strlen(key) >= sizeof(r->key))
		return fail_at(r, r->line, 1, "unknown key '%.40s...'", key);
	for (unsigned i = 0; i < r->nr_seen; i++)
		if (!strcmp(r->seen[i], key))
			return fail_at(r, r->line, 1,
				       "key '%s' twice in one section; remove "
				       "one",
				       key);
	if (r->nr_seen < sizeof(r->seen) / sizeof(r->seen[0]))
		snprintf(r->seen[r->nr_seen++], sizeof(r->seen[0]), "%s", key);
	snprintf(r->key, sizeof(r->key), "%s", key);
	r->open = true;
	r->len = r->nr_segments = 0;
	return add_text(r, text, r->column);
}

static int handle(void *arg, const char *section, const char *name,
		  const char *value)
{
	struct reader *r = arg;

	(void)section; /* the reader knows it whole */
	if (r->error)
		return 0;
	if (r->continued && r->open)
		return add_text(r, value, r->column) == 0;
	return begin_value(r, name, value) == 0;
}

/* ---- sections ------------------------------------------------------------- */

/* `[name]` or `[trigger "name"]`, white space and a comment behind it. */
static int parse_section(struct reader *r, const char *line,
			 struct section *ret)
{
	char word[SECTION_LINE_MAX + 1], quoted[SECTION_LINE_MAX + 1], end = 0;
	int n = 0;

	memset(ret, 0, sizeof(*ret));
	quoted[0] = '\0';
	if (sscanf(line, "[ %80[a-zA-Z0-9_.-] \"%80[^\"]\" %c%n", word, quoted,
		   &end, &n) == 3 &&
	    end == ']' && !strcmp(word, "trigger"))
		ret->trigger = true;
	else if (sscanf(line, "[ %80[a-zA-Z0-9_.-] %c%n", word, &end, &n) !=
			 2 ||
		 end != ']')
		return fail_at(r, r->line, 1,
			       "not a section; write [ring] or [trigger "
			       "\"name\"]");
	line += n + (int)strspn(line + n, " \t");
	if (*line && *line != ';' && *line != '#')
		return fail_at(r, r->line, 1, "text behind the section's `]`");
	ret->line = r->line;
	if (snprintf(ret->name, sizeof(ret->name), "%s",
		     ret->trigger ? quoted : word) >= (int)sizeof(ret->name))
		return fail_at(r, r->line, 1,
			       "a section's name has at most %d characters",
			       RULE_NAME_MAX);
	return 0;
}

static int begin_section(struct reader *r, const char *line)
{
	struct section s;
	struct rule_diag d;

	if (finish_value(r) < 0)
		return r->error;
	if (strlen(line) > SECTION_LINE_MAX)
		return fail_at(r, r->line, 1,
			       "a section's line has at most %d bytes",
			       SECTION_LINE_MAX);
	if (parse_section(r, line, &s) < 0)
		return r->error;
	if (config_check_section(s.trigger, s.name, &d) < 0)
		return fail_at(r, r->line, 1, "%s", d.text);
	for (unsigned i = 0; i < r->nr_sections; i++)
		if (r->sections[i].trigger == s.trigger &&
		    !strcmp(r->sections[i].name, s.name))
			return fail_at(r, r->line, 1,
				       "section %s%s%s%s twice; the first is "
				       "in line %u, put all keys there",
				       s.trigger ? "[trigger \"" : "[", s.name,
				       s.trigger ? "\"" : "", "]",
				       r->sections[i].line);
	if (r->nr_sections >= SECTIONS_MAX)
		return fail_at(r, r->line, 1, "more than %d sections",
			       SECTIONS_MAX);
	r->sections[r->nr_sections++] = s;
	r->nr_seen = 0;
	return 0;
}

/* ---- lines ---------------------------------------------------------------- */

/* Next line of the text without its end, or NULL. */
static char *take_line(struct reader *r)
{
	char *line = r->next, *end;
	size_t len;

	if (r->error || !*line)
		return NULL;
	r->line++;
	end = line + strcspn(line, "\n");
	r->next = *end ? end + 1 : end;
	*end = '\0';
	len = (size_t)(end - line);
	if (len > LINE_MAX_BYTES) {
		fail_at(r, r->line, LINE_MAX_BYTES,
			"line longer than %d bytes; go on in the next line, "
			"with white space in front",
			LINE_MAX_BYTES);
		return NULL;
	}
	/* inih would cut a comment here too, but not one that it sees in
	 * pieces */
	for (char *p = line; *p; p++)
		if (*p == ';' && (p == line || isspace((unsigned char)p[-1])))
			*p = '\0';
	len = strlen(line);
	while (len && isspace((unsigned char)line[len - 1]))
		line[--len] = '\0';
	return line;
}

/* Does an indented line begin with a key of the present section?  Then it is
 * not meant to continue the value before it. */
static bool begins_with_key(const struct reader *r, const char *line)
{
	const struct section *in = &r->sections[r->nr_sections - 1];
	size_t len = strspn(line, "abcdefghijklmnopqrstuvwxyz_-0123456789");
	const char *behind = line + len + strspn(line + len, " \t");

	if (!len || *behind != '=')
		return false;
	for (unsigned i = 0; in->trigger && rule_keys[i].name; i++)
		if (strlen(rule_keys[i].name) == len &&
		    !memcmp(rule_keys[i].name, line, len))
			return true;
	for (const struct config_param *p = config_params;
	     !in->trigger && p->section; p++)
		if (!strcmp(p->section, in->name) && strlen(p->key) == len &&
		    !memcmp(p->key, line, len))
			return true;
	return false;
}

/* What the line is; returns the part to give to inih, NULL after an error. */
static char *classify_line(struct reader *r, char *line)
{
	char *start = line + strspn(line, " \t\r\f\v");
	size_t eq;

	r->continued = r->glued = false;
	r->column = (unsigned)(start - line) + 1;
	if (!*start || *start == '#')
		return start + strlen(start);
	if (*start == '[')
		return begin_section(r, start) < 0 ? NULL :
						     start + strlen(start);
	if (start > line && r->open && !begins_with_key(r, start)) {
		r->continued = true;
		return line;
	}
	eq = strcspn(start, "=:");
	if (start[eq] != '=') {
		fail_at(r, r->line, r->column, "expected key = value");
		return NULL;
	}
	eq++;
	eq += strspn(start + eq, " \t");
	r->column += (unsigned)eq;
	return start;
}

/* Where a piece of at most ${room} bytes of the line can end: between two bytes
 * that are no white space, and not before what inih takes for a comment. */
static size_t find_break(const char *line, size_t room)
{
	for (size_t i = room; i > room / 2; i--)
		if (!isspace((unsigned char)line[i]) &&
		    !isspace((unsigned char)line[i - 1]) &&
		    !strchr(";#", line[i]))
			return i;
	return 0;
}

/* Gives inih the next piece of ${line}: all of it, if it fits. */
static char *hand_over(struct reader *r, char *line, char *buf, size_t size,
		       const char *front)
{
	size_t room = size - strlen(front) - 2, n = strlen(line);

	r->rest = NULL;
	if (n > room) {
		n = find_break(line, room);
		if (!n) {
			fail_at(r, r->line, 1, "too much white space");
			return NULL;
		}
		r->rest = line + n;
	}
	snprintf(buf, size, "%s%.*s\n", front, (int)n, line);
	return buf;
}

static char *read_line(char *buf, int size, void *arg)
{
	struct reader *r = arg;
	char *line;

	if (r->rest) {
		/* an inih line: what begins with white space continues */
		r->continued = r->glued = true;
		return hand_over(r, r->rest, buf, (size_t)size, " ");
	}
	line = take_line(r);
	if (line)
		line = classify_line(r, line);
	if (!line)
		return NULL;
	return hand_over(r, line, buf, (size_t)size, "");
}

/* ---- files ---------------------------------------------------------------- */

static int parse_text(struct fr_config *c, const char *path, char *text,
		      struct fr_diag *diag)
{
	struct reader *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->config = c;
	r->diag = diag;
	r->path = path;
	r->text = r->next = text;
	if (!strncmp(text, "\xef\xbb\xbf", 3))
		r->next += 3; /* byte order mark */
	e = ini_parse_stream(read_line, r, handle, r);
	finish_value(r);
	if (!r->error && e)
		fail_at(r, r->line, 1, "expected key = value");
	e = r->error;
	free(r);
	return e;
}

int config_read_text(struct fr_config *c, const char *path, const char *text,
		     size_t len, struct fr_diag *diag)
{
	char *copy;
	int e;

	if (len > FILE_MAX || memchr(text, '\0', len)) {
		snprintf(diag->text, sizeof(diag->text), "%.200s:1:1: %s", path,
			 len > FILE_MAX ? "larger than 1 MiB; is this a "
					  "configuration?" :
					  "holds a zero byte; is this a "
					  "configuration?");
		return -EINVAL;
	}
	copy = strndup(text, len);
	if (!copy)
		return -ENOMEM;
	e = parse_text(c, path, copy, diag);
	free(copy);
	return e;
}

/* Reads at most one byte more than is allowed. */
static ssize_t slurp(int fd, char *buf)
{
	size_t len = 0;

	while (len < FILE_MAX + 1) {
		ssize_t n = read(fd, buf + len, FILE_MAX + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

int config_read_file(struct fr_config *c, const char *path,
		     struct fr_diag *diag)
{
	/* not to hang on a fifo */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), e = -ENOMEM;
	char *buf = NULL;
	ssize_t n;

	diag->text[0] = '\0';
	if (fd < 0) {
		e = -errno;
		goto out;
	}
	buf = malloc(FILE_MAX + 1);
	if (!buf)
		goto out;
	n = slurp(fd, buf);
	e = n < 0 ? (int)n : config_read_text(c, path, buf, (size_t)n, diag);
out:
	if (e < 0 && !diag->text[0])
		snprintf(diag->text, sizeof(diag->text), "%.200s: %s", path,
			 strerror(-e));
	free(buf);
	if (fd >= 0)
		close(fd);
	return e;
}

static int is_conf(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return d->d_name[0] != '.' && len > 5 &&
	       !strcmp(d->d_name + len - 5, ".conf");
}

static int read_folder(struct fr_config *c, const char *folder,
		       struct fr_diag *diag)
{
	struct dirent **names;
	int n = scandir(folder, &names, is_conf, alphasort), e = 0;

	if (n < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (n < 0) {
		e = -errno;
		snprintf(diag->text, sizeof(diag->text), "%.200s: %s", folder,
			 strerror(-e));
		return e;
	}
	for (int i = 0; i < n; i++) {
		char path[4096 + 300];

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		if (e == 0)
			e = config_read_file(c, path, diag);
		free(names[i]);
	}
	free(names);
	return e;
}

int config_folder(const char *path, char *buf, size_t size)
{
	const char *slash = strrchr(path, '/');
	int n = snprintf(buf, size, "%.*sconf.d",
			 slash ? (int)(slash - path) + 1 : 0, path);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

int config_read_all(struct fr_config *c, const char *path, bool must_exist,
		    struct fr_diag *diag)
{
	char folder[4096];
	int e = config_read_file(c, path, diag);

	if (e == -ENOENT && !must_exist)
		e = 0;
	if (e < 0)
		return e;
	diag->text[0] = '\0';
	e = config_folder(path, folder, sizeof(folder));
	return e ? e : read_folder(c, folder, diag);
}
