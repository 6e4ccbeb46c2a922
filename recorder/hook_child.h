/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hook_child.h - what the process of a hook does between fork and exec. */
#ifndef RECORDER_HOOK_CHILD_H
#define RECORDER_HOOK_CHILD_H

#include "recorder/hook.h"

/* ${out_fd}: where it prints, above 2.  ${parent}: who forked it.  With all
 * signals blocked. */
_Noreturn void hook_child_run(const struct hooks *h, const struct hook_job *job,
			      int out_fd, pid_t parent);

#endif
