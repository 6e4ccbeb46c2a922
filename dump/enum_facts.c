/* SPDX-License-Identifier: GPL-2.0-or-later */
/* enum_facts.c - looks words up in the tables that a snapshot brings along. */
#include "dump/enum_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *enum_fact(const struct snap *s, const char *name, uint64_t value,
		      char buf[ENUM_FACT_TEXT])
{
	char key[64], *end;
	const char *at;

	snprintf(key, sizeof(key), "enum.%s", name);
	for (at = snap_fact(s, key); at && *at;) {
		uint64_t number = strtoull(at, &end, 10);
		size_t len = strcspn(at, " ");

		if (end > at && *end == '=' && number == value) {
			snprintf(buf, ENUM_FACT_TEXT, "%.*s",
				 (int)(at + len - end - 1), end + 1);
			return buf[0] ? buf : NULL;
		}
		at += len + strspn(at + len, " ");
	}
	return NULL;
}

const char *enum_fact_drop_reason(const struct snap *s, uint64_t value,
				  char buf[ENUM_FACT_TEXT])
{
	char subsys[ENUM_FACT_TEXT] = "REASON";

	if (enum_fact(s, "drop_reason", value, buf))
		return buf;
	if (value >> 16)
		enum_fact(s, "drop_reason_subsys", value >> 16, subsys);
	snprintf(buf, ENUM_FACT_TEXT, "%.40s(0x%llx)", subsys,
		 (unsigned long long)value);
	return buf;
}
