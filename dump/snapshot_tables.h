/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot_tables.h - the tables of a snapshot: schema, calls, facts, coverage
 * and gaps, to and from the payload of their frames.
 *
 * tables_put_*() write what this program knows.  tables_get_*() trust nothing,
 * own the payload they are given (malloc'd; the strings stay in it) and leave the
 * tables as they were when they return -EBADMSG or -ENOMEM.
 */
#ifndef DUMP_SNAPSHOT_TABLES_H
#define DUMP_SNAPSHOT_TABLES_H

#include "dump/schema.h"
#include "dump/snapshot_write.h"

#define TABLES_BOUND           (1u << 20) /* bytes a table of ours never exceeds */
#define TABLES_COVERAGE_VALUES 12
#define TABLES_GAP_VALUES      8

struct tables_fact {
	const char *key, *value;
};

struct snap_tables {
	struct fr_schema *schemas; /* NULL: none yet */
	unsigned nr_schemas;
	struct fr_schema *by_type[256];
	struct fr_call_name *calls;
	unsigned nr_calls;
	struct tables_fact *facts;
	unsigned nr_facts;
	struct snap_coverage *coverage;
	unsigned nr_coverage;
	struct snap_gap *gaps;
	unsigned nr_gaps;
	uint8_t **payloads; /* owned: strings point into them */
	unsigned nr_payloads;
};

size_t tables_put_schema(uint8_t *out); /* both: at most TABLES_BOUND bytes */
size_t tables_put_calls(uint8_t *out);

/* A second table of schemas or calls is checked, then dropped. */
int tables_get_schema(struct snap_tables *t, uint8_t *payload, size_t len);
int tables_get_calls(struct snap_tables *t, uint8_t *payload, size_t len);
/* These add to what is there. */
int tables_get_facts(struct snap_tables *t, uint8_t *payload, size_t len);
int tables_get_coverage(struct snap_tables *t, uint8_t *payload, size_t len);
int tables_get_gaps(struct snap_tables *t, uint8_t *payload, size_t len);
void tables_free(struct snap_tables *t);

#endif
