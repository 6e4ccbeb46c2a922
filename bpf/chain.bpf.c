// SPDX-License-Identifier: GPL-2.0-only
/*
 * chain.bpf.c - who dirtied a file last.
 *
 * Data is written back later, by a thread of the kernel; then the block request
 * tells only that thread.  Here, where a page becomes dirty - by write(2) or by a
 * store to a mapping, in the thread that does it -, its file's last dirtier is noted
 * for the block stream.  Writes no record of its own.
 */
#include "chain.bpf.h"
#include "names.bpf.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline int note_dirtier(struct address_space *mapping)
{
	struct fr_probe_counts *n = counts_of(FR_PROBE_CHAIN_DIRTY);
	struct task_struct *t = bpf_get_current_task_btf();
	struct dirty_key key = {};
	struct dirtier d = {}, *known;
	struct inode *in;

	if (!n)
		return 0;
	in = mapping ? BPF_CORE_READ(mapping, host) : 0;
	if (!in) {
		n->filtered++;
		return 0;
	}
	key.ino = BPF_CORE_READ(in, i_ino);
	key.dev = BPF_CORE_READ(in, i_sb, s_dev);
	known = bpf_map_lookup_elem(&dirtiers, &key);
	if (known && t->flags & PF_KTHREAD) {
		/* writeback that puts a page back must not hide who wrote it */
		n->filtered++;
		return 0;
	}
	d.pid = t->tgid;
	d.tid = t->pid;
	d.born = born_of(t->group_leader->start_boottime);
	if (known)
		*known = d;
	else if (bpf_map_update_elem(&dirtiers, &key, &d, BPF_ANY)) {
		n->lost++;
		return 0;
	}
	n->pending++;
	return 0;
}

SEC("tp_btf/writeback_dirty_folio")
int BPF_PROG(chain_dirty_tp_btf_folio, void *folio,
	     struct address_space *mapping)
{
	return note_dirtier(mapping);
}

/* until 5.17 */
SEC("tp_btf/writeback_dirty_page")
int BPF_PROG(chain_dirty_tp_btf_page, void *page, struct address_space *mapping)
{
	return note_dirtier(mapping);
}
