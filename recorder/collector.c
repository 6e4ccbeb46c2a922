/* SPDX-License-Identifier: GPL-2.0-or-later */
/* collector.c - the four steps of collectors that parse files. */
#include "recorder/collector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int collector_files_prepare(struct collector *c, const char *list)
{
	if (!list)
		return 0;
	c->list = strdup(list);
	return c->list ? 0 : -ENOMEM;
}

bool collector_is_tree(const struct collector_source *src)
{
	return strchr(src->path, '*') != NULL;
}

int collector_files_open(struct collector *c, const char *root)
{
	const struct collector_source *src = c->ops->sources;
	int r = 0;

	for (unsigned i = 0; src[i].path && r == 0; i++) {
		if (collector_is_tree(&src[i]))
			r = instances_init(&c->trees[i], root, src[i].path,
					   src[i].label, src[i].max);
		else
			r = procfile_init(&c->files[i], root, src[i].path,
					  src[i].max);
	}
	return r;
}

/* Not there, or there but switched off (pressure stall information). */
static bool collector_absent(int err)
{
	return err == -ENOENT || err == -ENOTDIR || err == -EOPNOTSUPP;
}

static void collector_parse(struct sample *s,
			    const struct collector_source *src,
			    const char *inst, const struct procfile *f)
{
	if (f->cut || (f->len == 0 && !src->may_be_empty) ||
	    (f->len && f->buf[f->len - 1] != '\n'))
		sample_error(s);
	s->source = src->path;
	src->parse(s, inst, f->buf, f->len);
}

static void collector_file(struct sample *s, const struct collector_source *src,
			   struct procfile *f)
{
	int r = procfile_read(f);

	if (r == 0)
		collector_parse(s, src, src->inst, f);
	else if (!src->optional || !collector_absent(r))
		sample_error(s);
}

/* Many drivers refuse to read a sensor that sleeps or is not wired, each with an
 * error of its own: the value is absent.  EIO is a fault. */
static void collector_tree(struct sample *s, const struct collector_source *src,
			   struct instances *t)
{
	instances_refresh(t);
	if (t->too_many)
		sample_error(s);
	for (unsigned i = 0; i < t->nr; i++) {
		int r = instances_read(t, &t->all[i]);

		if (r == 0)
			collector_parse(s, src, t->all[i].name,
					&t->all[i].file);
		else if (r == -EIO || r == -ENOMEM)
			sample_error(s);
	}
}

void collector_files_collect(struct collector *c, struct sample *s)
{
	const struct collector_source *src = c->ops->sources;

	s->list = c->list;
	for (unsigned i = 0; src[i].path; i++) {
		if (collector_is_tree(&src[i]))
			collector_tree(s, &src[i], &c->trees[i]);
		else
			collector_file(s, &src[i], &c->files[i]);
	}
}

void collector_files_close(struct collector *c)
{
	for (unsigned i = 0; i < COLLECTOR_SOURCES_MAX; i++) {
		if (c->files[i].path)
			procfile_free(&c->files[i]);
		instances_free(&c->trees[i]);
	}
	free(c->list);
	c->list = NULL;
}

const struct collector_ops *collector_find(const char *name)
{
	for (unsigned i = 0; collector_all[i]; i++)
		if (strcmp(collector_all[i]->name, name) == 0)
			return collector_all[i];
	return NULL;
}

int collector_check_list(const char *name, const char *list, char *ret_what,
			 size_t size)
{
	const struct collector_ops *ops = collector_find(name);

	return ops && ops->check ? ops->check(list, ret_what, size) : 0;
}
