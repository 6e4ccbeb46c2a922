/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe_pick.c - which of a point's programs to use on this kernel.
 *
 * By name: <stream>_<name>_<mechanism>[_cast|_read].  Where programs can be
 * preempted, what does not lose events comes first (classic tracepoints), else
 * the cheapest (tp_btf).  Typed loads ("cast") where the kernel has them.
 */
#include "recorder/probe_internal.h"

#include <string.h>

static const char *const mechanisms[] = { "tp_btf", "tracepoint", "raw_tp",
					  "fentry", "kprobe" };
#define NR_MECHANISMS (sizeof(mechanisms) / sizeof(mechanisms[0]))

int probe_program_is(const char *program, const struct probe_point *pt,
		     char mechanism[16], const char **ret_variant)
{
	size_t s = strlen(pt->stream), n = strlen(pt->name);

	if (strncmp(program, pt->stream, s) || program[s] != '_' ||
	    strncmp(program + s + 1, pt->name, n) || program[s + 1 + n] != '_')
		return 0;
	program += s + n + 2;
	for (unsigned i = 0; i < NR_MECHANISMS; i++) {
		size_t m = strlen(mechanisms[i]);

		if (strncmp(program, mechanisms[i], m) ||
		    (program[m] && program[m] != '_'))
			continue;
		snprintf(mechanism, 16, "%s", mechanisms[i]);
		*ret_variant = program[m] ? program + m + 1 : "";
		return 1;
	}
	return 0;
}

/* Lower is better; -1: not to be used here. */
static int rank(const struct probes *p, const struct probe_point *pt,
		const char *mechanism, const char *variant)
{
	const char *asked = p->config->probes_mechanism;
	int r = 0;

	if (strcmp(asked, "auto") && strcmp(asked, mechanism))
		r += 100; /* better than nothing, and reported */
	if (!strcmp(variant, "cast") && !p->has_cast)
		return -1;
	if (!strcmp(variant, "read") && p->has_cast)
		r += 1;
	if (p->preemptible && !strcmp(pt->stream, "fs")) {
		if (strcmp(mechanism, "tracepoint"))
			r += 10;
	} else if (strcmp(mechanism, "tp_btf") && strcmp(mechanism, "fentry")) {
		r += 10;
	}
	return r;
}

struct bpf_program *probe_pick(struct probes *p, struct bpf_object *o,
			       struct probe_point *pt, unsigned *ret_index)
{
	struct bpf_program *prog, *best = NULL;
	int best_rank = 0;
	unsigned i = 0;

	bpf_object__for_each_program(prog, o) {
		const char *variant;
		char mechanism[16];
		unsigned index = i++;
		int r;

		if (pt->refused & (1u << index) ||
		    !probe_program_is(bpf_program__name(prog), pt, mechanism,
				      &variant))
			continue;
		r = rank(p, pt, mechanism, variant);
		if (r < 0 || (best && r >= best_rank))
			continue;
		best = prog;
		best_rank = r;
		*ret_index = index;
		snprintf(pt->mechanism, sizeof(pt->mechanism), "%s", mechanism);
	}
	return best;
}
