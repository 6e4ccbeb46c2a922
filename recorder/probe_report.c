/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe_report.c - what each probe is, counted and costs. */
#include "recorder/probe_internal.h"

#include <string.h>
#include <unistd.h>

/* Sums a probe's counts over CPUs.  Plain reads of words that only grow. */
static void sum_counts(struct probes *p, int id, struct fr_probe_counts *ret)
{
	const struct probe_map *m = probe_map(p, "counts");
	uint64_t *sum = (uint64_t *)ret;

	memset(ret, 0, sizeof(*ret));
	for (uint32_t cpu = 0; m && cpu < p->cfg.nr_cpus; cpu++) {
		const struct fr_probe_counts *c =
			(const struct fr_probe_counts *)m->mem +
			(size_t)cpu * FR_PROBE_MAX + id;
		const uint64_t *from = (const uint64_t *)c;

		for (size_t i = 0; i < sizeof(*ret) / sizeof(*sum); i++)
			sum[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	}
	/* not counted where it costs: the sum of what a hit can lead to */
	ret->hits += ret->records + ret->pending + ret->filtered +
		     ret->unmatched + ret->lost;
}

static void kernel_figures(const struct probe_point *pt, struct probe_report *r)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);

	if (!pt->prog ||
	    bpf_obj_get_info_by_fd(bpf_program__fd(pt->prog), &info, &len))
		return;
	r->misses = info.recursion_misses;
	r->run_ns = info.run_time_ns;
	r->run_count = info.run_cnt;
}

static const char *why_none(const struct probes *p,
			    const struct probe_point *pt)
{
	if (pt->carried)
		return "fs enter or exit is not attached";
	if (!p->has_fentry && !p->has_kprobe)
		return "this kernel has no tracepoint for it, and takes neither fentry nor kprobe programs (lockdown?)";
	return "this kernel has none of the functions and tracepoints it could be attached to";
}

/* Wanted, and the programs that carry it run. */
static bool carrier_attached(const struct probes *p,
			     const struct probe_point *carried)
{
	unsigned on = 0;

	for (unsigned i = 0; i < FR_PROBE_MAX; i++)
		if (p->points[i].stream && !strcmp(p->points[i].stream, "fs"))
			on += p->points[i].link != NULL;
	return carried->wanted && on == 2; /* enter and exit */
}

void probes_report(struct probes *p, probes_report_fn fn, void *arg)
{
	for (unsigned i = 0; i < FR_PROBE_MAX; i++) {
		const struct probe_point *pt = &p->points[i];
		struct probe_report r = {};

		if (!pt->stream)
			continue;
		r.stream = pt->stream;
		r.name = pt->name;
		r.attached = probe_attached(pt) ||
			     (pt->carried && carrier_attached(p, pt));
		r.mechanism = !r.attached ? "none" :
			      pt->carried ? "fs" :
					    pt->mechanism;
		r.why = r.attached ? "" :
			pt->why[0] ? pt->why :
				     why_none(p, pt);
		sum_counts(p, pt->id, &r.counts);
		kernel_figures(pt, &r);
		fn(arg, &r);
	}
}

/* The kernel measures run times only while somebody holds the statistics
 * descriptor, and measuring costs more than a short program: so a part of the
 * time only, and the mean is taken for the whole. */
uint64_t probes_run_ns(struct probes *p)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < FR_PROBE_MAX; i++) {
		const struct probe_point *pt = &p->points[i];
		struct probe_report r = {};

		if (!probe_attached(pt))
			continue;
		kernel_figures(pt, &r);
		sum_counts(p, pt->id, &r.counts);
		if (r.run_count)
			sum += (uint64_t)((double)r.run_ns /
					  (double)r.run_count *
					  (double)r.counts.hits);
	}
	return sum;
}

static void toggle_stats(struct probes *p)
{
	if (p->stats_fd >= 0) {
		close(p->stats_fd);
		p->stats_fd = -1;
	} else if (p->seal_calls % 16 == 0) {
		p->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	}
	p->seal_calls++;
}

bool probe_cpu_online(uint32_t cpu)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online",
		 cpu);
	/* CPU 0 often has no such file: it cannot go away */
	FILE *f = fopen(path, "re");
	int c = f ? fgetc(f) : '1';

	if (f)
		fclose(f);
	return c != '0';
}

void probes_seal_offline(struct probes *p)
{
	size_t bytes;
	void *ring = probes_ring(p, &bytes);

	toggle_stats(p);
	probe_policy_cgroups(p, false);
	probe_perf_follow(p);
	for (uint32_t cpu = 0; cpu < p->cfg.nr_cpus; cpu++) {
		if (probe_cpu_online(cpu))
			continue;
		for (unsigned lane = 0; lane < FR_LANES_MAX; lane++)
			if (p->cfg.lanes[lane].nr)
				ring_seal(ring, lane, cpu);
	}
}

void probes_kernel_facts(const struct probes *p, struct probe_kernel_facts *ret)
{
	*ret = (struct probe_kernel_facts){ .preemptible = p->preemptible,
					    .fentry = p->has_fentry,
					    .kprobe = p->has_kprobe,
					    .cast = p->has_cast };
}
