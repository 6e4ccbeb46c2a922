/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy.h - which records of a stream are kept, as settings say it:
 * probes.sample, probes.above and probes.cgroups.  bpf/policy.bpf.h obeys.
 */
#ifndef RECORDER_POLICY_H
#define RECORDER_POLICY_H

#include "recorder/config.h"

#include <flightrec/bpf_cfg.h>

/* One item of a list, for everybody: "cache=100" in ${setting} "sample", "fs=1ms" in
 * "above".  0, or -EINVAL with a sentence in *diag. */
int policy_take(struct fr_policy all[FR_STREAMS_MAX], const char *setting,
		const char *item, struct fr_diag *diag);

/* One item of probes.cgroups, "/a/b:cache=off": what holds for all (${p}) becomes what
 * holds there; *ret_path is the cgroup's part.  0 or -EINVAL with *diag. */
int policy_take_cgroup(struct fr_policy p[FR_STREAMS_MAX], const char *item,
		       char *ret_path, size_t size, struct fr_diag *diag);

#endif
