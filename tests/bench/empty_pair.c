/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * empty_pair.c - attaches an empty tp_btf program to sys_enter and one to
 * sys_exit, prints "attached", and stays until it is killed: the floor of the
 * mechanism that flightrec uses.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int attach(const char *tracepoint)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int id = libbpf_find_vmlinux_btf_id(tracepoint, BPF_TRACE_RAW_TP);
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = BPF_TRACE_RAW_TP,
		    .attach_btf_id = (__u32)id);
	int fd;

	if (id < 0)
		return id;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "empty", "GPL", nothing, 2,
			   &opts);
	return fd < 0 ? fd : bpf_raw_tracepoint_open(NULL, fd);
}

int main(void)
{
	int err = attach("sys_enter");

	if (err >= 0)
		err = attach("sys_exit");
	if (err < 0) {
		fprintf(stderr, "empty_pair: %s\n", strerror(-err));
		return 1;
	}
	printf("attached\n");
	fflush(stdout);
	pause();
	return 0;
}
