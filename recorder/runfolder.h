/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * runfolder.h - the run folder: one recorder at a time, its pid file and socket.
 *
 * The lock on the pid file is what counts; whatever a dead recorder left in the
 * folder (pid, socket) is taken over by who gets the lock.
 */
#ifndef RECORDER_RUNFOLDER_H
#define RECORDER_RUNFOLDER_H

#include <limits.h>
#include <sys/types.h>

#define RUNFOLDER_PID      "flightrecd.pid"
#define RUNFOLDER_SOCKET   "control.sock"
#define RUNFOLDER_RING     "user.ring"
#define RUNFOLDER_OLD_RING "user.ring.old"

struct runfolder {
	char path[PATH_MAX];
	int dir_fd;
	int pid_fd; /* holds the lock */
};

/* Makes ${path} with its parents (mode 0755).  0 or negative errno. */
int runfolder_make(const char *path, mode_t mode);

/*
 * Makes ${path} if need be and locks the pid file.  -EBUSY: another recorder
 * has it, *ret_pid is its pid (0 if unknown).  -ENAMETOOLONG: the socket's
 * name would not fit.  Other negative errno: as the system calls say.
 */
int runfolder_open(struct runfolder *r, const char *path, pid_t *ret_pid);

/* Writes our pid into the pid file (after daemon-like forks are over). */
int runfolder_write_pid(struct runfolder *r);

/* "${path}/${name}" into ${buf}.  Returns buf. */
char *runfolder_name(const struct runfolder *r, const char *name,
		     char buf[PATH_MAX]);

/* Removes pid file and socket, unlocks.  A closed one is a no-op. */
void runfolder_close(struct runfolder *r);

#endif
