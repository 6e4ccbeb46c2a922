/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * priv.h - giving up what is not needed: capabilities, and for the dumper the
 * file system and the system calls too.
 */
#ifndef RECORDER_PRIV_H
#define RECORDER_PRIV_H

#include <stddef.h>
#include <sys/types.h>

/*
 * The daemon after start: keeps what probes, /proc of other users and the group
 * of snapshots need, drops the rest from all sets for good.  What it never had
 * is no error.  0 or negative errno.
 */
int priv_drop_daemon(void);

/* A process that only looks: keeps the rights to read /proc, any folder and a BPF
 * iterator; it can no more open a file for writing, execute, or talk to anyone.
 * 0 or negative errno. */
int priv_confine_reader(void);

/*
 * A process that is to execute a program: becomes the user, with that group and
 * those ${nr} others, and has no capability, nor can it get one again.  ${uid}
 * (uid_t)-1: stays who it is.  0 or negative errno; then it must not go on.
 */
int priv_drop_all(uid_t uid, gid_t gid, const gid_t *groups, size_t nr);

/* What of the three could be had, for status and the snapshot. */
struct priv_report {
	int capabilities; /* 0: all dropped, else negative errno */
	int landlock;     /* ABI version in force; negative errno: not there */
	int seccomp;      /* 0: filter in force, else negative errno */
};

/*
 * The dumper, right after fork: no capability, no new privileges, files only
 * beneath the ${nr} folders (open descriptors), and only the system calls that
 * writing a snapshot takes - no execution, no network, no writable mapping of
 * what was mapped read-only.  Each part on its own: what the kernel lacks is
 * reported, and the rest holds.
 */
void priv_confine_dumper(const int *folder_fds, size_t nr,
			 struct priv_report *ret);

#endif
