// SPDX-License-Identifier: GPL-2.0-only
/*
 * state.bpf.c - CPU time of every thread, all of them in one read().
 *
 * A task iterator: attached to nothing, it runs while user space reads from it
 * (recorder/state_tasks.c) and writes one struct fr_task_time per thread.
 */
#include "kernel_types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <flightrec/task_time.h>

char LICENSE[] SEC("license") = "GPL";

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)
struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
	u64 session_id;
	u64 seq_num;
};
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};
#pragma clang attribute pop

SEC("iter/task")
int state_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;
	struct fr_task_time r = {};

	if (!t)
		return 0;
	r.pid = t->tgid;
	r.is_leader = t->pid == t->tgid;
	r.start = t->group_leader->start_boottime;
	r.cpu_ns = t->se.sum_exec_runtime;
	if (r.is_leader)
		r.cpu_ns += t->signal->sum_sched_runtime;
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}
