/* SPDX-License-Identifier: GPL-2.0-or-later */
/* where_resolve.c - what names in filters stand for on this machine, now. */
#include "triggers/where.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define DEV_NONE (~0u)

static uint32_t make_dev(unsigned major, unsigned minor)
{
	return major << 20 | minor; /* as the kernel has it */
}

static bool parse_numbers(const char *text, uint32_t *ret)
{
	unsigned major, minor;
	char rest;

	if (sscanf(text, "%u:%u%c", &major, &minor, &rest) != 2 &&
	    sscanf(text, "%u:%u\n%c", &major, &minor, &rest) != 2)
		return false;
	*ret = make_dev(major, minor);
	return true;
}

/* "vda", "/dev/vda", "dm-0", "8:0" */
static uint32_t find_device(const char *name)
{
	const char *slash = strrchr(name, '/');
	char path[RULE_PATH_MAX + 64], text[32] = "";
	uint32_t dev;
	FILE *f;

	if (parse_numbers(name, &dev))
		return dev;
	snprintf(path, sizeof(path), "/sys/class/block/%s/dev",
		 slash ? slash + 1 : name);
	f = fopen(path, "re");
	if (!f)
		return DEV_NONE;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	return parse_numbers(text, &dev) ? dev : DEV_NONE;
}

static uint32_t find_mount(const char *folder)
{
	struct stat st;

	return stat(folder, &st) ? DEV_NONE :
				   make_dev(major(st.st_dev), minor(st.st_dev));
}

static void find_cgroup(const char *name, struct rule_where *w)
{
	static const char *const mounts[] = { "/sys/fs/cgroup",
					      "/sys/fs/cgroup/unified" };
	char path[RULE_PATH_MAX + 64];
	struct stat st;

	name += strspn(name, "/");
	w->cgroup = 0;
	for (unsigned i = 0; i < 2 && !w->cgroup; i++) {
		snprintf(path, sizeof(path), "%s/%s/cgroup.procs", mounts[i],
			 name);
		if (stat(path, &st))
			continue;
		*strrchr(path, '/') = '\0';
		if (!stat(path, &st))
			w->cgroup = st.st_ino;
	}
	w->cgroup_level = name[0] ? 1 : 0;
	for (const char *p = name; *p; p++)
		if (*p == '/' && p[1] && p[1] != '/')
			w->cgroup_level++;
}

static bool resolve(struct rule_where *w)
{
	struct rule_where was = *w;

	if (w->set & FR_WHERE_DEV)
		w->dev = w->is_mount ? find_mount(w->device) :
				       find_device(w->device);
	if (w->set & FR_WHERE_CGROUP)
		find_cgroup(w->group, w);
	return was.dev != w->dev || was.cgroup != w->cgroup;
}

bool where_resolve(struct fr_trigger_rule *rules, unsigned nr)
{
	bool changed = false;

	for (unsigned i = 0; i < nr; i++)
		for (unsigned c = 0; c < rules[i].expr.nr_conds; c++)
			changed |= resolve(&rules[i].expr.conds[c].where);
	return changed;
}

const char *where_unresolved(const struct fr_trigger_rule *r, char *buf,
			     size_t size)
{
	for (unsigned c = 0; c < r->expr.nr_conds; c++) {
		const struct rule_where *w = &r->expr.conds[c].where;

		if (w->set & FR_WHERE_DEV && w->dev == DEV_NONE) {
			snprintf(buf, size, "%s %s",
				 w->is_mount ? "folder" : "device", w->device);
			return buf;
		}
		if (w->set & FR_WHERE_CGROUP && !w->cgroup) {
			snprintf(buf, size, "cgroup %s", w->group);
			return buf;
		}
	}
	return NULL;
}
