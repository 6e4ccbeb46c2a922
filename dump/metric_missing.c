/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/metric_missing.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/command.h"
#include "dump/escape.h"
#include "triggers/units.h"

#define METRICS_MAX 65537
#define TEXT_MAX    160

struct names {
	const char **all; /* NULL at the end */
	size_t nr;
	const char *
		*seen; /* [METRICS_MAX], by number: its last name in the file */
};

static void add_name(struct names *n, struct view_cursor *c, unsigned column)
{
	struct view_sample s;
	char text[TEXT_MAX], plain[TEXT_MAX * ESCAPE_GROWTH + 1];

	if (!view_get_sample(c, &s) || s.metric >= METRICS_MAX ||
	    n->seen[s.metric] == s.name || n->nr == METRICS_MAX)
		return;
	n->seen[s.metric] = s.name;
	view_get_text(c, column, text, sizeof(text));
	plain[escape_text(plain, text, strlen(text), ESCAPE_CONTROLS)] = '\0';
	n->all[n->nr] = strdup(plain);
	n->nr += n->all[n->nr] != NULL;
}

static void say(const char *asked, const char *near)
{
	char plain[TEXT_MAX * ESCAPE_GROWTH + 1];

	plain[escape_text(plain, asked, strnlen(asked, TEXT_MAX),
			  ESCAPE_CONTROLS)] = '\0';
	fprintf(stderr,
		"flightrec: no metric '%s' was sampled%s%s; flightrec plot "
		"--list names them\n",
		plain, near ? "; the nearest is " : "", near ? near : "");
}

int metric_missing(struct view *v, const char *asked)
{
	struct names n = { .all = calloc(METRICS_MAX + 1, sizeof(*n.all)),
			   .seen = calloc(METRICS_MAX, sizeof(*n.seen)) };
	unsigned column = view_find_column(v, "metric");
	struct view_cursor *c = view_cursor_new(v);

	for (size_t i = 0; c && n.all && n.seen && i < view_nr_rows(v); i++) {
		view_seek(c, i);
		add_name(&n, c, column);
	}
	say(asked, n.nr ? units_nearest(asked, n.all) : NULL);
	for (size_t i = 0; i < n.nr; i++)
		free((void *)(uintptr_t)n.all[i]);
	free(n.all);
	free(n.seen);
	view_cursor_free(c);
	return EXIT_EMPTY;
}
