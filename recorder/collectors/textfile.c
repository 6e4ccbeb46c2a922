/* SPDX-License-Identifier: GPL-2.0-or-later */
/* textfile.c - numbers that other programs leave in files. */
#include "recorder/collector.h"
#include "recorder/keyvalue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXTFILE_BYTES_MAX (256 << 10) /* of one file */
#define TEXTFILE_FILES_MAX 256

static const struct metric_def textfile_gauge =
	KEYVALUE_DEF("textfile.%", METRIC_GAUGE);
static const struct metric_def textfile_counter =
	KEYVALUE_DEF("textfile.%", METRIC_COUNTER);
static const struct keyvalue textfile_names = { &textfile_gauge,
						&textfile_counter, "" };

struct textfile {
	char *root;
	char *buf; /* of one file, TEXTFILE_BYTES_MAX */
	char path[PATH_MAX];
};

/* ---- files ------------------------------------------------------------------ */

/* Whole: it was not longer than may be, and its last line has an end. */
static ssize_t textfile_read(struct textfile *t, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t len = 0;
	struct stat st;
	ssize_t n = -1;

	if (fd < 0)
		return -1;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		while ((n = read(fd, t->buf + len, TEXTFILE_BYTES_MAX - len)) >
		       0)
			len += (size_t)n;
	close(fd);
	return n < 0 || len == TEXTFILE_BYTES_MAX ||
			       (len && t->buf[len - 1] != '\n') ?
		       -1 :
		       (ssize_t)len;
}

static void textfile_file(struct textfile *t, struct sample *s,
			  const char *path)
{
	ssize_t n = textfile_read(t, path);

	if (n < 0)
		sample_error(s);
	else
		keyvalue_text(s, &textfile_names, t->buf, (size_t)n);
}

static int textfile_is_one(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return d->d_name[0] != '.' && dot &&
	       (!strcmp(dot, ".prom") || !strcmp(dot, ".kv"));
}

static void textfile_folder(struct textfile *t, struct sample *s,
			    const char *path)
{
	struct dirent **names = NULL;
	int n = scandir(path, &names, textfile_is_one, alphasort);
	char file[PATH_MAX];

	if (n < 0)
		sample_error(s);
	for (int i = 0; i < n; i++) {
		if (i >= TEXTFILE_FILES_MAX ||
		    (size_t)snprintf(file, sizeof(file), "%s%s", path,
				     names[i]->d_name) >= sizeof(file))
			sample_error(s);
		else
			textfile_file(t, s, file);
		free(names[i]);
	}
	free(names);
}

/* ---- the four steps ------------------------------------------------------------ */

static int textfile_check(const char *list, char *ret_what, size_t size)
{
	const char *p = list ? list : "";

	if (!*p) {
		snprintf(ret_what, size,
			 "textfile wants files, or folders with a / at the "
			 "end: textfile:/var/lib/numbers/");
		return -EINVAL;
	}
	while (*(p += strspn(p, " ,"))) {
		size_t n = strcspn(p, " ,");

		if (*p != '/') {
			snprintf(ret_what, size,
				 "'%.*s' does not begin with /; textfile wants "
				 "whole paths",
				 (int)n, p);
			return -EINVAL;
		}
		p += n;
	}
	return 0;
}

/* Without a list it does nothing. */
static int textfile_prepare(struct collector *c, const char *list)
{
	char what[256];
	int r = list ? textfile_check(list, what, sizeof(what)) : 0;

	return r ? r : collector_files_prepare(c, list);
}

static int textfile_open(struct collector *c, const char *root)
{
	struct textfile *t = calloc(1, sizeof(*t));

	c->state = t;
	if (!t)
		return -ENOMEM;
	t->root = strdup(root);
	t->buf = malloc(TEXTFILE_BYTES_MAX);
	return t->root && t->buf ? 0 : -ENOMEM;
}

static void textfile_collect(struct collector *c, struct sample *s)
{
	struct textfile *t = c->state;
	const char *p = c->list ? c->list : "";

	s->list = NULL; /* ours are files, not instances */
	s->source = "text files";
	while (*(p += strspn(p, " ,"))) {
		size_t n = strcspn(p, " ,");

		if ((size_t)snprintf(t->path, sizeof(t->path), "%s%.*s",
				     t->root, (int)n, p) >= sizeof(t->path))
			sample_error(s);
		else if (p[n - 1] == '/')
			textfile_folder(t, s, t->path);
		else
			textfile_file(t, s, t->path);
		p += n;
	}
}

static void textfile_close(struct collector *c)
{
	struct textfile *t = c->state;

	if (t) {
		free(t->root);
		free(t->buf);
	}
	free(t);
	c->state = NULL;
	free(c->list);
	c->list = NULL;
}

const struct collector_ops collector_textfile = {
	.name = "textfile",
	.doc = "numbers that other programs leave in files",
	.man = "textfile.NAME, a number with three decimals, of lines NAME=VALUE, "
	       "NAME VALUE, or as Prometheus has them, NAME{LABEL=\"x\"} VALUE; "
	       "names that end in _total (labels aside) are counters, all others "
	       "gauges; comments are passed over. The list has the files "
	       "(textfile:/run/a+/run/b), or folders with a / at the end, of "
	       "which all *.prom and *.kv are read. Write a file under another "
	       "name and rename it, so that it is never read half: one whose last "
	       "line has no end, or of more than 256 KiB, is an error.\n\n"
	       "So a line in a timer or crontab brings in whatever else there is: "
	       "ipmitool sdr, qstat, condor_status, squeue; see COMMANDS below.",
	.from = "the files of the list",
	.changes_only = true,
	.check = textfile_check,
	.prepare = textfile_prepare,
	.open = textfile_open,
	.collect = textfile_collect,
	.close = textfile_close,
};
