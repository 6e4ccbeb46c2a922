/* SPDX-License-Identifier: GPL-2.0-or-later */
/* client.c - asks the running recorder through its control socket. */
#include "dump/client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "dump/command.h"

#define SOCKET_NAME "control.sock"
#define REPLY_MAX   (16u << 20) /* no recorder answers with more */

/* Why not, for people; the exit code. */
__attribute__((format(printf, 3, 4))) static int
explain(char why[CLIENT_WHY], int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, CLIENT_WHY, fmt, ap);
	va_end(ap);
	return code;
}

/* Where and why there is no daemon; the exit code. */
static int explain_connect(char why[CLIENT_WHY], const char *path, int err)
{
	if (err == EACCES || err == EPERM)
		return explain(why, EXIT_PERMISSION,
			       "no permission to use %s; be root or in the "
			       "recorder's group",
			       path);
	if (err == EAGAIN)
		return explain(why, EXIT_FAILED,
			       "flightrecd does not answer: it took too long");
	if (err == ENOENT || err == ENOTDIR)
		return explain(why, EXIT_NO_DAEMON,
			       "no flightrecd is running (no socket at %s); "
			       "start it with systemctl start flightrecd",
			       path);
	return explain(why, EXIT_NO_DAEMON,
		       "no flightrecd is running (nobody answers at %s: %s); "
		       "start it with systemctl start flightrecd",
		       path, strerror(err));
}

static int connect_socket(const char *folder, unsigned patience_s, int *ret_fd,
			  char why[CLIENT_WHY])
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = patience_s };
	int n, fd;

	n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", folder,
		     SOCKET_NAME);
	if (n < 0 || (size_t)n >= sizeof(addr.sun_path))
		return explain(why, EXIT_USAGE,
			       "%s: too long for a socket's name", folder);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return explain_connect(why, addr.sun_path, errno);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
		int err = errno;

		close(fd);
		return explain_connect(why, addr.sun_path, err);
	}
	*ret_fd = fd;
	return EXIT_OK;
}

/* NULL with errno. */
static char *read_all(int fd)
{
	size_t size = 4096, len = 0;
	char *text = malloc(size + 1);

	while (text) {
		ssize_t n = read(fd, text + len, size - len);
		char *bigger;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		if (!n) {
			text[len] = 0;
			return text;
		}
		len += (size_t)n;
		if (len < size)
			continue;
		size *= 2;
		bigger = size > REPLY_MAX ? NULL : realloc(text, size + 1);
		if (!bigger) {
			errno = EMSGSIZE;
			break;
		}
		text = bigger;
	}
	free(text);
	return NULL;
}

static int split_pairs(struct client_reply *r, char *line)
{
	char *next = line;

	while ((line = strsep(&next, "\n"))) {
		struct client_pair *pairs;
		char *value = strchr(line, '=');

		if (!value)
			continue;
		pairs = realloc(r->pairs, (r->nr + 1) * sizeof(*pairs));
		if (!pairs)
			return -ENOMEM;
		*value++ = 0;
		r->pairs = pairs;
		r->pairs[r->nr++] =
			(struct client_pair){ .key = line, .value = value };
	}
	return 0;
}

/* "ok" and pairs, or "error CODE TEXT". */
static int parse_reply(struct client_reply *r, char why[CLIENT_WHY])
{
	size_t len = strlen(r->text);
	char *text;
	long code;

	if (!strncmp(r->text, "ok\n", 3)) {
		if (!split_pairs(r, r->text + 3))
			return EXIT_OK;
		return explain(why, EXIT_FAILED, "out of memory");
	}
	if (!strncmp(r->text, "error ", 6)) {
		if (r->text[len - 1] == '\n')
			r->text[len - 1] = 0;
		code = strtol(r->text + 6, &text, 10);
		return explain(why,
			       code > 0 && code < 126 ? (int)code : EXIT_FAILED,
			       "%s", *text == ' ' ? text + 1 : text);
	}
	return explain(why, EXIT_FAILED,
		       "flightrecd closed the connection without an answer; "
		       "its log says why");
}

static int send_line(int fd, const char *line)
{
	size_t len = strlen(line);

	while (len) {
		ssize_t n = send(fd, line, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			line += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

int client_try(const char *folder, const char *line, unsigned patience_s,
	       struct client_reply *ret, char why[CLIENT_WHY])
{
	int fd = -1, code, r;

	*ret = (struct client_reply){ 0 };
	why[0] = 0;
	code = connect_socket(folder, patience_s, &fd, why);
	if (code != EXIT_OK)
		return code;
	/* who refuses may answer before it has read: the answer counts */
	r = send_line(fd, line);
	ret->text = read_all(fd);
	if (!ret->text && !r)
		r = -errno;
	close(fd);
	if (ret->text && (*ret->text || !r))
		code = parse_reply(ret, why);
	else if (r == -EAGAIN)
		code = EXIT_FAILED;
	else
		code = EXIT_NO_DAEMON;
	if (!ret->text)
		explain(why, code, "flightrecd does not answer: %s",
			r == -EAGAIN ? "it took too long" : strerror(-r));
	if (code != EXIT_OK)
		client_free(ret);
	return code;
}

int client_ask(const char *folder, const char *line, unsigned patience_s,
	       struct client_reply *ret)
{
	char why[CLIENT_WHY];
	int code = client_try(folder, line, patience_s, ret, why);

	if (code != EXIT_OK)
		fprintf(stderr, "flightrec: %s\n", why);
	return code;
}

void client_print_snapshot(const struct client_reply *r, bool quiet)
{
	const char *path = client_value(r, "path");
	const char *bytes = client_value(r, "bytes");
	const char *freeze = client_value(r, "freeze_us");
	const char *total = client_value(r, "total_ms");

	printf("%s\n", path ? path : "");
	if (!quiet && bytes && freeze && total)
		fprintf(stderr,
			"flightrec: %s bytes in %s ms; the ring was held "
			"within %s us\n",
			bytes, total, freeze);
}

const char *client_value(const struct client_reply *r, const char *key)
{
	for (unsigned i = 0; i < r->nr; i++)
		if (!strcmp(r->pairs[i].key, key))
			return r->pairs[i].value;
	return NULL;
}

void client_free(struct client_reply *r)
{
	free(r->pairs);
	free(r->text);
	*r = (struct client_reply){ 0 };
}
