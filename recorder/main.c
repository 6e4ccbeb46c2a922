/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - flightrecd: options, settings, and what was asked for. */
#include <stdio.h>

#include "recorder/daemon.h"
#include "recorder/doctor.h"
#include "recorder/log.h"

static int run_mode(const struct options *o, struct fr_config *c)
{
	switch (o->mode) {
	case OPTIONS_PRINT:
		config_print(c, stdout);
		config_free(c);
		return 0;
	case OPTIONS_CHECK:
		config_free(c);
		return 0;
	case OPTIONS_DOCTOR:
		return doctor_run(c);
	case OPTIONS_RECOVER:
		return recover_run(o, c);
	default:
		return daemon_run(o, c);
	}
}

int main(int argc, char **argv)
{
	static struct options o;
	struct fr_config *c;
	struct fr_diag diag;
	int code = options_parse(&o, argc, argv);

	if (code >= 0)
		return code;
	log_setup("flightrecd", o.debug);
	switch (o.mode) {
	case OPTIONS_HELP:
		options_print_help();
		return 0;
	case OPTIONS_VERSION:
		printf("flightrecd %s\n", FLIGHTREC_VERSION);
		return 0;
	case OPTIONS_EXAMPLE:
		config_print_example(stdout);
		return 0;
	default:
		break;
	}
	c = options_load(&o, &diag);
	if (!c) {
		log_err(0, "%s", diag.text);
		return 2;
	}
	return run_mode(&o, c);
}
