/* SPDX-License-Identifier: GPL-2.0-or-later */
/* process_parse.c - files of /proc/PID as numbers. */
#include <errno.h>
#include <string.h>

#include "recorder/process_files.h"
#include "recorder/scan.h"

#define PF_KTHREAD 0x00200000

/* Columns of /proc/PID/stat behind the name, counted from the state (0). */
enum stat_column {
	STAT_PPID = 1,
	STAT_FLAGS = 6,
	STAT_MINFLT = 7,
	STAT_MAJFLT = 9,
	STAT_UTIME = 11,
	STAT_STIME = 12,
	STAT_THREADS = 17,
	STAT_START = 19,
	STAT_RSS = 21,
	STAT_COLUMNS,
};

/* Some are signed, some exceed 2^63. */
static bool stat_number(struct scan *s, uint64_t *ret)
{
	struct scan word;
	uint64_t v = 0;
	bool minus;

	if (!scan_word(s, '\n', &word))
		return false;
	minus = scan_char(&word, '-');
	if (word.p == word.end)
		return false;
	for (; word.p < word.end; word.p++) {
		if (*word.p < '0' || *word.p > '9' ||
		    __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*word.p - '0'), &v))
			return false;
	}
	*ret = minus ? 0 : v;
	return true;
}

int process_parse_stat(const char *text, size_t len,
		       const struct process_units *u,
		       struct fr_processes_row *ret, bool *ret_kernel)
{
	struct scan s = { text, text + len }, state;
	const char *open = memchr(text, '(', len), *close;
	uint64_t v[STAT_COLUMNS];
	int64_t pid;
	size_t n;

	/* the name may hold brackets: the last one counts */
	close = open ? memrchr(open, ')', (size_t)(s.end - open)) : NULL;
	if (!close || !scan_number(&s, &pid) || pid < 1 || pid >= UINT32_MAX)
		return -EINVAL;
	s.p = close + 1;
	if (!scan_word(&s, '\n', &state) || state.end - state.p != 1)
		return -EINVAL;
	for (unsigned i = 1; i < STAT_COLUMNS; i++)
		if (!stat_number(&s, &v[i]))
			return -EINVAL;
	n = (size_t)(close - open - 1);
	memset(ret->comm, 0, sizeof(ret->comm));
	memcpy(ret->comm, open + 1,
	       n < sizeof(ret->comm) ? n : sizeof(ret->comm) - 1);
	ret->pid = (uint32_t)pid;
	ret->ppid = (uint32_t)v[STAT_PPID];
	ret->state = (unsigned char)*state.p;
	ret->start = v[STAT_START] * u->tick_ns;
	ret->cpu_ns = (v[STAT_UTIME] + v[STAT_STIME]) * u->tick_ns;
	ret->system_ns = v[STAT_STIME] * u->tick_ns;
	ret->minor_faults = v[STAT_MINFLT];
	ret->major_faults = v[STAT_MAJFLT];
	ret->threads = (uint32_t)v[STAT_THREADS];
	ret->rss_bytes = ret->rss_max_bytes = v[STAT_RSS] * u->page_bytes;
	*ret_kernel = v[STAT_FLAGS] & PF_KTHREAD;
	return 0;
}

/* "Key:" at the front of the line. */
static bool is_key(struct scan *line, const char *key)
{
	size_t n = strlen(key);

	if (!scan_starts(line, key))
		return false;
	line->p += n;
	return true;
}

int process_parse_status(const char *text, size_t len,
			 struct fr_processes_row *ret)
{
	struct scan file = { text, text + len }, line;
	bool has_uid = false;
	int64_t v;

	while (scan_line(&file, &line)) {
		if (is_key(&line, "Uid:") && scan_number(&line, &v)) {
			ret->uid = (uint32_t)v;
			has_uid = true;
		} else if (is_key(&line, "VmHWM:") && scan_number(&line, &v)) {
			/* kept up to date only now and then */
			if ((uint64_t)v << 10 > ret->rss_max_bytes)
				ret->rss_max_bytes = (uint64_t)v << 10;
		} else if (is_key(&line, "VmSwap:") && scan_number(&line, &v)) {
			ret->swap_bytes = (uint64_t)v << 10;
		} else if (is_key(&line, "voluntary_ctxt_switches:") &&
			   scan_number(&line, &v)) {
			ret->switches = (uint64_t)v;
		} else if (is_key(&line, "nonvoluntary_ctxt_switches:") &&
			   scan_number(&line, &v)) {
			ret->preemptions = (uint64_t)v;
		}
	}
	return has_uid ? 0 : -EINVAL;
}

int process_parse_io(const char *text, size_t len, struct fr_processes_row *ret)
{
	struct scan file = { text, text + len }, line;
	unsigned found = 0;
	int64_t v;

	while (scan_line(&file, &line)) {
		if (is_key(&line, "rchar:") && scan_number(&line, &v)) {
			ret->read_chars = (uint64_t)v;
			found |= 1;
		} else if (is_key(&line, "wchar:") && scan_number(&line, &v)) {
			ret->write_chars = (uint64_t)v;
			found |= 2;
		} else if (is_key(&line, "read_bytes:") &&
			   scan_number(&line, &v)) {
			ret->read_bytes = (uint64_t)v;
			found |= 4;
		} else if (is_key(&line, "write_bytes:") &&
			   scan_number(&line, &v)) {
			ret->write_bytes = (uint64_t)v;
			found |= 8;
		}
	}
	return found == 15 ? 0 : -EINVAL;
}

int process_parse_pss(const char *text, size_t len, uint64_t *ret_bytes)
{
	struct scan file = { text, text + len }, line;
	int64_t v;

	while (scan_line(&file, &line))
		if (is_key(&line, "Pss:") && scan_number(&line, &v)) {
			*ret_bytes = (uint64_t)v << 10;
			return 0;
		}
	return -EINVAL;
}
