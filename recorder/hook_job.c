/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hook_job.c - what a hook is to run, and with which environment. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/hook.h"

struct hook_job *hook_job_new(const char *name, uint32_t number,
			      const char *command, uint64_t limit_ns)
{
	struct hook_job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	snprintf(j->name, sizeof(j->name), "%s", name);
	j->number = number;
	j->limit_ns = limit_ns;
	j->command = strdup(command);
	if (!j->command) {
		free(j);
		return NULL;
	}
	hook_job_env(j, "PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
	hook_job_env(j, "SHELL", "/bin/sh");
	hook_job_env(j, "HOME", "/");
	hook_job_env(j, "LANG", "C");
	return j;
}

void hook_job_env(struct hook_job *j, const char *key, const char *fmt, ...)
{
	char value[4096], *text;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	for (unsigned char *p = (unsigned char *)value; *p; p++)
		if (*p < ' ' || *p == 127)
			*p = '?';
	if (j->nr_env == HOOK_ENV_MAX ||
	    asprintf(&text, "%s=%s", key, value) < 0)
		j->failed = true;
	else
		j->env[j->nr_env++] = text;
}

void hook_job_free(struct hook_job *j)
{
	if (!j)
		return;
	for (unsigned i = 0; i < j->nr_env; i++)
		free(j->env[i]);
	free(j->command);
	free(j);
}
