/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * retention.h - names of snapshots, and which of them make room.
 *
 * Only regular files that carry the name of a snapshot of ours are ever removed:
 * flightrec-YYYYMMDDTHHMMSS.mmmZ-<trigger>[.N][.pin].frs
 *
 * A pin is part of the name.  That needs no right but to write into the folder
 * (an attribute or a mode takes those of the file's owner), works on every file
 * system, goes with each copy, is seen by ls, and cannot be missed by who
 * removes at the same time: unlink() of the old name fails.
 */
#ifndef RECORDER_RETENTION_H
#define RECORDER_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- names ---------------------------------------------------------------- */

#define RETENTION_NAME_MAX 160
#define RETENTION_FILE_MAX (RETENTION_NAME_MAX + 8) /* ".pin.frs", and NUL */

/* Name without folder and suffix for a snapshot of ${trigger} at ${real_ns}
 * (CLOCK_REALTIME).  Bytes of the trigger that do not belong into a file name
 * become '_'; ${attempt} > 0 adds ".N".  Returns buf. */
char *retention_make_name(char buf[RETENTION_NAME_MAX], uint64_t real_ns,
			  const char *trigger, unsigned attempt);

struct retention_name {
	uint64_t real_ns; /* of the dump, whole ms */
	char trigger[64]; /* as it is in the name */
	unsigned attempt;
	bool pinned;
};
/* True if ${file} is the name of a snapshot exactly as made above, with suffix,
 * pinned or not.  *ret may be NULL. */
bool retention_parse_name(const char *file, struct retention_name *ret);
bool retention_is_ours(const char *file);
/* The name of the snapshot ${file}, which is ours, with a pin or without. */
char *retention_pin_name(char buf[RETENTION_FILE_MAX], const char *file,
			 bool pinned);

/* ---- limits --------------------------------------------------------------- */

/* dump.max_files, ...: see flightrecd.conf(5). */
struct retention_limits {
	uint64_t max_files, max_bytes;
	uint64_t max_age_ns; /* 0: none is too old */
	double max_share;    /* percent; 100: shares do not matter */
	uint64_t keep_free;  /* bytes; 0: see below */
	double keep_free_percent;
};
/* "64MiB" or "5%".  0, or negative errno and nothing is set. */
int retention_parse_keep_free(const char *text, struct retention_limits *l);
struct fr_config;
void retention_limits(const struct fr_config *c, struct retention_limits *ret);

enum retention_why {
	RETENTION_STAYS,
	RETENTION_AGE,
	RETENTION_FILES,
	RETENTION_USE,
	RETENTION_FREE,
};

struct retention_file {
	char file[RETENTION_FILE_MAX];
	struct retention_name name;
	uint64_t bytes;
	bool stuck;             /* it could not be removed */
	enum retention_why why; /* it goes, or stays */
	bool over_share;        /* it goes before older ones of others */
	unsigned trigger;       /* for retention_choose() itself */
};

struct retention_now {
	uint64_t real_ns; /* CLOCK_REALTIME */
	/* How much must go for dump.keep_free. */
	uint64_t lacking;
	/* The one just written (name without suffix), which need not be the newest
	 * by name where a clock was set back; NULL: none was. */
	const char *keep;
};

/*
 * Marks those that go.  ${files}: oldest first.  In this order:
 *
 *  1. Pinned ones, stuck ones and `keep` never go.  All but these that are older
 *     than max_age go.
 *  2. Without `keep` the newest of all stays, too.  While there are more files
 *     than max_files or more bytes than max_bytes - pinned ones count -, one
 *     more goes: the oldest of the trigger that has the greatest part of what
 *     is exceeded, if that is more than max_share percent of the limit; else
 *     the oldest of all.
 *  3. `lacking` works as a lower max_bytes: what there was, less `lacking`.  If
 *     not even all that may go would do, nothing goes for its sake.
 *
 * Nothing but the arguments has a part in it, so two processes that look at one
 * folder at the same time remove the same.  *ret_reached: false if a limit stays
 * exceeded.  Returns how many go, or -ENOMEM.
 */
int retention_choose(struct retention_file *files, size_t nr,
		     const struct retention_limits *l,
		     const struct retention_now *now, bool *ret_reached);

/* ---- a folder ------------------------------------------------------------- */

/* All snapshots of ours, oldest first by name; *ret_list is the caller's.  0 or
 * negative errno. */
int retention_read_folder(int dir_fd, struct retention_file **ret_list,
			  size_t *ret_nr);

struct retention_job {
	struct retention_limits limits;
	uint64_t need;    /* bytes that are to be written soon */
	const char *keep; /* as in struct retention_now */
	bool dry_run;
	/* For each that was (or would be) removed, err 0, or could not be: negative
	 * errno.  May be NULL. */
	void (*fn)(void *arg, const struct retention_file *f, int err);
	void *arg;
};

struct retention_result {
	unsigned files, pinned; /* that are left */
	uint64_t bytes, pinned_bytes;
	unsigned removed, failed;
	uint64_t removed_bytes;
	bool reached;     /* all limits hold, as far as is known */
	uint64_t lacking; /* bytes that are still missing to keep_free + need */
};
/* Removes what retention_choose() chooses; what cannot be removed is left, and
 * others go in its place.  0 or negative errno of reading the folder. */
int retention_apply(int dir_fd, const struct retention_job *job,
		    struct retention_result *ret);

/* What keep_free is in bytes on the file system of the folder (0: no matter), and
 * what is free.  0 or negative errno. */
int retention_room(int dir_fd, const struct retention_limits *l,
		   uint64_t *ret_keep, uint64_t *ret_free);
/* How many bytes are missing to keep_free + ${need}; *ret_free: how many are
 * free.  0 or negative errno. */
int retention_lacking(int dir_fd, const struct retention_limits *l,
		      uint64_t need, uint64_t *ret_lacking, uint64_t *ret_free);

/* "dump.max_age" ... */
const char *retention_why_name(enum retention_why why);

/* No dumper lives as long as that: dump.hold_limit has a maximum. */
#define RETENTION_TEMPORARY_S 1800
/* Removes temporary files (".flightrec-*.tmp") of dumps that died: those that
 * nobody has written to for ${min_age_s} seconds. */
void retention_remove_temporary(int dir_fd, unsigned min_age_s);

#endif
