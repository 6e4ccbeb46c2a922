/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/calls.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <calls.skel.h> /* generated from bpf/calls.bpf.c */
#include <errno.h>
#include <stdlib.h>

struct call_counter {
	struct calls_bpf *bpf;
	struct fr_call_count *per_cpu; /* one slot, as the kernel gives it */
	int nr_cpus;
};

static int say_nothing(enum libbpf_print_level level, const char *fmt,
		       va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

static int load(struct call_counter *c)
{
	int err;

	c->nr_cpus = libbpf_num_possible_cpus();
	if (c->nr_cpus <= 0)
		return c->nr_cpus ? c->nr_cpus : -EINVAL;
	c->per_cpu = calloc((size_t)c->nr_cpus, sizeof(*c->per_cpu));
	if (!c->per_cpu)
		return -ENOMEM;
	c->bpf = calls_bpf__open();
	if (!c->bpf)
		return -errno;
	err = calls_bpf__load(c->bpf);
	return err ? err : calls_bpf__attach(c->bpf);
}

int call_counter_open(struct call_counter **ret)
{
	struct call_counter *c = calloc(1, sizeof(*c));
	libbpf_print_fn_t old;
	int err;

	if (!c)
		return -ENOMEM;
	old = libbpf_set_print(say_nothing); /* the caller says it */
	err = load(c);
	libbpf_set_print(old);
	if (err) {
		call_counter_close(c);
		return err;
	}
	*ret = c;
	return 0;
}

int call_counter_follow(struct call_counter *c, pid_t pid)
{
	struct fr_call_process first = { .threads = 1 };
	uint32_t key = (uint32_t)pid;

	return bpf_map_update_elem(bpf_map__fd(c->bpf->maps.processes), &key,
				   &first, BPF_ANY) ?
		       -errno :
		       0;
}

int call_counter_read(const struct call_counter *c, struct fr_call_count *slots)
{
	int fd = bpf_map__fd(c->bpf->maps.counts);

	for (uint32_t slot = 0; slot < FR_CALL_SLOTS; slot++) {
		struct fr_call_count sum = { 0 };

		if (bpf_map_lookup_elem(fd, &slot, c->per_cpu))
			return -errno;
		for (int i = 0; i < c->nr_cpus; i++) {
			const struct fr_call_count *one = &c->per_cpu[i];

			sum.calls += one->calls;
			sum.errors += one->errors;
			sum.total_ns += one->total_ns;
			if (one->max_ns > sum.max_ns)
				sum.max_ns = one->max_ns;
		}
		slots[slot] = sum;
	}
	return 0;
}

void call_counter_lost(const struct call_counter *c, uint64_t *ret_processes,
		       uint64_t *ret_calls)
{
	*ret_processes = c->bpf->bss->processes_lost;
	*ret_calls = c->bpf->bss->calls_lost;
}

void call_counter_close(struct call_counter *c)
{
	if (!c)
		return;
	calls_bpf__destroy(c->bpf);
	free(c->per_cpu);
	free(c);
}
