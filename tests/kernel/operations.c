/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * operations.c - makes each recorded file operation, succeeding and failing,
 * with sizes, offsets, flags and results that are the same each time: what a
 * recorder shall have of it is in operations.expected.
 *
 *   operations FOLDER   works in FOLDER, which is empty and on ext4
 *   operations exec     what the program starts itself as
 *
 * Prints one line for each call that it made, as it saw it itself: process (0
 * is the first), call, arguments as written here, result or negative errno.  Only
 * these calls lie between the two calls of access that ask for BEGIN and END.
 * A call that ends otherwise than is said here makes the program fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

/* What was called, shared with children; written out at the end. */
static struct {
	unsigned nr, wrong;
	struct {
		const char *call, *args;
		long ret;
		int process;
	} step[1000];
} * seen;

static int process;
static char buf[8192] __attribute__((aligned(4096)));
static char *const page = (char *)0x200000000000; /* for all mappings */
static struct iovec iov[3] = { { buf, 10 }, { buf + 4096, 4000 }, { buf, 0 } };
static struct statfs fs;
static char stat_buf[512];

enum {
	ANY = -1000000,
	DONE = -1000001
};

static long step(const char *call, const char *args, long want, long ret)
{
	if (ret < 0)
		ret = -errno;
	if (want != ANY && (want == DONE ? ret < 0 : ret != want)) {
		fprintf(stderr, "%s(%s) = %ld\n", call, args, ret);
		seen->wrong++;
	}
	seen->step[seen->nr].call = call;
	seen->step[seen->nr].args = args;
	seen->step[seen->nr].process = process;
	seen->step[seen->nr++].ret = ret;
	return ret;
}

/* A call that succeeds; one that returns just this; one that fails; one whose
 * end depends on the kernel. */
#define OK(call, ...) \
	step(#call, #__VA_ARGS__, DONE, syscall(SYS_##call, ##__VA_ARGS__))
#define IS(want, call, ...) \
	step(#call, #__VA_ARGS__, want, syscall(SYS_##call, ##__VA_ARGS__))
#define NO(error, call, ...) \
	step(#call, #__VA_ARGS__, -(error), syscall(SYS_##call, ##__VA_ARGS__))
#define MAY(call, ...) \
	step(#call, #__VA_ARGS__, ANY, syscall(SYS_##call, ##__VA_ARGS__))

#define AT    AT_FDCWD
#define BAD   99
#define WRONG ((void *)8) /* no memory is there */

/* ---- open, close, dup --------------------------------------------------- */
static void opens(void)
{
	struct open_how how = { .flags = O_RDWR | O_CREAT, .mode = 0604 };
	struct open_how inside = { .flags = O_RDONLY,
				   .resolve = RESOLVE_BENEATH };
	struct open_how odd = { .flags = 1ULL << 40 };

	IS(3, open, "data", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	NO(EEXIST, open, "data", O_RDWR | O_CREAT | O_EXCL, 0640);
	NO(ENOENT, open, "none/data", O_RDONLY, 0);
	NO(ENOTDIR, open, "data/below", O_RDONLY, 0);
	IS(4, openat, AT, ".", O_RDONLY | O_DIRECTORY, 0);
	IS(5, openat, 4, "other", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND,
	   04755);
	NO(EISDIR, openat, AT, ".", O_WRONLY, 0);
	NO(EBADF, openat, BAD, "data", O_RDONLY, 0);
	NO(EFAULT, openat, AT, NULL, O_RDONLY, 0);
	NO(ENOTDIR, openat, AT, "data", O_DIRECTORY | O_NONBLOCK, 0);
	NO(ENOENT, openat, AT, "", O_RDONLY, 0);
	IS(6, openat, 4, ".", O_TMPFILE | O_RDWR, 0600);
	if (fcntl(6, F_DUPFD, 200) != 200) /* or its inode is used again */
		seen->wrong++;
	IS(7, openat2, 4, "how", &how, sizeof(how));
	NO(EXDEV, openat2, 4, "/etc", &inside, sizeof(inside));
	NO(EINVAL, openat2, AT, "how", &odd, sizeof(odd));
	NO(EFAULT, openat2, AT, "how", NULL, sizeof(how));
	IS(8, creat, "made", 0700);
	NO(EISDIR, creat, ".", 0700);
	IS(9, open, "data", O_PATH | O_NOFOLLOW, 0);
	NO(EBADF, read, 9, buf, 1);
	IS(10, dup, 3);
	NO(EBADF, dup, BAD);
	IS(11, dup2, 3, 11);
	NO(EBADF, dup2, 3, -1);
	IS(12, dup3, 4, 12, O_CLOEXEC);
	NO(EINVAL, dup3, 4, 4, 0);
	OK(close_range, 10, 12, 0);
	NO(EINVAL, close_range, 12, 10, CLOSE_RANGE_CLOEXEC);
	OK(close, 6);
	OK(close, 7);
	OK(close, 8);
	OK(close, 9);
	NO(EBADF, close, 9);
	NO(EBADF, close, -1);
}

/* ---- read, write, seek: 3 is data, 4 the folder, 5 other (append only) -- */
static void writes(void)
{
	IS(4096, write, 3, buf, 4096);
	IS(4010, writev, 3, iov, 3);
	IS(100, pwrite64, 3, buf, 100, 1LL << 33);
	IS(4010, pwritev, 3, iov, 2, 20000, 0);
	IS(10, pwritev2, 3, iov, 1, -1L, -1L, RWF_DSYNC);
	IS(10, pwritev2, 3, iov, 1, 5, 0, RWF_APPEND);
	IS(7, write, 5, buf, 7);
	IS(10, pwrite64, 5, buf, 10, 3); /* appends nevertheless */
	IS(0, write, 3, buf, 0);
	NO(EBADF, write, 4, buf, 1);
	NO(EBADF, write, -1, buf, 1);
	NO(EFAULT, write, 3, WRONG, 1);
	NO(EINVAL, pwrite64, 3, buf, 1, -1LL);
	NO(EINVAL, writev, 3, iov, -1);
	NO(EFAULT, writev, 3, WRONG, 2);
	NO(EBADF, pwritev, 4, iov, 2, 0, 0);
	NO(EOPNOTSUPP, pwritev2, 3, iov, 1, 0, 0, 1 << 15);
	NO(EFBIG, pwrite64, 3, buf, 1, 1LL << 46);
}

static void reads(void)
{
	IS(8116, lseek, 3, 0, SEEK_CUR);
	IS(0, lseek, 3, 0, SEEK_SET);
	IS(5000, read, 3, buf, 5000);
	IS(4010, readv, 3, iov, 3);
	IS(300, pread64, 3, buf, 300, 7);
	IS(4010, preadv, 3, iov, 2, 100, 0);
	IS(10, preadv2, 3, iov, 1, -1L, -1L, RWF_HIPRI);
	IS(4010, preadv2, 3, iov, 2, 1, 0, 0);
	IS((1LL << 33) + 109, lseek, 3, -1L, SEEK_END);
	IS(1, read, 3, buf, 10);
	IS(0, read, 3, buf, 10);
	IS(1, lseek, 3, 1, SEEK_DATA);
	IS(24576, lseek, 3, 20000, SEEK_HOLE);
	NO(EINVAL, lseek, 3, -5L, SEEK_SET);
	NO(ENXIO, lseek, 3, 1LL << 40, SEEK_DATA);
	NO(EBADF, lseek, BAD, 0, SEEK_SET);
	NO(EBADF, read, BAD, buf, 10);
	NO(EBADF, read, 5, buf, 10);
	NO(EISDIR, read, 4, buf, 10);
	NO(EFAULT, pread64, 3, WRONG, 10, 0);
	NO(EINVAL, pread64, 3, buf, 10, -1LL);
	NO(EFAULT, readv, 3, WRONG, 3);
	NO(EBADF, readv, BAD, iov, 1);
	NO(EINVAL, preadv, 3, iov, 1025, 0, 0);
	NO(EBADF, preadv2, BAD, iov, 2, 0, 0, 0);
}

/* ---- O_DIRECT ----------------------------------------------------------- */
static void direct(void)
{
	IS(6, open, "direct", O_RDWR | O_CREAT | O_DIRECT, 0600);
	IS(8192, write, 6, buf, 8192);
	IS(4096, pwrite64, 6, buf, 4096, 4096);
	IS(4096, pread64, 6, buf, 4096, 0);
	IS(4096, pread64, 6, buf, 8192, 4096);
	NO(EINVAL, pread64, 6, buf + 1, 4096, 0);
	NO(EINVAL, pwrite64, 6, buf, 100, 0);
	OK(fsync, 6);
	OK(close, 6);
}

/* ---- what is asked of a descriptor -------------------------------------- */
static void descriptors(void)
{
	OK(fsync, 3);
	NO(EBADF, fsync, BAD);
	OK(fdatasync, 3);
	NO(EBADF, fdatasync, -1);
	OK(sync_file_range, 3, 4096, 8192, SYNC_FILE_RANGE_WRITE);
	NO(EINVAL, sync_file_range, 3, -1LL, 1, 0);
	OK(syncfs, 4);
	NO(EBADF, syncfs, BAD);
	OK(sync);
	OK(fstat, 3, stat_buf);
	NO(EBADF, fstat, BAD, stat_buf);
	NO(EFAULT, fstat, 3, WRONG);
	OK(ftruncate, 3, 30000);
	NO(EINVAL, ftruncate, 3, -1L);
	NO(EINVAL, ftruncate, 4, 0);
	OK(fchmod, 3, 04711);
	NO(EBADF, fchmod, BAD, 0600);
	OK(fchown, 3, 1, 2);
	NO(EBADF, fchown, BAD, 1, 2);
	OK(fchdir, 4);
	NO(ENOTDIR, fchdir, 3);
	OK(fallocate, 3, FALLOC_FL_KEEP_SIZE, 40960, 8192);
	OK(fallocate, 3, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096);
	OK(fallocate, 3, FALLOC_FL_ZERO_RANGE, 4096, 4096);
	NO(EBADF, fallocate, BAD, 0, 0, 4096);
	NO(EINVAL, fallocate, 3, 0, 0, 0);
	NO(EOPNOTSUPP, fallocate, 3, FALLOC_FL_PUNCH_HOLE, 0, 4096);
	OK(flock, 3, LOCK_EX | LOCK_NB);
	OK(flock, 3, LOCK_UN);
	NO(EBADF, flock, BAD, LOCK_SH);
	OK(fstatfs, 3, &fs);
	NO(EBADF, fstatfs, BAD, &fs);
	OK(readahead, 3, 4096, 16384);
	NO(EBADF, readahead, BAD, 0, 4096);
	OK(fadvise64, 3, 0, 0, POSIX_FADV_SEQUENTIAL);
	NO(EINVAL, fadvise64, 3, 0, 0, 77);
}

/* How much the folder's entries take: "." and ".." 24 each, and as many for
 * names of up to 4 letters, 32 for others. */
static void listings(void)
{
	IS(24 * 5 + 32 * 2, getdents64, 4, buf, sizeof(buf));
	IS(0, getdents64, 4, buf, sizeof(buf));
	OK(lseek, 4, 0, SEEK_SET);
	OK(getdents, 4, buf, sizeof(buf));
	NO(EBADF, getdents64, BAD, buf, 10);
	NO(ENOTDIR, getdents64, 3, buf, 10);
	NO(ENOTDIR, getdents, 3, buf, 10);
}

/* ---- from one descriptor to another ------------------------------------- */
static void copies(void)
{
	loff_t from = 4096, to = 100;
	int pipes[4] = { 0 };

	if (pipe2(pipes, O_NONBLOCK) || pipe2(pipes + 2, O_NONBLOCK))
		seen->wrong++; /* 6 to 9 */
	IS(4096, sendfile, 7, 3, &from, 4096);
	NO(EBADF, sendfile, BAD, 3, NULL, 10);
	IS(1000, tee, 6, 9, 1000, SPLICE_F_NONBLOCK);
	NO(EBADF, tee, 6, BAD, 1000, 0);
	NO(EINVAL, tee, 3, 9, 1000, 0);
	IS(2000, splice, 6, NULL, 3, &to, 2000, SPLICE_F_MOVE);
	NO(EINVAL, splice, 3, NULL, 5, NULL, 10, 0);
	NO(EBADF, splice, BAD, NULL, 7, NULL, 10, SPLICE_F_MORE);
	IS(2096, splice, 6, NULL, 3, &to, 4096, SPLICE_F_MORE);
	NO(EAGAIN, splice, 6, NULL, 3, &to, 4096, SPLICE_F_NONBLOCK);
	IS(0, splice, 6, NULL, 3, &to, 0, 1 << 4);
	IS(4010, vmsplice, 9, iov, 2, SPLICE_F_GIFT);
	NO(EBADF, vmsplice, 3, iov, 2, 0);
	NO(EFAULT, vmsplice, 9, WRONG, 1, SPLICE_F_NONBLOCK);
	IS(10, open, "copy", O_RDWR | O_CREAT, 0600);
	to = 50;
	IS(3000, copy_file_range, 3, &from, 10, &to, 3000, 0);
	NO(EBADF, copy_file_range, 3, NULL, BAD, NULL, 3000, 0);
	NO(EINVAL, copy_file_range, 3, NULL, 10, NULL, 3000, 1);
	NO(ESPIPE, pread64, 7, buf, 1, 0);
	NO(ESPIPE, lseek, 7, 0, SEEK_CUR);
	NO(EINVAL, fsync, 7);
}

/* ---- memory ------------------------------------------------------------- */
static void memory(void)
{
	OK(mmap, page, 8192, PROT_READ | PROT_WRITE,
	   MAP_SHARED | MAP_FIXED_NOREPLACE, 3, 4096);
	OK(mmap, page + 65536, 4096, PROT_NONE,
	   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	NO(EBADF, mmap, NULL, 4096, PROT_READ, MAP_PRIVATE, BAD, 0);
	NO(EACCES, mmap, NULL, 4096, PROT_READ, MAP_SHARED, 5, 0);
	NO(EINVAL, mmap, NULL, 0, PROT_READ, MAP_PRIVATE, 3, 0);
	NO(EEXIST, mmap, page, 4096, PROT_READ | PROT_EXEC,
	   MAP_PRIVATE | MAP_FIXED_NOREPLACE, 3, 0);
	page[5] = 'x';
	OK(msync, page, 4096, MS_SYNC);
	OK(msync, page, 8192, MS_ASYNC | MS_INVALIDATE);
	NO(EINVAL, msync, page, 4096, MS_SYNC | MS_ASYNC);
	NO(ENOMEM, msync, page + (1 << 20), 4096, MS_SYNC);
	OK(madvise, page, 8192, MADV_WILLNEED);
	OK(madvise, page, 4096, MADV_DONTNEED);
	NO(EINVAL, madvise, page + 1, 4096, MADV_RANDOM);
	NO(ENOMEM, madvise, page + (1 << 20), 4096, MADV_COLD);
	OK(mremap, page, 8192, 4096, MREMAP_MAYMOVE);
	OK(mremap, page, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED,
	   page + 131072);
	NO(EFAULT, mremap, page, 4096, 8192, MREMAP_MAYMOVE);
	NO(EINVAL, mremap, page + 1, 4096, 8192, 0);
	OK(munmap, page + 131072, 4096);
	NO(EINVAL, munmap, page + 1, 4096);
}

/* ---- one path ----------------------------------------------------------- */
static void looks(void)
{
	OK(stat, "data", stat_buf);
	NO(ENOENT, stat, "none", stat_buf);
	NO(EFAULT, stat, WRONG, stat_buf);
	OK(lstat, "data", stat_buf);
	NO(ENOTDIR, lstat, "data/x", stat_buf);
	OK(newfstatat, 4, "data", stat_buf, AT_SYMLINK_NOFOLLOW);
	OK(newfstatat, 3, "", stat_buf, AT_EMPTY_PATH);
	NO(EBADF, newfstatat, BAD, "data", stat_buf, 0);
	OK(statx, 4, "data", AT_STATX_FORCE_SYNC, STATX_ALL, stat_buf);
	NO(EINVAL, statx, 4, "data", 1 << 30, STATX_ALL, stat_buf);
	OK(access, "data", R_OK | W_OK);
	NO(ENOENT, access, "none", F_OK);
	OK(faccessat, 4, "data", X_OK);
	NO(EINVAL, faccessat, 4, "data", 8);
	OK(faccessat2, 4, "data", R_OK, AT_EACCESS);
	NO(EBADF, faccessat2, BAD, "data", R_OK, AT_EACCESS);
	NO(EINVAL, readlink, "data", buf, 100);
	NO(ENOENT, readlinkat, 4, "none", buf, 100);
	OK(statfs, ".", &fs);
	NO(ENOENT, statfs, "none", &fs);
}

static void attributes(void)
{
	OK(chmod, "data", 01644);
	NO(ENOENT, chmod, "none", 0600);
	OK(fchmodat, 4, "data", 0604);
	NO(ENOTDIR, fchmodat, 3, "data", 0604);
	MAY(fchmodat2, 4, "data", 0640, 0);
	MAY(fchmodat2, 4, "none", 0640, AT_SYMLINK_NOFOLLOW);
	OK(chown, "data", 3, 4);
	NO(ENOENT, chown, "none", 3, 4);
	OK(lchown, "data", 0, 0);
	NO(ENOENT, lchown, "none", 0, 0);
	OK(fchownat, 3, "", 5, 6, AT_EMPTY_PATH);
	NO(EINVAL, fchownat, 4, "data", 5, 6, 0xf0);
	OK(utime, "data", NULL);
	NO(ENOENT, utime, "none", NULL);
	OK(utimes, "data", NULL);
	NO(EFAULT, utimes, "data", WRONG);
	OK(futimesat, 4, "data", NULL);
	NO(EBADF, futimesat, BAD, "data", NULL);
	OK(utimensat, 4, "data", NULL, AT_SYMLINK_NOFOLLOW);
	OK(utimensat, 3, NULL, NULL, 0);
	NO(ENOENT, utimensat, 4, "none", NULL, 0);
	OK(truncate, "data", 20000);
	NO(EISDIR, truncate, ".", 0);
	NO(EINVAL, truncate, "data", -1L);
}

static void makes(void)
{
	OK(mkdir, "sub", 0751);
	NO(EEXIST, mkdir, "sub", 0751);
	OK(mkdirat, 4, "sub/deep", 01777);
	NO(ENOENT, mkdirat, 4, "none/deep", 0700);
	OK(chdir, "sub/deep");
	OK(openat, AT, "../up", O_RDWR | O_CREAT, 0600);
	NO(ENOTDIR, chdir, "../up");
	OK(chdir, "../..");
	OK(mknod, "fifo", S_IFIFO | 0622, 0);
	NO(EEXIST, mknod, "fifo", S_IFREG | 0600, 0);
	OK(mknodat, 4, "sub/null", S_IFCHR | 0666, 0x103);
	NO(EPERM, mknodat, 4, "odd", S_IFDIR | 0700, 0);
	OK(unlink, "fifo");
	NO(ENOENT, unlink, "fifo");
	NO(EISDIR, unlink, "sub");
	OK(unlinkat, 4, "sub/up", 0);
	NO(ENOTDIR, unlinkat, 4, "data", AT_REMOVEDIR);
	NO(ENOTEMPTY, rmdir, "sub");
	OK(unlinkat, 4, "sub/null", 0);
	OK(unlinkat, 4, "sub/deep", AT_REMOVEDIR);
	OK(rmdir, "sub");
	NO(ENOTDIR, rmdir, "data");
}

/* ---- two paths ---------------------------------------------------------- */
static void pairs(void)
{
	OK(mkdir, "d", 0700);
	OK(rename, "made", "moved");
	NO(ENOENT, rename, "made", "moved");
	OK(renameat, 4, "moved", 4, "d/moved");
	NO(EBADF, renameat, BAD, "moved", 4, "moved");
	OK(renameat2, 4, "d/moved", AT, "data", RENAME_EXCHANGE);
	OK(renameat2, 4, "d/moved", AT, "data", RENAME_EXCHANGE);
	NO(EEXIST, renameat2, 4, "d/moved", AT, "data", RENAME_NOREPLACE);
	NO(EINVAL, renameat2, 4, "d", 4, "d/d", 0);
	OK(mkdir, "empty", 0700);
	NO(ENOTEMPTY, rename, "empty", "d");
	OK(link, "data", "linked");
	NO(EEXIST, link, "data", "linked");
	OK(linkat, 4, "data", 4, "d/linked", AT_SYMLINK_FOLLOW);
	NO(EPERM, linkat, 4, "d", 4, "dd", 0);
	OK(symlink, "some/target", "soft");
	NO(EEXIST, symlink, "/some/target", "soft");
	OK(symlinkat, "data", 4, "d/soft");
	NO(EBADF, symlinkat, "data", BAD, "d/soft");
	IS(11, readlink, "soft", buf, 100);
	IS(4, readlinkat, 4, "d/soft", buf, 100);
	NO(ELOOP, open, "soft", O_RDONLY | O_NOFOLLOW, 0);
	NO(ENOENT, stat, "soft", stat_buf);
	/* a directory that is renamed while its files are open */
	OK(openat, AT, "d/moved", O_RDWR, 0);
	OK(rename, "d", "e");
	OK(openat, AT, "e/moved", O_RDONLY, 0);
}

/* ---- extended attributes ------------------------------------------------ */
static void extended(void)
{
	OK(setxattr, "data", "user.a", "12345", 5, XATTR_CREATE);
	NO(EEXIST, setxattr, "data", "user.a", "12345", 5, XATTR_CREATE);
	OK(lsetxattr, "data", "user.b", "1", 1, 0);
	NO(ENODATA, lsetxattr, "data", "user.c", "1", 1, XATTR_REPLACE);
	OK(fsetxattr, 3, "user.a", "123", 3, XATTR_REPLACE);
	NO(EOPNOTSUPP, fsetxattr, 3, "other.a", "123", 3, 0);
	IS(3, getxattr, "data", "user.a", buf, 100);
	NO(ENODATA, getxattr, "data", "user.none", buf, 100);
	IS(1, lgetxattr, "data", "user.b", buf, 100);
	NO(ENOENT, lgetxattr, "none", "user.b", buf, 100);
	IS(3, fgetxattr, 3, "user.a", buf, 100);
	NO(ERANGE, fgetxattr, 3, "user.a", buf, 2);
	OK(listxattr, "data", buf, 100);
	NO(ENOENT, listxattr, "none", buf, 100);
	OK(llistxattr, "data", buf, 100);
	NO(EFAULT, llistxattr, WRONG, buf, 100);
	OK(flistxattr, 3, buf, 100);
	NO(EBADF, flistxattr, BAD, buf, 100);
	OK(removexattr, "data", "user.a");
	NO(ENODATA, removexattr, "data", "user.a");
	OK(lremovexattr, "data", "user.b");
	NO(ENOENT, lremovexattr, "none", "user.b");
	OK(fsetxattr, 3, "user.a", "", 0, 0);
	OK(fremovexattr, 3, "user.a");
	NO(EBADF, fremovexattr, BAD, "user.a");
}

/* ---- limits, rights, another root, a mount ------------------------------ */
static void set_limit(int which, rlim_t soft)
{
	struct rlimit l;

	if (getrlimit(which, &l))
		seen->wrong++;
	l.rlim_cur = soft;
	if (setrlimit(which, &l))
		seen->wrong++;
}

static void limits(void)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	set_limit(RLIMIT_NOFILE, 4);
	NO(EMFILE, open, "data", O_RDONLY, 0);
	NO(EMFILE, dup, 3);
	set_limit(RLIMIT_NOFILE, files.rlim_cur);
	set_limit(RLIMIT_FSIZE, 30000);
	NO(EFBIG, pwrite64, 3, buf, 10, 30000);
	IS(100, pwrite64, 3, buf, 1000, 29900);
	set_limit(RLIMIT_FSIZE, RLIM_INFINITY);
}

static void mounts(void)
{
	OK(mkdir, "mnt", 0700);
	if (mount("small", "mnt", "tmpfs", 0, "size=16k"))
		seen->wrong++;
	OK(open, "mnt/full", O_RDWR | O_CREAT, 0600);
	long fd = seen->step[seen->nr - 1].ret;
	IS(8192, write, fd, buf, 8192);
	NO(ENOSPC, fallocate, fd, 0, 0, 1 << 20);
	NO(EXDEV, rename, "mnt/full", "full");
	NO(EXDEV, link, "data", "mnt/data");
	NO(EBUSY, rmdir, "mnt");
	NO(EBUSY, umount2, "mnt", 0);
	OK(close, fd);
	OK(umount2, "mnt", UMOUNT_NOFOLLOW);
	NO(EINVAL, umount2, "mnt", MNT_DETACH);
	OK(rmdir, "mnt");
}

/* Runs in a child: as nobody, then as root of another root. */
static void as_nobody(void)
{
	OK(chmod, ".", 0755);
	if (syscall(SYS_setresgid, 1000, 1000, 1000) ||
	    syscall(SYS_setresuid, 1000, 1000, 1000))
		seen->wrong++;
	NO(EACCES, open, "direct", O_RDONLY, 0);
	NO(EACCES, mkdir, "mine", 0700);
	NO(EACCES, unlink, "data");
	NO(EACCES, rename, "data", "mine");
	NO(EPERM, chown, "data", 1000, 1000);
	NO(EPERM, fchmod, 3, 0777);
	NO(EPERM, chroot, ".");
	NO(EACCES, truncate, "direct", 0);
	NO(EPERM, umount2, ".", 0);
}

static void another_root(void)
{
	NO(ENOENT, chroot, "none");
	OK(mkdir, "root", 0700);
	OK(chroot, "root");
	OK(chdir, "/");
	OK(open, "/inside", O_RDWR | O_CREAT, 0600);
	NO(ENOENT, open, "/data", O_RDONLY, 0);
	OK(unlink, "inside");
}

static void exec_self(void)
{
	const char *const args[] = { "operations", "exec", NULL };
	const char *const none = NULL;

	syscall(SYS_execve, "/none", args, &none);
	syscall(SYS_execve, "/proc/self/exe", args, &none);
}

/* A process of its own, number ${n}, that is over when this returns. */
static void in_child(int n, void (*run)(void), int status)
{
	int got, pid = fork();

	if (!pid) {
		process = n;
		run();
		syscall(SYS_exit_group, status);
	}
	if (pid < 0 || waitpid(pid, &got, 0) != pid ||
	    got != (status < 256 ? status << 8 : status - 256))
		seen->wrong++;
}

static void killed(void)
{
	kill(getpid(), SIGKILL);
}

static void prepare(const char *folder)
{
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED || chdir(folder) || unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		perror(folder);
		exit(2);
	}
	fflush(NULL);
	close_range(3, ~0U, 0);
	umask(0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	syscall(SYS_access, "BEGIN", 0);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "exec"))
		return 42;
	if (argc != 2)
		return 2;
	prepare(argv[1]);
	opens();
	writes();
	reads();
	direct();
	descriptors();
	listings();
	copies();
	memory();
	looks();
	attributes();
	makes();
	pairs();
	extended();
	limits();
	mounts();
	in_child(1, as_nobody, 5);
	in_child(2, another_root, 0);
	in_child(3, exec_self, 42);
	in_child(4, killed, 256 + SIGKILL);
	syscall(SYS_access, "END", 0);
	for (unsigned i = 0; i < seen->nr; i++)
		printf("%d\t%s\t%s\t%ld\n", seen->step[i].process,
		       seen->step[i].call, seen->step[i].args,
		       seen->step[i].ret);
	return seen->wrong != 0;
}
