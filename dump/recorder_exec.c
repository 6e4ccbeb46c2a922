/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recorder_exec.c - finds and runs flightrecd. */
#include "dump/recorder_exec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dump/command.h"

static int try_path(char path[PATH_MAX], const char *folder, const char *rest)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", folder, rest);

	return n < PATH_MAX && access(path, X_OK) == 0;
}

int recorder_exec_find(char path[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	if ((slash && (try_path(path, self, "flightrecd") ||
		       try_path(path, self, "../sbin/flightrecd"))) ||
	    try_path(path, "/usr/local/sbin", "flightrecd") ||
	    try_path(path, "/usr/sbin", "flightrecd"))
		return 0;
	fprintf(stderr,
		"flightrec: there is no flightrecd beside %s/flightrec or in sbin; is it installed?\n",
		self);
	return -ENOENT;
}

int recorder_exec(char *const argv[])
{
	char path[PATH_MAX];

	if (recorder_exec_find(path))
		return EXIT_FAILED;
	execv(path, argv);
	fprintf(stderr, "flightrec: cannot run %s: %s\n", path,
		strerror(errno));
	return errno == EACCES ? EXIT_PERMISSION : EXIT_FAILED;
}
