/* SPDX-License-Identifier: GPL-2.0-or-later */
/* process_rule.c - "top=20.cpu comm=postgres*". */
#include "recorder/process_rule.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "triggers/units.h"

static const char *const kinds[] = {
	[PROCESS_ALL] = "all",      [PROCESS_TOP] = "top",
	[PROCESS_COMM] = "comm",    [PROCESS_CGROUP] = "cgroup",
	[PROCESS_PID] = "pid",      [PROCESS_UID] = "uid",
	[PROCESS_PSS] = "pss",      [PROCESS_NO_KERNEL] = "nokernel",
	[PROCESS_NO_BPF] = "nobpf", NULL,
};

static const char *const ranks[] = {
	[RANK_CPU] = "cpu",         [RANK_RSS] = "rss",
	[RANK_IO] = "io",           [RANK_READ] = "read",
	[RANK_WRITE] = "write",     [RANK_FAULTS] = "faults",
	[RANK_MAJOR] = "major",     [RANK_SWITCHES] = "switches",
	[RANK_THREADS] = "threads", [RANK_FDS] = "fds",
	[RANK_SWAP] = "swap",       NULL,
};

struct complaint {
	char *text;
	size_t size;
};

static int complain(const struct complaint *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int complain(const struct complaint *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->text, c->size, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int find(const char *word, const char *const *list)
{
	for (int i = 0; list[i]; i++)
		if (!strcmp(word, list[i]))
			return i;
	return -1;
}

static int unknown(const struct complaint *c, const char *word,
		   const char *const *list, const char *what)
{
	const char *near = units_nearest(word, list);

	if (near)
		return complain(c, "'%.40s' is no %s; the nearest is '%s'",
				word, what, near);
	return complain(c, "'%.40s' is no %s; there are %s, %s, %s ...", word,
			what, list[0], list[1], list[2]);
}

static bool parse_number(const char *text, uint64_t max, uint64_t *ret)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return !errno && !*end && *ret <= max;
}

/* "20.cpu" */
static int parse_top(char *value, struct process_word *w,
		     const struct complaint *c)
{
	char *dot = strchr(value, '.');
	int rank;

	if (!dot)
		return complain(c,
				"'top=%.40s' lacks what it goes by: top=20.cpu",
				value);
	*dot = '\0';
	if (!parse_number(value, PROCESS_TOP_MAX, &w->number) || !w->number)
		return complain(
			c,
			"'top=%.40s.%.20s': behind = comes a number from 1 to %d",
			value, dot + 1, PROCESS_TOP_MAX);
	rank = find(dot + 1, ranks);
	if (rank < 0)
		return unknown(c, dot + 1, ranks, "order for top=");
	w->rank = (enum process_rank)rank;
	return 0;
}

static int parse_value(char *value, struct process_word *w,
		       const struct complaint *c)
{
	const char *kind = kinds[w->kind];

	if (w->kind == PROCESS_TOP)
		return parse_top(value, w, c);
	if (w->kind == PROCESS_COMM || w->kind == PROCESS_CGROUP) {
		if (!*value || strlen(value) >= sizeof(w->glob))
			return complain(
				c,
				"'%s=' needs a name with * and ?, of at most %zu bytes",
				kind, sizeof(w->glob) - 1);
		snprintf(w->glob, sizeof(w->glob), "%s", value);
		return 0;
	}
	if (parse_number(value, UINT32_MAX - 1, &w->number))
		return 0;
	return complain(c, "'%s=%.40s': a number is needed", kind, value);
}

static int parse_word(char *text, struct process_word *w,
		      const struct complaint *c)
{
	char *equals = strchr(text, '=');
	bool wants_value;
	int kind;

	if (equals)
		*equals = '\0';
	kind = find(text, kinds);
	if (kind < 0)
		return unknown(c, text, kinds, "word for processes");
	w->kind = (enum process_word_kind)kind;
	wants_value = kind > PROCESS_ALL && kind < PROCESS_PSS;
	if (wants_value && !equals)
		return complain(c, "'%s' needs a value: %s=...", text, text);
	if (!wants_value && equals)
		return complain(c, "'%s' takes no value", text);
	return wants_value ? parse_value(equals + 1, w, c) : 0;
}

static int take_word(struct process_rule *r, const char *word, size_t len,
		     const struct complaint *c)
{
	struct process_word *w = &r->words[r->nr];
	char text[256];
	int err;

	if (len >= sizeof(text))
		return complain(c, "'%.40s...' is too long a word", word);
	if (r->nr == PROCESS_WORDS_MAX)
		return complain(c, "more than %d words", PROCESS_WORDS_MAX);
	snprintf(text, sizeof(text), "%.*s", (int)len, word);
	*w = (struct process_word){ 0 };
	err = parse_word(text, w, c);
	if (err)
		return err;
	r->pss |= w->kind == PROCESS_PSS;
	r->no_kernel |= w->kind == PROCESS_NO_KERNEL;
	r->no_bpf |= w->kind == PROCESS_NO_BPF;
	if (w->kind >= PROCESS_PSS)
		return 0;
	r->all |= w->kind == PROCESS_ALL;
	r->by_cgroup |= w->kind == PROCESS_CGROUP;
	r->nr++;
	return 0;
}

int process_rule_parse(const char *list, struct process_rule *ret,
		       char *ret_what, size_t size)
{
	struct complaint c = { ret_what, size };
	const char *p = list ? list : "";
	int err = 0;

	*ret = (struct process_rule){ 0 };
	for (p += strspn(p, " "); *p && !err; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");

		err = take_word(ret, p, n, &c);
		p += n;
	}
	ret->all |= !ret->nr;
	return err;
}

/* ---- choosing ------------------------------------------------------------------ */

static uint64_t total(enum process_rank rank, const struct fr_processes_row *p)
{
	switch (rank) {
	case RANK_CPU:
		return p->cpu_ns;
	case RANK_IO:
		return p->read_bytes + p->write_bytes;
	case RANK_READ:
		return p->read_bytes;
	case RANK_WRITE:
		return p->write_bytes;
	case RANK_FAULTS:
		return p->minor_faults + p->major_faults;
	case RANK_MAJOR:
		return p->major_faults;
	case RANK_SWITCHES:
		return p->switches + p->preemptions;
	default:
		return 0;
	}
}

uint64_t process_rank_of(enum process_rank rank,
			 const struct fr_processes_row *now,
			 const struct fr_processes_row *before)
{
	uint64_t a, b;

	switch (rank) {
	case RANK_RSS:
		return now->rss_bytes;
	case RANK_SWAP:
		return now->swap_bytes;
	case RANK_THREADS:
		return now->threads;
	case RANK_FDS:
		return now->fds == UINT32_MAX ? 0 : now->fds;
	default:
		a = total(rank, now);
		b = before ? total(rank, before) : 0;
		return a > b ? a - b : 0;
	}
}

bool process_rule_names(const struct process_rule *rule,
			const struct fr_processes_row *now, const char *cgroup)
{
	char comm[sizeof(now->comm) + 1];

	if (rule->all)
		return true;
	snprintf(comm, sizeof(comm), "%.*s", (int)sizeof(now->comm), now->comm);
	for (unsigned i = 0; i < rule->nr; i++) {
		const struct process_word *w = &rule->words[i];

		if ((w->kind == PROCESS_COMM && !fnmatch(w->glob, comm, 0)) ||
		    (w->kind == PROCESS_CGROUP &&
		     !fnmatch(w->glob, cgroup, 0)) ||
		    (w->kind == PROCESS_PID && w->number == now->pid) ||
		    (w->kind == PROCESS_UID && w->number == now->uid))
			return true;
	}
	return false;
}
