/* SPDX-License-Identifier: GPL-2.0-or-later */
/* enable.c - flightrec trigger enable. */
#include "dump/trigger_ask.h"

extern const struct command_ops trigger_cmd_enable;

static int run(int argc, char **argv)
{
	return trigger_ask_named(&trigger_cmd_enable, argc, argv,
				 "trigger-enable");
}

const struct command_ops trigger_cmd_enable = {
	.name = "trigger enable",
	.summary = "Arms triggers that were disabled.",
	.usage = "NAME... [--run-folder DIR]",
	.help = "Holds until the recorder ends, or its file says something new of the trigger.\n\n"
		"OPTIONS\n"
		"  --run-folder DIR  where the recorder's socket is (/run/flightrec)\n\n"
		"EXAMPLES\n"
		"  flightrec trigger enable slow-fsync\n",
	.run = run,
};
