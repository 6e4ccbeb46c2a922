/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * manycalls.c - makes each kind of file operation a few times, from threads and
 * children, with paths of all sorts, so that a recorder can be compared with
 * strace.  Results do not matter, failures are wanted too.
 *
 *   manycalls FOLDER   (scratch; contents stay)
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* a result that is not looked at, and need not be */
static volatile long ignored;

static void data_calls(int dir, const char *name)
{
	char buf[5000];
	struct iovec v[2] = { { buf, 10 }, { buf + 100, 4000 } };
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_TRUNC, 0640);
	struct stat st;

	memset(buf, 'x', sizeof(buf));
	ignored = write(fd, buf, 4096);
	ignored = pwrite(fd, buf, 100, 12345);
	ignored = pwrite(fd, buf, 1, (off_t)5 << 30); /* beyond 32 bits */
	ignored = writev(fd, v, 2);
	ignored = pwritev(fd, v, 2, 20000);
	ignored = pwritev2(fd, v, 1, -1, 0);
	ignored = lseek(fd, 0, SEEK_SET);
	ignored = read(fd, buf, sizeof(buf));
	ignored = pread(fd, buf, 10, 3);
	ignored = pread(fd, buf, 10, -5);
	ignored = readv(fd, v, 2);
	ignored = preadv(fd, v, 2, 100);
	ignored = preadv2(fd, v, 2, 7, RWF_HIPRI);
	ignored = fstat(fd, &st);
	ignored = fsync(fd) + fdatasync(fd);
	ignored = sync_file_range(fd, 0, 4096, SYNC_FILE_RANGE_WRITE);
	ignored = ftruncate(fd, 9000);
	ignored = fallocate(fd, FALLOC_FL_KEEP_SIZE, 9000, 100000);
	ignored = posix_fadvise(fd, 0, 100, POSIX_FADV_RANDOM);
	ignored = readahead(fd, 0, 8192);
	ignored = fchmod(fd, 0600) + fchown(fd, 0, 0);
	ignored = flock(fd, LOCK_EX) + flock(fd, LOCK_UN);
	ignored = fsetxattr(fd, "user.a", "value", 5, 0);
	ignored = fgetxattr(fd, "user.a", buf, 100);
	ignored = flistxattr(fd, buf, 100);
	ignored = fremovexattr(fd, "user.a");
	close(fd);
	ignored = read(9999, buf, 1); /* never open, whatever threads do */
	ignored = read(-1, buf, 1);
}

static void moving_calls(int dir)
{
	int from = openat(dir, "plain", O_RDONLY);
	int to = openat(dir, "copy", O_RDWR | O_CREAT, 0600);
	int p[2], q[2];
	off_t at = 0;
	void *map;

	ignored = sendfile(to, from, &at, 1000);
	ignored = syscall(SYS_copy_file_range, from, NULL, to, NULL, 2000, 0);
	ignored = pipe(p) + pipe2(q, O_NONBLOCK);
	ignored = splice(from, NULL, p[1], NULL, 500, 0);
	ignored = tee(p[0], q[1], 500, SPLICE_F_NONBLOCK);
	ignored = splice(p[0], NULL, to, NULL, 500, 0);
	ignored = read(q[0], &at, sizeof(at));
	ignored = dup2(to, 200) + dup3(to, 201, O_CLOEXEC) + dup(to);
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, to, 0);
	if (map != MAP_FAILED) {
		*(volatile char *)map = 'm';
		ignored = msync(map, 4096, MS_SYNC);
		ignored = madvise(map, 4096, MADV_WILLNEED);
		map = mremap(map, 8192, 16384, MREMAP_MAYMOVE);
		munmap(map, 16384);
	}
	for (int i = 0; i < 2; i++)
		close(p[i]), close(q[i]);
	close(from), close(to), close(200), close(201);
}

static void path_calls(const char *folder, int dir)
{
	char buf[PATH_MAX], deep[3 * NAME_MAX];
	struct stat st;
	struct statfs fs;
	struct statx stx;
	int fd;

	ignored = mkdirat(dir, "sub", 0755) + mkdir("relative", 0700);
	ignored = renameat(dir, "plain", dir, "sub/moved name");
	ignored = linkat(dir, "sub/moved name", dir, "plain", 0);
	ignored = symlinkat("../nowhere", dir, "sub/link");
	ignored = readlinkat(dir, "sub/link", buf, sizeof(buf));
	ignored = rename("no such", "nor this");
	ignored = fstatat(dir, "plain", &st, 0) + lstat("sub/link", &st);
	ignored = fstatat(dir, "", &st, AT_EMPTY_PATH);
	ignored = statx(dir, "plain", 0, STATX_BASIC_STATS, &stx);
	ignored =
		faccessat(dir, "plain", R_OK, 0) + access("/etc/passwd", W_OK);
	ignored = statfs(folder, &fs) + fstatfs(dir, &fs);
	ignored = fchmodat(dir, "plain", 0644, 0);
	ignored = fchownat(dir, "plain", 0, 0, 0);
	ignored = utimensat(dir, "plain", NULL, 0);
	ignored = truncate("relative", 5) + truncate("plain", 7000);
	ignored = setxattr("plain", "user.b", "1", 1, 0);
	ignored = getxattr("plain", "user.b", buf, 10);
	ignored = listxattr("plain", buf, 100) + removexattr("plain", "user.b");
	ignored = mknodat(dir, "fifo", S_IFIFO | 0600, 0);
	fd = open("sub/../\xc3\xa4 b\"c'd", O_CREAT | O_WRONLY, 0600);
	ignored = write(fd, "1", 1);
	close(fd);
	fd = open("deleted", O_CREAT | O_RDWR, 0600);
	unlink("deleted");
	ignored = write(fd, "gone", 4);
	close(fd);
	fd = open(folder, O_TMPFILE | O_RDWR, 0600);
	ignored = write(fd, "nameless", 8);
	close(fd);
	memset(deep, 'n', sizeof(deep));
	deep[sizeof(deep) - 1] = 0;
	ignored = open(deep, O_RDONLY); /* too long a name */
	deep[NAME_MAX] = 0;
	fd = open(deep, O_CREAT | O_RDONLY, 0600);
	close(fd);
	ignored = open("", O_RDONLY) + open("/etc/passwd/x", O_RDONLY);
	ignored = openat(999, "relative/to/nothing", O_RDONLY);
	ignored = rmdir("relative") + unlinkat(dir, "fifo", 0);
	fd = openat(dir, "sub", O_RDONLY | O_DIRECTORY);
	while (syscall(SYS_getdents64, fd, buf, sizeof(buf)) > 0)
		;
	ignored = fchdir(fd) + chdir("..");
	close(fd);
}

static const char *folder_arg;

static void *thread(void *arg)
{
	char name[20];
	int dir = open(folder_arg, O_RDONLY | O_DIRECTORY);

	snprintf(name, sizeof(name), "thread%d", (int)(intptr_t)arg);
	for (int i = 0; i < 20; i++)
		data_calls(dir, name);
	close(dir);
	return NULL;
}

/* Children: one that exits, one killed while it reads, one by vfork. */
static void children(int dir)
{
	int p[2];
	pid_t pid;

	if (pipe(p))
		exit(1);
	pid = fork();
	if (!pid) {
		data_calls(dir, "child");
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	pid = fork();
	if (!pid) {
		char c;

		ignored = read(p[0], &c, 1); /* never returns */
		_exit(0);
	}
	usleep(100000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	pid = vfork();
	if (!pid) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
	close(p[0]), close(p[1]);
}

int main(int argc, char **argv)
{
	pthread_t t[4];
	int dir;

	if (argc != 2 || chdir(argv[1]) ||
	    (dir = open(argv[1], O_RDONLY | O_DIRECTORY)) < 0)
		return 2;
	folder_arg = argv[1];
	data_calls(dir, "plain");
	moving_calls(dir);
	path_calls(argv[1], dir);
	for (int i = 0; i < 4; i++)
		if (pthread_create(&t[i], NULL, thread, (void *)(intptr_t)i))
			return 1;
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	children(dir);
	return 0;
}
