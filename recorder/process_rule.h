/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * process_rule.h - which processes the sampler keeps rows of.
 *
 *   processes:top=20.cpu+top=10.io+comm=postgres*+cgroup=/user.slice?*+uid=1000
 *
 * A process is kept that any of the words names; without such a word, all are.
 */
#ifndef RECORDER_PROCESS_RULE_H
#define RECORDER_PROCESS_RULE_H

#include <flightrec/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROCESS_WORDS_MAX 32
#define PROCESS_TOP_MAX   1000 /* processes that one word may ask for */

enum process_word_kind {
	PROCESS_ALL,
	PROCESS_TOP,
	PROCESS_COMM,
	PROCESS_CGROUP,
	PROCESS_PID,
	PROCESS_UID,
	PROCESS_PSS,       /* no choice: read smaps_rollup of those chosen */
	PROCESS_NO_KERNEL, /* nor these: leave out kernel threads; */
	PROCESS_NO_BPF,    /* read /proc even where BPF could be had */
};

/* What top=N.RANK goes by. */
enum process_rank {
	RANK_CPU,
	RANK_RSS,
	RANK_IO,
	RANK_READ,
	RANK_WRITE,
	RANK_FAULTS,
	RANK_MAJOR,
	RANK_SWITCHES,
	RANK_THREADS,
	RANK_FDS,
	RANK_SWAP,
};

struct process_word {
	enum process_word_kind kind;
	enum process_rank rank;
	uint64_t number; /* of TOP, PID, UID */
	char glob[128];  /* of COMM, CGROUP */
};

struct process_rule {
	struct process_word words[PROCESS_WORDS_MAX];
	unsigned nr;
	bool all, pss, no_kernel, no_bpf;
	bool by_cgroup; /* paths of cgroups are needed */
};

/* ${list}: words with blanks between; NULL: all.  0, or -EINVAL with a sentence
 * in *ret_what that names the word and the nearest right one. */
int process_rule_parse(const char *list, struct process_rule *ret,
		       char *ret_what, size_t size);

/* By how much of it top=N.RANK orders: the growth since ${before} of what only
 * grows (NULL: since the start of a process that is new; 0 of one that the
 * recorder found), else what there is. */
uint64_t process_rank_of(enum process_rank rank,
			 const struct fr_processes_row *now,
			 const struct fr_processes_row *before);

/* Do the words other than top=... name it?  ${cgroup}: its path. */
bool process_rule_names(const struct process_rule *rule,
			const struct fr_processes_row *now, const char *cgroup);

#endif
