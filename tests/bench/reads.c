/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reads.c - what one pread64 of one byte costs, in ns of CPU time.
 *
 *   reads one FILE CALLS                  one file, one process, pinned
 *   reads many FOLDER FILES PROCS CALLS   FILES files opened by PROCS processes,
 *                                         CALLS calls of each, round robin
 *
 * Prints one number.  CPU time of the loop alone is counted, so that other work
 * on the machine disturbs less; `one` prints the median of 21 batches.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCHES 21
#define FDS_MAX 1000

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void read_bytes(const int *fds, unsigned nr, unsigned long calls)
{
	char c;

	for (unsigned long i = 0; i < calls; i++)
		if (pread(fds[i % nr], &c, 1, 0) != 1)
			abort();
}

static int one(const char *file, unsigned long calls)
{
	double batch[BATCHES];
	int fd = open(file, O_RDONLY);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
	if (fd < 0) {
		perror(file);
		return 1;
	}
	for (int i = -1; i < BATCHES; i++) { /* the first warms up */
		uint64_t began = cpu_ns();

		read_bytes(&fd, 1, calls / BATCHES);
		if (i >= 0)
			batch[i] = (double)(cpu_ns() - began) /
				   (double)(calls / BATCHES);
	}
	qsort(batch, BATCHES, sizeof(batch[0]), compare_doubles);
	printf("%.1f\n", batch[BATCHES / 2]);
	return 0;
}

static int make_files(const char *folder, unsigned nr)
{
	char path[4096];

	for (unsigned i = 0; i < nr; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/file%u", folder, i);
		fd = open(path, O_WRONLY | O_CREAT, 0600);
		if (fd < 0 || write(fd, "x", 1) != 1) {
			perror(path);
			return -1;
		}
		close(fd);
	}
	return 0;
}

/* Opens its files, waits for the start, leaves its CPU time in *ret_ns. */
static void child(const char *folder, unsigned first, unsigned nr,
		  unsigned long calls, int start_fd, uint64_t *ret_ns)
{
	int fds[FDS_MAX];
	char path[4096], c;
	uint64_t began;

	for (unsigned i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "%s/file%u", folder, first + i);
		fds[i] = open(path, O_RDONLY);
		if (fds[i] < 0)
			_exit(1);
	}
	if (read(start_fd, &c, 1) != 0) /* end of file: go */
		_exit(1);
	began = cpu_ns();
	read_bytes(fds, nr, calls);
	*ret_ns = cpu_ns() - began;
	_exit(0);
}

static int many(const char *folder, unsigned files, unsigned procs,
		unsigned long calls)
{
	uint64_t *ns = mmap(NULL, procs * sizeof(*ns), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned each = files / procs;
	uint64_t sum = 0;
	int start[2], status, bad = 0;

	if (ns == MAP_FAILED || !each || each > FDS_MAX || pipe(start) ||
	    make_files(folder, files))
		return 1;
	for (unsigned i = 0; i < procs; i++) {
		pid_t pid = fork();

		if (!pid) {
			close(start[1]);
			child(folder, i * each, each, calls, start[0], &ns[i]);
		}
		bad |= pid < 0;
	}
	close(start[1]);
	while (wait(&status) > 0)
		bad |= status;
	for (unsigned i = 0; i < procs; i++)
		sum += ns[i];
	printf("%.1f\n", (double)sum / (double)procs / (double)calls);
	return bad ? 1 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "one"))
		return one(argv[2], strtoul(argv[3], NULL, 10));
	if (argc == 6 && !strcmp(argv[1], "many"))
		return many(argv[2], (unsigned)strtoul(argv[3], NULL, 10),
			    (unsigned)strtoul(argv[4], NULL, 10),
			    strtoul(argv[5], NULL, 10));
	fprintf(stderr, "usage: reads one FILE CALLS | "
			"many FOLDER FILES PROCS CALLS\n");
	return 2;
}
