/* SPDX-License-Identifier: GPL-2.0-or-later */
/* collector_rig.h - collectors on one table, as the sampler has them, and a scratch
 * root for their files: for tests of collectors. */
#ifndef TESTS_UNIT_COLLECTOR_RIG_H
#define TESTS_UNIT_COLLECTOR_RIG_H

#include "recorder/collector.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOLDEN            "tests/golden/proc/"
#define TEXT_MAX          (1 << 20)
#define NR_COLLECTORS_MAX 128

/* All collectors on one table, as the sampler has them. */
struct rig {
	struct metric_table *table;
	struct collector c[NR_COLLECTORS_MAX];
	struct sample s[NR_COLLECTORS_MAX];
	unsigned nr;
};

static inline void rig_open(struct rig *r, const char *root, const char *only,
			    const char *list)
{
	memset(r, 0, sizeof(*r));
	r->table = metric_table_new();
	for (unsigned i = 0; collector_all[i]; i++) {
		const struct collector_ops *ops = collector_all[i];

		if (only && strcmp(only, ops->name) != 0)
			continue;
		r->c[r->nr].ops = ops;
		/* those with a language of their own take no mere globs */
		assert_int_equal(
			ops->prepare(&r->c[r->nr],
				     ops->check && list && !strcmp(list, "*") ?
					     NULL :
					     list),
			0);
		assert_int_equal(ops->open(&r->c[r->nr], root), 0);
		sample_init(&r->s[r->nr], r->table);
		r->nr++;
	}
}

static inline void rig_round(struct rig *r)
{
	for (unsigned i = 0; i < r->nr; i++) {
		sample_begin(&r->s[i]);
		r->c[i].ops->collect(&r->c[i], &r->s[i]);
		sample_end(&r->s[i]);
	}
}

static inline void rig_close(struct rig *r)
{
	for (unsigned i = 0; i < r->nr; i++) {
		r->c[i].ops->close(&r->c[i]);
		sample_free(&r->s[i]);
	}
	metric_table_free(r->table);
}

static inline uint64_t rig_errors(const struct rig *r)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < r->nr; i++)
		sum += r->s[i].errors;
	return sum;
}

static inline unsigned rig_values(const struct rig *r)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < r->nr; i++)
		sum += r->s[i].nr;
	return sum;
}

/* The value of this round, by name; false: absent. */
static inline bool rig_get(struct rig *r, const char *name, int64_t *ret)
{
	for (unsigned i = 0; i < r->nr; i++)
		for (unsigned j = 0; j < r->s[i].nr; j++) {
			const struct metric_value *v = &r->s[i].values[j];

			if (strcmp(metric_table_get(r->table, v->id)->name,
				   name) == 0) {
				*ret = v->value;
				return true;
			}
		}
	return false;
}

/* ---- a root of our own: scratch/proc, scratch/sys ------------------------------- */
static char scratch[64];

static inline int scratch_again(void)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "mkdir -p %s/proc/net %s/proc/pressure %s/sys", scratch,
		 scratch, scratch);
	return system(command);
}

static inline int scratch_make(void **state)
{
	(void)state;
	snprintf(scratch, sizeof(scratch), "/tmp/flightrec-proc-XXXXXX");
	return mkdtemp(scratch) ? scratch_again() : -1;
}

static inline int scratch_remove(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", scratch);
	return system(command);
}

static inline void put(const char *name, const void *text, size_t len)
{
	char path[192];
	int fd;

	snprintf(path, sizeof(path), "%s/proc/%s", scratch, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

#endif
