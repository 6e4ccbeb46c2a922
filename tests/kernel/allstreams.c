/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * allstreams.c - does a known number of operations of every stream and says how
 * many, as JSON: { "fs": 1200, ... }.
 *
 *   allstreams FOLDER ROUNDS [ROUNDS_PER_S]
 *
 * Nothing is counted that this program did not do itself between "begin" and "end"
 * (both written to standard error, which are writes that are not counted).  With a
 * rate it keeps to absolute deadlines, a hundred rounds at a time.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE  4096
#define BATCH 100

static struct {
	unsigned long fs, net, conn, epoll, sockopt, proc, uring, direct, fault;
} did;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void must(int ok, const char *what)
{
	if (!ok)
		die(what);
}

struct work {
	int file, udp, peer, ep, direct;
	char *map; /* of the file */
	size_t pages;
	void *buf; /* for direct I/O */
	struct sockaddr_in to;
	int ring;
	unsigned *sq_head, *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail,
		*cq_mask;
	struct io_uring_sqe *sqes;
};

/* ---- io_uring without a library: one request at a time ------------------------- */
static void ring_open(struct work *w)
{
	struct io_uring_params p = { 0 };
	char *sq, *cq;

	w->ring = (int)syscall(SYS_io_uring_setup, 4, &p);
	if (w->ring < 0)
		return; /* switched off on this machine: none are done */
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(unsigned),
		  PROT_READ | PROT_WRITE, MAP_SHARED, w->ring,
		  IORING_OFF_SQ_RING);
	cq = mmap(NULL,
		  p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe),
		  PROT_READ | PROT_WRITE, MAP_SHARED, w->ring,
		  IORING_OFF_CQ_RING);
	w->sqes = mmap(NULL, p.sq_entries * sizeof(*w->sqes),
		       PROT_READ | PROT_WRITE, MAP_SHARED, w->ring,
		       IORING_OFF_SQES);
	must(sq != MAP_FAILED && cq != MAP_FAILED && w->sqes != MAP_FAILED,
	     "io_uring");
	w->sq_head = (unsigned *)(sq + p.sq_off.head);
	w->sq_tail = (unsigned *)(sq + p.sq_off.tail);
	w->sq_mask = (unsigned *)(sq + p.sq_off.ring_mask);
	w->sq_array = (unsigned *)(sq + p.sq_off.array);
	w->cq_head = (unsigned *)(cq + p.cq_off.head);
	w->cq_tail = (unsigned *)(cq + p.cq_off.tail);
	w->cq_mask = (unsigned *)(cq + p.cq_off.ring_mask);
}

static void ring_read(struct work *w, unsigned long i)
{
	unsigned tail, at;
	struct io_uring_sqe *e;

	if (w->ring < 0)
		return;
	tail = *w->sq_tail;
	at = tail & *w->sq_mask;
	e = &w->sqes[at];
	memset(e, 0, sizeof(*e));
	e->opcode = IORING_OP_READ;
	e->fd = w->file;
	e->addr = (unsigned long)w->buf;
	e->len = 512;
	e->off = i % 64 * 512;
	e->user_data = i;
	w->sq_array[at] = at;
	__atomic_store_n(w->sq_tail, tail + 1, __ATOMIC_RELEASE);
	must(syscall(SYS_io_uring_enter, w->ring, 1, 1, IORING_ENTER_GETEVENTS,
		     NULL, 0) == 1,
	     "io_uring_enter");
	__atomic_store_n(w->cq_head, *w->cq_head + 1, __ATOMIC_RELEASE);
	did.uring++;
}

/* ---- one round ------------------------------------------------------------------ */
static void files(struct work *w, unsigned long i)
{
	char b[64] = "x";

	must(pread(w->file, b, sizeof(b), (long)(i % 100)) == sizeof(b),
	     "pread");
	must(pwrite(w->file, b, sizeof(b), (long)(i % w->pages * PAGE)) ==
		     sizeof(b),
	     "pwrite");
	did.fs += 2;
	if (w->direct >= 0 && i % 50 == 0) {
		must(pread(w->direct, w->buf, PAGE,
			   (long)(i % w->pages * PAGE)) == PAGE,
		     "direct read");
		did.fs++;
		did.direct++;
	}
}

static void sockets(struct work *w, unsigned long i)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int value = 0, fd;
	socklen_t len = sizeof(value);
	char b[32] = "y";

	must(sendto(w->peer, b, sizeof(b), 0, (struct sockaddr *)&w->to,
		    sizeof(w->to)) == sizeof(b),
	     "sendto");
	must(epoll_wait(w->ep, &ev, 1, 1000) == 1, "epoll_wait");
	must(recvfrom(w->udp, b, sizeof(b), 0, NULL, NULL) == sizeof(b),
	     "recvfrom");
	did.net += 2;
	did.epoll++;
	must(!getsockopt(w->udp, SOL_SOCKET, SO_RCVBUF, &value, &len),
	     "getsockopt");
	did.sockopt++;
	if (i % 10)
		return;
	fd = socket(AF_INET, SOCK_STREAM, 0);
	must(fd >= 0, "socket");
	must(listen(fd, 1) == 0 && shutdown(fd, SHUT_RDWR) == 0 &&
		     close(fd) == 0,
	     "listen");
	did.conn += 4; /* socket, listen, shutdown, close */
}

static void processes(unsigned long i)
{
	int status;
	pid_t pid;

	if (i % 1000)
		return;
	pid = vfork();
	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid && !status, "true");
	did.proc += 3; /* fork, exec, exit */
}

/* The first page of a mapping of its own: one fault. */
static void faults(struct work *w, unsigned long i)
{
	char *p;

	if (i % 100)
		return;
	p = mmap(NULL, 8 * PAGE, PROT_READ, MAP_SHARED, w->file, 0);
	must(p != MAP_FAILED, "mmap");
	(void)*(volatile char *)p;
	munmap(p, 8 * PAGE);
	did.fs += 2;
	did.fault++;
}

static void one_round(struct work *w, unsigned long i)
{
	files(w, i);
	sockets(w, i);
	ring_read(w, i);
	processes(i);
	faults(w, i);
}

static void prepare(struct work *w, const char *folder)
{
	socklen_t len = sizeof(w->to);
	char path[4096];

	snprintf(path, sizeof(path), "%s/file", folder);
	w->pages = 256;
	w->file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	must(w->file >= 0 && !posix_memalign(&w->buf, PAGE, PAGE), path);
	memset(w->buf, 'z', PAGE);
	for (size_t i = 0; i < w->pages; i++)
		must(write(w->file, w->buf, PAGE) == PAGE, "write");
	must(fsync(w->file) == 0, "fsync");
	w->direct = open(path, O_RDONLY | O_DIRECT);
	w->udp = socket(AF_INET, SOCK_DGRAM, 0);
	w->peer = socket(AF_INET, SOCK_DGRAM, 0);
	w->to.sin_family = AF_INET;
	w->to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(!bind(w->udp, (struct sockaddr *)&w->to, sizeof(w->to)) &&
		     !getsockname(w->udp, (struct sockaddr *)&w->to, &len),
	     "bind");
	w->ep = epoll_create1(0);
	must(!epoll_ctl(w->ep, EPOLL_CTL_ADD, w->udp,
			&(struct epoll_event){ .events = EPOLLIN }),
	     "epoll_ctl");
	ring_open(w);
}

static void wait_until(const struct timespec *t0, double s)
{
	struct timespec t = *t0;

	t.tv_sec += (time_t)s;
	t.tv_nsec += (long)((s - (double)(time_t)s) * 1e9);
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	double rate = argc > 3 ? strtod(argv[3], NULL) : 0;
	struct timespec t0, t1;
	struct work w = { 0 };

	if (!rounds) {
		fprintf(stderr, "usage: %s FOLDER ROUNDS [ROUNDS_PER_S]\n",
			argv[0]);
		return 2;
	}
	prepare(&w, argv[1]);
	fprintf(stderr, "begin\n");
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (unsigned long i = 0; i < rounds; i++) {
		if (rate > 0 && i % BATCH == 0)
			wait_until(&t0, (double)i / rate);
		one_round(&w, i);
	}
	clock_gettime(CLOCK_MONOTONIC, &t1);
	fprintf(stderr, "end\n");
	printf("{\"pid\": %d, \"begin_ns\": %lld, \"end_ns\": %lld, "
	       "\"fs\": %lu, \"net\": %lu, \"conn\": %lu, \"epoll\": %lu, "
	       "\"sockopt\": %lu, \"proc\": %lu, \"uring\": %lu, "
	       "\"block\": %lu, \"fault\": %lu}\n",
	       (int)getpid(), t0.tv_sec * 1000000000LL + t0.tv_nsec,
	       t1.tv_sec * 1000000000LL + t1.tv_nsec, did.fs, did.net, did.conn,
	       did.epoll, did.sockopt, did.proc, did.uring, did.direct,
	       did.fault);
	return 0;
}
