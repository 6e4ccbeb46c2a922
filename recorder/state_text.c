/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state_text.c - files of /proc read once, and what of them is taken. */
#include "recorder/state_text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "recorder/scan.h"
#include "recorder/state_proc.h"

ssize_t state_text_read(int dir_fd, const char *name, char *buf, size_t size)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t have = 0;
	ssize_t n = 0;
	int err;

	buf[0] = '\0';
	if (fd < 0)
		return -errno;
	while (have < size - 1) {
		n = read(fd, buf + have, size - 1 - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	err = n < 0 ? errno : 0;
	close(fd);
	buf[have] = '\0';
	return err ? -err : (ssize_t)have;
}

void state_text_word(int dir_fd, const char *name, char *buf, size_t size)
{
	ssize_t n = state_text_read(dir_fd, name, buf, size);

	if (n < 0)
		n = 0;
	while (n > 0 && strchr(" \t\n", buf[n - 1]))
		n--;
	buf[n] = '\0';
}

/* ---- /proc/PID/stat --------------------------------------------------------------- */

/* Numbers behind the state, counted as in proc(5); some may be negative. */
#define FIRST_FIELD 4
#define LAST_FIELD  24

static bool scan_field(struct scan *s, uint64_t *ret)
{
	bool negative;
	int64_t v;

	scan_blanks(s);
	negative = scan_char(s, '-');
	*ret = 0;
	/* What does not fit is no time and no size. */
	if (!scan_digits(s, &v)) {
		const char *p = s->p;

		while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
			s->p++;
		return s->p > p;
	}
	*ret = negative ? 0 : (uint64_t)v;
	return true;
}

static int parse_fields(struct scan *s, struct proc_stat *ret)
{
	uint64_t f[LAST_FIELD + 1];

	for (unsigned i = FIRST_FIELD; i <= LAST_FIELD; i++)
		if (!scan_field(s, &f[i]))
			return -EINVAL;
	/* Without something behind it the last number may be cut. */
	if (s->p == s->end)
		return -EINVAL;
	ret->ppid = (uint32_t)f[4];
	ret->utime = f[14];
	ret->stime = f[15];
	ret->threads = (uint32_t)f[20];
	ret->start = f[22];
	ret->vms = f[23];
	ret->rss_pages = f[24];
	return 0;
}

int proc_stat_parse(const char *text, size_t len, struct proc_stat *ret)
{
	struct scan s = { text, text + len };
	const char *close = memrchr(text, ')', len);
	int64_t pid;

	if (!close || !scan_digits(&s, &pid) || pid > INT32_MAX ||
	    !scan_char(&s, ' ') || !scan_char(&s, '(') || s.p > close)
		return -EINVAL;
	ret->pid = (uint32_t)pid;
	ret->comm_len = (size_t)(close - s.p);
	if (ret->comm_len > sizeof(ret->comm))
		ret->comm_len = sizeof(ret->comm);
	memcpy(ret->comm, s.p, ret->comm_len);
	s.p = close + 1;
	scan_blanks(&s);
	if (s.p == s.end)
		return -EINVAL;
	ret->state = *s.p++;
	return parse_fields(&s, ret);
}

/* ---- other files --------------------------------------------------------------------- */

int proc_status_uid(const char *text, size_t len, uint32_t *ret)
{
	struct scan s = { text, text + len }, line;
	int64_t uid;

	while (scan_line(&s, &line)) {
		if (!scan_starts(&line, "Uid:"))
			continue;
		line.p += 4;
		if (!scan_number(&line, &uid) || uid > UINT32_MAX)
			return -EINVAL;
		*ret = (uint32_t)uid;
		return 0;
	}
	return -EINVAL;
}

const char *proc_cgroup_path(const char *text, size_t len, size_t *ret_len)
{
	struct scan s = { text, text + len }, line;
	const char *path = NULL;

	/* "hierarchy:controllers:path" */
	while (scan_line(&s, &line)) {
		size_t n = (size_t)(line.end - line.p);
		const char *at = memchr(line.p, ':', n);

		at = at ? memchr(at + 1, ':', (size_t)(line.end - at - 1)) :
			  NULL;
		if (!at || (path && !scan_starts(&line, "0::")))
			continue;
		path = at + 1;
		*ret_len = (size_t)(line.end - path);
	}
	return path;
}
