/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trigger_save.c - a rule in a file of its own beside the configuration. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump/trigger_ask.h"
#include "recorder/config.h"

#define MARK "# Written by flightrec trigger add --save.\n"

static int refuse(const char *name, const char *path, int err)
{
	fprintf(stderr,
		"flightrec: trigger %s is changed, but not saved: %s: %s\n",
		name, path, strerror(-err));
	return EXIT_INCOMPLETE;
}

static int no_folder(const char *name)
{
	fprintf(stderr,
		"flightrec: trigger %s is changed, but not saved: the recorder "
		"reads no configuration file; start it with -c FILE\n",
		name);
	return EXIT_INCOMPLETE;
}

/* The folder and the one above it; 0 or negative errno. */
static int make_folder(const char *folder)
{
	char above[PATH_MAX];
	char *slash;

	if (!mkdir(folder, 0755) || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return -errno;
	snprintf(above, sizeof(above), "%s", folder);
	slash = strrchr(above, '/');
	if (!slash || slash == above)
		return -ENOENT;
	*slash = '\0';
	if (mkdir(above, 0755) < 0)
		return -errno;
	return mkdir(folder, 0755) < 0 ? -errno : 0;
}

static void print_rule(const struct fr_trigger_rule *r, FILE *f)
{
	char buf[32];

	fprintf(f, MARK "[trigger \"%s\"]\n", r->name);
	for (unsigned i = 0; rule_keys[i].name; i++) {
		const char *value = rule_get(r, rule_keys[i].name, buf);

		if (value && *value)
			fprintf(f, "%s = %s\n", rule_keys[i].name, value);
	}
}

/* Whole or not at all, under a name that no reader takes until it is. */
static int write_file(const char *path, const struct fr_trigger_rule *r)
{
	char part[PATH_MAX];
	FILE *f;
	int fd, err = 0;

	if (snprintf(part, sizeof(part), "%s.XXXXXX", path) >=
	    (int)sizeof(part))
		return -ENAMETOOLONG;
	fd = mkostemp(part, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	f = fdopen(fd, "w");
	if (!f) {
		err = -errno;
		close(fd);
	} else {
		print_rule(r, f);
		if (fflush(f) || fchmod(fd, 0644) || fsync(fd))
			err = -errno;
		if (fclose(f) && !err)
			err = -errno;
	}
	if (!err && rename(part, path) < 0)
		err = -errno;
	if (err)
		unlink(part);
	return err;
}

/* Not there, or written by us: 0; else -EEXIST. */
static int check_ours(const char *path)
{
	char line[sizeof(MARK)] = "";
	FILE *f = fopen(path, "re");

	if (!f)
		return errno == ENOENT ? 0 : -errno;
	(void)!fgets(line, sizeof(line), f);
	fclose(f);
	return strcmp(line, MARK) ? -EEXIST : 0;
}

static int name_file(char path[PATH_MAX], char folder[PATH_MAX],
		     const char *main_file, const char *name)
{
	int n;

	snprintf(path, PATH_MAX, "%s", main_file); /* for messages */
	if (config_folder(main_file, folder, PATH_MAX) < 0)
		return -ENAMETOOLONG;
	n = snprintf(path, PATH_MAX, "%s/trigger-%s.conf", folder, name);
	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int trigger_save(const char *main_file, const struct fr_trigger_rule *rule)
{
	char folder[PATH_MAX], path[PATH_MAX];
	int err;

	if (!main_file)
		return no_folder(rule->name);
	err = name_file(path, folder, main_file, rule->name);
	if (!err)
		err = make_folder(folder);
	if (!err)
		err = check_ours(path);
	if (!err)
		err = write_file(path, rule);
	return err ? refuse(rule->name, path, err) : EXIT_OK;
}

/* What is still to be done so that no file has it, on standard error. */
static int check_others(const char *main_file, const char *name)
{
	struct fr_config *c = config_new();
	struct fr_diag diag;
	int code = EXIT_OK;

	if (!c)
		return EXIT_FAILED;
	if (config_read_all(c, main_file, false, &diag)) {
		fprintf(stderr,
			"flightrec: trigger %s is removed; whether other files "
			"have it cannot be told: %s\n",
			name, diag.text);
		code = EXIT_INCOMPLETE;
	} else if (config_find_rule(c, name)) {
		fprintf(stderr,
			"flightrec: trigger %s is removed until the recorder "
			"ends, but %s or another file beside it still has it; "
			"take out its section there\n",
			name, main_file);
		code = EXIT_INCOMPLETE;
	}
	config_free(c);
	return code;
}

int trigger_unsave(const char *main_file, const char *name)
{
	char folder[PATH_MAX], path[PATH_MAX];
	int err;

	if (!main_file)
		return no_folder(name);
	err = name_file(path, folder, main_file, name);
	if (!err)
		err = check_ours(path);
	if (!err && unlink(path) < 0 && errno != ENOENT)
		err = -errno;
	if (err && err != -EEXIST)
		return refuse(name, path, err);
	return check_others(main_file, name);
}
