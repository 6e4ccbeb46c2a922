/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel_types.h - the few kernel types our probes read, and of them only the
 * members they read.
 *
 * CO-RE finds each member by name in the running kernel's BTF, so one object
 * serves all kernels from 5.15 on; order and offsets here mean nothing.  A
 * member that was renamed or moved gets a flavour (___suffix), with the kernel
 * version that made it necessary.
 */
#ifndef __KERNEL_TYPES_H__
#define __KERNEL_TYPES_H__

#include <linux/bpf.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx,
		si, di, orig_ax, sp;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	u64 regs[31], sp, pc, pstate;
};
struct pt_regs {
	u64 regs[31], sp, pc, pstate, orig_x0;
	s32 syscallno;
};
#endif

struct super_block {
	u32 s_dev;
	unsigned long s_magic;
};

struct inode {
	u16 i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
	u32 i_generation;
	u32 i_rdev;
	s64 i_size;
};

struct qstr {
	union {
		struct {
			u32 hash, len;
		};
		u64 hash_len;
	};
	const unsigned char *name;
};

struct hlist_bl_node {
	struct hlist_bl_node *next, **pprev;
};

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct inode *f_inode;
	unsigned int f_flags;
	struct path f_path;
	s64 f_pos;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
};
struct fs_struct {
	struct path root, pwd;
};

/* Any struct that begins with one pointer: typed loads of an array of pointers
 * go through it. */
struct hlist_node;
struct hlist_head {
	struct hlist_node *first;
};

typedef struct {
	u32 val;
} kuid_t;
typedef struct {
	u32 val;
} kgid_t;
struct cred {
	kuid_t uid;
	kgid_t gid;
};

struct mm_struct {
	unsigned long arg_start, arg_end, env_start, env_end;
	struct file *exe_file;
};

struct thread_info {
	u32 status;          /* x86 */
	unsigned long flags; /* arm64 */
};

struct task_io_accounting {
	u64 rchar, wchar, read_bytes, write_bytes;
};
struct task_delay_info {
	u64 blkio_delay;
};
struct atomic_t___fr {
	int counter;
};
struct sched_entity {
	u64 sum_exec_runtime;
};
struct signal_struct {
	unsigned long long sum_sched_runtime;
	struct atomic_t___fr live;
	u64 utime, stime;
	unsigned long maj_flt, min_flt;
	struct task_io_accounting ioac;
	unsigned int flags; /* SIGNAL_GROUP_EXIT */
	int group_exit_code;
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	int pid, tgid;
	u64 start_boottime;
	u64 utime, stime;
	struct sched_entity se;
	unsigned long maj_flt, min_flt;
	int exit_code;
	struct task_struct *group_leader, *real_parent;
	struct files_struct *files;
	struct fs_struct *fs;
	const struct cred *cred;
	struct css_set *cgroups;
	struct mm_struct *mm;
	struct signal_struct *signal;
	struct task_io_accounting ioac;
	struct task_delay_info *delays;
	char comm[16];
};

struct in6_addr {
	u8 b[16];
};
struct sock_common {
	u16 skc_family, skc_dport;
	u64 skc_addrpair; /* skc_daddr, skc_rcv_saddr */
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};
struct sock {
	struct sock_common __sk_common;
	u16 sk_type, sk_protocol;
};
struct inet_sock {
	u16 inet_sport;
};
struct socket {
	struct sock *sk;
};
struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
};

struct linux_binprm {
	struct file *file;
};

struct kernfs_node {
	u64 id;
};
struct cgroup_root {
	int hierarchy_id;
};
struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
};
struct css_set {
	struct cgroup *dfl_cgrp;
};
struct cgroup_subsys_state {
	struct cgroup *cgroup;
};
struct blkcg {
	struct cgroup_subsys_state css;
};
struct blkcg_gq {
	struct blkcg *blkcg;
};
struct block_device {
	u32 bd_dev;
};
struct gendisk {
	int major, first_minor;
};
struct request_queue {
	struct gendisk *disk;
};
struct address_space {
	struct inode *host;
};
struct page {
	unsigned long compound_head;
	struct address_space *mapping;
};
/* from 7.1 on, with another meaning: see page_head() */
struct page___7_1 {
	unsigned long compound_info;
};
struct bio_vec {
	struct page *bv_page;
	unsigned int bv_len;
};
struct bvec_iter {
	unsigned int bi_size, bi_idx, bi_bvec_done;
};
struct bio {
	struct bio *bi_next;
	struct block_device *bi_bdev;
	struct blkcg_gq *bi_blkg; /* CONFIG_BLK_CGROUP */
	struct bio_vec *bi_io_vec;
	struct bvec_iter bi_iter;
	u32 bi_opf;
};
struct request {
	struct request_queue *q;
	u32 cmd_flags;
	unsigned int __data_len;
	u64 __sector;
	struct bio *bio, *biotail;
	u64 start_time_ns;
	struct atomic_t___fr ref; /* or a refcount_t, which begins the same */
};
/* until 5.16: the disk hangs on the request (f3fa33acca9f) */
struct request___old {
	struct gendisk *rq_disk;
};

#pragma clang attribute pop

/* Contexts of raw_syscalls:sys_enter and sys_exit: their format is ABI. */
struct sys_enter_ctx {
	u64 common;
	long id;
	unsigned long args[6];
};
struct sys_exit_ctx {
	u64 common;
	long id;
	long ret;
};

#define PF_KTHREAD        0x00200000
#define SIGNAL_GROUP_EXIT 0x00000004 /* signal_struct.flags */
#define TS_COMPAT         0x0002     /* x86: thread_info.status */
#define TIF_32BIT         22         /* arm64: thread_info.flags */
#define AT_FDCWD          -100
#define S_IFMT            0170000
#define S_IFSOCK          0140000
#define AF_UNIX           1
#define AF_INET           2
#define AF_INET6          10
#define FR_O_APPEND       02000
#define O_DIRECT_X86      040000
#define O_DIRECT_ARM64    0200000
#if defined(__TARGET_ARCH_arm64)
#define FR_O_DIRECT O_DIRECT_ARM64
#else
#define FR_O_DIRECT O_DIRECT_X86
#endif

#define barrier()        asm volatile("" ::: "memory")
#define READ_ONCE(x)     (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

static __always_inline int task_is_compat(struct task_struct *t)
{
#if defined(__TARGET_ARCH_x86)
	return (t->thread_info.status & TS_COMPAT) != 0;
#else
	return (t->thread_info.flags >> TIF_32BIT) & 1;
#endif
}

#endif
