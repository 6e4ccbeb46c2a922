/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kmsg.c - what the kernel says in its log: lines that fit patterns, and by level.
 *
 * /dev/kmsg gives one record per read().  Its descriptor is opened once, behind what
 * is there already, and reading on takes no right: so the recorder needs none after
 * its start.  Records that programs wrote into the log have another facility than
 * the kernel's and are passed over, or anyone who may write there could raise an
 * alarm.
 */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KMSG_PATH         "/dev/kmsg"
#define KMSG_RECORD_BYTES 16384 /* the kernel's are at most half of it */
#define KMSG_ROUND_MAX    20000 /* records of a round: the rest is for the next */
#define KMSG_OWN_MAX      32    /* patterns of the list */
#define KMSG_NAME_MAX     32
#define KMSG_GLOB_MAX     96

/* Fitted against the whole message, without regard to case. */
static const struct kmsg_known {
	const char *name, *globs[4];
} kmsg_known[] = {
	{ "hung_task", { "*blocked for more than *seconds*" } },
	{ "lockup",
	  { "*soft lockup*", "*hard lockup*", "*self-detected stall*",
	    "*detected stalls on*" } },
	{ "oom", { "*invoked oom-killer*" } },
	{ "segfault", { "*segfault at*", "*traps:*general protection*" } },
	{ "bug", { "BUG: *", "*kernel BUG at*", "Oops*", "*: Oops*" } },
	{ "warning", { "WARNING: *" } },
	{ "link_down", { "*link is down*", "*link down*" } },
	{ "io_error",
	  { "*I/O error*", "*medium error*", "*critical target error*" } },
	{ "task_abort",
	  { "*task abort*", "*timeout, aborting*", "*timeout, reset *",
	    "*aborting command*" } },
	{ "fs_error",
	  { "EXT4-fs error*", "XFS (*): *corrupt*", "XFS (*): *error*",
	    "BTRFS*error*" } },
	{ "readdir_loop", { "*readdir loop*" } },
	{ "not_responding", { "*server * not responding*" } },
	{ "mce", { "*[[]Hardware Error]*", "*machine check*" } },
};
#define KMSG_KNOWN (sizeof(kmsg_known) / sizeof(kmsg_known[0]))

static const char *const kmsg_levels[] = {
	"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"
};

static const struct metric_def kmsg_lines =
	SHAPE_COUNTER("kmsg.%.lines", "", 1);
static const struct metric_def kmsg_by_level =
	SHAPE_COUNTER("kmsg.level.%", "", 1);
static const struct metric_def kmsg_missed =
	SHAPE_COUNTER("kmsg.missed", "", 1);

struct kmsg_own {
	char name[KMSG_NAME_MAX], glob[KMSG_GLOB_MAX];
	int64_t lines;
};

struct kmsg {
	int fd;
	bool known_wanted[KMSG_KNOWN];
	int64_t known[KMSG_KNOWN], levels[8], missed;
	struct kmsg_own own[KMSG_OWN_MAX];
	unsigned nr_own;
	int64_t next_seq; /* -1: not known */
	char buf[KMSG_RECORD_BYTES + 1];
};

/* ---- the list -------------------------------------------------------------------- */

/* Words that choose among the known patterns choose all of them if there are none. */
static bool kmsg_choose(struct kmsg *k, const char *word)
{
	bool any = false;

	for (unsigned i = 0; i < KMSG_KNOWN; i++)
		if (!fnmatch(word, kmsg_known[i].name, 0))
			any = k->known_wanted[i] = true;
	return any;
}

/* NAME=GLOB; a blank in the message is a ? here. */
static bool kmsg_add_own(struct kmsg *k, const char *word)
{
	const char *equals = strchr(word, '=');
	struct kmsg_own *o = &k->own[k->nr_own];

	if (k->nr_own == KMSG_OWN_MAX || equals == word || !equals[1])
		return false;
	if (equals - word >= KMSG_NAME_MAX ||
	    (size_t)snprintf(o->glob, sizeof(o->glob), "*%s*", equals + 1) >=
		    sizeof(o->glob))
		return false;
	snprintf(o->name, sizeof(o->name), "%.*s", (int)(equals - word), word);
	for (unsigned i = 0; i < KMSG_KNOWN; i++)
		if (!strcmp(o->name, kmsg_known[i].name))
			return false;
	for (unsigned i = 0; i < k->nr_own; i++)
		if (!strcmp(o->name, k->own[i].name))
			return false;
	k->nr_own++;
	return true;
}

static int kmsg_bad_word(const char *word, char *ret_what, size_t size)
{
	size_t at = (size_t)snprintf(
		ret_what, size,
		strchr(word, '=') ?
			"'%.64s' is no NAME=GLOB of a name of its own; names "
			"that are taken:" :
			"kmsg has no pattern named '%.64s'; there are",
		word);

	for (unsigned i = 0; i < KMSG_KNOWN && at < size; i++)
		at += (size_t)snprintf(ret_what + at, size - at, " %s",
				       kmsg_known[i].name);
	return -EINVAL;
}

static int kmsg_parse_list(struct kmsg *k, const char *list, char *ret_what,
			   size_t size)
{
	const char *p = list ? list : "";
	bool chosen = false;

	while (*(p += strspn(p, " ,"))) {
		size_t n = strcspn(p, " ,");
		char word[KMSG_NAME_MAX + KMSG_GLOB_MAX];

		snprintf(word, sizeof(word), "%.*s", (int)n, p);
		if (n >= sizeof(word))
			return kmsg_bad_word(word, ret_what, size);
		if (strchr(word, '=') ? !kmsg_add_own(k, word) :
					!kmsg_choose(k, word))
			return kmsg_bad_word(word, ret_what, size);
		chosen |= !strchr(word, '=');
		p += n;
	}
	if (!chosen)
		kmsg_choose(k, "*");
	return 0;
}

static int kmsg_check(const char *list, char *ret_what, size_t size)
{
	struct kmsg *k = calloc(1, sizeof(*k));
	int r = k ? kmsg_parse_list(k, list, ret_what, size) : -ENOMEM;

	free(k);
	return r;
}

/* ---- records ----------------------------------------------------------------------- */

static void kmsg_count(struct kmsg *k, const char *message)
{
	for (unsigned i = 0; i < KMSG_KNOWN; i++) {
		const char *const *globs = kmsg_known[i].globs;

		for (unsigned j = 0; j < 4 && globs[j]; j++)
			if (!fnmatch(globs[j], message, FNM_CASEFOLD)) {
				k->known[i]++;
				break;
			}
	}
	for (unsigned i = 0; i < k->nr_own; i++)
		k->own[i].lines +=
			!fnmatch(k->own[i].glob, message, FNM_CASEFOLD);
}

/* "priority,number,us,flags,...;message"; lines behind the first are a device's name
 * and the like.  See Documentation/ABI/testing/dev-kmsg. */
static bool kmsg_record(struct kmsg *k, char *text, size_t len)
{
	struct scan s = { text, text + len };
	char *nl = memchr(text, '\n', len), *semicolon = NULL;
	int64_t priority, seq;

	if (nl) {
		*nl = '\0';
		semicolon = strchr(text, ';');
	}
	if (!semicolon || !scan_digits(&s, &priority) || !scan_char(&s, ',') ||
	    !scan_digits(&s, &seq) || !scan_char(&s, ','))
		return false;
	if (k->next_seq >= 0 && seq > k->next_seq)
		k->missed += seq - k->next_seq;
	k->next_seq = seq == INT64_MAX ? -1 : seq + 1;
	if (priority > 7) /* not the kernel's own */
		return true;
	k->levels[priority]++;
	kmsg_count(k, semicolon + 1);
	return true;
}

/* -EPIPE: records were overwritten before we read them; the next one's number says
 * how many. */
static void kmsg_read(struct kmsg *k, struct sample *s)
{
	for (unsigned i = 0; i < KMSG_ROUND_MAX; i++) {
		ssize_t n = read(k->fd, k->buf, KMSG_RECORD_BYTES);

		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n < 0 && errno != EAGAIN)
			sample_error(s);
		if (n <= 0)
			return;
		k->buf[n] = '\0';
		if (!kmsg_record(k, k->buf, (size_t)n))
			sample_error(s);
	}
}

/* ---- the four steps ------------------------------------------------------------------ */

static int kmsg_prepare(struct collector *c, const char *list)
{
	struct kmsg *k = calloc(1, sizeof(*k));
	char what[512];

	c->state = k;
	if (!k)
		return -ENOMEM;
	k->fd = -1;
	k->next_seq = -1;
	return kmsg_parse_list(k, list, what, sizeof(what));
}

static int kmsg_open(struct collector *c, const char *root)
{
	struct kmsg *k = c->state;
	char path[256];

	if ((size_t)snprintf(path, sizeof(path), "%s" KMSG_PATH, root) >=
	    sizeof(path))
		return -ENAMETOOLONG;
	k->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	/* A test's fifo has no end to go to. */
	if (k->fd >= 0)
		lseek(k->fd, 0, SEEK_END);
	return 0;
}

static void kmsg_collect(struct collector *c, struct sample *s)
{
	struct kmsg *k = c->state;

	if (k->fd < 0)
		return;
	kmsg_read(k, s);
	s->source = KMSG_PATH;
	for (unsigned i = 0; i < KMSG_KNOWN; i++)
		if (k->known_wanted[i])
			sample_put(s, &kmsg_lines, kmsg_known[i].name,
				   strlen(kmsg_known[i].name), k->known[i]);
	for (unsigned i = 0; i < k->nr_own; i++)
		sample_put(s, &kmsg_lines, k->own[i].name,
			   strlen(k->own[i].name), k->own[i].lines);
	for (unsigned i = 0; i < 8; i++)
		sample_put(s, &kmsg_by_level, kmsg_levels[i],
			   strlen(kmsg_levels[i]), k->levels[i]);
	sample_put(s, &kmsg_missed, NULL, 0, k->missed);
}

static void kmsg_close(struct collector *c)
{
	struct kmsg *k = c->state;

	if (k && k->fd >= 0)
		close(k->fd);
	free(k);
	c->state = NULL;
}

const struct collector_ops collector_kmsg = {
	.name = "kmsg",
	.doc = "what the kernel says in its log, by pattern and level",
	.man = "kmsg.PATTERN.lines, messages of the kernel since the start of the "
	       "recorder that fit PATTERN: hung_task, lockup (also RCU stalls), "
	       "oom, segfault, bug (also oops), warning, link_down, io_error, "
	       "task_abort (also timeouts of NVMe), fs_error (ext4, XFS, btrfs), "
	       "readdir_loop and not_responding (NFS), mce. kmsg.level.LEVEL: all of that "
	       "level, emerg to debug. kmsg.missed: overwritten before they were "
	       "read. What programs write into the kernel's log does not "
	       "count.\n"
	       "\n"
	       "The list chooses patterns (kmsg:oom+io_error), and adds others as "
	       "NAME=GLOB, which fits anywhere in a message, without regard to "
	       "case; ? stands for a blank: kmsg:raid=raid*disk?failure+io_error. "
	       "Where kernel.dmesg_restrict is 1, /dev/kmsg can be opened at the "
	       "start of the recorder only, as later it has not the right "
	       "(CAP_SYSLOG): after a change of the list, start it anew. Without "
	       "the right there are no values.",
	.from = KMSG_PATH,
	.changes_only = true,
	.check = kmsg_check,
	.prepare = kmsg_prepare,
	.open = kmsg_open,
	.collect = kmsg_collect,
	.close = kmsg_close,
};
