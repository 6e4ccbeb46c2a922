/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uring.c - io_uring requests of many kinds, succeeding and failing; prints a line of
 * JSON for each completion that it got: what was asked, what came, and between
 * which times.  Raw system calls, no library.
 *
 *   uring FOLDER
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef IORING_RECV_MULTISHOT
#define IORING_RECV_MULTISHOT (1U << 1)
#endif
#ifndef IORING_ACCEPT_MULTISHOT
#define IORING_ACCEPT_MULTISHOT (1U << 0)
#endif
#ifndef IORING_CQE_F_MORE
#define IORING_CQE_F_MORE (1U << 1)
#endif

#define ENTRIES 64
#define OPS_MAX 4096

struct ring {
	int fd;
	unsigned flags;
	unsigned *sq_head, *sq_tail, *sq_mask, *sq_array, *sq_flags;
	unsigned *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	unsigned queued;
};

/* What was asked, by user_data. */
static struct asked {
	struct io_uring_sqe sqe;
	long long before;
	int sqpoll;
} asked[OPS_MAX];
static unsigned nr_asked = 1;
static char probed[256]; /* opcodes that this kernel has */

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int enter(struct ring *r, unsigned submit, unsigned wait)
{
	unsigned flags = wait ? IORING_ENTER_GETEVENTS : 0;

	if (r->flags & IORING_SETUP_SQPOLL &&
	    __atomic_load_n(r->sq_flags, __ATOMIC_ACQUIRE) &
		    IORING_SQ_NEED_WAKEUP)
		flags |= IORING_ENTER_SQ_WAKEUP;
	return (int)syscall(SYS_io_uring_enter, r->fd, submit, wait, flags,
			    NULL, 0);
}

static int ring_open(struct ring *r, unsigned flags)
{
	struct io_uring_params p = { .flags = flags, .sq_thread_idle = 1000 };
	char *sq, *cq;

	memset(r, 0, sizeof(*r));
	r->fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &p);
	if (r->fd < 0)
		return -errno;
	r->flags = flags;
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(unsigned),
		  PROT_READ | PROT_WRITE, MAP_SHARED, r->fd,
		  IORING_OFF_SQ_RING);
	cq = mmap(NULL,
		  p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe),
		  PROT_READ | PROT_WRITE, MAP_SHARED, r->fd,
		  IORING_OFF_CQ_RING);
	r->sqes = mmap(NULL, p.sq_entries * sizeof(*r->sqes),
		       PROT_READ | PROT_WRITE, MAP_SHARED, r->fd,
		       IORING_OFF_SQES);
	must(sq != MAP_FAILED && cq != MAP_FAILED && r->sqes != MAP_FAILED,
	     "mmap of a ring");
	r->sq_head = (unsigned *)(sq + p.sq_off.head);
	r->sq_tail = (unsigned *)(sq + p.sq_off.tail);
	r->sq_mask = (unsigned *)(sq + p.sq_off.ring_mask);
	r->sq_flags = (unsigned *)(sq + p.sq_off.flags);
	r->sq_array = (unsigned *)(sq + p.sq_off.array);
	r->cq_head = (unsigned *)(cq + p.cq_off.head);
	r->cq_tail = (unsigned *)(cq + p.cq_off.tail);
	r->cq_mask = (unsigned *)(cq + p.cq_off.ring_mask);
	r->cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
	return 0;
}

/* Queues one; its user_data. */
static unsigned long put(struct ring *r, struct io_uring_sqe s)
{
	unsigned tail = *r->sq_tail, at = tail & *r->sq_mask;

	must(nr_asked < OPS_MAX, "room");
	s.user_data = nr_asked;
	asked[nr_asked] =
		(struct asked){ s, now(), !!(r->flags & IORING_SETUP_SQPOLL) };
	r->sqes[at] = s;
	r->sq_array[at] = at;
	__atomic_store_n(r->sq_tail, tail + 1, __ATOMIC_RELEASE);
	r->queued++;
	return nr_asked++;
}

static void print_cqe(struct ring *r, const struct io_uring_cqe *c)
{
	const struct asked *a = &asked[c->user_data % OPS_MAX];

	printf("{\"user_data\": %llu, \"opcode\": %u, \"fd\": %d, "
	       "\"off\": %llu, \"addr\": %llu, \"len\": %u, "
	       "\"sqe_flags\": %u, \"ret\": %d, \"cqe_flags\": %u, "
	       "\"before\": %lld, \"after\": %lld, \"sqpoll\": %d, "
	       "\"ring\": %d}\n",
	       (unsigned long long)c->user_data, a->sqe.opcode, a->sqe.fd,
	       (unsigned long long)a->sqe.off, (unsigned long long)a->sqe.addr,
	       a->sqe.len, a->sqe.flags, c->res, c->flags, a->before, now(),
	       a->sqpoll, r->fd);
}

/* Submits what is queued and takes ${wait} completions; the last result. */
static int go(struct ring *r, unsigned wait)
{
	unsigned got = 0;
	int res = 0;

	must(enter(r, r->queued, wait) >= 0, "io_uring_enter");
	r->queued = 0;
	while (got < wait) {
		unsigned head = *r->cq_head;

		if (head == __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE)) {
			must(enter(r, 0, 1) >= 0, "io_uring_enter");
			continue;
		}
		res = r->cqes[head & *r->cq_mask].res;
		print_cqe(r, &r->cqes[head & *r->cq_mask]);
		__atomic_store_n(r->cq_head, head + 1, __ATOMIC_RELEASE);
		got++;
	}
	return res;
}

static int one(struct ring *r, struct io_uring_sqe s)
{
	if (!probed[s.opcode])
		return -EOPNOTSUPP;
	put(r, s);
	return go(r, 1);
}

#define SQE(op, ...) \
	((struct io_uring_sqe){ .opcode = IORING_OP_##op, __VA_ARGS__ })
#define PTR(p) ((unsigned long)(p))

static char data[65536] __attribute__((aligned(4096)));

static void probe(struct ring *r)
{
	struct {
		struct io_uring_probe p;
		struct io_uring_probe_op ops[256];
	} all;

	memset(&all, 0, sizeof(all));
	must(!syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_PROBE, &all,
		      256),
	     "IORING_REGISTER_PROBE");
	for (unsigned i = 0; i < all.p.ops_len && i < 256; i++)
		probed[all.ops[i].op] =
			!!(all.ops[i].flags & IO_URING_OP_SUPPORTED);
}

/* ---- files -------------------------------------------------------------------- */
static void files(struct ring *r, const char *path, int fd)
{
	struct iovec v[2] = { { data, 100 }, { data + 100, 4000 } };
	char other[4096], statx[256];

	snprintf(other, sizeof(other), "%s.2", path);
	one(r, SQE(NOP));
	one(r, SQE(WRITE, .fd = fd, .addr = PTR(data), .len = 5000, .off = 7));
	one(r, SQE(READ, .fd = fd, .addr = PTR(data), .len = 4096, .off = 512));
	one(r, SQE(READ, .fd = fd, .addr = PTR(data), .len = 10, .off = -1ULL));
	one(r,
	    SQE(READ, .fd = fd, .addr = PTR(data), .len = 8, .off = 1 << 20));
	one(r, SQE(READV, .fd = fd, .addr = PTR(v), .len = 2, .off = 1));
	one(r, SQE(WRITEV, .fd = fd, .addr = PTR(v), .len = 2, .off = 0));
	one(r, SQE(READ, .fd = 999, .addr = PTR(data), .len = 1)); /* EBADF */
	one(r,
	    SQE(READ, .fd = fd, .addr = 16, .len = 5, .off = 0)); /* EFAULT */
	one(r, SQE(READ, .fd = fd, .addr = PTR(data), .len = 5, .off = 0,
		   .ioprio = 0xffff)); /* EINVAL, refused */
	one(r, SQE(FSYNC, .fd = fd));
	one(r, SQE(FSYNC, .fd = fd, .fsync_flags = IORING_FSYNC_DATASYNC));
	one(r, SQE(SYNC_FILE_RANGE, .fd = fd, .off = 0, .len = 4096));
	one(r, SQE(FALLOCATE, .fd = fd, .off = 8192, .addr = 4096));
	one(r,
	    SQE(FADVISE, .fd = fd, .off = 0, .len = 4096, .fadvise_advice = 1));
	one(r, SQE(MADVISE, .fd = -1, .addr = PTR(data), .len = 4096,
		   .fadvise_advice = 0));
	one(r, SQE(OPENAT, .fd = AT_FDCWD, .addr = PTR("/no/such/file")));
	one(r, SQE(STATX, .fd = AT_FDCWD, .addr = PTR(path), .len = 0xfff,
		   .off = PTR(statx)));
	one(r, SQE(CLOSE, .fd = 998));
	one(r, SQE(RENAMEAT, .fd = AT_FDCWD, .addr = PTR("/no/a"),
		   .len = (unsigned)AT_FDCWD, .off = PTR("/no/b")));
	one(r, SQE(LINKAT, .fd = AT_FDCWD, .addr = PTR(path),
		   .len = (unsigned)AT_FDCWD, .off = PTR(other)));
	one(r, SQE(UNLINKAT, .fd = AT_FDCWD, .addr = PTR(other)));
	one(r, SQE(READ, .fd = fd, .addr = PTR(data), .len = 100,
		   .flags = IOSQE_ASYNC));
	r->sqes[0].opcode = 0;
	probed[200] = 1;
	one(r, (struct io_uring_sqe){ .opcode = 200 }); /* no such opcode */
}

static void fixed(struct ring *r, int fd)
{
	struct iovec v = { data, sizeof(data) };
	int fds[2] = { -1, fd };

	must(!syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_FILES, fds,
		      2) &&
		     !syscall(SYS_io_uring_register, r->fd,
			      IORING_REGISTER_BUFFERS, &v, 1),
	     "io_uring_register");
	one(r, SQE(READ, .fd = 1, .addr = PTR(data), .len = 33,
		   .flags = IOSQE_FIXED_FILE));
	one(r, SQE(READ, .fd = 0, .addr = PTR(data), .len = 33,
		   .flags = IOSQE_FIXED_FILE)); /* EBADF */
	one(r, SQE(READ_FIXED, .fd = fd, .addr = PTR(data), .len = 512,
		   .off = 100));
	one(r, SQE(WRITE_FIXED, .fd = 1, .addr = PTR(data), .len = 256,
		   .off = 200, .flags = IOSQE_FIXED_FILE));
}

/* ---- several at once ------------------------------------------------------------ */
static void chains(struct ring *r, int fd)
{
	struct __kernel_timespec ts = { .tv_nsec = 20000000 },
				 longer = { .tv_sec = 100 };
	unsigned long timeout;

	/* the second fails, the third is cancelled */
	put(r, SQE(WRITE, .fd = fd, .addr = PTR(data), .len = 10,
		   .flags = IOSQE_IO_LINK));
	put(r, SQE(READ, .fd = 997, .addr = PTR(data), .len = 1,
		   .flags = IOSQE_IO_LINK));
	put(r, SQE(NOP));
	go(r, 3);
	put(r, SQE(WRITE, .fd = fd, .addr = PTR(data), .len = 11));
	put(r, SQE(NOP, .flags = IOSQE_IO_DRAIN));
	put(r, SQE(WRITE, .fd = fd, .addr = PTR(data), .len = 12));
	go(r, 3);
	one(r, SQE(TIMEOUT, .fd = -1, .addr = PTR(&ts), .len = 1)); /* ETIME */
	timeout =
		put(r, SQE(TIMEOUT, .fd = -1, .addr = PTR(&longer), .len = 1));
	go(r, 0);
	put(r, SQE(ASYNC_CANCEL, .fd = -1, .addr = timeout));
	go(r, 2);
	one(r, SQE(ASYNC_CANCEL, .fd = -1, .addr = 123456)); /* ENOENT */
	for (int i = 0; i < 50; i++)
		put(r, SQE(READ, .fd = fd, .addr = PTR(data), .len = 64,
			   .off = (unsigned)i * 64));
	go(r, 50);
}

static void waits(struct ring *r)
{
	int p[2], s[2], l = socket(AF_INET, SOCK_STREAM, 0), c[3];
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	unsigned long poll;

	must(!pipe(p) && !socketpair(AF_UNIX, SOCK_STREAM, 0, s), "pipe");
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(!bind(l, (struct sockaddr *)&a, sizeof(a)) && !listen(l, 8) &&
		     !getsockname(l, (struct sockaddr *)&a, &len),
	     "listen");
	/* a read that waits for its data */
	put(r, SQE(READ, .fd = p[0], .addr = PTR(data), .len = 100));
	go(r, 0);
	must(write(p[1], "12345", 5) == 5, "write");
	go(r, 1);
	/* poll once; poll for ever, three times, then no more */
	put(r, SQE(POLL_ADD, .fd = p[0], .poll32_events = POLLIN));
	go(r, 0);
	must(write(p[1], "1", 1) == 1, "write");
	go(r, 1);
	must(read(p[0], data, 1) == 1, "read");
	poll = put(r, SQE(POLL_ADD, .fd = p[0], .poll32_events = POLLIN,
			  .len = IORING_POLL_ADD_MULTI));
	go(r, 0);
	for (int i = 0; i < 3; i++) {
		must(write(p[1], "1", 1) == 1, "write");
		go(r, 1);
		must(read(p[0], data, 1) == 1, "read");
	}
	put(r, SQE(POLL_REMOVE, .fd = -1, .addr = poll));
	go(r, 2);
	/* sockets */
	one(r, SQE(SEND, .fd = s[0], .addr = PTR("hello"), .len = 5));
	one(r, SQE(RECV, .fd = s[1], .addr = PTR(data), .len = 100));
	put(r, SQE(ACCEPT, .fd = l));
	go(r, 0);
	c[0] = socket(AF_INET, SOCK_STREAM, 0);
	must(!connect(c[0], (struct sockaddr *)&a, sizeof(a)), "connect");
	go(r, 1);
	put(r, SQE(ACCEPT, .fd = l, .ioprio = IORING_ACCEPT_MULTISHOT));
	go(r, 0);
	for (int i = 1; i < 3; i++) {
		c[i] = socket(AF_INET, SOCK_STREAM, 0);
		must(!connect(c[i], (struct sockaddr *)&a, sizeof(a)),
		     "connect");
		go(r, 1);
	}
	put(r, SQE(ASYNC_CANCEL, .fd = -1, .addr = nr_asked - 1));
	go(r, 2);
	one(r, SQE(SHUTDOWN, .fd = s[0], .len = SHUT_RDWR));
	one(r, SQE(RECV, .fd = s[0], .addr = PTR(data), .len = 3));
}

/* Successes without a completion, then one that has it. */
static void silent(struct ring *r, int fd)
{
	for (int i = 0; i < 3; i++)
		put(r, SQE(READ, .fd = fd, .addr = PTR(data), .len = 8,
			   .flags = IOSQE_CQE_SKIP_SUCCESS));
	put(r, SQE(READ, .fd = 996, .addr = PTR(data), .len = 8,
		   .flags = IOSQE_CQE_SKIP_SUCCESS)); /* fails: is told */
	put(r, SQE(NOP));
	go(r, 2);
}

int main(int argc, char **argv)
{
	struct ring r, sqpoll;
	char path[4096];
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	snprintf(path, sizeof(path), "%s/file", argv[1]);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	must(fd >= 0 && write(fd, data, 32768) == 32768, path);
	if (ring_open(&r, 0)) {
		fprintf(stderr, "skip: io_uring is not to be had here\n");
		return 77;
	}
	probe(&r);
	files(&r, path, fd);
	fixed(&r, fd);
	chains(&r, fd);
	waits(&r);
	silent(&r, fd);
	if (ring_open(&sqpoll, IORING_SETUP_SQPOLL)) {
		fprintf(stderr, "no SQPOLL here\n");
		return 0;
	}
	files(&sqpoll, path, fd);
	fixed(&sqpoll, fd);
	return 0;
}
