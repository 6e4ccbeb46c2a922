// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fault.c FOLDER - touches pages of mappings, one at a time, and prints for each
 * touch what getrusage(2) counted for this thread meanwhile:
 *   case,tid,address,op,major,minor,t0,t1,offset,file
 * Cold pages are dropped from the cache first, which mincore(2) confirms.  Touches of
 * the program's own memory have no file.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AROUND      16 /* pages mapped along with the one that faults */
#define FILE_PAGES  1024
#define TOUCHES_MAX 16384
#define THREADS     4
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

struct touch {
	const char *what, *file;
	int tid;
	char op; /* r, w */
	uintptr_t address;
	int64_t offset; /* -1: no file */
	long major, minor;
	int64_t t0, t1;
};

/* Resident as a whole, and a child's, too. */
static struct {
	unsigned nr;
	struct touch touch[TOUCHES_MAX];
} * log_of;
static long page;
static __thread int self;

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "fault: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* ---- one touch ------------------------------------------------------------------ */
typedef void (*touch_fn)(volatile char *at);

static void load(volatile char *at)
{
	(void)*at;
}
static void store(volatile char *at)
{
	*at = 'x';
}

/* So that nothing but the touch faults between two looks at the counts. */
static void touch_by(touch_fn fn, const char *what, char op, char *at,
		     const char *file, int64_t offset)
{
	unsigned n = __atomic_fetch_add(&log_of->nr, 1, __ATOMIC_RELAXED);
	struct touch *t = &log_of->touch[n];
	struct rusage a, b;

	must(n < TOUCHES_MAX, "too many touches");
	getrusage(RUSAGE_THREAD, &b);
	t->t1 = now();
	getrusage(RUSAGE_THREAD, &a);
	t->t0 = now();
	fn(at);
	t->t1 = now();
	getrusage(RUSAGE_THREAD, &b);
	t->what = what;
	t->file = file;
	t->tid = self;
	t->op = op;
	t->address = (uintptr_t)at;
	t->offset = offset;
	t->major = b.ru_majflt - a.ru_majflt;
	t->minor = b.ru_minflt - a.ru_minflt;
}

/* Of a mapping that begins at ${from} of the file. */
static void touch(const char *what, char op, char *map, size_t at,
		  const char *file, int64_t from)
{
	touch_by(op == 'w' ? store : load, what, op, map + at, file,
		 from < 0 ? -1 : from + (int64_t)at);
}

/* The code above, and what it uses, is in memory after this. */
static void warm_up(void)
{
	static char own[64];

	self = (int)syscall(SYS_gettid);
	touch("warm", 'r', own, 0, "", -1);
	touch("warm", 'w', own, 0, "", -1);
}

/* ---- files ---------------------------------------------------------------------- */
static int make_file(const char *path)
{
	char *buf = malloc((size_t)page);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);

	must(fd >= 0 && buf, path);
	for (int i = 0; i < FILE_PAGES; i++) {
		memset(buf, i, (size_t)page);
		must(write(fd, buf, (size_t)page) == page, "write");
	}
	must(!fsync(fd), "fsync");
	free(buf);
	return fd;
}

static char *map(int fd, int prot, int flags, size_t pages, int64_t from)
{
	char *p = mmap(NULL, pages * (size_t)page, prot, flags, fd, from);

	must(p != MAP_FAILED, "mmap");
	return p;
}

static unsigned resident(int fd)
{
	char *p = map(fd, PROT_READ, MAP_SHARED, FILE_PAGES, 0);
	unsigned char in[FILE_PAGES];
	unsigned n = 0;

	must(!mincore(p, FILE_PAGES * (size_t)page, in), "mincore");
	for (int i = 0; i < FILE_PAGES; i++)
		n += in[i] & 1;
	munmap(p, FILE_PAGES * (size_t)page);
	return n;
}

/* None of its pages in memory. */
static void make_cold(int fd)
{
	for (int i = 0; i < 100; i++) {
		must(!fsync(fd), "fsync");
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		if (!resident(fd))
			return;
	}
	must(false, "pages stay in the cache");
}

static void make_warm(int fd)
{
	char buf[65536];

	for (off_t at = 0; pread(fd, buf, sizeof(buf), at) > 0;)
		at += (off_t)sizeof(buf);
	must(resident(fd) == FILE_PAGES, "pages do not stay in the cache");
}

/* ---- cases ---------------------------------------------------------------------- */
/* A page each time somewhere else, not read ahead. */
static void cold(const char *what, int fd, const char *file, int flags, char op)
{
	char *p;

	make_cold(fd);
	p = map(fd, PROT_READ | PROT_WRITE, flags, FILE_PAGES, 0);
	madvise(p, FILE_PAGES * (size_t)page, MADV_RANDOM);
	for (unsigned i = 0; i < 48; i++) {
		unsigned at = (i * 37 + 5) % 64 * AROUND + i % AROUND;

		touch(what, op, p, at * (size_t)page + i * 11, file, 0);
	}
	munmap(p, FILE_PAGES * (size_t)page);
}

/* First ${ops}[0], then the next, on each of some pages that nobody maps along. */
static void warm(const char *what, int fd, const char *file, int flags,
		 const char *ops)
{
	const unsigned skip =
		32; /* pages: the mapping begins later in the file */
	char *p = map(fd, PROT_READ | PROT_WRITE, flags, FILE_PAGES - skip,
		      skip * (int64_t)page);

	for (unsigned i = 0; i < 32; i++) {
		size_t at = (i * 7 % 32) * AROUND * (size_t)page + i * 13;

		for (const char *op = ops; *op; op++)
			touch(what, *op, p, at, file, skip * (int64_t)page);
	}
	munmap(p, (FILE_PAGES - skip) * (size_t)page);
}

struct work {
	pthread_barrier_t *barrier;
	char *map;
	const char *file;
	unsigned number;
};

static void *one_thread(void *arg)
{
	struct work *w = arg;

	warm_up();
	pthread_barrier_wait(w->barrier);
	/* pages of its own, and behind them some that all want at once */
	for (unsigned i = 0; i < 24; i++)
		touch("threads", 'r', w->map,
		      (i * THREADS + w->number) * (size_t)page, w->file, 0);
	for (unsigned i = 0; i < 24; i++) {
		pthread_barrier_wait(w->barrier);
		touch("together", 'r', w->map,
		      (512 + i * AROUND) * (size_t)page + w->number, w->file,
		      0);
	}
	return NULL;
}

static void threads(int fd, const char *file)
{
	struct work w[THREADS];
	pthread_t thread[THREADS];
	pthread_barrier_t barrier;
	char *p;

	make_cold(fd);
	p = map(fd, PROT_READ, MAP_SHARED, FILE_PAGES, 0);
	madvise(p, FILE_PAGES * (size_t)page, MADV_RANDOM);
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (unsigned i = 0; i < THREADS; i++) {
		w[i] = (struct work){ &barrier, p, file, i };
		must(!pthread_create(&thread[i], NULL, one_thread, &w[i]),
		     "pthread_create");
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	munmap(p, FILE_PAGES * (size_t)page);
}

/* Copies of the parent's: written by the child, which has none of its own yet. */
static void forked(int fd, const char *file)
{
	char *p = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE, FILE_PAGES, 0);
	int status;
	pid_t pid;

	for (unsigned i = 0; i < 8; i++)
		touch("parent", 'w', p, i * AROUND * (size_t)page, file, 0);
	pid = fork();
	if (!pid) {
		warm_up();
		warm_up();
		for (unsigned i = 0; i < 8; i++)
			touch("child", 'w', p, i * AROUND * (size_t)page, file,
			      0);
		_exit(0);
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid && !status, "fork");
	munmap(p, FILE_PAGES * (size_t)page);
}

/* ---- the kernel touches ---------------------------------------------------------- */
static int other_file;

static void kernel_store(volatile char *at)
{
	must(pread(other_file, (char *)(uintptr_t)at, 1, 0) == 1, "pread");
}
static void kernel_load(volatile char *at)
{
	must(pwrite(other_file, (char *)(uintptr_t)at, 1, 0) == 1, "pwrite");
}
static void populate(volatile char *at)
{
	if (madvise((char *)(uintptr_t)at, (size_t)page, MADV_POPULATE_READ))
		load(at);
}

static void by_the_kernel(int fd, const char *file, int other)
{
	char *p = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED, FILE_PAGES, 0);
	size_t step = AROUND * (size_t)page;
	static char own[2];

	other_file = other;
	kernel_store(own); /* their code is in memory then */
	kernel_load(own);
	for (unsigned i = 0; i < 8; i++) {
		size_t at = i * 3 * step;

		touch_by(kernel_store, "kernel", 'w', p + at + i, file,
			 (int64_t)(at + i));
		at += step;
		touch_by(kernel_load, "kernel", 'r', p + at + i, file,
			 (int64_t)(at + i));
		at += step;
		touch_by(populate, "populate", 'r', p + at, file, (int64_t)at);
	}
	munmap(p, FILE_PAGES * (size_t)page);
}

/* ---- memory with a file of its own, and without ------------------------------------ */
static void own_memory(const char *what, char *p)
{
	must(p != MAP_FAILED, what);
	madvise(p, 64 * (size_t)page, MADV_NOHUGEPAGE);
	for (unsigned i = 0; i < 64; i++)
		touch(what, i % 2 ? 'r' : 'w', p, i * (size_t)page, "", -1);
	munmap(p, 64 * (size_t)page);
}

static void own_memories(void)
{
	const size_t bytes = 64 * (size_t)page;
	int prot = PROT_READ | PROT_WRITE, zero = open("/dev/zero", O_RDWR);
	int shm = shmget(IPC_PRIVATE, bytes, IPC_CREAT | 0600);
	char *p = shm < 0 ? NULL : shmat(shm, NULL, 0);

	if (shm >= 0) {
		shmctl(shm, IPC_RMID, NULL);
		own_memory("sysv", p);
		shmdt(p);
	}
	own_memory("anonymous",
		   mmap(NULL, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	own_memory("ownshared",
		   mmap(NULL, bytes, prot, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	own_memory("devzero", mmap(NULL, bytes, prot, MAP_PRIVATE, zero, 0));
	close(zero);
}

/* Own memory, then a file in its place, and back: what was true of an address is
 * not true for ever. */
static void replaced(int fd, const char *file)
{
	const size_t bytes = 64 * (size_t)page;
	int prot = PROT_READ | PROT_WRITE;
	char *p = mmap(NULL, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED, "mmap");
	for (unsigned i = 0; i < 16; i++) {
		madvise(p, bytes, MADV_NOHUGEPAGE);
		for (unsigned k = 0; k < 3; k++)
			touch("replaced", 'w', p, k * (size_t)page, "", -1);
		must(mmap(p, bytes, prot, MAP_SHARED | MAP_FIXED, fd, 0) == p,
		     "mmap");
		touch("replacing", 'r', p, (size_t)page, file, 0);
		must(mmap(p, bytes, prot,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p,
		     "mmap");
	}
	munmap(p, bytes);
}

static void in_memory(void)
{
	int fd = memfd_create("fr-fault", 0);
	int huge = memfd_create("fr-huge", MFD_HUGETLB);
	size_t big = 2 << 20;
	char *p;

	must(fd >= 0 && !ftruncate(fd, 64 * page), "memfd_create");
	p = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED, 64, 0);
	for (unsigned i = 0; i < 16; i++)
		touch("memfd", i % 2 ? 'r' : 'w', p, i * (size_t)page + 7,
		      "memfd:fr-fault", 0);
	if (huge < 0 || ftruncate(huge, (off_t)(2 * big)))
		return;
	p = mmap(NULL, 2 * big, PROT_READ | PROT_WRITE, MAP_SHARED, huge, 0);
	if (p == MAP_FAILED)
		return;
	touch("huge", 'w', p, 5, "memfd:fr-huge", 0);
	touch("huge", 'w', p, big + 4097, "memfd:fr-huge", 0);
	munmap(p, 2 * big);
}

static sigjmp_buf out;

static void on_bus(int signal)
{
	(void)signal;
	siglongjmp(out, 1);
}

static void beyond(volatile char *at)
{
	if (!sigsetjmp(out, 1))
		(void)*at;
}

/* Behind the end of the file there is nothing to map. */
static void beyond_the_end(int fd, const char *file)
{
	char *p = map(fd, PROT_READ, MAP_SHARED, FILE_PAGES + 4, 0);
	size_t at = (FILE_PAGES + 1) * (size_t)page;

	signal(SIGBUS, on_bus);
	touch_by(beyond, "beyond", 'r', p + at, file, (int64_t)at);
	munmap(p, (FILE_PAGES + 4) * (size_t)page);
}

static void print(void)
{
	for (unsigned i = 0; i < log_of->nr; i++) {
		const struct touch *t = &log_of->touch[i];

		if (strcmp(t->what, "warm"))
			printf("%s,%d,%" PRIuPTR ",%s,%ld,%ld,%" PRId64
			       ",%" PRId64 ",%" PRId64 ",%s\n",
			       t->what, t->tid, t->address,
			       t->op == 'w' ? "write" : "read", t->major,
			       t->minor, t->t0, t->t1, t->offset, t->file);
	}
}

int main(int argc, char **argv)
{
	static char path[2][4096];
	int fd, other;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	page = sysconf(_SC_PAGESIZE);
	log_of = mmap(NULL, sizeof(*log_of), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	must(log_of != MAP_FAILED, "mmap");
	snprintf(path[0], sizeof(path[0]), "%s/mapped", argv[1]);
	snprintf(path[1], sizeof(path[1]), "%s/other", argv[1]);
	fd = make_file(path[0]);
	other = make_file(path[1]);
	warm_up();
	warm_up();
	cold("cold", fd, path[0], MAP_SHARED, 'r');
	cold("coldwrite", fd, path[0], MAP_SHARED, 'w');
	cold("coldcopy", fd, path[0], MAP_PRIVATE, 'w');
	threads(fd, path[0]);
	make_warm(fd);
	warm("shared", fd, path[0], MAP_SHARED, "rrw");
	make_cold(other); /* clean: a page written to is not write-protected */
	make_warm(other);
	warm("private", other, path[1], MAP_PRIVATE, "rww");
	forked(other, path[1]);
	by_the_kernel(fd, path[0], other);
	own_memories();
	replaced(fd, path[0]);
	in_memory();
	beyond_the_end(other, path[1]);
	print();
	return 0;
}
