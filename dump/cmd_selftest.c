/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_selftest.c - flightrec selftest: the fire drill. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dump/command.h"
#include "dump/drill.h"
#include "dump/folder.h"
#include "triggers/units.h"

#define DELAY_NS   200000000ULL
#define TIMEOUT_NS 30000000000ULL
#define NS_PER_MS  1000000ULL

enum { /* long options without a letter */
	OPT_SET = 256,
	OPT_PRIVATE,
	OPT_DAEMON,
	OPT_RUN_FOLDER,
	OPT_SCRATCH,
	OPT_DELAY,
	OPT_TIMEOUT,
};

extern const struct command_ops cmd_selftest;

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "set", required_argument, NULL, OPT_SET },
	{ "private", no_argument, NULL, OPT_PRIVATE },
	{ "daemon", no_argument, NULL, OPT_DAEMON },
	{ "run-folder", required_argument, NULL, OPT_RUN_FOLDER },
	{ "scratch", required_argument, NULL, OPT_SCRATCH },
	{ "delay", required_argument, NULL, OPT_DELAY },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "keep", no_argument, NULL, 'k' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* ---- the command line -------------------------------------------------------- */

static int take_time(const char *name, uint64_t min, uint64_t max,
		     uint64_t *ret)
{
	char low[32], high[32];
	uint64_t ns;

	if (units_parse_time(optarg, &ns) || ns < min || ns > max)
		return command_bad_usage(&cmd_selftest,
					 "--%s %s: not a time from %s to %s",
					 name, optarg,
					 units_format_time(low, min),
					 units_format_time(high, max));
	*ret = ns;
	return EXIT_OK;
}

static int take_setting(struct drill *d)
{
	if (d->nr_sets == PRIVATE_SETS_MAX)
		return command_bad_usage(&cmd_selftest, "too many --set");
	d->sets[d->nr_sets++] = optarg;
	return EXIT_OK;
}

static int take_option(struct drill *d, int opt, char **argv)
{
	switch (opt) {
	case 'c':
		d->config = optarg;
		return EXIT_OK;
	case 'k':
		d->keep = true;
		return EXIT_OK;
	case 'j':
		d->json = true;
		return EXIT_OK;
	case OPT_SET:
		return take_setting(d);
	case OPT_PRIVATE:
		d->is_private = true;
		return EXIT_OK;
	case OPT_RUN_FOLDER:
		d->run_folder = optarg;
		d->must_run = true;
		return EXIT_OK;
	case OPT_DAEMON:
		d->must_run = true;
		return EXIT_OK;
	case OPT_SCRATCH:
		d->scratch_in = optarg;
		return EXIT_OK;
	case OPT_DELAY:
		return take_time("delay", 20 * NS_PER_MS, 60000 * NS_PER_MS,
				 &d->delay_ns);
	case OPT_TIMEOUT:
		return take_time("timeout", 1000 * NS_PER_MS,
				 3600000 * NS_PER_MS, &d->timeout_ns);
	default:
		return command_bad_option(&cmd_selftest, opt, argv, options);
	}
}

static int parse(struct drill *d, int argc, char **argv)
{
	const char *tmp = getenv("TMPDIR");
	int opt, code = EXIT_OK;

	d->run_folder = folder_default_run();
	d->scratch_in = tmp && *tmp ? tmp : "/tmp";
	d->delay_ns = DELAY_NS;
	d->timeout_ns = TIMEOUT_NS;
	opterr = 0;
	optind = 1;
	while (code == EXIT_OK &&
	       (opt = getopt_long(argc, argv, ":c:kjh", options, NULL)) != -1) {
		if (opt == 'h') {
			command_print_help(&cmd_selftest);
			return -1;
		}
		code = take_option(d, opt, argv);
	}
	if (code != EXIT_OK)
		return code;
	if (optind < argc)
		return command_bad_usage(&cmd_selftest, "'%s' is too much",
					 argv[optind]);
	d->is_private |= d->config || d->nr_sets;
	if (d->is_private && d->must_run)
		return command_bad_usage(
			&cmd_selftest,
			"--daemon and --run-folder mean a recorder that runs; "
			"--private, --config and --set one of its own");
	if (d->timeout_ns < 4 * d->delay_ns)
		return command_bad_usage(&cmd_selftest,
					 "--timeout is to be 4 times --delay");
	d->limit_ns = d->delay_ns / 2;
	return EXIT_OK;
}

/* ---- the steps -------------------------------------------------------------------- */

enum place { /* how far one must have come for a step to make sense */
	ANYWHERE,
	SETTINGS,
	RECORDER,
	OPERATED,
	WRITTEN,
	READ,
};

struct plan {
	const char *name;
	void (*run)(struct drill *);
	enum place needs, reaches;
};

static const struct plan with_private[] = {
	{ "settings", drill_settings, ANYWHERE, SETTINGS },
	{ "recorder", drill_start_private, SETTINGS, RECORDER },
	{ "operation", drill_operate, RECORDER, OPERATED },
	{ "trigger", drill_fire_rule, OPERATED, OPERATED },
	{ 0 },
};
static const struct plan with_daemon[] = {
	{ "recorder", drill_find_daemon, ANYWHERE, RECORDER },
	{ "operation", drill_operate, RECORDER, OPERATED },
	{ "trigger", drill_fire_daemon, OPERATED, OPERATED },
	{ 0 },
};
static const struct plan afterwards[] = {
	{ "freeze", drill_freeze, OPERATED, OPERATED },
	{ "dump", drill_written, OPERATED, OPERATED },
	{ "verify", drill_verify, WRITTEN, WRITTEN },
	{ "row", drill_row, WRITTEN, READ },
	{ "history", drill_history, READ, READ },
	{ "report", drill_report, READ, READ },
	{ 0 },
};

static enum place go_through(struct drill *d, const struct plan *p,
			     enum place place)
{
	for (; p->name; p++) {
		drill_begin(d, p->name);
		if (drill_stop)
			drill_failed(d, "", "signal %d came", (int)drill_stop);
		else if (place >= p->needs)
			p->run(d);
		if (p->reaches > place &&
		    (drill_step(d)->state == DRILL_OK ||
		     drill_step(d)->state == DRILL_LEFT_OUT))
			place = p->reaches;
		if (d->snapshot[0] && place < WRITTEN)
			place = WRITTEN;
		drill_print_step(d, drill_step(d));
	}
	return place;
}

static void remove_snapshot(struct drill *d)
{
	if (unlink(d->snapshot) < 0 && errno != ENOENT)
		snprintf(d->problem, sizeof(d->problem), "%.400s stays: %s",
			 d->snapshot, strerror(errno));
}

static void clean_up(struct drill *d)
{
	char left[512] = "";
	bool hung = false;

	drill_begin(d, "clean-up");
	drill_stop = 0;
	drill_remove_scratch(d);
	hung |= drill_step(d)->state == DRILL_FAILED;
	snprintf(left, sizeof(left), "%s", d->problem);
	d->problem[0] = '\0';
	if (d->is_private)
		drill_end_private(d);
	else
		drill_end_daemon(d);
	if (!d->is_private && d->snapshot[0] && !d->keep)
		drill_bounded(d, remove_snapshot);
	hung |= drill_step(d)->state == DRILL_FAILED;
	if (d->problem[0])
		snprintf(left, sizeof(left), "%s", d->problem);
	if (left[0] && !hung)
		drill_left_out(d, "%s", left);
	else if (!hung)
		drill_ok(d, "%s%s",
			 d->keep && d->snapshot[0] ? "the snapshot stays: " :
						     "nothing stays",
			 d->keep ? d->snapshot : "");
	drill_print_step(d, drill_step(d));
}

static int exit_code(const struct drill *d)
{
	int code = EXIT_OK;

	for (unsigned i = 0; i < d->nr_steps; i++) {
		if (d->steps[i].state == DRILL_FAILED)
			return d->no_permission ? EXIT_PERMISSION :
			       d->no_daemon     ? EXIT_NO_DAEMON :
						  EXIT_FAILED;
		if (d->steps[i].state != DRILL_OK)
			code = EXIT_INCOMPLETE;
	}
	return code;
}

/* ---- signals ------------------------------------------------------------------------ */

static void on_signal(int signo)
{
	drill_stop = signo;
}

/* What ends us lets us clean up first; a second one does not.  SIGCHLD ignored
 * would take the states of our processes away. */
static void set_signals(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction stop = { .sa_handler = on_signal,
				  .sa_flags = (int)SA_RESETHAND };

	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &stop, NULL);
}

static int drill(struct drill *d)
{
	uint64_t began = drill_now_ns();
	enum place place;
	int code;

	set_signals();
	d->is_private |= !d->must_run && !drill_daemon_runs(d);
	place = go_through(d, d->is_private ? with_private : with_daemon,
			   ANYWHERE);
	go_through(d, afterwards, place);
	clean_up(d);
	config_free(d->settings);
	code = exit_code(d);
	drill_print_end(d, code, drill_now_ns() - began);
	return code;
}

static int run(int argc, char **argv)
{
	struct drill *d = mmap(NULL, sizeof(*d), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int code;

	if (d == MAP_FAILED) {
		fprintf(stderr, "flightrec selftest: out of memory\n");
		return EXIT_FAILED;
	}
	code = parse(d, argc, argv);
	if (code == EXIT_OK)
		code = drill(d);
	munmap(d, sizeof(*d));
	return code < 0 ? EXIT_OK : code;
}

const struct command_ops cmd_selftest = {
	.name = "selftest",
	.summary =
		"A fire drill: delays an operation of its own, and looks for it.",
	.usage = "[options]",
	.help = "Writes 1,000 numbered bytes to a scratch file, lets a call (flock) on it wait\n"
		"for a lock, and checks each step on the way to a report: trigger, freeze,\n"
		"snapshot on disk, the operation's row with the right duration by its own clock,\n"
		"the writes before it.  Says of each step how long it took, or what is wrong and\n"
		"what to do.  A snapshot that it caused is removed.\n\n"
		"With the recorder that runs: it is given one rule more while the drill lasts;\n"
		"its own are left alone.  Else, or with --private, with a recorder of its own that has the same settings\n"
		"and one rule more; that needs root.  Rules of the file do not fire in it.\n\n"
		"OPTIONS\n"
		"  --private           a recorder of its own, even if one runs\n"
		"  -c, --config FILE   its settings (/etc/flightrec/flightrec.conf); --private\n"
		"  --set KEY=VALUE     a setting, as for flightrecd; may be repeated; --private\n"
		"  --daemon            only the recorder that runs; exit 3 if there is none\n"
		"  --run-folder DIR    where its socket is (/run/flightrec); --daemon\n"
		"  --scratch DIR       where the scratch file is made (TMPDIR, or /tmp)\n"
		"  --delay TIME        how long the operation is delayed (200ms); the limit of the\n"
		"                      rule is half of it; a wait of 1/8 must not fire\n"
		"  --timeout TIME      a step that takes longer has failed (30s)\n"
		"  -k, --keep          the snapshot stays\n"
		"  -j, --json          one object, for monitoring\n\n"
		"EXIT STATUS\n"
		"  0 all right   1 a step failed, its line says which   3 no daemon\n"
		"  4 something could not be told, or stays behind   6 no permission\n\n"
		"EXAMPLES\n"
		"  sudo flightrec selftest\n"
		"  sudo flightrec selftest --private --set dump.folder=/srv/snapshots\n"
		"  flightrec selftest --daemon --json | jq -r .failed\n"
		"  sudo flightrec selftest --keep --scratch /srv/data --delay 1s\n",
	.run = run,
};
