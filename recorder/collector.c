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

int collector_files_open(struct collector *c, const char *root)
{
	const struct collector_source *src = c->ops->sources;

	for (unsigned i = 0; src[i].path; i++) {
		int r = procfile_init(&c->files[i], root, src[i].path,
				      src[i].max);

		if (r)
			return r;
	}
	return 0;
}

/* Not there, or there but switched off (pressure stall information). */
static bool collector_absent(int err)
{
	return err == -ENOENT || err == -ENOTDIR || err == -EOPNOTSUPP;
}

static void collector_file(struct sample *s, const struct collector_source *src,
			   struct procfile *f)
{
	int r = procfile_read(f);

	if (r) {
		if (!src->optional || !collector_absent(r))
			sample_error(s);
		return;
	}
	if (f->cut || (f->len == 0 && !src->may_be_empty) ||
	    (f->len && f->buf[f->len - 1] != '\n'))
		sample_error(s);
	s->source = src->path;
	src->parse(s, src->inst, f->buf, f->len);
}

void collector_files_collect(struct collector *c, struct sample *s)
{
	const struct collector_source *src = c->ops->sources;

	s->list = c->list;
	for (unsigned i = 0; src[i].path; i++)
		collector_file(s, &src[i], &c->files[i]);
}

void collector_files_close(struct collector *c)
{
	for (unsigned i = 0; i < COLLECTOR_SOURCES_MAX; i++)
		if (c->files[i].path)
			procfile_free(&c->files[i]);
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

	return ops && ops->check && list[0] ? ops->check(list, ret_what, size) :
					      0;
}
