/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flags.c - makes every recorded system call that has flags or an enumeration with
 * each of their bits and values, known or not, and with some together.
 *
 *   flags FOLDER     works in FOLDER, which is empty
 *
 * Nearly all of these calls fail; only what they ask for matters.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static int file, other;
static char page[4096];
static struct iovec iov = { page, 16 };

/* Each call with flags f: none, each bit, pairs, all. */
#define EACH_BIT(bits, call)                                    \
	do {                                                    \
		for (unsigned i_ = 0; i_ <= (bits) + 3; i_++) { \
			unsigned f = sample(i_, bits);          \
			(void)!(call);                          \
		}                                               \
	} while (0)

static unsigned sample(unsigned i, unsigned bits)
{
	if (i < bits)
		return 1u << i;
	switch (i - bits) {
	case 0:
		return 0;
	case 1:
		return 3;
	case 2:
		return bits < 32 ? (1u << bits) - 1 : ~0u;
	default:
		return 0x55555555;
	}
}

static void close_if(long fd)
{
	if (fd > 2 && fd != file && fd != other)
		close((int)fd);
}

static void opens(void)
{
	struct open_how how = { 0 };
	unsigned sets[] = { O_SYNC,
			    O_DSYNC,
			    O_TMPFILE | O_RDWR,
			    O_DIRECTORY,
			    O_CREAT | O_EXCL | O_TRUNC | O_RDWR,
			    O_PATH | O_NOFOLLOW | O_CLOEXEC,
			    3 | O_APPEND,
			    O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME };

	EACH_BIT(32,
		 (close_if(syscall(SYS_openat, AT_FDCWD, "a", f, 0640)), 0));
	EACH_BIT(32, (close_if(syscall(SYS_open, "a", f, 04755)), 0));
	EACH_BIT(31, (how.flags = f,
		      close_if(syscall(SYS_openat2, AT_FDCWD, "a", &how,
				       sizeof(how))),
		      0));
	how.flags = 1ULL << 40 | O_RDWR;
	close_if(syscall(SYS_openat2, AT_FDCWD, "a", &how, sizeof(how)));
	how.flags = O_CREAT | O_RDWR;
	how.mode = 01600;
	close_if(syscall(SYS_openat2, AT_FDCWD, "b", &how, sizeof(how)));
	for (unsigned i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		close_if(syscall(SYS_openat, AT_FDCWD, ".", sets[i], 0));
	close_if(syscall(SYS_creat, "c", 02644));
	EACH_BIT(32, (close_if(syscall(SYS_dup3, file, 100, f)), close(100)));
	EACH_BIT(8, syscall(SYS_close_range, 1000, 1001, f));
}

static void unmap(long at)
{
	if (at != -1)
		munmap((void *)at, 4096);
}

static void memory(void)
{
	char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	/* no MAP_FIXED: the mapping would replace what is at 0x10000 */
	EACH_BIT(32,
		 (unmap(syscall(SYS_mmap, 0, 4096, f, MAP_PRIVATE, file, 0)),
		  0));
	for (unsigned f = 0; f < 16; f++)
		unmap(syscall(SYS_mmap, 0, 4096, PROT_READ, f, file, 0));
	for (unsigned f = 5; f < 32; f++)
		unmap(syscall(SYS_mmap, 0, 4096, PROT_READ,
			      1u << f | MAP_PRIVATE, file, 0));
	unmap(syscall(SYS_mmap, 0x10000, 4096, PROT_READ,
		      MAP_FIXED | MAP_SHARED, file, 0));
	unmap(syscall(SYS_mmap, 0, 4096, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | 21u << 26, -1,
		      0));
	EACH_BIT(8, syscall(SYS_mremap, m, 4096, 4096, f & ~2u, 0));
	EACH_BIT(8, syscall(SYS_msync, m, 4096, f));
	for (int f = 0; f < 130; f++)
		if (f != 100 && f != 101) /* these poison the memory */
			syscall(SYS_madvise, m, 4096, f);
	syscall(SYS_madvise, 1, 4096, 100); /* not a page: refused before */
	syscall(SYS_madvise, 1, 4096, 101);
	syscall(SYS_madvise, m, 4096, -1);
}

static void descriptors(void)
{
	long zero = 0;
	int pipes[2];

	if (pipe(pipes))
		exit(1);
	for (int f = 0; f < 12; f++)
		syscall(SYS_fadvise64, file, 0, 0, f);
	EACH_BIT(12, syscall(SYS_fallocate, file, f, 0, 4096));
	for (int f = 0; f < 256; f++)
		syscall(SYS_flock, file, f | LOCK_NB);
	for (int f = 0; f < 12; f++)
		syscall(SYS_flock, file, f & 3 ? f | 4 : f);
	EACH_BIT(6, syscall(SYS_sync_file_range, file, zero, zero, f));
	EACH_BIT(16, syscall(SYS_preadv2, file, &iov, 1, zero, zero, f));
	EACH_BIT(16, syscall(SYS_pwritev2, file, &iov, 1, zero, zero, f));
	EACH_BIT(8, syscall(SYS_splice, file, &zero, pipes[1], NULL, 0, f));
	EACH_BIT(8, syscall(SYS_tee, pipes[0], pipes[1], 0, f));
	EACH_BIT(8, syscall(SYS_vmsplice, pipes[1], &iov, 0, f));
	EACH_BIT(4,
		 syscall(SYS_copy_file_range, file, &zero, other, &zero, 0, f));
	EACH_BIT(8, syscall(SYS_fsetxattr, file, "user.a", "b", 1, f));
	EACH_BIT(12, syscall(SYS_fchmod, file, f));
	close(pipes[0]);
	close(pipes[1]);
}

static void paths(void)
{
	static const unsigned types[] = { S_IFREG, S_IFIFO, S_IFSOCK, S_IFDIR,
					  S_IFLNK, 0150000, 0 };
	struct stat st;
	char big[512];

	EACH_BIT(32, syscall(SYS_newfstatat, AT_FDCWD, "a", &st, f));
	EACH_BIT(32, syscall(SYS_statx, AT_FDCWD, "a", f, 0x7ff, big));
	EACH_BIT(32, syscall(SYS_faccessat2, AT_FDCWD, "a", R_OK, f));
	for (int f = 0; f < 16; f++) {
		syscall(SYS_access, "a", f);
		syscall(SYS_faccessat, AT_FDCWD, "a", f);
	}
	EACH_BIT(32, syscall(SYS_fchownat, AT_FDCWD, "a", -1, -1, f));
	EACH_BIT(32, syscall(SYS_utimensat, AT_FDCWD, "a", NULL, f));
	EACH_BIT(32, syscall(SYS_unlinkat, AT_FDCWD, "none", f));
	EACH_BIT(32, syscall(SYS_linkat, AT_FDCWD, "none", AT_FDCWD, "d", f));
	EACH_BIT(32,
		 syscall(SYS_renameat2, AT_FDCWD, "none", AT_FDCWD, "d", f));
	EACH_BIT(12, syscall(SYS_fchmodat, AT_FDCWD, "a", f));
	EACH_BIT(12, syscall(SYS_chmod, "a", f));
	EACH_BIT(8, syscall(SYS_umount2, "none", f));
	EACH_BIT(8, syscall(SYS_setxattr, "a", "user.a", "b", 1, f));
	EACH_BIT(8, syscall(SYS_lsetxattr, "a", "user.a", "b", 1, f));
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		syscall(SYS_mknodat, AT_FDCWD, "n", types[i] | 0600, 0);
		unlink("n");
		syscall(SYS_mknod, "n", types[i] | 06755, 0);
		unlink("n");
	}
	EACH_BIT(12, (syscall(SYS_mkdirat, AT_FDCWD, "m", f), rmdir("m")));
	syscall(SYS_mkdir, "m", 0755);
	rmdir("m");
}

static void waits(void)
{
	struct epoll_event ev = { 0 };
	struct pollfd p = { 0 };
	int pipes[2], ep = epoll_create(7);

	if (pipe(pipes) || ep < 0)
		exit(1);
	EACH_BIT(32, (close_if(syscall(SYS_epoll_create1, f)), 0));
	EACH_BIT(32,
		 (ev.events = f,
		  syscall(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, pipes[0], &ev),
		  syscall(SYS_epoll_ctl, ep, EPOLL_CTL_MOD, pipes[0], &ev),
		  syscall(SYS_epoll_ctl, ep, EPOLL_CTL_DEL, pipes[0], &ev)));
	ev.events = 0;
	for (int f = 0; f < 8; f++)
		syscall(SYS_epoll_ctl, ep, f, pipes[0], &ev);
	p.fd = pipes[1];
	EACH_BIT(16, (p.events = (short)f, syscall(SYS_poll, &p, 1, 0)));
	close(pipes[0]); /* now POLLERR comes */
	EACH_BIT(16, (p.events = (short)f, syscall(SYS_poll, &p, 1, 0)));
	close(pipes[1]);
	syscall(SYS_poll, &p, 1, 0); /* POLLNVAL */
	close(ep);
}

/* Names of options: each level with each number. */
static void options(void)
{
	static const int levels[] = { 0,   1,   6,   17,  41,  40,  255,
				      263, 270, 282, 136, 132, 500, -1 };
	int s = socket(AF_INET, SOCK_STREAM, 0), value = 0;
	socklen_t len;

	for (unsigned l = 0; l < sizeof(levels) / sizeof(levels[0]); l++) {
		for (int o = -1; o < 110; o++) {
			len = 0;
			syscall(SYS_getsockopt, s, levels[l], o, &value, &len);
			syscall(SYS_setsockopt, -1, levels[l], o, &value, 0);
		}
	}
	close(s);
}

static void sockets(void)
{
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct mmsghdr mm = { .msg_hdr = m };
	int pair[2];

	for (int f = 0; f < 50; f++)
		close_if(syscall(SYS_socket, f, 15, 0));
	for (int f = 0; f < 16; f++)
		close_if(syscall(SYS_socket, AF_INET, f | SOCK_CLOEXEC, 9999));
	for (int f = 0; f < 270; f++)
		close_if(syscall(SYS_socket, AF_INET, 15, f));
	EACH_BIT(31,
		 (close_if(syscall(SYS_socket, 200, (f & ~15u) | 1, 0)), 0));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair))
		exit(1);
	for (int f = 2; f < 6; f++)
		syscall(SYS_shutdown, -1, f);
	EACH_BIT(32, syscall(SYS_accept4, pair[0], NULL, NULL, f));
	EACH_BIT(32, syscall(SYS_sendto, pair[0], page, 1, f | MSG_NOSIGNAL,
			     NULL, 0));
	EACH_BIT(32, syscall(SYS_recvfrom, pair[1], page, 1, f, NULL, NULL));
	EACH_BIT(32, syscall(SYS_sendmsg, pair[0], &m, f | MSG_NOSIGNAL));
	EACH_BIT(32, syscall(SYS_recvmsg, pair[1], &m, f));
	EACH_BIT(32, syscall(SYS_sendmmsg, pair[0], &mm, 1, f | MSG_NOSIGNAL));
	EACH_BIT(32, syscall(SYS_recvmmsg, pair[1], &mm, 1, f, NULL));
	for (int f = 0; f < 3; f++)
		syscall(SYS_shutdown, pair[0], f);
	close(pair[0]);
	close(pair[1]);
}

int main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]))
		return 2;
	umask(0);
	file = open("a", O_RDWR | O_CREAT, 0644);
	other = open("o", O_RDWR | O_CREAT, 0644);
	if (file < 0 || other < 0 || write(file, page, sizeof(page)) < 0)
		return 1;
	opens();
	memory();
	descriptors();
	paths();
	waits();
	options();
	sockets();
	return 0;
}
