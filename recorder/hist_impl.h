/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hist_impl.h - shared by recorder/hist*.c only. */
#ifndef RECORDER_HIST_IMPL_H
#define RECORDER_HIST_IMPL_H

#include "recorder/hist.h"

#define HIST_MINUTES       60
#define HIST_MINUTE_NS     60000000000ull
#define HIST_MINUTES_BYTES (4u << 20) /* of all minutes kept */

struct hist {
	struct hist_maps maps;
	uint64_t since_ns;
	/* what was counted when the last minute ended; at_ns: when that was */
	struct hist_reading last;
	struct hist_records minutes[HIST_MINUTES]; /* minute i at i % MINUTES */
	unsigned nr_minutes;                       /* that ended so far */
	size_t minutes_bytes;
};

#endif
