/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts_enums.c - words of the running kernel's enumerations whose numbers differ
 * between versions, so that a snapshot is read right on any machine.
 */
#include "recorder/facts.h"

#include <bpf/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One fact takes the values of several enumerations: what the modules drop packets
 * for is numbered behind the kernel's own reasons. */
static const struct {
	const char *fact, *type;
	const char *prefixes[3]; /* left out of the names */
} enums[] = {
	{ "enum.drop_reason",
	  "skb_drop_reason",
	  { "SKB_DROP_REASON_", "SKB_" } },
	{ "enum.drop_reason", "mac80211_drop_reason", { "RX_" } },
	{ "enum.drop_reason", "ovs_drop_reason", { NULL } },
	{ "enum.drop_reason_subsys",
	  "skb_drop_reason_subsys",
	  { "SKB_DROP_REASON_SUBSYS_" } },
};
#define NR_ENUMS (sizeof(enums) / sizeof(enums[0]))

static const char *without_prefix(const char *name, const char *const *prefixes)
{
	for (; *prefixes; prefixes++)
		if (!strncmp(name, *prefixes, strlen(*prefixes)))
			return name + strlen(*prefixes);
	return name;
}

/* A count, or a mask, is no value of its own. */
static bool is_bound(const char *name)
{
	size_t n = strlen(name);

	return !strcmp(name, "MAX") || !strcmp(name, "NUM") ||
	       !strcmp(name, "SUBSYS_MASK") ||
	       (n > 5 && (!strcmp(name + n - 4, "_MAX") ||
			  !strcmp(name + n - 5, "_MASK")));
}

static void print_enum(FILE *out, const struct btf *btf, const char *type,
		       const char *const *prefixes)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_ENUM);
	const struct btf_type *t =
		id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;

	for (unsigned i = 0; t && i < btf_vlen(t); i++) {
		const struct btf_enum *e = btf_enum(t) + i;
		const char *name = without_prefix(
			btf__name_by_offset(btf, e->name_off), prefixes);

		if (!is_bound(name))
			fprintf(out, "%s%u=%s", ftell(out) > 0 ? " " : "",
				(uint32_t)e->val, name);
	}
}

void facts_add_enums(struct facts *f)
{
	struct btf *btf = btf__load_vmlinux_btf();

	for (unsigned i = 0; btf && i < NR_ENUMS;) {
		const char *fact = enums[i].fact;
		char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);

		if (!out) {
			f->failed = 1;
			break;
		}
		for (; i < NR_ENUMS && !strcmp(enums[i].fact, fact); i++)
			print_enum(out, btf, enums[i].type, enums[i].prefixes);
		fclose(out);
		if (len)
			facts_add(f, fact, "%s", text);
		free(text);
	}
	btf__free(btf);
}
