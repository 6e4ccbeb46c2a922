/* SPDX-License-Identifier: GPL-2.0-or-later */
/* view_filter.c - which rows are wanted. */
#include "dump/view_filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/view_time.h"
#include "triggers/units.h"

#define PATH_SIZE 65537

/* Splits a copy of the value at commas; the copies live as long as f. */
static int add_words(struct view_filter *f, struct filter_words *w,
		     const char *value, bool split)
{
	char *copy, *next;

	if (f->nr_copies == sizeof(f->copies) / sizeof(f->copies[0]))
		return -EINVAL;
	copy = next = strdup(value);
	if (!copy)
		return -EINVAL;
	f->copies[f->nr_copies++] = copy;
	while (next) {
		char *word = split ? strsep(&next, ",") : next;

		if (!split)
			next = NULL;
		if (!*word || w->nr == FILTER_WORDS_MAX)
			return -EINVAL;
		w->words[w->nr++] = word;
	}
	return 0;
}

static int parse_number(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-')
		return -EINVAL;
	return 0;
}

static int add_numbers(struct view_filter *f, uint64_t *list, unsigned *nr,
		       const char *value)
{
	struct filter_words w = { .nr = 0 };
	int r = add_words(f, &w, value, true);

	for (unsigned i = 0; !r && i < w.nr; i++) {
		if (*nr == FILTER_WORDS_MAX)
			return -EINVAL;
		r = parse_number(w.words[i], &list[(*nr)++]);
	}
	return r;
}

static int limit_option(struct view_filter *f, const char *value)
{
	int r = parse_number(value, &f->limit);

	return r || !f->limit ? -EINVAL : 0;
}

static int take_option(struct view_filter *f, int opt, const char *value,
		       const char **ret_what)
{
	switch (opt) {
	case 0x100:
		*ret_what = "a list of streams";
		return add_words(f, &f->streams, value, true);
	case 0x101:
		*ret_what = "a process number";
		return add_numbers(f, f->pids, &f->nr_pids, value);
	case 0x102:
		*ret_what = "a thread number";
		return add_numbers(f, f->tids, &f->nr_tids, value);
	case 0x103:
		*ret_what = "a pattern";
		return add_words(f, &f->comms, value, false);
	case 0x104:
		*ret_what = "a pattern";
		return add_words(f, &f->paths, value, false);
	case 0x105:
		*ret_what = "a list of operations";
		return add_words(f, &f->ops, value, true);
	case 0x106:
		*ret_what = "a list of system calls";
		return add_words(f, &f->calls, value, true);
	case 0x107:
		*ret_what = "a time such as 20ms";
		return units_parse_time(value, &f->min_latency_ns);
	case 0x108:
		*ret_what = "a list of error names";
		return add_words(f, &f->errnos, value, true);
	case 0x109:
		f->failed = true;
		return 0;
	case 'n':
		*ret_what = "a number of rows";
		return limit_option(f, value);
	}
	return 1;
}

int view_filter_option(struct view_filter *f, int opt, const char *value,
		       const char **ret_what)
{
	struct view_time time;
	int r;

	*ret_what =
		"a time such as 13:05:00, 2026-11-20T13:05:00, @1795179900 or -10s";
	if (opt == 0x10a || opt == 0x10b) {
		if (view_time_parse(value, 0, &time))
			return -EINVAL;
		*(opt == 0x10a ? &f->begin : &f->end) = value;
		return 1;
	}
	r = take_option(f, opt, value, ret_what);
	if (r == 1)
		return 0;
	return r ? -EINVAL : 1;
}

void view_filter_free(struct view_filter *f)
{
	while (f->nr_copies)
		free(f->copies[--f->nr_copies]);
	*f = (struct view_filter){ 0 };
}

bool view_trigger_ns(const struct view *v, unsigned file, uint64_t *ret)
{
	static const char *const keys[] = { "trigger.ts_ns", "freeze.ts_ns" };

	for (unsigned i = 0; i < 2; i++) {
		const char *text = snap_fact(view_snap(v, file), keys[i]);

		if (text && *text && !parse_number(text, ret) && *ret)
			return true;
	}
	return false;
}

/* A bound in real time.  Relative times and times of the day belong to the
 * trigger of the first file, so that all files get the same span. */
static bool bound_real_ns(const char *text, const struct view *v, int64_t *ret,
			  struct snap_diag *diag)
{
	struct view_time time;
	uint64_t trigger = 0;
	int64_t base;
	bool known = view_trigger_ns(v, 0, &trigger);

	base = (int64_t)(trigger + (uint64_t)view_clock_offset(v, 0));
	if (view_time_parse(text, base, &time)) {
		snprintf(diag->text, sizeof(diag->text),
			 "%.64s: not a time; 13:05:00, @EPOCH and -10s are",
			 text);
		return false;
	}
	if (time.form == TIME_RELATIVE && !known) {
		snprintf(diag->text, sizeof(diag->text),
			 "%.64s: the snapshot does not say when its trigger "
			 "fired; give a time of day",
			 text);
		return false;
	}
	*ret = time.form == TIME_RELATIVE ? base + time.ns : time.ns;
	return true;
}

static uint64_t clamp(int64_t real, int64_t offset)
{
	int64_t mono;

	if (__builtin_sub_overflow(real, offset, &mono))
		return real < 0 ? 0 : UINT64_MAX;
	return mono < 0 ? 0 : (uint64_t)mono;
}

bool view_filter_window(const struct view_filter *f, const struct view *v,
			unsigned file, uint64_t *ret_begin, uint64_t *ret_end,
			struct snap_diag *diag)
{
	int64_t offset = view_clock_offset(v, file), real;

	*ret_begin = 0;
	*ret_end = UINT64_MAX;
	if (f && f->begin) {
		if (!bound_real_ns(f->begin, v, &real, diag))
			return false;
		*ret_begin = clamp(real, offset);
	}
	if (f && f->end) {
		if (!bound_real_ns(f->end, v, &real, diag))
			return false;
		*ret_end = clamp(real, offset);
	}
	return true;
}

bool view_filter_stream(const struct view_filter *f, const struct view *v,
			unsigned stream)
{
	const char *name = view_stream_name(v, stream);

	for (unsigned i = 0; f && f->also && !f->streams.nr && f->also[i]; i++)
		if (!strcmp(f->also[i], name))
			return true;
	if (!f || !f->streams.nr)
		return view_stream_default(v, stream);
	for (unsigned i = 0; i < f->streams.nr; i++)
		if (!strcmp(f->streams.words[i], name))
			return true;
	return false;
}

static bool match_number(struct view_cursor *c, unsigned column,
			 const uint64_t *list, unsigned nr)
{
	uint64_t value;

	if (!nr)
		return true;
	if (!view_get_u64(c, column, &value))
		return false;
	for (unsigned i = 0; i < nr; i++)
		if (list[i] == value)
			return true;
	return false;
}

static bool match_words(struct view_cursor *c, unsigned column,
			const struct filter_words *w)
{
	struct view_value value;

	if (!w->nr)
		return true;
	view_get(c, column, &value);
	if (value.type != VIEW_STRING)
		return false;
	for (unsigned i = 0; i < w->nr; i++)
		if (strlen(w->words[i]) == value.len &&
		    !strncasecmp(w->words[i], value.text, value.len))
			return true;
	return false;
}

static bool match_globs(struct view_cursor *c, unsigned column,
			const struct filter_words *w)
{
	char text[PATH_SIZE];

	if (!view_get_text(c, column, text, sizeof(text)))
		return false;
	for (unsigned i = 0; i < w->nr; i++)
		if (!fnmatch(w->words[i], text, 0))
			return true;
	return false;
}

static bool match_result(const struct view_filter *f, struct view_cursor *c)
{
	struct view_value value;
	uint64_t dur;

	if (f->min_latency_ns &&
	    (!view_get_u64(c, VIEW_DUR, &dur) || dur < f->min_latency_ns))
		return false;
	if (f->failed) {
		view_get(c, VIEW_ERRNO, &value);
		if (value.type == VIEW_NULL)
			return false;
	}
	return match_words(c, VIEW_ERRNO, &f->errnos);
}

/* Cheap tests first, joins last. */
bool view_filter_match(const struct view_filter *f, struct view_cursor *c)
{
	if (!match_number(c, VIEW_PID, f->pids, f->nr_pids) ||
	    !match_number(c, VIEW_TID, f->tids, f->nr_tids) ||
	    !match_result(f, c) || !match_words(c, VIEW_OP, &f->ops) ||
	    !match_words(c, VIEW_CALL, &f->calls))
		return false;
	if (f->comms.nr && !match_globs(c, VIEW_COMM, &f->comms))
		return false;
	return !f->paths.nr || match_globs(c, VIEW_PATH, &f->paths) ||
	       match_globs(c, VIEW_PATH2, &f->paths);
}
