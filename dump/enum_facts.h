/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * enum_facts.h - words for numbers whose meaning differs between kernel versions.
 *
 * The recorder stores the running kernel's own tables, read from its type
 * information, as facts of the snapshot (flightrec-snapshot(5)): enum.NAME is
 * "NUMBER=WORD NUMBER=WORD ...".  So far: drop_reason, drop_reason_subsys.
 */
#ifndef DUMP_ENUM_FACTS_H
#define DUMP_ENUM_FACTS_H

#include "dump/snapshot_read.h"

#define ENUM_FACT_TEXT 64 /* room for a word, terminated; longer ones are cut */

/*
 * The word of ${value} in the table enum.${name} of that file, copied to buf, which
 * is returned; NULL, buf untouched: the file has no such table, or no word for it.
 *   enum_fact(snap, "drop_reason", 3, buf) -> "NO_SOCKET"
 */
const char *enum_fact(const struct snap *s, const char *name, uint64_t value,
		      char buf[ENUM_FACT_TEXT]);

/*
 * Text of a field of kind DROPREASON, always: "NO_SOCKET"; of a reason without a
 * word the subsystem that gave it and the number, "MAC80211_UNUSABLE(0x10007)",
 * and without that "REASON(0x1234)".  Returns buf.
 */
const char *enum_fact_drop_reason(const struct snap *s, uint64_t value,
				  char buf[ENUM_FACT_TEXT]);

#endif
