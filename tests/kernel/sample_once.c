/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sample_once.c - what collectors say now, for tests in other languages.
 *
 *   sample_once [-i] ROOT NAME[:GLOBS]...
 *
 * One line for each value, "name stored-value scale", then an empty one.  -i: a
 * round for each line of the input, with descriptors kept open between them.
 */
#include "recorder/collector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NR_MAX 64

static struct collector collectors[NR_MAX];
static struct sample samples[NR_MAX];

static int start(struct metric_table *t, unsigned i, char *arg,
		 const char *root)
{
	char *list = strchr(arg, ':');
	struct collector *c = &collectors[i];

	if (list)
		*list++ = 0;
	c->ops = collector_find(arg);
	if (!c->ops) {
		fprintf(stderr, "there is no collector %s\n", arg);
		return -1;
	}
	sample_init(&samples[i], t);
	return c->ops->prepare(c, list) ?: c->ops->open(c, root);
}

static void one_round(struct metric_table *t, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		struct sample *s = &samples[i];

		sample_begin(s);
		collectors[i].ops->collect(&collectors[i], s);
		sample_end(s);
		for (unsigned j = 0; j < s->nr; j++) {
			const struct metric *m =
				metric_table_get(t, s->values[j].id);

			printf("%s %lld %u\n", m->name,
			       (long long)s->values[j].value, m->def->scale);
		}
	}
	puts("");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	bool again = argc > 1 && strcmp(argv[1], "-i") == 0;
	struct metric_table *t = metric_table_new();
	unsigned nr = 0;
	char line[16];

	argv += 1 + again;
	if (!t || !*argv || !argv[1])
		return 2;
	for (char **arg = argv + 1; *arg && nr < NR_MAX; arg++, nr++)
		if (start(t, nr, *arg, *argv))
			return 1;
	do {
		one_round(t, nr);
	} while (again && fgets(line, sizeof(line), stdin));
	return 0;
}
