/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_record.c - flightrec record: a recorder of one's own around a command.
 *
 * The command's process exists before the recorder, so that its number can be
 * given as the scope; it waits on a pipe until recording has begun.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dump/client.h"
#include "dump/command.h"
#include "dump/folder.h"
#include "dump/private_recorder.h"

#define EXIT_OWN_FAILURE 125
#define EXIT_CANNOT_RUN  126
#define EXIT_NOT_FOUND   127
#define PATIENCE_S       600
#define SHORTCUTS        256 /* getopt's numbers from here on: shortcuts[] */

extern const struct command_ops cmd_record;

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "set", required_argument, NULL, 's' },
	{ "config", required_argument, NULL, 'c' },
	{ "anonymize", no_argument, NULL, 'a' },
	{ "keep-extensions", no_argument, NULL, 'e' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ "profile", required_argument, NULL, SHORTCUTS },
	{ "streams", required_argument, NULL, SHORTCUTS + 1 },
	{ "trigger", required_argument, NULL, SHORTCUTS + 2 },
	{ "cache-sample-rate", required_argument, NULL, SHORTCUTS + 3 },
	{ "top", required_argument, NULL, 't' },
	{ 0 },
};

/* Options that are another way to write --set; in the order of their numbers. */
static const char *const shortcuts[] = {
	"probes.profile=",
	"probes.streams=",
	"trigger.command-line.when=",
	"probes.sample=cache=",
};

/* What is sampled with --top PERIOD, which goes behind it. */
#define SAMPLED_WITH_TOP                                       \
	"sampler.collectors=cpu,memory,vmstat,disks,net,load," \
	"pressure,processes@"

struct record {
	char output[PATH_MAX]; /* where the snapshot goes */
	char folder[PATH_MAX]; /* its folder */
	bool named;            /* -o was given */
	bool quiet, top;       /* top: what it used is told at the end */
	char **command;
	pid_t pid;
	int go_fd;    /* a byte lets the command begin; closing ends it */
	int status;   /* wait status of the command */
	bool not_run; /* exec failed, or it ended before it was let go */
	char *made[PRIVATE_SETS_MAX]; /* settings that options stand for */
	unsigned nr_made;
	struct sigaction old_chld, old_pipe; /* what the command inherits */
	struct private_recorder recorder;
};

/* ---- the command line ---------------------------------------------------------- */

static void choose_output(struct record *r)
{
	char *slash;

	if (!r->named) {
		time_t now = time(NULL);
		struct tm tm;

		gmtime_r(&now, &tm);
		strftime(r->output, sizeof(r->output),
			 "flightrec-%Y%m%dT%H%M%SZ.frs", &tm);
	}
	snprintf(r->folder, sizeof(r->folder), "%s", r->output);
	slash = strrchr(r->folder, '/');
	if (!slash)
		snprintf(r->folder, sizeof(r->folder), ".");
	else
		slash[slash == r->folder] = '\0';
}

static int take_setting(struct record *r, const char *setting)
{
	struct private_recorder *p = &r->recorder;

	if (p->nr_sets == PRIVATE_SETS_MAX)
		return command_bad_usage(&cmd_record, "too many --set");
	p->sets[p->nr_sets++] = setting;
	return EXIT_OK;
}

static int take_shortcut(struct record *r, const char *setting,
			 const char *value)
{
	char **made = &r->made[r->nr_made];

	if (r->nr_made == PRIVATE_SETS_MAX ||
	    asprintf(made, "%s%s", setting, value) < 0)
		return command_bad_usage(&cmd_record, "too many options");
	r->nr_made++;
	return take_setting(r, *made);
}

static int take_option(struct record *r, int opt, char **argv)
{
	struct private_recorder *p = &r->recorder;
	int code;

	switch (opt) {
	case 'o':
		if (snprintf(r->output, sizeof(r->output), "%s", optarg) >=
		    (int)sizeof(r->output))
			return command_bad_usage(&cmd_record, "-o: too long");
		r->named = true;
		return EXIT_OK;
	case 's':
		return take_setting(r, optarg);
	case 'a':
		return take_setting(r, "dump.anonymize=yes");
	case 'e':
		code = take_setting(r, "dump.anonymize=yes");
		return code ? code :
			      take_setting(r, "dump.keep_extensions=yes");
	case 'c':
		p->config = optarg;
		return EXIT_OK;
	case 'q':
		r->quiet = true;
		return EXIT_OK;
	case 't':
		r->top = true;
		return take_shortcut(r, SAMPLED_WITH_TOP, optarg);
	default:
		if (opt < SHORTCUTS)
			return command_bad_option(&cmd_record, opt, argv,
						  options);
		return take_shortcut(r, shortcuts[opt - SHORTCUTS], optarg);
	}
}

static int parse(struct record *r, int argc, char **argv)
{
	int opt, code = EXIT_OK;

	opterr = 0;
	optind = 1;
	while (code == EXIT_OK && (opt = getopt_long(argc, argv, "+:o:c:qh",
						     options, NULL)) != -1) {
		if (opt == 'h') {
			command_print_help(&cmd_record);
			return -1;
		}
		code = take_option(r, opt, argv);
	}
	if (code != EXIT_OK)
		return code;
	if (optind >= argc)
		return command_bad_usage(&cmd_record, "no command given");
	r->command = argv + optind;
	choose_output(r);
	return EXIT_OK;
}

/* ---- the command ---------------------------------------------------------------- */

/* The command finds signals as we found them, those ignored included. */
static void reset_signals(const struct record *r, const sigset_t *old)
{
	sigaction(SIGCHLD, &r->old_chld, NULL);
	sigaction(SIGPIPE, &r->old_pipe, NULL);
	sigprocmask(SIG_SETMASK, old, NULL);
}

/* As env(1): 127 if there is no such command, 126 if it cannot be run.  What
 * rights the program flightrec itself may carry are not the command's. */
static void run_command(const struct record *r, int go_fd, int failed_fd,
			const sigset_t *old)
{
	char byte;
	int err;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	reset_signals(r, old);
	if (read(go_fd, &byte, 1) != 1)
		_exit(EXIT_OWN_FAILURE);
	prctl(PR_SET_PDEATHSIG, 0);
	if (setresgid(getgid(), getgid(), getgid()) < 0 ||
	    setresuid(getuid(), getuid(), getuid()) < 0)
		_exit(EXIT_OWN_FAILURE);
	execvp(r->command[0], r->command);
	err = errno;
	(void)!write(failed_fd, "x", 1);
	fprintf(stderr, "flightrec record: cannot run %s: %s\n", r->command[0],
		strerror(err));
	_exit(err == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
}

static int start_command(struct record *r, int *ret_failed_fd,
			 const sigset_t *old)
{
	int go[2], failed[2];

	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(failed, O_CLOEXEC) < 0) {
		int err = -errno;

		close(go[0]);
		close(go[1]);
		return err;
	}
	r->pid = fork();
	if (r->pid == 0) {
		close(go[1]);
		close(failed[0]);
		run_command(r, go[0], failed[1], old);
	}
	close(go[0]);
	close(failed[1]);
	r->go_fd = go[1];
	*ret_failed_fd = failed[0];
	return r->pid < 0 ? -errno : 0;
}

/* Signals sent to us go on to the command; what the terminal sends it has got
 * itself. */
static void wait_command(struct record *r, const sigset_t *set)
{
	siginfo_t si;
	pid_t pid;

	while ((pid = waitpid(r->pid, &r->status, WNOHANG)) == 0) {
		if (sigwaitinfo(set, &si) < 0)
			continue;
		if (si.si_signo != SIGCHLD && si.si_code != SI_KERNEL)
			kill(r->pid, si.si_signo);
	}
	if (pid < 0) /* somebody else took its status */
		r->status = EXIT_OWN_FAILURE << 8;
}

/* SIGCHLD ignored would take the command's status away; SIGPIPE would end us with
 * folders left behind when the command dies before it is let go. */
static void block_signals(struct record *r, sigset_t *set, sigset_t *old)
{
	struct sigaction normal = { .sa_handler = SIG_DFL };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGCHLD, &normal, &r->old_chld);
	sigaction(SIGPIPE, &ignore, &r->old_pipe);
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGQUIT);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGUSR2);
	sigprocmask(SIG_BLOCK, set, old);
}

/* ---- the result ----------------------------------------------------------------- */

static int copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = -1, err = 0;
	ssize_t n = 1;

	if (in >= 0)
		out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (in < 0 || out < 0)
		err = -errno;
	while (!err && n > 0) {
		char buf[65536];

		n = read(in, buf, sizeof(buf));
		if (n < 0 || (n > 0 && write(out, buf, (size_t)n) != n))
			err = errno ? -errno : -EIO;
	}
	if (!err && fsync(out) < 0)
		err = -errno;
	if (out >= 0) {
		close(out);
		if (err)
			unlink(to);
	}
	if (in >= 0)
		close(in);
	return err;
}

/* Never over a file that is there. */
static int move_file(const char *from, const char *to)
{
	int err;

	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	/* another file system, or one that cannot rename without overwriting */
	if (errno != EXDEV && errno != EINVAL && errno != ENOSYS)
		return -errno;
	err = copy_file(from, to);
	if (!err)
		unlink(from);
	return err;
}

/* Snapshots of triggers that fired meanwhile keep their names. */
static void move_others(const struct record *r)
{
	struct folder_list list;

	if (!r->recorder.own_dumps || folder_list(r->recorder.dumps, &list))
		return;
	for (unsigned i = 0; i < list.nr; i++) {
		const char *slash = strrchr(list.paths[i], '/');
		char to[PATH_MAX];

		if (!slash ||
		    snprintf(to, sizeof(to), "%s%s", r->folder, slash) >=
			    (int)sizeof(to) ||
		    move_file(list.paths[i], to))
			fprintf(stderr, "flightrec: a trigger fired: %s\n",
				list.paths[i]);
		else
			fprintf(stderr, "flightrec: a trigger fired: %s\n", to);
	}
	folder_list_free(&list);
}

static int save(const struct record *r)
{
	struct client_reply reply;
	const char *path, *records;
	int err = 0;

	if (client_ask(r->recorder.run,
		       "dump name=record reason=the%20command%20ended\n",
		       PATIENCE_S, &reply) != EXIT_OK)
		return -1;
	path = client_value(&reply, "path");
	records = client_value(&reply, "records");
	if (!path)
		err = -EBADMSG;
	else if (r->named || r->recorder.own_dumps)
		err = move_file(path, r->output);
	if (err)
		fprintf(stderr, "flightrec record: cannot save %s: %s\n",
			r->output, strerror(-err));
	else if (!r->quiet)
		fprintf(stderr,
			"flightrec: %s records in %s; next: flightrec report %s\n",
			records ? records : "?",
			r->named || r->recorder.own_dumps ? r->output : path,
			r->named || r->recorder.own_dumps ? r->output : path);
	client_free(&reply);
	return err;
}

/* As `flightrec top` tells it, but where the command's own output is not. */
static void tell_usage(const struct record *r)
{
	extern const struct command_ops cmd_top;
	char name[] = "top", tree[32], file[PATH_MAX];
	char *argv[] = { name, tree, file, NULL };
	pid_t child;

	snprintf(tree, sizeof(tree), "--tree=%d", (int)r->pid);
	snprintf(file, sizeof(file), "%s", r->output);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		optind = 0; /* another command line */
		dup2(STDERR_FILENO, STDOUT_FILENO);
		exit(cmd_top.run(3, argv));
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

static int exit_code(const struct record *r)
{
	if (WIFSIGNALED(r->status))
		return 128 + WTERMSIG(r->status);
	return WEXITSTATUS(r->status);
}

static int record(struct record *r)
{
	sigset_t set, old;
	int failed_fd = -1, code = EXIT_OWN_FAILURE;
	char byte;

	if (r->named && access(r->output, F_OK) == 0) {
		fprintf(stderr,
			"flightrec record: %s is there already; choose another name\n",
			r->output);
		return EXIT_OWN_FAILURE;
	}
	block_signals(r, &set, &old);
	if (start_command(r, &failed_fd, &old))
		return EXIT_OWN_FAILURE;
	r->recorder.command = cmd_record.name;
	r->recorder.scope = r->pid;
	r->recorder.beside = r->folder;
	if (private_recorder_start(&r->recorder)) {
		close(r->go_fd); /* the command ends without having begun */
		waitpid(r->pid, NULL, 0);
	} else {
		r->not_run = write(r->go_fd, "g", 1) != 1;
		wait_command(r, &set);
		r->not_run |= read(failed_fd, &byte, 1) == 1;
		code = exit_code(r);
		if (!r->not_run && save(r))
			code = EXIT_OWN_FAILURE;
		else if (!r->not_run && r->top)
			tell_usage(r);
		if (!r->not_run)
			move_others(r);
	}
	private_recorder_end(&r->recorder);
	return code;
}

static int run(int argc, char **argv)
{
	struct record *r = calloc(1, sizeof(*r));
	int code;

	if (!r)
		return EXIT_OWN_FAILURE;
	code = parse(r, argc, argv);
	if (code == EXIT_OK)
		code = record(r);
	else
		code = code < 0 ? EXIT_OK : EXIT_OWN_FAILURE;
	while (r->nr_made)
		free(r->made[--r->nr_made]);
	free(r);
	return code;
}

const struct command_ops cmd_record = {
	.name = "record",
	.summary =
		"Records a command and what it starts, with a recorder of its own.",
	.usage =
		"[-o FILE] [-c FILE] [--profile NAME] [--streams LIST] [--trigger RULE]\n"
		"       [--top PERIOD] [--set KEY=VALUE]... [--] COMMAND [ARGS...]",
	.help = "A recorder beside any that runs already; the snapshot is written when the\n"
		"command ends, and whenever a trigger fires meanwhile.  Needs root for kernel\n"
		"probes; without, only samples of /proc are recorded.\n\n"
		"OPTIONS\n"
		"  -o, --output FILE   the snapshot (flightrec-TIME.frs in the current folder);\n"
		"                      those of triggers go beside it\n"
		"  -c, --config FILE   a configuration file, as for flightrecd (default: none)\n"
		"  --profile NAME      minimal, default or deep: which streams are recorded\n"
		"  --streams LIST      these streams (fs,block), or the profile's with changes\n"
		"                      (+cache,-net)\n"
		"  --cache-sample-rate N\n"
		"                      of the stream cache keep one record in N, with its\n"
		"                      weight (as --set probes.sample=cache=N)\n"
		"  --top PERIOD        sample processes so often (100ms), and tell at the end what\n"
		"                      the command and its descendants used, as flightrec top does\n"
		"  --trigger RULE      take a snapshot when this happens, as well as at the end\n"
		"  --set KEY=VALUE     a setting, as for flightrecd; may be repeated\n"
		"  --anonymize         put keyed hashes in place of names, arguments, texts and\n"
		"                      addresses before anything is written\n"
		"  --keep-extensions   the same, but .c, .log, ... stay\n"
		"  -q, --quiet         do not say where the snapshot is\n\n"
		"EXIT STATUS\n"
		"  the command's; 128 + N if signal N ended it; 125 if recording failed, 126 if\n"
		"  the command cannot be run, 127 if there is none\n\n"
		"EXAMPLES\n"
		"  flightrec record -- make -j8\n"
		"  flightrec record -o slow.frs --set ring.memory=256MiB -- git status\n"
		"  flightrec record --profile deep -- curl -s http://localhost/\n"
		"  flightrec record --top 100ms -- make -j8\n"
		"  flightrec record --trigger 'fs.fsync latency > 50ms' -- ./db\n",
	.run = run,
};
