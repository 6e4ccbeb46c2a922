/* SPDX-License-Identifier: GPL-2.0-or-later */
/* drill_print.c - the fire drill, for people and as JSON. */
#include "dump/drill.h"

#include <inttypes.h>
#include <string.h>

#include "dump/nested_json.h"
#include "dump/row_write.h"
#include "triggers/units.h"

static const char *const people[] = {
	[DRILL_NOT_REACHED] = "not reached",
	[DRILL_OK] = "ok",
	[DRILL_FAILED] = "FAILED",
	[DRILL_LEFT_OUT] = "left out",
};
static const char *const programs[] = {
	[DRILL_NOT_REACHED] = "not_reached",
	[DRILL_OK] = "ok",
	[DRILL_FAILED] = "failed",
	[DRILL_LEFT_OUT] = "left_out",
};

void drill_print_step(const struct drill *d, const struct drill_step *s)
{
	char took[32] = "", text[sizeof(s->what)];

	if (d->json)
		return;
	if (s->state != DRILL_NOT_REACHED)
		units_human_time(took, s->took_ns);
	row_print_bytes(text, sizeof(text), s->what, strlen(s->what));
	printf("%-9s  %-11s  %7s  %s\n", s->name, people[s->state], took, text);
	row_print_bytes(text, sizeof(text), s->next, strlen(s->next));
	if (s->next[0])
		printf("%-9s  next: %s\n", "", text);
	fflush(stdout);
}

static const struct drill_step *first_of(const struct drill *d,
					 enum drill_state state)
{
	for (unsigned i = 0; i < d->nr_steps; i++)
		if (d->steps[i].state == state)
			return &d->steps[i];
	return NULL;
}

static void print_text(const char *key, const char *text)
{
	printf(", \"%s\": ", key);
	if (text && *text)
		nested_json_string(stdout, text, strlen(text));
	else
		printf("null");
}

static void print_json(const struct drill *d, int code, uint64_t took_ns)
{
	const struct drill_step *failed = first_of(d, DRILL_FAILED);

	printf("{\"ok\": %s, \"exit\": %d", code ? "false" : "true", code);
	print_text("recorder", d->is_private ? "private" : "daemon");
	print_text("failed", failed ? failed->name : NULL);
	print_text("snapshot", d->keep ? d->snapshot : NULL);
	printf(", \"took_ns\": %" PRIu64 ", \"steps\": [", took_ns);
	for (unsigned i = 0; i < d->nr_steps; i++) {
		const struct drill_step *s = &d->steps[i];

		printf("%s\n  {\"name\": \"%s\", \"state\": \"%s\", "
		       "\"took_ns\": %" PRIu64,
		       i ? "," : "", s->name, programs[s->state], s->took_ns);
		print_text("what", s->what);
		print_text("next", s->next);
		printf("}");
	}
	printf("]}\n");
}

void drill_print_end(const struct drill *d, int code, uint64_t took_ns)
{
	const struct drill_step *failed = first_of(d, DRILL_FAILED);
	const struct drill_step *left = first_of(d, DRILL_LEFT_OUT);
	char took[32];

	if (d->json) {
		print_json(d, code, took_ns);
		return;
	}
	units_human_time(took, took_ns);
	if (failed)
		printf("FAILED at '%s' after %s\n", failed->name, took);
	else if (left)
		printf("no step failed, but '%s' could not be told; %s\n",
		       left->name, took);
	else
		printf("all right: %u steps in %s\n", d->nr_steps, took);
}
