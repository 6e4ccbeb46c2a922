/* SPDX-License-Identifier: GPL-2.0-or-later */
/* notify.h - tells who started us that we are ready (sd_notify(3)'s protocol). */
#ifndef RECORDER_NOTIFY_H
#define RECORDER_NOTIFY_H

/* Sends ${state} ("READY=1", "STOPPING=1") to NOTIFY_SOCKET, if there is one.  0
 * or negative errno. */
int notify_send(const char *state);

#endif
