/* SPDX-License-Identifier: GPL-2.0-or-later */
/* control.c - the control socket: parser and server. */
#include "recorder/control.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NOT_PERMITTED \
	"not permitted: the control socket serves root and the group run.group"

#define STRING(x)    STRING_OF(x)
#define STRING_OF(x) #x
#define TOO_LONG                              \
	"the request is longer than " STRING( \
		CONTROL_LINE) " bytes; a rule has at most 4096"

enum client_state {
	CLIENT_FREE = 0,
	CLIENT_READING, /* until the newline */
	CLIENT_WAITING, /* the handler has it */
	CLIENT_WRITING,
};

struct client {
	enum client_state state;
	int fd;
	uint64_t id;
	uint64_t deadline_ns;       /* UINT64_MAX while the handler has it */
	struct control_request req; /* pid and uid before it is parsed */
	int allowed;
	size_t len; /* of line */
	char line[CONTROL_LINE];
	char *out;
	size_t out_len, out_done;
};

struct control {
	int listen_fd, epoll_fd;
	gid_t gid;
	control_fn fn;
	void *arg;
	uint64_t next_id, now_ns;
	struct control_counts counts;
	struct client clients[CONTROL_CLIENTS];
};

/* ---- the line ------------------------------------------------------------- */

static const char *const verbs[] = {
	[CONTROL_STATUS] = "status",
	[CONTROL_DUMP] = "dump",
	[CONTROL_RELOAD] = "reload",
	[CONTROL_TRIGGERS] = "triggers",
	[CONTROL_ADD] = "trigger-add",
	[CONTROL_REMOVE] = "trigger-remove",
	[CONTROL_ENABLE] = "trigger-enable",
	[CONTROL_DISABLE] = "trigger-disable",
	[CONTROL_FIRE] = "trigger-fire",
};
#define NR_VERBS (sizeof(verbs) / sizeof(verbs[0]))
/* Those that cannot do without name=. */
#define NAMED                                                              \
	(1u << CONTROL_ADD | 1u << CONTROL_REMOVE | 1u << CONTROL_ENABLE | \
	 1u << CONTROL_DISABLE | 1u << CONTROL_FIRE)

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decodes into ${out}; control bytes become '?', so that what a client
 * says cannot forge lines in logs and answers. */
static int decode(const char *in, size_t len, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)in[i];

		if (c == '%') {
			if (i + 2 >= len || hex_value(in[i + 1]) < 0 ||
			    hex_value(in[i + 2]) < 0)
				return -EINVAL;
			c = hex_value(in[i + 1]) * 16 + hex_value(in[i + 2]);
			i += 2;
		}
		if (n + 1 >= size)
			return -E2BIG;
		out[n++] = (char)(c < 0x20 || c == 0x7f ? '?' : c);
	}
	out[n] = '\0';
	return 0;
}

/* What requests take, beside the keys of rules. */
static const struct field {
	unsigned verbs; /* bits 1 << CONTROL_* */
	const char *key;
	size_t offset, size;
} fields[] = {
#define FIELD(verbs, key)                                             \
	{                                                             \
		verbs, #key, offsetof(struct control_request, key),   \
			sizeof(((struct control_request *)NULL)->key) \
	}
	FIELD(1u << CONTROL_DUMP | NAMED, name),
	FIELD(1u << CONTROL_DUMP | 1u << CONTROL_FIRE, reason),
	FIELD(1u << CONTROL_ADD, replace),
#undef FIELD
};

static const struct field *find_field(enum control_verb verb, const char *key,
				      size_t len)
{
	for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].verbs & 1u << verb &&
		    strlen(fields[i].key) == len &&
		    !memcmp(fields[i].key, key, len))
			return &fields[i];
	return NULL;
}

static int refuse_value(const char *key, size_t len, size_t size,
			struct fr_diag *diag)
{
	snprintf(
		diag->text, sizeof(diag->text),
		"the value of %.*s is too long (%zu bytes at most) or not percent-encoded",
		(int)(len < 64 ? len : 64), key, size ? size - 1 : 0);
	return -EINVAL;
}

/* A key of a rule and its value, each with a zero byte behind it. */
static int take_key(struct control_request *req, const char *key, size_t klen,
		    const char *value, size_t vlen, struct fr_diag *diag)
{
	size_t left = sizeof(req->keys) - req->keys_len;
	char *to = req->keys + req->keys_len;

	if (klen + 2 > left ||
	    decode(value, vlen, to + klen + 1, left - klen - 1))
		return refuse_value(key, klen, left, diag);
	memcpy(to, key, klen);
	to[klen] = '\0';
	req->keys_len += klen + 1 + strlen(to + klen + 1) + 1;
	return 0;
}

static bool is_key(const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!islower((unsigned char)word[i]) &&
		    !isdigit((unsigned char)word[i]) && !strchr("_-", word[i]))
			return false;
	return len > 0;
}

static int parse_value(struct control_request *req, const char *word,
		       size_t len, struct fr_diag *diag)
{
	const char *eq = memchr(word, '=', len);
	size_t klen = eq ? (size_t)(eq - word) : len;
	size_t vlen = eq ? len - klen - 1 : 0;
	const struct field *f = eq ? find_field(req->verb, word, klen) : NULL;

	if (f && decode(eq + 1, vlen, (char *)req + f->offset, f->size))
		return refuse_value(word, klen, f->size, diag);
	if (f)
		return 0;
	if (eq && req->verb == CONTROL_ADD && is_key(word, klen))
		return take_key(req, word, klen, eq + 1, vlen, diag);
	snprintf(diag->text, sizeof(diag->text),
		 "%s takes no '%.*s'; flightrecd(8) says what it takes",
		 verbs[req->verb], (int)(klen < 64 ? klen : 64), word);
	return -EINVAL;
}

const char *control_next_key(const struct control_request *req, size_t *pos,
			     const char **ret_value)
{
	const char *key = req->keys + *pos;

	if (*pos >= req->keys_len)
		return NULL;
	*ret_value = key + strlen(key) + 1;
	*pos += strlen(key) + 1 + strlen(*ret_value) + 1;
	return key;
}

/* The next word of the line; its length, 0 at the end. */
static size_t next_word(const char *line, size_t len, size_t *pos)
{
	size_t begin;

	while (*pos < len && line[*pos] == ' ')
		(*pos)++;
	begin = *pos;
	while (*pos < len && line[*pos] != ' ')
		(*pos)++;
	return *pos - begin;
}

int control_parse(const char *line, size_t len, struct control_request *ret,
		  struct fr_diag *diag)
{
	struct control_request req = { .pid = ret->pid, .uid = ret->uid };
	size_t pos = 0, n, v;

	if (len && line[len - 1] == '\r')
		len--;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < 0x20)
			goto bad;
	n = next_word(line, len, &pos);
	for (v = 0; v < NR_VERBS; v++)
		if (n == strlen(verbs[v]) &&
		    !memcmp(line + pos - n, verbs[v], n))
			break;
	if (v == NR_VERBS)
		goto bad;
	req.verb = (enum control_verb)v;
	while ((n = next_word(line, len, &pos)))
		if (parse_value(&req, line + pos - n, n, diag))
			return -EINVAL;
	if (NAMED & 1u << req.verb && !req.name[0]) {
		snprintf(diag->text, sizeof(diag->text),
			 "%s needs name=", verbs[req.verb]);
		return -EINVAL;
	}
	*ret = req;
	return 0;
bad:
	snprintf(diag->text, sizeof(diag->text),
		 "unknown request; known are status, dump, reload, triggers, "
		 "trigger-add, -remove, -enable, -disable, -fire");
	return -EINVAL;
}

/* ---- clients --------------------------------------------------------------- */

static void client_free(struct control *c, struct client *cl)
{
	close(cl->fd);
	free(cl->out);
	cl->out = NULL;
	cl->state = CLIENT_FREE;
	c->counts.clients--;
	c->counts.strangers -= !cl->allowed;
}

static void client_watch(struct control *c, struct client *cl, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = cl };

	epoll_ctl(c->epoll_fd, EPOLL_CTL_MOD, cl->fd, &ev);
}

/* Sends what fits; frees the client when all is out or it went away. */
static void client_write(struct control *c, struct client *cl)
{
	while (cl->out_done < cl->out_len) {
		ssize_t n = send(cl->fd, cl->out + cl->out_done,
				 cl->out_len - cl->out_done,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			client_watch(c, cl, EPOLLOUT);
			return;
		}
		if (n < 0)
			break;
		cl->out_done += (size_t)n;
	}
	client_free(c, cl);
}

static void client_answer(struct control *c, struct client *cl, int code,
			  const char *text)
{
	int n = code ? asprintf(&cl->out, "error %d %s\n", code, text) :
		       asprintf(&cl->out, "ok\n%s", text);

	if (n < 0) {
		cl->out = NULL;
		client_free(c, cl);
		return;
	}
	cl->out_len = (size_t)n;
	cl->out_done = 0;
	cl->state = CLIENT_WRITING;
	cl->deadline_ns = c->now_ns + CONTROL_PATIENCE_NS;
	client_write(c, cl);
}

/* 1 if a member of the group: primary or supplementary, as of connect(2). */
static int in_group(int fd, const struct ucred *cred, gid_t gid)
{
	gid_t groups[256];
	socklen_t len = sizeof(groups);

	if (gid == (gid_t)-1)
		return 0;
	if (cred->gid == gid)
		return 1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return 0;
	for (size_t i = 0; i < len / sizeof(gid_t); i++)
		if (groups[i] == gid)
			return 1;
	return 0;
}

/* Fills pid and uid; 1 if the peer may ask. */
static int peer_allowed(const struct control *c, int fd,
			struct control_request *req)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return 0;
	req->pid = cred.pid;
	req->uid = cred.uid;
	return cred.uid == 0 || cred.uid == geteuid() ||
	       in_group(fd, &cred, c->gid);
}

static void client_line(struct control *c, struct client *cl, size_t len)
{
	struct fr_diag diag;

	if (!cl->allowed) {
		c->counts.refused++;
		client_answer(c, cl, 6, NOT_PERMITTED);
		return;
	}
	if (control_parse(cl->line, len, &cl->req, &diag)) {
		c->counts.dropped++;
		client_answer(c, cl, 2, diag.text);
		return;
	}
	c->counts.served++;
	cl->state = CLIENT_WAITING;
	cl->deadline_ns = UINT64_MAX;
	client_watch(c, cl, 0); /* EPOLLHUP and EPOLLERR come all the same */
	c->fn(c->arg, cl->id, &cl->req);
}

static void client_read(struct control *c, struct client *cl)
{
	char *nl;
	ssize_t n = recv(cl->fd, cl->line + cl->len, sizeof(cl->line) - cl->len,
			 MSG_DONTWAIT);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		c->counts.dropped++;
		client_free(c, cl);
		return;
	}
	cl->len += (size_t)n;
	nl = memchr(cl->line, '\n', cl->len);
	if (nl) {
		client_line(c, cl, (size_t)(nl - cl->line));
	} else if (cl->len == sizeof(cl->line)) {
		c->counts.dropped++;
		client_answer(c, cl, 2, TOO_LONG);
	}
}

static struct client *client_find_free(struct control *c)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
		if (c->clients[i].state == CLIENT_FREE)
			return &c->clients[i];
	return NULL;
}

static void turn_away(int fd, const char *answer)
{
	(void)!send(fd, answer, strlen(answer), MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void client_add(struct control *c, struct client *cl, int fd,
		       const struct control_request *peer, int allowed)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = cl };

	if (epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		close(fd);
		return;
	}
	cl->state = CLIENT_READING;
	cl->fd = fd;
	cl->id = ++c->next_id;
	cl->len = 0;
	cl->out = NULL;
	cl->deadline_ns = c->now_ns + CONTROL_PATIENCE_NS;
	cl->req = *peer;
	cl->allowed = allowed;
	c->counts.clients++;
	c->counts.strangers += !allowed;
}

static void accept_one(struct control *c)
{
	int fd =
		accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct control_request peer = { 0 };
	struct client *cl = client_find_free(c);
	int allowed;

	if (fd < 0)
		return;
	allowed = peer_allowed(c, fd, &peer);
	if (!allowed && c->counts.strangers >= CONTROL_STRANGERS) {
		c->counts.refused++;
		turn_away(fd, "error 6 " NOT_PERMITTED "\n");
	} else if (!cl) {
		c->counts.dropped++;
		turn_away(fd, "error 1 too many clients; try again\n");
	} else {
		client_add(c, cl, fd, &peer, allowed);
	}
}

/* ---- server ---------------------------------------------------------------- */

static int listen_on(struct control *c, const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct epoll_event ev = { .events = EPOLLIN };

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	c->listen_fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->listen_fd < 0)
		return -errno;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	if (bind(c->listen_fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	/* Everyone may connect and be told why not; SO_PEERCRED decides. */
	if (chmod(path, 0666) < 0 || listen(c->listen_fd, CONTROL_CLIENTS) < 0)
		return -errno;
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll_fd < 0 ||
	    epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, c->listen_fd, &ev) < 0)
		return -errno;
	return 0;
}

struct control *control_open(const char *path, gid_t gid, control_fn fn,
			     void *arg)
{
	struct control *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return NULL;
	c->listen_fd = c->epoll_fd = -1;
	c->gid = gid;
	c->fn = fn;
	c->arg = arg;
	err = listen_on(c, path);
	if (err) {
		control_close(c);
		errno = -err;
		return NULL;
	}
	return c;
}

void control_close(struct control *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
		if (c->clients[i].state != CLIENT_FREE)
			client_free(c, &c->clients[i]);
	if (c->listen_fd >= 0)
		close(c->listen_fd);
	if (c->epoll_fd >= 0)
		close(c->epoll_fd);
	free(c);
}

int control_fd(const struct control *c)
{
	return c->epoll_fd;
}

static void serve(struct control *c, struct client *cl, uint32_t events)
{
	if (cl->state == CLIENT_READING) {
		client_read(c, cl);
	} else if (cl->state == CLIENT_WRITING) {
		client_write(c, cl);
	} else if (cl->state == CLIENT_WAITING &&
		   events & (EPOLLHUP | EPOLLERR)) {
		client_free(c, cl);
	}
}

void control_dispatch(struct control *c, uint64_t now_ns)
{
	struct epoll_event ev[CONTROL_CLIENTS + 1];
	int n = epoll_wait(c->epoll_fd, ev, CONTROL_CLIENTS + 1, 0);

	c->now_ns = now_ns;
	for (int i = 0; i < n; i++) {
		struct client *cl = ev[i].data.ptr;

		if (cl)
			serve(c, cl, ev[i].events);
		else
			accept_one(c);
	}
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *cl = &c->clients[i];

		if (cl->state != CLIENT_FREE && cl->deadline_ns <= now_ns) {
			c->counts.dropped++;
			client_free(c, cl);
		}
	}
}

uint64_t control_next_deadline(const struct control *c)
{
	uint64_t min = UINT64_MAX;

	for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
		if (c->clients[i].state != CLIENT_FREE &&
		    c->clients[i].deadline_ns < min)
			min = c->clients[i].deadline_ns;
	return min;
}

void control_reply(struct control *c, uint64_t client, int code,
		   const char *text, uint64_t now_ns)
{
	c->now_ns = now_ns;
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *cl = &c->clients[i];

		if (cl->id == client && cl->state == CLIENT_WAITING)
			client_answer(c, cl, code, text);
	}
}

void control_counts(const struct control *c, struct control_counts *ret)
{
	*ret = c->counts;
}
