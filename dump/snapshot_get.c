/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot_get.c - what an open snapshot holds beside rows. */
#include "dump/snapshot_open.h"

#include <string.h>

const char *snap_damage(const struct snap *s)
{
	return s->damage;
}

int snap_complete(const struct snap *s)
{
	return s->complete;
}

const char *snap_fact(const struct snap *s, const char *key)
{
	for (unsigned i = 0; i < s->tables.nr_facts; i++)
		if (!strcmp(s->tables.facts[i].key, key))
			return s->tables.facts[i].value;
	return NULL;
}

const char *snap_fact_at(const struct snap *s, unsigned i, const char **ret_key)
{
	if (i >= s->tables.nr_facts)
		return NULL;
	*ret_key = s->tables.facts[i].key;
	return s->tables.facts[i].value;
}

const struct fr_schema *snap_schemas(const struct snap *s, unsigned *ret_nr)
{
	*ret_nr = s->tables.nr_schemas;
	return s->tables.schemas;
}

const struct fr_schema *snap_schema(const struct snap *s, unsigned type)
{
	return type < 256 ? s->tables.by_type[type] : NULL;
}

const struct fr_call_name *snap_call(const struct snap *s, unsigned id)
{
	for (unsigned i = 0; i < s->tables.nr_calls; i++)
		if (s->tables.calls[i].id == id)
			return &s->tables.calls[i];
	return NULL;
}

const struct snap_coverage *snap_coverages(const struct snap *s,
					   unsigned *ret_nr)
{
	*ret_nr = s->tables.nr_coverage;
	return s->tables.coverage;
}

const struct snap_gap *snap_gaps(const struct snap *s, unsigned *ret_nr)
{
	*ret_nr = s->tables.nr_gaps;
	return s->tables.gaps;
}

unsigned snap_nr_blocks(const struct snap *s)
{
	return s->nr_blocks;
}

const struct snap_block_info *snap_block_info(const struct snap *s, unsigned i)
{
	return i < s->nr_blocks ? &s->infos[i] : NULL;
}
