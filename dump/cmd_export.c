/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_export.c - flightrec export: snapshots as files of other formats. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump/anonymize.h"
#include "dump/command.h"
#include "dump/exporter.h"
#include "dump/view_open.h"

extern const struct command_ops cmd_export;

/* Exported, though show leaves them out if not asked for. */
static const char *const also[] = { "process",  "system", "filesystem",
				    "inflight", "hist",   NULL };

struct export
{
	struct view_filter filter;
	const struct exporter_ops *to;
	const char *output;
	char temporary[PATH_MAX];
	bool anonymize, keep_extensions, quiet;
};

static const struct option options[] = {
	FILTER_LONG,
	{ "to", required_argument, NULL, 't' },
	{ "output", required_argument, NULL, 'o' },
	{ "anonymize", no_argument, NULL, 'a' },
	{ "keep-extensions", no_argument, NULL, 'e' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* ---- the command line ------------------------------------------------------- */

static int choose_format(struct export *e, const char *name)
{
	char known[256] = "";

	for (unsigned i = 0; exporter_all[i]; i++) {
		size_t n = strlen(known);

		if (!strcmp(exporter_all[i]->name, name)) {
			e->to = exporter_all[i];
			return EXIT_OK;
		}
		snprintf(known + n, sizeof(known) - n, "%s%s", n ? ", " : "",
			 exporter_all[i]->name);
	}
	return command_bad_usage(&cmd_export, "--to %s: there is %s", name,
				 known);
}

static int take_option(struct export *e, int opt, char **argv)
{
	const char *what;
	int r;

	switch (opt) {
	case 't':
		return choose_format(e, optarg);
	case 'o':
		e->output = optarg;
		return EXIT_OK;
	case 'a':
		e->anonymize = true;
		return EXIT_OK;
	case 'e':
		e->anonymize = e->keep_extensions = true;
		return EXIT_OK;
	case 'q':
		e->quiet = true;
		return EXIT_OK;
	}
	r = view_filter_option(&e->filter, opt, optarg, &what);
	if (!r)
		return command_bad_option(&cmd_export, opt, argv, options);
	if (r < 0)
		return command_bad_usage(&cmd_export, "'%s' is not %s", optarg,
					 what);
	return EXIT_OK;
}

/* EXIT_OK, EXIT_USAGE, or -1: help was asked for and given. */
static int parse_options(int argc, char **argv, struct export *e)
{
	int opt, code = EXIT_OK;

	opterr = 0;
	optind = 1;
	while (code == EXIT_OK &&
	       (opt = getopt_long(argc, argv, ":o:qh" FILTER_SHORT, options,
				  NULL)) != -1) {
		if (opt == 'h') {
			command_print_help(&cmd_export);
			return -1;
		}
		code = take_option(e, opt, argv);
	}
	if (code == EXIT_OK && !e->to)
		return command_bad_usage(&cmd_export,
					 "--to is missing: which format?");
	if (code == EXIT_OK && !e->output)
		return command_bad_usage(&cmd_export,
					 "-o is missing: the folder to make");
	return code;
}

/* ---- the folder -------------------------------------------------------------- */

/* 0: there is nothing, or an empty folder. */
static int check_output(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *e;
	int err = 0;

	if (!folder)
		return errno == ENOENT ? 0 : -errno;
	while (!err && (e = readdir(folder)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			err = -ENOTEMPTY;
	closedir(folder);
	return err;
}

static void strip_slashes(char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		path[--n] = 0;
}

/* A hidden folder beside the one that was asked for. */
static int make_temporary(struct export *e, const char *output)
{
	const char *slash = strrchr(output, '/');
	int folder = slash ? (int)(slash - output) + 1 : 0;
	int n = snprintf(e->temporary, sizeof(e->temporary),
			 "%.*s.%.200s.XXXXXX", folder, output, output + folder);

	if (n < 0 || n >= (int)sizeof(e->temporary))
		return -ENAMETOOLONG;
	if (!mkdtemp(e->temporary)) {
		e->temporary[0] = 0;
		return -errno;
	}
	return chmod(e->temporary, 0750) < 0 ? -errno : 0;
}

static int remove_one(const char *path, const struct stat *st, int kind,
		      struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

static void remove_temporary(struct export *e)
{
	if (e->temporary[0])
		nftw(e->temporary, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	e->temporary[0] = 0;
}

static int complain(const char *what, int err)
{
	fprintf(stderr, "flightrec export: %s: %s%s\n", what, strerror(-err),
		err == -ENOTEMPTY || err == -EEXIST || err == -ENOTDIR ?
			"; choose another folder" :
			"");
	return err == -EACCES || err == -EPERM ? EXIT_PERMISSION : EXIT_FAILED;
}

/* ---- progress ---------------------------------------------------------------- */

static void show_progress(struct export_job *job, size_t done)
{
	static int last = -1;
	size_t all = view_nr_rows(job->v);
	int percent = all ? (int)(100 * done / all) : 100;

	if (all < 200000 || percent == last || !isatty(STDERR_FILENO))
		return;
	last = percent;
	fprintf(stderr, "\rflightrec: %3d%% of %zu rows", percent, all);
	if (percent == 100)
		fputc('\n', stderr);
}

static void no_progress(struct export_job *job, size_t done)
{
	(void)job;
	(void)done;
}

/* ---- all of it ---------------------------------------------------------------- */

static int write_files(struct export *e, struct export_job *job,
		       const char *output)
{
	int err = e->to->run(job);

	if (err)
		return complain(job->where[0] ? job->where : output, err);
	job->progress(job, view_nr_rows(job->v));
	/* takes the place of an empty folder, never of anything else */
	if (rename(e->temporary, output) < 0)
		return complain(output, -errno);
	e->temporary[0] = 0;
	if (!e->quiet)
		fprintf(stderr, "flightrec: %zu rows in %zu files in %s\n",
			job->rows, job->files, output);
	return EXIT_OK;
}

static int export_view(struct export *e, struct view *v, const char *output)
{
	struct export_job job = {
		.v = v,
		.filter = &e->filter,
		.progress = e->quiet ? no_progress : show_progress,
	};
	struct anonymizer *anon = NULL;
	int err, code = EXIT_OK;

	for (unsigned i = 0; i < e->filter.streams.nr; i++)
		if (view_find_stream(v, e->filter.streams.words[i]) ==
		    VIEW_NO_COLUMN)
			return command_bad_usage(&cmd_export,
						 "there is no stream '%s'",
						 e->filter.streams.words[i]);
	if (e->anonymize)
		code = view_open_anonymize(v, e->keep_extensions, &anon);
	if (code == EXIT_OK) {
		err = make_temporary(e, output);
		job.folder = e->temporary;
		job.anon = anon;
		code = err ? complain(output, err) :
			     write_files(e, &job, output);
	}
	remove_temporary(e);
	anonymizer_free(anon);
	return code;
}

static int export(struct export *e, int argc, char **argv)
{
	char *output = strdup(e->output);
	struct view *v = NULL;
	int code, r, err;

	if (!output)
		return EXIT_FAILED;
	strip_slashes(output);
	err = check_output(output);
	if (err) {
		code = complain(output, err);
		free(output);
		return code;
	}
	e->filter.also = also;
	code = view_open(argc, argv, &e->filter, &v);
	if (v) {
		bool empty = !view_nr_rows(v);

		r = export_view(e, v, output);
		if (r == EXIT_OK && empty && code == EXIT_OK) {
			fprintf(stderr, "flightrec: no row matches\n");
			r = EXIT_EMPTY;
		}
		code = view_close(v, r != EXIT_OK ? r : code);
	}
	free(output);
	return code;
}

static int run(int argc, char **argv)
{
	struct export *e = calloc(1, sizeof(*e));
	int code;

	if (!e)
		return EXIT_FAILED;
	code = parse_options(argc, argv, e);
	if (code == EXIT_OK)
		code = export(e, argc - optind, argv + optind);
	view_filter_free(&e->filter);
	free(e);
	return code < 0 ? EXIT_OK : code;
}

const struct command_ops cmd_export = {
	.name = "export",
	.summary = "Writes snapshots as files that other programs read.",
	.usage = "--to csv -o DIR [options] [FILE...]",
	.help = "Several files are merged; what they share is written once.  Without a FILE\n"
		"the newest snapshot of /var/lib/flightrec/snapshots is read.\n\n"
		"OPTIONS\n"
		"  --to csv            a file per stream in the layout of the I/O tracer, with a\n"
		"                      manifest.json: see flightrec-csv(5)\n"
		"  -o, --output DIR    the folder to make; it must not exist, or be empty\n"
		"  --anonymize         keyed hashes in place of names, arguments, addresses; the\n"
		"                      key is new each time and stored nowhere\n"
		"  --keep-extensions   the same, but .c, .log, ... stay\n"
		"  -q, --quiet         neither progress nor summary\n" FILTER_HELP
		"\n"
		"Sampled counters are exported with --stream sample only.\n\n"
		"EXAMPLES\n"
		"  flightrec export --to csv -o trace a.frs\n"
		"  flightrec export --to csv -o trace --anonymize a.frs b.frs\n"
		"  flightrec export --to csv -o disk --stream block,fs --begin -10s a.frs\n",
	.run = run,
};
