/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collector.h - what a file in recorder/collectors/ provides.
 *
 * recorder/collectors/foo.c ends in `const struct collector_ops collector_foo`
 * and needs nothing else to be built in.  Its life has four steps:
 *   prepare   once: which instances are wanted
 *   open      once: descriptors, which stay open
 *   collect   each round: values into the sample, nothing allocated
 *   close     once
 * Most collectors parse a few files: they fill in `sources` and take the four
 * steps from collector_files_*().
 */
#ifndef RECORDER_COLLECTOR_H
#define RECORDER_COLLECTOR_H

#include "recorder/instances.h"
#include "recorder/metric.h"
#include "recorder/procfile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define COLLECTOR_SOURCES_MAX 8

/*
 * Takes the values out of a whole file.  Pure: looks at nothing but its
 * arguments.  What it cannot make sense of is a sample_error() each, and the
 * rest goes on; columns and lines it does not know are passed over.
 */
typedef void (*collector_parse_fn)(struct sample *s, const char *inst,
				   const char *buf, size_t len);

struct collector_source {
	/* "/proc/stat"; NULL ends the table.  A path with stars stands for every
	 * file that fits, see instances.h; such a source is always optional. */
	const char *path;
	const char *inst;  /* handed to parse: "io"; with stars: their names */
	const char *label; /* with stars: see instances_init() */
	collector_parse_fn parse;
	size_t max;    /* bytes read at most */
	bool optional; /* may be missing: then it is no error */
	bool may_be_empty;
	/* Values are sums over lines: of a file that ends early at the end of a
	 * line, which nobody can see, they are too small. */
	bool adds_up;
};

struct collector;
struct row_table; /* row_table.h */

struct collector_ops {
	const char *name; /* the file's */
	const char *doc;
	/* For flightrec-sampler(7), plain text: which metrics, what is odd about
	 * them.  An empty line begins a paragraph. */
	const char *man;
	const char *from; /* where it reads, if `sources` does not tell */
	const struct collector_source *sources; /* or NULL */
	uint64_t period_ns; /* 0: each tick; else not more often than this */
	/* Leave out of the ring what did not change; see flightrec-sampler(7) */
	bool changes_only;
	/* Whether ${list} can be understood, if it is more than globs (then NULL):
	 * 0, or -EINVAL with a sentence that names the word in *ret_what. */
	int (*check)(const char *list, char *ret_what, size_t size);
	/* ${list}: instances wanted, globs; NULL: all.  0 or negative errno. */
	int (*prepare)(struct collector *c, const char *list);
	/* ${root} goes before each path ("" but in tests). */
	int (*open)(struct collector *c, const char *root);
	void (*collect)(struct collector *c, struct sample *s);
	/* Is a first answer on its way that a later round will have?  NULL: never. */
	bool (*waits)(const struct collector *c);
	void (*close)(struct collector *c);
};

struct collector {
	const struct collector_ops *ops;
	char *list; /* own copy, or NULL */
	struct procfile files[COLLECTOR_SOURCES_MAX];
	struct instances trees[COLLECTOR_SOURCES_MAX]; /* paths with stars */
	/* What comes and goes has rows instead of metrics; NULL: nothing here.  Made
	 * in open; collect fills it, the sampler writes it. */
	struct row_table *rows;
	/* Whom programs become that it runs, if we are root; 0: not said, nobody. */
	uid_t child_uid;
	gid_t child_gid;
	void *state; /* the collector's own */
};

/* NULL-terminated; generated from recorder/collectors/. */
extern const struct collector_ops *const collector_all[];
/* NULL: there is none. */
const struct collector_ops *collector_find(const char *name);
/* Can the collector understand its list (as ops->check)?  0 if it takes any. */
int collector_check_list(const char *name, const char *list, char *ret_what,
			 size_t size);

/* The four steps for a collector that parses `sources`. */
int collector_files_prepare(struct collector *c, const char *list);
int collector_files_open(struct collector *c, const char *root);
void collector_files_collect(struct collector *c, struct sample *s);
void collector_files_close(struct collector *c);

/* Does this path stand for several files? */
bool collector_is_tree(const struct collector_source *src);

#endif
