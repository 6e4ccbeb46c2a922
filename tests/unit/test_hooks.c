/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_hooks.c - bounds of hooks, and what joined an incident in shared memory. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "recorder/hook.h"
#include "recorder/joined.h"

#define SEC 1000000000ULL
#define MS  1000000ULL

static struct {
	unsigned nr, not_run;
	int last_code;
	char last[256];
} seen;

static void on_done(void *arg, uint32_t number, int code, const char *text)
{
	(void)arg;
	(void)number;
	seen.nr++;
	seen.not_run += code == 126;
	seen.last_code = code;
	snprintf(seen.last, sizeof(seen.last), "%s", text);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SEC + (uint64_t)ts.tv_nsec;
}

static struct hooks *begin(void)
{
	struct hooks *h = calloc(1, sizeof(*h));

	memset(&seen, 0, sizeof(seen));
	assert_int_equal(hooks_init(h, "nobody", on_done, NULL), 0);
	return h;
}

static void run(struct hooks *h, const char *command, uint64_t limit_ns)
{
	struct hook_job *j = hook_job_new("t", 16, command, limit_ns);

	assert_non_null(j);
	hooks_run(h, j, now());
}

/* What the event loop does, until so many have ended or 10 s are over. */
static void until_ended(struct hooks *h, unsigned nr)
{
	uint64_t give_up = now() + 10 * SEC;

	while (seen.nr < nr && now() < give_up) {
		struct pollfd p = { .fd = hooks_fd(h), .events = POLLIN };

		poll(&p, 1, 5);
		hooks_dispatch(h);
		if (hooks_deadline(h) <= now())
			hooks_check_limit(h, now());
		hooks_reap(h, now());
	}
	assert_int_equal(seen.nr, nr);
}

static void no_more_than_some_run_and_wait(void **state)
{
	struct hooks *h = begin();
	const unsigned all = HOOKS_AT_ONCE + HOOKS_QUEUE;

	(void)state;
	for (unsigned i = 0; i < all; i++)
		run(h, "sleep 0.1", 10 * SEC);
	assert_int_equal(hooks_nr_running(h), HOOKS_AT_ONCE);
	assert_int_equal(h->queue_nr, HOOKS_QUEUE);
	assert_int_equal(seen.nr, 0);
	run(h, "true", SEC);
	assert_int_equal(seen.not_run, 1);
	assert_non_null(strstr(seen.last, "too many run and wait already"));
	until_ended(h, all + 1);
	assert_int_equal(h->counts.run, all);
	assert_int_equal(h->counts.failed, 0);
	assert_int_equal(seen.last_code, 0);
	assert_int_equal(hooks_deadline(h), UINT64_MAX);
	hooks_fini(h, now());
	free(h);
}

static void a_limit_is_kept_and_said_once(void **state)
{
	struct hooks *h = begin();

	(void)state;
	run(h, "sleep 100", 100 * MS);
	assert_true(hooks_deadline(h) <= now() + 100 * MS);
	until_ended(h, 1);
	assert_int_equal(seen.last_code, 128 + SIGKILL);
	assert_int_equal(h->counts.killed, 1);
	until_ended(h, 1);
	for (unsigned i = 0; i < 100 && hooks_nr_running(h); i++) {
		poll(NULL, 0, 10);
		hooks_reap(h, now());
	}
	assert_int_equal(hooks_nr_running(h), 0);
	assert_int_equal(seen.nr, 1);
	hooks_fini(h, now());
	free(h);
}

static void at_the_end_what_waits_is_given_up(void **state)
{
	struct hooks *h = begin();
	uint64_t began = now();

	(void)state;
	for (unsigned i = 0; i < HOOKS_AT_ONCE + 2; i++)
		run(h, "sleep 100", 100 * SEC);
	hooks_fini(h, now());
	assert_int_equal(seen.nr, HOOKS_AT_ONCE + 2);
	assert_int_equal(seen.not_run, 2);
	assert_true(now() - began < 5 * SEC);
	hooks_fini(h, now()); /* a second time is nothing */
	assert_int_equal(seen.nr, HOOKS_AT_ONCE + 2);
	free(h);
}

/* With 0 to 2 closed, a pipe gets their numbers. */
static void closed_standard_descriptors_do_no_harm(void **state)
{
	struct hooks *h = begin();
	int kept[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		kept[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
		close(i);
	}
	run(h,
	    "echo a && test ! -e /proc/self/fd/9 && echo b >&2 && "
	    "! read x",
	    5 * SEC);
	until_ended(h, 1);
	for (int i = 0; i < 3; i++)
		if (kept[i] >= 0) {
			dup2(kept[i], i);
			close(kept[i]);
		}
	assert_int_equal(seen.last_code, 0);
	hooks_fini(h, now());
	free(h);
}

static void too_many_variables_are_said(void **state)
{
	struct hooks *h = begin();
	struct hook_job *j = hook_job_new("t", 16, "true", SEC);

	(void)state;
	hook_job_env(j, "X", "a\nb\033c");
	assert_string_equal(j->env[j->nr_env - 1], "X=a?b?c");
	for (unsigned i = 0; i < HOOK_ENV_MAX; i++)
		hook_job_env(j, "Y", "%u", i);
	assert_true(j->failed);
	hooks_run(h, j, now());
	assert_int_equal(seen.not_run, 1);
	hooks_fini(h, now());
	free(h);
}

/* ---- joined ------------------------------------------------------------------------ */

static void what_was_put_last_is_got(void **state)
{
	struct joined *j = joined_new();
	struct facts f = { .len = 0 }, got = { .len = 0 };
	const char *value;
	size_t pos = 0;

	(void)state;
	joined_get(NULL, &got);
	joined_get(j, &got);
	assert_int_equal(got.len, 0);
	facts_add(&f, "a", "1");
	joined_put(NULL, &f);
	joined_put(j, &f);
	facts_add(&f, "b", "2");
	joined_put(j, &f);
	joined_get(j, &got);
	assert_string_equal(facts_next(&got, &pos, &value), "a");
	assert_string_equal(facts_next(&got, &pos, &value), "b");
	assert_string_equal(value, "2");
	assert_null(facts_next(&got, &pos, &value));
	facts_free(&f);
	facts_free(&got);
	joined_free(j);
	joined_free(NULL);
}

static void what_does_not_fit_is_left_out_whole(void **state)
{
	struct joined *j = joined_new();
	struct facts f = { .len = 0 }, got = { .len = 0 };
	const char *value;
	size_t pos = 0;
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		facts_add(&f, "key", "%0100u", i);
	joined_put(j, &f);
	joined_get(j, &got);
	while (facts_next(&got, &pos, &value)) {
		assert_int_equal(strlen(value), 100);
		assert_int_equal(strtoul(value, NULL, 10), n++);
	}
	assert_int_equal(n, JOINED_BYTES / 105);
	facts_free(&f);
	facts_free(&got);
	joined_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_more_than_some_run_and_wait),
		cmocka_unit_test(a_limit_is_kept_and_said_once),
		cmocka_unit_test(at_the_end_what_waits_is_given_up),
		cmocka_unit_test(closed_standard_descriptors_do_no_harm),
		cmocka_unit_test(too_many_variables_are_said),
		cmocka_unit_test(what_was_put_last_is_got),
		cmocka_unit_test(what_does_not_fit_is_left_out_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
