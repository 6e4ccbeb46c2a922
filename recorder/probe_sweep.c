/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe_sweep.c - block requests whose completion the kernel never showed us.
 *
 * A kernel may run no program for an event: where it was built to spare a process of
 * its own, in whose time interrupts complete requests too (flightrec-streams(7)).
 * Such a request would stay in the table of those in flight, and look like a disk
 * that hangs, until its memory is used for another one.
 */
#include "recorder/probe_internal.h"

#include <flightrec/block_entry.h>
#include <string.h>

#define RQS_MAX  65536
#define YOUNG_NS 1000000ull /* since it was first seen: not worth a look */

static const struct bpf_program *sweeper(const struct probes *p)
{
	for (unsigned i = 0; i < FR_PROBE_MAX; i++)
		if (p->points[i].on_call && p->points[i].prog &&
		    !strcmp(p->points[i].name, "sweep"))
			return p->points[i].prog;
	return NULL;
}

static void sweep(const struct bpf_program *prog, uint64_t request,
		  uint64_t first_ns)
{
	struct fr_request_sweep ctx = { .request = request,
					.first_ns = first_ns };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx));

	(void)bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
}

void probe_sweep_one(struct probes *p, uint64_t request, uint64_t first_ns)
{
	const struct bpf_program *prog = sweeper(p);

	if (prog)
		sweep(prog, request, first_ns);
}

void probes_sweep(struct probes *p, uint64_t now_ns)
{
	const struct bpf_program *prog = sweeper(p);
	struct probe_map *m = probe_map(p, "rqs");
	struct fr_block_entry e;
	uint64_t key, next;
	bool more;

	if (!prog || !m)
		return;
	more = !bpf_map_get_next_key(m->fd, NULL, &next);
	for (int i = 0; more && i < RQS_MAX; i++) {
		key = next; /* the one after it, while it is still there */
		more = !bpf_map_get_next_key(m->fd, &key, &next);
		if (!bpf_map_lookup_elem(m->fd, &key, &e) &&
		    e.first_ns + YOUNG_NS < now_ns)
			sweep(prog, key, e.first_ns);
	}
}
