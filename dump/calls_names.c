/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/calls.h"

#include <asm/unistd.h>
#include <fnmatch.h>
#include <string.h>

#define EDITS_LEN 32 /* of names that are compared; the rest is cut */

static const struct {
	unsigned nr;
	bool is_32;
	const char *name;
} names[] = {
#include <call_names.h> /* generated from the headers */
};
#define NR_NAMES (sizeof(names) / sizeof(names[0]))

static const char *known_name(unsigned slot)
{
	for (unsigned i = 0; i < NR_NAMES; i++)
		if (names[i].nr == slot % FR_CALL_NRS &&
		    names[i].is_32 == (slot >= FR_CALL_NRS))
			return names[i].name;
	return NULL;
}

bool call_is_known(unsigned slot)
{
	return known_name(slot) != NULL;
}

void call_name(unsigned slot, char ret[CALL_NAME_SIZE])
{
	const char *mark = slot >= FR_CALL_NRS ? "/32" : "";
	const char *known = known_name(slot);
	unsigned nr = slot % FR_CALL_NRS;

	if (known)
		snprintf(ret, CALL_NAME_SIZE, "%s%s", known, mark);
	else if (nr == FR_CALL_NRS - 1)
		snprintf(ret, CALL_NAME_SIZE, "call_other%s", mark);
	else
		snprintf(ret, CALL_NAME_SIZE, "call_%u%s", nr, mark);
}

bool call_matches(const char *pattern, const char *name)
{
	char bare[CALL_NAME_SIZE];

	if (fnmatch(pattern, name, 0) == 0)
		return true;
	snprintf(bare, sizeof(bare), "%s", name);
	bare[strcspn(bare, "/")] = '\0';
	return fnmatch(pattern, bare, 0) == 0;
}

bool call_pattern_known(const char *pattern)
{
	char name[CALL_NAME_SIZE];

	for (unsigned slot = 0; slot < FR_CALL_SLOTS; slot++) {
		call_name(slot, name);
		if (call_matches(pattern, name))
			return true;
	}
	return false;
}

unsigned call_edits(const char *a, const char *b)
{
	unsigned row[EDITS_LEN + 1];
	size_t la = strnlen(a, EDITS_LEN), lb = strnlen(b, EDITS_LEN);

	for (unsigned j = 0; j <= lb; j++)
		row[j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			unsigned best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

const char *call_nearest(const char *name)
{
	unsigned best = 0, least = ~0U;

	for (unsigned i = 0; i < NR_NAMES; i++) {
		unsigned n = call_edits(name, names[i].name);

		if (n < least) {
			least = n;
			best = i;
		}
	}
	return names[best].name;
}
