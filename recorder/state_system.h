/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state_system.h - facts about the machine: rows state_system.
 *
 * Only from /proc and /sys: no other program is run, nothing is asked of the
 * network, and nothing that may hang (statfs(2) of a file system whose server is
 * gone).  No serial numbers, no MAC addresses.
 */
#ifndef RECORDER_STATE_SYSTEM_H
#define RECORDER_STATE_SYSTEM_H

#include "recorder/facts.h"
#include "recorder/state_out.h"

#define STATE_MOUNTS_MAX 1000 /* rows; those left out are counted */

/* All facts; ${root} goes before each path.  ${machine}: the hashed machine id,
 * made once as that takes time; "": none. */
void system_collect(const char *root, const char *machine, struct facts *ret);
/* Its parts: storage, GPUs, network devices, mounts (state_devices.c). */
void system_collect_devices(const char *root, struct facts *ret);

/* Of all but what changes without something new: frequency, free memory. */
uint64_t system_hash(const struct facts *f);
/* One row for each. */
void system_put(const struct facts *f, struct state_out *out, uint64_t round);

#endif
