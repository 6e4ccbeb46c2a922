/* SPDX-License-Identifier: GPL-2.0-or-later */
/* log.h - three verbs for programs; library code never logs. */
#ifndef RECORDER_LOG_H
#define RECORDER_LOG_H

/* "${program}: what: reason of errno err" on stderr (err: 0 or +-errno). */
void log_err(int err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Name shown, and whether debug lines are printed. */
void log_setup(const char *program, int debug);

#endif
