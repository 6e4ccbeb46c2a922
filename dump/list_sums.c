/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_sums.c - sums of snapshot folders, and how near their limits are. */
#include "dump/list_sums.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "recorder/config.h"
#include "triggers/units.h"

struct sums {
	struct retention_file *list;
	size_t nr;
	uint64_t bytes, pinned_bytes;
	unsigned pinned;
	uint64_t oldest_ns; /* age of the oldest that is not pinned */
};

static void sum_up(struct sums *s)
{
	uint64_t now = (uint64_t)time(NULL) * 1000000000;

	for (size_t i = 0; i < s->nr; i++) {
		const struct retention_file *f = &s->list[i];

		s->bytes += f->bytes;
		s->pinned += f->name.pinned;
		s->pinned_bytes += f->name.pinned ? f->bytes : 0;
		if (!f->name.pinned && !s->oldest_ns && now > f->name.real_ns)
			s->oldest_ns = now - f->name.real_ns;
	}
}

/* The limit of which the greatest part is taken; ${text}: "max_files 12 of 1000". */
struct nearest {
	double part;
	char text[96];
};

static void consider(struct nearest *n, const char *name, uint64_t have,
		     uint64_t limit, char *(*format)(char *, uint64_t),
		     const char *between)
{
	double part = limit ? (double)have / (double)limit : 0;
	char a[32], b[32];

	if (part <= n->part)
		return;
	n->part = part;
	snprintf(n->text, sizeof(n->text), "%s: %s%s%s", name, format(a, have),
		 between, format(b, limit));
}

static char *format_number(char *buf, uint64_t v)
{
	snprintf(buf, 32, "%ju", (uintmax_t)v);
	return buf;
}

/* The free space is the other way round: what is kept of what there is. */
static void consider_free(struct nearest *n, int dir_fd,
			  const struct retention_limits *l)
{
	uint64_t have, keep;
	char a[32], b[32];
	double part;

	if (retention_room(dir_fd, l, &keep, &have))
		return;
	part = (double)keep / (double)(have ? have : 1);
	if (part <= n->part)
		return;
	n->part = part;
	snprintf(n->text, sizeof(n->text),
		 "dump.keep_free: %s of the %s that are free",
		 units_human_size(b, keep), units_human_size(a, have));
}

static void print_nearest(const struct sums *s, int dir_fd,
			  const struct retention_limits *l)
{
	struct nearest n = { 0 };

	consider(&n, "dump.max_files", s->nr, l->max_files, format_number,
		 " of ");
	consider(&n, "dump.max_use", s->bytes, l->max_bytes, units_human_size,
		 " of ");
	consider(&n, "dump.max_age", s->oldest_ns, l->max_age_ns,
		 units_human_time, ", the oldest, of ");
	consider_free(&n, dir_fd, l);
	printf("; nearest limit: %s", n.text);
}

static int by_trigger(const void *a, const void *b)
{
	const struct retention_file *x = a, *y = b;

	return strcmp(x->name.trigger, y->name.trigger);
}

/* Triggers whose snapshots go first, should there be need. */
static void print_over_share(const struct sums *s,
			     const struct retention_limits *l)
{
	size_t from = 0, to;

	if (s->nr)
		qsort(s->list, s->nr, sizeof(*s->list), by_trigger);
	for (; from < s->nr; from = to) {
		uint64_t bytes = 0;
		double files, use;

		for (to = from;
		     to < s->nr && !by_trigger(&s->list[from], &s->list[to]);
		     to++)
			bytes += s->list[to].bytes;
		files = (double)(to - from) * 100 / (double)l->max_files;
		use = (double)bytes * 100 / (double)l->max_bytes;
		if (files <= l->max_share && use <= l->max_share)
			continue;
		printf("  %s: %.0f%% of %s, above dump.max_share (%g%%); its "
		       "oldest go first\n",
		       s->list[from].name.trigger, files > use ? files : use,
		       files > use ? "dump.max_files" : "dump.max_use",
		       l->max_share);
	}
}

static bool is_managed(const struct catalogue *c, const char *folder)
{
	return !c->given || !strcmp(folder, c->config->dump_folder) ||
	       !strcmp(folder, c->config->dump_fallback);
}

static void print_folder(const struct catalogue *c, const char *folder,
			 int dir_fd)
{
	struct retention_limits l;
	struct sums s = { 0 };
	char text[32];

	if (retention_read_folder(dir_fd, &s.list, &s.nr) || !s.nr) {
		free(s.list);
		return;
	}
	sum_up(&s);
	printf("%s: %zu snapshots, %s", folder, s.nr,
	       units_human_size(text, s.bytes));
	if (s.pinned)
		printf(", %u pinned, %s", s.pinned,
		       units_human_size(text, s.pinned_bytes));
	retention_limits(c->config, &l);
	if (is_managed(c, folder))
		print_nearest(&s, dir_fd, &l);
	putchar('\n');
	if (is_managed(c, folder))
		print_over_share(&s, &l);
	free(s.list);
}

void list_sums_print(const struct catalogue *c)
{
	putchar('\n');
	for (unsigned i = 0; i < c->nr; i++) {
		int fd =
			open(c->folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			continue;
		print_folder(c, c->folders[i], fd);
		close(fd);
	}
}
