/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe_kernel.c - facts about the running kernel that decide how to probe. */
#include "recorder/probe_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>

/* The first line of ${path} that contains ${what}, "" if there is none. */
static bool file_line_with(const char *path, const char *what, char *line,
			   int size)
{
	gzFile f = gzopen(path, "r"); /* reads plain files as they are, too */
	bool found = false;

	line[0] = 0;
	if (!f)
		return false;
	while (!found && gzgets(f, line, size))
		found = strstr(line, what) != NULL;
	gzclose(f);
	return found;
}

static bool config_has(const char *what)
{
	char path[256], line[512];
	struct utsname u;

	if (file_line_with("/proc/config.gz", what, line, sizeof(line)))
		return true;
	uname(&u);
	snprintf(path, sizeof(path), "/boot/config-%s", u.release);
	return file_line_with(path, what, line, sizeof(line));
}

/* What preempt= on the command line says: 1, 0, or -1 if nothing. */
static int cmdline_preempt(void)
{
	char line[4096];

	if (!file_line_with("/proc/cmdline", "preempt=", line, sizeof(line)))
		return -1;
	return strstr(line, "preempt=full") || strstr(line, "preempt=lazy");
}

/* May programs on tracepoints be preempted?  Where it cannot be told: yes, then
 * the mechanism is chosen that loses nothing either way. */
bool probe_kernel_preemptible(void)
{
	char line[512];
	int said;

	if (file_line_with("/sys/kernel/debug/sched/preempt", "(", line,
			   sizeof(line)))
		return strstr(line, "(full)") || strstr(line, "(lazy)");
	said = cmdline_preempt();
	if (said >= 0)
		return said;
	if (config_has("CONFIG_PREEMPT_NONE=y") ||
	    config_has("CONFIG_PREEMPT_VOLUNTARY=y"))
		return false;
	return true;
}

bool probe_kernel_locked(void)
{
	char line[128];

	return file_line_with("/sys/kernel/security/lockdown",
			      "[confidentiality]", line, sizeof(line));
}

uint64_t probe_kernel_pid_max(void)
{
	char line[64];

	if (!file_line_with("/proc/sys/kernel/pid_max", "", line, sizeof(line)))
		return 4194304;
	return strtoull(line, NULL, 10);
}

static void mount_if_missing(const char *where, const char *type, long magic)
{
	struct statfs s;

	if (!statfs(where, &s) && (long)s.f_type == magic)
		return;
	mkdir(where, 0755);
	(void)mount(type, where, type, MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

void probe_kernel_mount(const char *pin_folder)
{
	mount_if_missing("/sys/kernel/tracing", "tracefs", 0x74726163);
	if (!strncmp(pin_folder, "/sys/fs/bpf", 11))
		mount_if_missing("/sys/fs/bpf", "bpf", (long)0xcafe4a11);
}
