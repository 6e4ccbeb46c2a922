/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe_pick.c - which of a point's programs to use on this kernel.
 *
 * By name: <stream>_<name>_<mechanism>[_<variant>].  Where programs can be
 * preempted, what does not lose events comes first (classic tracepoints, kprobes),
 * else the cheapest (tp_btf, fentry).  Variants: typed loads ("cast") where the
 * kernel has them, else "read"; others are tried in the order of the file, those
 * left out whose function or tracepoint this kernel does not have.
 */
#include "recorder/probe_internal.h"

#include <string.h>
#include <unistd.h>

static const char *const mechanisms[] = {
	"tp_btf", "tracepoint", "raw_tp",     "fentry",  "fexit",
	"kprobe", "kretprobe",  "perf_event", "syscall",
};
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

static bool is_one_of(const char *word, const char *a, const char *b)
{
	return !strcmp(word, a) || !strcmp(word, b);
}

/* What probes.mechanism says covers both ends of a function. */
bool probe_is_asked_for(const char *asked, const char *mechanism)
{
	if (!strcmp(asked, "fentry"))
		return is_one_of(mechanism, "fentry", "fexit");
	if (!strcmp(asked, "kprobe"))
		return is_one_of(mechanism, "kprobe", "kretprobe");
	return !strcmp(asked, mechanism);
}

/* Does this kernel have what the program wants to be attached to? */
static bool target_exists(const struct probes *p,
			  const struct bpf_program *prog, const char *mechanism)
{
	const char *sec = bpf_program__section_name(prog);
	const char *what = strrchr(sec, '/');
	char name[128];

	if (!what)
		return true;
	what++;
	if (is_one_of(mechanism, "fentry", "fexit"))
		return p->has_fentry && probe_kernel_has_function(p, what);
	if (is_one_of(mechanism, "kprobe", "kretprobe"))
		return p->has_kprobe && probe_kernel_has_function(p, what);
	if (!strcmp(mechanism, "tracepoint")) {
		snprintf(name, sizeof(name), "/sys/kernel/tracing/events/%s",
			 strchr(sec, '/') + 1);
		return access(name, F_OK) == 0;
	}
	if (!strcmp(mechanism, "perf_event"))
		return p->has_perf;
	snprintf(name, sizeof(name), "btf_trace_%s", what);
	return !strcmp(mechanism, "raw_tp") ||
	       btf__find_by_name_kind(p->vmlinux, name, BTF_KIND_TYPEDEF) > 0;
}

/* Lower is better; -1: not to be used here. */
static int rank(const struct probes *p, const struct bpf_program *prog,
		const char *mechanism, const char *variant)
{
	const char *asked = p->config->probes_mechanism;
	bool is_lossy = !is_one_of(mechanism, "tracepoint", "perf_event") &&
			!is_one_of(mechanism, "kprobe", "kretprobe");
	int r = 0;

	if (!target_exists(p, prog, mechanism))
		return -1;
	if (strcmp(asked, "auto") && !probe_is_asked_for(asked, mechanism))
		r += 100; /* better than nothing, and reported */
	if (!strcmp(variant, "cast") && !p->has_cast)
		return -1;
	if (!strcmp(variant, "read") && p->has_cast)
		r += 1;
	/* tracepoints say what they mean; functions are the kernel's own affair */
	if (is_one_of(mechanism, "kprobe", "kretprobe") ||
	    is_one_of(mechanism, "fentry", "fexit"))
		r += 5;
	return r + (p->preemptible == is_lossy ? 10 : 0);
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
		unsigned index;
		int r;

		if (!probe_program_is(bpf_program__name(prog), pt, mechanism,
				      &variant))
			continue;
		index = i++; /* among those of this point */
		if (pt->refused & (1ull << index))
			continue;
		r = rank(p, prog, mechanism, variant);
		if (r < 0 || (best && r >= best_rank))
			continue;
		best = prog;
		best_rank = r;
		*ret_index = index;
		snprintf(pt->mechanism, sizeof(pt->mechanism), "%s", mechanism);
	}
	return best;
}
