/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state_text.h - small files of /proc and /sys, read once. */
#ifndef RECORDER_STATE_TEXT_H
#define RECORDER_STATE_TEXT_H

#include <stddef.h>
#include <sys/types.h>

/* Reads the beginning of ${name} under ${dir_fd} into ${buf}, NUL behind it; at
 * most ${size} - 1 bytes.  Bytes read, or negative errno. */
ssize_t state_text_read(int dir_fd, const char *name, char *buf, size_t size);

/* The same without blanks and newlines at the end; "" if it cannot be read. */
void state_text_word(int dir_fd, const char *name, char *buf, size_t size);

#endif
