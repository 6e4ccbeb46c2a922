/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder/state_tasks.h"

#include "recorder/task_usage.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <state.skel.h> /* generated from bpf/state.bpf.c */
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static int say_nothing(enum libbpf_print_level level, const char *fmt,
		       va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

/* Only the one asked for is loaded: what one kernel refuses need not concern the
 * other. */
static struct bpf_program *load_one(struct state_bpf *s, bool usage)
{
	bpf_program__set_autoload(s->progs.state_tasks, !usage);
	bpf_program__set_autoload(s->progs.state_usage, usage);
	if (state_bpf__load(s))
		return NULL;
	return usage ? s->progs.state_usage : s->progs.state_tasks;
}

static int open_iterator(bool usage)
{
	libbpf_print_fn_t old = libbpf_set_print(say_nothing);
	struct state_bpf *s = state_bpf__open();
	struct bpf_program *program = s ? load_one(s, usage) : NULL;
	struct bpf_link *link = NULL;
	int fd = -ENOENT;

	if (program)
		link = bpf_program__attach_iter(program, NULL);
	else
		fd = -errno;
	if (link)
		fd = fcntl(bpf_link__fd(link), F_DUPFD_CLOEXEC, 3);
	if (link && fd < 0)
		fd = -errno;
	bpf_link__destroy(link); /* our descriptor keeps it */
	state_bpf__destroy(s);
	libbpf_set_print(old);
	return fd;
}

int state_tasks_open(void)
{
	return open_iterator(false);
}

int task_usage_open(void)
{
	return open_iterator(true);
}

/* ---- reading ----------------------------------------------------------------- */

typedef void (*struct_fn)(void *arg, void *fn, const char *bytes);

/* Whole structs of ${buf}; what is cut goes to its front.  Bytes left over. */
static size_t take_structs(char *buf, size_t len, size_t each, struct_fn give,
			   void *fn, void *arg)
{
	size_t pos = 0;

	for (; len - pos >= each; pos += each)
		give(arg, fn, buf + pos);
	memmove(buf, buf + pos, len - pos);
	return len - pos;
}

static int read_structs(int fd, size_t each, struct_fn give, void *fn,
			void *arg)
{
	char buf[65536]; /* what the kernel gathers before it gives */
	size_t have = 0;
	int iter = bpf_iter_create(fd), err = 0;
	ssize_t n;

	if (iter < 0)
		return -errno;
	for (;;) {
		n = read(iter, buf + have, sizeof(buf) - have);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			break;
		have = take_structs(buf, have + (size_t)n, each, give, fn, arg);
	}
	if (n < 0)
		err = -errno;
	close(iter);
	return err;
}

static void give_time(void *arg, void *fn, const char *bytes)
{
	struct fr_task_time t;

	memcpy(&t, bytes, sizeof(t));
	(*(state_task_fn *)fn)(arg, &t);
}

int state_tasks_read(int fd, state_task_fn fn, void *arg)
{
	return read_structs(fd, sizeof(struct fr_task_time), give_time, &fn,
			    arg);
}

static void give_usage(void *arg, void *fn, const char *bytes)
{
	struct fr_task_usage t;

	memcpy(&t, bytes, sizeof(t));
	(*(task_usage_fn *)fn)(arg, &t);
}

int task_usage_read(int fd, task_usage_fn fn, void *arg)
{
	return read_structs(fd, sizeof(struct fr_task_usage), give_usage, &fn,
			    arg);
}
