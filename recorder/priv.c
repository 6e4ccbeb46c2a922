/* SPDX-License-Identifier: GPL-2.0-or-later */
/* priv.c - capabilities, Landlock, seccomp. */
#include "recorder/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NR(a) (sizeof(a) / sizeof((a)[0]))

/* Numbers newer than the headers we may be built with. */
#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF     39
#endif

static const cap_value_t daemon_keeps[] = {
	CAP_BPF,             /* maps and programs when probes change over */
	CAP_PERFMON,         /* attaching them */
	CAP_SYS_PTRACE,      /* /proc of other users' processes */
	CAP_DAC_READ_SEARCH, /* the same, and tracefs */
	CAP_CHOWN,           /* snapshots go to run.group */
	CAP_DAC_OVERRIDE,    /* snapshot folders that belong to someone else */
	CAP_FOWNER,
	CAP_SETUID, /* the timer and hooks become run.user */
	CAP_SETGID,
	CAP_SETPCAP,      /* for the dumper: emptying its bounding set */
	CAP_KILL,         /* the timer and hooks, which have another user */
	CAP_SYS_RESOURCE, /* triggers of pressure (PSI) */
};

/* Those of ${keep} that we have, as the whole of our permitted and effective
 * sets; the inheritable set becomes empty. */
static int keep_only(const cap_value_t *keep, size_t nr)
{
	cap_t have = cap_get_proc(), want = cap_init();
	cap_flag_value_t on;
	int err = 0;

	if (!have || !want)
		err = -ENOMEM;
	for (size_t i = 0; !err && i < nr; i++) {
		if (cap_get_flag(have, keep[i], CAP_PERMITTED, &on) < 0 || !on)
			continue;
		if (cap_set_flag(want, CAP_PERMITTED, 1, &keep[i], CAP_SET) ||
		    cap_set_flag(want, CAP_EFFECTIVE, 1, &keep[i], CAP_SET))
			err = -errno;
	}
	if (!err && cap_set_proc(want) < 0)
		err = -errno;
	cap_free(have);
	cap_free(want);
	return err;
}

static int is_kept(cap_value_t cap, const cap_value_t *keep, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (keep[i] == cap)
			return 1;
	return 0;
}

/* The bounding set: what no program started from here can get back. */
static void bound_to(const cap_value_t *keep, size_t nr)
{
	for (cap_value_t cap = 0; cap_get_bound(cap) >= 0; cap++)
		if (!is_kept(cap, keep, nr))
			cap_drop_bound(cap); /* without CAP_SETPCAP: stays */
}

int priv_drop_daemon(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	bound_to(daemon_keeps, NR(daemon_keeps));
	cap_reset_ambient();
	return keep_only(daemon_keeps, NR(daemon_keeps));
}

int priv_drop_all(uid_t uid, gid_t gid, const gid_t *groups, size_t nr)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	bound_to(NULL, 0);
	cap_reset_ambient();
	if (uid != (uid_t)-1) {
		if (setgroups(nr, groups) < 0 || setresgid(gid, gid, gid) < 0 ||
		    setresuid(uid, uid, uid) < 0)
			return -errno;
	}
	return keep_only(NULL, 0);
}

/* ---- Landlock --------------------------------------------------------------- */

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#define FS_ABI1 ((1ULL << 13) - 1) /* all rights of the first version */
#define FS_FOLDER                                                       \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | \
	 LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	 LANDLOCK_ACCESS_FS_MAKE_REG)

static int landlock_confine(const int *folder_fds, size_t nr)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = FS_ABI1 };
	uint64_t folder = FS_FOLDER;
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);
	int set, err = 0;

	if (abi < 1)
		return abi < 0 ? -errno : -EOPNOTSUPP;
	if (abi >= 2)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3) {
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
		folder |= LANDLOCK_ACCESS_FS_TRUNCATE;
	}
	set = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (set < 0)
		return -errno;
	for (size_t i = 0; !err && i < nr; i++) {
		struct landlock_path_beneath_attr rule = {
			.allowed_access = folder, .parent_fd = folder_fds[i]
		};

		if (folder_fds[i] >= 0 &&
		    syscall(SYS_landlock_add_rule, set,
			    LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
			err = -errno;
	}
	if (!err && syscall(SYS_landlock_restrict_self, set, 0) < 0)
		err = -errno;
	close(set);
	return err ? err : abi;
}

/* ---- seccomp ---------------------------------------------------------------- */

static const int dumper_calls[] = {
	/* the snapshot file and its folder */
	SCMP_SYS(openat),
	SCMP_SYS(open),
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),
	SCMP_SYS(lseek),
	SCMP_SYS(close),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(statx),
	SCMP_SYS(statfs),
	SCMP_SYS(fstatfs),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fallocate),
	SCMP_SYS(fcntl),
	SCMP_SYS(flock),
	SCMP_SYS(fchmod),
	SCMP_SYS(fchown),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(link),
	SCMP_SYS(linkat),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(getdents64),
	SCMP_SYS(fadvise64),
	SCMP_SYS(sync_file_range),
	/* memory, time, and what the C library does on its own */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(sched_yield),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(getrusage),
	SCMP_SYS(sysinfo),
	SCMP_SYS(uname),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(tgkill),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rseq),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* Memory of its own only: no shared mapping (a file or a ring could be written
 * through it), nothing executable; what is mapped keeps or loses rights. */
static int allow_memory(scmp_filter_ctx ctx)
{
	int err;

	err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
			       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
			       SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_TYPE,
				       MAP_PRIVATE));
	if (!err)
		err = seccomp_rule_add(
			ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
			SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, 0));
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mremap),
				       0);
	return err;
}

static int seccomp_confine(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err = ctx ? allow_memory(ctx) : -ENOMEM;

	for (size_t i = 0; !err && i < NR(dumper_calls); i++)
		if (dumper_calls[i] >= 0) /* negative: not on this machine */
			err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW,
					       dumper_calls[i], 0);
	if (!err)
		err = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	return err;
}

void priv_confine_dumper(const int *folder_fds, size_t nr,
			 struct priv_report *ret)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	bound_to(NULL, 0);
	cap_reset_ambient();
	ret->capabilities = keep_only(NULL, 0);
	ret->landlock = landlock_confine(folder_fds, nr);
	ret->seccomp = seccomp_confine();
}

/* ---- readers ------------------------------------------------------------------ */

static const cap_value_t reader_keeps[] = {
	CAP_SYS_PTRACE,      /* /proc mounted with hidepid */
	CAP_DAC_READ_SEARCH, /* folders of other users */
	CAP_BPF,             /* a new descriptor of an iterator */
};

/* Landlock would do, but also hides the processes of others. */
static const int reader_never[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(socket),
	SCMP_SYS(creat),
	SCMP_SYS(mknod),
	SCMP_SYS(mknodat),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(rmdir),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(link),
	SCMP_SYS(linkat),
	SCMP_SYS(symlink),
	SCMP_SYS(symlinkat),
	SCMP_SYS(truncate),
	SCMP_SYS(chmod),
	SCMP_SYS(fchmodat),
	SCMP_SYS(chown),
	SCMP_SYS(lchown),
	SCMP_SYS(fchownat),
	SCMP_SYS(mount),
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(setxattr),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(openat2),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
};

static int forbid_writing(scmp_filter_ctx ctx)
{
	int err = 0;

	for (uint64_t mode = O_WRONLY; !err && mode <= O_RDWR; mode++) {
		err = seccomp_rule_add(
			ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(openat), 1,
			SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE, mode));
		if (!err)
			err = seccomp_rule_add(
				ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(open), 1,
				SCMP_A1(SCMP_CMP_MASKED_EQ, O_ACCMODE, mode));
	}
	return err;
}

int priv_confine_reader(void)
{
	scmp_filter_ctx ctx;
	int err;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	bound_to(reader_keeps, NR(reader_keeps));
	cap_reset_ambient();
	err = keep_only(reader_keeps, NR(reader_keeps));
	ctx = seccomp_init(SCMP_ACT_ALLOW);
	if (err || !ctx)
		return err ? err : -ENOMEM;
	err = forbid_writing(ctx);
	for (size_t i = 0; !err && i < NR(reader_never); i++)
		if (reader_never[i] >= 0) /* negative: not on this machine */
			err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM),
					       reader_never[i], 0);
	/* A kernel without seccomp: rights are dropped all the same. */
	if (!err)
		seccomp_load(ctx);
	seccomp_release(ctx);
	return err;
}
