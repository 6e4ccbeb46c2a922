/* SPDX-License-Identifier: GPL-2.0-or-later */
/* view_time.h - times as people write and read them. */
#ifndef DUMP_VIEW_TIME_H
#define DUMP_VIEW_TIME_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct view_time {
	enum {
		TIME_NONE,
		TIME_WALL,
		TIME_RELATIVE
	} form;
	int64_t ns; /* of CLOCK_REALTIME, or from the trigger on */
};

/*
 * "2026-11-20T13:05:00.25", also with a blank for the T, without seconds, as
 * date or as time of the day of ${now_ns} alone, with Z or +HH:MM behind (else
 * local time); "@1795179900.25"; "-10s", "+5s": from the trigger on.
 * 0 or -EINVAL.
 */
int view_time_parse(const char *text, int64_t now_ns, struct view_time *ret);

struct wall_cache { /* local time of one second: most rows share it */
	int64_t second;
	char date[24], zone[8];
};
/* "2026-11-20T13:05:00.250000000+01:00".  ${buf}: 48 bytes.  Returns length. */
size_t wall_format(struct wall_cache *cache, int64_t real_ns, char *buf);

#endif
