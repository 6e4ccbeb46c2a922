/* SPDX-License-Identifier: GPL-2.0-or-later */
/* catalogue.c - finds the snapshots that a command was given. */
#include "dump/catalogue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump/command.h"
#include "dump/view_open.h"

/* ---- settings ------------------------------------------------------------- */

/* "--set dump.max_files: ..." of a setting that has an option of its own. */
static void complain_setting(const char *text)
{
	static const char set[] = "--set dump.";
	const char *colon = strchr(text, ':');

	if (strncmp(text, set, strlen(set)) != 0 || !colon) {
		fprintf(stderr, "flightrec: %s\n", text);
		return;
	}
	fputs("flightrec: --", stderr);
	for (const char *p = text + strlen(set); p < colon; p++)
		fputc(*p == '_' ? '-' : *p, stderr);
	fprintf(stderr, "%s\n", colon);
}

int catalogue_open(struct catalogue *c, struct options *o, const char *folder,
		   bool lenient)
{
	struct fr_diag diag;

	*c = (struct catalogue){ 0 };
	o->config_must_exist = o->config_path != NULL;
	if (!o->config_path)
		o->config_path = OPTIONS_CONFIG;
	c->config = options_load(o, &diag);
	if (!c->config) {
		complain_setting(diag.text);
		if (!lenient || o->config_must_exist)
			return EXIT_USAGE;
		fprintf(stderr, "flightrec: going on with the defaults\n");
		c->config = config_new();
		if (!c->config)
			return EXIT_FAILED;
	}
	c->given = folder != NULL;
	c->folders[c->nr++] = folder ? folder : c->config->dump_folder;
	if (!folder && *c->config->dump_fallback)
		c->folders[c->nr++] = c->config->dump_fallback;
	return EXIT_OK;
}

void catalogue_close(struct catalogue *c)
{
	config_free(c->config);
	*c = (struct catalogue){ 0 };
}

int catalogue_complain(const char *folder, const char *file, int err)
{
	const char *next = "";

	if (err == -EACCES || err == -EPERM)
		next = "; be root, or a member of a group that may write to the folder";
	else if (err == -ENOENT && !file)
		next = "; name the folder with -d";
	fprintf(stderr, "flightrec: %s%s%s: %s%s\n", folder, file ? "/" : "",
		file ? file : "", strerror(-err), next);
	return view_open_exit(err);
}

static int open_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int catalogue_open_folder(const struct catalogue *c, unsigned at, int *ret_fd)
{
	int fd = open_folder(c->folders[at]);

	*ret_fd = fd < 0 ? -1 : fd;
	if (fd >= 0 || (at && (fd == -ENOENT || fd == -ENOTDIR)))
		return EXIT_OK;
	return catalogue_complain(c->folders[at], NULL, fd);
}

/* ---- one snapshot --------------------------------------------------------- */

static int look_at(struct catalogue_item *item)
{
	struct stat st;

	if (fstatat(item->dir_fd, item->file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	item->bytes = (uint64_t)st.st_size;
	return S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

/* As it was called, or as it is called now. */
static int look_in(struct catalogue_item *item, const char *folder,
		   const char *file)
{
	int err;

	snprintf(item->folder, sizeof(item->folder), "%s", folder);
	item->dir_fd = open_folder(folder);
	if (item->dir_fd < 0)
		return item->dir_fd;
	snprintf(item->file, sizeof(item->file), "%s", file);
	err = look_at(item);
	if (err == -ENOENT) {
		retention_parse_name(file, &item->name);
		retention_pin_name(item->file, file, !item->name.pinned);
		err = look_at(item);
	}
	retention_parse_name(item->file, &item->name);
	if (err)
		close(item->dir_fd);
	return err;
}

static int not_found(const struct catalogue *c, const char *word, int err)
{
	if (err == -EINVAL)
		fprintf(stderr,
			"flightrec: %s is not a regular file; it is left "
			"alone\n",
			word);
	else if (err == -ENOENT && !strchr(word, '/'))
		fprintf(stderr,
			"flightrec: there is no %s in %s; flightrec list shows "
			"what there is, and a file elsewhere needs its path\n",
			word, c->folders[0]);
	else
		fprintf(stderr, "flightrec: %s: %s%s\n", word, strerror(-err),
			err == -EACCES ? "; join group flightrec, or be root" :
					 "");
	return view_open_exit(err);
}

static int find_path(const char *word, const char *slash,
		     struct catalogue_item *ret)
{
	char folder[PATH_MAX];

	if (slash - word >= PATH_MAX)
		return -ENAMETOOLONG;
	snprintf(folder, sizeof(folder), "%.*s",
		 slash == word ? 1 : (int)(slash - word), word);
	return look_in(ret, folder, slash + 1);
}

int catalogue_find(const struct catalogue *c, const char *word,
		   struct catalogue_item *ret)
{
	const char *slash = strrchr(word, '/');
	int err = -ENOENT;

	*ret = (struct catalogue_item){ .dir_fd = -1 };
	if (!retention_is_ours(slash ? slash + 1 : word)) {
		fprintf(stderr,
			"flightrec: %s is not named like a snapshot of the "
			"recorder; it is left alone\n",
			word);
		return EXIT_FAILED;
	}
	if (slash)
		err = find_path(word, slash, ret);
	for (unsigned i = 0; !slash && err == -ENOENT && i < c->nr; i++)
		err = look_in(ret, c->folders[i], word);
	return err ? not_found(c, word, err) : EXIT_OK;
}
