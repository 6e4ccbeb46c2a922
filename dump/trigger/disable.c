/* SPDX-License-Identifier: GPL-2.0-or-later */
/* disable.c - flightrec trigger disable. */
#include "dump/trigger_ask.h"

extern const struct command_ops trigger_cmd_disable;

static int run(int argc, char **argv)
{
	return trigger_ask_named(&trigger_cmd_disable, argc, argv,
				 "trigger-disable");
}

const struct command_ops trigger_cmd_disable = {
	.name = "trigger disable",
	.summary = "Silences triggers: their hits are only counted.",
	.usage = "NAME... [--run-folder DIR]",
	.help = "Holds until the recorder ends, or its file says something new of the trigger.\n"
		"A snapshot that is on its way is completed.  The two that are always there,\n"
		"signal and manual, can be disabled too.\n\n"
		"OPTIONS\n"
		"  --run-folder DIR  where the recorder's socket is (/run/flightrec)\n\n"
		"EXAMPLES\n"
		"  flightrec trigger disable slow-fsync io-stall\n",
	.run = run,
};
