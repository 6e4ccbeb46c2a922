/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options.h - the command line of flightrecd, and the settings it leads to. */
#ifndef RECORDER_OPTIONS_H
#define RECORDER_OPTIONS_H

#include "recorder/config.h"

#include <stdbool.h>

#define OPTIONS_CONFIG   "/etc/flightrec/flightrec.conf"
#define OPTIONS_SETS_MAX 256

enum options_mode {
	OPTIONS_RUN,
	OPTIONS_CHECK, /* -n */
	OPTIONS_PRINT, /* -nv */
	OPTIONS_EXAMPLE,
	OPTIONS_DOCTOR,
	OPTIONS_RECOVER,
	OPTIONS_HELP,
	OPTIONS_VERSION,
};

struct options {
	enum options_mode mode;
	const char *config_path;
	bool config_must_exist;
	const char *sets[OPTIONS_SETS_MAX]; /* of --set */
	unsigned nr_sets;
	bool debug, verbose;
	int ready_fd; /* a byte is written there once recording; -1: none */
	const char *output; /* --recover: -o, -d; NULL: dump.folder */
	const char *folder;
};

/* Exit code of a wrong command line after its one line on stderr, or -1. */
int options_parse(struct options *o, int argc, char **argv);
void options_print_help(void);

/* Reads files and --set.  NULL with *diag. */
struct fr_config *options_load(const struct options *o, struct fr_diag *diag);

#endif
