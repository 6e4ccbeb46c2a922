/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_control.c - the control line's parser, and the server beside bad clients. */
#include "tests/unit/test.h"

#include "recorder/control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- the line ------------------------------------------------------------------- */

static int parse(const char *line, struct control_request *req)
{
	struct fr_diag diag;

	memset(req, 0, sizeof(*req));
	return control_parse(line, strlen(line), req, &diag);
}

static void verbs_are_told_apart(void **state)
{
	static const struct {
		const char *line;
		int err;
		enum control_verb verb;
	} cases[] = {
		{ "status", 0, CONTROL_STATUS },
		{ "dump", 0, CONTROL_DUMP },
		{ "reload", 0, CONTROL_RELOAD },
		{ "triggers", 0, CONTROL_TRIGGERS },
		{ "  status  ", 0, CONTROL_STATUS },
		{ "status\r", 0, CONTROL_STATUS },
		{ "", -EINVAL, 0 },
		{ " ", -EINVAL, 0 },
		{ "stat", -EINVAL, 0 },
		{ "statusx", -EINVAL, 0 },
		{ "STATUS", -EINVAL, 0 },
		{ "status x", -EINVAL, 0 },
		{ "status name=x", -EINVAL, 0 },
		{ "dump name", -EINVAL, 0 },
		{ "dump nam=x", -EINVAL, 0 },
		{ "dump\tname=x", -EINVAL, 0 },
	};
	struct control_request req;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(cases[i].line, &req), cases[i].err);
		if (!cases[i].err)
			assert_int_equal(req.verb, cases[i].verb);
	}
}

static void values_are_decoded(void **state)
{
	struct control_request req;

	(void)state;
	assert_int_equal(parse("dump name=a%20b reason=50%25%2f%2F", &req), 0);
	assert_string_equal(req.name, "a b");
	assert_string_equal(req.reason, "50%//");
	assert_int_equal(parse("dump reason= name=", &req), 0);
	assert_string_equal(req.reason, "");
	assert_int_equal(parse("dump name=a%2", &req), -EINVAL);
	assert_int_equal(parse("dump name=%", &req), -EINVAL);
	assert_int_equal(parse("dump name=%zz", &req), -EINVAL);
}

static void control_bytes_cannot_forge_lines(void **state)
{
	struct control_request req;

	(void)state;
	assert_int_equal(parse("dump reason=a%0Apath=/x%00%1b", &req), 0);
	assert_string_equal(req.reason, "a?path=/x??");
}

static void values_have_a_limit(void **state)
{
	struct control_request req;
	char line[400] = "dump name=";

	(void)state;
	memset(line + 10, 'a', 63);
	line[73] = '\0';
	assert_int_equal(parse(line, &req), 0);
	assert_int_equal(strlen(req.name), 63);
	line[73] = 'a';
	line[74] = '\0';
	assert_int_equal(parse(line, &req), -EINVAL);
}

static void bad_line_leaves_the_request(void **state)
{
	struct control_request req = { .pid = 7, .uid = 8 };
	struct fr_diag diag;

	(void)state;
	assert_int_equal(control_parse("dump name=x nonsense=1", 22, &req,
				       &diag),
			 -EINVAL);
	assert_string_equal(req.name, "");
	assert_non_null(strstr(diag.text, "nonsense"));
	assert_int_equal(control_parse("dump name=x", 11, &req, &diag), 0);
	assert_int_equal(req.pid, 7);
	assert_int_equal(req.uid, 8);
}

static void rules_are_taken_apart(void **state)
{
	static const char line[] =
		"trigger-add name=a.b when=fs.fsync%20latency%20>%201s "
		"tail=2s replace=yes enabled=";
	struct control_request req;
	const char *value;
	size_t pos = 0;

	(void)state;
	assert_int_equal(parse(line, &req), 0);
	assert_int_equal(req.verb, CONTROL_ADD);
	assert_string_equal(req.name, "a.b");
	assert_string_equal(req.replace, "yes");
	assert_string_equal(control_next_key(&req, &pos, &value), "when");
	assert_string_equal(value, "fs.fsync latency > 1s");
	assert_string_equal(control_next_key(&req, &pos, &value), "tail");
	assert_string_equal(value, "2s");
	assert_string_equal(control_next_key(&req, &pos, &value), "enabled");
	assert_string_equal(value, "");
	assert_null(control_next_key(&req, &pos, &value));
}

static void requests_on_triggers_need_a_name(void **state)
{
	static const struct {
		const char *line;
		int err;
		enum control_verb verb;
	} cases[] = {
		{ "trigger-remove name=x", 0, CONTROL_REMOVE },
		{ "trigger-enable name=x", 0, CONTROL_ENABLE },
		{ "trigger-disable name=x", 0, CONTROL_DISABLE },
		{ "trigger-fire name=x reason=y", 0, CONTROL_FIRE },
		{ "trigger-add", -EINVAL, 0 },
		{ "trigger-remove name=", -EINVAL, 0 },
		{ "trigger-enable", -EINVAL, 0 },
		{ "trigger-disable when=x", -EINVAL, 0 },
		{ "trigger-enable name=x reason=y", -EINVAL, 0 },
		{ "trigger-fire reason=y", -EINVAL, 0 },
		{ "trigger-add name=x when", -EINVAL, 0 },
		{ "trigger-add name=x =y", -EINVAL, 0 },
		{ "trigger-add name=x WHEN=y", -EINVAL, 0 },
		{ "trigger-add name=x when=%2", -EINVAL, 0 },
		{ "trigger-add name=x replace=123456789", -EINVAL, 0 },
		{ "trigger name=x", -EINVAL, 0 },
	};
	struct control_request req;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(cases[i].line, &req), cases[i].err);
		if (!cases[i].err)
			assert_int_equal(req.verb, cases[i].verb);
	}
}

/* Keys and values fill their room to the last byte, and no further. */
static void rules_have_a_limit(void **state)
{
	static struct control_request req;
	static char line[CONTROL_LINE];
	const char *value;
	size_t pos = 0;

	(void)state;
	for (int more = 0; more < 2; more++) {
		char *end = line + snprintf(line, sizeof(line),
					    "trigger-add name=x when=");

		memset(end, 'a', CONTROL_KEYS - 6 + more);
		end[CONTROL_KEYS - 6 + more] = '\0';
		assert_int_equal(parse(line, &req), more ? -EINVAL : 0);
	}
	line[strlen(line) - 1] = '\0';
	assert_int_equal(parse(line, &req), 0);
	assert_int_equal(req.keys_len, CONTROL_KEYS);
	assert_string_equal(control_next_key(&req, &pos, &value), "when");
	assert_int_equal(strlen(value), CONTROL_KEYS - 6);
}

/* ---- the server ----------------------------------------------------------------- */

struct server {
	char folder[64], path[96];
	struct control *c;
	uint64_t now, waiting; /* client that asked for a dump */
	unsigned requests;
	int hold; /* do not answer */
};

static void on_request(void *arg, uint64_t client,
		       const struct control_request *req)
{
	struct server *s = arg;

	s->requests++;
	s->waiting = client;
	if (s->hold)
		return;
	if (req->verb == CONTROL_RELOAD)
		control_reply(s->c, client, 2, "no such file", s->now);
	else
		control_reply(s->c, client, 0, "a=1\nb=2\n", s->now);
}

static int server_setup(void **state)
{
	static struct server s;

	memset(&s, 0, sizeof(s));
	snprintf(s.folder, sizeof(s.folder), "/tmp/test-control.XXXXXX");
	if (!mkdtemp(s.folder))
		return -1;
	snprintf(s.path, sizeof(s.path), "%s/control.sock", s.folder);
	s.now = 1000;
	s.c = control_open(s.path, (gid_t)-1, on_request, &s);
	*state = &s;
	return s.c ? 0 : -1;
}

static int server_teardown(void **state)
{
	struct server *s = *state;

	control_close(s->c);
	unlink(s->path);
	return rmdir(s->folder);
}

static int dial(struct server *s)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = 2 };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", s->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	control_dispatch(s->c, s->now);
	return fd;
}

static void say(struct server *s, int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
			 (ssize_t)strlen(text));
	control_dispatch(s->c, s->now);
}

/* All that comes until the server closes. */
static void hear(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len + 1 < size &&
	       (n = recv(fd, buf + len, size - 1 - len, 0)) > 0)
		len += (size_t)n;
	buf[len] = '\0';
	close(fd);
}

static void request_is_answered_and_closed(void **state)
{
	struct server *s = *state;
	char buf[256];
	int fd = dial(s);

	say(s, fd, "sta");
	assert_int_equal(s->requests, 0);
	say(s, fd, "tus\n");
	hear(fd, buf, sizeof(buf));
	assert_string_equal(buf, "ok\na=1\nb=2\n");
	fd = dial(s);
	say(s, fd, "reload\n");
	hear(fd, buf, sizeof(buf));
	assert_string_equal(buf, "error 2 no such file\n");
}

static void nonsense_gets_usage(void **state)
{
	struct server *s = *state;
	char buf[256];
	int fd = dial(s);

	say(s, fd, "GET / HTTP/1.1\r\n");
	hear(fd, buf, sizeof(buf));
	assert_memory_equal(buf, "error 2 unknown request", 23);
	assert_int_equal(s->requests, 0);
}

static void long_line_is_refused(void **state)
{
	struct server *s = *state;
	char line[CONTROL_LINE + 1], buf[256];
	int fd = dial(s);

	memset(line, 'a', CONTROL_LINE);
	line[CONTROL_LINE] = '\0';
	say(s, fd, line);
	hear(fd, buf, sizeof(buf));
	assert_non_null(
		strstr(buf, "error 2 the request is longer than 16384"));
}

static void late_answer_reaches_only_who_asked(void **state)
{
	struct server *s = *state;
	char buf[256];
	uint64_t first;
	int a = dial(s), b = dial(s);

	s->hold = 1;
	say(s, a, "dump\n");
	first = s->waiting;
	say(s, b, "dump\n");
	assert_int_not_equal(first, s->waiting);
	s->now += 100 * CONTROL_PATIENCE_NS; /* who waits is not late */
	control_dispatch(s->c, s->now);
	control_reply(s->c, first, 0, "path=/x\n", s->now);
	control_reply(s->c, first, 0, "path=/y\n", s->now);
	hear(a, buf, sizeof(buf));
	assert_string_equal(buf, "ok\npath=/x\n");
	control_reply(s->c, s->waiting, 1, "full", s->now);
	hear(b, buf, sizeof(buf));
	assert_string_equal(buf, "error 1 full\n");
}

static void silent_client_is_closed(void **state)
{
	struct server *s = *state;
	struct control_counts n;
	char buf[16];
	int fd = dial(s);

	control_counts(s->c, &n);
	assert_int_equal(n.clients, 1);
	assert_true(control_next_deadline(s->c) ==
		    s->now + CONTROL_PATIENCE_NS);
	s->now += CONTROL_PATIENCE_NS - 1;
	control_dispatch(s->c, s->now);
	control_counts(s->c, &n);
	assert_int_equal(n.clients, 1);
	s->now++;
	control_dispatch(s->c, s->now);
	control_counts(s->c, &n);
	assert_int_equal(n.clients, 0);
	assert_int_equal(n.dropped, 1);
	assert_true(control_next_deadline(s->c) == UINT64_MAX);
	hear(fd, buf, sizeof(buf));
	assert_string_equal(buf, "");
}

static void too_many_clients_are_told_so(void **state)
{
	struct server *s = *state;
	int fds[CONTROL_CLIENTS];
	struct control_counts n;
	char buf[64];

	for (int i = 0; i < CONTROL_CLIENTS; i++)
		fds[i] = dial(s);
	hear(dial(s), buf, sizeof(buf));
	assert_string_equal(buf, "error 1 too many clients; try again\n");
	close(fds[0]);
	control_dispatch(s->c, s->now);
	fds[0] = dial(s);
	say(s, fds[0], "status\n");
	hear(fds[0], buf, sizeof(buf));
	assert_string_equal(buf, "ok\na=1\nb=2\n");
	for (int i = 1; i < CONTROL_CLIENTS; i++)
		close(fds[i]);
	control_dispatch(s->c, s->now);
	control_counts(s->c, &n);
	assert_int_equal(n.clients, 0);
}

static void client_that_left_is_forgotten(void **state)
{
	struct server *s = *state;
	struct control_counts n;
	int fd = dial(s);

	s->hold = 1;
	say(s, fd, "dump\n");
	close(fd);
	control_dispatch(s->c, s->now);
	control_counts(s->c, &n);
	assert_int_equal(n.clients, 0);
	control_reply(s->c, s->waiting, 0, "path=/x\n", s->now);
}

static void stale_socket_is_replaced(void **state)
{
	struct server *s = *state;
	struct control *again;

	again = control_open(s->path, (gid_t)-1, on_request, s);
	assert_non_null(again);
	control_close(s->c);
	s->c = again;
	request_is_answered_and_closed(state);
}

int main(void)
{
#define SERVED(f) \
	cmocka_unit_test_setup_teardown(f, server_setup, server_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verbs_are_told_apart),
		cmocka_unit_test(values_are_decoded),
		cmocka_unit_test(control_bytes_cannot_forge_lines),
		cmocka_unit_test(values_have_a_limit),
		cmocka_unit_test(rules_are_taken_apart),
		cmocka_unit_test(requests_on_triggers_need_a_name),
		cmocka_unit_test(rules_have_a_limit),
		cmocka_unit_test(bad_line_leaves_the_request),
		SERVED(request_is_answered_and_closed),
		SERVED(nonsense_gets_usage),
		SERVED(long_line_is_refused),
		SERVED(late_answer_reaches_only_who_asked),
		SERVED(silent_client_is_closed),
		SERVED(too_many_clients_are_told_so),
		SERVED(client_that_left_is_forgotten),
		SERVED(stale_socket_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
