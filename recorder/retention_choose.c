/* SPDX-License-Identifier: GPL-2.0-or-later */
/* retention_choose.c - which snapshots go: a function of its arguments only. */
#include "recorder/retention.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What is left of one trigger, and where its oldest may be. */
struct share {
	uint64_t files, bytes;
	size_t next;
};

struct chooser {
	struct retention_file *files;
	size_t nr;
	const struct retention_limits *l;
	const struct retention_now *now;
	struct share *shares;
	unsigned nr_shares;
	uint64_t left, bytes;
	uint64_t free_bytes; /* what keep_free leaves us; UINT64_MAX: all */
	int chosen;
};

static bool is_kept(const char *file, const char *keep)
{
	size_t n = strlen(keep);

	return !strncmp(file, keep, n) && !strcmp(file + n, ".frs");
}

/* Never goes. */
static bool is_fixed(const struct chooser *c, const struct retention_file *f)
{
	return f->name.pinned || f->stuck ||
	       (c->now->keep && is_kept(f->file, c->now->keep));
}

/* May go to make room. */
static bool may_go(const struct chooser *c, size_t i)
{
	const struct retention_file *f = &c->files[i];

	if (f->why != RETENTION_STAYS || is_fixed(c, f))
		return false;
	return c->now->keep || i + 1 < c->nr;
}

static int by_trigger(const void *a, const void *b)
{
	const struct retention_file *x = *(struct retention_file *const *)a;
	const struct retention_file *y = *(struct retention_file *const *)b;

	return strcmp(x->name.trigger, y->name.trigger);
}

/* Numbers the triggers, and counts what each has. */
static int count_shares(struct chooser *c)
{
	struct retention_file **sorted = calloc(c->nr + 1, sizeof(*sorted));

	c->shares = calloc(c->nr + 1, sizeof(*c->shares));
	if (!sorted || !c->shares) {
		free(sorted);
		return -ENOMEM;
	}
	for (size_t i = 0; i < c->nr; i++)
		sorted[i] = &c->files[i];
	qsort(sorted, c->nr, sizeof(struct retention_file *), by_trigger);
	for (size_t i = 0; i < c->nr; i++) {
		struct share *s;

		if (!i || by_trigger(&sorted[i - 1], &sorted[i]))
			c->nr_shares++;
		sorted[i]->trigger = c->nr_shares - 1;
		s = &c->shares[c->nr_shares - 1];
		s->files++;
		s->bytes += sorted[i]->bytes;
		c->left++;
		c->bytes += sorted[i]->bytes;
	}
	free(sorted);
	return 0;
}

static void take(struct chooser *c, size_t i, enum retention_why why,
		 bool over_share)
{
	struct retention_file *f = &c->files[i];
	struct share *s = &c->shares[f->trigger];

	f->why = why;
	f->over_share = over_share;
	s->files--;
	s->bytes -= f->bytes;
	c->left--;
	c->bytes -= f->bytes;
	c->chosen++;
}

static void take_old(struct chooser *c)
{
	uint64_t age = c->l->max_age_ns;

	for (size_t i = 0; age && i < c->nr; i++) {
		struct retention_file *f = &c->files[i];

		if (c->now->real_ns > f->name.real_ns &&
		    c->now->real_ns - f->name.real_ns > age && !is_fixed(c, f))
			take(c, i, RETENTION_AGE, false);
	}
}

/* What keep_free leaves us, of all there was before anything went.  Nothing goes
 * for what cannot be had. */
static bool limit_by_free(struct chooser *c, uint64_t before)
{
	uint64_t can_go = before - c->bytes;

	c->free_bytes = UINT64_MAX;
	if (!c->now->lacking)
		return true;
	for (size_t i = 0; i < c->nr; i++)
		if (may_go(c, i))
			can_go += c->files[i].bytes;
	if (can_go < c->now->lacking)
		return false;
	c->free_bytes = before - c->now->lacking;
	return true;
}

static enum retention_why exceeded(const struct chooser *c)
{
	if (c->left > c->l->max_files)
		return RETENTION_FILES;
	if (c->bytes > c->l->max_bytes)
		return RETENTION_USE;
	return c->bytes > c->free_bytes ? RETENTION_FREE : RETENTION_STAYS;
}

static double part_of(uint64_t part, uint64_t limit)
{
	return (double)part / (double)(limit ? limit : 1);
}

/* Of the limits that are exceeded, the greatest part that ${s} takes of one. */
static double greatest_part(const struct chooser *c, const struct share *s)
{
	uint64_t max_bytes = c->l->max_bytes < c->free_bytes ? c->l->max_bytes :
							       c->free_bytes;
	double files = 0, bytes = 0;

	if (c->left > c->l->max_files)
		files = part_of(s->files, c->l->max_files);
	if (c->bytes > max_bytes)
		bytes = part_of(s->bytes, max_bytes);
	return files > bytes ? files : bytes;
}

/* The oldest of trigger ${t} that may go; c->nr: there is none. */
static size_t oldest_of(struct chooser *c, unsigned t)
{
	struct share *s = &c->shares[t];

	while (s->next < c->nr &&
	       (c->files[s->next].trigger != t || !may_go(c, s->next)))
		s->next++;
	return s->next;
}

/* The oldest of the trigger that is furthest over its share; c->nr: none is, or
 * all of it may be anyone's.  Of two that are as far over it, the one with the older snapshot. */
static size_t find_over_share(struct chooser *c)
{
	double share = c->l->max_share / 100, most = 0;
	size_t found = c->nr;

	for (unsigned t = 0; share < 1 && t < c->nr_shares; t++) {
		double part = greatest_part(c, &c->shares[t]);
		size_t i;

		if (part <= share || part < most)
			continue;
		i = oldest_of(c, t);
		if (i < c->nr && (part > most || i < found)) {
			most = part;
			found = i;
		}
	}
	return found;
}

/* Once no trigger is over its share, none will be: parts only become smaller. */
static void take_exceeding(struct chooser *c)
{
	enum retention_why why;
	bool shares = true;
	size_t next = 0;

	while ((why = exceeded(c)) != RETENTION_STAYS) {
		size_t i = shares ? find_over_share(c) : c->nr;

		shares = i < c->nr;
		while (!shares && next < c->nr && !may_go(c, next))
			next++;
		i = shares ? i : next;
		if (i == c->nr)
			break;
		take(c, i, why, shares);
	}
}

int retention_choose(struct retention_file *files, size_t nr,
		     const struct retention_limits *l,
		     const struct retention_now *now, bool *ret_reached)
{
	struct chooser c = { .files = files, .nr = nr, .l = l, .now = now };
	bool can_free;
	uint64_t before;
	int err;

	for (size_t i = 0; i < nr; i++) {
		files[i].why = RETENTION_STAYS;
		files[i].over_share = false;
	}
	err = count_shares(&c);
	if (!err) {
		before = c.bytes;
		take_old(&c);
		can_free = limit_by_free(&c, before);
		take_exceeding(&c);
		*ret_reached = can_free && exceeded(&c) == RETENTION_STAYS;
	}
	free(c.shares);
	return err ? err : c.chosen;
}
