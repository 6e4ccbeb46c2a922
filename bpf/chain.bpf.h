/* SPDX-License-Identifier: GPL-2.0-only */
/* chain.bpf.h - who dirtied which file last: written by chain, read by block. */
#ifndef CHAIN_BPF_H
#define CHAIN_BPF_H

#include "ring.bpf.h"

struct dirty_key {
	u64 ino;
	u32 dev;
	u32 pad;
};
struct dirtier {
	u32 pid, tid;
	u16 born;
	u16 pad[3];
};

/* LRU: files not dirtied for long go first, and their dirtiers are not known. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct dirty_key);
	__type(value, struct dirtier);
} dirtiers SEC(".maps");

#endif
