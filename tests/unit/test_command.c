/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_command.c - programs beside the ticks: their numbers, their rights, and that
 * nothing is left of those that hang, print without end, or run away. */
#include "recorder/aside.h"
#include "tests/unit/collector_rig.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/wait.h>

static struct rig rig;
static unsigned fds_before;

static unsigned descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* A folder in which whoever the programs run as may write. */
static int begin(void **state)
{
	fds_before = descriptors();
	return scratch_make(state) || chmod(scratch, 0777);
}

/* No child is left, and no descriptor. */
static int end(void **state)
{
	int left = waitpid(-1, NULL, WNOHANG);

	if (left != -1 || errno != ECHILD || descriptors() != fds_before)
		fail_msg("something is left: child %d, descriptors %u to %u",
			 left, fds_before, descriptors());
	return scratch_remove(state);
}

static void script(const char *name, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0755), 0);
	dprintf(fd, "#!/bin/sh\ncd %s\n%s\n", scratch, text);
	close(fd);
}

static struct aside *run(const char *name, uint64_t limit_ns)
{
	const struct passwd *nobody = getpwnam("nobody");
	struct aside_options o = { .limit_ns = limit_ns };
	static char path[128];
	struct aside *a;

	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	o.path = path;
	o.change_user = geteuid() == 0;
	o.uid = nobody->pw_uid;
	o.gid = nobody->pw_gid;
	a = aside_new(&o);
	assert_non_null(a);
	assert_int_equal(aside_poll(a), -EAGAIN);
	assert_int_equal(aside_start(a), 0);
	return a;
}

static int outcome(struct aside *a)
{
	int r;

	while ((r = aside_poll(a)) == -EAGAIN)
		poll(NULL, 0, 1);
	return r;
}

static int outcome_of(const char *text, uint64_t limit_ns)
{
	struct aside *a;
	int r;

	script("x", text);
	a = run("x", limit_ns);
	r = outcome(a);
	aside_free(a);
	return r;
}

#define LONG_NS 20000000000ULL

static void what_it_prints(void **state)
{
	struct aside *a;
	const char *text;
	size_t len;

	(void)state;
	script("x", "echo a=1; echo warning >&2; echo b=2");
	a = run("x", LONG_NS);
	assert_int_equal(outcome(a), 0);
	text = aside_text(a, &len);
	assert_int_equal(len, 8);
	assert_memory_equal(text, "a=1\nb=2\n", 8);
	/* One that fails does not replace it. */
	script("x", "echo c=3; exit 3");
	assert_int_equal(aside_start(a), 0);
	assert_int_equal(outcome(a), -EPROTO);
	aside_text(a, &len);
	assert_int_equal(len, 8);
	aside_free(a);
}

static void ways_to_fail(void **state)
{
	struct aside *a;

	(void)state;
	assert_int_equal(outcome_of("kill -9 $$", LONG_NS), -EPROTO);
	assert_int_equal(outcome_of("sleep 1000", 50000000), -ETIMEDOUT);
	assert_int_equal(outcome_of("exec 1>&-; sleep 1000", 50000000),
			 -ETIMEDOUT);
	assert_int_equal(outcome_of("yes", LONG_NS), -EFBIG);
	assert_int_equal(outcome_of("head -c 65536 /dev/zero", LONG_NS), 0);
	assert_int_equal(outcome_of("head -c 65537 /dev/zero", LONG_NS),
			 -EFBIG);
	assert_int_equal(outcome_of("trap '' TERM; sleep 1000 & sleep 1000",
				    50000000),
			 -ETIMEDOUT);
	a = run("missing", LONG_NS);
	assert_int_equal(outcome(a), -ENOEXEC);
	aside_free(a);
	a = run(".", LONG_NS);
	assert_int_equal(outcome(a), -ENOEXEC);
	aside_free(a);
}

/* The process whose number is in a file of the scratch folder. */
static pid_t pid_of(const char *name)
{
	char path[128];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	for (unsigned i = 0; i < 10000 && pid == 0; i++) {
		f = fopen(path, "r");
		if (!f || fscanf(f, "%d", &pid) != 1)
			poll(NULL, 0, 1);
		if (f)
			fclose(f);
	}
	assert_true(pid > 1);
	return pid;
}

static void is_gone(pid_t pid)
{
	for (unsigned i = 0; i < 10000; i++) {
		if (kill(pid, 0) && errno == ESRCH)
			return;
		poll(NULL, 0, 1);
	}
	fail_msg("process %d is still there", pid);
}

/* A daemon as in the books: fork, setsid, fork, and its parents end. */
static const char runs_away[] =
	"setsid sh -c '(setsid sh -c \"echo \\$\\$ >pid; exec sleep 1000\" &)'\n"
	"while [ ! -s pid ]; do :; done\n"
	"echo a=1\n";

static void nothing_is_left_when_it_ends(void **state)
{
	(void)state;
	assert_int_equal(outcome_of(runs_away, LONG_NS), 0);
	/* the outcome comes when all of them have ended */
	assert_true(kill(pid_of("pid"), 0) && errno == ESRCH);
}

static void nothing_is_left_when_it_is_ended(void **state)
{
	char text[512];
	struct aside *a;

	(void)state;
	snprintf(text, sizeof(text), "%secho $$ >self; sleep 1000", runs_away);
	script("x", text);
	a = run("x", LONG_NS);
	pid_of("self");
	aside_free(a);
	assert_true(kill(pid_of("pid"), 0) && errno == ESRCH);
	assert_true(kill(pid_of("self"), 0) && errno == ESRCH);
}

/* We are killed, and can do nothing any more. */
static void nothing_is_left_when_we_are_killed(void **state)
{
	char text[512];
	pid_t we;

	(void)state;
	snprintf(text, sizeof(text), "%secho $$ >self; sleep 1000", runs_away);
	script("x", text);
	we = fork();
	if (we == 0) {
		run("x", LONG_NS);
		for (;;)
			pause();
	}
	pid_of("self");
	kill(we, SIGKILL);
	assert_int_equal(waitpid(we, NULL, 0), we);
	is_gone(pid_of("pid"));
	is_gone(pid_of("self"));
}

static int64_t value(const char *name)
{
	int64_t v;

	return rig_get(&rig, name, &v) ? v : -9;
}

/* Rounds until the metric is there. */
static int64_t awaited(const char *name)
{
	for (unsigned i = 0; i < 10000 && value(name) == -9; i++) {
		rig_round(&rig);
		poll(NULL, 0, 1);
	}
	return value(name);
}

static void collector_reports_the_last_run(void **state)
{
	char go[128];

	(void)state;
	script("one.sh", "echo a=1; [ ! -e go ] || sleep 1000");
	script("two", "echo 'n_total{x=\"y z\"} 7'; echo bad");
	snprintf(go, sizeof(go), "%s/go", scratch);
	rig_open(&rig, scratch, "command", "/one.sh /two");
	rig_round(&rig);
	assert_int_equal(rig_values(&rig), 0);
	assert_int_equal(awaited("command.two.n_total{x=\"y_z\"}"), 7000);
	assert_true(rig_errors(&rig) > 0); /* the bad line */
	assert_int_equal(awaited("command.one.a"), 1000);
	/* A run that hangs: that before it is told on. */
	close(open(go, O_CREAT | O_WRONLY, 0600));
	for (unsigned i = 0; i < 100; i++) {
		rig_round(&rig);
		assert_int_equal(value("command.one.a"), 1000);
		poll(NULL, 0, 1);
	}
	rig_close(&rig);
}

static void has_no_rights(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	script("id",
	       "echo uid=$(id -u); echo groups=$(id -G | wc -w)\n"
	       "sed -n 's/^\\(Cap...\\):\\t0*\\([0-9]*\\)$/\\1=0\\2/p;"
	       "s/^NoNewPrivs:\\t/nnp=/p' /proc/self/status\n"
	       "echo fds=$(ls /proc/self/fd | wc -l); echo cwd=$(stat -c %i /)");
	rig_open(&rig, scratch, "command", "/id");
	assert_int_equal(awaited("command.id.uid"),
			 getpwnam("nobody")->pw_uid * 1000);
	assert_int_equal(value("command.id.groups"), 1000);
	assert_int_equal(value("command.id.CapEff"), 0);
	assert_int_equal(value("command.id.CapPrm"), 0);
	assert_int_equal(value("command.id.CapBnd"), 0);
	assert_int_equal(value("command.id.nnp"), 1000);
	/* its own three, and that of ls on the folder */
	assert_int_equal(value("command.id.fds"), 4000);
	rig_close(&rig);
}

static void one_that_fails_is_absent(void **state)
{
	uint64_t errors;

	(void)state;
	script("x", "echo a=1");
	rig_open(&rig, scratch, "command", "/x");
	assert_int_equal(awaited("command.x.a"), 1000);
	errors = rig_errors(&rig);
	script("x", "echo a=2; exit 1");
	for (unsigned i = 0; i < 10000 && value("command.x.a") != -9; i++) {
		rig_round(&rig);
		poll(NULL, 0, 1);
	}
	assert_int_equal(value("command.x.a"), -9);
	assert_true(rig_errors(&rig) > errors);
	rig_close(&rig);
}

static void random_bytes(void **state)
{
	(void)state;
	script("x", "head -c 60000 /dev/urandom; echo; echo a=1");
	rig_open(&rig, scratch, "command", "/x");
	assert_int_equal(awaited("command.x.a"), 1000);
	assert_true(rig_errors(&rig) > 10);
	rig_close(&rig);
}

static void lists(void **state)
{
	const struct collector_ops *ops = collector_find("command");
	static const char *const bad[] = { NULL,
					   "",
					   "x",
					   "/a b",
					   "/x/a.sh /y/a.py",
					   "/a'b",
					   "/",
					   "/.sh",
					   "/1 /2 /3 /4 /5 /6 /7 /8 /9 /10 /11 "
					   "/12 /13 /14 /15 /16 /17" };
	char what[256];

	(void)state;
	assert_int_equal(ops->check("/x/a.sh, /y/b", what, sizeof(what)), 0);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		what[0] = 0;
		assert_int_equal(ops->check(bad[i], what, sizeof(what)),
				 -EINVAL);
		assert_true(what[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)
		TEST(what_it_prints),
		TEST(ways_to_fail),
		TEST(nothing_is_left_when_it_ends),
		TEST(nothing_is_left_when_it_is_ended),
		TEST(nothing_is_left_when_we_are_killed),
		TEST(collector_reports_the_last_run),
		TEST(has_no_rights),
		TEST(one_that_fails_is_absent),
		TEST(random_bytes),
		TEST(lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
