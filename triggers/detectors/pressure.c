/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pressure.c - tasks stalled for want of I/O, memory or CPU for more than a part of
 * the time (pressure stall information), in the machine or in a cgroup.
 *
 * The kernel watches: a PSI trigger of the file makes poll(2) return within the
 * window in which the limit was passed.  The file's totals then say whether that can
 * be, how much it was, and when it is over.  Where no such trigger can be had (the
 * window is not of 0.5 to 10 s, no right), they are read ten times in a window.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "triggers/look.h"
#include "triggers/units.h"

#define WINDOW_DEFAULT_NS 2000000000ULL
#define WINDOW_MIN_NS     100000000ULL
#define WINDOW_MAX_NS     3600000000000ULL
#define KERNEL_MIN_US     500000ULL
#define KERNEL_MAX_US     10000000ULL
#define STEPS             10

static const char *const resources[] = { "io", "memory", "cpu", "irq", NULL };

/* "pressure.io.full" */
static int subject_of(const struct lex *l, char resource[16], char kind[8])
{
	char word[48];

	if (l->kind != LEX_WORD || lex_copy(l, word, sizeof(word)) < 0 ||
	    sscanf(word, "pressure.%15[a-z].%7[a-z]", resource, kind) != 2)
		return 0;
	if (strlen(word) != strlen(resource) + strlen(kind) + 10)
		return 0;
	if (strcmp(kind, "some") && strcmp(kind, "full"))
		return 0;
	for (unsigned i = 0; resources[i]; i++)
		if (!strcmp(resources[i], resource))
			return 1;
	return 0;
}

static int claims(const struct lex *l)
{
	char resource[16], kind[8];

	return subject_of(l, resource, kind) ? 3 : 0;
}

static int parse_percent(struct lex *l, double *ret)
{
	char number[32];

	if (l->kind != LEX_NUMBER || lex_copy(l, number, sizeof(number)) < 0 ||
	    units_parse_percent(number, ret))
		return lex_expect(l, "a part of the time such as 30%");
	if (*ret <= 0 || *ret >= 100)
		return lex_fail(l,
				"`%s` can never be passed, or always is; "
				"write more than 0%% and less than 100%%",
				number);
	lex_next(l);
	return 0;
}

static int parse_more(struct lex *l, struct rule_cond *ret)
{
	struct lex at;
	int r = 0;

	while (!r && l->kind == LEX_WORD) {
		if (lex_is(l, "over")) {
			lex_next(l);
			at = *l;
			r = lex_time(l, "over", false, WINDOW_MAX_NS,
				     &ret->window_ns);
			if (!r && ret->window_ns < WINDOW_MIN_NS)
				return lex_fail(&at, "`over` takes 100ms at "
						     "least");
		} else if (lex_is(l, "clear")) {
			lex_next(l);
			at = *l;
			r = parse_percent(l, &ret->clear);
			if (!r && ret->clear > ret->limit)
				return lex_fail(&at, "`clear` is where the "
						     "condition ends: it lies "
						     "below the limit");
			ret->has_clear = true;
		} else {
			break;
		}
	}
	return r;
}

static int parse(struct lex *l, struct rule_cond *ret)
{
	int r;

	lex_copy(l, ret->metric, sizeof(ret->metric));
	lex_next(l);
	if (!lex_is(l, ">"))
		return lex_expect(l, "`>`");
	lex_next(l);
	ret->unit = RULE_UNIT_PERCENT;
	ret->window_ns = WINDOW_DEFAULT_NS;
	r = parse_percent(l, &ret->limit);
	return r < 0 ? r : parse_more(l, ret);
}

/* ---- looking ------------------------------------------------------------------ */
struct reading {
	uint64_t at_ns, total_us;
};

struct stall {
	int fd;       /* for reading */
	bool by_poll; /* the kernel tells when */
	bool full, on;
	struct reading past[STEPS + 1]; /* of the last window, oldest first */
	unsigned nr;
};

static int open_file(const struct look *l, int flags)
{
	const struct rule_where *w = &l->cond.where;
	static const char *const mounts[] = { "/sys/fs/cgroup",
					      "/sys/fs/cgroup/unified" };
	char resource[16] = "", path[512];
	int fd = -1;

	(void)sscanf(l->cond.metric, "pressure.%15[a-z]", resource);
	if (!(w->set & FR_WHERE_CGROUP)) {
		snprintf(path, sizeof(path), "%s/proc/pressure/%s",
			 l->world->root, resource);
		return open(path, flags | O_CLOEXEC | O_NONBLOCK);
	}
	for (unsigned i = 0; i < 2 && fd < 0; i++) {
		snprintf(path, sizeof(path), "%s%s/%s/%s.pressure",
			 l->world->root, mounts[i],
			 w->group + strspn(w->group, "/"), resource);
		fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);
	}
	return fd;
}

/* -1: it cannot be had. */
static int open_trigger(const struct look *l, const char *kind)
{
	uint64_t window_us = l->cond.window_ns / 1000;
	uint64_t stall_us = (uint64_t)((double)window_us * l->cond.limit / 100);
	char text[64];
	int fd, n;

	if (window_us < KERNEL_MIN_US || window_us > KERNEL_MAX_US)
		return -1;
	fd = open_file(l, O_RDWR);
	if (fd < 0)
		return -1;
	n = snprintf(text, sizeof(text), "%s %" PRIu64 " %" PRIu64, kind,
		     stall_us, window_us) +
	    1;
	if (write(fd, text, (size_t)n) == n)
		return fd;
	close(fd);
	return -1;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234" */
static bool read_total(const struct stall *s, uint64_t *ret)
{
	char buf[512];
	ssize_t n = pread(s->fd, buf, sizeof(buf) - 1, 0);
	const char *at;

	if (n <= 0)
		return false;
	buf[n] = '\0';
	at = strstr(buf, s->full ? "full " : "some ");
	at = at ? strstr(at, "total=") : NULL;
	return at && sscanf(at + 6, "%" SCNu64, ret) == 1;
}

static void keep(struct stall *s, uint64_t now_ns, uint64_t total_us,
		 uint64_t window_ns)
{
	unsigned old = 0;

	/* the newest that is a window old, and what came after it */
	while (old + 1 < s->nr && now_ns - s->past[old + 1].at_ns >= window_ns)
		old++;
	if (!old && s->nr == STEPS + 1)
		old = 1;
	s->nr -= old;
	memmove(s->past, s->past + old, s->nr * sizeof(s->past[0]));
	s->past[s->nr++] = (struct reading){ now_ns, total_us };
}

/* Percent of the time since the oldest reading kept. */
static double stalled(const struct stall *s)
{
	const struct reading *a = &s->past[0], *b = &s->past[s->nr - 1];

	if (b->at_ns == a->at_ns || b->total_us < a->total_us)
		return 0;
	return (double)(b->total_us - a->total_us) * 1e5 /
	       (double)(b->at_ns - a->at_ns);
}

/* Was there that much since the last window began, or since we look?  The kernel
 * (6.18 at least) now and then says so of stalls that were before its trigger was
 * made. */
static bool can_be(const struct stall *s, const struct rule_cond *c)
{
	uint64_t grown = s->past[s->nr - 1].total_us - s->past[0].total_us;

	return (double)grown >= (double)c->window_ns / 1000 * c->limit / 100;
}

static int look_open(struct look *l, uint64_t now_ns)
{
	const char *kind = strrchr(l->cond.metric, '.') + 1;
	struct stall *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->full = !strcmp(kind, "full");
	s->fd = open_file(l, O_RDONLY);
	if (s->fd < 0) {
		int err = -errno;

		free(s);
		return err;
	}
	l->state = s;
	l->fd = open_trigger(l, kind);
	s->by_poll = l->fd >= 0;
	l->due_ns = now_ns;
	return 0;
}

static void change(struct look *l, struct stall *s, uint64_t now_ns,
		   double value, bool on)
{
	struct engine_hit h = { .value = value };

	s->on = on;
	snprintf(h.metric, sizeof(h.metric), "%s", l->cond.metric);
	look_say(l, now_ns, on ? HIT_ON : HIT_OFF, &h);
}

static void look(struct look *l, uint64_t now_ns)
{
	const struct rule_cond *c = &l->cond;
	uint64_t step = c->window_ns / STEPS, total;
	struct stall *s = l->state;
	/* called before it was due: the kernel says that the limit was passed */
	bool told = s->by_poll && now_ns < l->due_ns && s->nr;
	double value, limit = s->on && c->has_clear ? c->clear : c->limit;

	/* while nothing is wrong, only so often that a window is at hand */
	l->due_ns = now_ns + (s->by_poll && !s->on ? c->window_ns / 2 : step);
	if (!read_total(s, &total))
		return;
	keep(s, now_ns, total, c->window_ns);
	value = stalled(s);
	told = told && can_be(s, c);
	if (told && value <= c->limit)
		value = c->limit; /* at least: its window is not ours */
	if (!s->on && (told || value > limit))
		change(l, s, now_ns, value, true);
	else if (s->on && !told && value <= limit)
		change(l, s, now_ns, value, false);
}

static void look_close(struct look *l)
{
	struct stall *s = l->state;

	if (l->fd >= 0)
		close(l->fd);
	if (s->on)
		change(l, s, s->past[s->nr - 1].at_ns, 0, false);
	close(s->fd);
	free(s);
}

static void describe(const struct rule_cond *c, const struct engine_hit *h,
		     char *buf, size_t size)
{
	char window[32];

	snprintf(buf, size, "%s is %.3g%% over %s, limit > %g%%%s%s", h->metric,
		 h->value, units_format_time(window, c ? c->window_ns : 0),
		 c ? c->limit : 0,
		 c && c->where.set & FR_WHERE_CGROUP ? " in " : "",
		 c && c->where.set & FR_WHERE_CGROUP ? c->where.group : "");
}

const struct detector_ops detector_pressure = {
	.name = "pressure",
	.doc = "Tasks were stalled for want of io, memory or cpu for more than a "
	       "part of the time. The kernel watches (PSI).",
	.syntax = "pressure.io|memory|cpu.some|full > PERCENT [over TIME]",
	.example = "pressure.io.full > 30% over 2s",
	.where = FR_WHERE_CGROUP,
	.claims = claims,
	.parse = parse,
	.look_open = look_open,
	.look = look,
	.look_close = look_close,
	.describe = describe,
};
