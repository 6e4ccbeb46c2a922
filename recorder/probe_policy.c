/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe_policy.c - gives the kernel what policy.h reads: constants for everybody,
 * and a map of the cgroups that have rules of their own.
 */
#include "recorder/log.h"
#include "recorder/policy.h"
#include "recorder/probe_internal.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* As in bpf/policy.bpf.h. */
struct cgroup_policy {
	struct fr_policy p[FR_STREAMS_MAX];
};

#define ITEM_BYTES 4200

static int take_list(struct probes *p, const char *setting, const char *list,
		     struct fr_diag *diag)
{
	char item[ITEM_BYTES];

	while (config_next_item(&list, item, sizeof(item)))
		if (policy_take(p->cfg.policy, setting, item, diag))
			return -EINVAL;
	return 0;
}

int probe_policy_set(struct probes *p, struct fr_diag *diag)
{
	int err;

	for (unsigned i = 0; i < FR_STREAMS_MAX; i++)
		p->cfg.policy[i] = (struct fr_policy){ .every = 1 };
	err = take_list(p, "sample", p->config->probes_sample, diag);
	if (!err)
		err = take_list(p, "above", p->config->probes_above, diag);
	p->cfg.cgroup_rules = p->config->probes_cgroups[0] != '\0';
	return err;
}

/* The id of a cgroup v2 folder, 0: there is none. */
static uint64_t cgroup_id(const char *path)
{
	static const char *const mounts[] = { "/sys/fs/cgroup",
					      "/sys/fs/cgroup/unified" };
	char full[PATH_MAX + 64];
	struct stat st;

	for (unsigned i = 0; i < 2; i++) {
		snprintf(full, sizeof(full), "%s/%s", mounts[i],
			 path + strspn(path, "/"));
		if (!stat(full, &st))
			return st.st_ino;
	}
	return 0;
}

/* Several items may name one cgroup: each adds to what it has.  A cgroup that is not
 * there may come later: -ENOENT. */
static int put_cgroup(struct probes *p, int map, const char *item,
		      struct fr_diag *diag)
{
	char path[PATH_MAX];
	struct cgroup_policy c;
	uint64_t id;

	memcpy(c.p, p->cfg.policy, sizeof(c.p));
	if (policy_take_cgroup(c.p, item, path, sizeof(path), diag))
		return -EINVAL;
	id = cgroup_id(path);
	snprintf(diag->text, sizeof(diag->text), "%.200s", path);
	if (!id)
		return -ENOENT;
	if (!bpf_map_lookup_elem(map, &id, &c))
		(void)policy_take_cgroup(c.p, item, path, sizeof(path), diag);
	return bpf_map_update_elem(map, &id, &c, BPF_ANY) ? -errno : 0;
}

void probe_policy_cgroups(struct probes *p, bool say)
{
	const struct probe_map *m = probe_map(p, "policy_cgroup");
	const char *list = p->config->probes_cgroups;
	char item[ITEM_BYTES];
	struct fr_diag diag;

	while (m && config_next_item(&list, item, sizeof(item))) {
		int err = put_cgroup(p, m->fd, item, &diag);

		if (err == -ENOENT && say)
			log_err(0,
				"probes.cgroups: there is no cgroup %s below "
				"/sys/fs/cgroup yet; its rule holds when there is",
				diag.text);
		else if (err && say)
			log_err(err, "probes.cgroups: %s", item);
	}
}
