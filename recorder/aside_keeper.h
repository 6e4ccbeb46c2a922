/* SPDX-License-Identifier: GPL-2.0-or-later */
/* aside_keeper.h - the process between us and a program that runs aside. */
#ifndef RECORDER_ASIDE_KEEPER_H
#define RECORDER_ASIDE_KEEPER_H

#include "recorder/aside.h"
#include "recorder/hook.h"

/* The exit codes of the keeper: the program's, 128 + its signal, 126 if it could not
 * be run, or: */
#define ASIDE_TIMED_OUT 124

/* ${out_fd}: where the program prints.  ${parent}: who forked us.  With all signals
 * blocked.  On SIGTERM it ends what it keeps. */
_Noreturn void aside_keeper_run(const struct aside_options *o,
				const struct hook_job *job, int out_fd,
				pid_t parent);

#endif
