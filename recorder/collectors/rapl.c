/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rapl.c - energy used by processor packages, cores and memory. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define RAPL_PATH "/sys/class/powercap/*/energy_uj"

static const struct metric_def rapl_energy =
	SHAPE_COUNTER("rapl.%.energy", "uJ", 1);

/* What instance.kept has. */
enum {
	RAPL_LAST,
	RAPL_TURNS,
	RAPL_RANGE
};

static int rapl_open(struct collector *c, const char *root)
{
	return instances_init(&c->trees[0], root, RAPL_PATH, "name", 64);
}

/* The counter starts at 0 again after max_energy_range_uj, within a minute on a
 * large machine.  0: not known. */
static int64_t rapl_range(const char *path)
{
	const char *slash = strrchr(path, '/');
	char other[PATH_MAX], text[32];
	int64_t v = 0;
	ssize_t n;
	int fd;

	snprintf(other, sizeof(other), "%.*s/max_energy_range_uj",
		 (int)(slash - path), path);
	fd = open(other, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n <= 0 || !shape_number(text, (size_t)n, &v) || v < 0)
		return 0;
	return v;
}

/* Adds what was lost in the turns of the counter, so that it only grows. */
static bool rapl_unwrap(struct instance *in, int64_t *v)
{
	int64_t raw = *v;

	if (!in->began)
		in->kept[RAPL_RANGE] = rapl_range(in->file.path);
	else if (raw < in->kept[RAPL_LAST] &&
		 __builtin_add_overflow(in->kept[RAPL_TURNS],
					in->kept[RAPL_RANGE],
					&in->kept[RAPL_TURNS]))
		return false;
	in->began = true;
	in->kept[RAPL_LAST] = raw;
	return !__builtin_add_overflow(raw, in->kept[RAPL_TURNS], v);
}

static void rapl_one(struct sample *s, struct instance *in)
{
	int64_t v;

	if (shape_number(in->file.buf, in->file.len, &v) && v >= 0 &&
	    rapl_unwrap(in, &v))
		sample_put(s, &rapl_energy, in->name, strlen(in->name), v);
	else
		sample_error(s);
}

static void rapl_collect(struct collector *c, struct sample *s)
{
	struct instances *t = &c->trees[0];

	s->list = c->list;
	s->source = RAPL_PATH;
	instances_refresh(t);
	for (unsigned i = 0; i < t->nr; i++) {
		int r = instances_read(t, &t->all[i]);

		if (r == 0)
			rapl_one(s, &t->all[i]);
		else if (r == -EIO || r == -ENOMEM)
			sample_error(s);
	}
}

const struct collector_ops collector_rapl = {
	.name = "rapl",
	.doc = "energy used by processor packages, cores and memory",
	.man = "rapl.NAME.ZONE.energy in microjoules (rapl.package-0.intel-rapl:0."
	       "energy): the difference over the time is the power. The "
	       "source starts again at 0 after at most some minutes; that is "
	       "made good as long as a round comes more often.",
	.from = RAPL_PATH,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = rapl_open,
	.collect = rapl_collect,
	.close = collector_files_close,
};
