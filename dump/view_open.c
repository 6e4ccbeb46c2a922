/* SPDX-License-Identifier: GPL-2.0-or-later */
/* view_open.c - opens what a command was given. */
#include "dump/view_open.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dump/anonymize.h"
#include "dump/command.h"
#include "dump/folder.h"

int view_open_exit(int err)
{
	switch (err) {
	case -EBADMSG:
		return EXIT_CORRUPT;
	case -EACCES:
	case -EPERM:
		return EXIT_PERMISSION;
	default:
		return EXIT_FAILED;
	}
}

void view_open_complain(const char *path, const struct snap_diag *diag, int err)
{
	const char *what = diag->text[0] ? diag->text : strerror(-err);
	const char *next =
		err == -EACCES ? "; join group flightrec, or be root" : "";

	if (strstr(what, path))
		fprintf(stderr, "flightrec: %s%s\n", what, next);
	else
		fprintf(stderr, "flightrec: %s: %s%s\n", path, what, next);
}

static int open_one(struct view *v, const char *path, int code)
{
	struct snap_diag diag = { "" };
	int r = view_add_file(v, path, &diag);
	char other[PATH_MAX];

	if (r == -ENOENT && folder_other_name(path, other) &&
	    !view_add_file(v, other, &(struct snap_diag){ "" }))
		return code;
	if (!r)
		return code;
	view_open_complain(path, &diag, r);
	return view_open_exit(r);
}

static int open_newest(struct view *v)
{
	const char *folder = folder_default();
	struct folder_list list = { 0 };
	int r = folder_list(folder, &list), code;

	if (r) {
		fprintf(stderr,
			"flightrec: no file given, and %s cannot be read: %s%s\n",
			folder, strerror(-r),
			r == -EACCES ? "; join group flightrec, or be root" :
				       "; name a file");
		return view_open_exit(r);
	}
	if (!list.nr) {
		fprintf(stderr,
			"flightrec: no snapshot in %s yet; flightrec dump "
			"makes one\n",
			folder);
		folder_list_free(&list);
		return EXIT_EMPTY;
	}
	fprintf(stderr, "flightrec: reading %s, the newest\n",
		list.paths[list.nr - 1]);
	code = open_one(v, list.paths[list.nr - 1], EXIT_OK);
	folder_list_free(&list);
	return code;
}

int view_open_files(int argc, char **argv, struct view **ret)
{
	struct view *v = view_new();
	int code = EXIT_OK;

	*ret = NULL;
	if (!v) {
		fprintf(stderr, "flightrec: not enough memory\n");
		return EXIT_FAILED;
	}
	if (!argc)
		code = open_newest(v);
	for (int i = 0; i < argc; i++)
		code = open_one(v, argv[i], code);
	if (view_nr_files(v))
		*ret = v;
	else
		view_free(v);
	return code;
}

int view_open_load(struct view *v, const struct view_filter *f)
{
	struct snap_diag diag = { "" };
	int r = view_load(v, f, &diag);

	if (!r)
		return EXIT_OK;
	fprintf(stderr, "flightrec: %s\n",
		r == -ENOMEM ? "not enough memory for so many rows; ask for "
			       "fewer streams, or a shorter span" :
			       diag.text);
	view_free(v);
	return r == -ENOMEM ? EXIT_FAILED : EXIT_USAGE;
}

int view_open(int argc, char **argv, const struct view_filter *f,
	      struct view **ret)
{
	int code = view_open_files(argc, argv, ret), r;

	if (!*ret)
		return code;
	r = view_open_load(*ret, f);
	if (r != EXIT_OK)
		*ret = NULL;
	return r == EXIT_OK ? code : r;
}

int view_open_anonymize(struct view *v, bool keep_extensions,
			struct anonymizer **ret)
{
	struct anonymizer *a;
	int r;

	a = anonymizer_new(keep_extensions ? ANONYMIZE_EXTENSIONS : 0);
	r = a ? view_anonymize(v, a) : -errno;
	if (!r && ret)
		*ret = a;
	else
		anonymizer_free(a);
	if (!r)
		return EXIT_OK;
	fprintf(stderr, "flightrec: cannot make it anonymous: %s\n",
		strerror(-r));
	return EXIT_FAILED;
}

int view_close(struct view *v, int code)
{
	if (v && view_report_damage(v))
		code = EXIT_CORRUPT;
	view_free(v);
	return code;
}
