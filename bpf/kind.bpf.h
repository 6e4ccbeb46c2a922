/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kind.bpf.h - what a file is (FR_KIND_*), and whether such are left out
 * (probes.leave_out).  What is left out is a constant when a program is loaded:
 * where that is nothing, nothing of this is in the program.
 */
#ifndef KIND_BPF_H
#define KIND_BPF_H

#include "names.bpf.h"

/* Majors of terminals: pseudo terminals, consoles, serial lines. */
static __always_inline int is_tty(u32 rdev)
{
	u32 major = rdev >> 20;

	return (major >= 2 && major <= 5) || (major >= 128 && major <= 143) ||
	       major == 166 || major == 188 || major == 204 || major == 208 ||
	       major == 216 || major == 229;
}

static __always_inline u32 kind_of(const int cast, struct inode *in)
{
	struct super_block *sb;

	switch (KREAD(cast, in, i_mode) >> 12 & 15) {
	case 1:
		sb = KREAD(cast, in, i_sb);
		return KREAD(cast, sb, s_magic) == PIPEFS_MAGIC ? FR_KIND_PIPE :
								  FR_KIND_FIFO;
	case 2:
		return is_tty(KREAD(cast, in, i_rdev)) ? FR_KIND_TTY :
							 FR_KIND_CHR;
	case 4:
		return FR_KIND_DIR;
	case 6:
		return FR_KIND_BLK;
	case 10:
		return FR_KIND_LINK;
	case 12:
		return socket_family((u64)in) == FR_AF_UNIX ? FR_KIND_UNIX :
							      FR_KIND_SOCKET;
	}
	/* from 6.16 on, anonymous inodes say that they are regular files */
	if (!(fr_cfg.leave_out & 1U << FR_KIND_ANON))
		return FR_KIND_FILE;
	sb = KREAD(cast, in, i_sb);
	switch (KREAD(cast, sb, s_magic)) {
	case ANON_INODE_MAGIC:
	case PIDFS_MAGIC:
		return FR_KIND_ANON;
	}
	return FR_KIND_FILE;
}

static __always_inline int is_left_out(const int cast, u64 inode)
{
	if (!fr_cfg.leave_out || !inode)
		return 0;
	return fr_cfg.leave_out >>
		       (kind_of(cast, KPTR(cast, struct inode, inode)) & 31) &
	       1;
}

/* The file behind a descriptor, for calls of other streams. */
__noinline int fd_is_left_out(u32 fd)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct file *f = (void *)file_of_fd(0, t, fd);

	return f ? is_left_out(0, (u64)BPF_CORE_READ(f, f_inode)) : 0;
}

#endif
