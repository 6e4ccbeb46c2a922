/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recorder_exec.h - finds and runs flightrecd for commands that need it. */
#ifndef DUMP_RECORDER_EXEC_H
#define DUMP_RECORDER_EXEC_H

#include <limits.h>

/* Beside the running program, in ../sbin beside it, or where it is installed.
 * 0, or -ENOENT after a line on standard error. */
int recorder_exec_find(char path[PATH_MAX]);

/* Replaces this process by flightrecd; returns an exit code if it cannot. */
int recorder_exec(char *const argv[]);

#endif
