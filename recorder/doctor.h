/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor.h - what can be recorded on this machine, and what not and why. */
#ifndef RECORDER_DOCTOR_H
#define RECORDER_DOCTOR_H

#include "recorder/config.h"

/* Tries the probes without starting a recorder, prints a line per probe on
 * standard output.  Takes ${c} over.  Returns the exit code. */
int doctor_run(struct fr_config *c);

#endif
