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

struct fr_diag {
	char text[512]; /* "FILE:LINE:COL: what; what to do", no newline */
};

/* All defaults, no rules.  NULL: out of memory. */
struct fr_config *config_new(void);
void config_free(struct fr_config *c); /* NULL is a no-op */

/* Reads a file; 0, -EINVAL with *diag, or the errno of opening it. */
int config_read_file(struct fr_config *c, const char *path, struct fr_diag *diag);
/* ${path}, then "${path minus .conf's folder}/conf.d/" *.conf in order. A
 * missing default file is no error (pass must_exist = false). */
int config_read_all(struct fr_config *c, const char *path, bool must_exist,
		    struct fr_diag *diag);
/* "section.key=value"; also "trigger.NAME.key=value". */
int config_set(struct fr_config *c, const char *assignment, struct fr_diag *diag);
/* Checks what no single value can tell (shares sum, collectors known, ...). */
int config_check(const struct fr_config *c, struct fr_diag *diag);
/* The file that would produce this configuration, with comments. */
void config_print(const struct fr_config *c, FILE *out);

#endif
