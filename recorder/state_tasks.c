/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder/state_tasks.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <state.skel.h> /* generated from bpf/state.bpf.c */
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

int state_tasks_open(void)
{
	libbpf_print_fn_t old = libbpf_set_print(say_nothing);
	struct state_bpf *s = state_bpf__open_and_load();
	struct bpf_link *link = NULL;
	int fd = -ENOENT;

	if (s)
		link = bpf_program__attach_iter(s->progs.state_tasks, NULL);
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

/* Whole structs of ${buf}; what is cut goes to its front.  Bytes left over. */
static size_t take_tasks(char *buf, size_t len, state_task_fn fn, void *arg)
{
	size_t pos = 0;

	for (; len - pos >= sizeof(struct fr_task_time);
	     pos += sizeof(struct fr_task_time)) {
		struct fr_task_time t;

		memcpy(&t, buf + pos, sizeof(t));
		fn(arg, &t);
	}
	memmove(buf, buf + pos, len - pos);
	return len - pos;
}

int state_tasks_read(int fd, state_task_fn fn, void *arg)
{
	char buf[16384];
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
		have = take_tasks(buf, have + (size_t)n, fn, arg);
	}
	if (n < 0)
		err = -errno;
	close(iter);
	return err;
}
