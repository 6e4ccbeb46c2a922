/* SPDX-License-Identifier: GPL-2.0-or-later */
/* path_parts.h - the components of a path as name records have them, as text. */
#ifndef DUMP_PATH_PARTS_H
#define DUMP_PATH_PARTS_H

#include <stdbool.h>
#include <stddef.h>

/* "leaf\0dir\0usr\0" -> "/usr/dir/leaf", with "..." before it if it was cut.  At
 * most ${size} bytes, no NUL; returns how many.  Pure; any thread. */
size_t path_parts_join(char *buf, size_t size, const char *parts, size_t len,
		       bool cut);

#endif
