/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.h - the settings in force: params.def with values.
 *
 * Read from flightrecd.conf(5) files, conf.d/ and --set, in this order; later
 * ones win.  Nothing here logs: errors come back as one line of text.
 */
#ifndef RECORDER_CONFIG_H
#define RECORDER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What params.def's types become. */
typedef uint64_t fr_param_SIZE; /* bytes */
typedef uint64_t fr_param_TIME; /* ns */
typedef int64_t fr_param_INT;
typedef bool fr_param_BOOL;
typedef double fr_param_PERCENT;
typedef char *fr_param_TEXT; /* never NULL */
typedef char *fr_param_LIST; /* never NULL */

struct fr_trigger_rule; /* triggers/rule.h */

struct fr_config {
	/* clang-format off */
#define FR_PARAM(s, k, type, def, min, max, doc) fr_param_##type s##_##k;
#include <flightrec/params.def>
#undef FR_PARAM
	/* clang-format on */
	struct fr_trigger_rule *rules; /* [trigger "name"] sections, in order */
	unsigned nr_rules;
};

/* "FILE:LINE:COL: what; what to do", no newline at the end.  For a bad trigger
 * rule two more lines follow: the rule's text and a caret below the place. */
struct fr_diag {
	char text[768];
};

/* All defaults, no rules.  NULL: out of memory. */
struct fr_config *config_new(void);
void config_free(struct fr_config *c); /* NULL is a no-op */

/* Reads a file; 0, -EINVAL with *diag, or the errno of opening it. */
int config_read_file(struct fr_config *c, const char *path,
		     struct fr_diag *diag);
/* The same from memory; ${path} is only named in *diag. */
int config_read_text(struct fr_config *c, const char *path, const char *text,
		     size_t len, struct fr_diag *diag);
/* ${path}, then "${path minus .conf's folder}/conf.d/" *.conf in order. A
 * missing default file is no error (pass must_exist = false). */
int config_read_all(struct fr_config *c, const char *path, bool must_exist,
		    struct fr_diag *diag);
/* "section.key=value"; also "trigger.NAME.key=value". */
int config_set(struct fr_config *c, const char *assignment,
	       struct fr_diag *diag);
/* Checks what no single value can tell (shares sum, collectors known, ...). */
int config_check(const struct fr_config *c, struct fr_diag *diag);
/* The file that would produce this configuration, with comments. */
void config_print(const struct fr_config *c, FILE *out);
/* A commented file of all defaults, every setting commented out. */
void config_print_example(FILE *out);

/* ---- the rules of a configuration ------------------------------------------ */

/* NULL: there is none. */
struct fr_trigger_rule *config_find_rule(const struct fr_config *c,
					 const char *name);
/* Adds a copy, in place of one that has its name.  0, -ENOMEM, or -ENOSPC: there are
 * RULES_MAX already. */
int config_put_rule(struct fr_config *c, const struct fr_trigger_rule *rule);
void config_drop_rule(struct fr_config *c, const char *name);
/* ${dst} has the rules of ${src} then; those it had are not freed.  0 or negative
 * errno, then it has none. */
int config_copy_rules(struct fr_config *dst, const struct fr_config *src);
void config_free_rules(struct fr_config *c);
/* The folder whose *.conf are read after the file ${path}: conf.d beside it.  0 or
 * -ENAMETOOLONG. */
int config_folder(const char *path, char *buf, size_t size);

/* Names that sampler.collectors may hold (NULL-terminated, kept by reference);
 * before this call any name is accepted. */
void config_set_collectors(const char *const *names);
/* And what of a collector: whether what stands behind its colon can be understood, 0 or
 * -EINVAL with a sentence in *ret_what. */
typedef int (*config_collector_check_fn)(const char *name, const char *list,
					 char *ret_what, size_t size);
void config_set_collector_check(config_collector_check_fn fn);

/* ---- lists ---------------------------------------------------------------- */

/* Takes the next item of a LIST, without white space around it.  False at the
 * end.  Items that do not fit are cut. */
bool config_next_item(const char **list, char *buf, size_t size);
bool config_list_has(const char *list, const char *item);
/* The lane of a name in ring.shares ("fs"), the stream of one in probes.streams;
 * -1: none. */
int config_stream_by_name(const char *name);
/* What is to be recorded: bits 1 << FR_STREAM_*. */
unsigned config_streams(const struct fr_config *c);
/* Bits 1 << FR_KIND_*: probes.leave_out. */
unsigned config_leave_out(const struct fr_config *c);
/* Whether the probes of the stream fs below system calls are wanted. */
bool config_vfs(const struct fr_config *c);
int config_lane_by_name(const char *name);
/* Percent of each lane of the kernel's ring: ring.shares, or, where that is empty,
 * by the weights of streams.def for the lanes in use; 0: not in use. */
void config_shares(const struct fr_config *c, unsigned ret_percent[16]);

/* ---- params.def as data --------------------------------------------------- */
enum config_type {
	CONFIG_SIZE,
	CONFIG_TIME,
	CONFIG_INT,
	CONFIG_BOOL,
	CONFIG_PERCENT,
	CONFIG_TEXT,
	CONFIG_LIST,
};
struct config_param {
	const char *section, *key;
	const char *def, *min, *max, *doc;
	enum config_type type;
	size_t offset; /* in struct fr_config */
};
extern const struct config_param config_params[]; /* ends with section NULL */
const char *config_type_name(enum config_type type); /* "size" */

/* The value of ${p} as the file would say it; buf for numbers. */
const char *config_get(const struct fr_config *c, const struct config_param *p,
		       char buf[32]);

struct rule_diag;
/*
 * What files and --set share: sets ${key} of ${section}, or of trigger
 * ${section} if ${trigger}.  0, -ENOMEM, or -EINVAL with *diag (its `at` is an
 * offset in ${value}).
 */
int config_assign(struct fr_config *c, bool trigger, const char *section,
		  const char *key, const char *value, struct rule_diag *diag);
/* -EINVAL with *diag if there can be no such section. */
int config_check_section(bool trigger, const char *section,
			 struct rule_diag *diag);

#endif
